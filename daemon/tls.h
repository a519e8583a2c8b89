/*
 * tls - the OpenSSL side of mail: one context, verified sessions, reasons in words
 *
 * libevent verifies nothing, so everything that makes a connection safe is set here: TLS 1.2 or newer,
 * the peer's certificate checked against a known authority and against the configured host name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct ssl_st;
struct tls_mail;

enum { TLS_INVALID = 1 };

enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_CERTIFICATE, /* the server is not shown to be who it should be */
	TLS_FAULT_PROTOCOL,    /* no common version or cipher, an alert, or no TLS at all */
	TLS_FAULT_LOST,        /* the connection went away */
};

/* Reads the authorities and the client certificate anew: called at the start and at each reload.
 * 0, -ENOMEM, or TLS_INVALID with a line of text in error: which file, what is wrong, what to do. */
int tls_mail_new(const struct config *config, struct tls_mail **tlsp, char *error,
	size_t error_size) __attribute__((warn_unused_result));
/* Sessions that are open stay as they are. */
struct tls_mail *tls_mail_free(struct tls_mail *tls);

/* A client session that will accept only a certificate for host (a name or an address), with SNI.
 * The caller frees it with SSL_free(). NULL: no memory. */
struct ssl_st *tls_mail_session(const struct tls_mail *tls, const char *host);

/* Why a session failed; code is the oldest entry of OpenSSL's error queue, or 0. One line of text. */
enum tls_fault tls_mail_why(const struct ssl_st *ssl, unsigned long code, const char *host,
	char *text, size_t text_size);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", for the log. */
void tls_mail_describe(const struct ssl_st *ssl, char *text, size_t text_size);
