/*
 * json - JSON text (RFC 8259), written piece by piece
 *
 * Commas are put in by the writer. A failed piece makes the whole fail: json_take() says so once.
 */
#pragma once

#include <stdbool.h>

#include "octets.h"

struct json {
	struct octets octets;
	bool after_value; /* a comma is due before the next value */
	bool invalid;     /* a string was not UTF-8 */
};

void json_open(struct json *json, char bracket);  /* '[' or '{' */
void json_close(struct json *json, char bracket); /* ']' or '}' */
void json_key(struct json *json, const char *key);
void json_text(struct json *json, const char *text); /* NULL is null; Jansson has a json_string() */
void json_number(struct json *json, long long number);
void json_truth(struct json *json, bool truth);

/* Hands the finished text over and leaves an empty writer. 0, -ENOMEM, or -EILSEQ: a string was not
 * UTF-8. */
int json_take(struct json *json, char **textp) __attribute__((warn_unused_result));
void json_clear(struct json *json);
