/*
 * intake_tls - the OpenSSL side of taking cases in: our certificate, and clients'
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct ssl_ctx_st;
struct ssl_st;

/* Reads certificate, key and authorities anew: TLS 1.2 or newer, clients' certificates looked
 * at as intake_client_cert and intake_crl_file say. 0, -ENOMEM, or INTAKE_INVALID with a line of text in error. */
int intake_tls_new(const struct config *config, struct ssl_ctx_st **contextp, char *error,
	size_t error_size) __attribute__((warn_unused_result));

/* The client's verified certificate: SHA-256 of it in hexadecimal, and its subject (RFC 2253). False:
 * it has shown none. */
bool intake_tls_peer(
	const struct ssl_st *ssl, char *print, size_t print_size, char *subject, size_t size);

/* Why a handshake failed; code is the oldest entry of OpenSSL's error queue, or 0. One line. */
void intake_tls_why(const struct ssl_st *ssl, unsigned long code, char *text, size_t size);

/* SHA-256 of a text in hexadecimal; size is 65 or more. False: no memory. */
bool intake_tls_hash(const char *text, char *hex, size_t size);
