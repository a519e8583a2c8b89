/*
 * status - `vacd status`: how it stands, in about fifteen lines, from the database's point of view
 */
#pragma once

struct config;

/* Exit status: 0 all is well, 1 something needs a look, 2 something is wrong or the database is away. */
int status_command(const struct config *config, int argc, char **argv);
