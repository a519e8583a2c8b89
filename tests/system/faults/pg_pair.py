"""Two PostgreSQL servers, one streaming to the other; machines of their own, if one likes; and who uses them.

Node      a cluster that can be a primary or a standby, on a Unix socket and perhaps on a machine's address
Machine   a network namespace with one wire to a hub, which can be pulled out; root only
Client    a load.Load that goes to whichever server takes it, and waits for none for ever
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import psycopg

import harness
import load
from answering import once_each, settle

PATIENCE = 3
DATABASE_TIMEOUT_MS = 1000


def check_all(database, daemons, people, codes):
    """Waits for rest; then the checker finds nothing, and each answer has done what it does once."""
    settle(database, daemons, people)
    assert all(daemon.running() for daemon in daemons), 'a database that goes away is no reason to end'
    load.check_promises(database, people.sink.dir, codes)
    problems = list(once_each(database, list(people.mails)))
    assert not problems, f'{len(problems)} problems\n' + '\n'.join(problems[:20])


# ---- servers -------------------------------------------------------------------------------------

class Processes:
    """All of a cluster's processes, to be stopped and woken."""

    def __init__(self, cluster):
        self.postmaster = int((cluster.data / 'postmaster.pid').read_text().split()[0])

    def everybody(self):
        with open(f'/proc/{self.postmaster}/task/{self.postmaster}/children') as children:
            return [self.postmaster, *map(int, children.read().split())]

    @staticmethod
    def signal(number, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):   # a session that ended meanwhile
                os.kill(pid, number)


class Node(harness.Cluster):
    def __init__(self, folder, name, machine=None):
        super().__init__(folder)
        self.name, self.machine = name, machine

    def command(self, program, *args):
        space = self.machine.command() if self.machine else []
        return [*space, *harness.as_service([harness.POSTGRES_BIN / program, *args])]

    def start(self):
        address = self.machine.address if self.machine else ''
        if self.machine:
            (self.data / 'pg_hba.conf').write_text('local all all trust\nlocal replication all trust\n'
                                                   'host all all samenet trust\nhost all all 10.77.0.0/16 trust\n'
                                                   'host replication all 10.77.0.0/16 trust\n')
        settings = (f"-k {self.socket_dir} -c listen_addresses='{address}' -c max_connections=60 -c fsync=off -c wal_log_hints=on -c wal_keep_size=256MB"
                    f" -c cluster_name={self.name}")
        subprocess.run([str(part) for part in self.command('pg_ctl', '-D', self.data, '-l', self.log, '-w', '-o', settings, 'start')],
                       cwd='/', check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def address(self):
        return self.machine.address if self.machine else self.socket_dir

    def source(self, standby):
        """How a standby reaches this one."""
        return f'host={self.address()} port={self.port} user=postgres application_name={standby.name}'

    def be_copy_of(self, primary):
        """From nothing, as a standby of it."""
        self.folder.mkdir()
        self.folder.chmod(0o711)
        harness.give(self.folder)
        harness.run_checked(self.command('pg_basebackup', '-D', self.data, '-d', primary.source(self), '-R', '-c', 'fast', '-X', 'stream',
                                         '--no-sync'), cwd='/')
        self.start()

    def rewind_to(self, primary):
        """From a primary that was failed over from, and is stopped, a standby of the one that took over."""
        primary.ask('CHECKPOINT')       # until then its control file has the old timeline, and pg_rewind finds nothing to do
        harness.run_checked(self.command('pg_rewind', '-D', self.data, f'--source-server={primary.source(self)} dbname=postgres',
                                         '--write-recovery-conf', '--no-sync'), cwd='/')
        self.start()

    def promote(self):
        harness.run_checked(self.command('pg_ctl', '-D', self.data, '-w', 'promote'), cwd='/')

    def ask(self, sql):
        with psycopg.connect(self.conninfo('postgres'), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def wait_for_copies_on(self, name):
        """From now on what is committed is on that standby as well; '': here alone."""
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.ask('SELECT pg_reload_conf()')
        if name:
            harness.wait_for(lambda: self.ask("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"),
                             what=f'a synchronous standby {name}')

    def cut_off_daemons(self):
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vacd%'")


def hosts_of(*nodes):
    """The part of a connection string that finds the primary."""
    return (f'host={",".join(str(node.address()) for node in nodes)} port={",".join(str(node.port) for node in nodes)}'
            ' target_session_attrs=read-write connect_timeout=2')


class Client(load.Load):
    """Whoever opens cases: tries one server after the other, and gives up a call that is not answered."""

    def __init__(self, nodes, database, *args, **options):
        super().__init__(database, *args, **options)
        self.nodes, self.at, self.given_up = nodes, 0, 0

    def _connect(self):
        for _ in self.nodes:
            node = self.nodes[self.at % len(self.nodes)]
            try:
                return psycopg.connect(f'host={node.socket_dir} port={node.port} user={self.login} dbname={self.database.name}'
                                       ' target_session_attrs=read-write connect_timeout=2', autocommit=True)
            except psycopg.OperationalError:
                self.at += 1
        raise psycopg.OperationalError('no server takes us')

    def _ask(self, statement, args):
        wire = socket.socket(fileno=os.dup(self.connection.fileno()))
        timer = threading.Timer(PATIENCE, wire.shutdown, [socket.SHUT_RDWR])
        timer.start()
        try:
            return self.connection.execute(statement, args).fetchall()
        finally:
            timer.cancel()
            wire.close()

    def _call(self, statement, *args):
        end = time.monotonic() + 120
        while True:
            try:
                self.connection = self.connection or self._connect()
                rows = self._ask(statement, args)
                return rows[0][0] if rows else None
            except psycopg.OperationalError:
                if self.connection is not None:
                    self.connection.close()
                    self.given_up += 1
                    self.at += 1
                self.connection = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            except psycopg.errors.InvalidParameterValue:
                if 'open_case' in statement:
                    raise
                return None              # withdrawn or held before: refused, and rightly so

    OPEN = "SELECT vac.open_case('SEA', 'en', key => %s)"

    def open_case(self, key):
        return self._call(self.OPEN, key)

    def is_acknowledged(self, key):
        """Asked once."""
        try:
            with self._connect() as self.connection:
                return self._ask(self.OPEN, [key]) != []
        except psycopg.OperationalError:
            return False


# ---- machines ------------------------------------------------------------------------------------

def why_no_machines():
    """Why there can be no network namespaces here; '': there can."""
    if os.geteuid() != 0:
        return 'network namespaces need root'
    done = harness.run(['unshare', '-n', 'ip', 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two'])
    return '' if done.returncode == 0 else f'no network namespaces here: {done.stderr.strip()}'


def start_relay(here, there, front=()):
    """See relay.py."""
    made = subprocess.Popen([*front, sys.executable, pathlib.Path(__file__).with_name('relay.py'), here, there],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert made.stdout.readline() == 'listening\n'
    return made


class Space:
    """A network namespace, as long as a process sleeps in it."""

    def __init__(self):
        self.process = subprocess.Popen(['unshare', '-n', 'sleep', '86400'], stdin=subprocess.DEVNULL)
        ours = os.readlink('/proc/self/ns/net')
        harness.wait_for(lambda: os.readlink(f'/proc/{self.process.pid}/ns/net') != ours, what='a network namespace', every=0.01)
        self.started = []
        self.run('ip', 'link', 'set', 'lo', 'up')

    def command(self):
        return ['nsenter', '-t', str(self.process.pid), '-n']

    def run(self, *command):
        harness.run_checked([*self.command(), *command])

    def relay(self, here, there):
        """What comes in at the first end goes to the second one."""
        made = start_relay(here, there, front=self.command())
        self.started.append(made)
        return made

    def end(self):
        for made in [*self.started, self.process]:
            made.kill()
            made.wait()


class Machine(Space):
    """One of several behind a hub."""

    def __init__(self, hub, number):
        super().__init__()
        self.hub, self.wire = hub, f'to{number}'
        self.hub_address, self.address = f'10.77.{number}.1', f'10.77.{number}.2'
        hub.run('ip', 'link', 'add', self.wire, 'type', 'veth', 'peer', 'name', 'net0', 'netns', str(self.process.pid))
        hub.run('ip', 'addr', 'add', f'{self.hub_address}/24', 'dev', self.wire)
        hub.run('ip', 'link', 'set', self.wire, 'up')
        self.run('ip', 'addr', 'add', f'{self.address}/24', 'dev', 'net0')
        self.run('ip', 'link', 'set', 'net0', 'up')
        self.run('ip', 'route', 'add', 'default', 'via', self.hub_address)

    def pull_out(self):
        self.hub.run('ip', 'link', 'set', self.wire, 'down')

    def plug_in(self):
        self.hub.run('ip', 'link', 'set', self.wire, 'up')


def make_hub():
    hub = Space()
    hub.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
    return hub
