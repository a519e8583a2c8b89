#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <openssl/evp.h>

#include "mime.h"
#include "octets.h"
#include "text.h"

enum {
	LINE_MAX_OCTETS = 76,
	BASE64_BYTES = LINE_MAX_OCTETS / 4 * 3,
};

/* ---- headers ----------------------------------------------------------------------------- */

static void add_quoted(struct octets *out, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char octet = (unsigned char)c;
	char quoted[3] = {'=', digits[octet >> 4], digits[octet & 15]};

	octets_add(out, quoted, sizeof(quoted));
}

/* What stands as it is in an encoded word, wherever the word stands (RFC 2047, 5 (3)). */
static bool is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
	       || (c && strchr("!*+-/ ", c));
}

static void add_word_character(struct octets *out, const char *character, size_t length)
{
	if (is_word_character(*character)) {
		octets_add_char(out, *character == ' ' ? '_' : *character);
		return;
	}
	for (size_t i = 0; i < length; i++)
		add_quoted(out, character[i]);
}

/*
 * column: octets that the line has already. No character is cut between two words. Not in base64:
 * words of whole characters often need padding, and GMime 3.2 loses all words behind such a one.
 */
static void add_encoded_words(struct octets *out, const char *text, size_t column)
{
	static const char begin[] = "=?utf-8?Q?", end[] = "?=";

	octets_add_text(out, begin);
	column += sizeof(begin) - 1;
	while (*text) {
		size_t length = text_character(text), width;

		/* The text was checked; even if it were broken, no loop may stand still. */
		length = length ? length : 1;
		width = is_word_character(*text) ? 1 : 3 * length;
		if (column + width + sizeof(end) - 1 > LINE_MAX_OCTETS) {
			octets_add_text(out, "?=\r\n =?utf-8?Q?");
			column = sizeof(begin);
		}
		add_word_character(out, text, length);
		column += width;
		text += length;
	}
	octets_add_text(out, end);
}

/* Does the text read the same when it is folded at its spaces and not encoded at all? */
static bool is_plain(const char *text)
{
	size_t word = 0, length = strlen(text);

	if (length == 0 || text[0] == ' ' || text[length - 1] == ' ' || strstr(text, "=?"))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e || (text[i] == ' ' && text[i - 1] == ' '))
			return false;
		word = text[i] == ' ' ? 0 : word + 1;
		if (word > LINE_MAX_OCTETS / 2)
			return false;
	}
	return true;
}

static void add_folded(struct octets *out, const char *text, size_t column)
{
	while (*text) {
		size_t word = strcspn(text + 1, " ") + 1; /* with the space before it */

		if (column + word > LINE_MAX_OCTETS) {
			octets_add_text(out, "\r\n");
			column = 0;
		}
		octets_add(out, text, word);
		column += word;
		text += word;
	}
}

static void add_header_name(struct octets *out, const char *name)
{
	octets_add_text(out, name);
	octets_add_text(out, ": ");
}

void mime_header_text(struct octets *out, const char *name, const char *text)
{
	size_t column = strlen(name) + 2;

	add_header_name(out, name);
	if (is_plain(text))
		add_folded(out, text, column);
	else
		add_encoded_words(out, text, column);
	octets_add_text(out, "\r\n");
}

/* Octets of text as a quoted string. */
static size_t quoted_length(const char *text)
{
	size_t length = 2;

	for (; *text; text++)
		length += *text == '"' || *text == '\\' ? 2 : 1;
	return length;
}

static void add_quoted_string(struct octets *out, const char *text)
{
	octets_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			octets_add_char(out, '\\');
		octets_add_char(out, *text);
	}
	octets_add_char(out, '"');
}

/* In quotes where that will do, which every reader knows. The address follows on the same line
 * if it fits. */
static void add_display(struct octets *out, size_t column, const char *display, const char *address)
{
	size_t after = column + quoted_length(display);

	if (is_plain(display) && after <= LINE_MAX_OCTETS) {
		add_quoted_string(out, display);
		after += sizeof(" <>") - 1 + strlen(address);
		octets_add_text(out, after <= LINE_MAX_OCTETS ? " " : "\r\n ");
	} else {
		add_encoded_words(out, display, column);
		octets_add_text(out, "\r\n ");
	}
}

void mime_header_mailbox(
	struct octets *out, const char *name, const char *display, const char *address)
{
	add_header_name(out, name);
	if (display && *display)
		add_display(out, strlen(name) + 2, display, address);
	octets_add_char(out, '<');
	octets_add_text(out, address);
	octets_add_text(out, ">\r\n");
}

/* ---- bodies ------------------------------------------------------------------------------ */

void mime_base64(struct octets *out, const char *data, size_t length)
{
	while (length > 0) {
		size_t n = length < BASE64_BYTES ? length : BASE64_BYTES;
		unsigned char line[LINE_MAX_OCTETS + 1];
		int encoded = EVP_EncodeBlock(line, (const unsigned char *)data, (int)n);

		octets_add(out, (const char *)line, (size_t)encoded);
		octets_add_text(out, "\r\n");
		data += n;
		length -= n;
	}
}

/* A dot or "From " at the start of a line is changed by careless mail programs. */
static bool is_fragile_start(const char *line, size_t length)
{
	return line[0] == '.' || (length >= 5 && memcmp(line, "From ", 5) == 0);
}

/* What may stand as it is of the first room octets; a last space would be lost on the way. */
static size_t plain_run(const char *line, size_t length, size_t room)
{
	size_t run = text_printable(line, length < room ? length : room);
	const char *equals = memchr(line, '=', run);

	if (equals)
		return (size_t)(equals - line);
	return run > 0 && run == length && line[run - 1] == ' ' ? run - 1 : run;
}

/* One line without its LF. A column is kept for the "=" of a soft line break. */
static void add_quoted_line(struct octets *out, const char *line, size_t length)
{
	size_t i = 0, column = 0;

	while (i < length) {
		size_t room = LINE_MAX_OCTETS - 1 - column, run;

		run = column == 0 && is_fragile_start(line + i, length - i)
			      ? 0
			      : plain_run(line + i, length - i, room);
		octets_add(out, line + i, run);
		i += run;
		column += run;
		if (i < length && run < room && column + 3 < LINE_MAX_OCTETS) {
			add_quoted(out, line[i++]);
			column += 3;
		} else if (i < length) {
			octets_add(out, "=\r\n", 3);
			column = 0;
		}
	}
}

void mime_quoted_printable(struct octets *out, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop ? stop : end) - text);

		add_quoted_line(out, text, n);
		octets_add(out, "\r\n", 2);
		text = stop ? stop + 1 : end;
	}
}
