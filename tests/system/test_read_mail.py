"""What imip_read() makes of whole mails: the project's own, and those of $VACD_CORPUS.

The program read-mail prints the letter of each; with -x it reads each in a child that has the limits
of the reader's: two seconds of processor time and 256 MiB.
"""

import csv
import email
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import harness

FIXTURES = harness.ROOT / 'tests' / 'fixtures'
MAIL = FIXTURES / 'mail'
sys.path.insert(0, str(FIXTURES))

import clients  # noqa: E402
import servers  # noqa: E402

corpus = pytest.mark.skipif('VACD_CORPUS' not in os.environ, reason='VACD_CORPUS is not set')


def read_all(paths):
    paths = [str(path) for path in paths]
    done = subprocess.run([harness.BUILD / 'read-mail', '-x'], input=''.join(path + '\n' for path in paths), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, len(paths)), done.stderr
    return [json.loads(line) for line in lines]


def in_corpus(path):
    return pathlib.Path(os.environ['VACD_CORPUS']) / path


# ---- the project's own ----------------------------------------------------------------------------

def test_mails_are_what_their_writers_write():
    """A mail that was changed by hand would be in no client's form any more."""
    made = {f'{client}-{kind}.eml': clients.answer(client, kind) for client in clients.CLIENTS for kind in clients.KINDS}
    made |= {f'{name}.eml': servers.report_about(name) for name in servers.SERVERS}
    assert {path.name: path.read_bytes() for path in MAIL.iterdir()} == made


PARTSTATS = {'accepted': ['ACCEPTED'], 'declined': ['DECLINED'], 'tentative': ['TENTATIVE'], 'counter': ['TENTATIVE'],
             'delegated': ['DELEGATED', 'NEEDS-ACTION'], 'refresh': [None], 'leave': ['NEEDS-ACTION'],
             'leave_cancel': ['NEEDS-ACTION']}


@pytest.fixture(scope='module')
def answers():
    names = [(client, kind) for client in clients.CLIENTS for kind in clients.KINDS]
    return dict(zip(names, read_all(MAIL / f'{client}-{kind}.eml' for client, kind in names)))


@pytest.mark.parametrize('kind', clients.KINDS)
@pytest.mark.parametrize('client', clients.CLIENTS)
def test_answers_of_every_client(answers, client, kind):
    letter, facts = answers[client, kind], clients.Facts(kind)
    assert letter['kind'] == 'calendar'
    assert (letter['from'], letter['to'], letter['automatic']) == (facts.attendee, [facts.organizer], False)
    assert letter['date'] == facts.stamped.timestamp()
    calendar = letter['calendar']
    assert calendar['method'] == facts.method
    [event] = calendar['events']
    assert event['uid'] == facts.uid
    assert event['sequence'] == (None if client == 'gateway' else facts.sequence)
    assert event['stamped'] == facts.stamped.timestamp()
    assert [attendee['partstat'] for attendee in event['attendees']] == PARTSTATS[kind]
    if facts.is_leave:
        assert (event['all_day'], event['start_date'], event['end_date']) == (True, '2026-04-06', '2026-04-11')
        assert event['organizer'] == facts.attendee
        assert event['status'] == ('CANCELLED' if kind == 'leave_cancel' else event['status'])
        return
    shift = facts.shift.total_seconds() if kind == 'counter' else 0
    assert (event['start'], event['end']) == (facts.start.timestamp() + shift, facts.end.timestamp() + shift)
    assert event['organizer'] == (None if client in ('exchange', 'gateway') else facts.organizer)
    assert event['attendees'][0]['address'] == facts.attendee
    assert event['attendees'][0]['delegated_to'] == ([facts.delegate] if kind == 'delegated' else [])
    assert event['original_start'] == (facts.start.timestamp() if (client, kind) == ('exchange', 'counter') else None)


FAILED, FORMAL = {'action': 'failed', 'permanent': True}, {'envelope_id': servers.Facts.envelope_id}
REPORTS = {
    'bounce_postfix': FAILED | FORMAL | {'status': '5.1.1'},
    'bounce_postfix_delayed': FORMAL | {'action': 'delayed', 'permanent': False, 'status': '4.4.1'},
    'bounce_postfix_expired': FORMAL | {'action': 'failed', 'permanent': False, 'status': '4.4.7'},
    'bounce_exchange': FAILED | FORMAL | {'status': '5.2.2'},
    'bounce_exim': FAILED | {'status': None, 'envelope_id': None},
    'bounce_qmail': FAILED | {'status': '5.1.1', 'envelope_id': None},
    'bounce_google': FAILED | {'status': None, 'envelope_id': None},
    'delivered': FORMAL | {'action': 'delivered', 'permanent': None, 'status': '2.0.0'},
    'receipt': {'action': 'other', 'permanent': None, 'status': None, 'recipient': None, 'message_id': None},
}
WORDS = {'word_link': ('accept', 2), 'word_text': ('decline', 2), 'word_tnef': ('tentative', None),
         'word_unclear': (None, None), 'forwarded': (None, None)}


@pytest.mark.parametrize('name', servers.SERVERS)
def test_mails_of_servers_and_absent_people(name):
    [letter] = read_all([MAIL / f'{name}.eml'])
    facts = servers.Facts()
    if name in REPORTS:
        assert letter['kind'] == 'report'
        expected = {'recipient': facts.recipient, 'message_id': facts.message_id} | REPORTS[name]
        assert {key: letter['report'][key] for key in expected} == expected
    elif name in WORDS:
        assert (letter['kind'], letter['automatic']) == ('plain', False)
        assert (letter['word'], letter['number']) == WORDS[name]
    else:
        assert (letter['kind'], letter['automatic']) == ('automatic', True)


def dates(day):
    return f'EXDATE;VALUE=DATE:{",".join([day] * 7200)}\r\n'


HOSTILE = {
    'comments': ('text/html', '<!--x>\r\n' * 1000000, 1, 'plain'),
    'dates': ('text/calendar', 'BEGIN:VCALENDAR\r\n' + ''.join(
        f'BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;VALUE=DATE:20260105\r\n{2 * dates("20260106")}END:VEVENT\r\n'
        for n in range(7)) + 'END:VCALENDAR\r\n', 5, 'calendar'),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_work_does_not_grow_faster_than_the_mail(name, tmp_path, record):
    """Within the limits of the reader."""
    kind, part, times, expected = HOSTILE[name]
    mail = tmp_path / 'mail'
    mail.write_text('From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
                    + f'--b\r\nContent-Type: {kind}\r\n\r\n{part}' * times + '--b--\r\n', newline='')
    letter, = read_all([mail])
    assert letter.get('kind') == expected, letter
    record.bad_input('mail')


def test_no_text_of_a_mail_is_in_a_letter():
    paths = sorted(MAIL.iterdir())
    for path, letter in zip(paths, read_all(paths)):
        text = json.dumps(letter)
        for word in ('K7Q', 'regards', 'Coordinator', 'Appointment', 'office', 'COMMENT'):
            assert word not in text, path.name


# ---- the corpus -----------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def letters():
    """The letter of each file of the corpus, by its path."""
    paths = sorted(path for path in in_corpus('').rglob('*') if path.is_file())
    return dict(zip(paths, read_all(paths)))


def hashes(events):
    return ' '.join(hashlib.sha256((event['uid'] or '').encode()).hexdigest()[:12] for event in events)


def summary(letter):
    calendar = letter.get('calendar') or {'method': None, 'events': []}
    events = calendar['events']
    return {'kind': letter.get('kind', 'died'), 'method': calendar['method'] or '', 'uid_sha256': hashes(events),
            'sequences': ' '.join('-' if e['sequence'] is None else str(e['sequence']) for e in events),
            'partstats': ' '.join('+'.join(a['partstat'] or '-' for a in e['attendees']) or '.' for e in events)}


@corpus
def test_every_mail_with_a_calendar_has_its_expected_outcome(letters):
    """corpus_outcomes.csv was decided by reading each of the mails, and an independent look at them."""
    with (harness.ROOT / 'tests' / 'corpus_outcomes.csv').open(newline='') as file:
        expected = {row.pop('path'): row for row in csv.DictReader(file)}
    assert {path: summary(letters[in_corpus(path)]) for path in expected} == expected


@corpus
def test_no_mail_with_a_calendar_is_missing_from_the_table():
    with (harness.ROOT / 'tests' / 'corpus_outcomes.csv').open(newline='') as file:
        known = {row['path'] for row in csv.DictReader(file)}
    with in_corpus('MANIFEST.csv').open(newline='') as file:
        mails = {row['path'] for row in csv.DictReader(file) if row['container'] != 'ics' and row['methods']}
    assert not mails - known


def bounces():
    """(path, EXPECTED rows) of each mail of sisimai's that is there."""
    rows = {}
    with in_corpus('sisimai/EXPECTED.csv').open(newline='') as file:
        for row in csv.DictReader(file):
            rows.setdefault(row['file'], []).append(row)
    for path in sorted(in_corpus('sisimai/maildir').glob('*/*.eml')):
        if path.name in rows:
            yield path, rows[path.name]


def classes(rows):
    """What EXPECTED.csv says of a mail: for good, for now, or neither."""
    return {{'5': 'for good', '4': 'for now'}.get(row['dsn_status'][:1], 'other') for row in rows}


def class_of(letter):
    report = letter.get('report')
    if report is None or report['action'] not in ('failed', 'delayed'):
        return 'other'
    return {True: 'for good', False: 'for now', None: 'unknown'}[report['permanent']]


def named_recipients(path):
    """Addresses of a mail's own delivery status, read by another program than ours."""
    found = set()
    for part in email.message_from_bytes(path.read_bytes()).walk():
        if part.get_content_type() in ('message/delivery-status', 'message/global-delivery-status'):
            text = part.as_string().replace('\n ', ' ').replace('\n\t', ' ')
            for value in re.findall(r'(?im)^(?:final|original)-recipient\s*:(.*)$', text):
                found |= {address.lower() for address in re.findall(r'[^\s;<>"]+@[^\s;<>"]+', value)}
    return found


@corpus
def test_bounces_with_a_delivery_status(letters):
    """At least 95 of 100 as the oracle says, with a recipient that the report names."""
    formal = [(path, rows) for path, rows in bounces()
              if re.search(rb'(?im)^content-type:\s*message/(?:global-)?delivery-status', path.read_bytes())]
    assert len(formal) > 150
    wrong = []
    for path, rows in formal:
        letter, named = letters[path], named_recipients(path)
        if class_of(letter) not in classes(rows) or (named and letter['report']['recipient'] not in named):
            wrong.append(path.name)
    assert len(wrong) <= len(formal) * 5 // 100, wrong


@corpus
def test_bounces_in_prose(letters):
    """Most of those without a form are known for what they are; none for the opposite."""
    found = [letters[path] for path, rows in bounces() if classes(rows) & {'for good', 'for now'}]
    kinds = [letter['kind'] for letter in found]
    assert kinds.count('report') >= len(kinds) * 98 // 100
    assert not set(kinds) - {'report', 'plain'}
    named = [letter for letter in found if letter['kind'] == 'report' and letter['report']['recipient']]
    assert len(named) >= len(kinds) * 97 // 100


@corpus
def test_absent_people_and_others_are_no_bounces(letters):
    folder = in_corpus('sisimai/maildir')
    paths = sorted(folder.glob('*/rfc3834-*.eml')) + sorted(folder.glob('not/is-not-*.eml'))
    assert [letters[path]['kind'] for path in paths] == ['automatic', 'automatic', 'plain', 'plain']


@corpus
def test_answers_and_bounces_are_never_mixed_up(letters):
    for path, letter in letters.items():
        wrong = 'calendar' if 'sisimai' in path.parts else 'report'
        assert letter.get('kind') != wrong or path.name.startswith('dsn_failure'), path


@corpus
def test_no_file_kills_or_outgrows_its_child(letters):
    assert len(letters) > 1000
    assert not [path for path, letter in letters.items() if 'died' in letter]
    assert {letter['kind'] for letter in letters.values()} <= {'calendar', 'report', 'automatic', 'plain', 'unreadable'}
