#include "split.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Where what has this key goes: a coordinator, a case. */
struct place {
	int64_t key;
	struct plan_input *input;
};
struct places {
	struct place *all;
	size_t n;
};

struct splitting {
	const struct plan_input *whole;
	const struct split_home *homes;
	size_t n_homes;
	struct arena *arena;
	struct share *shares;
	size_t n_shares;
	struct places people, cases;
	bool no_memory; /* stays */
};

const struct split_home *split_find_home(
	const struct split_home *homes, size_t n_homes, int32_t office)
{
	for (size_t i = 0; i < n_homes; i++)
		if (homes[i].office == office)
			return &homes[i];
	return NULL;
}

/* ---- arrays that grow ------------------------------------------------------------------------ */

/* Room doubles: there is none left when n is a power of two. */
static void add(struct splitting *s, void *rowsp, size_t *n, const void *row, size_t size)
{
	char *rows;

	memcpy(&rows, rowsp, sizeof rows);
	if ((*n & (*n - 1)) == 0) {
		char *more = arena_get(s->arena, *n ? *n * 2 : 1, size);

		if (more == NULL) {
			s->no_memory = true;
			return;
		}
		if (*n > 0)
			memcpy(more, rows, *n * size);
		memcpy(rowsp, &more, sizeof more);
		rows = more;
	}
	memcpy(rows + (*n)++ * size, row, size);
}

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void add_place(
	struct splitting *s, struct places *places, int64_t key, struct plan_input *input)
{
	const struct place place = {key, input};

	if (input)
		add(s, &places->all, &places->n, &place, sizeof place);
}

static void sort_places(struct places *places)
{
	if (places->n > 0)
		qsort(places->all, places->n, sizeof *places->all, by_key);
}

/* The first place with this key or a greater one. */
static size_t seek(const struct places *places, int64_t key)
{
	size_t low = 0, high = places->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->all[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- who goes where -------------------------------------------------------------------------- */

static struct share *find_share(const struct splitting *s, int32_t group)
{
	for (size_t i = 0; i < s->n_shares; i++)
		if (s->shares[i].group == group)
			return &s->shares[i];
	return NULL;
}

static struct plan_input *of_office(const struct splitting *s, int32_t office)
{
	const struct split_home *home = split_find_home(s->homes, s->n_homes, office);
	struct share *share = home ? find_share(s, home->group) : NULL;

	return share ? &share->input : NULL;
}

static struct plan_input *of_coordinator(const struct splitting *s, int32_t coordinator)
{
	const struct places *people = &s->people;
	size_t i = seek(people, coordinator);

	return i < people->n && people->all[i].key == coordinator ? people->all[i].input : NULL;
}

static void open_shares(struct splitting *s)
{
	const struct plan_input *whole = s->whole;

	for (size_t i = 0; i < whole->n_requests; i++) {
		const struct split_home *home = split_find_home(
			s->homes, s->n_homes, whole->requests[i].office);
		struct share share = {.input = {.now = whole->now,
					      .policy = whole->policy,
					      .zones = whole->zones,
					      .n_zones = whole->n_zones}};

		if (home == NULL || find_share(s, home->group))
			continue;
		share.group = home->group;
		add(s, &s->shares, &s->n_shares, &share, sizeof share);
	}
}

static void place_all(struct splitting *s)
{
	const struct plan_input *whole = s->whole;

	for (size_t i = 0; i < whole->n_coordinators; i++)
		add_place(s, &s->people, whole->coordinators[i].id,
			of_office(s, whole->coordinators[i].office));
	sort_places(&s->people);
	for (size_t i = 0; i < whole->n_requests; i++)
		add_place(s, &s->cases, whole->requests[i].case_id,
			of_office(s, whole->requests[i].office));
	for (size_t i = 0; i < whole->n_standing; i++)
		add_place(s, &s->cases, whole->standing[i].case_id,
			of_office(s, whole->standing[i].office));
	sort_places(&s->cases);
}

/* ---- dealing out ----------------------------------------------------------------------------- */

/* For those who ask for its case it is nobody's they know: they move nothing, and it may come twice. */
static void deal_appointment(struct splitting *s, const struct plan_appointment *row)
{
	struct plan_input *home = of_coordinator(s, row->coordinator);

	if (home)
		add(s, &home->appointments, &home->n_appointments, row, sizeof *row);
	for (size_t i = seek(&s->cases, row->case_id);
		i < s->cases.n && s->cases.all[i].key == row->case_id; i++) {
		struct plan_input *to = s->cases.all[i].input;

		if (to != home)
			add(s, &to->appointments, &to->n_appointments, row, sizeof *row);
	}
}

static void deal_requests(struct splitting *s)
{
	const struct plan_input *whole = s->whole;

	for (size_t i = 0; i < whole->n_requests; i++) {
		const struct plan_request *row = &whole->requests[i];
		struct plan_input *to = of_office(s, row->office);

		if (to)
			add(s, &to->requests, &to->n_requests, row, sizeof *row);
	}
	for (size_t i = 0; i < whole->n_standing; i++) {
		const struct plan_request *row = &whole->standing[i];
		struct plan_input *to = of_office(s, row->office);

		if (to)
			add(s, &to->standing, &to->n_standing, row, sizeof *row);
	}
}

static void deal(struct splitting *s)
{
	const struct plan_input *whole = s->whole;

	for (size_t i = 0; i < whole->n_offices; i++) {
		const struct plan_office *row = &whole->offices[i];
		struct plan_input *to = of_office(s, row->id);

		if (to)
			add(s, &to->offices, &to->n_offices, row, sizeof *row);
	}
	for (size_t i = 0; i < whole->n_coordinators; i++) {
		const struct plan_coordinator *row = &whole->coordinators[i];
		struct plan_input *to = of_office(s, row->office);

		if (to)
			add(s, &to->coordinators, &to->n_coordinators, row, sizeof *row);
	}
	for (size_t i = 0; i < whole->n_appointments; i++)
		deal_appointment(s, &whole->appointments[i]);
	deal_requests(s);
}

int split_input(const struct plan_input *whole, const struct split_home *homes, size_t n_homes,
	struct arena *arena, struct share **sharesp, size_t *np)
{
	struct splitting s = {.whole = whole, .homes = homes, .n_homes = n_homes, .arena = arena};

	open_shares(&s);
	/* Places point to shares, which stay where they are from now on. */
	place_all(&s);
	deal(&s);
	*sharesp = s.shares;
	*np = s.n_shares;
	return s.no_memory ? -ENOMEM : 0;
}
