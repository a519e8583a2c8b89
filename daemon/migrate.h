/*
 * migrate - `vacd migrate [--database CONNINFO] [--sql DIR] [--check]`
 *
 * Makes a database's schema that of the SQL files, from nothing or from any older state:
 * bootstrap.sql, then each numbered file that is not there yet in a transaction of its own, then
 * all functions and views in one. Files that were applied are never edited; there is no way back.
 */
#pragma once

struct config;

/*
 * Exit status: 0 done or nothing to do; with --check 1 when there is something to do; 2 when it
 * cannot be done, with the reason on stderr. config may be NULL when --database is given.
 */
int migrate_command(const struct config *config, int argc, char **argv);
