/*
 * fuzz_imip - any bytes as a mail
 *
 * The bytes are a mail as they are. Whatever comes of it is a letter that can be written: one line of
 * UTF-8 of a bounded length; and the same line when the mail is read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imip_read.h"
#include "itip_read.h"
#include "letter.h"
#include "octets.h"
#include "text.h"
#include "zone.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct itip_limits limits = {.now = 1772445600, .until = 1780221600};

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_imip: %s\n", why);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct zones *zones;

	(void)argc;
	(void)argv;
	if (zones_load(ZONES_SYSTEM, &zones) || imip_read_preload())
		fail("no zones or no charsets");
	limits.zones = zones;
	return 0;
}

static char *read_and_write(const uint8_t *data, size_t size)
{
	struct letter *letter = NULL;
	struct octets out = {0};
	char *text = NULL;
	size_t n = 0;

	if (imip_read((const char *)data, size, &limits, &letter) || !letter)
		fail("no letter");
	if (letter_write(letter, &out) || octets_take(&out, &text, &n))
		fail("a letter that cannot be written");
	letter_free(letter);
	if (n > LETTER_JSON_MAX || strlen(text) != n)
		fail("a line that is too long, or has a NUL");
	return text;
}

static void check_text(const char *text)
{
	while (*text) {
		size_t n = text_character(text);

		if (n == 0 || (unsigned char)*text < 0x20)
			fail("a line that is no UTF-8, or has a control character");
		text += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first = read_and_write(data, size), *second = read_and_write(data, size);

	check_text(first);
	if (strcmp(first, second) != 0)
		fail("another letter the second time");
	free(first);
	free(second);
	return 0;
}
