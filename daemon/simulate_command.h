/*
 * simulate_command - `vacd simulate`: what would come of weeks of work
 */
#pragma once

struct config;

/* The process's exit status. argv[0] is the command's name. config may be NULL when --database is
 * given. */
int simulate_command(const struct config *config, int argc, char **argv);
