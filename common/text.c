#include <stdint.h>
#include <string.h>

#include "text.h"

enum { ADDRESS_MAX = 254, LOCAL_MAX = 64, LABEL_MAX = 63 };

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* How many octets the first one announces. 0xc0, 0xc1 and 0xf5 up never begin a character. */
static size_t announced(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* The second octet's range is narrower after some first ones (RFC 3629, section 4). */
static bool second_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf; /* else overlong */
	case 0xed:
		return second >= 0x80 && second <= 0x9f; /* else a surrogate */
	case 0xf0:
		return second >= 0x90 && second <= 0xbf; /* else overlong */
	case 0xf4:
		return second >= 0x80 && second <= 0x8f; /* else above U+10FFFF */
	default:
		return is_continuation(second);
	}
}

size_t text_character(const char *text)
{
	const unsigned char *octets = (const unsigned char *)text;
	size_t length = announced(octets[0]);

	if (octets[0] == '\0')
		return 0;
	if (length < 2)
		return length;
	if (!second_fits(octets[0], octets[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_continuation(octets[i]))
			return 0;
	}
	return length;
}

/* Eight octets at once: a high bit is left where an octet is below 0x20, above 0x7e, or (seldom)
 * beside such a one; that is enough to know where to look closer. */
static bool are_printable(const char *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return (((word - ones * 0x20) | (word + ones) | word) & ones * 0x80) == 0;
}

size_t text_printable(const char *text, size_t n)
{
	size_t i = 0;

	while (n - i >= sizeof(uint64_t) && are_printable(text + i))
		i += sizeof(uint64_t);
	while (i < n && text[i] >= 0x20 && text[i] <= 0x7e)
		i++;
	return i;
}

/* Beyond ASCII: C1, of which U+0085 is a line end to some, and U+2028 and U+2029. */
static bool is_wide_control(const unsigned char *octets)
{
	if (octets[0] == 0xc2)
		return octets[1] < 0xa0;
	return octets[0] == 0xe2 && octets[1] == 0x80 && (octets[2] == 0xa8 || octets[2] == 0xa9);
}

enum text_fault text_check(const char *text, enum text_form form, size_t max)
{
	size_t length = text ? strlen(text) : 0;

	if (length == 0)
		return TEXT_EMPTY;
	if (length > max)
		return TEXT_LONG;
	for (size_t i = text_printable(text, length); i < length;
		i += text_printable(text + i, length - i)) {
		size_t character = text_character(text + i);
		char c = text[i];

		if (character == 0)
			return TEXT_BROKEN;
		if (character == 1 && (c < 0x20 || c == 0x7f) && !(c == '\n' && form == TEXT_LINES))
			return TEXT_CONTROL;
		if (character > 1 && is_wide_control((const unsigned char *)text + i))
			return TEXT_CONTROL;
		i += character;
	}
	return TEXT_FINE;
}

const char *text_fault_words(enum text_fault fault)
{
	switch (fault) {
	case TEXT_FINE:
		return "is fine";
	case TEXT_EMPTY:
		return "is missing";
	case TEXT_LONG:
		return "is too long";
	case TEXT_BROKEN:
		return "is not valid UTF-8";
	case TEXT_CONTROL:
		return "holds a control character or a line separator";
	}
	return "is not fit to be mailed";
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* At least two labels of letters, digits and inner hyphens. */
static bool is_domain(const char *text)
{
	size_t labels = 0;

	for (;;) {
		size_t n = 0;

		while (is_alphanumeric(text[n]) || text[n] == '-')
			n++;
		if (n == 0 || n > LABEL_MAX || text[0] == '-' || text[n - 1] == '-')
			return false;
		labels++;
		if (text[n] == '\0')
			return labels >= 2;
		if (text[n] != '.')
			return false;
		text += n + 1;
	}
}

bool text_is_address(const char *text)
{
	size_t local = 0;

	if (!text)
		return false;
	while (is_alphanumeric(text[local])
		|| (text[local] && strchr(".!#$%&'*+/=?^_`{|}~-", text[local])))
		local++;
	if (local == 0 || local > LOCAL_MAX || text[local] != '@')
		return false;
	return is_domain(text + local + 1) && strlen(text) <= ADDRESS_MAX;
}
