/*
 * lmtp_run - a client's bytes through the LMTP dialogue, for the unit tests and the fuzzer
 *
 * What comes of it is one text: the replies as they were written, and each mail as
 * "[mail from=… to=… …]" and its octets, before the replies to it. The answers follow from the mail alone,
 * and are given from the last recipient to the first. So the text does not depend on how the bytes were
 * cut, and a test can compare.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lmtp.h"
#include "mailbox.h"
#include "octets.h"

#define LMTP_RUN_SIZE_MAX 2000

/* The next piece's length; 0, or more than is left, is taken as 1. */
typedef size_t (*lmtp_run_cut)(void *arg, size_t left);

struct lmtp_run {
	const char *held;
	struct octets text;
	bool failed; /* a promise of lmtp.h was broken */
};

static inline bool lmtp_run_is_ours(const char *address, void *arg)
{
	(void)arg;
	return mailbox_match("vacd@agency.example", "+", address, NULL, NULL) != MAILBOX_OTHER;
}

static inline void lmtp_run_take(struct lmtp_run *run, struct lmtp *lmtp)
{
	size_t length;
	const char *bytes = lmtp_output(lmtp, &length);

	octets_add(&run->text, bytes, length);
	lmtp_output_taken(lmtp, length);
}

static inline void lmtp_run_answer(struct lmtp_run *run, struct lmtp *lmtp)
{
	struct lmtp_mail mail = lmtp_mail(lmtp);
	size_t n = mail.n_recipients;

	if (n == 0 || n > LMTP_RECIPIENTS_MAX || mail.length > LMTP_RUN_SIZE_MAX
		|| lmtp_load(lmtp) != mail.length)
		run->failed = true;
	octets_add_text(&run->text, "[mail from=");
	octets_add_text(&run->text, mail.sender);
	for (size_t i = 0; i < n; i++) {
		octets_add_text(&run->text, i == 0 ? " to=" : ",");
		octets_add_text(&run->text, mail.recipients[i]);
	}
	octets_add_text(&run->text, "]");
	octets_add(&run->text, mail.bytes, mail.length);
	octets_add_text(&run->text, "[end]\r\n");
	while (n-- > 0) {
		/* A mail of an odd length finds the database away, for its first recipient. */
		bool taken = n > 0 || mail.length % 2 == 0;

		if (lmtp_answer(lmtp, n, taken, taken ? "stored" : "the database is away") != 0)
			run->failed = true;
	}
	if (lmtp_state(lmtp) != LMTP_TALKING || lmtp_load(lmtp) != 0)
		run->failed = true;
}

/* The text in run->text is for octets_clear(). */
static inline void lmtp_run(
	struct lmtp_run *run, const char *bytes, size_t length, lmtp_run_cut cut, void *arg)
{
	const struct lmtp_options options = {
		"mail.agency.example", LMTP_RUN_SIZE_MAX, lmtp_run_is_ours, NULL};
	struct lmtp *lmtp = NULL;
	size_t i = 0;

	if (lmtp_new(&options, &lmtp) != 0)
		abort();
	lmtp_hold(lmtp, run->held);
	lmtp_run_take(run, lmtp);
	while (i < length && !run->failed) {
		size_t n = cut != NULL ? cut(arg, length - i) : length - i, used = 0;
		size_t before = lmtp_mails(lmtp);
		char *piece;

		n = n == 0 || i + n > length ? 1 : n;
		/* Of exactly its size, so that a sanitizer sees what is read beyond it. */
		piece = malloc(n);
		if (piece == NULL)
			abort();
		memcpy(piece, bytes + i, n);
		if (lmtp_feed(lmtp, piece, n, &used) != 0 || used > n)
			run->failed = true;
		free(piece);
		i += used;
		lmtp_run_take(run, lmtp);
		if (lmtp_state(lmtp) == LMTP_WAITING)
			lmtp_run_answer(run, lmtp);
		else if (used == 0 && lmtp_mails(lmtp) == before)
			run->failed = true; /* it stands still */
		lmtp_run_take(run, lmtp);
	}
	octets_add_text(&run->text, lmtp_state(lmtp) == LMTP_CLOSED ? "[closed]\r\n" : "");
	lmtp_free(lmtp);
	run->failed |= run->text.failed;
}
