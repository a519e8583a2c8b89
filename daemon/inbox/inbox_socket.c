#include "inbox_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../activation.h"

enum { BACKLOG = 128 };

struct fault {
	char *text;
	size_t size;
};

static int fault(const struct fault *fault, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fault(const struct fault *fault, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, fault->size, fmt, ap);
	va_end(ap);
	return INBOX_SOCKET_INVALID;
}

/* systemd's: it must be what we take it for, since we will accept() on it for ever. */
static int take_over(int fd, const struct fault *why)
{
	int type = 0, listens = 0, domain = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size)
		|| getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size)
		|| getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || domain != AF_UNIX
		|| type != SOCK_STREAM || !listens)
		return fault(why, "the socket 'lmtp' that systemd handed over is no listening Unix "
				  "stream socket");
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	return 0;
}

/* What a daemon that was killed left behind is in the way. */
static int remove_stale(const struct sockaddr_un *address, const struct fault *why)
{
	struct stat st;
	int fd, r;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return fault(why, "lmtp_socket: %s is there and is no socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(fd);
	if (r != ECONNREFUSED)
		return fault(why, "lmtp_socket: another process listens on %s", address->sun_path);
	return unlink(address->sun_path) ? -errno : 0;
}

/* Nobody can connect before listen(), by when owner and mode are right. */
static int make_ready(struct inbox_socket *made, const char *group, const struct fault *why)
{
	const struct group *entry = group[0] ? getgrnam(group) : NULL;
	struct stat st;

	if (group[0] && !entry)
		return fault(why, "lmtp_socket_group: there is no group '%s'", group);
	if (entry && chown(made->path, (uid_t)-1, entry->gr_gid))
		return fault(why, "lmtp_socket_group: %s cannot be given to '%s': %s", made->path,
			group, strerror(errno));
	if (chmod(made->path, 0660) || lstat(made->path, &st) || listen(made->fd, BACKLOG))
		return fault(why, "lmtp_socket: %s: %s", made->path, strerror(errno));
	made->device = st.st_dev;
	made->inode = st.st_ino;
	return 0;
}

static int make(
	const char *path, const char *group, struct inbox_socket *made, const struct fault *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return fault(why, "lmtp_socket: the path is longer than %zu characters",
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	r = remove_stale(&address, why);
	if (r)
		return r;
	made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made->fd < 0)
		return -errno;
	if (bind(made->fd, (const struct sockaddr *)&address, sizeof(address)))
		return fault(why, "lmtp_socket: %s cannot be made: %s", path, strerror(errno));
	made->path = strdup(path);
	if (!made->path)
		return -ENOMEM;
	return make_ready(made, group, why);
}

int inbox_socket_open(const char *path, const char *group, struct inbox_socket *socket, char *error,
	size_t error_size)
{
	const struct fault why = {error, error_size};
	struct inbox_socket made = {.fd = activation_find("lmtp")};
	int r = 0;

	if (made.fd >= 0)
		r = take_over(made.fd, &why);
	else if (path[0])
		r = make(path, group, &made, &why);
	if (r)
		inbox_socket_close(&made);
	else
		*socket = made;
	return r;
}

void inbox_socket_close(struct inbox_socket *socket)
{
	struct stat st;

	if (socket->path && lstat(socket->path, &st) == 0 && st.st_dev == socket->device
		&& st.st_ino == socket->inode)
		unlink(socket->path);
	if (socket->fd >= 0)
		close(socket->fd);
	free(socket->path);
	*socket = (struct inbox_socket){.fd = -1};
}
