/*
 * smtp_hello - the part of the dialogue from the greeting to the login
 */
#pragma once

#include "smtp_dialogue.h"

void smtp_say_hello(struct smtp *smtp);

/* Replies, to what their names say. */
void smtp_on_greeting(struct smtp *smtp, int code);
void smtp_on_ehlo(struct smtp *smtp, int code);
void smtp_on_starttls(struct smtp *smtp, int code);
void smtp_on_auth(struct smtp *smtp, int code);
