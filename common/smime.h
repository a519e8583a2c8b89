/*
 * smime - mails with a signature beside them (RFC 8551 3.5.3: multipart/signed, CMS of RFC 5652)
 *
 * What is signed is written anew, equal to the byte, each time a mail is sent; the signature is not, since
 * that of an elliptic curve is never the same twice, and a certificate is renewed. So it is made once, kept
 * as text, and joined to the mail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imip_mail;
struct smime_signer;

enum { SMIME_INVALID = 1, SMIME_NOT_NOW = 2 };

/*
 * A certificate in PEM, with those of the authorities between it and the root behind it, and its key in a
 * file as key_file.h wants it. sender: the address that mails come from, which the certificate must name
 * (RFC 8550 3). 0 with an owned signer; SMIME_NOT_NOW with one too, whose certificate is over or has not
 * begun at `now` (seconds since 1970); -ENOMEM or SMIME_INVALID without: a file that cannot be read, key and
 * certificate do not fit, another address. Unless 0 a line of text in error.
 */
int smime_signer_read(const char *cert_path, const char *key_path, const char *sender, int64_t now,
	struct smime_signer **signerp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct smime_signer *smime_signer_free(struct smime_signer *signer);
/* Whether the certificate names this address. */
bool smime_signer_names(const struct smime_signer *signer, const char *sender);
/* When the certificate ends, seconds since 1970. */
int64_t smime_signer_ends(const struct smime_signer *signer);

/* Signs a mail of imip_write(): *signaturep is base64 without line ends, owned. 0, -ENOMEM or -EIO. */
int smime_sign(const struct smime_signer *signer, const struct imip_mail *mail, char **signaturep)
	__attribute__((warn_unused_result));

/* Puts a mail and its signature together; name is a text of letters, digits and "-" that makes the boundary
 * (the UUID of the mail). 0; -ENOMEM, and the mail is as before; -EINVAL: that is no base64. */
int smime_join(struct imip_mail *mail, const char *name, const char *signature)
	__attribute__((warn_unused_result));
