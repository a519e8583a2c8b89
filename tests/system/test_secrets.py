"""Secrets stay where they belong: what the daemon no longer needs is wiped, nothing of it is ever in a core file, and
neither its reader, its log, its command line nor its environment has any of it."""

import base64
import collections
import contextlib
import os
import pathlib
import re
import resource
import secrets
import select
import signal
import socket
import ssl
import subprocess
import sys

import pytest

import harness
import reader_client
from harness import wait_for

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root looks into a process that is not dumpable')


def pem_key(path, *kind):
    harness.run_checked(['openssl', 'genpkey', *kind, '-out', path])
    path.chmod(0o600)
    return path


def lines_of(path):
    """The middle of a PEM file, a line each, as somebody would look for it."""
    return [line.encode() for line in path.read_text().splitlines() if not line.startswith('-') and len(line) > 20]


@contextlib.contextmanager
def password_of(database):
    """A password that the server asks the daemon for."""
    made = secrets.token_urlsafe(24)
    database.query(f"ALTER ROLE vacd PASSWORD '{made}'")
    rules = database.cluster.data / 'pg_hba.conf'
    before = rules.read_text()
    rules.write_text(f'local {database.name} vacd scram-sha-256\n' + before)
    database.query('SELECT pg_reload_conf()')
    yield made
    rules.write_text(before)
    database.query('SELECT pg_reload_conf()')
    database.query('ALTER ROLE vacd PASSWORD NULL')


class Secrets:
    """Files of secrets, the settings that name them, and what of them must not be found."""

    def __init__(self, folder, password):
        self.token_key = secrets.token_bytes(32)
        self.mail = secrets.token_urlsafe(2400)    # longer than whatever is said after it
        self.password = password
        self.history = pem_key(folder / 'history.pem', '-algorithm', 'ed25519')
        self.intake = pem_key(folder / 'intake.pem', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384')
        self.client = pem_key(folder / 'client.pem', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384')
        # RSA, so that each form of key that OpenSSL reads is among them; the others are of two kinds.
        self.smime = pem_key(folder / 'smime.pem', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        self.port = harness.free_port()
        self.settings = {
            'token_key_file': self.write(folder / 'keys', f'k1 {self.token_key.hex()}'),
            'database_password_file': self.write(folder / 'password', password),
            'mail_auth': 'xoauth2', 'mail_user': 'vacd', 'mail_secret_file': self.write(folder / 'mail', self.mail),
            'history_key_file': self.history, 'history_head_file': folder / 'heads', 'history_head_ms': 200,
            'mail_cert_file': self.certificate(self.client), 'mail_key_file': self.client,
            'smime_cert_file': self.certificate(self.smime, '-addext', 'subjectAltName=email:vacd@agency.example.org', '-addext',
                                                'keyUsage=digitalSignature', '-addext', 'extendedKeyUsage=emailProtection'),
            'smime_key_file': self.smime,
            'intake_listen': f'127.0.0.1:{self.port}', 'intake_cert_file': self.certificate(self.intake),
            'intake_key_file': self.intake, 'log_level': 'debug', 'poll_ms': 200, 'mail_connections': 1}

    @staticmethod
    def write(path, text):
        path.write_text(text + '\n')
        path.chmod(0o600)
        return path

    @staticmethod
    def certificate(key, *more):
        path = key.with_suffix('.crt')
        harness.run_checked(['openssl', 'req', '-x509', '-new', '-key', key, '-out', path, '-days', '30', '-subj', '/CN=localhost', *more])
        return path

    def wiped(self):
        """{what: bytes} that are needed for a moment only."""
        found = {'token key in digits': self.token_key.hex().encode()}
        said = base64.b64encode(f'user=vacd\1auth=Bearer {self.mail}\1\1'.encode())
        for at in range(100, 3000, 290):
            found[f'mail secret from {at}'] = self.mail[at:at + 40].encode()
            found[f'mail secret in base64 from {at}'] = said[at:at + 40]
        for name in ('history', 'intake', 'client', 'smime'):
            for number, line in enumerate(lines_of(getattr(self, name))):
                found[f'{name} key, line {number}'] = line
        return found

    def all(self):
        return {**self.wiped(), 'token key': self.token_key, 'database password': self.password.encode()}


def connect_to(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.wrap_socket(socket.create_connection(('127.0.0.1', port), 20)).close()


class Daemon(harness.Daemon):
    """One in which no memory is used again: what was freed unwiped is found for certain."""

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([self.program, '--config', self.config, 'daemon'], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(os.environ, LD_PRELOAD=str(harness.BUILD / 'keep-freed.so')))


World = collections.namedtuple('World', 'daemon secrets database folder sink')


@pytest.fixture(scope='module')
def world(cluster, certs):
    """A daemon that has used every secret it has."""
    with harness.temporary_folder() as folder:
        database = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles')], 2))
        with password_of(database) as password:
            kept = Secrets(folder, password)
            server = harness.Sink(folder / 'sink', certs.good, auth='plain')
            daemon = Daemon(folder, 'vacd', harness.daemon_settings(folder, database, certs, server.port, **kept.settings))
            try:
                database.query("SELECT vac.open_case('SEA', 'en')")
                assert b'multipart/signed' in server.wait(1)[0].path.read_bytes()
                wait_for(lambda: (folder / 'heads').exists(), what='a signed head')
                connect_to(kept.port)
                yield World(daemon, kept, database, folder, server)
            finally:
                daemon.stop()
                server.stop()
        database.drop()


def searched(pid, wanted):
    memory = reader_client.memory_of(pid)
    return sorted(what for what, data in wanted.items() if data in memory)


# What stays, and why: the key of tokens, since every mail has one; the database's password, since libpq keeps it
# as long as the connection lives. Private keys stay as numbers, in forms of OpenSSL's own.
STAYS = ['database password', 'token key']


@needs_root
def test_what_is_used_once_is_gone(world):
    daemon, kept = world.daemon, world.secrets
    assert searched(daemon.pid, kept.all()) == STAYS
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: 'configuration read again' in daemon.log(), what='a reload')
    assert searched(daemon.pid, kept.all()) == STAYS


@needs_root
def test_the_reader_has_none(world):
    daemon, kept = world.daemon, world.secrets
    readers = reader_client.children_of(daemon.pid)
    assert len(readers) == 1
    assert searched(readers[0], kept.all()) == []
    for name in ('maps', 'cmdline', 'environ'):
        data = pathlib.Path(f'/proc/{readers[0]}/{name}').read_bytes()
        assert not [what for what, secret in kept.all().items() if secret in data]
    assert sorted(reader_client.files_of(readers[0])) == [0, 1, 2]


@needs_root
def test_nothing_is_shown(world):
    """Neither by the log, also at level debug, nor by what ps shows, nor by the commands that say how it stands."""
    daemon, kept = world.daemon, world.secrets
    shown = {name: pathlib.Path(f'/proc/{daemon.pid}/{name}').read_bytes() for name in ('cmdline', 'environ', 'status')}
    shown['log'] = daemon.log_path.read_bytes()
    for command in ('check', 'status', 'config-table'):
        done = harness.run_vacd(command, config=daemon.config)
        shown[command] = (done.stdout + done.stderr).encode()
    shown['heads'] = (world.folder / 'heads').read_bytes()
    for name, data in shown.items():
        assert data, name
        assert not [what for what, secret in kept.all().items() if secret in data], name


def test_a_copy_of_the_database_forges_nothing(world):
    """Whoever has a dump has handles, but neither a key nor the token of any mail that was sent."""
    daemon, kept = world.daemon, world.secrets
    mail = world.sink.copies()[0].path.read_bytes().decode().replace('=\r\n', '')
    tokens = set(re.findall(r'vacd(?:-b)?\+([a-z2-7]{33})@', mail))
    assert tokens
    dump = harness.run_checked([harness.POSTGRES_BIN / 'pg_dump', '--dbname', world.database.conninfo()]).stdout
    assert any(token[:13] in dump for token in tokens), 'the handle, by which an answer finds its appointment'
    assert not [token for token in tokens if token in dump or token[13:] in dump]
    assert not [what for what, secret in kept.all().items() if secret in dump.encode()]


# ---- core files ----------------------------------------------------------------------------------

def limits_of(pid):
    text = pathlib.Path(f'/proc/{pid}/limits').read_text()
    return re.search(r'Max core file size +(\S+) +(\S+)', text).groups()


def cannot_be_dumped(process):
    """Neither by its own limit, nor by a kernel that pipes core files to a program, which no limit forbids: what /proc
    shows of a process that is not dumpable is root's."""
    assert limits_of(process.pid) == ('0', '0')
    assert os.stat(f'/proc/{process.pid}/environ').st_uid == 0
    if os.geteuid() == 0:
        assert 'Uid:\t0\t' not in pathlib.Path(f'/proc/{process.pid}/status').read_text()


def leaves_no_core(process, folder):
    os.kill(process.pid, signal.SIGSEGV)
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGSEGV and not os.WCOREDUMP(status)
    assert not [path for path in folder.iterdir() if 'core' in path.name]


def with_core_files():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def begun(folder, config, *command, stdin=subprocess.DEVNULL):
    with open(folder / 'hurt.log', 'wb') as log:
        return subprocess.Popen(harness.as_service([harness.VACD, '--config', config, *command]), cwd=folder, stdin=stdin,
                                stdout=log, stderr=log, preexec_fn=with_core_files)


def test_there_is_no_core_file(folder, database, certs):
    folder.chmod(0o777)
    config = harness.write_config(folder / 'hurt.conf', **harness.daemon_settings(folder, database, certs))
    config.chmod(0o644)
    process = begun(folder, config, 'daemon')
    try:
        wait_for(lambda: b'daemon works' in (folder / 'hurt.log').read_bytes(), what='a daemon')
        cannot_be_dumped(process)
    finally:
        leaves_no_core(process, folder)


# What each command is told, so that it comes as far as a server that lets it wait.
COMMANDS = {'migrate': ['--check', '--sql', harness.ROOT / 'sql'], 'import': ['roster', 'offices.csv'], 'check': [], 'status': [], 'probe': ['person@example.org'],
            'plan': [], 'receive': ['person@example.org'], 'adopt': [], 'simulate': ['--days', '1'],
            'verify-history': ['--export', '1-5', '--signing-key', 'history.pem']}


def test_every_command_is_among_those():
    table = re.findall(r'^\t\{"([\w-]+)", \w+_command, ', (harness.ROOT / 'daemon' / 'main.c').read_text(), re.M)
    assert len(table) == len(COMMANDS) and set(table) == set(COMMANDS)


def listening(path):
    """A server for all who reach its folder. It takes a connection and says nothing."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    path.chmod(0o777)
    server.listen()
    return server


def who_came(server, process, log):
    """(our end of the connection, the number of the process at the other)"""
    came = wait_for(lambda: process.poll() is not None or select.select([server], [], [], 0)[0], what='a connection')
    assert came is not True, log.read_text()
    connection = server.accept()[0]
    return connection, int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)


@pytest.mark.parametrize('command', COMMANDS)
def test_no_command_leaves_a_core_file(folder, certs, command):
    """While it waits for the database, or `receive` for the daemon, which need not be there for that."""
    folder.chmod(0o777)
    settings = {'database': f'host={folder} dbname=vac', 'lmtp_socket': folder / 'lmtp',
                'history_key_file': pem_key(folder / 'history.pem', '-algorithm', 'ed25519'),
                'history_head_file': folder / 'heads', 'token_key_file': Secrets.write(folder / 'keys', 'k1 ' + '5e' * 32),
                'database_password_file': Secrets.write(folder / 'password', 'open sesame'), 'deliver': 'smtp',
                'mail_host': 'localhost', 'mail_from': 'vacd@agency.example.org', 'mail_ca_file': certs.ca}
    for secret in ('history.pem', 'keys', 'password'):
        harness.give(folder / secret)
    config = harness.write_config(folder / 'hurt.conf', **settings)
    config.chmod(0o644)
    mail = folder / 'mail'
    mail.write_text('Subject: a mail\n\nof one line\n')
    harness.write_sheets(folder, offices=[('SEA', 'Seattle', 'America/Los_Angeles', '', '', '', '')])
    (folder / 'offices.csv').chmod(0o644)
    with listening(folder / ('lmtp' if command == 'receive' else '.s.PGSQL.5432')) as server, open(mail, 'rb') as stdin:
        process = begun(folder, config, command, *COMMANDS[command], stdin=stdin)
        try:
            connection, peer = who_came(server, process, folder / 'hurt.log')
            with connection:
                assert peer == process.pid
                cannot_be_dumped(process)
                leaves_no_core(process, folder)
        finally:
            process.kill()
            process.wait()
