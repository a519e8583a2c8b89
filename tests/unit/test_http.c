/* http: whole requests in any pieces, and what is refused with which status. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "http.h"

enum { BODY_MAX = 100 };

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n"

static struct http *make(void)
{
	struct http *http = NULL;

	assert_int_equal(http_new(BODY_MAX, &http), 0);
	return http;
}

/* In pieces of so many octets; how many were taken. */
static size_t feed(struct http *http, const char *bytes, size_t length, size_t piece)
{
	size_t done = 0, used;

	while (done < length && http_state(http) == HTTP_READING) {
		size_t n = length - done < piece ? length - done : piece;

		assert_int_equal(http_feed(http, bytes + done, n, &used), 0);
		assert_true(used <= n && (used == n || http_state(http) == HTTP_ASKED));
		done += used;
	}
	return done;
}

static void answer(struct http *http, int status, bool close)
{
	assert_int_equal(http_answer(http, &(struct http_answer){status, "X-One: 1\r\n",
						   "text/plain", "hello", 5, close}),
		0);
}

static void check_output(struct http *http, const char *expected)
{
	size_t length;
	const char *bytes = http_output(http, &length);

	assert_int_equal(length, strlen(expected));
	assert_memory_equal(bytes, expected, length);
	http_output_taken(http, length);
	http_output(http, &length);
	assert_int_equal(length, 0);
}

static void test_request(void **state)
{
	static const char bytes[] =
		"POST /v1/cases?x=/y HTTP/1.1\r\nHost: a\r\ncontent-length:  5 \r\n"
		"Content-Type:application/json\r\nIDEMPOTENCY-KEY: a b\t\r\n"
		"Authorization: Bearer t\r\nX-Other: \xff\r\n\r\nab\0deGET";

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece++) {
		struct http *http = make();
		struct http_request request;

		assert_true(http_is_idle(http));
		assert_int_equal(feed(http, bytes, sizeof(bytes) - 1, piece), sizeof(bytes) - 4);
		assert_false(http_is_idle(http));
		request = http_request(http);
		assert_int_equal(request.fault, 0);
		assert_string_equal(request.method, "POST");
		assert_string_equal(request.path, "/v1/cases");
		assert_string_equal(request.content_type, "application/json");
		assert_string_equal(request.idempotency_key, "a b");
		assert_string_equal(request.authorization, "Bearer t");
		assert_int_equal(request.length, 5);
		assert_memory_equal(request.body, "ab\0de", 5);
		http_free(http);
	}
}

static void test_answers(void **state)
{
	struct http *http = make();

	(void)state;
	feed(http, GET "\r\n", strlen(GET) + 2, 1000);
	answer(http, 200, false);
	check_output(http, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
			   "Cache-Control: no-store\r\nX-One: 1\r\n\r\nhello");
	assert_true(http_is_idle(http));
	feed(http, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", 29, 1000);
	answer(http, 404, true);
	check_output(http,
		"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
		"Cache-Control: no-store\r\nX-One: 1\r\nConnection: close\r\n\r\n");
	assert_int_equal(http_state(http), HTTP_CLOSED);
	http_free(http);
}

/* In the middle of a request: it is the last. */
static void test_answer_before_the_end(void **state)
{
	struct http *http = make();
	size_t length, used;

	(void)state;
	feed(http, "POST /", 6, 1);
	answer(http, 408, false);
	assert_int_equal(http_state(http), HTTP_CLOSED);
	http_output(http, &length);
	http_output_taken(http, length);
	assert_int_equal(http_feed(http, "x", 1, &used), 0);
	assert_int_equal(used, 0);
	answer(http, 200, false);
	check_output(http, "");
	http_free(http);
}

static void test_last(void **state)
{
	static const struct {
		const char *fields;
		bool last;
	} cases[] = {{"Connection: close\r\n", true}, {"connection: keep-alive , CLOSE\r\n", true},
		{"Connection: close\r\nConnection: keep-alive\r\n", true},
		{"Connection: te\r\nConnection: close\r\n", true},
		{"Connection: closed\r\n", false}, {"Connection: keep-alive\r\n", false},
		{"", false}, {"Connection:\r\n", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http *http = make();

		feed(http, GET, strlen(GET), 1000);
		feed(http, cases[i].fields, strlen(cases[i].fields), 1000);
		feed(http, "\r\n", 2, 1000);
		assert_int_equal(http_state(http), HTTP_ASKED);
		answer(http, 200, false);
		assert_int_equal(http_state(http) == HTTP_CLOSED, cases[i].last);
		http_free(http);
	}
}

static void test_continue(void **state)
{
	static const struct {
		const char *head, *said;
	} cases[] = {{"POST /a HTTP/1.1\r\nHost: x\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
		{"POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
			"HTTP/1.1 100 Continue\r\n\r\n"},
		{"POST /a HTTP/1.0\r\n", ""}};
	static const char rest[] = "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http *http = make();

		feed(http, cases[i].head, strlen(cases[i].head), 1000);
		feed(http, rest, strlen(rest), 1000);
		assert_int_equal(http_state(http), HTTP_READING);
		check_output(http, cases[i].said);
		feed(http, "ab", 2, 1);
		assert_int_equal(http_state(http), HTTP_ASKED);
		http_free(http);
	}
}

static void check_fault(const char *bytes, size_t length, int status)
{
	for (size_t piece = 1; piece <= length; piece += length / 7 + 1) {
		struct http *http = make();
		struct http_request request;

		feed(http, bytes, length, piece);
		if (http_state(http) != HTTP_ASKED)
			fail_msg("no fault: %s", bytes);
		request = http_request(http);
		if (request.fault != status)
			fail_msg("%d, not %d: %s", request.fault, status, bytes);
		assert_null(request.path);
		answer(http, status, false);
		assert_int_equal(http_state(http), HTTP_CLOSED);
		http_free(http);
	}
}

static void test_faults(void **state)
{
	static const struct {
		int status;
		const char *bytes;
	} cases[] = {
		{400, "\n"},
		{400, "GET /a HTTP/1.1\n"},
		{400, "GET /a HTTP/1.1\rX"},
		{400, "\r\n\r\n\r\n"},
		{400, "GET /a\r\n\r\n"},
		{400, "GET  /a HTTP/1.1\r\n\r\n"},
		{400, "GET /a HTTP/1.1 \r\n\r\n"},
		{400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "G(T /a HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "GET /a SPDY/1.1\r\nHost: x\r\n\r\n"},
		{505, "GET /a HTTP/1.2\r\nHost: x\r\n\r\n"},
		{505, "GET /a HTTP/1.10\r\nHost: x\r\n\r\n"},
		{400, "GET /a HTTP/1.1\r\n\r\n"},
		{400, GET "Host: y\r\n\r\n"},
		{400, GET " folded\r\n\r\n"},
		{400, GET "No colon\r\n\r\n"},
		{400, GET ": empty\r\n\r\n"},
		{400, GET "X : blank\r\n\r\n"},
		{400, GET "X: \x01\r\n\r\n"},
		{400, GET "X: \x7f\r\n\r\n"},
		{400, GET "Authorization: \xc3\xa9\r\n\r\n"},
		{400, GET "Idempotency-Key: a\tb\r\n\r\n"},
		{400, GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		{400, GET "Content-Length: 1, 1\r\n\r\n"},
		{400, GET "Content-Length: -1\r\n\r\n"},
		{400, GET "Content-Length: 0x1\r\n\r\n"},
		{400, GET "Content-Length:\r\n\r\n"},
		{413, GET "Content-Length: 101\r\n\r\n"},
		{413, GET "Content-Length: 18446744073709551617\r\n\r\n"},
		{411, GET "Transfer-Encoding: chunked\r\n\r\n"},
		{400, GET "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
		{417, GET "Expect: more\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_fault(cases[i].bytes, strlen(cases[i].bytes), cases[i].status);
	check_fault(GET "X: \0\r\n\r\n", strlen(GET) + 8, 400);
}

/* Without a NUL behind it. */
static void put(char *bytes, const char *text)
{
	while (*text)
		*bytes++ = *text++;
}

static void test_lengths(void **state)
{
	static char bytes[HTTP_HEAD_MAX + 100];
	struct http *http = make();

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	put(bytes, GET "X: ");
	check_fault(bytes, sizeof(bytes), 431);
	put(bytes + HTTP_HEAD_MAX - 4, "\r\n\r\n");
	feed(http, bytes, sizeof(bytes), 1000);
	assert_int_equal(http_request(http).fault, 0);
	http_free(http);
	memset(bytes, 'a', sizeof(bytes));
	put(bytes, "GET /");
	put(bytes + 5 + HTTP_PATH_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
	check_fault(bytes, 5 + HTTP_PATH_MAX + 22, 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_before_the_end),
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
