/*
 * fuzz_lmtp - any bytes as what an LMTP client says
 *
 * The first byte chooses how the others are cut into pieces. However they are, the same comes of it; no
 * mail is larger than allowed, and the dialogue never stands still.
 */
#include <stdint.h>
#include <stdio.h>

#include "../unit/lmtp_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t cut(void *arg, size_t left)
{
	uint32_t *state = arg;

	*state = *state * 1664525 + 1013904223;
	/* Mostly single octets, sometimes a long piece. */
	return *state >> 30 == 0 ? (*state >> 20 & 0x1ff) % (left + 1) : 1;
}

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_lmtp: %s\n", why);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lmtp_run whole = {0}, pieces = {0};
	uint32_t state;

	if (size == 0)
		return 0;
	state = data[0];
	lmtp_run(&whole, (const char *)data + 1, size - 1, NULL, NULL);
	lmtp_run(&pieces, (const char *)data + 1, size - 1, cut, &state);
	if (whole.failed || pieces.failed)
		fail("a promise of lmtp.h is broken");
	if (whole.text.length != pieces.text.length
		|| memcmp(whole.text.data, pieces.text.data, whole.text.length) != 0)
		fail("other pieces, another outcome");
	octets_clear(&whole.text);
	octets_clear(&pieces.text);
	return 0;
}
