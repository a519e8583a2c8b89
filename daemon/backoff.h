/*
 * backoff - how long to wait after a failure: 100 ms, doubled each time up to 30 s, with jitter
 *
 * The jitter takes up to half off, so that many that failed together do not come back together.
 */
#pragma once

enum { BACKOFF_FIRST_MS = 100, BACKOFF_LONGEST_MS = 30000 };

/* failures: how many there were in a row before this one. */
long backoff_ms(unsigned failures);
