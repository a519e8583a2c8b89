#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "text.h"
#include "random_text.h"

struct text_case {
	const char *text;
	enum text_form form;
	enum text_fault fault;
};

static void test_faults(void **state)
{
	static const struct text_case cases[] = {
		{NULL, TEXT_LINE, TEXT_EMPTY},
		{"", TEXT_LINE, TEXT_EMPTY},
		{"Coordinator A", TEXT_LINE, TEXT_FINE},
		{"~ }", TEXT_LINE, TEXT_FINE},
		{"twelve octet", TEXT_LINE, TEXT_FINE},
		{"a\nb", TEXT_LINE, TEXT_CONTROL},
		{"a\nb", TEXT_LINES, TEXT_FINE},
		{"a\rb", TEXT_LINES, TEXT_CONTROL},
		{"a\tb", TEXT_LINES, TEXT_CONTROL},
		{"\x01", TEXT_LINE, TEXT_CONTROL},
		{"eight ch\x1f", TEXT_LINE, TEXT_CONTROL},
		{"\x7f", TEXT_LINE, TEXT_CONTROL},
		{"seven c\x7f", TEXT_LINE, TEXT_CONTROL},
		{"a\xc2\x80", TEXT_LINE, TEXT_CONTROL},     /* U+0080 */
		{"a\xc2\x85", TEXT_LINES, TEXT_CONTROL},    /* U+0085, a line end to some */
		{"a\xc2\xa0", TEXT_LINE, TEXT_FINE},        /* U+00A0 */
		{"a\xe2\x80\xa7", TEXT_LINE, TEXT_FINE},    /* U+2027 */
		{"a\xe2\x80\xa8", TEXT_LINE, TEXT_CONTROL}, /* U+2028 */
		{"a\xe2\x80\xa9", TEXT_LINE, TEXT_CONTROL}, /* U+2029 */
		{"a\xe2\x80\xaa", TEXT_LINE, TEXT_FINE},
		{"\xc0\xaf", TEXT_LINE, TEXT_BROKEN}, /* overlong */
		{"\xc1\xbf", TEXT_LINE, TEXT_BROKEN},
		{"\xe0\x9f\xbf", TEXT_LINE, TEXT_BROKEN},
		{"\xe0\xa0\x80", TEXT_LINE, TEXT_FINE},
		{"\xed\x9f\xbf", TEXT_LINE, TEXT_FINE},
		{"\xed\xa0\x80", TEXT_LINE, TEXT_BROKEN}, /* surrogate */
		{"\xf0\x8f\xbf\xbf", TEXT_LINE, TEXT_BROKEN},
		{"\xf0\x90\x80\x80", TEXT_LINE, TEXT_FINE},
		{"\xf4\x8f\xbf\xbf", TEXT_LINE, TEXT_FINE},
		{"\xf4\x90\x80\x80", TEXT_LINE, TEXT_BROKEN}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", TEXT_LINE, TEXT_BROKEN},
		{"\xff", TEXT_LINE, TEXT_BROKEN},
		{"\x80", TEXT_LINE, TEXT_BROKEN},
		{"a\xc3", TEXT_LINE, TEXT_BROKEN}, /* cut */
		{"a\xe2\x82", TEXT_LINE, TEXT_BROKEN},
		{"a\xf0\x9f\x98", TEXT_LINE, TEXT_BROKEN},
		{"a\xe2z\x82", TEXT_LINE, TEXT_BROKEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum text_fault fault = text_check(cases[i].text, cases[i].form, 100);

		if (fault != cases[i].fault)
			fail_msg("case %zu: %s", i, text_fault_words(fault));
	}
}

/* Text is looked at in words of eight octets: a fault must be seen at each place in them. */
static void test_fault_at_every_place(void **state)
{
	(void)state;
	for (size_t length = 1; length < 40; length++) {
		for (size_t at = 0; at < length; at++) {
			char text[41];

			memset(text, 'x', length);
			text[length] = '\0';
			assert_int_equal(text_check(text, TEXT_LINE, 100), TEXT_FINE);
			assert_int_equal(text_printable(text, length), length);
			for (int octet = 1; octet < 256; octet++) {
				enum text_fault fault = octet < 0x20 || octet == 0x7f ? TEXT_CONTROL
							: octet >= 0x80               ? TEXT_BROKEN
										      : TEXT_FINE;

				text[at] = (char)octet;
				assert_int_equal(text_check(text, TEXT_LINE, 100), fault);
				assert_int_equal(text_printable(text, length),
					fault == TEXT_FINE ? length : at);
			}
		}
	}
}

static void test_length(void **state)
{
	(void)state;
	assert_int_equal(text_check("12345", TEXT_LINE, 5), TEXT_FINE);
	assert_int_equal(text_check("123456", TEXT_LINE, 5), TEXT_LONG);
	/* octets, not characters */
	assert_int_equal(text_check("\xc3\xa9\xc3\xa9\xc3\xa9", TEXT_LINE, 5), TEXT_LONG);
}

static void test_random_is_fine(void **state)
{
	uint64_t seed = UINT64_C(0x7e57ed);
	char text[4 * 100 + 1];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		random_text(&seed, text, 100, i % 2);
		assert_int_equal(text_check(text, TEXT_LINES, sizeof(text)), TEXT_FINE);
	}
}

struct address_case {
	const char *address;
	int valid;
};

#define SIXTY_FOUR "0123456789012345678901234567890123456789012345678901234567890123"

static void test_addresses(void **state)
{
	static const struct address_case cases[] = {
		{"coordinator.a@agency.example", 1},
		{"o'brien+x@agency.example", 1},
		{"a!#$%&'*+/=?^_`{|}~-@agency.example", 1},
		{SIXTY_FOUR "@agency.example", 1},
		{"a@0-9.example", 1},
		{NULL, 0},
		{"", 0},
		{"a", 0},
		{"@agency.example", 0},
		{"a@", 0},
		{"a@example", 0}, /* one label */
		{"a@agency.example.", 0},
		{"a@.agency.example", 0},
		{"a@agency..example", 0},
		{"a@-agency.example", 0},
		{"a@agency-.example", 0},
		{"a@b@agency.example", 0},
		{"a b@agency.example", 0},
		{"a@agency.example ", 0},
		{" a@agency.example", 0},
		{"<a@agency.example>", 0},
		{"\"a\"@agency.example", 0},
		{"a@agency.example\r\nBcc: b@agency.example", 0},
		{"a\n@agency.example", 0},
		{"a@agency.example\n", 0},
		{"a@agency.exam\xc3\xa9ple", 0},
		{"\xc3\xa9@agency.example", 0},
		{"a,b@agency.example", 0},
		{"a@[127.0.0.1]", 0},
		{SIXTY_FOUR "4@agency.example", 0},
		{"a@" SIXTY_FOUR ".example", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (text_is_address(cases[i].address) != cases[i].valid)
			fail_msg("case %zu: %s", i, cases[i].address);
	}
}

static void test_address_length(void **state)
{
	char address[300] = "a@";

	(void)state;
	for (size_t at = 2; at < 250; at += 50) {
		memset(address + at, 'b', 49);
		address[at + 49] = '.';
	}
	memcpy(address + 248, "exampl", 7);
	assert_int_equal(strlen(address), 254);
	assert_true(text_is_address(address));
	memcpy(address + 248, "example", 8);
	assert_false(text_is_address(address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_fault_at_every_place),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_random_is_fine),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
