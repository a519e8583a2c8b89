#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "imip_read_word.h"

enum { NUMBER_DIGITS_MAX = 9, LINE_MAX_OCTETS = 200 };

struct entry {
	const char *text, *word;
};

/* What may stand alone, with a number behind it. */
static const struct entry words[] = {
	{"accept", "accept"},
	{"accepted", "accept"},
	{"call", "call"},
	{"contacted", "contacted"},
	{"decline", "decline"},
	{"declined", "decline"},
	{"held", "held"},
	{"missed", "missed"},
	{"tentative", "tentative"},
};

/* What calendar programs write before the colon of a subject: Outlook and Gmail, in English,
 * German, French, Spanish, Italian and Portuguese. Compared without regard to the case of ASCII
 * letters. */
static const struct entry client_words[] = {
	{"accepted", "accept"},
	{"declined", "decline"},
	{"tentative", "tentative"},
	{"tentatively accepted", "tentative"},
	{"zugesagt", "accept"},
	{"akzeptiert", "accept"},
	{"angenommen", "accept"},
	{"abgelehnt", "decline"},
	{"abgesagt", "decline"},
	{"mit vorbehalt", "tentative"},
	{"mit vorbehalt akzeptiert", "tentative"},
	{"mit vorbehalt angenommen", "tentative"},
	{"vorl\xc3\xa4ufig", "tentative"},
	{"vorl\xc3\xa4ufig zugesagt", "tentative"},
	{"accept\xc3\xa9", "accept"},
	{"accept\xc3\xa9"
	 "e",
		"accept"},
	{"refus\xc3\xa9", "decline"},
	{"refus\xc3\xa9"
	 "e",
		"decline"},
	{"d\xc3\xa9"
	 "clin\xc3\xa9",
		"decline"},
	{"d\xc3\xa9"
	 "clin\xc3\xa9"
	 "e",
		"decline"},
	{"provisoire", "tentative"},
	{"accept\xc3\xa9 provisoirement", "tentative"},
	{"accept\xc3\xa9"
	 "e provisoirement",
		"tentative"},
	{"aceptado", "accept"},
	{"aceptada", "accept"},
	{"rechazado", "decline"},
	{"rechazada", "decline"},
	{"provisional", "tentative"},
	{"tentativo", "tentative"},
	{"aceptado provisionalmente", "tentative"},
	{"aceptada provisionalmente", "tentative"},
	{"accettato", "accept"},
	{"accettata", "accept"},
	{"rifiutato", "decline"},
	{"rifiutata", "decline"},
	{"provvisorio", "tentative"},
	{"accettato provvisoriamente", "tentative"},
	{"aceito", "accept"},
	{"aceita", "accept"},
	{"aceite", "accept"},
	{"recusado", "decline"},
	{"recusada", "decline"},
	{"recusou", "decline"},
	{"provis\xc3\xb3rio", "tentative"},
	{"provis\xc3\xb3ria", "tentative"},
	{"tentativa", "tentative"},
};

/* What says no. Beside "decline" it says the same. */
static const char *const denials[] = {"not", "no", "cannot", "can't", "cant", "couldn't", "don't",
	"doesn't", "isn't", "won't", "wouldn't", "never", "unable", "unavailable", "unfortunately",
	"impossible", "sorry", "nicht", "nein", "kein", "keine", "keinen", "leider", "verhindert",
	"pas", "malheureusement", "non", "purtroppo", "lamentablemente", "nao", "n\xc3\xa3o",
	"infelizmente"};

/* What takes something else back, or asks for something else. */
static const char *const doubts[] = {"but", "however", "if", "instead", "unless", "cancel",
	"reschedule", "reject", "refuse", "accept", "accepted", "decline", "declined", "tentative",
	"held", "missed", "aber", "mais", "pero"};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A space that some keyboards and programs write: U+00A0. */
static size_t space_length(const char *at, size_t n)
{
	if (n > 0 && is_space(*at))
		return 1;
	return n > 1 && at[0] == '\xc2' && at[1] == '\xa0' ? 2 : 0;
}

static void trim(const char **line, size_t *n)
{
	size_t space;

	while ((space = space_length(*line, *n)) > 0) {
		*line += space;
		*n -= space;
	}
	while (*n > 0 && is_space((*line)[*n - 1]))
		(*n)--;
	if (*n > 1 && space_length(*line + *n - 2, 2) == 2)
		*n -= 2;
}

static bool fits(const char *text, size_t n, const char *entry)
{
	return strlen(entry) == n && strncasecmp(text, entry, n) == 0;
}

/* A number that fills n octets, perhaps behind a #; -1: it is none. */
static int64_t read_number(const char *text, size_t n)
{
	int64_t number = 0;

	if (n > 0 && *text == '#') {
		text++;
		n--;
	}
	if (n == 0 || n > NUMBER_DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* The whole line is a word, or a word and a number; a full stop or an exclamation mark may close
 * it. */
static struct imip_word read_alone(const char *line, size_t n)
{
	struct imip_word found = {.number = -1};
	size_t word = 0, rest;

	trim(&line, &n);
	while (n > 0 && (line[n - 1] == '.' || line[n - 1] == '!'))
		n--;
	while (word < n && !space_length(line + word, n - word))
		word++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (fits(line, word, words[i].text))
			found.word = words[i].word;
	}
	line += word;
	rest = n - word;
	trim(&line, &rest);
	if (rest > 0 && (found.number = read_number(line, rest)) < 0)
		found.word = NULL;
	return found;
}

/* The form of calendar programs: a word of theirs, then a colon (in French behind a space). */
static struct imip_word read_client_subject(const char *line, size_t n)
{
	struct imip_word found = {.number = -1};
	const char *colon = memchr(line, ':', n);
	size_t word;

	if (!colon)
		return found;
	word = (size_t)(colon - line);
	trim(&line, &word);
	for (size_t i = 0; i < sizeof(client_words) / sizeof(client_words[0]); i++) {
		if (fits(line, word, client_words[i].text))
			found.word = client_words[i].word;
	}
	return found;
}

/* "Re:", and what it is elsewhere; also "Re[2]:". Not what marks a forwarded mail. */
static size_t reply_prefix(const char *line, size_t n)
{
	static const char *const prefixes[] = {"re", "aw", "antw", "antwort", "sv", "res", "rif",
		"r", "r\xc3\xa9", "r\xc3\xa9p", "ref", "odp", "vs"};
	const char *colon = memchr(line, ':', n < 16 ? n : 16);
	size_t word = 0;

	if (!colon)
		return 0;
	while (line + word < colon && line[word] != '[' && !space_length(line + word, n - word))
		word++;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (fits(line, word, prefixes[i]))
			return (size_t)(colon - line) + 1;
	}
	return 0;
}

/* A reply to what a program sent as an answer is somebody's own words, and no program's. */
static struct imip_word read_subject(const char *subject)
{
	size_t n = strcspn(subject, "\n"), prefix;
	struct imip_word found;
	int replies = 0;

	trim(&subject, &n);
	while (replies < 10 && (prefix = reply_prefix(subject, n)) > 0) {
		subject += prefix;
		n -= prefix;
		trim(&subject, &n);
		replies++;
	}
	found = read_alone(subject, n);
	return found.word || replies > 0 ? found : read_client_subject(subject, n);
}

/* "On …, … wrote:" names a day, or an address; "Please note:" does not. */
static bool is_attribution(const char *line, size_t n)
{
	if (n == 0 || line[n - 1] != ':')
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((line[i] >= '0' && line[i] <= '9') || line[i] == '@')
			return true;
	}
	return false;
}

/* What follows is somebody else's text: who wrote it, a rule of dashes or underscores, a header. */
static bool begins_quotation(const char *line, size_t n)
{
	static const char *const headers[] = {
		"from:", "von:", "de :", "de:", "da:", "-----", "_____"};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		size_t length = strlen(headers[i]);

		if (n >= length && strncasecmp(line, headers[i], length) == 0)
			return true;
	}
	return is_attribution(line, n);
}

/* The line that begins at *text, trimmed; *text moves behind it. False: here the sender's own text
 * ends. "-- " begins a signature. */
static bool next_line(const char **text, const char **line, size_t *n)
{
	if (!**text)
		return false;
	*line = *text;
	*n = strcspn(*text, "\n");
	*text += *n + ((*text)[*n] == '\n');
	trim(line, n);
	return !begins_quotation(*line, *n) && !(*n == 2 && memcmp(*line, "--", 2) == 0);
}

/* The first line that the sender wrote, and what is behind it; NULL: there is none. */
static const char *own_line(const char **text, size_t *n)
{
	const char *line;

	while (next_line(text, &line, n)) {
		if (*n > 0 && *line != '>')
			return line;
	}
	return NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\''
	       || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *text, size_t n)
{
	size_t word = 0;

	while (word < n && is_letter(text[word]) && !space_length(text + word, n - word))
		word++;
	return word;
}

/* As fits(); many programs write U+2019 for the apostrophe of "can't". */
static bool says(const char *text, size_t n, const char *word)
{
	static const char apostrophe[] = "\xe2\x80\x99";
	size_t at = 0, length = sizeof(apostrophe) - 1;

	for (; *word; word++) {
		if (*word == '\'' && n - at >= length && memcmp(text + at, apostrophe, length) == 0)
			at += length;
		else if (at < n && strncasecmp(text + at, word, 1) == 0)
			at++;
		else
			return false;
	}
	return at == n;
}

#define SAYS(text, n, list) says_any(text, n, list, sizeof(list) / sizeof((list)[0]))

static bool says_any(const char *text, size_t n, const char *const *list, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (says(text, n, list[i]))
			return true;
	}
	return false;
}

/* Another form of the word that was found: "I have accepted". */
static bool is_same(const char *text, size_t n, const char *found)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (fits(text, n, words[i].text))
			return strcmp(words[i].word, found) == 0;
	}
	return false;
}

/* A question, or a word that takes the one that was found back. */
static bool is_doubtful(const char *line, size_t n, const char *found)
{
	bool declines = strcmp(found, "decline") == 0;
	size_t word;

	if (memchr(line, '?', n))
		return true;
	for (size_t at = 0; at < n; at += word ? word : 1) {
		word = word_length(line + at, n - at);
		if (!declines && SAYS(line + at, word, denials))
			return true;
		if (SAYS(line + at, word, doubts) && !is_same(line + at, word, found))
			return true;
	}
	return false;
}

/* "Hello,", "Dear all!", "Please note:": what is meant comes below. */
static bool is_greeting(const char *line, size_t n)
{
	return strchr(",!:", line[n - 1]) != NULL;
}

/* From this line to the next that is empty, or behind a greeting from the next one that is not: further
 * below stand signatures, and what lawyers have written. */
static bool are_doubtful(const char *line, size_t n, const char *text, const char *found)
{
	bool greeting = is_greeting(line, n);

	while (!is_doubtful(line, n, found)) {
		if (greeting)
			line = own_line(&text, &n);
		else if (!next_line(&text, &line, &n) || n == 0 || *line == '>')
			line = NULL;
		if (!line)
			return false;
		greeting = false;
	}
	return true;
}

static bool goes_on_doubtful(const char *text, const char *found)
{
	const char *line;
	size_t n;

	return next_line(&text, &line, &n) && n > 0 && *line != '>'
	       && are_doubtful(line, n, text, found);
}

struct imip_word imip_read_word(const char *subject, const char *text)
{
	static const struct imip_word none = {.number = -1};
	struct imip_word by_subject = subject ? read_subject(subject) : none, by_text = none;
	size_t n = 0;
	const char *line = text ? own_line(&text, &n) : NULL;

	if (!line)
		return by_subject;
	if (n <= LINE_MAX_OCTETS)
		by_text = read_alone(line, n);
	if (by_text.word && goes_on_doubtful(text, by_text.word))
		return none;
	if (!by_subject.word)
		return by_text;
	if (by_text.word) {
		bool same = strcmp(by_text.word, by_subject.word) == 0;
		bool numbers = by_text.number < 0 || by_subject.number < 0
			       || by_text.number == by_subject.number;

		return !same || !numbers ? none : by_subject.number >= 0 ? by_subject : by_text;
	}
	return are_doubtful(line, n, text, by_subject.word) ? none : by_subject;
}
