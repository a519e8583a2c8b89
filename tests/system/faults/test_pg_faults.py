"""PostgreSQL is stopped, hangs, and every message between it and vacd is cut off once: vacd goes on by itself,
and the checker finds nothing."""

import contextlib
import os
import random
import signal
import time
import types

import pytest

import harness
import intake_client
import lmtp_client
import load
import pg_proxy
from pg_pair import Processes, check_all, start_relay
from pg_proxy import TO_CLIENT, TO_SERVER, WAYS, Fault
from answering import Coordinators, MailServer

# Hung for longer than this and the two seconds that pg.c adds, and a connection is given up.
TIMEOUT_MS = 1000
UNANSWERED = 'no answer to a call in time'

FULL = os.environ.get('VACD_FAULTS') == 'full'
LONG = pytest.mark.skipif(not FULL, reason='in the long form only')


@pytest.fixture(scope='module')
def own_cluster(session_folder, image):
    """One that these tests may stop."""
    made = harness.Cluster(session_folder / 'pg_faults')
    made.create(image)
    yield made
    made.stop('immediate')


class World:
    """A database, a mail server, coordinators who answer, clients who open cases over HTTPS, and one daemon between them."""

    def __init__(self, cluster, folder, mail, certs, vacd, host=None, port=None, decided=False):
        self.database = load.database(cluster, folder)
        self.database.query("SELECT vac.set_policy('mail_margin_seconds', '0')")
        self.mail, self.socket, self.codes = mail, str(folder / 'lmtp'), []
        seen = types.SimpleNamespace(conninfo=lambda login: self.database.conninfo(login, host=host, port=port))
        self.clients = intake_client.Clients(self.database, certs)
        self.daemon = vacd(seen, mail, lease_ms=1500, poll_ms=300, lmtp_socket=self.socket, database_timeout_ms=TIMEOUT_MS,
                           **self.clients.settings())
        self.people = Coordinators(mail, MailServer([self.socket], 51), 52, decided=decided).start()

    def open_case(self, number):
        """Until the client was told of it, whatever happens to the daemon meanwhile."""
        office = load.OFFICES[number % len(load.OFFICES)][0]
        code = self.clients.open_case({'office': office, 'language': 'en'}, f'case-{number}')
        assert code, self.daemon.log()[-3000:]
        self.codes.append(code)

    def rest_and_check(self, more=()):
        check_all(self.database, [self.daemon], self.people, [*self.codes, *more])
        self.clients.check()

    def end(self, record):
        self.people.finish()
        assert self.daemon.stop() == 0
        record.delivered += len(self.mail.copies())
        self.database.drop()


# ---- stopped, and hung ---------------------------------------------------------------------------

def sessions_of(database):
    return [pid for pid, in database.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'vacd%%'", database.name)]


@contextlib.contextmanager
def stopped(world, whom):
    """Stops whom() when vacd is connected, not before: whoever came later would go on. It has given up a call then."""
    harness.wait_for(lambda: len(sessions_of(world.database)) >= 8, what='all connections of a daemon')
    before, pids = world.daemon.log().count(UNANSWERED), whom()
    try:
        Processes.signal(signal.SIGSTOP, pids)
        harness.wait_for(lambda: world.daemon.log().count(UNANSWERED) > before, what='a call that is given up')
        yield pids
    finally:
        Processes.signal(signal.SIGCONT, pids)


def fast(cluster, world):
    cluster.restart('fast')


def immediate(cluster, world):
    cluster.restart('immediate')


def sessions_hang(cluster, world):
    with stopped(world, lambda: sessions_of(world.database)):
        pass


def hangs(cluster, world):
    """The server as a whole: it takes connections, since the kernel does, and says nothing."""
    with stopped(world, Processes(cluster).everybody):
        is_awake(world)


def hangs_for_ever(cluster, world):
    """And is replaced."""
    with stopped(world, Processes(cluster).everybody) as pids:
        Processes.signal(signal.SIGKILL, pids)
        harness.wait_for(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids), what='the end of the server')
    cluster.start()


def is_awake(world):
    """The loop waits for nothing: it speaks LMTP and reads its configuration again."""
    before = world.daemon.log().count('configuration read again')
    with lmtp_client.Client(world.socket) as client:
        assert client.ask('LHLO mail.example.org')[:3] == '250'
        world.daemon.signal(signal.SIGHUP)
        harness.wait_for(lambda: world.daemon.log().count('configuration read again') > before, what='a reload', every=0.01)


class BothWays(load.Load):
    """Every other case comes over HTTPS."""

    def __init__(self, world, *args, **options):
        super().__init__(world.database, *args, **options)
        self.clients = world.clients

    def _call(self, statement, *args):
        if 'open_case' not in statement or len(self.codes) % 2:
            return super()._call(statement, *args)
        *words, key = args
        return self.clients.open_case(dict(zip(('office', 'language', 'service', 'urgency'), words)), key)


# The others are in the short form of test_restart.py and test_pg.py.
STOPS = [hangs, hangs_for_ever]
ALL_STOPS = [*STOPS, immediate, fast, sessions_hang]


def test_stopped_and_hung(own_cluster, folder, sink, certs, vacd, record, full):
    # All answer, whatever the hour: the window of an urgent meeting may be minutes, which the check at the end would wait for.
    world = World(own_cluster, folder, sink(delay_ms=5), certs, vacd, decided=True)
    stops = 20 * ALL_STOPS if full else STOPS
    # Nobody immediate: a call-out lives in parallel until somebody says yes.
    coming = BothWays(world, 12 * len(stops), rate=6, seed=3, urgencies=(6, 3, 0)).start()
    for stop in stops:
        time.sleep(0.5)
        stop(own_cluster, world)
        record.fault('PostgreSQL', stop.__name__.replace('_', ' '))
    world.rest_and_check(coming.finish(600))
    world.end(record)


# ---- two addresses of one name -------------------------------------------------------------------

NAME, ADDRESSES = 'database.example.org', ('127.0.0.2', '127.0.0.3')


class Ways:
    """One server by several addresses of one port, each of which can fall silent; daemons know all by one name."""

    def __init__(self, folder, cluster):
        self.port = harness.free_port()
        there = cluster.socket_dir / f'.s.PGSQL.{cluster.port}'
        self.relays = [start_relay(f'{address}:{self.port}', there) for address in ADDRESSES]
        self.hosts = folder / 'hosts'
        self.hosts.write_text('127.0.0.1 localhost\n' + ''.join(f'{address} {NAME}\n' for address in ADDRESSES))

    def enter(self):
        """What runs after it looks names up in that file."""
        return ['unshare', '-m', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', self.hosts]

    def silence(self, number):
        """Its connections stay, and new ones are taken by the kernel."""
        for other, relay in enumerate(self.relays):
            relay.send_signal(signal.SIGSTOP if other == number else signal.SIGCONT)

    def end(self):
        for relay in self.relays:
            relay.kill()
            relay.wait()


def why_no_mounts():
    """Why a program cannot have a file of its own at the place of another here; '': it can."""
    if os.geteuid() != 0:
        return 'mounting needs root'
    done = harness.run(['unshare', '-m', 'mount', '--bind', '/etc/hosts', '/etc/hosts'])
    return '' if done.returncode == 0 else f'no mounting here: {done.stderr.strip()}'


@pytest.fixture
def ways(own_cluster, folder):
    why = why_no_mounts()
    if why:
        pytest.skip(why)
    made = Ways(folder, own_cluster)
    yield made
    made.end()


def test_an_address_of_the_server_is_silent(own_cluster, folder, sink, certs, vacd, ways, record):
    """The next one is tried: from the start, and when the one in use falls silent, whichever of them that is."""
    ways.silence(0)
    world = World(own_cluster, folder, sink(), certs, lambda *args, **settings: vacd(*args, front=ways.enter(), **settings),
                  host=NAME, port=ways.port, decided=True)
    for number, silent in enumerate((0, 1, 0)):
        ways.silence(silent)
        world.open_case(number)
        harness.wait_for(lambda: world.database.value("SELECT count(*) FROM vac_store.case_record WHERE responsible_id IS NULL") == 0, what='an answer')
        record.fault('PostgreSQL', 'one of two addresses is silent')
    world.rest_and_check()
    ways.silence(None)
    world.end(record)


# ---- cut off -------------------------------------------------------------------------------------

@pytest.fixture
def through_proxy(own_cluster, folder, sink, certs, vacd):
    """(world, proxy), when the proxy has seen one cycle."""
    with pg_proxy.Proxy(folder / 'proxy', own_cluster) as proxy:
        # Slow before each text, so that the look of the claim is too old by then, and every final dot is asked for.
        world = World(own_cluster, folder, sink(data_delay_ms=250), certs, vacd, proxy.folder)
        harness.wait_for(lambda: 'daemon works' in world.daemon.log(), what='a daemon at work')
        cycle(world, proxy, 0)
        yield world, proxy


def cycle(world, proxy, number, faults=(), anew=False):
    """A case from its opening to an answer that counted, on connections that begin anew; or a daemon does."""
    if anew:
        assert world.daemon.stop() == 0
    proxy.arm(*faults)
    if anew:
        world.daemon.start()
    else:
        proxy.cut_all()
    world.open_case(number)
    world.rest_and_check()
    proxy.disarm()


def note(record, faults):
    """How many faults struck."""
    for fault in faults:
        if fault.struck:
            record.fault(f'PostgreSQL, {fault.call or fault.direction}', f'connection cut: {fault.how}')
    return sum(fault.struck for fault in faults)


@LONG
@pytest.mark.parametrize('direction', [TO_SERVER, TO_CLIENT])
@pytest.mark.parametrize('how', WAYS)
def test_cut_at_every_message(through_proxy, record, how, direction):
    """Some on each connection in a cycle, each time it comes back a little further; then those that it did not reach."""
    world, proxy = through_proxy
    longest = {application: number for (application, way), number in proxy.longest.items() if way == direction}
    waiting = {application: list(range(1, number + 1)) for application, number in longest.items()}
    struck, cases = 0, 0
    for together in (5, 2, 1, 1):
        for begin in range(0, max(map(len, waiting.values())), together):
            cases += 1
            faults = [Fault(application, direction, number, how)
                      for application, numbers in waiting.items() for number in numbers[begin:begin + together]]
            # How long one waits for a server that says nothing adds up from one cycle to the next.
            cycle(world, proxy, cases, faults, anew=how == 'silent')
            struck += note(record, faults)
            for fault in faults:
                if fault.struck:
                    waiting[fault.application][waiting[fault.application].index(fault.number)] = None
        waiting = {application: [n for n in numbers if n] for application, numbers in waiting.items()}
    print(f'{struck} of {sum(longest.values())} messages {direction} cut: {how}; never reached: {waiting}')
    assert struck >= sum(longest.values()) * 0.95
    world.end(record)


# What a cycle is made of; the long form cuts whatever else is called, too.
CALLS = {'vacd': {'hello'},
         'vacd dispatch': {'claim_groups', 'COMMIT', 'store_plans', 'release_groups', 'next_dispatch'},
         'vacd mailer': {'claim_messages', 'finish_messages', 'next_message'},
         'vacd final dots': {'may_send'},
         'vacd inbox': {'receive_mail'},
         'vacd intake': {'intake_open'},
         'vacd answer': {'claim_inbound', 'token_subjects', 'take_mail', 'next_inbound'},
         'vacd deadline': {'pass_time'},
         'vacd seal': {'seal'}}


def each_call(proxy, direction, how, kind=b''):
    calls = {(application, call) for application, names in CALLS.items() for call in names}
    if FULL:
        calls |= set(proxy.calls)
    return [Fault(application, direction, how=how, call=call, kind=kind) for application, call in sorted(calls)]


def cut_each(world, proxy, record, faults):
    """What one cycle does not come to, since its work was done although nobody was told, the next one does."""
    for number in (1, 2, 4, 5):
        if lacking(faults):
            cycle(world, proxy, number, [fault for fault in faults if not fault.struck])
    note(record, faults)
    assert not lacking(faults)


def lacking(faults):
    struck = {(fault.application, fault.call) for fault in faults if fault.struck}
    return {(application, call) for application, calls in CALLS.items() for call in calls} - struck


def cut_here_and_there(world, proxy, record):
    """Each way, in both directions; the numbers of the messages are drawn."""
    draw, kinds = random.Random(61), [(how, direction) for how in WAYS for direction in (TO_SERVER, TO_CLIENT)]
    faults = []
    for application in proxy.applications():
        faults += [Fault(application, direction, draw.randint(1, proxy.longest[application, direction]), how)
                   for how, direction in draw.sample(kinds, 4)]
    # A slow cycle says more than the next, which does not come to all of that.
    for number in (3, 6, 7):
        if sum(fault.struck for fault in faults) <= 12:
            cycle(world, proxy, number, [fault for fault in faults if not fault.struck])
    assert note(record, faults) > 12, 'too few faults struck'


def test_commit_whose_outcome_is_unknown(through_proxy, record):
    """Of every call: it is committed, and the connection ends before a word of the answer has come. And, so that the
    short form has some of each, cuts at other messages."""
    world, proxy = through_proxy
    cut_here_and_there(world, proxy, record)
    cut_each(world, proxy, record, each_call(proxy, TO_CLIENT, 'unknown'))
    # And what was not committed was not acknowledged, and what was acknowledged needs nothing more of the connection.
    told = [('vacd inbox', 'receive_mail'), ('vacd intake', 'intake_open')]
    faults = [Fault(application, TO_SERVER, how='before', call=call, kind=b'S') for application, call in told]
    faults += [Fault(application, TO_CLIENT, how='after', call=call, kind=b'Z') for application, call in told]
    cycle(world, proxy, 8, faults)
    assert note(record, faults) == len(faults)
    last = Fault('vacd', TO_CLIENT, how='unknown', call='goodbye')
    proxy.arm(last)
    world.end(record)
    assert last.struck


@LONG
def test_commit_that_never_was(through_proxy, record):
    """Of every call: it has done its work, and the connection ends before the server is told to commit."""
    world, proxy = through_proxy
    cut_each(world, proxy, record, each_call(proxy, TO_SERVER, 'before', b'S'))
    world.end(record)


@LONG
def test_all_of_an_answer_but_its_end(through_proxy, record):
    """The rows are there, and whether they were committed is not said: they do not count."""
    world, proxy = through_proxy
    cut_each(world, proxy, record, each_call(proxy, TO_CLIENT, 'before', b'Z'))
    world.end(record)
