/*
 * plan_text - the planner's input as text
 *
 * A row a line: its kind, then key=value for each member that is not 0. What is left out is 0 or
 * empty. Blank lines and lines that begin with # are skipped. A line "plan" ends an input; the next
 * one may follow; the end of the file ends one as well.
 *
 *	policy now= grid= rest= accepted= chain= steps= moved_by=I,U,R
 *		wait=I,U,R collateral= backup= interpreter= preference= continuity= load= over_cap= move=
 *	zone days=START:WEEK,… nights=SPANS
 *	office id= urgent_hours=SPANS office_hours=SPANS backups=OFFICE:RANK:TRAVEL,…
 *	coordinator id= office= collateral= locked= gender= zone= services=LIST languages=LIST
 *		max_open_cases= weekly_minutes= meetings_a_day= open_cases=LIST load_minutes=
 *		weekly_shift_minutes= regular=SPANS on_call=SPANS leave=SPANS rest=SPANS
 *	appointment coordinator= case= meeting=SPAN busy=SPAN counted= id= request= accepted=
 *	request id= case= office= urgency= telephone= interpreter= gender_required= service= language=
 *		gender= minutes= buffer= load_percent= earliest= latest= due= preferred= responsible=
 *		met=LIST barred=LIST conflicts=LIST
 *	standing (as request; of appointments that may be moved)
 *
 * (Each on one line.) Numbers are decimal, truths 0 or 1, LIST numbers with commas between, SPAN is
 * START:END, SPANS are spans with commas between, urgency is immediate, urgent or routine. I,U,R are
 * the numbers for these three; of moved_by each is a sum of 1 (immediate), 2 (urgent), 4 (routine).
 * A zone's index is its place among the zones, from 0. Units are those of plan.h. Whether the rows
 * make sense is left to the planner.
 */
#pragma once

#include <stdio.h>

#include "plan.h"

struct plan_text;

enum {
	PLAN_TEXT_END = 1, /* no further input */
	PLAN_TEXT_BAD,     /* error says what, with the line's number */
};

/* A reader of `in`, which stays the caller's. NULL when there is no memory. */
struct plan_text *plan_text_open(FILE *in);
struct plan_text *plan_text_close(struct plan_text *text);
/* Reads the next input; it stays until the next call. 0, -ENOMEM, -errno of a read, or an outcome. */
int plan_text_next(struct plan_text *text, const struct plan_input **inputp)
	__attribute__((warn_unused_result));
const char *plan_text_error(const struct plan_text *text);

/* Writes an input so that plan_text_next() reads it. */
void plan_text_write(const struct plan_input *input, FILE *out);
