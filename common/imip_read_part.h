/*
 * imip_read_part - the parts of a mail, found by GMime and told apart
 *
 * Parts are leaves: a forwarded or returned mail is one, and is not looked into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "imip_read.h"

/* GMime's, whose header only the .c files see. */
struct _GMimeObject;

enum imip_part_kind {
	IMIP_PART_OTHER,
	IMIP_PART_CALENDAR,          /* text/calendar, to be shown */
	IMIP_PART_CALENDAR_ATTACHED, /* the same as an attachment */
	IMIP_PART_CALENDAR_FILE,     /* application/ics, or any file called *.ics */
	IMIP_PART_TEXT,
	IMIP_PART_HTML,
	IMIP_PART_STATUS,   /* message/delivery-status */
	IMIP_PART_NOTICE,   /* of another kind of report: a receipt, a complaint */
	IMIP_PART_RETURNED, /* a mail or its header */
	IMIP_PART_SEALED,   /* encrypted, or signed so that the text is hidden */
};

struct imip_part {
	enum imip_part_kind kind;
	struct _GMimeObject *object; /* the tree's */
};

struct imip_parts {
	struct _GMimeObject *root; /* owned */
	struct imip_part list[IMIP_READ_PARTS_MAX];
	size_t n;
	bool is_report;   /* a multipart/report, of whatever kind */
	bool is_delivery; /* one about delivery */
	bool encrypted;   /* a multipart/encrypted, which is not looked into */
};

/* Before anything else: starts GMime. */
void imip_parts_preload(void);

/* raw stays borrowed while the parts are used. 0, or IMIP_PARTS_NONE: there is no structure;
 * IMIP_PARTS_MANY, IMIP_PARTS_DEEP: more of it than imip_read.h allows; IMIP_PARTS_LARGE: a
 * Content field of more than 64 KiB. */
enum { IMIP_PARTS_NONE = 1, IMIP_PARTS_MANY = 2, IMIP_PARTS_DEEP = 3, IMIP_PARTS_LARGE = 4 };
int imip_parts_read(const char *raw, size_t n, struct imip_parts *parts)
	__attribute__((warn_unused_result));
void imip_parts_clear(struct imip_parts *parts);

/* The first of a kind from index *from on, which is then behind it; NULL: no more. */
const struct imip_part *imip_parts_next(
	const struct imip_parts *parts, enum imip_part_kind kind, size_t *from);

/* Without its transfer encoding; closed by a NUL that length does not count. 0 or -ENOMEM. */
int imip_part_bytes(const struct imip_part *part, char **bytesp, size_t *lengthp)
	__attribute__((warn_unused_result));
/* Likewise, as UTF-8. */
int imip_part_text(const struct imip_part *part, char **textp, size_t *lengthp)
	__attribute__((warn_unused_result));
/* As UTF-8, and mended where the transfer encoding that is named is not the one that was used. */
int imip_part_calendar(const struct imip_part *part, char **textp, size_t *lengthp)
	__attribute__((warn_unused_result));
/* The parameter method of Content-Type, or NULL. The tree's. */
const char *imip_part_method(const struct imip_part *part);
