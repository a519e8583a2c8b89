/*
 * stages - dispatch, mailer, inbox, intake, answer, deadline and seal together: their connections,
 * start and end, the slow poll, health and heartbeats
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct pg;
struct reader_process;
struct stages;
struct token_keys;

/* Begins to connect; no stage works before stages_start(), but inbox and intake, which are there from
 * here to the end and have nothing to say but "later" while paused. id and config are borrowed, config
 * until the next stages_reload(); *process is taken over. 0, -errno, or -EINVAL: what is wrong was
 * logged. */
int stages_new(struct event_base *base, const struct config *config, const char *id,
	struct reader_process *process, struct stages **stagesp)
	__attribute__((warn_unused_result));
struct stages *stages_free(struct stages *stages);

/* The database is accepted: what is not there is made, and everything is looked at once. 0 or -errno. */
int stages_start(struct stages *stages, const struct config *config, const struct token_keys *keys)
	__attribute__((warn_unused_result));
/* The database is away, or has not been accepted yet: nothing is asked of it. */
void stages_pause(struct stages *stages);
/* Nothing new begins; then wait until !stages_are_busy(). */
void stages_stop(struct stages *stages);
/* The daemon stops: no mail is taken in any more. */
void stages_leave(struct stages *stages);
bool stages_are_busy(const struct stages *stages);
/* Takes down what was stopped; stages_start() makes them anew. */
void stages_clear(struct stages *stages);
bool stages_exist(const struct stages *stages);

/* A NOTIFY: true when a stage listens to this channel. */
bool stages_wake(struct stages *stages, const char *channel);
/* As mailer_reload(). */
int stages_reload(struct stages *stages, const struct config *config, const struct token_keys *keys,
	char *error, size_t error_size) __attribute__((warn_unused_result));

/* How long to wait for a stage that makes no turns. */
long stages_patience_ms(const struct config *config);
/* Counts turns; call it often. */
void stages_look(struct stages *stages, long long now_ms);
bool stages_are_alive(const struct stages *stages, long long now_ms, long patience_ms);
/* The slow poll: asks the database, over this connection, when there is something for the stages that
 * sleep; each of them is woken in time. */
void stages_poll(struct stages *stages, struct pg *pg);
/* Tells the database, over this connection, of the stages that have made turns since the last time.
 * False while there is a stage that it has not told of yet: ask again soon. */
bool stages_beat(struct stages *stages, struct pg *pg);
/* Of the mailer, of answers and of intake, for STATUS. */
const char *stages_mail_status(struct stages *stages);
const char *stages_answer_status(struct stages *stages);
const char *stages_intake_status(const struct stages *stages);
