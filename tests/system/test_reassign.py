"""Supervisors overrule the planner while daemons are at work: nobody waits for them, and no promise breaks."""

import random
import threading
import time

import psycopg
import pytest

import harness
import load

PLANNED = "SELECT a.state = 'invited' AND EXISTS (SELECT FROM vac_store.message m WHERE m.uid = a.uid AND m.state = 'sent') " \
          'FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s AND a.live'


class Overruler:
    """A supervisor who reassigns what just came in, to anybody of its office, all the time."""

    def __init__(self, database, codes, seed):
        self.database, self.codes, self.random = database, codes, random.Random(seed)
        self.over, self.done, self.trouble = threading.Event(), [], None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            with self.database.connect('sup_all') as connection:
                while not self.over.wait(0.02):
                    self._one(connection)
        except Exception as trouble:     # handed to finish()
            self.trouble = trouble

    def _one(self, connection):
        if not self.codes:
            return
        code = self.random.choice(self.codes)
        office = connection.execute('SELECT office FROM vac.open_cases WHERE case_code = %s', (code,)).fetchone()
        if office is None:
            return
        who = self.random.choice(['somebody else', *(f'{office[0]}-{n:02}' for n in range(1, 5))])
        try:
            start = None if who == 'somebody else' else f'{self.random.randint(5, 200)} hours'
            connection.execute("SELECT vac.reassign(%s, %s, now() + %s::interval, 'other')" if start else
                               "SELECT vac.reassign(%s, %s, reason => 'other')", (code, who, start) if start else (code, who))
            self.done.append(code)
        except psycopg.errors.InvalidParameterValue:
            pass                         # double booking, or nobody has it yet

    def finish(self):
        self.over.set()
        self.thread.join(300)
        assert not self.thread.is_alive()
        if self.trouble is not None:
            raise self.trouble


def test_reassigning_while_cases_come_in(cluster, folder, sink, vacd):
    """Two supervisors overrule two daemons: no deadlock, nothing twice, nothing forgotten."""
    database = load.database(cluster, folder, coordinators=6)
    mail = sink()
    daemons = [vacd(database, mail, poll_ms=300) for _ in 'ab']
    coming = load.Load(database, load.cases(90, 40), rate=40, seed=21).start()
    codes = coming.codes
    overrulers = [Overruler(database, codes, seed) for seed in (1, 2)]
    coming.finish()

    def enough():
        return (all(len(one.done) > load.cases(10, 4) or one.trouble for one in overrulers)
                and database.value('SELECT count(*) FROM vac_store.appointment WHERE pinned') > 5)
    # How much of that they do in a second is the machine's business: cases come in until it is enough.
    end = time.monotonic() + 300
    while not enough():
        assert time.monotonic() < end, f'{[len(one.done) for one in overrulers]} reassigned'
        codes += load.Load(database, 5, rate=10, seed=len(codes)).start().finish()
    for one in overrulers:
        one.finish()
    load.settle(database, daemons)
    assert all(daemon.stop() == 0 for daemon in daemons)
    load.check_promises(database, mail.dir, codes)
    database.drop()


def test_open_transactions_stop_nobody_else(cluster, folder, sink, vacd):
    """One supervisor's psql reads and another's holds a reassignment: other cases are served, call-outs of its office too."""
    database = load.database(cluster, folder, coordinators=4)
    mail = sink()
    daemon = vacd(database, mail, lease_ms=20000, poll_ms=500)
    held = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'es')")
    harness.wait_for(lambda: database.value(PLANNED, held), what='the invitation')
    before = database.value('''SELECT k.code FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id)
        JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s AND a.live''', held)
    other = next(who for who in ('SEA-01', 'SEA-02') if who != before)
    told = []
    with database.connect('sup_all') as reader, database.connect('sup_sea') as writer:
        writer.autocommit = reader.autocommit = False
        writer.add_notice_handler(lambda notice: told.append(notice.message_primary))
        reader.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        assert len(reader.execute('TABLE vac.open_cases').fetchall()) == 1
        writer.execute("SELECT vac.reassign(%s, %s, now() + interval '40 hours', 'wish')", (held, other))
        codes = load.Load(database, load.cases(40, 20), rate=40, seed=12, second_thoughts=False).start().finish()
        waiting = '''SELECT count(*) FROM vac_store.request r JOIN vac_store.office o USING (office_id)
                     WHERE r.state = 'open' AND r.unserved_since IS NULL'''
        harness.wait_for(lambda: database.value(waiting + " AND (o.code <> 'SEA' OR r.urgency = 'immediate')") == 0,
                         what='other offices, and what hurries')
        harness.wait_for(lambda: database.value('''SELECT count(*) FROM vac_store.message m JOIN vac_store.case_record c USING (case_id)
            WHERE m.kind = 'invitation' AND m.state <> 'sent' AND c.case_code <> %s''', held) == 0, what='their invitations')
        assert len(reader.execute('TABLE vac.open_cases').fetchall()) == 1
        assert database.value("SELECT count(*) FROM vac_store.appointment WHERE pinned") == 0
        writer.commit()
        reader.rollback()
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    assert any(line.startswith('Passed over: ') for line in told)
    load.check_promises(database, mail.dir, [*codes, held])
    assert database.query('''SELECT k.code, a.state, a.pinned, (SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id)
            FROM vac_store.message m WHERE m.appointment_id = a.appointment_id AND m.method IS NOT NULL)
        FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) JOIN vac_store.case_record c USING (case_id)
        WHERE c.case_code = %s ORDER BY a.appointment_id''', held) == [
            (before, 'replaced', False, 'invitation sent, cancel sent'), (other, 'invited', True, 'invitation sent')]
    database.drop()


@pytest.fixture
def office(cluster, folder):
    """Seattle and Portland, its backup, and a case of each that somebody has."""
    database = load.database(cluster, folder, coordinators=2)
    yield database
    database.drop()


def test_two_who_change_places_do_not_deadlock(office):
    """Each waits for the other's coordinators at most; the locks are taken in one order."""
    codes = [office.as_login('sup_all').value("SELECT vac.open_case('SEA')") for _ in 'ab']
    calls = [(codes[0], 'SEA-01', '100 hours'), (codes[1], 'SEA-02', '100 hours')]
    for call in calls:
        office.as_login('sup_all').query("SELECT vac.reassign(%s, %s, now() + %s::interval, 'other')", *call)
    with office.connect('sup_all') as one, office.connect('sup_sea') as two:
        one.autocommit = two.autocommit = False
        one.execute("SELECT vac.reassign(%s, 'SEA-02', now() + interval '200 hours', 'other')", (codes[0],))
        waits = threading.Thread(target=lambda: two.execute(
            "SELECT vac.reassign(%s, 'SEA-01', now() + interval '200 hours', 'other')", (codes[1],)))
        waits.start()
        locked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s"
        harness.wait_for(lambda: office.value(locked, two.info.backend_pid), what='the second, who waits for the first')
        one.commit()
        waits.join(120)
        two.commit()
    assert office.query('''SELECT k.code FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id)
        WHERE a.live ORDER BY a.case_id''') == [('SEA-02',), ('SEA-01',)]


def test_a_what_if_changes_nothing(office):
    code = office.as_login('sup_sea').value("SELECT vac.open_case('SEA')")
    with office.connect('sup_sea') as connection:
        connection.execute('BEGIN')
        connection.execute('SELECT vac.what_if()')
        connection.execute("SELECT vac.reassign(%s, 'SEA-01', now() + interval '1 day', 'other')", (code,))
        connection.execute("SELECT vac.unpin(%s)", (code,))
        assert connection.execute("SELECT count(*) FROM vac.hand_over('SEA-01', 'roster')").fetchone() == (1,)
        assert connection.execute('SELECT state FROM vac.open_cases').fetchall() == [('being planned',)]
        with pytest.raises(psycopg.Error, match='asked what if'):
            connection.execute('COMMIT')
    assert office.value('SELECT count(*) FROM vac_store.appointment') == 0
