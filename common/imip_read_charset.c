#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <gmime/gmime.h>

#include "imip_read_charset.h"
#include "octets.h"
#include "text.h"

/* Names of iconv; GMime translates what mail calls them. */
static const char *const charsets[] = {"UTF-8", "US-ASCII", "UTF-16", "UTF-16BE", "UTF-16LE",
	"UTF-32", "UTF-32BE", "UTF-32LE", "UCS-2", "UCS-4", "UTF-7", "ISO-8859-1", "ISO-8859-2",
	"ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8",
	"ISO-8859-9", "ISO-8859-10", "ISO-8859-11", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15",
	"ISO-8859-16", "CP1250", "CP1251", "CP1252", "CP1253", "CP1254", "CP1255", "CP1256",
	"CP1257", "CP1258", "CP437", "CP850", "CP852", "CP866", "CP874", "KOI8-R", "KOI8-U",
	"MACINTOSH", "TIS-620", "VISCII", "TCVN", "GEORGIAN-PS", "ARMSCII-8", "GB2312", "EUC-CN",
	"GBK", "CP936", "GB18030", "BIG5", "BIG5-HKSCS", "CP950", "EUC-TW", "SHIFT_JIS", "CP932",
	"EUC-JP", "ISO-2022-JP", "ISO-2022-JP-2", "EUC-KR", "CP949", "JOHAB", "ISO-2022-KR"};

enum { N_CHARSETS = sizeof(charsets) / sizeof(charsets[0]) };

/* Never closed: with one converter open the C library keeps its module. */
static iconv_t converters[N_CHARSETS];

static bool is_open(iconv_t converter)
{
	return (intptr_t)converter != -1;
}

size_t imip_read_charset_preload(void)
{
	size_t opened = 0;

	for (size_t i = 0; i < N_CHARSETS; i++) {
		char in[4] = "AAAA", out[16], *from = in, *to = out;
		size_t n_in = sizeof(in), n_out = sizeof(out);

		if (converters[i])
			continue;
		converters[i] = g_mime_iconv_open("UTF-8", charsets[i]);
		if (!is_open(converters[i]))
			continue;
		opened++;
		(void)iconv(converters[i], &from, &n_in, &to, &n_out);
	}
	return opened;
}

static bool is_utf8(const char *text, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t length = text[at] ? text_character(text + at) : 1;

		/* The NUL behind the text ends every character that is cut. */
		if (length == 0)
			return false;
		at += length;
	}
	return at == n;
}

/* What the bytes themselves say. skip: the byte order mark. UTF-32 first: its mark begins with
 * that of UTF-16. */
static const char *sniff(const char *bytes, size_t n, size_t *skip)
{
	static const struct {
		const char *bytes;
		size_t n, skip;
		const char *charset;
	} marks[] = {
		{"\xff\xfe\0\0", 4, 4, "UTF-32LE"},
		{"\0\0\xfe\xff", 4, 4, "UTF-32BE"},
		{"\xff\xfe", 2, 2, "UTF-16LE"},
		{"\xfe\xff", 2, 2, "UTF-16BE"},
		{"\xef\xbb\xbf", 3, 3, "UTF-8"},
		{"B\0\0\0E\0\0\0", 8, 0, "UTF-32LE"},
		{"\0\0\0B\0\0\0E", 8, 0, "UTF-32BE"},
		{"B\0E\0G\0", 6, 0, "UTF-16LE"},
		{"\0B\0E\0G", 6, 0, "UTF-16BE"},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (n >= marks[i].n && memcmp(bytes, marks[i].bytes, marks[i].n) == 0) {
			*skip = marks[i].skip;
			return marks[i].charset;
		}
	}
	*skip = 0;
	return NULL;
}

/* Charsets whose text may look like UTF-8 and is not: of seven bits, or with NULs in it. */
static bool is_disguised(const char *label, const char *bytes, size_t n)
{
	if (strncasecmp(label, "iso-2022-", 9) == 0 || strcasecmp(label, "utf-7") == 0)
		return true;
	return (strncasecmp(label, "utf-", 4) == 0 || strncasecmp(label, "ucs-", 4) == 0)
	       && memchr(bytes, '\0', n);
}

/* Each turn takes at least one byte. */
static void convert(iconv_t converter, char *from, size_t left, struct octets *out)
{
	while (left > 0 && !out->failed) {
		char room[4096], *to = room;
		size_t free_room = sizeof(room);
		size_t r = iconv(converter, &from, &left, &to, &free_room);
		int why = errno;

		octets_add(out, room, (size_t)(to - room));
		if (r != (size_t)-1)
			continue;
		if (why == EINVAL)
			break;
		if (why == EILSEQ) {
			octets_add_char(out, '?');
			from++;
			left--;
		}
	}
}

static int convert_from(const char *charset, const char *bytes, size_t n, struct octets *out)
{
	iconv_t converter = g_mime_iconv_open("UTF-8", charset);
	char *copy;

	if (!is_open(converter))
		return -EINVAL;
	copy = malloc(n + 1);
	if (copy) {
		memcpy(copy, bytes, n);
		convert(converter, copy, n, out);
	}
	free(copy);
	(void)g_mime_iconv_close(converter);
	return copy && !out->failed ? 0 : -ENOMEM;
}

static void add_latin1(const char *bytes, size_t n, struct octets *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= 0x80)
			octets_add_char(out, (char)(0xc0 | c >> 6));
		octets_add_char(out, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
	}
}

static int to_utf8(const char *label, const char *bytes, size_t n, struct octets *out)
{
	size_t skip;
	const char *charset = sniff(bytes, n, &skip);
	bool utf8;
	int r;

	bytes += skip;
	n -= skip;
	utf8 = is_utf8(bytes, n);
	if (!charset && label && *label && (!utf8 || is_disguised(label, bytes, n)))
		charset = label;
	if (charset && strcmp(charset, "UTF-8") != 0) {
		r = convert_from(charset, bytes, n, out);
		if (r != -EINVAL)
			return r;
	}
	if (utf8)
		octets_add(out, bytes, n);
	else
		add_latin1(bytes, n, out);
	return out->failed ? -ENOMEM : 0;
}

/* A NUL behind the bytes, which is_utf8() wants. */
static void close_text(struct octets *octets)
{
	octets_add_char(octets, '\0');
	if (!octets->failed)
		octets->length--;
}

/* A converter may give what text.h does not take for UTF-8: surrogates. */
static void mend(struct octets *text)
{
	struct octets plain = {0};

	close_text(text);
	if (text->failed || is_utf8(text->data, text->length))
		return;
	add_latin1(text->data, text->length, &plain);
	octets_clear(text);
	*text = plain;
}

int imip_read_utf8(const char *label, const char *bytes, size_t n, char **textp, size_t *lengthp)
{
	struct octets in = {0}, out = {0};
	int r;

	*textp = NULL;
	octets_add(&in, bytes, n);
	close_text(&in);
	r = in.failed ? -ENOMEM : to_utf8(label, in.data, n, &out);
	octets_clear(&in);
	mend(&out);
	if (!r)
		return octets_take(&out, textp, lengthp);
	octets_clear(&out);
	return r;
}
