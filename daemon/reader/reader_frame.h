/*
 * reader_frame - what goes between the daemon and its reader, as bytes
 *
 * Pure. The reader's side is not trusted: whatever a child of it wrote is looked at here before
 * anything else sees it. A request is a head and the mail; an answer is a head and a text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	READER_MAIL_MAX = 32 << 20,   /* octets of one mail */
	READER_RECORD_MAX = 64 << 10, /* octets of the JSON */
	READER_ADDRESSES_MAX = 100,   /* lines before it */
	READER_ADDRESS_MAX = 320,     /* octets of one of them */
	READER_TEXT_MAX = READER_RECORD_MAX + READER_ADDRESSES_MAX * (READER_ADDRESS_MAX + 1) + 1,
	READER_REQUEST_SIZE = 28, /* the head of a request */
	READER_ANSWER_SIZE = 12,  /* the head of an answer */
};

struct reader_request {
	uint32_t number;    /* the answer carries it */
	uint32_t length;    /* of the mail, which follows */
	int64_t now, until; /* seconds since 1970: what repeats is written out between them */
};

enum reader_word {
	READER_SAYS_READY = 1, /* sandboxed and tried; text: in words */
	READER_SAYS_BROKEN,    /* cannot start, and ends; text: why */
	READER_SAYS_RECORD,    /* text: see reader_text_split() */
	READER_SAYS_DIED,      /* the child did; text: how */
};

struct reader_answer {
	uint32_t number; /* 0 before the first request */
	enum reader_word word;
	size_t length;
	const char *text; /* within the bytes given; no NUL at its end */
};

/* INVALID: no such thing is ever sent; the other side is broken, or no longer ours. */
enum { READER_FRAME_MORE = 1, READER_FRAME_INVALID = 2 };

void reader_request_write(
	const struct reader_request *request, unsigned char head[READER_REQUEST_SIZE]);
/* 0 or READER_FRAME_INVALID. */
int reader_request_read(const unsigned char head[READER_REQUEST_SIZE],
	struct reader_request *request) __attribute__((warn_unused_result));

void reader_answer_write(
	const struct reader_answer *answer, unsigned char head[READER_ANSWER_SIZE]);
/* Looks for a whole answer at the start of n bytes. 0 with the octets it takes up in *used, MORE while
 * it is not all there, or INVALID. */
int reader_answer_read(const char *bytes, size_t n, struct reader_answer *answer, size_t *used)
	__attribute__((warn_unused_result));

/*
 * The text of a record: lines with mail addresses in which a token may stand (as many as there are),
 * an empty line, then the JSON. It is UTF-8 without NUL; whether it is JSON is not looked at beyond its
 * braces: the database does that. Ends every line and the JSON with NUL, in place: text has room for
 * length + 1 octets. addresses takes READER_ADDRESSES_MAX. False: it has another form.
 */
struct reader_text {
	const char *addresses[READER_ADDRESSES_MAX];
	size_t n_addresses;
	const char *json;
};
bool reader_text_split(char *text, size_t length, struct reader_text *out);
