"""The TLS table: what is wrong × mail out (implicit TLS, STARTTLS) and the intake, one row a thing.

Each cell asks three things: that not a word that is worth something was said in clear or to the wrong
peer, what the log (and the alarm) says, and what `vacd check` says. Behind each cell of mail out the server
is put right, and the message that waited goes out by itself.
"""

import collections
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest

import harness
from intake_client import Door, read_all
from smtp_fault import FaultServer
from tls_certs import Certificates

WITHIN = 120   # seconds, for whatever must happen soon
SECRET = 'open-sesame-1234'

# ---- mail out ------------------------------------------------------------------------------------

# shown: which certificate; lists: what stands in mail_crl_file; wrong: step and kind of smtp_fault.
Row = collections.namedtuple('Row', 'about what shown lists wrong words only', defaults=('good', None, None, (), None))
OUT = [
    Row('protocol', 'TLS 1.1', wrong=('tls', 'old_tls'), words=('TLS 1.2 or newer',)),
    Row('protocol', 'anonymous ciphers', wrong=('tls', 'anonymous'), words=('TLS with localhost failed', 'handshake failure')),
    Row('protocol', 'no TLS at all', wrong=('tls', 'plain'), words=('does not speak TLS', 'mail_port')),
    Row('certificate', 'expired', 'expired', words=('expired at 20', 'renew')),
    Row('certificate', 'not yet valid', 'not_yet', words=('not valid before 20', 'clock')),
    Row('certificate', 'self-signed', 'self_signed', words=('self-signed', 'mail_ca_file')),
    Row('certificate', 'unknown authority', 'unknown', words=('unknown authority', '/CN=other', 'mail_ca_file')),
    Row('certificate', 'for another purpose', 'for_clients', words=('does not hold', 'purpose')),
    Row('certificate', 'key of 1024 bits', 'weak_key', words=('does not hold', 'too weak')),
    Row('name', 'another name', 'wrong_name', words=('for other.example.org and not for localhost', 'mail_host')),
    Row('name', 'its address only', 'wrong_address', words=('for 127.0.0.1 and not for localhost',)),
    Row('name', 'half a wildcard', 'half_wildcard', words=('for local* and not for localhost',)),
    Row('revocation', 'the certificate', 'revoked', 'fresh', words=('was revoked by its authority', '/CN=root')),
    Row('revocation', 'its authority', 'left', 'fresh', words=('was revoked by its authority', '/CN=root')),
    Row('revocation', 'list expired', 'good', 'old', words=('of its authority (/CN=root) expired at 20', 'mail_crl_file')),
    Row('revocation', 'list not valid yet', 'good', 'not_begun', words=('not valid yet', 'mail_crl_file')),
    Row('revocation', 'no list of the authority', 'good', 'of_another', words=('is missing', 'mail_crl_file')),
    Row('revocation', 'no list of one below', 'below', 'root_only', words=('is missing', 'mail_crl_file')),
    Row('revocation', 'list of a forger', 'good', 'forged', words=('not signed by its authority', 'mail_crl_file')),
    Row('downgrade', 'STARTTLS stripped', wrong=('ehlo', 'no_starttls'), words=('does not offer STARTTLS',), only='starttls'),
    Row('downgrade', 'STARTTLS refused', wrong=('starttls', '5yz'), words=('refuses STARTTLS', '554'), only='starttls'),
    Row('injection', 'behind the 220, same segment', wrong=('starttls', 'injection'), words=('in clear behind the 220',),
        only='starttls'),
    Row('injection', 'behind the 220, its own segment', wrong=('starttls', 'late_injection'), words=('does not speak TLS',), only='starttls'),
]
GOOD = [
    Row('good', 'no list', 'good'), Row('good', 'fresh lists', 'good', 'fresh'), Row('good', 'chain, fresh lists', 'below', 'fresh'),
    Row('good', 'revoked, but no list is named', 'revoked'),
]
TRUNCATED = ('cut', 'closing')   # without close_notify, and with it
WORTHY = (b'AUTH', b'MAIL FROM', b'RCPT TO', b'BEGIN:VCALENDAR', b'Subject:', b'person@', SECRET.encode())


@pytest.fixture(scope='module')
def certificates(session_folder):
    return Certificates(session_folder / 'tls')


def amiss(checked):
    """How many of the lines of `vacd check` that are about TLS say bad; a test's PostgreSQL has faults of its own."""
    return len(re.findall('^bad  (?:mail server|mail_crl_file|intake|intake_crl_file)', checked, re.M))


class Out:
    """One daemon and one server; rows are laid over them one after the other."""

    def __init__(self, folder, database, certificates, transport):
        self.database, self.certificates, self.transport = database, certificates, transport
        self.folder = folder / transport
        self.folder.mkdir()
        self.server = FaultServer(certificates.shown['good'], starttls=transport == 'starttls')
        (self.folder / 'secret').write_text(SECRET + '\n')
        (self.folder / 'secret').chmod(0o600)
        self.lists = self.folder / 'lists.pem'
        self.settings = harness.daemon_settings(
            self.folder, database, Authorities(certificates.root.cert), self.server.port,
            mail_tls=transport, mail_auth='plain', mail_user='vacd', mail_secret_file=self.folder / 'secret',
            mail_helo='client.example.org', mail_timeout_ms=5000, poll_ms=300, lease_ms=1500)
        database.query("SELECT vac.set_policy('mail_margin_seconds', '1')")
        self.daemon = harness.Daemon(self.folder, 'vacd', self.settings)
        harness.wait_for(lambda: 'daemon works' in self.daemon.log(), WITHIN, 'the start')
        self.trouble, self.done = None, 0

    def lay(self, row):
        """From now on."""
        self.server.right()
        self.server.present(self.certificates.shown[row.shown])
        if row.wrong:
            self.server.wrong(*row.wrong)
        settings = dict(self.settings)
        if row.lists:
            self.lists.write_text(self.certificates.lists[row.lists].read_text())
            settings['mail_crl_file'] = self.lists
        harness.write_config(self.daemon.config, **settings)
        self.reload()

    def reload(self):
        before = self.daemon.log().count('configuration read again')
        self.daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: self.daemon.log().count('configuration read again') > before, WITHIN, 'the reload')

    def queue(self):
        return self.database.value("SELECT vac_daemon.queue_probe('person@agency.example.org', 'A Person')")

    def state(self, message):
        return self.database.value('SELECT state FROM vac_store.message WHERE message_id = %s', message)

    def alarm(self):
        return self.database.value("SELECT text FROM vac_store.alarm WHERE name IN ('mail_tls', 'mail_server')")

    def check(self):
        done = harness.run_vacd('check', config=self.daemon.config)
        return amiss(done.stdout), done.stdout

    def goes_out(self, message, copies=1):
        mails = len(self.server.mails)
        harness.wait_for(lambda: self.state(message) == 'sent', WITHIN, 'the message to be sent')
        harness.wait_for(lambda: self.alarm() is None, WITHIN, 'the end of the alarm')
        assert len(self.server.mails) <= mails + copies

    def refused(self, row):
        logged, said, stray = len(self.daemon.log()), len(self.server.said), len(self.server.stray)
        self.lay(row)
        message = self.queue()
        text = harness.wait_for(self.alarm, WITHIN, 'an alarm')
        status, checked = self.check()
        assert status != 0
        for word in row.words:
            assert word in text, text
            assert word in self.daemon.log()[logged:]
            assert word in checked, checked
        assert self.state(message) in ('queued', 'claimed')
        self.silent(said, stray)
        self.lay(GOOD[0])
        self.goes_out(message)

    def silent(self, said, stray):
        """Nothing of worth was said, in clear or to whoever had a right to nothing."""
        heard = [(how, line.encode('latin-1')) for how, line in self.server.said[said:]] + self.server.stray[stray:]
        for how, octets in heard:
            assert not any(word in octets for word in WORTHY), (how, octets)
        assert {line for how, line in self.server.said if how == 'clear'} <= {'EHLO client.example.org', 'STARTTLS'}
        assert SECRET not in self.daemon.log()

    def good(self, row):
        self.lay(row)
        self.goes_out(self.queue())
        status, checked = self.check()
        assert status == 0, checked
        assert not row.lists or 'good until 20' in checked, checked

    def truncated(self, kind):
        """The reply to the final dot is cut off: it may have been taken, and goes out once more, the same."""
        self.lay(GOOD[0])
        self.server.wrong('taken', kind, 1)
        mails, message = len(self.server.mails), self.queue()
        self.goes_out(message, 2)
        assert len(self.server.mails) == mails + 2 and self.server.mails[-1] == self.server.mails[-2]
        assert 'message outcome unknown' in self.daemon.log()

    def _run(self):
        cell = None
        try:
            for cell in GOOD:
                self._cell(self.good, cell)
            for cell in OUT:
                if cell.only in (None, self.transport):
                    self._cell(self.refused, cell)
            for cell in TRUNCATED:
                self._cell(self.truncated, cell)
        except BaseException as trouble:   # raised where the test sees it
            self.trouble = f'{self.transport}, {cell}: {trouble}\n{self.daemon.log()[-2500:]}'

    def _cell(self, act, row):
        print(f'mail out, {self.transport:8}  {getattr(row, "about", "truncation"):12} {getattr(row, "what", row)}')
        act(row)
        self.done += 1

    def start(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self


Authorities = collections.namedtuple('Authorities', 'ca good', defaults=(None,))


def test_mail_out(cluster, folder, certificates):
    transports = ('starttls', 'implicit')
    made = [cluster.database() for _ in transports]
    outs = [Out(folder, database, certificates, transport) for database, transport in zip(made, transports)]
    try:
        for out in outs:
            out.start()
        for out in outs:
            out.thread.join()
    finally:
        for out in outs:
            out.daemon.stop()
            out.server.stop()
    troubles = [out.trouble for out in outs if out.trouble]
    if troubles:
        pytest.fail('\n\n'.join(troubles), pytrace=False)
    assert outs[0].done == len(GOOD) + len(OUT) + len(TRUNCATED)
    for database in made:
        database.drop()


def test_lists_that_cannot_be_read(database, folder, certificates, vacd):
    """Neither a start nor a reload without the list that was asked for."""
    server = FaultServer(certificates.shown['good'])
    lists = folder / 'lists.pem'
    lists.write_text(certificates.lists['fresh'].read_text())
    settings = dict(mail_ca_file=certificates.root.cert, mail_crl_file=lists)
    daemon = vacd(database, server, **settings)
    harness.wait_for(lambda: 'daemon works' in daemon.log(), WITHIN, 'the start')
    whole = lists.read_text()
    for spoiled in ('', 'nonsense\n', certificates.root.cert.read_text(), whole.replace('CRL-----\nM', 'CRL-----\nA'), whole[:-60]):
        lists.write_text(spoiled)
        logged = len(daemon.log())
        daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: 'reload refused' in daemon.log()[logged:], WITHIN, 'a refusal')
        assert 'mail_crl_file' in daemon.log()[logged:]
        done = harness.run_vacd('check', config=daemon.config)
        assert done.returncode != 0 and f'bad  mail_crl_file: {lists} cannot be used' in done.stdout, done.stdout
    message = database.value("SELECT vac_daemon.queue_probe('person@agency.example.org', 'A Person')")
    harness.wait_for(lambda: server.mails, WITHIN, 'mail by the lists that were read before')
    assert message and daemon.stop() == 0
    daemon.start()
    harness.wait_for(lambda: not daemon.running(), WITHIN, 'the end of a start')
    assert daemon.process.returncode == 78 and 'mail_crl_file' in daemon.log()
    daemon.process = None
    server.stop()


def test_server_that_renegotiates(folder, database, certificates):
    """TLS 1.2: a HelloRequest is answered by an alert; nobody changes sides in the midst of a connection."""
    good, port = certificates.shown['good'], harness.free_port()
    server = subprocess.Popen(['openssl', 's_server', '-accept', f'127.0.0.1:{port}', '-cert', good.cert, '-key', good.key,
                               '-tls1_2', '-naccept', '1'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    try:
        read_until(server, b'ACCEPT')
        config = harness.write_config(folder / 'check.conf', **harness.daemon_settings(
            folder, database, Authorities(certificates.root.cert), port, mail_timeout_ms=6000))
        checking = subprocess.Popen([harness.VACD, '--config', config, 'check'], stdout=subprocess.PIPE, text=True)
        said = read_until(server, b'CIPHER is')
        server.stdin.write(b'220 here\n')
        server.stdin.flush()
        said += read_until(server, b'EHLO')
        server.stdin.write(b'R\n')
        server.stdin.flush()
        out, _ = checking.communicate(timeout=120)
        assert checking.returncode != 0 and 'bad  mail server' in out, out
        server.stdin.close()
        said += server.stdout.read()
        assert b'no renegotiation' in said and said.count(b'CIPHER is') == 1, said
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def read_until(process, words):
    found = b''
    while words not in found:
        more = process.stdout.read1(4096)
        assert more, found
        found += more
    return found


# ---- the intake ----------------------------------------------------------------------------------

# options: of openssl s_client; alert: what it hears, the one that OpenSSL 3 has for the fault (RFC 8446, 6.2); log: what
# our log says. There are no rows about names as there are for mail out: no name of a host is looked for in a client's
# certificate. Who it is, its fingerprint says, or its whole subject: test_intake.py.
Client = collections.namedtuple('Client', 'about what options cert lists alert log', defaults=((), 'good', 'fresh', None, None))
OLD = ('-cipher', 'ALL:@SECLEVEL=0')
CLIENTS = [
    Client('protocol', 'TLS 1.0', ('-tls1', *OLD), alert='protocol version'),
    Client('protocol', 'TLS 1.1', ('-tls1_1', *OLD), alert='protocol version'),
    Client('protocol', 'anonymous ciphers', ('-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'), alert='handshake failure'),
    Client('protocol', 'no encryption', ('-tls1_2', '-cipher', 'eNULL:@SECLEVEL=0'), alert='handshake failure'),
    Client('protocol', 'no forward secrecy', ('-tls1_2', '-cipher', 'AES128-SHA'), alert='handshake failure'),
    Client('downgrade', 'fallback', ('-tls1_2', '-fallback_scsv'), alert='inappropriate fallback'),
    Client('certificate', 'none', cert=None, alert='certificate required'),
    Client('certificate', 'none, TLS 1.2', ('-tls1_2',), cert=None, alert='handshake failure'),
    Client('certificate', 'expired', cert='expired', alert='certificate expired', log='certificate has expired'),
    Client('certificate', 'not yet valid', cert='not_yet', alert='bad certificate', log='not yet valid'),
    Client('certificate', 'self-signed', cert='self_signed', alert='unknown ca', log='self-signed'),
    Client('certificate', 'unknown authority', cert='unknown', alert='unknown ca', log='unable to get local issuer'),
    Client('certificate', 'for another purpose', cert='for_servers', alert='unsupported certificate', log='purpose'),
    Client('certificate', 'key of 1024 bits', ('-cipher', 'DEFAULT:@SECLEVEL=0'), cert='weak_key', alert='bad certificate', log='too weak'),
    Client('revocation', 'the certificate', cert='revoked', alert='certificate revoked', log='certificate revoked'),
    Client('revocation', 'its authority', cert='left', alert='certificate revoked', log='certificate revoked'),
    Client('revocation', 'list expired', lists='old', alert='certificate expired', log='of its authority has expired; look at intake_crl_file'),
    Client('revocation', 'list not valid yet', lists='not_begun', alert='bad certificate', log='is not valid yet; look at intake_crl_file'),
    Client('revocation', 'no list of the authority', lists='of_another', alert='unknown ca', log='is missing; look at intake_crl_file'),
    Client('revocation', 'no list of one below', cert='below', lists='root_only', alert='unknown ca', log='is missing'),
    Client('revocation', 'list of a forger', lists='forged', alert='decrypt error', log='not signed by its authority'),
]
LET_IN = [
    Client('good', 'fresh lists'), Client('good', 'chain, fresh lists', cert='below'), Client('good', 'TLS 1.2', ('-tls1_2',)),
    Client('good', 'no list', lists=None), Client('good', 'revoked, but no list is named', cert='revoked', lists=None),
]
ASK = b'GET /v1/cases/AAA-AAA HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'


class In:
    """A door that wants certificates, and the list it looks them up in."""

    def __init__(self, folder, database, certificates):
        self.certificates, self.lists, self.now = certificates, folder / 'clients.pem', None
        self.put('fresh')
        self.door = Door(folder, database, Authorities(certificates.root.cert, certificates.shown['good']), name='table',
                         intake_client_cert='required', intake_crl_file=self.lists)
        self.daemon = self.door.daemon
        self.with_lists = self.daemon.config.read_text()

    def put(self, lists):
        self.now = lists
        if lists:
            self.lists.write_text(self.certificates.lists[lists].read_text())

    def name(self, lists):
        """The list that is looked at from now on; None: none."""
        if lists == self.now:
            return
        self.put(lists)
        kept = [line for line in self.with_lists.splitlines() if lists or not line.startswith('intake_crl_file')]
        self.daemon.config.write_text('\n'.join(kept) + '\n')
        before = self.daemon.log().count('configuration read again')
        self.daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: self.daemon.log().count('configuration read again') > before, WITHIN, 'the reload')

    def client(self, *options, cert='good'):
        """All that openssl s_client says and hears."""
        shown = self.certificates.shown[cert] if cert else None
        who = ['-cert', shown.cert, '-key', shown.key, '-cert_chain', shown.cert] if cert else []
        done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{self.door.port}', '-ign_eof', '-CAfile',
                               self.certificates.root.cert, *who, *options], input=ASK, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120)
        return done.stdout.decode(errors='replace')

    def check(self):
        done = harness.run_vacd('check', config=self.daemon.config)
        return amiss(done.stdout), done.stdout

    def shut_out(self, row):
        self.name(row.lists)
        logged = len(self.daemon.log())
        said = self.client(*row.options, cert=row.cert)
        assert f'alert {row.alert}\n' in said or f'alert {row.alert}:' in said, said
        assert 'HTTP/1.1' not in said, said
        if row.log:
            harness.wait_for(lambda: row.log in self.daemon.log()[logged:], WITHIN, f'"{row.log}" in the log')
        if row.lists == 'old':
            assert 'list of revoked certificates does not hold key=intake_crl_file' in self.daemon.log()
            status, checked = self.check()
            assert status != 0 and 'bad  intake_crl_file: ' in checked and 'has expired at 20' in checked, checked

    def let_in(self, row):
        self.name(row.lists)
        said = self.client(*row.options, cert=row.cert)
        assert 'HTTP/1.1 401' in said, said   # TLS is done; who it is, nobody has been told
        checked = self.check()[1]
        assert not row.lists or f'ok   intake_crl_file: {self.lists}' in checked, checked


@pytest.fixture(scope='module')
def inside(cluster, session_folder, certificates):
    folder = session_folder / 'tls-table'
    folder.mkdir()
    database = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles'), ('PDX', 'America/Los_Angeles')], 2))
    made = In(folder, database, certificates)
    yield made
    assert made.daemon.stop() == 0
    assert 'Sanitizer' not in made.daemon.log()
    database.drop()


def test_intake(inside):
    for row in LET_IN + CLIENTS + LET_IN[:1]:
        print(f'intake              {row.about:12} {row.what}')
        (inside.shut_out if row.alert else inside.let_in)(row)
    assert inside.door.cases() == 0


def test_intake_in_clear(inside):
    with socket.create_connection(('127.0.0.1', inside.door.port), timeout=120) as raw:
        raw.sendall(ASK)
        assert b'HTTP/' not in read_all(raw)


def test_intake_renegotiates_with_nobody(inside):
    inside.name('fresh')
    good = inside.certificates.shown['good']
    client = subprocess.Popen(['openssl', 's_client', '-connect', f'127.0.0.1:{inside.door.port}', '-tls1_2', '-cert',
                               good.cert, '-key', good.key], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    try:
        said = read_until(client, b'Verify return code')
        client.stdin.write(b'R\n')
        client.stdin.flush()
        said += client.stdout.read()
        assert b'no renegotiation' in said and said.count(b'CONNECTED') == 1, said
    finally:
        client.kill()
        client.wait()


def test_request_that_is_cut_off(inside, certificates):
    """TLS that ends in the midst of a request, without close_notify: nothing is opened of what had come."""
    inside.name('fresh')
    good = certificates.shown['good']
    context = ssl.create_default_context(cafile=str(certificates.root.cert))
    context.load_cert_chain(good.cert, good.key)
    token = inside.door.tokens['tips']
    body = b'{"office": "SEA", "language": "es", "urgency": "urgent"}'
    head = (f'POST /v1/cases HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n'
            'Content-Type: application/json\r\nIdempotency-Key: cut\r\n'
            f'Content-Length: {len(body)}\r\n\r\n').encode()
    for end in (len(body) - 1, 1, 0):
        raw = socket.create_connection(('127.0.0.1', inside.door.port), timeout=120)
        with context.wrap_socket(raw, server_hostname='localhost') as connection:
            connection.sendall(head + body[:end])
            socket.socket.shutdown(connection, socket.SHUT_WR)   # TCP's end, and not TLS's
            assert b'201' not in read_all(connection)
    assert inside.door.health() == 200
    assert inside.door.cases() == 0
