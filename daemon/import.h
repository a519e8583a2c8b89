/*
 * import - `vacd import roster FILE.csv …` and `vacd import holidays FILE.ics`
 *
 * All or nothing: the files of one call are stored in one transaction, or, when any line of any of
 * them is wrong, each of the wrong lines is named on stderr and nothing is stored.
 */
#pragma once

struct config;

/* Exit status: 0 stored (or, with --dry-run, could be); 1 something in the files is wrong; 2 it
 * could not be tried. config may be NULL when --database is given. */
int import_command(const struct config *config, int argc, char **argv);
