#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "intake_case.h"
#include "intake_form.h"
#include "intake_guest.h"
#include "intake_metrics.h"
#include "intake_request.h"
#include "intake_route.h"

enum { CODE_MAX = 20 };

static const char cases[] = "/v1/cases";

enum route { ROUTE_NONE, ROUTE_CASES, ROUTE_CASE, ROUTE_HEALTH, ROUTE_METRICS };

static const struct {
	const char *words, *allow;
	bool secure, reads; /* of the door with TLS; by GET and HEAD, not POST */
	void (*answer)(struct intake_guest *guest, const struct intake_request *request);
} routes[] = {
	[ROUTE_NONE] = {"other", "", false, false, NULL},
	[ROUTE_CASES] = {"/v1/cases", "Allow: POST", true, false, intake_case_open},
	[ROUTE_CASE] = {"/v1/cases/CODE", "Allow: GET, HEAD", true, true, intake_case_state},
	[ROUTE_HEALTH] = {"/healthz", "Allow: GET, HEAD", false, true, intake_metrics_health},
	[ROUTE_METRICS] = {"/metrics", "Allow: GET, HEAD", false, true, intake_metrics_figures},
};

static enum route route_of(const char *path)
{
	const char *code = path + sizeof(cases);

	if (strcmp(path, "/healthz") == 0)
		return ROUTE_HEALTH;
	if (strcmp(path, "/metrics") == 0)
		return ROUTE_METRICS;
	if (strcmp(path, cases) == 0)
		return ROUTE_CASES;
	if (strncmp(path, cases, sizeof(cases) - 1) != 0 || path[sizeof(cases) - 1] != '/')
		return ROUTE_NONE;
	return code[0] && strlen(code) <= CODE_MAX && !strchr(code, '/') ? ROUTE_CASE : ROUTE_NONE;
}

const char *intake_route_words(const struct intake_request *request)
{
	static char text[60];

	if (!request || request->fault)
		return "method=? route=?";
	snprintf(text, sizeof(text), "method=%s route=%s",
		request->method ? request->method : "other", routes[route_of(request->path)].words);
	return text;
}

const char *intake_route_reason(int status)
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
		{501, "Method Not Known"}, {503, "Service Unavailable"}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

const char *intake_route_field(int status)
{
	switch (status) {
	case 401:
		return "WWW-Authenticate: Bearer realm=\"vacd\"";
	case 503:
		return "Retry-After: 5";
	default:
		return NULL;
	}
}

int intake_route_error(int status, char **textp)
{
	static const struct {
		int status;
		const char *field, *problem, *advice;
	} errors[] = {
		{400, NULL, "the request cannot be read", "Send HTTP/1.1 as RFC 9112 has it."},
		{401, NULL, "it is not known who asks",
			"Show the bearer token or the certificate that an administrator has "
			"registered."},
		{404, NULL, "there is no such case of yours, and nothing else is here",
			"Look at the code once more."},
		{405, NULL, "that cannot be done here", "The field Allow says what can."},
		{408, NULL, "the request did not come in whole in time", "Send it again."},
		{411, "Content-Length", "the length of the body is not known in front",
			"Send Content-Length instead of chunks."},
		{413, NULL, "the body is too large", "A case is some hundred octets."},
		{415, "Content-Type", "the body is not said to be JSON",
			"Say Content-Type: application/json."},
		{417, "Expect", "that cannot be expected", "Leave it out, or say 100-continue."},
		{429, NULL, "too many requests", "The field Retry-After says when to go on."},
		{431, NULL, "the head of the request is too large", "Send fewer fields."},
		{500, NULL, "a fault of vacd's; nothing was stored",
			"Tell its administrator the time; its journal has the reason."},
		{501, NULL, "there is no such method", "Use GET, HEAD or POST."},
		{503, NULL, "it cannot be answered now; whether it was stored is not known",
			"Send it again after the seconds in Retry-After, with the same "
			"Idempotency-Key: it opens no case twice."},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].status == status)
			return intake_form_error(
				errors[i].field, errors[i].problem, errors[i].advice, textp);
	return intake_form_error(NULL, "it cannot be answered", NULL, textp);
}

static void refuse(struct intake_guest *guest, int status, const char *field)
{
	intake_guest_answer(guest, &(struct intake_reply){.status = status, .field = field});
}

void intake_route(struct intake_guest *guest, bool secure)
{
	const struct intake_request *request = intake_guest_request(guest);
	enum route route;
	bool reads;

	if (request->fault) {
		refuse(guest, request->fault, NULL);
		return;
	}
	if (!request->method) {
		refuse(guest, 501, NULL);
		return;
	}
	route = route_of(request->path);
	if (route == ROUTE_NONE || routes[route].secure != secure) {
		refuse(guest, 404, NULL);
		return;
	}
	reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	if (routes[route].reads != reads || (!reads && strcmp(request->method, "POST") != 0))
		refuse(guest, 405, routes[route].allow);
	else
		routes[route].answer(guest, request);
}
