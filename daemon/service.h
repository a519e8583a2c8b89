/*
 * service - the daemon itself: connections, stages, signals, and what it says of itself
 *
 * It says hello to the database before any stage works, and again at each reconnect: a schema of
 * another version is refused, and looked at again until it fits.
 */
#pragma once

struct config;
struct reader_process;

/* `vacd daemon`. Takes over *config, which SIGHUP replaces, and *reader, which was started before any
 * secret was read. Returns the exit status. */
int service_run(const char *config_path, struct config *config, struct reader_process *reader);
