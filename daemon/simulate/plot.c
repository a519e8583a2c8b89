#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look.h"
#include "octets.h"
#include "scene.h"
#include "tally.h"

enum { MOST_OFFICES = 40 };

extern char **environ;

/* ---- the script ---- */

/* Four pictures below one another, an office a place, in the same order. */
static const char style[] =
	"set terminal svg size %d,%d enhanced font 'Helvetica,13' background '#ffffff'\n"
	"set multiplot layout 4,1\n"
	"set lmargin 8\nset rmargin 22\nset tmargin 2.6\nset bmargin 2.2\n"
	"set border 3 lc rgb '#888888'\n"
	"set tics nomirror scale 0.5 textcolor rgb '#222222'\n"
	"set grid ytics lc rgb '#dddddd' lt 1\n"
	"set xrange [-0.6:%d.6]\n"
	"set xtics%s (%s)\n"
	"set key at graph 1.02, graph 0.98 left top vertical Left reverse samplen 1.5 spacing 1.3\n"
	"set datafile missing '?'\n"
	"set style fill solid 1 noborder\n"
	"set boxwidth 0.7\n";

static const char pictures[] =
	"set label 2 'Days from the opening of a case to its first meeting' at graph 0, graph 1.1\n"
	"set yrange [0:*]\n"
	"plot $d using 1:($4/86400.) with boxes lc rgb '#c6dbef' title '99 of 100 within',"
	" $d using 1:($3/86400.) with boxes lc rgb '#6baed6' title '90 of 100 within',"
	" $d using 1:($2/86400.) with boxes lc rgb '#2171b5' title 'half within'\n"
	"unset label 1\n"
	"set label 2 'Cases first met by their due time, in percent' at graph 0, graph 1.1\n"
	"set yrange [0:105]\n"
	"plot $d using ($1-0.2):5 with points pt 7 ps 0.9 lc rgb '#d7301f' title 'immediate',"
	" $d using 1:6 with points pt 7 ps 0.9 lc rgb '#fd8d3c' title 'urgent',"
	" $d using ($1+0.2):7 with points pt 7 ps 0.9 lc rgb '#2171b5' title 'routine'\n"
	"set label 2 'Weighted hours of full-time coordinators' at graph 0, graph 1.1\n"
	"set yrange [0:*]\n"
	"plot $d using 1:($9/60.) with boxes lc rgb '#41ab5d' title 'who had most',"
	" $d using 1:($8/60.) with boxes lc rgb '#006d2c' title 'who had least'\n"
	"set label 2 'Requests that nobody could take' at graph 0, graph 1.1\n"
	"set yrange [0:*]\n"
	"plot $d using 1:10 with boxes lc rgb '#d7301f' notitle\n"
	"unset multiplot\n";

__attribute__((format(printf, 2, 3))) static void add(struct octets *out, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		out->failed = true;
		return;
	}
	octets_add(out, text, (size_t)n);
	free(text);
}

struct shown {
	const struct tally_office *office;
};

static int by_cases(const void *a, const void *b)
{
	const struct tally_office *x = ((const struct shown *)a)->office;
	const struct tally_office *y = ((const struct shown *)b)->office;

	if (x->cases != y->cases)
		return x->cases > y->cases ? -1 : 1;
	return strcmp(x->code, y->code);
}

static int by_code(const void *a, const void *b)
{
	return strcmp(
		((const struct shown *)a)->office->code, ((const struct shown *)b)->office->code);
}

/* Those with the most cases, by code, and all together at the end; NULL: no memory. */
static struct shown *choose(const struct tally *tally, size_t *np)
{
	struct shown *chosen = calloc(tally->n + 1, sizeof *chosen);

	if (chosen == NULL)
		return NULL;
	for (size_t i = 0; i < tally->n; i++)
		chosen[i].office = &tally->offices[i];
	*np = tally->n > MOST_OFFICES ? MOST_OFFICES : tally->n;
	if (tally->n > 0)
		qsort(chosen, tally->n, sizeof *chosen, by_cases);
	if (*np > 0)
		qsort(chosen, *np, sizeof *chosen, by_code);
	chosen[(*np)++].office = &tally->all;
	return chosen;
}

static void add_number(struct octets *out, int64_t number)
{
	if (number < 0)
		octets_add_text(out, " ?");
	else
		add(out, " %" PRId64, number);
}

/* one: not all of them together. */
static void add_office(
	struct octets *out, size_t place, const struct tally_office *office, bool one)
{
	add(out, "%zu", place);
	add_number(out, tally_wait(office, 50));
	add_number(out, tally_wait(office, 90));
	add_number(out, tally_wait(office, 99));
	for (int i = 0; i < PLAN_URGENCIES; i++)
		add_number(out,
			office->of[i] ? (int64_t)(office->in_target[i] * 100 / office->of[i]) : -1);
	/* What all have in sum would hide the others. */
	add_number(out, one ? office->least : -1);
	add_number(out, one ? office->most : -1);
	add_number(out, one ? (int64_t)office->lost : -1);
	octets_add_char(out, '\n');
}

static int write_script(
	const struct scene *scene, const struct tally *tally, char **scriptp, size_t *lengthp)
{
	struct octets out = {0}, labels = {0};
	size_t n, length;
	struct shown *offices = choose(tally, &n);
	char *places = NULL;

	if (offices == NULL)
		return -ENOMEM;
	octets_add_text(&out, "$d << END\n");
	for (size_t i = 0; i < n; i++) {
		add_office(&out, i, offices[i].office, i + 1 < n);
		add(&labels, "%s'%s' %zu", i > 0 ? ", " : "", offices[i].office->code, i);
	}
	octets_add_text(&out, "END\n");
	if (octets_take(&labels, &places, &length) == 0)
		add(&out, style, (int)(n > 20 ? 400 + 28 * n : 1000), 1100, (int)n - 1,
			n > 20 ? " rotate by 90 right" : "", places);
	else
		out.failed = true;
	add(&out,
		"set label 1 '%zu days from %s, %zu cases%s' at screen 0.99, screen 0.985 right "
		"textcolor rgb '#666666' font ',11'\n",
		scene->n_days, scene->start, tally->all.cases,
		tally->n > MOST_OFFICES ? "; the offices with the most cases" : "");
	octets_add_text(&out, pictures);
	free(places);
	free(offices);
	return octets_take(&out, scriptp, lengthp);
}

/* ---- running it ---- */

/* Starts gnuplot with these as its standard input and output. */
static int start(int in, int out, pid_t *pid)
{
	char name[] = "gnuplot", dash[] = "-";
	char *argv[] = {name, dash, NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(pid, name, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int say_start(const struct look *look, int error)
{
	if (error == -ENOENT)
		look_say(look, "--plot: gnuplot is not installed (package gnuplot-nox)");
	else
		look_say(look, "--plot: gnuplot: %s", strerror(-error));
	return PLOT_FAILED;
}

static int await(const struct look *look, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	look_say(look, "--plot: gnuplot failed");
	return PLOT_FAILED;
}

/* When gnuplot does not read all of it, its exit status says why. */
static void feed(int fd, const char *script, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, script, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		script += n;
		length -= (size_t)n;
	}
}

static int draw(const struct look *look, int out, const char *script, size_t length)
{
	int pipe_fds[2], r;
	pid_t pid = -1;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	r = start(pipe_fds[0], out, &pid);
	close(pipe_fds[0]);
	if (r == 0)
		feed(pipe_fds[1], script, length);
	close(pipe_fds[1]);
	return r < 0 ? say_start(look, r) : await(look, pid);
}

static int say_file(const struct look *look, const char *path)
{
	look_say(look, "--plot %s: %s", path, strerror(errno));
	return PLOT_FAILED;
}

/* A file that is there already, or its folder. */
static bool may_write(const char *path)
{
	char *copy;
	bool may;

	if (access(path, W_OK) == 0)
		return true;
	if (errno != ENOENT)
		return false;
	copy = strdup(path);
	may = copy && access(dirname(copy), W_OK) == 0;
	free(copy);
	return may;
}

int plot_try(const struct look *look, const char *path)
{
	static const char nothing[] = "exit\n";
	int null, r;

	if (!may_write(path))
		return say_file(look, path);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0)
		return say_file(look, "/dev/null");
	r = draw(look, null, nothing, sizeof nothing - 1);
	close(null);
	return r;
}

int plot_write(const struct look *look, const char *path, const struct scene *scene,
	const struct tally *tally)
{
	size_t length;
	char *script;
	int r = write_script(scene, tally, &script, &length), fd;

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	r = fd < 0 ? say_file(look, path) : draw(look, fd, script, length);
	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = say_file(look, path);
	free(script);
	return r;
}
