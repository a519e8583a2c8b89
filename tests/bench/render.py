"""Bar 5: how many invitations one core writes, the calendar object and the mail around it.

Beside it: how many objects of the kind libical alone serialises, made once and written again and again.
All of processor time, so that other load does not count.
"""

import subprocess

import harness
from figures import Figure

TITLE = '5 rendering: invitation and message, on one core'
KEYS = 'k1 ' + '5e' * 32 + '\n'
FIELDS = {
    'sender': 'vacd@agency.example.org', 'recipient': 'f01-01@agency.example.org', 'recipient_name': 'Coordinator F01-01',
    'mail_uuid': '1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b', 'made_at': 1795470000, 'subject': 'Appointment K7Q-4MX',
    'body': 'Case K7Q-4MX.\\n\\nWhen: Tuesday 24 November 2026, 09:00-10:00 PST (America/Los_Angeles)\\nWhere: Field Office F01, MAIN\\n'
            'Urgency: routine\\nLanguage: es\\n\\nPlease answer by Monday 23 November 2026, 17:00 PST.\\n'
            'Whom to call: Field Office F01, +1 202 555 0100, at any hour.',
    'key_id': 'k1', 'bounce_handle': 'abcdefghijklm', 'method': 'REQUEST', 'uid': '0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11',
    'sequence': 0, 'starts': 1795539600, 'ends': 1795543200, 'summary': 'Appointment K7Q-4MX', 'location': 'F01 MAIN',
    'description': 'Case K7Q-4MX. Please answer by Monday 23 November 2026, 17:00 PST. Field Office F01, +1 202 555 0100.',
    'answer_handle': 'nopqrstuvwxy2',
}


def ours(place, count):
    keys = place.folder / 'render.keys'
    keys.write_text(KEYS)
    keys.chmod(0o600)
    lines = ''.join(f'{name}={value}\n' for name, value in FIELDS.items())
    done = subprocess.run([harness.BUILD / 'write-invitation', keys, str(count)], input=lines, stderr=subprocess.PIPE,
                          text=True, check=True)
    return float(done.stderr.split()[0])


def measure(place):
    count = place.options.renderings
    mails, plain, zoned = [], [], []
    for _ in range(place.options.runs):
        mails.append(ours(place, count))
        without, with_zone = harness.run_checked([harness.BUILD / 'ical-loop', count // 2]).stdout.split()
        plain.append(float(without))
        zoned.append(float(with_zone))
    return [Figure('invitations with their mails', mails, 'a second', bar=50000, better='most', digits=0),
            Figure('libical alone, an object without VTIMEZONE', plain, 'a second', digits=0),
            Figure('libical alone, an object with one', zoned, 'a second', digits=0)]
