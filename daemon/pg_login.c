#include "pg_login.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libpq 15 knows 41 keywords, and we add what is missing of eight. */
enum { MOST_PARAMS = 80, PASSWORD_SIZE = 1024, LONGEST_ATTEMPT_MS = 10000 };

struct host {
	char *host, *hostaddr, *port; /* NULL: libpq's default */
	char *name;
};

struct pg_login {
	PQconninfoOption *options; /* of the connection string */
	struct host *hosts;
	size_t n_hosts;
	char *password_file, *application;
	char *settings; /* what becomes keyword "options" */
	char user_timeout[24];
	long timeout_ms;
};

struct params {
	const char *keywords[MOST_PARAMS + 1];
	const char *values[MOST_PARAMS + 1];
	size_t n;
};

static const char *option(const struct pg_login *login, const char *keyword)
{
	for (const PQconninfoOption *o = login->options; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val && o->val[0] ? o->val : NULL;
	return NULL;
}

/* ---- several hosts -------------------------------------------------------------------------- */

static size_t count_items(const char *list)
{
	size_t n = 1;

	if (!list)
		return 0;
	for (; *list; list++)
		n += *list == ',';
	return n;
}

/* Item number i of a list with commas; *item stays NULL when it is empty or there is no list. */
static int copy_item(const char *list, size_t i, char **item)
{
	size_t n;

	if (!list)
		return 0;
	while (i--)
		list += strcspn(list, ",") + 1;
	n = strcspn(list, ",");
	if (!n)
		return 0;
	*item = strndup(list, n);
	return *item ? 0 : -ENOMEM;
}

static int name_host(struct host *host)
{
	const char *where = host->host ? host->host : host->hostaddr;
	int r;

	r = asprintf(&host->name, "%s%s%s", where ? where : "local", host->port ? ":" : "",
		host->port ? host->port : "");
	if (r < 0)
		host->name = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int split_hosts(struct pg_login *login, char *error, size_t size)
{
	const char *host = option(login, "host"), *addr = option(login, "hostaddr"),
		   *port = option(login, "port");
	size_t hosts = count_items(host), addrs = count_items(addr), ports = count_items(port);
	size_t n = addrs ? addrs : hosts ? hosts : 1;
	int r = 0;

	if ((hosts && addrs && hosts != addrs) || (ports > 1 && ports != n)) {
		snprintf(error, size,
			"%zu host names, %zu host addresses and %zu ports do not fit together",
			hosts, addrs, ports);
		return PG_LOGIN_INVALID;
	}
	login->hosts = calloc(n, sizeof(*login->hosts));
	if (!login->hosts)
		return -ENOMEM;
	login->n_hosts = n;
	for (size_t i = 0; i < n && !r; i++) {
		r = copy_item(host, i, &login->hosts[i].host);
		if (!r)
			r = copy_item(addr, i, &login->hosts[i].hostaddr);
		if (!r)
			r = copy_item(port, ports > 1 ? i : 0, &login->hosts[i].port);
		if (!r)
			r = name_host(&login->hosts[i]);
	}
	return r;
}

/* ---- settings ------------------------------------------------------------------------------- */

/* No timeout of the server's ends a session that went silent between a call and its end: it waits for the
 * client, with its locks, and others pass over what it locked. The kernel would ask after two hours. While
 * an answer that was sent is not acknowledged it does not ask but sends again, for a quarter of an hour: hence
 * the timeout, which is as long as the asking, 30 + 3 * 5 seconds. */
#define KEEPALIVES                                                                                 \
	"-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "        \
	"-c tcp_user_timeout=45000 "

/* What the client asks for at the start wins over the role's and the database's settings; of what is asked
 * for twice the last counts. */
static int write_settings(struct pg_login *login)
{
	const char *own = option(login, "options");
	int r;

	r = asprintf(&login->settings,
		KEEPALIVES
		"%s%s-c search_path=pg_catalog,pg_temp -c TimeZone=UTC -c DateStyle=ISO"
		" -c IntervalStyle=postgres -c bytea_output=hex -c client_min_messages=warning"
		" -c lock_timeout=2000 -c statement_timeout=%ld"
		" -c idle_in_transaction_session_timeout=%ld",
		own ? own : "", own ? " " : "", login->timeout_ms, login->timeout_ms);
	if (r < 0)
		login->settings = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int parse(struct pg_login *login, const char *conninfo, char *error, size_t size)
{
	char *message = NULL;

	login->options = PQconninfoParse(conninfo, &message);
	if (!login->options) {
		pg_login_flatten(message ? message : "out of memory", error, size);
		PQfreemem(message);
		return PG_LOGIN_INVALID;
	}
	if (option(login, "password")) {
		snprintf(error, size,
			"a password stands in it; write it to a file and name that by "
			"database_password_file");
		return PG_LOGIN_INVALID;
	}
	return 0;
}

static int fill(struct pg_login *login, const char *conninfo, char *error, size_t size)
{
	int r = parse(login, conninfo, error, size);

	if (!r)
		r = split_hosts(login, error, size);
	if (!r)
		r = write_settings(login);
	return r;
}

int pg_login_new(const char *conninfo, const char *password_file, const char *application,
	long timeout_ms, struct pg_login **loginp, char *error, size_t error_size)
{
	struct pg_login *login = calloc(1, sizeof(*login));
	int r = -ENOMEM;

	if (!login)
		return -ENOMEM;
	error[0] = '\0';
	login->timeout_ms = timeout_ms;
	snprintf(login->user_timeout, sizeof(login->user_timeout), "%ld", timeout_ms);
	login->password_file = strdup(password_file ? password_file : "");
	login->application = strdup(application);
	if (login->password_file && login->application)
		r = fill(login, conninfo, error, error_size);
	if (r) {
		pg_login_free(login);
		return r;
	}
	*loginp = login;
	return 0;
}

struct pg_login *pg_login_free(struct pg_login *login)
{
	if (!login)
		return NULL;
	for (size_t i = 0; i < login->n_hosts; i++) {
		free(login->hosts[i].host);
		free(login->hosts[i].hostaddr);
		free(login->hosts[i].port);
		free(login->hosts[i].name);
	}
	free(login->hosts);
	free(login->password_file);
	free(login->application);
	free(login->settings);
	PQconninfoFree(login->options);
	free(login);
	return NULL;
}

size_t pg_login_hosts(const struct pg_login *login)
{
	return login->n_hosts;
}

const char *pg_login_name(const struct pg_login *login, size_t host)
{
	return login->hosts[host].name;
}

long pg_login_timeout_ms(const struct pg_login *login)
{
	const char *text = option(login, "connect_timeout");
	long seconds = text ? strtol(text, NULL, 10) : 0;

	/* libpq, too, makes 2 of 1. */
	if (seconds > 0 && seconds <= 3600)
		return (seconds < 2 ? 2 : seconds) * 1000;
	return login->timeout_ms < LONGEST_ATTEMPT_MS ? login->timeout_ms : LONGEST_ATTEMPT_MS;
}

/* ---- logging in ----------------------------------------------------------------------------- */

/* The file's first line. libpq's own passfile is no help: it ignores one that a group can read, as a
 * systemd credential is. */
static int read_password(const char *path, char *password, char *error, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, password, PASSWORD_SIZE - 1);
	int e = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		snprintf(error, size, "database_password_file %s cannot be read: %s", path,
			strerror(e));
		return -e;
	}
	password[n] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

static void add(struct params *params, const char *keyword, const char *value)
{
	if (!value || params->n >= MOST_PARAMS)
		return;
	params->keywords[params->n] = keyword;
	params->values[params->n++] = value;
}

static void add_unless_given(
	const struct pg_login *login, struct params *params, const char *keyword, const char *value)
{
	if (!option(login, keyword))
		add(params, keyword, value);
}

static bool is_replaced(const char *keyword, bool one_host)
{
	static const char *const always[] = {
		"application_name", "client_encoding", "options", "connect_timeout"};
	static const char *const for_one[] = {"host", "hostaddr", "port"};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (strcmp(keyword, always[i]) == 0)
			return true;
	for (size_t i = 0; one_host && i < sizeof(for_one) / sizeof(for_one[0]); i++)
		if (strcmp(keyword, for_one[i]) == 0)
			return true;
	return false;
}

static void collect(const struct pg_login *login, const struct host *host, const char *address,
	struct params *params)
{
	for (const PQconninfoOption *o = login->options; o->keyword; o++)
		if (o->val && o->val[0] && !is_replaced(o->keyword, host != NULL))
			add(params, o->keyword, o->val);
	if (host) {
		add(params, "host", host->host);
		add(params, "hostaddr", address ? address : host->hostaddr);
		add(params, "port", host->port);
	}
	add(params, "application_name", login->application);
	add(params, "client_encoding", "UTF8");
	add(params, "options", login->settings);
	add_unless_given(login, params, "keepalives_idle", "30");
	add_unless_given(login, params, "keepalives_interval", "5");
	add_unless_given(login, params, "keepalives_count", "3");
	add_unless_given(login, params, "tcp_user_timeout", login->user_timeout);
}

typedef PGconn *(*connect_fn)(const char *const *keywords, const char *const *values, int expand);

static PGconn *begin(const struct pg_login *login, struct params *params, connect_fn connect_to,
	char *error, size_t size)
{
	char password[PASSWORD_SIZE] = "";
	PGconn *conn = NULL;

	if (!login->password_file[0]
		|| !read_password(login->password_file, password, error, size)) {
		add(params, "password", password[0] ? password : NULL);
		conn = connect_to(params->keywords, params->values, 0);
		if (!conn)
			snprintf(error, size, "out of memory");
	}
	explicit_bzero(password, sizeof(password));
	return conn;
}

/* A connection that failed at once is closed, its message kept. */
static PGconn *unless_bad(PGconn *conn, char *error, size_t size)
{
	if (!conn || PQstatus(conn) != CONNECTION_BAD)
		return conn;
	pg_login_flatten(PQerrorMessage(conn), error, size);
	PQfinish(conn);
	return NULL;
}

const char *pg_login_lookup(const struct pg_login *login, size_t host)
{
	const struct host *h = &login->hosts[host];

	/* "/" begins a socket's folder, "@" an abstract socket's name. */
	if (h->hostaddr || !h->host || h->host[0] == '/' || h->host[0] == '@')
		return NULL;
	return h->host;
}

PGconn *pg_login_start(const struct pg_login *login, size_t host, const struct addrinfo *address,
	char *error, size_t error_size)
{
	struct params params = {.n = 0};
	char number[NI_MAXHOST] = "";

	if (address)
		getnameinfo(address->ai_addr, address->ai_addrlen, number, sizeof(number), NULL, 0,
			NI_NUMERICHOST);
	collect(login, &login->hosts[host], number[0] ? number : NULL, &params);
	return unless_bad(
		begin(login, &params, PQconnectStartParams, error, error_size), error, error_size);
}

PGconn *pg_login_wait(const struct pg_login *login, char *error, size_t error_size)
{
	struct params params = {.n = 0};
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%ld", (pg_login_timeout_ms(login) + 999) / 1000);
	collect(login, NULL, NULL, &params);
	add(&params, "connect_timeout", seconds);
	return unless_bad(
		begin(login, &params, PQconnectdbParams, error, error_size), error, error_size);
}

void pg_login_flatten(const char *message, char *line, size_t size)
{
	size_t n = 0;

	for (const char *p = message; *p && n + 3 < size; p++) {
		if (*p != '\n' && *p != '\t') {
			line[n++] = *p == '"' ? '\'' : *p;
		} else if (n && line[n - 1] != ' ') {
			if (*p == '\n' && p[1])
				line[n++] = ';';
			line[n++] = ' ';
		}
	}
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
}
