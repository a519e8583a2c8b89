/*
 * snapshot_world - what the snapshot functions give for one request, one coordinator, two offices
 *
 * Request 5 of office 1 can be served by coordinator 11 at 9000 seconds past 1970, after their
 * appointment of request 6, which may be moved.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <libpq-fe.h>
#include <cmocka.h>

#include "dispatch/snapshot.h"

enum { MOST = 24 };

/* NULL is SQL NULL. */
static inline void set_value(PGresult *result, int row, int column, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert_true(PQsetvalue(result, row, column, copy, copy ? (int)strlen(copy) : -1));
	free(copy);
}

/* A result as the server would send it: names, then rows of values. */
static inline PGresult *make_result(const char *const *names, int n_rows, const char *const *values)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc columns[MOST] = {0};
	int n = 0;

	for (; names[n]; n++) {
		columns[n].name = strdup(names[n]);
		columns[n].typid = 25;
	}
	assert_true(PQsetResultAttrs(result, n, columns));
	for (int i = 0; i < n_rows * n; i++)
		set_value(result, i / n, i % n, values[i]);
	for (int i = 0; i < n; i++)
		free(columns[i].name);
	return result;
}

struct part {
	const char *names[MOST];
	const char *values[MOST * 3];
	int n;
};

static const struct part good[SNAPSHOT_PARTS] = {
	[SNAPSHOT_BEGIN] = {{"ok", "now", "grid_seconds"}, {"t", "1000", "900"}, 1},
	[SNAPSHOT_POLICY] = {{"name", "urgency", "value"},
		{"weight_wait", "urgent", "4", "weight_wait", NULL, "1", "rest_minutes", NULL,
			"600", "weight_move", NULL, "240", "weight_move_accepted", NULL, "720",
			"move_chain", NULL, "2", "plan_steps", NULL, "5000", "may_be_moved",
			"immediate", "0", "may_be_moved", "urgent", "1", "may_be_moved", "routine",
			"3"},
		10},
	[SNAPSHOT_ZONES] = {{"zone", "day_starts", "week_numbers", "nights"},
		{"UTC", "{0,86400}", "{1,1}", "{0,21600}"}, 1},
	[SNAPSHOT_OFFICES] = {{"office_id", "code", "backup_ids", "backup_ranks", "travel_minutes",
				      "urgent_hours", "office_hours", "group_id"},
		{"1", "SEA", "{2}", "{1}", "{90}", "{0,80000}", "{0,70000}", "1", "2", "PDX", "{}",
			"{}", "{}", "{}", "{}", "1"},
		2},
	[SNAPSHOT_COORDINATORS] =
		{{"coordinator_id", "office_id", "duty", "gender", "zone", "services",
			 "meets", "max_open_cases", "weekly_minutes", "meetings_a_day",
			 "open_case_ids", "load_minutes", "weekly_shift_minutes", "regular",
			 "on_call", "leave", "rest"},
			{"11", "1", "collateral", NULL, "UTC", "{counseling}", "{en,es}", "3",
				"480", "2", "{7,8}", "120", "720", "{0,40000}", "{}", "{}", "{}"},
			1},
	[SNAPSHOT_BUSY] = {{"appointment_id", "coordinator_id", "case_id", "starts", "ends",
				   "busy_starts", "busy_ends", "counted_minutes"},
		{"1", "11", "7", "3600", "7200", "3600", "9000", "60"}, 1},
	[SNAPSHOT_REQUESTS] =
		{{"request_id", "case_id", "office_id", "urgency", "service", "language",
			 "telephone", "interpreter", "minutes", "buffer_minutes", "load_percent",
			 "earliest", "latest", "due", "gender", "gender_required", "preferred_id",
			 "responsible_id", "met_ids", "barred_ids", "conflict_ids"},
			{"5", "9", "1", "urgent", "counseling", "es", "f", "f", "60", "30", "100",
				"1800", "40000", "9000", NULL, "f", NULL, "11", "{}",
				"{12}", "{13,14}"},
			1},
	[SNAPSHOT_STANDING] = {{"appointment_id", "accepted", "request_id", "case_id", "office_id",
				       "urgency", "service", "language", "telephone", "interpreter",
				       "minutes", "buffer_minutes", "load_percent", "earliest",
				       "latest", "due", "gender", "gender_required", "preferred_id",
				       "responsible_id", "met_ids", "barred_ids", "conflict_ids"},
		{"1", "t", "6", "7", "1", "routine", "counseling", "en", "f", "f", "60", "30",
			"100", "1800", "40000", "30000", NULL, "f", NULL, NULL, "{}", "{}", "{}"},
		1},
};
