"""Somebody's open transaction: what it holds waits, everything else goes on. And who comes first."""

import datetime
import itertools
import json
import threading
import time
import uuid

import psycopg
import pytest

import harness

# The small world of the SQL tests, made for good instead of inside a transaction.
WORLD = (harness.ROOT / 'tests' / 'sql' / 'core.psql').read_text().replace('SET LOCAL', 'SET')


# Nobody is waited for as long; a lock that is waited for until the daemon's connection gives up takes twice that.
SOON_S = 30


class World:
    """Office NYC with coordinators ANNE and BEN, an administrator's connection, and a daemon's."""

    def __init__(self, database):
        self.database = database
        self.admin = database.connect()
        self.admin.execute(WORLD)
        for who in ('ANNE', 'BEN'):
            self.admin.execute("SELECT pg_temp.person(%s, 'NYC')", (who,))
            self.admin.execute("SELECT pg_temp.pattern(%s, 'regular', ARRAY[1,2,3,4,5], '08:00', '17:00')", (who,))
        self.group = self.value("SELECT pg_temp.office('NYC')")
        self.me = uuid.uuid4()
        self.daemon = self.new_daemon()
        self.fence = self.value('SELECT fence FROM dispatch_group WHERE group_id = %s', self.group)
        self.rounds = itertools.count(1)

    def new_daemon(self):
        daemon = self.database.connect('vacd')
        daemon.execute(f"SET lock_timeout = '{2 * SOON_S}s'")
        return daemon

    def value(self, sql, *args):
        return self.admin.execute(sql, args or None).fetchone()[0]

    def ask(self, **fields):
        named = ', '.join(f'{name} => %s' for name in fields)
        return self.value(f'SELECT pg_temp.ask({named})', *fields.values())

    def choose(self, request, who, day=4, at='10:00'):
        return self.value('SELECT pg_temp.choose(%s, %s, pg_temp.day_ahead(%s, %s))', request, who, day, at)

    def store(self, *decisions):
        plan = {'group': self.group, 'round': next(self.rounds), 'decisions': decisions}
        rows = self.daemon.execute('SELECT outcome, rule FROM vac_daemon.store_plans(%s, %s, %s)',
                                   ([self.group], [self.fence], json.dumps([plan]))).fetchall()
        return [' '.join(filter(None, row)) for row in rows]

    def store_batch(self, *plans):
        """Several groups' plans at once: pairs of an office and its decisions. Rows of request, outcome, rule, by request."""
        groups, fences = zip(*self.admin.execute('SELECT g.group_id, g.fence FROM dispatch_group g JOIN office o ON o.office_id = g.group_id '
                                                 'WHERE o.code = ANY (%s)', ([code for code, _ in plans],)).fetchall())
        made = [{'group': self.value('SELECT pg_temp.office(%s)', code), 'round': next(self.rounds), 'decisions': decisions} for code, decisions in plans]
        return sorted(quickly(lambda: self.daemon.execute('SELECT * FROM vac_daemon.store_plans(%s, %s, %s)', (
            list(groups), list(fences), json.dumps(made))).fetchall()))

    def claim(self, daemon=None):
        rows = (daemon or self.daemon).execute(
            'SELECT message_id, fence, kind FROM vac_daemon.claim_messages(%s, 100, 60000)', (self.me,)).fetchall()
        return rows

    def finish(self, rows, outcome):
        return [state for _, state in self.daemon.execute(
            'SELECT * FROM vac_daemon.finish_messages(%s, %s, %s, %s)',
            ([row[0] for row in rows], [row[1] for row in rows], [outcome] * len(rows), [None] * len(rows)))]

    def states(self, request):
        return self.value("""SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id)
            FROM message m JOIN appointment a USING (appointment_id) WHERE a.request_id = %s""", request)

    def supervisor(self):
        """A connection with a transaction that stays open until it is told otherwise."""
        connection = psycopg.connect(self.database.conninfo())
        connection.execute('SET search_path = vac_store, pg_catalog')
        return connection

    def close(self):
        self.admin.close()
        self.daemon.close()


@pytest.fixture
def world(database):
    made = World(database)
    yield made
    made.close()


def quickly(call):
    """Does it without waiting for a lock, or for no longer than a function of ours says by itself."""
    began = time.monotonic()
    result = call()
    assert time.monotonic() - began < SOON_S
    return result


def nobody(request):
    return {'request': request, 'coordinator': None, 'ruled_out': {'language': [1]}}


def appoint(connection, request, decision):
    """What a supervisor's hand might write: an appointment where a decision wants one."""
    at = [datetime.datetime.fromtimestamp(decision[key], datetime.timezone.utc) for key in ('start', 'end')]
    connection.execute("""
        INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
            SELECT request_id, case_id, office_id, %s, tstzrange(%s, %s), tstzrange(%s, %s), urgency, handle(), now()
                FROM request WHERE request_id = %s""", (decision['coordinator'], *at, *at, request))


def test_an_uncommitted_appointment_stops_only_its_own_slot(world):
    mine, others, another = world.ask(), world.ask(), world.ask()
    slot = world.choose(mine, 'ANNE')
    with world.supervisor() as supervisor:
        appoint(supervisor, others, slot)
        assert quickly(lambda: world.store(slot)) == ['refused place_locked']
        assert quickly(lambda: world.store(world.choose(another, 'BEN'))) == ['stored']
        # Together they wait, and the daemon goes on one by one.
        world.daemon.execute("SET lock_timeout = '500ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            world.store(slot, world.choose(world.ask(), 'BEN', day=5))
        world.daemon.execute(f"SET lock_timeout = '{2 * SOON_S}s'")
        assert quickly(lambda: world.store(world.choose(mine, 'BEN', day=5))) == ['stored']
        supervisor.rollback()
    assert world.value("SELECT count(*) FROM appointment WHERE live") == 2


def test_when_it_is_rolled_back_the_slot_is_free(world):
    mine, others = world.ask(), world.ask()
    slot = world.choose(mine, 'ANNE')
    with world.supervisor() as supervisor:
        appoint(supervisor, others, slot)
        assert world.store(slot) == ['refused place_locked']
        supervisor.rollback()
    assert world.store(slot) == ['stored']


def test_when_it_is_committed_the_slot_is_taken(world):
    mine, others = world.ask(), world.ask()
    slot = world.choose(mine, 'ANNE')
    with world.supervisor() as supervisor:
        appoint(supervisor, others, slot)
    assert world.store(slot) == ['refused busy']


@pytest.mark.parametrize('sql, rule', [
    ('SELECT FROM coordinator WHERE code = \'ANNE\' FOR UPDATE', 'locked'),
    ('UPDATE coordinator SET title = title WHERE code = \'ANNE\'', 'locked'),
    ('SELECT FROM request FOR UPDATE', 'request_locked'),
    ('UPDATE case_record SET held_since = now()', 'request_locked'),
])
def test_what_somebody_changes_is_left_alone(world, sql, rule):
    slot = world.choose(world.ask(), 'ANNE')
    with world.supervisor() as supervisor:
        supervisor.execute(sql)
        assert quickly(lambda: world.store(slot)) == [f'refused {rule}']
        supervisor.rollback()
    assert world.store(slot) == ['stored']


def test_a_hold_that_is_committed_meanwhile_counts(world):
    slot = world.choose(world.ask(), 'ANNE')
    other = world.choose(world.ask(), 'BEN')
    with world.supervisor() as supervisor:
        supervisor.execute('UPDATE case_record SET held_since = now() WHERE case_id = '
                           '(SELECT case_id FROM request WHERE request_id = %s)', (slot['request'],))
        threading.Timer(0.2, supervisor.commit).start()
        # The batch waits for the hold, then sees it.
        assert world.store(slot, other) == ['gone', 'stored']


def store_in_the_end(world, *decisions):
    """What becomes of decisions when those that meet a lock are stored again, as the daemon would."""
    outcomes = {}
    while len(outcomes) < len(decisions):
        left = [decision for decision in decisions if decision['request'] not in outcomes]
        for decision, outcome in zip(left, world.store(*left)):
            if not outcome.endswith('locked'):
                outcomes[decision['request']] = outcome
    return list(outcomes[decision['request']] for decision in decisions)


def test_a_coordinator_who_is_held_does_not_hold_up_a_batch(world):
    """Whom an uncommitted verb has is passed over; the others of the plan are stored at once."""
    slot, others = world.choose(world.ask(), 'ANNE'), [world.choose(world.ask(), 'BEN', day) for day in (4, 5, 6)]
    with world.supervisor() as supervisor:
        supervisor.execute("UPDATE coordinator SET title = title WHERE code = 'ANNE'")
        assert quickly(lambda: world.store(slot, *others)) == ['refused locked', 'stored', 'stored', 'stored']
        supervisor.rollback()
    assert world.store(slot) == ['stored']


@pytest.mark.parametrize('urgency', ['immediate', 'urgent', 'routine'])
def test_who_is_held_is_not_held_against_a_request(world, urgency):
    """However often, it is not slowed down for it: what hurries is planned without them at once."""
    request = world.ask(urgency=urgency)
    with world.supervisor() as supervisor:
        supervisor.execute("SELECT FROM coordinator WHERE code = 'ANNE' FOR UPDATE")
        for _ in range(6):
            assert quickly(lambda: world.store(world.choose(request, 'ANNE', day=2))) == ['refused locked']
        supervisor.rollback()
    refusals, due_in = world.admin.execute('SELECT refusals, extract(epoch FROM plan_at - clock_timestamp()) FROM request WHERE request_id = %s',
                                           (request,)).fetchone()
    assert refusals == 0 and due_in <= (1 if urgency == 'routine' else 0)


def test_leave_that_is_committed_meanwhile_counts(world):
    slot, other = world.choose(world.ask(), 'ANNE'), world.choose(world.ask(), 'BEN')
    with world.supervisor() as supervisor:
        supervisor.execute('SELECT FROM coordinator WHERE coordinator_id = %s FOR UPDATE', (slot['coordinator'],))
        supervisor.execute('INSERT INTO leave (coordinator_id, span) VALUES (%s, tstzrange(now(), %s))',
                           (slot['coordinator'], datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=40)))
        threading.Timer(0.2, supervisor.commit).start()
        assert store_in_the_end(world, slot, other) == ['refused leave', 'stored']


def test_nobody_is_not_said_of_a_request_that_is_changed_while_it_is_planned(world):
    """Its change began before the planner looked and is committed after it: no time tells the two apart."""
    request, other = world.ask(language='zu'), world.ask(language='zu')
    code = world.value('SELECT case_code FROM case_record JOIN request USING (case_id) WHERE request_id = %s', request)
    world.admin.execute("UPDATE dispatch_group SET lease_until = now() + interval '5 minutes'")
    found = [nobody(one) for one in (request, other)]

    def look():
        with world.daemon.transaction():
            world.daemon.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
            assert world.daemon.execute('SELECT ok FROM vac_daemon.snapshot_begin(%s, %s, 100)',
                                        ([world.group], [world.fence])).fetchone() == (True,)
    with world.supervisor() as supervisor:
        supervisor.execute("SELECT vac.change_request(%s, language => 'en')", (code,))
        look()
    assert world.store(*found) == ['gone', 'unserved']
    due = 'SELECT unserved_since IS NULL AND plan_at <= now() FROM request WHERE request_id = %s'
    assert world.value(due, request) and not world.value(due, other)
    look()
    assert world.store(found[0]) == ['unserved']


# ---- moves ---------------------------------------------------------------------------------------

@pytest.fixture
def moving(world):
    """A decision that gives ANNE an urgent request and moves her routine appointment to BEN."""
    stands = world.ask()
    assert world.store(world.choose(stands, 'ANNE', day=2)) == ['stored']
    world.admin.execute("UPDATE request SET due_at = now() + interval '20 days'")
    appointment, start = world.admin.execute(
        'SELECT appointment_id, extract(epoch FROM lower(span))::bigint FROM appointment').fetchone()
    decision = world.choose(world.ask(urgency='urgent'), 'ANNE', day=2)
    place = world.choose(stands, 'BEN', day=3)
    decision['moves'] = [{**place, 'appointment': appointment, 'from_coordinator': decision['coordinator'],
                          'from_start': start}]
    return decision


def moved_state(world):
    return world.value("""SELECT string_agg(concat_ws(' ', k.code, a.state), ', ' ORDER BY appointment_id)
        FROM appointment a JOIN coordinator k USING (coordinator_id)""")


@pytest.mark.parametrize('sql, rule', [
    ("SELECT FROM coordinator WHERE code = 'ANNE' FOR UPDATE", 'locked'),
    ("SELECT FROM coordinator WHERE code = 'BEN' FOR UPDATE", 'move_locked'),
    ("SELECT FROM request WHERE urgency = 'routine' FOR UPDATE", 'move_locked'),
    ("UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM request WHERE urgency = 'routine')", 'move_locked'),
    ("SELECT FROM request WHERE urgency = 'urgent' FOR UPDATE", 'request_locked'),
])
def test_a_move_waits_for_nobody(world, moving, sql, rule):
    with world.supervisor() as supervisor:
        supervisor.execute(sql)
        assert quickly(lambda: world.store(moving)) == [f'refused {rule}']
        supervisor.rollback()
    assert moved_state(world) == 'ANNE invited'
    assert world.store(moving) == ['stored']
    assert moved_state(world) == 'ANNE replaced, BEN invited, ANNE invited'


@pytest.mark.parametrize('commit, outcome, state', [
    (False, 'stored', 'ANNE replaced, BEN invited, ANNE invited'),
    (True, 'refused busy', 'ANNE invited, BEN invited'),
])
def test_an_uncommitted_appointment_where_one_would_be_moved(world, moving, commit, outcome, state):
    with world.supervisor() as supervisor:
        appoint(supervisor, world.ask(), moving['moves'][0])
        assert quickly(lambda: world.store(moving)) == ['refused move_locked']
        # In a plan of many, too: the others are not held up.
        other = world.choose(world.ask(), 'BEN', day=5)
        assert quickly(lambda: world.store(moving, other)) == ['refused move_locked', 'stored']
        (supervisor.commit if commit else supervisor.rollback)()
    assert world.store(moving) == [outcome]
    assert sorted(moved_state(world).split(', ')) == sorted(state.split(', ') + ['BEN invited'])


def test_what_changed_meanwhile_is_not_moved(world, moving):
    other = world.choose(world.ask(), 'BEN', day=5)
    with world.supervisor() as supervisor:
        supervisor.execute('SELECT FROM request WHERE request_id = %s FOR UPDATE', (moving['moves'][0]['request'],))
        supervisor.execute("SELECT end_appointments(ARRAY(SELECT appointment_id FROM appointment), 'cancelled')")
        threading.Timer(0.2, supervisor.commit).start()
        # The batch waits for it, then sees it.
        assert world.store(moving, other) == ['refused move_changed', 'stored']
    assert moved_state(world) == 'ANNE cancelled, BEN invited'


def test_leave_where_one_would_be_moved_counts(world, moving):
    other = world.choose(world.ask(), 'BEN', day=5)
    with world.supervisor() as supervisor:
        supervisor.execute("SELECT FROM coordinator WHERE code = 'BEN' FOR UPDATE")
        supervisor.execute("INSERT INTO leave (coordinator_id, span) SELECT coordinator_id, tstzrange(to_timestamp(%s), to_timestamp(%s)) "
                           "FROM coordinator WHERE code = 'BEN'", (moving['moves'][0]['start'], moving['moves'][0]['end']))
        threading.Timer(0.2, supervisor.commit).start()
        assert store_in_the_end(world, moving, other) == ['refused leave', 'stored']
    assert moved_state(world) == 'ANNE invited, BEN invited'


def test_a_move_and_a_claim_of_the_invitation(world, moving):
    """The mailer is just claiming the invitation: the update waits for it, and goes out after it."""
    moving['moves'][0].update(coordinator=moving['coordinator'])
    world.daemon.autocommit = False
    claimed = world.claim()
    other = World.new_daemon(world)
    world.daemon, claiming = other, world.daemon
    threading.Timer(0.1, claiming.commit).start()
    assert world.store(moving) == ['stored']
    claiming.close()
    assert world.states(moving['moves'][0]['request']) == 'invitation claimed, update queued'
    assert [row[2] for row in world.claim()] == ['invitation']   # of the urgent one
    assert world.finish(claimed, 'sent') == ['sent']
    assert [row[2] for row in world.claim()] == ['update']


def test_two_daemons_claim_different_messages(world):
    for day in range(4, 8):
        assert world.store(world.choose(world.ask(), 'ANNE', day)) == ['stored']
    other = world.new_daemon()
    other.autocommit = False
    first = other.execute('SELECT message_id FROM vac_daemon.claim_messages(%s, 2, 60000)', (uuid.uuid4(),)).fetchall()
    second = quickly(world.claim)
    other.commit()
    other.close()
    assert len(first) == 2 and len(second) == 2
    assert not {row[0] for row in first} & {row[0] for row in second}


def test_two_daemons_claim_different_groups(world):
    for office in ('NYC', 'HNL', 'GUM'):
        world.ask(office=office, urgency='immediate')
    other = world.new_daemon()
    other.autocommit = False
    claim = 'SELECT groups FROM vac_daemon.claim_groups(%s, %s, 60000, 100)'
    first = other.execute(claim, (uuid.uuid4(), 1)).fetchall()
    # Who is asked for no more than the first has taken passes that over, too.
    second = quickly(lambda: world.daemon.execute(claim, (world.me, 1)).fetchall())
    third = quickly(lambda: world.daemon.execute(claim, (uuid.uuid4(), 10)).fetchall())
    other.commit()
    other.close()
    assert len(first) == len(second) == len(third) == 1 and len({str(one) for one in first + second + third}) == 3


@pytest.mark.parametrize('lock', ['SELECT FROM request WHERE request_id = %(held)s FOR UPDATE',
                                  'SELECT FROM case_record WHERE case_id = (SELECT case_id FROM request WHERE request_id = %(held)s) FOR UPDATE'])
def test_what_somebody_holds_in_one_group_keeps_no_other_waiting(world, lock):
    held, free, far = world.ask(), world.ask(), world.ask(office='HNL')
    supervisor = world.supervisor()
    supervisor.execute(lock, {'held': held})
    assert world.store_batch(('NYC', [world.choose(held, 'ANNE')]), ('HNL', [])) == [(held, 'refused', 'request_locked')], 'and nothing else'
    assert world.store_batch(('NYC', [world.choose(held, 'ANNE'), world.choose(free, 'BEN')]), ('HNL', [nobody(far)])) == [
        (held, 'refused', 'request_locked'), (free, 'stored', None), (far, 'unserved', None)]
    supervisor.rollback()
    supervisor.close()
    assert world.value('SELECT plan_at <= wall() AND refusals = 0 FROM request WHERE request_id = %s', held), 'it stays due'
    assert world.store_batch(('NYC', [world.choose(held, 'ANNE')]), ('HNL', [])) == [(held, 'stored', None)]


@pytest.mark.parametrize('sql, rule', [
    ("SELECT FROM coordinator WHERE code = 'ANNE' FOR UPDATE", 'locked'),
    ("SELECT FROM coordinator WHERE code = 'BEN' FOR UPDATE", 'move_locked'),
    ("SELECT FROM request WHERE urgency = 'routine' AND state = 'planned' FOR UPDATE", 'move_locked'),
    ("UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM appointment)", 'move_locked'),
    ("SELECT FROM request WHERE urgency = 'urgent' FOR UPDATE", 'request_locked'),
])
def test_a_move_in_one_of_several_groups_waits_for_nobody(world, moving, sql, rule):
    far = world.ask(office='HNL')
    with world.supervisor() as supervisor:
        supervisor.execute(sql)
        assert world.store_batch(('NYC', [moving]), ('HNL', [nobody(far)])) == [(moving['request'], 'refused', rule), (far, 'unserved', None)]
        supervisor.rollback()
    assert moved_state(world) == 'ANNE invited'
    again = world.ask(office='HNL')
    assert world.store_batch(('NYC', [moving]), ('HNL', [nobody(again)])) == [(moving['request'], 'stored', None), (again, 'unserved', None)]
    assert moved_state(world) == 'ANNE replaced, BEN invited, ANNE invited'


def test_a_roster_that_changes_while_a_request_is_held_is_not_lost_to_it(world):
    request = world.ask()
    world.admin.execute("UPDATE request SET unserved_since = now(), plan_at = now() + interval '1 day' WHERE request_id = %s", (request,))

    def claimed():
        world.admin.execute('UPDATE dispatch_group SET lease_until = NULL')
        return [one for groups, in world.daemon.execute('SELECT groups FROM vac_daemon.claim_groups(%s, 10, 60000, 100)', (world.me,)) for one in groups]

    def put_off():
        return world.value('SELECT plan_at > clock_timestamp() FROM request WHERE request_id = %s', request)

    supervisor = world.supervisor()
    supervisor.execute('SELECT FROM request WHERE request_id = %s FOR UPDATE', (request,))
    world.admin.execute('SELECT plan_soon(%s)', (world.group,))
    assert claimed() == [world.group] and put_off()
    world.admin.execute('UPDATE dispatch_group SET lease_until = NULL')
    # Looked for again, but not without a pause.
    assert world.value('SELECT count(again_at) FROM plan_stale') == 1
    assert world.daemon.execute('SELECT vac_daemon.next_dispatch()').fetchone()[0] <= 5000
    supervisor.rollback()
    supervisor.close()
    world.admin.execute("UPDATE plan_stale SET again_at = again_at - interval '5 seconds'")
    assert claimed() == [world.group] and not put_off()
    assert world.value('SELECT count(*) FROM plan_stale') == 0


def test_a_cancellation_that_is_not_committed_holds_its_message_back(world):
    request = world.ask()
    assert world.store(world.choose(request, 'ANNE')) == ['stored']
    with world.supervisor() as supervisor:
        supervisor.execute("SELECT end_appointments(ARRAY(SELECT appointment_id FROM appointment), 'cancelled')")
        assert quickly(world.claim) == []
    assert world.states(request) == 'invitation overtaken, cancel unneeded'
    assert world.claim() == []


def test_a_claim_that_comes_first_makes_the_cancellation_needed(world):
    request = world.ask()
    assert world.store(world.choose(request, 'ANNE')) == ['stored']
    world.daemon.autocommit = False
    claimed = world.claim()
    with world.supervisor() as supervisor:
        threading.Timer(0.2, world.daemon.commit).start()
        # It waits for the claim, and finds that the invitation may have been sent.
        supervisor.execute("SELECT end_appointments(ARRAY(SELECT appointment_id FROM appointment), 'cancelled')")
    world.daemon.autocommit = True
    assert world.states(request) == 'invitation claimed, cancel queued'
    assert world.claim() == []
    assert world.finish(claimed, 'sent') == ['sent']
    assert [row[2] for row in world.claim()] == ['cancel']


@pytest.mark.parametrize('sql', [
    "INSERT INTO protected_word (word) VALUES ('Rumpelstilz')",
    "UPDATE case_record SET agency_reference = 'HSI-2026-42'",
    "SELECT end_appointments(ARRAY(SELECT appointment_id FROM appointment), 'cancelled')",
    "SELECT FROM request FOR UPDATE",
])
@pytest.mark.parametrize('outcome', ['sent', 'retry', 'unknown', 'released'])
def test_outcomes_wait_for_nobody(world, sql, outcome):
    assert world.store(world.choose(world.ask(), 'ANNE')) == ['stored']
    claimed = world.claim()
    with world.supervisor() as supervisor:
        supervisor.execute(sql)
        assert quickly(lambda: world.finish(claimed, outcome)) == ['sent' if outcome == 'sent' else 'queued']
        supervisor.rollback()


def test_a_refusal_whose_request_is_locked_comes_again(world):
    first, second = world.ask(), world.ask()
    assert world.store(world.choose(first, 'ANNE'), world.choose(second, 'BEN')) == ['stored', 'stored']
    claimed = world.claim()
    with world.supervisor() as supervisor:
        supervisor.execute('SELECT FROM request WHERE request_id = %s FOR UPDATE', (first,))
        assert sorted(quickly(lambda: world.finish(claimed, 'final'))) == ['queued', 'refused']
        supervisor.rollback()
    assert world.value("SELECT string_agg(state, ' ' ORDER BY request_id) FROM request") == 'planned open'


def test_leave_sees_what_was_stored_before_it(world):
    """A transaction that looks at older data could put leave over an appointment: it is refused."""
    supervisor = world.supervisor()
    supervisor.commit()
    supervisor.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    supervisor.execute('SELECT 1')
    assert world.store(world.choose(world.ask(), 'ANNE')) == ['stored']
    with pytest.raises(psycopg.Error, match='could miss an appointment'):
        supervisor.execute("SELECT vac.add_leave('ANNE', now(), now() + interval '30 days')")
    supervisor.close()


def test_a_signed_mail_that_is_kept_back_meanwhile_does_not_go_out(world):
    """May it go out is asked before the lock of its row is had: what whoever held it did counts."""
    assert world.store(world.choose(world.ask(), 'ANNE')) == ['stored']
    message, fence, _ = world.claim()[0]
    may_send = 'SELECT message_id FROM vac_daemon.may_send_signed(%s, %s, %s)'
    with world.supervisor() as supervisor:
        supervisor.execute("UPDATE message SET state = 'suppressed', lease_until = NULL")
        threading.Timer(0.2, supervisor.commit).start()
        assert world.daemon.execute(may_send, ([message], [fence], ['AAAA'])).fetchall() == []


def test_a_clock_that_was_set_back_waits_for_nobody(world):
    """What somebody holds is left to the next heartbeat, and with it all the rest."""
    beat = 'SELECT note_presence(wall())::text'
    waits = """SELECT (SELECT count(*) FROM request WHERE plan_at > now()) + (SELECT count(*) FROM message WHERE not_before > now())
        + (SELECT count(*) FROM appointment WHERE send_by > now() + interval '1 day') + (SELECT count(*) FROM presence WHERE seen_at > now())"""
    assert world.store(world.choose(world.ask(), 'ANNE')) == ['stored']
    world.ask()
    world.value(beat)
    for ahead in ("request SET plan_at = now() + interval '2 days' WHERE state = 'open'", "message SET not_before = now() + interval '2 days'",
                  "appointment SET send_by = now() + interval '2 days'", "presence SET seen_at = now() + interval '2 days'"):
        world.admin.execute('UPDATE ' + ahead)
    for held in ('request', 'appointment', 'message'):
        with world.supervisor() as supervisor:
            supervisor.execute(f'SELECT FROM {held} FOR UPDATE')
            quickly(lambda: world.value(beat))
            assert world.value(waits) == 4
            supervisor.rollback()
    world.value(beat)
    assert world.value(waits) == 0


def test_a_pass_of_time_is_no_link_of_a_deadlock(world):
    """What it could not do it leaves, and it keeps what it did for no longer than that: a verb waits, and is not ended."""
    request = world.ask()
    world.admin.execute("UPDATE case_record SET responsible_id = pg_temp.coordinator('ANNE')")
    for number in range(10):
        world.admin.execute('SELECT vac.set_rotation(%s, %s, %s)', ('NYC', f'nights {number}', 'BEN'))
    world.admin.execute("UPDATE clock SET next_at = wall() - interval '1 hour' WHERE running")
    world.admin.execute("UPDATE rotation SET lay_at = wall() - interval '1 minute'")
    world.value('SELECT note_presence(wall())::text')

    def pass_time():
        world.daemon.execute('SELECT vac_daemon.pass_time(%s, 100)', (world.me,))
        passed.set()
    passed = threading.Event()
    with world.supervisor() as third, world.supervisor() as verb:
        third.execute("SELECT FROM coordinator WHERE code = 'BEN' FOR NO KEY UPDATE")
        verb.execute('SELECT FROM request WHERE request_id = %s FOR NO KEY UPDATE', (request,))
        threads = [threading.Thread(target=call) for call in (
            lambda: third.execute('SELECT FROM request WHERE request_id = %s FOR NO KEY UPDATE', (request,)), pass_time)]
        for thread in threads:
            thread.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        harness.wait_for(lambda: not threads[1].is_alive() or world.value(waits, world.daemon.info.backend_pid), what='a wait', every=0.001)
        verb.execute('UPDATE case_record SET responsible_id = NULL')
        verb.commit()
        for thread in threads:
            thread.join()
    assert passed.is_set()
    assert world.value('SELECT count(*) FROM clock WHERE stopped_at IS NOT NULL') == 1
    assert world.value("SELECT count(*) FROM rotation WHERE lay_at < wall()") == 10
