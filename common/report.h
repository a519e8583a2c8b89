/*
 * report - what a mail server says about a mail that it could not hand on
 *
 * As RFC 3464 has it, or in prose, as servers before it and some to this day do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum report_action {
	REPORT_OTHER, /* a receipt, a complaint, or nothing that is understood */
	REPORT_EXPANDED,
	REPORT_RELAYED,
	REPORT_DELIVERED,
	REPORT_DELAYED, /* the server goes on trying */
	REPORT_FAILED,  /* it has given up: this mail will not arrive */
};

/* Whether another mail to the same address would fare the same: by the status, else by the reply
 * code. A server that gives up after days says failed, and 4.4.7. */
enum report_permanent { REPORT_UNKNOWN, REPORT_TRANSIENT, REPORT_PERMANENT };

/* Strings are owned, and NULL where there is nothing. */
struct report {
	enum report_action action;
	enum report_permanent permanent;
	char *status;      /* "5.1.1" */
	char *recipient;   /* whom the mail was sent to, before any forwarding, lower case */
	char *envelope_id; /* ENVID of the mail (RFC 3461), printable ASCII */
	char *message_id;  /* "<…>" of the mail */
};

void report_clear(struct report *report);
const char *report_action_name(enum report_action action);

/*
 * A message/delivery-status. Of several recipients it is the one that fares worst, of equals the
 * first. 0, -ENOMEM, or REPORT_NONE: nothing in it is a recipient.
 */
enum { REPORT_NONE = 1 };
int report_read_status(const char *bytes, size_t n, struct report *report)
	__attribute__((warn_unused_result));

/* What there is to judge whether prose is a report. Texts are UTF-8; NULL where there is nothing. */
struct report_letter {
	bool by_server; /* sent by a mail server, by its address or with an empty return path */
	const char *subject; /* decoded */
	const char *text;    /* decoded body; where the returned mail begins in it, only that one's
	                        Message-ID is looked for */
	const char *failed_recipients; /* X-Failed-Recipients */
	char *const *own;              /* addresses that the report itself was sent to */
	size_t n_own;
};

/* Prose. 0, -ENOMEM, or REPORT_NONE: it is no report. */
int report_read_prose(const struct report_letter *letter, struct report *report)
	__attribute__((warn_unused_result));

/* The header of the returned mail, which bytes begin with: fills in Message-ID and, from To, the
 * recipient, where the report does not know them yet. 0 or -ENOMEM. */
int report_add_returned(const char *bytes, size_t n, struct report *report)
	__attribute__((warn_unused_result));
