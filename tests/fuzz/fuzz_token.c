/*
 * fuzz_token - any bytes as an address that mail came for, as a file of keys, and as a private key
 *
 * Whatever comes as an address: its token lies within it, and fits only if it is, but for the case of its
 * letters, the one that was made. Of a file of keys no refusal quotes a line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz_file.h"
#include "mailbox.h"
#include "pem_key.h"
#include "text.h"
#include "token.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct token_keys *keys;
static char made[TOKEN_LENGTH + 1];

static const char sender[] = "vacd@agency.example";
static const char handle[] = "abcdefghijkl2";
static const char subject[] = "1@agency.example";

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_token: %s\n", why);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char file[] =
		"k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	char path[FUZZ_FILE_PATH], error[300];
	int fd = fuzz_file_open(file, strlen(file), path);

	(void)argc;
	(void)argv;
	if (token_keys_read(path, &keys, error, sizeof(error))
		|| token_make(keys, "k1", TOKEN_ANSWER, handle, subject, made))
		fail("no keys");
	close(fd);
	return 0;
}

static void check_token(const char *token, size_t length)
{
	char text[1000];
	int r;

	if (length >= sizeof(text))
		return;
	memcpy(text, token, length);
	text[length] = '\0';
	r = token_check(keys, "k1", TOKEN_ANSWER, handle, subject, text);
	if (r != 0 && r != TOKEN_INVALID)
		fail("an error");
	if ((r == 0) != (strcasecmp(text, made) == 0))
		fail("a token that is none, or the other way round");
	if (token_check(keys, "k1", TOKEN_BOUNCE, handle, subject, text) == 0)
		fail("a token for anything");
}

static void read_address(const char *address)
{
	const char *token = NULL;
	size_t length = 0;
	enum mailbox_kind kind = mailbox_match(
		sender, MAILBOX_DELIMITERS, address, &token, &length);

	if (kind == MAILBOX_ANSWER || kind == MAILBOX_BOUNCE) {
		if (token <= address || token + length >= address + strlen(address)
			|| token[length] != '@')
			fail("a token that lies elsewhere");
		check_token(token, length);
	}
	if (text_is_address(address) && text_printable(address, strlen(address)) != strlen(address))
		fail("an address that is no line");
	check_token(address, strlen(address));
}

static void read_keys(const uint8_t *data, size_t size)
{
	char path[FUZZ_FILE_PATH], error[300] = "", token[TOKEN_LENGTH + 1];
	struct token_keys *others = NULL;
	int fd = fuzz_file_open(data, size, path);
	int r = token_keys_read(path, &others, error, sizeof(error));

	if (r != 0 && r != TOKEN_INVALID)
		fail("an error of the file");
	if (r != 0 && strncmp(error, path, strlen(path)) != 0)
		fail("a refusal that names no file");
	if (r == 0
		&& token_make(
			others, token_keys_current(others), TOKEN_ANSWER, handle, subject, token))
		fail("keys that make no token");
	token_keys_free(others);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_address(text);
	read_keys(data, size);
	EVP_PKEY_free(pem_key_parse(text));
	free(text);
	return 0;
}
