/*
 * activation - sockets that systemd opened for us (sd_listen_fds(3))
 */
#pragma once

/* Before any program is executed: what is handed over is ours alone. */
void activation_seal(void);
/* The descriptor whose FileDescriptorName= is this; -1: none. */
int activation_find(const char *name);
