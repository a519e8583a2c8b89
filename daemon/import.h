/*
 * import - `vacd import roster FILE.csv …` and `vacd import holidays FILE.ics`
 *
 * All or nothing: the files of one call are stored in one transaction, or, when any line of any of
 * them is wrong, each of the wrong lines is named on stderr and nothing is stored.
 */
#pragma once

struct config;
struct session;

/* Exit status: 0 stored (or, with --dry-run, could be); 1 something in the files is wrong; 2 it
 * could not be tried. config may be NULL when --database is given. */
int import_command(const struct config *config, int argc, char **argv);

/* The sheets, or the holidays from a year on for some years, into the transaction that the session
 * has begun. What is wrong is said on stderr. Exit status, as above. */
int import_rosters_into(struct session *session, char **paths, int n)
	__attribute__((warn_unused_result));
int import_holidays_into(struct session *session, const char *path, int year)
	__attribute__((warn_unused_result));
