/*
 * fuzz_receive - any bytes as a mail on the standard input of vacd receive
 *
 * What is handed on has CR LF at the end of each line and nowhere else, and an address that is found in it can
 * stand in a command.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receive/receive_letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_receive: %s\n", why);
	abort();
}

static void check_lines(const struct octets *letter)
{
	const char *text = letter->data;

	for (size_t i = 0; i < letter->length; i++)
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			fail("a line that ends otherwise");
	if (letter->length > 0 && text[letter->length - 1] != '\n')
		fail("a line without an end");
}

static void check_address(const struct octets *letter, const char *field)
{
	char address[255] = "?";

	receive_letter_address(letter, field, address, sizeof(address));
	if (address[0] == '\0')
		return;
	if (!receive_is_address(address) || strpbrk(address, " \t\r\n<>") || !strchr(address, '@'))
		fail("an address that is none");
	if (!memmem(letter->data, letter->length, address, strlen(address)))
		fail("an address from nowhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct octets letter = {0};

	if (!file)
		return 0;
	if (receive_letter_read(file, &letter))
		fail("an error");
	fclose(file);
	check_lines(&letter);
	check_address(&letter, "Return-Path");
	check_address(&letter, "Delivered-To");
	octets_clear(&letter);
	return 0;
}
