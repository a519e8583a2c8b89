#include "notify.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vacd-build.h"

enum { STATE_SIZE = 1024 };

#if HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>

static void send_state(const char *state)
{
	sd_notify(0, state);
}
#else
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* One datagram to the socket that $NOTIFY_SOCKET names; '@' stands for an abstract one's NUL. */
static void send_state(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (length == 0 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Nobody to tell when this fails; the manager will miss the watchdog and say so. */
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}
#endif

void notify_send(const char *fmt, ...)
{
	char state[STATE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(state, sizeof(state), fmt, ap);
	va_end(ap);
	send_state(state);
}

long notify_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");
	long long interval = usec ? strtoll(usec, NULL, 10) : 0;

	if (interval <= 0 || interval / 2000 > INT32_MAX)
		return 0;
	/* Meant for another process that only left its environment to us. */
	if (pid && strtoll(pid, NULL, 10) != getpid())
		return 0;
	return (long)(interval / 2000);
}
