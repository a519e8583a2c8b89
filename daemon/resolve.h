/*
 * resolve - host names to addresses without blocking the loop
 *
 * getaddrinfo() in a thread of its own for each question: it follows nsswitch.conf and /etc/hosts as every
 * other program on the machine does, and a slow name server holds up nothing but this answer.
 */
#pragma once

#include <netdb.h>

struct event_base;
struct resolve;

/* list is NULL and why says so when there is no answer; the callee frees list with freeaddrinfo(). */
typedef void (*resolve_fn)(struct addrinfo *list, const char *why, void *arg);

/* Asks for stream addresses. done runs from the loop, once. 0, -errno. */
int resolve_new(struct event_base *base, const char *host, long port, resolve_fn done, void *arg,
	struct resolve **resolvep) __attribute__((warn_unused_result));
/* The answer, if it is still to come, is not wanted any more; needed after the answer, too. */
struct resolve *resolve_free(struct resolve *resolve);
