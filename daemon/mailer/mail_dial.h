/*
 * mail_dial - from a host name to a connected socket, without blocking the loop
 *
 * Each address is tried in turn, as the system sorts them.
 */
#pragma once

struct event_base;
struct mail_dial;

/* fd is the callee's, or -1 and why says in a line what went wrong. Runs from the loop, once. */
typedef void (*mail_dial_fn)(int fd, const char *why, void *arg);

/* ms: longest wait for the name, and for each address. 0, -errno. */
int mail_dial_new(struct event_base *base, const char *host, long port, long ms, mail_dial_fn done,
	void *arg, struct mail_dial **dialp) __attribute__((warn_unused_result));
/* Also from within done(). */
struct mail_dial *mail_dial_free(struct mail_dial *dial);

/* What comes next on the socket is acknowledged at once. A server that speaks first after the TLS
 * handshake has just sent its session tickets, and by Nagle's rule keeps its greeting until these are
 * acknowledged: which the kernel, having seen us answer, would leave for 40 ms. */
void mail_dial_acknowledge(int fd);
