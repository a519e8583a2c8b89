"""Mail that comes in beside open transactions, other daemons and lost replies: it waits, and acts once."""

import json
import threading
import time
import uuid

import psycopg
import pytest

import harness

SQL = harness.ROOT / 'tests' / 'sql'


def world_of_sql_tests():
    """The small world of tests/sql/answer.psql, made for good instead of inside a transaction."""
    text = (SQL / 'answer.psql').read_text().replace('\\ir people.psql', (SQL / 'people.psql').read_text())
    return text.replace('SET LOCAL', 'SET').replace(' \\g /dev/null', ';')


class World:
    def __init__(self, database):
        self.database = database
        self.admin = database.connect()
        self.admin.execute(world_of_sql_tests())

    def value(self, sql, *args):
        return self.admin.execute(sql, args or None).fetchone()[0]

    def daemon(self):
        return self.database.connect('vacd')

    def mail(self):
        return self.value("""INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
            VALUES (clock_timestamp(), '', 'vacd@agency.example', gen_random_uuid(), 'x', 1, clock_timestamp()) RETURNING inbound_id""")

    def claim(self, daemon, most=1):
        return daemon.execute('SELECT inbound_id, fence FROM vac_daemon.claim_inbound(%s, %s, 60000)', (uuid.uuid4(), most)).fetchall()

    def take(self, daemon, mail, fence, record, appointment):
        handle = self.value('SELECT answer_handle FROM appointment WHERE appointment_id = %s', appointment)
        return daemon.execute("SELECT outcome FROM vac_daemon.take_mail(%s, %s, %s, %s, 'answer', 'good')",
                              (mail, fence, json.dumps(record), handle)).fetchone()[0]

    def invited(self):
        return self.value('SELECT pg_temp.invited()')

    def says(self, appointment, partstat):
        return self.value('SELECT pg_temp.says(%s, %s)', appointment, partstat)

    def state(self, appointment):
        return self.value('SELECT state FROM appointment WHERE appointment_id = %s', appointment)


@pytest.fixture
def world(database):
    made = World(database)
    yield made
    made.admin.close()


LOCKS = {
    'case': 'SELECT FROM vac_store.case_record FOR NO KEY UPDATE',
    'request': 'SELECT FROM vac_store.request FOR NO KEY UPDATE',
    'coordinator': "SELECT FROM vac_store.coordinator WHERE code = 'SEA-1' FOR NO KEY UPDATE",
    'appointment': 'SELECT FROM vac_store.appointment FOR NO KEY UPDATE',
    'message': 'SELECT FROM vac_store.message FOR UPDATE',
    'bar': "INSERT INTO vac_store.request_bar (request_id, coordinator_id) SELECT request_id, coordinator_id FROM vac_store.appointment",
}


@pytest.mark.parametrize('what', LOCKS)
def test_what_somebody_holds_is_tried_again_a_little_later(world, what):
    appointment = world.invited()
    world.admin.execute("UPDATE message SET state = 'queued'")   # so that a CANCEL has to overtake it
    record = world.says(appointment, 'DECLINED')
    mail = world.mail()
    with world.daemon() as daemon, psycopg.connect(world.database.conninfo()) as supervisor:
        supervisor.execute(LOCKS[what])
        (claimed, fence), = world.claim(daemon)
        began = world.value('SELECT clock_timestamp()')
        daemon.execute("SET statement_timeout = '60s'")
        assert world.take(daemon, claimed, fence, record, appointment) == 'again'
        assert world.value('SELECT state FROM inbound WHERE inbound_id = %s', mail) == 'waiting'
        assert world.value('SELECT deaths FROM inbound WHERE inbound_id = %s', mail) == 0
        assert world.value('SELECT vac_daemon.next_inbound()') <= 1000
        assert world.value("SELECT not_before > %s + interval '0.1 seconds' FROM inbound WHERE inbound_id = %s", began, mail)
        assert world.state(appointment) == 'invited'
        supervisor.rollback()
        world.admin.execute('UPDATE inbound SET not_before = now()')
        (claimed, fence), = world.claim(daemon)
        assert world.take(daemon, claimed, fence, record, appointment) == 'taken'
    assert world.state(appointment) == 'declined'
    assert world.value('SELECT count(*) FROM answer') == 1


def test_a_lost_reply_does_nothing_twice(world):
    appointment = world.invited()
    record = world.says(appointment, 'DECLINED')
    world.mail()
    with world.daemon() as daemon:
        (mail, fence), = world.claim(daemon)
        assert world.take(daemon, mail, fence, record, appointment) == 'taken'
        assert world.take(daemon, mail, fence, record, appointment) == 'fence'
        assert world.claim(daemon) == []
    assert world.value('SELECT times FROM request_bar') == 1
    assert world.value("SELECT count(*) FROM message WHERE kind = 'cancel'") == 1


def test_copies_that_come_at_once_count_once(world):
    appointment = world.invited()
    record = world.says(appointment, 'ACCEPTED')
    for _ in range(8):
        world.mail()
    outcomes = []

    def work():
        with world.daemon() as daemon:
            while rows := world.claim(daemon):
                done = world.database.connect('vacd').execute(
                    "SELECT outcome FROM vac_daemon.take_mail(%s, %s, %s, %s, 'answer', 'good')",
                    (*rows[0], json.dumps(record), handle)).fetchone()[0]
                outcomes.append(done)
                if done == 'again':
                    time.sleep(0.3)

    handle = world.value('SELECT answer_handle FROM appointment')
    for _ in range(200):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if world.value('SELECT count(*) FROM inbound WHERE waiting') == 0:
            break
        time.sleep(0.3)
    assert sorted(o for o in outcomes if o != 'again') == ['duplicate'] * 7 + ['taken']
    assert world.value('SELECT count(*) FROM answer') == 1
    assert world.state(appointment) == 'accepted'


def test_a_claim_takes_what_others_have_not(world):
    first, second = world.mail(), world.mail()
    with psycopg.connect(world.database.conninfo('vacd')) as open_one, world.daemon() as other:
        assert [row[0] for row in world.claim(open_one)] == [first]
        assert [row[0] for row in world.claim(other, 9)] == [second]
        open_one.rollback()
        assert [row[0] for row in world.claim(other, 9)] == [first]
