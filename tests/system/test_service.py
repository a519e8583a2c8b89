"""The daemon as a service: what it tells systemd, schema, reload, stopping; and check, status, probe."""

import os
import pathlib
import re
import signal
import socket
import time
import types

import pytest

import harness



class Manager:
    """Stands in for systemd: the socket that $NOTIFY_SOCKET names."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard = []

    def lines(self):
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split('\n')
            except BlockingIOError:
                return self.heard

    def status(self):
        return ([''] + [line for line in self.lines() if line.startswith('STATUS=')])[-1][len('STATUS='):]

    def wait(self, words):
        return harness.wait_for(lambda: [line for line in self.lines() if words in line], what=words)

    def wait_status(self, words):
        return harness.wait_for(lambda: words in self.status() and self.status(), what=f'STATUS with {words}')


@pytest.fixture
def manager(folder, monkeypatch):
    made = Manager(folder / 'notify')
    monkeypatch.setenv('NOTIFY_SOCKET', str(folder / 'notify'))
    yield made
    made.socket.close()


def rewrite(daemon, **changes):
    """Changes keys of a daemon's configuration file."""
    path = pathlib.Path(daemon.config)
    text = path.read_text()
    for key, value in changes.items():
        text = re.sub(rf'^{key} = .*\n', '', text, flags=re.M)
        if value is not None:
            text += f'{key} = "{value}"\n'
    path.write_text(text)


def turns(database):
    """The digits of the heartbeats, by stage, of the daemon that is at work."""
    return dict(database.query('''SELECT stage, turns FROM vac_store.heartbeat JOIN vac_store.daemon d
        USING (daemon_id) WHERE d.stopped_at IS NULL'''))


# What a daemon says whose stages did not come to their end within the ten seconds that they have.
CUT_SHORT = 'stages stopped in the middle of their work'


# ---- what systemd is told ------------------------------------------------------------------------

def test_ready_when_it_works_and_hold_is_seen(database, vacd, manager):
    daemon = vacd(database)
    manager.wait('READY=1')
    assert 'NOTHING IS SENT' in manager.wait_status('Working')
    assert database.query('SELECT deliver, pid FROM vac_store.daemon') == [('hold', daemon.pid)]
    assert daemon.stop() == 0
    assert 'STOPPING=1' in manager.lines()
    assert database.value('SELECT stopped_at IS NOT NULL FROM vac_store.daemon')


def test_waits_for_a_schema_that_fits(cluster, vacd, manager):
    database = cluster.database(migrate=False)
    database.query("DO $$ BEGIN CREATE ROLE vacd LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    daemon = vacd(database, poll_ms=300)
    manager.wait_status('vacd migrate')
    assert manager.wait('EXTEND_TIMEOUT_USEC=')
    assert 'READY=1' not in manager.lines()
    database.migrate()
    manager.wait('READY=1')
    manager.wait_status('Working')
    assert daemon.stop() == 0
    assert daemon.log().count('database refused') <= 2   # each reason once
    database.drop()


def test_waits_for_the_right_to_work(database, vacd, manager):
    database.query('REVOKE vac_daemon FROM vacd')
    try:
        vacd(database, poll_ms=300)
        manager.wait_status('GRANT vac_daemon')
    finally:
        database.query('GRANT vac_daemon TO vacd')
    manager.wait('READY=1')


def test_stages_stop_when_the_schema_changes_and_start_again(database, vacd, manager):
    vacd(database, poll_ms=200)
    manager.wait_status('Working')
    digest = database.value('SELECT digest FROM vac_store.installed')
    database.query("UPDATE vac_store.installed SET digest = 'another'")
    database.query('NOTIFY vac_schema')
    manager.wait_status('Not working')
    calls = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^vacd ' AND state_change > {}"
    harness.wait_for(lambda: database.value(calls.format("now() - interval '0.5 s'")) == 0, what='the end of whatever was begun')
    queued = database.value('SELECT clock_timestamp()')
    database.query("SELECT vac_daemon.queue_probe('somebody@agency.example.org', 'Somebody')")
    time.sleep(1)
    assert database.value(calls.format('%s'), queued) == 0
    database.query('UPDATE vac_store.installed SET digest = %s', digest)
    manager.wait_status('Working')


NOWHERE = types.SimpleNamespace(conninfo=lambda login: 'host=/nonexistent dbname=vac')


def test_not_ready_while_the_database_is_away(vacd, manager):
    daemon = vacd(NOWHERE)
    assert 'Waiting for the database' in manager.wait_status('/nonexistent')
    manager.wait('EXTEND_TIMEOUT_USEC=')
    assert 'READY=1' not in manager.lines()
    assert daemon.stop() == 0
    assert CUT_SHORT not in daemon.log()


def test_watchdog_is_answered(database, vacd, manager, monkeypatch):
    """So often that systemd would be content: once in each of its intervals. The daemon means to do it twice."""
    interval_s, pings = 4, 3
    monkeypatch.setenv('WATCHDOG_USEC', str(interval_s * 1000000))
    daemon = vacd(database)
    manager.wait_status('Working')
    before, begun = manager.lines().count('WATCHDOG=1'), time.monotonic()
    harness.wait_for(lambda: manager.lines().count('WATCHDOG=1') - before >= pings, what='pings')
    assert time.monotonic() - begun < pings * interval_s
    assert daemon.running()


def test_watchdog_of_another_process_is_not(database, vacd, manager, monkeypatch):
    monkeypatch.setenv('WATCHDOG_USEC', '1000000')
    monkeypatch.setenv('WATCHDOG_PID', '1')
    vacd(database)
    manager.wait_status('Working')
    time.sleep(1.5)
    assert 'WATCHDOG=1' not in manager.lines()


# Those that are always there.
STAGES = {'answer', 'deadline', 'dispatch', 'mailer'}


def test_heartbeats(database, vacd):
    vacd(database, poll_ms=200)
    first = harness.wait_for(lambda: STAGES <= set(turns(database)) and turns(database), what='heartbeats')
    harness.wait_for(lambda: all(turns(database)[stage] > first[stage] for stage in first), what='more turns')


def test_idle_is_idle(database, vacd, manager):
    daemon = vacd(database)
    manager.wait_status('Working')
    time.sleep(1)

    def switches():
        text = pathlib.Path(f'/proc/{daemon.pid}/status').read_text()
        return int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', text, re.M)[1])

    # A few timers, and each answer of the database is a wake-up of its own. What was begun is ended first.
    for _ in range(5):
        before = switches()
        time.sleep(10)
        more = switches() - before
        if more < 60:
            break
    assert more < 60


# ---- signals -------------------------------------------------------------------------------------

def test_reload_takes_what_is_good(database, sink, vacd, manager):
    daemon = vacd(database, sink())
    manager.wait_status('Working')
    rewrite(daemon, deliver='hold', log_level='debug')
    daemon.signal(signal.SIGHUP)
    manager.wait_status('NOTHING IS SENT')
    assert 'configuration read again' in daemon.log()
    harness.wait_for(lambda: database.value('SELECT deliver FROM vac_store.daemon') == 'hold', what='hold')
    assert any(line.startswith('RELOADING=1') for line in manager.lines())
    assert manager.lines().count('READY=1') == 2


@pytest.mark.parametrize('changes, words', [
    ({'poll_ms': 'often'}, 'poll_ms'), ({'mail_hots': 'x'}, 'mail_hots'),
    ({'token_key_file': '/nonexistent/keys'}, '/nonexistent/keys'),
    ({'mail_ca_file': '/nonexistent/ca'}, '/nonexistent/ca')])
def test_reload_keeps_the_old_on_error(database, sink, vacd, manager, changes, words):
    server = sink()
    daemon = vacd(database, server)
    manager.wait_status('Working')
    rewrite(daemon, deliver='smtp', **changes)
    daemon.signal(signal.SIGHUP)
    harness.wait_for(lambda: words in daemon.log(), what='a line in the log')
    assert 'configuration read again' not in daemon.log()
    database.query("SELECT vac_daemon.queue_probe('somebody@agency.example.org', 'Somebody')")
    server.wait(1)


def test_reload_says_what_waits(database, vacd, manager):
    daemon = vacd(database)
    manager.wait_status('Working')
    rewrite(daemon, database='dbname=another')
    daemon.signal(signal.SIGHUP)
    harness.wait_for(lambda: 'change waits for the next start' in daemon.log(), what='a line in the log')
    assert 'Working' in manager.status()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_stops_by_itself(database, sink, vacd, manager, number):
    daemon = vacd(database, sink())
    manager.wait_status('Working')
    daemon.signal(number)
    assert daemon.process.wait(90) == 0
    assert CUT_SHORT not in daemon.log()


def test_stops_while_the_database_answers_nothing(database, vacd, manager):
    """Frozen server processes: the drain gives up after its ten seconds, and goodbye after two more."""
    daemon = vacd(database, poll_ms=200)
    manager.wait_status('Working')
    pids = [row[0] for row in database.query(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'vacd%'")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(0.5)
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(90) == 0
        assert CUT_SHORT in daemon.log()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


# ---- the command line ----------------------------------------------------------------------------

def test_configuration_that_is_wrong_is_78(folder):
    path = folder / 'bad.conf'
    for command in ('daemon', 'check', 'status'):
        path.write_text('poll_ms = 300\nmail_prot = 25\n')
        done = harness.run_vacd(command, config=path)
        assert done.returncode == 78
        assert f'{path}:2: ' in done.stderr and 'mail_prot' in done.stderr


def test_daemon_with_bad_keys_or_authorities_is_78(database, folder, certs):
    for key in ('token_key_file', 'mail_ca_file'):
        settings = harness.daemon_settings(folder, database, certs, 1, **{key: '/nonexistent/file'})
        done = harness.run_vacd(config=harness.write_config(folder / 'bad.conf', **settings))
        assert '/nonexistent/file' in done.stderr
        assert done.returncode == 78, done.stderr


@pytest.mark.parametrize('args', [['frobnicate'], ['daemon', 'x'], ['check', 'x'], ['status', 'x'], ['probe'],
                                  ['probe', 'nobody'], ['--frob']])
def test_usage_is_64(folder, args):
    path = folder / 'good.conf'
    path.write_text('')
    assert harness.run_vacd(*args, config=path).returncode == 64


def test_no_secret_on_the_command_line_or_in_the_configuration(folder):
    path = folder / 'bad.conf'
    path.write_text('database = "dbname=vac password=hunter22"\n')
    for command in ('check', 'status', 'daemon'):
        done = harness.run_vacd(command, config=path)
        assert done.returncode != 0
        assert 'database_password_file' in done.stdout + done.stderr
        assert 'hunter22' not in done.stdout + done.stderr


# ---- status --------------------------------------------------------------------------------------

def status_of(database, folder):
    path = harness.write_config(folder / 'status.conf', database=database.conninfo('vacd'))
    return harness.run_vacd('status', config=path)


def test_status(database, folder, vacd, sink, cluster):
    done = status_of(database, folder)
    assert done.returncode == 2 and re.search(r'^bad +daemon', done.stdout, re.M)
    vacd(database, sink(), poll_ms=200)
    harness.wait_for(lambda: STAGES <= set(turns(database)), what='heartbeats')
    done = status_of(database, folder)
    assert done.returncode == 1 and re.search(r'^warn +holidays', done.stdout, re.M), done.stdout
    database.query("INSERT INTO vac_store.holiday (day, name) VALUES (current_date + 90, 'Some day')")
    done = status_of(database, folder)
    assert done.returncode == 0, done.stdout
    assert 5 <= len(done.stdout.splitlines()) <= 15
    path = harness.write_config(folder / 'nowhere.conf', database='host=/nonexistent dbname=vac')
    done = harness.run_vacd('status', config=path)
    assert done.returncode == 2 and '/nonexistent' in done.stdout


def test_status_shows_hold(database, folder, vacd):
    vacd(database, poll_ms=200)
    harness.wait_for(lambda: STAGES <= set(turns(database)), what='heartbeats')
    done = status_of(database, folder)
    assert done.returncode == 1, done.stdout
    assert 'hold' in done.stdout


# ---- check ---------------------------------------------------------------------------------------

def check(database, folder, certs, port, **settings):
    chosen = harness.daemon_settings(folder, database, certs, port, **settings)
    return harness.run_vacd('check', config=harness.write_config(folder / 'check.conf', **chosen))


def test_check_is_content(cluster, database, folder, certs, sink):
    with cluster.setting(fsync='on'):
        done = check(database, folder, certs, sink().port)
    assert done.returncode == 0, done.stdout
    assert not re.search(r'^bad', done.stdout, re.M)
    for what in ('configuration', 'token keys', 'database', 'schema', 'time zones', 'clock', 'mail server', 'mail in',
                 'reader of mail'):
        assert re.search(rf'^ok +{what}: ', done.stdout, re.M), what


@pytest.mark.parametrize('settings, what, words', [
    ({'database_password_file': '/nonexistent/password'}, 'database', '/nonexistent/password'),
    ({'token_key_file': '/nonexistent/keys'}, 'token keys', '/nonexistent/keys'),
    ({'mail_port': 1}, 'mail server', 'refused'),
    ({'lmtp_users': 'no-such-user'}, 'mail in', 'no-such-user'),
    ({'mail_auth': 'plain', 'mail_user': 'u', 'mail_secret_file': '/nonexistent/secret'}, 'mail secret',
     '/nonexistent/secret')])
def test_check_finds(database, folder, certs, sink, settings, what, words):
    done = check(database, folder, certs, sink().port, **settings)
    assert done.returncode == 1
    line = re.search(rf'^bad +{what}: (.*)$', done.stdout, re.M)
    assert line and words in line[1], done.stdout


def test_check_finds_no_database(folder, certs):
    done = check(NOWHERE, folder, certs, None)
    assert done.returncode == 1
    assert re.search(r'^bad +database: .*/nonexistent', done.stdout, re.M), done.stdout


def test_check_finds_another_schema(database, folder, certs):
    database.query("UPDATE vac_store.installed SET digest = 'another'")
    done = check(database, folder, certs, None)
    assert done.returncode == 1
    assert re.search(r'^bad +schema: .*vacd migrate', done.stdout, re.M)


def test_check_without_a_schema_or_a_right(cluster, database, folder, certs):
    empty = cluster.database(migrate=False)
    assert re.search(r'^bad +schema: .*vacd migrate', check(empty, folder, certs, None).stdout, re.M)
    empty.drop()
    database.query('REVOKE vac_daemon FROM vacd')
    try:
        assert re.search(r'^bad +schema: .*GRANT vac_daemon', check(database, folder, certs, None).stdout, re.M)
    finally:
        database.query('GRANT vac_daemon TO vacd')


def test_check_compares_time_zones(database, folder, certs):
    """As if PostgreSQL's data were older: its function is replaced by one with another rule."""
    database.query('''CREATE OR REPLACE FUNCTION vac_daemon.zone_offsets()
        RETURNS TABLE (zone text, at bigint, offset_seconds integer) LANGUAGE sql
        AS $$ VALUES ('America/New_York', 1767268800::bigint, -14400) $$''')
    done = check(database, folder, certs, None)
    assert re.search(r'^bad +time zones: America/New_York on 2026-01-01: .*-300 min.*-240 min.*tzdata', done.stdout,
                     re.M), done.stdout
    database.query('''CREATE OR REPLACE FUNCTION vac_daemon.zone_offsets()
        RETURNS TABLE (zone text, at bigint, offset_seconds integer) LANGUAGE sql
        AS $$ VALUES ('America/Nowhere', 1767268800::bigint, 0) $$''')
    done = check(database, folder, certs, None)
    assert re.search(r'^bad +time zones: .*America/Nowhere', done.stdout, re.M), done.stdout


# ---- probe ---------------------------------------------------------------------------------------

ADDRESS = 'somebody@agency.example.org'


def probe(daemon, address=ADDRESS):
    return harness.run_vacd('probe', address, config=daemon.config)


def test_probe_is_sent(database, sink, vacd):
    server = sink()
    done = probe(vacd(database, server))
    # The daemon may still be starting; then the message waits, and the next one shows it.
    if done.returncode == 1:
        server.wait(1)
        done = probe(vacd(database, server))
    assert done.returncode == 0, done.stdout
    assert '250' in done.stdout and ADDRESS in done.stdout
    assert b'text/calendar' in server.copies()[-1].path.read_bytes()


def test_probe_is_refused(database, sink, vacd, manager):
    daemon = vacd(database, sink(hard=100))
    manager.wait_status('Working')
    done = probe(daemon)
    assert done.returncode == 1, done.stdout
    assert re.search(r'refused for somebody@agency\.example\.org: 5\d\d', done.stdout), done.stdout


def test_probe_with_hold_or_nobody_at_work(database, sink, vacd, manager):
    daemon = vacd(database)
    manager.wait_status('Working')
    done = probe(daemon)
    assert done.returncode == 2 and 'deliver = hold' in done.stdout
    other = vacd(database, sink())
    other.stop()
    done = probe(other)
    assert done.returncode == 1 and 'deliver = hold' in done.stdout
    daemon.stop()
    done = probe(other)
    assert done.returncode == 1 and 'No daemon' in done.stdout


def test_probe_to_what_is_no_address(database, sink, vacd, manager):
    daemon = vacd(database, sink())
    manager.wait_status('Working')
    assert probe(daemon, 'some body@example.org').returncode == 2
