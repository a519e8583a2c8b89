#include "rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 60000 }; /* one visit; so a bucket gains a_minute of these parts in a millisecond */

struct bucket {
	char key[RATE_KEY_MAX];
	long long parts, at_ms;
};

struct rate {
	struct bucket buckets[RATE_ENTRIES];
};

static void fill(struct bucket *bucket, long a_minute, long long now_ms)
{
	long long full = (long long)a_minute * WHOLE, passed = now_ms - bucket->at_ms;

	/* In a minute a bucket is full, whatever was in it; so nothing overflows. */
	bucket->parts = passed >= WHOLE ? full : bucket->parts + passed * a_minute;
	if (bucket->parts > full)
		bucket->parts = full;
	bucket->at_ms = now_ms;
}

static bool is_of(const struct bucket *bucket, const char *key)
{
	return strncmp(bucket->key, key, sizeof(bucket->key) - 1) == 0;
}

static struct bucket *find(struct rate *rate, const char *key)
{
	for (size_t i = 0; i < RATE_ENTRIES; i++)
		if (is_of(&rate->buckets[i], key))
			return &rate->buckets[i];
	return NULL;
}

static struct bucket *make(struct rate *rate, const char *key, long a_minute, long long now_ms)
{
	struct bucket *oldest = &rate->buckets[0];

	for (size_t i = 1; i < RATE_ENTRIES; i++)
		if (rate->buckets[i].at_ms < oldest->at_ms)
			oldest = &rate->buckets[i];
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	oldest->parts = (long long)a_minute * WHOLE;
	oldest->at_ms = now_ms;
	return oldest;
}

bool rate_take(struct rate *rate, const char *key, long a_minute, long long now_ms, long *wait_ms)
{
	struct bucket *bucket = find(rate, key);

	*wait_ms = 0;
	if (bucket)
		fill(bucket, a_minute, now_ms);
	else
		bucket = make(rate, key, a_minute, now_ms);
	if (bucket->parts < WHOLE) {
		*wait_ms = (long)((WHOLE - bucket->parts + a_minute - 1) / a_minute);
		return false;
	}
	bucket->parts -= WHOLE;
	return true;
}

bool rate_has(struct rate *rate, const char *key, long a_minute, long long now_ms)
{
	struct bucket *bucket = find(rate, key);

	if (!bucket)
		return true;
	fill(bucket, a_minute, now_ms);
	return bucket->parts >= WHOLE;
}

bool rate_knows(const struct rate *rate, const char *key)
{
	for (size_t i = 0; i < RATE_ENTRIES; i++)
		if (is_of(&rate->buckets[i], key))
			return true;
	return false;
}

int rate_new(struct rate **ratep)
{
	*ratep = calloc(1, sizeof(**ratep));
	return *ratep ? 0 : -ENOMEM;
}

struct rate *rate_free(struct rate *rate)
{
	free(rate);
	return NULL;
}
