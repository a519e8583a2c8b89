/*
 * log - one line a record
 *
 * A record is an event in words and key=value pairs. With the journal behind stderr a line starts
 * with its systemd priority (<3> … <7>); on a terminal it starts with the time. Only daemon/ logs:
 * who handles an error logs it, once. Never a case's or a message's text.
 */
#pragma once

#include <syslog.h>

/* priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG of syslog.h.
 * event: a few fixed words ("message sent"); fmt: key=value pairs, "" for none.
 * Control characters in the formatted text are written as \xNN, so a line stays a line. */
void log_line(int priority, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Lines less urgent than this are dropped (default LOG_INFO). */
void log_set_level(int priority);

#define log_error(event, ...)   log_line(LOG_ERR, event, __VA_ARGS__)
#define log_warning(event, ...) log_line(LOG_WARNING, event, __VA_ARGS__)
#define log_notice(event, ...)  log_line(LOG_NOTICE, event, __VA_ARGS__)
#define log_info(event, ...)    log_line(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)   log_line(LOG_DEBUG, event, __VA_ARGS__)
