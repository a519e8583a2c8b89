/*
 * mailbox - is this one of our own addresses?
 *
 * Ours are the sender's address itself, local+TOKEN@domain (answers) and local-b+TOKEN@domain (reports).
 * Case counts nowhere: mail servers fold it. Whether a token is good is not asked here.
 */
#pragma once

#include <stddef.h>

/* What may be configured to stand where we write '+'. */
#define MAILBOX_DELIMITERS "+-=_.#"

enum mailbox_kind {
	MAILBOX_OTHER,  /* not ours */
	MAILBOX_BARE,   /* the sender's address itself */
	MAILBOX_ANSWER, /* with the token of an appointment */
	MAILBOX_BOUNCE, /* with the token of a message */
};

/* sender: local@domain. delimiters: each of its characters may stand where we write '+'. token (may be
 * NULL): where it begins in address, and its length, of MAILBOX_ANSWER and MAILBOX_BOUNCE. */
enum mailbox_kind mailbox_match(const char *sender, const char *delimiters, const char *address,
	const char **token, size_t *length);
