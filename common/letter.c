#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "itip_read.h"
#include "json.h"
#include "letter.h"
#include "octets.h"
#include "text.h"

enum { TEXT_MAX = 1024 };

struct letter *letter_free(struct letter *letter)
{
	if (!letter)
		return NULL;
	free(letter->from);
	free(letter->message_id);
	for (size_t i = 0; i < letter->n_to; i++)
		free(letter->to[i]);
	free(letter->auth.server);
	free(letter->auth.dmarc);
	free(letter->auth.domain);
	itip_object_free(letter->calendar);
	report_clear(&letter->report);
	free(letter);
	return NULL;
}

static const char *kind_name(enum letter_kind kind)
{
	static const char *const names[] = {
		[LETTER_PLAIN] = "plain",
		[LETTER_CALENDAR] = "calendar",
		[LETTER_REPORT] = "report",
		[LETTER_AUTOMATIC] = "automatic",
		[LETTER_UNREADABLE] = "unreadable",
	};

	return names[kind];
}

/* All strings were checked where they were read; here nothing else gets through either. */
static void write_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text_check(text, TEXT_LINE, TEXT_MAX) == TEXT_FINE ? text : NULL);
}

static void write_auth(const struct letter_auth *auth, struct json *json)
{
	json_key(json, "auth");
	if (!auth->server) {
		json_text(json, NULL);
		return;
	}
	json_open(json, '{');
	write_text(json, "server", auth->server);
	write_text(json, "dmarc", auth->dmarc);
	write_text(json, "domain", auth->domain);
	json_close(json, '}');
}

static void write_head(
	const struct letter *letter, const struct letter_caps *caps, struct json *json)
{
	json_key(json, "from");
	json_text(json, text_is_address(letter->from) ? letter->from : "");
	write_text(json, "message_id", letter->message_id);
	json_key(json, "date");
	if (letter->date == LETTER_NO_DATE)
		json_text(json, NULL);
	else
		json_number(json, letter->date);
	json_key(json, "to");
	json_open(json, '[');
	for (size_t i = 0; i < letter->n_to && i < caps->addresses; i++) {
		if (text_is_address(letter->to[i]))
			json_text(json, letter->to[i]);
	}
	json_close(json, ']');
	write_auth(&letter->auth, json);
	json_key(json, "automatic");
	json_truth(json, letter->automatic);
}

static void write_plain(const struct letter *letter, struct json *json)
{
	json_key(json, "word");
	json_text(json, letter->word);
	json_key(json, "number");
	if (letter->word && letter->number >= 0)
		json_number(json, letter->number);
	else
		json_text(json, NULL);
}

static void write_report(const struct report *report, struct json *json)
{
	json_key(json, "report");
	json_open(json, '{');
	write_text(json, "action", report_action_name(report->action));
	json_key(json, "permanent");
	if (report->permanent == REPORT_UNKNOWN)
		json_text(json, NULL);
	else
		json_truth(json, report->permanent == REPORT_PERMANENT);
	write_text(json, "status", report->status);
	write_text(json, "recipient", report->recipient);
	write_text(json, "envelope_id", report->envelope_id);
	write_text(json, "message_id", report->message_id);
	json_close(json, '}');
}

static void write_kind(
	const struct letter *letter, const struct letter_caps *caps, struct json *json)
{
	switch (letter->kind) {
	case LETTER_PLAIN:
		write_plain(letter, json);
		break;
	case LETTER_CALENDAR:
		json_key(json, "calendar");
		letter_write_calendar(letter->calendar, caps, json);
		break;
	case LETTER_REPORT:
		write_report(&letter->report, json);
		break;
	case LETTER_UNREADABLE:
		write_text(json, "why", letter->why);
		break;
	case LETTER_AUTOMATIC:
		break;
	}
}

/* 0, -ENOMEM, or -EILSEQ, which write_text() keeps from happening. */
static int write_capped(const struct letter *letter, const struct letter_caps *caps, char **textp)
{
	struct json json = {0};

	json_open(&json, '{');
	write_text(&json, "kind", kind_name(letter->kind));
	write_head(letter, caps, &json);
	write_kind(letter, caps, &json);
	json_close(&json, '}');
	return json_take(&json, textp);
}

static int write_too_much(const struct letter *letter, char **textp)
{
	static const struct letter_caps none = {.addresses = LETTER_ADDRESSES_MAX};
	struct letter other = *letter;

	other.kind = LETTER_UNREADABLE;
	other.why = "more in it than a record holds";
	return write_capped(&other, &none, textp);
}

int letter_write(const struct letter *letter, struct octets *out)
{
	static const struct letter_caps caps[] = {
		{50, 1000, LETTER_ADDRESSES_MAX},
		{10, 1000, LETTER_ADDRESSES_MAX},
		{10, 500, 20},
		{2, 100, 20},
	};
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		free(text);
		text = NULL;
		r = write_capped(letter, &caps[i], &text);
		if (r || strlen(text) <= LETTER_JSON_MAX)
			break;
	}
	if (r == -EILSEQ || (!r && strlen(text) > LETTER_JSON_MAX)) {
		free(text);
		r = write_too_much(letter, &text);
	}
	if (r)
		return -ENOMEM;
	octets_add_text(out, text);
	free(text);
	return out->failed ? -ENOMEM : 0;
}
