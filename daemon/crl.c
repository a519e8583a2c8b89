#include "crl.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "config.h"

static int load(X509_STORE *store, const char *path)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	/* All of them, or none: behind what cannot be read could stand the one that matters. */
	if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1)
		return CRL_INVALID;
	return 0;
}

int crl_use(SSL_CTX *context, const char *path)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	int r = load(store, path);

	if (!r)
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return r;
}

static void write_time(const ASN1_TIME *time, char *text, size_t size)
{
	struct tm tm;

	text[0] = '\0';
	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(text, size, "%Y-%m-%d %H:%M UTC", &tm);
}

/* A list without a next one never expires. */
static const ASN1_TIME *first_end(X509_STORE *store, int *lists)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	const ASN1_TIME *first = NULL;

	*lists = sk_X509_OBJECT_num(objects);
	for (int i = 0; i < *lists; i++) {
		const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
		const ASN1_TIME *end = list ? X509_CRL_get0_nextUpdate(list) : NULL;

		if (end && (!first || ASN1_TIME_compare(end, first) < 0))
			first = end;
	}
	return first;
}

static int describe(X509_STORE *store, const char *path, char *text, size_t size)
{
	int lists;
	const ASN1_TIME *end = first_end(store, &lists);
	char when[40];

	if (!end) {
		snprintf(text, size, "%s, %d list%s without an end", path, lists,
			lists == 1 ? "" : "s");
		return 0;
	}
	write_time(end, when, sizeof(when));
	if (X509_cmp_current_time(end) > 0) {
		snprintf(text, size, "%s, %d list%s, good until %s", path, lists,
			lists == 1 ? "" : "s", when);
		return 0;
	}
	snprintf(text, size,
		"%s: a list in it has expired at %s, and no certificate of its authority holds "
		"before a newer one is put there and vacd reloads",
		path, when);
	return CRL_EXPIRED;
}

/* The oldest entry says what happened, the others who passed it on. */
static const char *first_reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);

	return reason ? reason : "unknown reason";
}

int crl_look(const char *path, char *text, size_t size)
{
	X509_STORE *store = X509_STORE_new();
	int r;

	ERR_clear_error();
	r = store ? load(store, path) : CRL_INVALID;
	if (!r) {
		r = describe(store, path, text, size);
	} else {
		snprintf(text, size,
			"%s cannot be used: %s; it must be a PEM file of lists that vacd's user "
			"can "
			"read",
			path, first_reason());
		ERR_clear_error();
	}
	X509_STORE_free(store);
	return r;
}

void crl_each(const struct config *config,
	void (*fn)(const char *key, int outcome, const char *text, void *arg), void *arg)
{
	const struct {
		const char *key, *path;
	} files[] = {
		{"mail_crl_file", config->mail_crl_file},
		{"intake_crl_file", config->intake_crl_file},
	};
	char text[500];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].path[0]) {
			int r = crl_look(files[i].path, text, sizeof(text));

			fn(files[i].key, r, text, arg);
		}
	}
}

const char *crl_fault(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
		return "of its authority is missing";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "of its authority has expired";
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return "of its authority is not valid yet";
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
		return "was not signed by its authority";
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
		return "of its authority cannot be understood";
	default:
		return NULL;
	}
}
