#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "../steady.h"
#include "config.h"
#include "intake_guest_state.h"
#include "intake_route.h"
#include "log.h"

enum {
	REST_MS = 200,
	LIFE_MS = 3600 * 1000, /* then it connects anew: certificates end, too */
};

void intake_answer_log(struct intake_guest *guest, const struct intake_reply *reply)
{
	/* Whoever watches asks every few seconds. */
	log_line(guest->door->secure ? LOG_INFO : LOG_DEBUG, "request",
		"client=%s from=%s %s status=%d ms=%lld", reply->client ? reply->client : "?",
		intake_guest_address(guest), intake_route_words(intake_guest_request(guest)),
		reply->status, steady_ms() - guest->since_ms);
	if (guest->door->secure && reply->status > 0 && reply->status < INTAKE_STATUS_MAX)
		guest->door->intake->counts.answers[reply->status]++;
}

/* RFC 9110 6.6.1 */
static void write_date(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	text[0] = '\0';
	if (gmtime_r(&now, &tm))
		strftime(text, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* "Name: value" */
static int add_field(struct evkeyvalq *fields, const char *field)
{
	const char *colon = field ? strchr(field, ':') : NULL;
	char name[40];

	if (!colon)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - field), field);
	return evhttp_add_header(fields, name, colon + 2);
}

/* By evhttp's way: it writes the answer, and goes on with the connection. */
static int send_answer(struct intake_guest *guest, const struct intake_reply *reply,
	struct evkeyvalq *fields, struct evbuffer *body)
{
	struct evkeyvalq *to = evhttp_request_get_output_headers(guest->asked);
	struct evkeyval *field;

	TAILQ_FOREACH(field, fields, next)
	{
		if (evhttp_add_header(to, field->key, field->value))
			return -ENOMEM;
	}
	if (guest->last) {
		/* What the client would rather have is of no weight. */
		while (evhttp_remove_header(
			       evhttp_request_get_input_headers(guest->asked), "Connection")
			== 0)
			;
	}
	evhttp_request_set_on_complete_cb(guest->asked, intake_guest_told, guest);
	guest->stage = STAGE_ANSWERING;
	evhttp_send_reply(guest->asked, reply->status, intake_route_reason(reply->status),
		guest->head ? NULL : body);
	guest->asked = NULL;
	return 0;
}

/* Past evhttp, to what is no request, or not whole. */
static int send_last(struct intake_guest *guest, const struct intake_reply *reply,
	struct evkeyvalq *fields, struct evbuffer *body)
{
	struct evbuffer *to = bufferevent_get_output(guest->connection);
	struct evkeyval *field;

	intake_wire_take_over(guest);
	evbuffer_add_printf(
		to, "HTTP/1.1 %d %s\r\n", reply->status, intake_route_reason(reply->status));
	TAILQ_FOREACH(field, fields, next)
	{
		evbuffer_add_printf(to, "%s: %s\r\n", field->key, field->value);
	}
	evbuffer_add(to, "\r\n", 2);
	return guest->head ? 0 : evbuffer_add_buffer(to, body);
}

static int tell(struct intake_guest *guest, const struct intake_reply *reply, const char *text)
{
	struct evkeyvalq fields = TAILQ_HEAD_INITIALIZER(fields);
	struct evbuffer *body = evbuffer_new();
	char date[60], length[30];
	int r;

	write_date(date, sizeof(date));
	snprintf(length, sizeof(length), "%zu", strlen(text));
	r = body ? evbuffer_add(body, text, strlen(text)) : -ENOMEM;
	r = r ? r
	      : evhttp_add_header(
		      &fields, "Content-Type", reply->type ? reply->type : "application/json");
	r = r ? r : evhttp_add_header(&fields, "Content-Length", length);
	r = r ? r : evhttp_add_header(&fields, "Cache-Control", "no-store");
	r = r ? r : evhttp_add_header(&fields, "Date", date);
	r = r ? r
	      : add_field(&fields, reply->field ? reply->field : intake_route_field(reply->status));
	if (!r && guest->last)
		r = evhttp_add_header(&fields, "Connection", "close");
	if (!r)
		r = guest->stage == STAGE_ASKED ? send_answer(guest, reply, &fields, body)
						: send_last(guest, reply, &fields, body);
	evhttp_clear_headers(&fields);
	if (body)
		evbuffer_free(body);
	return r;
}

void intake_guest_answer(struct intake_guest *guest, const struct intake_reply *reply)
{
	const char *body = reply->body;
	char *own = NULL;
	int r = 0;

	intake_answer_log(guest, reply);
	guest->last |= guest->stage != STAGE_ASKED || guest->door->intake->leaving
		       || steady_ms() - guest->born_ms > LIFE_MS;
	if (!body) {
		r = intake_route_error(reply->status, &own);
		body = own;
	}
	if (r || !body || tell(guest, reply, body)) {
		guest->broken = true;
		intake_guest_note(guest);
	}
	free(own);
	guest->known |= reply->client != NULL;
	/* Whoever is not known, or comes too often, keeps the loop busy no more than that. */
	if (guest->door->secure && !reply->client)
		guest->rest_ms = steady_ms() + REST_MS;
	guest->answered = true;
	guest->since_ms = steady_ms();
}
