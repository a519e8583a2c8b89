/*
 * loop - libevent's loop, which either watches what it was asked to watch or ends the program
 */
#pragma once

struct event;
struct event_base;

/* NULL without memory, or where libevent does not use epoll, which is then in our log. From then on libevent's
 * warnings are lines of our log. Where the system refuses to watch a descriptor, the program ends with EXIT_FAILURE
 * at once: few callers could be told, and one that waits for a word that never comes, with no limit of time, would
 * be as good as dead. Whoever starts us starts us anew. */
struct event_base *loop_new(void) __attribute__((warn_unused_result));

/* No longer told of it; NULL is none. At once when a library has closed, or may have closed, its descriptor: the
 * next that anybody opens has that number, and libevent, which goes by numbers, would take it for watched already
 * and never ask the system for it. */
void loop_forget(struct event *event);
/* Frees it; NULL is none. Returns NULL. */
struct event *loop_free(struct event *event);
