#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "octets.h"

/* A mail with an invitation has some 7 KiB: one allocation is the rule. */
enum { OCTETS_FIRST = 8192 };

bool octets_grow(struct octets *octets, size_t n)
{
	size_t size = octets->size ? octets->size : OCTETS_FIRST;
	char *data;

	while (!octets->failed && size - octets->length < n) {
		if (size > SIZE_MAX / 2)
			octets->failed = true;
		else
			size *= 2;
	}
	if (octets->failed)
		return false;
	data = realloc(octets->data, size);
	if (!data) {
		octets->failed = true;
		return false;
	}
	octets->data = data;
	octets->size = size;
	return true;
}

int octets_take(struct octets *octets, char **data, size_t *length)
{
	octets_add_char(octets, '\0');
	if (octets->failed) {
		octets_clear(octets);
		return -ENOMEM;
	}
	*data = octets->data;
	*length = octets->length - 1;
	*octets = (struct octets){0};
	return 0;
}

void octets_clear(struct octets *octets)
{
	free(octets->data);
	*octets = (struct octets){0};
}
