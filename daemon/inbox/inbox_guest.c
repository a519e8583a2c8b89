#include "inbox_guest.h"

#include <errno.h>
#include <stdlib.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "../steady.h"
#include "config.h"
#include "lmtp.h"
#include "log.h"
#include "mailbox.h"

enum {
	CLOSE_MS = 2000, /* for the last reply to get out */
	BUDGET = 4,      /* mails of the largest size, by all guests together */
};

struct inbox_guest {
	LIST_ENTRY(inbox_guest) entry;
	struct inbox *inbox;
	struct bufferevent *connection;
	struct lmtp *lmtp;
	struct inbox_delivery *delivery; /* the mail that is being stored */
	size_t load;                     /* its part of inbox->load */
	unsigned long mails;             /* at the last look */
	long long moved_ms;              /* when it last said something, or was answered */
	long long mail_ms;               /* when it came, or its last mail was over */
	long long closing_ms;            /* 0, or when the dialogue ended */
	bool eof;
};

/* ---- small things --------------------------------------------------------------------------- */

static bool is_ours(const char *address, void *arg)
{
	const struct inbox_guest *guest = arg;
	const struct config *config = guest->inbox->config;

	return mailbox_match(config->mail_from, config->lmtp_delimiter, address, NULL, NULL)
	       != MAILBOX_OTHER;
}

static void measure(struct inbox_guest *guest)
{
	struct inbox *inbox = guest->inbox;
	size_t load = lmtp_load(guest->lmtp);

	inbox->load += load - guest->load; /* wraps around and back */
	guest->load = load;
	if (inbox->load > BUDGET * (size_t)inbox->config->lmtp_size_max) {
		lmtp_drop_mail(guest->lmtp);
		inbox->load -= guest->load - lmtp_load(guest->lmtp);
		guest->load = lmtp_load(guest->lmtp);
	}
	if (lmtp_mails(guest->lmtp) != guest->mails) {
		guest->mails = lmtp_mails(guest->lmtp);
		guest->mail_ms = steady_ms();
	}
}

static size_t backlog(const struct inbox_guest *guest)
{
	return evbuffer_get_length(bufferevent_get_output(guest->connection));
}

/* A client that takes no replies makes lmtp keep them, which then stops reading. */
static void write_replies(struct inbox_guest *guest)
{
	size_t length;
	const char *bytes = lmtp_output(guest->lmtp, &length);

	if (length == 0 || backlog(guest) >= LMTP_OUTPUT_MAX)
		return;
	bufferevent_write(guest->connection, bytes, length);
	lmtp_output_taken(guest->lmtp, length);
}

static bool has_replies(const struct inbox_guest *guest)
{
	size_t length;

	lmtp_output(guest->lmtp, &length);
	return length > 0 || backlog(guest) > 0;
}

/* ---- the way of a mail ---------------------------------------------------------------------- */

static void go_on(struct inbox_guest *guest);

static void on_settled(bool taken, const char *text, void *arg)
{
	struct inbox_guest *guest = arg;
	size_t n = lmtp_mail(guest->lmtp).n_recipients;
	int r = 0;

	guest->delivery = NULL;
	guest->moved_ms = steady_ms();
	for (size_t i = 0; i < n && r == 0; i++)
		r = lmtp_answer(guest->lmtp, i, taken, text);
	if (r != 0)
		lmtp_close(guest->lmtp, "4.3.0 out of memory");
	else if (guest->inbox->leaving)
		lmtp_close(guest->lmtp, "4.3.2 the daemon stops");
	go_on(guest);
}

static int store_mail(struct inbox_guest *guest)
{
	struct lmtp_mail mail = lmtp_mail(guest->lmtp);
	int r = inbox_store_add(guest->inbox->store, &mail, on_settled, guest, &guest->delivery);

	/* Its end may come at once; on_settled() is then called in here. */
	if (r == 0)
		inbox_store_pump(guest->inbox->store);
	return r;
}

/* One piece of what has come in. False: there is nothing more to do for now. */
static bool feed(struct inbox_guest *guest)
{
	struct evbuffer *input = bufferevent_get_input(guest->connection);
	size_t n = evbuffer_get_contiguous_space(input), used = 0;
	const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)n);

	if (n == 0 || backlog(guest) >= LMTP_OUTPUT_MAX || lmtp_state(guest->lmtp) != LMTP_TALKING)
		return false;
	lmtp_hold(guest->lmtp, inbox_obstacle(guest->inbox));
	if (lmtp_feed(guest->lmtp, bytes, n, &used) != 0)
		lmtp_close(guest->lmtp, "4.3.0 out of memory");
	evbuffer_drain(input, used);
	measure(guest);
	write_replies(guest);
	return true;
}

/* As far as it goes without more bytes, answers, or room for replies. Frees nothing. */
static void go_on(struct inbox_guest *guest)
{
	enum lmtp_state state;

	measure(guest);
	write_replies(guest);
	while (feed(guest))
		;
	state = lmtp_state(guest->lmtp);
	if (state == LMTP_WAITING && guest->delivery == NULL) {
		if (store_mail(guest) != 0)
			on_settled(false, "out of memory", guest);
		return; /* on_settled() goes on, or has gone on */
	}
	if (guest->closing_ms == 0
		&& (state == LMTP_CLOSED || (guest->eof && state == LMTP_TALKING)))
		guest->closing_ms = steady_ms();
	/* Nothing more is read before all that was is used: one read is what a buffer holds at most. (A
	 * high watermark would do it, too, but has libevent call on_read() again without end.) */
	if (guest->closing_ms != 0 || guest->eof || state != LMTP_TALKING
		|| evbuffer_get_length(bufferevent_get_input(guest->connection)) > 0)
		bufferevent_disable(guest->connection, EV_READ);
	else
		bufferevent_enable(guest->connection, EV_READ);
}

static void free_if_over(struct inbox_guest *guest, bool at_once)
{
	if (guest->closing_ms != 0 && (at_once || !has_replies(guest)))
		inbox_guest_free(guest);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *connection, void *arg)
{
	struct inbox_guest *guest = arg;

	(void)connection;
	guest->moved_ms = steady_ms();
	go_on(guest);
	free_if_over(guest, false);
}

static void on_written(struct bufferevent *connection, void *arg)
{
	struct inbox_guest *guest = arg;

	(void)connection;
	go_on(guest);
	free_if_over(guest, false);
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
	struct inbox_guest *guest = arg;

	(void)connection;
	if (!(what & BEV_EVENT_EOF)) {
		inbox_guest_free(guest);
		return;
	}
	/* It may still read. */
	guest->eof = true;
	go_on(guest);
	free_if_over(guest, false);
}

static void cut_off(struct inbox_guest *guest, const char *why)
{
	log_notice("client cut off", "why=\"%s\"", why);
	lmtp_close(guest->lmtp, why);
	go_on(guest);
}

void inbox_guest_tick(struct inbox_guest *guest, long long now_ms)
{
	const struct config *config = guest->inbox->config;

	if (guest->closing_ms == 0 && lmtp_state(guest->lmtp) == LMTP_TALKING) {
		if (now_ms - guest->moved_ms > config->lmtp_idle_ms)
			cut_off(guest, "4.4.2 nothing was said for too long");
		else if (now_ms - guest->mail_ms > config->lmtp_mail_ms)
			cut_off(guest, "4.4.2 no mail was finished for too long");
	}
	free_if_over(guest, now_ms - guest->closing_ms > CLOSE_MS);
}

void inbox_guest_send_away(struct inbox_guest *guest)
{
	if (lmtp_state(guest->lmtp) == LMTP_WAITING)
		return;
	lmtp_close(guest->lmtp, "4.3.2 the daemon stops");
	go_on(guest);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int set_up(struct inbox_guest *guest, int fd)
{
	const struct inbox *inbox = guest->inbox;
	const struct lmtp_options options = {
		inbox->host, (size_t)inbox->config->lmtp_size_max, is_ours, guest};

	guest->connection = bufferevent_socket_new(inbox->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (guest->connection == NULL) {
		evutil_closesocket(fd);
		return -ENOMEM;
	}
	bufferevent_setcb(guest->connection, on_read, on_written, on_event, guest);
	return lmtp_new(&options, &guest->lmtp);
}

int inbox_guest_new(struct inbox *inbox, int fd)
{
	struct inbox_guest *guest = calloc(1, sizeof(*guest));
	int r;

	if (guest == NULL) {
		evutil_closesocket(fd);
		return -ENOMEM;
	}
	guest->inbox = inbox;
	guest->moved_ms = guest->mail_ms = steady_ms();
	LIST_INSERT_HEAD(&inbox->guests, guest, entry);
	inbox->n_guests++;
	r = set_up(guest, fd);
	if (r == 0)
		go_on(guest);
	else
		inbox_guest_free(guest);
	return r;
}

struct inbox_guest *inbox_guest_next(struct inbox_guest *guest)
{
	return LIST_NEXT(guest, entry);
}

void inbox_guest_free(struct inbox_guest *guest)
{
	struct inbox *inbox = guest->inbox;

	if (guest->delivery != NULL)
		inbox_store_forget(inbox->store, guest->delivery);
	if (guest->connection != NULL)
		bufferevent_free(guest->connection);
	lmtp_free(guest->lmtp);
	inbox->load -= guest->load;
	inbox->n_guests--;
	LIST_REMOVE(guest, entry);
	free(guest);
}
