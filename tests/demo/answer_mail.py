#!/usr/bin/python3
"""Answers an invitation as a calendar program would.

    answer_mail.py FILE PROGRAM KIND > ANSWER

FILE is the invitation as it arrived; PROGRAM and KIND are those of tests/fixtures/clients.py.
"""

import datetime
import email
import email.policy
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'fixtures'))
import clients   # noqa: E402

UTC = datetime.timezone.utc


def facts(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    part = next(p for p in mail.walk() if p.get_content_type() == 'text/calendar')
    text = re.sub(r'\r\n[ \t]', '', part.get_payload(decode=True).decode('utf-8'))

    def value(name):
        return re.search(rf'^{name}(?:;.*)?:(?:mailto:)?(\S+)\r$', text, re.M).group(1)

    def moment(name):
        return datetime.datetime.strptime(value(name), '%Y%m%dT%H%M%SZ').replace(tzinfo=UTC)
    return {'uid': value('UID'), 'sequence': int(value('SEQUENCE')), 'start': moment('DTSTART'), 'end': moment('DTEND'),
            'organizer': urllib.parse.unquote(value('ORGANIZER')), 'attendee': urllib.parse.unquote(value('ATTENDEE'))}


if __name__ == '__main__':
    invitation, program, kind = sys.argv[1:]
    now = datetime.datetime.now(UTC).replace(microsecond=0)
    sys.stdout.buffer.write(clients.answer(program, kind, stamped=now, **facts(pathlib.Path(invitation).read_bytes())))
