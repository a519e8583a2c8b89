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
	MAIL_ITEM_ASKED,  /* only the final dot is missing, for which a look at the database that is
			     new enough is wanted */
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
	long long looked_ms;   /* likewise; when the claim, or the last question that was answered
				  with yes, was asked; 0: the last answer was no */
	bool asking;           /* mail_permit has it */
	bool kept;             /* the database has the signature that was made here */
	const char *kind;
	struct imip_message message; /* its strings are in text */
	const char *signature;       /* kept from before, or NULL */
	char *made;                  /* a new one, to be kept before the final dot; or NULL */
	struct imip_mail mail;       /* written when a connection is ready for it */
	char text[];
};

TAILQ_HEAD(mail_items, mail_item);

enum { MAIL_ITEM_NUMBERS = 8, MAIL_ITEM_TEXTS = 20 };

/* What vac_daemon.claim_messages() returned, and where in it each column is. */
struct mail_claim {
	const PGresult *result;
	long long asked_ms, deadline_ms; /* of each item: looked_ms, deadline_ms */
	int numbers[MAIL_ITEM_NUMBERS];
	int texts[MAIL_ITEM_TEXTS];
	int shown_free;
};

void mail_claim_read(struct mail_claim *claim, const PGresult *result);
/* 0 or -ENOMEM. */
int mail_item_new(const struct mail_claim *claim, int row, struct mail_item **itemp)
	__attribute__((warn_unused_result));
struct mail_item *mail_item_free(struct mail_item *item);

/* What the mail is signed with, in base64, kept or new; NULL: it is not signed. */
const char *mail_item_signature(const struct mail_item *item);
/* "example.org": all of an address that may stand in a log. */
const char *mail_item_domain(const struct mail_item *item);
/* What may stand in a log of a server's reply: local parts of addresses are left out. */
void mail_item_mask(const char *reply, char *text, size_t text_size);
