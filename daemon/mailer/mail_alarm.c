/*
 * mail_alarm - alarms about mail, raised and cleared in the database
 */
#include "mail_alarm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mail_connection.h"
#include "../pg.h"

static const char *const names[MAIL_ALARMS] = {
	[MAIL_ALARM_LOGIN] = "mail_login",
	[MAIL_ALARM_TLS] = "mail_tls",
	[MAIL_ALARM_SERVER] = "mail_server",
	[MAIL_ALARM_SENDER] = "mail_sender",
	[MAIL_ALARM_REFUSALS] = "mail_refusals",
};

struct alarm {
	struct mail_alarms *alarms;
	bool raised;
	bool told;   /* the database knows */
	bool asking; /* it is being told; told is set for what was true then */
	char text[MAIL_TEXT_MAX];
};

struct mail_alarms {
	struct pg *pg;
	char daemon_id[40];
	struct alarm list[MAIL_ALARMS];
};

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct alarm *alarm = arg;

	alarm->asking = false;
	if (reply->outcome == PG_LOST)
		alarm->told = false;
	if (reply->outcome == PG_REFUSED) /* the journal has it; asking again would not help */
		log_error("alarm not stored", "alarm=%s sqlstate=%s why=\"%s\"",
			names[alarm - alarm->alarms->list], reply->sqlstate, reply->text);
	if (!alarm->told && reply->outcome != PG_LOST)
		mail_alarms_flush(alarm->alarms);
}

static void tell(struct mail_alarms *alarms, struct alarm *alarm)
{
	const char *const values[] = {alarms->daemon_id, names[alarm - alarms->list], alarm->text};
	int r;

	if (alarm->told || alarm->asking)
		return;
	if (alarm->raised)
		r = pg_call(alarms->pg, "SELECT vac_daemon.raise_alarm($1, $2, $3)", 3, values,
			on_reply, alarm);
	else
		r = pg_call(alarms->pg, "SELECT vac_daemon.clear_alarm($1, $2)", 2, values,
			on_reply, alarm);
	alarm->told = alarm->asking = r == 0;
}

void mail_alarms_flush(struct mail_alarms *alarms)
{
	for (size_t i = 0; i < MAIL_ALARMS; i++)
		tell(alarms, &alarms->list[i]);
}

void mail_alarm_raise(struct mail_alarms *alarms, enum mail_alarm which, const char *text)
{
	struct alarm *alarm = &alarms->list[which];

	if (alarm->raised && strcmp(alarm->text, text) == 0)
		return;
	alarm->raised = true;
	alarm->told = false;
	snprintf(alarm->text, sizeof(alarm->text), "%s", text);
	log_error("alarm raised", "alarm=%s why=\"%s\"", names[which], text);
	tell(alarms, alarm);
}

void mail_alarm_clear(struct mail_alarms *alarms, enum mail_alarm which)
{
	struct alarm *alarm = &alarms->list[which];

	if (!alarm->raised)
		return;
	alarm->raised = false;
	alarm->told = false;
	log_notice("alarm cleared", "alarm=%s", names[which]);
	tell(alarms, alarm);
}

int mail_alarms_new(struct pg *pg, const char *daemon_id, struct mail_alarms **alarmsp)
{
	struct mail_alarms *alarms = calloc(1, sizeof(*alarms));

	if (alarms == NULL)
		return -ENOMEM;
	alarms->pg = pg;
	snprintf(alarms->daemon_id, sizeof(alarms->daemon_id), "%s", daemon_id);
	for (size_t i = 0; i < MAIL_ALARMS; i++) {
		alarms->list[i].alarms = alarms;
		alarms->list[i].told = true;
	}
	*alarmsp = alarms;
	return 0;
}

struct mail_alarms *mail_alarms_free(struct mail_alarms *alarms)
{
	if (alarms != NULL)
		for (size_t i = 0; i < MAIL_ALARMS; i++)
			pg_forget(alarms->pg, &alarms->list[i]);
	free(alarms);
	return NULL;
}
