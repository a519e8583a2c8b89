/*
 * fuzz_history - any bytes as an export of history, and as a file of signed heads
 *
 * One who forges them would like to be believed: unless a signature holds, something is found. What is
 * said beside the files is this program's own; the database is not asked.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "signature.h"
#include "verify/verify.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its private half signed what lies in the corpus, and was thrown away. */
static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEAXXEwynRM60GJi2xDiYULMim0KnLqiAFcBiYqviJPPMs=\n"
				 "-----END PUBLIC KEY-----\n";

static struct signature_key *key;
static bool signature_held, other_key;

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_history: %s\n", why);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[FUZZ_FILE_PATH], error[300];
	int fd = fuzz_file_open(public_key, strlen(public_key), path);

	(void)argc;
	(void)argv;
	if (signature_public_read(path, &key, error, sizeof(error)))
		fail(error);
	close(fd);
	return 0;
}

/* ---- what vacd verify-history has around it --------------------------------------------------- */

void verify_say(struct verify *verify, enum verify_mark mark, const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verify->bad += mark == VERIFY_BAD;
}

int verify_line(const struct verify *verify, const char *line)
{
	int r = signature_check(verify->keys[0], line);

	signature_held |= r == 0;
	other_key |= r == SIGNATURE_OTHER_KEY;
	return r;
}

void look_say(const struct look *look, const char *format, ...)
{
	(void)look;
	(void)format;
}

int walk_find(struct verify *verify, long long number, struct walk_place *place)
{
	(void)verify;
	(void)number;
	(void)place;
	return VERIFY_FAILED;
}

int walk_on(struct verify *verify, struct walk_place *place, long long last, walk_fn fn, void *arg)
{
	(void)verify;
	(void)place;
	(void)last;
	(void)fn;
	(void)arg;
	return VERIFY_FAILED;
}

/* ---- the files -------------------------------------------------------------------------------- */

static void check_export(const char *path)
{
	struct verify verify = {.keys = {key}, .n_keys = 1};
	int r;

	signature_held = false;
	r = export_check(&verify, path);
	if (r != 0 && r != LOOK_FAILED)
		fail("an error");
	if (r == 0 && verify.bad == 0 && !signature_held)
		fail("an export that nobody signed is well");
	free(verify.heads);
}

static void check_heads(const char *path)
{
	struct verify verify = {.keys = {key}, .n_keys = 1};
	unsigned char hash[CHAIN_HASH] = {0};

	signature_held = other_key = false;
	if (heads_read(&verify, path))
		fail("an error of the heads");
	/* Of a key that was not given there is a warning. */
	if (verify.n_heads > 0 && !signature_held && !other_key)
		fail("a head that nobody signed is known");
	heads_meet(&verify, 1, hash);
	heads_end(&verify, 0, 1, true);
	free(verify.heads);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_FILE_PATH];
	int fd = fuzz_file_open(data, size, path);

	check_export(path);
	check_heads(path);
	close(fd);
	return 0;
}
