#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "report.h"
#include "report_code.h"

enum { PROSE_MAX = 16 * 1024 }; /* octets that are looked at before the returned mail */

/* In lower case, with one space for any white space. Those of a delay are looked for first: such a
 * mail often says, too, that something could not be delivered. */
static const char *const delayed_phrases[] = {
	"(delay)",
	"could not send mail for past",
	"delivery attempts will continue",
	"do not need to re-send",
	"do not need to resend",
	"don't need to resend",
	"has been delayed",
	"has not yet been delivered",
	"is delayed for more than",
	"still being retried",
	"warning message only",
	"warning only",
	"will be retried",
};

static const char *const failed_phrases[] = {
	"address(es) failed",
	"bounce notification",
	"cannot be delivered",
	"could not be delivered",
	"could not deliver",
	"couldn't be delivered",
	"delivery errors",
	"delivery failed",
	"delivery failure",
	"delivery has failed",
	"delivery problems",
	"delivery status notification (failure)",
	"did not reach the following recipient",
	"email you sent was rejected",
	"error delivering your mail",
	"error has occurred while attempting to deliver",
	"error sending your mail",
	"error while trying to deliver",
	"failed delivery",
	"failed permanently",
	"failure notice",
	"konnte nicht zugestellt werden",
	"message not delivered",
	"permanent fatal errors",
	"returned mail",
	"returning message to sender",
	"transcript of session follows",
	"trouble delivering",
	"trying to deliver the mail",
	"unable to deliver",
	"undeliverable",
	"undelivered mail",
	"was aborted after",
	"was not delivered",
	"wasn't able to deliver",
};

static const char *const transient_phrases[] = {
	"connection timed out",
	"envelope expired",
	"in the queue too long",
	"retry timeout exceeded",
	"retry time not reached",
	"was aborted after",
	"cannot send message for",
};

static const char *const permanent_phrases[] = {
	"failed permanently",
	"no such user",
	"permanent error",
	"permanent fatal errors",
	"unknown recipient",
	"unknown user",
	"user unknown",
};

#define HAS(text, phrases) has(text, phrases, sizeof(phrases) / sizeof((phrases)[0]))

static bool has(const char *text, const char *const *phrases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(text, phrases[i]))
			return true;
	}
	return false;
}

/* Does a header of the returned mail begin on this line? */
static bool begins_header(const char *line)
{
	static const char *const names[] = {"Received:", "Return-Path:", "Message-ID:",
		"X-Received:", "DKIM-Signature:", "Delivered-To:", "ARC-Seal:"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static const char *next_line(const char *line)
{
	const char *stop = strchr(line, '\n');

	return stop ? stop + 1 : line + strlen(line);
}

static const char *find_header(const char *text)
{
	while (*text && !begins_header(text))
		text = next_line(text);
	return text;
}

/* Subject and text in the form of the phrases. */
static char *squeeze(const char *subject, const char *text, size_t n)
{
	size_t length = subject ? strlen(subject) : 0, at = 0;
	char *out = malloc(length + n + 2);
	bool space = true;

	if (!out)
		return NULL;
	for (size_t i = 0; i < length + 1 + n; i++) {
		char c = i < length ? subject[i] : i == length ? ' ' : text[i - length - 1];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			if (!space)
				out[at++] = ' ';
			space = true;
			continue;
		}
		out[at++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		space = false;
	}
	out[at] = '\0';
	return out;
}

static bool is_own(const struct report_letter *letter, const char *address)
{
	for (size_t i = 0; i < letter->n_own; i++) {
		if (strcmp(letter->own[i], address) == 0)
			return true;
	}
	return false;
}

static bool is_server(const char *address)
{
	return strncmp(address, "postmaster@", 11) == 0
	       || strncmp(address, "mailer-daemon@", 14) == 0;
}

/* own: one that the report itself was sent to will do; some name the recipient in X-Original-To. */
static int find_recipient(
	const struct report_letter *letter, bool own, const char *prose, char **addressp)
{
	int r = 0;

	*addressp = NULL;
	if (letter->failed_recipients)
		r = address_find(letter->failed_recipients, NULL, addressp);
	while (!r && !*addressp && *prose) {
		r = address_find(prose, &prose, addressp);
		if (r || !*addressp)
			break;
		if (is_server(*addressp) || (!own && is_own(letter, *addressp))) {
			free(*addressp);
			*addressp = NULL;
		}
	}
	return r;
}

static enum report_permanent permanent_of(const struct report *report, const char *prose)
{
	char class = report->status ? report->status[0] : report_code_reply(prose);

	if (report->action == REPORT_DELAYED || class == '4')
		return REPORT_TRANSIENT;
	if (class == '5')
		return REPORT_PERMANENT;
	if (HAS(prose, transient_phrases))
		return REPORT_TRANSIENT;
	return HAS(prose, permanent_phrases) ? REPORT_PERMANENT : REPORT_UNKNOWN;
}

static int read_squeezed(const struct report_letter *letter, const char *prose, const char *header,
	struct report *report)
{
	int r;

	if (HAS(prose, delayed_phrases))
		report->action = REPORT_DELAYED;
	else if (HAS(prose, failed_phrases) || letter->failed_recipients)
		report->action = REPORT_FAILED;
	else
		return REPORT_NONE;
	r = find_recipient(letter, false, prose, &report->recipient);
	if (!r)
		r = report_code_status(prose, &report->status);
	if (!r)
		r = report_add_returned(header, strlen(header), report);
	if (!r && !report->recipient)
		r = find_recipient(letter, true, prose, &report->recipient);
	report->permanent = permanent_of(report, prose);
	return r;
}

int report_read_prose(const struct report_letter *letter, struct report *report)
{
	const char *text = letter->text ? letter->text : "", *header = find_header(text);
	size_t n = (size_t)(header - text);
	char *prose;
	int r;

	if (!letter->by_server)
		return REPORT_NONE;
	prose = squeeze(letter->subject, text, n < PROSE_MAX ? n : PROSE_MAX);
	if (!prose)
		return -ENOMEM;
	r = read_squeezed(letter, prose, header, report);
	free(prose);
	if (r)
		report_clear(report);
	return r;
}
