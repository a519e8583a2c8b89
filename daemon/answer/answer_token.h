/*
 * answer_token - what may be a token in the addresses of a mail that came in
 *
 * Pure. A token stands behind a delimiter at the end of a local part: vacd+TOKEN@…, of a returned
 * message vacd-b+TOKEN@…. The domain may have been rewritten on the way: what counts is the MAC.
 */
#pragma once

#include <stddef.h>

#include "token.h"

enum { ANSWER_TOKENS_MAX = 32 };

struct answer_token {
	char token[TOKEN_LENGTH + 1]; /* lower case */
	char handle[TOKEN_HANDLE_LENGTH + 1];
	enum token_purpose purpose;
};

/* In order of their weight, each once. */
struct answer_tokens {
	struct answer_token list[ANSWER_TOKENS_MAX];
	size_t n;
};

/* Adds what the address carries, if anything; when there is no more room it is left out. */
void answer_tokens_add(struct answer_tokens *tokens, const char *address);

/* "answer" or "bounce", as the database names them. */
const char *answer_token_purpose(enum token_purpose purpose);
