"""From a case to a mailbox: Postfix with TLS, delivery, and the mail read back over IMAPS."""

import datetime
import zoneinfo

import icalendar
import pytest

import harness
import load
import mailserver

UTC = datetime.timezone.utc
ZONES = [('NYC', 'America/New_York'), ('HNL', 'Pacific/Honolulu'), ('PHX', 'America/Phoenix'),
         ('GUM', 'Pacific/Guam')]
REFERENCE = 'HSI-2291-0417'
SHELTER = 'Lakeside Shelter'


def next_change(zone, after):
    """The next moment when clocks change in that zone, to the hour."""
    moment = after.replace(minute=0, second=0, microsecond=0)
    offset = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == offset:
        moment += datetime.timedelta(hours=1)
    return moment


@pytest.fixture(scope='module')
def office_database(cluster, session_folder):
    folder = session_folder / 'end-to-end'
    folder.mkdir()
    sheets = harness.wide_roster(folder, ZONES, 2, domain=mailserver.DOMAIN)
    offices = folder / 'offices.csv'
    offices.write_text(offices.read_text().replace(
        'MAIN=Federal Building', f'MAIN=Federal Building; SAFE={SHELTER}, side door; REF=Desk {REFERENCE}'))
    database = cluster.database(sheets)
    yield database
    database.drop()


def plain_text(mail):
    return mail.get_body(('plain',)).get_content()


def calendar_of(mail):
    parts = [p for p in mail.walk() if p.get_content_type() == 'text/calendar']
    assert len(parts) == 1
    return icalendar.Calendar.from_ical(parts[0].get_payload(decode=True))


def mail_of(mailhost, database, code, kind='invitation'):
    recipient = database.value('''SELECT m.recipient FROM vac_store.message m
        JOIN vac_store.case_record c USING (case_id)
        WHERE c.case_code = %s AND m.kind = %s ORDER BY message_id DESC''', code, kind)
    mail_uuid = database.value('''SELECT m.mail_uuid::text FROM vac_store.message m
        JOIN vac_store.case_record c USING (case_id)
        WHERE c.case_code = %s AND m.kind = %s ORDER BY message_id DESC''', code, kind)

    def found():
        return [m for m in mailhost.mailbox(recipient) if mail_uuid in m['Message-ID']]
    return harness.wait_for(found, what=f'{kind} of {code} in the mailbox', every=0.2)[0]


def planned(database, code):
    harness.wait_for(lambda: database.value(
        '''SELECT count(*) FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id)
           WHERE c.case_code = %s AND a.live''', code), what=f'an appointment for {code}')


@pytest.fixture
def at_work(mailhost, vacd, office_database):
    """vacd between the database and the private Postfix, STARTTLS on the submission port."""
    class Server:
        port = mailhost.starttls_port
    return vacd(office_database, Server, mail_tls='starttls', poll_ms=500)


def test_a_case_becomes_an_invitation_in_the_mailbox(mailhost, office_database, at_work):
    code = office_database.as_login('intake1').value("SELECT vac.open_case('NYC', 'es')")
    planned(office_database, code)
    mail = mail_of(mailhost, office_database, code)
    starts, ends, address, uid = office_database.query(
        '''SELECT lower(a.span), upper(a.span), p.mail, a.uid::text FROM vac_store.appointment a
           JOIN vac_store.coordinator p USING (coordinator_id)
           JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s AND a.live''', code)[0]
    event = calendar_of(mail).walk('VEVENT')[0]
    assert event['UID'].startswith(uid)
    assert (event['DTSTART'].dt, event['DTEND'].dt) == (starts, ends)
    assert event['ATTENDEE'] == f'mailto:{address}'
    assert mail['To'].addresses[0].addr_spec == address
    assert code in plain_text(mail) and code in event['SUMMARY'] + event['DESCRIPTION']
    assert mail['Auto-Submitted'] == 'auto-generated'
    # RFC 8314: what Postfix wrote down about the way it came.
    assert 'with ESMTPS' in ' '.join(mail.get_all('Received'))
    # Nobody asked for signed mail, which is off by default.
    assert 'smime' not in at_work.config.read_text() and mail.get_content_type() == 'multipart/mixed'
    assert not [part for part in mail.walk() if part.get_content_type() in ('multipart/signed', 'application/pkcs7-signature', 'application/pkcs7-mime')]


def test_withdrawn_after_the_invitation_is_cancelled(mailhost, office_database, at_work):
    code = office_database.as_login('sup_all').value("SELECT vac.open_case('PHX', 'en')")
    planned(office_database, code)
    invitation = mail_of(mailhost, office_database, code)
    office_database.as_login('sup_all').query("SELECT vac.withdraw_case(%s, 'no longer wanted')", code)
    cancel = mail_of(mailhost, office_database, code, 'cancel')
    one, other = calendar_of(invitation), calendar_of(cancel)
    assert (one['METHOD'], other['METHOD']) == ('REQUEST', 'CANCEL')
    one, other = one.walk('VEVENT')[0], other.walk('VEVENT')[0]
    assert one['UID'] == other['UID'] and other['STATUS'] == 'CANCELLED'
    assert int(other['SEQUENCE']) > int(one['SEQUENCE'])
    assert (one['DTSTART'].dt, one['DTEND'].dt) == (other['DTSTART'].dt, other['DTEND'].dt)


@pytest.mark.parametrize('office, zone_name', ZONES)
@pytest.mark.parametrize('side', ['before', 'after'])
def test_local_times_on_both_sides_of_a_change(mailhost, office_database, at_work, office, zone_name, side):
    """The change of New York's clocks, looked at from every zone: those that have none must not move."""
    change = next_change(zoneinfo.ZoneInfo('America/New_York'),
                         datetime.datetime.now(UTC) + datetime.timedelta(days=8))
    week = datetime.timedelta(days=5)
    window = (change - week, change) if side == 'before' else (change, change + week)
    code = office_database.as_login('sup_all').value(
        'SELECT vac.open_case(%s, %s, window_from => %s, window_to => %s)', office, 'en', *window)
    planned(office_database, code)
    event = calendar_of(mail := mail_of(mailhost, office_database, code)).walk('VEVENT')[0]
    starts, ends = event['DTSTART'].dt, event['DTEND'].dt
    assert window[0] <= starts and ends <= window[1]
    zone = zoneinfo.ZoneInfo(zone_name)
    local, local_end = starts.astimezone(zone), ends.astimezone(zone)
    offset = local.strftime('%z')
    expected = (f'{local:%a} {local.day} {local:%b %Y %H:%M} to {local_end:%H:%M} {local:%Z} '
                f'(UTC{offset[:3]}:{offset[3:]})')
    assert expected in ' '.join(plain_text(mail).split()), plain_text(mail)
    assert 8 <= local.hour < 17 and local.weekday() < 5


def every_text(mail):
    yield ' '.join(f'{name}: {value}' for name, value in mail.items())
    for part in mail.walk():
        if not part.is_multipart():
            text = part.get_payload(decode=True).decode('utf-8')
            yield text
            yield text.replace('\r\n ', '').replace('\r\n\t', '')


@pytest.mark.parametrize('place, reference, secret', [('REF', REFERENCE, REFERENCE), ('SAFE', None, SHELTER)])
def test_what_must_not_leave_does_not(mailhost, office_database, at_work, place, reference, secret):
    office_database.as_login('sup_all').query('SELECT vac.add_protected_word(%s)', SHELTER)
    code = office_database.as_login('sup_all').value(
        'SELECT vac.open_case(%s, %s, place => %s, agency_reference => %s)', 'HNL', 'en', place, reference)
    planned(office_database, code)
    mail = mail_of(mailhost, office_database, code)
    for text in every_text(mail):
        assert secret.lower() not in text.lower()
    assert office_database.value('''SELECT neutral FROM vac_store.message m
        JOIN vac_store.case_record c USING (case_id)
        WHERE c.case_code = %s AND m.kind = 'invitation' ''', code), 'the neutral text went out'
    assert calendar_of(mail).walk('VEVENT')[0]['DTSTART'], 'the time is still told'


def test_under_load_while_postfix_restarts(cluster, folder, mailhost, vacd):
    database = load.database(cluster, folder)

    class Server:
        port = mailhost.implicit_port
    daemon = vacd(database, Server, lease_ms=1500, poll_ms=300)
    coming = load.Load(database, load.cases(80, 20), rate=15, seed=31).start()
    mailhost.stop_postfix()
    mailhost.start_postfix()
    codes = coming.finish()
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    # A mail server delivers in parallel, so its mailboxes say nothing about order.
    def missing():
        facts = load.checker.read_facts(database.conninfo(), mailhost.folder / 'mail', codes)
        ours = {m.mail_uuid for m in facts.messages}
        facts.copies = [c for c in facts.copies if c.mail_uuid in ours]
        return load.checker.problems(facts, order=False)
    harness.wait_for(lambda: not missing(), what=f'every mail in its mailbox: {missing()[:5]}', every=1)
    database.drop()
