/*
 * verify_history - `vacd verify-history`: is history as it was sealed? By another reckoning than the
 * database's
 */
#pragma once

struct config;

/* config may be NULL when --database is given. Exit status: 0 it is, 1 it is not, 2 it could not be tried,
 * 64 usage. */
int verify_history_command(const struct config *config, int argc, char **argv);
