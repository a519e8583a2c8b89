#include "inbox_peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME_SIZE = 64, GROUPS_MOST = 256 };

/* ---- names ---------------------------------------------------------------------------------- */

/* One line of a map: first id in here, first id outside, how many. */
static bool covers(const char *line, unsigned long id)
{
	char *end;
	unsigned long first = strtoul(line, &end, 10), n;

	strtoul(end, &end, 10);
	n = strtoul(end, NULL, 10);
	return id >= first && id - first < n;
}

/* In a user namespace (PrivateUsers=) all who are not mapped into it are "nobody". */
static bool is_mapped(const char *map, unsigned id)
{
	FILE *file = fopen(map, "re");
	bool found = file == NULL;
	char line[100];

	while (!found && fgets(line, sizeof(line), file))
		found = covers(line, id);
	if (file)
		fclose(file);
	return found;
}

/* Each gives 0 or INBOX_PEERS_INVALID. */

static int find_user(const char *name, unsigned *id)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		*id = user->pw_uid;
	return user ? 0 : INBOX_PEERS_INVALID;
}

static int find_group(const char *name, unsigned *id)
{
	const struct group *group = getgrnam(name);

	if (group)
		*id = group->gr_gid;
	return group ? 0 : INBOX_PEERS_INVALID;
}

struct kind {
	const char *word, *key, *map;
	int (*find)(const char *name, unsigned *id);
};

static const struct kind user_kind = {"user", "lmtp_users", "/proc/self/uid_map", find_user};
static const struct kind group_kind = {"group", "lmtp_groups", "/proc/self/gid_map", find_group};

static int read_name(
	const struct kind *kind, const char *name, unsigned *id, char *error, size_t error_size)
{
	if (kind->find(name, id)) {
		snprintf(error, error_size, "%s: there is no %s '%s'", kind->key, kind->word, name);
		return INBOX_PEERS_INVALID;
	}
	if (!is_mapped(kind->map, *id)) {
		snprintf(error, error_size,
			"%s: %s '%s' cannot be told from others here; set PrivateUsers=no in a "
			"drop-in of the unit, or name none and let the socket's mode decide",
			kind->key, kind->word, name);
		return INBOX_PEERS_INVALID;
	}
	return 0;
}

static int read_names(const struct kind *kind, const char *names, unsigned **idsp, size_t *np,
	char *error, size_t error_size)
{
	unsigned *ids = calloc(strlen(names) / 2 + 1, sizeof(*ids));
	char name[NAME_SIZE];
	size_t n = 0;
	int r = ids ? 0 : -ENOMEM;

	for (names += strspn(names, " "); !r && *names; names += strspn(names, " ")) {
		size_t length = strcspn(names, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		names += length;
		r = read_name(kind, name, &ids[n++], error, error_size);
	}
	*idsp = ids;
	*np = n;
	return r;
}

int inbox_peers_read(const char *users, const char *groups, struct inbox_peers *peers, char *error,
	size_t error_size)
{
	struct inbox_peers made = {0};
	int r = read_names(&user_kind, users, &made.users, &made.n_users, error, error_size);

	if (!r)
		r = read_names(
			&group_kind, groups, &made.groups, &made.n_groups, error, error_size);
	made.anybody = made.n_users + made.n_groups == 0;
	if (r)
		inbox_peers_clear(&made);
	else
		*peers = made;
	return r;
}

void inbox_peers_clear(struct inbox_peers *peers)
{
	free(peers->users);
	free(peers->groups);
	*peers = (struct inbox_peers){0};
}

/* ---- who it is ------------------------------------------------------------------------------ */

static bool has_group(const struct inbox_peers *peers, gid_t group)
{
	for (size_t i = 0; i < peers->n_groups; i++)
		if (peers->groups[i] == group)
			return true;
	return false;
}

/* The groups that the process at the other end had beside its own. */
static bool has_supplementary_group(const struct inbox_peers *peers, int fd)
{
	gid_t groups[GROUPS_MOST];
	socklen_t size = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (has_group(peers, groups[i]))
			return true;
	return false;
}

bool inbox_peers_allow(const struct inbox_peers *peers, int fd, uid_t *uid)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);
	int r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);

	*uid = peer.uid;
	if (peers->anybody)
		return true;
	if (r)
		return false;
	for (size_t i = 0; i < peers->n_users; i++)
		if (peers->users[i] == peer.uid)
			return true;
	return has_group(peers, peer.gid) || has_supplementary_group(peers, fd);
}
