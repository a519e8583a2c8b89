#include "settings.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "file.h"
#include "log.h"
#include "token.h"

void settings_log_level(const char *word)
{
	static const struct {
		const char *word;
		int priority;
	} levels[] = {{"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
		{"info", LOG_INFO}, {"debug", LOG_DEBUG}};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].word, word) == 0)
			log_set_level(levels[i].priority);
}

int settings_keys(const struct config *config, struct token_keys **keysp)
{
	bool smtp = config->deliver == CONFIG_DELIVER_SMTP;
	char why[300] = "";
	int r;

	*keysp = NULL;
	if (!config->token_key_file[0])
		return 0;
	r = token_keys_read(config->token_key_file, keysp, why, sizeof(why));
	if (!r)
		return 0;
	log_line(smtp ? LOG_ERR : LOG_WARNING, "token keys cannot be read", "file=%s why=\"%s\"",
		config->token_key_file, why[0] ? why : strerror(-r));
	return !smtp ? 0 : file_error_passes(r) ? r : -EINVAL;
}

void settings_wait(const struct config *old, const struct config *new)
{
	if (strcmp(old->database, new->database) != 0
		|| strcmp(old->database_password_file, new->database_password_file) != 0
		|| old->database_timeout_ms != new->database_timeout_ms)
		log_warning("change waits for the next start",
			"keys=\"database database_password_file database_timeout_ms\"");
	if (strcmp(old->lmtp_socket, new->lmtp_socket) != 0
		|| strcmp(old->lmtp_socket_group, new->lmtp_socket_group) != 0)
		log_warning("change waits for the next start",
			"keys=\"lmtp_socket lmtp_socket_group\"");
	if (strcmp(old->intake_listen, new->intake_listen) != 0
		|| strcmp(old->metrics_listen, new->metrics_listen) != 0)
		log_warning(
			"change waits for the next start", "keys=\"intake_listen metrics_listen\"");
}
