#include "backoff.h"

#include <event2/util.h>

/* By then it takes the longest. */
enum { DOUBLINGS = 9 };

static unsigned counted(unsigned failures)
{
	return failures < DOUBLINGS ? failures : DOUBLINGS;
}

long backoff_ms(unsigned failures)
{
	long ms = (long)BACKOFF_FIRST_MS << counted(failures);
	unsigned random;

	if (ms > BACKOFF_LONGEST_MS)
		ms = BACKOFF_LONGEST_MS;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return ms / 2 + (long)(random % (unsigned long)(ms / 2 + 1));
}

unsigned backoff_success(unsigned failures)
{
	return counted(failures) / 2;
}
