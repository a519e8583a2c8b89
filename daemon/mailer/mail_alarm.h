/*
 * mail_alarm - alarms about mail, raised and cleared in the database
 *
 * Never told by mail alone: they go to the journal at once and to the view of alarms as soon as the
 * database takes them.
 */
#pragma once

#include <stddef.h>

struct mail_alarms;
struct pg;

enum mail_alarm {
	MAIL_ALARM_LOGIN,    /* mail_login: the server refuses our login */
	MAIL_ALARM_TLS,      /* mail_tls: the server cannot be trusted */
	MAIL_ALARM_SERVER,   /* mail_server: nothing can be sent for some time */
	MAIL_ALARM_SENDER,   /* mail_sender: the server refuses our own address */
	MAIL_ALARM_REFUSALS, /* mail_refusals: the server refuses one recipient after the other */
	MAIL_ALARMS,
};

/* daemon_id is copied. */
int mail_alarms_new(struct pg *pg, const char *daemon_id, struct mail_alarms **alarmsp)
	__attribute__((warn_unused_result));
struct mail_alarms *mail_alarms_free(struct mail_alarms *alarms);

void mail_alarm_raise(struct mail_alarms *alarms, enum mail_alarm alarm, const char *text);
void mail_alarm_clear(struct mail_alarms *alarms, enum mail_alarm alarm);
/* Tells the database what it does not know yet. */
void mail_alarms_flush(struct mail_alarms *alarms);
