/*
 * mail_item - a message that this daemon has claimed, from the claim until its outcome is reported
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <libpq-fe.h>

#include "imip.h"

struct mail_line;

enum mail_item_state {
	MAIL_ITEM_QUEUED, /* waits for a connection */
	MAIL_ITEM_GIVEN,  /* a connection has it; nothing final is written */
	MAIL_ITEM_ASKED,  /* only the final dot is missing; the database is asked */
	MAIL_ITEM_DOTTED, /* past the last write */
};

struct mail_item {
	TAILQ_ENTRY(mail_item) entry;
	enum mail_item_state state;
	struct mail_line *line; /* from MAIL_ITEM_GIVEN on */
	long long id;
	long long fence;
	long long attempts;    /* that had a reply, before this one */
	long long deadline_ms; /* CLOCK_BOOTTIME; the lease is over then, by our own count */
	const char *kind;
	struct imip_message message; /* its strings are in text */
	const char *signature;       /* kept from before, or NULL */
	char *made;                  /* a new one, to be kept before the final dot; or NULL */
	struct imip_mail mail;       /* written when a connection is ready for it */
	char text[];
};

TAILQ_HEAD(mail_items, mail_item);

/* A row of vac_daemon.claim_messages(). 0 or -ENOMEM. */
int mail_item_new(const PGresult *result, int row, long long deadline_ms, struct mail_item **itemp)
	__attribute__((warn_unused_result));
struct mail_item *mail_item_free(struct mail_item *item);

/* What the mail is signed with, in base64, kept or new; NULL: it is not signed. */
const char *mail_item_signature(const struct mail_item *item);
/* "example.org": all of an address that may stand in a log. */
const char *mail_item_domain(const struct mail_item *item);
/* What may stand in a log of a server's reply: local parts of addresses are left out. */
void mail_item_mask(const char *reply, char *text, size_t text_size);
