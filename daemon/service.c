#include "service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include <event2/event.h>

#include "config.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "pg.h"
#include "schema-digest.h"
#include "settings.h"
#include "stages.h"
#include "token.h"
#include "uuid.h"
#include "vacd-build.h"

enum {
	TICK_MS = 5000,      /* while all is well */
	FAST_TICK_MS = 1000, /* while something is waited for */
	DRAIN_TICK_MS = 50,
	DRAIN_MS = 10000, /* for the stages */
	GOODBYE_MS = 2000,
	BEAT_MS = 10000,
	EXTEND_MS = 30000, /* asked of systemd while the database is away at the start */
};

enum phase {
	PHASE_WAITING, /* for the database */
	PHASE_ASKING,  /* hello is on its way */
	PHASE_WORKING, /* accepted: the stages work */
	PHASE_REFUSED, /* the database's schema is not ours; the stages stop, and are taken down */
	PHASE_DRAINING,
	PHASE_LEAVING, /* goodbye is on its way */
};

struct service {
	const char *config_path;
	struct config *config;
	struct token_keys *keys; /* NULL: none, which only deliver = hold allows */
	struct event_base *base;
	struct event *signals[3], *tick;
	struct pg *pg; /* hello, heartbeats, LISTEN: the stages have their own */
	struct stages *stages;
	struct reader_process *reader; /* until the stages have it */
	enum phase phase;
	char id[UUID_SIZE], host[65], pid[12];
	char problem[300], status[800];
	char caution
		[200]; /* the database was accepted, but nothing is sent from it; empty: it is */
	bool ready;
	int exit_status;
	bool hello_out, hello_again; /* an answer is to come; the last one was none */
	/* monotonic: since when, or last done */
	long long phase_ms, beat_ms, ping_ms, polled_ms, asked_ms;
};

/* ---- small things --------------------------------------------------------------------------- */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static long left_to_poll(const struct service *s)
{
	long long left = s->polled_ms + s->config->poll_ms - now_ms();

	return left > 0 ? (long)left : 0;
}

/* One timer for everything that comes again and again, so that it comes together. */
static long tick_length(const struct service *s)
{
	bool working = s->phase == PHASE_WORKING;
	long ms = working && s->beat_ms != 0 ? TICK_MS : FAST_TICK_MS;
	long ping = notify_watchdog_ms(), poll = working ? left_to_poll(s) : ms;

	if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING)
		return DRAIN_TICK_MS;
	if (poll < ms)
		ms = poll;
	return ping && ping < ms ? ping : ms;
}

static void arm_tick(struct service *s, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(s->tick, &tv);
}

/* ---- what it says of itself ----------------------------------------------------------------- */

static void write_status(struct service *s, char *text, size_t size)
{
	switch (s->phase) {
	case PHASE_WAITING:
		snprintf(text, size, "Waiting for the database%s%s",
			pg_last_error(s->pg)[0] ? ": " : "", pg_last_error(s->pg));
		break;
	case PHASE_ASKING:
		snprintf(text, size, "Asking the database whether its schema fits");
		break;
	case PHASE_REFUSED:
		snprintf(text, size, "Not working: %s", s->problem);
		break;
	case PHASE_WORKING:
		snprintf(text, size, "Working; mail: %s%s%s; answers: %s; intake: %s",
			s->config->deliver == CONFIG_DELIVER_HOLD
				? "deliver = hold, NOTHING IS SENT; "
				: "",
			s->caution[0] ? "a copy, NOTHING IS SENT before `vacd adopt`; " : "",
			stages_mail_status(s->stages), stages_answer_status(s->stages),
			stages_intake_status(s->stages));
		break;
	case PHASE_DRAINING:
	case PHASE_LEAVING:
	default:
		snprintf(text, size, "Stopping");
		break;
	}
}

static void tell_status(struct service *s)
{
	char text[sizeof(s->status)];

	write_status(s, text, sizeof(text));
	if (strcmp(text, s->status) == 0)
		return;
	memcpy(s->status, text, sizeof(text));
	notify_send("STATUS=%s", text);
}

static void set_phase(struct service *s, enum phase phase)
{
	static const char *const names[] = {[PHASE_WAITING] = "waiting",
		[PHASE_ASKING] = "asking",
		[PHASE_WORKING] = "working",
		[PHASE_REFUSED] = "refused",
		[PHASE_DRAINING] = "draining",
		[PHASE_LEAVING] = "leaving"};

	if (s->phase == phase)
		return;
	log_debug("daemon phase", "from=%s to=%s", names[s->phase], names[phase]);
	s->phase = phase;
	s->phase_ms = now_ms();
	tell_status(s);
	arm_tick(s, tick_length(s));
}

static void ping_watchdog(struct service *s, long long now)
{
	long every = notify_watchdog_ms();

	/* The next tick would come too late. */
	if (!every || now - s->ping_ms + tick_length(s) < every)
		return;
	s->ping_ms = now;
	if (stages_are_alive(s->stages, now, stages_patience_ms(s->config)))
		notify_send("WATCHDOG=1");
	else
		log_error("stages make no turns", "patience_ms=%ld", stages_patience_ms(s->config));
}

static void beat_if_due(struct service *s, long long now)
{
	/* A tick may come a little early; better a beat too many than every third one late. */
	if (s->phase != PHASE_WORKING || now - s->beat_ms < BEAT_MS - TICK_MS / 2)
		return;
	/* A stage's first turns are told at once, or it would be called dead for the first ten seconds. */
	if (stages_beat(s->stages, s->pg))
		s->beat_ms = now;
}

static void poll_if_due(struct service *s)
{
	if (s->phase != PHASE_WORKING || left_to_poll(s) > 0)
		return;
	s->polled_ms = now_ms();
	stages_poll(s->stages, s->pg);
}

/* ---- hello and goodbye ---------------------------------------------------------------------- */

/* -EINVAL: whoever found it has said what, and it is for an administrator. */
static int exit_status_of(int r, const char *what)
{
	if (r == -EINVAL)
		return EX_CONFIG;
	log_error(what, "why=\"%s\"", strerror(-r));
	return EXIT_FAILURE;
}

static void note_caution(struct service *s, const char *caution)
{
	if (strcmp(s->caution, caution) == 0)
		return;
	snprintf(s->caution, sizeof(s->caution), "%s", caution);
	log_line(caution[0] ? LOG_ERR : LOG_NOTICE,
		caution[0] ? "nothing is sent" : "mail is sent again", "why=\"%s\"", caution);
	tell_status(s);
}

static void accepted(struct service *s, const char *caution)
{
	int r;

	note_caution(s, caution ? caution : "");
	if (s->phase == PHASE_WORKING)
		return;
	r = stages_start(s->stages, s->config, s->keys);
	if (r) {
		s->exit_status = exit_status_of(r, "stages cannot start");
		event_base_loopbreak(s->base);
		return;
	}
	s->polled_ms = now_ms(); /* they all look around first */
	set_phase(s, PHASE_WORKING);
	s->problem[0] = '\0';
	if (!s->ready)
		notify_send("READY=1");
	s->ready = true;
	log_notice("daemon works", "daemon=%s version=%s deliver=%s", s->id, VACD_VERSION,
		s->config->deliver == CONFIG_DELIVER_SMTP ? "smtp" : "hold");
}

static void refused(struct service *s, const char *problem)
{
	bool known = s->phase == PHASE_REFUSED || strcmp(problem, s->problem) == 0;

	snprintf(s->problem, sizeof(s->problem), "%s", problem);
	log_line(known ? LOG_DEBUG : LOG_ERR, "database refused", "why=\"%s\"", problem);
	stages_stop(s->stages);
	set_phase(s, PHASE_REFUSED);
}

/* The server said no to the call itself: most often there is no schema yet, or no right. */
static void hello_failed(struct service *s, const struct pg_reply *reply)
{
	const char *code = reply->sqlstate;
	char text[200];

	/* Locks, resources: asked again at the next tick. Where our own last hello still waits for a
	 * standby that is gone it would be in vain for ever: another host may be the one that counts. */
	if (strncmp(code, "40", 2) == 0 || strncmp(code, "5", 1) == 0) {
		log_warning("hello failed", "sqlstate=%s why=\"%s\"", code, reply->text);
		s->hello_again = true;
		if (strcmp(code, "57014") == 0 || strcmp(code, "55P03") == 0)
			pg_drop(s->pg);
		return;
	}
	if (strcmp(code, "3F000") == 0 || strcmp(code, "42883") == 0) {
		refused(s,
			"the database has no schema of vacd, or an older one: run `vacd migrate`");
	} else if (strcmp(code, "42501") == 0) {
		refused(s, "the login lacks a right: GRANT vac_daemon to it");
	} else {
		snprintf(text, sizeof(text), "hello was refused (%s): %s", code, reply->text);
		refused(s, text);
	}
}

static void on_hello(const struct pg_reply *reply, void *arg)
{
	struct service *s = arg;
	const char *ok, *problem;

	s->hello_out = false;
	if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING || reply->outcome == PG_LOST)
		return;
	if (reply->outcome == PG_REFUSED) {
		hello_failed(s, reply);
		return;
	}
	if (PQntuples(reply->result) != 1 || PQnfields(reply->result) < 2) {
		refused(s, "the database's hello is not understood: run `vacd migrate`");
		return;
	}
	ok = pg_text(reply->result, 0, 0);
	problem = pg_text(reply->result, 0, 1);
	if (ok && ok[0] == 't')
		accepted(s, problem);
	else
		refused(s, problem ? problem
				   : "the database's schema does not fit: run `vacd migrate`");
}

static void say_hello(struct service *s)
{
	const char *sender = s->config->mail_from;
	const char *values[] = {s->id, s->host, s->pid, VACD_VERSION, VACD_SCHEMA_DIGEST,
		s->config->deliver == CONFIG_DELIVER_SMTP ? "smtp" : "hold",
		sender[0] ? sender : NULL, s->keys ? token_keys_current(s->keys) : NULL};

	s->asked_ms = now_ms();
	s->hello_again = false;
	s->hello_out = true;
	if (pg_call(s->pg,
		    "SELECT ok, problem FROM vac_daemon.hello($1::uuid, $2, $3::int, $4, $5, $6, "
		    "$7, $8)",
		    8, values, on_hello, s))
		s->hello_out = false; /* the next connection begins with it */
}

static void on_goodbye(const struct pg_reply *reply, void *arg)
{
	struct service *s = arg;

	(void)reply;
	event_base_loopbreak(s->base);
}

static void say_goodbye(struct service *s)
{
	const char *values[] = {s->id};

	set_phase(s, PHASE_LEAVING);
	if (pg_call(s->pg, "SELECT vac_daemon.goodbye($1::uuid)", 1, values, on_goodbye, s))
		event_base_loopbreak(s->base);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_state(struct pg *pg, bool up, void *arg)
{
	struct service *s = arg;

	(void)pg;
	if (s->phase == PHASE_LEAVING && !up)
		event_base_loopbreak(s->base);
	if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING)
		return;
	if (up) {
		set_phase(s, PHASE_ASKING);
		say_hello(s);
	} else {
		stages_pause(s->stages);
		set_phase(s, PHASE_WAITING);
	}
}

static void on_notify(const char *channel, void *arg)
{
	struct service *s = arg;

	if (!stages_wake(s->stages, channel) && strcmp(channel, "vac_schema") == 0)
		say_hello(s);
}

static void drain_further(struct service *s, long long now)
{
	bool late = now - s->phase_ms > (s->phase == PHASE_LEAVING ? GOODBYE_MS : DRAIN_MS);

	if (s->phase == PHASE_LEAVING && late)
		event_base_loopbreak(s->base);
	if (s->phase != PHASE_DRAINING || (stages_are_busy(s->stages) && !late))
		return;
	if (late)
		log_warning("stages stopped in the middle of their work", "after_ms=%d", DRAIN_MS);
	say_goodbye(s);
}

static void refused_further(struct service *s, long long now)
{
	if (stages_exist(s->stages)) {
		if (stages_are_busy(s->stages) && now - s->phase_ms <= DRAIN_MS)
			return;
		stages_clear(s->stages);
		stages_pause(s->stages);
	}
	if (now - s->asked_ms >= s->config->poll_ms)
		s->hello_again = true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;
	long long now = now_ms();

	(void)fd;
	(void)what;
	stages_look(s->stages, now);
	poll_if_due(s);
	arm_tick(s, tick_length(s));
	beat_if_due(s, now);
	ping_watchdog(s, now);
	if (s->phase == PHASE_REFUSED)
		refused_further(s, now);
	else if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING)
		drain_further(s, now);
	if (s->hello_again && !s->hello_out)
		say_hello(s);
	if (!s->ready)
		notify_send("EXTEND_TIMEOUT_USEC=%d", EXTEND_MS * 1000);
	tell_status(s);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)what;
	if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING) {
		event_base_loopbreak(s->base);
		return;
	}
	log_notice("daemon stops", "signal=%d", (int)fd);
	notify_send("STOPPING=1");
	stages_stop(s->stages);
	stages_leave(s->stages);
	set_phase(s, PHASE_DRAINING);
}

/* ---- reload --------------------------------------------------------------------------------- */

static int take_over(struct service *s, struct config *config, struct token_keys *keys)
{
	char why[300] = "";
	int r = stages_reload(s->stages, config, keys, why, sizeof(why));

	if (r) {
		log_error("reload refused, old values stay", "why=\"%s\"",
			r < 0 ? strerror(-r) : why);
		return r;
	}
	settings_wait(s->config, config);
	token_keys_free(s->keys);
	config_free(s->config);
	s->keys = keys;
	s->config = config;
	settings_log_level(config->log_level);
	arm_tick(s, tick_length(s));
	/* The mail identity or the way of delivery may have changed. */
	say_hello(s);
	return 0;
}

static void reload(struct service *s)
{
	struct config *config = NULL;
	struct token_keys *keys = NULL;
	char why[400] = "";
	int r = config_read(s->config_path, &config, why, sizeof(why));

	if (r) {
		log_error("reload refused, old values stay", "why=\"%s\"",
			r < 0 ? strerror(-r) : why);
		return;
	}
	if (settings_keys(config, &keys) || take_over(s, config, keys)) {
		token_keys_free(keys);
		config_free(config);
		return;
	}
	log_notice("configuration read again", "file=%s", s->config_path);
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	if (s->phase == PHASE_DRAINING || s->phase == PHASE_LEAVING)
		return;
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", now_ms() * 1000);
	reload(s);
	if (s->ready)
		notify_send("READY=1");
	tell_status(s);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int connect_all(struct service *s)
{
	static const char *const channels[] = {
		"vac_answer", "vac_deadline", "vac_dispatch", "vac_mailer", "vac_schema", NULL};
	struct pg_options options = {
		.conninfo = s->config->database,
		.password_file = s->config->database_password_file,
		.application = "vacd",
		.timeout_ms = s->config->database_timeout_ms,
		.channels = channels,
		.notify = on_notify,
		.state = on_state,
		.arg = s,
	};
	int r = pg_new(s->base, &options, &s->pg);

	if (!r)
		r = stages_new(s->base, s->config, s->id, s->reader, &s->stages);
	return r;
}

static int watch_signals(struct service *s)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < 3; i++) {
		s->signals[i] = evsignal_new(
			s->base, numbers[i], numbers[i] == SIGHUP ? on_reload : on_stop, s);
		if (!s->signals[i] || event_add(s->signals[i], NULL) < 0)
			return -ENOMEM;
	}
	s->tick = evtimer_new(s->base, on_tick, s);
	if (!s->tick)
		return -ENOMEM;
	arm_tick(s, 0);
	return 0;
}

static int set_up(struct service *s)
{
	int r = settings_keys(s->config, &s->keys);

	if (r)
		return r;
	uuid_make(s->id, sizeof(s->id));
	snprintf(s->pid, sizeof(s->pid), "%d", (int)getpid());
	gethostname(s->host, sizeof(s->host) - 1);
	s->base = loop_new();
	if (!s->base)
		return -ENOMEM;
	r = watch_signals(s);
	return r ? r : connect_all(s);
}

static void tear_down(struct service *s)
{
	stages_free(s->stages);
	pg_free(s->pg);
	for (size_t i = 0; i < 3; i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	if (s->tick)
		event_free(s->tick);
	if (s->base)
		event_base_free(s->base);
	token_keys_free(s->keys);
	config_free(s->config);
}

int service_run(const char *config_path, struct config *config, struct reader_process *reader)
{
	struct service s = {.config_path = config_path, .config = config, .reader = reader};
	int r;

	settings_log_level(config->log_level);
	r = set_up(&s);
	if (r) {
		tear_down(&s);
		return exit_status_of(r, "daemon cannot start");
	}
	log_notice(
		"daemon starts", "daemon=%s version=%s config=%s", s.id, VACD_VERSION, config_path);
	event_base_dispatch(s.base);
	log_notice("daemon stopped", "daemon=%s", s.id);
	tear_down(&s);
	return s.exit_status;
}
