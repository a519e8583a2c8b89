/*
 * plot - a simulation as a picture, drawn by gnuplot
 */
#pragma once

#include <stddef.h>

struct look;
struct scene;
struct tally;

/* What is wrong is said on stderr. 0, -ENOMEM, or PLOT_FAILED. */
enum { PLOT_FAILED = 1 };
/* Before the work: whether there is a gnuplot, and the file can be written. */
int plot_try(const struct look *look, const char *path) __attribute__((warn_unused_result));
int plot_write(const struct look *look, const char *path, const struct scene *scene,
	const struct tally *tally) __attribute__((warn_unused_result));
