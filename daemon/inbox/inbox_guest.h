/*
 * inbox_guest - one client's connection
 */
#pragma once

#include "inbox_state.h"

/* Takes over fd. 0 or -ENOMEM (fd is closed then, too). */
int inbox_guest_new(struct inbox *inbox, int fd) __attribute__((warn_unused_result));
void inbox_guest_free(struct inbox_guest *guest);
/* NULL: it is the last. */
struct inbox_guest *inbox_guest_next(struct inbox_guest *guest);

/* Looks at the time. The guest may be gone afterwards. */
void inbox_guest_tick(struct inbox_guest *guest, long long now_ms);
/* Tells it to come back later, unless its mail is being stored: then it is told afterwards. The guest may
 * be gone afterwards. */
void inbox_guest_send_away(struct inbox_guest *guest);
