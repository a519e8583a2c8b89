/*
 * settings - what the service takes from its configuration when it starts and when it is reloaded
 */
#pragma once

struct config;
struct token_keys;

/* A word of the key log_level. */
void settings_log_level(const char *word);
/* No keys is all right as long as nothing is sent. 0, -EINVAL for an administrator, or another -errno that
 * passes; logged. */
int settings_keys(const struct config *config, struct token_keys **keysp)
	__attribute__((warn_unused_result));
/* Logs which changes count from the next start on only. */
void settings_wait(const struct config *old, const struct config *new);
