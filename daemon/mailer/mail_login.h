/*
 * mail_login - who we say we are to the mail server
 */
#pragma once

#include <stddef.h>

#include "smtp.h"

struct bufferevent;
struct config;

struct mail_login {
	enum smtp_auth auth;
	char *user;
	char *secret_file;
	char *helo; /* "" asks the system */
};

enum { MAIL_LOGIN_INVALID = 1 };

/* 0 or -ENOMEM. */
int mail_login_set(struct mail_login *login, const struct config *config)
	__attribute__((warn_unused_result));
void mail_login_clear(struct mail_login *login);

/* Reads the secret's file now, since a token there is renewed by others. *secret is NULL when none is
 * needed; give it to mail_login_wipe(). 0, -ENOMEM, MAIL_LOGIN_INVALID with a line of text in error. */
int mail_login_secret(const struct mail_login *login, char **secret, char *error, size_t error_size)
	__attribute__((warn_unused_result));
void mail_login_wipe(char *secret);
/* Like bufferevent_write(), for bytes that may hold the secret: libevent frees what it has written as it is,
 * unless it is ours. 0 or -ENOMEM. */
int mail_login_write(struct bufferevent *buffer, const char *bytes, size_t length)
	__attribute__((warn_unused_result));

/* For EHLO: the configured name, the host's if it has a domain, else the literal of the socket's own
 * address (RFC 5321 4.1.3). */
void mail_login_helo(const struct mail_login *login, int socket, char *helo, size_t helo_size);
