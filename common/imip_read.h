/*
 * imip_read - a mail that came in, read into a letter (RFC 5322, RFC 2045, RFC 6047)
 *
 * Any bytes may come; each mail ends in a letter, in bounded time and memory. GMime takes the MIME
 * structure apart; what lies in a forwarded or returned mail is no part of it.
 *
 * Asked in this order: a delivery report? a calendar object? an automatic reply? else plain words.
 * Google's answers say Auto-Submitted: auto-generated and so are asked as calendars first.
 *
 * Of several calendar parts the first counts that can be read and names a method, by rank: a
 * text/calendar that is no attachment, one that is, application/ics or a file called *.ics. So the
 * copy that most programs attach to an invitation counts for nothing; nor does another object that
 * somebody attaches to an answer.
 *
 * GLib ends the process when there is no memory, and GMime is not safe against every mail; this is
 * for a process that may be lost.
 */
#pragma once

#include <stddef.h>

struct itip_limits;
struct letter;

enum {
	IMIP_READ_BYTES_MAX = 10 * 1024 * 1024,
	IMIP_READ_HEADER_MAX = 256 * 1024, /* octets */
	IMIP_READ_FIELDS_MAX = 2000,
	IMIP_READ_PARTS_MAX = 200,
	IMIP_READ_DEPTH_MAX = 20,
	IMIP_READ_CALENDARS_MAX = 5, /* calendar parts that are tried */
};

/*
 * Starts GMime and converts with each charset once, keeping its converter open; call it once,
 * before anything else here, while files can be read. (zones_load() of zone.h does the same for
 * zones.) Afterwards imip_read() needs no file. It tries to open one when a mail names a charset
 * that the C library knows and the list in imip_read_charset.c does not, such as EBCDIC: a sandbox
 * must refuse that with an error, not with death, and the text is then read as UTF-8 or Latin-1.
 * 0 or -ENOMEM.
 */
int imip_read_preload(void) __attribute__((warn_unused_result));

/* limits: for itip_read(), with the zones that were loaded; its method is not looked at. 0 with a
 * letter, or -ENOMEM. */
int imip_read(const char *raw, size_t n, const struct itip_limits *limits, struct letter **letterp)
	__attribute__((warn_unused_result));
