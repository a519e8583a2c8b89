#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "octets.h"

enum field {
	FIELD_AUTHORIZATION,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_CONTENT_TYPE,
	FIELD_EXPECT,
	FIELD_HOST,
	FIELD_IDEMPOTENCY_KEY,
	FIELD_TRANSFER_ENCODING,
	FIELDS,
};

static const char *const field_names[FIELDS] = {
	[FIELD_AUTHORIZATION] = "Authorization",
	[FIELD_CONNECTION] = "Connection",
	[FIELD_CONTENT_LENGTH] = "Content-Length",
	[FIELD_CONTENT_TYPE] = "Content-Type",
	[FIELD_EXPECT] = "Expect",
	[FIELD_HOST] = "Host",
	[FIELD_IDEMPOTENCY_KEY] = "Idempotency-Key",
	[FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
};

struct http {
	size_t body_max;
	enum http_state state;
	bool in_body; /* the head is complete */
	struct octets head, body, output;
	size_t written;      /* of output */
	char *method, *path; /* in head, and so are the fields; NULL: not there */
	char *fields[FIELDS];
	size_t length; /* of the body, as announced */
	int fault;
	bool skipped; /* an empty line in front of the request */
	bool old;     /* HTTP/1.0 */
	bool last;    /* the client wants no further request, or cannot have one */
};

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {{200, "OK"}, {201, "Created"}, {400, "Bad Request"}, {401, "Unauthorized"},
		{403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
		{408, "Request Timeout"}, {409, "Conflict"}, {411, "Length Required"},
		{413, "Content Too Large"}, {415, "Unsupported Media Type"},
		{417, "Expectation Failed"}, {429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
		{501, "Method Not Known"}, {503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* ---- the head ------------------------------------------------------------------------------- */

/* RFC 9110 5.6.2 */
static bool is_token(const char *text, size_t n)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0' || !strchr(allowed, text[i]))
			return false;
	return n > 0;
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static void refuse(struct http *http, int status)
{
	http->fault = status;
	http->last = true;
	http->state = HTTP_ASKED;
}

/* The line at *rest, ended by a NUL instead of its CR LF; NULL after the last. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strstr(line, "\r\n");

	if (!end || end == line)
		return NULL;
	*end = '\0';
	*rest = end + 2;
	return line;
}

/* METHOD SP target SP HTTP/1.x; 0 or a status. */
static int read_request_line(struct http *http, char *line)
{
	char *path = strchr(line, ' '), *version = path ? strchr(path + 1, ' ') : NULL;

	if (!version || strchr(version + 1, ' '))
		return 400;
	*path++ = '\0';
	*version++ = '\0';
	if (!is_token(line, strlen(line)) || strncmp(version, "HTTP/", 5) != 0 || path[0] != '/'
		|| !is_visible(path))
		return 400;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return 505;
	if (strlen(path) > HTTP_PATH_MAX)
		return 431;
	path[strcspn(path, "?")] = '\0';
	http->last = http->old = version[7] == '0';
	http->method = line;
	http->path = path;
	return 0;
}

/* Is word, in any case, among those of a list? */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (list && *list) {
		list += strspn(list, ", \t");
		if (strncasecmp(list, word, n) == 0 && (list[n] == '\0' || strchr(", \t", list[n])))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static int read_field(struct http *http, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	/* A blank before the colon, or a folded line, has no token in front. */
	if (!colon || !is_token(line, (size_t)(colon - line)))
		return 400;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	for (const char *p = value; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return 400;
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcasecmp(line, field_names[i]) != 0)
			continue;
		/* Only Connection is a list that may come in pieces, and we look for one word of it. */
		if (i == FIELD_CONNECTION)
			http->last |= has_word(value, "close");
		else if (http->fields[i])
			return 400;
		http->fields[i] = value;
	}
	return 0;
}

static int read_length(struct http *http)
{
	const char *text = http->fields[FIELD_CONTENT_LENGTH];
	size_t n = text ? strlen(text) : 0;

	http->length = 0;
	if (http->fields[FIELD_TRANSFER_ENCODING])
		return text ? 400 : 411;
	if (!text)
		return 0;
	if (n == 0 || strspn(text, "0123456789") != n)
		return 400;
	if (n > 10)
		return 413;
	http->length = strtoul(text, NULL, 10);
	return http->length > http->body_max ? 413 : 0;
}

static int read_expect(struct http *http)
{
	const char *expect = http->fields[FIELD_EXPECT];

	if (!expect)
		return 0;
	if (strcasecmp(expect, "100-continue") != 0)
		return 417;
	/* Neither HTTP/1.0 nor a request without a body waits for it. */
	if (!http->old && http->length > 0)
		octets_add_text(&http->output, "HTTP/1.1 100 Continue\r\n\r\n");
	return 0;
}

static int read_head(struct http *http)
{
	char *rest, *line;
	int fault;

	if (memchr(http->head.data, '\0', http->head.length - 1))
		return 400;
	rest = http->head.data;
	line = next_line(&rest);
	fault = line ? read_request_line(http, line) : 400;
	while (!fault && (line = next_line(&rest)) != NULL)
		fault = read_field(http, line);
	if (fault)
		return fault;
	if (!http->old && (!http->fields[FIELD_HOST] || !http->fields[FIELD_HOST][0]))
		return 400;
	if (http->fields[FIELD_AUTHORIZATION] && !is_visible(http->fields[FIELD_AUTHORIZATION]))
		return 400;
	if (http->fields[FIELD_IDEMPOTENCY_KEY] && !is_visible(http->fields[FIELD_IDEMPOTENCY_KEY]))
		return 400;
	fault = read_length(http);
	return fault ? fault : read_expect(http);
}

static bool ends_head(const struct octets *head)
{
	return head->length >= 4 && memcmp(head->data + head->length - 4, "\r\n\r\n", 4) == 0;
}

static void finish_head(struct http *http)
{
	int fault;

	octets_add_char(&http->head, '\0');
	if (http->head.failed)
		return;
	fault = read_head(http);
	if (fault)
		refuse(http, fault);
	http->in_body = true;
}

/* How many of the bytes belong to the head. */
static size_t feed_head(struct http *http, const char *bytes, size_t length)
{
	struct octets *head = &http->head;
	size_t i = 0;

	while (i < length && !http->in_body && http->state == HTTP_READING && !head->failed) {
		char c = bytes[i++], before = head->length ? head->data[head->length - 1] : '\0';

		/* RFC 9112 2.2: an empty line in front of a request is passed over; we stop at two. */
		if (head->length == 2 && !http->skipped && before == '\n') {
			http->skipped = true;
			head->length = 0;
			before = '\0';
		}
		if ((c == '\n') != (before == '\r')) {
			refuse(http, 400);
		} else if (head->length == HTTP_HEAD_MAX) {
			refuse(http, 431);
		} else {
			octets_add_char(head, c);
			if (c == '\n' && (ends_head(head) || (http->skipped && head->length == 2)))
				finish_head(http);
		}
	}
	return i;
}

/* ---- the body ------------------------------------------------------------------------------- */

static size_t feed_body(struct http *http, const char *bytes, size_t length)
{
	size_t missing = http->length - http->body.length, n = length < missing ? length : missing;

	octets_add(&http->body, bytes, n);
	if (http->body.length == http->length) {
		/* A NUL behind it, for who wants a text. */
		octets_add_char(&http->body, '\0');
		http->state = HTTP_ASKED;
	}
	return n;
}

int http_feed(struct http *http, const char *bytes, size_t length, size_t *used)
{
	*used = 0;
	if (http->state != HTTP_READING)
		return 0;
	if (!http->in_body)
		*used = feed_head(http, bytes, length);
	if (http->in_body && http->state == HTTP_READING)
		*used += feed_body(http, bytes + *used, length - *used);
	return http->head.failed || http->body.failed || http->output.failed ? -ENOMEM : 0;
}

/* ---- answers -------------------------------------------------------------------------------- */

struct http_request http_request(const struct http *http)
{
	if (http->fault)
		return (struct http_request){.fault = http->fault};
	return (struct http_request){
		.method = http->method,
		.path = http->path,
		.content_type = http->fields[FIELD_CONTENT_TYPE],
		.authorization = http->fields[FIELD_AUTHORIZATION],
		.idempotency_key = http->fields[FIELD_IDEMPOTENCY_KEY],
		.body = http->body.data,
		.length = http->length,
	};
}

static void forget_request(struct http *http)
{
	/* The next one may be hours away. */
	octets_clear(&http->head);
	octets_clear(&http->body);
	http->in_body = http->skipped = false;
	http->method = http->path = NULL;
	memset(http->fields, 0, sizeof(http->fields));
	http->length = 0;
	http->fault = 0;
}

int http_answer(struct http *http, const struct http_answer *answer)
{
	bool head = !http->fault && http->method && strcmp(http->method, "HEAD") == 0;
	char text[200];

	if (http->state == HTTP_CLOSED)
		return 0;
	http->last |= answer->close || http->state == HTTP_READING;
	snprintf(text, sizeof(text),
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
		"no-store\r\n",
		answer->status, http_reason(answer->status), answer->type, answer->length);
	octets_add_text(&http->output, text);
	octets_add_text(&http->output, answer->fields);
	octets_add_text(&http->output, http->last ? "Connection: close\r\n\r\n" : "\r\n");
	if (!head)
		octets_add(&http->output, answer->body, answer->length);
	http->state = http->last ? HTTP_CLOSED : HTTP_READING;
	forget_request(http);
	return http->output.failed ? -ENOMEM : 0;
}

const char *http_output(const struct http *http, size_t *length)
{
	*length = http->output.failed ? 0 : http->output.length - http->written;
	return *length ? http->output.data + http->written : "";
}

void http_output_taken(struct http *http, size_t length)
{
	http->written += length;
	if (http->written == http->output.length) {
		octets_clear(&http->output);
		http->written = 0;
	}
}

/* ---- life ----------------------------------------------------------------------------------- */

enum http_state http_state(const struct http *http)
{
	return http->state;
}

bool http_is_idle(const struct http *http)
{
	return http->state == HTTP_READING && http->head.length == 0;
}

void http_close(struct http *http)
{
	http->state = HTTP_CLOSED;
	forget_request(http);
}

int http_new(size_t body_max, struct http **httpp)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->body_max = body_max;
	*httpp = http;
	return 0;
}

struct http *http_free(struct http *http)
{
	if (!http)
		return NULL;
	octets_clear(&http->head);
	octets_clear(&http->body);
	octets_clear(&http->output);
	free(http);
	return NULL;
}
