/*
 * imip_read_head - what is read of the header of a mail
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct letter;

/* Beside what goes into the letter. Strings are owned, and NULL where there is nothing. */
struct imip_head {
	char *subject;           /* decoded, UTF-8 */
	char *failed_recipients; /* X-Failed-Recipients */
	bool by_server; /* a mail server wrote it, by its address or an empty return path */
	size_t length;  /* octets until the body */
};

/* Reads from, message_id, date, to, auth and automatic into the letter. 0, -ENOMEM, or
 * IMIP_HEAD_LARGE: more octets or fields than imip_read.h allows;
 * what was read until there is kept. */
enum { IMIP_HEAD_LARGE = 1 };
int imip_read_head(const char *raw, size_t n, struct imip_head *head, struct letter *letter)
	__attribute__((warn_unused_result));
void imip_head_clear(struct imip_head *head);
