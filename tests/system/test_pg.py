"""daemon/pg.c against a real PostgreSQL: order, errors, NOTIFY, losing the connection, coming back."""

import os
import queue
import signal
import socket
import subprocess
import threading
import time

import psycopg
import pytest

import harness


class Driver:
    """tests/system/pg_driver.c, with what it says in a queue."""

    def __init__(self, conninfo, timeout_ms, log):
        self.said = queue.Queue()
        self.log = log
        self.process = subprocess.Popen(
            [harness.BUILD / 'pg-driver', conninfo, str(timeout_ms)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said.put(line.rstrip('\n'))

    def tell(self, *commands):
        self.process.stdin.write(''.join(command + '\n' for command in commands))
        self.process.stdin.flush()

    def hear(self, seconds=120):
        return self.said.get(timeout=seconds)

    def expect(self, *lines):
        for line in lines:
            assert self.hear() == line

    def hear_until(self, line):
        """Everything up to that line, without it."""
        heard = []
        while (said := self.hear()) != line:
            heard.append(said)
        return heard

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(120)
        self.process.stdout.close()
        return status


@pytest.fixture(scope='module')
def own_cluster(session_folder):
    """One that these tests may stop."""
    made = harness.Cluster(session_folder / 'pg_calls')
    made.create()
    yield made
    made.stop('immediate')


@pytest.fixture
def driver(own_cluster, folder):
    started = []
    path = folder / 'driver.log'

    def start(conninfo=None, timeout_ms=5000, up=True):
        with open(path, 'ab') as log:
            made = Driver(conninfo or own_cluster.conninfo('postgres'), timeout_ms, log)
        started.append(made)
        if up:
            made.expect('up')
        return made

    yield start
    for made in started:
        assert made.process.poll() == 0 or made.stop() == 0, path.read_text()[-4000:]


@pytest.fixture
def administrator(own_cluster):
    with psycopg.connect(own_cluster.conninfo('postgres'), autocommit=True) as connection:
        yield connection


def backend(administrator):
    return administrator.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'driver'").fetchone()[0]


def test_settings_are_pinned_whatever_the_role_says(driver, administrator):
    wanted = {'search_path': 'pg_catalog,pg_temp', 'TimeZone': 'UTC', 'DateStyle': 'ISO, MDY',
              'client_encoding': 'UTF8', 'client_min_messages': 'warning', 'lock_timeout': '2s', 'statement_timeout': '5s',
              'idle_in_transaction_session_timeout': '5s', 'application_name': 'driver'}
    administrator.execute("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'")
    administrator.execute("ALTER ROLE postgres SET datestyle = 'German'")
    administrator.execute("ALTER ROLE postgres SET search_path = public")
    administrator.execute("ALTER ROLE postgres SET client_min_messages = 'error'")
    try:
        it = driver()
        for number, (name, value) in enumerate(wanted.items(), 1):
            it.tell(f"call SELECT current_setting('{name}')")
            it.expect(f'{number} done {value}')
    finally:
        administrator.execute('ALTER ROLE postgres RESET ALL')


def warns(code, message, detail):
    text = f"RAISE WARNING '{message}' USING ERRCODE = '{code}', DETAIL = '{detail}'"
    return f'call DO $$ BEGIN {text}; END $$'


def test_of_notices_only_our_own_are_logged_and_not_each_time(driver, folder):
    it = driver()
    it.tell(warns('01000', 'somebody said', 'what=a'), warns('VAC02', 'another code', 'what=b'), warns('VAC01', 'ours', 'what=c'),
            warns('VAC01', 'ours', 'what=c'), warns('VAC01', 'ours', 'what=d'))
    for number in range(1, 6):
        it.expect(f'{number} done ')
    said = [line.split('warning ')[1] for line in (folder / 'driver.log').read_text().splitlines() if ' warning ' in line]
    assert said == ['work not done what=c untold=0', 'work not done what=d untold=1']


def test_answers_come_in_order_and_an_error_takes_none_with_it(driver):
    it = driver()
    it.tell('call SELECT 1', 'call SELECT 1/0', 'call SELECT 2', 'call SELEC', 'call SELECT 1/0',
            'call SELECT NULL', 'call SELECT 3 WHERE false')
    it.expect('1 done 1', '2 refused 22012', '3 done 2', '4 refused 42601', '5 refused 22012',
              '6 done NULL', '7 done ')


def test_an_error_within_a_transaction_does_not_wedge(driver):
    it = driver()
    it.tell('call BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', 'call SELECT 1',
            'call SELECT 1/0', 'call SELECT 2', 'call COMMIT', 'call SELECT 2')
    it.expect('1 done ', '2 done 1', '3 refused 22012', '4 refused 25P02', '5 done ', '6 done 2')


def test_an_error_at_commit_is_not_done(driver, administrator):
    administrator.execute('CREATE TABLE later (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)')
    administrator.execute('INSERT INTO later VALUES (1)')
    it = driver()
    it.tell('call INSERT INTO public.later VALUES (1) RETURNING n', 'call SELECT 1',
            'call INSERT INTO public.later VALUES (2) RETURNING n')
    it.expect('1 refused 23505', '2 done 1', '3 done 2')
    # Alone, with nothing behind it that would wake the loop; whether error and sync come in one read is chance.
    for number in range(4, 44):
        it.tell('call INSERT INTO public.later VALUES (1) RETURNING n')
        it.expect(f'{number} refused 23505')
    administrator.execute('DROP TABLE later')


def test_other_columns_under_a_prepared_statement(driver, administrator):
    administrator.execute('CREATE TABLE wide (a int)')
    administrator.execute('INSERT INTO wide VALUES (1)')
    it = driver()
    it.tell('call SELECT * FROM public.wide')
    it.expect('1 done 1')
    administrator.execute('ALTER TABLE wide ALTER a TYPE text USING (a + 6)::text')
    it.tell('call SELECT * FROM public.wide', 'call SELECT 1')
    it.expect('2 refused 0A000', '3 done 1')
    it.tell('call SELECT * FROM public.wide')
    it.expect('4 done 7')
    administrator.execute('DROP TABLE wide')


def test_a_call_larger_than_the_socket_takes(driver):
    it = driver()
    it.tell('big 8000000', 'big 9000000', 'call SELECT 1')
    it.expect('1 done 8000000', '2 done 9000000', '3 done 1')


def test_notify_also_after_a_reconnect(driver, administrator):
    it = driver()
    administrator.execute('NOTIFY one')
    it.expect('notify one')
    administrator.execute('SELECT pg_terminate_backend(%s)', (backend(administrator),))
    it.expect('down', 'up')
    administrator.execute('NOTIFY two')
    administrator.execute('NOTIFY three')
    administrator.execute('NOTIFY one')
    it.expect('notify two', 'notify one')


def test_a_notify_behind_a_reply(driver):
    """It may come in one packet with the answer to a call: nothing more makes the socket readable."""
    it = driver()
    it.tell('call NOTIFY one')
    assert {it.hear(), it.hear()} == {'1 done ', 'notify one'}


@pytest.mark.parametrize('mode', ['fast', 'immediate'])
def test_restart_while_calls_are_out(driver, own_cluster, mode):
    it = driver()
    it.tell('call SELECT 1', 'call SELECT pg_sleep(20)', 'call SELECT 2')
    it.expect('1 done 1')
    own_cluster.restart(mode)
    it.expect('down', '2 lost', '3 lost', 'up')
    it.tell('call SELECT 1', 'call SELECT 4')
    it.expect('4 done 1', '5 done 4')


def test_server_away_for_a_while(driver, own_cluster):
    it = driver()
    own_cluster.stop('fast')
    it.expect('down')
    it.tell('call SELECT 1')
    it.expect('not connected')
    time.sleep(1.5)
    own_cluster.start()
    it.expect('up')
    it.tell('call SELECT 1')
    it.expect('2 done 1')


def test_not_there_at_the_start(driver, own_cluster):
    own_cluster.stop('fast')
    it = driver(up=False)
    time.sleep(1)
    own_cluster.start()
    it.expect('up')


def test_a_stopped_server_process_is_given_up(driver, administrator):
    """It honours no statement_timeout: the client's own patience ends it, 2 s later."""
    it = driver(timeout_ms=1000)
    pid = backend(administrator)
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        it.tell('call SELECT 1', 'call SELECT 2')
        it.expect('down', '1 lost', '2 lost', 'up')
        assert time.monotonic() - begun > 2
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_slow_statement_is_cancelled_by_the_server(driver):
    it = driver(timeout_ms=1000)
    it.tell('call SELECT pg_sleep(5)', 'call SELECT 2')
    it.expect('1 refused 57014', '2 done 2')


def test_patience_is_for_each_call(driver):
    """Twice as long in all as for one call; no single call takes long."""
    it = driver(timeout_ms=5000)
    it.tell(*['call SELECT pg_sleep(1)'] * 10)
    it.expect(*[f'{n} done ' for n in range(1, 11)])


def test_drop_within_a_reply(driver):
    it = driver()
    it.tell('drop-in-reply', 'call SELECT 1', 'call SELECT 2')
    it.expect('1 done 1', 'not connected')
    heard = it.hear_until('up')
    assert heard == ['down', '2 lost'] or heard == ['2 done 2', 'down'], heard


def test_free_within_a_reply(driver):
    it = driver()
    it.tell('free-in-reply', 'call SELECT 1', 'call SELECT 2')
    it.expect('1 done 1')
    assert it.process.wait(120) == 0


def test_drop_comes_back(driver):
    it = driver()
    for _ in range(3):
        it.tell('drop')
        it.expect('down', 'up')


def test_what_is_opened_in_the_turn_of_a_loss_is_watched(driver, own_cluster):
    """libpq closes its socket; who opens a descriptor then gets the same number, in the same turn of the loop."""
    it = driver()
    it.process.send_signal(signal.SIGSTOP)
    with psycopg.connect(own_cluster.conninfo('postgres')) as connection:
        pid = backend(connection)
    os.kill(pid, signal.SIGKILL)    # it says no word, which would be read first
    harness.wait_for(lambda: not os.path.exists(f'/proc/{pid}'), what='the end of the session')
    it.tell('watch')
    it.process.send_signal(signal.SIGCONT)
    assert sorted(it.hear() for _ in range(3)) == ['down', 'heard', 'up']


def conninfo_with(first, port, cluster, extra=''):
    return (f'host={first},{cluster.socket_dir} port={port},{cluster.port} user=postgres '
            f'dbname=postgres {extra}')


def test_a_host_that_swallows_everything_hides_no_other(driver, own_cluster):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        it = driver(conninfo_with('127.0.0.1', silent.getsockname()[1], own_cluster, 'connect_timeout=2'),
                    up=False)
        it.expect('up')
        it.tell('drop')
        it.expect('down', 'up')


def test_the_server_is_to_ask_after_us(driver, folder):
    """Else a session that went silent in the midst of a call keeps its locks for hours. What the connection string
    says of it stands behind, and counts."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / '.s.PGSQL.5432'))
        listener.listen()
        driver(f"host={folder} port=5432 user=postgres dbname=postgres options='-c tcp_keepalives_idle=60'", up=False)
        connection, _ = listener.accept()
        with connection:
            asked = dict(zip(*[iter(connection.recv(65536)[8:].split(b'\0'))] * 2))[b'options'].decode().split('-c ')
    asked = [words.strip() for words in asked]
    for words in ('tcp_keepalives_idle=30', 'tcp_keepalives_interval=5', 'tcp_keepalives_count=3', 'tcp_user_timeout=45000'):
        assert words in asked, asked
    assert asked.index('tcp_keepalives_idle=30') < asked.index('tcp_keepalives_idle=60') < asked.index('lock_timeout=2000')


def test_a_host_that_refuses_is_passed_over(driver, own_cluster):
    driver(conninfo_with('localhost', harness.free_port(), own_cluster))


def test_a_host_that_cannot_be_found_is_passed_over(driver, own_cluster):
    driver(conninfo_with('nowhere.invalid', 5432, own_cluster))


def test_a_server_that_will_not_be_written_to_is_passed_over(driver, own_cluster, administrator):
    """target_session_attrs is looked at for each host."""
    administrator.execute('CREATE DATABASE standby')
    administrator.execute('ALTER DATABASE standby SET default_transaction_read_only = on')
    try:
        it = driver(own_cluster.conninfo('standby') + ' target_session_attrs=read-write', up=False)
        with pytest.raises(queue.Empty):
            it.hear(1.5)
        administrator.execute('ALTER DATABASE standby RESET default_transaction_read_only')
        it.expect('up')
        it.stop()
    finally:
        administrator.execute('DROP DATABASE standby WITH (FORCE)')
