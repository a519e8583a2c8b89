"""The machine has no descriptors, no memory, no disk left, its clock is set, or it stands still for a while."""

import calendar
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import time

import psycopg
import pytest

import answering
import harness
import intake_client
import lmtp_client
import load

DAY = 86400


def at_rest(database, folder, mail, codes, daemons, record):
    """Comes to rest, stops, and looks at the promises."""
    load.settle(database, daemons)
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.log()[-3000:]
    facts = load.check_promises(database, mail.dir, codes)
    record.delivered += len(facts.copies)
    database.drop()
    return facts


# ---- descriptors ---------------------------------------------------------------------------------

class Crowd:
    """Connects wherever it can and says nothing."""

    def __init__(self, lmtp_socket, port):
        self.places = [(socket.AF_UNIX, str(lmtp_socket)), (socket.AF_INET, ('127.0.0.1', port))]
        self.guests = []

    def come(self, most):
        for number in range(most):
            family, address = self.places[number % 2]
            guest = socket.socket(family)
            guest.setblocking(False)
            try:
                guest.connect(address)
            except BlockingIOError:
                pass
            self.guests.append(guest)

    def go(self):
        for guest in self.guests:
            guest.close()
        self.guests = []


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def test_out_of_descriptors(cluster, folder, sink, certs, record, full):
    """Guests take the last ones, and the connections to the database and the mail server break just then."""
    database = load.database(cluster, folder)
    mail = sink(cut=5)
    lmtp = folder / 'lmtp'
    door = intake_client.Door(folder, database, certs, lmtp_socket=lmtp, deliver='smtp', mail_host='localhost', mail_port=mail.port,
                              mail_tls='implicit', mail_from='vacd@agency.example.org', mail_ca_file=certs.ca,
                              token_key_file=folder / 'token.keys', lease_ms=1500, poll_ms=300)
    daemon, crowd, rounds = door.daemon, Crowd(lmtp, door.port), 20 if full else 2
    coming = load.Load(database, (40 if full else 24) * rounds, rate=15 if full else 10, seed=51).start()
    before = descriptors(daemon.pid)

    def refused():
        return daemon.log().count('connection not accepted')

    for number in range(rounds):
        left, seen = descriptors(daemon.pid) + 2 * number % 7, refused()
        _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (left, hard))
        crowd.come(100)
        database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'vacd'", database.name)
        mail.stop()
        harness.wait_for(lambda seen=seen: refused() > seen, what='a guest for whom no descriptor is left')
        time.sleep(1.5)
        mail.start()
        crowd.go()
        assert daemon.running(), daemon.log()[-3000:]
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (1024, hard))
    codes = coming.finish()
    load.settle(database, [daemon])
    # Nothing was busy failing, and what was opened is closed again.
    assert refused() < 20 * rounds, daemon.log()[-3000:]
    harness.wait_for(lambda: descriptors(daemon.pid) <= before + 8, what='the end of all guests')
    assert door.health() == 200
    at_rest(database, folder, mail, codes, [daemon], record)
    record.fault('descriptors of vacd', 'none left', rounds)


# ---- memory --------------------------------------------------------------------------------------

def address_space(pid):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmSize:'):
            return int(line.split()[1]) * 1024
    return None


def hand_over_much(lmtp):
    """A mail that needs room; whether it was taken."""
    try:
        with lmtp_client.Client(lmtp) as client:
            mail = lmtp_client.letter('much', 60000 * (b'x' * 70 + b'\r\n'))
            return client.deliver('person@example.org', [lmtp_client.OURS], mail) == ['250']
    except (OSError, EOFError, AssertionError):
        return False


def test_memory_short(cluster, folder, sink, vacd, record, full):
    """The daemon may end, and says so; it never crashes. Whoever starts it again does not have to tidy up."""
    database, mail, lmtp = load.database(cluster, folder), sink(), folder / 'lmtp'
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300, lmtp_socket=lmtp)
    rounds, refused, ended = 100 if full else 3, 0, 0
    harness.wait_for(lambda: 'daemon works' in daemon.log(), what='a daemon at work')
    harness.wait_for(lambda: hand_over_much(lmtp), what='a mail that is taken')
    coming = load.Load(database, 20 * rounds, rate=25, seed=52).start()
    for number in range(rounds):
        harness.wait_for(lambda: 'daemon works' in daemon.log() and lmtp.exists(), what='a daemon at work')
        # From nothing to a few pages more than it has.
        most = address_space(daemon.pid) + number % 10 * 65536
        resource.prlimit(daemon.pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        refused += not hand_over_much(lmtp)
        time.sleep(0.5)
        if daemon.running():
            resource.prlimit(daemon.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            ended += 1
            assert daemon.process.returncode > 0, f'signal {-daemon.process.returncode}\n{daemon.log()[-3000:]}'
            daemon.start()
    codes = coming.finish()
    print(f'{rounds} times no memory, {refused} mails not taken, {ended} times it ended')
    assert refused + ended > 0, 'there was memory enough'
    harness.wait_for(lambda: database.value(answering.WAITING) == 0, what='all mail read')
    at_rest(database, folder, mail, codes, [daemon], record)
    record.fault('memory of vacd', 'none left', rounds)


# A limit of a daemon's memory is one for its reader, whose sandbox cannot set its own then.
LACKS = re.compile('Z error (?!reader ended)')


def mails_somebody(daemon, mail, before):
    """Whether it tells somebody of a case, beyond the mails of before; or lacks something for it, and says so."""
    harness.wait_for(lambda: len(mail.copies()) > before or LACKS.search(daemon.log()) or not daemon.running(), what='a mail')
    return len(mail.copies()) > before


def test_started_with_little_memory(cluster, folder, sink, certs, record, full):
    """It works, or it ends with a word of why. Each time a case waits, which somebody plans and tells of in the end."""
    database, mail = load.database(cluster, folder), sink()
    settings = harness.daemon_settings(folder, database, certs, mail.port, lmtp_socket=folder / 'lmtp', lease_ms=1500, poll_ms=300)
    daemon = harness.Daemon(folder, 'vacd', settings)
    harness.wait_for(lambda: 'daemon works' in daemon.log(), what='a daemon at work')
    enough, codes, works, told = address_space(daemon.pid), [], 0, 0
    assert daemon.stop() == 0
    # Up to what some threads' stacks take, of which those that look for the mail server have each one.
    shares = range(881, 1600, 6 if full else 110)
    for share in shares:
        codes.append(database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')"))
        daemon.log_path.unlink()
        daemon.front = ['prlimit', f'--as={enough * share // 1000}']
        before = len(mail.copies())
        daemon.start()
        # One that stays and tries again says what it lacks.
        ends = ('daemon works', 'memory')
        try:
            harness.wait_for(lambda: any(end in daemon.log() for end in ends) or not daemon.running())
            works += daemon.running()
            told += daemon.running() and mails_somebody(daemon, mail, before)
        except AssertionError:
            raise AssertionError(f'{share}/1000 of {enough}: neither works nor says why not\n{daemon.log()}') from None
        status = daemon.stop()
        # GLib begins before main(), and knows no other way.
        assert (status >= 0 or status == -signal.SIGTERM or 'GLib' in daemon.log()) and daemon.log().strip(), f'{share}/1000 of {enough}: {status}\n{daemon.log()[-2000:]}'
        assert status != 78 or 'configuration refused why="Cannot allocate memory"' not in daemon.log(), 'it would not be started again'
    print(f'of {len(shares)} it worked in {works}, and mailed in {told}')
    assert works < len(shares) and told, 'none had little memory, or all too little'
    daemon.front = ()
    daemon.log_path.unlink()
    daemon.start()
    harness.wait_for(lambda: 'daemon works' in daemon.log(), what='a daemon at work')
    at_rest(database, folder, mail, codes, [daemon], record)
    record.fault('memory of vacd', 'little from the start', len(shares) - told)


# ---- the disk under PostgreSQL -------------------------------------------------------------------

class SmallDisk:
    """A file system of so many megabytes that only this process's own mount namespace has, at `folder`."""

    def __init__(self, folder, megabytes):
        folder.mkdir()
        command = f'mount -t tmpfs -o size={megabytes}m,mode=711 none "$1" && echo mounted && exec sleep infinity'
        self.process = subprocess.Popen(['unshare', '-m', 'sh', '-c', command, 'sh', folder], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != 'mounted\n':
            pytest.skip('no file system can be mounted here')
        self.inside = pathlib.Path(f'/proc/{self.process.pid}/root{folder}')
        self.ballast = self.inside / 'ballast'

    def enter(self):
        return ['nsenter', '-t', str(self.process.pid), '-m']

    def fill(self):
        """To the last byte."""
        with open(self.ballast, 'ab', buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(b'\0' * size) == size:
                        pass
                except OSError:
                    pass

    def empty(self):
        self.ballast.unlink()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class ClusterOn(harness.Cluster):
    """A cluster whose data lie on a disk of their own; its socket and its log do not."""

    def __init__(self, folder, disk):
        super().__init__(folder)
        self.disk = disk
        self.data = folder / 'disk' / 'data'

    def service(self, *command):
        done = subprocess.run([*self.disk.enter(), *harness.as_service(command)], cwd='/', stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def copy_data(self, image):
        harness.run_checked(['cp', '-a', image.data, self.disk.inside])

    def start(self):
        settings = f"-k {self.socket_dir} -c listen_addresses='' -c max_connections=60 -c fsync=off -c max_wal_size=64MB"
        assert self.service(harness.POSTGRES_BIN / 'pg_ctl', '-D', self.data, '-l', self.log, '-w', '-o', settings, 'start')

    def stop(self, mode='fast'):
        self.service(harness.POSTGRES_BIN / 'pg_ctl', '-D', self.data, '-m', mode, '-w', 'stop')

    def is_up(self):
        try:
            psycopg.connect(self.conninfo('postgres')).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture
def small_disk(folder):
    if os.geteuid() != 0:
        pytest.skip('mounting needs root')
    place = folder / 'full'
    place.mkdir(mode=0o711)
    harness.give(place)
    made = SmallDisk(place / 'disk', 400)
    yield made, place
    made.close()


def use_up_the_log(cluster):
    """The server asks for another file of its log, and there is no room for one: it ends itself."""
    try:
        with psycopg.connect(cluster.conninfo('postgres'), autocommit=True) as connection:
            for _ in range(8):
                connection.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 8000000))")
    except psycopg.Error:
        pass


def test_disk_full_under_postgresql(small_disk, folder, sink, vacd, record, full, image):
    """First no table grows any more, then the server cannot write its log and goes down."""
    disk, place = small_disk
    cluster = ClusterOn(place, disk)
    cluster.create(image)
    try:
        database = load.database(cluster, folder)
        mail, rounds = sink(), 10 if full else 1
        daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
        coming = load.Load(database, (80 if full else 40) * rounds, rate=20 if full else 10, seed=53).start()
        for _ in range(rounds):
            time.sleep(1)
            disk.fill()
            time.sleep(2)
            use_up_the_log(cluster)
            time.sleep(1)
            assert daemon.running(), daemon.log()[-3000:]
            disk.empty()
            if not cluster.is_up():
                cluster.stop('immediate')
                cluster.start()
        codes = coming.finish()
        log = cluster.log.read_text()
        print(f'{log.count("No space left")} times no space, {log.count("PANIC")} times down')
        assert 'No space left on device' in log
        at_rest(database, folder, mail, codes, [daemon], record)
        record.fault('disk under PostgreSQL', 'full', rounds)
    finally:
        cluster.stop('immediate')


# ---- the clock -----------------------------------------------------------------------------------

class Clock:
    """A wall clock that can be set, for programs that are started within preloaded()."""

    def __init__(self, path):
        self.path = path
        self.set(0)
        path.chmod(0o644)

    def set(self, seconds):
        # In place: it is mapped.
        with open(self.path, 'r+b' if self.path.exists() else 'w+b') as file:
            file.write(struct.pack('q', seconds))

    def preload(self, monkeypatch):
        monkeypatch.setenv('LD_PRELOAD', str(harness.BUILD / 'shifted-clock.so'))
        monkeypatch.setenv('VACD_TEST_CLOCK', str(self.path))

    def is_read_by(self, pid):
        return str(self.path) in pathlib.Path(f'/proc/{pid}/maps').read_text()


STAMP = re.compile(r'^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z ', re.M)


class Hands:
    """What the clocks show, in days from ours: PostgreSQL's when it is asked, vacd's where it writes to its log."""

    def __init__(self, database, daemons):
        self.database, self.daemons, self.read = database, daemons, [0] * len(daemons)

    def turned(self):
        """What is in the logs by now was written before."""
        self.read = [len(daemon.log()) for daemon in self.daemons]

    @staticmethod
    def apart(seconds):
        days = round((seconds - time.time()) / DAY)
        assert abs(seconds - time.time() - days * DAY) < DAY / 4, 'set by no whole day'
        return days

    def of_database(self):
        return self.apart(self.database.value('SELECT extract(epoch FROM clock_timestamp())::float8'))

    def of_vacd(self):
        return {self.apart(calendar.timegm(time.strptime(stamp, '%Y-%m-%dT%H:%M:%S')))
                for daemon, read in zip(self.daemons, self.read) for stamp in STAMP.findall(daemon.log()[read:])}


def old_certificates(folder, monkeypatch):
    """Some that were valid three days ago, too."""
    with monkeypatch.context() as patch:
        clock = Clock(folder / 'clock-certs')
        clock.set(-3 * DAY)
        clock.preload(patch)
        return harness.Certs(folder / 'certs')


# Of the database and of vacd, in days: forward, back, and both apart.
STEPS = [(1, 0), (1, 1), (0, 1), (-1, -1), (0, 0)]


def test_clock_set(folder, sink, record, full, monkeypatch, image):
    """Both clocks are set by a day, forward and back, under load; nothing waits for a day to come again."""
    certs = old_certificates(folder, monkeypatch)
    theirs, ours = Clock(folder / 'clock-pg'), Clock(folder / 'clock-vacd')
    cluster = harness.Cluster(folder / 'pg')
    with monkeypatch.context() as patch:
        theirs.preload(patch)
        cluster.create(image)
    daemons = []
    try:
        database, mail = load.database(cluster, folder), sink(certs.good, soft=15, delay_ms=5)
        settings = harness.daemon_settings(folder, database, certs, mail.port, lease_ms=1500, poll_ms=300)
        with monkeypatch.context() as patch:
            ours.preload(patch)
            daemons = [harness.Daemon(folder, f'vacd{n}', settings) for n in (1, 2)]
        rounds, hands, more = 5 if full else 1, Hands(database, daemons), []
        coming = load.Load(database, (80 if full else 50) * rounds, rate=14 if full else 9, seed=54, second_thoughts=False).start()
        for days_pg, days_vacd in STEPS * rounds:
            time.sleep(1)
            theirs.set(days_pg * DAY)
            ours.set(days_vacd * DAY)
            hands.turned()
            assert hands.of_database() == days_pg
            # Whoever plans it says so.
            more.append(database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')"))
            harness.wait_for(lambda days=days_vacd: days in hands.of_vacd(), what=f'a word of vacd at {days_vacd} day(s) from now')
            assert all(ours.is_read_by(daemon.pid) for daemon in daemons)
        codes = coming.finish() + more
        at_rest(database, folder, mail, codes, daemons, record)
        record.fault('clock of vacd or PostgreSQL', 'set by a day or two', len(STEPS) * rounds)
    finally:
        for daemon in daemons:
            daemon.stop()
        cluster.stop('immediate')


# ---- several daemons, some of which stand still --------------------------------------------------

# What a daemon has claimed and has not done, with the number of the claim.
CLAIMED = '''
SELECT m.message_id, m.fence FROM vac_store.message m JOIN vac_store.daemon d ON d.daemon_id = m.claimed_by
WHERE m.state = 'claimed' AND d.pid = %s'''
CLAIMED_ANEW = '''
SELECT count(*) FROM vac_store.message m JOIN unnest(%s::bigint[], %s::bigint[]) AS h (message_id, fence) USING (message_id) WHERE m.fence > h.fence'''


def freeze_at_work(database, daemon, coming):
    """As soon as it has claimed something: what; nothing, if there is nothing for it to do any more."""
    while coming.running():
        if database.query(CLAIMED, daemon.pid):
            daemon.freeze()
            held = database.query(CLAIMED, daemon.pid)
            if held:
                return held
            daemon.wake()
        time.sleep(0.01)
    return []


def freeze_past_its_lease(database, daemon, coming):
    """How many messages that it had claimed somebody else claimed while it stood still."""
    held = freeze_at_work(database, daemon, coming)
    if not held:
        return 0
    time.sleep(2.1)          # the lease and its margin go by
    # It may have said before, and been heard only now, that it was done.
    harness.wait_for(lambda: not set(held) & set(database.query(CLAIMED, daemon.pid)), what='somebody who does the work of one that stands still')
    daemon.wake()
    return database.value(CLAIMED_ANEW, *map(list, zip(*held)))


@pytest.mark.parametrize('daemons', [2, 5] if os.environ.get('VACD_FAULTS') == 'full' else [3])
def test_frozen_past_their_leases(cluster, folder, sink, vacd, record, full, daemons):
    """Each time in the midst of mail, which another one then sends."""
    database = load.database(cluster, folder)
    mail, times = sink(delay_ms=30), 40 if full else 2
    started = [vacd(database, mail, lease_ms=1000, poll_ms=200) for _ in range(daemons)]
    for daemon in started:
        harness.wait_for(lambda daemon=daemon: 'daemon works' in daemon.log(), what='a daemon at work')
    codes, frozen, tried = [], 0, 0
    while frozen < times:
        assert tried < 4 * times, f'in {tried} times only {frozen} of them had work that another did'
        coming = load.Load(database, 40 if full else 25, rate=12, seed=800 + tried).start()
        frozen += freeze_past_its_lease(database, started[tried % 2], coming) > 0
        codes += coming.finish()
        tried += 1
    at_rest(database, folder, mail, codes, started, record)
    record.fault(f'one of {daemons} daemons', 'SIGSTOP until its lease was over', frozen)
