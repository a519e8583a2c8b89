/*
 * sqlset - the SQL files of a schema, in the order in which they are loaded
 *
 * bootstrap.sql, the numbered files of schema/ (NNNN_name.sql), those of functions/, those of
 * views/; within a folder in the order of the bytes of their names. The digest is that of
 * sql/digest.sh: SHA-256 over the files one after the other.
 */
#pragma once

#include <stddef.h>

#define SQLSET_SHA256_SIZE 65 /* hexadecimal, with its NUL */

struct sqlset_file {
	char *name; /* below the folder: "schema/0001_tables.sql" */
	char *text; /* ends in NUL and holds no other */
	size_t length;
	int number; /* of a file of schema/, from 1; else 0 */
	char sha256[SQLSET_SHA256_SIZE];
};

struct sqlset {
	struct sqlset_file
		*files; /* the first is bootstrap.sql, then come n_schema numbered ones */
	size_t n_files, n_schema;
	char digest[SQLSET_SHA256_SIZE];
};

/* 0, -errno, or SQLSET_INVALID with a line of text in error. */
enum { SQLSET_INVALID = 1 };
int sqlset_read(const char *directory, struct sqlset **setp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct sqlset *sqlset_free(struct sqlset *set);
