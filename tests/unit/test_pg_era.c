#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pg.h"
#include "pg_era.h"

enum { WHY_SIZE = 300 };

static char why[WHY_SIZE];

/* What the server says of itself: its cluster, and the name of a log file. */
static PGresult *answer(const char *system, const char *file)
{
	static char name[] = "?column?";
	PGresAttDesc columns[2] = {{.name = name}, {.name = name}};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	assert_true(PQsetResultAttrs(result, 2, columns));
	assert_true(PQsetvalue(result, 0, 0, (char *)(uintptr_t)system, (int)strlen(system)));
	assert_true(PQsetvalue(result, 0, 1, (char *)(uintptr_t)file, (int)strlen(file)));
	return result;
}

static bool take(struct pg_era *era, const char *system, const char *file)
{
	PGresult *result = answer(system, file);
	struct pg_reply reply = {.outcome = PG_DONE, .result = result, .sqlstate = "", .text = ""};
	bool taken = pg_era_take(era, &reply, why, sizeof(why));

	PQclear(result);
	return taken;
}

static bool refuse(struct pg_era *era, const char *sqlstate, const char *text)
{
	struct pg_reply reply = {.outcome = PG_REFUSED, .sqlstate = sqlstate, .text = text};

	return pg_era_take(era, &reply, why, sizeof(why));
}

static void test_an_older_timeline_is_not_used(void **state)
{
	struct pg_era first, second, third;

	(void)state;
	assert_true(take(&first, "7300000000000000001", "00000009000000000000000F"));
	assert_false(pg_era_is_over(&first));
	assert_true(take(&second, "7300000000000000001", "0000000A0000000000000001"));
	assert_true(pg_era_is_over(&first));
	assert_false(pg_era_is_over(&second));
	assert_false(take(&third, "7300000000000000001", "00000009000000000000000F"));
	assert_non_null(strstr(why, "timeline 9, and one with timeline 10"));
}

static void test_another_cluster_is_another_matter(void **state)
{
	struct pg_era first, second;

	(void)state;
	assert_true(take(&first, "7300000000000000002", "000000050000000000000001"));
	assert_true(take(&second, "7300000000000000003", "000000010000000000000001"));
	assert_false(pg_era_is_over(&second));
	assert_false(pg_era_is_over(&first));
}

static void test_a_standby_is_refused_and_a_silent_server_used(void **state)
{
	struct pg_era newest, era;

	(void)state;
	assert_true(take(&newest, "7300000000000000004", "000000050000000000000001"));
	assert_false(refuse(&era, "55000", "recovery is in progress"));
	assert_string_equal(why, "recovery is in progress");
	assert_true(refuse(&era, "42501", "permission denied"));
	assert_false(pg_era_is_over(&era));
	assert_true(take(&era, "7300000000000000004", "short"));
	assert_false(pg_era_is_over(&era));
	/* And what was known before is still known. */
	assert_false(take(&era, "7300000000000000004", "000000040000000000000001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_older_timeline_is_not_used),
		cmocka_unit_test(test_another_cluster_is_another_matter),
		cmocka_unit_test(test_a_standby_is_refused_and_a_silent_server_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
