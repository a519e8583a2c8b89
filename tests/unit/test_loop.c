#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <event2/event.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Asks a loop to watch a descriptor, in a child process; its exit status. */
static int watch_in_child(int fd)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct event_base *base = loop_new();
		struct event *event = base ? event_new(
					      base, fd, EV_READ | EV_PERSIST, on_event, NULL)
					   : NULL;
		int failed = event ? event_add(event, NULL) != 0 ? 3 : 0 : 4;

		if (event)
			event_free(event);
		if (base)
			event_base_free(base);
		_exit(failed);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* epoll takes no regular file: EPERM. */
static void test_ends_where_it_cannot_watch(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(watch_in_child(fileno(file)), EXIT_FAILURE);
	fclose(file);
}

static void test_goes_on_where_it_can(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(watch_in_child(fds[0]), 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_no_other_way_of_waiting(void **state)
{
	(void)state;
	setenv("EVENT_NOEPOLL", "1", 1);
	assert_null(loop_new());
	unsetenv("EVENT_NOEPOLL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_where_it_cannot_watch),
		cmocka_unit_test(test_goes_on_where_it_can),
		cmocka_unit_test(test_no_other_way_of_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
