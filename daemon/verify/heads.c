#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "signature.h"

enum { HEAD_FILE_MAX = 16 * 1024 * 1024 };

static int add(struct verify *verify, long long number, const unsigned char hash[CHAIN_HASH],
	const char *source)
{
	struct verify_head *more = realloc(
		verify->heads, (verify->n_heads + 1) * sizeof(*verify->heads));

	if (!more)
		return -ENOMEM;
	verify->heads = more;
	more += verify->n_heads++;
	*more = (struct verify_head){.number = number};
	memcpy(more->hash, hash, CHAIN_HASH);
	snprintf(more->source, sizeof(more->source), "%s", source);
	return 0;
}

int heads_take(struct verify *verify, const char *text, const char *source)
{
	unsigned char hash[CHAIN_HASH];
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno || *end != ':'
		|| !chain_from_hex(end + 1, hash))
		return VERIFY_FAILED;
	return add(verify, number, hash, source);
}

/* ---- a file of them ------------------------------------------------------------------------- */

static int take_line(struct verify *verify, const char *line, const char *source)
{
	char number[24], hash[CHAIN_HEX], chain[CHAIN_ID], text[100];
	int r = verify_line(verify, line);

	if (strncmp(line, "vacd-head-1 ", 12) != 0
		|| signature_value(line, "number", number, sizeof(number))
		|| signature_value(line, "hash", hash, sizeof(hash))
		|| signature_value(line, "chain", chain, sizeof(chain))) {
		verify_say(verify, VERIFY_BAD, "%s: is no head", source);
		return 0;
	}
	if (r == SIGNATURE_INVALID) {
		verify_say(verify, VERIFY_BAD, "%s: its signature is false", source);
		return 0;
	}
	/* Without any key it was said of the whole file. */
	if (r == SIGNATURE_OTHER_KEY && verify->n_keys > 0)
		verify_say(verify, VERIFY_WARN, "%s: signed with a key that was not given", source);
	if (verify->chain[0] && strcmp(chain, verify->chain) != 0) {
		verify_say(verify, VERIFY_BAD, "%s: is of another chain, %s; this one is %s",
			source, chain, verify->chain);
		return 0;
	}
	snprintf(text, sizeof(text), "%s:%s", number, hash);
	if (heads_take(verify, text, source) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

int heads_read(struct verify *verify, const char *path)
{
	char *text = NULL, *rest, *line, source[200];
	unsigned n = 0;
	int r = file_read_text(path, HEAD_FILE_MAX, &text);

	rest = text;
	if (!r && verify->n_keys == 0)
		verify_say(verify, VERIFY_WARN,
			"%s: signatures not checked, since no --public-key was given", path);
	while (!r && rest && (line = strsep(&rest, "\n"))) {
		snprintf(source, sizeof(source), "%s:%u", path, ++n);
		if (line[0])
			r = take_line(verify, line, source);
	}
	free(text);
	return r;
}

/* ---- against the chain ---------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct verify_head *one = a, *other = b;

	return (one->number > other->number) - (one->number < other->number);
}

void heads_meet(struct verify *verify, long long number, const unsigned char hash[CHAIN_HASH])
{
	if (!verify->heads_in_order && verify->n_heads > 0)
		qsort(verify->heads, verify->n_heads, sizeof(*verify->heads), by_number);
	verify->heads_in_order = true;
	for (; verify->next_head < verify->n_heads; verify->next_head++) {
		struct verify_head *head = &verify->heads[verify->next_head];

		if (head->number > number)
			break;
		if (head->number < number)
			continue;
		head->met = true;
		if (memcmp(head->hash, hash, CHAIN_HASH) == 0)
			verify->fits = number;
		else
			verify_say(verify, VERIFY_BAD,
				"head %lld (%s): the chain has another hash there; it was made "
				"anew from some entry between %lld and %lld",
				number, head->source, verify->fits + 1, number);
	}
}

void heads_end(struct verify *verify, long long first, long long last, bool whole)
{
	size_t fit = 0;

	for (size_t i = 0; i < verify->n_heads; i++) {
		const struct verify_head *head = &verify->heads[i];

		fit += head->met;
		if (head->number > last && !whole)
			verify_say(verify, VERIFY_WARN,
				"head %lld (%s): of behind entry %lld, which is the last one "
				"looked at",
				head->number, head->source, last);
		else if (head->number > last)
			verify_say(verify, VERIFY_BAD,
				"head %lld (%s): the chain ends with entry %lld; entries %lld to "
				"%lld were cut off",
				head->number, head->source, last, last + 1, head->number);
		else if (!head->met && head->number > first)
			verify_say(verify, VERIFY_BAD,
				"head %lld (%s): the chain has no such entry any more",
				head->number, head->source);
		else if (head->number < first)
			verify_say(verify, VERIFY_WARN,
				"head %lld (%s): of before entry %lld, which is the first one "
				"looked at",
				head->number, head->source, first);
	}
	if (verify->fits > 0)
		verify_say(verify, VERIFY_OK,
			"%zu known head%s looked at, the last that fits is %lld", fit,
			fit == 1 ? "" : "s", verify->fits);
}
