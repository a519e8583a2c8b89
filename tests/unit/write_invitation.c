/*
 * write-invitation - makes one mail, for tests in other languages
 *
 *	write-invitation KEYFILE [COUNT] < FIELDS > MAIL
 *
 * FIELDS has a line "member=value" for each member of struct imip_message that is set; \n in a value
 * is a line break, \\ a backslash. The envelope sender goes to stderr. With COUNT the mail is made
 * that many times and the rate goes to stderr instead: the benchmark of the renderer.
 * Exits with 0, 1 for a message that must not be sent (why: stderr), 2 for wrong use.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imip.h"
#include "token.h"

enum { FIELDS_MAX = 512 * 1024 };

static const char **text_member(struct imip_message *message, const char *name)
{
	struct {
		const char *name, **member;
	} members[] = {
		{"sender", &message->sender},
		{"recipient", &message->recipient},
		{"recipient_name", &message->recipient_name},
		{"mail_uuid", &message->mail_uuid},
		{"first_uuid", &message->first_uuid},
		{"subject", &message->subject},
		{"body", &message->body},
		{"key_id", &message->key_id},
		{"bounce_handle", &message->bounce_handle},
		{"method", &message->method},
		{"uid", &message->uid},
		{"summary", &message->summary},
		{"location", &message->location},
		{"description", &message->description},
		{"answer_handle", &message->answer_handle},
		{"partstat", &message->partstat},
		{"partner", &message->partner},
		{"words", &message->words},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(members[i].name, name) == 0)
			return members[i].member;
	}
	return NULL;
}

static int set_number(struct imip_message *message, const char *name, const char *value)
{
	int64_t number = strtoll(value, NULL, 10);

	if (strcmp(name, "made_at") == 0)
		message->made_at = number;
	else if (strcmp(name, "starts") == 0)
		message->starts = number;
	else if (strcmp(name, "ends") == 0)
		message->ends = number;
	else if (strcmp(name, "sequence") == 0)
		message->sequence = (long)number;
	else if (strcmp(name, "renderer") == 0)
		message->renderer = (int)number;
	else
		return -EINVAL;
	return 0;
}

static void unescape(char *value)
{
	char *to = value;

	for (; *value; value++) {
		if (*value == '\\' && value[1] == 'n') {
			*to++ = '\n';
			value++;
		} else if (*value == '\\' && value[1] == '\\') {
			*to++ = '\\';
			value++;
		} else {
			*to++ = *value;
		}
	}
	*to = '\0';
}

static int set_member(struct imip_message *message, char *line)
{
	char *value = strchr(line, '=');
	const char **member;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	unescape(value);
	member = text_member(message, line);
	if (!member)
		return set_number(message, line, value);
	*member = value;
	return 0;
}

/* The members point into fields afterwards. */
static int read_fields(char *fields, struct imip_message *message)
{
	char *line, *rest = NULL;

	for (line = strtok_r(fields, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (set_member(message, line) != 0) {
			(void)fprintf(stderr, "not understood: %s\n", line);
			return 2;
		}
	}
	return 0;
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int measure(const struct imip_message *message, const struct token_keys *keys, long count)
{
	double before = seconds(), spent;
	char error[200] = "";

	for (long i = 0; i < count; i++) {
		struct imip_mail mail = {0};

		if (imip_write(message, keys, &mail, error, sizeof(error)) != 0) {
			(void)fprintf(stderr, "%s\n", error);
			return 1;
		}
		imip_mail_clear(&mail);
	}
	spent = seconds() - before;
	(void)fprintf(stderr, "%.0f a second\n", (double)count / spent);
	return 0;
}

static int write_one(const struct imip_message *message, const struct token_keys *keys)
{
	struct imip_mail mail = {0};
	char error[200] = "";
	size_t written;

	if (imip_write(message, keys, &mail, error, sizeof(error)) != 0) {
		(void)fprintf(stderr, "%s\n", error);
		return 1;
	}
	(void)fprintf(stderr, "%s\n", mail.envelope_sender);
	written = fwrite(mail.bytes, 1, mail.length, stdout);
	if (written != mail.length || fflush(stdout) != 0) {
		perror("stdout");
		imip_mail_clear(&mail);
		return 2;
	}
	imip_mail_clear(&mail);
	return 0;
}

int main(int argc, char **argv)
{
	static char fields[FIELDS_MAX];
	struct imip_message message = {.renderer = 1};
	struct token_keys *keys = NULL;
	char error[200] = "";
	int r;

	if (argc < 2 || argc > 3) {
		(void)fprintf(stderr, "usage: write-invitation KEYFILE [COUNT] < FIELDS > MAIL\n");
		return 2;
	}
	if (token_keys_read(argv[1], &keys, error, sizeof(error)) != 0) {
		(void)fprintf(stderr, "%s\n", error);
		return 2;
	}
	if (fread(fields, 1, sizeof(fields) - 1, stdin) == 0)
		(void)fprintf(stderr, "no fields\n");
	r = read_fields(fields, &message);
	if (r == 0 && argc == 3)
		r = measure(&message, keys, strtol(argv[2], NULL, 10));
	else if (r == 0)
		r = write_one(&message, keys);
	(void)token_keys_free(keys);
	return r;
}
