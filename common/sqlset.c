#include "sqlset.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "file.h"

enum { FILE_MOST = 16 << 20, NUMBER_DIGITS = 4 };

struct reading {
	const char *directory;
	struct sqlset *set;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int invalid(
	const struct reading *reading, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->error, reading->error_size, format, args);
	va_end(args);
	return SQLSET_INVALID;
}

/* ---- digests ---- */

static int write_hex(EVP_MD_CTX *context, char *hex)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;

	if (EVP_DigestFinal_ex(context, digest, &length) != 1)
		return -EIO;
	for (unsigned int i = 0; i < length; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	return 0;
}

/* Of files one after the other. */
static int digest_files(const struct sqlset_file *files, size_t n, char *hex)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int r = context ? 0 : -ENOMEM;

	if (!r && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		r = -EIO;
	for (size_t i = 0; i < n && !r; i++) {
		if (EVP_DigestUpdate(context, files[i].text, files[i].length) != 1)
			r = -EIO;
	}
	if (!r)
		r = write_hex(context, hex);
	EVP_MD_CTX_free(context);
	return r;
}

/* ---- files ---- */

/* 0001_tables.sql has number 1; 0: the name has none. */
static int number_of(const char *name)
{
	int number = 0;

	for (int i = 0; i < NUMBER_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = 10 * number + (name[i] - '0');
	}
	return name[NUMBER_DIGITS] == '_' ? number : 0;
}

static int check_number(const struct reading *reading, const struct sqlset_file *file)
{
	const struct sqlset *set = reading->set;
	const struct sqlset_file *before = &set->files[set->n_files - 1];

	if (file->number == 0)
		return invalid(reading,
			"%s/%s: expected a name that begins with four digits, from 0001, and _",
			reading->directory, file->name);
	if (before->number == file->number)
		return invalid(reading, "%s/%s: has the same number as %s", reading->directory,
			file->name, before->name);
	return 0;
}

static int read_text(const struct reading *reading, struct sqlset_file *file)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", reading->directory, file->name) < 0)
		return -ENOMEM;
	r = file_read(path, FILE_MOST, &file->text, &file->length);
	if (r && r != -ENOMEM)
		r = invalid(reading, "%s: %s", path, strerror(-r));
	else if (!r && strlen(file->text) != file->length)
		r = invalid(reading, "%s: holds a NUL byte; expected text", path);
	free(path);
	return r;
}

/* Takes name over. */
static int add_file(const struct reading *reading, char *name, bool numbered)
{
	struct sqlset *set = reading->set;
	struct sqlset_file file = {.name = name}, *files;
	int r;

	files = reallocarray(set->files, set->n_files + 1, sizeof(*files));
	if (files)
		set->files = files;
	r = files ? 0 : -ENOMEM;
	if (numbered && !r) {
		file.number = number_of(strchr(name, '/') + 1);
		r = check_number(reading, &file);
	}
	if (!r)
		r = read_text(reading, &file);
	if (!r)
		r = digest_files(&file, 1, file.sha256);
	if (r) {
		free(file.text);
		free(name);
		return r;
	}
	files[set->n_files++] = file;
	return 0;
}

/* ---- folders ---- */

static int is_sql(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4
	       && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

/* alphasort() would ask the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entries(
	const struct reading *reading, const char *folder, struct dirent **entries, int n)
{
	bool numbered = strcmp(folder, "schema") == 0;
	char *name;
	int r = 0;

	for (int i = 0; i < n && !r; i++) {
		if (asprintf(&name, "%s/%s", folder, entries[i]->d_name) < 0)
			return -ENOMEM;
		r = add_file(reading, name, numbered);
	}
	return r;
}

static int add_folder(const struct reading *reading, const char *folder)
{
	struct dirent **entries;
	char *path;
	int n, r;

	if (asprintf(&path, "%s/%s", reading->directory, folder) < 0)
		return -ENOMEM;
	n = scandir(path, &entries, is_sql, by_bytes);
	if (n < 0) {
		r = invalid(reading, "%s: %s", path, strerror(errno));
	} else {
		r = n > 0 ? add_entries(reading, folder, entries, n)
			  : invalid(reading, "%s: holds no .sql file", path);
		for (int i = 0; i < n; i++)
			free(entries[i]);
		free(entries);
	}
	free(path);
	return r;
}

static int read_all(const struct reading *reading)
{
	struct sqlset *set = reading->set;
	char *bootstrap = strdup("bootstrap.sql");
	int r;

	r = bootstrap ? add_file(reading, bootstrap, false) : -ENOMEM;
	if (!r)
		r = add_folder(reading, "schema");
	if (r)
		return r;
	set->n_schema = set->n_files - 1;
	r = add_folder(reading, "functions");
	if (!r)
		r = add_folder(reading, "views");
	if (!r)
		r = digest_files(set->files, set->n_files, set->digest);
	return r;
}

int sqlset_read(const char *directory, struct sqlset **setp, char *error, size_t error_size)
{
	struct sqlset *set = calloc(1, sizeof(*set));
	struct reading reading = {directory, set, error, error_size};
	int r;

	if (!set)
		return -ENOMEM;
	r = read_all(&reading);
	if (r) {
		sqlset_free(set);
		return r;
	}
	*setp = set;
	return 0;
}

struct sqlset *sqlset_free(struct sqlset *set)
{
	if (!set)
		return NULL;
	for (size_t i = 0; i < set->n_files; i++) {
		free(set->files[i].name);
		free(set->files[i].text);
	}
	free(set->files);
	free(set);
	return NULL;
}
