/*
 * dispatch_world - stage dispatch and a database that answers it from a script
 *
 * Each group claimed has what snapshot_world.h says, by ids of its own: those of group 1 as they stand
 * there, and 100 more for each group that follows. What is logged as an error is kept.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <errno.h>
#include <cmocka.h>
#include <event2/event.h>

#include "config.h"
#include "dispatch.h"
#include "log.h"
#include "pg.h"
#include "plan.h"
#include "snapshot_world.h"

enum { MOST_CALLS = 400 };

struct call {
	char what[24]; /* name of the function called, or the statement */
	char *values;  /* its parameters, one after the other */
	pg_reply_fn done;
	void *arg;
};

struct pg {
	struct event *answer;
	struct call calls[MOST_CALLS];
	size_t n, answered;
	bool down;
	/* the script */
	int lose; /* this call and what is out with it is lost; -1: none */
	const char
		*store[16]; /* what each store_plans gives: an outcome, "rule:…", or a SQLSTATE */
	size_t n_stores, n_claims;
	const char *groups, *fences; /* of each batch claimed */
	const char *second;          /* groups of the second, in place of those */
	const char *refused;         /* the first call that begins so: its name, its parameters */
	/* one each, and no more than four batches; as many in each batch, of each group */
	int n_batches, n_groups, n_requests, n_coordinators;
	unsigned twice; /* groups with the same request twice, as bits: there is no plan of those */
	const char *renewed, *closed;
	const char *due;                                 /* of the request, in place of its own */
	void (*before)(struct pg *pg, const char *what); /* each answer */
};

static struct event_base *base;
static struct dispatch *dispatch;
static char errors[2000];
static int64_t no_room_for; /* a group's first request: no memory for its plan */

void log_line(int priority, const char *event, const char *fmt, ...)
{
	size_t n = strlen(errors);
	va_list args;

	if (priority > LOG_ERR)
		return;
	n += (size_t)snprintf(errors + n, sizeof errors - n, "%s: ", event);
	assert_true(n < sizeof errors);
	va_start(args, fmt);
	vsnprintf(errors + n, sizeof errors - n, fmt, args);
	va_end(args);
}

int __real_plan_make(
	const struct plan_input *input, struct plan **planp, char *error, size_t error_size);
int __wrap_plan_make(
	const struct plan_input *input, struct plan **planp, char *error, size_t error_size);

int __wrap_plan_make(
	const struct plan_input *input, struct plan **planp, char *error, size_t error_size)
{
	if (input->n_requests > 0 && input->requests[0].id == no_room_for)
		return -ENOMEM;
	return __real_plan_make(input, planp, error, error_size);
}

static inline void name_call(char *name, size_t size, const char *statement)
{
	const char *from = strstr(statement, "vac_daemon.");

	from = from ? from + strlen("vac_daemon.") : statement;
	snprintf(name, size, "%.*s", (int)strcspn(from, "( "), from);
}

int pg_call(struct pg *pg, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg)
{
	struct call *call = &pg->calls[pg->n];
	struct timeval now = {0};

	if (pg->down)
		return -ENOTCONN;
	assert_true(pg->n < MOST_CALLS);
	name_call(call->what, sizeof call->what, statement);
	assert_in_range(n, 0, 4);
	assert_true(asprintf(&call->values, "%s%s%s%s", n > 0 ? values[0] : "",
			    n > 1 ? values[1] : "", n > 2 ? values[2] : "", n > 3 ? values[3] : "")
		    >= 0);
	call->done = done;
	call->arg = arg;
	pg->n++;
	event_add(pg->answer, &now);
	return 0;
}

void pg_drop(struct pg *pg)
{
	pg->down = true;
}

static inline PGresult *one_row(const char *const *names, const char *const *values)
{
	return make_result(names, 1, values);
}

static inline PGresult *claimed(struct pg *pg)
{
	static const char *const names[] = {"groups", "fences", NULL};
	const char *second = pg->second ? pg->second : pg->groups;
	const char *const values[] = {
		pg->groups, pg->fences, second, pg->fences, second, pg->fences, second, pg->fences};

	return make_result(names, pg->n_claims-- > 0 ? pg->n_batches : 0, values);
}

static inline PGresult *truth(const char *name, const char *value)
{
	const char *const names[] = {name, NULL}, *const values[] = {value};

	return one_row(names, values);
}

static inline const char *next_decision(const char *text)
{
	const char *from = text ? strstr(text, "{\"request\":") : NULL;

	return from ? from + strlen("{\"request\":") : NULL;
}

static inline size_t count_decisions(const char *text)
{
	size_t n = 0;

	while ((text = next_decision(text)))
		n++;
	return n;
}

/* The same of each decision in the call. */
static inline PGresult *stored(const char *outcome, const char *plans)
{
	static const char *const names[] = {"request_id", "outcome", "rule", NULL};
	const char *rule = strncmp(outcome, "rule:", 5) == 0 ? outcome + 5 : NULL;
	PGresult *result = make_result(names, 0, NULL);
	int n = 0;

	for (const char *at = next_decision(plans); at; at = next_decision(at)) {
		char request[24];

		snprintf(request, sizeof request, "%lld", strtoll(at, NULL, 10));
		set_value(result, n, 0, request);
		set_value(result, n, 1, rule ? "refused" : outcome);
		set_value(result, n++, 2, rule);
	}
	return result;
}

static inline bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length >= strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* A group's rows have ids of their own, and so have its requests. */
static inline void add_row(
	PGresult *result, const struct part *part, int row, long of_group, long of_request)
{
	int n = PQntuples(result), width = PQnfields(result);

	for (int i = 0; i < width; i++) {
		const char *name = part->names[i], *value = part->values[row * width + i];
		bool one = strcmp(name, "request_id") == 0 || strcmp(name, "case_id") == 0
			   || strcmp(name, "coordinator_id") == 0;
		char id[24];

		if (value && ends_in(name, "_id")) {
			snprintf(id, sizeof id, "%ld",
				atol(value) + of_group + (one ? of_request : 0));
			value = id;
		}
		set_value(result, n, i, value);
	}
}

static inline PGresult *part(const struct pg *pg, enum snapshot_part part)
{
	bool shared = part == SNAPSHOT_POLICY || part == SNAPSHOT_ZONES;
	bool people = part == SNAPSHOT_COORDINATORS;
	int copies = part == SNAPSHOT_REQUESTS ? pg->n_requests : people ? pg->n_coordinators : 1;
	struct part copy = good[part];
	PGresult *result = make_result(copy.names, 0, NULL);

	if (part == SNAPSHOT_REQUESTS && pg->due)
		copy.values[13] = pg->due;
	for (int group = 0; group < (shared ? 1 : pg->n_groups); group++) {
		for (int row = 0; row < copy.n; row++)
			for (int i = 0; i < copies; i++)
				add_row(result, &copy, row, 100L * group, 1000L * i);
		if (part == SNAPSHOT_REQUESTS && pg->twice & 1U << group)
			add_row(result, &copy, 0, 100L * group, 0);
	}
	return result;
}

static inline PGresult *begun(const struct pg *pg)
{
	const char *values[] = {pg->closed ? pg->closed : "t", "1000", "900"};

	return make_result(good[SNAPSHOT_BEGIN].names, 1, values);
}

static inline PGresult *answer_for(struct pg *pg, const char *what)
{
	static const char *const parts[SNAPSHOT_PARTS] = {
		[SNAPSHOT_POLICY] = "snapshot_policy",
		[SNAPSHOT_ZONES] = "snapshot_zones",
		[SNAPSHOT_OFFICES] = "snapshot_offices",
		[SNAPSHOT_COORDINATORS] = "snapshot_coordinators",
		[SNAPSHOT_BUSY] = "snapshot_busy",
		[SNAPSHOT_REQUESTS] = "snapshot_requests",
		[SNAPSHOT_STANDING] = "snapshot_standing",
	};

	for (int i = SNAPSHOT_POLICY; i < SNAPSHOT_PARTS; i++)
		if (strcmp(what, parts[i]) == 0)
			return part(pg, (enum snapshot_part)i);
	if (strcmp(what, "claim_groups") == 0)
		return claimed(pg);
	if (strcmp(what, "snapshot_begin") == 0)
		return begun(pg);
	if (strcmp(what, "renew_groups") == 0)
		return truth("renew_groups", pg->renewed ? pg->renewed : "t");
	if (strcmp(what, "next_dispatch") == 0)
		return truth("next_dispatch", NULL);
	return truth("nothing", "t");
}

static inline void lose_all(struct pg *pg)
{
	static const struct pg_reply lost = {.outcome = PG_LOST, .sqlstate = "", .text = ""};

	pg->lose = -1;
	pg->down = true;
	while (pg->answered < pg->n) {
		struct call *call = &pg->calls[pg->answered++];

		call->done(&lost, call->arg);
	}
	pg->down = false;
}

static inline bool is_refused(struct pg *pg, const struct call *call)
{
	size_t name = strlen(call->what), n = pg->refused ? strlen(pg->refused) : 0;
	bool refused = n >= name && strncmp(pg->refused, call->what, name) == 0
		       && strncmp(pg->refused + name, call->values, n - name) == 0;

	if (refused)
		pg->refused = NULL;
	return refused;
}

static inline void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	struct call *call = &pg->calls[pg->answered];
	struct pg_reply reply = {.outcome = PG_DONE, .sqlstate = "", .text = ""};
	const char *outcome = NULL;
	PGresult *result = NULL;
	struct timeval now = {0};

	(void)fd;
	(void)what;
	if (pg->before)
		pg->before(pg, call->what);
	if (pg->lose == (int)pg->answered) {
		lose_all(pg);
		return;
	}
	pg->answered++;
	if (strcmp(call->what, "store_plans") == 0)
		outcome = pg->store[pg->n_stores++];
	else if (is_refused(pg, call))
		outcome = "22P02";
	if (outcome && strlen(outcome) == 5) {
		reply.outcome = PG_REFUSED;
		reply.sqlstate = outcome;
	} else {
		result = outcome ? stored(outcome, call->values) : answer_for(pg, call->what);
		reply.result = result;
	}
	if (pg->answered < pg->n)
		event_add(pg->answer, &now);
	call->done(&reply, call->arg);
	PQclear(result);
}

static inline void open_stage(struct pg *pg, long lease_ms)
{
	struct config config = {.poll_ms = 60000, .lease_ms = lease_ms, .dispatch_batch = 1000};

	memset(pg, 0, sizeof *pg);
	errors[0] = '\0';
	no_room_for = 0;
	pg->lose = -1;
	pg->n_claims = 1;
	pg->n_batches = pg->n_groups = pg->n_requests = pg->n_coordinators = 1;
	pg->groups = "{1}";
	pg->fences = "{7}";
	for (size_t i = 0; i < sizeof pg->store / sizeof *pg->store; i++)
		pg->store[i] = "stored";
	base = event_base_new();
	pg->answer = evtimer_new(base, on_answer, pg);
	assert_int_equal(dispatch_new(base, pg, &config, "an id", &dispatch), 0);
	dispatch_wake(dispatch);
}

static inline void run_turns(unsigned long long turns)
{
	while (dispatch_turns(dispatch) < turns)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static inline void close_stage(struct pg *pg)
{
	assert_int_equal(pg->answered, pg->n);
	dispatch_free(dispatch);
	event_free(pg->answer);
	event_base_free(base);
	for (size_t i = 0; i < pg->n; i++)
		free(pg->calls[i].values);
}

static inline size_t count(const struct pg *pg, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < pg->n; i++)
		n += strcmp(pg->calls[i].what, what) == 0;
	return n;
}

/* The parameters of one of the calls of this name. */
static inline const char *values_of(const struct pg *pg, const char *what, size_t n)
{
	for (size_t i = 0; i < pg->n; i++)
		if (strcmp(pg->calls[i].what, what) == 0 && n-- == 0)
			return pg->calls[i].values;
	fail_msg("%s was not called that often", what);
	return "";
}
