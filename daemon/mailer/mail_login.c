/*
 * mail_login - who we say we are to the mail server
 */
#include "mail_login.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config.h"

/* The longest token seen in the wild is about 4,000 octets. */
#define SECRET_MAX 16384

static enum smtp_auth auth_of(enum config_mail_auth auth)
{
	switch (auth) {
	case CONFIG_AUTH_NONE:
		break;
	case CONFIG_AUTH_PLAIN:
		return SMTP_AUTH_PLAIN;
	case CONFIG_AUTH_LOGIN:
		return SMTP_AUTH_LOGIN;
	case CONFIG_AUTH_XOAUTH2:
		return SMTP_AUTH_XOAUTH2;
	}
	return SMTP_AUTH_NONE;
}

int mail_login_set(struct mail_login *login, const struct config *config)
{
	login->auth = auth_of(config->mail_auth);
	login->user = strdup(config->mail_user);
	login->secret_file = strdup(config->mail_secret_file);
	login->helo = strdup(config->mail_helo);
	if (login->user == NULL || login->secret_file == NULL || login->helo == NULL) {
		mail_login_clear(login);
		return -ENOMEM;
	}
	return 0;
}

void mail_login_clear(struct mail_login *login)
{
	free(login->user);
	free(login->secret_file);
	free(login->helo);
	memset(login, 0, sizeof(*login));
}

void mail_login_wipe(char *secret)
{
	if (secret != NULL)
		OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
}

static void wipe(const void *bytes, size_t length, void *arg)
{
	(void)bytes;
	OPENSSL_clear_free(arg, length);
}

int mail_login_write(struct bufferevent *buffer, const char *bytes, size_t length)
{
	char *copy = OPENSSL_malloc(length);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, bytes, length);
	if (evbuffer_add_reference(bufferevent_get_output(buffer), copy, length, wipe, copy) == 0)
		return 0;
	OPENSSL_clear_free(copy, length);
	return -ENOMEM;
}

static ssize_t read_file(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 0;
	int error;

	if (fd < 0)
		return -errno;
	while (length < size && (n = read(fd, bytes + length, size - length)) > 0)
		length += (size_t)n;
	error = errno;
	close(fd);
	return n < 0 ? -error : (ssize_t)length;
}

/* Line ends at the end are an editor's, not the secret's. */
static size_t trimmed(const char *bytes, size_t length)
{
	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	return length;
}

static int read_secret(const char *path, char *bytes, char *error, size_t error_size)
{
	ssize_t n = read_file(path, bytes, SECRET_MAX);
	const char *why = NULL;

	if (n < 0)
		why = strerror((int)-n);
	else if (n == SECRET_MAX)
		why = "it is too long for a password or token";
	else if (trimmed(bytes, (size_t)n) == 0)
		why = "it is empty";
	if (why != NULL) {
		snprintf(error, error_size, "mail_secret_file %s cannot be used: %s", path, why);
		return MAIL_LOGIN_INVALID;
	}
	bytes[trimmed(bytes, (size_t)n)] = '\0';
	return 0;
}

int mail_login_secret(const struct mail_login *login, char **secret, char *error, size_t error_size)
{
	char *bytes;
	int r;

	*secret = NULL;
	if (login->auth == SMTP_AUTH_NONE)
		return 0;
	bytes = calloc(1, SECRET_MAX + 1);
	if (bytes == NULL)
		return -ENOMEM;
	r = read_secret(login->secret_file, bytes, error, error_size);
	if (r == 0) {
		*secret = strdup(bytes);
		r = *secret == NULL ? -ENOMEM : 0;
	}
	OPENSSL_cleanse(bytes, SECRET_MAX);
	free(bytes);
	return r;
}

static bool own_address(int socket, char *text, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char host[NI_MAXHOST];

	if (getsockname(socket, (struct sockaddr *)&address, &length) < 0
		|| getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), NULL, 0,
			   NI_NUMERICHOST)
			   != 0)
		return false;
	host[strcspn(host, "%")] = '\0'; /* an interface's name is no part of the literal */
	snprintf(text, size, address.ss_family == AF_INET6 ? "[IPv6:%s]" : "[%s]", host);
	return true;
}

void mail_login_helo(const struct mail_login *login, int socket, char *helo, size_t helo_size)
{
	if (login->helo[0] != '\0') {
		snprintf(helo, helo_size, "%s", login->helo);
		return;
	}
	if (gethostname(helo, helo_size) == 0 && memchr(helo, '\0', helo_size) != NULL
		&& strchr(helo, '.') != NULL)
		return;
	if (!own_address(socket, helo, helo_size))
		snprintf(helo, helo_size, "[127.0.0.1]");
}
