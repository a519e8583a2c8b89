/*
 * fuzz_config - any bytes as a configuration file
 *
 * It is taken, with every text there and every number within what its key allows, or refused with one line
 * that begins with the file's name.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz_file.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_config: %s\n", why);
	abort();
}

static void check_refusal(const char *path, const char *error)
{
	if (strncmp(error, path, strlen(path)) != 0 || error[strlen(path)] != ':')
		fail("a refusal that names no file");
	if (strchr(error, '\n'))
		fail("a refusal of several lines");
}

static void check(const struct config *config)
{
	const char *const paths[] = {config->database_password_file, config->mail_ca_file,
		config->token_key_file, config->history_key_file, config->lmtp_socket,
		config->intake_cert_file};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!paths[i] || (paths[i][0] && paths[i][0] != '/' && paths[i][0] != '$'))
			fail("a path that leads anywhere");
	if (!config->database || !config->log_level || config->mail_port < 1
		|| config->mail_port > 65535 || config->lease_ms < 1000)
		fail("a value that no key allows");
	if (config->mail_from[0] && !text_is_address(config->mail_from))
		fail("a sender that is no address");
	if (config->deliver == CONFIG_DELIVER_SMTP
		&& (!config->mail_host[0] || !config->token_key_file[0]))
		fail("mail is to be sent, and nobody says how");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_FILE_PATH], error[400] = "";
	struct config *config = NULL;
	int fd = fuzz_file_open(data, size, path);
	int r = config_read(path, &config, error, sizeof(error));

	if (r == 0)
		check(config);
	else if (r == CONFIG_INVALID)
		check_refusal(path, error);
	else
		fail("an error");
	config_free(config);
	close(fd);
	return 0;
}
