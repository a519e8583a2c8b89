/*
 * probe - `vacd probe ADDRESS`: a real test invitation, through the running daemon
 *
 * The message goes the way every other goes, through the outbox and the daemon's mailer, so that what is
 * tried is what will happen. Waits until the mail server has said yes or no.
 */
#pragma once

struct config;

/* Exit status: 0 the mail server took it, 1 it did not (yet), 2 it could not be tried. */
int probe_command(const struct config *config, int argc, char **argv);
