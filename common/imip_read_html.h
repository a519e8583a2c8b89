/*
 * imip_read_html - the words of an HTML text, enough to read one line of it
 */
#pragma once

struct octets;

/* Appends the text without its elements, a line for each block, without what is hidden or quoted
 * (style, script, head, blockquote). html is UTF-8 that ends in NUL. */
void imip_read_html(const char *html, struct octets *out);
