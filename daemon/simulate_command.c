#include "simulate_command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "file.h"
#include "import.h"
#include "look.h"
#include "session.h"
#include "simulate/figures.h"
#include "simulate/options.h"
#include "simulate/plot.h"
#include "simulate/scene.h"

enum { DONE = 0, WRONG = 1, CANNOT = 2, FILE_MOST = 256 << 20, USUAL_DAYS = 28 };

#define DAY INT64_C(86400)

struct simulation {
	const struct config *config;
	struct simulate_options options;
	struct look look;
	struct session *session; /* when --database was given, or rosters */
	struct arrivals_sheet sheet;
	char start[11]; /* the sheet's first day */
	struct arrivals arrivals;
	struct scene scene;
	struct tally tally;
};

static int cannot(const struct simulation *sim, int error)
{
	if (error < 0)
		look_say(&sim->look, "%s", strerror(-error));
	return CANNOT;
}

/* ---- the file of arrivals ---- */

static int say_problems(const struct simulation *sim)
{
	for (size_t i = 0; i < sim->sheet.n_problems; i++)
		fprintf(stderr, "%s:%zu: %s\n", sim->options.arrivals, sim->sheet.problems[i].line,
			sim->sheet.problems[i].text);
	return sim->sheet.n_problems > 0 ? WRONG : DONE;
}

static int read_sheet(struct simulation *sim)
{
	size_t length;
	char *text;
	int r = file_read(sim->options.arrivals, FILE_MOST, &text, &length);

	if (r < 0) {
		look_say(&sim->look, "%s: %s", sim->options.arrivals, strerror(-r));
		return r == -ENOMEM ? CANNOT : WRONG;
	}
	r = arrivals_read(text, length, &sim->sheet);
	free(text);
	if (r < 0)
		return cannot(sim, r);
	if (r == 0 && sim->sheet.n == 0)
		r = arrivals_problem(&sim->sheet, 1, "no case; expected a line for each");
	return r < 0 ? cannot(sim, r) : say_problems(sim);
}

/* Without --start and --days the file says when. */
static int set_days(struct simulation *sim)
{
	const char *first = sim->sheet.lines[0].opened, *last = first;
	int64_t n;

	for (size_t i = 1; i < sim->sheet.n; i++) {
		const char *opened = sim->sheet.lines[i].opened;

		if (strncmp(opened, first, 10) < 0)
			first = opened;
		if (strncmp(opened, last, 10) > 0)
			last = opened;
	}
	snprintf(sim->start, sizeof sim->start, "%.10s", first);
	if (sim->options.start == NULL)
		sim->options.start = sim->start;
	n = scene_day(last) - scene_day(sim->options.start) + 1;
	if (sim->options.n_days > 0)
		return DONE;
	if (n < 1 || n > SIMULATE_MOST_DAYS) {
		look_say(&sim->look, "%s: the days from %s to %.10s are too many; say --days",
			sim->options.arrivals, sim->options.start, last);
		return WRONG;
	}
	sim->options.n_days = (size_t)n;
	return DONE;
}

static int check_lines(struct simulation *sim)
{
	for (size_t i = 0; i < sim->sheet.n; i++) {
		const struct arrivals_line *line = &sim->sheet.lines[i];
		int r = 0;

		if (scene_office(&sim->scene, line->office) == sim->scene.n_offices)
			r = arrivals_problem(&sim->sheet, line->line,
				"column office: no office '%s'", line->office);
		if (r == 0 && scene_service(&sim->scene, line->arrival.service) == NULL)
			r = arrivals_problem(&sim->sheet, line->line,
				"column service: no service '%s'", line->arrival.service);
		if (r < 0)
			return cannot(sim, r);
	}
	return say_problems(sim);
}

/* Local times become moments in the database, by its one definition. */
static int ask_moments(struct simulation *sim, PGresult **resultp)
{
	const char **times = calloc(sim->sheet.n, sizeof *times);
	struct octets list = {0};
	const char *values[2];
	char *offices = NULL, *array = NULL, id[16];
	size_t length;
	int r = -ENOMEM;

	for (size_t i = 0; times && i < sim->sheet.n; i++) {
		size_t office = scene_office(&sim->scene, sim->sheet.lines[i].office);

		times[i] = sim->sheet.lines[i].opened;
		snprintf(id, sizeof id, "%s%d", i > 0 ? "," : "{",
			(int)sim->scene.offices[office].id);
		octets_add_text(&list, id);
	}
	octets_add_char(&list, '}');
	if (octets_take(&list, &offices, &length) == 0 && times)
		array = look_array(times, sim->sheet.n);
	values[0] = offices;
	values[1] = array;
	if (array)
		r = look_query(&sim->look, "SELECT unnest(vac_daemon.simulate_moments($1, $2))", 2,
			values, resultp);
	free(times);
	free(offices);
	free(array);
	return r;
}

static int take_lines(struct simulation *sim, const PGresult *moments)
{
	size_t outside = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sim->sheet.n; i++) {
		struct arrivals_line *line = &sim->sheet.lines[i];
		struct arrival *one = &line->arrival;
		const int64_t *days;

		one->office = scene_office(&sim->scene, line->office);
		one->opened = strtoll(PQgetvalue(moments, (int)i, 0), NULL, 10);
		one->draw = arrivals_seed(sim->options.seed, line->line);
		if (one->follow_ups < 0)
			one->follow_ups = arrivals_follow_ups(&sim->options.mix, one->draw);
		one->language = arrivals_word(&sim->arrivals, one->language);
		one->service = arrivals_word(&sim->arrivals, one->service);
		if (one->language == NULL || one->service == NULL)
			return -ENOMEM;
		days = sim->scene.offices[one->office].day_starts;
		if (days[0] <= one->opened && one->opened < days[sim->scene.n_days])
			r = arrivals_add(&sim->arrivals, one);
		else
			outside++;
	}
	if (outside > 0)
		look_say(&sim->look, "%s: %zu of %zu cases lie outside the simulated days",
			sim->options.arrivals, outside, sim->sheet.n);
	return r;
}

static int take_sheet(struct simulation *sim)
{
	PGresult *moments = NULL;
	int status = check_lines(sim), r;

	if (status != DONE)
		return status;
	r = ask_moments(sim, &moments);
	if (r == 0 && (size_t)PQntuples(moments) != sim->sheet.n)
		r = LOOK_FAILED;
	if (r == 0)
		r = take_lines(sim, moments);
	PQclear(moments);
	return r == 0 ? DONE : cannot(sim, r);
}

/* ---- drawn arrivals ---- */

static int check_mix(const struct simulation *sim)
{
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		const struct arrivals_words *services = &sim->options.mix.services[i];

		for (size_t j = 0; j < services->n; j++) {
			if (scene_service(&sim->scene, services->list[j].word))
				continue;
			look_say(&sim->look,
				"the database has no service '%s'; name the cases with --arrivals",
				services->list[j].word);
			return WRONG;
		}
	}
	return DONE;
}

static int draw_arrivals(struct simulation *sim)
{
	int status = check_mix(sim), r = 0;

	for (size_t i = 0; status == DONE && r == 0 && i < sim->scene.n_offices; i++)
		r = arrivals_draw(&sim->arrivals, &sim->options.mix, sim->options.seed, i,
			sim->scene.offices[i].code, sim->scene.offices[i].day_starts,
			sim->scene.n_days);
	return r < 0 ? cannot(sim, r) : status;
}

/* ---- the database ---- */

/* Rosters and holidays are stored in a transaction that is never committed. */
static int import_files(struct simulation *sim)
{
	const struct simulate_options *options = &sim->options;
	int status = DONE;

	if (options->n_rosters > 0)
		status = import_rosters_into(sim->session, options->rosters, options->n_rosters);
	if (status == DONE && options->holidays) {
		const char *start = options->start;
		PGresult *result = NULL;
		int year;

		if (start == NULL)
			result = session_query(
				sim->session, "SELECT vac_daemon.simulate_start()", 0, NULL);
		if (start == NULL && result == NULL)
			return CANNOT;
		year = (int)strtol(start ? start : PQgetvalue(result, 0, 0), NULL, 10);
		PQclear(result);
		status = import_holidays_into(sim->session, options->holidays, year);
	}
	return status;
}

static int open_session(struct simulation *sim)
{
	const struct simulate_options *options = &sim->options;
	bool files = options->n_rosters > 0 || options->holidays;
	const char *database = options->database;
	int r;

	if (database == NULL)
		database = sim->config ? sim->config->database : "dbname=vac";
	r = session_open("simulate", database, &sim->session);
	if (r != 0)
		return cannot(sim, r);
	sim->look.pg = session_connection(sim->session);
	if (session_do(sim->session,
		    /* An import must see what others commit meanwhile. */
		    files ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL)
		!= 0)
		return CANNOT;
	return import_files(sim);
}

static int open_database(struct simulation *sim)
{
	const struct simulate_options *options = &sim->options;
	int r;

	if (options->database || options->n_rosters > 0 || options->holidays)
		return open_session(sim);
	if (sim->config == NULL) {
		look_say(&sim->look, "no configuration; say --database");
		return CANNOT;
	}
	r = look_open(sim->config, "simulate", &sim->look);
	return r == 0 ? DONE : cannot(sim, r);
}

/* Closing rolls back. Locks of an import must not outlive the reading. */
static void close_database(struct simulation *sim)
{
	if (sim->session)
		sim->look.pg = NULL;
	sim->session = session_free(sim->session);
	look_close(&sim->look);
}

static int read_scene(struct simulation *sim)
{
	struct simulate_rules *rules = &sim->scene.rules;
	int r, status;

	rules->follow_up_seconds = 7 * DAY;
	rules->open_seconds = sim->options.open_days * DAY;
	rules->decline_percent = sim->options.decline_percent;
	r = scene_open(&sim->scene, &sim->look, sim->options.start, sim->options.n_days);
	if (r != 0)
		return cannot(sim, r);
	status = sim->options.arrivals ? take_sheet(sim) : draw_arrivals(sim);
	if (status != DONE)
		return status;
	arrivals_sort(&sim->arrivals);
	r = scene_people(&sim->scene, &sim->look, &sim->arrivals);
	/* It plans thousands of times: none may take as long as one that counts. */
	if (rules->policy.steps == 0 || rules->policy.steps > sim->options.plan_steps)
		rules->policy.steps = sim->options.plan_steps;
	return r == 0 ? DONE : cannot(sim, r);
}

/* ---- playing ---- */

struct group_words {
	const struct simulation *sim;
	const struct scene_group *group;
};

static const char *office_code(void *arg, size_t office)
{
	const struct group_words *words = arg;

	return words->sim->scene.offices[words->group->scene_offices[office]].code;
}

/* Of all words only these come up in figures. */
static const char *word_of(void *arg, int32_t word)
{
	const struct group_words *words = arg;
	const struct arrivals *arrivals = &words->sim->arrivals;

	for (size_t i = 0; i < arrivals->n_words; i++)
		if (scene_word(words->group, arrivals->words[i]) == word)
			return arrivals->words[i];
	return words->group->group.follow_up.service == word ? "counseling" : "?";
}

static int play_group(struct simulation *sim, struct scene_group *group)
{
	struct group_words words = {sim, group};
	const struct tally_names names = {office_code, word_of, &words};
	struct simulate_result result = {0};
	struct simulate_case *cases = NULL;
	char why[200] = "";
	int r = scene_cases(&sim->scene, group, &sim->arrivals, &cases, &group->group.n_cases);

	group->group.cases = cases;
	if (r == 0)
		r = simulate_play(&sim->scene.rules, &group->group, &result, why, sizeof why);
	if (r == SIMULATE_INVALID)
		look_say(&sim->look, "no plan possible: %s", why);
	if (r == 0)
		r = tally_add(&sim->tally, &group->group, &result, sim->scene.first, &names);
	simulate_result_clear(&result);
	free(cases);
	return r == 0 ? DONE : cannot(sim, r);
}

static int play(struct simulation *sim)
{
	int status = DONE, r;

	for (size_t i = 0; status == DONE && i < sim->scene.n_groups; i++)
		status = play_group(sim, &sim->scene.groups[i]);
	if (status != DONE)
		return status;
	r = tally_finish(&sim->tally);
	return r == 0 ? DONE : cannot(sim, r);
}

static int show(struct simulation *sim)
{
	struct octets out = {0};
	size_t length;
	char *text;
	int r = 0;

	if (!figures_write(&sim->scene, &sim->tally, sim->options.seed, sim->options.csv, &out)
		|| octets_take(&out, &text, &length) < 0) {
		octets_clear(&out);
		return cannot(sim, -ENOMEM);
	}
	fputs(text, stdout);
	free(text);
	if (sim->options.plot)
		r = plot_write(&sim->look, sim->options.plot, &sim->scene, &sim->tally);
	return r == 0 ? DONE : cannot(sim, r);
}

/* ---- the command ---- */

static int simulate(struct simulation *sim)
{
	int status = DONE;

	if (sim->options.plot && plot_try(&sim->look, sim->options.plot) != 0)
		return CANNOT;
	if (sim->options.arrivals)
		status = read_sheet(sim);
	if (status == DONE && sim->options.arrivals)
		status = set_days(sim);
	if (sim->options.n_days == 0)
		sim->options.n_days = USUAL_DAYS;
	if (status == DONE)
		status = open_database(sim);
	if (status == DONE)
		status = read_scene(sim);
	close_database(sim);
	if (status == DONE)
		status = play(sim);
	return status == DONE ? show(sim) : status;
}

int simulate_command(const struct config *config, int argc, char **argv)
{
	struct simulation sim = {.config = config, .look = {.command = "simulate"}};
	int r = simulate_parse(&sim.options, argc, argv);

	if (r != 0) {
		fputs(simulate_usage, r == 'h' ? stdout : stderr);
		r = r == 'h' ? EXIT_SUCCESS : EX_USAGE;
	} else {
		r = simulate(&sim);
	}
	tally_clear(&sim.tally);
	scene_clear(&sim.scene);
	arrivals_clear(&sim.arrivals);
	arrivals_sheet_clear(&sim.sheet);
	free(sim.options.rosters);
	return r;
}
