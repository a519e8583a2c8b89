#include "migrate.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "schema-digest.h"
#include "session.h"
#include "sqlset.h"
#include "vacd-build.h"

enum { DONE = 0, SOMETHING_TO_DO = 1, CANNOT = 2 };

/* Attempts at the functions and views: a daemon at work takes locks in an order of its own. */
enum { CODE_ATTEMPTS = 3 };

struct options {
	const char *database;
	const char *sql;
	bool check;
};

/* What was found in the database, and so what is to be done. */
struct migration {
	struct session *session;
	const struct sqlset *set;
	bool administrator; /* owns the database, or is a superuser */
	bool makes_roles;
	bool owner;     /* a member of vac_owner */
	char *missing;  /* roles that are not there, or NULL */
	bool present;   /* some schema is there */
	size_t applied; /* numbered files that are */
	bool installed; /* functions and views of exactly these files are */
};

static const char usage[] =
	"usage: vacd migrate [--database CONNINFO] [--sql DIR] [--check]\n"
	"\n"
	"Creates the schema in a database, or brings it up to this version.\n"
	"\n"
	"  --database CONNINFO  an administrator's login to the database, such as\n"
	"                       \"host=db1 dbname=vac user=postgres\"; its password comes from\n"
	"                       ~/.pgpass (default: the configuration's database)\n"
	"  --sql DIR            where the SQL files are (default: " VACD_SQL_DIR ")\n"
	"  --check              say what would be done and change nothing\n"
	"\n"
	"Waits at most 10 s for a lock, or as long as options=-clock_timeout=… in CONNINFO says.\n"
	"Exit status: 0 done or nothing to do, 1 with --check something to do, 2 it cannot be "
	"done.\n";

/* ---- what is there ---- */

/* The roles are those of bootstrap.sql. Catalogues only: whoever asks may see nothing of ours. */
static const char login_query[] =
	"SELECT r.rolsuper OR pg_has_role(d.datdba, 'MEMBER'), r.rolsuper OR r.rolcreaterole,"
	" EXISTS (SELECT FROM pg_roles o WHERE o.rolname = 'vac_owner' AND pg_has_role(o.oid, "
	"'MEMBER')),"
	" (SELECT string_agg(n.name, ', ' ORDER BY n.name)"
	"  FROM unnest('{vac_owner,vac_daemon,vac_supervisor,vac_intake,vac_desk}'::text[]) n "
	"(name)"
	"  WHERE NOT EXISTS (SELECT FROM pg_roles o WHERE o.rolname = n.name)),"
	" EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
	"  WHERE s.nspname = 'vac_store' AND c.relname = 'installed')"
	" FROM pg_roles r, pg_database d"
	" WHERE r.rolname = current_user AND d.datname = current_database()";

static bool is_true(const PGresult *result, int row, int column)
{
	return strcmp(PQgetvalue(result, row, column), "t") == 0;
}

static int look_at_login(struct migration *m)
{
	PGresult *result = session_query(m->session, login_query, 0, NULL);
	const char *missing;
	int r = 0;

	if (!result)
		return SESSION_FAILED;
	m->administrator = is_true(result, 0, 0);
	m->makes_roles = is_true(result, 0, 1);
	m->owner = is_true(result, 0, 2);
	m->present = is_true(result, 0, 4);
	missing = session_text(result, 0, 3);
	free(m->missing);
	m->missing = missing ? strdup(missing) : NULL;
	if (missing && !m->missing)
		r = -ENOMEM;
	PQclear(result);
	return r;
}

static const struct sqlset_file *find_number(const struct sqlset *set, int number)
{
	for (size_t i = 1; i <= set->n_schema; i++) {
		if (set->files[i].number == number)
			return &set->files[i];
	}
	return NULL;
}

static int say_newer(const struct migration *m, int number, const char *name, const char *version)
{
	session_say(m->session,
		"database \"%s\" has migration %d (%s), which this vacd (%s) does not know: it was "
		"migrated by a newer one%s%s; install that one",
		session_database(m->session), number, name, VACD_VERSION, version ? ", " : "",
		version ? version : "");
	return SESSION_FAILED;
}

static int say_changed(
	const struct migration *m, const struct sqlset_file *file, const PGresult *result, int row)
{
	session_say(m->session,
		"%s is not what was applied as %s on %s by %s (SHA-256 %.12s… then, %.12s… now)",
		file->name, PQgetvalue(result, row, 1), PQgetvalue(result, row, 3),
		PQgetvalue(result, row, 4), PQgetvalue(result, row, 2), file->sha256);
	session_say(m->session, "a file that was applied is never edited: put it back as it was, "
				"and what it should change into a new file with the next number");
	return SESSION_FAILED;
}

/* Rows: number, name, checksum, when, by whom, version installed. */
static int compare_applied(struct migration *m, const PGresult *result)
{
	const struct sqlset_file *file = NULL;
	int failed = 0;

	for (int row = 0; row < PQntuples(result); row++) {
		int number = (int)strtol(PQgetvalue(result, row, 0), NULL, 10);

		file = find_number(m->set, number);
		if (!file)
			failed = say_newer(m, number, PQgetvalue(result, row, 1),
				session_text(result, row, 5));
		else if (strcmp(file->sha256, PQgetvalue(result, row, 2)) != 0)
			failed = say_changed(m, file, result, row);
	}
	m->applied = (size_t)PQntuples(result);
	if (failed)
		return failed;
	/* Numbers rise, so those applied must be the first ones. */
	if (file && m->set->files[m->applied].number != file->number) {
		session_say(m->session,
			"a file of sql/schema is not applied, but %s with a higher number is; give "
			"it the next number",
			file->name);
		return SESSION_FAILED;
	}
	return 0;
}

static int look_at_schema(struct migration *m)
{
	const char *digest;
	PGresult *result;
	int r;

	result = session_query(m->session,
		"SELECT m.number, m.name, m.checksum, date_trunc('second', m.applied_at), "
		"m.applied_by,"
		" i.version FROM vac_store.migration m LEFT JOIN vac_store.installed i ON true"
		" ORDER BY m.number",
		0, NULL);
	if (!result)
		return SESSION_FAILED;
	r = compare_applied(m, result);
	PQclear(result);
	if (r)
		return r;

	result = session_query(m->session, "SELECT digest FROM vac_store.installed", 0, NULL);
	if (!result)
		return SESSION_FAILED;
	digest = PQntuples(result) == 1 ? session_text(result, 0, 0) : NULL;
	m->installed = digest && strcmp(digest, m->set->digest) == 0;
	PQclear(result);
	return 0;
}

static bool is_complete(const struct migration *m)
{
	return m->present && !m->missing && m->applied == m->set->n_schema && m->installed;
}

/* Said before anything is tried: what PostgreSQL itself says does not name the way out. */
static int check_rights(const struct migration *m)
{
	const char *user = session_user(m->session);

	if (m->missing && !m->makes_roles)
		session_say(m->session,
			"role \"%s\" may not create the roles that are missing (%s): log in as one "
			"that may, or have an administrator run ALTER ROLE \"%s\" CREATEROLE",
			user, m->missing, user);
	else if (!m->administrator)
		session_say(m->session,
			"role \"%s\" does not own database \"%s\": log in as its owner or as a "
			"superuser, or have one run ALTER DATABASE \"%s\" OWNER TO \"%s\"",
			user, session_database(m->session), session_database(m->session), user);
	else if (!m->missing && !m->owner && !m->makes_roles)
		session_say(m->session,
			"role \"%s\" is not a member of vac_owner: have an administrator run GRANT "
			"vac_owner TO \"%s\"",
			user, user);
	else
		return 0;
	return SESSION_FAILED;
}

static int look(struct migration *m)
{
	int r = look_at_login(m);

	if (!r && m->present && !m->owner) {
		session_say(m->session,
			"role \"%s\" is not a member of vac_owner, who owns the schema: have an "
			"administrator run GRANT vac_owner TO \"%s\"",
			session_user(m->session), session_user(m->session));
		return SESSION_FAILED;
	}
	if (!r && m->present)
		r = session_do(m->session, "SET ROLE vac_owner", 0, NULL);
	if (!r && m->present)
		r = look_at_schema(m);
	if (!r)
		r = session_do(m->session, "RESET ROLE", 0, NULL);
	if (!r && !is_complete(m))
		r = check_rights(m);
	return r;
}

/* ---- what is done ---- */

/* A file that ends the transaction it is run in would be recorded though it half failed. */
static int run_file(struct migration *m, const struct sqlset_file *file)
{
	int r = session_script(m->session, file->name, file->text);

	if (!r && !session_in_transaction(m->session)) {
		session_say(m->session,
			"%s: ends the transaction; expected no BEGIN, COMMIT or ROLLBACK in it",
			file->name);
		r = SESSION_FAILED;
	}
	return r;
}

static int commit(struct migration *m, int r)
{
	if (!r)
		return session_do(m->session, "COMMIT", 0, NULL);
	/* Its own failure (a lost connection) adds nothing to what was said. */
	if (session_do(m->session, "ROLLBACK", 0, NULL))
		return r;
	return r;
}

static int run_bootstrap(struct migration *m)
{
	const struct sqlset_file *file = &m->set->files[0];
	int r = session_do(m->session, "BEGIN", 0, NULL);

	if (r)
		return r;
	r = commit(m, run_file(m, file));
	if (!r)
		printf("ran %s\n", file->name);
	return r;
}

static int become_owner(struct migration *m)
{
	int r = session_do(m->session, "SET ROLE vac_owner", 0, NULL);

	if (!r)
		r = session_do(
			m->session, "SET search_path = vac_store, pg_catalog, pg_temp", 0, NULL);
	return r;
}

/* The row goes first: of two that apply one file at once, the second waits here and fails. */
static int apply(struct migration *m, const struct sqlset_file *file)
{
	char number[16];
	const char *values[] = {number, strchr(file->name, '/') + 1, file->sha256};
	int r = session_do(m->session, "BEGIN", 0, NULL);

	if (r)
		return r;
	snprintf(number, sizeof(number), "%d", file->number);
	r = session_do(m->session,
		"INSERT INTO vac_store.migration (number, name, checksum) VALUES ($1, $2, $3)", 3,
		values);
	if (!r)
		r = run_file(m, file);
	r = commit(m, r);
	if (!r)
		printf("applied %s\n", file->name);
	return r;
}

static int record_installed(struct migration *m)
{
	const char *values[] = {m->set->digest, VACD_VERSION};
	int r;

	r = session_do(m->session,
		"INSERT INTO vac_store.installed (digest, version) VALUES ($1, $2) ON CONFLICT "
		"(one)"
		" DO UPDATE SET digest = excluded.digest, version = excluded.version,"
		" at = clock_timestamp()",
		2, values);
	if (!r)
		r = session_do(m->session, "NOTIFY vac_schema", 0, NULL);
	return r;
}

/* functions/00_clear.sql, the first of them, drops what the others make again. */
static int install_code(struct migration *m)
{
	int r = session_do(m->session, "BEGIN", 0, NULL);

	if (r)
		return r;
	for (size_t i = 1 + m->set->n_schema; i < m->set->n_files && !r; i++)
		r = run_file(m, &m->set->files[i]);
	if (!r)
		r = record_installed(m);
	return commit(m, r);
}

static size_t code_files(const struct migration *m)
{
	return m->set->n_files - 1 - m->set->n_schema;
}

static int install_code_again(struct migration *m)
{
	int r = install_code(m);

	for (int i = 1; r && i < CODE_ATTEMPTS; i++) {
		if (strcmp(session_sqlstate(m->session), "40P01") != 0)
			break;
		session_say(m->session, "trying again");
		r = install_code(m);
	}
	if (!r)
		printf("made functions and views (%zu files)\n", code_files(m));
	return r;
}

static int run(struct migration *m)
{
	int r = run_bootstrap(m);

	if (!r)
		r = become_owner(m);
	for (size_t i = 1 + m->applied; i <= m->set->n_schema && !r; i++)
		r = apply(m, &m->set->files[i]);
	if (!r)
		r = install_code_again(m);
	return r;
}

static void say_complete(const struct migration *m)
{
	printf("nothing to do: database \"%s\" has schema %.12s, %zu migrations\n",
		session_database(m->session), m->set->digest, m->applied);
}

static int show(const struct migration *m)
{
	if (is_complete(m)) {
		say_complete(m);
		return DONE;
	}
	printf("would run %s%s%s%s\n", m->set->files[0].name, m->missing ? " (makes roles " : "",
		m->missing ? m->missing : "", m->missing ? ")" : "");
	for (size_t i = 1 + m->applied; i <= m->set->n_schema; i++)
		printf("would apply %s\n", m->set->files[i].name);
	printf("would make functions and views (%zu files)\n", code_files(m));
	return SOMETHING_TO_DO;
}

/* Two at once: the second waits, and then finds nothing to do. */
static int lock(struct migration *m)
{
	return session_do(m->session,
		"SELECT pg_advisory_lock(hashtextextended('vacd migrate', 0))", 0, NULL);
}

static int migrate(struct migration *m, bool check)
{
	if (check)
		return look(m) ? CANNOT : show(m);
	if (lock(m) || look(m))
		return CANNOT;
	if (is_complete(m)) {
		say_complete(m);
		return DONE;
	}
	if (run(m))
		return CANNOT;
	printf("database \"%s\" has schema %.12s\n", session_database(m->session), m->set->digest);
	return DONE;
}

/* ---- the command ---- */

static int parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"database", required_argument, NULL, 'd'},
		{"sql", required_argument, NULL, 's'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0; /* main has looked at options already */
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'd')
			options->database = optarg;
		else if (c == 's')
			options->sql = optarg;
		else if (c == 'c')
			options->check = true;
		else
			return c == 'h' ? 'h' : '?';
	}
	return optind < argc ? '?' : 0;
}

static struct sqlset *read_set(const char *directory)
{
	struct sqlset *set = NULL;
	char error[512];
	int r = sqlset_read(directory ? directory : VACD_SQL_DIR, &set, error, sizeof(error));

	if (r)
		fprintf(stderr, "vacd migrate: %s\n", r < 0 ? strerror(-r) : error);
	if (r || strcmp(set->digest, VACD_SCHEMA_DIGEST) == 0)
		return set;
	fprintf(stderr,
		"vacd migrate: the SQL files in %s are not those that this vacd (%s) was built "
		"with",
		directory ? directory : VACD_SQL_DIR, VACD_VERSION);
	if (directory) {
		fprintf(stderr, "; its daemon will refuse the database\n");
		return set;
	}
	fprintf(stderr, ": install both from one build, or say which you mean with --sql\n");
	return sqlset_free(set);
}

int migrate_command(const struct config *config, int argc, char **argv)
{
	struct options options = {.database = config ? config->database : "dbname=vac"};
	struct migration m = {0};
	struct sqlset *set;
	int r = parse(&options, argc, argv);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r) {
		fputs(usage, r == 'h' ? stdout : stderr);
		return r == 'h' ? DONE : CANNOT;
	}
	set = read_set(options.sql);
	if (!set)
		return CANNOT;
	m.set = set;
	r = session_open("migrate", options.database, &m.session);
	if (r < 0)
		fprintf(stderr, "vacd migrate: %s\n", strerror(-r));
	r = r ? CANNOT : migrate(&m, options.check);
	session_free(m.session);
	free(m.missing);
	sqlset_free(set);
	return r;
}
