/*
 * ical-loop - how many calendar objects libical alone writes a second, on one core
 *
 *	ical-loop COUNT
 *
 * An invitation like vacd's, made once and written COUNT times, first with times in UTC as vacd has them,
 * then with a VTIMEZONE beside it. Prints both rates, of processor time.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libical/ical.h>

static const char event_lines[] =
	"BEGIN:VCALENDAR\r\nPRODID:-//bench//EN\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
	"BEGIN:VEVENT\r\n"
	"UID:0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11\r\nSEQUENCE:0\r\nDTSTAMP:20261123T214000Z\r\n"
	"DTSTART:20261124T170000Z\r\nDTEND:20261124T180000Z\r\nSTATUS:CONFIRMED\r\n"
	"TRANSP:OPAQUE\r\nCLASS:PRIVATE\r\nSUMMARY:Appointment K7Q-4MX\r\nLOCATION:SEA MAIN\r\n"
	"DESCRIPTION:Case K7Q-4MX. Tuesday 24 November 2026\\, 09:00 PST\\, at the office.\\n"
	"Please answer by Monday 23 November 2026\\, 17:00 PST. Call +1 206 555 0100.\r\n"
	"ORGANIZER;CN=Victim assistance scheduling:mailto:vacd+k1.nopqrstuvwxy2@agency.example\r\n"
	"ATTENDEE;CN=Coordinator A;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;"
	"RSVP=TRUE:mailto:coordinator.a@agency.example\r\n"
	"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\n"
	"END:VEVENT\r\nEND:VCALENDAR\r\n";

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double rate(icalcomponent *calendar, long count)
{
	double at = cpu_seconds();

	for (long i = 0; i < count; i++) {
		char *text = icalcomponent_as_ical_string_r(calendar);

		if (text == NULL || strlen(text) < 500)
			errx(1, "libical wrote nothing");
		icalmemory_free_buffer(text);
	}
	return (double)count / (cpu_seconds() - at);
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	icalcomponent *calendar = icalparser_parse_string(event_lines);
	icaltimezone *zone = icaltimezone_get_builtin_timezone("America/Los_Angeles");
	icalcomponent *described = zone != NULL ? icaltimezone_get_component(zone) : NULL;

	if (count < 1)
		errx(2, "usage: ical-loop COUNT");
	if (calendar == NULL || described == NULL)
		errx(1, "libical lacks the calendar or the time zone");
	printf("%.0f ", rate(calendar, count));
	icalcomponent_add_component(calendar, icalcomponent_new_clone(described));
	printf("%.0f\n", rate(calendar, count));
	icalcomponent_free(calendar);
	icaltimezone_free_builtin_timezones();
	return 0;
}
