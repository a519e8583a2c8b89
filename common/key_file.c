/*
 * key_file - keys in files
 */
#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem_key.h"

enum { FILE_MAX = 64 * 1024 };

struct key_file {
	const char *path;
	bool secret;
	char *text;
	size_t length;
	char *error;
	size_t error_size;
};

static int bad_file(const struct key_file *file, const char *problem)
{
	(void)snprintf(file->error, file->error_size, "%s: %s", file->path, problem);
	return KEY_FILE_INVALID;
}

static int system_error(const struct key_file *file, int code)
{
	(void)snprintf(file->error, file->error_size, "%s: %s", file->path, strerror(code));
	return -code;
}

static int read_all(struct key_file *file, int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return system_error(file, errno);
	if (!S_ISREG(status.st_mode))
		return bad_file(file, "is not a regular file");
	if (file->secret && status.st_mode & S_IRWXO)
		return bad_file(file, "is open to every user of this machine: chmod o-rwx it");
	while (file->length <= FILE_MAX) {
		ssize_t n = read(fd, file->text + file->length, FILE_MAX + 1 - file->length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return system_error(file, errno);
		if (n == 0)
			return 0;
		file->length += (size_t)n;
	}
	return bad_file(file, "is too large for a key file");
}

static int load(struct key_file *file)
{
	int fd, r;

	file->text = OPENSSL_zalloc(FILE_MAX + 1);
	if (!file->text)
		return system_error(file, ENOMEM);
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return system_error(file, errno);
	r = read_all(file, fd);
	(void)close(fd);
	return r;
}

int key_file_text(const char *path, bool secret, char **textp, size_t *lengthp, char *error,
	size_t error_size)
{
	struct key_file file = {
		.path = path, .secret = secret, .error = error, .error_size = error_size};
	int r = load(&file);

	if (r)
		file.text = key_file_free(file.text);
	*textp = file.text;
	*lengthp = file.length;
	return r;
}

char *key_file_free(char *text)
{
	OPENSSL_clear_free(text, FILE_MAX + 1);
	return NULL;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static EVP_PKEY *parse_public(const struct key_file *file)
{
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->length);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static int parse(struct key_file *file, EVP_PKEY **pkeyp)
{
	/* The file's memory is larger than the file, and zeroed. */
	*pkeyp = file->secret ? pem_key_parse(file->text) : parse_public(file);
	ERR_clear_error();
	if (*pkeyp)
		return 0;
	return bad_file(file,
		file->secret ? "holds no private key in PEM without a pass phrase; openssl genpkey "
			       "makes one"
			     : "holds no public key in PEM; openssl pkey -pubout writes it");
}

static int read_key(struct key_file *file, EVP_PKEY **pkeyp)
{
	int r = load(file);

	*pkeyp = NULL;
	if (!r)
		r = parse(file, pkeyp);
	file->text = key_file_free(file->text);
	return r;
}

int key_file_private(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
{
	struct key_file file = {
		.path = path, .secret = true, .error = error, .error_size = error_size};

	return read_key(&file, pkeyp);
}

int key_file_public(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
{
	struct key_file file = {.path = path, .error = error, .error_size = error_size};

	return read_key(&file, pkeyp);
}
