/*
 * imip_sample - a message to start from, its keys, and GMime as the reader of what becomes of it
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <gmime/gmime.h>

#include "imip.h"
#include "token.h"

#define KEYS                                                                                       \
	"k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"                    \
	"k0 ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"
#define UID   "0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11"
#define MAIL  "1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b"
#define FIRST "5a1b2c3d-0000-4e7f-8a9b-0c1d2e3f4a5b"
#define FROM  "\"Victim assistance scheduling\" <vacd@agency.example>"
#define BODY  "Case K7Q-4MX.\n\nWhen: Tuesday 24 November 2026, 09:00 PST\nCall +1 206 555 0100."

static struct token_keys *keys;

static inline struct imip_message sample(void)
{
	return (struct imip_message){
		.sender = "vacd@agency.example",
		.recipient = "coordinator.a@agency.example",
		.recipient_name = "Coordinator A",
		.mail_uuid = MAIL,
		.first_uuid = FIRST,
		.made_at = 1795470000, /* Mon 2026-11-23 21:40:00 */
		.subject = "Appointment K7Q-4MX",
		.body = BODY,
		.key_id = "k1",
		.bounce_handle = "abcdefghijklm",
		.method = "REQUEST",
		.uid = UID,
		.sequence = 2,
		.starts = 1795539600,
		.ends = 1795543200,
		.summary = "Appointment K7Q-4MX",
		.location = "SEA MAIN",
		.description = "Case K7Q-4MX.",
		.answer_handle = "nopqrstuvwxy2",
		.renderer = 1,
	};
}

static inline struct imip_mail write_mail(const struct imip_message *message)
{
	struct imip_mail mail = {0};
	char error[200] = "";
	int r = imip_write(message, keys, &mail, error, sizeof(error));

	if (r != 0)
		fail_msg("%d: %s", r, error);
	assert_int_equal(strlen(mail.bytes), mail.length);
	return mail;
}

static inline int read_keys(void **state)
{
	char path[] = "/tmp/test_imip.XXXXXX", error[200];
	int fd = mkstemp(path);
	ssize_t written = fd < 0 ? -1 : write(fd, KEYS, strlen(KEYS));
	int r = token_keys_read(path, &keys, error, sizeof(error));

	(void)state;
	(void)close(fd);
	(void)unlink(path);
	g_mime_init();
	return written == (ssize_t)strlen(KEYS) ? r : -1;
}

static inline int free_keys(void **state)
{
	(void)state;
	keys = token_keys_free(keys);
	g_mime_shutdown();
	return 0;
}

/* ---- read by GMime ----------------------------------------------------------------------- */

static inline GMimeMessage *parse(const struct imip_mail *mail)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail->bytes, mail->length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	assert_non_null(message);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

/* The part's decoded octets, closed by NUL; the caller frees them. */
static inline char *content(GMimeObject *part)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *octets;
	char *text;

	assert_true(GMIME_IS_PART(part));
	(void)g_mime_data_wrapper_write_to_stream(
		g_mime_part_get_content(GMIME_PART(part)), stream);
	octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	text = malloc(octets->len + 1);
	assert_non_null(text);
	memcpy(text, octets->data, octets->len);
	text[octets->len] = '\0';
	g_object_unref(stream);
	return text;
}

/* With LF for CRLF. */
static inline char *text_content(GMimeObject *part)
{
	char *text = content(part), *to = text;

	for (char *from = text; *from; from++) {
		if (*from != '\r')
			*to++ = *from;
	}
	*to = '\0';
	return text;
}

static inline GMimeObject *child(GMimeObject *parent, int at, int of)
{
	assert_true(GMIME_IS_MULTIPART(parent));
	assert_int_equal(g_mime_multipart_get_count(GMIME_MULTIPART(parent)), of);
	return g_mime_multipart_get_part(GMIME_MULTIPART(parent), at);
}

static inline GMimeObject *alternative(GMimeMessage *message, int at)
{
	return child(child(g_mime_message_get_mime_part(message), 0, 2), at, 3);
}

static inline void check_type(GMimeObject *part, const char *type, const char *subtype)
{
	GMimeContentType *content_type = g_mime_object_get_content_type(part);

	assert_string_equal(g_mime_content_type_get_media_type(content_type), type);
	assert_string_equal(g_mime_content_type_get_media_subtype(content_type), subtype);
}

static inline void check_parameter(GMimeObject *part, const char *name, const char *value)
{
	const char *found = g_mime_content_type_get_parameter(
		g_mime_object_get_content_type(part), name);

	assert_non_null(found);
	assert_string_equal(found, value);
}

static inline void check_header(GMimeMessage *message, const char *name, const char *value)
{
	const char *found = g_mime_object_get_header(GMIME_OBJECT(message), name);

	if (!value) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, value);
}
