#include "intake_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h> /* only there is the version of a request */
#include <event2/keyvalq_struct.h>

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

/* ---- texts ---------------------------------------------------------------------------------- */

/* RFC 9110 5.6.2 */
static bool is_token(const char *text)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return text[0] && text[strspn(text, allowed)] == '\0';
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	return false;
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

/* ---- the request line ----------------------------------------------------------------------- */

static const char *method_of(const struct evhttp_request *asked)
{
	/* In the order of evhttp's bits. */
	static const char names[] = "GET\0POST\0HEAD\0PUT\0DELETE\0OPTIONS\0TRACE\0CONNECT\0PATCH";
	unsigned int command = (unsigned int)evhttp_request_get_command(asked);
	const char *name = names;

	if (command > EVHTTP_REQ_PATCH)
		return NULL;
	for (; command > EVHTTP_REQ_GET; command >>= 1)
		name += strlen(name) + 1;
	return name;
}

/* RFC 9112 3.2.2: a whole URI is taken, too, whatever host it names: there is but one here. */
static const char *path_of(const struct evhttp_request *asked, const char *target)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(asked);
	const char *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL, *path;

	if (target[0] == '/')
		return target;
	if (!scheme || (strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "http") != 0)
		|| !evhttp_uri_get_host(uri) || evhttp_uri_get_userinfo(uri))
		return NULL;
	path = evhttp_uri_get_path(uri);
	return path && path[0] ? path : "/";
}

static int read_target(const struct evhttp_request *asked, struct intake_request *request)
{
	const char *target = evhttp_request_get_uri(asked), *path;

	if (strlen(target) > INTAKE_PATH_MAX)
		return 431;
	path = path_of(asked, target);
	if (!path || !is_visible(target) || strchr(target, ' '))
		return 400;
	snprintf(request->path, sizeof(request->path), "%.*s", (int)strcspn(path, "?#"), path);
	return 0;
}

/* ---- fields --------------------------------------------------------------------------------- */

static int read_field(const struct evkeyval *line, const char **fields, bool *close)
{
	/* A blank before the colon, too. */
	if (!is_token(line->key) || has_control(line->value))
		return 400;
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcasecmp(line->key, field_names[i]) != 0)
			continue;
		/* Only Connection is a list that may come in pieces, and we look for one word of it. */
		if (i == FIELD_CONNECTION)
			*close |= has_word(line->value, "close");
		else if (fields[i])
			return 400;
		fields[i] = line->value;
	}
	return 0;
}

/* Has evhttp seen the same body that another reader would see? */
static int check_length(const char *const *fields, const struct intake_request *request)
{
	const char *text = fields[FIELD_CONTENT_LENGTH];

	if (fields[FIELD_TRANSFER_ENCODING])
		return text ? 400 : 411;
	if (!text)
		return 0;
	if (!text[0] || text[strspn(text, "0123456789")])
		return 400;
	return text[strspn(text, "0")] && request->length == 0 ? 400 : 0;
}

static int check_fields(const struct evhttp_request *asked, const char *const *fields,
	const struct intake_request *r)
{
	int fault = check_length(fields, r);
	bool old = asked->minor == 0;

	if (fault)
		return fault;
	if (!old && (!fields[FIELD_HOST] || !fields[FIELD_HOST][0]))
		return 400;
	if (!old && fields[FIELD_EXPECT] && strcasecmp(fields[FIELD_EXPECT], "100-continue") != 0)
		return 417;
	if ((r->authorization && !is_visible(r->authorization))
		|| (r->idempotency_key && !is_visible(r->idempotency_key)))
		return 400;
	return 0;
}

static int read_fields(struct evhttp_request *asked, struct intake_request *request)
{
	const char *fields[FIELDS] = {NULL};
	const struct evkeyval *line;
	int fault = 0;

	TAILQ_FOREACH(line, evhttp_request_get_input_headers(asked), next)
	{
		fault = fault ? fault : read_field(line, fields, &request->last);
	}
	if (fault)
		return fault;
	if (asked->minor == 0)
		request->last |= !has_word(fields[FIELD_CONNECTION], "keep-alive");
	request->content_type = fields[FIELD_CONTENT_TYPE];
	request->authorization = fields[FIELD_AUTHORIZATION];
	request->idempotency_key = fields[FIELD_IDEMPOTENCY_KEY];
	return check_fields(asked, fields, request);
}

void intake_request_read(struct evhttp_request *asked, struct intake_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(asked);

	memset(request, 0, sizeof(*request));
	/* For a host that it does not know evhttp would take us for a proxy. */
	asked->flags &= ~EVHTTP_PROXY_REQUEST;
	request->method = method_of(asked);
	request->head = evhttp_request_get_command(asked) == EVHTTP_REQ_HEAD;
	/* Behind a CONNECT evhttp reads on, whatever the answer says of closing. */
	if (asked->type == EVHTTP_REQ_CONNECT)
		asked->type = EVHTTP_REQ_GET;
	request->length = evbuffer_get_length(body);
	request->body = request->length ? (const char *)evbuffer_pullup(body, -1) : "";
	request->fault = asked->major == 1 && asked->minor >= 0 && asked->minor < 10
				 ? read_target(asked, request)
				 : 400;
	if (!request->fault)
		request->fault = read_fields(asked, request);
	if (!request->body)
		request->fault = 503;
	request->last |= request->fault != 0;
}
