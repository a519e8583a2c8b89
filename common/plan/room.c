#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "find.h"

/*
 * Making room: where a call-out or an urgent request would be late or unserved, appointments of
 * lower urgency move, as far as the policy allows. For each coordinator it is tried what would be
 * if those that may move were gone; then those that are in the way are given other places, if need
 * be by moving others in turn. Nothing moves that starts within its notice, and nothing past its
 * due time. What helps most and then costs least is done.
 */

enum {
	MOST_STARTS = 96,     /* looked at with one coordinator */
	MOST_TRIES = 6,       /* of these, sets of appointments tried */
	MOVER_STEPS = 200000, /* for one mover */
	PART_OF_STEPS =
		4, /* one in so many of the policy's steps is for all movers, besides the search */
};

struct in_the_way {
	struct job *jobs[PLAN_MOST_CHAIN];
	size_t n;
};

/* What was done while trying, so that it can be undone from the last step on. */
struct trail {
	struct job *job;
	bool lifted; /* else placed */
};

struct room {
	struct planner *planner;
	struct job **standing; /* by coordinator, then start */
	size_t n;
	const struct job *mover;
	struct trail trail[2 * PLAN_MOST_CHAIN + 1];
	size_t n_trail;
	size_t n_lifted;   /* appointments on the trail, of policy move_chain at most */
	int64_t last_step; /* of the planner's: then this mover has looked enough */
};

/* ---- out of the way and back ------------------------------------------------------------------ */

static int64_t move_weight(const struct planner *planner, const struct job *job)
{
	const struct plan_policy *policy = &planner->input->policy;

	return job->stands->accepted ? policy->weight_move_accepted
				     : policy->weight[PLAN_MOVE][PLAN_ROUTINE];
}

static void note(struct planner *planner, int r)
{
	if (r != 0)
		planner->failed = r;
}

/* Takes an appointment out from where it stands: as if it were unserved. What it cost there is
 * what it would cost there now. */
static void lift(struct planner *planner, struct job *job)
{
	const struct plan_appointment *stands = job->stands;
	struct diary *diary = job->stood.candidate->diary;

	if (planner->failed != 0)
		return;
	note(planner, diary_unstand(diary, stands));
	note(planner, family_remove_standing(job->family, stands));
	/* A case that they have by this meeting alone goes with it. */
	job->stood_case = job->request->responsible != stands->coordinator
			  && !family_stands_with(job->family, stands->coordinator)
			  && diary_drop_case(diary, job->request->case_id);
	job->stood_units = job->units < diary->standing_units ? job->units : diary->standing_units;
	diary->standing_units -= job->stood_units;
	diary->load_units -= job->stood_units;
	planner->loads_fell = true;
	cost_offer(planner, job, &job->stood);
	planner->price.unserved[job->request->urgency]++;
	planner->price.on_call -= job->stood.on_call;
	planner->price.cost += move_weight(planner, job) - job->stood.cost;
}

static void put_back(struct planner *planner, struct job *job)
{
	const struct plan_appointment *stands = job->stands;
	struct diary *diary = job->stood.candidate->diary;

	if (planner->failed != 0)
		return;
	cost_offer(planner, job, &job->stood);
	planner->price.unserved[job->request->urgency]--;
	planner->price.on_call += job->stood.on_call;
	planner->price.cost -= move_weight(planner, job) - job->stood.cost;
	diary->load_units += job->stood_units;
	diary->standing_units += job->stood_units;
	if (job->stood_case)
		note(planner, diary_add_case(diary, job->request->case_id));
	note(planner, family_add(job->family,
			      (struct case_meeting){stands->coordinator, stands->meeting, NULL}));
	note(planner, diary_stand(diary, stands));
}

/* ---- who may move ----------------------------------------------------------------------------- */

static bool may_move(const struct room *room, const struct job *job)
{
	const struct plan_policy *policy = &room->planner->input->policy;

	return job->moved_for == NULL && !job->lifted
	       && room->mover->request->urgency < job->request->urgency
	       && policy->moved_by[job->request->urgency] >> room->mover->request->urgency & 1;
}

/* Appointments of this diary that stand and could be moved at all lie in [*first, *last). */
static void find_standing(
	const struct room *room, const struct diary *diary, size_t *first, size_t *last)
{
	size_t low = 0, high = room->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (room->standing[middle]->stands->coordinator < diary->row->id)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	while (low < room->n && room->standing[low]->stands->coordinator == diary->row->id)
		low++;
	*last = low;
}

static unsigned caps_without(const struct room *room, const struct job *job,
	const struct candidate *candidate, int64_t start, const struct in_the_way *these)
{
	unsigned caps;

	for (size_t i = 0; i < these->n; i++)
		lift(room->planner, these->jobs[i]);
	caps = find_caps(job, candidate, start);
	for (size_t i = these->n; i-- > 0;)
		put_back(room->planner, these->jobs[i]);
	return caps & (CAP_OPEN_CASES | CAP_WEEK | CAP_DAY);
}

static bool add_to(struct in_the_way *these, struct job *job, size_t most)
{
	if (these->n >= most)
		return false;
	these->jobs[these->n++] = job;
	return true;
}

static bool is_among(const struct in_the_way *these, const struct job *job)
{
	for (size_t i = 0; i < these->n; i++)
		if (these->jobs[i] == job)
			return true;
	return false;
}

/* ---- what is in the way of one start ----------------------------------------------------------- */

/* Limits of day and week hold nobody back whose meetings may move: one more goes, the last of the
 * day or week. False: none is left, or too many are in the way. */
static bool add_for_limits(struct room *room, const struct job *job,
	const struct candidate *candidate, int64_t start, struct in_the_way *these, size_t most)
{
	const struct diary *diary = candidate->diary;
	size_t first, last, day = diary_day(diary, start);
	unsigned caps;

	if (job->request->urgency == PLAN_IMMEDIATE)
		return true;
	find_standing(room, diary, &first, &last);
	for (;;) {
		struct job *one = NULL;

		caps = caps_without(room, job, candidate, start, these);
		if (caps == 0)
			return true;
		if (caps & CAP_OPEN_CASES)
			return false;
		for (size_t i = last; i-- > first && one == NULL;) {
			struct job *other = room->standing[i];
			size_t its = diary_day(diary, other->stands->meeting.start);

			if (may_move(room, other) && !is_among(these, other)
				&& ((caps & CAP_DAY) ? its == day
						     : diary->week_starts[its]
							       == diary->week_starts[day]))
				one = other;
		}
		if (one == NULL || !add_to(these, one, most))
			return false;
	}
}

/* The appointments that must go if the job starts then; false: more than may. */
static bool find_in_the_way(struct room *room, const struct job *job,
	const struct candidate *candidate, int64_t start, struct in_the_way *these, size_t most)
{
	struct span busy = job_busy(job, candidate, start), meeting = job_meeting(job, start);
	size_t first, last;

	these->n = 0;
	find_standing(room, candidate->diary, &first, &last);
	for (size_t i = first; i < last; i++) {
		struct job *other = room->standing[i];
		bool same_case = other->request->case_id == job->request->case_id
				 && span_overlaps(other->stands->meeting, meeting);

		if (may_move(room, other) && (same_case || span_overlaps(other->stands->busy, busy))
			&& !add_to(these, other, most))
			return false;
	}
	return add_for_limits(room, job, candidate, start, these, most);
}

/* ---- starts, as if all that may move were gone ------------------------------------------------- */

struct starts {
	int64_t starts[MOST_STARTS];
	size_t n;
};

/* Starts that are early enough: nothing later than `latest`. */
static void list_starts(struct room *room, const struct job *job, const struct candidate *candidate,
	int64_t latest, struct starts *starts)
{
	struct span_list shift = job->may_on_call ? diary_at_work(candidate->diary)
						  : candidate->diary->row->regular;
	struct search search = search_make(job, candidate, shift);
	size_t first, last;

	starts->n = 0;
	search.last = latest < job->last ? latest : job->last;
	find_standing(room, candidate->diary, &first, &last);
	for (size_t i = first; i < last; i++)
		if (may_move(room, room->standing[i]))
			lift(room->planner, room->standing[i]);
	if (job->request->urgency == PLAN_IMMEDIATE
		|| find_has_room_for_case(job, candidate->diary)) {
		int64_t start = search_allowed(&search, job->from);

		while (start != SPAN_NEVER && starts->n < MOST_STARTS) {
			starts->starts[starts->n++] = start;
			start = search_allowed(&search, start + 1);
		}
	}
	for (size_t i = last; i-- > first;)
		if (may_move(room, room->standing[i]))
			put_back(room->planner, room->standing[i]);
	room->planner->steps += 1 + (int64_t)(last - first);
}

static struct offer offer_at(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, int64_t start)
{
	struct offer offer = {.candidate = candidate, .start = start};

	if (job->request->urgency == PLAN_IMMEDIATE)
		offer.caps = find_caps(job, candidate, start);
	offer.on_call = job->request->urgency == PLAN_URGENT
			&& !span_list_contains(
				candidate->diary->row->regular, job_meeting(job, start));
	cost_offer(planner, job, &offer);
	return offer;
}

/* ---- trying ------------------------------------------------------------------------------------ */

static void go_back(struct room *room, size_t mark)
{
	while (room->n_trail > mark) {
		struct trail *step = &room->trail[--room->n_trail];

		if (!step->lifted) {
			unplace(room->planner, step->job);
			continue;
		}
		put_back(room->planner, step->job);
		step->job->lifted = false;
		room->n_lifted--;
	}
}

static void go_on(struct room *room, struct job *job, const struct offer *offer)
{
	assert(room->n_trail < sizeof room->trail / sizeof *room->trail);
	room->trail[room->n_trail++] = (struct trail){job, offer == NULL};
	if (offer) {
		place(room->planner, job, offer);
	} else {
		lift(room->planner, job);
		job->lifted = true;
		room->n_lifted++;
	}
}

/* How many more may be moved for this mover. */
static size_t chain_left(const struct room *room)
{
	return (size_t)room->planner->input->policy.move_chain - room->n_lifted;
}

static bool has_looked_enough(const struct room *room)
{
	return room->planner->failed != 0 || room->planner->steps >= room->last_step;
}

static bool give_place(struct room *room, struct job *job);

/* Then it would have had to tell somebody of nothing. */
static bool is_where_it_was(const struct job *job)
{
	return job->at.candidate == job->stood.candidate && job->at.start == job->stood.start;
}

/* Puts the job there, and those in the way elsewhere; false: it cannot be, and all is as before. */
static bool try_start(struct room *room, struct job *job, const struct candidate *candidate,
	int64_t start, const struct in_the_way *these)
{
	size_t mark = room->n_trail;
	struct offer offer;

	for (size_t i = 0; i < these->n; i++)
		go_on(room, these->jobs[i], NULL);
	if (find_spoils(job, candidate, start)) {
		go_back(room, mark);
		return false;
	}
	offer = offer_at(room->planner, job, candidate, start);
	go_on(room, job, &offer);
	for (size_t i = 0; i < these->n; i++) {
		if (!give_place(room, these->jobs[i]) || is_where_it_was(these->jobs[i])) {
			go_back(room, mark);
			return false;
		}
	}
	return true;
}

/* Whether a job that was lifted gets a place with somebody by moving others in turn. */
static bool give_place_with(struct room *room, struct job *job, const struct candidate *candidate)
{
	struct starts starts;

	if (candidate->diary->row->locked)
		return false;
	list_starts(room, job, candidate, job->last, &starts);
	for (size_t i = 0; i < starts.n && i < MOST_TRIES && !has_looked_enough(room); i++) {
		struct in_the_way these;

		if (find_in_the_way(
			    room, job, candidate, starts.starts[i], &these, chain_left(room))
			&& these.n > 0 && try_start(room, job, candidate, starts.starts[i], &these))
			return true;
	}
	return false;
}

/* For whoever was lifted: the best place there is, or one that others make. */
static bool give_place(struct room *room, struct job *job)
{
	struct offer offer;

	if (best_offer(room->planner, job, 0, NULL, &offer)) {
		go_on(room, job, &offer);
		return true;
	}
	for (size_t i = 0; i < job->kind->n_candidates; i++) {
		if (chain_left(room) == 0 || has_looked_enough(room))
			return false;
		if (give_place_with(room, job, &job->kind->candidates[i]))
			return true;
	}
	return false;
}

/* ---- the best room ----------------------------------------------------------------------------- */

struct best_room {
	const struct candidate *candidate; /* NULL: none yet */
	int64_t start, late;
	struct price price;
};

static void try_one(struct room *room, struct job *job, const struct candidate *candidate,
	int64_t start, const struct in_the_way *these, struct best_room *best)
{
	int64_t late = cost_late(job, start);
	int order;

	if (!try_start(room, job, candidate, start, these))
		return;
	order = price_compare(&room->planner->price, &best->price);
	if (best->candidate == NULL || late < best->late || (late == best->late && order < 0))
		*best = (struct best_room){candidate, start, late, room->planner->price};
	go_back(room, 0);
}

static bool is_same(const struct in_the_way *a, const struct in_the_way *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (a->jobs[i] != b->jobs[i])
			return false;
	return a->n == b->n;
}

static void try_candidate(struct room *room, struct job *job, const struct candidate *candidate,
	int64_t latest, struct best_room *best)
{
	size_t tries = 0;
	struct in_the_way these, before = {0};
	struct starts starts;

	list_starts(room, job, candidate, latest, &starts);
	for (size_t i = 0; i < starts.n && tries < MOST_TRIES && !has_looked_enough(room); i++) {
		if (best->candidate && cost_late(job, starts.starts[i]) > best->late)
			break;
		if (!find_in_the_way(
			    room, job, candidate, starts.starts[i], &these, chain_left(room))
			|| these.n == 0 || is_same(&these, &before))
			continue;
		try_one(room, job, candidate, starts.starts[i], &these, best);
		before = these;
		tries++;
	}
}

/* All that was lifted stays where it is now. */
static void keep_moves(struct room *room, struct job *job)
{
	job->moved_others = true;
	for (size_t i = 0; i < room->n_trail; i++) {
		room->trail[i].job->lifted = false;
		if (room->trail[i].lifted)
			room->trail[i].job->moved_for = job;
	}
	room->n_trail = room->n_lifted = 0;
}

/* Makes room for one job that would be late or has no place. */
static void make_room(struct room *room, struct job *job)
{
	struct offer now = job->at;
	struct best_room best = {0};
	int64_t latest = now.candidate ? now.start - 1 : job->last;
	struct in_the_way these;

	room->mover = job;
	if (now.candidate)
		unplace(room->planner, job);
	best.late = now.late;
	for (size_t i = 0; i < job->kind->n_candidates && !has_looked_enough(room); i++)
		try_candidate(room, job, &job->kind->candidates[i], latest, &best);
	room->planner->limited |= has_looked_enough(room);
	room->last_step = INT64_MAX; /* what was found is found again */
	if (best.candidate && (now.candidate == NULL || best.late < now.late)
		&& find_in_the_way(room, job, best.candidate, best.start, &these, chain_left(room))
		&& try_start(room, job, best.candidate, best.start, &these))
		keep_moves(room, job);
	else if (now.candidate)
		place(room->planner, job, &now);
}

static bool may_ask(const struct planner *planner, const struct job *job)
{
	const struct plan_policy *policy = &planner->input->policy;
	unsigned all = 0;

	if (job->at.candidate && (job->at.late == 0 || find_is_leant_on(job)))
		return false;
	for (int i = 0; i < PLAN_URGENCIES; i++)
		all |= policy->moved_by[i];
	return policy->move_chain > 0 && (all >> job->request->urgency & 1);
}

static int by_coordinator(const void *a, const void *b)
{
	const struct plan_appointment *x = (*(struct job *const *)a)->stands;
	const struct plan_appointment *y = (*(struct job *const *)b)->stands;

	if (x->coordinator != y->coordinator)
		return x->coordinator < y->coordinator ? -1 : 1;
	return (x->meeting.start > y->meeting.start) - (x->meeting.start < y->meeting.start);
}

int room_make(struct planner *planner, struct job *jobs, size_t n)
{
	struct room room = {.planner = planner};
	int64_t first = planner->steps, last = first + planner->most_steps / PART_OF_STEPS, left;
	bool moved = false;

	if (planner->n_standing == 0)
		return 0;
	room.standing = planner_array(planner->n_standing, sizeof(struct job *));
	if (room.standing == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < planner->n_standing; i++)
		room.standing[room.n++] = &planner->standing[i];
	qsort(room.standing, room.n, sizeof(struct job *), by_coordinator);
	for (size_t i = 0; i < n && planner->failed == 0; i++) {
		if (!may_ask(planner, &jobs[i]))
			continue;
		left = last - planner->steps;
		room.last_step = planner->steps + (left < MOVER_STEPS ? left : MOVER_STEPS);
		make_room(&room, &jobs[i]);
		planner->exact = false;
		moved = true;
	}
	planner->searched += planner->steps - first;
	if (moved)
		insert_all(planner, jobs, n);
	free(room.standing);
	return planner->failed;
}

/* ---- the account ------------------------------------------------------------------------------- */

static struct plan_move account_for(struct planner *planner, struct job *job)
{
	struct plan_move move = {
		.appointment = job->stands->id,
		.request = job->request->id,
		.from_coordinator = job->stands->coordinator,
		.from_meeting = job->stands->meeting,
	};
	struct offer now = job->at;
	struct plan_choice before;

	job->at = (struct offer){0};
	lift(planner, job);
	before = cost_choice(planner, job, &job->stood);
	move.to = cost_choice(planner, job, &now);
	for (int i = 0; i < PLAN_TERMS; i++)
		move.to.terms[i] -= before.terms[i];
	move.to.terms[PLAN_MOVE] = move_weight(planner, job);
	move.to.cost += move.to.terms[PLAN_MOVE] - before.cost;
	place(planner, job, &now);
	return move;
}

/* Where one was moved to a place that another left, lifting the other made a hole. */
static int mend_taken(struct planner *planner)
{
	int r = planner->failed;

	for (size_t i = 0; r == 0 && i < planner->n_standing; i++) {
		const struct job *job = &planner->standing[i];

		if (job->moved_for)
			r = span_set_add(&job->at.candidate->diary->taken,
				job_busy(job, job->at.candidate, job->at.start));
	}
	return r;
}

int room_settle(struct planner *planner)
{
	struct plan *plan = planner->plan;
	struct offer *places = planner_array(planner->n_standing, sizeof *places);

	plan->moves = planner_array(planner->n_standing, sizeof *plan->moves);
	if (places == NULL || plan->moves == NULL) {
		free(places);
		return -ENOMEM;
	}
	for (size_t i = planner->n_standing; i-- > 0;) {
		struct job *job = &planner->standing[i];

		places[i] = job->at;
		if (job->moved_for) {
			unplace(planner, job);
			put_back(planner, job);
		}
	}
	for (size_t i = 0; i < planner->n_jobs; i++) {
		struct plan_decision *decision = &plan->decisions[i];

		decision->moves = plan->moves + plan->n_moves;
		for (size_t j = 0; j < planner->n_standing; j++) {
			struct job *job = &planner->standing[j];

			if (job->moved_for != &planner->jobs[i])
				continue;
			job->at = places[j];
			plan->moves[plan->n_moves++] = account_for(planner, job);
			plan->cost += plan->moves[plan->n_moves - 1].to.cost;
			decision->n_moves++;
		}
	}
	free(places);
	return mend_taken(planner);
}
