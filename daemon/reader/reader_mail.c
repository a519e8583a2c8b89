/*
 * reader_mail - the reader's work: raw mail in, addresses and a record out
 */
#include "reader_mail.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "imip_read.h"
#include "itip_read.h"
#include "letter.h"
#include "octets.h"
#include "reader_frame.h"
#include "zone.h"

/* For as long as the process lives; its children have them, too. */
static struct zones *zones;

/* GLib ends a process by this when there is no memory, and for little else. */
static void on_fatal(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
	(void)domain;
	(void)text;
	(void)data;
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL))
		_exit(READER_EXIT_NO_MEMORY);
}

static int prepare(void)
{
	int r = zones_load(ZONES_SYSTEM, &zones);

	if (r == 0)
		r = imip_read_preload();
	g_log_set_default_handler(on_fatal, NULL);
	return r;
}

struct lines {
	struct octets *out;
	size_t n;
};

/* One that is too long for a line could not hold a token of ours either. */
static void add_line(struct lines *lines, const char *address)
{
	if (address == NULL || *address == '\0' || lines->n == READER_ADDRESSES_MAX
		|| strlen(address) > READER_ADDRESS_MAX || strchr(address, '\n') != NULL)
		return;
	octets_add_text(lines->out, address);
	octets_add_char(lines->out, '\n');
	lines->n++;
}

/* In the order in which they are believed to carry the token. */
static void add_addresses(const struct letter *letter, struct octets *out)
{
	struct lines lines = {.out = out};

	for (size_t i = 0; i < letter->n_to; i++)
		add_line(&lines, letter->to[i]);
	for (size_t i = 0; letter->calendar != NULL && i < letter->calendar->n_events; i++)
		add_line(&lines, letter->calendar->events[i].organizer);
	octets_add_char(out, '\n');
}

static int read_mail(const char *raw, size_t n, int64_t now, int64_t until, struct octets *out)
{
	const struct itip_limits limits = {.now = now, .until = until, .zones = zones};
	struct letter *letter;
	int r = imip_read(raw, n, &limits, &letter);

	if (r < 0)
		return r;
	add_addresses(letter, out);
	r = letter_write(letter, out);
	letter_free(letter);
	return r;
}

const struct reader_work reader_mail_work = {.prepare = prepare, .read = read_mail};
