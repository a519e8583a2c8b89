#include "activation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 100 };

/* How many there are. The environment may be meant for the process that started us. */
static int count(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long n = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != getpid() || n < 1 || n > MOST)
		return 0;
	return (int)n;
}

void activation_seal(void)
{
	int n = count();

	for (int fd = FIRST; fd < FIRST + n; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int activation_find(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int n = count();

	for (int fd = FIRST; names && fd < FIRST + n; fd++) {
		size_t length = strcspn(names, ":");

		if (length == strlen(name) && strncmp(names, name, length) == 0)
			return fd;
		names = names[length] ? names + length + 1 : NULL;
	}
	return -1;
}
