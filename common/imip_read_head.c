#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <gmime/gmime.h>

#include "address.h"
#include "fields.h"
#include "imip_read.h"
#include "imip_read_auth.h"
#include "imip_read_charset.h"
#include "imip_read_head.h"
#include "letter.h"

/* What one field after the other adds up to. */
struct gathering {
	struct imip_head *head;
	struct letter *letter;
	bool from_seen, from_doubtful; /* several From, or several addresses in it */
	bool auth_seen, date_seen, suppresses;
	char *rule_of;                     /* whose inbox has a rule that sent this */
	char *to[4][LETTER_ADDRESSES_MAX]; /* by field, in the order of recipient_fields */
	size_t n_to[4];
};

static const char *const recipient_fields[] = {"Delivered-To", "X-Original-To", "To", "Cc"};

/* ---- addresses ------------------------------------------------------------------------------- */

/* Called for each mailbox, those of groups as well; false stops. */
typedef bool mailbox_fn(const char *address, void *arg);

static bool each_mailbox(InternetAddressList *list, int depth, mailbox_fn *fn, void *arg)
{
	int n = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < n; i++) {
		InternetAddress *one = internet_address_list_get_address(list, i);
		bool more = true;

		if (INTERNET_ADDRESS_IS_MAILBOX(one))
			more = fn(internet_address_mailbox_get_addr((InternetAddressMailbox *)one),
				arg);
		else if (INTERNET_ADDRESS_IS_GROUP(one) && depth == 0)
			more = each_mailbox(
				internet_address_group_get_members((InternetAddressGroup *)one),
				depth + 1, fn, arg);
		if (!more)
			return false;
	}
	return true;
}

static void read_mailboxes(const char *value, mailbox_fn *fn, void *arg)
{
	InternetAddressList *list = internet_address_list_parse(NULL, value);

	if (!list)
		return;
	(void)each_mailbox(list, 0, fn, arg);
	g_object_unref(list);
}

static bool is_server_name(const char *address)
{
	static const char *const names[] = {"mailer-daemon", "mailerdaemon", "mail-daemon",
		"postmaster", "mail.delivery.system"};
	size_t n = strcspn(address, "@");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == n && strncasecmp(address, names[i], n) == 0)
			return true;
	}
	return false;
}

struct from {
	struct gathering *gathering;
	int n, r;
};

static bool add_from(const char *address, void *arg)
{
	struct from *from = arg;
	struct letter *letter = from->gathering->letter;

	if (!address)
		return true;
	if (is_server_name(address))
		from->gathering->head->by_server = true;
	if (++from->n > 1)
		return false;
	free(letter->from);
	from->r = address_take(address, strlen(address), &letter->from);
	return !from->r;
}

/* "MAILER-DAEMON <>" and "<>" are no addresses, and a mail server's all the same. */
static int read_from(const char *value, struct gathering *gathering)
{
	struct from from = {.gathering = gathering};

	if (gathering->from_seen) {
		gathering->from_doubtful = true;
		return 0;
	}
	gathering->from_seen = true;
	read_mailboxes(value, add_from, &from);
	if (from.n > 1)
		gathering->from_doubtful = true;
	if (from.n == 0 && (strstr(value, "<>") || is_server_name(value)))
		gathering->head->by_server = true;
	return from.r;
}

struct recipients {
	struct gathering *gathering;
	size_t which;
	int r;
};

static bool add_recipient(const char *address, void *arg)
{
	struct recipients *to = arg;
	size_t *n = &to->gathering->n_to[to->which];
	char **slot = &to->gathering->to[to->which][*n];

	if (*n == LETTER_ADDRESSES_MAX)
		return false;
	if (!address)
		return true;
	to->r = address_take(address, strlen(address), slot);
	if (*slot)
		++*n;
	return !to->r;
}

static int read_recipients(const char *value, size_t which, struct gathering *gathering)
{
	struct recipients to = {.gathering = gathering, .which = which};

	read_mailboxes(value, add_recipient, &to);
	return to.r;
}

static bool is_known(const struct letter *letter, const char *address)
{
	for (size_t i = 0; i < letter->n_to; i++) {
		if (strcmp(letter->to[i], address) == 0)
			return true;
	}
	return false;
}

/* Hands the addresses to the letter, each once, and frees the others. */
static void settle_recipients(struct gathering *gathering)
{
	struct letter *letter = gathering->letter;

	for (size_t which = 0; which < 4; which++) {
		for (size_t i = 0; i < gathering->n_to[which]; i++) {
			char *address = gathering->to[which][i];

			if (letter->n_to < LETTER_ADDRESSES_MAX && !is_known(letter, address))
				letter->to[letter->n_to++] = address;
			else
				free(address);
		}
	}
}

/* ---- automatic replies ----------------------------------------------------------------------- */

static bool begins(const char *value, const char *with)
{
	return strncasecmp(value, with, strlen(with)) == 0;
}

/* Google's answers say auto-generated: only a reply counts here (RFC 3834, section 5). */
static void read_marks(const struct fields *fields, struct gathering *gathering)
{
	static const char *const marks[] = {
		"X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Vacation", "X-Autoreply-From"};
	bool *automatic = &gathering->letter->automatic;
	const char *value = fields->value;

	if (fields_is(fields, "Auto-Submitted") && begins(value, "auto-replied"))
		*automatic = true;
	if (fields_is(fields, "X-Apple-Action") && strcasecmp(value, "VACATION") == 0)
		*automatic = true;
	if (fields_is(fields, "Precedence")
		&& (begins(value, "auto_reply") || begins(value, "auto-reply")))
		*automatic = true;
	if (fields_is(fields, "X-Auto-Response-Suppress") && begins(value, "All"))
		gathering->suppresses = true;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (fields_is(fields, marks[i]) && !begins(value, "no"))
			*automatic = true;
	}
}

/* Exchange says no more than that nothing should answer it, and puts words before the subject; the
 * ones with a colon are clear by themselves. */
static bool is_away_subject(const char *subject, bool suppresses)
{
	static const char *const clear[] = {"automatic reply:", "auto-reply:", "autoreply:",
		"automatische antwort:", "r\xc3\xa9ponse automatique",
		"respuesta autom\xc3\xa1tica", "risposta automatica", "resposta autom\xc3\xa1tica",
		"automatisch antwoord:", "autosvar:", "automaattinen vastaus:"};
	static const char *const perhaps[] = {"out of office", "out of the office", "away from",
		"abwesen", "absence", "absent", "fuera de", "fuori ", "ausente", "vacation",
		"on leave", "auto:", "auto ", "autom"};

	for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++) {
		if (begins(subject, clear[i]))
			return true;
	}
	for (size_t i = 0; suppresses && i < sizeof(perhaps) / sizeof(perhaps[0]); i++) {
		if (begins(subject, perhaps[i]))
			return true;
	}
	return false;
}

/* Exchange names the inbox by whose rule a mail goes out: a reply is from there; what was only passed
 * on, perhaps by our own inbox, still is from whoever wrote it. */
static bool is_reply_by_rule(const struct gathering *gathering)
{
	const char *from = gathering->letter->from;

	return gathering->rule_of && (!from || strcmp(from, gathering->rule_of) == 0);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static int take_text(const char *value, char **textp)
{
	char *decoded = g_mime_utils_header_decode_text(NULL, value);
	size_t length;
	int r = decoded ? imip_read_utf8(NULL, decoded, strlen(decoded), textp, &length) : 0;

	g_free(decoded);
	return r;
}

static void take_date(const char *value, int64_t *datep)
{
	GDateTime *date = g_mime_utils_header_decode_date(value);

	if (!date)
		return;
	*datep = g_date_time_to_unix(date);
	g_date_time_unref(date);
}

static int read_once(const struct fields *fields, struct gathering *gathering)
{
	struct imip_head *head = gathering->head;
	struct letter *letter = gathering->letter;

	if (fields_is(fields, "Subject") && !head->subject)
		return take_text(fields->value, &head->subject);
	if (fields_is(fields, "Message-ID") && !letter->message_id)
		return address_message_id(fields->value, &letter->message_id);
	if (fields_is(fields, "Date") && !gathering->date_seen) {
		gathering->date_seen = true;
		take_date(fields->value, &letter->date);
	}
	if (fields_is(fields, "Authentication-Results") && !gathering->auth_seen) {
		gathering->auth_seen = true;
		return imip_read_auth(fields->value, &letter->auth);
	}
	if (fields_is(fields, "X-MS-Exchange-Inbox-Rules-Loop") && !gathering->rule_of)
		return address_take(fields->value, strlen(fields->value), &gathering->rule_of);
	if (fields_is(fields, "X-Failed-Recipients") && !head->failed_recipients) {
		head->failed_recipients = strdup(fields->value);
		head->by_server = true;
		return head->failed_recipients ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_field(const struct fields *fields, struct gathering *gathering)
{
	if (fields_is(fields, "From"))
		return read_from(fields->value, gathering);
	for (size_t i = 0; i < 4; i++) {
		if (fields_is(fields, recipient_fields[i]))
			return read_recipients(fields->value, i, gathering);
	}
	if (fields_is(fields, "Return-Path") && strcmp(fields->value, "<>") == 0)
		gathering->head->by_server = true;
	read_marks(fields, gathering);
	return read_once(fields, gathering);
}

static int read_fields(struct fields *fields, struct gathering *gathering)
{
	const char *start = fields->at;

	for (size_t i = 0; i <= IMIP_READ_FIELDS_MAX; i++) {
		int r = fields_next(fields);

		if (r < 0)
			return r;
		if (fields->at - start > IMIP_READ_HEADER_MAX)
			break;
		if (r == FIELDS_END)
			return 0;
		r = read_field(fields, gathering);
		if (r)
			return r;
	}
	return IMIP_HEAD_LARGE;
}

int imip_read_head(const char *raw, size_t n, struct imip_head *head, struct letter *letter)
{
	struct gathering gathering = {.head = head, .letter = letter};
	struct fields fields;
	int r;

	fields_begin(&fields, raw, n);
	r = read_fields(&fields, &gathering);
	head->length = (size_t)(fields.at - raw);
	fields_clear(&fields);
	settle_recipients(&gathering);
	if (gathering.from_doubtful) {
		free(letter->from);
		letter->from = NULL;
	}
	if ((head->subject && is_away_subject(head->subject, gathering.suppresses))
		|| is_reply_by_rule(&gathering))
		letter->automatic = true;
	free(gathering.rule_of);
	return r;
}

void imip_head_clear(struct imip_head *head)
{
	free(head->subject);
	free(head->failed_recipients);
	*head = (struct imip_head){0};
}
