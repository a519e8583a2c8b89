/*
 * tls - the OpenSSL side of mail
 */
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "config.h"
#include "crl.h"
#include "pem_key.h"

struct tls_mail {
	SSL_CTX *context;
};

/* What the first failed check of a certificate saw; hangs on the session. */
struct finding {
	char names[160];
	char issuer[120];
	char when[40];
};

static int finding_index = -1;
static pthread_once_t finding_once = PTHREAD_ONCE_INIT;

static void finding_free(
	void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)argl;
	(void)argp;
	free(pointer);
}

static void finding_register(void)
{
	finding_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, finding_free);
}

/* A certificate comes from anybody: only printable ASCII goes into a text. */
static void add_printable(char *text, size_t size, const char *bytes, size_t length)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < length && n + 1 < size; i++)
		text[n++] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
	text[n] = '\0';
}

static void add_name(char *text, size_t size, const GENERAL_NAME *name)
{
	int type;
	const void *value = GENERAL_NAME_get0_value(name, &type);
	char address[INET6_ADDRSTRLEN] = "";

	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	if (text[0] != '\0')
		add_printable(text, size, ", ", 2);
	if (type == GEN_IPADD) {
		const ASN1_OCTET_STRING *ip = value;

		const int length = ASN1_STRING_length(ip);

		/* Nobody but us has looked at the length yet. */
		if (length != 4 && length != 16)
			snprintf(address, sizeof(address), "?");
		else
			inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip),
				address, sizeof(address));
		add_printable(text, size, address, strlen(address));
	} else {
		const ASN1_STRING *dns = value;

		add_printable(text, size, (const char *)ASN1_STRING_get0_data(dns),
			(size_t)ASN1_STRING_length(dns));
	}
}

static void find_names(struct finding *finding, const X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_name(finding->names, sizeof(finding->names), sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	if (finding->names[0] == '\0')
		snprintf(finding->names, sizeof(finding->names), "no name at all");
}

static void find_issuer(struct finding *finding, const X509 *certificate)
{
	char *line = X509_NAME_oneline(X509_get_issuer_name(certificate), NULL, 0);

	if (line != NULL)
		add_printable(finding->issuer, sizeof(finding->issuer), line, strlen(line));
	OPENSSL_free(line);
}

static const ASN1_TIME *time_of(const X509_STORE_CTX *store, const X509 *certificate)
{
	const X509_CRL *list = X509_STORE_CTX_get0_current_crl(store);
	int verdict = X509_STORE_CTX_get_error(store);

	if (verdict == X509_V_ERR_CRL_HAS_EXPIRED && list != NULL)
		return X509_CRL_get0_nextUpdate(list);
	return verdict == X509_V_ERR_CERT_NOT_YET_VALID ? X509_get0_notBefore(certificate)
							: X509_get0_notAfter(certificate);
}

static void find_when(struct finding *finding, const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(finding->when, sizeof(finding->when), "%Y-%m-%d %H:%M UTC", &tm);
}

/* Judges nothing: OpenSSL's verdict stands. It only keeps what the text needs. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	struct finding *finding;

	if (ok || ssl == NULL || certificate == NULL || SSL_get_ex_data(ssl, finding_index) != NULL)
		return ok;
	finding = calloc(1, sizeof(*finding));
	if (finding == NULL || SSL_set_ex_data(ssl, finding_index, finding) != 1) {
		free(finding);
		return ok;
	}
	find_names(finding, certificate);
	find_issuer(finding, certificate);
	find_when(finding, time_of(store, certificate));
	return ok;
}

/* A key with a passphrase is an error, not a question on a terminal that nobody looks at. */
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static int invalid(char *error, size_t error_size, const char *key, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);

	snprintf(error, error_size,
		"%s: %s cannot be used: %s; it must be a PEM file that vacd's user can read", key,
		path, reason != NULL ? reason : "unknown reason");
	ERR_clear_error();
	return TLS_INVALID;
}

static int load_authorities(SSL_CTX *context, const char *path, char *error, size_t error_size)
{
	if (path[0] == '\0') {
		if (SSL_CTX_set_default_verify_paths(context) == 1)
			return 0;
		return invalid(error, error_size, "mail_ca_file", "the system's list");
	}
	if (SSL_CTX_load_verify_file(context, path) != 1)
		return invalid(error, error_size, "mail_ca_file", path);
	return 0;
}

static int load_client(
	SSL_CTX *context, const struct config *config, char *error, size_t error_size)
{
	const char *key = config->mail_key_file[0] != '\0' ? config->mail_key_file
							   : config->mail_cert_file;

	if (config->mail_cert_file[0] == '\0')
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, config->mail_cert_file) != 1)
		return invalid(error, error_size, "mail_cert_file", config->mail_cert_file);
	if (!pem_key_use(context, key) || SSL_CTX_check_private_key(context) != 1)
		return invalid(error, error_size, "mail_key_file", key);
	return 0;
}

static int context_new(
	SSL_CTX **contextp, const struct config *config, char *error, size_t error_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int r;

	if (context == NULL)
		return -ENOMEM;
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(context);
		return -EINVAL;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	r = load_authorities(context, config->mail_ca_file, error, error_size);
	if (r == 0 && config->mail_crl_file[0] != '\0'
		&& crl_use(context, config->mail_crl_file) != 0)
		r = invalid(error, error_size, "mail_crl_file", config->mail_crl_file);
	if (r == 0)
		r = load_client(context, config, error, error_size);
	if (r != 0) {
		SSL_CTX_free(context);
		return r;
	}
	*contextp = context;
	return 0;
}

int tls_mail_new(
	const struct config *config, struct tls_mail **tlsp, char *error, size_t error_size)
{
	struct tls_mail *tls;
	int r;

	pthread_once(&finding_once, finding_register);
	ERR_clear_error();
	tls = calloc(1, sizeof(*tls));
	if (tls == NULL || finding_index < 0) {
		free(tls);
		return -ENOMEM;
	}
	r = context_new(&tls->context, config, error, error_size);
	if (r != 0) {
		free(tls);
		return r;
	}
	*tlsp = tls;
	return 0;
}

struct tls_mail *tls_mail_free(struct tls_mail *tls)
{
	if (tls != NULL)
		SSL_CTX_free(tls->context);
	free(tls);
	return NULL;
}

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool set_peer(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[256]; /* OpenSSL's macro takes no const */

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(host)) /* RFC 6066 3: no address in SNI */
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	if ((size_t)snprintf(name, sizeof(name), "%s", host) >= sizeof(name))
		return false;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *tls_mail_session(const struct tls_mail *tls, const char *host)
{
	SSL *ssl = SSL_new(tls->context);

	if (ssl != NULL && !set_peer(ssl, host)) {
		SSL_free(ssl);
		ssl = NULL;
	}
	return ssl;
}

static void say_other(
	const struct finding *finding, long verdict, const char *host, char *text, size_t size)
{
	const char *fault = crl_fault(verdict);

	if (fault != NULL)
		snprintf(text, size,
			"whether the certificate of %s is revoked is not known: the list %s (%s); "
			"look at mail_crl_file",
			host, fault, finding->issuer);
	else
		snprintf(text, size, "the certificate of %s does not hold: %s", host,
			X509_verify_cert_error_string(verdict));
}

static void say_certificate(
	const struct finding *finding, long verdict, const char *host, char *text, size_t size)
{
	static const struct finding nothing = {.names = "?", .issuer = "?", .when = "?"};

	if (finding == NULL)
		finding = &nothing;
	switch (verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(text, size,
			"the certificate of %s expired at %s; whoever runs the mail server must "
			"renew it",
			host, finding->when);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(text, size,
			"the certificate of %s is not valid before %s; look at this machine's "
			"clock",
			host, finding->when);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(text, size,
			"the certificate of %s is self-signed; if it is the right one, name its "
			"file in mail_ca_file",
			host);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(text, size,
			"the certificate of %s comes from an unknown authority (%s); name that "
			"authority's file in mail_ca_file",
			host, finding->issuer);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(text, size,
			"the certificate is for %s and not for %s; mail_host must be a name that "
			"stands in it",
			finding->names, host);
		break;
	case X509_V_ERR_CERT_REVOKED:
		snprintf(text, size,
			"the certificate of %s was revoked by its authority (%s); whoever runs the "
			"mail server must have a new one",
			host, finding->issuer);
		break;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		snprintf(text, size,
			"whether the certificate of %s is revoked is not known: the list of its "
			"authority (%s) expired at %s; put the newest into mail_crl_file and "
			"reload",
			host, finding->issuer, finding->when);
		break;
	default:
		say_other(finding, verdict, host, text, size);
	}
}

static enum tls_fault say_protocol(unsigned long code, const char *host, char *text, size_t size)
{
	const char *reason = ERR_reason_error_string(code);

	if (ERR_SYSTEM_ERROR(code)) {
		snprintf(text, size, "%s closed the connection during the TLS handshake: %s", host,
			strerror((int)ERR_GET_REASON(code)));
		return TLS_FAULT_LOST;
	}
	switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		snprintf(text, size, "%s closed the connection during the TLS handshake", host);
		return TLS_FAULT_LOST;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		snprintf(text, size,
			"%s does not speak TLS on this port; look at mail_port and mail_tls "
			"(implicit: 465, starttls: 587)",
			host);
		break;
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		snprintf(text, size,
			"%s wants a client certificate: set mail_cert_file and mail_key_file",
			host);
		break;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		snprintf(text, size, "%s does not speak TLS 1.2 or newer, which vacd requires",
			host);
		break;
	default:
		snprintf(text, size, "TLS with %s failed: %s", host,
			reason != NULL ? reason : "unknown reason");
	}
	return TLS_FAULT_PROTOCOL;
}

enum tls_fault tls_mail_why(
	const SSL *ssl, unsigned long code, const char *host, char *text, size_t text_size)
{
	long verdict = SSL_get_verify_result(ssl);

	if (verdict != X509_V_OK) {
		say_certificate(
			SSL_get_ex_data(ssl, finding_index), verdict, host, text, text_size);
		return TLS_FAULT_CERTIFICATE;
	}
	if (code == 0) {
		snprintf(
			text, text_size, "%s closed the connection during the TLS handshake", host);
		return TLS_FAULT_LOST;
	}
	return say_protocol(code, host, text, text_size);
}

void tls_mail_describe(const SSL *ssl, char *text, size_t text_size)
{
	snprintf(text, text_size, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}
