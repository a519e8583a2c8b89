/*
 * steady - the clock of leases and waits
 */
#include "steady.h"

#include <time.h>

long long steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
