/*
 * fuzz_smtp - any bytes as what a mail server says
 *
 * The first byte chooses how the connection begins and how we log in, the second how the others are cut
 * into pieces. Whatever comes: each message has one outcome and is never called sent before its final dot
 * was written, nothing but EHLO, STARTTLS and QUIT is said in clear, and no text shows the secret while we
 * log in.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 3, TURNS_MAX = 1000 };

#define SECRET "open-sesame-2971"
#define BODY   "Subject: one\r\n\r\n.dot\r\nlast\r\n"

struct run {
	struct smtp *smtp;
	struct smtp_message messages[MESSAGES];
	bool given[MESSAGES], dotted[MESSAGES], settled[MESSAGES];
	bool clear; /* no TLS yet */
	bool told;  /* the secret */
	bool ready; /* logged in */
	bool ended;
	unsigned next;
};

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_smtp: %s\n", why);
	abort();
}

static unsigned number_of(const struct run *run, const struct smtp_message *message)
{
	unsigned i = 0;

	while (i < MESSAGES && message->owner != &run->messages[i])
		i++;
	if (i == MESSAGES || !run->given[i])
		fail("an event of no message of ours");
	return i;
}

/* Only what a server was told can it give away; and after the login the secret is wiped, and nobody could
 * know it again. */
static void check_text(const struct run *run, const char *text)
{
	if (!text || text_printable(text, strlen(text)) != strlen(text))
		fail("a text that is no printable line");
	if (run->told && !run->ready && strstr(text, SECRET))
		fail("the secret in a text");
}

static void settle(struct run *run, const struct smtp_event *event)
{
	unsigned i = number_of(run, event->message);

	if (run->settled[i])
		fail("two outcomes");
	if ((event->outcome == SMTP_SENT || event->outcome == SMTP_UNKNOWN) && !run->dotted[i])
		fail("sent without its dot");
	run->settled[i] = true;
}

static void take_event(struct run *run, const struct smtp_event *event)
{
	if (run->ended)
		fail("an event after the end");
	switch (event->kind) {
	case SMTP_EVENT_START_TLS:
		if (!run->clear)
			fail("TLS within TLS");
		/* Refused when the server has already said more than it may. */
		run->clear = smtp_tls_started(run->smtp) != 0;
		break;
	case SMTP_EVENT_ASK:
		/* Refused likewise. */
		run->dotted[number_of(run, event->message)] |= smtp_dot(run->smtp) == 0;
		break;
	case SMTP_EVENT_OUTCOME:
		check_text(run, event->text);
		settle(run, event);
		break;
	case SMTP_EVENT_END:
		check_text(run, event->text);
		run->ended = true;
		break;
	case SMTP_EVENT_READY:
		run->ready = true;
		break;
	case SMTP_EVENT_NONE:
		break;
	}
}

static bool is_allowed_in_clear(const char *line, size_t length)
{
	static const char *const words[] = {"EHLO client.example\r\n", "STARTTLS\r\n", "QUIT\r\n"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (length == strlen(words[i]) && memcmp(line, words[i], length) == 0)
			return true;
	return false;
}

static void take_output(struct run *run)
{
	size_t length;
	const char *bytes = smtp_output(run->smtp, &length);

	for (size_t at = 0; run->clear && at < length;) {
		const char *end = memchr(bytes + at, '\n', length - at);
		size_t n = end ? (size_t)(end - bytes) - at + 1 : length - at;

		if (!is_allowed_in_clear(bytes + at, n))
			fail("said in clear");
		at += n;
	}
	run->told |= memmem(bytes, length, "AUTH PLAIN ", 11) != NULL;
	smtp_output_taken(run->smtp, length);
}

static void give(struct run *run)
{
	while (run->next < MESSAGES && smtp_has_room(run->smtp)) {
		if (smtp_send(run->smtp, &run->messages[run->next]))
			fail("a message that is not taken");
		run->given[run->next++] = true;
	}
	if (run->next == MESSAGES && smtp_load(run->smtp) == 0 && smtp_is_ready(run->smtp)
		&& smtp_quit(run->smtp))
		fail("no memory");
}

/* Until nothing moves. */
static void turn(struct run *run)
{
	struct smtp_event event;
	bool moved = true;
	int turns = 0;

	while (moved) {
		moved = false;
		if (++turns > TURNS_MAX)
			fail("it goes round in a circle");
		take_output(run);
		while (smtp_event(run->smtp, &event)) {
			/* What was to be said before it was said before it. */
			take_event(run, &event);
			moved = true;
		}
		if (!run->ended)
			give(run);
	}
	take_output(run);
}

static void begin(struct run *run, uint8_t choice)
{
	const struct smtp_options options = {
		.starttls = choice & 1,
		.helo = "client.example",
		.auth = (enum smtp_auth)(choice >> 1 & 3),
		.user = "vacd@agency.example",
		.secret = SECRET,
	};

	run->clear = options.starttls;
	for (unsigned i = 0; i < MESSAGES; i++)
		run->messages[i] = (struct smtp_message){
			.sender = "bounce@agency.example",
			.recipient = "person@mail.example",
			.envelope_id = "id+1",
			.bytes = BODY,
			.length = strlen(BODY),
			.owner = &run->messages[i],
		};
	if (smtp_new(&options, &run->smtp))
		fail("no dialogue");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = {0};
	size_t piece;

	if (size < 2)
		return 0;
	begin(&run, data[0]);
	turn(&run);
	for (size_t at = 2; at < size && !run.ended; at += piece) {
		piece = data[1] % 64 ? data[1] % 64 : size;
		if (piece > size - at)
			piece = size - at;
		if (smtp_feed(run.smtp, (const char *)data + at, piece))
			fail("no memory");
		turn(&run);
	}
	if (!run.ended)
		smtp_lost(run.smtp, "gone");
	turn(&run);
	for (unsigned i = 0; i < MESSAGES; i++)
		if (run.given[i] && !run.settled[i])
			fail("a message without an outcome");
	if (!run.ended || smtp_load(run.smtp) != 0)
		fail("no end");
	smtp_free(run.smtp);
	return 0;
}
