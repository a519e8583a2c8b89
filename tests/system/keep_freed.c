/*
 * keep_freed - preloaded, it keeps all memory that is freed as it is, so that what was not wiped can be found
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void free(void *memory)
{
	(void)memory;
}

void *realloc(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *more = malloc(size);

	if (more && memory)
		memcpy(more, memory, old < size ? old : size);
	return more;
}

void *reallocarray(void *memory, size_t n, size_t size)
{
	if (n == 0 || size == 0 || n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(memory, n * size);
}
