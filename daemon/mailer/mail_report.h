/*
 * mail_report - tells the database what became of messages, in batches
 *
 * One call is out at a time; what comes meanwhile goes with the next. Each is a commit, so while more is
 * on its way 20 ms are spent on waiting for it: what a daemon that dies has not told is sent again. A
 * batch whose outcome is unknown is told again: the fence makes that harmless.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct mail_report;
struct pg;

int mail_report_new(struct event_base *base, struct pg *pg, struct mail_report **reportp)
	__attribute__((warn_unused_result));
struct mail_report *mail_report_free(struct mail_report *report);

/* outcome: sent, retry, final, unknown, released (a literal). reply is copied. soon: others are on
 * their way and may be waited for. */
void mail_report_add(struct mail_report *report, long long id, long long fence, const char *outcome,
	const char *reply, bool soon);
/* The database is back, or nothing more is coming: tell now. */
void mail_report_flush(struct mail_report *report);
/* Outcomes that the database has confirmed since the start. */
unsigned long long mail_report_stored(const struct mail_report *report);
/* Outcomes that it has not. */
size_t mail_report_backlog(const struct mail_report *report);
