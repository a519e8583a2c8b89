/*
 * smime - mails with a signature beside them
 */
#include "smime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "imip.h"
#include "key_file.h"
#include "octets.h"

enum { BASE64_LINE = 76 };

struct smime_signer {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * others;
	int64_t ends;
};

/* ---- certificates --------------------------------------------------------------------------- */

struct reading {
	const char *path;
	char *error;
	size_t error_size;
};

static int invalid(const struct reading *r, const char *problem)
{
	(void)snprintf(r->error, r->error_size, "%s: %s", r->path, problem);
	ERR_clear_error();
	return SMIME_INVALID;
}

static int read_others(BIO *bio, struct smime_signer *signer)
{
	X509 *cert;

	signer->others = sk_X509_new_null();
	if (!signer->others)
		return -ENOMEM;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(signer->others, cert) > 0)
			continue;
		X509_free(cert);
		return -ENOMEM;
	}
	ERR_clear_error();
	return 0;
}

static int read_certs(const struct reading *r, struct smime_signer *signer)
{
	BIO *bio = BIO_new_file(r->path, "r");
	int result;

	if (!bio)
		return invalid(r, "cannot be read");
	signer->cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	result = signer->cert ? read_others(bio, signer)
			      : invalid(r, "holds no certificate in PEM");
	BIO_free(bio);
	return result;
}

static int64_t seconds(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, rest = 0;

	if (!epoch || ASN1_TIME_diff(&days, &rest, epoch, time) != 1)
		days = rest = 0;
	ASN1_TIME_free(epoch);
	return (int64_t)days * 86400 + rest;
}

static int check_cert(
	const struct reading *r, const struct smime_signer *signer, const char *sender)
{
	uint32_t usage = X509_get_key_usage(signer->cert),
		 more = X509_get_extended_key_usage(signer->cert);

	if (X509_check_private_key(signer->cert, signer->key) != 1)
		return invalid(r, "is not the certificate of this smime_key_file");
	if (!EVP_PKEY_is_a(signer->key, "RSA") && !EVP_PKEY_is_a(signer->key, "EC"))
		return invalid(r, "has a key that is neither RSA nor EC, which mail clients know");
	if (!smime_signer_names(signer, sender))
		return invalid(r, "does not name the address in mail_from");
	if (!(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return invalid(r, "may not sign (its keyUsage)");
	if (!(more & (XKU_SMIME | XKU_ANYEKU)))
		return invalid(r, "is not for mail (its extendedKeyUsage)");
	return 0;
}

/* What is in the files may still be nothing that OpenSSL makes a signature of (a certificate twice, say). */
static int try_it(const struct reading *r, const struct smime_signer *signer)
{
	char text[] = "Subject: x\r\nContent-Type: text/plain\r\n\r\nx\r\n";
	const struct imip_mail mail = {.bytes = text, .length = sizeof(text) - 1};
	char *signature;
	int result = smime_sign(signer, &mail, &signature);

	free(signature);
	if (result == -ENOMEM)
		return result;
	return result ? invalid(r, "and its key make no signature; is a certificate in it twice?")
		      : 0;
}

static int check_time(const struct reading *r, struct smime_signer *signer, int64_t now)
{
	signer->ends = seconds(X509_get0_notAfter(signer->cert));
	if (now >= seconds(X509_get0_notBefore(signer->cert)) && now <= signer->ends)
		return 0;
	(void)invalid(r, now > signer->ends ? "has expired" : "is not valid yet");
	return SMIME_NOT_NOW;
}

int smime_signer_read(const char *cert_path, const char *key_path, const char *sender, int64_t now,
	struct smime_signer **signerp, char *error, size_t error_size)
{
	const struct reading reading = {cert_path, error, error_size};
	struct smime_signer *signer = calloc(1, sizeof(*signer));
	int r = signer ? key_file_private(key_path, &signer->key, error, error_size) : -ENOMEM;

	if (!r)
		r = read_certs(&reading, signer);
	else if (r != -ENOMEM)
		r = SMIME_INVALID; /* error has the file and why */
	if (!r)
		r = check_cert(&reading, signer, sender);
	if (!r)
		r = try_it(&reading, signer);
	if (!r)
		r = check_time(&reading, signer, now);
	if (r == -ENOMEM)
		(void)snprintf(error, error_size, "%s: %s", cert_path, strerror(ENOMEM));
	if (r && r != SMIME_NOT_NOW)
		signer = smime_signer_free(signer);
	*signerp = signer;
	return r;
}

struct smime_signer *smime_signer_free(struct smime_signer *signer)
{
	if (!signer)
		return NULL;
	EVP_PKEY_free(signer->key);
	X509_free(signer->cert);
	sk_X509_pop_free(signer->others, X509_free);
	free(signer);
	return NULL;
}

bool smime_signer_names(const struct smime_signer *signer, const char *sender)
{
	return X509_check_email(signer->cert, sender, 0, 0) == 1;
}

int64_t smime_signer_ends(const struct smime_signer *signer)
{
	return signer->ends;
}

/* ---- signing -------------------------------------------------------------------------------- */

/* Where the header fields of the entity begin, behind which there are no others (imip.h). */
static const char *entity_of(const struct imip_mail *mail)
{
	const char *found = memmem(mail->bytes, mail->length, "\r\nContent-", 10);

	return found ? found + 2 : NULL;
}

static int encode(CMS_ContentInfo *cms, char **signaturep)
{
	unsigned char *der = NULL;
	int length = i2d_CMS_ContentInfo(cms, &der);
	size_t room = length > 0 ? (size_t)length / 3 * 4 + 5 : 0;
	char *text = room ? malloc(room) : NULL;

	if (text)
		EVP_EncodeBlock((unsigned char *)text, der, length);
	OPENSSL_free(der);
	*signaturep = text;
	return text ? 0 : length > 0 ? -ENOMEM : -EIO;
}

int smime_sign(const struct smime_signer *signer, const struct imip_mail *mail, char **signaturep)
{
	/* The bytes are CRLF lines already: CMS_BINARY leaves them as they are. */
	const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP;
	const char *entity = entity_of(mail);
	BIO *bio = entity ? BIO_new_mem_buf(entity, (int)(mail->bytes + mail->length - entity))
			  : NULL;
	CMS_ContentInfo *cms = NULL;
	int r = -EIO;

	*signaturep = NULL;
	if (bio)
		cms = CMS_sign(NULL, NULL, signer->others, NULL, flags | CMS_PARTIAL);
	if (cms && CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), flags)
		&& CMS_final(cms, bio, NULL, flags) == 1)
		r = encode(cms, signaturep);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

/* ---- joining -------------------------------------------------------------------------------- */

static void add_boundary(
	struct octets *out, const char *before, const char *name, const char *after)
{
	octets_add_text(out, before);
	octets_add_text(out, "=_vacd_s_");
	octets_add_text(out, name);
	octets_add_text(out, after);
}

static void add_signature(struct octets *out, const char *signature)
{
	size_t left = strlen(signature);

	octets_add_text(out, "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
			     "Content-Transfer-Encoding: base64\r\n"
			     "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n");
	while (left > 0) {
		size_t n = left < BASE64_LINE ? left : BASE64_LINE;

		octets_add(out, signature, n);
		octets_add_text(out, "\r\n");
		signature += n;
		left -= n;
	}
}

int smime_join(struct imip_mail *mail, const char *name, const char *signature)
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	struct octets out = {0};
	const char *entity = entity_of(mail);
	char *bytes;
	size_t length;
	int r;

	if (!entity || !*signature || signature[strspn(signature, base64)])
		return -EINVAL;
	octets_add(&out, mail->bytes, (size_t)(entity - mail->bytes));
	add_boundary(&out,
		"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
		" micalg=sha-256; boundary=\"",
		name, "\"\r\n\r\n");
	add_boundary(&out, "--", name, "\r\n");
	octets_add(&out, entity, mail->length - (size_t)(entity - mail->bytes));
	add_boundary(&out, "\r\n--", name, "\r\n");
	add_signature(&out, signature);
	add_boundary(&out, "--", name, "--\r\n");
	r = octets_take(&out, &bytes, &length);
	if (r)
		return r;
	free(mail->bytes);
	mail->bytes = bytes;
	mail->length = length;
	return 0;
}
