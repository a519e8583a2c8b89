/*
 * receive - `vacd receive`: one mail on standard input, by LMTP to the daemon
 *
 * For pipes of mail servers and for programs that fetch from a mailbox; blocking. Ends with a status of
 * sysexits.h: EX_TEMPFAIL when it may work later, whatever else when it never will.
 */
#pragma once

struct config;

/* config may be NULL. */
int receive_command(const struct config *config, int argc, char **argv);
