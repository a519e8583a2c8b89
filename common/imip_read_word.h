/*
 * imip_read_word - the one word that a mail in plain words says
 *
 * Either alone, as the links in our mails have it ("accept 2"), or as the subject that a calendar
 * program gives its answer ("Accepted: …", in six languages). Anything less clear is no word: a
 * question, a sentence, a word in the subject and another or a "no" in the text.
 */
#pragma once

#include <stdint.h>

struct imip_word {
	const char
		*word;  /* "accept", "decline", "tentative", "held", "missed", "contacted", "call",
	                     or NULL; a constant */
	int64_t number; /* behind it, or -1 */
};

/* Texts are UTF-8, decoded, and may be NULL. text: the body as plain text with LF or CR LF lines;
 * its first line that neither is quoted nor belongs to a quotation counts. What stands below it up to
 * an empty line, or below a greeting, can only take the word back. */
struct imip_word imip_read_word(const char *subject, const char *text);
