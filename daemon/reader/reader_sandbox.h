/*
 * reader_sandbox - what the reader gives up before it sees a mail, and its children before they read one
 *
 * Both filters are lists of what is allowed: no file, no network, no program, no other process. Where
 * the C library only looks for a file (a charset, a time zone) it is told that there is none; whatever
 * else is not on the list ends the process with SIGSYS. What a child is limited in is no more than
 * what it needs for any mail that people send.
 */
#pragma once

#include <sys/types.h>

/* The sanitizers map terabytes, write to standard error, and look at their own process. */
#if defined(__SANITIZE_ADDRESS__)
#define READER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define READER_SANITIZED 1
#endif
#endif
#ifndef READER_SANITIZED
#define READER_SANITIZED 0
#endif

enum {
	READER_CPU_S = 2,          /* of computing time, for a child */
	READER_MEMORY = 256 << 20, /* octets of address space, with all that it was born with */
};

/* Away from whoever started us: ends with them, gains no rights, shows its memory to nobody. Before
 * anything is loaded. 0 or -errno. */
int reader_sandbox_prepare(void) __attribute__((warn_unused_result));
/* For the process itself, once everything is loaded; for good. 0 or -errno. */
int reader_sandbox_enter(void) __attribute__((warn_unused_result));
/* For a child of `parent`: `out` is the only descriptor it keeps. For good. 0 or -errno. */
int reader_sandbox_enter_child(int out, pid_t parent) __attribute__((warn_unused_result));

/* In a child's sandbox: 0 when no file can be opened, else what went wrong. Then asks for a socket,
 * which must not return. */
int reader_sandbox_try(void);
