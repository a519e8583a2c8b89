/*
 * hostile_acts - what a mail may make of the process that reads it
 */
#include "hostile_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "octets.h"

static volatile unsigned long long sink;

static int say_error(struct octets *out, int result)
{
	char text[80];

	snprintf(text, sizeof(text), "\n{\"result\": %d, \"errno\": %d}", result,
		result < 0 ? errno : 0);
	octets_add_text(out, text);
	return 0;
}

static int compute(struct octets *out)
{
	while (sink + 1 != 0)
		sink++;
	return say_error(out, 0);
}

static int wait_for_ever(struct octets *out)
{
	static int word;

	while (word == 0)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return say_error(out, 0);
}

/* How much there was, in MiB, before there was no more. */
static int allocate(struct octets *out)
{
	static char *kept[4096];
	int mib = 0;

	while (mib < 4096 && (kept[mib] = malloc(1 << 20)) != NULL)
		memset(kept[mib++], 1, 1 << 20);
	return mib < 256 ? -ENOMEM : say_error(out, mib);
}

static int crash(struct octets *out)
{
	(void)out;
	return raise(SIGSEGV);
}

static int give_up(struct octets *out)
{
	(void)out;
	abort();
}

static int deep(unsigned long long n)
{
	volatile char room[4096];

	room[n % sizeof(room)] = (char)n;
	return n > ~0ULL - 1 ? 0 : deep(n + 1) + room[n % sizeof(room)];
}

static int overflow(struct octets *out)
{
	return say_error(out, deep(1));
}

static int write_much(struct octets *out)
{
	static const char some[1 << 20];

	octets_add(out, some, sizeof(some));
	return 0;
}

static int write_nonsense(struct octets *out)
{
	octets_add_text(out, "\n[\xff\xfe]");
	return 0;
}

static int open_file(struct octets *out)
{
	return say_error(out, open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int make_file(struct octets *out)
{
	return say_error(out, open("reader-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int open_socket(struct octets *out)
{
	return say_error(out, socket(AF_INET, SOCK_STREAM, 0));
}

static int execute(struct octets *out)
{
	char program[] = "/bin/true";
	char *const arguments[] = {program, NULL}, *const environment[] = {NULL};

	return say_error(out, execve(program, arguments, environment));
}

static int make_process(struct octets *out)
{
	return say_error(out, (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int kill_parent(struct octets *out)
{
	return say_error(out, (int)syscall(SYS_kill, getpid() - 1, SIGKILL));
}

static int signal_parent(struct octets *out)
{
	return say_error(out, (int)syscall(SYS_tgkill, 1, 1, SIGURG));
}

static int trace(struct octets *out)
{
	return say_error(out, (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int run_memory(struct octets *out)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return say_error(out, at == MAP_FAILED ? -1 : 0);
}

static int raise_limit(struct octets *out)
{
	const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};

	return say_error(out, setrlimit(RLIMIT_AS, &more));
}

static int use_channel(struct octets *out)
{
	int found = 0;

	for (int fd = 0; fd < 64; fd++)
		found += read(fd, NULL, 0) == 0 || errno != EBADF;
	return say_error(out, found);
}

/* As a program of 32 bits would ask: another table of numbers, in which 20 is getpid(). */
static int call_ia32(struct octets *out)
{
	long result = -1;

#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
#endif
	return say_error(out, (int)result);
}

/* "call N": whatever the kernel has under that number, with arguments that nothing can be done with. */
static int call(const char *text, struct octets *out)
{
	return say_error(out, (int)syscall(strtol(text, NULL, 0), -1L, -1L, -1L, -1L, -1L, -1L));
}

static const struct {
	const char *name;
	int (*act)(struct octets *out);
} acts[] = {
	{"compute", compute},
	{"wait", wait_for_ever},
	{"allocate", allocate},
	{"crash", crash},
	{"abort", give_up},
	{"overflow", overflow},
	{"write much", write_much},
	{"write nonsense", write_nonsense},
	{"open", open_file},
	{"create", make_file},
	{"socket", open_socket},
	{"execute", execute},
	{"fork", make_process},
	{"kill", kill_parent},
	{"signal", signal_parent},
	{"trace", trace},
	{"run memory", run_memory},
	{"raise limit", raise_limit},
	{"channel", use_channel},
	{"ia32", call_ia32},
};

int hostile_act(const char *name, size_t n, struct octets *out)
{
	if (n > 5 && memcmp(name, "call ", 5) == 0)
		return call(name + 5, out);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strlen(acts[i].name) == n && memcmp(acts[i].name, name, n) == 0)
			return acts[i].act(out);
	return -ENOSYS;
}
