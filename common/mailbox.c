#include "mailbox.h"

#include <string.h>
#include <strings.h>

#define BOUNCE "-b"

enum mailbox_kind mailbox_match(const char *sender, const char *delimiters, const char *address,
	const char **token, size_t *length)
{
	enum mailbox_kind kind = MAILBOX_ANSWER;
	const char *domain = strrchr(sender, '@'), *at = strrchr(address, '@'), *rest;
	size_t n;

	if (domain == NULL || at == NULL || strcasecmp(at, domain) != 0)
		return MAILBOX_OTHER;
	n = (size_t)(domain - sender);
	if ((size_t)(at - address) < n || strncasecmp(address, sender, n) != 0)
		return MAILBOX_OTHER;
	rest = address + n;
	if (rest == at)
		return MAILBOX_BARE;
	if (strncasecmp(rest, BOUNCE, strlen(BOUNCE)) == 0) {
		rest += strlen(BOUNCE);
		kind = MAILBOX_BOUNCE;
	}
	if (rest == at || strchr(delimiters, *rest) == NULL || rest + 1 == at)
		return MAILBOX_OTHER;
	if (token != NULL) {
		*token = rest + 1;
		*length = (size_t)(at - rest) - 1;
	}
	return kind;
}
