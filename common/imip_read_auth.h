/*
 * imip_read_auth - what the header field Authentication-Results says of DMARC (RFC 8601)
 */
#pragma once

struct letter_auth;

/*
 * value: unfolded. All members stay NULL when the field follows no grammar or does not begin with
 * the name of a server, as Microsoft 365 writes it: then nobody can tell whose word it is. Of
 * several DMARC results the first that is no pass counts. Names come in lower case. 0 or -ENOMEM.
 */
int imip_read_auth(const char *value, struct letter_auth *auth) __attribute__((warn_unused_result));
