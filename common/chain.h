/*
 * chain - the chain of hashes that history is sealed into
 *
 * Pure: fields in, bytes and SHA-256 out. The database makes the chain in SQL; this is the other reckoning,
 * by which it is verified. vacd-history(7) describes the bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "octets.h"

enum { CHAIN_HASH = 32, CHAIN_HEX = 2 * CHAIN_HASH + 1, CHAIN_ID = 37 };

/* The fields of an entry behind its first, which names the form. */
enum chain_field {
	CHAIN_NUMBER,
	CHAIN_SEALED_AT,
	CHAIN_HISTORY_ID,
	CHAIN_AT,
	CHAIN_WHO,
	CHAIN_EVENT,
	CHAIN_OFFICE,
	CHAIN_CASE,
	CHAIN_REQUEST,
	CHAIN_APPOINTMENT,
	CHAIN_COORDINATOR,
	CHAIN_MESSAGE,
	CHAIN_REASON,
	CHAIN_NOTE,
	CHAIN_NOTE_HASH,
	CHAIN_DETAIL,
	CHAIN_FIELDS,
};

/* A field as length, colon, bytes, comma; NULL as hyphen, comma. */
void chain_add_field(struct octets *octets, const char *field);
/* The bytes of an entry. */
void chain_add_entry(struct octets *octets, const char *const fields[CHAIN_FIELDS]);

/* All false only when OpenSSL cannot hash. */
/* The hash before the first entry: of the chain's UUID in lower case. */
bool chain_origin(const char *chain, unsigned char hash[CHAIN_HASH])
	__attribute__((warn_unused_result));
/* The hash of an entry of length bytes that follows one with the hash before; after may be before. */
bool chain_next(const unsigned char before[CHAIN_HASH], const char *entry, size_t length,
	unsigned char after[CHAIN_HASH]) __attribute__((warn_unused_result));
/* The hash of a note; salt is hexadecimal. False also when it is not. */
bool chain_note(const char *salt, const char *text, unsigned char hash[CHAIN_HASH])
	__attribute__((warn_unused_result));

void chain_to_hex(const unsigned char hash[CHAIN_HASH], char hex[CHAIN_HEX]);
/* False unless hex is 64 digits in lower or upper case. */
bool chain_from_hex(const char *hex, unsigned char hash[CHAIN_HASH])
	__attribute__((warn_unused_result));
