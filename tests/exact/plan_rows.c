#include "plan_rows.h"

static const struct member policy_members[] = {
	{"now", NUMBER, offsetof(struct plan_input, now)},
	{"grid", NUMBER, offsetof(struct plan_input, policy.grid_seconds)},
	{"rest", NUMBER, offsetof(struct plan_input, policy.rest_minutes)},
	{"accepted", NUMBER, offsetof(struct plan_input, policy.weight_move_accepted)},
	{"chain", NUMBER, offsetof(struct plan_input, policy.move_chain)},
	{"steps", NUMBER, offsetof(struct plan_input, policy.steps)},
	{"moved_by", MASKS, offsetof(struct plan_input, policy.moved_by)},
	{"wait", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_WAIT])},
	{"collateral", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_COLLATERAL])},
	{"backup", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_BACKUP])},
	{"interpreter", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_INTERPRETER])},
	{"preference", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_PREFERENCE])},
	{"continuity", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_CONTINUITY])},
	{"load", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_LOAD])},
	{"over_cap", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_OVER_CAP])},
	{"move", WEIGHTS, offsetof(struct plan_input, policy.weight[PLAN_MOVE])},
	{NULL, NUMBER, 0},
};

static const struct member zone_members[] = {
	{"days", DAYS, 0},
	{"nights", SPANS, offsetof(struct plan_zone, nights)},
	{NULL, NUMBER, 0},
};

static const struct member office_members[] = {
	{"id", CODE, offsetof(struct plan_office, id)},
	{"backups", BACKUPS, 0},
	{"urgent_hours", SPANS, offsetof(struct plan_office, urgent_hours)},
	{"office_hours", SPANS, offsetof(struct plan_office, office_hours)},
	{NULL, NUMBER, 0},
};

static const struct member coordinator_members[] = {
	{"id", CODE, offsetof(struct plan_coordinator, id)},
	{"office", CODE, offsetof(struct plan_coordinator, office)},
	{"collateral", TRUTH, offsetof(struct plan_coordinator, collateral)},
	{"locked", TRUTH, offsetof(struct plan_coordinator, locked)},
	{"gender", CODE, offsetof(struct plan_coordinator, gender)},
	{"zone", INDEX, offsetof(struct plan_coordinator, zone)},
	{"services", CODES, offsetof(struct plan_coordinator, services)},
	{"languages", CODES, offsetof(struct plan_coordinator, languages)},
	{"max_open_cases", NUMBER, offsetof(struct plan_coordinator, max_open_cases)},
	{"weekly_minutes", NUMBER, offsetof(struct plan_coordinator, weekly_minutes)},
	{"meetings_a_day", NUMBER, offsetof(struct plan_coordinator, meetings_a_day)},
	{"open_cases", CASES, offsetof(struct plan_coordinator, open_cases)},
	{"load_minutes", NUMBER, offsetof(struct plan_coordinator, load_minutes)},
	{"weekly_shift_minutes", NUMBER, offsetof(struct plan_coordinator, weekly_shift_minutes)},
	{"regular", SPANS, offsetof(struct plan_coordinator, regular)},
	{"on_call", SPANS, offsetof(struct plan_coordinator, on_call)},
	{"leave", SPANS, offsetof(struct plan_coordinator, leave)},
	{"rest", SPANS, offsetof(struct plan_coordinator, rest)},
	{NULL, NUMBER, 0},
};

static const struct member appointment_members[] = {
	{"coordinator", CODE, offsetof(struct plan_appointment, coordinator)},
	{"case", NUMBER, offsetof(struct plan_appointment, case_id)},
	{"meeting", SPAN, offsetof(struct plan_appointment, meeting)},
	{"busy", SPAN, offsetof(struct plan_appointment, busy)},
	{"counted", NUMBER, offsetof(struct plan_appointment, counted_minutes)},
	{"id", NUMBER, offsetof(struct plan_appointment, id)},
	{"request", NUMBER, offsetof(struct plan_appointment, request)},
	{"accepted", TRUTH, offsetof(struct plan_appointment, accepted)},
	{NULL, NUMBER, 0},
};

static const struct member request_members[] = {
	{"id", NUMBER, offsetof(struct plan_request, id)},
	{"case", NUMBER, offsetof(struct plan_request, case_id)},
	{"office", CODE, offsetof(struct plan_request, office)},
	{"urgency", URGENCY, offsetof(struct plan_request, urgency)},
	{"telephone", TRUTH, offsetof(struct plan_request, telephone)},
	{"interpreter", TRUTH, offsetof(struct plan_request, interpreter)},
	{"gender_required", TRUTH, offsetof(struct plan_request, gender_required)},
	{"service", CODE, offsetof(struct plan_request, service)},
	{"language", CODE, offsetof(struct plan_request, language)},
	{"gender", CODE, offsetof(struct plan_request, gender)},
	{"minutes", NUMBER, offsetof(struct plan_request, minutes)},
	{"buffer", NUMBER, offsetof(struct plan_request, buffer_minutes)},
	{"load_percent", NUMBER, offsetof(struct plan_request, load_percent)},
	{"earliest", NUMBER, offsetof(struct plan_request, earliest)},
	{"latest", NUMBER, offsetof(struct plan_request, latest)},
	{"due", NUMBER, offsetof(struct plan_request, due)},
	{"preferred", CODE, offsetof(struct plan_request, preferred)},
	{"responsible", CODE, offsetof(struct plan_request, responsible)},
	{"met", CODES, offsetof(struct plan_request, met)},
	{"barred", CODES, offsetof(struct plan_request, barred)},
	{"conflicts", CODES, offsetof(struct plan_request, conflicts)},
	{NULL, NUMBER, 0},
};

const struct kind_of_row kinds[KINDS] = {
	[POLICY] = {"policy", policy_members, sizeof(struct plan_input)},
	[ZONE] = {"zone", zone_members, sizeof(struct plan_zone)},
	[OFFICE] = {"office", office_members, sizeof(struct plan_office)},
	[COORDINATOR] = {"coordinator", coordinator_members, sizeof(struct plan_coordinator)},
	[APPOINTMENT] = {"appointment", appointment_members, sizeof(struct plan_appointment)},
	[REQUEST] = {"request", request_members, sizeof(struct plan_request)},
	[STANDING] = {"standing", request_members, sizeof(struct plan_request)},
};

const char *const urgencies[PLAN_URGENCIES] = {"immediate", "urgent", "routine"};

/* ---- writing --------------------------------------------------------------------------------- */

static void write_spans(FILE *out, struct span_list list)
{
	for (size_t i = 0; i < list.n; i++)
		fprintf(out, "%s%lld:%lld", i ? "," : "", (long long)list.spans[i].start,
			(long long)list.spans[i].end);
}

static void write_backups(FILE *out, const struct plan_office *office)
{
	for (size_t i = 0; i < office->n_backups; i++)
		fprintf(out, "%s%d:%d:%d", i ? "," : "", office->backups[i].office,
			office->backups[i].rank, office->backups[i].travel_minutes);
}

static void write_days(FILE *out, const struct plan_zone *zone)
{
	for (size_t i = 0; i < zone->n_days; i++)
		fprintf(out, "%s%lld:%d", i ? "," : "", (long long)zone->day_starts[i],
			zone->week_numbers[i]);
}

static void write_three(FILE *out, enum type type, const void *from)
{
	for (int i = 0; i < PLAN_URGENCIES; i++)
		fprintf(out, "%s%lld", i ? "," : "",
			type == WEIGHTS ? (long long)((const int64_t *)from)[i]
					: (long long)((const unsigned *)from)[i]);
}

static void write_list(FILE *out, enum type type, const void *from)
{
	const struct plan_codes *codes = from;
	const struct plan_cases *cases = from;

	for (size_t i = 0; i < (type == CODES ? codes->n : cases->n); i++)
		fprintf(out, "%s%lld", i ? "," : "",
			type == CODES ? (long long)codes->codes[i] : (long long)cases->ids[i]);
}

static long long scalar(enum type type, const void *from)
{
	if (type == NUMBER)
		return *(const int64_t *)from;
	if (type == CODE)
		return *(const int32_t *)from;
	return type == INDEX ? (long long)*(const size_t *)from : *(const bool *)from;
}

static void write_value(FILE *out, enum type type, const void *from)
{
	if (type <= TRUTH)
		fprintf(out, "%lld", scalar(type, from));
	else if (type == URGENCY)
		fprintf(out, "%s", urgencies[*(const enum plan_urgency *)from]);
	else if (type == WEIGHTS || type == MASKS)
		write_three(out, type, from);
	else if (type == SPAN)
		write_spans(out, (struct span_list){from, 1});
	else if (type == SPANS)
		write_spans(out, *(const struct span_list *)from);
	else if (type == BACKUPS)
		write_backups(out, from);
	else if (type == DAYS)
		write_days(out, from);
	else
		write_list(out, type, from);
}

static void write_rows(FILE *out, enum kind kind, const void *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *row = (const char *)rows + i * kinds[kind].size;

		fprintf(out, "%s", kinds[kind].name);
		for (const struct member *member = kinds[kind].members; member->key; member++) {
			fprintf(out, " %s=", member->key);
			write_value(out, member->type, row + member->offset);
		}
		fprintf(out, "\n");
	}
}

void plan_text_write(const struct plan_input *input, FILE *out)
{
	write_rows(out, POLICY, input, 1);
	write_rows(out, ZONE, input->zones, input->n_zones);
	write_rows(out, OFFICE, input->offices, input->n_offices);
	write_rows(out, COORDINATOR, input->coordinators, input->n_coordinators);
	write_rows(out, APPOINTMENT, input->appointments, input->n_appointments);
	write_rows(out, REQUEST, input->requests, input->n_requests);
	write_rows(out, STANDING, input->standing, input->n_standing);
	fprintf(out, "plan\n");
}
