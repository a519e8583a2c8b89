/*
 * mail_permit - asks the database whether final dots may go out
 */
#include "mail_permit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "../pg.h"
#include "../steady.h"

#define RETRY_FIRST_MS 250
#define RETRY_LAST_MS  4000

/* A message that is asked for. What is forgotten meanwhile has no item. */
struct wish {
	struct mail_item *item;
	long long id;
	bool keeps; /* the question has a signature that was made here: it is kept if the answer is yes */
	bool may;
};

/* A list that grows. */
struct wishes {
	struct wish *list;
	size_t count, capacity;
};

struct mail_permit {
	struct pg *pg;
	const struct pg *gate;
	struct event *timer; /* asks, from the loop */
	mail_permit_fn answer;
	void *arg;
	struct wishes waiting, out;
	bool asking;
	long long asked_ms;    /* when the question that is out was asked */
	long long patience_ms; /* what is answered later than that is asked again */
	long retry_ms;         /* until an unanswered question is asked again */
};

static int wishes_add(struct wishes *wishes, struct mail_item *item)
{
	if (wishes->count == wishes->capacity) {
		size_t capacity = wishes->capacity == 0 ? 16 : 2 * wishes->capacity;
		struct wish *list = reallocarray(wishes->list, capacity, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		wishes->list = list;
		wishes->capacity = capacity;
	}
	wishes->list[wishes->count++] = (struct wish){.item = item, .id = item->id};
	return 0;
}

static void wishes_forget(struct wishes *wishes, const struct mail_item *item)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (wishes->list[i].item == item)
			wishes->list[i].item = NULL;
}

static void arm(struct mail_permit *permit, long ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!permit->asking && permit->waiting.count > 0)
		evtimer_add(permit->timer, &tv);
}

/* What was asked is asked again, together with what came since. */
static void take_back(struct mail_permit *permit)
{
	for (size_t i = 0; i < permit->out.count; i++) {
		struct mail_item *item = permit->out.list[i].item;

		if (item != NULL && wishes_add(&permit->waiting, item) < 0) {
			item->asking = false;
			log_error("final dot not asked for", "message=%lld why=\"out of memory\"",
				item->id); /* the lease ends, and with it the connection */
		}
	}
	permit->out.count = 0;
}

static void ask_later(struct mail_permit *permit)
{
	take_back(permit);
	arm(permit, permit->retry_ms);
	if (permit->retry_ms < RETRY_LAST_MS)
		permit->retry_ms *= 2;
}

static void mark(struct wishes *wishes, long long id)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (wishes->list[i].id == id)
			wishes->list[i].may = true;
}

static void give_answers(struct mail_permit *permit, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
		mark(&permit->out, pg_int(result, row, 0));
	/* An answer may lead to new wishes, or to others being forgotten; the list itself stays. */
	for (size_t i = 0; i < permit->out.count; i++) {
		struct wish *wish = &permit->out.list[i];
		struct mail_item *item = wish->item;

		wish->item = NULL;
		if (item == NULL)
			continue;
		item->asking = false;
		item->looked_ms = wish->may ? permit->asked_ms : 0;
		item->kept |= wish->may && wish->keeps;
		permit->answer(item, wish->may, permit->arg);
	}
	permit->out.count = 0;
}

/* The next answer may take twice as long as this one, and MAIL_LOOK_MS in any case: a slow database is
 * not asked for ever. Only one that is asked for at once, see mail_permit_flush(). */
static bool is_too_old(struct mail_permit *permit)
{
	long long took = steady_ms() - permit->asked_ms;
	bool late = took > permit->patience_ms;

	permit->patience_ms = 2 * took > MAIL_LOOK_MS ? 2 * took : MAIL_LOOK_MS;
	return late;
}

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct mail_permit *permit = arg;

	if (reply->outcome == PG_DONE) {
		if (is_too_old(permit))
			take_back(permit);
		else
			give_answers(permit, reply->result);
		permit->asking = false;
		permit->retry_ms = RETRY_FIRST_MS;
		mail_permit_flush(permit);
		return;
	}
	permit->asking = false;
	if (reply->outcome == PG_REFUSED)
		log_warning("final dots not allowed yet", "sqlstate=%s why=\"%s\"", reply->sqlstate,
			reply->text);
	ask_later(permit);
}

static bool is_signed(const struct wishes *wishes)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (mail_item_signature(wishes->list[i].item) != NULL)
			return true;
	return false;
}

/* The parameters of the call, owned. */
enum { IDS, FENCES, SIGNATURES, ARRAYS };

static int make_arrays(const struct wishes *wishes, char *arrays[ARRAYS])
{
	size_t n = wishes->count;
	char(*numbers)[24] = calloc(2 * n, sizeof(*numbers));
	const char **parts = calloc(ARRAYS * n, sizeof(*parts));

	for (size_t i = 0; numbers != NULL && parts != NULL && i < n; i++) {
		snprintf(numbers[i], sizeof(*numbers), "%lld", wishes->list[i].id);
		snprintf(numbers[n + i], sizeof(*numbers), "%lld", wishes->list[i].item->fence);
		parts[IDS * n + i] = numbers[i];
		parts[FENCES * n + i] = numbers[n + i];
		parts[SIGNATURES * n + i] = mail_item_signature(wishes->list[i].item);
	}
	for (size_t i = 0; numbers != NULL && parts != NULL && i < ARRAYS; i++)
		arrays[i] = pg_array(parts + i * n, n);
	free(numbers);
	free(parts);
	return arrays[IDS] && arrays[FENCES] && arrays[SIGNATURES] ? 0 : -ENOMEM;
}

static int ask(struct mail_permit *permit, char *const arrays[ARRAYS])
{
	const char *const values[] = {arrays[IDS], arrays[FENCES], arrays[SIGNATURES]};

	if (is_signed(&permit->out))
		return pg_call(permit->pg,
			"SELECT message_id FROM vac_daemon.may_send_signed($1, $2, $3)", 3, values,
			on_reply, permit);
	return pg_call(permit->pg, "SELECT message_id FROM vac_daemon.may_send($1, $2)", 2, values,
		on_reply, permit);
}

static int call(struct mail_permit *permit)
{
	char *arrays[ARRAYS] = {NULL};
	int r = make_arrays(&permit->out, arrays);

	if (r == 0)
		r = ask(permit, arrays);
	for (size_t i = 0; i < ARRAYS; i++)
		free(arrays[i]);
	return r;
}

/* Moves what is still wanted from waiting to out. */
static void collect(struct mail_permit *permit)
{
	struct wishes spare = permit->out;
	size_t kept = 0;

	permit->out = permit->waiting;
	for (size_t i = 0; i < permit->out.count; i++) {
		struct wish *wish = &permit->out.list[i];

		if (wish->item == NULL)
			continue;
		/* One that was asked for ahead may be signed while the question is out. */
		wish->keeps = wish->item->made != NULL;
		permit->out.list[kept++] = *wish;
	}
	permit->out.count = kept;
	permit->waiting = spare;
	permit->waiting.count = 0;
}

void mail_permit_flush(struct mail_permit *permit)
{
	if (permit->asking)
		return;
	evtimer_del(permit->timer);
	collect(permit);
	if (permit->out.count == 0) {
		/* How slow the database was says nothing of later. */
		permit->patience_ms = MAIL_LOOK_MS;
		return;
	}
	permit->asked_ms = steady_ms();
	if (!pg_is_up(permit->gate)) {
		ask_later(permit);
	} else if (call(permit) == 0) {
		permit->asking = true;
	} else {
		pg_hurry(permit->pg); /* the other connection is back already */
		ask_later(permit);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	mail_permit_flush(arg);
}

bool mail_permit_holds(const struct mail_item *item)
{
	return item->looked_ms > 0 && steady_ms() - item->looked_ms <= MAIL_LOOK_MS
	       && (item->made == NULL || item->kept);
}

int mail_permit_ask(struct mail_permit *permit, struct mail_item *item)
{
	int r;

	if (item->asking)
		return 0;
	r = wishes_add(&permit->waiting, item);
	item->asking = r == 0;
	/* At the end of this turn of the loop: other connections may be ready in the same turn. */
	if (r == 0 && !evtimer_pending(permit->timer, NULL))
		arm(permit, 0);
	return r;
}

void mail_permit_forget(struct mail_permit *permit, struct mail_item *item)
{
	if (!item->asking)
		return;
	item->asking = false;
	wishes_forget(&permit->waiting, item);
	wishes_forget(&permit->out, item);
}

static void on_state(struct pg *pg, bool up, void *arg)
{
	(void)pg;
	if (up)
		mail_permit_flush(arg);
}

static int connect_database(
	struct event_base *base, const struct config *config, struct mail_permit *permit)
{
	const struct pg_options options = {
		.conninfo = config->database,
		.password_file = config->database_password_file,
		.application = "vacd final dots",
		.timeout_ms = config->database_timeout_ms,
		.state = on_state,
		.arg = permit,
	};

	return pg_new(base, &options, &permit->pg);
}

int mail_permit_new(struct event_base *base, const struct config *config, const struct pg *gate,
	mail_permit_fn answer, void *arg, struct mail_permit **permitp)
{
	struct mail_permit *permit = calloc(1, sizeof(*permit));
	int r = -ENOMEM;

	if (permit == NULL)
		return -ENOMEM;
	permit->gate = gate;
	permit->answer = answer;
	permit->arg = arg;
	permit->retry_ms = RETRY_FIRST_MS;
	permit->patience_ms = MAIL_LOOK_MS;
	permit->timer = evtimer_new(base, on_timer, permit);
	if (permit->timer != NULL)
		r = connect_database(base, config, permit);
	if (r < 0) {
		mail_permit_free(permit);
		return r;
	}
	*permitp = permit;
	return 0;
}

struct mail_permit *mail_permit_free(struct mail_permit *permit)
{
	if (permit == NULL)
		return NULL;
	if (permit->pg != NULL)
		pg_free(permit->pg);
	if (permit->timer != NULL)
		event_free(permit->timer);
	free(permit->waiting.list);
	free(permit->out.list);
	free(permit);
	return NULL;
}
