/*
 * plan_rows - which members the rows of plan_text have, and where; for plan_text alone
 */
#pragma once

#include "plan_text.h"

enum kind { POLICY, ZONE, OFFICE, COORDINATOR, APPOINTMENT, REQUEST, STANDING, KINDS };

enum type {
	NUMBER,  /* int64_t */
	CODE,    /* int32_t */
	INDEX,   /* size_t */
	TRUTH,   /* bool */
	URGENCY, /* enum plan_urgency */
	WEIGHTS, /* int64_t[3] */
	MASKS,   /* unsigned[3] */
	SPAN,    /* struct span */
	SPANS,   /* struct span_list */
	CODES,   /* struct plan_codes, struct plan_people */
	CASES,   /* struct plan_cases */
	BACKUPS, /* of struct plan_office */
	DAYS,    /* of struct plan_zone */
};

struct member {
	const char *key;
	enum type type;
	size_t offset;
};

struct kind_of_row {
	const char *name;
	const struct member *members; /* the last one has no key */
	size_t size;
};

extern const struct kind_of_row kinds[KINDS];
extern const char *const urgencies[PLAN_URGENCIES];
