#include "backoff.h"

#include <event2/util.h>

long backoff_ms(unsigned failures)
{
	long ms = (long)BACKOFF_FIRST_MS << (failures < 9 ? failures : 9);
	unsigned random;

	if (ms > BACKOFF_LONGEST_MS)
		ms = BACKOFF_LONGEST_MS;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return ms / 2 + (long)(random % (unsigned long)(ms / 2 + 1));
}
