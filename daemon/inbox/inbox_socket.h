/*
 * inbox_socket - the Unix socket that mail comes in by: systemd's, or one that we make
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct inbox_socket {
	int fd;     /* listening, non-blocking; -1: none */
	char *path; /* of one that we made */
	dev_t device;
	ino_t inode;
};

/* path "" and group "": none. 0, -errno, or INBOX_SOCKET_INVALID with a line of text in error. */
enum { INBOX_SOCKET_INVALID = 1 };
int inbox_socket_open(const char *path, const char *group, struct inbox_socket *socket, char *error,
	size_t error_size) __attribute__((warn_unused_result));
/* Removes what we made, unless another stands in its place by now. fd may be somebody else's: -1 then. */
void inbox_socket_close(struct inbox_socket *socket);
