/*
 * intake_route - from a request to whoever answers it
 */
#pragma once

#include <stdbool.h>

struct http_request;
struct intake_guest;

/* Answers the request that is whole, or calls the database, and then does. */
void intake_route(struct intake_guest *guest, bool secure);

/* "method=GET route=/v1/cases/CODE", for the log: nothing that the client made up. */
const char *intake_route_words(const struct http_request *request);
/* Header fields that a status comes with; "" for none. */
const char *intake_route_fields(int status);
/* What a status means, in the form of an error body. 0 or -ENOMEM. */
int intake_route_error(int status, char **textp) __attribute__((warn_unused_result));
