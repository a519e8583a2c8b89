/*
 * imip - mail messages around iTIP objects (RFC 6047)
 *
 * Written here, byte for byte deterministic: the same struct gives the same bytes on every
 * daemon, so that a message sent twice is the same message. The form is the one every client
 * shows buttons for: multipart/mixed( multipart/alternative( text/plain, text/html, text/calendar
 * base64 ), application/ics base64 ). A message without a method is text/plain alone.
 *
 * Form 1 (imip_message.renderer) never changes once mails went out in it: a resend must be equal.
 * In it the answer address, sender's local part + "+" + token, stands in ORGANIZER, Reply-To and
 * in the links of the text of what asks for an answer (a REQUEST; with words any mail), whose subjects
 * are "accept N" and "decline N", or the words, N being the SEQUENCE. A REPLY goes to whoever
 * invited us: it is about their event and carries no token.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_keys;

/* A sender's address leaves room for "-b+" and a token in 64 octets before the @, 254 in all. */
enum { IMIP_SENDER_LOCAL_MAX = 28, IMIP_SENDER_MAX = 218 };

/* What a row of table message freezes. Strings are borrowed; optional ones may be NULL. */
struct imip_message {
	const char *sender; /* From; its domain is that of every address made here */
	const char *recipient;
	const char *recipient_name;
	const char *mail_uuid;  /* Message-ID is <mail_uuid@domain> */
	const char *first_uuid; /* References, or NULL */
	int64_t made_at;        /* Date and DTSTAMP, seconds since 1970 */
	const char *subject;
	const char *body; /* UTF-8, lines separated by LF; a REQUEST's answer links are added */
	const char *key_id;
	const char *bounce_handle;
	/* with a calendar part only: */
	const char *method; /* REQUEST, CANCEL, REPLY, DECLINECOUNTER, or NULL */
	const char *uid;
	long sequence;
	int64_t starts, ends; /* seconds since 1970 */
	const char *summary;
	const char *location;
	const char *description;
	const char *answer_handle;
	const char *partstat; /* PARTSTAT of the attendee; NULL: NEEDS-ACTION */
	const char *partner;  /* in a REPLY: the address of ours that was invited; else NULL */
	bool shown_free;      /* a shift: the time stays free, and no answer is asked */
	/* Words that may be answered with instead of accept and decline ("held missed"), also in a
	 * mail without a calendar part, which then needs uid and answer_handle; NULL: the method's. */
	const char *words;
	int renderer; /* version of the form; 1 is the only one */
};

struct imip_mail {
	char *envelope_sender; /* vacd-b+TOKEN@domain */
	char *bytes;           /* printable ASCII in CRLF lines, no dot-stuffing, no final dot */
	size_t length;
};

/*
 * 0 with an owned mail; -ENOMEM; IMIP_INVALID with a line of text in error when a field cannot be
 * written or the finished bytes fail the check (control characters, UTF-8, 998 octets a line, 75
 * in the calendar part): such a message must not be sent. IMIP_ELSEWHERE, with a line of text
 * too, when this daemon lacks the row's token key or form: another daemon may have it, or this
 * one after a reload. The text names the field, never quotes it. Keys are used from one thread at
 * a time.
 */
enum { IMIP_INVALID = 1, IMIP_ELSEWHERE = 2 };
int imip_write(const struct imip_message *message, const struct token_keys *keys,
	struct imip_mail *mail, char *error, size_t error_size) __attribute__((warn_unused_result));
void imip_mail_clear(struct imip_mail *mail);
