"""Mail that came in, from table inbound through the reader to what it changes."""

import email
import email.policy
import os
import signal
import sys
import uuid

import icalendar
import pytest

import harness
import lmtp_client
import reader_client
from harness import BUILD, ROOT, wait_for

sys.path.insert(0, str(ROOT / 'tests' / 'fixtures'))
import clients  # noqa: E402

HOSTILE = BUILD / 'vacd-hostile'
SANITIZED = b'__asan_init' in HOSTILE.read_bytes() if HOSTILE.exists() else False
CLIENTS = ['google', 'exchange', 'outlook_mac', 'apple_mail', 'ios', 'android', 'thunderbird', 'gateway']


@pytest.fixture
def office(cluster, folder):
    made = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles')], 3))
    yield made
    made.drop()


@pytest.fixture
def at_work(office, sink, vacd):
    """Starts a daemon between the office's database and a mail sink."""
    def start(**settings):
        start.sink = start.sink or sink()
        return vacd(office, start.sink, poll_ms=500, **settings)
    start.sink = None
    return start


class Invitation:
    """What a coordinator's calendar knows of an appointment."""

    def __init__(self, path):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = next(p for p in mail.walk() if p.get_content_type() == 'text/calendar')
        event = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk('VEVENT')[0]
        self.uid = str(event['UID'])
        self.sequence = int(event['SEQUENCE'])
        self.organizer = str(event['ORGANIZER']).removeprefix('mailto:')
        self.attendee = str(event['ATTENDEE']).removeprefix('mailto:')
        self.start, self.end = event['DTSTART'].dt, event['DTEND'].dt
        self.stamped = event['DTSTAMP'].dt

    def answer(self, client, kind, **facts):
        """The mail, and the address that it goes to."""
        known = {'uid': self.uid, 'sequence': self.sequence, 'organizer': self.organizer,
                 'attendee': self.attendee, 'start': self.start, 'end': self.end, 'stamped': self.stamped,
                 'message_id': f'<{uuid.uuid4()}@example.org>', **facts}
        return clients.answer(client, kind, **known)


def invited(office, sink, cases=1, seconds=120):
    """Opens cases; their invitations, once they are out."""
    codes = [office.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')") for _ in range(cases)]

    def found():
        return [copy for copy in sink.copies() if b'METHOD:REQUEST' in decoded(copy.path)]
    copies = wait_for(lambda: len(found()) >= cases and found(), seconds, 'the invitations')
    return codes, [Invitation(copy.path) for copy in copies]


def decoded(path):
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return b''.join(p.get_payload(decode=True) for p in mail.walk() if p.get_content_type() == 'text/calendar')


def receive(office, recipient, raw, sender='someone@example.org'):
    return office.as_login('vacd').value('SELECT vac_daemon.receive_mail(%s, %s, %s, %s)', uuid.uuid4(), sender,
                                         [recipient], raw)


def outcome(office, number, seconds=120):
    """What became of a mail: (state, outcome, why)"""
    def found():
        rows = office.query("""SELECT state, outcome, why FROM vac_store.inbound
            WHERE inbound_id = %s AND state IN ('done', 'listed')""", number)
        return rows and rows[0]
    return wait_for(found, seconds, f'an outcome of mail {number}')


def state_of(office, invitation):
    return office.value('SELECT state FROM vac_store.appointment WHERE uid::text = %s', invitation.uid.split('@')[0])


# ---- answers -------------------------------------------------------------------------------------

def test_every_client_accepts(office, at_work):
    daemon = at_work()
    _, invitations = invited(office, at_work.sink, len(CLIENTS))
    for client, invitation in zip(CLIENTS, invitations, strict=True):
        number = receive(office, invitation.organizer, invitation.answer(client, 'accepted'))
        assert outcome(office, number)[:2] == ('done', 'taken'), client
        assert state_of(office, invitation) == 'accepted', client
    assert daemon.log().count('outcome=taken') == len(CLIENTS)
    assert not any(i.organizer in daemon.log() or i.attendee in daemon.log() for i in invitations)


def test_the_token_may_stand_elsewhere(office, at_work):
    """A mailbox fetched by IMAP has one address for all; then the header or ORGANIZER tells."""
    at_work()
    _, (one, other) = invited(office, at_work.sink, 2)
    raw = one.answer('thunderbird', 'accepted')
    assert outcome(office, receive(office, 'vacd@agency.example.org', raw))[1] == 'taken'
    # Of several the first good one: here the envelope's fits no appointment of ours.
    raw = other.answer('google', 'declined')
    strange = 'vacd+' + 33 * 'a' + '@agency.example.org'
    assert outcome(office, receive(office, strange, raw))[1] == 'taken'
    assert (state_of(office, one), state_of(office, other)) == ('accepted', 'declined')


def test_by_lmtp(office, at_work, folder):
    """All the way in: the socket, the table, the reader, the appointment."""
    at_work(lmtp_socket=str(folder / 'lmtp'))
    _, (invitation,) = invited(office, at_work.sink)
    with lmtp_client.Client(folder / 'lmtp') as client:
        raw = invitation.answer('outlook_mac', 'declined')
        assert client.deliver(invitation.attendee, [invitation.organizer], raw) == ['250']
    wait_for(lambda: state_of(office, invitation) == 'declined', what='the answer')


def test_a_forged_token_changes_nothing(office, at_work):
    at_work()
    _, (invitation,) = invited(office, at_work.sink)
    local, domain = invitation.organizer.split('@')
    forged = local[:-1] + ('a' if local[-1] != 'a' else 'b') + '@' + domain
    raw = invitation.answer('ios', 'accepted', organizer=forged)
    state, found, _ = outcome(office, receive(office, forged, raw))
    assert (state, found) == ('listed', 'unknown_token')
    raw = invitation.answer('ios', 'accepted', organizer='someone@example.org')
    assert outcome(office, receive(office, 'vacd@agency.example.org', raw))[1] == 'no_token'
    # The token of returned mail is none for answers.
    raw = invitation.answer('ios', 'accepted', organizer='vacd-b' + invitation.organizer.removeprefix('vacd'))
    assert outcome(office, receive(office, 'vacd@agency.example.org', raw))[1] == 'unknown_token'
    assert state_of(office, invitation) == 'invited'


def test_authentication_results_count_when_the_server_is_named(office, at_work):
    at_work(authserv_id='mx.agency.example.org')
    _, (one, other) = invited(office, at_work.sink, 2)

    def with_result(raw, server, dmarc):
        domain = one.attendee.split('@')[1]
        return f'Authentication-Results: {server}; dmarc={dmarc} header.from={domain}\r\n'.encode() + raw
    failed = with_result(one.answer('google', 'accepted'), 'mx.agency.example.org', 'fail')
    assert outcome(office, receive(office, one.organizer, failed))[1] == 'auth_failed'
    strange = with_result(other.answer('google', 'accepted'), 'mx.elsewhere.example', 'fail')
    assert outcome(office, receive(office, other.organizer, strange))[1] == 'taken'
    assert (state_of(office, one), state_of(office, other)) == ('invited', 'accepted')


def test_what_is_no_answer(office, at_work, record):
    at_work()
    for raw in (b'', b'\0' * 1000, b'\r\n\r\n', b'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x', os.urandom(5000)):
        state, _, _ = outcome(office, receive(office, 'vacd@agency.example.org', raw))
        assert state in ('done', 'listed')
        record.bad_input('mail')
    long = b'From: a@example.org\r\n\r\n' + b'x' * (33 << 20)
    assert outcome(office, receive(office, 'vacd@agency.example.org', long))[1] == 'unreadable'
    record.bad_input('mail')


# ---- mail that does harm -------------------------------------------------------------------------

def hostile(act):
    return f'From: a@example.org\r\nX-Act: {act}\r\n\r\ntext\r\n'.encode()


HARM = {'compute': 'took', 'wait': 'took longer than 5 s', 'socket': 'asked the system for what the sandbox forbids',
        'execute': 'asked the system for what the sandbox forbids'}
if not SANITIZED:
    HARM |= {'crash': 'ended by signal 11', 'abort': 'ended by signal 6'}


@pytest.mark.twice
def test_what_kills_its_reader_twice_is_set_aside_and_the_queue_goes_on(office, at_work):
    daemon = at_work(program=HOSTILE)
    _, (invitation,) = invited(office, at_work.sink)
    numbers = {act: receive(office, 'vacd@agency.example.org', hostile(act)) for act in HARM}
    answer = receive(office, invitation.organizer, invitation.answer('exchange', 'accepted'))
    for act, number in numbers.items():
        state, found, why = outcome(office, number, 120)
        assert (state, found) == ('listed', 'set_aside'), act
        assert HARM[act] in why, act
        assert office.value('SELECT deaths FROM vac_store.inbound WHERE inbound_id = %s', number) == 2
    assert outcome(office, answer)[1] == 'taken'
    listed = office.as_login('sup_all').query('SELECT mail FROM vac.unread_answers')
    assert {row[0] for row in listed} == set(numbers.values())
    assert daemon.log().count('mail not read') == 2 * len(HARM)


def reader_of(daemon):
    """Its pid."""
    return wait_for(lambda: reader_client.children_of(daemon.pid), what='a reader')[0]


def test_a_reader_that_dies_is_started_anew(office, at_work):
    daemon = at_work()
    _, (invitation,) = invited(office, at_work.sink)
    for _ in range(3):
        os.kill(reader_of(daemon), signal.SIGKILL)
    number = receive(office, invitation.organizer, invitation.answer('android', 'accepted'))
    assert outcome(office, number)[1] == 'taken'
    assert 'reader ended' in daemon.log()


@pytest.mark.twice
@pytest.mark.skipif(os.geteuid() != 0, reason='only root looks into a process that is not dumpable')
def test_no_secret_is_in_the_reader(office, at_work, folder):
    secret = folder / 'mail-secret'
    secret.write_text('the-secret-of-the-mailbox\n')
    daemon = at_work(mail_secret_file=str(secret))
    _, (invitation,) = invited(office, at_work.sink)
    number = receive(office, invitation.organizer, invitation.answer('google', 'accepted'))
    assert outcome(office, number)[1] == 'taken'

    def look():
        reader = reader_of(daemon)
        memory = b'' if SANITIZED else reader_client.memory_of(reader)      # terabytes
        for mark in (bytes.fromhex(8 * '5e'), 16 * b'5e', b'the-secret', office.name.encode(), b'lmtp_socket'):
            assert mark not in memory, mark
        assert set(reader_client.files_of(reader)) == {0, 1, 2}
        assert not any(not v.startswith((b'ASAN', b'UBSAN')) for v in reader_client.environment_of(reader))
    look()
    os.kill(reader_of(daemon), signal.SIGKILL)
    number = receive(office, 'vacd@agency.example.org', b'')
    outcome(office, number)
    look()


def test_a_reader_that_never_comes_up_is_an_alarm(office, at_work):
    daemon = at_work()
    wait_for(lambda: 'daemon works' in daemon.log(), what='work')

    def killed_until_told():
        for reader in reader_client.children_of(daemon.pid):
            os.kill(reader, signal.SIGKILL)
        return office.value("SELECT text FROM vac_store.alarm WHERE name = 'reader'")
    assert 'the reader came to its end' in wait_for(killed_until_told, what='an alarm')
    assert 'alarm: reader' in harness.run_vacd('status', config=daemon.config).stdout
    wait_for(lambda: not office.query("SELECT FROM vac_store.alarm WHERE name = 'reader'"), what='its end')
    # Whatever came meanwhile is read now.
    assert outcome(office, receive(office, 'vacd@agency.example.org', b''))[0] in ('done', 'listed')


def test_new_keys_come_with_a_reload(office, at_work, folder):
    """The old key stays good for old mail; without it no token is."""
    daemon = at_work()
    _, (one, other) = invited(office, at_work.sink, 2)
    keys = folder / 'token.keys'
    old = keys.read_text()

    def reload(text, times):
        keys.write_text(text)
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.log().count('configuration read again') == times, what='a reload')
    reload('k2 ' + 32 * '7a' + '\n', 1)
    assert outcome(office, receive(office, one.organizer, one.answer('ios', 'accepted')))[1] == 'unknown_token'
    reload('k2 ' + 32 * '7a' + '\n' + old, 2)
    assert outcome(office, receive(office, other.organizer, other.answer('ios', 'accepted')))[1] == 'taken'


def test_keys_that_go_while_a_mail_is_handled(office, at_work):
    """Its tokens are asked for already: without keys it waits, and is taken when they are back."""
    daemon = at_work()
    _, (one,) = invited(office, at_work.sink)
    settings = daemon.config.read_text()
    without = [line for line in settings.splitlines() if not line.startswith(('deliver', 'token_key_file'))]

    def reload(text, times):
        daemon.config.write_text(text)
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.log().count('configuration read again') == times, what='a reload')

    def asks():
        return office.query("SELECT pid FROM pg_stat_activity WHERE query LIKE '%token_subjects%' AND wait_event_type = 'Lock'")
    with office.connect() as admin, admin.transaction():
        admin.execute('LOCK TABLE vac_store.duty_shift')
        number = receive(office, one.organizer, one.answer('ios', 'accepted'))
        wait_for(asks, what='the question for its token')
        reload('\n'.join([*without, 'deliver = "hold"', '']), 1)
    wait_for(lambda: office.value('SELECT state FROM vac_store.inbound WHERE inbound_id = %s', number) == 'waiting', what='its return')
    assert daemon.running()
    reload(settings, 2)
    assert outcome(office, number)[1] == 'taken'


# ---- each once -----------------------------------------------------------------------------------

def test_killed_while_answers_come_in(office, at_work):
    """Each takes effect once."""
    daemon = at_work(lease_ms=1000)
    _, invitations = invited(office, at_work.sink, 12)
    numbers = []
    for invitation in invitations:
        numbers.append(receive(office, invitation.organizer, invitation.answer('google', 'accepted')))
        if len(numbers) % 3 == 0:
            daemon.kill()
            daemon.start()
    for number in numbers:
        assert outcome(office, number)[1] == 'taken'
    assert {state_of(office, i) for i in invitations} == {'accepted'}
    assert office.query("""SELECT count(*), count(DISTINCT appointment_id) FROM vac_store.history
        WHERE event = 'answer_accepted'""")[0] == (12, 12)


def test_two_daemons_share_the_mail(office, at_work):
    daemons = [at_work(), at_work()]
    _, invitations = invited(office, at_work.sink, 10)
    numbers = [receive(office, i.organizer, i.answer('ios', 'accepted')) for i in invitations]
    assert {outcome(office, number)[1] for number in numbers} == {'taken'}
    assert sum(daemon.log().count('outcome=taken') for daemon in daemons) == 10


# ---- what it says of itself ----------------------------------------------------------------------

def test_without_keys_nothing_is_claimed(office, vacd):
    daemon = vacd(office)
    number = receive(office, 'vacd@agency.example.org', b'')
    wait_for(lambda: 'daemon works' in daemon.log(), what='work')
    wait_for(lambda: office.value("""SELECT count(*) FROM vac_store.heartbeat WHERE stage = 'answer'"""), what='a beat')
    assert office.value('SELECT state FROM vac_store.inbound WHERE inbound_id = %s', number) == 'waiting'


def test_check_tries_the_reader(office, vacd):
    daemon = vacd(office)
    done = harness.run_vacd('check', config=daemon.config)
    assert 'ok   reader of mail: starts, its sandbox holds, and it reads a mail' in done.stdout
