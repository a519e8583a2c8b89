/*
 * mime - the encodings of mail: headers (RFC 5322, 2047), quoted-printable, base64 (RFC 2045)
 *
 * Everything comes out as printable ASCII in CRLF lines of at most 76 octets; only an address is
 * never broken, so a header with one may be longer. Input is text that text.h found fit.
 */
#pragma once

#include <stddef.h>

struct octets;

/* "Name: text": as it is when that reads the same, else in encoded words. Folded. */
void mime_header_text(struct octets *out, const char *name, const char *text);
/* "Name: display <address>"; display may be NULL or "". */
void mime_header_mailbox(
	struct octets *out, const char *name, const char *display, const char *address);

/* text has LF lines; the last line of the output is closed by CRLF. */
void mime_quoted_printable(struct octets *out, const char *text, size_t length);
void mime_base64(struct octets *out, const char *data, size_t length);
