/*
 * itip_person - ORGANIZER and ATTENDEE lines, for itip_read
 */
#pragma once

#include <stddef.h>

struct itip_attendee;
struct itip_line;

/* Each: 0 or -ENOMEM. What is none stays NULL. */

/* At most 40 letters, digits and hyphens, in upper case. */
int itip_word(const char *text, size_t length, char **word) __attribute__((warn_unused_result));
/* The address of the value, else of the parameter EMAIL. */
int itip_person_address(const struct itip_line *line, char **address)
	__attribute__((warn_unused_result));
int itip_person_attendee(const struct itip_line *line, struct itip_attendee *attendee)
	__attribute__((warn_unused_result));

void itip_person_clear(struct itip_attendee *attendee);
