/*
 * inbox_peer - who may deliver: the user at the other end of a Unix socket
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct inbox_peers {
	uid_t *users;
	gid_t *groups;
	size_t n_users, n_groups;
	bool anybody; /* nobody is named */
};

/* Names with blanks between. 0, -ENOMEM, or INBOX_PEERS_INVALID with a line of text in error: there is no
 * such user or group, or it looks like any other from within our user namespace. */
enum { INBOX_PEERS_INVALID = 1 };
int inbox_peers_read(const char *users, const char *groups, struct inbox_peers *peers, char *error,
	size_t error_size) __attribute__((warn_unused_result));
void inbox_peers_clear(struct inbox_peers *peers);

/* *uid is who it is, for the log. */
bool inbox_peers_allow(const struct inbox_peers *peers, int fd, uid_t *uid);
