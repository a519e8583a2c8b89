/*
 * fuzz_intake - any bytes as the body of a request: the form of a case
 *
 * What comes of them is a form, or an answer that says what is wrong with them.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_intake: %s\n", why);
	abort();
}

static void read_form(const char *bytes, size_t length)
{
	char *text = NULL;
	int r = intake_form_read(bytes, length, &text);

	if (r != 0 && r != INTAKE_FORM_INVALID)
		fail("an error");
	if (!text || text[0] != '{' || text[strlen(text) - 1] != '}')
		fail("neither a form nor what is wrong");
	if ((r == INTAKE_FORM_INVALID) != (strncmp(text, "{\"errors\":[{", 12) == 0))
		fail("a form that looks like errors, or the other way round");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		read_form((const char *)data, size);
	return 0;
}
