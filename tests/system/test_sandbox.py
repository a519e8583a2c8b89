"""The reader's sandbox, from inside: every number that a system call can have, by a child that a mail has taken
over and by a process in the reader's own sandbox. What is not on the lists here ends it."""

import platform
import re
import pathlib
import subprocess

import pytest

from harness import BUILD
from test_reader import Driver, FORBIDDEN

pytestmark = pytest.mark.skipif(platform.machine() != 'x86_64', reason='numbers of another machine')

NUMBERS = {name: int(number) for name, number in re.findall(
    r'^#define __NR_(\w+) (\d+)$', pathlib.Path('/usr/include/x86_64-linux-gnu/asm/unistd_64.h').read_text(), re.M)} \
    if platform.machine() == 'x86_64' else {}
MOST = 600

# Carried out, some with arguments that are looked at first.
CHILD = set('''brk clock_getres clock_gettime close exit exit_group futex getegid geteuid getgid getpid getrandom gettid
    gettimeofday getuid madvise mremap munmap read restart_syscall rt_sigprocmask rt_sigreturn sched_getaffinity
    sched_yield sysinfo time write'''.split())
# Answered with an error by the filter; the kernel does nothing.
REFUSED = set('''access faccessat faccessat2 fcntl fstat getcwd ioctl lseek lstat newfstatat open openat openat2 readlink
    readlinkat stat statx uname'''.split())
PARENT = set('''dup2 dup3 getppid pidfd_open pidfd_send_signal pipe2 poll ppoll rseq seccomp set_robust_list tgkill
    wait4'''.split())
PARENT_REFUSED = {'clone3'}

# The ways out that were thought of, by name: a file, the network, a program, a process, another's memory,
# the kernel's own doors.
WAYS_OUT = '''socket connect bind listen accept4 sendto sendmsg recvmsg socketpair
    execve execveat fork vfork clone clone3 unshare setns
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd kill tkill tgkill rt_sigqueueinfo pidfd_send_signal
    io_uring_setup io_uring_enter io_uring_register io_setup io_submit
    memfd_create memfd_secret shmget shmat mmap mprotect pkey_mprotect userfaultfd
    open_by_handle_at name_to_handle_at creat link symlink rename unlink mount move_mount open_tree fsopen chroot pivot_root
    bpf perf_event_open keyctl add_key request_key init_module finit_module kexec_load
    setrlimit setuid setgid capset prctl seccomp modify_ldt iopl ioperm personality
    dup dup2 pipe pipe2 splice sendfile fanotify_init inotify_init1 timerfd_create signalfd4 eventfd2
    landlock_create_ruleset quotactl acct swapon reboot settimeofday clock_settime'''.split()


def names_of(numbers):
    names = {number: name for name, number in NUMBERS.items()}
    return {names.get(number, str(number)) for number in numbers}


# Which newer kernels show to no filter: uretprobe and uprobe do nothing but for the kernel's own trampoline.
NOT_FILTERED = {335, 336}


@pytest.fixture(scope='module')
def survived():
    """What a child of the real reader was not ended for."""
    with Driver() as driver:
        return {number for number in range(MOST) if driver.ask(f'call {number}') != FORBIDDEN} - NOT_FILTERED


def test_the_numbers_are_known():
    assert len(NUMBERS) > 350 and max(NUMBERS.values()) < MOST
    assert set(WAYS_OUT) <= set(NUMBERS), 'names that there are not'


def test_a_child_is_ended_for_whatever_is_not_on_the_list(survived):
    assert names_of(survived) == CHILD | REFUSED


@pytest.mark.parametrize('name', WAYS_OUT)
def test_a_way_out_is_none(survived, name):
    assert NUMBERS[name] not in survived


def test_what_no_filter_sees_does_nothing():
    """SIGILL, ENXIO."""
    with Driver() as driver:
        for number in NOT_FILTERED:
            assert driver.ask(f'call {number}') in (FORBIDDEN, 'died ended by signal 4', 'record {"result": -1, "errno": 6}')


def test_what_the_filter_answers_by_itself():
    """Arguments that the kernel would call wrong, or a bad address: it never sees them."""
    with Driver() as driver:
        errors = {name: driver.ask(f'call {NUMBERS[name]}') for name in sorted(REFUSED)}
    expected = {'fcntl': 1, 'fstat': 1, 'ioctl': 25, 'lseek': 29, 'uname': 1}
    assert errors == {name: 'record {"result": -1, "errno": %d}' % expected.get(name, 2) for name in errors}


@pytest.mark.parametrize('number', [-1, 0x3fffffff, 0x40000000, 0x40000000 | 39, 0x40000000 | 520, 0x7fffffff])
def test_numbers_beyond_the_table(number):
    """From 0x40000000 on they are those of x32, 39 getpid() and 520 execve() there."""
    with Driver() as driver:
        assert driver.ask(f'call {number}') == FORBIDDEN


def test_the_table_of_32_bits():
    """A kernel without it ends the child by SIGSEGV."""
    with Driver() as driver:
        assert driver.ask('ia32') in (FORBIDDEN, 'died ended by signal 11')


def test_the_reader_itself_can_do_little_more():
    done = subprocess.run([BUILD / 'reader-driver', 'calls'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    survived = {int(number) for number in done.stdout.split()} - NOT_FILTERED
    assert names_of(survived) == CHILD | REFUSED | PARENT | PARENT_REFUSED
