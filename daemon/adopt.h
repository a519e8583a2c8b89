/*
 * adopt - `vacd adopt`: mail is sent from this database from now on, although it is a copy
 */
#pragma once

struct config;

int adopt_command(const struct config *config, int argc, char **argv);
