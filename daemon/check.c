#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "crl.h"
#include "inbox.h"
#include "intake.h"
#include "mail_try.h"
#include "pg.h"
#include "pg_login.h"
#include "reader_try.h"
#include "schema-digest.h"
#include "signature.h"
#include "smime.h"
#include "token.h"

/* A certificate is to be renewed when it ends in fewer days. */
enum { TEXT_SIZE = 500, MAIL_WAIT_MS = 30000, SIGNER_DAYS = 14 };

struct check {
	const struct config *config;
	PGconn *conn;
	bool bad;
};

/* severity is ok, warn (to be looked at, in time) or bad. */
static void say_as(struct check *check, const char *severity, const char *what, const char *text)
{
	check->bad |= strcmp(severity, "bad") == 0;
	printf("%-4s %s: %s\n", severity, what, text);
	fflush(stdout);
}

static void say(struct check *check, bool ok, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct check *check, bool ok, const char *what, const char *fmt, ...)
{
	char text[2 * TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say_as(check, ok ? "ok" : "bad", what, text);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Paths stay as they are written where systemd has given none: the files that the service has are all looked
 * at only when this command has them, too. */
static void check_credentials(struct check *check)
{
	static const char folder[] = "$CREDENTIALS_DIRECTORY/";
	const struct config *config = check->config;
	const char *const paths[] = {config->token_key_file, config->database_password_file,
		config->mail_secret_file, config->mail_key_file, config->smime_key_file,
		config->intake_key_file, config->history_key_file};
	char given[2 * TEXT_SIZE] = "";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && n < sizeof(given); i++) {
		const char *name = paths[i] + sizeof(folder) - 1;

		if (strncmp(paths[i], folder, sizeof(folder) - 1) == 0)
			n += (size_t)snprintf(given + n, sizeof(given) - n,
				" -p LoadCredential=%s:/etc/vacd/secrets/%s", name, name);
	}
	if (n > 0)
		say(check, false, "credentials",
			"systemd gives the files in $CREDENTIALS_DIRECTORY to whom it starts; as "
			"root: systemd-run --pipe --wait -p User=vacd%s vacd check",
			given);
}

static void check_tokens(struct check *check)
{
	const char *path = check->config->token_key_file;
	struct token_keys *keys = NULL;
	char why[TEXT_SIZE] = "";
	int r;

	if (!path[0]) {
		say(check, true, "token keys",
			"none named, and with deliver = hold none are needed");
		return;
	}
	r = token_keys_read(path, &keys, why, sizeof(why));
	if (r)
		say(check, false, "token keys", "%s", why[0] ? why : strerror(-r));
	else
		say(check, true, "token keys", "%s, new mail uses key %s", path,
			token_keys_current(keys));
	token_keys_free(keys);
}

static void check_signer(struct check *check)
{
	const struct config *config = check->config;
	struct smime_signer *signer = NULL;
	char why[TEXT_SIZE] = "";
	int64_t left;

	if (!config->smime_key_file[0]) {
		say(check, true, "signed mail", "no smime_key_file, so mails are not signed");
		return;
	}
	if (smime_signer_read(config->smime_cert_file, config->smime_key_file, config->mail_from,
		    time(NULL), &signer, why, sizeof(why))) {
		say(check, false, "signed mail", "%s", why);
		smime_signer_free(signer);
		return;
	}
	left = (smime_signer_ends(signer) - time(NULL)) / 86400;
	say(check, left >= SIGNER_DAYS, "signed mail",
		"%s signs for %s, for %" PRId64 " days more%s", config->smime_cert_file,
		config->mail_from, left, left < SIGNER_DAYS ? "; get a new certificate" : "");
	smime_signer_free(signer);
}

static void check_inbox(struct check *check)
{
	const struct config *config = check->config;
	char why[TEXT_SIZE] = "";
	int r = inbox_check(config, why, sizeof(why));

	if (r)
		say(check, false, "mail in", "%s", r < 0 ? strerror(-r) : why);
	else if (config->lmtp_socket[0])
		say(check, true, "mail in", "by LMTP on %s", config->lmtp_socket);
	else
		say(check, true, "mail in", "by the socket of vacd-lmtp.socket, if it is enabled");
}

static void check_intake(struct check *check)
{
	const struct config *config = check->config;
	char why[TEXT_SIZE] = "";
	int r = intake_check(config, why, sizeof(why));

	if (r)
		say(check, false, "intake", "%s", r < 0 ? strerror(-r) : why);
	else if (config->intake_listen[0])
		say(check, true, "intake", "over HTTPS on %s", config->intake_listen);
	else
		say(check, true, "intake", "by SQL only");
}

static void say_list(const char *key, int outcome, const char *text, void *arg)
{
	say(arg, outcome == 0, key, "%s", text);
}

static void check_history(struct check *check)
{
	const char *path = check->config->history_key_file;
	struct signature_key *key = NULL;
	char why[TEXT_SIZE] = "";

	if (!path[0]) {
		say(check, true, "history", "no history_key_file, so its heads are not signed");
		return;
	}
	if (signature_key_read(path, &key, why, sizeof(why)))
		say(check, false, "history", "%s", why);
	else
		say(check, true, "history", "%s signs as key %s", path, signature_key_name(key));
	signature_key_free(key);
}

/* Says something only when it is wrong: what the file is good for is tried elsewhere. */
static void check_secret(struct check *check, const char *what, const char *path)
{
	struct stat status;
	int fd;

	if (!path[0])
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0)
		say(check, false, what, "%s: %s; make it readable for the login that runs vacd",
			path, strerror(errno));
	else if (status.st_mode & S_IRWXO)
		say(check, false, what, "%s is open to every user of this machine: chmod o-rwx it",
			path);
	if (fd >= 0)
		close(fd);
}

static void check_secrets(struct check *check)
{
	const struct config *config = check->config;

	check_secret(check, "database password", config->database_password_file);
	check_secret(check, "mail secret", config->mail_secret_file);
	check_secret(check, "mail key", config->mail_key_file);
	check_secret(check, "intake key", config->intake_key_file);
}

/* ---- database ------------------------------------------------------------------------------- */

/* What to do when the server, or the way to it, says no. Without its words in English: the general advice. */
static const char *way_in(const char *why)
{
	static const struct {
		const char *words, *advice;
	} known[] = {
		{"Peer authentication failed",
			"run it as that login's own user: runuser -u vacd -- vacd check"},
		{"password authentication failed",
			"compare the first line of database_password_file with what ALTER ROLE ... "
			"PASSWORD set"},
		{"no password supplied", "name a file with it as database_password_file"},
		{"no pg_hba.conf entry",
			"have the database's administrator add this machine to pg_hba.conf"},
		{"FATAL:  role ", "have it made: runuser -u postgres -- createuser vacd"},
		{"FATAL:  database ", "have it made: runuser -u postgres -- createdb vac; then "
				      "`vacd migrate`"},
		{"cannot be read", "make it readable for the login that runs vacd"},
		{"certificate", "look at sslrootcert and sslmode in the key database"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(why, known[i].words))
			return known[i].advice;
	return "see that PostgreSQL runs there, and what the key database says in vacd.conf(5)";
}

static void check_login(struct check *check)
{
	const struct config *config = check->config;
	struct pg_login *login = NULL;
	char why[TEXT_SIZE] = "";
	int r = pg_login_new(config->database, config->database_password_file, "vacd check",
		config->database_timeout_ms, &login, why, sizeof(why));

	if (!r)
		check->conn = pg_login_wait(login, why, sizeof(why));
	if (check->conn)
		say(check, true, "database", "%s as %s, PostgreSQL %s", PQdb(check->conn),
			PQuser(check->conn), PQparameterStatus(check->conn, "server_version"));
	else
		say(check, false, "database", "%s; %s", r < 0 ? strerror(-r) : why,
			r ? "correct the key database in vacd.conf" : way_in(why));
	pg_login_free(login);
}

/* NULL when refused, with the line said. */
static PGresult *ask(struct check *check, const char *what, const char *statement)
{
	PGresult *result = PQexec(check->conn, statement);
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	if (code && (strcmp(code, "3F000") == 0 || strcmp(code, "42883") == 0))
		say(check, false, what,
			"the database has none of vacd, or an older one; run `vacd migrate`");
	else if (code && strcmp(code, "42501") == 0)
		say(check, false, what, "%s may not ask; GRANT vac_daemon TO %s",
			PQuser(check->conn), PQuser(check->conn));
	else
		say(check, false, what, "%s", text ? text : "the connection was lost");
	PQclear(result);
	return NULL;
}

/* Whether it is this program's own, so that more can be asked. */
static bool check_schema(struct check *check)
{
	PGresult *result = ask(check, "schema", "SELECT vac_daemon.schema_digest()");
	const char *digest;
	bool fits;

	if (!result)
		return false;
	digest = PQntuples(result) ? pg_text(result, 0, 0) : NULL;
	fits = digest && strcmp(digest, VACD_SCHEMA_DIGEST) == 0;
	if (fits)
		say(check, true, "schema", "%.12s, this program's own", digest);
	else
		say(check, false, "schema",
			"%.12s, but this program needs %.12s; run this version's "
			"`vacd migrate`, or install the vacd that fits",
			digest ? digest : "none", VACD_SCHEMA_DIGEST);
	PQclear(result);
	return fits;
}

static void check_readiness(struct check *check)
{
	PGresult *result = ask(
		check, "readiness", "SELECT severity, what, said FROM vac_daemon.readiness()");

	for (int row = 0; row < PQntuples(result); row++)
		say_as(check, PQgetvalue(result, row, 0), PQgetvalue(result, row, 1),
			PQgetvalue(result, row, 2));
	PQclear(result);
}

/* ---- time zones ----------------------------------------------------------------------------- */

/* False: the system has no data for the zone (localtime() then says UTC, under the name given). */
static bool enter_zone(const char *zone)
{
	char path[200];

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	setenv("TZ", zone, 1);
	tzset();
	return access(path, R_OK) == 0;
}

static long system_offset(long long at)
{
	time_t t = (time_t)at;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : LONG_MIN;
}

static bool zone_differs(const PGresult *result, int row, bool known, char *text, size_t size)
{
	const char *zone = PQgetvalue(result, row, 0);
	long long at = pg_int(result, row, 1), theirs = pg_int(result, row, 2);
	long ours = known ? system_offset(at) : 0;
	time_t t = (time_t)at;
	struct tm tm;
	char day[20] = "";

	if (known && ours == theirs)
		return false;
	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (known)
		snprintf(text, size,
			"%s on %s: the system says UTC%+ld min, PostgreSQL UTC%+lld min", zone, day,
			ours / 60, theirs / 60);
	else
		snprintf(text, size, "the system does not know %s", zone);
	return true;
}

/* Leaves TZ as it was: whoever comes after prints times. */
static int compare_zones(const PGresult *result, char *text, size_t size)
{
	const char *now = getenv("TZ"), *current = "";
	char *before = now ? strdup(now) : NULL;
	bool known = false, differs = false;
	int zones = 0;

	for (int row = 0; row < PQntuples(result) && !differs; row++) {
		const char *zone = PQgetvalue(result, row, 0);

		if (strcmp(zone, current) != 0) {
			known = enter_zone(zone);
			current = zone;
			zones++;
		}
		differs = zone_differs(result, row, known, text, size);
	}
	if (before)
		setenv("TZ", before, 1);
	else
		unsetenv("TZ");
	tzset();
	free(before);
	return differs ? -1 : zones;
}

static void check_zones(struct check *check)
{
	char text[TEXT_SIZE] = "";
	PGresult *result = ask(check, "time zones",
		"SELECT zone, at, offset_seconds FROM vac_daemon.zone_offsets()");
	int zones;

	if (!result)
		return;
	zones = compare_zones(result, text, sizeof(text));
	if (zones > 0)
		say(check, true, "time zones", "system and PostgreSQL agree on %d zones", zones);
	else
		say(check, false, "time zones",
			"%s; bring package tzdata up to date on both machines",
			text[0] ? text : "no zone to compare");
	PQclear(result);
}

/* The database's clock is the only one that counts; a system clock that is far off still breaks TLS. */
static void check_clock(struct check *check)
{
	PGresult *result = ask(
		check, "clock", "SELECT extract(epoch FROM clock_timestamp())::bigint");
	long long apart;

	if (!result)
		return;
	apart = pg_int(result, 0, 0) - (long long)time(NULL);
	if (apart >= -60 && apart <= 60)
		say(check, true, "clock", "within a minute of the database's");
	else
		say(check, false, "clock", "%lld s from the database's; set both machines' clocks",
			apart);
	PQclear(result);
}

/* ---- mail ----------------------------------------------------------------------------------- */

static void check_mail(struct check *check)
{
	char text[TEXT_SIZE] = "";
	int r;

	if (!check->config->mail_host[0]) {
		say(check, true, "mail server",
			"none named, and with deliver = hold none is needed");
		return;
	}
	r = mail_try(check->config, MAIL_WAIT_MS, NULL, text, sizeof(text));
	say(check, r == 0, "mail server", "%s", r < 0 ? strerror(-r) : text);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void check_reader(struct check *check)
{
	char text[TEXT_SIZE] = "";
	int r = reader_try(text, sizeof(text));

	say(check, r == 0, "reader of mail", "%s", r < 0 ? strerror(-r) : text);
}

int check_command(const struct config *config, int argc, char **argv)
{
	struct check check = {.config = config};

	(void)argv;
	if (argc > 1) {
		fputs("vacd: check takes no arguments\n", stderr);
		return EX_USAGE;
	}
	say(&check, true, "configuration", "deliver = %s",
		config->deliver == CONFIG_DELIVER_SMTP ? "smtp" : "hold: NOTHING IS SENT");
	check_credentials(&check);
	check_tokens(&check);
	check_history(&check);
	crl_each(config, say_list, &check);
	check_secrets(&check);
	check_login(&check);
	if (check.conn) {
		check_clock(&check);
		if (check_schema(&check)) {
			check_zones(&check);
			check_readiness(&check);
		}
	}
	check_mail(&check);
	check_signer(&check);
	check_inbox(&check);
	check_intake(&check);
	check_reader(&check);
	PQfinish(check.conn);
	return check.bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
