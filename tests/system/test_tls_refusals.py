"""Servers that refuse us, or say nothing: the message waits, an alarm says why, and nobody is asked too often.

What is wrong with a server's own TLS is in test_tls_table.py."""

import time

import pytest

import harness
from smtp_fault import FaultServer
from test_service import CUT_SHORT

WITHIN = 120   # seconds, for whatever must happen soon


@pytest.fixture
def server(certs):
    made = []

    def start(cert=None, **options):
        made.append(FaultServer(cert or certs.good, **options))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def queue(database):
    return database.value("SELECT vac_daemon.queue_probe('person@agency.example.org', 'A Person')")


def alarm(database, name):
    return database.value('SELECT text FROM vac_store.alarm WHERE name = %s', name)


def state(database, message):
    return database.value('SELECT state FROM vac_store.message WHERE message_id = %s', message)


def wait_alarm(database, name):
    return harness.wait_for(lambda: alarm(database, name), WITHIN, f'alarm {name}')


def is_waiting(database, message):
    """Not sent, not given up; a claim may be on its way back."""
    return state(database, message) in ('queued', 'claimed')


def settings(starttls):
    return dict(mail_tls='starttls' if starttls else 'implicit', mail_timeout_ms=3000, poll_ms=300)


def recovers(database, server, message):
    """The server was put right: the message goes out and the alarms end."""
    harness.wait_for(lambda: state(database, message) == 'sent', what='the waiting message to be sent')
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.alarm') == 0, WITHIN, 'end of alarms')
    assert len(server.mails) == 1


def test_check_does_not_wait_for_ever(database, server, folder, certs):
    wrong = server()
    config = harness.write_config(
        folder / 'check.conf',
        **harness.daemon_settings(folder, database, certs, wrong.port, mail_timeout_ms=3000))
    assert 'ok   mail server' in harness.run_vacd('check', config=config).stdout
    wrong.wrong('connect', 'silent')
    done = harness.run_vacd('check', config=config)
    assert done.returncode != 0
    assert 'handshake' in done.stdout + done.stderr


def test_client_certificate(database, server, vacd, certs):
    strict = server(client_ca=certs.ca)
    message = queue(database)
    vacd(database, strict, mail_cert_file=certs.client.cert, mail_key_file=certs.client.key,
         **settings(False))
    recovers(database, strict, message)


def test_no_client_certificate(database, server, vacd, certs):
    strict = server(client_ca=certs.ca)
    message = queue(database)
    vacd(database, strict, **settings(False))
    assert 'mail_cert_file' in wait_alarm(database, 'mail_server')
    assert is_waiting(database, message)
    assert strict.mails == []


def test_silent_server(database, server, vacd):
    """A server that takes the connection and says nothing holds up no other work, and is not asked often."""
    wrong = server()
    wrong.wrong('connect', 'silent')
    message = queue(database)
    daemon = vacd(database, wrong, mail_helo='client.example.org', mail_timeout_ms=300, poll_ms=300)
    wait_alarm(database, 'mail_server')
    assert is_waiting(database, message)
    assert wrong.connections < 10
    assert daemon.stop() == 0
    assert CUT_SHORT not in daemon.log()


def test_refused_login_stops_the_queue(database, server, vacd, folder):
    wrong = server()
    wrong.wrong('auth', '5yz')
    (folder / 'secret').write_text('open-sesame-1234\n')
    messages = [queue(database) for _ in range(20)]
    daemon = vacd(database, wrong, mail_auth='plain', mail_user='vacd', mail_secret_file=folder / 'secret',
                  mail_helo='client.example.org', **settings(False))
    text = wait_alarm(database, 'mail_login')
    assert '535 5.7.8 no such login' in text
    time.sleep(3)
    logins = [line for line in wrong.commands() if line.startswith('AUTH')]
    assert 1 <= len(logins) <= 4, 'a refused login is not tried again and again'
    assert all(is_waiting(database, message) for message in messages)
    assert database.value('SELECT max(attempts) FROM vac_store.message') == 0
    assert 'open-sesame' not in daemon.log()
    assert logins[0].split(' ')[-1] not in daemon.log()
    wrong.right()
    daemon.signal(1)   # SIGHUP: the administrator has put it right
    harness.wait_for(lambda: len(wrong.mails) == 20, WITHIN, 'all mail after the reload')
    harness.wait_for(lambda: alarm(database, 'mail_login') is None, WITHIN, 'end of the alarm')


def test_stop_waits_for_no_slow_reply(database, server, vacd):
    """Past its final dot a message may have been sent: it is kept as that, not lost and not counted out."""
    wrong = server()
    wrong.wrong('taken', 'silent')
    message = queue(database)
    daemon = vacd(database, wrong, poll_ms=300, lease_ms=2000)
    harness.wait_for(lambda: wrong.mails, WITHIN, 'the body to arrive')
    assert daemon.stop() == 0
    assert CUT_SHORT not in daemon.log()
    assert state(database, message) == 'queued'
    wrong.right()
    daemon.start()
    harness.wait_for(lambda: state(database, message) == 'sent', what='the second copy')
    assert wrong.mails[0] == wrong.mails[1], 'a second copy is equal to the byte'
