#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"

static char path[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	strcpy(path, "/tmp/vacd-config-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	return unlink(path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct config *read_good(const char *text)
{
	struct config *config = NULL;
	char error[400] = "untouched";

	write_file(text);
	if (config_read(path, &config, error, sizeof(error)))
		fail_msg("refused: %s", error);
	assert_non_null(config);
	return config;
}

/* The text is refused, at this line, with all these words. */
static void refused(const char *text, int line, const char *word, const char *other)
{
	struct config *config = NULL;
	char error[400] = "", where[100];

	write_file(text);
	assert_int_equal(config_read(path, &config, error, sizeof(error)), CONFIG_INVALID);
	assert_null(config);
	snprintf(where, sizeof(where), "%s:%d: ", path, line);
	if (strncmp(error, where, strlen(where)) != 0)
		fail_msg("not in line %d: %s", line, error);
	if (!strstr(error, word) || !strstr(error, other))
		fail_msg("says neither '%s' nor '%s': %s", word, other, error);
	assert_null(strchr(error, '\n'));
}

static void test_defaults(void **state)
{
	struct config *c = read_good("# nothing set\n");

	(void)state;
	assert_string_equal(c->database, "dbname=vac");
	assert_string_equal(c->database_password_file, "");
	assert_int_equal(c->database_timeout_ms, 30000);
	assert_int_equal(c->deliver, CONFIG_DELIVER_HOLD);
	assert_string_equal(c->mail_from, "");
	assert_int_equal(c->mail_port, 465);
	assert_int_equal(c->mail_tls, CONFIG_TLS_IMPLICIT);
	assert_int_equal(c->mail_auth, CONFIG_AUTH_NONE);
	assert_string_equal(c->intake_listen, ""); /* both doors are shut */
	assert_string_equal(c->metrics_listen, "");
	assert_int_equal(c->mail_connections, 4);
	assert_int_equal(c->mail_timeout_ms, 0);
	assert_int_equal(c->poll_ms, 5000);
	assert_int_equal(c->lease_ms, 60000);
	assert_int_equal(c->dispatch_batch, 500);
	assert_int_equal(c->mail_batch, 200);
	assert_string_equal(c->history_key_file, "");
	assert_string_equal(c->history_head_file, "");
	assert_int_equal(c->history_head_ms, 600000);
	assert_string_equal(c->log_level, "info");
	config_free(c);
}

static void test_values(void **state)
{
	struct config *c = read_good("database = \"host=a,b dbname=x\" # a comment\n"
				     "deliver = smtp\nmail_from = \"vacd@agency.example\"\n"
				     "mail_host = mail.agency.example\nmail_tls = starttls\n"
				     "mail_auth=\"xoauth2\"\nmail_user='a b'\n"
				     "mail_secret_file = /run/secret\n"
				     "token_key_file = \"/run/keys\"\n"
				     "poll_ms = 250\nlog_level = debug\n");

	(void)state;
	assert_string_equal(c->database, "host=a,b dbname=x");
	assert_int_equal(c->deliver, CONFIG_DELIVER_SMTP);
	assert_string_equal(c->mail_host, "mail.agency.example");
	assert_int_equal(c->mail_tls, CONFIG_TLS_STARTTLS);
	assert_int_equal(c->mail_auth, CONFIG_AUTH_XOAUTH2);
	assert_string_equal(c->mail_user, "a b");
	assert_string_equal(c->token_key_file, "/run/keys");
	assert_int_equal(c->poll_ms, 250);
	assert_string_equal(c->log_level, "debug");
	config_free(c);
}

static void test_starttls_port(void **state)
{
	struct config *c = read_good("mail_tls = starttls\n");

	(void)state;
	assert_int_equal(c->mail_port, 587);
	config_free(c);
	c = read_good("mail_tls = starttls\nmail_port = 465\n");
	assert_int_equal(c->mail_port, 465);
	config_free(c);
}

static void test_unknown_key(void **state)
{
	(void)state;
	refused("poll_ms = 300\n\nmail_prot = 25\n", 3, "mail_prot", "vacd.conf(5)");
	refused("section { poll_ms = 300 }\n", 1, "section", "");
}

static void test_bad_numbers(void **state)
{
	(void)state;
	refused("mail_port = 0\n", 1, "mail_port", "1 to 65535");
	refused("mail_port = 65536\n", 1, "65536", "1 to 65535");
	refused("\nmail_port = 46 5\n", 2, "5", "");
	refused("mail_port = 465x\n", 1, "465x", "whole number");
	refused("mail_port = -1\n", 1, "-1", "whole number");
	refused("mail_port = \" 465\"\n", 1, "mail_port", "whole number");
	refused("mail_port = \"\"\n", 1, "mail_port", "whole number");
	refused("mail_port = 99999999999999999999\n", 1, "mail_port", "whole number");
	refused("poll_ms = 99\n", 1, "poll_ms", "100 to 60000");
}

/* strtol() with base 0 would make 309 of it. */
static void test_number_is_decimal(void **state)
{
	struct config *c = read_good("mail_port = 0465\n");

	(void)state;
	assert_int_equal(c->mail_port, 465);
	config_free(c);
}

static void test_bad_words(void **state)
{
	(void)state;
	refused("deliver = yes\n", 1, "'yes'", "hold smtp");
	refused("deliver = smt\n", 1, "'smt'", "hold smtp");
	refused("mail_auth = \"none plain\"\n", 1, "mail_auth", "xoauth2");
	refused("log_level = loud\n", 1, "loud", "error warning notice info debug");
	refused("mail_user = \"a\\nb\"\n", 1, "mail_user", "one line");
}

static void test_set_twice(void **state)
{
	(void)state;
	refused("poll_ms = 300\ndeliver = hold\npoll_ms = 300\n", 3, "poll_ms", "line 1");
}

static void test_broken_syntax(void **state)
{
	(void)state;
	refused("poll_ms 300\n", 1, "", "");
	refused("poll_ms = 300\ndatabase = \"dbname=vac\n", 3, "", "");
	refused("poll_ms =", 1, "", "");
	refused("deliver = hold\npoll_ms = \"300\ndatabase = \"\n", 3, "'300?database = '",
		"whole number");
}

static void test_what_hangs_together(void **state)
{
	(void)state;
	refused("\ndeliver = smtp\n", 2, "mail_from", "deliver");
	refused("deliver = smtp\nmail_from=\"v@a.example\"\n", 1, "mail_host", "deliver");
	refused("deliver = smtp\nmail_from=\"v@a.example\"\nmail_host=h\n", 1, "token_key_file",
		"");
	refused("lmtp_socket = /run/x\n", 1, "mail_from", "lmtp_socket");
	refused("\nlmtp_delimiter = \"\"\n", 2, "lmtp_delimiter", "");
	refused("lmtp_delimiter = \"+@\"\n", 1, "lmtp_delimiter", "'+@'");
	config_free(read_good("lmtp_delimiter = \"+-\"\n"));
	refused("history_head_file = /x\n", 1, "history_key_file", "history_head_file");
	refused("mail_auth = plain\n", 1, "mail_user", "mail_auth");
	refused("mail_auth = plain\nmail_user = u\n", 1, "mail_secret_file", "mail_auth");
	refused("smime_cert_file = /c\n", 1, "smime_key_file", "smime_cert_file");
	refused("smime_key_file = /c\n", 1, "smime_cert_file", "smime_key_file");
	refused("mail_cert_file = /c\n", 1, "mail_key_file", "mail_cert_file");
	refused("mail_key_file = /c\n", 1, "mail_cert_file", "mail_key_file");
	refused("intake_listen = \"[::]:8443\"\n", 1, "intake_cert_file", "intake_listen");
	refused("intake_listen = \"[::]:8443\"\nintake_cert_file = /c\n", 1, "intake_key_file",
		"intake_listen");
	refused("intake_client_cert = required\n", 1, "intake_ca_file", "intake_client_cert");
	refused("intake_crl_file = /c\n", 1, "intake_ca_file", "intake_crl_file");
}

static void test_mail_address(void **state)
{
	static const char *const good[] = {
		"vacd@agency.example", "v.a-c_d@a-b.c1.example", "x@1.2", "o'neil@agency.example"};
	static const char *const bad[] = {"vacd", "@agency.example", "vacd@", "vacd@agency",
		"vacd@agency..example", "vacd@-a.example", "vacd@a-.example", "va cd@a.example",
		"vacd@a.example.", "a@b@c.example", "<vacd@a.example>", "vacd@a_b.example",
		"\\\"q\\\"@a.example", "v@\xc3\xa4.example"};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "mail_from = \"%s\"\n", good[i]);
		config_free(read_good(text));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "\nmail_from = \"%s\"\n", bad[i]);
		refused(text, 2, "mail_from", "no mail address");
	}
	config_free(read_good("mail_from = \"abcdefghijklmnopqrstuvwxyzab@a.example\"\n"));
	refused("mail_from = \"abcdefghijklmnopqrstuvwxyzabc@a.example\"\n", 1, "mail_from",
		"at most 28");
}

static void test_paths(void **state)
{
	(void)state;
	refused("mail_ca_file = certs/ca.pem\n", 1, "certs/ca.pem", "absolute");
	refused("mail_ca_file = \"$HOME/ca.pem\"\n", 1, "$HOME", "absolute");
	config_free(read_good("mail_ca_file = \"\"\n"));
}

static void test_credentials(void **state)
{
	static const char text[] = "token_key_file = \"$CREDENTIALS_DIRECTORY/token-keys\"\n"
				   "database = \"dbname=$CREDENTIALS_DIRECTORY/x\"\n";
	struct config *c;

	(void)state;
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/vacd.service", 1);
	c = read_good(text);
	assert_string_equal(c->token_key_file, "/run/credentials/vacd.service/token-keys");
	assert_string_equal(c->database, "dbname=$CREDENTIALS_DIRECTORY/x");
	config_free(c);

	/* For a command typed by hand the rest must still be readable. */
	unsetenv("CREDENTIALS_DIRECTORY");
	c = read_good(text);
	assert_string_equal(c->token_key_file, "$CREDENTIALS_DIRECTORY/token-keys");
	config_free(c);
}

static void test_unreadable(void **state)
{
	struct config *config = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(config_read("/nonexistent/vacd.conf", &config, error, sizeof(error)),
		CONFIG_INVALID);
	assert_string_equal(error, "/nonexistent/vacd.conf:0: cannot be read: No such file or "
				   "directory; write one as vacd.conf(5) says, or "
				   "name another with --config");
	assert_int_equal(config_read("/tmp", &config, error, sizeof(error)), CONFIG_INVALID);
	assert_non_null(strstr(error, "directory"));
	assert_null(config);
}

/* A reload reads into a new struct: the old one is the caller's, whatever happens. */
static void test_reload_keeps_the_old(void **state)
{
	struct config *old = read_good("poll_ms = 300\n"), *fresh = old;
	char error[400] = "";

	(void)state;
	write_file("poll_ms = 400\nmail_port = many\n");
	assert_int_equal(config_read(path, &fresh, error, sizeof(error)), CONFIG_INVALID);
	assert_ptr_equal(fresh, old);
	assert_int_equal(old->poll_ms, 300);
	write_file("poll_ms = 400\n");
	assert_int_equal(config_read(path, &fresh, error, sizeof(error)), 0);
	assert_ptr_not_equal(fresh, old);
	assert_int_equal(fresh->poll_ms, 400);
	assert_int_equal(old->poll_ms, 300);
	config_free(old);
	config_free(fresh);
}

static void test_small_error_buffer(void **state)
{
	struct config *config = NULL;
	char error[12] = "";

	(void)state;
	write_file("deliver = perhaps\n");
	assert_int_equal(config_read(path, &config, error, sizeof(error)), CONFIG_INVALID);
	assert_int_equal(strlen(error), sizeof(error) - 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_file, remove_file)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_values),
		TEST(test_starttls_port),
		TEST(test_unknown_key),
		TEST(test_bad_numbers),
		TEST(test_number_is_decimal),
		TEST(test_bad_words),
		TEST(test_set_twice),
		TEST(test_broken_syntax),
		TEST(test_what_hangs_together),
		TEST(test_mail_address),
		TEST(test_paths),
		TEST(test_credentials),
		TEST(test_unreadable),
		TEST(test_reload_keeps_the_old),
		TEST(test_small_error_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
