/*
 * mail_host - whether the mail server may be spoken to now
 */
#include "mail_host.h"

#include <stdio.h>

#define FIRST_MS 1000
#define LAST_MS  60000
#define LOGIN_MS 300000

void mail_host_failed(struct mail_host *host, enum mail_closed why, const char *text,
	long long now_ms, unsigned random)
{
	unsigned doublings = host->failures < 16 ? host->failures : 16;
	long ms = (long)FIRST_MS << doublings;

	host->failures++;
	host->why = why;
	snprintf(host->text, sizeof(host->text), "%s", text);
	if (ms > LAST_MS)
		ms = LAST_MS;
	if (why == MAIL_CLOSED_LOGIN)
		ms = LOGIN_MS;
	/* Between half and all of it, so that several daemons do not come back together. */
	host->held_until_ms = now_ms + ms / 2 + (long)(random % (unsigned long)(ms / 2 + 1));
}

void mail_host_worked(struct mail_host *host)
{
	host->failures = 0;
	host->held_until_ms = 0;
	host->text[0] = '\0';
}

long mail_host_wait_ms(const struct mail_host *host, long long now_ms)
{
	return host->held_until_ms > now_ms ? (long)(host->held_until_ms - now_ms) : 0;
}

bool mail_host_is_doubtful(const struct mail_host *host)
{
	return host->failures > 0;
}
