#include "loop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event2/event.h>

#include "log.h"

/* In its words: "Epoll ADD(1) on fd 7 failed. …". That one cannot be taken off does no harm. */
static bool is_deaf(const char *message)
{
	return strncmp(message, "Epoll ADD", 9) == 0 || strncmp(message, "Epoll MOD", 9) == 0;
}

static void on_message(int severity, const char *message)
{
	if (severity < EVENT_LOG_WARN)
		return;
	if (!is_deaf(message)) {
		log_warning("event loop complains", "why=\"%s\"", message);
		return;
	}
	log_error("event loop cannot watch a descriptor", "why=\"%s\"", message);
	/* As after a SIGKILL: nothing that is told or stored depends on an orderly end. */
	_exit(EXIT_FAILURE);
}

struct event_base *loop_new(void)
{
	struct event_base *base;

	event_set_log_callback(on_message);
	base = event_base_new();
	/* The environment may choose another, whose words is_deaf() does not know. */
	if (base && strcmp(event_base_get_method(base), "epoll") != 0) {
		log_error(
			"event loop is not of epoll", "method=\"%s\"", event_base_get_method(base));
		event_base_free(base);
		base = NULL;
	}
	return base;
}

void loop_forget(struct event *event)
{
	if (event)
		event_del(event);
}

struct event *loop_free(struct event *event)
{
	if (event)
		event_free(event);
	return NULL;
}
