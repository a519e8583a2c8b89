#include "receive_letter.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- reading -------------------------------------------------------------------------------- */

static void add_line(struct octets *letter, const char *line, size_t n)
{
	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	octets_add(letter, line, n);
	octets_add(letter, "\r\n", 2);
}

static int read_all(FILE *file, struct octets *bytes)
{
	char piece[16384];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		octets_add(bytes, piece, n);
		if (bytes->length > RECEIVE_LARGEST)
			return -EFBIG;
	}
	if (ferror(file))
		return -EIO;
	return bytes->failed ? -ENOMEM : 0;
}

int receive_letter_read(FILE *file, struct octets *letter)
{
	struct octets bytes = {0};
	int r = read_all(file, &bytes);

	for (size_t i = 0; r == 0 && i < bytes.length;) {
		const char *line = bytes.data + i, *end = memchr(line, '\n', bytes.length - i);
		size_t n = end ? (size_t)(end - line) + 1 : bytes.length - i;

		if (i > 0 || n < 5 || memcmp(line, "From ", 5) != 0)
			add_line(letter, line, n);
		i += n;
	}
	octets_clear(&bytes);
	return r == 0 && letter->failed ? -ENOMEM : r;
}

/* ---- addresses ------------------------------------------------------------------------------ */

bool receive_is_address(const char *text)
{
	const char *at = strrchr(text, '@');

	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '<' || *p == '>')
			return false;
	return at && at > text && at[1];
}

/* Length of the header's line at text, with its CR LF; 0 at the header's end. */
static size_t line_length(const char *text, const char *end)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	return !newline || newline == text + 1 ? 0 : (size_t)(newline + 1 - text);
}

static bool begins_field(const char *line, size_t n, const char *field)
{
	size_t length = strlen(field);

	return n > length && line[length] == ':' && strncasecmp(line, field, length) == 0;
}

/* True: address is one. */
static bool take_address(const char *text, size_t n, char *address, size_t size)
{
	static const char around[] = " \t\r\n<>,;()\"";

	for (size_t i = 0; i < n;) {
		size_t length = 0;

		while (i + length < n && text[i + length]
			&& strchr(around, text[i + length]) == NULL)
			length++;
		if (length > 0 && length < size) {
			memcpy(address, text + i, length);
			address[length] = '\0';
			if (receive_is_address(address))
				return true;
		}
		i += length + 1;
	}
	return false;
}

void receive_letter_address(
	const struct octets *letter, const char *field, char *address, size_t size)
{
	const char *line = letter->data ? letter->data : "", *end = line + letter->length;
	bool inside = false;
	size_t n;

	for (; line < end && (n = line_length(line, end)) > 0; line += n) {
		bool folded = *line == ' ' || *line == '\t';
		size_t skip = 0;

		if (!folded && inside)
			break;
		if (!folded) {
			inside = begins_field(line, n, field);
			skip = strlen(field) + 1;
		}
		if (inside && take_address(line + skip, n - skip, address, size))
			return;
	}
	address[0] = '\0';
}
