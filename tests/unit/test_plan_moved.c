#include "plan_crowd.h"

/* What was moved keeps its rules, whatever is planned after it; and what its load comes to. */

#define HALF_PAST(hour) (AT(0, hour) + STEP)

/* Number `i` of the requests. */
static struct plan_request *add_call_out(size_t i, int32_t language, struct span span)
{
	struct plan_request *request = &crowd.requests[i];

	*request = world_request(1 + (int64_t)i);
	request->urgency = PLAN_IMMEDIATE;
	request->language = language;
	request->buffer_minutes = 0;
	request->minutes = (span.end - span.start) / 60;
	request->earliest = request->due = span.start;
	request->latest = span.end;
	crowd.w.input.n_requests = i + 1;
	return request;
}

static void make_crowd(void)
{
	crowd_make(2);
	crowd.w.input.policy.moved_by[PLAN_ROUTINE] = 1 << PLAN_IMMEDIATE;
}

/* ---- call-outs ------------------------------------------------------------------------------- */

/*
 * Two call-outs fit with the same person only, one after the other in an hour that an appointment
 * takes, who are there for another hour. The first one moves it there; then the second one has a
 * place, if it breaks no rule of what was moved.
 */
static struct plan_coordinator *make_hour(struct span shift)
{
	struct plan_coordinator *one;

	make_crowd();
	one = add_person(1, 2, shift);
	add_standing(2, AT(0, 10), 2);
	add_call_out(0, 1, (struct span){AT(0, 10), HALF_PAST(10)});
	add_call_out(1, 1, (struct span){HALF_PAST(10), AT(0, 11)});
	return one;
}

static struct plan_coordinator *make_hour_before(void)
{
	return make_hour((struct span){AT(0, 9), AT(0, 11)});
}

static void meetings_a_day(bool spoilt)
{
	make_hour_before()->meetings_a_day = spoilt ? 2 : 3;
}

static void weekly_minutes(bool spoilt)
{
	make_hour_before()->weekly_minutes = spoilt ? 119 : 120;
}

/* It is moved to after the hour, which is in the night as far as the second one has it. */
static void rest(bool spoilt)
{
	make_hour((struct span){AT(0, 10), AT(0, 12)});
	world_set_span(&crowd.w, &crowd.w.offices[0].office_hours, AT(0, 11), AT(0, 12));
	crowd.w.nights[0] = (struct span){HALF_PAST(10), AT(0, 11)};
	crowd.w.zone.nights.n = spoilt;
}

/* It is moved to somebody else, at the time of the second one, which may be of its case. */
static void same_case(bool spoilt)
{
	make_hour((struct span){AT(0, 10), AT(0, 11)});
	add_person(2, 1, (struct span){HALF_PAST(10), HALF_PAST(11)});
	if (spoilt)
		crowd.requests[1].case_id = crowd.standing[0].case_id;
}

/* It comes from somebody else, by another call-out before these two, and with it its case; what
 * stood there goes. */
static void open_cases(bool spoilt)
{
	make_crowd();
	add_person(3, 2, (struct span){AT(0, 9), AT(0, 10)});
	add_standing(4, AT(0, 9), 2);
	add_call_out(0, 3, (struct span){AT(0, 9), AT(0, 10)});
	add_person(4, 3, (struct span){AT(0, 9), AT(0, 11)})->max_open_cases = spoilt ? 2 : 3;
	add_standing(6, AT(0, 10), 2);
	add_call_out(1, 5, (struct span){AT(0, 10), HALF_PAST(10)});
	add_call_out(2, 5, (struct span){HALF_PAST(10), AT(0, 11)});
	add_person(6, 1, (struct span){AT(0, 9), AT(0, 17)});
}

static void test_call_outs_spoil_no_move(void **state)
{
	static const struct {
		const char *name;
		void (*make)(bool spoilt);
	} cases[] = {
		{"meetings a day", meetings_a_day},
		{"weekly minutes", weekly_minutes},
		{"rest", rest},
		{"same case", same_case},
		{"open cases", open_cases},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int spoilt = 0; spoilt < 2; spoilt++) {
			const char *fault;
			struct plan *plan;

			cases[i].make(spoilt);
			plan = crowd_plan(cases[i].name);
			fault = judge_reasons(&crowd.w.input, plan);
			if (fault)
				fail_msg("%s: %s", cases[i].name, fault);
			assert_int_equal(plan->n_moves, crowd.w.input.n_standing);
			if (plan->unserved[PLAN_IMMEDIATE] != spoilt)
				fail_msg("%s: %d unserved", cases[i].name,
					(int)plan->unserved[PLAN_IMMEDIATE]);
			plan_free(plan);
		}
}

/*
 * The second call-out is late with somebody who has more cases than they may. Another meeting of its
 * case is moved there, which adds none; so it stays, though there would be room for it in time.
 */
static void make_leaning(int64_t max_open_cases)
{
	make_crowd();
	add_person(1, 2, (struct span){AT(0, 9), AT(0, 10)});
	add_standing(2, AT(0, 9), 2);
	add_call_out(0, 1, (struct span){AT(0, 9), AT(0, 10)});
	add_person(2, 2, (struct span){AT(0, 11), AT(0, 13)})->max_open_cases = max_open_cases;
	add_call_out(1, 3, (struct span){AT(0, 10), AT(0, 12)})->minutes = 60;
	crowd.requests[1].case_id = crowd.standing[0].case_id;
	add_person(3, 2, (struct span){AT(0, 10), AT(0, 11)});
	add_standing(4, AT(0, 10), 2);
	add_person(4, 1, (struct span){AT(0, 9), AT(0, 17)});
}

static void test_what_a_move_leans_on_stays(void **state)
{
	(void)state;
	for (int64_t most = 0; most < 2; most++) {
		struct plan *plan;

		make_leaning(most);
		plan = crowd_plan("leaning");
		assert_int_equal(plan->unserved[PLAN_IMMEDIATE], 0);
		assert_int_equal(plan->late_minutes[PLAN_IMMEDIATE], most == 0 ? 60 : 0);
		assert_int_equal(plan->n_moves, most == 0 ? 1 : 2);
		plan_free(plan);
	}
}

/* ---- load ------------------------------------------------------------------------------------ */

/*
 * Two half-hours of somebody whose load does not hold them move to a later time of theirs: the first
 * one takes nothing away and adds two quarter-hours, the second one takes these and adds two. So
 * the hour that they make room for is the third quarter-hour to the sixth.
 */
static void test_load_moves_from_the_end(void **state)
{
	struct plan *plan;

	(void)state;
	make_crowd();
	crowd.w.input.policy.weight[PLAN_LOAD][PLAN_ROUTINE] = 10000;
	add_person(1, 2, (struct span){AT(0, 9), AT(0, 12)});
	add_standing(2, AT(0, 9), 1);
	add_standing(2, HALF_PAST(9), 1);
	crowd.people[0].load_minutes = 0;
	add_call_out(0, 1, (struct span){AT(0, 9), AT(0, 10)});
	plan = crowd_plan("load");
	assert_int_equal(plan->n_moves, 2);
	/* A quarter-hour costs 75 × 10000 × (2k - 1) ÷ (16 × 2400). */
	assert_int_equal(plan->moves[0].to.terms[PLAN_LOAD], 0);
	assert_int_equal(plan->moves[1].to.terms[PLAN_LOAD], 0);
	assert_int_equal(plan->decisions[0].chosen.terms[PLAN_LOAD], 97 + 136 + 175 + 214);
	plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_outs_spoil_no_move),
		cmocka_unit_test(test_what_a_move_leans_on_stays),
		cmocka_unit_test(test_load_moves_from_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
