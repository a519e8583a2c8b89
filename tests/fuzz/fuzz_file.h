/*
 * fuzz_file - bytes as a file that only its owner can open, for what reads files by their names
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FUZZ_FILE_PATH = 40 };

/* Writes its name into path; to be closed. */
static inline int fuzz_file_open(const void *bytes, size_t size, char path[FUZZ_FILE_PATH])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, bytes, size) != (ssize_t)size
		|| lseek(fd, 0, SEEK_SET) < 0) {
		perror("fuzz_file");
		abort();
	}
	snprintf(path, FUZZ_FILE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}
