#include "pg_notice.h"

#include <string.h>

#include "log.h"
#include "pg_login.h"
#include "steady.h"

/* The SQLSTATE of vac_store.not_done(), and of nothing else. */
#define NOT_DONE "VAC01"

/* FNV-1a */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		hash = (hash ^ *p) * UINT64_C(0x100000001b3);
	return hash;
}

bool pg_notice_is_new(
	struct pg_notice *notice, const char *line, long long now_ms, unsigned long long *untold)
{
	uint64_t hash = hash_of(line);
	size_t place = PG_NOTICE_LINES;

	for (size_t n = 0; n < PG_NOTICE_LINES; n++) {
		if (notice->told[n].until_ms <= now_ms) {
			place = n;
		} else if (notice->told[n].line == hash) {
			place = PG_NOTICE_LINES;
			break;
		}
	}
	if (place == PG_NOTICE_LINES) {
		notice->untold++;
		return false;
	}
	notice->told[place].line = hash;
	notice->told[place].until_ms = now_ms + PG_NOTICE_PAUSE_MS;
	*untold = notice->untold;
	notice->untold = 0;
	return true;
}

static void tell(struct pg_notice *notice, const char *pairs)
{
	unsigned long long untold;

	if (pg_notice_is_new(notice, pairs, steady_ms(), &untold))
		log_warning("work not done", "%s untold=%llu", pairs, untold);
}

void pg_notice_take(void *notice, const PGresult *result)
{
	struct pg_notice *into = notice;
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *pairs = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	if (!sqlstate)
		return;
	if (text && strncmp(sqlstate, "57P0", 4) == 0)
		pg_login_flatten(text, into->farewell, sizeof(into->farewell));
	else if (pairs && strcmp(sqlstate, NOT_DONE) == 0)
		tell(into, pairs);
}
