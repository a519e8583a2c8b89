/*
 * service - the daemon itself: connections, stages, signals, and what it says of itself
 *
 * It says hello to the database before any stage works, and again at each reconnect: a schema of
 * another version is refused, and looked at again until it fits.
 */
#pragma once

struct config;

/* `vacd daemon`. Takes over *config, which SIGHUP replaces. Returns the exit status. */
int service_run(const char *config_path, struct config *config);
