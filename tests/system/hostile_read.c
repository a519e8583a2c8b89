/*
 * hostile_read - stands before imip_read() in a vacd of the tests: a mail with a line "X-Act: NAME" does
 * to its reader what the name says, any other is read as ever
 */
#include <string.h>

#include "hostile_acts.h"
#include "imip_read.h"
#include "octets.h"

int __real_imip_read(
	const char *raw, size_t n, const struct itip_limits *limits, struct letter **letterp);
int __wrap_imip_read(
	const char *raw, size_t n, const struct itip_limits *limits, struct letter **letterp);

int __wrap_imip_read(
	const char *raw, size_t n, const struct itip_limits *limits, struct letter **letterp)
{
	static const char field[] = "X-Act: ";
	const char *act = memmem(raw, n, field, strlen(field)), *end;
	struct octets out = {0};

	if (act != NULL) {
		act += strlen(field);
		end = memchr(act, '\r', (size_t)(raw + n - act));
		if (end != NULL)
			(void)hostile_act(act, (size_t)(end - act), &out);
	}
	octets_clear(&out);
	return __real_imip_read(raw, n, limits, letterp);
}
