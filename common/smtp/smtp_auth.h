/*
 * smtp_auth - what is said to log in (RFC 4954, 4616; LOGIN and XOAUTH2 as the large providers do them)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../smtp.h"

#define SMTP_AUTH_RESPONSES 2

struct smtp_login {
	enum smtp_auth auth;
	char *responses[SMTP_AUTH_RESPONSES]; /* in base64, in the order they are asked for */
	unsigned count;
	unsigned next;
	char *secret; /* kept until logged in, to keep it out of what the server says */
};

/* 0, -ENOMEM, -EINVAL for a user or secret with control characters. */
int smtp_login_set(struct smtp_login *login, enum smtp_auth auth, const char *user,
	const char *secret) __attribute__((warn_unused_result));
/* Wipes and frees. */
void smtp_login_clear(struct smtp_login *login);

/* "PLAIN" */
const char *smtp_login_mechanism(const struct smtp_login *login);
/* The response that may stand on the AUTH line itself, or NULL (RFC 4954 4: the line is 512 octets at most). */
const char *smtp_login_initial(struct smtp_login *login);
/* The next response to a 334, or NULL when there is none left. */
const char *smtp_login_next(struct smtp_login *login);

/* The secret, or a piece of it, stands in text. */
bool smtp_login_shows_in(const struct smtp_login *login, const char *text);
/* Decodes the base64 of a 334 (XOAUTH2's error) into printable ASCII. */
void smtp_login_challenge(const char *base64, char *text, size_t text_size);
