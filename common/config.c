#include "config.h"
#include "imip.h"
#include "mailbox.h"
#include "text.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum value_type { TEXT, PATH, NUMBER, CHOICE };

struct key {
	const char *name;
	enum value_type type;
	size_t offset;
	const char *preset; /* default, as it would be written in the file */
	long least, most;   /* NUMBER */
	const char *words;  /* CHOICE: separated by blanks, in the order of the enum */
};

#define KEY_TEXT(name, preset)                                                                     \
	{                                                                                          \
#name, TEXT, offsetof(struct config, name), preset, 0, 0, NULL                     \
	}
#define KEY_PATH(name)                                                                             \
	{                                                                                          \
#name, PATH, offsetof(struct config, name), "", 0, 0, NULL                         \
	}
#define KEY_NUMBER(name, preset, least, most)                                                      \
	{                                                                                          \
#name, NUMBER, offsetof(struct config, name), preset, least, most, NULL            \
	}
#define KEY_CHOICE(name, preset, words)                                                            \
	{                                                                                          \
#name, CHOICE, offsetof(struct config, name), preset, 0, 0, words                  \
	}

/* Order of the sample file and of the man page. log_level is a word kept as text. */
static const struct key keys[] = {
	KEY_TEXT(database, "dbname=vac"),
	KEY_PATH(database_password_file),
	KEY_NUMBER(database_timeout_ms, "30000", 100, 600000),
	KEY_CHOICE(deliver, "hold", "hold smtp"),
	KEY_TEXT(mail_from, ""),
	KEY_TEXT(mail_host, ""),
	KEY_NUMBER(mail_port, "465", 1, 65535),
	KEY_CHOICE(mail_tls, "implicit", "implicit starttls"),
	KEY_PATH(mail_ca_file),
	KEY_PATH(mail_crl_file),
	KEY_PATH(mail_cert_file),
	KEY_PATH(mail_key_file),
	KEY_PATH(smime_cert_file),
	KEY_PATH(smime_key_file),
	KEY_CHOICE(mail_auth, "none", "none plain login xoauth2"),
	KEY_TEXT(mail_user, ""),
	KEY_PATH(mail_secret_file),
	KEY_NUMBER(mail_connections, "4", 1, 100),
	KEY_NUMBER(mail_timeout_ms, "0", 0, 3600000),
	KEY_TEXT(mail_helo, ""),
	KEY_PATH(lmtp_socket),
	KEY_TEXT(lmtp_socket_group, ""),
	KEY_TEXT(lmtp_users, ""),
	KEY_TEXT(lmtp_groups, ""),
	KEY_TEXT(lmtp_delimiter, "+"),
	KEY_NUMBER(lmtp_connections, "20", 1, 1000),
	KEY_NUMBER(lmtp_size_max, "10485760", 65536, 104857600),
	KEY_NUMBER(lmtp_idle_ms, "300000", 100, 3600000),
	KEY_NUMBER(lmtp_mail_ms, "600000", 100, 86400000),
	KEY_PATH(token_key_file),
	KEY_TEXT(authserv_id, ""),
	KEY_PATH(history_key_file),
	KEY_PATH(history_head_file),
	KEY_NUMBER(history_head_ms, "600000", 100, 86400000),
	KEY_NUMBER(poll_ms, "5000", 100, 60000),
	KEY_NUMBER(lease_ms, "60000", 1000, 600000),
	KEY_NUMBER(dispatch_batch, "500", 1, 10000),
	KEY_NUMBER(mail_batch, "200", 1, 10000),
	KEY_TEXT(intake_listen, ""),
	KEY_PATH(intake_cert_file),
	KEY_PATH(intake_key_file),
	KEY_PATH(intake_ca_file),
	KEY_PATH(intake_crl_file),
	KEY_CHOICE(intake_client_cert, "none", "none optional required"),
	KEY_NUMBER(intake_connections, "500", 1, 20000),
	KEY_NUMBER(intake_size_max, "16384", 1024, 1048576),
	KEY_NUMBER(intake_request_ms, "10000", 100, 600000),
	KEY_NUMBER(intake_idle_ms, "30000", 100, 3600000),
	KEY_NUMBER(intake_rate, "60", 1, 100000),
	KEY_TEXT(metrics_listen, ""),
	KEY_TEXT(log_level, "info"),
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* libconfuse hands its callbacks no argument of ours, and its scanner is global anyway: one file is
 * read at a time, and this is the one. */
static struct reading {
	struct config *config;
	int lines[KEYS]; /* where each key was set, 0: not set */
	char *error;     /* the first thing wrong; later ones follow from it more often than not */
	size_t error_size;
	bool no_memory;
} * reading;

static const struct key *key_of(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static int line_of(const struct reading *r, const char *name)
{
	return r->lines[key_of(name) - keys];
}

static char **text_at(struct config *config, const struct key *key)
{
	return (char **)(void *)((char *)config + key->offset);
}

/* ---- one value ------------------------------------------------------------------------------ */

static int copy_text(struct config *config, const struct key *key, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text_at(config, key));
	*text_at(config, key) = copy;
	return 0;
}

/* A command that an administrator types sees no credentials: the value then stays as written, and
 * only who needs the file fails. */
static int set_path(
	struct config *config, const struct key *key, const char *value, char *why, size_t size)
{
	static const char variable[] = "$CREDENTIALS_DIRECTORY/";
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	int r;

	if (strncmp(value, variable, sizeof(variable) - 1) != 0) {
		if (value[0] == '\0' || value[0] == '/')
			return copy_text(config, key, value);
		snprintf(why, size, "'%s' is no absolute path; begin it with / or with %s", value,
			variable);
		return CONFIG_INVALID;
	}
	if (!folder || !folder[0])
		return copy_text(config, key, value);
	if (asprintf(&path, "%s/%s", folder, value + sizeof(variable) - 1) < 0)
		return -ENOMEM;
	r = copy_text(config, key, path);
	free(path);
	return r;
}

static int set_number(
	struct config *config, const struct key *key, const char *value, char *why, size_t size)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number < key->least
		|| number > key->most) {
		snprintf(why, size, "'%s' is no whole number from %ld to %ld", value, key->least,
			key->most);
		return CONFIG_INVALID;
	}
	*(long *)(void *)((char *)config + key->offset) = number;
	return 0;
}

/* Place of value among words, or -1. */
static int word_index(const char *words, const char *value)
{
	size_t length = strlen(value);
	int index = 0;

	for (const char *word = words; *word; index++) {
		size_t n = strcspn(word, " ");

		if (n == length && memcmp(word, value, n) == 0)
			return index;
		word += n + (word[n] == ' ');
	}
	return -1;
}

static int set_choice(
	struct config *config, const struct key *key, const char *value, char *why, size_t size)
{
	int index = word_index(key->words, value);

	if (index < 0) {
		snprintf(why, size, "'%s' is none of: %s", value, key->words);
		return CONFIG_INVALID;
	}
	/* An enum here is as large as an int. */
	memcpy((char *)config + key->offset, &index, sizeof(index));
	return 0;
}

static int set_text(
	struct config *config, const struct key *key, const char *value, char *why, size_t size)
{
	static const char levels[] = "error warning notice info debug";

	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			snprintf(why, size, "a control character is in it; write one line of text");
			return CONFIG_INVALID;
		}
	}
	if (strcmp(key->name, "log_level") == 0 && word_index(levels, value) < 0) {
		snprintf(why, size, "'%s' is none of: %s", value, levels);
		return CONFIG_INVALID;
	}
	return copy_text(config, key, value);
}

static int set_value(
	struct config *config, const struct key *key, const char *value, char *why, size_t size)
{
	switch (key->type) {
	case PATH:
		return set_path(config, key, value, why, size);
	case NUMBER:
		return set_number(config, key, value, why, size);
	case CHOICE:
		return set_choice(config, key, value, why, size);
	case TEXT:
	default:
		return set_text(config, key, value, why, size);
	}
}

/* ---- what hangs together -------------------------------------------------------------------- */

struct demand {
	const char *key, *value; /* must be set … */
	const char *cause;       /* … because this one is */
	bool needed;
};

static const struct demand *first_unmet(const struct demand *demands, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (demands[i].needed && !demands[i].value[0])
			return &demands[i];
	return NULL;
}

static int check_together(struct reading *r, const char *path)
{
	struct config *c = r->config;
	bool smtp = c->deliver == CONFIG_DELIVER_SMTP, login = c->mail_auth != CONFIG_AUTH_NONE;
	const struct demand demands[] = {
		{"mail_from", c->mail_from, "deliver", smtp},
		{"mail_host", c->mail_host, "deliver", smtp},
		{"token_key_file", c->token_key_file, "deliver", smtp},
		{"mail_from", c->mail_from, "lmtp_socket", c->lmtp_socket[0] != '\0'},
		{"intake_cert_file", c->intake_cert_file, "intake_listen",
			c->intake_listen[0] != '\0'},
		{"intake_key_file", c->intake_key_file, "intake_listen",
			c->intake_listen[0] != '\0'},
		{"intake_ca_file", c->intake_ca_file, "intake_client_cert",
			c->intake_client_cert != CONFIG_CLIENT_CERT_NONE},
		{"intake_ca_file", c->intake_ca_file, "intake_crl_file",
			c->intake_crl_file[0] != '\0'},
		{"mail_user", c->mail_user, "mail_auth", login},
		{"mail_secret_file", c->mail_secret_file, "mail_auth", login},
		{"mail_key_file", c->mail_key_file, "mail_cert_file", c->mail_cert_file[0] != '\0'},
		{"mail_cert_file", c->mail_cert_file, "mail_key_file", c->mail_key_file[0] != '\0'},
		{"smime_key_file", c->smime_key_file, "smime_cert_file",
			c->smime_cert_file[0] != '\0'},
		{"smime_cert_file", c->smime_cert_file, "smime_key_file",
			c->smime_key_file[0] != '\0'},
		{"history_key_file", c->history_key_file, "history_head_file",
			c->history_head_file[0] != '\0'},
	};
	const struct demand *unmet = first_unmet(demands, sizeof(demands) / sizeof(demands[0]));

	if (unmet) {
		snprintf(r->error, r->error_size, "%s:%d: %s: must be set too, since %s is", path,
			line_of(r, unmet->cause), unmet->key, unmet->cause);
		return CONFIG_INVALID;
	}
	if (c->mail_from[0] && !text_is_address(c->mail_from)) {
		snprintf(r->error, r->error_size,
			"%s:%d: mail_from: '%s' is no mail address; write it as "
			"name@domain.example",
			path, line_of(r, "mail_from"), c->mail_from);
		return CONFIG_INVALID;
	}
	if (strcspn(c->mail_from, "@") > IMIP_SENDER_LOCAL_MAX
		|| strlen(c->mail_from) > IMIP_SENDER_MAX) {
		snprintf(r->error, r->error_size,
			"%s:%d: mail_from: too long for a token to be added: at most %d characters "
			"before the @, %d in all",
			path, line_of(r, "mail_from"), IMIP_SENDER_LOCAL_MAX, IMIP_SENDER_MAX);
		return CONFIG_INVALID;
	}
	if (!c->lmtp_delimiter[0]
		|| c->lmtp_delimiter[strspn(c->lmtp_delimiter, MAILBOX_DELIMITERS)]) {
		snprintf(r->error, r->error_size,
			"%s:%d: lmtp_delimiter: '%s' is not one or more of + - = _ . #", path,
			line_of(r, "lmtp_delimiter"), c->lmtp_delimiter);
		return CONFIG_INVALID;
	}
	if (c->mail_tls == CONFIG_TLS_STARTTLS && line_of(r, "mail_port") == 0)
		c->mail_port = 587;
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void keep_first_error(cfg_t *cfg, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void keep_first_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[400];

	if (reading->error[0])
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	/* A text whose closing quote was forgotten goes on in the next lines. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	snprintf(reading->error, reading->error_size, "%s:%d: %s%s", cfg->filename, cfg->line, text,
		strncmp(text, "no such option", 14) == 0 ? "; vacd.conf(5) lists all" : "");
}

/* Called after each assignment, while the scanner still stands on its line. */
static int take_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct key *key = key_of(cfg_opt_name(opt));
	int *line = &reading->lines[key - keys];
	char why[300] = "";
	int r;

	if (*line) {
		cfg_error(cfg, "%s: set twice (first in line %d); keep one", key->name, *line);
		return -1;
	}
	*line = cfg->line;
	r = set_value(reading->config, key, cfg_opt_getstr(opt), why, sizeof(why));
	if (r == CONFIG_INVALID)
		cfg_error(cfg, "%s: %s", key->name, why);
	reading->no_memory |= r == -ENOMEM;
	return r ? -1 : 0;
}

static int set_defaults(struct config *config)
{
	char why[300];

	for (size_t i = 0; i < KEYS; i++) {
		int r = set_value(config, &keys[i], keys[i].preset, why, sizeof(why));

		if (r)
			return r;
	}
	return 0;
}

/* NULL and a line in error, or an open file that can be scanned: flex ends the whole program when
 * reading fails, as it does for a folder. */
static const char *way_out(int e)
{
	if (e == ENOENT)
		return "; write one as vacd.conf(5) says, or name another with --config";
	if (e == EACCES)
		return "; it holds no secret, so chmod o+r it, and o+x the folders above";
	return "";
}

static FILE *open_file(const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	struct stat st;

	if (file && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (!file)
		snprintf(error, error_size, "%s:0: cannot be read: %s%s", path, strerror(errno),
			way_out(errno));
	return file;
}

static int scan(FILE *file, const char *path)
{
	cfg_opt_t options[KEYS + 1];
	cfg_t *cfg;
	int r;

	for (size_t i = 0; i < KEYS; i++)
		options[i] = (cfg_opt_t)CFG_STR(keys[i].name, NULL, CFGF_NODEFAULT);
	options[KEYS] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return -ENOMEM;
	cfg_set_error_function(cfg, keep_first_error);
	for (size_t i = 0; i < KEYS; i++)
		cfg_set_validate_func(cfg, keys[i].name, take_value);
	cfg->filename = strdup(path);
	r = !cfg->filename || reading->no_memory ? -ENOMEM : cfg_parse_fp(cfg, file);
	cfg_free(cfg);
	if (r == CFG_SUCCESS)
		return 0;
	return r == -ENOMEM || reading->no_memory ? -ENOMEM : CONFIG_INVALID;
}

static int read_into(struct config *config, const char *path, char *error, size_t error_size)
{
	struct reading r = {.config = config, .error = error, .error_size = error_size};
	FILE *file;
	int result;

	file = open_file(path, error, error_size);
	if (!file)
		return CONFIG_INVALID;
	result = set_defaults(config);
	if (!result) {
		reading = &r;
		result = scan(file, path);
		reading = NULL;
	}
	fclose(file);
	if (!result)
		result = check_together(&r, path);
	if (result == CONFIG_INVALID && !error[0])
		snprintf(error, error_size, "%s:0: cannot be understood", path);
	return result;
}

int config_read(const char *path, struct config **configp, char *error, size_t error_size)
{
	struct config *config = calloc(1, sizeof(*config));
	int r;

	if (!config)
		return -ENOMEM;
	error[0] = '\0';
	r = read_into(config, path, error, error_size);
	if (r) {
		config_free(config);
		return r;
	}
	*configp = config;
	return 0;
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].type == TEXT || keys[i].type == PATH)
			free(*text_at(config, &keys[i]));
	free(config);
	return NULL;
}

void config_print_table(void)
{
	static const char *const types[] = {
		[TEXT] = "text", [PATH] = "path", [NUMBER] = "number", [CHOICE] = "choice"};

	for (size_t i = 0; i < KEYS; i++)
		printf("%s\t%s\t%s\n", keys[i].name, types[keys[i].type], keys[i].preset);
}
