#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A longer record is cut: the journal's own limit is 48 KiB, and nobody reads so much. */
enum { LINE_SIZE = 4096 };

static int least_urgent = LOG_INFO;

void log_set_level(int priority)
{
	least_urgent = priority;
}

/* systemd names the stream that it gave us as "device:inode"; stderr may have been redirected since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

static size_t write_time(char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(out + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

static size_t write_prefix(char *out, size_t size, int priority)
{
	static const char *const words[] = {
		[LOG_ERR] = "error ", [LOG_WARNING] = "warning ", [LOG_DEBUG] = "debug "};
	static int journal = -1;
	const char *word = NULL;
	size_t n;

	if (journal < 0)
		journal = stderr_is_journal();
	if (journal)
		return (size_t)snprintf(out, size, "<%d>", priority);
	n = write_time(out, size);
	if (priority >= 0 && (size_t)priority < sizeof(words) / sizeof(words[0]))
		word = words[priority];
	return n + (size_t)snprintf(out + n, size - n, "%s", word ? word : "");
}

/* How many of the next bytes are a control character: C0 and DEL are one byte, the C1 controls, which
 * terminals obey as well, are C2 80 … C2 9F in UTF-8. */
static int control_length(const unsigned char *p)
{
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	return *p < 0x20 || *p == 0x7f;
}

static size_t append_escaped(char *out, size_t n, size_t size, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p && n + 9 < size) {
		int controls = control_length(p);

		if (controls == 0)
			out[n++] = (char)*p++;
		for (; controls; controls--)
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", *p++);
	}
	return n;
}

void log_line(int priority, const char *event, const char *fmt, ...)
{
	char line[LINE_SIZE], pairs[LINE_SIZE];
	va_list ap;
	size_t n;

	if (priority > least_urgent)
		return;
	va_start(ap, fmt);
	vsnprintf(pairs, sizeof(pairs), fmt, ap);
	va_end(ap);

	n = write_prefix(line, sizeof(line), priority);
	n = append_escaped(line, n, sizeof(line) - 1, event);
	if (pairs[0]) {
		line[n++] = ' ';
		n = append_escaped(line, n, sizeof(line) - 1, pairs);
	}
	line[n++] = '\n';
	/* One write, so that lines of several processes on one terminal stay whole. There is
	 * nowhere to say that it failed. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
