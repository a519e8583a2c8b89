#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"

static char lines[20000];

static void nothing(void)
{
}

static void write_long(void)
{
	static char text[9000];

	memset(text, '\n', sizeof(text) - 1);
	log_info("long", "%s", text);
}

static void write_controls(void)
{
	log_info("eve\nnt", "a=%s b=%s c=%s", "x\ny\t\x7f",
		"\xc2\x9b"
		"1m",
		"\xc3\xa9");
}

static void write_levels(void)
{
	log_set_level(LOG_NOTICE);
	log_info("dropped", "%s", "");
	log_notice("kept", "%s", "");
	log_error("kept too", "n=%d", 5);
	log_set_level(LOG_INFO);
	log_debug("dropped", "%s", "");
}

/* What stderr gets meanwhile, which stands in for the journal's stream when stream says so. */
static const char *written(void (*write_some)(void), int journal)
{
	int ends[2], keep = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	if (journal)
		setenv("JOURNAL_STREAM", stream, 1);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	write_some();
	dup2(keep, STDERR_FILENO);
	close(keep);
	n = read(ends[0], lines, sizeof(lines) - 1);
	close(ends[0]);
	lines[n > 0 ? n : 0] = '\0';
	return lines;
}

/* First, since the answer is kept: one stream for the life of a program. */
static void test_journal(void **state)
{
	(void)state;
	assert_string_equal(written(nothing, 1), "");
	assert_string_equal(written(write_levels, 1), "<5>kept\n<3>kept too n=5\n");
}

static void test_control_characters(void **state)
{
	(void)state;
	assert_string_equal(written(write_controls, 0),
		"<6>eve\\x0ant a=x\\x0ay\\x09\\x7f b=\\xc2\\x9b"
		"1m c=\xc3\xa9\n");
}

static void test_long_lines_stay_one(void **state)
{
	const char *line = written(write_long, 0);

	(void)state;
	assert_true(strlen(line) < 5000);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_lines_stay_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
