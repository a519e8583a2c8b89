"""Verbs about whole cases with a daemon at work: what coordinators find in their mailboxes, and who plans."""

import concurrent.futures
import email
import email.policy

import icalendar
import psycopg
import pytest

import harness
from harness import wait_for

WITHIN = 120   # seconds, for whatever must happen soon


@pytest.fixture
def offices(cluster, folder):
    made = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles'), ('PDX', 'America/Los_Angeles')], 3))
    yield made
    made.drop()


class Letter:
    """A mail with a calendar part, as its reader sees it."""

    def __init__(self, path):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = next(p for p in mail.walk() if p.get_content_type() == 'text/calendar')
        calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
        event = calendar.walk('VEVENT')[0]
        self.method, self.uid, self.sequence = str(calendar['METHOD']), str(event['UID']), int(event['SEQUENCE'])
        self.to, self.subject, self.message_id = mail['To'], mail['Subject'], mail['Message-ID']
        self.text = mail.get_body(('plain',)).get_content()
        self.partstat = str(event['ATTENDEE'].params.get('PARTSTAT', ''))


class Office:
    """A supervisor of all offices, and the mail that comes of what they do."""

    def __init__(self, database, sink):
        self.database, self.sink = database, sink
        self.login = database.as_login('sup_all')

    def say(self, sql, *args):
        return self.login.value(f'SELECT vac.{sql}', *args)

    def letters(self):
        return [Letter(copy.path) for copy in self.sink.copies() if b'text/calendar' in copy.path.read_bytes()]

    def letter(self, what, fits, least=1):
        found = wait_for(lambda: len(letters := [x for x in self.letters() if fits(x)]) >= least and letters, WITHIN, what)
        return found[-1]

    def invited(self, code, least=1):
        return self.letter(f'an invitation of {code}', lambda x: x.method == 'REQUEST' and code in x.subject, least)

    def holders(self, code):
        return self.database.query('''SELECT k.code, o.code FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id)
            JOIN vac_store.office o ON o.office_id = a.office_id JOIN vac_store.case_record c ON c.case_id = a.case_id
            WHERE c.case_code = %s AND a.live ORDER BY a.appointment_id''', code)


@pytest.fixture
def office(offices, sink, vacd):
    mail = sink()
    vacd(offices, mail, poll_ms=500)
    return Office(offices, mail)


def test_a_case_through_all_of_it(office):
    code = office.say("open_case('SEA', 'en')")
    first = office.invited(code)
    assert 'goes to' in office.say('send_again(%s)', code)
    again = office.invited(code, 2)
    assert (again.uid, again.sequence, again.to, again.subject) == (first.uid, first.sequence, first.to, first.subject)
    assert again.message_id != first.message_id and again.text == first.text

    # To another office: who was asked need not come, somebody there is.
    assert '1 appointment is cancelled' in office.say("transfer_case(%s, 'PDX', 'transferred')", code)
    off = office.letter('the cancellation', lambda x: x.method == 'CANCEL' and code in x.subject)
    assert (off.uid, off.to) == (first.uid, first.to) and off.sequence > first.sequence
    there = office.letter('the invitation there', lambda x: x.method == 'REQUEST' and code in x.subject and x.uid != first.uid)
    assert 'Office: PDX' in there.text and 'PDX' in there.subject
    assert [where for _, where in office.holders(code)] == ['PDX']

    # Another door opened a case of the same person, for something else.
    double = office.say("open_case('PDX', 'en', service => 'counseling')")
    doubles = office.invited(double)
    office.say('confirm(%s)', double)
    assert '1 appointment goes with it' in office.say('merge_cases(%s, %s)', double, code)
    renamed = office.letter('its new code', lambda x: x.uid == doubles.uid and code in x.subject)
    assert renamed.method == 'REQUEST' and renamed.sequence == doubles.sequence + 1
    assert f'which was case {double} until now' in renamed.text
    assert office.login.query('SELECT state FROM vac.case_state(%s)', double)[0][0].startswith(f'case {code} now: ')
    # What both had at the same hour is planned again.
    wait_for(lambda: len(office.holders(code)) == 2, WITHIN, 'both meetings of the one case')

    # A series, all with whoever sees to the case.
    responsible = office.database.value('''SELECT k.code FROM vac_store.case_record c JOIN vac_store.coordinator k
        ON k.coordinator_id = c.responsible_id WHERE c.case_code = %s''', code)
    office.say("add_request(%s, 'counseling', times => 3, every => '1 week')", code)
    wait_for(lambda: len(office.holders(code)) == 5, WITHIN, 'the series')
    assert [who for who, _ in office.holders(code)[2:]] == [responsible] * 3

    # Over: everybody who was to come is told, and nothing more is planned; and over it was not.
    wait_for(lambda: office.database.value('SELECT count(*) FROM vac_store.message WHERE waiting') == 0, WITHIN, 'the invitations')
    asked = {x.uid for x in office.letters() if x.method == 'REQUEST'}
    assert '5 appointments are cancelled' in office.say("close_case(%s, 'resolved', cancel => true)", code)
    wait_for(lambda: asked == {x.uid for x in office.letters() if x.method == 'CANCEL'}, WITHIN, 'the cancellations')
    assert '5 meetings are planned anew' in office.say("reopen_case(%s, 'mistake')", code)
    wait_for(lambda: len(office.holders(code)) == 5, WITHIN, 'all of it planned anew')


def test_a_transfer_that_is_not_committed_yet_stops_nobody_else(office):
    code, other = office.say("open_case('SEA', 'en')"), office.say("open_case('SEA', 'en')")
    office.invited(code), office.invited(other)
    with office.database.connect('sup_all') as supervisor:
        supervisor.autocommit = False
        supervisor.execute("SELECT vac.transfer_case(%s, 'PDX', 'transferred')", (code,))
        third = office.say("open_case('SEA', 'en')")
        office.invited(third)
        supervisor.rollback()
    assert [where for _, where in office.holders(code)] == ['SEA']


def test_two_who_merge_at_once_agree(offices):
    """Locks are taken by id, whichever code was named first; who waited sees what the other did."""
    login = offices.as_login('sup_all')
    one, two = (login.value("SELECT vac.open_case('SEA', 'en')") for _ in range(2))
    with offices.connect('sup_all') as first, concurrent.futures.ThreadPoolExecutor(1) as pool:
        first.autocommit = False
        first.execute('SELECT vac.merge_cases(%s, %s)', (two, one))
        second = pool.submit(lambda: offices.as_login('sup_all').value('SELECT vac.merge_cases(%s, %s)', one, two))
        wait_for(lambda: offices.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s", '%merge_cases%'),
                 WITHIN, 'the second, who waits')
        first.commit()
        with pytest.raises(psycopg.Error, match=f'case {two} is case {one} now'):
            second.result(WITHIN)
    assert login.value('SELECT count(*) FROM vac.open_cases') == 1


@pytest.mark.parametrize('one, two', [
    ("transfer_case(%(b)s, 'PDX', 'transferred')", 'merge_cases(%(x)s, %(b)s)'),
    ('merge_cases(%(b)s, %(c)s)', 'link_cases(%(x)s, %(c)s)'),
])
def test_a_code_that_was_merged_is_locked_with_its_case(offices, one, two):
    """What takes a case and all its codes elsewhere, and a verb on one of those codes beside it, wait for each other at most."""
    login = offices.as_login('sup_all')
    codes = dict(zip('xbc', (login.value("SELECT vac.open_case('SEA', 'en')") for _ in 'xbc')))
    login.value('SELECT vac.merge_cases(%s, %s)', codes['x'], codes['b'])
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    def say(verb):
        with offices.connect('sup_all') as connection:
            return connection.execute(f'SELECT vac.{verb}', codes).fetchone()[0]
    with offices.connect() as somebody, concurrent.futures.ThreadPoolExecutor(2) as pool:
        somebody.autocommit = False
        # The first has its case and waits in its midst; the second comes.
        somebody.execute('SELECT FROM vac_store.request FOR UPDATE')
        first = pool.submit(say, one)
        wait_for(lambda: offices.value(waiting) == 1, WITHIN, 'the first, who waits')
        second = pool.submit(say, two)
        wait_for(lambda: offices.value(waiting) == 2, WITHIN, 'the second')
        somebody.rollback()
        assert codes['b'] in first.result(WITHIN)
        try:
            assert 'already' in second.result(WITHIN)
        except psycopg.errors.InvalidParameterValue as refused:
            assert f"case {codes['x']} is case {codes['c']} now" in str(refused)
