#include "chain.h"

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

static const char entry_form[] = "vacd-entry-1";
static const char chain_form[] = "vacd-chain-1 ";

enum { SALT_MAX = 64 };

void chain_add_field(struct octets *octets, const char *field)
{
	char length[32];

	if (!field) {
		octets_add_text(octets, "-,");
		return;
	}
	snprintf(length, sizeof(length), "%zu:", strlen(field));
	octets_add_text(octets, length);
	octets_add_text(octets, field);
	octets_add_char(octets, ',');
}

void chain_add_entry(struct octets *octets, const char *const fields[CHAIN_FIELDS])
{
	chain_add_field(octets, entry_form);
	for (size_t i = 0; i < CHAIN_FIELDS; i++)
		chain_add_field(octets, fields[i]);
}

/* Of two pieces, one after the other. */
static bool hash_two(
	const void *first, size_t n, const void *second, size_t m, unsigned char hash[CHAIN_HASH])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL)
		    && EVP_DigestUpdate(context, first, n) && EVP_DigestUpdate(context, second, m)
		    && EVP_DigestFinal_ex(context, hash, NULL);

	EVP_MD_CTX_free(context);
	return done;
}

bool chain_origin(const char *chain, unsigned char hash[CHAIN_HASH])
{
	return hash_two(chain_form, sizeof(chain_form) - 1, chain, strlen(chain), hash);
}

bool chain_next(const unsigned char before[CHAIN_HASH], const char *entry, size_t length,
	unsigned char after[CHAIN_HASH])
{
	return hash_two(before, CHAIN_HASH, entry, length, after);
}

/* ---- hexadecimal ---------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool from_hex(const char *hex, size_t n, unsigned char *bytes)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

void chain_to_hex(const unsigned char hash[CHAIN_HASH], char hex[CHAIN_HEX])
{
	for (size_t i = 0; i < CHAIN_HASH; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

bool chain_from_hex(const char *hex, unsigned char hash[CHAIN_HASH])
{
	return strlen(hex) == CHAIN_HEX - 1 && from_hex(hex, CHAIN_HASH, hash);
}

bool chain_note(const char *salt, const char *text, unsigned char hash[CHAIN_HASH])
{
	unsigned char bytes[SALT_MAX];
	size_t digits = strlen(salt);

	if (digits % 2 != 0 || digits / 2 > SALT_MAX || !from_hex(salt, digits / 2, bytes))
		return false;
	return hash_two(bytes, digits / 2, text, strlen(text), hash);
}
