/*
 * answer_token - what may be a token in the addresses of a mail that came in
 */
#include "answer_token.h"

#include <stdbool.h>
#include <string.h>

#include "mailbox.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The local part's last TOKEN_LENGTH octets. */
static bool copy_token(const char *from, char token[TOKEN_LENGTH + 1])
{
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		token[i] = lower(from[i]);
		if (!(token[i] >= 'a' && token[i] <= 'z') && !(token[i] >= '2' && token[i] <= '7'))
			return false;
	}
	token[TOKEN_LENGTH] = '\0';
	return true;
}

static bool is_known(const struct answer_tokens *tokens, const struct answer_token *token)
{
	for (size_t i = 0; i < tokens->n; i++)
		if (strcmp(tokens->list[i].token, token->token) == 0
			&& tokens->list[i].purpose == token->purpose)
			return true;
	return false;
}

void answer_tokens_add(struct answer_tokens *tokens, const char *address)
{
	const char *at = strrchr(address, '@');
	const size_t local = at != NULL ? (size_t)(at - address) : strlen(address);
	struct answer_token token = {.purpose = TOKEN_ANSWER};
	size_t before; /* the delimiter */

	if (local < TOKEN_LENGTH + 1)
		return;
	before = local - TOKEN_LENGTH - 1;
	if (strchr(MAILBOX_DELIMITERS, address[before]) == NULL
		|| !copy_token(address + before + 1, token.token))
		return;
	memcpy(token.handle, token.token, TOKEN_HANDLE_LENGTH);
	if (before >= 2 && address[before - 2] == '-' && lower(address[before - 1]) == 'b')
		token.purpose = TOKEN_BOUNCE;
	if (tokens->n < ANSWER_TOKENS_MAX && !is_known(tokens, &token))
		tokens->list[tokens->n++] = token;
}

const char *answer_token_purpose(enum token_purpose purpose)
{
	return purpose == TOKEN_BOUNCE ? "bounce" : "answer";
}
