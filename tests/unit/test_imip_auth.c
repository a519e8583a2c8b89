#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imip_read_auth.h"
#include "letter.h"

struct auth_case {
	const char *value, *server, *dmarc, *domain;
};

static void same(size_t i, const char *what, const char *expected)
{
	if (!what && !expected)
		return;
	if (!what || !expected || strcmp(what, expected) != 0)
		fail_msg("case %zu: \"%s\", not \"%s\"", i, what ? what : "",
			expected ? expected : "");
}

static void check(const struct auth_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct letter_auth auth = {0};

		assert_int_equal(imip_read_auth(cases[i].value, &auth), 0);
		same(i, auth.server, cases[i].server);
		same(i, auth.dmarc, cases[i].dmarc);
		same(i, auth.domain, cases[i].domain);
		free(auth.server);
		free(auth.dmarc);
		free(auth.domain);
	}
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_results(void **state)
{
	static const struct auth_case cases[] = {
		{"mx.example.org; dmarc=pass header.from=agency.example", "mx.example.org", "pass",
			"agency.example"},
		{"mx.google.com; dkim=pass header.i=@agency.example header.s=1 header.b=PqBP51+l; "
		 "spf=none (google.com: x does not designate; permitted) smtp.helo=x; "
		 "dmarc=fail (p=QUARANTINE sp=QUARANTINE dis=NONE) header.from=Agency.Example",
			"mx.google.com", "fail", "agency.example"},
		{"MX.Example.Org 1; DMARC/1=Pass (c) reason=\"a; dmarc=fail\" "
		 "header.from=a.example",
			"mx.example.org", "pass", "a.example"},
		{"(comment) \"mx.example.org\" (\\) nested (one)) 1 ; (x) dmarc (y) = (z) pass (w) "
		 "header.from (v) = \"a.example\"",
			"mx.example.org", "pass", "a.example"},
		{"mx.example.org; none", "mx.example.org", NULL, NULL},
		{"mx.example.org", "mx.example.org", NULL, NULL},
		{"mx.example.org;", "mx.example.org", NULL, NULL},
		{"mx.example.org; spf=pass smtp.mailfrom=a.example", "mx.example.org", NULL, NULL},
		{"mx.example.org; dmarc=pass", "mx.example.org", "pass", NULL},
		{"mx.example.org; dmarc=pass policy.dmarc=none header.from=a.example; dkim=pass",
			"mx.example.org", "pass", "a.example"},
		/* two: the one that is no pass, in either order; of two that passed the first */
		{"mx.example.org; dmarc=pass header.from=a.example; dmarc=pass "
		 "header.from=b.example",
			"mx.example.org", "pass", "a.example"},
		{"mx.example.org; dmarc=pass header.from=a.example; dmarc=fail "
		 "header.from=b.example",
			"mx.example.org", "fail", "b.example"},
		{"mx.example.org; dmarc=fail header.from=a.example; dmarc=pass "
		 "header.from=b.example",
			"mx.example.org", "fail", "a.example"},
	};

	(void)state;
	CHECK(cases);
}

/* Nobody's word is nobody's word. */
static void test_no_server(void **state)
{
	static const struct auth_case cases[] = {
		{"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dmarc=pass "
		 "header.from=a.example",
			NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
		{";dmarc=pass header.from=a.example", NULL, NULL, NULL},
		{"mx.example.org dmarc=pass header.from=a.example", NULL, NULL, NULL},
		{"(mx.example.org; dmarc=pass", NULL, NULL, NULL},
		{"\"mx.example.org; dmarc=pass", NULL, NULL, NULL},
		{"mx.example.org (never ends; dmarc=pass", "mx.example.org", NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

/* What stands in a comment or in quotes, or is the property of another method, is no result. */
static void test_tricks(void **state)
{
	static const struct auth_case cases[] = {
		{"mx.example.org; spf=fail (; dmarc=pass header.from=a.example) smtp.mailfrom=x",
			"mx.example.org", NULL, NULL},
		{"mx.example.org; spf=fail reason=\"; dmarc=pass header.from=a.example\"",
			"mx.example.org", NULL, NULL},
		{"mx.example.org; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=a.example\"",
			"mx.example.org", NULL, NULL},
		{"mx.example.org; spf=pass header.from=a.example; dmarc=fail header.from=b.example",
			"mx.example.org", "fail", "b.example"},
		{"mx.example.org; x-dmarc=pass header.from=a.example", "mx.example.org", NULL,
			NULL},
		{"mx.example.org; dmarc=pass\x01 header.from=a.example", "mx.example.org", "pass",
			NULL},
		{"mx.example.org; dmarc==pass", "mx.example.org", NULL, NULL},
		{"mx.example.org; dmarc=", "mx.example.org", NULL, NULL},
		{"mx.example.org; =pass", "mx.example.org", NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

static void test_long(void **state)
{
	static char value[70000];
	struct letter_auth auth = {0};

	(void)state;
	memset(value, '(', sizeof(value) - 1);
	assert_int_equal(imip_read_auth(value, &auth), 0);
	assert_null(auth.server);
	memset(value, 'a', sizeof(value) - 1);
	assert_int_equal(imip_read_auth(value, &auth), 0);
	assert_null(auth.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_tricks),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
