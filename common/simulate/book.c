#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

static int64_t weighted(const struct request *request)
{
	return request->need.minutes * request->need.load_percent / 100;
}

size_t book_seek(const struct book *book, int64_t moment)
{
	size_t low = book->head, high = book->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book->entries[middle].start < moment)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- open cases ---- */

static size_t case_place(const struct book *book, int64_t case_id)
{
	size_t low = 0, high = book->n_cases;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book->cases[middle] < case_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool more_cases(struct book *book)
{
	size_t room = book->cases_room;

	if (!play_room(&book->cases, &room, book->n_cases + 1, sizeof *book->cases))
		return false;
	/* Both grow alike. */
	return play_room(&book->holds, &book->cases_room, book->n_cases + 1, sizeof *book->holds);
}

int book_hold_case(struct book *book, int64_t case_id)
{
	size_t i = case_place(book, case_id);

	if (i < book->n_cases && book->cases[i] == case_id) {
		book->holds[i]++;
		return 0;
	}
	if (!more_cases(book))
		return -ENOMEM;
	memmove(book->cases + i + 1, book->cases + i, (book->n_cases - i) * sizeof *book->cases);
	memmove(book->holds + i + 1, book->holds + i, (book->n_cases - i) * sizeof *book->holds);
	book->cases[i] = case_id;
	book->holds[i] = 1;
	book->n_cases++;
	return 0;
}

bool book_release_case(struct book *book, int64_t case_id)
{
	size_t i = case_place(book, case_id);

	if (i == book->n_cases || book->cases[i] != case_id || --book->holds[i] > 0)
		return false;
	book->n_cases--;
	memmove(book->cases + i, book->cases + i + 1, (book->n_cases - i) * sizeof *book->cases);
	memmove(book->holds + i, book->holds + i + 1, (book->n_cases - i) * sizeof *book->holds);
	return (int64_t)book->n_cases + 1 == book->row->row->max_open_cases;
}

/* ---- entries ---- */

/* Rest follows call-outs that touch the night, and is worked out anew when one comes or goes. */
static int renew_rest(struct play *play, struct book *book)
{
	struct span_list nights = play->group->zones[book->row->row->zone].nights;
	int r = 0;

	span_set_clear(&book->rest);
	for (size_t i = book->head; r == 0 && i < book->n; i++) {
		const struct request *one = &play->requests[book->entries[i].request];
		int64_t end = one->meeting.end;

		if (one->urgency == PLAN_IMMEDIATE && span_list_overlaps(nights, one->meeting)
			&& play->rules->policy.rest_minutes > 0)
			r = span_set_add(&book->rest,
				(struct span){end, end + play->rules->policy.rest_minutes * 60});
	}
	return r;
}

static void drop_old(struct book *book)
{
	size_t left = book->n - book->head;

	if (book->head < 16 || book->head < left)
		return;
	memmove(book->entries, book->entries + book->head, left * sizeof *book->entries);
	book->head = 0;
	book->n = left;
}

int book_add(struct play *play, uint32_t request)
{
	const struct request *one = &play->requests[request];
	struct book *book = &play->books[one->person];
	size_t i;

	drop_old(book);
	if (!play_room(&book->entries, &book->room, book->n + 1, sizeof *book->entries))
		return -ENOMEM;
	i = book_seek(book, one->meeting.start);
	memmove(book->entries + i + 1, book->entries + i, (book->n - i) * sizeof *book->entries);
	book->entries[i] = (struct entry){one->meeting.start, request};
	book->n++;
	book->load += weighted(one);
	if (one->urgency == PLAN_IMMEDIATE && renew_rest(play, book) != 0)
		return -ENOMEM;
	return book_hold_case(book, one->case_index + 1);
}

int book_remove(struct play *play, uint32_t request)
{
	const struct request *one = &play->requests[request];
	struct book *book = &play->books[one->person];
	size_t i = book_seek(book, one->meeting.start);

	while (book->entries[i].request != request)
		i++;
	book->n--;
	memmove(book->entries + i, book->entries + i + 1, (book->n - i) * sizeof *book->entries);
	book->load -= weighted(one);
	book_release_case(book, one->case_index + 1);
	return one->urgency == PLAN_IMMEDIATE ? renew_rest(play, book) : 0;
}

void book_turn(struct play *play, struct book *book)
{
	int64_t since = play->now - LOAD_DAYS * DAY;

	for (; book->head < book->n && book->entries[book->head].start < since; book->head++)
		book->load -= weighted(&play->requests[book->entries[book->head].request]);
}

/* ---- load ---- */

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Seconds of the look-back that a person was there for: since they joined, and not on leave. */
static int64_t there(const struct play *play, const struct book *book)
{
	struct span_list leave = book->row->row->leave;
	struct span since = {play->now - LOAD_DAYS * DAY, play->now};
	int64_t seconds;

	if (since.start < book->row->joined)
		since.start = book->row->joined;
	seconds = since.start < since.end ? since.end - since.start : 0;
	for (size_t i = span_list_seek(leave, since.start); i < leave.n; i++) {
		struct span away = leave.spans[i];

		if (away.start >= since.end)
			break;
		seconds -= (away.end < since.end ? away.end : since.end)
			   - (away.start > since.start ? away.start : since.start);
	}
	return seconds;
}

/* What those of an office have in a whole look-back, by what they had while there; the lower one of
 * two. Of less than SETTLED_DAYS it would be chance. */
static int64_t median_load(struct play *play, struct team team)
{
	int64_t *loads = calloc(team.n + 1, sizeof *loads), median = 0;
	size_t n = 0;

	if (loads == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < team.n; i++) {
		struct book *book = &play->books[play->book_of[team.first + i]];
		int64_t seconds = there(play, book);

		if (seconds < SETTLED_DAYS * DAY)
			continue;
		book_turn(play, book);
		loads[n++] = book->load * LOAD_DAYS * DAY / seconds;
	}
	qsort(loads, n, sizeof *loads, by_number);
	if (n > 0)
		median = loads[(n - 1) / 2];
	free(loads);
	return median;
}

static struct team team_of(const struct play *play, const struct book *book)
{
	for (size_t i = 0; i < play->group->n_offices; i++)
		if (play->group->offices[i].row->id == book->row->row->office)
			return play->teams[i];
	return (struct team){0};
}

int64_t book_load(struct play *play, struct book *book)
{
	int64_t away = LOAD_DAYS * DAY - there(play, book), median;

	book_turn(play, book);
	if (away == 0)
		return book->load;
	median = median_load(play, team_of(play, book));
	return median < 0 ? median : book->load + median * away / (LOAD_DAYS * DAY);
}

int64_t book_shift_minutes(const struct book *book, int64_t now)
{
	int64_t minutes = 0;

	for (size_t i = 0; i < book->row->n_shifts && book->row->shifts[i].from <= now; i++)
		minutes = book->row->shifts[i].minutes;
	return minutes > 60 ? minutes : 60;
}

void book_clear(struct book *book)
{
	free(book->entries);
	free(book->cases);
	free(book->holds);
	span_set_clear(&book->rest);
}
