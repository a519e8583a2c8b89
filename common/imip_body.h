/*
 * imip_body - what a person reads: the body as plain text and as HTML
 *
 * Both say the same. With an answer address they ask for the response and carry links that open a
 * mail to it, subject "accept N" or "decline N", N being the SEQUENCE that is answered: for those
 * whose client shows no buttons or sends nothing when they are pressed. Other words are asked for
 * in the same way ("held N").
 */
#pragma once

struct octets;

struct imip_answer {
	const char *address; /* an address of our own, with its token */
	long sequence;
	const char *words; /* lower-case words parted by spaces; NULL: accept decline */
};

/* body has LF lines; answer may be NULL: nothing is asked. LF lines come out. */
void imip_body_text(struct octets *out, const char *body, const struct imip_answer *answer);
void imip_body_html(struct octets *out, const char *subject, const char *body,
	const struct imip_answer *answer);
