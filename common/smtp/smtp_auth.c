/*
 * smtp_auth - what is said to log in
 */
#include "smtp_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* A shorter piece of a secret than this is not looked for in replies: it would be found by chance. */
#define PIECE 8
/* RFC 4954 4: an initial response is for command lines of 512 octets with CRLF. */
#define AUTH_LINE_MAX 510

static char *wipe(char *s)
{
	if (s != NULL) {
		OPENSSL_cleanse(s, strlen(s));
		free(s);
	}
	return NULL;
}

void smtp_login_clear(struct smtp_login *login)
{
	for (unsigned i = 0; i < SMTP_AUTH_RESPONSES; i++)
		login->responses[i] = wipe(login->responses[i]);
	login->secret = wipe(login->secret);
	login->count = 0;
	login->next = 0;
}

static bool has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

static int add_response(struct smtp_login *login, const char *bytes, size_t length)
{
	char *base64 = malloc(4 * (length / 3 + 1) + 1);

	if (base64 == NULL)
		return -ENOMEM;
	EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)bytes, (int)length);
	login->responses[login->count++] = base64;
	return 0;
}

static int add_plain(struct smtp_login *login, const char *user, const char *secret)
{
	size_t size = strlen(user) + strlen(secret) + 3;
	char *message = malloc(size);
	int r;

	if (message == NULL)
		return -ENOMEM;
	snprintf(message, size, "%c%s%c%s", '\0', user, '\0', secret);
	r = add_response(login, message, size - 1);
	OPENSSL_cleanse(message, size);
	free(message);
	return r;
}

/* Not by asprintf(), which leaves copies behind while its memory grows. */
static int add_xoauth2(struct smtp_login *login, const char *user, const char *secret)
{
	static const char form[] = "user=%s\x01"
				   "auth=Bearer %s\x01\x01";
	size_t size = sizeof(form) + strlen(user) + strlen(secret);
	char *message = malloc(size);
	int length, r;

	if (message == NULL)
		return -ENOMEM;
	length = snprintf(message, size, form, user, secret);
	r = add_response(login, message, (size_t)length);
	OPENSSL_cleanse(message, size);
	free(message);
	return r;
}

static int add_responses(struct smtp_login *login, const char *user, const char *secret)
{
	int r;

	switch (login->auth) {
	case SMTP_AUTH_NONE:
		return 0;
	case SMTP_AUTH_PLAIN:
		return add_plain(login, user, secret);
	case SMTP_AUTH_LOGIN:
		r = add_response(login, user, strlen(user));
		return r < 0 ? r : add_response(login, secret, strlen(secret));
	case SMTP_AUTH_XOAUTH2:
		return add_xoauth2(login, user, secret);
	}
	return -EINVAL;
}

int smtp_login_set(
	struct smtp_login *login, enum smtp_auth auth, const char *user, const char *secret)
{
	int r;

	memset(login, 0, sizeof(*login));
	login->auth = auth;
	if (auth == SMTP_AUTH_NONE)
		return 0;
	if (user == NULL || secret == NULL || has_control(user) || has_control(secret))
		return -EINVAL;
	login->secret = strdup(secret);
	r = login->secret == NULL ? -ENOMEM : add_responses(login, user, secret);
	if (r < 0)
		smtp_login_clear(login);
	return r;
}

const char *smtp_login_mechanism(const struct smtp_login *login)
{
	switch (login->auth) {
	case SMTP_AUTH_NONE:
		break;
	case SMTP_AUTH_PLAIN:
		return "PLAIN";
	case SMTP_AUTH_LOGIN:
		return "LOGIN";
	case SMTP_AUTH_XOAUTH2:
		return "XOAUTH2";
	}
	return "";
}

const char *smtp_login_initial(struct smtp_login *login)
{
	size_t length;

	login->next = 0;
	if (login->auth == SMTP_AUTH_LOGIN || login->count == 0)
		return NULL;
	length = strlen("AUTH ") + strlen(smtp_login_mechanism(login)) + 1
		 + strlen(login->responses[0]);
	return length <= AUTH_LINE_MAX ? smtp_login_next(login) : NULL;
}

const char *smtp_login_next(struct smtp_login *login)
{
	return login->next < login->count ? login->responses[login->next++] : NULL;
}

static bool piece_in(const char *secret, const char *text, size_t text_length)
{
	size_t length = secret == NULL ? 0 : strlen(secret);
	size_t piece = length < PIECE ? length : PIECE;

	if (length == 0)
		return false;
	for (size_t i = 0; i + piece <= text_length; i++)
		if (memmem(secret, length, text + i, piece) != NULL)
			return true;
	return false;
}

bool smtp_login_shows_in(const struct smtp_login *login, const char *text)
{
	size_t length = strlen(text);

	for (unsigned i = 0; i < login->count; i++)
		if (piece_in(login->responses[i], text, length))
			return true;
	return piece_in(login->secret, text, length);
}

void smtp_login_challenge(const char *base64, char *text, size_t text_size)
{
	size_t length = strlen(base64);
	unsigned char bytes[1536];
	int n = -1;

	text[0] = '\0';
	if (length % 4 == 0 && length / 4 * 3 <= sizeof(bytes))
		n = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length);
	if (n < 0)
		return;
	for (int i = 0; i < n && (size_t)i + 1 < text_size; i++) {
		text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : ' ';
		text[i + 1] = '\0';
	}
}
