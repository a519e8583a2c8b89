#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan_world.h"

/* ---- hard rules: each alone rules coordinator 11 out, and what just fits does not ------------ */

static void one_day_window(struct world *w)
{
	w->requests[0].latest = AT(0, 17);
}

static void nothing(struct world *w)
{
	(void)w;
}

static void window_too_short(struct world *w)
{
	w->requests[0].latest = w->requests[0].earliest + HOUR - 1;
}

static void window_off_the_grid(struct world *w)
{
	w->requests[0].earliest = AT(0, 9) + 60;
	w->requests[0].latest = AT(0, 10) + 899;
}

static void window_just_fits(struct world *w)
{
	w->requests[0].earliest = AT(0, 9) + 60;
	w->requests[0].latest = AT(0, 10) + 900;
}

static void window_is_past(struct world *w)
{
	w->requests[0].earliest = AT(-3, 9);
	w->requests[0].latest = AT(-1, 9);
}

static void weekend_window(struct world *w)
{
	w->requests[0].earliest = AT(5, 0);
	w->requests[0].latest = AT(7, 0);
}

static void preferred_elsewhere(struct world *w)
{
	w->offices[0].n_backups = 0;
	w->coordinators[0].office = 2;
	w->requests[0].preferred = 11;
}

static void responsible_elsewhere(struct world *w)
{
	w->offices[0].n_backups = 0;
	w->coordinators[0].office = 2;
	w->requests[0].responsible = 11;
}

static void conflict(struct world *w)
{
	w->ids[0] = 11;
	w->requests[0].conflicts = (struct plan_people){w->ids, 1};
}

static void conflict_of_another(struct world *w)
{
	w->ids[0] = 12;
	w->requests[0].conflicts = (struct plan_people){w->ids, 1};
}

static void barred(struct world *w)
{
	w->ids[0] = 11;
	w->requests[0].barred = (struct plan_people){w->ids, 1};
}

static void service(struct world *w)
{
	w->coordinators[0].services.n = 0;
}

static void language(struct world *w)
{
	w->coordinators[0].languages.n = 0;
}

static void language_with_interpreter(struct world *w)
{
	w->coordinators[0].languages.n = 0;
	w->requests[0].interpreter = true;
}

static void gender_unknown(struct world *w)
{
	w->requests[0].gender = FEMALE;
	w->requests[0].gender_required = true;
	w->coordinators[1].gender = FEMALE;
}

static void gender_other(struct world *w)
{
	gender_unknown(w);
	w->coordinators[0].gender = MALE;
}

static void gender_wanted_only(struct world *w)
{
	gender_other(w);
	w->requests[0].gender_required = false;
}

static void open_cases(struct world *w)
{
	w->cases[0] = 7;
	w->cases[1] = 8;
	w->coordinators[0].open_cases = (struct plan_cases){w->cases, 2};
	w->coordinators[0].max_open_cases = 2;
}

static void open_cases_with_this(struct world *w)
{
	open_cases(w);
	w->cases[1] = w->requests[0].case_id;
}

static void open_cases_room(struct world *w)
{
	open_cases(w);
	w->coordinators[0].max_open_cases = 3;
}

static void locked_urgent(struct world *w)
{
	w->coordinators[0].locked = true;
	w->requests[0].urgency = PLAN_URGENT;
}

static void locked_routine(struct world *w)
{
	w->coordinators[0].locked = true;
}

static void no_shift(struct world *w)
{
	w->coordinators[0].regular.n = 0;
}

static void shift_too_short(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].regular, AT(0, 9), AT(0, 10) - 60);
}

static void shift_just_fits(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].regular, AT(0, 9), AT(0, 10));
}

static void on_call(struct world *w)
{
	w->coordinators[0].on_call = w->coordinators[0].regular;
	w->coordinators[0].regular.n = 0;
}

static void on_call_urgent_but_not_needed(struct world *w)
{
	on_call(w);
	w->requests[0].urgency = PLAN_URGENT;
}

static void on_call_urgent_else_late(struct world *w)
{
	on_call_urgent_but_not_needed(w);
	w->requests[0].due = AT(0, 9) - 60;
}

static void on_call_urgent_else_nobody(struct world *w)
{
	on_call_urgent_but_not_needed(w);
	w->coordinators[1].services.n = 0;
	w->coordinators[2].services.n = 0;
}

static void on_call_immediate(struct world *w)
{
	on_call(w);
	w->requests[0].urgency = PLAN_IMMEDIATE;
}

static void night_shift(struct world *w)
{
	world_set_span(w, &w->coordinators[0].regular, AT(0, 17), AT(1, 8));
}

static void evening_shift_urgent(struct world *w)
{
	night_shift(w);
	w->requests[0].urgency = PLAN_URGENT;
}

static void evening_shift_immediate(struct world *w)
{
	night_shift(w);
	w->requests[0].urgency = PLAN_IMMEDIATE;
}

static void leave(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].leave, AT(0, 0), AT(1, 0));
}

static void leave_taken_out_of_shifts(struct world *w)
{
	leave(w);
	w->coordinators[0].regular = (struct span_list){w->shifts + 1, 1};
}

static void leave_on_another_day(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].leave, AT(1, 0), AT(2, 0));
}

static void leave_with_buffer(struct world *w)
{
	w->requests[0].latest = AT(0, 10);
	world_set_span(w, &w->coordinators[0].leave, AT(0, 10) + 1799, AT(1, 0));
}

static void leave_after_buffer(struct world *w)
{
	w->requests[0].latest = AT(0, 10);
	world_set_span(w, &w->coordinators[0].leave, AT(0, 10) + 1800, AT(1, 0));
}

static void busy(struct world *w)
{
	one_day_window(w);
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 16)},
		(struct span){AT(0, 9), AT(0, 16) + 60}, 0);
}

static void busy_but_an_hour(struct world *w)
{
	one_day_window(w);
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 16)},
		(struct span){AT(0, 9), AT(0, 16)}, 0);
}

/* Free from 09:00 to 10:00, but the buffer runs until 10:30. */
static void busy_in_the_buffer(struct world *w)
{
	w->requests[0].latest = AT(0, 10);
	world_appoint(w, 11, 7, (struct span){AT(0, 10), AT(0, 11)},
		(struct span){AT(0, 10), AT(0, 11)}, 0);
}

static void case_busy(struct world *w)
{
	one_day_window(w);
	world_appoint(w, 99, 100, (struct span){AT(0, 9), AT(0, 17)},
		(struct span){AT(0, 9), AT(0, 17)}, 0);
}

static void case_busy_immediate(struct world *w)
{
	case_busy(w);
	w->requests[0].urgency = PLAN_IMMEDIATE;
}

static void rest(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].rest, AT(0, 2), AT(0, 16) + 1);
}

static void rest_until_sixteen(struct world *w)
{
	one_day_window(w);
	world_set_span(w, &w->coordinators[0].rest, AT(0, 2), AT(0, 16));
}

static void cap_week(struct world *w)
{
	w->requests[0].latest = AT(6, 0);
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 10)},
		(struct span){AT(0, 9), AT(0, 10)}, 1441);
}

static void cap_week_just_fits(struct world *w)
{
	cap_week(w);
	w->appointments[0].counted_minutes = 1440;
}

static void cap_week_before(struct world *w)
{
	cap_week(w);
	w->appointments[0].meeting = w->appointments[0].busy = (struct span){AT(-1, 9), AT(-1, 10)};
}

static void cap_week_next(struct world *w)
{
	cap_week(w);
	w->requests[0].latest = AT(7, 10);
}

static void cap_day(struct world *w)
{
	one_day_window(w);
	w->coordinators[0].meetings_a_day = 1;
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 10)},
		(struct span){AT(0, 9), AT(0, 10)}, 0);
}

static void cap_day_just_fits(struct world *w)
{
	cap_day(w);
	w->coordinators[0].meetings_a_day = 2;
}

static void cap_day_next(struct world *w)
{
	cap_day(w);
	w->requests[0].latest = AT(2, 0);
}

static void conflict_before_all(struct world *w)
{
	conflict(w);
	service(w);
	leave(w);
	busy(w);
}

static void cap_day_immediate(struct world *w)
{
	cap_day(w);
	open_cases(w);
	w->coordinators[0].weekly_minutes = 0;
	w->requests[0].urgency = PLAN_IMMEDIATE;
}

static const struct {
	const char *name;
	void (*change)(struct world *w);
	enum plan_rule rule;
} rules[] = {
	{"nothing", nothing, PLAN_FREE},
	{"window too short", window_too_short, PLAN_WINDOW},
	{"window off the grid", window_off_the_grid, PLAN_WINDOW},
	{"window just fits", window_just_fits, PLAN_FREE},
	{"window is past", window_is_past, PLAN_WINDOW},
	{"no office hours in the window", weekend_window, PLAN_HOURS},
	{"preferred elsewhere", preferred_elsewhere, PLAN_NOT_BACKUP},
	{"responsible elsewhere", responsible_elsewhere, PLAN_NOT_BACKUP},
	{"conflict", conflict, PLAN_CONFLICT},
	{"conflict of another", conflict_of_another, PLAN_FREE},
	{"barred", barred, PLAN_BARRED},
	{"service", service, PLAN_SERVICE},
	{"language", language, PLAN_LANGUAGE},
	{"language with interpreter", language_with_interpreter, PLAN_FREE},
	{"gender unknown", gender_unknown, PLAN_GENDER},
	{"gender other", gender_other, PLAN_GENDER},
	{"gender wanted only", gender_wanted_only, PLAN_FREE},
	{"open cases", open_cases, PLAN_CAP_OPEN_CASES},
	{"open cases with this one", open_cases_with_this, PLAN_FREE},
	{"open cases with room", open_cases_room, PLAN_FREE},
	{"locked, urgent", locked_urgent, PLAN_LOCKED},
	{"locked, routine", locked_routine, PLAN_FREE},
	{"no shift", no_shift, PLAN_NO_SHIFT},
	{"shift too short", shift_too_short, PLAN_NO_SHIFT},
	{"shift just fits", shift_just_fits, PLAN_FREE},
	{"on call", on_call, PLAN_ON_CALL_ONLY},
	{"on call, urgent, not needed", on_call_urgent_but_not_needed, PLAN_ON_CALL_ONLY},
	{"on call, urgent, else late", on_call_urgent_else_late, PLAN_FREE},
	{"on call, urgent, else nobody", on_call_urgent_else_nobody, PLAN_FREE},
	{"on call, immediate", on_call_immediate, PLAN_FREE},
	{"night shift", night_shift, PLAN_HOURS},
	{"evening shift, urgent", evening_shift_urgent, PLAN_FREE},
	{"evening shift, immediate", evening_shift_immediate, PLAN_FREE},
	{"leave", leave, PLAN_LEAVE},
	{"leave taken out of shifts", leave_taken_out_of_shifts, PLAN_LEAVE},
	{"leave on another day", leave_on_another_day, PLAN_FREE},
	{"leave in the buffer", leave_with_buffer, PLAN_LEAVE},
	{"leave after the buffer", leave_after_buffer, PLAN_FREE},
	{"busy", busy, PLAN_BUSY},
	{"busy but for an hour", busy_but_an_hour, PLAN_FREE},
	{"busy in the buffer", busy_in_the_buffer, PLAN_BUSY},
	{"case busy", case_busy, PLAN_CASE_BUSY},
	{"case busy, immediate", case_busy_immediate, PLAN_FREE},
	{"rest", rest, PLAN_REST},
	{"rest until the last start", rest_until_sixteen, PLAN_FREE},
	{"weekly minutes", cap_week, PLAN_CAP_WEEK},
	{"weekly minutes just fit", cap_week_just_fits, PLAN_FREE},
	{"weekly minutes of last week", cap_week_before, PLAN_FREE},
	{"weekly minutes, but next week", cap_week_next, PLAN_FREE},
	{"meetings a day", cap_day, PLAN_CAP_DAY},
	{"meetings a day just fit", cap_day_just_fits, PLAN_FREE},
	{"meetings a day, but tomorrow", cap_day_next, PLAN_FREE},
	{"many at once: the first in order", conflict_before_all, PLAN_CONFLICT},
	{"limits, immediate", cap_day_immediate, PLAN_FREE},
};

static void test_hard_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct world w;
		struct plan *plan;
		enum plan_rule rule;

		world_make(&w);
		rules[i].change(&w);
		plan = world_plan(&w);
		rule = world_rule_of(&plan->decisions[0], 11);
		if (rule != rules[i].rule)
			fail_msg("%s: %s instead of %s", rules[i].name, plan_rule_name(rule),
				plan_rule_name(rules[i].rule));
		if (rule != PLAN_FREE)
			assert_int_not_equal(plan->decisions[0].chosen.coordinator, 11);
		plan_free(plan);
	}
}

/* The rule leaves 11 alone to serve, and where: only 11 is there. */
static void test_where_it_lands(void **state)
{
	static const struct {
		void (*change)(struct world *w);
		int64_t start;
	} places[] = {
		{nothing, AT(0, 9)},
		{window_just_fits, AT(0, 9) + 900},
		{busy_but_an_hour, AT(0, 16)},
		{rest_until_sixteen, AT(0, 16)},
		{cap_week_next, AT(7, 9)},
		{cap_day_next, AT(1, 9)},
		{cap_day_immediate, AT(0, 10)},
		{evening_shift_urgent, AT(0, 17)},
		{evening_shift_immediate, AT(0, 17)},
		{case_busy_immediate, AT(0, 9)},
		{on_call_urgent_else_nobody, AT(0, 9)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct world w;
		struct plan *plan;

		world_make(&w);
		places[i].change(&w);
		w.input.n_coordinators = 1;
		plan = world_plan(&w);
		assert_true(plan->decisions[0].served);
		assert_int_equal(plan->decisions[0].chosen.coordinator, 11);
		assert_int_equal(plan->decisions[0].chosen.meeting.start, places[i].start);
		plan_free(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hard_rules),
		cmocka_unit_test(test_where_it_lands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
