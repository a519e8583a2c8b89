#include "import.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "file.h"
#include "holiday.h"
#include "json.h"
#include "roster.h"
#include "session.h"

enum { DONE = 0, WRONG = 1, CANNOT = 2 };

enum {
	FILE_MOST = 64 << 20,
	HOLIDAY_YEARS = 5, /* after this one */
};

struct options {
	const char *database;
	const char *office;
	bool dry_run;
	char **files;
	int n_files;
};

struct roster_file {
	const char *path;
	char *text;
	size_t length;
	struct roster_sheet sheet;
};

static const char usage[] =
	"usage: vacd import roster [--database CONNINFO] [--dry-run] FILE.csv …\n"
	"       vacd import holidays [--database CONNINFO] [--office CODE] [--dry-run] FILE.ics\n"
	"\n"
	"Stores offices, supervisors, coordinators, weekly patterns and leave from CSV files (see\n"
	"vacd-roster(5)), or days off from an iCalendar file: all of it, or nothing when any line "
	"is\n"
	"wrong. What is stored already stays as it is, so that a file can be imported again.\n"
	"\n"
	"  --database CONNINFO  the login of an administrator or of a supervisor of all offices, "
	"such\n"
	"                       as \"host=db1 dbname=vac user=postgres\"; its password comes from\n"
	"                       ~/.pgpass (default: the configuration's database)\n"
	"  --office CODE        the days are off in this office only, not in all\n"
	"  --dry-run            check everything, say what would change, store nothing\n"
	"\n"
	"Exit status: 0 done, 1 something in the files is wrong, 2 it could not be tried.\n";

static void say(const char *path, size_t line, const char *text)
{
	if (line > 0)
		fprintf(stderr, "%s:%zu: %s\n", path, line, text);
	else
		fprintf(stderr, "%s: %s\n", path, text);
}

static int cannot(int error)
{
	fprintf(stderr, "vacd import: %s\n", strerror(-error));
	return CANNOT;
}

/* ---- one transaction ---- */

static int begin(const struct options *options, struct session **sessionp)
{
	int r = session_open("import", options->database, sessionp);

	if (r < 0)
		return cannot(r);
	return r || session_do(*sessionp, "BEGIN", 0, NULL) ? CANNOT : DONE;
}

/* What the database refused as a whole. */
static int refused(const struct session *session)
{
	const char *sqlstate = session_sqlstate(session);

	if (strcmp(sqlstate, "42883") == 0 || strcmp(sqlstate, "3F000") == 0)
		session_say(session,
			"the schema is not there, or an older one: run vacd migrate first");
	else if (strcmp(sqlstate, "42501") == 0)
		session_say(session,
			"role \"%s\" may not import: log in as an administrator or as a supervisor "
			"of all offices",
			session_user(session));
	return CANNOT;
}

/* Rows: sheet, added, changed, unchanged, retired. */
static int show_summary(struct session *session)
{
	PGresult *result = session_query(session, "SELECT * FROM vac.import_summary()", 0, NULL);

	if (!result)
		return refused(session);
	for (int row = 0; row < PQntuples(result); row++) {
		const char *retired = PQgetvalue(result, row, 4);
		bool some = strcmp(retired, "0") != 0;

		printf("%s: %s added, %s changed, %s unchanged%s%s%s\n", PQgetvalue(result, row, 0),
			PQgetvalue(result, row, 1), PQgetvalue(result, row, 2),
			PQgetvalue(result, row, 3), some ? ", " : "", some ? retired : "",
			some ? " removed" : "");
	}
	PQclear(result);
	return DONE;
}

/* status: how it went until here. */
static int end(struct session *session, const struct options *options, int status)
{
	if (status == DONE)
		status = show_summary(session);
	/* Closing the connection rolls back whatever was not committed. */
	if (status != DONE)
		return status;
	if (options->dry_run) {
		printf("nothing was stored (--dry-run)\n");
		return DONE;
	}
	if (session_do(session, "COMMIT", 0, NULL) == 0)
		return DONE;
	session_say(session, "whether it was stored is not known: run this again");
	return CANNOT;
}

/* ---- rosters ---- */

static int read_roster(struct roster_file *file)
{
	int r = file_read(file->path, FILE_MOST, &file->text, &file->length);

	if (r == -ENOMEM)
		return cannot(r);
	if (r) {
		say(file->path, 0, strerror(-r));
		return WRONG;
	}
	r = roster_read(file->text, file->length, &file->sheet);
	if (r < 0)
		return cannot(r);
	for (size_t i = 0; i < file->sheet.n_problems; i++)
		say(file->path, file->sheet.problems[i].line, file->sheet.problems[i].text);
	return r ? WRONG : DONE;
}

static int by_order(const void *a, const void *b)
{
	const struct roster_file *one = a, *other = b;

	return one->sheet.order - other->sheet.order;
}

/* files are in their order. */
static int check_once(const struct roster_file *files, int n)
{
	int status = DONE;

	for (int i = 1; i < n; i++) {
		if (files[i].sheet.order != files[i - 1].sheet.order)
			continue;
		fprintf(stderr,
			"%s:1: sheet %s, as in %s; expected each sheet once (import them one after "
			"the other)\n",
			files[i].path, files[i].sheet.name, files[i - 1].path);
		status = WRONG;
	}
	return status;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

/* Whether the rows of all of them mean something is left in *usablep. */
static int read_rosters(struct roster_file *files, char **paths, int n, bool *usablep)
{
	int status = DONE;

	*usablep = true;
	for (int i = 0; i < n; i++) {
		files[i].path = paths[i];
		status = most(status, read_roster(&files[i]));
		*usablep = *usablep && files[i].sheet.usable;
	}
	if (!*usablep)
		return status;
	qsort(files, (size_t)n, sizeof(*files), by_order);
	if (check_once(files, n)) {
		*usablep = false;
		status = most(status, WRONG);
	}
	return status;
}

/* Rows: line, column, problem. */
static int say_problems(const struct roster_file *file, const PGresult *result)
{
	int n = 0;

	for (int row = 0; row < PQntuples(result); row++) {
		const char *line = session_text(result, row, 0);
		const char *column = session_text(result, row, 1);
		const char *text = PQgetvalue(result, row, 2);
		size_t number = line ? strtoul(line, NULL, 10) : 0;

		if (roster_is_bad_line(&file->sheet, number))
			continue;
		fprintf(stderr, "%s:%zu: %s%s%s%s\n", file->path, number, column ? "column " : "",
			column ? column : "", column ? ": " : "", text);
		n++;
	}
	return n > 0 ? WRONG : DONE;
}

static int send_roster(struct session *session, const struct roster_file *file)
{
	const char *values[] = {file->sheet.name, file->sheet.rows};
	PGresult *result;
	int status;

	result = session_query(
		session, "SELECT * FROM vac.import_roster($1, $2::jsonb)", 2, values);
	if (!result)
		return refused(session);
	status = say_problems(file, result);
	PQclear(result);
	return status;
}

/* All of them, or until one could not be sent. */
static int send_each(struct session *session, const struct roster_file *files, int n)
{
	int status = DONE;

	for (int i = 0; i < n && status != CANNOT; i++)
		status = most(status, send_roster(session, &files[i]));
	return status;
}

/* status: WRONG when lines were bad already; the database then looks for more, and stores
 * nothing. */
static int send_rosters(const struct roster_file *files, const struct options *options, int status)
{
	struct session *session = NULL;
	int r = begin(options, &session);

	if (r == DONE)
		r = send_each(session, files, options->n_files);
	if (r != CANNOT)
		r = end(session, options, most(status, r));
	session_free(session);
	return r;
}

/* One more than needed: there is always something to free. */
static struct roster_file *new_files(int n)
{
	return calloc((size_t)n + 1, sizeof(struct roster_file));
}

static void free_files(struct roster_file *files, int n)
{
	for (int i = 0; i < n; i++) {
		roster_sheet_clear(&files[i].sheet);
		free(files[i].text);
	}
	free(files);
}

static int import_roster(const struct options *options)
{
	struct roster_file *files = new_files(options->n_files);
	bool usable;
	int status;

	if (!files)
		return cannot(-ENOMEM);
	status = read_rosters(files, options->files, options->n_files, &usable);
	if (usable && status != CANNOT)
		status = send_rosters(files, options, status);
	free_files(files, options->n_files);
	return status;
}

int import_rosters_into(struct session *session, char **paths, int n)
{
	struct roster_file *files = new_files(n);
	bool usable;
	int status;

	if (!files)
		return cannot(-ENOMEM);
	status = read_rosters(files, paths, n, &usable);
	if (usable && status != CANNOT)
		status = most(status, send_each(session, files, n));
	free_files(files, n);
	return status;
}

/* ---- holidays ---- */

static int this_year(void)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return tm.tm_year + 1900;
}

static int read_holidays(const char *path, int year, struct holiday_list *list)
{
	size_t length;
	char *text;
	int r = file_read(path, FILE_MOST, &text, &length);

	*list = (struct holiday_list){0};
	if (r) {
		say(path, 0, strerror(-r));
		return r == -ENOMEM ? CANNOT : WRONG;
	}
	r = holiday_read(text, year, year + HOLIDAY_YEARS, list);
	free(text);
	if (r < 0)
		return cannot(r);
	for (size_t i = 0; i < list->n_problems; i++)
		say(path, list->problems[i].line, list->problems[i].text);
	if (!r && list->n_holidays == 0) {
		fprintf(stderr, "%s: no day in it from %d to %d; expected one at least\n", path,
			year, year + HOLIDAY_YEARS);
		r = HOLIDAY_INVALID;
	}
	return r ? WRONG : DONE;
}

static int holidays_as_json(const struct holiday_list *list, char **textp)
{
	struct json json = {0};

	json_open(&json, '[');
	for (size_t i = 0; i < list->n_holidays; i++) {
		json_open(&json, '{');
		json_key(&json, "day");
		json_text(&json, list->holidays[i].day);
		json_key(&json, "name");
		json_text(&json, list->holidays[i].name);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	return json_take(&json, textp);
}

static int put_holidays(
	struct session *session, const struct holiday_list *list, const char *office)
{
	const char *values[] = {NULL, office};
	char *rows = NULL;
	int r = holidays_as_json(list, &rows);

	if (r)
		return cannot(r);
	values[0] = rows;
	r = session_do(session, "SELECT vac.import_holidays($1::jsonb, $2)", 2, values);
	free(rows);
	return r ? refused(session) : DONE;
}

static int send_holidays(const struct holiday_list *list, const struct options *options)
{
	struct session *session = NULL;
	int status = begin(options, &session);

	if (status == DONE)
		status = put_holidays(session, list, options->office);
	if (status == DONE)
		status = end(session, options, DONE);
	session_free(session);
	return status;
}

static int import_holidays(const struct options *options)
{
	struct holiday_list list;
	int status = read_holidays(options->files[0], this_year(), &list);

	if (status == DONE)
		status = send_holidays(&list, options);
	holiday_list_clear(&list);
	return status;
}

int import_holidays_into(struct session *session, const char *path, int year)
{
	struct holiday_list list;
	int status = read_holidays(path, year, &list);

	if (status == DONE)
		status = put_holidays(session, &list, NULL);
	holiday_list_clear(&list);
	return status;
}

/* ---- the command ---- */

/* argv[0] is the word behind import. 0, 'h' for help, '?' for what is not understood. */
static int parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"database", required_argument, NULL, 'd'},
		{"office", required_argument, NULL, 'o'},
		{"dry-run", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0; /* main has looked at options already */
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'd')
			options->database = optarg;
		else if (c == 'o')
			options->office = optarg;
		else if (c == 'n')
			options->dry_run = true;
		else
			return c;
	}
	options->files = argv + optind;
	options->n_files = argc - optind;
	return options->n_files > 0 ? 0 : '?';
}

static int conclude(int status)
{
	if (status == WRONG)
		fprintf(stderr, "vacd import: nothing was stored\n");
	return status;
}

int import_command(const struct config *config, int argc, char **argv)
{
	struct options options = {.database = config ? config->database : "dbname=vac"};
	bool roster = argc > 1 && strcmp(argv[1], "roster") == 0;
	bool holidays = argc > 1 && strcmp(argv[1], "holidays") == 0;
	int r = '?';

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		r = 'h';
	else if (roster || holidays)
		r = parse(&options, argc - 1, argv + 1);
	if (r == 0 && roster && !options.office)
		return conclude(import_roster(&options));
	if (r == 0 && holidays && options.n_files == 1)
		return conclude(import_holidays(&options));
	fputs(usage, r == 'h' ? stdout : stderr);
	return r == 'h' ? DONE : CANNOT;
}
