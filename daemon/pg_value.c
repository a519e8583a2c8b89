#include "pg.h"

#include <stdlib.h>
#include <string.h>

long long pg_int(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return 0;
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

const char *pg_text(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static char *append_quoted(char *out, const char *part)
{
	*out++ = '"';
	for (; *part; part++) {
		if (*part == '"' || *part == '\\')
			*out++ = '\\';
		*out++ = *part;
	}
	*out++ = '"';
	return out;
}

char *pg_array(const char *const *parts, size_t n)
{
	size_t size = 3;
	char *array, *out;

	for (size_t i = 0; i < n; i++)
		size += parts[i] ? 2 * strlen(parts[i]) + 3 : 5;
	array = out = malloc(size);
	if (!array)
		return NULL;
	*out++ = '{';
	for (size_t i = 0; i < n; i++) {
		if (i)
			*out++ = ',';
		out = parts[i] ? append_quoted(out, parts[i]) : stpcpy(out, "NULL");
	}
	*out++ = '}';
	*out = '\0';
	return array;
}
