#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activation.h"
#include "adopt.h"
#include "check.h"
#include "config.h"
#include "file.h"
#include "import.h"
#include "log.h"
#include "migrate.h"
#include "plan_command.h"
#include "probe.h"
#include "reader/reader_mail.h"
#include "reader/reader_process.h"
#include "reader/reader_sandbox.h"
#include "receive.h"
#include "service.h"
#include "simulate_command.h"
#include "status.h"
#include "vacd-build.h"
#include "verify_history.h"

struct command {
	const char *name;
	int (*run)(const struct config *config, int argc, char **argv);
	bool needs_config; /* the others can be told all they need */
};

static const struct command commands[] = {
	{"migrate", migrate_command, false},
	{"import", import_command, false},
	{"check", check_command, true},
	{"status", status_command, true},
	{"probe", probe_command, true},
	{"plan", plan_command, true},
	{"receive", receive_command, false},
	{"adopt", adopt_command, true},
	{"simulate", simulate_command, false},
	{"verify-history", verify_history_command, false},
};

static void print_help(void)
{
	puts("Usage: vacd [--config FILE] [COMMAND]\n"
	     "\n"
	     "  daemon                     run in the foreground (what systemd starts; the "
	     "default)\n"
	     "  migrate [--check]          make or upgrade the database's schema, or say what "
	     "would be done\n"
	     "  import roster FILE.csv…    offices, supervisors, coordinators, patterns, leave\n"
	     "  import holidays FILE.ics   holidays from an iCalendar file\n"
	     "  check                      try configuration, database, time zones and mail "
	     "server\n"
	     "  status                     how it stands: exit 0 well, 1 look, 2 wrong\n"
	     "  probe ADDRESS              send a real test invitation and wait for the mail "
	     "server\n"
	     "  receive [RECIPIENT…]       one mail on standard input, as if it came by LMTP\n"
	     "  adopt                      this restored or copied database is the one in use from "
	     "now on\n"
	     "  plan [OFFICE…]             what would be done now; --explain CASE says why\n"
	     "  simulate --days N          what would come of weeks of work, with these rosters or "
	     "others\n"
	     "  verify-history             is history as it was sealed? Reckons its chain anew\n"
	     "\n"
	     "  --config FILE              instead of " VACD_CONFIG_FILE "\n"
	     "  --version, --help\n"
	     "\n"
	     "migrate and import take --database CONNINFO, since they run as another login; so "
	     "does\n"
	     "simulate with rosters from files.\n"
	     "Manual pages: vacd(8), vacd.conf(5).");
}

static int usage_error(const char *what)
{
	fprintf(stderr, "vacd: %s; see vacd --help\n", what);
	return EX_USAGE;
}

static int run_command(const struct command *command, const char *path, int argc, char **argv)
{
	struct config *config = NULL;
	char error[400] = "";
	int r = config_read(path, &config, error, sizeof(error));

	/* An administrator who migrates may well have no configuration on that machine. */
	if (r && (command->needs_config || access(path, F_OK) == 0))
		fprintf(stderr, "vacd: %s\n", r < 0 ? strerror(-r) : error);
	if (r && command->needs_config)
		return EX_CONFIG;
	r = command->run(config, argc, argv);
	config_free(config);
	return r;
}

static int run_daemon(const char *path)
{
	struct reader_process reader;
	struct config *config = NULL;
	char error[400] = "";
	int r;

	activation_seal();
	/* Before there is anything in this process that it should not see. Whatever is wrong with it
	 * will be tried again, and must not keep cases from being planned. */
	r = reader_process_start(&reader);
	if (r < 0)
		log_error("reader not started", "why=\"%s\"", strerror(-r));
	/* Until the loop listens for it there is nothing to reload, and nothing to die of. */
	signal(SIGHUP, SIG_IGN);
	r = config_read(path, &config, error, sizeof(error));
	if (r) {
		log_error("configuration refused", "why=\"%s\"", r < 0 ? strerror(-r) : error);
		reader_process_end(&reader);
		return file_error_passes(r) ? EXIT_FAILURE : EX_CONFIG; /* 78 is for good */
	}
	r = service_run(path, config, &reader);
	reader_process_end(&reader);
	return r;
}

static int dispatch_command(const char *path, int argc, char **argv)
{
	if (argc == 0 || strcmp(argv[0], "daemon") == 0)
		return argc > 1 ? usage_error("daemon takes no arguments") : run_daemon(path);
	if (strcmp(argv[0], "config-table") == 0) {
		config_print_table();
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[0], "reader") == 0)
		return reader_process_run(&reader_mail_work);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return run_command(&commands[i], path, argc, argv);
	return usage_error("no such command");
}

/* What is in memory stays there: no core file, wherever the kernel would put one, and no other process of
 * the same user looks into this one. A sanitizer has to look into itself. */
static bool keep_in(void)
{
	const struct rlimit nothing = {.rlim_cur = 0, .rlim_max = 0};

	return setrlimit(RLIMIT_CORE, &nothing) == 0
	       && (READER_SANITIZED || prctl(PR_SET_DUMPABLE, 0) == 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0}};
	const char *path = VACD_CONFIG_FILE;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (!keep_in()) {
		perror("vacd: core files cannot be forbidden");
		return EX_OSERR;
	}
	/* "+": what stands behind the command is the command's. */
	for (int option; (option = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1;) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("vacd " VACD_VERSION);
			return EXIT_SUCCESS;
		default:
			return EX_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	optind = 0; /* the command may read its own options */
	return dispatch_command(path, argc, argv);
}
