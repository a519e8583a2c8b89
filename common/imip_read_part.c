#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <gmime/gmime.h>

#include "imip_read_charset.h"
#include "imip_read_part.h"
#include "octets.h"

/* GMime loses the 16 bytes of each class that is replaced, once in a process, and leak checkers see
 * no further than g_malloc(). */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LOSES_BYTES(call) (__lsan_disable(), (call), __lsan_enable())
#else
#define LOSES_BYTES(call) (call)
#endif

enum { CONTENT_FIELD_MAX = 64 * 1024 };

/* ---- telling parts apart --------------------------------------------------------------------- */

struct type {
	const char *media, *subtype; /* subtype NULL: any */
	enum imip_part_kind kind;
};

static const struct type types[] = {
	{"text", "calendar", IMIP_PART_CALENDAR},
	{"text", "x-vcalendar", IMIP_PART_CALENDAR},
	{"application", "ics", IMIP_PART_CALENDAR_FILE},
	{"application", "calendar", IMIP_PART_CALENDAR_FILE},
	{"application", "pkcs7-mime", IMIP_PART_SEALED},
	{"application", "x-pkcs7-mime", IMIP_PART_SEALED},
	{"message", "delivery-status", IMIP_PART_STATUS},
	{"message", "global-delivery-status", IMIP_PART_STATUS},
	{"message", "disposition-notification", IMIP_PART_NOTICE},
	{"message", "global-disposition-notification", IMIP_PART_NOTICE},
	{"message", "feedback-report", IMIP_PART_NOTICE},
	{"text", "rfc822-headers", IMIP_PART_RETURNED},
	{"message", NULL, IMIP_PART_RETURNED},
	{"text", "html", IMIP_PART_HTML},
	{"text", NULL, IMIP_PART_TEXT},
};

static bool is_type(GMimeContentType *type, const char *media, const char *subtype)
{
	return g_mime_content_type_is_type(type, media, subtype ? subtype : "*");
}

static bool is_attached(GMimeObject *object)
{
	GMimeContentDisposition *disposition = g_mime_object_get_content_disposition(object);

	return disposition && g_mime_content_disposition_is_attachment(disposition);
}

static bool is_calendar_file(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	return n > 4 && strcasecmp(name + n - 4, ".ics") == 0;
}

static enum imip_part_kind kind_of(GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	enum imip_part_kind kind = IMIP_PART_OTHER;

	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
		if (is_type(type, types[i].media, types[i].subtype)) {
			kind = types[i].kind;
			break;
		}
	}
	if (kind == IMIP_PART_CALENDAR)
		return is_attached(object) ? IMIP_PART_CALENDAR_ATTACHED : kind;
	if (kind != IMIP_PART_OTHER && kind != IMIP_PART_TEXT && kind != IMIP_PART_HTML)
		return kind;
	if (GMIME_IS_PART(object)
		&& is_calendar_file(g_mime_part_get_filename((GMimePart *)object)))
		return IMIP_PART_CALENDAR_FILE;
	/* What is attached is not what somebody wrote. */
	return is_attached(object) ? IMIP_PART_OTHER : kind;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* A message within the message is a leaf: nothing in it could count, and the parser would take its
 * address fields apart, all of them again for each further one. */
static void make_leaves(void)
{
	static const char *const messages[] = {
		"rfc822", "rfc2822", "global", "news", "partial", "external-body", "*"};

	g_mime_init();
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		g_mime_object_register_type("message", messages[i], g_mime_part_get_type());
	g_mime_object_register_type("text", "rfc822-headers", g_mime_part_get_type());
}

void imip_parts_preload(void)
{
	LOSES_BYTES(make_leaves());
}

static void look_at_report(GMimeObject *object, struct imip_parts *parts)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	const char *about;

	if (!is_type(type, "multipart", "report"))
		return;
	about = g_mime_content_type_get_parameter(type, "report-type");
	parts->is_report = true;
	if (!about || strcasecmp(about, "delivery-status") == 0)
		parts->is_delivery = true;
}

static int walk(GMimeObject *object, int depth, struct imip_parts *parts)
{
	GMimeMultipart *multipart;
	int n, r = 0;

	if (depth > IMIP_READ_DEPTH_MAX)
		return IMIP_PARTS_DEEP;
	if (!GMIME_IS_MULTIPART(object)) {
		if (parts->n == IMIP_READ_PARTS_MAX)
			return IMIP_PARTS_MANY;
		parts->list[parts->n++] = (struct imip_part){kind_of(object), object};
		return 0;
	}
	if (GMIME_IS_MULTIPART_ENCRYPTED(object)) {
		parts->encrypted = true;
		return 0;
	}
	look_at_report(object, parts);
	multipart = (GMimeMultipart *)object;
	n = g_mime_multipart_get_count(multipart);
	for (int i = 0; i < n && !r; i++)
		r = walk(g_mime_multipart_get_part(multipart, i), depth + 1, parts);
	return r;
}

/*
 * The parser compares each line that begins with "--" with the boundary of each level it is in.
 * Each multipart costs a "boundary"; with more of them than parts are allowed no time is spent.
 */
static bool has_many_boundaries(const char *raw, size_t n)
{
	const char *end = raw + n;
	size_t found = 0;

	for (const char *at = raw; (at = memchr(at, 'o', (size_t)(end - at))); at++) {
		if (at > raw && end - at > 8 && strncasecmp(at - 1, "boundary", 8) == 0
			&& strchr("=* \t", at[7]))
			found++;
	}
	return found > IMIP_READ_PARTS_MAX / 2;
}

/* The end of the field that begins at a line's start, with the lines that belong to it. */
static const char *field_end(const char *at, const char *end)
{
	do {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	} while (at < end && (*at == ' ' || *at == '\t'));
	return at;
}

/* GMime keeps two hundred bytes for each parameter, in whatever part it is. */
static bool has_large_field(const char *raw, size_t n)
{
	const char *end = raw + n;

	for (const char *at = raw, *next; at < end; at = next) {
		bool content = end - at > 8 && strncasecmp(at, "content-", 8) == 0;

		next = content ? field_end(at, end) : memchr(at, '\n', (size_t)(end - at));
		if (content && next - at > CONTENT_FIELD_MAX)
			return true;
		next = content ? next : next ? next + 1 : end;
	}
	return false;
}

int imip_parts_read(const char *raw, size_t n, struct imip_parts *parts)
{
	GMimeStream *stream;
	GMimeParser *parser;

	*parts = (struct imip_parts){0};
	if (has_many_boundaries(raw, n))
		return IMIP_PARTS_MANY;
	if (has_large_field(raw, n))
		return IMIP_PARTS_LARGE;
	stream = g_mime_stream_mem_new_with_buffer(raw, n);
	parser = g_mime_parser_new_with_stream(stream);
	parts->root = g_mime_parser_construct_part(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return parts->root ? walk(parts->root, 0, parts) : IMIP_PARTS_NONE;
}

void imip_parts_clear(struct imip_parts *parts)
{
	if (parts->root)
		g_object_unref(parts->root);
	*parts = (struct imip_parts){0};
}

const struct imip_part *imip_parts_next(
	const struct imip_parts *parts, enum imip_part_kind kind, size_t *from)
{
	while (*from < parts->n) {
		const struct imip_part *part = &parts->list[(*from)++];

		if (part->kind == kind)
			return part;
	}
	return NULL;
}

/* ---- what is in a part ----------------------------------------------------------------------- */

static int copy_bytes(const GByteArray *array, char **bytesp, size_t *lengthp)
{
	struct octets octets = {0};

	octets_add(&octets, (const char *)array->data, array->len);
	return octets_take(&octets, bytesp, lengthp);
}

/* In the encoding given, or as it came. */
static int read_content(const struct imip_part *part, bool decoded, char **bytesp, size_t *lengthp)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeDataWrapper *content = NULL;
	int r;

	if (GMIME_IS_PART(part->object))
		content = g_mime_part_get_content((GMimePart *)part->object);
	if (content && decoded)
		(void)g_mime_data_wrapper_write_to_stream(content, stream);
	else if (content) {
		GMimeStream *source = g_mime_data_wrapper_get_stream(content);

		(void)g_mime_stream_reset(source);
		(void)g_mime_stream_write_to_stream(source, stream);
	}
	r = copy_bytes(g_mime_stream_mem_get_byte_array((GMimeStreamMem *)stream), bytesp, lengthp);
	g_object_unref(stream);
	return r;
}

int imip_part_bytes(const struct imip_part *part, char **bytesp, size_t *lengthp)
{
	return read_content(part, true, bytesp, lengthp);
}

static int to_text(
	const struct imip_part *part, const char *bytes, size_t n, char **textp, size_t *lengthp)
{
	GMimeContentType *type = g_mime_object_get_content_type(part->object);

	return imip_read_utf8(type ? g_mime_content_type_get_parameter(type, "charset") : NULL,
		bytes, n, textp, lengthp);
}

int imip_part_text(const struct imip_part *part, char **textp, size_t *lengthp)
{
	char *bytes;
	size_t n;
	int r = imip_part_bytes(part, &bytes, &n);

	*textp = NULL;
	if (r)
		return r;
	r = to_text(part, bytes, n, textp, lengthp);
	free(bytes);
	return r;
}

static bool is_calendar(const char *text, size_t n)
{
	static const char begin[] = "BEGIN:VCALENDAR";

	for (size_t i = 0; i + sizeof(begin) - 1 <= n; i++) {
		if ((text[i] | 0x20) == 'b' && strncasecmp(text + i, begin, sizeof(begin) - 1) == 0)
			return true;
	}
	return false;
}

/* The bytes as they came: plain after all, or base64 that nobody announced. */
static int read_mislabelled(const struct imip_part *part, char **textp, size_t *lengthp)
{
	static const char base64[] = "QkVHSU46VkNBTEVOREFS"; /* BEGIN:VCALENDAR */
	char *bytes, *from;
	size_t n;
	int r = read_content(part, false, &bytes, &n);

	*textp = NULL;
	if (r)
		return r;
	from = bytes + strspn(bytes, " \t\r\n");
	if (strncmp(from, base64, sizeof(base64) - 1) == 0) {
		int state = 0;
		guint32 save = 0;

		n -= (size_t)(from - bytes);
		n = g_mime_encoding_base64_decode_step(
			(const unsigned char *)from, n, (unsigned char *)bytes, &state, &save);
	}
	r = to_text(part, bytes, n, textp, lengthp);
	free(bytes);
	return r;
}

int imip_part_calendar(const struct imip_part *part, char **textp, size_t *lengthp)
{
	char *other;
	size_t n;
	int r = imip_part_text(part, textp, lengthp);

	if (r || is_calendar(*textp, *lengthp))
		return r;
	r = read_mislabelled(part, &other, &n);
	if (!r && is_calendar(other, n)) {
		free(*textp);
		*textp = other;
		*lengthp = n;
	} else {
		free(other);
	}
	return r;
}

const char *imip_part_method(const struct imip_part *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(part->object);

	return type ? g_mime_content_type_get_parameter(type, "method") : NULL;
}
