"""Nine months of an invented clock: the daemon goes on with a new generation each month, and what policy keeps no longer
goes with its own; what is still needed stays. And whoever is in its way only puts it off."""

import concurrent.futures
import datetime

import pytest

import harness
from harness import run_vacd, wait_for
from year_clock import Clock

START = datetime.datetime(2027, 1, 10, 12, tzinfo=datetime.timezone.utc)
MONTHS = 9


@pytest.fixture
def world(cluster, folder, vacd, sink):
    """A database with an office, whose time begins at START, and a daemon that mails and signs."""
    database = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles')], 3))
    clock = Clock(database, START)
    for name, days in (('keep_raw_inbound', 7), ('keep_sent_mail', 30), ('keep_messages', 60), ('keep_inbound', 60), ('keep_history', 90)):
        database.query('SELECT vac.set_policy(%s, %s)', name, str(days))
    key = folder / 'history.key'
    harness.run_checked(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', key])
    daemon = vacd(database, sink(), history_key_file=key, history_head_ms=100, poll_ms=100)
    yield database, clock, daemon
    clock.close()
    database.drop()


def numbers(database, table):
    return [n for n, in database.query('SELECT number FROM vac_store.generation WHERE of_table = %s AND begun_at IS NOT NULL ORDER BY number', table)]


def at_rest(database, clock):
    """Whether nothing is due, and history is sealed and no longer than policy wants."""
    busy, _ = clock.look()
    clock.wake(busy)
    return not busy and not database.value('SELECT EXISTS (SELECT FROM vac_store.unsealed) OR vac_store.removable(vac_store.wall(), 100000) IS NOT NULL')


def month_later(database, clock):
    clock.set((clock.at.replace(day=1) + datetime.timedelta(days=32)).replace(day=10))
    wait_for(lambda: at_rest(database, clock), what=f'rest at {clock.at}')


def one_case(database, clock):
    """A case that is planned, mailed, and soon over."""
    code = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')")
    wait_for(lambda: at_rest(database, clock), what='the plan')
    database.as_login('sup_all').value("SELECT vac.withdraw_case(%s, 'resolved')", code)
    wait_for(lambda: at_rest(database, clock), what='its end')


def test_months_go_by(world):
    database, clock, daemon = world
    lasting = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')")
    wait_for(lambda: at_rest(database, clock), what='the first plan')
    told = database.query('SELECT m.mail_uuid FROM vac_store.message m JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s', lasting)
    assert told
    for _ in range(MONTHS):
        delivery = '00000000-0000-4000-8000-%012d' % clock.at.month
        for _ in range(2):
            database.as_login('vacd').query("SELECT vac_daemon.receive_mail(%s, '', ARRAY['nobody@example.org'], 'x')", delivery)
        one_case(database, clock)
        # A person looks at what came in, but for the first.
        database.query("SELECT vac.take_up(inbound_id, 'dismiss') FROM vac_store.inbound WHERE state = 'listed' AND taken_up_at IS NULL AND inbound_id > 1")
        month_later(database, clock)
    assert daemon.running()
    for table in ('message', 'inbound', 'history'):
        assert numbers(database, table)[-1] == MONTHS
    assert len(numbers(database, 'history')) <= 5
    # The first lived on for mail that nobody has looked at.
    assert [n for n in numbers(database, 'inbound') if n < MONTHS - 4] == [0]
    assert database.value('SELECT received_at FROM vac_store.inbound WHERE inbound_id = 1') < START + datetime.timedelta(days=1)
    # Of mail that went out all that tells of the case that is open, and nothing else.
    assert set(told) <= set(database.query('SELECT mail_uuid FROM vac_store.message'))
    assert database.query('''SELECT DISTINCT c.case_code FROM vac_store.message m LEFT JOIN vac_store.case_record c USING (case_id)
        WHERE m.made_at < %s''', clock.at - datetime.timedelta(days=130)) == [(lasting,)]
    removed = dict(database.query("SELECT event, count(*) FROM vac_store.history WHERE event ~ '_removed$' GROUP BY 1"))
    assert {'messages_removed', 'history_removed'} <= set(removed), removed
    assert database.value("SELECT min(at) FROM vac_store.history") > clock.at - datetime.timedelta(days=130)
    assert [line for line in daemon.log().splitlines() if 'level=error' in line] == []
    done = run_vacd('verify-history', '--database', database.conninfo('vacd'))
    assert done.returncode == 0, done.stdout
    assert not database.query("SELECT text FROM vac_daemon.status() WHERE severity <> 'ok' AND text LIKE 'tables:%%'")


def test_who_is_in_the_way_puts_it_off(world):
    database, clock, daemon = world
    for _ in range(2):
        one_case(database, clock)
        month_later(database, clock)
    with database.connect() as supervisor:
        supervisor.autocommit = False
        supervisor.execute('SELECT count(*) FROM vac_store.message')
        clock.set(clock.at + datetime.timedelta(days=62))
        wait_for(lambda: database.value('SELECT failing IS NOT NULL FROM vac_store.upkeep'), what='an attempt')
        # Nobody else waits for it.
        one_case(database, clock)
        assert numbers(database, 'message')[0] == 0
        assert database.value('SELECT due_at > vac_store.wall() FROM vac_store.upkeep')
        clock.set(clock.at + datetime.timedelta(days=4))
        wait_for(lambda: database.value("SELECT count(*) FROM vac_daemon.status() WHERE text LIKE 'tables: generations are put off for 4 days%'"), what='a warning')
    clock.set(clock.at + datetime.timedelta(minutes=2))
    wait_for(lambda: at_rest(database, clock) and numbers(database, 'message')[0] > 0, what='its removal')
    assert database.value('SELECT failing IS NULL FROM vac_store.upkeep')


def test_a_mail_handed_over_twice_at_once_is_stored_once(cluster):
    database = cluster.database()
    delivery = '00000000-0000-4000-8000-000000000007'
    call = "SELECT vac_daemon.receive_mail(%s, '', ARRAY['a@example.org', 'b@example.org'], 'x')"
    with database.connect('vacd') as first, database.connect('vacd') as second, database.connect() as other:
        first.autocommit = False
        stored = first.execute(call, (delivery,)).fetchall()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            said = pool.submit(lambda: second.execute(call, (delivery,)).fetchall())
            wait_for(lambda: other.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()").fetchone()[0],
                     what='the second to wait')
            first.commit()
        assert said.result() == stored and len(stored) == 2
        assert other.execute('SELECT count(*) FROM vac_store.inbound').fetchone()[0] == 2
    database.drop()
