#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "chain.h"

/* The figures were reckoned elsewhere (Python's hashlib), from vacd-history(7). */
static const char id[] = "0d3b1c7e-5a52-4b52-9c0e-8f2f0a1b2c3d";
static const char origin_hex[] = "c35d6768ea731797a4b6575e38f2510a2936f5039d46e761632f179109b62fc2";
static const char entry_hex[] = "df66628b69697ee0f872258ef2f904f90a9a0b878de0e772e7bc0967a71405a5";
static const char note_hash[] = "abababababababababababababababababababababababababababababababab";
static const char *const fields[CHAIN_FIELDS] = {[CHAIN_NUMBER] = "1",
	[CHAIN_SEALED_AT] = "1767225600000001",
	[CHAIN_HISTORY_ID] = "42",
	[CHAIN_AT] = "1767225599999999",
	[CHAIN_WHO] = "sup_s\xc3\xa9"
		      "a",
	[CHAIN_EVENT] = "case_opened",
	[CHAIN_OFFICE] = "3",
	[CHAIN_CASE] = "7",
	[CHAIN_COORDINATOR] = "12",
	[CHAIN_REASON] = "safety",
	[CHAIN_NOTE] = "5",
	[CHAIN_NOTE_HASH] = note_hash,
	[CHAIN_DETAIL] = "{\"a\": \"\xc3\xbc\"}"};

static void is_hash(const unsigned char hash[CHAIN_HASH], const char *expected)
{
	char hex[CHAIN_HEX];

	chain_to_hex(hash, hex);
	assert_string_equal(hex, expected);
}

static void test_fields(void **state)
{
	struct octets octets = {0};
	char *text;
	size_t length;

	(void)state;
	chain_add_field(&octets, "yes");
	chain_add_field(&octets, "");
	chain_add_field(&octets, NULL);
	chain_add_field(&octets, "\xc3\xbc,");
	assert_int_equal(octets_take(&octets, &text, &length), 0);
	assert_string_equal(text, "3:yes,0:,-,3:\xc3\xbc,,");
	free(text);
}

static void test_entry(void **state)
{
	struct octets octets = {0};
	unsigned char hash[CHAIN_HASH];

	(void)state;
	assert_true(chain_origin(id, hash));
	is_hash(hash, origin_hex);
	chain_add_entry(&octets, fields);
	assert_false(octets.failed);
	/* In place, as whoever goes along a chain does it. */
	assert_true(chain_next(hash, octets.data, octets.length, hash));
	is_hash(hash, entry_hex);
	octets_clear(&octets);
}

static void test_every_field_counts(void **state)
{
	unsigned char before[CHAIN_HASH], hash[CHAIN_HASH], right[CHAIN_HASH];

	(void)state;
	assert_true(chain_origin(id, before));
	assert_true(chain_from_hex(entry_hex, right));
	for (size_t i = 0; i < CHAIN_FIELDS; i++) {
		struct octets octets = {0};
		const char *others[CHAIN_FIELDS];

		memcpy(others, fields, sizeof(others));
		others[i] = fields[i] ? NULL : "";
		chain_add_entry(&octets, others);
		assert_true(chain_next(before, octets.data, octets.length, hash));
		assert_memory_not_equal(hash, right, CHAIN_HASH);
		octets_clear(&octets);
	}
}

static void test_note(void **state)
{
	unsigned char hash[CHAIN_HASH];

	(void)state;
	assert_true(chain_note("00112233445566778899aabbccddeeff", "yes", hash));
	is_hash(hash, "be966ca7005db9b1431f49d4f3dc61b6ecc0aa136c3baa34703651c31fc6cc2b");
	assert_false(chain_note("001", "yes", hash));
	assert_false(chain_note("0g", "yes", hash));
	assert_false(chain_note(
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000",
		"yes", hash));
}

static void test_hex(void **state)
{
	unsigned char hash[CHAIN_HASH];

	(void)state;
	assert_true(chain_from_hex(entry_hex, hash));
	is_hash(hash, entry_hex);
	assert_true(chain_from_hex(
		"DF66628B69697EE0F872258EF2F904F90A9A0B878DE0E772E7BC0967A71405A5", hash));
	is_hash(hash, entry_hex);
	assert_false(chain_from_hex("df", hash));
	assert_false(chain_from_hex(
		"df66628b69697ee0f872258ef2f904f90a9a0b878de0e772e7bc0967a71405ax", hash));
	assert_false(chain_from_hex(
		"df66628b69697ee0f872258ef2f904f90a9a0b878de0e772e7bc0967a71405a5a", hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_every_field_counts),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
