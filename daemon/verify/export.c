#include "verify/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "octets.h"
#include "signature.h"

/* An entry has some 300 bytes, and detail a few thousand at most. */
enum { FIELD_MAX = 64 * 1024 * 1024, LINE_MAX_ = SIGNATURE_LINE + 2 };
/* Far from where counting on would overflow. */
static const long long from_max = __LONG_LONG_MAX__ / 2;

/* ---- writing -------------------------------------------------------------------------------- */

static int write_record(const struct walk_entry *entry, void *arg)
{
	struct octets record = {0};
	char length[32], *text = NULL, redacted[300];
	size_t n;
	int r;

	(void)arg;
	snprintf(length, sizeof(length), "%zu:", entry->length);
	octets_add_text(&record, length);
	octets_add(&record, entry->bytes, entry->length);
	octets_add_char(&record, ',');
	chain_add_field(&record, entry->salt);
	chain_add_field(&record, entry->note);
	snprintf(redacted, sizeof(redacted), "%s by %s",
		entry->redacted_at ? entry->redacted_at : "",
		entry->redacted_by ? entry->redacted_by : "");
	chain_add_field(&record, entry->redacted_at ? redacted : NULL);
	octets_add_char(&record, '\n');
	r = octets_take(&record, &text, &n);
	if (!r && fwrite(text, 1, n, stdout) != n)
		r = -errno;
	free(text);
	return r;
}

static void now_text(char text[32])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int write_trailer(struct verify *verify, const struct signature_key *key, long long from,
	const char *before, const struct walk_place *place)
{
	char hex[CHAIN_HEX], at[32], text[400], line[SIGNATURE_LINE];
	int r;

	chain_to_hex(place->hash, hex);
	now_text(at);
	snprintf(text, sizeof(text),
		"vacd-export-1 chain=%s from=%lld to=%lld before=%s hash=%s at=%s", verify->chain,
		from, place->number, before, hex, at);
	r = signature_sign(key, text, line, sizeof(line));
	if (!r && (printf("%s\n", line) < 0 || fflush(stdout) != 0))
		r = -errno;
	return r;
}

static int write_range(
	struct verify *verify, const struct signature_key *key, long long from, long long to)
{
	struct walk_place place = {0};
	char before[CHAIN_HEX];
	int r = walk_find(verify, from - 1, &place);

	if (r == VERIFY_FAILED)
		verify_say(verify, VERIFY_BAD, "entry %lld: is not there", from - 1);
	if (r)
		return r == VERIFY_FAILED ? 0 : r;
	chain_to_hex(place.hash, before);
	printf("vacd-history-1 chain=%s from=%lld before=%s\n", verify->chain, from, before);
	r = walk_on(verify, &place, to, write_record, NULL);
	if (!r && place.number < to)
		verify_say(verify, VERIFY_BAD, "the chain ends with entry %lld", place.number);
	if (!r && verify->bad == 0)
		r = write_trailer(verify, key, from, before, &place);
	if (!r)
		verify_say(verify, verify->bad ? VERIFY_BAD : VERIFY_OK, "entries %lld to %lld %s",
			from, place.number,
			verify->bad ? "are not signed: see above" : "written and signed");
	return r;
}

int export_write(struct verify *verify, long long from, long long to, const char *signing_key)
{
	struct signature_key *key = NULL;
	char why[400] = "";
	int r = signature_key_read(signing_key, &key, why, sizeof(why));

	if (r) {
		look_say(&verify->look, "%s", why);
		return LOOK_FAILED;
	}
	r = write_range(verify, key, from, to);
	signature_key_free(key);
	return r;
}

/* ---- checking ------------------------------------------------------------------------------- */

struct reading {
	struct verify *verify;
	FILE *file;
	struct walk_place place;
	unsigned long entries, redacted;
	char chain[CHAIN_ID], before[CHAIN_HEX];
	long long from;
};

/* A field into *textp: NULL for "-". 0, VERIFY_FAILED: there is none here, or -ENOMEM. */
static int read_field(FILE *file, char **textp, size_t *lengthp)
{
	size_t length = 0;
	int c = getc(file);

	*textp = NULL;
	*lengthp = 0;
	if (c == '-')
		return getc(file) == ',' ? 0 : VERIFY_FAILED;
	if (c < '0' || c > '9')
		return VERIFY_FAILED;
	for (; c >= '0' && c <= '9' && length <= FIELD_MAX; c = getc(file))
		length = length * 10 + (size_t)(c - '0');
	if (c != ':' || length > FIELD_MAX)
		return VERIFY_FAILED;
	*textp = malloc(length + 1);
	if (!*textp)
		return -ENOMEM;
	if (fread(*textp, 1, length, file) != length || getc(file) != ',')
		return VERIFY_FAILED;
	(*textp)[length] = '\0';
	*lengthp = length;
	return 0;
}

/* The nth field within an entry's bytes, as a copy; NULL: it is NULL, or not there. */
static char *field_of(char *bytes, size_t length, int n)
{
	FILE *file = fmemopen(bytes, length, "r");
	char *text = NULL;
	size_t size;

	if (!file)
		return NULL;
	for (int i = 0; i <= n; i++) {
		free(text);
		if (read_field(file, &text, &size)) {
			free(text);
			text = NULL;
			break;
		}
	}
	fclose(file);
	return text;
}

static void check_note(struct reading *reading, long long number, const char *hash,
	const char *salt, const char *note, const char *redacted)
{
	unsigned char reckoned[CHAIN_HASH];
	char hex[CHAIN_HEX];

	if (!hash) {
		if (salt || note || redacted)
			verify_say(reading->verify, VERIFY_BAD,
				"entry %lld: has a note that was not sealed", number);
		return;
	}
	if (!note) {
		reading->redacted++;
		if (redacted)
			verify_say(reading->verify, VERIFY_OK,
				"entry %lld: its note was redacted, %s", number, redacted);
		else
			verify_say(reading->verify, VERIFY_BAD, "entry %lld: its note is missing",
				number);
		return;
	}
	if (salt && chain_note(salt, note, reckoned)) {
		chain_to_hex(reckoned, hex);
		if (strcmp(hex, hash) == 0)
			return;
	}
	verify_say(reading->verify, VERIFY_BAD, "entry %lld: its note was altered", number);
}

static int check_entry(struct reading *reading, char *const fields[4], size_t length)
{
	char *number = field_of(fields[0], length, 1 + CHAIN_NUMBER);
	char *hash = field_of(fields[0], length, 1 + CHAIN_NOTE_HASH);
	int r = 0;

	if (!number || strtoll(number, NULL, 10) != reading->place.number + 1)
		verify_say(reading->verify, VERIFY_BAD, "entry %lld: is not there",
			reading->place.number + 1);
	if (!chain_next(reading->place.hash, fields[0], length, reading->place.hash))
		r = -EIO;
	reading->place.number++;
	reading->entries++;
	heads_meet(reading->verify, reading->place.number, reading->place.hash);
	check_note(reading, reading->place.number, hash, fields[1], fields[2], fields[3]);
	free(number);
	free(hash);
	return r;
}

/* 0, VERIFY_FAILED: it is no record, -ENOMEM, -EIO. */
static int read_record(struct reading *reading)
{
	char *fields[4] = {NULL, NULL, NULL, NULL};
	size_t length = 0, other;
	int r = read_field(reading->file, &fields[0], &length);

	for (int i = 1; !r && i < 4; i++)
		r = read_field(reading->file, &fields[i], &other);
	if (!r && (!fields[0] || getc(reading->file) != '\n'))
		r = VERIFY_FAILED;
	if (!r)
		r = check_entry(reading, fields, length);
	for (int i = 0; i < 4; i++)
		free(fields[i]);
	return r;
}

static bool read_line(FILE *file, char line[LINE_MAX_])
{
	size_t length;

	if (!fgets(line, LINE_MAX_, file))
		return false;
	length = strlen(line);
	if (length == 0 || line[length - 1] != '\n')
		return false;
	line[length - 1] = '\0';
	return true;
}

static bool read_header(struct reading *reading)
{
	char line[LINE_MAX_], from[24];

	if (!read_line(reading->file, line) || strncmp(line, "vacd-history-1 ", 15) != 0
		|| signature_value(line, "chain", reading->chain, sizeof(reading->chain))
		|| signature_value(line, "from", from, sizeof(from))
		|| signature_value(line, "before", reading->before, sizeof(reading->before))
		|| !chain_from_hex(reading->before, reading->place.hash))
		return false;
	reading->from = strtoll(from, NULL, 10);
	if (reading->from < 1 || reading->from > from_max)
		return false;
	reading->place.number = reading->from - 1;
	return true;
}

static void check_trailer(struct reading *reading)
{
	struct verify *verify = reading->verify;
	char line[LINE_MAX_], expected[400], hex[CHAIN_HEX];

	chain_to_hex(reading->place.hash, hex);
	snprintf(expected, sizeof(expected),
		"vacd-export-1 chain=%s from=%lld to=%lld before=%s hash=%s at=", reading->chain,
		reading->from, reading->place.number, reading->before, hex);
	if (!read_line(reading->file, line) || getc(reading->file) != EOF) {
		verify_say(verify, VERIFY_BAD, "the last line, which is signed, is not there");
		return;
	}
	if (strncmp(line, expected, strlen(expected)) != 0)
		verify_say(verify, VERIFY_BAD,
			"what is signed is something else: entries were altered, added or removed");
	switch (verify_line(verify, line)) {
	case 0:
		break;
	case SIGNATURE_OTHER_KEY:
		verify_say(verify, VERIFY_BAD, "signed with a key that was not given");
		break;
	default:
		verify_say(verify, VERIFY_BAD, "its signature is false");
		break;
	}
}

static int check_file(struct reading *reading)
{
	int r = 0, c;

	if (!read_header(reading)) {
		look_say(&reading->verify->look, "the file is no export of history");
		return LOOK_FAILED;
	}
	heads_meet(reading->verify, reading->place.number, reading->place.hash);
	while (!r && (c = getc(reading->file)) >= '0' && c <= '9') {
		ungetc(c, reading->file);
		r = read_record(reading);
	}
	if (r == VERIFY_FAILED)
		verify_say(reading->verify, VERIFY_BAD, "entry %lld: the file is damaged there",
			reading->place.number + 1);
	if (r)
		return r == VERIFY_FAILED ? 0 : r;
	ungetc(c, reading->file);
	check_trailer(reading);
	heads_end(reading->verify, reading->from - 1, reading->place.number, false);
	if (reading->verify->bad == 0)
		verify_say(reading->verify, VERIFY_OK,
			"entries %lld to %lld of chain %s follow one another and are signed",
			reading->from, reading->place.number, reading->chain);
	return 0;
}

int export_check(struct verify *verify, const char *path)
{
	struct reading reading = {.verify = verify, .file = fopen(path, "re")};
	int r;

	if (!reading.file) {
		look_say(&verify->look, "%s: %s", path, strerror(errno));
		return LOOK_FAILED;
	}
	r = check_file(&reading);
	fclose(reading.file);
	return r;
}
