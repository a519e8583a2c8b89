/*
 * sink_kept - what mail-sink writes down
 */
#include "sink.h"

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/bufferevent_ssl.h>

static FILE *open_list(const struct sink *sink, const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", sink->dir, name);
	file = fopen(path, "a+e");
	if (file == NULL)
		err(1, "%s", path);
	return file;
}

void sink_open_lists(struct sink *sink)
{
	int c;

	sink->index = open_list(sink, "index.tsv");
	if (sink->sessions)
		sink->ended = open_list(sink, "sessions.tsv");
	rewind(sink->index);
	while ((c = getc(sink->index)) != EOF)
		sink->number += c == '\n';
}

static void find_message_id(const char *mail, size_t length, char *id, size_t size)
{
	static const char name[] = "\r\nMessage-ID:";
	const char *at = memmem(mail, length, name, sizeof(name) - 1);
	size_t n = 0;

	if (at != NULL) {
		at += sizeof(name) - 1;
		at += strspn(at, " ");
		n = strcspn(at, "\r\n");
	}
	snprintf(id, size, "%.*s", (int)n, at != NULL ? at : "");
}

static void store_bytes(const struct sink *sink, const char *mail, size_t length)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%08lu.eml", sink->dir, sink->number);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, mail, length) != (ssize_t)length || close(fd) != 0)
		err(1, "%s", path);
}

void sink_keep_mail(struct session *session, const char *mail, size_t length, const char *ending)
{
	struct sink *sink = session->sink;
	char id[512];
	struct timespec now;

	sink->number++;
	session->mails++;
	if (!sink->index_only)
		store_bytes(sink, mail, length);
	find_message_id(mail, length, id, sizeof(id));
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(sink->index, "%lu\t%lld\t%s\t%s\t%s\t%s\t%zu\n", sink->number,
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000, ending, session->from,
		session->to, id, length);
	fflush(sink->index);
}

void sink_keep_session(const struct session *session)
{
	FILE *file = session->sink->ended;
	SSL *ssl = session->secure ? bufferevent_openssl_get_ssl(session->bev) : NULL;

	if (file == NULL || ssl == NULL)
		return;
	fprintf(file, "%lu\t%llu\t%llu\t%lu\n", session->mails,
		(unsigned long long)BIO_number_read(SSL_get_rbio(ssl)),
		(unsigned long long)BIO_number_written(SSL_get_wbio(ssl)), session->trips);
	fflush(file);
}
