#include "search.h"

#include "find.h"

#include <stdlib.h>
#include <string.h>

/*
 * The best plan there is of a few meetings while all others stay: first what each set of them
 * costs with each coordinator alone, then how sets are best dealt out. Costs but for load depend
 * on nobody else's meetings, and load only on how many units a set has.
 *
 * A coordinator holds a set in some order, each meeting as soon as it can be after the one before:
 * neither waiting nor lateness is less when it is later, and no limit leaves more room after it.
 */

enum {
	SETS = 1 << MOST_EXCHANGED,
	MOST_SEATS = 8, /* coordinators that are looked at; */
	MOST_WAYS = 4,  /* and ways to hold a set that are remembered */
	DEALING = 1024, /* steps that dealing to one of them takes as long as */
};

/* More than any plan costs. */
static const wide never = (wide)1 << 126;

/* One way to hold a set with somebody. It is worth remembering while no other is as good in
 * everything that counts for what comes after. */
struct way {
	wide price;       /* without load */
	int64_t start;    /* of the last meeting, */
	int64_t end;      /* and when they are free again */
	int64_t minutes;  /* of the set in its week, */
	int32_t meetings; /* and how many on its day */
	uint32_t day;
	uint8_t job;    /* which one it is, */
	uint8_t before; /* and the way to hold the others */
	bool on_call;
};

struct ways {
	size_t n;
	struct way ways[MOST_WAYS];
};

/* One of the meetings with the coordinator who is looked at. */
struct seat {
	const struct candidate *candidate; /* NULL: they cannot hold it */
	int64_t base;                      /* cost without waiting and load */
	struct search search;
};

struct exchange {
	struct searcher *s;
	struct job *jobs[MOST_EXCHANGED]; /* a set has a bit for each */
	size_t n;
	struct diary *people[MOST_SEATS];
	size_t n_people;
	/* The levels of a plan's price, in one number: what one more counts for. */
	wide unserved[PLAN_URGENCIES], late[PLAN_URGENCIES], on_call;
	wide bound;       /* what they cost before */
	wide least[SETS]; /* what those that are not of the set cost at least */
	struct seat seats[MOST_EXCHANGED];
	struct ways ways[SETS];
	wide alone[SETS]; /* what a set costs with one coordinator, */
	wide dealt[SETS]; /* and with all that it was dealt to so far */
	wide dealing[SETS];
	uint16_t given[MOST_SEATS][SETS]; /* which part of it each of them got */
};

struct exchange *exchange_new(void)
{
	return calloc(1, sizeof(struct exchange));
}

struct exchange *exchange_free(struct exchange *x)
{
	free(x);
	return NULL;
}

/* ---- prices in one number --------------------------------------------------------------------- */

static int64_t dearest(const struct job *job)
{
	int64_t most = 0;

	for (size_t i = 0; i < job->kind->n_candidates; i++)
		most = later(most, job->kind->candidates[i].most);
	return most;
}

/* One of this level counts for more than the most of the level below. */
static bool set_level(wide *level, wide below, wide most)
{
	return !__builtin_mul_overflow(below, most + 1, level) && *level < never / SETS;
}

/* False: the numbers are too large. */
static bool set_levels(struct exchange *x)
{
	wide cost = 0, late[PLAN_URGENCIES] = {0};

	for (size_t i = 0; i < x->n; i++) {
		cost += dearest(x->jobs[i]);
		late[x->jobs[i]->request->urgency] += cost_late(x->jobs[i], x->jobs[i]->last);
	}
	return set_level(&x->on_call, 1, cost)
	       && set_level(&x->late[PLAN_ROUTINE], x->on_call, MOST_EXCHANGED)
	       && set_level(&x->late[PLAN_URGENT], x->late[PLAN_ROUTINE], late[PLAN_ROUTINE])
	       && set_level(&x->unserved[PLAN_ROUTINE], x->late[PLAN_URGENT], late[PLAN_URGENT])
	       && set_level(&x->unserved[PLAN_URGENT], x->unserved[PLAN_ROUTINE], MOST_EXCHANGED);
}

static wide price_offer(const struct exchange *x, const struct job *job, const struct offer *offer)
{
	return x->late[job->request->urgency] * offer->late + (offer->on_call ? x->on_call : 0)
	       + offer->cost;
}

/* What those that are out cost when they were in: without them all of them are unserved. */
static wide price_before(const struct exchange *x, const struct price *before)
{
	const struct price *now = &x->s->planner->price;
	wide sum = before->cost - now->cost + x->on_call * (before->on_call - now->on_call);

	for (int i = PLAN_URGENT; i < PLAN_URGENCIES; i++)
		sum += x->unserved[i] * (before->unserved[i] - now->unserved[i])
		       + x->late[i] * (before->late[i] - now->late[i]);
	for (size_t i = 0; i < x->n; i++)
		sum += x->unserved[x->jobs[i]->request->urgency];
	return sum;
}

static void set_least(struct exchange *x)
{
	unsigned all = (1U << x->n) - 1;

	x->least[all] = 0;
	for (unsigned set = all; set-- > 0;) {
		unsigned i = (unsigned)__builtin_ctz(~set);

		x->least[set] = x->least[set | 1U << i]
				+ price_offer(x, x->jobs[i], &x->jobs[i]->least);
	}
}

/* ---- with one coordinator --------------------------------------------------------------------- */

static struct seat make_seat(
	const struct planner *planner, const struct job *job, const struct diary *diary)
{
	const struct kind *kind = job->kind;
	struct offer offer = {.start = job->from};
	size_t i = 0;

	while (i < kind->n_candidates && kind->candidates[i].diary != diary)
		i++;
	if (i == kind->n_candidates)
		return (struct seat){0};
	offer.candidate = &kind->candidates[i];
	cost_offer(planner, job, &offer);
	return (struct seat){
		.candidate = offer.candidate,
		.base = offer.cost - cost_wait(planner, job, offer.start)
			- cost_load(planner, diary, job->units),
		.search = search_make(job, offer.candidate, diary->row->regular),
	};
}

static bool is_as_good(const struct diary *diary, const struct way *a, const struct way *b)
{
	size_t week_a = diary->week_starts[a->day], week_b = diary->week_starts[b->day];

	return a->price <= b->price && a->end <= b->end
	       && (a->day < b->day || (a->day == b->day && a->meetings <= b->meetings))
	       && (week_a < week_b || (week_a == week_b && a->minutes <= b->minutes));
}

/* Where there are too many, the dearest is forgotten. */
static void remember(struct ways *ways, const struct diary *diary, const struct way *way)
{
	struct way *dearest_way = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ways->n; i++)
		if (is_as_good(diary, &ways->ways[i], way))
			return;
	for (size_t i = 0; i < ways->n; i++)
		if (!is_as_good(diary, way, &ways->ways[i]))
			ways->ways[n++] = ways->ways[i];
	ways->n = n;
	if (n < MOST_WAYS) {
		ways->ways[ways->n++] = *way;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (dearest_way == NULL || ways->ways[i].price > dearest_way->price)
			dearest_way = &ways->ways[i];
	if (way->price < dearest_way->price)
		*dearest_way = *way;
}

/* The start of one more meeting after the others. */
static int64_t start_after(struct exchange *x, const struct way *last, size_t j)
{
	struct search *search = &x->seats[j].search;

	search->day = last->day;
	search->meetings = last->meetings;
	search->minutes = last->minutes;
	x->s->planner->steps++;
	return search_allowed(search, later(x->jobs[j]->from, last->end + search->before));
}

static void hold_after(
	struct exchange *x, const struct diary *diary, unsigned set, size_t before, size_t j)
{
	const struct way *last = &x->ways[set].ways[before];
	const struct job *job = x->jobs[j];
	const struct seat *seat = &x->seats[j];
	struct offer offer = {.start = start_after(x, last, j)};
	struct way way = {.job = (uint8_t)j, .before = (uint8_t)before, .start = offer.start};

	if (offer.start == SPAN_NEVER)
		return;
	offer.late = cost_late(job, offer.start);
	offer.cost = seat->base + cost_wait(x->s->planner, job, offer.start);
	offer.on_call = !span_list_contains(diary->row->regular, job_meeting(job, offer.start));
	way.price = last->price + price_offer(x, job, &offer);
	if (way.price + x->least[set | 1U << j] > x->bound)
		return;
	way.on_call = offer.on_call;
	way.end = offer.start + seat->search.after;
	way.day = (uint32_t)diary_day(diary, offer.start);
	way.meetings = 1 + (way.day == last->day ? last->meetings : 0);
	way.minutes = seat->search.counted;
	if (diary->week_starts[way.day] == diary->week_starts[last->day])
		way.minutes += last->minutes;
	remember(&x->ways[set | 1U << j], diary, &way);
}

/* Those that would be of a case that is new to the coordinator, and how many of them may be. */
static size_t room_for_cases(const struct exchange *x, const struct diary *diary, unsigned *new)
{
	size_t most = (size_t)diary->row->max_open_cases;

	*new = 0;
	for (size_t i = 0; i < x->n; i++)
		if (!diary_has_case(diary, x->jobs[i]->request->case_id))
			*new |= 1U << i;
	return diary->n_open_cases < most ? most - diary->n_open_cases : 0;
}

static void hold_one_more(struct exchange *x, const struct diary *diary, unsigned set, size_t j)
{
	struct search *search = &x->seats[j].search;

	for (size_t i = 0; i < x->ways[set].n; i++) {
		search->shift = diary->row->regular;
		hold_after(x, diary, set, i, j);
		if (!x->jobs[j]->may_on_call || diary->row->on_call.n == 0)
			continue;
		search->shift = diary_at_work(diary);
		hold_after(x, diary, set, i, j);
	}
}

/* The ways to hold each set: those of a set are known before any set that it is a part of. False:
 * the steps are used up. */
static bool hold_sets(struct exchange *x, const struct diary *diary, int64_t last_step)
{
	const struct planner *planner = x->s->planner;
	unsigned all = (1U << x->n) - 1, new;
	size_t room = room_for_cases(x, diary, &new);

	for (size_t j = 0; j < x->n; j++)
		x->seats[j] = make_seat(planner, x->jobs[j], diary);
	for (unsigned set = 0; set <= all; set++)
		x->ways[set].n = 0;
	x->ways[0] = (struct ways){1, {{.end = INT64_MIN}}};
	for (unsigned set = 0; set <= all && planner->steps < last_step; set++) {
		if ((size_t)__builtin_popcount(set & new) > room)
			x->ways[set].n = 0;
		for (size_t j = 0; j < x->n && x->ways[set].n > 0; j++)
			if (!(set >> j & 1) && x->seats[j].candidate)
				hold_one_more(x, diary, set, j);
	}
	return planner->steps < last_step;
}

static const struct way *cheapest_way(const struct ways *ways)
{
	const struct way *cheapest = &ways->ways[0];

	for (size_t i = 1; i < ways->n; i++)
		if (ways->ways[i].price < cheapest->price)
			cheapest = &ways->ways[i];
	return cheapest;
}

static void price_sets(struct exchange *x, const struct diary *diary)
{
	for (unsigned set = 1; set < 1U << x->n; set++) {
		int64_t units = 0;
		wide price;

		x->alone[set] = never;
		if (x->ways[set].n == 0)
			continue;
		for (size_t i = 0; i < x->n; i++)
			units += set >> i & 1 ? x->jobs[i]->units : 0;
		price = cheapest_way(&x->ways[set])->price + cost_load(x->s->planner, diary, units);
		if (price + x->least[set] <= x->bound)
			x->alone[set] = price;
	}
}

/* ---- with all --------------------------------------------------------------------------------- */

/* One more coordinator takes a part of each set, if that makes it cheaper. */
static void deal(struct exchange *x, uint16_t *given)
{
	unsigned all = (1U << x->n) - 1;

	memcpy(x->dealing, x->dealt, sizeof x->dealt);
	memset(given, 0, SETS * sizeof *given);
	for (unsigned part = 1; part <= all; part++) {
		unsigned others = all & ~part, rest = others;

		for (bool more = x->alone[part] < never; more; rest = (rest - 1) & others) {
			wide price = x->dealt[rest] + x->alone[part];

			if (price < x->dealing[rest | part]) {
				x->dealing[rest | part] = price;
				given[rest | part] = (uint16_t)part;
			}
			more = rest > 0;
		}
	}
	memcpy(x->dealt, x->dealing, sizeof x->dealt);
	x->s->planner->steps += DEALING;
}

/* The set to serve: who is not of it has no place. */
static unsigned cheapest_set(const struct exchange *x)
{
	unsigned cheapest = 0;
	wide least = never;

	for (unsigned set = 0; set < 1U << x->n; set++) {
		wide price = x->dealt[set];

		for (size_t i = 0; i < x->n && price < least; i++)
			if (!(set >> i & 1))
				price += x->unserved[x->jobs[i]->request->urgency];
		if (price < least) {
			least = price;
			cheapest = set;
		}
	}
	return cheapest;
}

/* The ways were those of the last coordinator: they are found again. */
static void find_places(
	struct exchange *x, const struct diary *diary, unsigned set, struct offer *offers)
{
	const struct way *way;

	if (!hold_sets(x, diary, INT64_MAX))
		return;
	for (way = cheapest_way(&x->ways[set]); set != 0; way = &x->ways[set].ways[way->before]) {
		offers[way->job] = (struct offer){.candidate = x->seats[way->job].candidate,
			.start = way->start,
			.on_call = way->on_call};
		set &= ~(1U << way->job);
	}
}

static void place_set(struct exchange *x, unsigned set)
{
	struct planner *planner = x->s->planner;
	struct offer offers[MOST_EXCHANGED] = {0};

	for (size_t i = x->n_people; i-- > 0;) {
		unsigned part = x->given[i][set];

		if (part)
			find_places(x, x->people[i], part, offers);
		set &= ~part;
	}
	for (size_t i = 0; i < x->n; i++) {
		if (offers[i].candidate == NULL)
			continue;
		cost_offer(planner, x->jobs[i], &offers[i]);
		place(planner, x->jobs[i], &offers[i]);
	}
}

/* ---- who and what ----------------------------------------------------------------------------- */

static void add_person(struct exchange *x, struct diary *diary)
{
	for (size_t i = 0; i < x->n_people; i++)
		if (x->people[i] == diary)
			return;
	if (x->n_people < MOST_SEATS)
		x->people[x->n_people++] = diary;
}

/* Those who held what is out, and then some who might. */
static void gather(struct exchange *x)
{
	struct searcher *s = x->s;

	x->n = s->n_out;
	x->n_people = 0;
	for (size_t i = 0; i < x->n; i++) {
		x->jobs[i] = s->out[i].job;
		if (s->out[i].offer.candidate)
			add_person(x, s->out[i].offer.candidate->diary);
	}
	for (int tries = 0; tries < 4 * MOST_SEATS && x->n_people < MOST_SEATS; tries++) {
		const struct kind *kind = x->jobs[random_below(&s->random, x->n)]->kind;

		add_person(x, kind->candidates[random_below(&s->random, kind->n_candidates)].diary);
	}
}

void exchange(struct searcher *s)
{
	struct exchange *x = s->exchange;
	struct price before = s->planner->price;

	x->s = s;
	ruin_for_exchange(s);
	gather(x);
	if (!set_levels(x))
		return;
	x->bound = price_before(x, &before);
	set_least(x);
	for (unsigned set = 1; set < 1U << x->n; set++)
		x->dealt[set] = never;
	for (size_t i = 0; i < x->n_people; i++) {
		if (!hold_sets(x, x->people[i], s->first_step + s->steps))
			return;
		price_sets(x, x->people[i]);
		deal(x, x->given[i]);
	}
	place_set(x, cheapest_set(x));
}
