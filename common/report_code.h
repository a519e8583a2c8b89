/*
 * report_code - status and reply codes of mail servers in text (RFC 3463, RFC 5321)
 */
#pragma once

/* The first "4.x.y" or "5.x.y" (or "2.x.y") that is no part of a number, such as an IP address;
 * NULL when there is none. 0 or -ENOMEM. */
int report_code_status(const char *text, char **statusp) __attribute__((warn_unused_result));

/* The first digit of the first reply code 4yz or 5yz that stands by itself, or 0. */
char report_code_reply(const char *text);
