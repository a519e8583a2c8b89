/*
 * notify - what systemd is told: ready, stopping, status, alive (sd_notify(3))
 *
 * Without systemd behind it every call does nothing.
 */
#pragma once

/* One or several lines "NAME=value", as sd_notify(3) lists them. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often WATCHDOG=1 is to be sent, in ms: half of WatchdogSec=; 0: never. */
long notify_watchdog_ms(void);
