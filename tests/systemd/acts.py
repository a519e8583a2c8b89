"""What a vacd that somebody has taken over would try. Prints {act: "done", or what became of it} in JSON."""

import ctypes
import json
import mmap
import os
import signal
import socket
import time

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def write(path):
    def act():
        with open(path, 'w') as file:
            file.write('x')
    return act


def read(path):
    return lambda: open(path, 'rb').read(1)


def reach(family, kind, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def run_memory():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def make_setuid():
    path = os.environ['STATE_DIRECTORY'] + '/x'
    write(path)()
    os.chmod(path, 0o4755)


def make_device():
    os.mknod(os.environ['STATE_DIRECTORY'] + '/d', 0o600 | 0o060000, os.makedev(7, 0))


def see_others():
    others = [pid for pid in os.listdir('/proc') if pid.isdigit() and int(pid) != os.getpid()]
    if not others:
        raise OSError('sees nobody')


ACTS = {
    'write to its state': lambda: write(os.environ['STATE_DIRECTORY'] + '/x')(),
    'TCP': reach(socket.AF_INET, socket.SOCK_STREAM),
    'Unix socket': reach(socket.AF_UNIX, socket.SOCK_STREAM),
    'its credential': lambda: read(os.environ['CREDENTIALS_DIRECTORY'] + '/token-keys')(),
    'seccomp': lambda: call(317, 2, 0, ctypes.byref(ctypes.c_uint32(0x7fff0000))),   # is there such an action
    'write /etc': write('/etc/x'), 'write /usr': write('/usr/x'), 'write /var/lib': write('/var/lib/x'),
    'write /run': write('/run/x'), 'write /home': write(os.path.join('/home', 'x')), 'write /boot': write('/boot/x'),
    'write a kernel setting': write('/proc/sys/kernel/core_pattern'),
    'write a control group': write('/sys/fs/cgroup/x'),
    'read shadow': read('/etc/shadow'), 'read the secrets of root': read('/etc/vacd/secrets/token-keys'),
    'read the kernel log': read('/dev/kmsg'), 'read memory': read('/dev/mem'), 'look home': lambda: os.listdir('/root'),
    'read another process': read('/proc/1/environ'), 'see other processes': see_others,
    'raw packets': reach(socket.AF_PACKET, socket.SOCK_RAW), 'raw IP': reach(socket.AF_INET, socket.SOCK_RAW, 1),
    'netlink': reach(socket.AF_NETLINK, socket.SOCK_RAW), 'vsock': reach(socket.AF_VSOCK, socket.SOCK_STREAM),
    'a name space': lambda: call(272, 0x10000000), 'a mount': lambda: call(165, b'x', b'/mnt', b'tmpfs', 0, None),
    'become root': lambda: os.setuid(0), 'become another': lambda: os.setgid(1),
    'kill the first process': lambda: os.kill(1, signal.SIGTERM),
    'trace itself': lambda: call(101, 0, 0, 0, 0),
    'memory that runs': run_memory, 'a set-uid file': make_setuid, 'a device': make_device,
    'the clock': lambda: time.clock_settime(time.CLOCK_REALTIME, 0), 'the name of the machine': lambda: socket.sethostname('x'),
    'more rights in time': lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    'io_uring': lambda: call(425, 1, ctypes.create_string_buffer(200)), 'bpf': lambda: call(321, 0, None, 0),
    'another personality': lambda: call(135, 0x0040000), 'a key ring': lambda: call(250, 0, -3, 1),
    'a module': lambda: call(313, 0, b'', 0), 'user faults': lambda: call(323, 0),
}


def result_of(act):
    try:
        act()
    except OSError as error:
        return error.strerror or str(error)
    return 'done'


print(json.dumps({name: result_of(act) for name, act in ACTS.items()}))
