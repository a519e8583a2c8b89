"""What hurries moves what hurries less: a real planner, a real outbox, and the calendars that see it.

The hours are made by hand, so that it is the same at any time of the day: one slot in some hours, that
a routine case gets first, and more two days later.
"""

import datetime
import email
import email.policy
import re

import pytest

import checker
import harness
import load

HOUR = datetime.timedelta(hours=1)
POLICIES = (('meeting_hours', 'any', 'urgent'), ('meeting_hours', 'any', 'routine'), ('notice', '0', 'routine'))


class World:
    """Office SEA, where ANNE speaks English and Spanish and BEN English only; shifts as they are given."""

    def __init__(self, database, now):
        self.database = database
        self.supervisor = database.as_login('sup_all')
        self.now = now
        for name, value, urgency in POLICIES:
            self.supervisor.query('SELECT vac.set_policy(%s, %s, %s)', name, value, urgency)
        self.supervisor.query("SELECT vac.allow_domain('agency.example.org')")

    def shift(self, who, start, end):
        """In hours from now; a slot has room for one meeting on the grid, and not for two."""
        self.database.query('''
            INSERT INTO vac_store.shift (coordinator_id, kind, span)
            SELECT coordinator_id, 'regular', tstzrange(%s, %s) FROM vac_store.coordinator WHERE code = %s''',
                            self.now + start * HOUR, self.now + end * HOUR, who)

    def open(self, urgency, language='en', **fields):
        named = ''.join(f', {name} => %s' for name in fields)
        return self.supervisor.value(f'SELECT vac.open_case(%s, %s, urgency => %s{named})',
                                     'SEA', language, urgency, *fields.values())

    def routine(self, due=96):
        """One that has the only slot there is now, and whose coordinator has been told."""
        code = self.open('routine', due=self.now + due * HOUR, requester='officer@agency.example.org')
        self.settle()
        assert self.held_by(code) == [('ANNE', 3, 'invited', 0)]
        return code

    def settle(self):
        load.settle(self.database)

    def held_by(self, code, live=True):
        """(coordinator, hours from now, state, SEQUENCE) of the appointments of a case."""
        return [(who, int((start - self.now) / HOUR), state, sequence) for who, start, state, sequence in self.database.query('''
            SELECT k.code, lower(a.span), a.state, a.sequence FROM vac_store.appointment a
                JOIN vac_store.coordinator k USING (coordinator_id) JOIN vac_store.case_record c USING (case_id)
            WHERE c.case_code = %s AND (a.live OR NOT %s) ORDER BY a.appointment_id''', code, live)]

    def mail_of(self, code):
        """kind, METHOD, SEQUENCE and first name of whom it went to, as it arrived."""
        return self.database.query('''
            SELECT m.kind, m.method, m.sequence, split_part(m.recipient, '@', 1) FROM vac_store.message m
                JOIN vac_store.case_record c USING (case_id)
            WHERE c.case_code = %s AND m.state = 'sent' AND m.kind <> 'requester' ORDER BY m.message_id''', code)

    def history(self, code):
        return [row[0] for row in self.supervisor.query("SELECT replace(what, E'\\n', ' ') FROM vac.history WHERE case_code = %s", code)]


@pytest.fixture
def world(cluster, folder):
    people = [[who, 'SEA', 'full_time', f'Coordinator {who.title()}', 'Victim Assistance Coordinator',
               f'{who.lower()}@agency.example.org', '', '+1 206 555 0101', '', 'female', 'crisis_intervention; counseling',
               languages, 50, 60, 20, ''] for who, languages in (('ANNE', 'en; es'), ('BEN', 'en'))]
    database = cluster.database(harness.write_sheets(
        folder, offices=[['SEA', 'Seattle', 'America/Los_Angeles', '+1 206 555 0100', 'Mon-Sun 00:00-24:00',
                          'MAIN=Federal Building', '']],
        supervisors=[['sup_all', 'Supervisor All', 'sup_all@agency.example.org', '', 1, 'all']],
        coordinators=people, patterns=[]))
    # A quarter of an hour that has just begun: what starts on the grid then is three whole hours away.
    now = datetime.datetime.now(datetime.timezone.utc)
    made = World(database, now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))
    made.shift('ANNE', 3, 4.2)
    yield made
    database.drop()


@pytest.fixture
def at_work(world, sink, vacd):
    """The world with a daemon, and where its mail goes."""
    mail = sink()
    world.daemon = vacd(world.database, mail, poll_ms=300)
    world.mail = mail
    return world


def kept(world):
    """All promises, once everything has come to rest."""
    world.settle()
    assert world.daemon.stop() == 0
    assert 'call refused' not in world.daemon.log()
    codes = [row[0] for row in world.database.query('SELECT case_code FROM vac_store.case_record')]
    return load.check_promises(world.database, world.mail.dir, codes)


def test_the_same_coordinator_later(at_work):
    routine = at_work.routine()
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent')
    at_work.settle()
    assert at_work.held_by(urgent) == [('ANNE', 3, 'invited', 0)]
    assert at_work.held_by(routine) == [('ANNE', 48, 'invited', 1)]
    assert at_work.mail_of(routine) == [('invitation', 'REQUEST', 0, 'anne'), ('update', 'REQUEST', 1, 'anne')]
    facts = kept(at_work)
    assert len(facts.moves) == 1
    # The calendar saw the update of what it had, not something new.
    uids = {c.uid for c in facts.copies if c.sequence == 1}
    assert len(uids) == 1 and {c.sequence for c in facts.copies if c.uid in uids} == {0, 1}
    assert re.search(r'^moved from .* to .*, to make room for case ' + urgent, '\n'.join(at_work.history(routine)), re.M)
    assert f'room made: the appointment of case {routine} was moved' in at_work.history(urgent)
    told = [email.message_from_bytes(c.path.read_bytes(), policy=email.policy.default) for c in at_work.mail.copies()
            if c.recipients == ['officer@agency.example.org']]
    assert [m['Subject'] for m in told] == [f'Case {routine}: planned', f'Case {routine}: changed']
    log = at_work.daemon.log()
    assert re.search(r'appointment moved.* made_room_for=\d+ ', log)
    assert routine not in log and urgent not in log
    assert at_work.database.query('SELECT moves, requests FROM vac_store.plan ORDER BY plan_id') == [(0, 1), (1, 1)]


def test_another_coordinator(at_work):
    routine = at_work.routine()
    at_work.shift('BEN', 3, 4.2)
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent', 'es')
    at_work.settle()
    assert at_work.held_by(urgent) == [('ANNE', 3, 'invited', 0)]
    assert at_work.held_by(routine, live=False) == [('ANNE', 3, 'replaced', 1), ('BEN', 3, 'invited', 0)]
    assert at_work.mail_of(routine) == [('invitation', 'REQUEST', 0, 'anne'), ('cancel', 'CANCEL', 1, 'anne'),
                                        ('invitation', 'REQUEST', 0, 'ben')]
    assert len(kept(at_work).moves) == 1


def test_an_acceptance_was_of_the_old_time(at_work):
    routine = at_work.routine()
    at_work.database.query("UPDATE vac_store.appointment SET state = 'accepted'")
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent')
    at_work.settle()
    assert (at_work.held_by(urgent), at_work.held_by(routine)) == ([('ANNE', 3, 'invited', 0)], [('ANNE', 48, 'invited', 1)])
    kept(at_work)


@pytest.mark.parametrize('why, sql, due', [
    ('pinned', 'UPDATE vac_store.appointment SET pinned = true', 96),
    ('within its notice', "SELECT vac.set_policy('notice', '1', 'routine')", 96),
    ('past its own due time', None, 40),
    ('by policy', "SELECT vac.set_policy('may_be_moved', 'never', 'routine')", 96),
    ('by a chain of none', "SELECT vac.set_policy('move_chain', '0')", 96),
    ('because it hurries as much', "UPDATE vac_store.request SET urgency = 'urgent'; UPDATE vac_store.appointment SET urgency = 'urgent'", 96),
])
def test_what_is_not_moved(at_work, why, sql, due):
    routine = at_work.routine(due)
    if sql:
        with at_work.database.connect() as connection:
            connection.execute(sql)
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent')
    at_work.settle()
    assert at_work.held_by(urgent) == [('ANNE', 48, 'invited', 0)], 'late, but served'
    assert at_work.held_by(routine) == [('ANNE', 3, 'invited', 0)]
    assert kept(at_work).moves == []


def test_what_need_not_be_moved_is_not(at_work):
    routine = at_work.routine()
    at_work.shift('BEN', 6, 7.2)
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent')
    at_work.settle()
    assert (at_work.held_by(urgent), at_work.held_by(routine)) == ([('BEN', 6, 'invited', 0)], [('ANNE', 3, 'invited', 0)])
    assert kept(at_work).moves == []


def test_changed_between_the_plan_and_its_storing(at_work):
    """What is stored is refused when somebody changed the appointment meanwhile, and it is planned again."""
    routine = at_work.routine()
    at_work.shift('ANNE', 48, 60)
    # The first plan with a move meets an appointment that has just become a quarter of an hour shorter at its start.
    with at_work.database.connect() as connection:
        connection.execute('''
            CREATE SEQUENCE vac_store.first_time;
            ALTER FUNCTION vac_daemon.store_plans(integer[], bigint[], jsonb) SET SCHEMA vac_store;
            CREATE FUNCTION vac_daemon.store_plans(integer[], bigint[], jsonb)
                RETURNS TABLE (request_id bigint, outcome text, rule text) LANGUAGE plpgsql SECURITY DEFINER AS $$
                BEGIN
                    IF jsonb_path_exists($3, '$[*].decisions[*].moves') AND nextval('vac_store.first_time') = 1 THEN
                        UPDATE vac_store.appointment SET span = tstzrange(lower(span) + interval '15 minutes', upper(span));
                    END IF;
                    RETURN QUERY SELECT * FROM vac_store.store_plans($1, $2, $3);
                END $$;
            ALTER FUNCTION vac_daemon.store_plans(integer[], bigint[], jsonb) OWNER TO vac_owner;
            ALTER SEQUENCE vac_store.first_time OWNER TO vac_owner;
            GRANT EXECUTE ON FUNCTION vac_daemon.store_plans(integer[], bigint[], jsonb) TO vac_daemon''')
    urgent = at_work.open('urgent')
    at_work.settle()
    assert re.search(r'plan refused.* rule=move_changed', at_work.daemon.log())
    assert (at_work.held_by(urgent), at_work.held_by(routine)) == ([('ANNE', 3, 'invited', 0)], [('ANNE', 48, 'invited', 1)])
    assert len(kept(at_work).moves) == 1


def test_a_held_case_is_not_moved(at_work):
    """Its appointment is cancelled and the slot is free; released, it is planned where there is room."""
    routine = at_work.routine()
    at_work.shift('ANNE', 48, 60)
    at_work.supervisor.query("SELECT vac.hold_case(%s, 'safety')", routine)
    urgent = at_work.open('urgent')
    at_work.settle()
    assert (at_work.held_by(urgent), at_work.held_by(routine)) == ([('ANNE', 3, 'invited', 0)], [])
    at_work.supervisor.query("SELECT vac.release_case(%s, 'safe')", routine)
    at_work.settle()
    assert at_work.held_by(routine) == [('ANNE', 48, 'invited', 0)]
    assert kept(at_work).moves == []


def test_nothing_is_lost_while_much_is_moved_and_the_daemon_dies(cluster, folder, sink, vacd):
    """Little time and much need: routine cases fill the days, urgent ones push them on, the daemon is killed."""
    database = cluster.database(harness.wide_roster(folder, load.OFFICES, 1, around_the_clock=False))
    supervisor = database.as_login('sup_all')
    for name, value, urgency in POLICIES:
        supervisor.query('SELECT vac.set_policy(%s, %s, %s)', name, value, urgency)
    for name, value, urgency in (('response_target', '10', 'routine'), ('mail_retry_seconds', '1', None), ('mail_retry_most_seconds', '5', None)):
        supervisor.query('SELECT vac.set_policy(%s, %s, %s)', name, value, urgency)
    for office, backup in (('SEA', 'DEN'), ('DEN', 'SEA'), ('PHX', 'DEN')):
        supervisor.query('SELECT vac.set_backup(%s, %s, 30)', office, backup)
    mail = sink(seed=4, soft=2, unsaid=2, cut=1)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)

    def come(count, seed, urgencies):
        return load.Load(database, count, rate=200, seed=seed, urgencies=urgencies).start().finish()

    def wait_for_plan_of_all():
        harness.wait_for(lambda: database.value("""SELECT count(*) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
            WHERE r.state = 'open' AND r.unserved_since IS NULL AND c.state = 'open' AND c.held_since IS NULL""") == 0, 120, 'a plan of all')
    codes = come(load.cases(60, 30), 13, (1, 0, 0))
    wait_for_plan_of_all()
    # What comes next finds the days full. The daemon dies as soon as it has stored a plan of it, or before it has.
    for wave in range(load.cases(8, 4)):
        planned = database.value('SELECT count(*) FROM vac_store.plan')
        codes += come(load.cases(5, 3), 100 + wave, (0, 9, 1))
        if wave % 2 == 0:
            harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.plan') > planned, what='a plan')
        daemon.kill()
        daemon.start()
    wait_for_plan_of_all()
    mail.stop()
    mail.start(soft=0, unsaid=0, cut=0)
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    assert 'call refused' not in daemon.log(), re.findall('.*call refused.*', daemon.log())[:3]
    facts = load.check_promises(database, mail.dir, codes)
    moves = [sum(row) for row in zip(*database.query('''
        SELECT (a.coordinator_id = (d.moved_from ->> 'coordinator')::integer)::integer,
               (a.coordinator_id <> (d.moved_from ->> 'coordinator')::integer)::integer
        FROM vac_store.decision d JOIN vac_store.appointment a USING (appointment_id) WHERE d.made_room_for IS NOT NULL'''))]
    assert sum(moves) > 3, f'{checker.summary(facts)}, to the same and to other coordinators: {moves}'
    database.drop()
