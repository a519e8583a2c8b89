/* roster: which sheet a first line is of, what is said of bad ones, and the rows that come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "roster.h"

static void read_text(const char *text, struct roster_sheet *sheet)
{
	int r = roster_read(text, strlen(text), sheet);

	assert_int_equal(r, sheet->n_problems > 0 ? ROSTER_INVALID : 0);
	assert_non_null(sheet->rows);
}

static void check_rows(const char *text, const char *name, const char *rows)
{
	struct roster_sheet sheet;

	read_text(text, &sheet);
	assert_int_equal(sheet.n_problems, 0);
	assert_true(sheet.usable);
	assert_string_equal(sheet.name, name);
	assert_string_equal(sheet.rows, rows);
	roster_sheet_clear(&sheet);
}

/* n problems; the first is of this line and begins so. */
static void check_problem(const char *text, size_t n, size_t line, const char *words)
{
	struct roster_sheet sheet;

	read_text(text, &sheet);
	assert_int_equal(sheet.n_problems, n);
	assert_int_equal(sheet.problems[0].line, line);
	if (strncmp(sheet.problems[0].text, words, strlen(words)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", sheet.problems[0].text, words);
	assert_true(roster_is_bad_line(&sheet, line));
	assert_false(roster_is_bad_line(&sheet, 9999));
	roster_sheet_clear(&sheet);
}

static void test_sheets(void **state)
{
	(void)state;
	check_rows("coordinator,from,to\n", "leave", "[]");
	check_rows("coordinator,kind,days,from,to\n", "patterns", "[]");
	check_rows("coordinator,kind,days,from,to,valid_from,valid_to\n", "patterns", "[]");
	check_rows("login,name,mail,offices\n", "supervisors", "[]");
	check_rows("code,name,time_zone,telephone,hours,places\n", "offices", "[]");
	check_rows("code,office,duty,name,title,mail,telephone,services,languages\n",
		"coordinators", "[]");
	/* in any order, and as a person writes it */
	check_rows("\xef\xbb\xbf\"To\", Coordinator ,FROM\r\nb,S-1,a\r\n", "leave",
		"[{\"line\":2,\"to\":\"b\",\"coordinator\":\"S-1\",\"from\":\"a\"}]");
	check_rows("Code,Name,Time Zone,telephone,hours,places\n", "offices", "[]");
}

static void test_rows(void **state)
{
	(void)state;
	check_rows("coordinator,from,to\n\n,,\nS-1,\"a\"\"b\",\n  ,,\nS-2,x,y,,\n", "leave",
		"[{\"line\":4,\"coordinator\":\"S-1\",\"from\":\"a\\\"b\",\"to\":\"\"},"
		"{\"line\":6,\"coordinator\":\"S-2\",\"from\":\"x\",\"to\":\"y\"}]");
}

static void test_bad_first_lines(void **state)
{
	(void)state;
	check_problem("", 1, 1, "the file is empty");
	check_problem("\n\n", 1, 1, "the file is empty");
	check_problem("name,colour\n", 1, 1,
		"this is the first line of no sheet; expected the columns "
		"code,name,time_zone");
	check_problem("coordinator;from;to\n", 1, 1, "the columns lie between semicolons");
	check_problem("coordinator,from,too\n", 2, 1, "column too: unknown; expected to?");
	check_problem("login,name,mial,offices\n", 2, 1, "column mial: unknown; expected mail?");
	check_problem(
		"login,name,mail,ofices\n", 2, 1, "column ofices: unknown; expected offices?");
	check_problem("coordinator,from,to,wholly_else\n", 1, 1,
		"column wholly_else: unknown; expected of sheet leave: coordinator,from,to");
	check_problem("coordinator,from,to,\n", 1, 1, "column 4 has no name");
	check_problem("coordinator,from,to,To\n", 1, 1, "column to: named twice");
	check_problem("coordinator,days,from,to\n", 1, 1,
		"column kind: missing; expected it in sheet patterns");
	check_problem("coordinator\tfrom\tto\n", 1, 1, "character 12: a tab");
	check_problem("coordinator,\"from,to\nS-1,a,b\n", 1, 1, "character 13: a quote");
}

static void test_bad_lines(void **state)
{
	struct roster_sheet sheet;

	(void)state;
	check_problem("coordinator,from,to\nS-1,a\n", 1, 2, "2 fields; expected 3");
	check_problem("coordinator,from,to\nS-1,a,b,c\n", 1, 2, "4 fields; expected 3");
	check_problem("coordinator,from,to\nS-1,a,\"b\n", 1, 2, "column to, character 7: a quote");
	check_problem("coordinator,from,to\nS-1,a,b,\"c\n", 1, 2, "character 9: a quote");

	/* Of bad lines, what could be read is passed on; every bad line is named. */
	read_text("coordinator,from,to\nS-1,\"a,b\nS-2,a,b\nS-3\n\"S\"-4,a,b\n", &sheet);
	assert_int_equal(sheet.n_problems, 3);
	assert_true(roster_is_bad_line(&sheet, 2));
	assert_false(roster_is_bad_line(&sheet, 3));
	assert_true(roster_is_bad_line(&sheet, 4));
	assert_true(roster_is_bad_line(&sheet, 5));
	assert_string_equal(sheet.rows,
		"[{\"line\":2,\"coordinator\":\"S-1\"},"
		"{\"line\":3,\"coordinator\":\"S-2\",\"from\":\"a\",\"to\":\"b\"},"
		"{\"line\":4,\"coordinator\":\"S-3\"}]");
	roster_sheet_clear(&sheet);
}

/* Lines mean nothing while the columns are unclear, but their form is looked at. */
static void test_bad_first_and_bad_line(void **state)
{
	struct roster_sheet sheet;

	(void)state;
	read_text("coordinator,form,to\nS-1,a,b\nS-2,\"a,b\n", &sheet);
	assert_false(sheet.usable);
	assert_int_equal(sheet.n_problems, 3);
	assert_int_equal(sheet.problems[2].line, 3);
	assert_string_equal(sheet.rows, "[]");
	roster_sheet_clear(&sheet);
}

static void test_order(void **state)
{
	static const char *const first[] = {"code", "login", "code", "coordinator", "coordinator"};

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_string_equal(roster_column(i, 0), first[i]);
	assert_null(roster_column(5, 0));
	assert_null(roster_column(0, 7));
	assert_string_equal(roster_column(0, 6), "backups?");
	assert_string_equal(roster_column(2, 15), "time_zone?");
	assert_null(roster_column(2, 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sheets),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bad_first_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_bad_first_and_bad_line),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
