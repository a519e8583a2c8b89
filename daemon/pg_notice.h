/*
 * pg_notice - what a server says unasked: why it ends the connection, and what our own functions warn of
 *
 * Any other notice stays untold, since its text could quote a row. What not_done() gives is an error's own sentence, as of
 * calls that are refused, without its DETAIL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <libpq-fe.h>

enum {
	PG_NOTICE_TEXT_SIZE = 500,
	PG_NOTICE_LINES = 32,               /* different ones that are told within the pause */
	PG_NOTICE_PAUSE_MS = 60 * 60 * 1000 /* until the same is told again */
};

/* Of one connection, over all the servers that it is made to; zeroed at first. */
struct pg_notice {
	char farewell[PG_NOTICE_TEXT_SIZE]; /* the server's last words, if it had any */
	struct {
		uint64_t line;      /* its hash */
		long long until_ms; /* 0: nothing */
	} told[PG_NOTICE_LINES];
	unsigned long long untold; /* lines since the last that was told */
};

/* PQnoticeReceiver of a struct pg_notice: takes the server's own words when it ends the connection (57P0x), and logs
 * what vac_store.not_done() raises. */
void pg_notice_take(void *notice, const PGresult *result);
/* Is this line one to be told now? What fails is tried again every few seconds, and by the dozen. If it is, *untold
 * says how many were not since the last one; if not, it is counted. */
bool pg_notice_is_new(
	struct pg_notice *notice, const char *line, long long now_ms, unsigned long long *untold);
