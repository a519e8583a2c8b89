/*
 * reader_frame - what goes between the daemon and its reader, as bytes
 */
#include "reader_frame.h"

#include <string.h>

#include "text.h"

/* So that two ends that are out of step notice. */
static const uint32_t request_mark = 0x76726551, answer_mark = 0x76416e73;

static void put(unsigned char *at, uint64_t number, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		at[i] = (unsigned char)(number >> (8 * (octets - 1 - i)));
}

static uint64_t get(const unsigned char *at, size_t octets)
{
	uint64_t number = 0;

	for (size_t i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number;
}

void reader_request_write(
	const struct reader_request *request, unsigned char head[READER_REQUEST_SIZE])
{
	put(head, request_mark, 4);
	put(head + 4, request->number, 4);
	put(head + 8, request->length, 4);
	put(head + 12, (uint64_t)request->now, 8);
	put(head + 20, (uint64_t)request->until, 8);
}

int reader_request_read(
	const unsigned char head[READER_REQUEST_SIZE], struct reader_request *request)
{
	request->number = (uint32_t)get(head + 4, 4);
	request->length = (uint32_t)get(head + 8, 4);
	request->now = (int64_t)get(head + 12, 8);
	request->until = (int64_t)get(head + 20, 8);
	if (get(head, 4) != request_mark || request->length > READER_MAIL_MAX)
		return READER_FRAME_INVALID;
	return 0;
}

void reader_answer_write(const struct reader_answer *answer, unsigned char head[READER_ANSWER_SIZE])
{
	put(head, answer_mark, 4);
	put(head + 4, answer->number, 4);
	put(head + 8, (uint64_t)answer->word << 24 | answer->length, 4);
}

int reader_answer_read(const char *bytes, size_t n, struct reader_answer *answer, size_t *used)
{
	const unsigned char *head = (const unsigned char *)bytes;
	uint64_t word;

	if (n < READER_ANSWER_SIZE)
		return READER_FRAME_MORE;
	word = head[8];
	answer->number = (uint32_t)get(head + 4, 4);
	answer->length = (size_t)get(head + 9, 3);
	answer->text = bytes + READER_ANSWER_SIZE;
	if (get(head, 4) != answer_mark || word < READER_SAYS_READY || word > READER_SAYS_DIED
		|| answer->length > READER_TEXT_MAX)
		return READER_FRAME_INVALID;
	answer->word = (enum reader_word)word;
	if (n - READER_ANSWER_SIZE < answer->length)
		return READER_FRAME_MORE;
	*used = READER_ANSWER_SIZE + answer->length;
	return 0;
}

/* ---- the text of a record ------------------------------------------------------------------- */

/* text ends in NUL, so that a character cut off at its end is none. */
static bool is_utf8(const char *text, size_t length)
{
	for (size_t at = 0, n; at < length; at += n) {
		n = text_character(text + at);
		if (n == 0 || text[at] == '\0')
			return false;
	}
	return true;
}

static bool is_json_object(const char *text, size_t length)
{
	return length >= 2 && length <= READER_RECORD_MAX && text[0] == '{'
	       && text[length - 1] == '}' && is_utf8(text, length);
}

bool reader_text_split(char *text, size_t length, struct reader_text *out)
{
	char *at = text, *end = text + length, *line_end;

	*end = '\0';
	out->n_addresses = 0;
	for (;; at = line_end + 1) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (line_end == NULL)
			return false;
		*line_end = '\0';
		if (line_end == at)
			break;
		if (out->n_addresses == READER_ADDRESSES_MAX || line_end - at > READER_ADDRESS_MAX
			|| !is_utf8(at, (size_t)(line_end - at)))
			return false;
		out->addresses[out->n_addresses++] = at;
	}
	out->json = line_end + 1;
	return is_json_object(out->json, (size_t)(end - out->json));
}
