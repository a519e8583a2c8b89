/*
 * reader_process - the reader itself: a process that has mails read, and has nothing that is worth taking
 *
 * The daemon executes its own program anew for it, before it reads a secret, with an empty environment
 * and one socket. It loads what reading needs, enters its sandbox, tries whether that holds, and then
 * forks one child a mail. It never looks into a mail itself.
 */
#pragma once

#include <sys/types.h>

struct reader_work;

/* Its other end, for the daemon. Should the process die it is started anew: by then the daemon knows
 * secrets, but what is executed inherits neither memory nor descriptors. */
struct reader_process {
	pid_t pid;  /* 0: none */
	int socket; /* -1: none */
};

#define READER_NONE ((struct reader_process){.pid = 0, .socket = -1})

/* Starts `vacd reader`; that it is ready it says on the socket. 0 or -errno. */
int reader_process_start(struct reader_process *process) __attribute__((warn_unused_result));
/* Ends it and waits for its end. */
void reader_process_end(struct reader_process *process);

/* `vacd reader`: serves the socket that is standard input until the other end is closed. Returns the
 * exit status. */
int reader_process_run(const struct reader_work *work);
