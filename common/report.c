#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "fields.h"
#include "report.h"
#include "report_code.h"
#include "text.h"

enum { ENVELOPE_ID_MAX = 100 };

void report_clear(struct report *report)
{
	free(report->status);
	free(report->recipient);
	free(report->envelope_id);
	free(report->message_id);
	*report = (struct report){0};
}

static const char *const action_names[] = {
	[REPORT_OTHER] = "other",
	[REPORT_EXPANDED] = "expanded",
	[REPORT_RELAYED] = "relayed",
	[REPORT_DELIVERED] = "delivered",
	[REPORT_DELAYED] = "delayed",
	[REPORT_FAILED] = "failed",
};

const char *report_action_name(enum report_action action)
{
	return action_names[action];
}

/* "failed", and what stands behind it as a comment. */
static enum report_action action_of(const char *value)
{
	size_t n = strcspn(value, " \t(;");

	for (size_t i = 0; i < sizeof(action_names) / sizeof(action_names[0]); i++) {
		if (strlen(action_names[i]) == n && strncasecmp(value, action_names[i], n) == 0)
			return (enum report_action)i;
	}
	return REPORT_OTHER;
}

/* One recipient of a report. */
struct group {
	enum report_action action;
	char *status, *final, *original;
	char reply; /* first digit of a reply code in Diagnostic-Code, or 0 */
	bool named; /* a field of a recipient was seen */
};

static void group_clear(struct group *group)
{
	free(group->status);
	free(group->final);
	free(group->original);
	*group = (struct group){0};
}

/* "rfc822; a@b", "<a@b>", "a@b (comment)"; and what ORCPT wrote as xtext (RFC 3461) is left as it
 * is: letters, digits and @ . - _ stand for themselves. */
static int take_recipient(const char *value, char **addressp)
{
	const char *type = strchr(value, ';');

	if (*addressp)
		return 0;
	return address_find(type ? type + 1 : value, NULL, addressp);
}

static int read_group_field(const struct fields *fields, struct group *group)
{
	int r = 0;

	if (fields_is(fields, "Final-Recipient"))
		r = take_recipient(fields->value, &group->final);
	else if (fields_is(fields, "Original-Recipient"))
		r = take_recipient(fields->value, &group->original);
	else if (fields_is(fields, "Action"))
		group->action = action_of(fields->value);
	else if (fields_is(fields, "Status"))
		return group->status ? 0 : report_code_status(fields->value, &group->status);
	else if (fields_is(fields, "Diagnostic-Code")) {
		group->reply = report_code_reply(fields->value);
		return 0;
	} else
		return 0;
	group->named = true;
	return r;
}

/* As RFC 3461 wants it given back: the mail's own words, which are printable. */
static int read_mail_field(const struct fields *fields, struct report *report)
{
	const char *value = fields->value;
	size_t n = strlen(value);

	if (!fields_is(fields, "Original-Envelope-Id") || report->envelope_id)
		return 0;
	if (n == 0 || n > ENVELOPE_ID_MAX || text_printable(value, n) != n)
		return 0;
	report->envelope_id = strdup(value);
	return report->envelope_id ? 0 : -ENOMEM;
}

static enum report_permanent permanent_of(const struct group *group)
{
	char class = group->status ? group->status[0] : group->reply;

	if (group->action != REPORT_FAILED && group->action != REPORT_DELAYED)
		return REPORT_UNKNOWN;
	if (class == '5' && group->action == REPORT_FAILED)
		return REPORT_PERMANENT;
	return class == '4' || group->action == REPORT_DELAYED ? REPORT_TRANSIENT : REPORT_UNKNOWN;
}

/* The worse of what is in the report and the group, which is empty afterwards. */
static void keep_worse(struct report *report, struct group *group, bool *found)
{
	enum report_permanent permanent = permanent_of(group);
	bool worse = !*found || group->action > report->action
		     || (group->action == report->action && permanent > report->permanent);

	if (group->named && worse) {
		free(report->status);
		free(report->recipient);
		report->action = group->action;
		report->permanent = permanent;
		report->status = group->status;
		report->recipient = group->original ? group->original : group->final;
		if (group->original)
			free(group->final);
		group->status = group->final = group->original = NULL;
		*found = true;
	}
	group_clear(group);
}

int report_read_status(const char *bytes, size_t n, struct report *report)
{
	struct fields fields;
	struct group group = {0};
	bool found = false;
	int r = 0;

	fields_begin(&fields, bytes, n);
	while (!r && fields.at < fields.end) {
		r = fields_next(&fields);
		if (r == FIELDS_END) {
			keep_worse(report, &group, &found);
			r = 0;
			continue;
		}
		if (!r)
			r = read_mail_field(&fields, report);
		if (!r)
			r = read_group_field(&fields, &group);
	}
	keep_worse(report, &group, &found);
	fields_clear(&fields);
	if (!r && !found)
		r = REPORT_NONE;
	if (r)
		report_clear(report);
	return r;
}

int report_add_returned(const char *bytes, size_t n, struct report *report)
{
	struct fields fields;
	int r;

	fields_begin(&fields, bytes, n);
	/* Some put an empty line before the header that they send back. */
	while (fields.at < fields.end && (*fields.at == '\r' || *fields.at == '\n'))
		fields.at++;
	while (!(r = fields_next(&fields))) {
		if (fields_is(&fields, "Message-ID") && !report->message_id)
			r = address_message_id(fields.value, &report->message_id);
		else if (fields_is(&fields, "To") && !report->recipient)
			r = address_find(fields.value, NULL, &report->recipient);
		if (r)
			break;
	}
	fields_clear(&fields);
	return r == FIELDS_END ? 0 : r;
}
