#include "intake_tls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "../intake.h"
#include "config.h"
#include "../crl.h"
#include "pem_key.h"

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
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(error, error_size,
		"%s: %s cannot be used: %s; it must be a PEM file that vacd's user can read", key,
		path, reason ? reason : "unknown reason");
	ERR_clear_error();
	return INTAKE_INVALID;
}

static int load_own(SSL_CTX *context, const struct config *config, char *error, size_t size)
{
	if (SSL_CTX_use_certificate_chain_file(context, config->intake_cert_file) != 1)
		return invalid(error, size, "intake_cert_file", config->intake_cert_file);
	if (!pem_key_use(context, config->intake_key_file)
		|| SSL_CTX_check_private_key(context) != 1)
		return invalid(error, size, "intake_key_file", config->intake_key_file);
	return 0;
}

static int load_authorities(SSL_CTX *context, const struct config *config, char *error, size_t size)
{
	static const int modes[] = {
		[CONFIG_CLIENT_CERT_NONE] = SSL_VERIFY_NONE,
		[CONFIG_CLIENT_CERT_OPTIONAL] = SSL_VERIFY_PEER,
		[CONFIG_CLIENT_CERT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	const char *path = config->intake_ca_file;
	STACK_OF(X509_NAME) * names;

	SSL_CTX_set_verify(context, modes[config->intake_client_cert], NULL);
	if (config->intake_client_cert == CONFIG_CLIENT_CERT_NONE)
		return 0;
	/* Theirs and no others: the system's authorities vouch for anybody. */
	names = SSL_load_client_CA_file(path);
	if (!names || SSL_CTX_load_verify_file(context, path) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return invalid(error, size, "intake_ca_file", path);
	}
	SSL_CTX_set_client_CA_list(context, names);
	if (config->intake_crl_file[0] && crl_use(context, config->intake_crl_file))
		return invalid(error, size, "intake_crl_file", config->intake_crl_file);
	return 0;
}

static bool harden(SSL_CTX *context)
{
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
					     | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	/* No resumption: every connection shows a certificate that holds now. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1
	       && SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

int intake_tls_new(const struct config *config, SSL_CTX **contextp, char *error, size_t error_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int r;

	ERR_clear_error();
	if (!context)
		return -ENOMEM;
	r = harden(context) ? 0 : -EINVAL;
	if (r == 0)
		r = load_own(context, config, error, error_size);
	if (r == 0)
		r = load_authorities(context, config, error, error_size);
	if (r != 0) {
		SSL_CTX_free(context);
		return r;
	}
	*contextp = context;
	return 0;
}

/* ---- clients -------------------------------------------------------------------------------- */

static void write_hex(const unsigned char *bytes, size_t n, char *hex, size_t size)
{
	for (size_t i = 0; i < n && 2 * i + 3 <= size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

bool intake_tls_hash(const char *text, char *hex, size_t size)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(text, strlen(text), digest, &n, EVP_sha256(), NULL) != 1)
		return false;
	write_hex(digest, n, hex, size);
	return true;
}

static bool write_subject(const X509 *certificate, char *subject, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = -1;

	if (bio
		&& X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253)
			   >= 0)
		n = BIO_read(bio, subject, (int)size);
	BIO_free(bio);
	/* One that is cut could be somebody else's. */
	if (n < 0 || (size_t)n >= size)
		return false;
	subject[n] = '\0';
	return strlen(subject) == (size_t)n;
}

bool intake_tls_peer(const SSL *ssl, char *print, size_t print_size, char *subject, size_t size)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
		return false;
	if (X509_digest(certificate, EVP_sha256(), digest, &n) != 1)
		return false;
	write_hex(digest, n, print, print_size);
	if (!write_subject(certificate, subject, size))
		subject[0] = '\0';
	return true;
}

void intake_tls_why(const SSL *ssl, unsigned long code, char *text, size_t size)
{
	long verdict = SSL_get_verify_result(ssl);
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	const char *fault = crl_fault(verdict);

	if (fault)
		snprintf(text, size,
			"its certificate cannot be looked up: the list %s; look at intake_crl_file",
			fault);
	else if (verdict != X509_V_OK)
		snprintf(text, size, "its certificate does not hold: %s",
			X509_verify_cert_error_string(verdict));
	else
		snprintf(text, size, "%s", reason ? reason : "it went away");
}
