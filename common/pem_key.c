#include "pem_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { FILE_MAX = 64 * 1024, KEY_MAX = 16 * 1024 };

static const char begin[] = "-----BEGIN ", end[] = "-----END ", kind[] = "PRIVATE KEY-----";

/* Behind the first line that begins a private key of whatever kind; NULL: there is none. */
static const char *find_key(const char *text, bool *encrypted)
{
	while ((text = strstr(text, begin)) != NULL) {
		const char *line_end = text + strcspn(text, "\r\n");
		const char *found = strstr(text, kind);

		if (found != NULL && found + strlen(kind) <= line_end) {
			*encrypted = strstr(text, "ENCRYPTED") != NULL
				     && strstr(text, "ENCRYPTED") < strstr(text, end);
			return line_end;
		}
		text = line_end;
	}
	return NULL;
}

/* The base64 up to the next line of dashes, without blanks and line ends. Number of characters, 0: too many. */
static size_t collect(const char *text, char base64[KEY_MAX])
{
	size_t n = 0;

	for (; *text != '\0' && *text != '-'; text++) {
		if (strchr(" \t\r\n", *text) != NULL)
			continue;
		if (n == KEY_MAX)
			return 0;
		base64[n++] = *text;
	}
	return strncmp(text, end, strlen(end)) == 0 ? n : 0;
}

static EVP_PKEY *decode(const char *base64, size_t length)
{
	unsigned char bytes[KEY_MAX];
	const unsigned char *at = bytes;
	int n = length % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length)
				: -1;
	EVP_PKEY *key = NULL;

	if (n > 0)
		key = d2i_AutoPrivateKey(NULL, &at, n);
	else
		ERR_raise(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return key;
}

EVP_PKEY *pem_key_parse(const char *text)
{
	char base64[KEY_MAX];
	bool encrypted = false;
	const char *body = find_key(text, &encrypted);
	EVP_PKEY *key = NULL;
	size_t n;

	if (body == NULL) {
		ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
		return NULL;
	}
	if (encrypted) {
		ERR_raise(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ);
		return NULL;
	}
	n = collect(body, base64);
	if (n > 0)
		key = decode(base64, n);
	else
		ERR_raise(ERR_LIB_PEM, PEM_R_BAD_END_LINE);
	OPENSSL_cleanse(base64, sizeof(base64));
	return key;
}

/* 0 or an errno; text ends in NUL. */
static int read_file(const char *path, char text[FILE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error = 0;
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno;
	while (n > 0 && length < FILE_MAX - 1) {
		n = read(fd, text + length, FILE_MAX - 1 - length);
		if (n > 0)
			length += (size_t)n;
	}
	if (n < 0)
		error = errno;
	close(fd);
	text[length] = '\0';
	return error;
}

bool pem_key_use(SSL_CTX *context, const char *path)
{
	char *text = OPENSSL_zalloc(FILE_MAX);
	int error = text != NULL ? read_file(path, text) : ENOMEM;
	EVP_PKEY *key = NULL;
	bool used;

	if (error != 0)
		ERR_raise(ERR_LIB_SYS, error);
	else
		key = pem_key_parse(text);
	OPENSSL_clear_free(text, FILE_MAX);
	used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
	EVP_PKEY_free(key);
	return used;
}
