#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MOST = 20 };

static int remember(struct notes *notes, const struct note *note)
{
	struct redaction *more = realloc(
		notes->redactions, (notes->n + 1) * sizeof(*notes->redactions));

	if (!more)
		return -ENOMEM;
	notes->redactions = more;
	more += notes->n++;
	*more = (struct redaction){.note_id = note->id, .number = note->number};
	snprintf(more->who, sizeof(more->who), "%s", note->redacted_by);
	snprintf(more->when, sizeof(more->when), "%s", note->redacted_at);
	return 0;
}

int notes_look(struct verify *verify, struct notes *notes, const struct note *note)
{
	unsigned char hash[CHAIN_HASH];
	char hex[CHAIN_HEX];

	if (!note->text && note->redacted_by && note->redacted_at)
		return remember(notes, note);
	if (!note->text) {
		verify_say(verify, VERIFY_BAD,
			"entry %lld: note %lld was taken away, and nobody is named who redacted it",
			note->number, note->id);
		return 0;
	}
	if (note->salt && chain_note(note->salt, note->text, hash)) {
		chain_to_hex(hash, hex);
		if (strcmp(hex, note->hash) == 0)
			return 0;
	}
	verify_say(verify, VERIFY_BAD, "entry %lld: note %lld was altered", note->number, note->id);
	return 0;
}

void notes_bear_out(struct notes *notes, const char *detail, const char *who)
{
	static const char key[] = "\"note\": ";
	const char *place = detail ? strstr(detail, key) : NULL;
	long long id = place ? strtoll(place + sizeof(key) - 1, NULL, 10) : 0;

	for (size_t i = 0; i < notes->n; i++)
		if (notes->redactions[i].note_id == id && who
			&& strcmp(notes->redactions[i].who, who) == 0)
			notes->redactions[i].borne_out = true;
}

void notes_end(struct verify *verify, const struct notes *notes, bool some_wait)
{
	for (size_t i = 0; i < notes->n; i++) {
		const struct redaction *one = &notes->redactions[i];

		if (!one->borne_out)
			/* Its event may be among the rows that are not sealed yet. */
			verify_say(verify, some_wait ? VERIFY_WARN : VERIFY_BAD,
				"entry %lld: note %lld is said to be redacted by %s at %s, and "
				"history has no event of it",
				one->number, one->note_id, one->who, one->when);
		else if (i < NAMED_MOST)
			verify_say(verify, VERIFY_OK,
				"entry %lld: note %lld was redacted by %s at %s", one->number,
				one->note_id, one->who, one->when);
	}
	if (notes->n > NAMED_MOST)
		verify_say(verify, VERIFY_OK, "%zu notes were redacted", notes->n);
}

void notes_clear(struct notes *notes)
{
	free(notes->redactions);
	*notes = (struct notes){0};
}
