"""Mail in: what an LMTP client meets at the daemon's socket, and when it is told 250."""

import os
import pathlib
import socket
import subprocess
import time

import pytest

import harness
from lmtp_client import Client, OURS, TOKEN, letter
from test_service import CUT_SHORT

as_root = pytest.mark.skipif(os.geteuid() != 0, reason='acts as several users, which needs root')


@pytest.fixture
def inbox(folder, database, vacd):
    """Starts a daemon with a socket; waits until it takes mail, unless told not to."""
    def start(ready=True, on=database, **settings):
        settings = {'lmtp_socket': str(folder / 'lmtp'), 'mail_from': OURS, **settings}
        daemon = vacd(on, **settings)
        daemon.socket = settings['lmtp_socket']
        harness.wait_for(lambda: 'mail is taken in' in daemon.log() or not daemon.running(), what='a socket')
        if ready:
            harness.wait_for(lambda: 'daemon works' in daemon.log(), what='work')
            harness.wait_for(lambda: takes_mail(daemon), what='250 to MAIL')
        return daemon
    return start


def takes_mail(daemon):
    try:
        with Client(getattr(daemon, 'socket', daemon)) as client:
            return (client.greeting.startswith('220') and client.ask('LHLO x').startswith('250')
                    and client.ask('MAIL FROM:<>').startswith('250'))
    except ConnectionRefusedError:   # there, and nobody listens yet
        return False


def rows(database, columns='envelope_sender, envelope_recipient, raw'):
    return database.query(f'SELECT {columns} FROM vac_store.inbound ORDER BY inbound_id')


# ---- what is stored ------------------------------------------------------------------------------

def test_a_mail_is_stored_as_it_came(database, inbox):
    daemon = inbox()
    raw = letter('one', body=b'.dots\r\n..\r\nbare \n and \r and \0 and \xff\r\n')
    with Client(daemon.socket) as client:
        assert client.deliver('person@example.org', [TOKEN], raw) == ['250']
        # What is told is committed.
        assert rows(database) == [('person@example.org', TOKEN, raw)]
        assert client.deliver('', [OURS], b'') == ['250']
    assert rows(database)[1] == ('', OURS, b'')
    assert set(rows(database, 'state, size')) == {('waiting', len(raw)), ('waiting', 0)}
    assert 'mail stored' in daemon.log() and 'person@example.org' not in daemon.log()


def test_several_recipients_share_one_delivery(database, inbox):
    daemon = inbox()
    with Client(daemon.socket) as client:
        client.begin('person@example.org')
        assert client.ask(f'RCPT TO:<{TOKEN}>').startswith('250')
        assert client.ask('RCPT TO:<other@agency.example.org>').startswith('550 5.1.1')
        assert client.ask('RCPT TO:<vacd@example.net>').startswith('550 5.1.1')
        assert client.ask(f'RCPT TO:<{TOKEN.upper()}>').startswith('250')
        assert client.send(letter('two'), 2) == ['250', '250']
    assert [row[1] for row in rows(database)] == [TOKEN, TOKEN.upper()]
    assert len(set(rows(database, 'delivery'))) == 1


def test_pipelined(database, inbox):
    """All at once, as RFC 2920 allows, and the end of what is said behind it."""
    daemon = inbox()
    one = b'LHLO x\r\n' + 3 * (f'MAIL FROM:<>\r\nRCPT TO:<{OURS}>\r\nDATA\r\n'.encode() + letter('p') + b'.\r\n') + b'QUIT\r\n'
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(daemon.socket)
        raw.sendall(one)
        raw.shutdown(socket.SHUT_WR)
        said = b''
        while piece := raw.recv(4096):
            said += piece
    assert said.count(b'\r\n250 2.0.0 stored') == 3 and said.endswith(b'221 2.0.0 goodbye\r\n')
    assert len(rows(database)) == 3


def test_many_clients_at_once(database, inbox):
    daemon = inbox(lmtp_connections=40)
    clients = [Client(daemon.socket) for _ in range(40)]
    for client in clients:
        client.begin('person@example.org', OURS)
        client.say('DATA')
    for number, client in enumerate(clients):
        assert client.hear().startswith('354')
        client.write(letter(f'number {number}', body=b'x' * 998 + b'\r\n') + b'.\r\n')
    assert {client.hear()[:3] for client in clients} == {'250'}
    assert len(set(rows(database))) == 40
    for client in clients:
        client.close()


# ---- while the database is away ------------------------------------------------------------------

def test_later_while_the_database_is_away(folder, inbox):
    class Nowhere:
        conninfo = staticmethod(lambda login: 'host=/nonexistent dbname=vac')
    daemon = inbox(ready=False, on=Nowhere)
    with Client(daemon.socket) as client:
        client.ask('LHLO x')
        assert client.ask('MAIL FROM:<>').startswith('451 4.3.0')


def test_later_while_the_schema_is_not_ours(database, inbox):
    daemon = inbox(poll_ms=200)
    digest = database.value('SELECT digest FROM vac_store.installed')
    database.query("UPDATE vac_store.installed SET digest = 'another'")
    database.query('NOTIFY vac_schema')
    harness.wait_for(lambda: not takes_mail(daemon), what='451')
    database.query('UPDATE vac_store.installed SET digest = %s', digest)
    harness.wait_for(lambda: takes_mail(daemon), what='250')


def test_later_when_the_database_refuses(database, inbox):
    daemon = inbox()
    with Client(daemon.socket) as client:
        database.query('ALTER TABLE vac_store.inbound ADD CHECK (size < 3)')
        assert client.deliver('', [OURS], letter('refused')) == ['451']
        assert client.deliver('', [OURS], b'\r\n') == ['250']
    assert 'mail not stored' in daemon.log() and rows(database, 'size') == [(2,)]


def test_a_connection_lost_in_the_middle_stores_once(database, inbox):
    """Nobody knows whether it was committed: the same delivery is tried again, on a new connection."""
    daemon = inbox()
    database.be_patient('vac_daemon.receive_mail')
    ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'vacd inbox' AND datname = current_database()"
    with Client(daemon.socket) as client, database.connect() as holder:
        client.begin('', OURS)
        client.ask('DATA')
        with holder.transaction():
            holder.execute('LOCK TABLE vac_store.inbound')
            client.write(letter('lost') + b'.\r\n')
            harness.wait_for(lambda: database.query(ours + " AND wait_event_type = 'Lock'"), what='the call')
            before = database.value(ours)
            database.query('SELECT pg_terminate_backend(%s)', before)
        assert client.hear().startswith('250')
        assert database.value(ours) != before
    assert len(rows(database)) == 1


def test_a_reply_lost_after_the_commit_stores_once(database, inbox):
    """The commit waits for a standby that there is not; then the session ends, and has stored the mail."""
    def set_standbys(names):
        database.query(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        database.query('SELECT pg_reload_conf()')

    daemon = inbox()
    with Client(daemon.socket) as client:
        client.begin('', OURS)
        client.ask('DATA')
        try:
            set_standbys('nobody')
            client.write(letter('committed') + b'.\r\n')
            waiting = harness.wait_for(lambda: database.query(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'vacd inbox' AND wait_event = 'SyncRep'"), what='the commit')
            database.query('SELECT pg_terminate_backend(%s)', waiting[0][0])
            harness.wait_for(lambda: rows(database), what='the row')
        finally:
            set_standbys('')
        assert client.hear().startswith('250')
    assert len(rows(database)) == 1


def test_a_client_that_leaves_in_the_middle_is_forgotten(database, inbox):
    daemon = inbox()
    with database.connect() as holder, holder.transaction():
        holder.execute('LOCK TABLE vac_store.inbound')
        with Client(daemon.socket) as client:
            client.begin('', OURS)
            client.ask('DATA')
            client.write(letter('gone') + b'.\r\n')
        with Client(daemon.socket) as client:
            client.begin('', OURS)
            client.ask('DATA')
            client.write(b'half a mail\r\n')
    with Client(daemon.socket) as client:
        assert client.deliver('', [OURS], letter('here')) == ['250']
    assert len(rows(database)) in (1, 2)   # the first one may be stored: it was complete
    assert daemon.stop() == 0


# ---- limits --------------------------------------------------------------------------------------

def test_too_large_is_refused_for_each_recipient(database, inbox):
    daemon = inbox(lmtp_size_max=65536)
    with Client(daemon.socket) as client:
        client.ask('LHLO x')
        assert 'SIZE 65536' in client.reply
        assert client.ask('MAIL FROM:<> SIZE=65537').startswith('552 5.3.4')
        assert client.deliver('', [OURS, TOKEN], b'x\r\n' * 30000) == ['552', '552']
        assert client.deliver('', [OURS], b'x' * 65534 + b'\r\n') == ['250']
    assert rows(database, 'size') == [(65536,)]


def test_unfinished_mails_share_a_budget(inbox):
    daemon = inbox(lmtp_size_max=65536)
    clients = [Client(daemon.socket) for _ in range(6)]
    for client in clients:
        client.begin('', OURS)
        client.ask('DATA')
        client.write(b'x' * 60000 + b'\r\n')
        client.settle()
    for client in clients:
        client.write(b'.\r\n')
    assert [client.hear()[:3] for client in clients] == 4 * ['250'] + 2 * ['452']
    for client in clients:
        client.close()


@pytest.mark.parametrize('begun', ['', 'LHL', 'LHLO x\r\nMAIL FROM:<>\r\n'])
def test_a_silent_client_is_cut_off(inbox, begun):
    daemon = inbox(lmtp_idle_ms=500)
    with Client(daemon.socket) as client:
        client.write(begun.encode())
        assert '421 4.4.2' in client.until_end()


@pytest.mark.parametrize('first', ['NOOP\r\n', f'LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{OURS}>\r\nDATA\r\n'])
def test_a_client_that_drips_is_cut_off(inbox, first):
    daemon = inbox(lmtp_idle_ms=60000, lmtp_mail_ms=1500)
    with Client(daemon.socket) as client:
        client.write(first.encode())
        with pytest.raises(ConnectionError):
            for _ in range(100):
                client.write(b'N')
                time.sleep(0.1)
        assert '421 4.4.2' in client.until_end()


def test_a_client_that_reads_nothing_is_cut_off(database, inbox):
    daemon = inbox(lmtp_idle_ms=3000)
    with Client(daemon.socket) as client:
        with pytest.raises(ConnectionError):
            while True:   # until its timeout
                client.write(b'NOOP\r\n' * 1000)
    assert 'client cut off' in daemon.log()
    with Client(daemon.socket) as client:
        assert client.deliver('', [OURS], letter('next')) == ['250']


def test_connections_have_a_limit(inbox):
    daemon = inbox(lmtp_connections=2)
    with Client(daemon.socket), Client(daemon.socket):
        with Client(daemon.socket) as third:
            assert third.greeting.startswith('421 4.3.2')
    harness.wait_for(lambda: takes_mail(daemon), what='room')


# ---- who may -------------------------------------------------------------------------------------

def receive_as(user, daemon):
    command = ['setpriv', f'--reuid={user}', '--regid=nogroup', '--init-groups', harness.VACD, 'receive', '--socket',
               daemon.socket, OURS]
    return subprocess.run(list(map(str, command)), input=letter('x'), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd='/')


@as_root
def test_only_users_and_groups_that_are_named(database, inbox):
    daemon = inbox(ready=False, lmtp_users='postgres', lmtp_groups='')
    os.chmod(daemon.socket, 0o666)
    with Client(daemon.socket) as client:
        assert client.greeting.startswith('421 4.7.1')
    harness.wait_for(lambda: receive_as('postgres', daemon).returncode == 0, what='delivery')
    assert receive_as('nobody', daemon).returncode == 75
    change(daemon, lmtp_users='root', lmtp_groups='postgres')
    assert takes_mail(daemon)
    assert receive_as('postgres', daemon).returncode == 0   # by a supplementary group
    assert receive_as('nobody', daemon).returncode == 75
    assert len(rows(database)) == 2


def change(daemon, **settings):
    text = pathlib.Path(daemon.config).read_text().splitlines()
    kept = [line for line in text if line.split(' ')[0] not in settings]
    pathlib.Path(daemon.config).write_text('\n'.join(kept + [f'{k} = "{v}"' for k, v in settings.items()]) + '\n')
    before = daemon.log().count('configuration read again') + daemon.log().count('reload refused')
    daemon.signal(1)
    harness.wait_for(lambda: daemon.log().count('configuration read again') + daemon.log().count('reload refused') > before, what='a reload')


def test_a_reload_that_names_nobody_known_changes_nothing(inbox):
    daemon = inbox()
    change(daemon, lmtp_users='no-such-user')
    assert 'no-such-user' in daemon.log() and takes_mail(daemon)
    change(daemon, lmtp_users='', lmtp_socket=daemon.socket + '2')
    assert 'lmtp_socket lmtp_socket_group' in daemon.log() and takes_mail(daemon)


@pytest.mark.parametrize('settings, words', [
    ({'lmtp_users': 'no-such-user'}, "no user 'no-such-user'"), ({'lmtp_groups': 'no-such-group'}, "no group 'no-such-group'"),
    ({'lmtp_socket_group': 'no-such-group'}, "no group 'no-such-group'"), ({'lmtp_socket': '/nonexistent/lmtp'}, '/nonexistent/lmtp'),
    ({'lmtp_socket': '/' + 'x' * 200}, 'longer than'), ({'lmtp_socket': '/etc/passwd'}, 'no socket')])
def test_what_cannot_be_is_78(inbox, settings, words):
    daemon = inbox(ready=False, **settings)
    assert daemon.process.wait(120) == 78
    assert words in daemon.log()


@as_root
def test_users_that_look_alike_cannot_be_named(folder, database, certs):
    """In a user namespace, as PrivateUsers=yes makes one, all others are nobody: better no mail than anybody's."""
    for user, words in (('root', 'ok   mail in'), ('postgres', 'PrivateUsers=no')):
        config = harness.write_config(folder / 'alike.conf', lmtp_users=user, **harness.daemon_settings(folder, database, certs))
        done = harness.run(['unshare', '--user', '--map-root-user', harness.VACD, '--config', config, 'check'])
        assert words in done.stdout, done


# ---- begin and end -------------------------------------------------------------------------------

def test_the_socket_is_made_and_removed(inbox):
    daemon = inbox()
    assert oct(os.stat(daemon.socket).st_mode & 0o777) == oct(0o660)
    with Client(daemon.socket) as idle, Client(daemon.socket) as busy:
        busy.begin('', OURS)
        busy.ask('DATA')
        assert daemon.stop() == 0
        assert CUT_SHORT not in daemon.log()
        assert '421 4.3.2' in idle.until_end() and '421 4.3.2' in busy.until_end()
    assert not os.path.exists(daemon.socket)


def test_what_is_being_stored_is_stored_before_the_end(database, inbox):
    daemon = inbox()
    database.be_patient('vac_daemon.receive_mail')
    with Client(daemon.socket) as client, database.connect() as holder:
        client.begin('', OURS)
        client.ask('DATA')
        with holder.transaction():
            holder.execute('LOCK TABLE vac_store.inbound')
            client.write(letter('last') + b'.\r\n')
            harness.wait_for(lambda: database.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'vacd inbox' "
                                                    "AND wait_event_type = 'Lock'"), what='the call')
            daemon.signal(15)
            harness.wait_for(lambda: not os.path.exists(daemon.socket), what='the end of the socket')
        assert client.hear().startswith('250')
        assert client.hear().startswith('421')
    assert daemon.process.wait(120) == 0
    assert len(rows(database)) == 1


def test_a_socket_left_behind_is_replaced(inbox):
    daemon = inbox()
    daemon.kill()
    assert os.path.exists(daemon.socket)
    again = inbox()
    other = inbox(ready=False)
    assert other.process.wait(120) == 78 and 'another process listens' in other.log()
    assert takes_mail(again)


def test_the_socket_that_systemd_hands_over(folder, database, certs):
    path, config, log = str(folder / 'activated'), folder / 'activated.conf', folder / 'activated.log'
    harness.write_config(config, **harness.daemon_settings(folder, database, certs, mail_from=OURS))
    with open(log, 'wb') as output:
        daemon = subprocess.Popen(['systemd-socket-activate', '-l', path, '--fdname=lmtp', str(harness.VACD), '--config',
                                   str(config), 'daemon'], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        harness.wait_for(lambda: os.path.exists(path), what='the socket')
        harness.wait_for(lambda: takes_mail(path), what='250 to MAIL')
        with Client(path) as client:
            assert client.deliver('', [OURS], letter('activated')) == ['250']
        assert 'socket=systemd' in log.read_text()
    finally:
        daemon.terminate()
        assert daemon.wait(120) == 0
    assert os.path.exists(path)   # systemd's, not ours
    assert len(rows(database)) == 1


def test_heartbeat(database, inbox):
    inbox()
    harness.wait_for(lambda: database.value("SELECT turns FROM vac_store.heartbeat WHERE stage = 'inbox'"), what='a heartbeat')
