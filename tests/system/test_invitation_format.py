"""Invitations, looked at by parsers that know nothing of vacd: Python's email and icalendar."""

import datetime
import email
import email.header
import email.policy
import email.utils
import html.parser
import re
import subprocess
import zoneinfo

import icalendar
import pytest

from harness import BUILD

UTC = datetime.timezone.utc
KEYS = 'k1 ' + '000102030405060708090a0b0c0d0e0f' * 2 + '\n'
UID = '0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11'
MAIL_UUID = '1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b'
FIELDS = {
    'sender': 'vacd@agency.example',
    'recipient': 'coordinator.a@agency.example',
    'recipient_name': 'Coordinator A',
    'mail_uuid': MAIL_UUID,
    'made_at': 1795470000,
    'subject': 'Appointment K7Q-4MX',
    'body': 'Case K7Q-4MX.\n\nWhen: Tuesday 24 November 2026, 09:00 PST',
    'key_id': 'k1',
    'bounce_handle': 'abcdefghijklm',
    'method': 'REQUEST',
    'uid': UID,
    'sequence': 0,
    'starts': 1795539600,
    'ends': 1795543200,
    'summary': 'Appointment K7Q-4MX',
    'location': 'SEA MAIN',
    'description': 'Case K7Q-4MX.\nQuestions: +1 206 555 0100.',
    'answer_handle': 'nopqrstuvwxy2',
}
# Text that trips over escapes, folds and encodings.
HARD = ('Zoë "Z" O\'Neill, 2; C:\\D ^n ^^ =?utf-8?Q?x?= <b>&amp;</b> %20 \N{GRINNING FACE} '
        + 'é€\N{GRINNING FACE}' * 40 + 'z')


@pytest.fixture(scope='module')
def write(tmp_path_factory):
    """write(**fields) → the parsed mail; raw=True: its bytes; expect: exit status and stderr."""
    keys = tmp_path_factory.mktemp('keys') / 'token.keys'
    keys.write_text(KEYS)
    keys.chmod(0o600)

    def write(raw=False, expect=0, **changes):
        fields = {**FIELDS, **changes}
        lines = ''.join(f'{name}={escape(value)}\n' for name, value in fields.items()
                        if value is not None)
        done = subprocess.run([BUILD / 'write-invitation', keys], input=lines.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == expect, done.stderr
        if expect:
            assert done.stdout == b''
            return done.stderr.decode()
        return done.stdout if raw else email.message_from_bytes(done.stdout,
                                                                policy=email.policy.default)
    return write


def escape(value):
    return str(value).replace('\\', '\\\\').replace('\n', '\\n')


def parts(mail):
    """plain, html, calendar, attachment"""
    assert mail.get_content_type() == 'multipart/mixed'
    alternative, attachment = mail.iter_parts()
    assert alternative.get_content_type() == 'multipart/alternative'
    return [*alternative.iter_parts(), attachment]


def display_name(raw):
    """Of the recipient, by the older functions: email.policy.default puts spaces between the
    encoded words of a name."""
    name, _ = email.utils.parseaddr(email.message_from_bytes(raw)['To'])
    return str(email.header.make_header(email.header.decode_header(name)))


def calendar_bytes(mail):
    return parts(mail)[2].get_payload(decode=True)


def event_of(mail):
    calendar = icalendar.Calendar.from_ical(calendar_bytes(mail))
    events = calendar.walk('VEVENT')
    assert len(events) == 1
    return calendar, events[0]


def defects(mail):
    return [defect for part in mail.walk() for defect in part.defects]


class Texts(html.parser.HTMLParser):
    """What is read in a page, what it links to, and which elements it has."""

    def __init__(self, page):
        super().__init__()
        self.text, self.links, self.elements = '', [], []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.inside |= tag == 'body'
        self.links += [value for name, value in attributes if name == 'href']

    def handle_data(self, data):
        if self.inside:
            self.text += data


# ---- form ----------------------------------------------------------------------------------------

def test_structure(write):
    mail = write()
    plain, page, calendar, attachment = parts(mail)
    assert not defects(mail)
    assert [p.get_content_type() for p in (plain, page, calendar, attachment)] == [
        'text/plain', 'text/html', 'text/calendar', 'application/ics']
    assert calendar.get_param('method') == 'REQUEST'
    assert calendar.get_content_charset() == 'utf-8'
    assert calendar['Content-Transfer-Encoding'] == 'base64'
    assert calendar['Content-Disposition'] is None and calendar['Content-ID'] is None
    assert attachment.get_filename() == 'invite.ics'
    assert attachment.get_content_disposition() == 'attachment'
    assert attachment.get_payload(decode=True) == calendar.get_payload(decode=True)


def test_headers(write):
    mail = write()
    assert mail['From'].addresses[0].display_name == 'Victim assistance scheduling'
    assert mail['From'].addresses[0].addr_spec == 'vacd@agency.example'
    assert mail['To'].addresses[0].addr_spec == 'coordinator.a@agency.example'
    assert mail['Date'].datetime == datetime.datetime(2026, 11, 23, 21, 40, tzinfo=UTC)
    assert mail['Message-ID'] == f'<{MAIL_UUID}@agency.example>'
    assert mail['Auto-Submitted'] == 'auto-generated'
    assert mail['X-Auto-Response-Suppress'] == 'OOF, AutoReply'
    assert mail['Precedence'] is None
    assert len(mail.items()) == len({name.lower() for name, _ in mail.items()})


def test_all_addresses_in_one_domain(write):
    raw = write(raw=True).decode('ascii')
    addresses = set(re.findall(r'[\w.+-]+@[\w.-]+', raw))
    assert {a.split('@')[1] for a in addresses} == {'agency.example'}


def test_bytes_on_the_wire(write):
    raw = write(raw=True, subject=HARD, recipient_name=HARD, body=HARD, summary=HARD, location=HARD,
                description=HARD)
    assert raw.endswith(b'\r\n')
    lines = raw.split(b'\r\n')[:-1]
    assert all(len(line) <= 76 for line in lines if b'@' not in line)
    assert all(0x20 <= octet <= 0x7e for line in lines for octet in line)


def test_folding(write):
    raw = calendar_bytes(write(summary=HARD, location=HARD, description=HARD, recipient_name=HARD))
    lines = raw.split(b'\r\n')
    assert lines.pop() == b''
    assert max(map(len, lines)) == 75
    for line in lines:
        line.decode('utf-8')   # no character is cut
        assert b'\n' not in line and b'\r' not in line


# ---- what the parsers read -----------------------------------------------------------------------

def test_event(write):
    mail = write(sequence=4)
    calendar, event = event_of(mail)
    assert calendar['METHOD'] == 'REQUEST'
    assert calendar['VERSION'] == '2.0'
    assert event['UID'] == UID
    assert event['SEQUENCE'] == 4
    assert event['DTSTAMP'].dt == datetime.datetime(2026, 11, 23, 21, 40, tzinfo=UTC)
    assert event['DTSTART'].dt == datetime.datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert event['DTEND'].dt == datetime.datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert event['STATUS'] == 'CONFIRMED'
    assert event['CLASS'] == 'CONFIDENTIAL'
    assert event['TRANSP'] == 'OPAQUE'
    assert event['X-MICROSOFT-CDO-BUSYSTATUS'] == 'BUSY'
    assert 'RRULE' not in event
    assert len(event.walk('VALARM')) == 1
    attendee = event['ATTENDEE']
    assert attendee == 'mailto:coordinator.a@agency.example'
    assert dict(attendee.params) == {
        'CUTYPE': 'INDIVIDUAL', 'ROLE': 'REQ-PARTICIPANT', 'PARTSTAT': 'NEEDS-ACTION',
        'RSVP': 'TRUE', 'CN': 'Coordinator A'}


def test_organizer_takes_the_answers(write):
    mail = write()
    _, event = event_of(mail)
    address = mail['Reply-To'].addresses[0].addr_spec
    assert re.fullmatch(r'vacd\+nopqrstuvwxy2[a-z2-7]{20}@agency\.example', address)
    assert event['ORGANIZER'] == f'mailto:{address}'
    assert event['ORGANIZER'].params['CN'] == 'Victim assistance scheduling'


# No backslash before an n: icalendar 4 takes it for a line break even when it is escaped itself.
@pytest.mark.parametrize('text', [HARD, 'a,b;c\\d', 'x' * 500, '\N{GRINNING FACE}' * 200],
                         ids=['hard', 'punctuation', 'long', 'wide'])
def test_texts_come_through(write, text):
    fields = {'subject': text, 'recipient_name': text[:200], 'body': text, 'summary': text,
              'location': text, 'description': f'{text}\n{text}'}
    mail = write(**fields)
    assert not defects(mail)
    assert mail['Subject'] == text
    assert display_name(write(raw=True, **fields)) == text[:200]
    _, event = event_of(mail)
    assert event['SUMMARY'] == text
    assert event['LOCATION'] == text
    assert event['DESCRIPTION'] == f'{text}\n{text}'
    plain, page, _, _ = parts(mail)
    assert plain.get_content().splitlines()[0] == text
    assert Texts(page.get_content()).text.strip().splitlines()[0] == text


@pytest.mark.parametrize('before', range(0, 78, 1))
def test_fold_at_every_offset(write, before):
    text = 'a' * before + 'é€\N{GRINNING FACE},;^' * 20
    mail = write(summary=text, description=text)
    _, event = event_of(mail)
    assert event['SUMMARY'] == text and event['DESCRIPTION'] == text


def test_name_is_encoded_as_rfc_6868_says(write):
    raw = calendar_bytes(write(recipient_name='A "B" ^C, D; E: F')).replace(b'\r\n ', b'')
    assert b';CN="A ^\'B^\' ^^C, D; E: F":mailto:coordinator.a@' in raw


def test_links(write):
    mail = write(sequence=2)
    plain, page, _, _ = parts(mail)
    address = mail['Reply-To'].addresses[0].addr_spec
    links = [f'mailto:{address}?subject=accept%202', f'mailto:{address}?subject=decline%202']
    assert Texts(page.get_content()).links == links
    assert all(f'<{link}>' in plain.get_content() for link in links)
    assert 'send the response' in plain.get_content()


def test_page_is_made_of_our_elements_only(write):
    script = '</title></body><script>alert(1)</script><a href="https://agency.example">x</a>'
    plain_page, hard_page = (
        Texts(parts(write(subject=s, body=s))[1].get_content()) for s in ('x', script))
    assert plain_page.elements == hard_page.elements
    assert plain_page.links == hard_page.links


# ---- times on both sides of a DST change ---------------------------------------------------------

@pytest.mark.parametrize('zone', ['America/New_York', 'Pacific/Honolulu', 'America/Phoenix',
                                  'Pacific/Guam'])
@pytest.mark.parametrize('day', ['2026-10-31', '2026-11-02', '2027-03-13', '2027-03-15'])
def test_instants(write, zone, day):
    start = datetime.datetime.fromisoformat(f'{day}T09:00').replace(tzinfo=zoneinfo.ZoneInfo(zone))
    end = start + datetime.timedelta(hours=1)
    _, event = event_of(write(starts=int(start.timestamp()), ends=int(end.timestamp())))
    assert event['DTSTART'].dt == start
    assert event['DTEND'].dt == end
    assert event['DTSTART'].dt.astimezone(start.tzinfo).hour == 9


# ---- other mails ---------------------------------------------------------------------------------

def test_cancel(write):
    _, request = event_of(write())
    mail = write(method='CANCEL', sequence=1, mail_uuid='99999999-5b6d-4e7f-8a9b-0c1d2e3f4a5b',
                 first_uuid=MAIL_UUID, bounce_handle='777777fghijkl', made_at=1795480000)
    calendar, cancel = event_of(mail)
    assert parts(mail)[2].get_param('method') == 'CANCEL'
    assert calendar['METHOD'] == 'CANCEL'
    assert cancel['STATUS'] == 'CANCELLED'
    assert cancel['SEQUENCE'] == 1
    for name in ('UID', 'ORGANIZER', 'ATTENDEE'):
        assert cancel[name] == request[name]
    for name in ('DTSTART', 'DTEND'):
        assert cancel[name].dt == request[name].dt
    assert cancel['DTSTAMP'].dt > request['DTSTAMP'].dt
    assert not cancel.walk('VALARM')
    assert mail['References'] == f'<{MAIL_UUID}@agency.example>'
    assert not Texts(parts(mail)[1].get_content()).links


def test_notice_without_a_calendar(write):
    mail = write(method=None, uid=None, answer_handle=None, summary=None, location=None,
                 description=None, starts=0, ends=0)
    assert mail.get_content_type() == 'text/plain'
    assert mail.get_content().splitlines() == FIELDS['body'].split('\n')
    assert mail['Reply-To'] is None


def test_the_same_twice(write):
    assert write(raw=True) == write(raw=True)


@pytest.mark.parametrize('field', ['recipient', 'recipient_name', 'subject', 'summary', 'location',
                                   'sender', 'uid', 'mail_uuid'])
@pytest.mark.parametrize('value', ['a\nBcc: b@agency.example', 'a\rb', 'a\x01b', 'a\x85b',
                                   'a\u2028b'])
def test_injection_is_refused(write, field, value):
    problem = write(expect=1, **{field: value})
    assert problem.count('\n') == 1 and 'Bcc' not in problem
