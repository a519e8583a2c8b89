#include "pg_era.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"

enum { TIMELINE_DIGITS = 8 };

/* The control file tells of a promotion only after the next checkpoint; names of log files do at once. */
const char pg_era_statement[] = "SELECT system_identifier, pg_walfile_name(pg_current_wal_lsn())"
				" FROM pg_control_system()";

/* What this process has seen; connections are its loop's alone. */
static struct pg_era newest;

static void read_era(struct pg_era *era, const PGresult *result)
{
	char digits[TIMELINE_DIGITS + 1] = "";

	*era = (struct pg_era){.system = 0};
	if (PQntuples(result) != 1 || PQgetlength(result, 0, 1) < TIMELINE_DIGITS)
		return;
	memcpy(digits, PQgetvalue(result, 0, 1), TIMELINE_DIGITS);
	era->timeline = strtoul(digits, NULL, 16);
	era->system = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
}

bool pg_era_take(struct pg_era *era, const struct pg_reply *reply, char *why, size_t size)
{
	*era = (struct pg_era){.system = 0};
	if (reply->outcome == PG_REFUSED && strcmp(reply->sqlstate, "42501") == 0)
		return true;
	if (reply->outcome != PG_DONE) {
		snprintf(why, size, "%s", reply->text);
		return false;
	}
	read_era(era, reply->result);
	if (pg_era_is_over(era)) {
		snprintf(why, size,
			"the server has timeline %lu, and one with timeline %lu was promoted after "
			"it; "
			"stop it, or rewind it to a standby; if it shall be used all the same, "
			"restart vacd",
			era->timeline, newest.timeline);
		return false;
	}
	if (era->system != 0)
		newest = *era;
	return true;
}

bool pg_era_is_over(const struct pg_era *era)
{
	return era->system != 0 && era->system == newest.system && era->timeline < newest.timeline;
}
