/*
 * mail_host - whether the mail server may be spoken to now
 *
 * Pure: outcomes and times in, a verdict out. A server that is down or says 421 is left alone for a time
 * that doubles, with jitter; a refused login for five minutes, since asking again locks accounts.
 */
#pragma once

#include <stdbool.h>

#include "mail_connection.h"

struct mail_host {
	unsigned failures; /* in a row */
	long long held_until_ms;
	enum mail_closed why;
	char text[MAIL_TEXT_MAX];
};

/* Beside connections that work, one more was refused: fewer will do for a while. */
#define MAIL_HOST_FEWER_MS 60000

/* random: any number. */
void mail_host_failed(struct mail_host *host, enum mail_closed why, const char *text,
	long long now_ms, unsigned random);
void mail_host_worked(struct mail_host *host);
/* 0: go ahead. Else the milliseconds until it is worth another try. */
long mail_host_wait_ms(const struct mail_host *host, long long now_ms);
/* The last attempts failed: the next is a careful one, with one message on one connection. */
bool mail_host_is_doubtful(const struct mail_host *host);
