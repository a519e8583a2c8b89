#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imip_read_html.h"
#include "imip_read_word.h"
#include "octets.h"

struct word_case {
	const char *subject, *text, *word;
	int64_t number;
};

static void check(const struct word_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct imip_word word = imip_read_word(cases[i].subject, cases[i].text);

		if (!cases[i].word && word.word)
			fail_msg("case %zu: %s", i, word.word);
		if (!cases[i].word)
			continue;
		if (!word.word)
			fail_msg("case %zu: no %s", i, cases[i].word);
		assert_string_equal(word.word, cases[i].word);
		assert_int_equal(word.number, cases[i].number);
	}
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_subjects(void **state)
{
	static const struct word_case cases[] = {
		{"accept 2", NULL, "accept", 2},
		{"decline 0", NULL, "decline", 0},
		{"Accept", NULL, "accept", -1},
		{"ACCEPT #12", NULL, "accept", 12},
		{"Re: accept 2", NULL, "accept", 2},
		{"AW: Re: RE[2]: decline 3.", NULL, "decline", 3},
		{" tentative 1 ", NULL, "tentative", 1},
		{"held 4", NULL, "held", 4},
		{"missed 4", NULL, "missed", 4},
		{"contacted 9", NULL, "contacted", 9},
		{"call", NULL, "call", -1},
		{"accept\xc2\xa0"
		 "2",
			NULL, "accept", 2},
		{"accept 999999999", NULL, "accept", 999999999},
		/* no word */
		{"Fwd: accept 2", NULL, NULL, 0},
		{"WG: accept 2", NULL, NULL, 0},
		{"accept 1234567890", NULL, NULL, 0},
		{"accept -2", NULL, NULL, 0},
		{"accept 2 3", NULL, NULL, 0},
		{"accept 2x", NULL, NULL, 0},
		{"accept or decline?", NULL, NULL, 0},
		{"accept?", NULL, NULL, 0},
		{"accepting", NULL, NULL, 0},
		{"I accept", NULL, NULL, 0},
		{"not accepted", NULL, NULL, 0},
		{"held: yes", NULL, NULL, 0},
		{"Re:", NULL, NULL, 0},
		{"", NULL, NULL, 0},
		{NULL, NULL, NULL, 0},
	};

	(void)state;
	CHECK(cases);
}

static void test_subjects_of_programs(void **state)
{
	static const struct word_case cases[] = {
		{"Accepted: Appointment K7Q-4MX", NULL, "accept", -1},
		{"Declined: Appointment @ Tue Mar 10, 2026 (Coordinator A)", NULL, "decline", -1},
		{"Tentative: Appointment", NULL, "tentative", -1},
		{"Tentatively accepted: Appointment", NULL, "tentative", -1},
		{"Tentatively Accepted: Appointment", NULL, "tentative", -1},
		{"Zugesagt: Termin", NULL, "accept", -1},
		{"Abgelehnt: Termin", NULL, "decline", -1},
		{"Mit Vorbehalt: Termin", NULL, "tentative", -1},
		{"Accept\xc3\xa9 : Rendez-vous", NULL, "accept", -1},
		{"Accept\xc3\xa9\xc2\xa0: Rendez-vous", NULL, "accept", -1},
		{"Refus\xc3\xa9 : Rendez-vous", NULL, "decline", -1},
		{"Provisoire : Rendez-vous", NULL, "tentative", -1},
		{"Aceptada: Cita", NULL, "accept", -1},
		{"Rechazado: Cita", NULL, "decline", -1},
		{"Provisional: Cita", NULL, "tentative", -1},
		{"Accettato: Appuntamento", NULL, "accept", -1},
		{"Rifiutato: Appuntamento", NULL, "decline", -1},
		{"Aceito: Compromisso", NULL, "accept", -1},
		{"Recusado: Compromisso", NULL, "decline", -1},
		{"Provis\xc3\xb3rio: Compromisso", NULL, "tentative", -1},
		/* no answers */
		{"New Time Proposed: Appointment", NULL, NULL, 0},
		{"Canceled: Appointment", NULL, NULL, 0},
		{"Invitation: accepted: all", NULL, NULL, 0},
		{"Not accepted: Appointment", NULL, NULL, 0},
		{"Fwd: Accepted: Appointment", NULL, NULL, 0},
		{"Re: Accepted: Appointment", NULL, NULL, 0},
		{"AW: Zugesagt: Termin", "Bitte absagen\n", NULL, 0},
		{"Accepted", NULL, "accept", -1},
	};

	(void)state;
	CHECK(cases);
}

static void test_texts(void **state)
{
	static const struct word_case cases[] = {
		{"Re: Appointment K7Q-4MX", "accept\n", "accept", -1},
		{"Re: Appointment", "\r\n  Decline 3.\r\n\r\nOn Tue, X wrote:\r\n> held\r\n",
			"decline", 3},
		{NULL, "> accept or decline\n>\n\naccepted!\n", "accept", -1},
		{NULL, "held\n-- \nCoordinator A\n", "held", -1},
		{NULL, "accept", "accept", -1},
		{NULL, "accept\nCoordinator A\n\nIf you are not Coordinator B, burn this\n",
			"accept", -1},
		{NULL, "accept\n> not\n", "accept", -1},
		{NULL, "decline\nSorry, I am in court then\n", "decline", -1},
		/* no word */
		{NULL, "accept\nbut only from ten\n", NULL, 0},
		{NULL, "decline\nunless it is in the afternoon\n", NULL, 0},
		{"Re: Appointment", "I cannot accept\n", NULL, 0},
		{"Re: Appointment", "accept or decline?\n", NULL, 0},
		{"Re: Appointment", "accept, but an hour later\n", NULL, 0},
		{"Re: Appointment", "On Tue, X wrote:\naccept\n", NULL, 0},
		{"Re: Appointment", "-----Original Message-----\naccept\n", NULL, 0},
		{"Re: Appointment", "From: vacd\naccept\n", NULL, 0},
		{"Re: Appointment", "-- \naccept\n", NULL, 0},
		{"Re: Appointment", "> accept\n> decline\n", NULL, 0},
		{"Re: Appointment", "Hello,\naccept\n", NULL, 0},
		{"Re: Appointment", "", NULL, 0},
	};

	(void)state;
	CHECK(cases);
}

/* The subject of a link stays what it was, whatever is written below. */
static void test_both(void **state)
{
	static const struct word_case cases[] = {
		{"accept 2", "", "accept", 2},
		{"accept 2", "Sent from my phone\n", "accept", 2},
		{"accept 2", "Best regards\nCoordinator A\n", "accept", 2},
		{"accept 2", "accept\n", "accept", 2},
		{"accept", "accept 2\n", "accept", 2},
		{"Accepted: Appointment", "See you there\n", "accept", -1},
		{"accept 2", "> not\n", "accept", 2},
		{"accept 2", "Thank you!\nCoordinator A\n", "accept", 2},
		{"accept 2", "Hello,\n\nsee you there\n\nThis mail is not for others.\n", "accept",
			2},
		{"accept 2", "See you there\n-- \nnot for others\n", "accept", 2},
		{"accept 2", "See you there\nOn Tue, X wrote:\n> not\n", "accept", 2},
		{"accept 2", "See you there\n> not\n", "accept", 2},
		{"accept 2", "Am 10.03.2026 schrieb X:\nnicht\n", "accept", 2},
		{"accept 2", "X <x@example.org> wrote:\nnot\n", "accept", 2},
		{"decline 2", "Sorry, I can't\n", "decline", 2},
		{"accept 2", "I accept\n", "accept", 2},
		{"Accepted: Appointment", "Coordinator A has accepted this invitation.\n", "accept",
			-1},
		{"decline 2", "I have declined since I'm in court\n", "decline", 2},
		{"decline 2", "Hello,\n\nunfortunately I am not there\n", "decline", 2},
		/* they differ, or may */
		{"accept 2", "decline\n", NULL, 0},
		{"accept 2", "accept 3\n", NULL, 0},
		{"accept 2", "Sorry, I can't\n", NULL, 0},
		{"accept 2", "But only from ten\n", NULL, 0},
		{"accept 2", "is that right?\n", NULL, 0},
		{"Accepted: Appointment", "no\n", NULL, 0},
		{"accept 2", "leider nicht\n", NULL, 0},
		{"accept 2", "leider\xc2\xa0geht es da schlecht\n", NULL, 0},
		{"accept 2", "I can\xe2\x80\x99t make it\n", NULL, 0},
		{"accept 2", "I won\xe2\x80\x99t be there\n", NULL, 0},
		{"accept 2", "Hello,\n\nI cannot come\n", NULL, 0},
		{"accept 2", "Good morning!\nI am unavailable then\n", NULL, 0},
		{"accept 2", "Please note:\n\nI cannot come\n", NULL, 0},
		{"accept 2", "On that day I am in court, so that I\ncannot come\n", NULL, 0},
		{"Accepted: Appointment", "Please\ncancel it\n", NULL, 0},
		{"decline 2", "Can it be later instead\n", NULL, 0},
		{"decline 2", "I accept\n", NULL, 0},
		{"accept 2", "I would accept if it were later\n", NULL, 0},
		{"accept 2", "I do not accept\n", NULL, 0},
	};

	(void)state;
	CHECK(cases);
}

struct html_case {
	const char *html, *word;
};

static void test_html(void **state)
{
	static const struct html_case cases[] = {
		{"accept", "accept"},
		{"<html><head><title>decline</title><style>p { }</style></head><body><p>accept</p>",
			"accept"},
		{"<div dir=\"ltr\">accept&nbsp;2<br></div><blockquote>decline</blockquote>",
			"accept"},
		{"<blockquote>a<blockquote>b</blockquote>c</blockquote><p>held</p>", "held"},
		{"<!-- decline > --><p>accept</p>", "accept"},
		{"<p>I</p><p>accept</p>", NULL},
		{"<p>accept&amp;decline</p>", NULL},
		{"<script>", NULL},
		{"<", NULL},
		{"</", NULL},
		{"<p", NULL},
		{"<!--", NULL},
		{"&", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets out = {0};
		struct imip_word word;

		imip_read_html(cases[i].html, &out);
		octets_add_char(&out, '\0');
		word = imip_read_word(NULL, out.data);
		if (!cases[i].word)
			assert_null(word.word);
		else if (!word.word || strcmp(word.word, cases[i].word) != 0)
			fail_msg("case %zu", i);
		octets_clear(&out);
	}
}

/* Beside a subject that says accept. */
static void test_html_doubts(void **state)
{
	static const struct html_case cases[] = {
		{"<p>See you there</p>", "accept"},
		{"<p>I can&rsquo;t make it</p>", NULL},
		{"<p>I can&#8217;t make it</p>", NULL},
		{"<p>I can&#x2019;t make it</p>", NULL},
		{"<p>I can&apos;t make it</p>", NULL},
		{"<p>N&atilde;o posso</p>", NULL},
		{"<p>Hello,</p><p>&nbsp;</p><p>I cannot make it</p>", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets out = {0};
		struct imip_word word;

		imip_read_html(cases[i].html, &out);
		octets_add_char(&out, '\0');
		word = imip_read_word("accept 2", out.data);
		if (!word.word != !cases[i].word)
			fail_msg("case %zu", i);
		octets_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_subjects_of_programs),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_html_doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
