/*
 * reader_child - one mail, read by a process of its own that may come to harm
 *
 * Seen from the reader: a child is forked, watched and ended; what it wrote comes back, or how it died.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct octets;

/* What a child does with a mail: the program's is reader_mail_work; tests have others. */
struct reader_work {
	/* Before the sandbox: whatever needs files. 0 or -errno. */
	int (*prepare)(void);
	/* Appends the text of the record (see reader_text_split()). 0 or -errno. */
	int (*read)(const char *raw, size_t n, int64_t now, int64_t until, struct octets *out);
};

enum {
	READER_WALL_MS = 5000, /* for a child, from its fork */
	READER_WHY_MAX = 160,
	/* A child's exit status when there was no memory, beside EXIT_SUCCESS and EXIT_FAILURE. */
	READER_EXIT_NO_MEMORY = 71,
};

/*
 * Has a child read `raw`. 0 with its text in out; READER_CHILD_DIED with how in why; -errno: no child
 * could be made, which is nothing that a mail does. out has room for READER_TEXT_MAX octets.
 */
enum { READER_CHILD_DIED = 1 };
int reader_child_read(const struct reader_work *work, const char *raw, size_t n, int64_t now,
	int64_t until, char *out, size_t *length, char why[READER_WHY_MAX])
	__attribute__((warn_unused_result));

/* Has a child try the fences of its sandbox. 0: they hold; else what is wrong in why. */
int reader_child_try(char why[READER_WHY_MAX]) __attribute__((warn_unused_result));
