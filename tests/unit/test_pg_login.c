#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg.h"
#include "pg_login.h"

static struct pg_login *make(const char *conninfo)
{
	struct pg_login *login = NULL;
	char error[300] = "";

	if (pg_login_new(conninfo, "", "test", 30000, &login, error, sizeof(error)))
		fail_msg("%s: %s", conninfo, error);
	return login;
}

static void refused(const char *conninfo, const char *word)
{
	struct pg_login *login = NULL;
	char error[300] = "";

	assert_int_equal(pg_login_new(conninfo, "", "test", 30000, &login, error, sizeof(error)),
		PG_LOGIN_INVALID);
	assert_null(login);
	if (!strstr(error, word))
		fail_msg("%s: does not say '%s': %s", conninfo, word, error);
	assert_null(strchr(error, '\n'));
}

/* hosts: names as for the log, and what is to be looked up ("-" nothing), separated by blanks. */
static void names(const char *conninfo, const char *hosts, const char *lookups)
{
	struct pg_login *login = make(conninfo);
	char found[200] = "", wanted[200] = "";
	size_t n = 0, m = 0;

	for (size_t i = 0; i < pg_login_hosts(login); i++) {
		const char *lookup = pg_login_lookup(login, i);

		n += (size_t)snprintf(found + n, sizeof(found) - n, "%s%s", i ? " " : "",
			pg_login_name(login, i));
		m += (size_t)snprintf(wanted + m, sizeof(wanted) - m, "%s%s", i ? " " : "",
			lookup ? lookup : "-");
	}
	assert_string_equal(found, hosts);
	assert_string_equal(wanted, lookups);
	pg_login_free(login);
}

static void test_hosts(void **state)
{
	(void)state;
	names("dbname=vac", "local", "-");
	names("host=/run/postgresql", "/run/postgresql", "-");
	names("host=db1 port=5433", "db1:5433", "db1");
	names("host=db1,db2,/run/x", "db1 db2 /run/x", "db1 db2 -");
	names("host=db1,db2 port=5433", "db1:5433 db2:5433", "db1 db2");
	names("host=db1,db2 port=5433,5434", "db1:5433 db2:5434", "db1 db2");
	names("host=db1,db2 port=,5434", "db1 db2:5434", "db1 db2");
	names("host=db1,db2 hostaddr=10.0.0.1,10.0.0.2", "db1 db2", "- -");
	names("hostaddr=10.0.0.1,10.0.0.2", "10.0.0.1 10.0.0.2", "- -");
	names("postgresql://db1:1,db2:2/vac?target_session_attrs=read-write", "db1:1 db2:2",
		"db1 db2");
}

static void test_refused(void **state)
{
	(void)state;
	refused("host=a,b,c port=1,2", "do not fit");
	refused("host=a,b hostaddr=10.0.0.1", "do not fit");
	refused("dbname=vac pasword=x", "pasword");
	refused("dbname='vac", "unterminated");
	refused("dbname=vac password=secret", "database_password_file");
	refused("postgresql://vacd:secret@db/vac", "database_password_file");
}

/* The message must not repeat the secret. */
static void test_secret_is_not_repeated(void **state)
{
	struct pg_login *login = NULL;
	char error[300] = "";

	(void)state;
	assert_int_equal(
		pg_login_new("password=hunter22", "", "test", 1, &login, error, sizeof(error)),
		PG_LOGIN_INVALID);
	assert_null(strstr(error, "hunter22"));
}

static void test_timeouts(void **state)
{
	static const struct {
		const char *conninfo;
		long ms;
	} cases[] = {{"dbname=vac", 10000}, {"connect_timeout=3", 3000},
		{"connect_timeout=1", 2000}, {"connect_timeout=0", 10000},
		{"connect_timeout=30", 30000}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pg_login *login = make(cases[i].conninfo);

		assert_int_equal(pg_login_timeout_ms(login), cases[i].ms);
		pg_login_free(login);
	}
}

static void test_password_file_that_is_not_there(void **state)
{
	struct pg_login *login = NULL;
	char error[300] = "";

	(void)state;
	assert_int_equal(pg_login_new("host=/nonexistent", "/nonexistent/password", "test", 1000,
				 &login, error, sizeof(error)),
		0);
	assert_null(pg_login_start(login, 0, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, "/nonexistent/password"));
	pg_login_free(login);
}

static void test_flatten(void **state)
{
	char line[40], small[6];

	(void)state;
	pg_login_flatten("one\n\ttwo \"x\"\n", line, sizeof(line));
	assert_string_equal(line, "one; two 'x'");
	pg_login_flatten("", line, sizeof(line));
	assert_string_equal(line, "");
	pg_login_flatten("0123456789", small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
}

static void test_array(void **state)
{
	static const char *const parts[] = {"a", "", "NULL", NULL, "q\"\\{,} x"};
	char *array = pg_array(parts, sizeof(parts) / sizeof(parts[0]));

	(void)state;
	assert_string_equal(array, "{\"a\",\"\",\"NULL\",NULL,\"q\\\"\\\\{,} x\"}");
	free(array);
	array = pg_array(NULL, 0);
	assert_string_equal(array, "{}");
	free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_secret_is_not_repeated),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_password_file_that_is_not_there),
		cmocka_unit_test(test_flatten),
		cmocka_unit_test(test_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
