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
import signal
import socket
import ssl
import subprocess

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
        self.port = harness.free_port()
        self.settings = {
            'token_key_file': self.write(folder / 'keys', f'k1 {self.token_key.hex()}'),
            'database_password_file': self.write(folder / 'password', password),
            'mail_auth': 'xoauth2', 'mail_user': 'vacd', 'mail_secret_file': self.write(folder / 'mail', self.mail),
            'history_key_file': self.history, 'history_head_file': folder / 'heads', 'history_head_ms': 200,
            'mail_cert_file': self.certificate(self.client), 'mail_key_file': self.client,
            'intake_listen': f'127.0.0.1:{self.port}', 'intake_cert_file': self.certificate(self.intake),
            'intake_key_file': self.intake, 'log_level': 'debug', 'poll_ms': 200, 'mail_connections': 1}

    @staticmethod
    def write(path, text):
        path.write_text(text + '\n')
        path.chmod(0o600)
        return path

    @staticmethod
    def certificate(key):
        path = key.with_suffix('.crt')
        harness.run_checked(['openssl', 'req', '-x509', '-new', '-key', key, '-out', path, '-days', '30', '-subj', '/CN=localhost'])
        return path

    def wiped(self):
        """{what: bytes} that are needed for a moment only."""
        found = {'token key in digits': self.token_key.hex().encode()}
        said = base64.b64encode(f'user=vacd\1auth=Bearer {self.mail}\1\1'.encode())
        for at in range(100, 3000, 290):
            found[f'mail secret from {at}'] = self.mail[at:at + 40].encode()
            found[f'mail secret in base64 from {at}'] = said[at:at + 40]
        for name in ('history', 'intake', 'client'):
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
                server.wait(1)
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


def with_core_files():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_there_is_no_core_file(folder, database, certs):
    """The kernel may be told to pipe them to a program, which no limit forbids: so it is not dumpable, either, and
    what /proc shows of it is root's."""
    folder.chmod(0o777)
    config = harness.write_config(folder / 'hurt.conf', **harness.daemon_settings(folder, database, certs))
    config.chmod(0o644)
    with open(folder / 'hurt.log', 'wb') as log:
        process = subprocess.Popen(harness.as_service([harness.VACD, '--config', config, 'daemon']), cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, preexec_fn=with_core_files)
    try:
        wait_for(lambda: b'daemon works' in (folder / 'hurt.log').read_bytes(), what='a daemon')
        assert limits_of(process.pid) == ('0', '0')
        assert os.stat(f'/proc/{process.pid}/environ').st_uid == 0
        if os.geteuid() == 0:
            assert 'Uid:\t0\t' not in pathlib.Path(f'/proc/{process.pid}/status').read_text()
    finally:
        os.kill(process.pid, signal.SIGSEGV)
        status = os.waitpid(process.pid, 0)[1]
    assert os.waitstatus_to_exitcode(status) == -signal.SIGSEGV and not os.WCOREDUMP(status)
    assert not [path for path in folder.iterdir() if 'core' in path.name]
