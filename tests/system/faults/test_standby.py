"""PostgreSQL fails over to a standby in the middle of load: vacd follows, nothing that was acknowledged is lost, and
the old primary does no harm when it comes back. vacd-cluster(7) tells administrators what these tests do."""

import contextlib
import os
import signal
import time
import types

import psycopg
import pytest

import harness
import load
import pg_pair
from pg_pair import Client, Node, Processes, check_all, hosts_of
from answering import Coordinators, MailServer
from test_pg import Driver

FULL = os.environ.get('VACD_FAULTS') == 'full'
SETTINGS = {'lease_ms': 1500, 'poll_ms': 300, 'database_timeout_ms': pg_pair.DATABASE_TIMEOUT_MS}


# ---- one machine, or two -------------------------------------------------------------------------

class Here:
    """Both servers and both daemons on this machine."""

    def __init__(self, folder):
        self.folder, self.machines = folder, (None, None)

    def program(self, machine):
        return harness.VACD

    def start_mail(self, sink):
        return sink()

    def end(self):
        pass


class Network:
    """Two machines behind a hub, where the mail server is; each has one server and one daemon."""

    def __init__(self, folder):
        self.folder, self.hub = folder, pg_pair.make_hub()
        self.machines = [pg_pair.Machine(self.hub, number) for number in (1, 2)]

    def _in(self, space, program):
        path = self.folder / f'{program.name}-in-{space.process.pid}'
        path.write_text(f'#!/bin/sh\nexec {" ".join(space.command())} {program} "$@"\n')
        path.chmod(0o755)
        return path

    def program(self, machine):
        return self._in(machine, harness.VACD)

    def start_mail(self, sink):
        """Each machine reaches it as localhost, which its certificate is for."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(harness, 'SINK', self._in(self.hub, harness.SINK))
            mail = sink()
        for machine in self.machines:
            at_hub, here = f'{machine.hub_address}:{mail.port}', f'127.0.0.1:{mail.port}'
            self.hub.relay(at_hub, here)
            machine.relay(here, at_hub)
        return mail

    def end(self):
        for space in [*self.machines, self.hub]:
            space.end()


class World:
    """A primary and its standby: what is committed is on both; a daemon beside each; people who answer; a client."""

    def __init__(self, place, sink, vacd, image):
        folder = place.folder
        self.place = place
        self.a, self.b = (Node(folder / name, name, machine) for name, machine in zip('ab', place.machines, strict=True))
        self.a.create(image)
        self.database = load.database(self.a, folder)
        self.database.query("SELECT vac.set_policy('mail_margin_seconds', '0')")
        self.b.be_copy_of(self.a)
        self.a.wait_for_copies_on('b')
        self.there = harness.Database(self.b, self.database.name)
        self.mail = place.start_mail(sink)
        sockets = [str(folder / f'lmtp{number}') for number in (1, 2)]
        hosts = f'{hosts_of(self.a, self.b)} dbname={self.database.name}'
        seen = types.SimpleNamespace(conninfo=lambda login: f'{hosts} user={login}')
        self.daemons = [vacd(seen, self.mail, place.program(machine), lmtp_socket=socket, **SETTINGS)
                        for machine, socket in zip(place.machines, sockets, strict=True)]
        harness.wait_for(lambda: all('daemon works' in daemon.log() for daemon in self.daemons), what='both daemons at work')
        self.sockets, self.server = sockets, MailServer(sockets, 71)
        # Who says perhaps to a call-out has ten minutes for more, which the checks would wait for.
        self.people = Coordinators(self.mail, self.server, 72, decided=True).start()
        self.client = Client([self.a, self.b], self.database, 0, 1)
        self.codes = []

    def check(self, *keys, daemons=None):
        """Opens cases; all promises are kept where the standby took over."""
        self.codes += [self.client.open_case(key) for key in keys]
        check_all(self.there, daemons or self.daemons, self.people, self.codes)

    def done_at(self, node):
        """What a server's copy says was planned, mailed and answered."""
        return harness.Database(node, self.database.name).query('''
            SELECT (SELECT count(*) FROM vac_store.appointment), (SELECT count(*) FROM vac_store.inbound),
                (SELECT array_agg((m.message_id, m.state, m.fence) ORDER BY m.message_id) FROM vac_store.message m)::text''')

    @contextlib.contextmanager
    def old_primary_unchanged(self):
        before = self.done_at(self.a)
        yield
        assert self.done_at(self.a) == before

    def end(self):
        for node in (self.a, self.b):
            if (node.data / 'postmaster.pid').exists():
                node.stop('immediate')


# ---- how the primary goes, and comes back --------------------------------------------------------

class Immediate:
    def go(self, world):
        world.a.stop('immediate')

    def come_back(self, world):
        world.a.start()


class Frozen:
    def go(self, world):
        self.pids = Processes(world.a).everybody()
        Processes.signal(signal.SIGSTOP, self.pids)
        time.sleep(1)

    def come_back(self, world):
        Processes.signal(signal.SIGCONT, self.pids)


class CutOff:
    """On one side a primary that nobody copies and a daemon without mail server, on the other a standby."""

    def go(self, world):
        world.a.machine.pull_out()
        assert not Client([world.a], world.database, 0, 1).is_acknowledged('cut off')

    def come_back(self, world):
        """The daemon that was on the wrong side comes over."""
        came_over = f'database connected connection="vacd" server={world.b.address()}'
        assert came_over not in world.daemons[0].log()
        with world.old_primary_unchanged():
            world.a.machine.plug_in()
            harness.wait_for(lambda: came_over in world.daemons[0].log(), what='the daemon on the right side')


@pytest.fixture
def world(folder, sink, vacd, how, image):
    why = pg_pair.why_no_machines()
    if how is CutOff and why:
        pytest.skip(why)
    if how is not CutOff and not FULL and not why:
        pytest.skip('in the long form only, where there are network namespaces')
    place = Network(folder) if how is CutOff else Here(folder)
    made = World(place, sink, vacd, image)
    yield made
    made.end()
    place.end()


def answer_too_late(world, record):
    """The new one is seen while a call at the old one is under way: what that answers, if it does, counts no more."""
    with psycopg.connect(world.a.conninfo('postgres')) as holder, open(world.place.folder / 'driver.log', 'ab') as log:
        holder.execute('SELECT pg_advisory_lock(1)')
        driver = Driver(world.a.conninfo('postgres'), 20000, log)
        driver.expect('up')
        driver.tell('call SET lock_timeout = 0')
        driver.expect('1 done ')
        driver.tell('call SELECT pg_advisory_lock(1)', f"other {world.b.conninfo('postgres')}")
        driver.expect('other up')
        holder.execute('SELECT pg_advisory_unlock(1)')
        driver.expect('down', '2 lost')
        assert driver.stop() == 0
    record.fault('primary with a standby', 'old one answers late')


def commit_alone(world, record):
    """Somebody lets the old one do so: whoever knows the new one does not go there all the same."""
    world.a.wait_for_copies_on('')
    # What waited for a copy is committed now, whether anybody waits for the answer or not.
    harness.wait_for(lambda: not world.a.ask("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), what='the end of all waiting')
    world.client.nodes = [world.b]
    with world.old_primary_unchanged():
        world.b.cut_off_daemons()
        world.check('beside a primary that commits')
    record.fault('primary with a standby', 'old one back, and commits')


def rewind(world, record):
    """It is a standby like any other then."""
    world.a.stop('fast')
    world.a.rewind_to(world.b)
    world.b.wait_for_copies_on('a')
    world.b.cut_off_daemons()
    world.check('with the old primary as standby')
    harness.wait_for(lambda: world.done_at(world.a) == world.done_at(world.b), what='the same on both')
    assert harness.Database(world.a, world.database.name).as_login('sup_all').query('TABLE vac.on_duty_now'), 'a standby can be asked'
    record.fault('primary with a standby', 'old one rewound')


def lose_the_mail_server(world, record):
    """A daemon that does not reach it leaves mail to the other."""
    for relay in world.b.machine.started:
        relay.kill()
    world.check(*(f'without mail server {number}' for number in range(4)))
    record.fault('network', 'one of two daemons without mail server')


@pytest.mark.parametrize('how', [CutOff, Immediate, Frozen])
def test_failover(world, record, how):
    fault = how()
    load_of_cases = Client([world.a, world.b], world.database, 72 if FULL else 36, rate=12, seed=73).start()
    harness.wait_for(lambda: len(load_of_cases.codes) >= 12, what='some cases')
    fault.go(world)
    before = len(load_of_cases.codes)
    # A mail server learns who takes nothing, each time after seconds; now and then it tries again.
    world.server.sockets = [*9 * world.sockets[1:], world.sockets[0]]
    world.b.promote()
    world.codes += load_of_cases.finish()
    assert 0 < before < len(world.codes), 'the failover was not in the middle of the load'
    world.check(daemons=world.daemons[1:])
    world.server.sockets = world.sockets
    record.fault('primary with a standby', f'failover: {how.__name__}')

    fault.come_back(world)
    with world.old_primary_unchanged():
        world.b.cut_off_daemons()
        world.client.at = 0
        world.check('after the old primary came back')
        assert world.client.given_up, 'the old primary acknowledged a case that its standby does not have'
        assert any('was promoted after it' in daemon.log() for daemon in world.daemons)
    record.fault('primary with a standby', 'old one back, daemons know the new one')

    answer_too_late(world, record)

    # A daemon that starts only now tries the old one first, and is not answered.
    with world.old_primary_unchanged():
        assert world.daemons[0].stop() == 0
        starts = world.daemons[0].log().count('daemon works')
        world.daemons[0].start()
        # The other one alone would do what is to be done.
        harness.wait_for(lambda: world.daemons[0].log().count('daemon works') > starts, what='a daemon at the new primary')
        world.check('after a new start')
    record.fault('primary with a standby', 'old one back, a daemon begins')

    if FULL:
        commit_alone(world, record)
    rewind(world, record)
    if FULL and how is CutOff:
        lose_the_mail_server(world, record)
    world.people.finish()
    assert [daemon.stop() for daemon in world.daemons] == [0, 0]
    record.delivered += len(world.mail.copies())
