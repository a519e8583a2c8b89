/*
 * plan_command - `vacd plan`: what would be done now, and why
 */
#pragma once

struct config;

/* The process's exit status. argv[0] is the command's name. */
int plan_command(const struct config *config, int argc, char **argv);
