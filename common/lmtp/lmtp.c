/*
 * lmtp - the server's side of a delivery by LMTP, without a socket
 */
#include "../lmtp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lmtp_dialogue.h"

/* ---- bytes out ------------------------------------------------------------------------------ */

void lmtp_say(struct lmtp *lmtp, const char *fmt, ...)
{
	char line[512]; /* RFC 5321 4.5.3.1.5 */
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 2, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	octets_add_text(&lmtp->out, line);
	octets_add(&lmtp->out, "\r\n", 2);
}

const char *lmtp_output(const struct lmtp *lmtp, size_t *length)
{
	*length = lmtp->out.length - lmtp->out_taken;
	return *length > 0 ? lmtp->out.data + lmtp->out_taken : "";
}

void lmtp_output_taken(struct lmtp *lmtp, size_t length)
{
	lmtp->out_taken += length;
	if (lmtp->out_taken == lmtp->out.length)
		lmtp->out_taken = lmtp->out.length = 0;
}

static bool output_is_full(const struct lmtp *lmtp)
{
	return lmtp->out.length - lmtp->out_taken >= LMTP_OUTPUT_MAX;
}

void lmtp_close(struct lmtp *lmtp, const char *reply)
{
	if (lmtp->phase == LMTP_PHASE_CLOSED)
		return;
	lmtp_reset(lmtp);
	lmtp_say(lmtp, "421 %s", reply);
	lmtp->phase = LMTP_PHASE_CLOSED;
}

/* ---- a mail --------------------------------------------------------------------------------- */

void lmtp_reset(struct lmtp *lmtp)
{
	free(lmtp->sender);
	lmtp->sender = NULL;
	lmtp->has_sender = false;
	for (size_t i = 0; i < lmtp->n_recipients; i++) {
		free(lmtp->recipients[i]);
		free(lmtp->answers[i]);
		lmtp->answers[i] = NULL;
	}
	lmtp->n_recipients = 0;
	lmtp->answered = 0;
	octets_clear(&lmtp->mail);
	lmtp->drop = LMTP_DROP_NOT;
}

static void drop_mail(struct lmtp *lmtp, enum lmtp_drop why)
{
	lmtp->drop = why;
	octets_clear(&lmtp->mail);
}

static void keep(struct lmtp *lmtp, const char *bytes, size_t n)
{
	if (lmtp->drop != LMTP_DROP_NOT)
		return;
	if (n > lmtp->options.size_max - lmtp->mail.length) {
		drop_mail(lmtp, LMTP_DROP_SIZE);
		return;
	}
	octets_add(&lmtp->mail, bytes, n);
	if (lmtp->mail.failed)
		drop_mail(lmtp, LMTP_DROP_ROOM);
}

/* One octet of a mail; true when it was the last of the final dot's line. */
static bool take_octet(struct lmtp *lmtp, char c)
{
	switch (lmtp->place) {
	case LMTP_PLACE_LINE:
		if (c == '.') {
			lmtp->place = LMTP_PLACE_DOT;
			return false;
		}
		break;
	case LMTP_PLACE_DOT:
		if (c == '\r') {
			lmtp->place = LMTP_PLACE_DOT_CR;
			return false;
		}
		break;
	case LMTP_PLACE_DOT_CR:
		if (c == '\n')
			return true;
		keep(lmtp, "\r", 1); /* content after all, by itself in its line */
		break;
	case LMTP_PLACE_CR:
		if (c == '\n') {
			keep(lmtp, &c, 1);
			lmtp->place = LMTP_PLACE_LINE;
			return false;
		}
		break;
	case LMTP_PLACE_TEXT:
		break;
	}
	keep(lmtp, &c, 1);
	lmtp->place = c == '\r' ? LMTP_PLACE_CR : LMTP_PLACE_TEXT;
	return false;
}

static void refuse_mail(struct lmtp *lmtp)
{
	for (size_t i = 0; i < lmtp->n_recipients; i++) {
		if (lmtp->drop == LMTP_DROP_SIZE)
			lmtp_say(lmtp, "552 5.3.4 more than %zu octets", lmtp->options.size_max);
		else
			lmtp_say(lmtp, "452 4.3.1 no room for it now");
	}
	lmtp->mails++;
	lmtp_reset(lmtp);
	lmtp->phase = LMTP_PHASE_COMMAND;
}

static void end_mail(struct lmtp *lmtp)
{
	if (lmtp->drop != LMTP_DROP_NOT)
		refuse_mail(lmtp);
	else
		lmtp->phase = LMTP_PHASE_ANSWERS;
}

/* How many were taken. */
static size_t feed_data(struct lmtp *lmtp, const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length) {
		/* Within a line nothing is of interest before the next CR. */
		if (lmtp->place == LMTP_PLACE_TEXT) {
			const char *cr = memchr(bytes + i, '\r', length - i);
			size_t n = cr != NULL ? (size_t)(cr - bytes) - i : length - i;

			keep(lmtp, bytes + i, n);
			i += n;
		}
		if (i < length && take_octet(lmtp, bytes[i++])) {
			end_mail(lmtp);
			break;
		}
	}
	return i;
}

void lmtp_drop_mail(struct lmtp *lmtp)
{
	if (lmtp->phase == LMTP_PHASE_DATA && lmtp->drop == LMTP_DROP_NOT)
		drop_mail(lmtp, LMTP_DROP_ROOM);
}

struct lmtp_mail lmtp_mail(const struct lmtp *lmtp)
{
	return (struct lmtp_mail){
		.sender = lmtp->sender,
		.recipients = (const char *const *)lmtp->recipients,
		.n_recipients = lmtp->n_recipients,
		.bytes = lmtp->mail.length > 0 ? lmtp->mail.data : "",
		.length = lmtp->mail.length,
	};
}

int lmtp_answer(struct lmtp *lmtp, size_t i, bool taken, const char *text)
{
	if (lmtp->phase != LMTP_PHASE_ANSWERS || i >= lmtp->n_recipients
		|| lmtp->answers[i] != NULL)
		return -EINVAL;
	if (asprintf(&lmtp->answers[i], "%s %.400s", taken ? "250 2.0.0" : "451 4.3.0", text) < 0) {
		lmtp->answers[i] = NULL;
		return -ENOMEM;
	}
	while (lmtp->answered < lmtp->n_recipients && lmtp->answers[lmtp->answered] != NULL)
		lmtp_say(lmtp, "%s", lmtp->answers[lmtp->answered++]);
	if (lmtp->answered == lmtp->n_recipients) {
		lmtp->mails++;
		lmtp_reset(lmtp);
		lmtp->phase = LMTP_PHASE_COMMAND;
	}
	return lmtp->out.failed ? -ENOMEM : 0;
}

/* ---- commands in ---------------------------------------------------------------------------- */

/* Bytes that no command has: controls, and what SMTPUTF8 would have to be offered for. */
static bool is_printable(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			return false;
	return true;
}

static int end_line(struct lmtp *lmtp)
{
	size_t n = lmtp->line_length - 1; /* its CR */
	bool too_long = lmtp->line_too_long;

	lmtp->line_length = 0;
	lmtp->line_too_long = false;
	if (too_long) {
		lmtp_refuse_line(lmtp, "500 5.5.2 the line is too long");
		return 0;
	}
	if (!is_printable(lmtp->line, n)) {
		lmtp_refuse_line(lmtp, "500 5.5.2 not printable ASCII");
		return 0;
	}
	while (n > 0 && lmtp->line[n - 1] == ' ')
		n--;
	lmtp->line[n] = '\0';
	return lmtp_command(lmtp);
}

static int take_command_octet(struct lmtp *lmtp, char c)
{
	bool behind_cr = lmtp->line_length > 0 && lmtp->line[lmtp->line_length - 1] == '\r';

	if (behind_cr != (c == '\n')) {
		lmtp_close(lmtp, "4.7.0 a line ends in CR LF");
		return 0;
	}
	if (c == '\n')
		return end_line(lmtp);
	if (lmtp->line_length == sizeof(lmtp->line) - 1) {
		/* Swallowed: of what is too long only the last octet is kept, to see its CR. */
		lmtp->line_too_long = true;
		lmtp->line_length--;
	}
	lmtp->line[lmtp->line_length++] = c;
	return 0;
}

int lmtp_feed(struct lmtp *lmtp, const char *bytes, size_t length, size_t *used)
{
	size_t i = 0;
	int r = 0;

	while (i < length && r == 0 && !output_is_full(lmtp)) {
		if (lmtp->phase == LMTP_PHASE_COMMAND)
			r = take_command_octet(lmtp, bytes[i++]);
		else if (lmtp->phase == LMTP_PHASE_DATA)
			i += feed_data(lmtp, bytes + i, length - i);
		else
			break;
	}
	if (lmtp->phase == LMTP_PHASE_CLOSED)
		i = length;
	*used = i;
	return lmtp->out.failed ? -ENOMEM : r;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum lmtp_state lmtp_state(const struct lmtp *lmtp)
{
	switch (lmtp->phase) {
	case LMTP_PHASE_ANSWERS:
		return LMTP_WAITING;
	case LMTP_PHASE_CLOSED:
		return LMTP_CLOSED;
	case LMTP_PHASE_COMMAND:
	case LMTP_PHASE_DATA:
		break;
	}
	return LMTP_TALKING;
}

void lmtp_hold(struct lmtp *lmtp, const char *why)
{
	lmtp->held = why;
}

size_t lmtp_load(const struct lmtp *lmtp)
{
	return lmtp->mail.length;
}

unsigned long lmtp_mails(const struct lmtp *lmtp)
{
	return lmtp->mails;
}

int lmtp_new(const struct lmtp_options *options, struct lmtp **lmtpp)
{
	struct lmtp *lmtp = calloc(1, sizeof(*lmtp));

	if (lmtp == NULL)
		return -ENOMEM;
	lmtp->options = *options;
	lmtp->host = strdup(options->host);
	lmtp_say(lmtp, "220 %s LMTP", options->host);
	if (lmtp->host == NULL || lmtp->out.failed) {
		lmtp_free(lmtp);
		return -ENOMEM;
	}
	*lmtpp = lmtp;
	return 0;
}

struct lmtp *lmtp_free(struct lmtp *lmtp)
{
	if (lmtp == NULL)
		return NULL;
	lmtp_reset(lmtp);
	octets_clear(&lmtp->out);
	free(lmtp->host);
	free(lmtp);
	return NULL;
}
