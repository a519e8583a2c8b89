/*
 * read-mail - prints what imip_read() makes of mails, for tests in Python
 *
 * read-mail [-n NOW] [FILE…]: one JSON object a line and file; without files, names come line by
 * line on standard input. NOW (seconds since 1970) is 2026-01-01 unless it is given, and the horizon
 * is 90 days. With -x each file is read in a child with a processor time of two seconds and 256 MiB
 * of memory, as the reader has it; what dies is printed as {"died": SIGNAL}.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "imip_read.h"
#include "itip_read.h"
#include "letter.h"
#include "octets.h"
#include "zone.h"

enum { MOST = 64 * 1024 * 1024, CPU_SECONDS = 2, MEMORY = 256 * 1024 * 1024 };

static struct itip_limits limits = {.now = 1767225600};

static int print_letter(const char *path)
{
	struct letter *letter = NULL;
	struct octets out = {0};
	char *bytes, *text;
	size_t n;
	int r = file_read(path, MOST, &bytes, &n);

	if (!r) {
		r = imip_read(bytes, n, &limits, &letter);
		free(bytes);
	}
	if (!r)
		r = letter_write(letter, &out);
	letter_free(letter);
	if (!r)
		r = octets_take(&out, &text, &n);
	if (r) {
		fprintf(stderr, "read-mail: %s: %s\n", path, strerror(-r));
		return 1;
	}
	printf("%s\n", text);
	free(text);
	return 0;
}

/* AddressSanitizer reserves more address space than anybody has. */
static void limit_child(void)
{
	struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};

	(void)setrlimit(RLIMIT_CPU, &cpu);
#ifndef __SANITIZE_ADDRESS__
	struct rlimit memory = {MEMORY, MEMORY};

	(void)setrlimit(RLIMIT_AS, &memory);
#endif
}

static int print_in_child(const char *path)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int r;

		limit_child();
		r = print_letter(path);
		fflush(stdout);
		_exit(r);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	if (WIFSIGNALED(status))
		printf("{\"died\":%d}\n", WTERMSIG(status));
	return WIFSIGNALED(status) ? 0 : WEXITSTATUS(status);
}

static int print_named(int (*print)(const char *path))
{
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		r |= print(line);
	}
	free(line);
	return r;
}

int main(int argc, char **argv)
{
	int (*print)(const char *path) = print_letter;
	struct zones *zones;
	int option, r = 0;

	while ((option = getopt(argc, argv, "n:x")) != -1) {
		if (option == 'n')
			limits.now = strtoll(optarg, NULL, 10);
		else if (option == 'x')
			print = print_in_child;
		else
			return 2;
	}
	limits.until = limits.now + (int64_t)90 * 86400;
	if (zones_load(ZONES_SYSTEM, &zones) || imip_read_preload())
		return 1;
	limits.zones = zones;
	if (optind == argc)
		r = print_named(print);
	for (int i = optind; i < argc; i++)
		r |= print(argv[i]);
	zones_free(zones);
	return r;
}
