/*
 * check - `vacd check`: tries everything the daemon needs, and says what is wrong and what to do
 *
 * One line for each thing: "ok   what" or "bad  what: what is wrong; what to do".
 */
#pragma once

struct config;

/* Exit status: 0 all is well, 1 something is bad. */
int check_command(const struct config *config, int argc, char **argv);
