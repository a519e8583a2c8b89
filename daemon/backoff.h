/*
 * backoff - how long to wait after a failure: 100 ms, doubled each time up to 30 s, with jitter
 *
 * The jitter takes up to half off, so that many that failed together do not come back together.
 */
#pragma once

enum { BACKOFF_FIRST_MS = 100, BACKOFF_LONGEST_MS = 30000 };

/* failures: how many there were in a row before this one. */
long backoff_ms(unsigned failures);
/* As how many failures they count after a success, for one that may fail right after each: half as many,
 * and those of a long outage no more than those of a minute. */
unsigned backoff_success(unsigned failures);
