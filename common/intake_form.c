#include "intake_form.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "json.h"
#include "text.h"

enum {
	VALUE_MAX = 300, /* characters; the longest that any of them can be is an address of 254 */
	VALUE_OCTETS_MAX = 4 * VALUE_MAX, /* in UTF-8 */
	ERRORS_MAX = 20,
	NAME_MAX_SHOWN = 40,
};

enum kind { TEXT, COUNT, TRUTH, MOMENT };

/* The arguments of vac.open_case(), in its order; its key is a header field. */
static const struct form_field {
	const char *name;
	enum kind kind;
} form_fields[] = {
	{"office", TEXT},
	{"language", TEXT},
	{"service", TEXT},
	{"urgency", TEXT},
	{"mode", TEXT},
	{"place", TEXT},
	{"interpreter", TEXT},
	{"gender", TEXT},
	{"gender_required", TRUTH},
	{"preferred", TEXT},
	{"minutes", COUNT},
	{"window_from", MOMENT},
	{"window_to", MOMENT},
	{"due", MOMENT},
	{"victims", COUNT},
	{"requester", TEXT},
	{"agency_reference", TEXT},
};
enum { FORM_FIELDS = sizeof(form_fields) / sizeof(form_fields[0]) };

static const struct form_field *field_named(const char *name)
{
	for (size_t i = 0; i < FORM_FIELDS; i++)
		if (strcmp(form_fields[i].name, name) == 0)
			return &form_fields[i];
	return NULL;
}

/* ---- what a client is told ------------------------------------------------------------------ */

struct errors {
	struct json json;
	size_t n;
};

static void add_error(
	struct errors *errors, const char *field, const char *problem, const char *advice)
{
	if (errors->n++ == 0) {
		json_open(&errors->json, '{');
		json_key(&errors->json, "errors");
		json_open(&errors->json, '[');
	}
	json_open(&errors->json, '{');
	json_key(&errors->json, "field");
	json_text(&errors->json, field);
	json_key(&errors->json, "problem");
	json_text(&errors->json, problem);
	json_key(&errors->json, "advice");
	json_text(&errors->json, advice);
	json_close(&errors->json, '}');
}

static int take_errors(struct errors *errors, char **textp)
{
	json_close(&errors->json, ']');
	json_close(&errors->json, '}');
	return json_take(&errors->json, textp);
}

int intake_form_error(const char *field, const char *problem, const char *advice, char **textp)
{
	struct errors errors = {.n = 0};

	add_error(&errors, field, problem, advice);
	return take_errors(&errors, textp);
}

/* ---- one value ------------------------------------------------------------------------------ */

/* Two digits at text as a number up to most; -1: they are none. */
static int two_digits(const char *text, int most)
{
	int n;

	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	n = (text[0] - '0') * 10 + text[1] - '0';
	return n <= most ? n : -1;
}

static bool is_day(const char *text)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int century = two_digits(text, 99), rest, month, day, year;

	if (century < 1) /* the year has four digits, and PostgreSQL knows no year 0 */
		return false;
	rest = two_digits(text + 2, 99);
	month = rest < 0 || text[4] != '-' ? -1 : two_digits(text + 5, 12);
	day = month < 1 || text[7] != '-' ? -1 : two_digits(text + 8, lengths[month - 1]);
	year = century * 100 + rest;
	if (day < 1)
		return false;
	return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* RFC 3339, with a T, and seconds left out at will. Without its offset a time could be any of 24. */
static bool is_moment(const char *text)
{
	size_t n = strlen(text);

	if (n < 17 || n > 35 || !is_day(text) || text[10] != 'T' || two_digits(text + 11, 23) < 0
		|| text[13] != ':' || two_digits(text + 14, 59) < 0)
		return false;
	text += 16;
	if (text[0] == ':') {
		if (two_digits(text + 1, 59) < 0)
			return false;
		text += 3;
		if (text[0] == '.') {
			n = strspn(text + 1, "0123456789");
			if (n < 1 || n > 6)
				return false;
			text += 1 + n;
		}
	}
	if (strcmp(text, "Z") == 0)
		return true;
	return (text[0] == '+' || text[0] == '-') && two_digits(text + 1, 15) >= 0 && text[3] == ':'
	       && two_digits(text + 4, 59) >= 0 && text[6] == '\0';
}

/* As JSON Schema's maxLength counts them, which openapi.json speaks of. text is UTF-8. */
static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* What is wrong with it, and what would do; NULL: nothing. */
static const char *text_problem(const json_t *value, const char **advice)
{
	enum text_fault fault;

	*advice = "Give a text in quotes.";
	if (!json_is_string(value))
		return "that is no text";
	fault = text_check(json_string_value(value), TEXT_LINE, VALUE_OCTETS_MAX);
	if (fault == TEXT_FINE && characters(json_string_value(value)) > VALUE_MAX)
		fault = TEXT_LONG;
	*advice = "Give one line of at most 300 characters, or leave the field out.";
	return fault == TEXT_FINE ? NULL : text_fault_words(fault);
}

static const char *value_problem(
	const struct form_field *field, const json_t *value, const char **advice)
{
	switch (field->kind) {
	case COUNT:
		*advice = "Give a number without quotes, such as 3.";
		if (!json_is_integer(value) || json_integer_value(value) < INT_MIN
			|| json_integer_value(value) > INT_MAX)
			return "that is no whole number";
		return NULL;
	case TRUTH:
		*advice = "Give true or false, without quotes.";
		return json_is_boolean(value) ? NULL : "that is neither true nor false";
	case MOMENT:
		*advice = "Give date, time and offset from UTC, such as 2027-02-15T09:00:00-08:00.";
		return json_is_string(value) && is_moment(json_string_value(value))
			       ? NULL
			       : "that is no moment in time";
	case TEXT:
	default:
		return text_problem(value, advice);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void check_field(const char *name, const json_t *value, struct errors *errors)
{
	const struct form_field *field = field_named(name);
	const char *problem, *advice = NULL;
	char shown[NAME_MAX_SHOWN + 1] = "";

	if (!field) {
		/* Its name is the client's own; only what can be shown safely is said back. */
		if (strlen(name) < sizeof(shown)
			&& text_printable(name, strlen(name)) == strlen(name))
			snprintf(shown, sizeof(shown), "%s", name);
		add_error(errors, shown[0] ? shown : NULL, "there is no such field",
			strcmp(name, "key") == 0
				? "The key of a call is its header field Idempotency-Key."
				: "Look at openapi.json; nothing about a victim's person can be "
				  "given.");
		return;
	}
	if (json_is_null(value))
		return;
	problem = value_problem(field, value, &advice);
	if (problem)
		add_error(errors, field->name, problem, advice);
}

static int check_fields(json_t *form, struct errors *errors)
{
	const char *name;
	json_t *value, *office = json_object_get(form, "office");

	if (!office || json_is_null(office))
		add_error(errors, "office", "it is needed", "Give an office's code, such as SEA.");
	json_object_foreach(form, name, value)
	{
		if (errors->n < ERRORS_MAX)
			check_field(name, value, errors);
	}
	return errors->n > 0 ? INTAKE_FORM_INVALID : 0;
}

static void say_unreadable(const json_error_t *why, struct errors *errors)
{
	char problem[100];

	if (json_error_code(why) == json_error_duplicate_key)
		add_error(errors, NULL, "a field is given twice", "Keep one of the two.");
	else {
		snprintf(problem, sizeof(problem),
			"the body is no JSON, from line %d, column %d on", why->line, why->column);
		add_error(errors, NULL, problem,
			"Send an object in UTF-8, such as {\"office\": \"SEA\", \"language\": "
			"\"es\"}.");
	}
}

static int check_form(json_t *form, const json_error_t *why, struct errors *errors)
{
	if (!form) {
		if (json_error_code(why) == json_error_out_of_memory)
			return -ENOMEM;
		say_unreadable(why, errors);
		return INTAKE_FORM_INVALID;
	}
	if (!json_is_object(form)) {
		add_error(errors, NULL, "the body is no object",
			"Send one case in braces, such as {\"office\": \"SEA\"}.");
		return INTAKE_FORM_INVALID;
	}
	return check_fields(form, errors);
}

int intake_form_read(const char *bytes, size_t length, char **textp)
{
	struct errors errors = {.n = 0};
	json_error_t why = {.text = ""};
	json_t *form = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
	int r = check_form(form, &why, &errors);

	if (r == INTAKE_FORM_INVALID) {
		r = take_errors(&errors, textp);
		r = r ? r : INTAKE_FORM_INVALID;
	} else if (r == 0) {
		*textp = json_dumps(form, JSON_COMPACT);
		r = *textp ? 0 : -ENOMEM;
	}
	json_clear(&errors.json);
	json_decref(form);
	return r;
}
