"""Mail in from real programs: Postfix by LMTP, pipes through vacd receive, an IMAP mailbox through getmail."""

import os
import re
import socket
import ssl
import subprocess
import threading

import pytest

import harness
from lmtp_client import OURS, TOKEN, letter

BOUNCE = TOKEN.replace('vacd+', 'vacd-b+')


@pytest.fixture
def daemon(folder, database, vacd):
    """A daemon that takes mail."""
    def start(**settings):
        made = vacd(database, **{'lmtp_socket': str(folder / 'lmtp'), 'mail_from': OURS, **settings})
        made.socket = str(folder / 'lmtp')
        harness.wait_for(lambda: 'daemon works' in made.log(), what='work')
        harness.wait_for(lambda: receive(made, OURS, raw=b'\n\n').returncode == 0, what='mail taken')
        database.query('DELETE FROM vac_store.inbound')
        return made
    return start


def receive(daemon, *args, raw):
    return subprocess.run([harness.VACD, 'receive', '--socket', daemon if isinstance(daemon, str) else daemon.socket, *args],
                          input=raw, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows(database):
    # The bytes are kept once for all recipients of a delivery.
    return database.query('''SELECT i.envelope_sender, i.envelope_recipient, (SELECT o.raw FROM vac_store.inbound o
            WHERE o.delivery = i.delivery ORDER BY length(o.raw) DESC LIMIT 1)
        FROM vac_store.inbound i ORDER BY i.inbound_id''')


def wait_rows(database, least, postfix=None):
    """Postfix: has put off what is waited for, and is to try again."""
    harness.wait_for(lambda: len(rows(database)) >= least or postfix and postfix.flush(), what=f'{least} rows', every=1 if postfix else 0.1)
    return rows(database)


# ---- Postfix -------------------------------------------------------------------------------------

@pytest.fixture
def postfix(mailhost, daemon):
    """Postfix, and a daemon that it delivers to."""
    made = daemon(lmtp_socket_group='postfix', lmtp_users='postfix root')
    mailhost.route_answers(made.socket)
    yield mailhost
    mailhost.route_answers(None)


def test_postfix_delivers(database, postfix):
    raw = letter('by Postfix', body=b'.a dot\r\nand \xc3\xa4\r\n', more='Content-Type: text/plain; charset=utf-8\r\n')
    postfix.submit('person@example.org', [TOKEN, BOUNCE, OURS], raw)
    postfix.submit('', [BOUNCE], raw)
    found = wait_rows(database, 4)
    assert sorted(row[:2] for row in found) == sorted(
        [('person@example.org', TOKEN), ('person@example.org', BOUNCE), ('person@example.org', OURS), ('', BOUNCE)])
    for row in found:
        assert row[2].endswith(raw.split(b'\r\n\r\n', 1)[1]) and b'\r\nSubject: by Postfix\r\n' in row[2]
    harness.wait_for(lambda: not postfix.queue(), what='an empty queue')


def test_postfix_keeps_it_while_the_database_is_away(cluster, database, postfix):
    cluster.stop()
    try:
        postfix.submit('person@example.org', [TOKEN], letter('waits'))
        harness.wait_for(lambda: any('451 4.3.0' in line for line in postfix.queue()), what='a mail that waits')
    finally:
        cluster.start()
    assert len(wait_rows(database, 1, postfix)) == 1
    harness.wait_for(lambda: not postfix.queue(), what='an empty queue')
    assert len(rows(database)) == 1


def test_postfix_keeps_it_while_no_daemon_runs(database, postfix, vacd, folder):
    mails = 3
    daemon = vacd(database, lmtp_socket=str(folder / 'other'), lmtp_socket_group='postfix', mail_from=OURS)
    daemon.stop()
    postfix.route_answers(str(folder / 'other'))
    for number in range(mails):
        postfix.submit('person@example.org', [OURS], letter(f'later {number}'))
    harness.wait_for(lambda: len(postfix.queue()) == mails, what='mails that wait')
    daemon.start()
    wait_rows(database, mails, postfix)


# ---- vacd receive --------------------------------------------------------------------------------

def test_receive_stores_with_network_line_ends(database, daemon):
    made = daemon()
    done = receive(made, '-f', 'person@example.org', TOKEN, OURS, raw=b'From person@example.org Fri\nSubject: x\r\n\n.dot\n..\n.\nend')
    assert (done.returncode, done.stderr) == (0, b'')
    assert rows(database) == [('person@example.org', to, b'Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n') for to in (TOKEN, OURS)]


@pytest.mark.parametrize('said, stored', [('unknown', ''), ('<>', ''), ('', ''), ('a@b> SIZE=1', ''), ('a=b@x.example', 'a=b@x.example')])
def test_receive_sender(database, daemon, said, stored):
    assert receive(daemon(), '-f', said, OURS, raw=letter('x')).returncode == 0
    assert rows(database)[0][0] == stored


FIELDS = ('--field', 'Delivered-To', '--field', 'X-Original-To')


@pytest.mark.parametrize('head, recipient', [
    (f'Delivered-To: {TOKEN}\n', TOKEN), (f'delivered-to:\n\t<{TOKEN}>\n', TOKEN), (f'X-Original-To: <{BOUNCE}>\n', BOUNCE),
    (f'Delivered-To: list@example.org\nX-Original-To: {TOKEN}\n', TOKEN),
    (f'Delivered-To: {TOKEN}\nDelivered-To: {BOUNCE}\n', TOKEN), ('Delivered-To: mailbox@example.org\n', OURS),
    ('Delivered-To: nonsense\n', OURS), ('Delivered-To:\n', OURS), ('', OURS),
    (f'Subject: x\n\nDelivered-To: {TOKEN}\n', OURS), ('Delivered-To: a@b>SIZE=1\n', OURS)])
def test_receive_by_header(database, daemon, head, recipient):
    done = receive(daemon(), *FIELDS, OURS, raw=head.encode() + letter('x'))
    assert (done.returncode, done.stderr) == (0, b'')
    assert [row[1] for row in rows(database)] == [recipient]


def test_receive_exit_codes(folder, database, daemon):
    made = daemon(lmtp_size_max=65536)
    raw = letter('x')
    for status, words, args, text in [
            (64, 'usage', ['not-an-address'], raw), (64, 'usage', ['--nonsense', OURS], raw), (64, 'usage', ['a b@x.example'], raw),
            (64, 'usage', ['a@x.example>\r\nRSET'], raw), (64, 'usage', [], raw),
            (65, 'empty', [OURS], b''), (65, '552', [OURS], b'x' * 70000), (67, '550', ['other@agency.example.org'], raw),
            (67, 'ours', [*FIELDS, 'other@agency.example.org'], raw), (67, 'ours', ['--field', 'To'], b'To: a@x.example\n\n')]:
        done = receive(made, *args, raw=text)
        assert done.returncode == status and words in done.stderr.decode(), (args, done)
    assert not rows(database)
    # Some of several: what can be stored is.
    assert receive(made, OURS, 'other@agency.example.org', raw=raw).returncode == 67
    assert len(rows(database)) == 1
    database.query('ALTER TABLE vac_store.inbound ADD CHECK (size < 3) NOT VALID')
    done = receive(made, OURS, raw=raw)
    assert done.returncode == 75 and b'451' in done.stderr
    made.stop()
    done = receive(made, OURS, raw=raw)
    assert done.returncode == 75 and b'daemon' in done.stderr


def test_receive_without_arguments_takes_the_configuration(database, daemon):
    made = daemon()
    done = subprocess.run([harness.VACD, '--config', made.config, 'receive'], input=letter('x'), stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert [row[1] for row in rows(database)] == [OURS]


def test_receive_from_a_daemon_that_dies(folder):
    """Somebody who says 250 to everything but the last dot."""
    path = str(folder / 'dying')
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def talk():
        connection, _ = server.accept()
        with connection, connection.makefile('rwb') as stream:
            def say(text):
                stream.write(text + b'\r\n')
                stream.flush()
            say(b'220 x')
            while (line := stream.readline()) and not line.startswith(b'DATA'):
                say(b'250 x')
            say(b'354 x')
            while stream.readline() not in (b'.\r\n', b''):
                pass

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    done = receive(path, OURS, TOKEN, raw=letter('x'))
    thread.join(120)
    server.close()
    assert done.returncode == 75 and done.stderr.count(b'no reply') == 1


# ---- an IMAP mailbox -----------------------------------------------------------------------------

@pytest.fixture
def getmail(folder, mailhost, certs, daemon, monkeypatch):
    """The shipped example, with this test's places put in; runs it once."""
    made = daemon()
    secrets = folder / 'secrets'
    secrets.mkdir()
    (secrets / 'imap-password').write_text(mailhost.PASSWORD + '\n')
    monkeypatch.setenv('CREDENTIALS_DIRECTORY', str(secrets))
    state = folder / 'getmail'
    state.mkdir(mode=0o755)
    harness.give(state)

    def run(user, port=mailhost.imaps_port, path=made.socket, token=None):
        text = (harness.ROOT / 'etc' / 'getmailrc').read_text()
        if token:
            # The two lines that stand there for it, and the file that vacd-token.service writes.
            text, n = re.subn('^password_command = .*\n', '', text, flags=re.M)
            text, m = re.subn('^#(use_xoauth2 = .*|password_command = .*)$', r'\1', text, flags=re.M)
            text, o = re.subn('/run/vacd-token/access-token', f'{secrets}/access-token', text)
            assert (n, m, o) == (1, 2, 1)
            (secrets / 'access-token').write_text(token + '\n')
            (secrets / 'access-token').chmod(0o644)
        for key, value in {'server': 'localhost', 'port': port, 'username': user, 'ca_certs': certs.ca, 'path': harness.VACD}.items():
            text, n = re.subn(rf'^{key} = .*$', f'{key} = {value}', text, flags=re.M)
            assert n == 1, key
        text, n = re.subn('"receive", "--socket", "/run/vacd/lmtp"', f'"receive", "--socket", "{path}"', text)
        assert n == 1
        text = text.replace('vacd@agency.example"', OURS + '"')
        (folder / 'getmailrc').write_text(text)
        (folder / 'getmailrc').chmod(0o644)
        (secrets / 'imap-password').chmod(0o644)
        secrets.chmod(0o755)
        folder.chmod(0o755)
        os.chmod(made.socket, 0o666)
        return harness.run(harness.as_service(['getmail', '--quiet', f'--getmaildir={state}', f'--rcfile={folder}/getmailrc']), cwd='/')
    return run


def test_getmail_fetches_and_deletes_what_is_stored(database, mailhost, getmail):
    user = 'fetched@agency.example.org'
    plus = user.replace('@', '+abc@')
    mailhost.submit('person@example.org', [user], letter('one'))
    mailhost.wait_mailbox(user, 1)   # a mail server delivers in parallel
    mailhost.submit('', [plus], letter('two', body='ä'.encode() * 10 + b'\r\n.\r\n'))
    mailhost.wait_mailbox(user, 2)
    done = getmail(user.split('@')[0])
    assert done.returncode == 0, done.stdout + done.stderr
    found = rows(database)
    assert [(row[0], row[1]) for row in found] == [('person@example.org', OURS), ('', OURS)]   # Delivered-To is no address of ours
    assert b'Subject: two\r\n' in found[1][2] and found[1][2].endswith('ä'.encode() * 10 + b'\r\n.\r\n')
    assert f'Delivered-To: {plus}\r\n'.encode() in found[1][2]
    assert not mailhost.mailbox(user)
    assert getmail(user.split('@')[0]).returncode == 0
    assert len(rows(database)) == 2


def test_getmail_takes_the_envelope_recipient_from_the_header(database, mailhost, getmail):
    mailhost.submit('person@example.org', [TOKEN], letter('with a token'))
    mailhost.wait_mailbox(OURS, 1)
    done = getmail('vacd')
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row[1] for row in rows(database)] == [TOKEN]


def test_getmail_keeps_what_is_not_stored(database, mailhost, getmail, folder):
    user = 'kept@agency.example.org'
    for number in range(2):
        mailhost.submit('person@example.org', [user], letter(f'keep {number}'))
    mailhost.wait_mailbox(user, 2)
    assert getmail('kept', path=str(folder / 'nobody')).returncode != 0
    database.query("ALTER TABLE vac_store.inbound ADD CONSTRAINT picky CHECK (raw::text !~ '6b6565702030')")   # "keep 0"
    assert getmail('kept').returncode != 0
    assert len(rows(database)) == 1 and len(mailhost.mailbox(user)) == 1   # one bad mail holds up no other
    database.query('ALTER TABLE vac_store.inbound DROP CONSTRAINT picky')
    assert getmail('kept').returncode == 0
    assert len(rows(database)) == 2 and not mailhost.mailbox(user)


def test_getmail_logs_in_with_an_access_token(database, mailhost, getmail):
    user = 'bearer@agency.example.org'
    mailhost.submit('person@example.org', [user], letter('by a token'))
    mailhost.wait_mailbox(user, 1)
    for token in (mailhost.token('bearer', seconds=-5), mailhost.token('bearer')[:-3] + 'xyz', 'no-token'):
        done = getmail('bearer', token=token)
        assert done.returncode != 0 and token not in done.stdout + done.stderr and not rows(database)
    done = getmail('bearer', token=mailhost.token('bearer'))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rows(database)) == 1 and not mailhost.mailbox(user)


@pytest.mark.parametrize('cert', ['good', 'wrong_name', 'unknown_authority', 'self_signed', 'expired'])
def test_getmail_verifies_the_server(getmail, certs, cert):
    """No login, and so no password, for a server whose certificate is not right."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*getattr(certs, cert))
    heard = []

    def talk():
        try:
            with context.wrap_socket(server.accept()[0], server_side=True) as connection:
                connection.sendall(b'* OK ready\r\n')
                while line := connection.recv(1000):
                    heard.append(line)
                    connection.sendall(b'* CAPABILITY IMAP4rev1\r\n' + line.split(b' ')[0] + b' OK done\r\n')
        except OSError:
            pass

    with socket.create_server(('127.0.0.1', 0)) as server:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        done = getmail('vacd', port=server.getsockname()[1])
        thread.join(120)
    assert any(b' LOGIN ' in line for line in heard) == (cert == 'good')
    if cert != 'good':
        assert done.returncode != 0 and re.search('certificate|hostname', done.stdout + done.stderr, re.I), done
