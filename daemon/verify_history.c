#include "verify_history.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "signature.h"
#include "verify/verify.h"

enum { WELL = 0, TAMPERED = 1, CANNOT = 2, SAID_MOST = 100, SAID_LONGEST = 1000 };

struct options {
	char *database;
	const char *export, *signing_key, *check_export;
	const char *heads[VERIFY_KEYS], *head_files[VERIFY_KEYS], *public_keys[VERIFY_KEYS];
	size_t n_heads, n_head_files, n_public_keys;
	long long from, to;
};

static const char usage[] =
	"usage: vacd verify-history [--database CONNINFO] [--head NUMBER:HEX …] [--head-file FILE "
	"…]\n"
	"                           [--public-key FILE …]\n"
	"       vacd verify-history [--database CONNINFO] --export FROM-TO --signing-key FILE\n"
	"       vacd verify-history --check-export FILE --public-key FILE [--head NUMBER:HEX …]\n"
	"\n"
	"Reckons anew the chain of hashes that history is sealed in, and says where it does not "
	"fit.\n"
	"\n"
	"  --head NUMBER:HEX     a head as the journal has it: an end that was cut off, or made "
	"anew\n"
	"  --head-file FILE      signed heads, as the daemon writes them to history_head_file\n"
	"  --public-key FILE     of history_key_file: heads, checkpoints and exports are checked "
	"with it\n"
	"  --export FROM-TO      these entries, with notes, to standard output, signed\n"
	"  --signing-key FILE    private key for that\n"
	"  --check-export FILE   what was exported; no database is needed\n"
	"\n"
	"Exit status: 0 all is well, 1 something was altered, 2 it could not be tried, 64 usage.\n";

void verify_say(struct verify *verify, enum verify_mark mark, const char *format, ...)
{
	static const char *const words[] = {"ok", "warn", "bad"};
	char text[SAID_LONGEST];
	va_list args;

	verify->bad += mark == VERIFY_BAD;
	if (mark == VERIFY_BAD && verify->bad > SAID_MOST)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* What is quoted may be a forger's, who would like to add a line of ours. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(verify->out, "%-5s %s\n", words[mark], text);
}

int verify_line(const struct verify *verify, const char *line)
{
	int r = SIGNATURE_OTHER_KEY;

	for (size_t i = 0; r == SIGNATURE_OTHER_KEY && i < verify->n_keys; i++)
		r = signature_check(verify->keys[i], line);
	return r;
}

/* ---- options -------------------------------------------------------------------------------- */

static int wrong(const char *what)
{
	fprintf(stderr, "vacd verify-history: %s; see vacd verify-history --help\n", what);
	return '?';
}

static int take_more(const char **list, size_t *n, const char *text)
{
	if (*n == VERIFY_KEYS)
		return wrong("an option is given too often");
	list[(*n)++] = text;
	return 0;
}

static int take_range(struct options *options, const char *text)
{
	char *end;

	options->export = text;
	errno = 0;
	options->from = strtoll(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '-' && end[1] >= '0' && end[1] <= '9') {
		options->to = strtoll(end + 1, &end, 10);
		if (*end == '\0' && errno == 0 && options->from >= 1
			&& options->from <= options->to)
			return 0;
	}
	return wrong("--export: expected FROM-TO, such as 1-5000");
}

/* 0, '?' or 'h'. */
static int take_option(struct options *options, int option, char *text)
{
	switch (option) {
	case 'd':
		options->database = text;
		return 0;
	case 'H':
		return take_more(options->heads, &options->n_heads, text);
	case 'F':
		return take_more(options->head_files, &options->n_head_files, text);
	case 'p':
		return take_more(options->public_keys, &options->n_public_keys, text);
	case 'e':
		return take_range(options, text);
	case 's':
		options->signing_key = text;
		return 0;
	case 'c':
		options->check_export = text;
		return 0;
	case 'h':
		return 'h';
	default:
		return '?';
	}
}

static int read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {{"database", required_argument, NULL, 'd'},
		{"head", required_argument, NULL, 'H'}, {"head-file", required_argument, NULL, 'F'},
		{"public-key", required_argument, NULL, 'p'},
		{"export", required_argument, NULL, 'e'},
		{"signing-key", required_argument, NULL, 's'},
		{"check-export", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int r = 0;

	for (int option; !r && (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
		r = take_option(options, option, optarg);
	if (r)
		return r;
	if (optind < argc)
		return wrong("it takes options only");
	if ((options->export != NULL) != (options->signing_key != NULL))
		return wrong("--export and --signing-key go together");
	if (options->check_export && (options->n_public_keys == 0 || options->export))
		return wrong("--check-export goes with --public-key, and not with --export");
	return 0;
}

/* ---- what is known from elsewhere ----------------------------------------------------------- */

/* 0 or an exit status. */
static int read_public_keys(struct verify *verify, const struct options *options)
{
	char why[400] = "";

	for (size_t i = 0; i < options->n_public_keys; i++) {
		if (signature_public_read(
			    options->public_keys[i], &verify->keys[i], why, sizeof(why))) {
			look_say(&verify->look, "%s", why);
			return CANNOT;
		}
		verify->n_keys++;
	}
	return 0;
}

static int read_heads(struct verify *verify, const struct options *options)
{
	for (size_t i = 0; i < options->n_heads; i++) {
		int r = heads_take(verify, options->heads[i], "given");

		if (r == VERIFY_FAILED) {
			wrong("--head: expected NUMBER:HEX, a number and 64 digits, as the journal "
			      "has it behind head=");
			return EX_USAGE;
		}
		if (r)
			return CANNOT;
	}
	for (size_t i = 0; i < options->n_head_files; i++) {
		int r = heads_read(verify, options->head_files[i]);

		if (r) {
			look_say(&verify->look, "%s: %s", options->head_files[i], strerror(-r));
			return CANNOT;
		}
	}
	return 0;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int end(struct verify *verify, int r)
{
	if (r < 0)
		look_say(&verify->look, "%s", strerror(-r));
	if (r)
		return CANNOT;
	if (verify->bad > SAID_MOST)
		fprintf(verify->out, "bad   and %lu more\n", verify->bad - SAID_MOST);
	return verify->bad ? TAMPERED : WELL;
}

static int check_export(struct verify *verify, const struct options *options)
{
	int r = read_heads(verify, options);

	return r ? r : end(verify, export_check(verify, options->check_export));
}

static int check_database(
	struct verify *verify, const struct options *options, const struct config *config)
{
	/* An administrator logs in as they do with psql: no password of the daemon's. */
	char no_file[] = "";
	struct config own = {.database = options->database,
		.database_password_file = no_file,
		.database_timeout_ms = 30000};
	struct walk_place origin;
	int r;

	if (!options->database && !config) {
		look_say(&verify->look, "no configuration; say --database CONNINFO");
		return CANNOT;
	}
	r = look_open(options->database ? &own : config, "verify-history", &verify->look);
	/* Which chain it is, for the heads of a file to be held against. */
	if (!r)
		r = walk_find(verify, 0, &origin);
	if (r && r != VERIFY_FAILED)
		return end(verify, r);
	r = read_heads(verify, options);
	if (r)
		return r;
	return end(verify, options->export ? export_write(
				   verify, options->from, options->to, options->signing_key)
					   : walk_whole(verify));
}

int verify_history_command(const struct config *config, int argc, char **argv)
{
	struct options options = {0};
	struct verify verify = {.look = {.command = "verify-history"}, .out = stdout};
	int r = read_options(&options, argc, argv);

	if (r == 'h')
		fputs(usage, stdout);
	if (r)
		return r == 'h' ? WELL : EX_USAGE;
	if (options.export)
		verify.out = stderr;
	r = read_public_keys(&verify, &options);
	if (!r)
		r = options.check_export ? check_export(&verify, &options)
					 : check_database(&verify, &options, config);
	look_close(&verify.look);
	for (size_t i = 0; i < verify.n_keys; i++)
		signature_key_free(verify.keys[i]);
	free(verify.heads);
	return r;
}
