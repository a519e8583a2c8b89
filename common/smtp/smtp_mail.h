/*
 * smtp_mail - the part of the dialogue that carries messages
 */
#pragma once

#include "smtp_dialogue.h"

/* Writes whatever can be written now without another reply. */
void smtp_go_on(struct smtp *smtp);

/* Replies, to what their names say. */
void smtp_on_mail(struct smtp *smtp, int code);
void smtp_on_rcpt(struct smtp *smtp, int code);
void smtp_on_data(struct smtp *smtp, int code);
void smtp_on_dot(struct smtp *smtp, int code);

/* The first message will not be sent, for the reason of the reply that just came; the envelope's other
 * replies are still to come. */
void smtp_refuse_first(struct smtp *smtp, enum smtp_outcome outcome);
/* The refused envelope is over: outcome and RSET. */
void smtp_drop_first(struct smtp *smtp);
