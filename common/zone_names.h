/*
 * zone_names - IANA names of the zones that Windows, and so Outlook and Exchange, name otherwise
 */
#pragma once

#include <stddef.h>

/* "Europe/Berlin" of "W. Europe Standard Time", without regard to case; NULL: not a name of
 * Windows. */
const char *zone_name_of_windows(const char *name);

/* The table itself, for the tests. */
size_t zone_names_count(void);
const char *zone_names_windows(size_t i);
const char *zone_names_iana(size_t i);
