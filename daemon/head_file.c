#include "head_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "octets.h"
#include "signature.h"

/* A line has some 300 bytes: decades of days. */
enum { FILE_MAX = 16 * 1024 * 1024, CROWDED = FILE_MAX / 2, DAY = 11 };

/* ---- which lines stay ----------------------------------------------------------------------- */

struct line {
	const char *begin, *end; /* the newline */
	char day[DAY];           /* it is of; "": it has none */
	long long number;
};

/* The value behind " name=" in a line, or its end. */
static const char *value_of(const struct line *line, const char *name)
{
	const char *at = memmem(line->begin, (size_t)(line->end - line->begin), name, strlen(name));

	return at ? at + strlen(name) : line->end;
}

/* Takes the line at begin; false: there is none. What is no whole line was cut off by a crash. */
static bool take_line(const char *begin, const char *end, struct line *line)
{
	const char *at;

	*line = (struct line){.begin = begin, .end = memchr(begin, '\n', (size_t)(end - begin))};
	if (!line->end)
		return false;
	at = value_of(line, " at=");
	if (line->end - at >= DAY - 1)
		memcpy(line->day, at, DAY - 1);
	/* It ends at the newline at the latest. */
	line->number = strtoll(value_of(line, " number="), NULL, 10);
	return true;
}

/* The lines of old that stay beside a new one of this day. A head that a lower one follows is what shows
 * that history was cut off. A file so large that soon it could not be read any more is thinned of the last
 * days, too. */
static void keep_lines(const char *old, size_t size, const char *today, struct octets *kept)
{
	const char *end = old + size;
	char yesterday[DAY] = "";
	struct line line, next;
	bool more;

	/* The day before today on which there was a head. */
	for (const char *at = old; take_line(at, end, &line); at = line.end + 1)
		if (strcmp(line.day, today) != 0)
			memcpy(yesterday, line.day, DAY);
	for (more = take_line(old, end, &line); more; line = next) {
		more = take_line(line.end + 1, end, &next);
		if (!more || strcmp(line.day, next.day) != 0 || line.number > next.number
			|| (size < CROWDED
				&& (strcmp(line.day, today) == 0
					|| strcmp(line.day, yesterday) == 0)))
			octets_add(kept, line.begin, (size_t)(line.end + 1 - line.begin));
	}
}

static int compose(const char *path, const char *line, char **textp, size_t *lengthp)
{
	struct octets text = {0};
	char *old = NULL;
	struct line new = {.begin = line, .end = line + strlen(line)};
	size_t size = 0;
	int r = file_read(path, FILE_MAX, &old, &size);

	if (r && r != -ENOENT)
		return r;
	if (new.end - value_of(&new, " at=") >= DAY - 1)
		memcpy(new.day, value_of(&new, " at="), DAY - 1);
	if (old)
		keep_lines(old, size, new.day, &text);
	free(old);
	octets_add_text(&text, line);
	octets_add_char(&text, '\n');
	return octets_take(&text, textp, lengthp);
}

/* ---- writing -------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A rename is there after a crash once its folder is written. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd, r = 0;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* The new file, locked; -errno. Another process may have renamed it between open() and flock(). */
static int open_locked(const char *beside)
{
	struct stat here, there;
	int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640), r = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	else if (fstat(fd, &here) < 0)
		r = -errno;
	else if (stat(beside, &there) < 0 || here.st_ino != there.st_ino
		 || here.st_dev != there.st_dev)
		r = -EAGAIN;
	else if (ftruncate(fd, 0) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int replace(const char *path, const char *beside, const char *line)
{
	char *text = NULL;
	size_t length;
	int fd = open_locked(beside), r;

	if (fd < 0)
		return fd;
	r = compose(path, line, &text, &length);
	if (!r)
		r = write_all(fd, text, length);
	if (!r && rename(beside, path) < 0)
		r = -errno;
	if (!r)
		r = sync_folder(path);
	free(text);
	close(fd);
	return r;
}

int head_file_add(const char *path, const char *line)
{
	char *beside;
	int r;

	if (asprintf(&beside, "%s.new", path) < 0)
		return -ENOMEM;
	r = replace(path, beside, line);
	free(beside);
	return r;
}

/* ---- reading -------------------------------------------------------------------------------- */

int head_file_highest(const char *path, const struct signature_key *key, char *line, size_t size)
{
	char *text = NULL, *rest, *next, number[24];
	long long highest = 0;
	int r = file_read_text(path, FILE_MAX, &text);

	line[0] = '\0';
	rest = text;
	while (!r && (next = strsep(&rest, "\n"))) {
		if (strlen(next) >= size || signature_check(key, next)
			|| signature_value(next, "number", number, sizeof(number))
			|| strtoll(number, NULL, 10) <= highest)
			continue;
		highest = strtoll(number, NULL, 10);
		memcpy(line, next, strlen(next) + 1);
	}
	free(text);
	return r == -ENOENT ? 0 : r;
}
