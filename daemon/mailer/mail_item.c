/*
 * mail_item - a message that this daemon has claimed
 */
#include "mail_item.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../pg.h"

/* The columns that are text, and where each goes. */
static const struct {
	const char *column;
	size_t offset;
} texts[] = {
	{"kind", offsetof(struct mail_item, kind)},
	{"method", offsetof(struct mail_item, message.method)},
	{"uid", offsetof(struct mail_item, message.uid)},
	{"recipient", offsetof(struct mail_item, message.recipient)},
	{"recipient_name", offsetof(struct mail_item, message.recipient_name)},
	{"sender", offsetof(struct mail_item, message.sender)},
	{"key_id", offsetof(struct mail_item, message.key_id)},
	{"mail_uuid", offsetof(struct mail_item, message.mail_uuid)},
	{"first_uuid", offsetof(struct mail_item, message.first_uuid)},
	{"subject", offsetof(struct mail_item, message.subject)},
	{"body", offsetof(struct mail_item, message.body)},
	{"summary", offsetof(struct mail_item, message.summary)},
	{"location", offsetof(struct mail_item, message.location)},
	{"description", offsetof(struct mail_item, message.description)},
	{"bounce_handle", offsetof(struct mail_item, message.bounce_handle)},
	{"answer_handle", offsetof(struct mail_item, message.answer_handle)},
	{"partstat", offsetof(struct mail_item, message.partstat)},
	{"partner", offsetof(struct mail_item, message.partner)},
	{"words", offsetof(struct mail_item, message.words)},
	{"signature", offsetof(struct mail_item, signature)},
};

static_assert(sizeof(texts) / sizeof(texts[0]) == MAIL_ITEM_TEXTS, "");

/* Those that are numbers, in the order of take_numbers(). */
static const char *const numbers[] = {
	"message_id", "fence", "attempts", "sequence", "made_at", "starts", "ends", "renderer"};
static_assert(sizeof(numbers) / sizeof(numbers[0]) == MAIL_ITEM_NUMBERS, "");

/* Once a claim: to find a column by its name takes longer than to read it. */
void mail_claim_read(struct mail_claim *claim, const PGresult *result)
{
	claim->result = result;
	for (size_t i = 0; i < MAIL_ITEM_NUMBERS; i++)
		claim->numbers[i] = PQfnumber(result, numbers[i]);
	for (size_t i = 0; i < MAIL_ITEM_TEXTS; i++)
		claim->texts[i] = PQfnumber(result, texts[i].column);
	claim->shown_free = PQfnumber(result, "shown_free");
}

static void take_numbers(struct mail_item *item, const struct mail_claim *claim, int row)
{
	long long values[MAIL_ITEM_NUMBERS];

	for (size_t i = 0; i < MAIL_ITEM_NUMBERS; i++)
		values[i] = pg_int(claim->result, row, claim->numbers[i]);
	item->id = values[0];
	item->fence = values[1];
	item->attempts = values[2];
	item->message.sequence = (long)values[3];
	item->message.made_at = values[4];
	item->message.starts = values[5];
	item->message.ends = values[6];
	item->message.renderer = (int)values[7];
	item->message.shown_free = *PQgetvalue(claim->result, row, claim->shown_free) == 't';
}

static void take_texts(struct mail_item *item, const struct mail_claim *claim, int row)
{
	char *to = item->text;

	for (size_t i = 0; i < MAIL_ITEM_TEXTS; i++) {
		const char *from = pg_text(claim->result, row, claim->texts[i]);
		const char *value = NULL;

		if (from != NULL) {
			size_t size = strlen(from) + 1;

			value = memcpy(to, from, size);
			to += size;
		}
		memcpy((char *)item + texts[i].offset, &value, sizeof(value));
	}
}

int mail_item_new(const struct mail_claim *claim, int row, struct mail_item **itemp)
{
	struct mail_item *item;
	size_t size = 0;

	for (size_t i = 0; i < MAIL_ITEM_TEXTS; i++) {
		const char *text = pg_text(claim->result, row, claim->texts[i]);

		size += text == NULL ? 0 : strlen(text) + 1;
	}
	item = calloc(1, sizeof(*item) + size);
	if (item == NULL)
		return -ENOMEM;
	item->looked_ms = claim->asked_ms;
	item->deadline_ms = claim->deadline_ms;
	take_numbers(item, claim, row);
	take_texts(item, claim, row);
	*itemp = item;
	return 0;
}

struct mail_item *mail_item_free(struct mail_item *item)
{
	if (item != NULL) {
		imip_mail_clear(&item->mail);
		free(item->made);
	}
	free(item);
	return NULL;
}

const char *mail_item_signature(const struct mail_item *item)
{
	return item->signature != NULL ? item->signature : item->made;
}

const char *mail_item_domain(const struct mail_item *item)
{
	const char *at = item->message.recipient == NULL ? NULL
							 : strrchr(item->message.recipient, '@');

	return at == NULL ? "-" : at + 1;
}

void mail_item_mask(const char *reply, char *text, size_t text_size)
{
	size_t n = 0, word = 0; /* where the word that is being copied began */

	for (; *reply != '\0' && n + 2 < text_size; reply++) {
		if (*reply == '@') { /* what of the word is there is a local part */
			n = word;
			text[n++] = '*';
		}
		if (*reply == '"' || *reply == '\\') /* the log quotes the text */
			text[n++] = '\'';
		else
			text[n++] = *reply;
		if (strchr(" <>,;:()[]{}\"'", *reply) != NULL)
			word = n;
	}
	if (*reply != '\0') /* a word that is cut off may be the front of an address */
		n = word;
	text[n] = '\0';
}
