#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

static void begin_value(struct json *json)
{
	if (json->after_value)
		octets_add_char(&json->octets, ',');
	json->after_value = true;
}

void json_open(struct json *json, char bracket)
{
	begin_value(json);
	octets_add_char(&json->octets, bracket);
	json->after_value = false;
}

void json_close(struct json *json, char bracket)
{
	octets_add_char(&json->octets, bracket);
	json->after_value = true;
}

/* The quote, the backslash and controls must be escaped; nothing else needs to be. */
static void add_character(struct octets *octets, const char *text, size_t n)
{
	char escape[8];

	if (*text == '"' || *text == '\\')
		octets_add_char(octets, '\\');
	if ((unsigned char)*text < 0x20) {
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int)*text);
		octets_add_text(octets, escape);
	} else {
		octets_add(octets, text, n);
	}
}

static void add_quoted(struct json *json, const char *text)
{
	size_t n;

	octets_add_char(&json->octets, '"');
	for (; *text; text += n) {
		n = text_character(text);
		if (n == 0) {
			json->invalid = true;
			break;
		}
		add_character(&json->octets, text, n);
	}
	octets_add_char(&json->octets, '"');
}

void json_key(struct json *json, const char *key)
{
	begin_value(json);
	add_quoted(json, key);
	octets_add_char(&json->octets, ':');
	json->after_value = false;
}

void json_text(struct json *json, const char *text)
{
	begin_value(json);
	if (text)
		add_quoted(json, text);
	else
		octets_add_text(&json->octets, "null");
}

void json_number(struct json *json, long long number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", number);
	begin_value(json);
	octets_add_text(&json->octets, digits);
}

void json_truth(struct json *json, bool truth)
{
	begin_value(json);
	octets_add_text(&json->octets, truth ? "true" : "false");
}

int json_take(struct json *json, char **textp)
{
	bool invalid = json->invalid;
	size_t length;
	int r = octets_take(&json->octets, textp, &length);

	*json = (struct json){0};
	if (!r && invalid) {
		free(*textp);
		*textp = NULL;
		return -EILSEQ;
	}
	return r;
}

void json_clear(struct json *json)
{
	octets_clear(&json->octets);
	*json = (struct json){0};
}
