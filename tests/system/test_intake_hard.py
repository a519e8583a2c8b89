"""The intake when things go wrong: kills, a database that is away or slow, floods, slow senders, reload, stop."""

import os
import re
import resource
import signal
import socket
import ssl
import threading
import time

import pytest

import harness
from intake_client import Door, parse, read_all, read_one

CASE = {'office': 'SEA', 'language': 'es'}
WITHIN = 120   # seconds, for whatever must happen soon
SMALL = os.environ.get('VACD_TEST_LOAD') == 'small'   # under a sanitizer


@pytest.fixture(scope='module')
def places(cluster, session_folder):
    """One database for the whole file: each test has keys of its own."""
    made = cluster.database(harness.wide_roster(session_folder, [('SEA', 'America/Los_Angeles')], 2))
    for function in ('intake_open', 'intake_state'):
        made.be_patient(f'vac_daemon.{function}')
    yield made
    made.drop()


@pytest.fixture
def open_door(folder, places, certs):
    made = []

    def start(**settings):
        made.append(Door(folder, places, certs, name=f'door{len(made)}', **settings))
        return made[-1]

    yield start
    for door in made:
        door.daemon.stop()
        log = door.daemon.log()
        for sign in ('AddressSanitizer', 'runtime error:', 'LeakSanitizer'):
            assert sign not in log, log[-6000:]


def request(door, form=b'{"office": "SEA"}', key='k', token='tips'):
    return (f'POST /v1/cases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {door.tokens[token]}\r\nIdempotency-Key: {key}\r\n'
            f'Content-Type: application/json\r\nContent-Length: {len(form)}\r\n\r\n').encode() + form


def waits_for_a_lock(database):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vacd intake' "
                          "AND wait_event_type = 'Lock' AND datname = current_database()")


def heard(connections):
    """{connection: what is there to be read}, of those that have something."""
    found = {}
    for one in connections:
        one.setblocking(False)
        try:
            found[one] = one.recv(65536)
        except ssl.SSLWantReadError:
            pass
    return found


# ---- kills, the database -------------------------------------------------------------------------

def test_killed_between_commit_and_reply(open_door, places):
    """The database commits, and the daemon dies before it can say so: the same key gives the same case."""
    door = open_door()
    before = door.cases()
    with door.connect() as connection:
        with places.connect() as blocker:
            blocker.execute('BEGIN; LOCK TABLE vac_store.case_record IN EXCLUSIVE MODE')
            connection.sendall(request(door, key='cut'))
            harness.wait_for(lambda: waits_for_a_lock(places), WITHIN, 'a call that waits')
            door.daemon.freeze()
            blocker.execute('ROLLBACK')
        code = harness.wait_for(lambda: places.value("SELECT case_code FROM vac_store.case_record WHERE idempotency_key = 'cut'"), WITHIN, 'the commit')
        door.daemon.kill()
        assert read_all(connection) == b''
    door.daemon.start()
    door.wait()
    again = door.post({'office': 'SEA'}, 'cut')
    assert again.status == 201 and again.body['cases'] == [code]
    assert door.cases() == before + 1


def test_killed_again_and_again(open_door):
    """Whatever was told 201 is there, and nothing is there twice."""
    door = open_door()
    before = door.cases()
    told, stop = {}, threading.Event()

    def client(number):
        for n in range(1000):
            key = f'{number}-{n}'
            while key not in told:
                if stop.is_set():
                    return
                try:
                    answer = parse(door.say(request(door, key=key).replace(b'Host:', b'Connection: close\r\nHost:')))
                    if answer.status == 201:
                        told[key] = answer.body['cases'][0]
                except (OSError, ValueError, ssl.SSLError):
                    time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2 if SMALL else 4):
        seen = len(told)
        harness.wait_for(lambda: len(told) > seen + 10, WITHIN, 'some cases')
        door.daemon.kill()
        door.daemon.start()
    stop.set()
    for thread in threads:
        thread.join()
    # In one query: what the last daemon had begun may be committed meanwhile.
    rows = door.database.query('''
        SELECT idempotency_key, case_code, (SELECT count(*) FROM vac_store.case_record)
        FROM vac_store.case_record WHERE idempotency_key ~ '^[0-9]+-' ''')
    stored = {key: code for key, code, _ in rows}
    assert len(stored) == rows[0][2] - before and len(told) > 20
    assert {key: stored.get(key) for key in told} == told
    door.wait()


def test_the_database_goes_away_and_comes_back(open_door, cluster):
    door = open_door()
    before = door.cases()
    cluster.stop('immediate')
    try:
        harness.wait_for(lambda: door.health() == 503, WITHIN, 'bad health')
        answer = door.post(CASE, 'while')
        assert answer.status == 503 and answer.headers['retry-after'] == '5' and 'Idempotency-Key' in answer.body['errors'][0]['advice']
        assert door.ask('/v1/cases/AAA-AAA').status == 503
        metrics = door.watch('/metrics')
        assert metrics.status == 200 and b'vacd_database_up 0' in metrics.body and b'vacd_cases_open' not in metrics.body
    finally:
        cluster.start()
    harness.wait_for(lambda: door.health() == 200, what='good health')
    assert door.post(CASE, 'while').status == 201
    assert door.cases() == before + 1


def test_a_slow_database(open_door, places):
    """503 in time, and the same key tells later what became of it."""
    door = open_door(intake_request_ms=1000)
    before = door.cases()
    with places.connect() as blocker:
        blocker.execute('BEGIN; LOCK TABLE vac_store.case_record IN EXCLUSIVE MODE')
        answers = []
        thread = threading.Thread(target=lambda: answers.append(door.post(CASE, 'slow')))
        thread.start()
        harness.wait_for(lambda: waits_for_a_lock(places), WITHIN, 'a call that waits')
        thread.join()
        assert answers[0].status == 503 and 'retry-after' in answers[0].headers
        blocker.execute('ROLLBACK')
    again = harness.wait_for(lambda: (a := door.post(CASE, 'slow')).status == 201 and a, WITHIN, '201')
    assert len(again.body['cases']) == 1 and door.cases() == before + 1


def test_a_schema_that_is_another(open_door, places):
    door = open_door()
    digest = places.value('SELECT digest FROM vac_store.installed')
    places.query("UPDATE vac_store.installed SET digest = 'another'")
    harness.wait_for(lambda: door.post(CASE, 'k').status == 503, WITHIN, '503')
    assert door.health() == 503
    places.query('UPDATE vac_store.installed SET digest = %s', digest)
    harness.wait_for(lambda: door.post(CASE, 'k').status == 201, WITHIN, '201')


SPOILT = '''
    CREATE FUNCTION vac_store.spoil() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'SECRET-WORD in %', NEW USING ERRCODE = '22012';
    END $$;
    CREATE TRIGGER spoil AFTER INSERT ON vac_store.request FOR EACH ROW EXECUTE FUNCTION vac_store.spoil();
    ALTER FUNCTION vac_store.standing(bigint, timestamptz) RENAME TO standing_elsewhere'''
WHOLE = '''
    DROP FUNCTION vac_store.spoil() CASCADE;
    ALTER FUNCTION vac_store.standing_elsewhere(bigint, timestamptz) RENAME TO standing'''


def test_a_fault_of_ours(open_door, places):
    """Nothing of the inside is told, nothing is half stored, and the journal names the error."""
    door = open_door()
    code, = door.post(CASE, 'before the fault').body['cases']
    before = door.cases()
    with places.connect() as owner:
        owner.execute(SPOILT)
    try:
        answer = door.post(CASE, 'fault')
        assert answer.status == 500 and [e['problem'] for e in answer.body['errors']] == ["a fault of vacd's; nothing was stored"]
        assert set(answer.headers) == {'content-type', 'content-length', 'cache-control', 'date'}
        assert door.cases() == before
        state = door.ask(f'/v1/cases/{code}')
        assert (state.status, state.body) == (500, answer.body)
        assert door.ask(f'/v1/cases/{code}', '-I').body == b''
    finally:
        with places.connect() as owner:
            owner.execute(WHOLE)
    log = door.daemon.log()
    assert 'sqlstate=22012' in log and 'sqlstate=42883' in log and 'SECRET-WORD' not in log
    assert door.post(CASE, 'fault').status == 201 and door.cases() == before + 1


def test_the_journal_names_who_sends_nonsense(open_door):
    """Once the database has said whose token it is; never for a token of nobody's, or one that is retired."""
    door = open_door()

    def client():
        return re.findall('client=([^ ]+) .*status=4', door.daemon.log())[-1]

    assert door.post({}, 'k').status == 400 and client() == '?'
    assert door.ask('/v1/cases/AAA-AAA').status == 404 and client() == 'tips'
    for refused in (door.post({}, 'k'), door.post(CASE, None), door.post(CASE, 'k', media='text/plain')):
        assert refused.status in (400, 415) and client() == 'tips'
    assert door.post({}, 'k', token='vac_none').status == 400 and client() == '?'


def test_who_leaves_while_the_database_works(open_door, places):
    """What they asked is done; nobody is there to be told. Of those that reset the connection it may never have been read."""
    door = open_door()
    before = door.cases()
    with places.connect() as blocker:
        blocker.execute('BEGIN; LOCK TABLE vac_store.case_record IN EXCLUSIVE MODE')
        for number in range(6):
            connection = door.connect()
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            connection.sendall(request(door, key=f'left {number}') + b'GET / HTTP/1.1\r\n' * (number % 3))
            harness.wait_for(lambda: waits_for_a_lock(places), WITHIN, 'a call that waits')
            connection.close()
        blocker.execute('ROLLBACK')
    harness.wait_for(lambda: door.cases() >= before + 3, WITHIN, 'the cases')
    assert door.post({'office': 'SEA'}, 'left 0').status == 201 and door.health() == 200


def test_many_requests_in_one_write(open_door):
    """More than the daemon keeps unread: each is answered, one after the other."""
    door = open_door()
    ask = f'GET /v1/cases/AAA-AAA HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.tokens["tips"]}\r\n\r\n'.encode()
    many = 60000 // len(ask)
    with door.connect() as connection:
        connection.sendall(ask * many + b'GET /nothing HTTP/1.0\r\n\r\n')
        assert read_all(connection).count(b' 404 Not Found') == many + 1


# ---- too much, too slow --------------------------------------------------------------------------

def test_rate_of_a_client(open_door):
    door, began, asked = open_door(intake_rate=5), time.monotonic(), 0
    while (answer := door.ask('/v1/cases/AAA-AAA')).status == 404:
        asked += 1
    # Five at once, and one more for each twelve seconds that this took.
    assert 5 <= asked <= 5 + (time.monotonic() - began) / 12
    assert answer.status == 429 and 1 <= int(answer.headers['retry-after']) <= 13
    # Another has a rate of its own.
    assert door.ask('/v1/cases/AAA-AAA', token='web').status == 404


def test_who_guesses_tokens_is_slowed_down_and_hinders_nobody(open_door):
    door = open_door()
    assert door.ask('/v1/cases/AAA-AAA').status == 404
    statuses, began = [], time.monotonic()
    for n in range(30):
        answer = door.say(f'GET /v1/cases/AAA-AAA HTTP/1.0\r\nAuthorization: Bearer guess{n}\r\n\r\n'.encode())
        statuses.append(parse(answer).status)
    # Twenty at once, and one more for each three seconds that this took.
    more = int((time.monotonic() - began) / 3)
    assert statuses[:20] == [401] * 20 and set(statuses) == {401, 429} and statuses.count(401) <= 20 + more
    assert door.ask('/v1/cases/AAA-AAA').status == 404, 'from the same address'


def test_who_guesses_tokens_leaves_room_while_the_database_is_slow(open_door, places):
    """Of the calls that may wait for the database half are for clients that are known."""
    door = open_door(intake_request_ms=60000)
    assert door.ask('/v1/cases/AAA-AAA').status == 404
    guesses = []
    answers = []
    with places.connect() as blocker:
        blocker.execute('BEGIN; LOCK TABLE vac_store.client_key IN ACCESS EXCLUSIVE MODE')
        for n in range(210):
            guesses.append(door.connect())
            guesses[-1].sendall(f'GET /v1/cases/AAA-AAA HTTP/1.0\r\nAuthorization: Bearer guess{n}\r\n\r\n'.encode())
        assert read_all(guesses[-1]).startswith(b'HTTP/1.0 503')
        thread = threading.Thread(target=lambda: answers.append(door.ask('/v1/cases/AAA-AAA').status))
        thread.start()
        thread.join(1)   # whoever is refused is so at once
        blocker.execute('ROLLBACK')
    thread.join()
    assert answers == [404]
    for one in guesses:
        one.close()


@pytest.mark.bare   # the daemon gives up after seconds, in which the sanitizers do not get through
def test_what_was_given_up_takes_room_until_the_database_has_answered(open_door, places):
    """Clients that leave, or are told 503, do not fill the daemon with calls while the database says nothing."""
    door = open_door(intake_request_ms=6000, database_timeout_ms=300000)
    assert door.ask('/v1/cases/AAA-AAA').status == 404
    before = door.cases()
    session = places.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'vacd intake' AND datname = current_database()")
    os.kill(session, signal.SIGSTOP)
    try:
        asking = []
        for n in range(210):
            asking.append(door.connect())
            asking[-1].sendall(request(door, key=f'silent {n}'))
        refused = {}
        harness.wait_for(lambda: refused.update(heard([one for one in asking if one not in refused])) or len(refused) >= 10, WITHIN, 'ten that there is no room for')
        assert all(answer.startswith(b'HTTP/1.1 503') for answer in refused.values())
        waiting = [one for one in asking if one not in refused]
        for one in waiting[:len(waiting) // 2]:
            one.close()
        for one in waiting[len(waiting) // 2:]:
            one.settimeout(WITHIN)
            assert read_one(one).startswith(b'HTTP/1.1 503')
        for one in asking:
            one.close()
        for n in range(20):
            assert door.post(CASE, f'more {n}').status == 503
        assert b'vacd_cases_open' not in door.watch('/metrics').body
    finally:
        os.kill(session, signal.SIGCONT)
    # In the order in which they were asked.
    harness.wait_for(lambda: door.post(CASE, 'last').status == 201, WITHIN, '201')
    assert door.cases() == before + 200 + 1


def test_who_is_not_known_is_answered_slowly(open_door):
    """One that asks without end does not keep the daemon from its work."""
    door = open_door()
    with door.connect() as connection:
        began = time.monotonic()
        connection.sendall(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n' * 5 + b'GET /nothing HTTP/1.0\r\n\r\n')
        assert read_all(connection).count(b' 404 Not Found') == 6
        assert time.monotonic() - began > 0.9, 'five rests of 200 ms'


def test_slow_senders(open_door):
    """408 for whoever sends a bit now and then, whatever they send; the end for whoever says nothing."""
    door = open_door(intake_request_ms=3000, intake_idle_ms=3000)
    silent = socket.create_connection(('127.0.0.1', door.port))
    greeted = door.connect()
    kept = door.connect()
    kept.sendall(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')
    assert read_one(kept).startswith(b'HTTP/1.1 404')
    slow = door.connect()
    slow.settimeout(0.1)
    answer = b''
    for byte in request(door) * 10:
        try:
            slow.sendall(bytes([byte]))
            answer += slow.recv(4096)
        except TimeoutError:
            continue
        except (OSError, ssl.SSLError):
            break
        if answer:
            break
    slow.settimeout(WITHIN)
    answer += read_all(slow)
    assert parse(answer).status == 408 and parse(answer).headers['connection'] == 'close'
    for one in (silent, greeted, kept):
        one.settimeout(WITHIN)
        assert one.recv(4096) == b''
    for one in (slow, silent, greeted, kept):
        one.close()
    assert door.post(CASE, 'good').status == 201


def test_who_takes_no_answers(open_door):
    """A client that asks and asks and reads nothing is given up, not served from memory without end."""
    door = open_door(intake_request_ms=3000)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(WITHIN)
        connection.connect(('127.0.0.1', door.watch_port))
        with pytest.raises(ConnectionError):
            for _ in range(100000):
                connection.sendall(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n' * 100)
    assert door.post(CASE, 'good').status == 201


def test_idle_connections_do_not_stop_a_good_client(open_door):
    """10,000 that say nothing, some of them half-way through TLS or a request, as far as descriptors go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = min(1000 if SMALL else 10000, (hard if hard != resource.RLIM_INFINITY else 100000) - 500)
    door = open_door(intake_connections=300, intake_request_ms=600000)   # so that none goes by itself
    idle = []
    try:
        for number in range(wanted):
            one = socket.socket()
            one.settimeout(WITHIN)
            one.connect(('127.0.0.1', door.port))
            if number % 50 == 0:
                one.sendall(b'\x16\x03\x01\x02\x00\x01')
            idle.append(one)
            if number % (wanted // 5) == 0:
                assert door.post(CASE, f'good {number}').status == 201
        half = [door.connect() for _ in range(20)]
        for one in half:
            one.sendall(b'POST /v1/cases HTTP/1.1\r\nHost:')
        assert door.post(CASE, 'good').status == 201
        text = door.watch('/metrics').body.decode()
        assert int(re.search(r'^vacd_intake_connections (\d+)$', text, re.M)[1]) <= 300
        assert int(re.search(r'^vacd_intake_connections_dropped_total (\d+)$', text, re.M)[1]) >= wanted - 300
        for one in half:
            one.close()
    finally:
        for one in idle:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_known_client_keeps_its_connection(open_door):
    """Of those that are idle it is the last to be given up."""
    door = open_door(intake_connections=10)
    ask = f'GET /v1/cases/AAA-AAA HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.tokens["tips"]}\r\n\r\n'.encode()
    with door.connect() as known:
        known.sendall(ask)
        assert read_one(known).startswith(b'HTTP/1.1 404')
        flood = [socket.create_connection(('127.0.0.1', door.port)) for _ in range(50)]
        assert door.ask('/v1/cases/AAA-AAA').status == 404
        known.sendall(ask)
        assert read_one(known).startswith(b'HTTP/1.1 404')
        for one in flood:
            one.close()


def test_descriptors_are_kept_back(open_door, cluster):
    """With few descriptors there are fewer connections, and whoever floods them leaves the database its own."""
    door = open_door(intake_connections=20000)
    door.daemon.stop()
    door.daemon.front = ['prlimit', '--nofile=250:300']
    door.daemon.start()
    door.wait()
    assert resource.prlimit(door.daemon.pid, resource.RLIMIT_NOFILE) == (300, 300)
    assert 'fewer connections than configured connections=80 ' in door.daemon.log()
    door.daemon.freeze()   # so that all of them come at once
    flood = [socket.create_connection(('127.0.0.1', door.port)) for _ in range(400)]
    door.daemon.wake()
    cluster.stop('immediate')
    cluster.start()
    harness.wait_for(lambda: door.post(CASE, 'kept back').status == 201, what='201')
    assert 'connection not accepted' not in door.daemon.log()
    for one in flood:
        one.close()


# ---- reload, stop --------------------------------------------------------------------------------

def test_reload_renews_the_certificate(open_door, folder, certs):
    cert, key = folder / 'own.crt', folder / 'own.key'

    def present(which):
        cert.write_bytes(which.cert.read_bytes())
        key.write_bytes(which.key.read_bytes())

    present(certs.good)
    door = open_door(intake_cert_file=cert, intake_key_file=key)
    with door.connect() as old:
        present(certs.wrong_name)
        door.daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: 'configuration read again' in door.daemon.log(), WITHIN, 'the reload')
        with pytest.raises(OSError, match='other.example.org|subject'):
            door.post(CASE, 'k')
        old.sendall(request(door, key='old'))
        assert read_one(old).startswith(b'HTTP/1.1 201'), 'what is open goes on'
    cert.write_text('nonsense')
    door.daemon.signal(signal.SIGHUP)
    harness.wait_for(lambda: 'reload refused' in door.daemon.log(), WITHIN, 'a refusal')
    assert 'intake_cert_file' in door.daemon.log()
    present(certs.good)
    door.daemon.signal(signal.SIGHUP)
    harness.wait_for(lambda: door.daemon.log().count('configuration read again') == 2, WITHIN, 'the reload')
    assert door.post(CASE, 'new').status == 201


def test_reload_leaves_an_open_connection_its_size(open_door):
    door = open_door(intake_size_max=1048576)
    large = b'{"office": "SEA"}' + b' ' * 60000
    with door.connect() as old:
        old.sendall(request(door, key='size'))
        assert read_one(old).startswith(b'HTTP/1.1 201')
        config = door.daemon.config.read_text()
        assert 'intake_size_max = 1048576' in config
        door.daemon.config.write_text(config.replace('intake_size_max = 1048576', 'intake_size_max = 1024'))
        door.daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: 'configuration read again' in door.daemon.log(), WITHIN, 'the reload')
        old.sendall(request(door, large, key='size'))
        assert read_one(old).startswith(b'HTTP/1.1 201')
    assert parse(door.say(request(door, large, key='size').split(b'{')[0])).status == 413


def test_stop_finishes_what_was_asked(open_door, places):
    door = open_door()
    before = door.cases()
    idle, half, asked = door.connect(), door.connect(), door.connect()
    half.sendall(request(door, key='half')[:-5])
    with places.connect() as blocker:
        blocker.execute('BEGIN; LOCK TABLE vac_store.case_record IN EXCLUSIVE MODE')
        asked.sendall(request(door, key='asked'))
        harness.wait_for(lambda: waits_for_a_lock(places), WITHIN, 'a call that waits')
        door.daemon.signal(signal.SIGTERM)
        assert parse(read_all(half)).status == 503
        assert read_all(idle) == b''
        assert door.health() == 503, 'who watches is told so to the end'
        with pytest.raises(OSError):
            socket.create_connection(('127.0.0.1', door.port), timeout=120)
        began = time.monotonic()
        blocker.execute('ROLLBACK')
    answer = parse(read_all(asked))
    assert answer.status == 201 and answer.headers['connection'] == 'close'
    assert door.daemon.process.wait(WITHIN) == 0
    assert time.monotonic() - began > 1.5, 'two seconds for the answer to be taken'
    assert door.cases() == before + 1


def test_an_address_that_is_none(folder, places, certs):
    config = harness.write_config(folder / 'bad.conf', **harness.daemon_settings(
        folder, places, certs, intake_listen='localhost', intake_cert_file=certs.good.cert, intake_key_file=certs.good.key))
    for command in ('check', 'daemon'):
        done = harness.run_vacd(command, config=config)
        assert done.returncode != 0 and "intake_listen: 'localhost' is no address and port" in done.stdout + done.stderr
