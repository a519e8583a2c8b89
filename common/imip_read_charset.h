/*
 * imip_read_charset - text of a mail as UTF-8, whatever its label says
 */
#pragma once

#include <stddef.h>

/* Opens and tries the converters, see imip_read_preload(). How many of the list this system has. */
size_t imip_read_charset_preload(void);

/*
 * By a byte order mark, or the pattern that UTF-16 and UTF-32 make of ASCII; else as UTF-8 when it
 * is that; else as the label says; else as Latin-1. What is no character becomes a question mark.
 * label may be NULL. The text is valid UTF-8, closed by a NUL that length does not count. 0 or
 * -ENOMEM.
 */
int imip_read_utf8(const char *label, const char *bytes, size_t n, char **textp, size_t *lengthp)
	__attribute__((warn_unused_result));
