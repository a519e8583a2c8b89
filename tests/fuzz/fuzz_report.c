/*
 * fuzz_report - any bytes as the pieces that a mail is read by
 *
 * The same bytes are taken for a delivery status, the prose of a mail server, a returned header,
 * Authentication-Results, plain words and HTML.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imip_read_auth.h"
#include "imip_read_html.h"
#include "imip_read_word.h"
#include "letter.h"
#include "octets.h"
#include "report.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_report: %s\n", why);
	abort();
}

static void check_line(const char *text)
{
	if (text && (text[0] == '\0' || text_printable(text, strlen(text)) != strlen(text)))
		fail("a member that is no printable line");
}

static void check_report(int r, struct report *report)
{
	if (r == REPORT_NONE && (report->status || report->recipient || report->message_id))
		fail("no report, and something in it");
	if (r != 0 && r != REPORT_NONE)
		fail("an error");
	check_line(report->status);
	check_line(report->envelope_id);
	check_line(report->message_id);
	if (report->recipient && !text_is_address(report->recipient))
		fail("a recipient that is no address");
	if (report->permanent == REPORT_PERMANENT && report->action != REPORT_FAILED)
		fail("permanent, and not failed");
	report_clear(report);
}

static void read_prose(const char *text)
{
	static char address[] = "vacd-b+x@agency.example";
	char *own[] = {address};
	struct report_letter letter = {.by_server = true,
		.subject = "Undelivered mail",
		.text = text,
		.own = own,
		.n_own = 1};
	struct report report = {0};

	check_report(report_read_prose(&letter, &report), &report);
	letter = (struct report_letter){
		.by_server = true, .subject = text, .failed_recipients = text};
	check_report(report_read_prose(&letter, &report), &report);
}

static void read_auth(const char *text)
{
	struct letter_auth auth = {0};

	if (imip_read_auth(text, &auth))
		fail("an error");
	if (!auth.server && (auth.dmarc || auth.domain))
		fail("a result of nobody");
	check_line(auth.server);
	check_line(auth.dmarc);
	check_line(auth.domain);
	free(auth.server);
	free(auth.dmarc);
	free(auth.domain);
}

static void read_words(const char *text)
{
	struct octets out = {0};
	struct imip_word word = imip_read_word(text, text);

	if (word.number > 999999999 || word.number < -1)
		fail("a number that is too large");
	imip_read_html(text, &out);
	octets_add_char(&out, '\0');
	(void)imip_read_word(NULL, out.data);
	octets_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct report report = {0};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_report(report_read_status(text, size, &report), &report);
	if (report_add_returned(text, size, &report))
		fail("an error");
	report_clear(&report);
	read_prose(text);
	read_auth(text);
	read_words(text);
	free(text);
	return 0;
}
