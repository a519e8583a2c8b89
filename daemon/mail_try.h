/*
 * mail_try - one login to the mail server, to see whether it works (vacd check)
 */
#pragma once

#include <stddef.h>

#include "mailer/mail_connection.h"

/*
 * Opens one connection with a loop of its own, logs in, says QUIT. Blocks for timeout_ms at most.
 * 0: text says what was agreed on; MAIL_TRY_FAILED: text says what is wrong and what to do, *why (may be
 * NULL) which kind it is; -errno. SIGPIPE must be ignored by the process.
 */
enum { MAIL_TRY_FAILED = 1 };
int mail_try(const struct config *config, long timeout_ms, enum mail_closed *why, char *text,
	size_t text_size) __attribute__((warn_unused_result));
