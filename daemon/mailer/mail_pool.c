/*
 * mail_pool - the connections to the mail server that are open
 */
#include "mail_pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "../steady.h"

/* Long enough to be found open by the next case of a busy hour, shorter than servers' own limits. */
#define IDLE_MS 30000

struct mail_line {
	TAILQ_ENTRY(mail_line) entry;
	struct mail_pool *pool;
	struct mail_connection *connection;
	struct mail_item *items[2];
	bool retiring; /* gets nothing more */
	bool worked;
	long long idle_since_ms;
};

TAILQ_HEAD(mail_lines, mail_line);

struct mail_pool {
	struct event_base *base;
	const struct mail_pool_ops *ops;
	void *arg;
	const struct config *config;
	const struct tls_mail *tls;
	struct mail_lines lines;
};

static void line_free(struct mail_line *line)
{
	TAILQ_REMOVE(&line->pool->lines, line, entry);
	mail_connection_free(line->connection);
	free(line);
}

static size_t line_load(const struct mail_line *line)
{
	return (line->items[0] != NULL) + (line->items[1] != NULL);
}

static bool line_is_dotted(const struct mail_line *line)
{
	for (size_t i = 0; i < 2; i++)
		if (line->items[i] != NULL && line->items[i]->state == MAIL_ITEM_DOTTED)
			return true;
	return false;
}

static void line_take(struct mail_line *line, struct mail_item *item)
{
	line->items[line->items[0] == NULL ? 0 : 1] = item;
	item->line = line;
	item->state = MAIL_ITEM_GIVEN;
}

static void line_let_go(struct mail_line *line, struct mail_item *item)
{
	line->items[line->items[0] == item ? 0 : 1] = NULL;
	item->line = NULL;
	if (line_load(line) == 0)
		line->idle_since_ms = steady_ms();
}

/* what connections tell */

static void on_ready(struct mail_connection *connection, void *arg)
{
	struct mail_line *line = arg;
	struct mail_pool *pool = line->pool;

	line->idle_since_ms = steady_ms();
	pool->ops->ready(mail_connection_describe(connection), pool->arg);
	if (line->retiring)
		mail_connection_quit(connection);
	else
		pool->ops->room(pool->arg);
}

static void on_ask(struct mail_connection *connection, void *message, void *arg)
{
	struct mail_line *line = arg;
	struct mail_pool *pool = line->pool;
	struct mail_item *item = message;

	(void)connection;
	item->state = MAIL_ITEM_ASKED;
	pool->ops->ask(item, pool->arg);
	pool->ops->room(pool->arg);
}

static void on_outcome(struct mail_connection *connection, void *message, enum smtp_outcome outcome,
	const char *reply, void *arg)
{
	struct mail_line *line = arg;
	struct mail_pool *pool = line->pool;
	struct mail_item *item = message;

	(void)connection;
	line_let_go(line, item);
	if (outcome == SMTP_SENT || outcome == SMTP_REFUSED)
		line->worked = true;
	pool->ops->outcome(item, outcome, reply, pool->arg);
	pool->ops->room(pool->arg);
}

static void on_closed(
	struct mail_connection *connection, enum mail_closed why, const char *text, void *arg)
{
	struct mail_line *line = arg;
	struct mail_pool *pool = line->pool;
	bool worked = line->worked;
	char copy[MAIL_TEXT_MAX]; /* text goes with the connection */

	(void)connection;
	snprintf(copy, sizeof(copy), "%s", text);
	line_free(line);
	pool->ops->closed(why, copy, worked, pool->arg);
	pool->ops->room(pool->arg);
}

static const struct mail_connection_ops connection_ops = {
	.ready = on_ready,
	.ask = on_ask,
	.outcome = on_outcome,
	.closed = on_closed,
};

/* what the owner does */

static int open_line(struct mail_pool *pool)
{
	struct mail_line *line = calloc(1, sizeof(*line));
	int r;

	if (line == NULL)
		return -ENOMEM;
	line->pool = pool;
	r = mail_connection_new(
		pool->base, pool->config, pool->tls, &connection_ops, line, &line->connection);
	if (r < 0) {
		free(line);
		return r;
	}
	TAILQ_INSERT_TAIL(&pool->lines, line, entry);
	return 0;
}

static bool is_free(const struct mail_line *line)
{
	return !line->retiring && line_load(line) == 0;
}

void mail_pool_open(struct mail_pool *pool, size_t wanted, size_t most)
{
	const struct mail_line *line;
	size_t open = 0, idle = 0;

	TAILQ_FOREACH(line, &pool->lines, entry)
	{
		open += !line->retiring;
		idle += is_free(line);
	}
	for (; open < most && idle < wanted; open++, idle++) {
		int r = open_line(pool);

		if (r < 0) {
			log_error("mail connection not opened", "why=\"%s\"", strerror(-r));
			return;
		}
	}
}

static struct mail_line *pick(const struct mail_pool *pool, bool bulk)
{
	struct mail_line *line, *second = NULL;

	TAILQ_FOREACH(line, &pool->lines, entry)
	{
		if (line->retiring || !mail_connection_has_room(line->connection))
			continue;
		if (line_load(line) == 0)
			return line;
		if (second == NULL)
			second = line;
	}
	return bulk ? second : NULL;
}

bool mail_pool_has_room(const struct mail_pool *pool, bool bulk)
{
	return pick(pool, bulk) != NULL;
}

int mail_pool_give(struct mail_pool *pool, struct mail_item *item, bool bulk)
{
	struct mail_line *line = pick(pool, bulk);
	const struct smtp_message message = {
		.sender = item->mail.envelope_sender,
		.recipient = item->message.recipient,
		.envelope_id = item->message.mail_uuid,
		.bytes = item->mail.bytes,
		.length = item->mail.length,
		.owner = item,
	};
	int r;

	if (line == NULL)
		return -EBUSY;
	r = mail_connection_send(line->connection, &message);
	if (r == 0)
		line_take(line, item);
	return r;
}

void mail_pool_dot(struct mail_pool *pool, struct mail_item *item)
{
	struct mail_line *line = item->line;

	if (line == NULL || item->state != MAIL_ITEM_ASKED)
		return;
	/* From here on it may have been sent, even if the call below fails half-way. */
	item->state = MAIL_ITEM_DOTTED;
	if (mail_connection_dot(line->connection) < 0)
		mail_pool_drop(pool, item, "out of memory");
}

static void drop_line(struct mail_line *line, const char *why)
{
	struct mail_pool *pool = line->pool;
	struct mail_item *items[2] = {line->items[0], line->items[1]};

	line_free(line);
	for (size_t i = 0; i < 2; i++) {
		if (items[i] == NULL)
			continue;
		items[i]->line = NULL;
		pool->ops->outcome(items[i],
			items[i]->state == MAIL_ITEM_DOTTED ? SMTP_UNKNOWN : SMTP_RELEASED, why,
			pool->arg);
	}
}

void mail_pool_drop(struct mail_pool *pool, struct mail_item *item, const char *why)
{
	(void)pool;
	if (item->line != NULL)
		drop_line(item->line, why);
}

struct mail_item *mail_pool_find_dotted(const struct mail_pool *pool, long long id)
{
	const struct mail_line *line;

	TAILQ_FOREACH(line, &pool->lines, entry)
	for (size_t i = 0; i < 2; i++)
		if (line->items[i] != NULL && line->items[i]->id == id
			&& line->items[i]->state == MAIL_ITEM_DOTTED)
			return line->items[i];
	return NULL;
}

static void retire(struct mail_line *line)
{
	if (line->retiring)
		return;
	line->retiring = true;
	mail_connection_quit(line->connection);
}

static bool lease_is_over(const struct mail_line *line, long long now_ms)
{
	for (size_t i = 0; i < 2; i++)
		if (line->items[i] != NULL && line->items[i]->state != MAIL_ITEM_DOTTED
			&& line->items[i]->deadline_ms <= now_ms)
			return true;
	return false;
}

void mail_pool_tick(struct mail_pool *pool, long long now_ms)
{
	struct mail_line *line, *next;

	for (line = TAILQ_FIRST(&pool->lines); line != NULL; line = next) {
		next = TAILQ_NEXT(line, entry);
		if (!line_is_dotted(line) && lease_is_over(line, now_ms))
			drop_line(line, "the lease ended before the final dot");
		else if (mail_connection_is_ready(line->connection) && line_load(line) == 0
			 && now_ms - line->idle_since_ms >= IDLE_MS)
			retire(line);
	}
}

void mail_pool_give_up(struct mail_pool *pool, bool force)
{
	struct mail_line *line, *next;

	for (line = TAILQ_FIRST(&pool->lines); line != NULL; line = next) {
		next = TAILQ_NEXT(line, entry);
		if (!force && line_is_dotted(line)) {
			retire(line);
			continue;
		}
		if (mail_connection_is_ready(line->connection) && line_load(line) == 0)
			mail_connection_quit(line->connection); /* said, not waited for */
		drop_line(line, force ? "stopped before the reply" : "");
	}
}

void mail_pool_configure(
	struct mail_pool *pool, const struct config *config, const struct tls_mail *tls)
{
	struct mail_line *line, *next;

	pool->config = config;
	pool->tls = tls;
	for (line = TAILQ_FIRST(&pool->lines); line != NULL; line = next) {
		next = TAILQ_NEXT(line, entry);
		if (mail_connection_is_ready(line->connection))
			retire(line);
		else /* it may be about to log in with what is no longer right */
			drop_line(line, "");
	}
}

size_t mail_pool_size(const struct mail_pool *pool)
{
	const struct mail_line *line;
	size_t n = 0;

	TAILQ_FOREACH(line, &pool->lines, entry)
	n++;
	return n;
}

size_t mail_pool_ready(const struct mail_pool *pool)
{
	const struct mail_line *line;
	size_t n = 0;

	TAILQ_FOREACH(line, &pool->lines, entry)
	n += mail_connection_is_ready(line->connection);
	return n;
}

int mail_pool_new(struct event_base *base, const struct mail_pool_ops *ops, void *arg,
	struct mail_pool **poolp)
{
	struct mail_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return -ENOMEM;
	pool->base = base;
	pool->ops = ops;
	pool->arg = arg;
	TAILQ_INIT(&pool->lines);
	*poolp = pool;
	return 0;
}

struct mail_pool *mail_pool_free(struct mail_pool *pool)
{
	struct mail_line *line, *next;

	if (pool == NULL)
		return NULL;
	for (line = TAILQ_FIRST(&pool->lines); line != NULL; line = next) {
		next = TAILQ_NEXT(line, entry);
		line_free(line);
	}
	free(pool);
	return NULL;
}
