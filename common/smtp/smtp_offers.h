/*
 * smtp_offers - what a server's reply to EHLO offers
 */
#pragma once

#include <stdbool.h>

#include "smtp_reply.h"

struct smtp_offers {
	bool pipelining;                /* RFC 2920 */
	bool eightbit;                  /* RFC 6152 */
	bool dsn;                       /* RFC 3461 */
	bool starttls;                  /* RFC 3207 */
	bool size;                      /* RFC 1870 */
	unsigned long long size_max;    /* 0: no limit is told */
	char mechanisms[SMTP_TEXT_MAX]; /* of AUTH, as the server wrote them */
};

void smtp_offers_read(struct smtp_offers *offers, const struct smtp_reply *reply);
bool smtp_offers_mechanism(const struct smtp_offers *offers, const char *mechanism);
/* "PIPELINING 8BITMIME DSN SIZE=10240000". text: SMTP_TEXT_MAX bytes. */
void smtp_offers_text(const struct smtp_offers *offers, char *text);
