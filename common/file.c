#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int read_stream(FILE *stream, size_t most, char **bytesp, size_t *lengthp)
{
	size_t size = 0, length = 0;
	char *bytes = NULL, *more;

	do {
		size = size ? 2 * size : 16384;
		more = realloc(bytes, size);
		if (!more) {
			free(bytes);
			return -ENOMEM;
		}
		bytes = more;
		length += fread(bytes + length, 1, size - length - 1, stream);
	} while (length == size - 1 && length <= most);

	if (ferror(stream) || length > most) {
		int r = ferror(stream) ? -errno : -EFBIG;

		free(bytes);
		return r;
	}
	bytes[length] = '\0';
	*bytesp = bytes;
	*lengthp = length;
	return 0;
}

int file_read(const char *path, size_t most, char **bytesp, size_t *lengthp)
{
	FILE *stream = fopen(path, "re");
	int r;

	if (!stream)
		return -errno;
	r = read_stream(stream, most, bytesp, lengthp);
	fclose(stream);
	return r;
}

int file_read_text(const char *path, size_t most, char **textp)
{
	char *text = NULL;
	size_t length = 0;
	int r = file_read(path, most, &text, &length);

	if (r)
		return r;
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = '?';
	*textp = text;
	return 0;
}

bool file_error_passes(int r)
{
	switch (-r) {
	case EAGAIN:
	case EINTR:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}
