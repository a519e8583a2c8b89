/* What the mailer decides without a socket: when to leave the server alone, and what a log may show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mailer/mail_host.h"
#include "mailer/mail_item.h"

static void test_backoff_doubles(void **state)
{
	struct mail_host host = {0};
	long long now = 5000;
	long longest = 1000;

	(void)state;
	assert_int_equal(mail_host_wait_ms(&host, now), 0);
	assert_false(mail_host_is_doubtful(&host));
	for (unsigned i = 0; i < 40; i++) {
		mail_host_failed(&host, MAIL_CLOSED_DOWN, "down", now, i * 2654435761u);
		assert_in_range(mail_host_wait_ms(&host, now), longest / 2, longest);
		now += mail_host_wait_ms(&host, now);
		assert_int_equal(mail_host_wait_ms(&host, now), 0);
		assert_true(mail_host_is_doubtful(&host));
		longest = longest * 2 < 60000 ? longest * 2 : 60000;
	}
	mail_host_worked(&host);
	assert_false(mail_host_is_doubtful(&host));
	mail_host_failed(&host, MAIL_CLOSED_HELD, "421", now, 0);
	assert_int_equal(mail_host_wait_ms(&host, now), 500);
}

static void test_refused_login_waits_long(void **state)
{
	struct mail_host host = {0};

	(void)state;
	mail_host_failed(&host, MAIL_CLOSED_LOGIN, "535", 0, 0);
	assert_int_equal(mail_host_wait_ms(&host, 0), 150000);
	mail_host_worked(&host);
	assert_int_equal(mail_host_wait_ms(&host, 0), 0);
}

static void test_mask(void **state)
{
	static const char *const cases[][2] = {
		{"250 2.0.0 Ok: queued as 4ABC", "250 2.0.0 Ok: queued as 4ABC"},
		{"550 5.1.1 <person@mail.example>: no", "550 5.1.1 <*@mail.example>: no"},
		{"550 person+tag@mail.example unknown", "550 *@mail.example unknown"},
		{"550 a@b.example,c@d.example", "550 *@b.example,*@d.example"},
		{"person@mail.example", "*@mail.example"},
		{"say \"no\" \\", "say 'no' '"},
		{"@", "*@"},
		{"", ""},
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mail_item_mask(cases[i][0], text, sizeof(text));
		assert_string_equal(text, cases[i][1]);
	}
}

/* Wherever the text is cut off, no part of a local part is left. */
static void test_mask_cut_off(void **state)
{
	static const char reply[] = "550 5.1.1 <secretperson@mail.example>: no such user here";
	char text[sizeof(reply) + 4];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		mail_item_mask(reply, text, size);
		assert_true(strlen(text) < size);
		assert_null(strstr(text, "sec"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff_doubles),
		cmocka_unit_test(test_refused_login_waits_long),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_mask_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
