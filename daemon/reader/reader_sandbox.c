/*
 * reader_sandbox - what the reader gives up before it sees a mail, and its children before they read one
 */
#include "reader_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	OWN_FILES = 8, /* the channel, two of nothing, a child's pipe and handle */
	CHILD_FILES = 0,
};

/* ---- lists ---------------------------------------------------------------------------------- */

/* Memory, clocks, chance, and the end. */
static const int allowed[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(read),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(write),
};

/* Of the process that forks, beside them. */
static const int allowed_to_parent[] = {
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(getppid),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(rseq),
	SCMP_SYS(seccomp),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(tgkill),
	SCMP_SYS(wait4),
};

/* What the C library and GLib try and can do without. */
static const struct {
	int number, error;
} refused[] = {
	{SCMP_SYS(access), ENOENT},
	{SCMP_SYS(faccessat), ENOENT},
	{SCMP_SYS(faccessat2), ENOENT},
	{SCMP_SYS(fcntl), EPERM},
	{SCMP_SYS(fstat), EPERM},
	{SCMP_SYS(getcwd), ENOENT},
	{SCMP_SYS(ioctl), ENOTTY},
	{SCMP_SYS(lseek), ESPIPE},
	{SCMP_SYS(lstat), ENOENT},
	{SCMP_SYS(newfstatat), ENOENT},
	{SCMP_SYS(open), ENOENT},
	{SCMP_SYS(openat), ENOENT},
	{SCMP_SYS(openat2), ENOENT},
	{SCMP_SYS(readlink), ENOENT},
	{SCMP_SYS(readlinkat), ENOENT},
	{SCMP_SYS(stat), ENOENT},
	{SCMP_SYS(statx), ENOENT},
	{SCMP_SYS(uname), EPERM},
};

/* What a fork by the C library asks for; anything more would be a thread or a namespace. */
static const scmp_datum_t fork_flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | 0xff;

/* ---- filters -------------------------------------------------------------------------------- */

/* A call that a machine's kernel does not have needs no rule. */
static int add(scmp_filter_ctx filter, uint32_t action, int number)
{
	return number < 0 ? 0 : seccomp_rule_add(filter, action, number, 0);
}

/* Allowed if an argument compares so; the second number is for SCMP_CMP_MASKED_EQ, and 0 for others. */
static int add_if(scmp_filter_ctx filter, int number, unsigned argument, enum scmp_compare compare,
	scmp_datum_t one, scmp_datum_t other)
{
	const struct scmp_arg_cmp condition = {
		.arg = argument, .op = compare, .datum_a = one, .datum_b = other};

	return number < 0 ? 0
			  : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition);
}

/* Bits that must be 0 in an argument. */
static int add_without(scmp_filter_ctx filter, int number, unsigned argument, scmp_datum_t bits)
{
	return add_if(filter, number, argument, SCMP_CMP_MASKED_EQ, bits, 0);
}

/* No memory can be written and run, or be made to run. */
static int add_memory(scmp_filter_ctx filter)
{
	int r = add_without(filter, SCMP_SYS(mmap), 2, PROT_EXEC);

	return r < 0 ? r : add_without(filter, SCMP_SYS(mprotect), 2, PROT_EXEC);
}

static int add_common(scmp_filter_ctx filter)
{
	int r = add_memory(filter);

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed[i]);
	for (size_t i = 0; r == 0 && i < sizeof(refused) / sizeof(refused[0]); i++)
		r = add(filter, SCMP_ACT_ERRNO((uint32_t)refused[i].error), refused[i].number);
#if READER_SANITIZED
	if (r == 0)
		r = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack));
	if (r == 0)
		r = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction));
#endif
	return r;
}

/* Limits of its own, of no other process: a child asks for less before it reads. */
static int add_limits(scmp_filter_ctx filter)
{
	return add_if(filter, SCMP_SYS(prlimit64), 0, SCMP_CMP_EQ, 0, 0);
}

static int add_parent(scmp_filter_ctx filter)
{
	const scmp_datum_t options[] = {PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP};
	int r = add_without(filter, SCMP_SYS(clone), 0, ~fork_flags);

	if (r == 0)
		r = add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
	if (r == 0)
		r = add_limits(filter);
	for (size_t i = 0; r == 0 && i < sizeof(options) / sizeof(options[0]); i++)
		r = add_if(filter, SCMP_SYS(prctl), 0, SCMP_CMP_EQ, options[i], 0);
	for (size_t i = 0; r == 0 && i < sizeof(allowed_to_parent) / sizeof(allowed_to_parent[0]);
		i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed_to_parent[i]);
	return r;
}

/* abort() and raise() of itself, so that one sees in the end what it died of. */
static int add_child(scmp_filter_ctx filter)
{
	int r = add_if(filter, SCMP_SYS(tgkill), 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);

	if (r == 0)
		r = add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64));
	if (r == 0)
		r = add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl));
	return r;
}

static int load(int (*add_more)(scmp_filter_ctx filter))
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (filter == NULL)
		return -ENOMEM;
	r = add_common(filter);
	if (r == 0)
		r = add_more(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* ---- limits --------------------------------------------------------------------------------- */

static int limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard)
{
	const struct rlimit wanted = {.rlim_cur = soft, .rlim_max = hard};

	return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

/* The first second over it is for dying of a signal that says why. */
static int limit_child(void)
{
	int r = limit(RLIMIT_CPU, READER_CPU_S, READER_CPU_S + 1);

	if (r == 0 && !READER_SANITIZED)
		r = limit(RLIMIT_AS, READER_MEMORY, READER_MEMORY);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, CHILD_FILES, CHILD_FILES);
	return r;
}

int reader_sandbox_prepare(void)
{
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		|| prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	r = limit(RLIMIT_CORE, 0, 0);
	if (r == 0 && !READER_SANITIZED)
		r = limit(RLIMIT_FSIZE, 0, 0);
	return r;
}

int reader_sandbox_enter(void)
{
	int r = limit(RLIMIT_NOFILE, OWN_FILES, OWN_FILES);

	return r < 0 ? r : load(add_parent);
}

int reader_sandbox_enter_child(int out, pid_t parent)
{
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (parent != getppid())
		return -ESRCH;
	for (int fd = 0; fd < OWN_FILES; fd++)
		if (fd != out && !(READER_SANITIZED && fd == STDERR_FILENO))
			close(fd);
	r = limit_child();
	return r < 0 ? r : load(add_child);
}

int reader_sandbox_try(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return EEXIST;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : EISCONN;
}
