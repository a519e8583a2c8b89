/*
 * plan_scene - everything that stands at the same time, for plan_judge alone
 */
#pragma once

#include "plan_judge.h"

#define SCENE_STANDS SIZE_MAX

/* A meeting, given by the plan or standing. */
struct scene_other {
	int32_t coordinator;
	int64_t case_id;
	struct span meeting, busy;
	int64_t counted;
	size_t which; /* of the meetings, or SCENE_STANDS */
	bool call_out;
	bool moved; /* counts as if it had always stood there */
};

struct scene {
	const struct plan_input *input;
	const struct judge_meeting *meetings;
	size_t n_meetings;
	struct scene_other *others;
	size_t n_others;
	bool everything; /* even a call-out pays for all that is there */
};

/* A fault in words, in a buffer that the next one overwrites. */
const char *judge_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* false: no memory */
bool scene_open(struct scene *scene, const struct plan_input *input,
	const struct judge_meeting *meetings, size_t n);
void scene_close(struct scene *scene);
/* One more beside those that scene_open() was given; there is room for one. */
void scene_add(struct scene *scene, const struct judge_meeting *x, size_t which);

/* Whether meeting `x`, number `which` of the scene, keeps a rule beside all others. */
bool scene_keeps(const struct scene *scene, const struct judge_meeting *x, size_t which,
	enum plan_rule rule);
/* The limits that a call-out breaks, by what stands and the call-outs before it. */
int scene_caps_broken(const struct scene *scene, const struct judge_meeting *x, size_t which);
void scene_terms(
	const struct scene *scene, const struct judge_meeting *x, size_t which, int64_t *terms);

/* What a move costs: number `which` is the last one, and those before it are done. */
void scene_move_terms(const struct scene *scene, size_t which, int64_t *terms);

/* 0: own office; -1: out of reach. Travel in seconds, one way. */
int32_t judge_rank(const struct plan_input *input, const struct plan_request *request,
	const struct plan_coordinator *person, int64_t *travel);
struct span judge_span(const struct judge_meeting *x);
struct span judge_busy(const struct plan_input *input, const struct judge_meeting *x);
int64_t judge_late(const struct judge_meeting *x);
bool judge_is_on_call(const struct judge_meeting *x);
bool judge_has_code(struct plan_codes codes, int32_t code);
