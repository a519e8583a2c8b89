"""From the database of the first vacd there was, in the midst of work, to this one's: tests/fixtures/upgrade.

Its time is the fixture's, by an invented clock: what waits there is about days that will have gone by.
"""

import datetime
import gzip
import json
import uuid

import pytest

import harness
import test_answer
from harness import ROOT, run_vacd, wait_for
from year_clock import Clock

FIXTURE = ROOT / 'tests' / 'fixtures' / 'upgrade'
FACTS = json.loads((FIXTURE / 'first_landing.json').read_text())
CODES = FACTS['codes']
MADE_AT = datetime.datetime.strptime(FACTS['made_at'], '%Y-%m-%d %H:%M:%S%z')
# Beside what says how far it was migrated: the stages' own, and the words of rules.
MAY_CHANGE = {'installed', 'migration', 'daemon', 'heartbeat', 'policy', 'policy_kind'}


def restore(cluster):
    database = cluster.database(migrate=False)
    with database.connect() as connection:
        for role in ('vac_owner', 'vac_daemon', 'vac_supervisor', 'vac_intake', 'vac_desk'):
            connection.execute(f"""DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')
                THEN CREATE ROLE {role} NOLOGIN; END IF; END $$""")
    database.add_logins()
    dump = gzip.decompress((FIXTURE / 'first_landing.sql.gz').read_bytes())
    path = cluster.folder / 'first_landing.sql'
    path.write_bytes(dump)
    harness.run_checked(['psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', path, '-d', database.conninfo()])
    return database


def columns(database):
    return {table: names for table, names in database.query('''
        SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relkind = 'r' GROUP BY 1''') if table not in MAY_CHANGE}


def contents(database, tables):
    """Every row of these columns, as text."""
    found = {}
    for table, names in tables.items():
        listed = ', '.join(f'{name}::text' for name in names)
        found[table] = sorted(database.query(f'SELECT {listed} FROM vac_store.{table}'), key=str)
    return found


def migrate(database, *args):
    return run_vacd('migrate', '--database', database.conninfo(), '--sql', ROOT / 'sql', *args)


class Upgrade:
    """The old database, what was in it, and what the migration said. One for both tests: the second goes on."""

    def __init__(self, cluster):
        self.database = restore(cluster)
        self.tables = columns(self.database)
        self.before = contents(self.database, self.tables)
        self.waited = dict(self.database.query("SELECT mail_uuid::text, kind FROM vac_store.message WHERE waiting"))
        self.check = migrate(self.database, '--check')
        self.done = migrate(self.database)


@pytest.fixture(scope='module')
def upgrade(cluster):
    made = Upgrade(cluster)
    yield made
    made.database.drop()


def test_all_that_was_there_still_is(upgrade, cluster):
    before, database = upgrade.before, upgrade.database
    assert upgrade.done.returncode == 0, upgrade.done.stdout + upgrade.done.stderr
    assert len(before['history']) > 20 and len(before['message']) > 5 and len(before['case_record']) == 6
    assert upgrade.check.returncode == 1
    assert 'would apply schema/0006_plan.sql' in upgrade.check.stdout and '0005' not in upgrade.check.stdout
    assert migrate(database, '--check').returncode == 0
    after = contents(database, upgrade.tables)
    for table, rows in before.items():
        # More may have been put in by a migration (words of a list), nothing is lost or other than it was.
        lost = [row for row in rows if row not in after[table]]
        assert lost == [], f'{table}: {lost[:3]}'
    # One that is made from nothing has the same columns.
    fresh = cluster.database()
    try:
        assert columns(database) == columns(fresh)
    finally:
        fresh.drop()


def start_at_its_time(database, vacd, sink):
    """Ten minutes on: leases are over, and what was tried before may be tried again."""
    clock = Clock(database, MADE_AT + datetime.timedelta(minutes=10))
    server = sink()
    return clock, server, vacd(database, server, poll_ms=200)


def at_rest(database):
    """Whether nothing waits, and the case that the first vacd never planned is."""
    return database.value("""SELECT NOT EXISTS (SELECT FROM vac_store.message WHERE waiting) AND EXISTS (
        SELECT FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
            WHERE c.case_code = %s AND r.state = 'planned')""", CODES['new'])


def must_be_equal(database, server, waited):
    """What was delivered before the upgrade and waited comes again, equal to the byte; returns these mails."""
    copies = {copy.message_id.strip('<>').split('@')[0]: copy.path.read_bytes() for copy in server.copies()}
    kept = {path.stem: path for path in (FIXTURE / 'first_landing.mails').iterdir()}
    again = [kept[name] for name in kept if name in copies]
    assert set(kept) <= set(waited)
    for path in again:
        assert copies[path.stem] == path.read_bytes(), f'{path.stem} is other than it was'
    # An invitation that its own cancellation overtook meanwhile is not sent.
    for name in set(kept) - set(copies):
        assert database.value('SELECT state FROM vac_store.message WHERE mail_uuid = %s', uuid.UUID(name)) == 'overtaken'
    return again


def answer_what_was_sent_before(database, clock, mails):
    path = next(path for path in mails if b'METHOD:REQUEST' in test_answer.decoded(path))
    invitation = test_answer.Invitation(path)
    number = test_answer.receive(database, invitation.organizer, invitation.answer('google', 'accepted'))

    def judged():
        # Who comes upon what somebody else holds, this clock for instance, tries again half a second later.
        clock.set(clock.at + datetime.timedelta(seconds=1))
        return database.value("SELECT state = 'done' FROM vac_store.inbound WHERE inbound_id = %s", number)
    wait_for(judged, what='an answer that is judged', every=1)
    assert test_answer.outcome(database, number)[:2] == ('done', 'taken')
    assert test_answer.state_of(database, invitation) == 'accepted'


def test_work_goes_on(upgrade, vacd, sink):
    database = upgrade.database
    clock, server, daemon = start_at_its_time(database, vacd, sink)
    try:
        wait_for(lambda: at_rest(database), what='what waited, and what is new')
        again = must_be_equal(database, server, upgrade.waited)
        assert len(again) >= 2
        answer_what_was_sent_before(database, clock, again)
        # And a supervisor ends what the first vacd began.
        database.as_login('sup_all').value("SELECT vac.withdraw_case(%s, 'no longer wanted')", CODES['sent'])
        wait_for(lambda: any(b'METHOD:CANCEL' in test_answer.decoded(copy.path) for copy in server.copies()[-1:]), what='a cancellation')
        wait_for(lambda: database.value('SELECT NOT EXISTS (SELECT history_id FROM vac_store.history EXCEPT '
                                        'SELECT history_id FROM vac_store.sealed)'), what='seals')
        assert daemon.stop() == 0
        done = run_vacd('verify-history', '--database', database.conninfo())
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        clock.close()
