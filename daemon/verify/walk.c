#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "octets.h"
#include "pg.h"
#include "signature.h"

#define BATCH "5000"

/* A row that is sealed a day later than it says it happened, or earlier, may have been put in by hand. */
static const long long late_us = 24LL * 3600 * 1000000, early_us = 60LL * 1000000;

/* Columns of chain_entries(). */
enum column {
	COLUMN_NUMBER,
	COLUMN_SEALED_ID,
	COLUMN_SEALED_AT,
	COLUMN_HASH,
	COLUMN_HISTORY_ID,
	COLUMN_AT,
	COLUMN_WHO,
	COLUMN_EVENT,
	COLUMN_OFFICE,
	COLUMN_CASE,
	COLUMN_REQUEST,
	COLUMN_APPOINTMENT,
	COLUMN_COORDINATOR,
	COLUMN_MESSAGE,
	COLUMN_REASON,
	COLUMN_NOTE_ID,
	COLUMN_DETAIL,
	COLUMN_NOTE_HASH,
	COLUMN_SALT,
	COLUMN_NOTE,
	COLUMN_REDACTED_AT,
	COLUMN_REDACTED_BY,
};

static const enum column column_of[CHAIN_FIELDS] = {
	[CHAIN_NUMBER] = COLUMN_NUMBER,
	[CHAIN_SEALED_AT] = COLUMN_SEALED_AT,
	[CHAIN_HISTORY_ID] = COLUMN_HISTORY_ID,
	[CHAIN_AT] = COLUMN_AT,
	[CHAIN_WHO] = COLUMN_WHO,
	[CHAIN_EVENT] = COLUMN_EVENT,
	[CHAIN_OFFICE] = COLUMN_OFFICE,
	[CHAIN_CASE] = COLUMN_CASE,
	[CHAIN_REQUEST] = COLUMN_REQUEST,
	[CHAIN_APPOINTMENT] = COLUMN_APPOINTMENT,
	[CHAIN_COORDINATOR] = COLUMN_COORDINATOR,
	[CHAIN_MESSAGE] = COLUMN_MESSAGE,
	[CHAIN_REASON] = COLUMN_REASON,
	[CHAIN_NOTE] = COLUMN_NOTE_ID,
	[CHAIN_NOTE_HASH] = COLUMN_NOTE_HASH,
	[CHAIN_DETAIL] = COLUMN_DETAIL,
};

struct walk {
	struct verify *verify;
	struct walk_place *place;
	long long last;
	walk_fn fn;
	void *arg;
	struct octets bytes;
	/* An entry that does not fit: whether its row or its seal was altered shows by the next one. */
	struct {
		bool there;
		long long number, history_id;
		unsigned char reckoned[CHAIN_HASH];
	} doubt;
	struct notes notes;
	unsigned long entries, odd;
	long long odd_number, odd_id;
};

/* ---- notes ---------------------------------------------------------------------------------- */

static int look_at_note(struct walk *walk, const PGresult *rows, int row)
{
	const char *event = pg_text(rows, row, COLUMN_EVENT);
	const struct note note = {
		.number = pg_int(rows, row, COLUMN_NUMBER),
		.id = pg_int(rows, row, COLUMN_NOTE_ID),
		.hash = pg_text(rows, row, COLUMN_NOTE_HASH),
		.salt = pg_text(rows, row, COLUMN_SALT),
		.text = pg_text(rows, row, COLUMN_NOTE),
		.redacted_at = pg_text(rows, row, COLUMN_REDACTED_AT),
		.redacted_by = pg_text(rows, row, COLUMN_REDACTED_BY),
	};

	if (event && strcmp(event, "note_redacted") == 0)
		notes_bear_out(&walk->notes, pg_text(rows, row, COLUMN_DETAIL),
			pg_text(rows, row, COLUMN_WHO));
	/* Where the note was deleted its hash is missing, and so the entry does not fit. */
	return note.hash ? notes_look(walk->verify, &walk->notes, &note) : 0;
}

/* ---- one entry ------------------------------------------------------------------------------ */

static void end_doubt(struct walk *walk, bool seal_was_altered)
{
	if (!walk->doubt.there)
		return;
	walk->doubt.there = false;
	if (seal_was_altered)
		verify_say(walk->verify, VERIFY_BAD,
			"entry %lld: its seal was altered; row %lld of history is as it was sealed",
			walk->doubt.number, walk->doubt.history_id);
	else
		verify_say(walk->verify, VERIFY_BAD,
			"entry %lld: row %lld of history is not what was sealed, it was altered",
			walk->doubt.number, walk->doubt.history_id);
}

/* Does the entry in bytes, behind the hash before, come to sealed? */
static bool fits(struct walk *walk, const unsigned char before[CHAIN_HASH],
	const unsigned char sealed[CHAIN_HASH], unsigned char reckoned[CHAIN_HASH])
{
	return chain_next(before, walk->bytes.data, walk->bytes.length, reckoned)
	       && memcmp(reckoned, sealed, CHAIN_HASH) == 0;
}

static void judge(
	struct walk *walk, const PGresult *rows, int row, const unsigned char sealed[CHAIN_HASH])
{
	unsigned char reckoned[CHAIN_HASH] = {0}, other[CHAIN_HASH];
	bool good = fits(walk, walk->place->hash, sealed, reckoned), by_other = false;

	if (!good && walk->doubt.there)
		by_other = fits(walk, walk->doubt.reckoned, sealed, other);
	end_doubt(walk, by_other);
	if (good || by_other)
		return;
	walk->doubt.there = true;
	walk->doubt.number = pg_int(rows, row, COLUMN_NUMBER);
	walk->doubt.history_id = pg_int(rows, row, COLUMN_HISTORY_ID);
	memcpy(walk->doubt.reckoned, reckoned, CHAIN_HASH);
}

static void look_at_times(struct walk *walk, const PGresult *rows, int row)
{
	long long late = pg_int(rows, row, COLUMN_SEALED_AT) - pg_int(rows, row, COLUMN_AT);

	if (late <= late_us && late >= -early_us)
		return;
	if (walk->odd++ == 0) {
		walk->odd_number = pg_int(rows, row, COLUMN_NUMBER);
		walk->odd_id = pg_int(rows, row, COLUMN_HISTORY_ID);
	}
}

static int hand_over(struct walk *walk, const PGresult *rows, int row)
{
	const struct walk_entry entry = {
		.number = pg_int(rows, row, COLUMN_NUMBER),
		.bytes = walk->bytes.data,
		.length = walk->bytes.length,
		.salt = pg_text(rows, row, COLUMN_SALT),
		.note = pg_text(rows, row, COLUMN_NOTE),
		.redacted_at = pg_text(rows, row, COLUMN_REDACTED_AT),
		.redacted_by = pg_text(rows, row, COLUMN_REDACTED_BY),
	};

	return walk->fn ? walk->fn(&entry, walk->arg) : 0;
}

/* The bytes of the entry into walk->bytes. */
static int compose(struct walk *walk, const PGresult *rows, int row)
{
	const char *fields[CHAIN_FIELDS];

	for (size_t i = 0; i < CHAIN_FIELDS; i++)
		fields[i] = pg_text(rows, row, (int)column_of[i]);
	walk->bytes.length = 0;
	chain_add_entry(&walk->bytes, fields);
	return walk->bytes.failed ? -ENOMEM : 0;
}

static int take_entry(struct walk *walk, const PGresult *rows, int row)
{
	struct verify *verify = walk->verify;
	long long number = pg_int(rows, row, COLUMN_NUMBER), due = walk->place->number + 1;
	unsigned char sealed[CHAIN_HASH];
	int r = compose(walk, rows, row);

	if (r)
		return r;
	if (!chain_from_hex(PQgetvalue(rows, row, COLUMN_HASH), sealed)) {
		verify_say(verify, VERIFY_BAD, "entry %lld: has no hash", number);
		memset(sealed, 0, sizeof(sealed));
	}
	if (number > due) {
		end_doubt(walk, false);
		verify_say(
			verify, VERIFY_BAD, "entries %lld to %lld were deleted", due, number - 1);
	} else if (PQgetisnull(rows, row, COLUMN_HISTORY_ID)) {
		end_doubt(walk, false);
		verify_say(verify, VERIFY_BAD, "entry %lld: row %lld of history was deleted",
			number, pg_int(rows, row, COLUMN_SEALED_ID));
	} else {
		judge(walk, rows, row, sealed);
		r = look_at_note(walk, rows, row);
		look_at_times(walk, rows, row);
	}
	walk->entries++;
	walk->place->number = number;
	memcpy(walk->place->hash, sealed, CHAIN_HASH);
	heads_meet(verify, number, sealed);
	return r ? r : hand_over(walk, rows, row);
}

/* ---- along the chain ------------------------------------------------------------------------ */

/* Rows behind a number; they are for PQclear(). */
static int read_entries(struct verify *verify, long long after, const char *most, PGresult **rowsp)
{
	char number[24];
	const char *values[] = {number, most};

	snprintf(number, sizeof(number), "%lld", after);
	return look_query(&verify->look,
		"SELECT * FROM vac_daemon.chain_entries($1::bigint, $2::int)", 2, values, rowsp);
}

static int go(struct walk *walk)
{
	bool more = true;
	int r = 0;

	while (!r && more && walk->place->number < walk->last) {
		PGresult *rows = NULL;

		r = read_entries(walk->verify, walk->place->number, BATCH, &rows);
		more = !r && PQntuples(rows) > 0;
		for (int row = 0; !r && row < PQntuples(rows)
				  && pg_int(rows, row, COLUMN_NUMBER) <= walk->last;
			row++)
			r = take_entry(walk, rows, row);
		more = more && pg_int(rows, PQntuples(rows) - 1, COLUMN_NUMBER) <= walk->last;
		PQclear(rows);
	}
	return r;
}

int walk_on(struct verify *verify, struct walk_place *place, long long last, walk_fn fn, void *arg)
{
	struct walk walk = {.verify = verify, .place = place, .last = last, .fn = fn, .arg = arg};
	int r = go(&walk);

	end_doubt(&walk, false);
	octets_clear(&walk.bytes);
	notes_clear(&walk.notes);
	return r;
}

static int find_entry(struct verify *verify, long long number, struct walk_place *place)
{
	PGresult *rows = NULL;
	int r = read_entries(verify, number - 1, "1", &rows);

	if (!r
		&& (PQntuples(rows) != 1 || pg_int(rows, 0, COLUMN_NUMBER) != number
			|| !chain_from_hex(PQgetvalue(rows, 0, COLUMN_HASH), place->hash)))
		r = VERIFY_FAILED;
	PQclear(rows);
	return r;
}

/* ---- the whole of it ------------------------------------------------------------------------ */

struct ends {
	long long number, first, waiting; /* first: of all entries there are */
	unsigned char hash[CHAIN_HASH];
	struct walk_place from; /* the checkpoint, or the origin */
};

static void look_at_checkpoint(struct verify *verify, const PGresult *rows)
{
	const char *line = pg_text(rows, 0, 6);
	char number[24], hash[CHAIN_HEX], chain[CHAIN_ID];
	long long at = pg_int(rows, 0, 4);

	if (verify->n_keys == 0) {
		verify_say(verify, VERIFY_WARN,
			"checkpoint %lld: signature not checked, since no --public-key was given",
			at);
		return;
	}
	switch (verify_line(verify, line)) {
	case 0:
		if (strncmp(line, "vacd-checkpoint-1 ", 18) == 0
			&& !signature_value(line, "number", number, sizeof(number))
			&& !signature_value(line, "hash", hash, sizeof(hash))
			&& !signature_value(line, "chain", chain, sizeof(chain))
			&& strtoll(number, NULL, 10) == at && strcmp(hash, pg_text(rows, 0, 5)) == 0
			&& strcmp(chain, verify->chain) == 0)
			verify_say(verify, VERIFY_OK,
				"checkpoint %lld: signed; entries up to it were removed by policy",
				at);
		else
			verify_say(verify, VERIFY_BAD,
				"checkpoint %lld: what is signed is something else; entries up to "
				"it were cut off",
				at);
		break;
	case SIGNATURE_OTHER_KEY:
		verify_say(verify, VERIFY_BAD,
			"checkpoint %lld: signed with a key that was not given", at);
		break;
	default:
		verify_say(verify, VERIFY_BAD,
			"checkpoint %lld: its signature is false; entries up to it were cut off",
			at);
		break;
	}
}

/* Reads where the chain begins and ends; verify->chain is set. */
static int read_ends(struct verify *verify, struct ends *ends, PGresult **rowsp)
{
	int r = look_query(&verify->look, "SELECT * FROM vac_daemon.chain_head()", 0, NULL, rowsp);
	const PGresult *rows = *rowsp;
	bool good;

	if (r)
		return r;
	if (PQntuples(rows) != 1) {
		look_say(&verify->look, "the head of the chain was deleted");
		return LOOK_FAILED;
	}
	snprintf(verify->chain, sizeof(verify->chain), "%s", pg_text(rows, 0, 0));
	ends->number = pg_int(rows, 0, 1);
	ends->first = PQgetisnull(rows, 0, 3) ? __LONG_LONG_MAX__ : pg_int(rows, 0, 3);
	ends->waiting = pg_int(rows, 0, 7);
	ends->from.number = pg_int(rows, 0, 4);
	good = chain_from_hex(PQgetvalue(rows, 0, 2), ends->hash);
	if (PQgetisnull(rows, 0, 4))
		good = good && chain_origin(verify->chain, ends->from.hash);
	else
		good = good && chain_from_hex(PQgetvalue(rows, 0, 5), ends->from.hash);
	return good ? 0 : -EIO;
}

int walk_find(struct verify *verify, long long number, struct walk_place *place)
{
	struct ends ends = {0};
	PGresult *rows = NULL;
	int r = read_ends(verify, &ends, &rows);

	PQclear(rows);
	*place = ends.from;
	if (!r && number != ends.from.number) {
		place->number = number;
		r = find_entry(verify, number, place);
	}
	return r;
}

/* Nobody goes along these, and so nobody would miss a hash. */
static void look_at_first(struct verify *verify, const struct ends *ends)
{
	if (ends->first <= ends->from.number)
		verify_say(verify, VERIFY_BAD,
			"entries from %lld to %lld stand before the beginning of the chain, they "
			"were put in past it",
			ends->first, ends->from.number);
}

static int look_at_strays(struct verify *verify)
{
	const char *values[] = {"100"};
	PGresult *rows = NULL;
	int r = look_query(&verify->look,
		"SELECT history_id, at, lost FROM vac_daemon.chain_strays($1::int)", 1, values,
		&rows);

	for (int row = 0; !r && row < PQntuples(rows); row++) {
		if (PQgetvalue(rows, row, 2)[0] == 't')
			verify_say(verify, VERIFY_BAD,
				"row %s of history was deleted before it was sealed",
				PQgetvalue(rows, row, 0));
		else
			verify_say(verify, VERIFY_BAD,
				"row %s of history (%s) stands outside the chain, it was put in "
				"past it",
				PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1));
	}
	PQclear(rows);
	return r;
}

static void say_the_end(struct walk *walk, const struct ends *ends, long long first)
{
	struct verify *verify = walk->verify;
	const struct walk_place *place = walk->place;
	bool same = memcmp(place->hash, ends->hash, CHAIN_HASH) == 0;
	char hex[CHAIN_HEX];

	end_doubt(walk, !same && place->number == ends->number
				&& memcmp(walk->doubt.reckoned, ends->hash, CHAIN_HASH) == 0);
	if (place->number < ends->number)
		verify_say(verify, VERIFY_BAD, "entries %lld to %lld were cut off",
			place->number + 1, ends->number);
	else if (place->number > ends->number || !same)
		verify_say(verify, VERIFY_BAD,
			"the head of the chain was altered: it says %lld, the last entry is %lld",
			ends->number, place->number);
	notes_end(verify, &walk->notes, ends->waiting > 0);
	if (walk->odd > 0)
		verify_say(verify, VERIFY_WARN,
			"%lu row%s sealed a day or more after the time in it, or before it, such "
			"as row "
			"%lld (entry %lld); so they are after an upgrade, or when no daemon worked",
			walk->odd, walk->odd == 1 ? " was" : "s were", walk->odd_id,
			walk->odd_number);
	heads_end(verify, first, place->number, true);
	chain_to_hex(place->hash, hex);
	if (verify->bad == 0)
		verify_say(verify, VERIFY_OK,
			"%lu entries follow one another; %lld rows wait to be sealed; head %lld:%s",
			walk->entries, ends->waiting, place->number, hex);
}

int walk_whole(struct verify *verify)
{
	struct ends ends = {0};
	struct walk_place place = {0};
	struct walk walk = {.verify = verify, .place = &place, .last = __LONG_LONG_MAX__};
	PGresult *rows = NULL;
	long long first;
	int r = read_ends(verify, &ends, &rows);

	if (!r && !PQgetisnull(rows, 0, 4))
		look_at_checkpoint(verify, rows);
	PQclear(rows);
	if (r)
		return r;
	look_at_first(verify, &ends);
	place = ends.from;
	first = place.number;
	heads_meet(verify, place.number, place.hash);
	r = go(&walk);
	if (!r)
		r = look_at_strays(verify);
	if (!r)
		say_the_end(&walk, &ends, first);
	octets_clear(&walk.bytes);
	notes_clear(&walk.notes);
	return r;
}
