/*
 * fuzz_frame - any bytes as what the reader's process writes, once a mail has taken it over
 *
 * Whatever the daemon believes of it lies within the bytes, and is text: addresses and JSON in UTF-8, each
 * ended, none longer than promised.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/reader_frame.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_frame: %s\n", why);
	abort();
}

static void check_text(const char *text, const char *first, const char *last)
{
	if (text < first || text > last || text + strlen(text) > last)
		fail("a text that lies elsewhere");
	for (; *text; text += text_character(text))
		if (text_character(text) == 0)
			fail("a text that is no UTF-8");
}

static void split(const char *bytes, size_t length)
{
	struct reader_text out;
	char *text = malloc(length + 1);

	if (!text)
		return;
	memcpy(text, bytes, length);
	if (reader_text_split(text, length, &out)) {
		if (out.n_addresses > READER_ADDRESSES_MAX || strlen(out.json) > READER_RECORD_MAX
			|| out.json[0] != '{')
			fail("more than promised");
		check_text(out.json, text, text + length);
		for (size_t i = 0; i < out.n_addresses; i++) {
			check_text(out.addresses[i], text, text + length);
			if (!out.addresses[i][0] || strlen(out.addresses[i]) > READER_ADDRESS_MAX)
				fail("no address");
		}
	}
	free(text);
}

static void read_answers(const char *bytes, size_t size)
{
	struct reader_answer answer;
	size_t at = 0, used = 0;
	int r;

	for (; (r = reader_answer_read(bytes + at, size - at, &answer, &used)) == 0; at += used) {
		if (used < READER_ANSWER_SIZE || used > size - at || answer.length > READER_TEXT_MAX
			|| answer.text + answer.length != bytes + at + used)
			fail("an answer that lies elsewhere");
		split(answer.text, answer.length);
	}
	/* What is not whole yet is waited for, in memory. */
	if (r == READER_FRAME_MORE && size - at >= READER_ANSWER_SIZE
		&& answer.length > READER_TEXT_MAX)
		fail("an answer without end");
}

static void read_request(const uint8_t *data)
{
	struct reader_request request;
	unsigned char head[READER_REQUEST_SIZE];

	if (reader_request_read(data, &request) != 0)
		return;
	if (request.length > READER_MAIL_MAX)
		fail("a mail that is too long");
	reader_request_write(&request, head);
	if (memcmp(head, data, sizeof(head)) != 0)
		fail("another request when it is written");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	read_answers(bytes, size);
	split(bytes, size);
	if (size >= READER_REQUEST_SIZE)
		read_request(data);
	free(bytes);
	return 0;
}
