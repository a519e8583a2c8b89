/*
 * lmtp_command - what each command does
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lmtp_dialogue.h"
#include "lmtp_path.h"

void lmtp_refuse_line(struct lmtp *lmtp, const char *reply)
{
	lmtp->errors++;
	if (lmtp->errors > LMTP_ERRORS_MAX)
		lmtp_close(lmtp, "4.7.0 too many errors");
	else
		lmtp_say(lmtp, "%s", reply);
}

/* ---- before and between mails --------------------------------------------------------------- */

static int on_lhlo(struct lmtp *lmtp, const char *rest)
{
	if (*rest == '\0') {
		lmtp_refuse_line(lmtp, "501 5.5.4 LHLO wants your name");
		return 0;
	}
	lmtp_reset(lmtp);
	lmtp->greeted = true;
	lmtp_say(lmtp, "250-%s", lmtp->host);
	lmtp_say(lmtp, "250-PIPELINING");
	lmtp_say(lmtp, "250-ENHANCEDSTATUSCODES");
	lmtp_say(lmtp, "250-8BITMIME");
	lmtp_say(lmtp, "250 SIZE %zu", lmtp->options.size_max);
	return 0;
}

/* RFC 2033 4.1: whoever says this speaks SMTP, and would not read a reply for each recipient. */
static int on_helo(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_refuse_line(lmtp, "500 5.5.1 this is LMTP: say LHLO");
	return 0;
}

static int on_rset(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_reset(lmtp);
	lmtp_say(lmtp, "250 2.0.0 forgotten");
	return 0;
}

static int on_noop(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_say(lmtp, "250 2.0.0 fine");
	return 0;
}

static int on_vrfy(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_say(lmtp, "252 2.5.2 send it and see");
	return 0;
}

static int on_quit(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_reset(lmtp);
	lmtp_say(lmtp, "221 2.0.0 goodbye");
	lmtp->phase = LMTP_PHASE_CLOSED;
	return 0;
}

static int on_known_elsewhere(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	lmtp_refuse_line(lmtp, "502 5.5.1 not offered here");
	return 0;
}

/* ---- a mail's envelope ---------------------------------------------------------------------- */

static bool is_too_large(const struct lmtp *lmtp, const struct lmtp_parameters *parameters)
{
	return parameters->has_size && parameters->size > lmtp->options.size_max;
}

/* The reply that refuses this MAIL, or NULL; an error of the client's unless it is 4yz or 552. */
static const char *mail_fault(struct lmtp *lmtp, const char *rest, struct lmtp_path *path,
	struct lmtp_parameters *parameters)
{
	if (!lmtp->greeted)
		return "503 5.5.1 say LHLO first";
	if (lmtp->has_sender)
		return "503 5.5.1 the mail before is not over";
	if (strncasecmp(rest, "FROM:", 5) != 0 || lmtp_path_read(rest + 5, path) != 0)
		return "501 5.1.7 MAIL FROM:<address>";
	switch (lmtp_parameters_read(path->rest, parameters)) {
	case LMTP_PARAMETERS_UNKNOWN:
		return "555 5.5.4 a parameter that was not offered";
	case LMTP_PARAMETERS_INVALID:
		return "501 5.5.4 a parameter is malformed";
	default:
		return NULL;
	}
}

static int on_mail(struct lmtp *lmtp, const char *rest)
{
	struct lmtp_path path;
	struct lmtp_parameters parameters;
	const char *fault = mail_fault(lmtp, rest, &path, &parameters);

	if (fault != NULL) {
		lmtp_refuse_line(lmtp, fault);
		return 0;
	}
	if (lmtp->held != NULL) {
		lmtp_say(lmtp, "451 4.3.0 %s", lmtp->held);
		return 0;
	}
	if (is_too_large(lmtp, &parameters)) {
		lmtp_say(lmtp, "552 5.3.4 more than %zu octets", lmtp->options.size_max);
		return 0;
	}
	lmtp->sender = strdup(path.address);
	if (lmtp->sender == NULL)
		return -ENOMEM;
	lmtp->has_sender = true;
	lmtp_say(lmtp, "250 2.1.0 fine");
	return 0;
}

/* Likewise for RCPT. */
static const char *rcpt_fault(struct lmtp *lmtp, const char *rest, struct lmtp_path *path)
{
	if (!lmtp->has_sender)
		return "503 5.5.1 say MAIL first";
	if (strncasecmp(rest, "TO:", 3) != 0 || lmtp_path_read(rest + 3, path) != 0
		|| path->address[0] == '\0')
		return "501 5.1.3 RCPT TO:<address>";
	if (path->rest[strspn(path->rest, " ")] != '\0')
		return "555 5.5.4 a parameter that was not offered";
	return NULL;
}

static int on_rcpt(struct lmtp *lmtp, const char *rest)
{
	struct lmtp_path path;
	const char *fault = rcpt_fault(lmtp, rest, &path);

	if (fault != NULL) {
		lmtp_refuse_line(lmtp, fault);
		return 0;
	}
	if (!lmtp->options.is_ours(path.address, lmtp->options.arg)) {
		lmtp_say(lmtp, "550 5.1.1 nobody has this address here");
		return 0;
	}
	if (lmtp->n_recipients == LMTP_RECIPIENTS_MAX) {
		lmtp_say(lmtp, "452 4.5.3 too many recipients");
		return 0;
	}
	lmtp->recipients[lmtp->n_recipients] = strdup(path.address);
	if (lmtp->recipients[lmtp->n_recipients] == NULL)
		return -ENOMEM;
	lmtp->n_recipients++;
	lmtp_say(lmtp, "250 2.1.5 fine");
	return 0;
}

static int on_data(struct lmtp *lmtp, const char *rest)
{
	(void)rest;
	if (lmtp->n_recipients == 0) {
		/* RFC 2033 4.2. With PIPELINING it follows from refused recipients. */
		if (!lmtp->has_sender)
			lmtp_refuse_line(lmtp, "503 5.5.1 say MAIL and RCPT first");
		else
			lmtp_say(lmtp, "503 5.5.1 no recipient");
		return 0;
	}
	if (lmtp->held != NULL) {
		lmtp_say(lmtp, "451 4.3.0 %s", lmtp->held);
		return 0;
	}
	lmtp->place = LMTP_PLACE_LINE;
	lmtp->drop = LMTP_DROP_NOT;
	lmtp->phase = LMTP_PHASE_DATA;
	lmtp_say(lmtp, "354 go on; end with a dot on a line by itself");
	return 0;
}

/* ---- which one ------------------------------------------------------------------------------ */

struct command {
	const char *word;
	int (*run)(struct lmtp *lmtp, const char *rest);
	bool alone; /* nothing may stand behind it */
};

static const struct command commands[] = {
	{"LHLO", on_lhlo, false},
	{"MAIL", on_mail, false},
	{"RCPT", on_rcpt, false},
	{"DATA", on_data, true},
	{"RSET", on_rset, true},
	{"NOOP", on_noop, false},
	{"QUIT", on_quit, true},
	{"VRFY", on_vrfy, false},
	{"HELO", on_helo, false},
	{"EHLO", on_helo, false},
	{"EXPN", on_known_elsewhere, false},
	{"HELP", on_known_elsewhere, false},
	{"AUTH", on_known_elsewhere, false},
	{"BDAT", on_known_elsewhere, false},
	{"STARTTLS", on_known_elsewhere, false},
};

int lmtp_command(struct lmtp *lmtp)
{
	size_t n = strcspn(lmtp->line, " ");
	const char *rest = lmtp->line + n;

	rest += strspn(rest, " ");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];

		if (strlen(command->word) != n || strncasecmp(lmtp->line, command->word, n) != 0)
			continue;
		if (!command->alone || *rest == '\0')
			return command->run(lmtp, rest);
		lmtp_refuse_line(lmtp, "501 5.5.4 nothing stands behind this command");
		return 0;
	}
	lmtp_refuse_line(lmtp, "500 5.5.2 what?");
	return 0;
}
