"""What the system tests stand on: a private PostgreSQL, certificates, mail servers, vacd itself.

Fixtures (conftest.py):
  cluster   session   a private PostgreSQL 15 in a folder of its own, on a Unix socket only
  certs     session   test certificates: certs.ca, .good, .expired, .self_signed, .wrong_name, .other_ca
  database  function  a fresh database, migrated by `vacd migrate`, with the logins below
  sink      function  sink(**options) starts a mail sink (tests/bench/sink.c) and returns it
  vacd      function  vacd(database, sink, **settings) starts a daemon and returns it
  mailhost  session   a private Postfix with TLS in front of a private Dovecot with IMAPS (root only)

Of them:
  cluster.database(rosters=None)     a Database; rosters: a list of CSV files to import
  db.conninfo(login)                 a libpq string; db.connect(login) a psycopg connection (autocommit)
  db.query(sql, *args)               rows, as the administrator; db.value(sql, *args) the first field
  db.as_login('sup_all').query(…)    the same as somebody else
  db.be_patient('vac_daemon.…')      that function waits for locks much longer
  logins: postgres (administrator), vacd (vac_daemon), sup_all (all offices) and sup_sea (the office
          SEA) in vac_supervisor, intake1 in vac_intake. A supervisor's row comes with the roster.
  certs.good.cert, certs.good.key    paths; certs.ca is the authority's certificate
  sink(starttls=False, delay_ms=0, data_delay_ms=0, soft=0, hard=0, unsaid=0, cut=0, shut=0, seed=0, auth=None,
       cert=certs.good, front=()) → .port, .dir, .copies() (Copy: number, at, ending, sender, recipients,
       message_id, path), .stop(), .start() (same port and folder again), .wait(n)
  daemon.front                       a command before the program, for the next start
  daemon.config, .log(), .stop() (SIGTERM, waits), .kill() (SIGKILL), .freeze(), .wake(), .pid
  run_vacd(*args, config=None)       a finished subprocess with .returncode, .stdout, .stderr
  write_config(path, **settings)     a vacd.conf; wait_for(condition, seconds=300, what='…')
  KEPT.close()                       ends the connections that the queries of one login have in common, as each test's end does

VACD_BUILD is the build folder (vacd and mail-sink lie in it). Nothing of a machine is assumed but
Debian's paths; only processes that a test started are ended, by their number.
"""

import collections
import contextlib
import os
import pathlib
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('VACD_BUILD', ROOT / '.dev' / 'build')).resolve()
POSTGRES_BIN = pathlib.Path(os.environ.get('VACD_POSTGRES_BIN', '/usr/lib/postgresql/15/bin'))
VACD = BUILD / 'vacd'
SINK = BUILD / 'mail-sink'



def _end(number, frame):
    raise KeyboardInterrupt


# Whoever ends us by SIGTERM wants what we started to be put away, too.
signal.signal(signal.SIGTERM, _end)

# PostgreSQL will not run as root: with root's rights it is started as Debian's own account for it.
SERVICE_USER = 'postgres' if os.geteuid() == 0 else None


def as_service(command):
    """The command, run as the unprivileged account when we are root."""
    if SERVICE_USER is None:
        return list(map(str, command))
    group = pwd.getpwnam(SERVICE_USER).pw_gid
    return ['setpriv', f'--reuid={SERVICE_USER}', f'--regid={group}', '--init-groups',
            *map(str, command)]


def give(path):
    """Hands a folder or file of ours to the unprivileged account."""
    if SERVICE_USER is not None:
        user = pwd.getpwnam(SERVICE_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def scratch_folder():
    """A folder that both accounts reach and nobody else has a reason to."""
    path = pathlib.Path(tempfile.mkdtemp(prefix='vacd-test-'))
    path.chmod(0o711)
    return path


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def wait_for(condition, seconds=300, what='the condition', every=0.05):
    """Calls condition until it gives something true, and returns that. How long it may take says nothing about vacd, but of a
    machine that does much else: who means a shorter time, or a longer one, says so."""
    end = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f'{what} did not come about within {seconds} s')
        # Where looking takes long, most of the machine still belongs to what is waited for.
        time.sleep(max(every, min(2 * (time.monotonic() - begun), 0.3)))


class Kept:
    """Connections that the main thread's queries share: to begin one costs a server far more than most that is asked of it.
    One that its server has ended is noticed before it is asked, not while: who ends sessions spares these."""

    def __init__(self):
        self.connections = {}     # by the name of the database and how it was connected to

    def rows(self, database, login, sql, args):
        if threading.current_thread() is not threading.main_thread():
            with database.connect(login) as connection:
                return rows_of(connection, sql, args)
        which = database.name, database.conninfo(login)
        connection = self.connections.pop(which, None)
        if connection is not None and not at_rest(connection):
            connection.close()
            connection = None
        if connection is None:
            connection = database.connect(login, prepare_threshold=None)
        try:
            return rows_of(connection, sql, args)
        finally:
            if at_rest(connection):
                self.connections[which] = connection
            else:
                connection.close()

    def close(self, database=None):
        """All of them, or those to databases of this name."""
        for which in [which for which in self.connections if database in (None, which[0])]:
            self.connections.pop(which).close()


def at_rest(connection):
    """Whether a connection is in no transaction and its server has said nothing since, such as that it goes."""
    if connection.closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        return False
    return not select.select([connection], [], [], 0)[0]


def rows_of(connection, sql, args):
    cursor = connection.execute(sql, args or None)
    return cursor.fetchall() if cursor.description else []


KEPT = Kept()


def run(command, **options):
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def run_checked(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        raise AssertionError(f'{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}')
    return done


def run_vacd(*args, config=None, **options):
    front = ['--config', config] if config else []
    return run([VACD, *front, *args], timeout=300, **options)


# ---- PostgreSQL ----------------------------------------------------------------------------------

class Login:
    """One database, seen as one login."""

    def __init__(self, database, login):
        self.database = database
        self.login = login

    def query(self, sql, *args):
        return KEPT.rows(self.database, self.login, sql, args)

    def value(self, sql, *args):
        rows = self.query(sql, *args)
        return rows[0][0] if rows else None


class Database(Login):
    LOGINS = (('vacd', 'vac_daemon'), ('sup_all', 'vac_supervisor'), ('sup_sea', 'vac_supervisor'),
              ('intake1', 'vac_intake'))

    def __init__(self, cluster, name):
        super().__init__(self, 'postgres')
        self.cluster = cluster
        self.name = name

    def conninfo(self, login='postgres', host=None, port=None):
        return (f'host={host or self.cluster.socket_dir} port={port or self.cluster.port} '
                f'user={login} dbname={self.name}')

    def connect(self, login='postgres', **options):
        return psycopg.connect(self.conninfo(login), autocommit=True, **options)

    def as_login(self, login):
        return Login(self, login)

    def migrate(self):
        run_checked([VACD, 'migrate', '--database', self.conninfo(), '--sql', ROOT / 'sql'])
        self.add_logins()

    def be_patient(self, function):
        """A call of it waits for a lock as long as a test may take to let go, and not for two seconds."""
        self.query(f"ALTER FUNCTION {function} SET lock_timeout = '60s'")

    def add_logins(self):
        with self.connect() as connection:
            for login, role in self.LOGINS:
                connection.execute(f'''DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
                        CREATE ROLE {login} LOGIN; END IF; END $$''')
                connection.execute(f'GRANT {role} TO {login}')

    def set_up_copy(self):
        """What a copy of a migrated database lacks: the settings and rights of the database itself."""
        with self.connect() as connection:
            connection.execute((ROOT / 'sql' / 'bootstrap.sql').read_text())

    def import_rosters(self, files):
        done = run_vacd('import', 'roster', '--database', self.conninfo(), *files)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def drop(self):
        KEPT.close(self.name)
        self.cluster.administrator.query(f'DROP DATABASE IF EXISTS {self.name} WITH (FORCE)')


class Cluster:
    """A PostgreSQL cluster in `folder`. durable=False gives up fsync, which only a power cut needs."""

    def __init__(self, folder, durable=False):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / 'data'
        self.socket_dir = self.folder
        self.port = 5432
        self.log = self.folder / 'postgres.log'
        self.durable = durable
        self.count = 0
        self.administrator = Database(self, 'postgres')
        self.template, self.templates = None, {}     # copied: what is migrated; with a roster, by its sheets

    def create(self, image=None):
        """From nothing; or as a copy of another that is not running, with what it has to copy databases from."""
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o711)
        give(self.folder)
        if image:
            self.copy_data(image)
            self.count, self.template = image.count, Database(self, image.template.name)
            self.templates = {sheets: made and Database(self, made.name) for sheets, made in image.templates.items()}
        else:
            run_checked(as_service([POSTGRES_BIN / 'initdb', '-D', self.data, '-A', 'trust', '-U',
                                    'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']), cwd='/')
            if not self.durable:
                with open(self.data / 'postgresql.conf', 'a') as conf:
                    conf.write('fsync = off\n')
        self.start()

    def copy_data(self, image):
        run_checked(['cp', '-a', image.data, self.data])

    @contextlib.contextmanager
    def setting(self, **settings):
        """Settings of postgresql.conf that a reload is enough for, while it lasts."""
        def value_now(name):
            return self.administrator.value('SELECT current_setting(%s)', name)

        def alter(words):
            for word in words:
                self.administrator.query(f'ALTER SYSTEM {word}')
            self.administrator.query('SELECT pg_reload_conf()')
            for name, value in settings.items():
                wait_for(lambda: (value_now(name) == value) == words[0].startswith('SET'), what=f'{name} = {value}')
        alter([f'SET {name} = {value}' for name, value in settings.items()])
        try:
            yield
        finally:
            alter([f'RESET {name}' for name in settings])

    def start(self):
        settings = f"-k {self.socket_dir} -c listen_addresses='' -c max_connections=160"
        # The server must not inherit our pipes, or whoever reads them waits for it.
        subprocess.run(as_service([POSTGRES_BIN / 'pg_ctl', '-D', self.data, '-l', self.log, '-w',
                                   '-o', settings, 'start']), cwd='/', check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    @property
    def pid(self):
        return int((self.data / 'postmaster.pid').read_text().split()[0])

    def stop(self, mode='fast'):
        run_checked(as_service([POSTGRES_BIN / 'pg_ctl', '-D', self.data, '-m', mode, '-w', 'stop']),
                    cwd='/')

    def restart(self, mode='fast'):
        self.stop(mode)
        self.start()

    def conninfo(self, database):
        return f'host={self.socket_dir} port={self.port} user=postgres dbname={database}'

    def _create(self, name, options=''):
        self.administrator.query(f'CREATE DATABASE {name} {options}')
        return Database(self, name)

    def _name(self):
        self.count += 1
        return f'vac_{self.count}'

    def copy(self, database):
        """A database like this one, which nobody may be connected to."""
        KEPT.close(database.name)
        # The other strategy writes every page to the log, too: twice the time.
        copy = self._create(self._name(), f'TEMPLATE {database.name} STRATEGY file_copy')
        copy.set_up_copy()
        return copy

    def database(self, rosters=None, migrate=True):
        """A fresh one. Migrated once for all: each is a copy, which is five times as quick."""
        if not migrate:
            return self._create(self._name())
        if self.template is None:
            self.template = self._create('vac_migrated')
            self.template.migrate()
        if not rosters:
            return self.copy(self.template)
        # Likewise with a roster in it, which takes longer still, once that comes a second time.
        content = tuple(pathlib.Path(file).read_bytes() for file in rosters)
        if content in self.templates:
            if self.templates[content] is None:
                self.templates[content] = self.copy(self.template)
                self.templates[content].import_rosters(rosters)
            return self.copy(self.templates[content])
        self.templates[content] = None
        database = self.copy(self.template)
        database.import_rosters(rosters)
        return database


# ---- certificates --------------------------------------------------------------------------------

Certificate = collections.namedtuple('Certificate', 'cert key')


class Certs:
    """Made by openssl; all for the name localhost and 127.0.0.1, but wrong_name."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.ca, self.ca_key = self._authority('ca')
        self.other_ca, other_key = self._authority('other_ca')
        self.good = self._issue('good', self.ca, self.ca_key)
        self.wrong_name = self._issue('wrong_name', self.ca, self.ca_key, names='DNS:other.example.org')
        self.unknown_authority = self._issue('unknown_authority', self.other_ca, other_key)
        self.expired = self._issue('expired', self.ca, self.ca_key, days=-1)
        self.self_signed = Certificate(*self._authority('self_signed', names='DNS:localhost,IP:127.0.0.1'))
        self.client = self._issue('client', self.ca, self.ca_key, names='DNS:client.example.org')
        self.for_servers = self._issue('for_servers', self.ca, self.ca_key, more='extendedKeyUsage=serverAuth')

    def _key(self, name):
        key = self.folder / f'{name}.key'
        run_checked(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256',
                     '-out', key])
        key.chmod(0o644)   # test keys: the sink and the mail servers run as other accounts
        return key

    def _authority(self, name, names=None):
        cert, key = self.folder / f'{name}.crt', self._key(name)
        extra = ['-addext', f'subjectAltName={names}'] if names else []
        run_checked(['openssl', 'req', '-x509', '-new', '-key', key, '-out', cert, '-days', '30',
                     '-subj', f'/CN=vacd test {name}', *extra])
        return cert, key

    def _issue(self, name, ca, ca_key, names='DNS:localhost,IP:127.0.0.1', days=30, more=''):
        cert, key = self.folder / f'{name}.crt', self._key(name)
        request, extensions = self.folder / f'{name}.csr', self.folder / f'{name}.ext'
        extensions.write_text(f'subjectAltName={names}\nbasicConstraints=CA:FALSE\n{more}\n')
        run_checked(['openssl', 'req', '-new', '-key', key, '-out', request, '-subj', f'/CN={name}'])
        command = ['openssl', 'x509', '-req', '-in', request, '-CA', ca, '-CAkey', ca_key, '-out',
                   cert, '-days', str(days), '-set_serial', str(secrets.randbelow(1 << 60)),
                   '-extfile', extensions]
        run_checked(command)
        return Certificate(cert, key)


# ---- the sink ------------------------------------------------------------------------------------

Copy = collections.namedtuple('Copy', 'number at ending sender recipients message_id octets path')


class Sink:
    """The mail sink of tests/bench/sink.c; options are its own, with _ for -. front: a command before the program."""

    def __init__(self, folder, cert, front=(), **options):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True, parents=True)
        self.cert, self.front = cert, front
        self.options = options
        self.port = options.pop('port', 0)
        self.process = None
        self.start()

    def start(self, **changes):
        self.options.update(changes)
        command = [*self.front, SINK, '--dir', self.dir, '--cert', self.cert.cert, '--key', self.cert.key,
                   '--port', self.port]
        for name, value in self.options.items():
            if value is True:
                command.append('--' + name.replace('_', '-'))
            elif value not in (False, None):
                command += ['--' + name.replace('_', '-'), value]
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith('listening on '), f'the sink did not start: {command}'
        self.port = int(line.split()[-1])

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def copies(self, first=0):
        """All, or those from the one with this index on."""
        found = []
        for line in (self.dir / 'index.tsv').read_text().splitlines()[first:]:
            number, at, ending, sender, recipients, message_id, octets = line.split('\t')
            found.append(Copy(int(number), int(at) / 1e6, ending, sender, recipients.split(','),
                              message_id, int(octets), self.dir / f'{int(number):08}.eml'))
        return found

    def wait(self, least):
        wait_for(lambda: len(self.copies()) >= least, what=f'mail number {least} in the sink')
        return self.copies()


# ---- vacd ----------------------------------------------------------------------------------------

def write_config(path, **settings):
    lines = []
    for key, value in settings.items():
        if isinstance(value, int):
            lines.append(f'{key} = {value}')
        else:
            lines.append(f'{key} = "{value}"')
    pathlib.Path(path).write_text('\n'.join(lines) + '\n')
    return path


def daemon_settings(folder, database, certs, port=None, **settings):
    """What a test daemon is configured with; settings are put over it."""
    keys = pathlib.Path(folder) / 'token.keys'
    if not keys.exists():
        keys.write_text('k1 ' + '5e' * 32 + '\n')
        keys.chmod(0o600)
    chosen = {'database': database.conninfo('vacd')}
    if port is None:
        chosen['deliver'] = 'hold'
    else:
        chosen.update(deliver='smtp', mail_host='localhost', mail_port=port, mail_tls='implicit',
                      mail_from='vacd@agency.example.org', mail_ca_file=certs.ca,
                      token_key_file=keys)
    chosen.update(settings)
    return chosen


class Daemon:
    def __init__(self, folder, name, settings, program=VACD, start=True, front=()):
        folder = pathlib.Path(folder)
        self.program = program
        self.config = write_config(folder / f'{name}.conf', **settings)
        self.log_path = folder / f'{name}.log'
        self.process = None
        self.front = front
        if start:
            self.start()

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([*self.front, self.program, '--config', self.config, 'daemon'],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return self.log_path.read_text(errors='replace')

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def wake(self):
        self.signal(signal.SIGCONT)

    def stop(self, seconds=300):
        """SIGTERM; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f'vacd did not stop within {seconds} s:\n{self.log()[-3000:]}')
        return self.process.returncode


# ---- a roster of our own -------------------------------------------------------------------------

HEADS = {
    'offices': 'code,name,time_zone,telephone,hours,places,backups',
    'supervisors': 'login,name,mail,pager,rank,offices',
    'coordinators': 'code,office,duty,name,title,mail,aliases,telephone,pager,gender,services,'
                    'languages,max_open_cases,weekly_hours,meetings_a_day,time_zone',
    'patterns': 'coordinator,kind,days,from,to,valid_from,valid_to',
    'leave': 'coordinator,from,to',
}


def write_sheets(folder, **sheets):
    """Writes rows (lists of fields) as the CSV files that `vacd import roster` takes."""
    files = []
    for sheet, rows in sheets.items():
        path = pathlib.Path(folder) / f'{sheet}.csv'
        lines = [HEADS[sheet]]
        for row in rows:
            lines.append(','.join('"' + str(field).replace('"', '""') + '"' for field in row))
        path.write_text('\n'.join(lines) + '\n')
        files.append(path)
    return files


def wide_roster(folder, offices, coordinators, domain='agency.example.org', around_the_clock=True):
    """A roster with room: `offices` are (code, zone); each has that many full-time coordinators."""
    office_rows, people, patterns = [], [], []
    for code, zone in offices:
        office_rows.append([code, f'Office {code}', zone, '+1 206 555 0100', 'Mon-Fri 08:00-17:00',
                            'MAIN=Federal Building', ''])
        for number in range(coordinators):
            person = f'{code}-{number + 1:02}'
            people.append([person, code, 'full_time', f'Coordinator {person}',
                           'Victim Assistance Coordinator', f'{person.lower()}@{domain}', '',
                           '+1 206 555 0101', '', 'female' if number % 2 else 'male',
                           'crisis_intervention; counseling; witness_support', 'en; es', 500, 40, 20,
                           ''])
            patterns.append([person, 'regular', 'Mon-Fri', '08:00', '17:00', '', ''])
            if around_the_clock:
                patterns.append([person, 'on_call', 'Mon-Sun', '17:00', '08:00', '', ''])
                patterns.append([person, 'on_call', 'Sat,Sun', '08:00', '17:00', '', ''])
    supervisors = [['sup_all', 'Supervisor All', f'sup_all@{domain}', '', 1, 'all'],
                   ['sup_sea', 'Supervisor One', f'sup_sea@{domain}', '', 2, offices[0][0]]]
    return write_sheets(folder, offices=office_rows, supervisors=supervisors, coordinators=people,
                        patterns=patterns)


@contextlib.contextmanager
def temporary_folder():
    folder = scratch_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
