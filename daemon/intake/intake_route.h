/*
 * intake_route - from a request to whoever answers it
 */
#pragma once

#include <stdbool.h>

struct intake_request;
struct intake_guest;

/* Answers the request that is whole, or calls the database, and then does. */
void intake_route(struct intake_guest *guest, bool secure);

/* "method=GET route=/v1/cases/CODE", for the log: nothing that the client made up. NULL: it was none. */
const char *intake_route_words(const struct intake_request *request);
/* "Not Found"; "Unknown" for what we never say. */
const char *intake_route_reason(int status);
/* The header field that a status comes with, or NULL. */
const char *intake_route_field(int status);
/* What a status means, in the form of an error body. 0 or -ENOMEM. */
int intake_route_error(int status, char **textp) __attribute__((warn_unused_result));
