"""From an invitation to its answer: read from the mailbox, answered as calendar programs answer, through
Postfix and LMTP, and through `vacd receive`. (By getmail from an IMAP mailbox: test_inbox_real.py.)"""

import datetime
import email.utils
import subprocess
import sys

import icalendar
import pytest

import harness
import mailserver

sys.path.insert(0, str(harness.ROOT / 'tests' / 'fixtures'))
import clients   # noqa: E402

UTC = datetime.timezone.utc
OFFICES = [('NYC', 'America/New_York'), ('PHX', 'America/Phoenix')]


@pytest.fixture(scope='module')
def shared(cluster, session_folder):
    folder = session_folder / 'answers'
    folder.mkdir()
    folder.chmod(0o755)
    database = cluster.database(harness.wide_roster(folder, OFFICES, 6, domain=mailserver.DOMAIN))
    yield database
    database.drop()


@pytest.fixture
def at_work(mailhost, vacd, shared, folder):
    """vacd between the database and Postfix, in both directions."""
    class Server:
        port = mailhost.starttls_port
    folder.chmod(0o755)
    socket = folder / 'lmtp'
    daemon = vacd(shared, Server, mail_tls='starttls', poll_ms=300, lmtp_socket=str(socket), lmtp_users='root postfix')
    daemon.socket = socket
    harness.wait_for(lambda: 'mail is taken in' in daemon.log() or not daemon.running(), what='a socket')
    assert socket.exists(), daemon.log()
    socket.chmod(0o666)
    mailhost.route_answers(socket)
    yield daemon
    mailhost.route_answers(None)


class Invited:
    """A case of its own, and its invitation as the coordinator's mailbox holds it."""

    def __init__(self, database, mailhost, office='NYC', **needs):
        self.database, self.mailhost = database, mailhost
        names = ''.join(f', {name} => %s' for name in needs)
        self.code = database.as_login('sup_all').value(f"SELECT vac.open_case(%s, 'en'{names})", office, *needs.values())
        self.read()

    def message(self, kinds=('invitation', 'update')):
        """The newest, once it is sent."""
        return self.database.query('''SELECT n.mail_uuid::text, n.recipient::text FROM (SELECT m.* FROM vac_store.message m
            JOIN vac_store.case_record c USING (case_id)
            WHERE c.case_code = %s AND m.kind = ANY (%s) ORDER BY m.message_id DESC LIMIT 1) n WHERE n.state = 'sent' ''', self.code, list(kinds))

    def mail(self, *kinds):
        uuid, recipient = harness.wait_for(lambda: self.message(kinds), what=f'{kinds} of {self.code}')[0]
        return harness.wait_for(lambda: [m for m in self.mailhost.mailbox(recipient) if uuid in m['Message-ID']], what='it in the mailbox')[0]

    def read(self, *kinds):
        """What a calendar program takes from the newest state."""
        self.letter = self.mail(*(kinds or ('invitation', 'update')))
        part = next(p for p in self.letter.walk() if p.get_content_type() == 'text/calendar')
        event = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk('VEVENT')[0]
        self.facts = {'uid': str(event['UID']), 'sequence': int(event['SEQUENCE']), 'organizer': str(event['ORGANIZER']).split(':')[1],
                      'attendee': str(event['ATTENDEE']).split(':')[1], 'start': event['DTSTART'].dt, 'end': event['DTEND'].dt}

    def answer(self, client, kind, **changes):
        """The bytes of an answer, stamped now."""
        facts = {**self.facts, 'stamped': datetime.datetime.now(UTC).replace(microsecond=0), 'message_id': email.utils.make_msgid()[1:-1], **changes}
        return clients.answer(client, kind, **facts)

    def send(self, raw, sender=None, to=None):
        self.mailhost.submit(sender or self.facts['attendee'], [to or self.facts['organizer']], raw)

    def appointments(self, columns='state'):
        return self.database.query(f'''SELECT {columns} FROM vac_store.appointment a
            WHERE case_id = (SELECT case_id FROM vac_store.case_record WHERE case_code = %s) ORDER BY appointment_id''', self.code)

    def outcome(self):
        """Of the mail that came in last for the appointment of this invitation."""
        return self.database.value('''SELECT i.outcome FROM vac_store.inbound i WHERE i.envelope_recipient = %s
            ORDER BY i.inbound_id DESC LIMIT 1''', self.facts['organizer'])

    def wait(self, outcome):
        try:
            harness.wait_for(lambda: self.outcome() == outcome, what=f'{self.code} {outcome}')
        except AssertionError:
            why = self.database.query('SELECT envelope_recipient, state, outcome, why, kind FROM vac_store.inbound ORDER BY inbound_id DESC LIMIT 5')
            raise AssertionError(f'{self.code}: not {outcome}: {why}')


@pytest.mark.parametrize('client', sorted(clients.CLIENTS))
def test_accepted_by_every_program(mailhost, shared, at_work, client):
    one = Invited(shared, mailhost)
    one.send(one.answer(client, 'accepted'))
    one.wait('taken')
    assert one.appointments('state, partstat') == [('accepted', 'ACCEPTED')]
    who = shared.value('''SELECT k.mail FROM vac_store.case_record c JOIN vac_store.coordinator k ON k.coordinator_id = c.responsible_id
        WHERE c.case_code = %s''', one.code)
    assert who == one.facts['attendee'], 'who accepts first is responsible'
    assert shared.as_login('sup_all').value('SELECT state FROM vac.open_cases WHERE case_code = %s', one.code) == 'accepted'


@pytest.mark.parametrize('client', sorted(clients.CLIENTS))
def test_declined_by_every_program(mailhost, shared, at_work, client):
    one = Invited(shared, mailhost)
    one.send(one.answer(client, 'declined'))
    one.wait('taken')
    harness.wait_for(lambda: len(one.appointments()) == 2, what='another appointment')
    assert [state for (state,) in one.appointments()] == ['declined', 'invited']
    (first,), (second,) = one.appointments('coordinator_id')
    assert first != second, 'whoever declined is not asked again that day'
    one.read('invitation')
    one.send(one.answer(client, 'accepted'))
    one.wait('taken')
    assert [state for (state,) in one.appointments()] == ['declined', 'accepted']


@pytest.mark.parametrize('client', sorted(clients.CLIENTS))
def test_perhaps_from_every_program(mailhost, shared, at_work, client):
    one = Invited(shared, mailhost)
    one.send(one.answer(client, 'tentative'))
    one.wait('taken')
    assert one.appointments('state, partstat') == [('invited', 'TENTATIVE')]
    one.send(one.answer(client, 'accepted', stamped=datetime.datetime.now(UTC).replace(microsecond=0) + datetime.timedelta(seconds=2)))
    harness.wait_for(lambda: one.appointments() == [('accepted',)], what='the yes after the perhaps')


# Of these programs a counter-proposal is known; a time that is free and not late is taken.
@pytest.mark.parametrize('client', ['google', 'exchange', 'ios'])
def test_a_proposal_that_can_be_met(mailhost, shared, at_work, client):
    one = Invited(shared, mailhost, 'PHX')
    # Later that day; or, towards its end, the next working day: earlier there would be no notice.
    shift = datetime.timedelta(hours=2)
    if one.facts['start'].astimezone(UTC).hour >= 19:
        shift = datetime.timedelta(days=3 if one.facts['start'].astimezone(UTC).weekday() == 4 else 1) - shift
    one.send(one.answer(client, 'counter', shift=shift))
    one.wait('taken')
    ((start, sequence),) = one.appointments('lower(span), sequence')
    assert (start, sequence) == (one.facts['start'] + shift, one.facts['sequence'] + 1)
    one.read('update')
    assert (one.facts['start'], one.facts['sequence']) == (start, sequence)
    one.send(one.answer(client, 'accepted'))
    harness.wait_for(lambda: one.appointments() == [('accepted',)], what='the acceptance of what they proposed')


def test_a_proposal_that_cannot_be_met(mailhost, shared, at_work):
    one = Invited(shared, mailhost)
    one.send(one.answer('google', 'counter', shift=datetime.timedelta(hours=12)))
    one.wait('refused')
    assert one.appointments('lower(span), state') == [(one.facts['start'], 'invited')]
    refusal = one.mail('counter_refused')
    part = next(p for p in refusal.walk() if p.get_content_type() == 'text/calendar')
    calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
    assert calendar['METHOD'] == 'DECLINECOUNTER' and part.get_param('method') == 'DECLINECOUNTER'
    assert calendar.walk('VEVENT')[0]['UID'] == one.facts['uid']


def test_a_forwarded_invitation_accepted_by_a_colleague(mailhost, shared, at_work):
    one = Invited(shared, mailhost)
    other = shared.value("""SELECT mail FROM vac_store.coordinator k WHERE code LIKE 'NYC-%%' AND mail <> %s AND NOT EXISTS (
        SELECT FROM vac_store.appointment a WHERE a.coordinator_id = k.coordinator_id AND a.live
            AND a.busy && (SELECT b.busy FROM vac_store.appointment b WHERE b.live AND b.case_id = (
                SELECT c.case_id FROM vac_store.case_record c WHERE c.case_code = %s))) ORDER BY code LIMIT 1""", one.facts['attendee'], one.code)
    assert other, 'nobody else is free then'
    one.send(one.answer('exchange', 'accepted', attendee=other), sender=other)
    one.wait('taken')
    rows = one.appointments('state, (SELECT k.mail FROM vac_store.coordinator k WHERE k.coordinator_id = a.coordinator_id)')
    assert rows == [('replaced', one.facts['attendee']), ('accepted', other)], rows
    assert one.mail('cancel')['To'].addresses[0].addr_spec == one.facts['attendee']


def test_the_link_in_the_text(mailhost, shared, at_work):
    """For whoever sees no buttons: a mail with a word and a number in its subject, and nothing else."""
    one = Invited(shared, mailhost)
    plain = one.letter.get_body(('plain',)).get_content()
    assert f'mailto:{one.facts["organizer"]}?subject=accept%20{one.facts["sequence"]}' in plain.replace('\n', '')
    one.send(f'From: {one.facts["attendee"]}\r\nTo: {one.facts["organizer"]}\r\nSubject: accept {one.facts["sequence"]}\r\n'
             f'Message-ID: {email.utils.make_msgid()}\r\n\r\n\r\n'.encode())
    one.wait('taken')
    assert one.appointments() == [('accepted',)]


def test_what_must_change_nothing(mailhost, shared, at_work):
    """A stranger, another's token, a forged one, and the same answer twice: listed, or without effect."""
    one, other = Invited(shared, mailhost), Invited(shared, mailhost)
    one.send(one.answer('google', 'accepted', attendee='stranger@example.net'), sender='stranger@example.net')
    one.wait('sender_misfit')
    local, domain = one.facts['organizer'].split('@')
    forged = f'{local[:-3]}{"aaa" if not local.endswith("aaa") else "bbb"}@{domain}'
    one.send(one.answer('google', 'accepted', organizer=forged), to=forged)
    harness.wait_for(lambda: shared.value('SELECT outcome FROM vac_store.inbound WHERE envelope_recipient = %s', forged) == 'unknown_token', what='a forged token')
    one.send(other.answer('google', 'accepted', organizer=one.facts['organizer']))
    harness.wait_for(lambda: one.outcome() not in (None, 'sender_misfit'), what='an answer with another UID')
    assert one.outcome() in ('unknown_token', 'sender_misfit', 'refused', 'set_aside'), one.outcome()
    assert one.appointments() == [('invited',)] and other.appointments() == [('invited',)]
    listed = shared.as_login('sup_all').value('SELECT count(*) FROM vac.unread_answers')
    assert listed >= 2
    raw = one.answer('google', 'accepted')
    one.send(raw)
    one.wait('taken')
    one.send(raw)
    one.wait('duplicate')
    assert one.appointments() == [('accepted',)]


def test_an_answer_to_something_cancelled(mailhost, shared, at_work):
    one = Invited(shared, mailhost)
    late = one.answer('apple_mail', 'accepted')
    shared.as_login('sup_all').query("SELECT vac.withdraw_case(%s, 'resolved')", one.code)
    first = one.mail('cancel')
    one.send(late)
    harness.wait_for(lambda: one.outcome() is not None, what='an outcome')
    assert one.appointments() == [('cancelled',)], 'nothing rises again'
    harness.wait_for(lambda: one.mail('cancel')['Message-ID'] != first['Message-ID'], what='the CANCEL once more')


def test_through_a_pipe(mailhost, shared, at_work):
    one = Invited(shared, mailhost)
    done = subprocess.run([str(harness.VACD), '--config', str(at_work.config), 'receive', '-f', one.facts['attendee'], one.facts['organizer']],
                          input=one.answer('android', 'accepted'), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr
    one.wait('taken')
    assert one.appointments() == [('accepted',)]


def test_leave_by_invitation(mailhost, shared, at_work):
    who = shared.value("SELECT mail FROM vac_store.coordinator WHERE code = 'PHX-01'")
    first = datetime.date.today() + datetime.timedelta(days=60)
    raw = clients.answer('exchange', 'leave', uid='away-1@agency.example', organizer='vacd@' + mailserver.DOMAIN, attendee=who,
                         first_day=first, last_day=first + datetime.timedelta(days=2), stamped=datetime.datetime.now(UTC).replace(microsecond=0))
    mailhost.submit(who, ['vacd@' + mailserver.DOMAIN], raw)
    # Without a border server that vouches for the sender a supervisor has the word.
    number = harness.wait_for(lambda: shared.value("SELECT inbound_id FROM vac_store.inbound WHERE outcome = 'waits_for_supervisor'"), what='leave that waits')
    assert not shared.query('SELECT FROM vac_store.leave')
    shared.as_login('sup_all').query("SELECT vac.take_up(%s, 'accept')", number)
    assert shared.value("SELECT to_char(lower(span) AT TIME ZONE 'America/Phoenix', 'YYYY-MM-DD') || ' ' || (upper(span) - lower(span))::text FROM vac_store.leave") == f'{first} 3 days'
    def reply():
        return [m for m in mailhost.mailbox(who) if m['Subject'] == 'Leave entered']
    letter = harness.wait_for(reply, what='our reply')[0]
    part = next(p for p in letter.walk() if p.get_content_type() == 'text/calendar')
    calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
    event = calendar.walk('VEVENT')[0]
    assert (calendar['METHOD'], str(event['UID']), event['ATTENDEE'].params['PARTSTAT']) == ('REPLY', 'away-1@agency.example', 'ACCEPTED')


def test_a_bounce_has_somebody_else_asked(mailhost, shared, at_work):
    one = Invited(shared, mailhost)
    sender = shared.value("SELECT 'vacd-b' FROM vac_store.mail_identity")
    envelope = one.letter['Return-Path'].strip('<>')
    assert envelope.startswith(sender + '+'), envelope
    report = (f'From: MAILER-DAEMON@{mailserver.DOMAIN}\r\nTo: {envelope}\r\nSubject: Undelivered Mail Returned to Sender\r\n'
              f'Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
              f'--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
              f'Reporting-MTA: dns; mail.{mailserver.DOMAIN}\r\n\r\nFinal-Recipient: rfc822; {one.facts["attendee"]}\r\nAction: failed\r\n'
              f'Status: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n').encode() + one.letter.as_bytes()[:2000] + b'\r\n--b--\r\n'
    mailhost.submit('', [envelope], report)
    harness.wait_for(lambda: shared.value('SELECT outcome FROM vac_store.inbound WHERE envelope_recipient = %s', envelope) == 'delivery_failed', what='the report')
    harness.wait_for(lambda: len(one.appointments()) == 2, what='somebody else')
    assert shared.value('SELECT mail_failed_at IS NOT NULL FROM vac_store.coordinator WHERE mail = %s', one.facts['attendee'])
