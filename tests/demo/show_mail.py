#!/usr/bin/python3
"""Prints a mail as its reader's program would take it apart: headers, text, calendar object.

    show_mail.py FILE
"""

import email
import email.policy
import re
import sys

HEADERS = ('From', 'To', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'Auto-Submitted')


def show(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for name in HEADERS:
        if mail[name] is not None:
            yield f'{name}: {mail[name]}'
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == 'text/plain':
            yield ''
            yield part.get_content().rstrip()
        elif kind == 'text/calendar':
            text = part.get_payload(decode=True).decode('utf-8')
            yield ''
            yield f'-- {part["Content-Type"]} --'
            yield re.sub(r'\r?\n[ \t]', '', text).replace('\r', '').rstrip()


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as file:
        for line in show(file.read()):
            print(line)
