/*
 * steady - the clock of leases and waits: it never jumps, and it counts while the machine sleeps
 */
#pragma once

/* Milliseconds of CLOCK_BOOTTIME. */
long long steady_ms(void);
