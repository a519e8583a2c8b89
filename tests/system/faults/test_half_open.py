"""The way between a daemon and PostgreSQL is pulled out, so that neither hears of the other's end.

In the midst of a call that holds locks: the server asks after the daemon, as it was told to by it, and lets go; another
daemon, on another way, goes on. While nothing is asked: both find out by themselves."""

import os
import types

import pytest

import harness
import load
import pg_pair
import pg_proxy
from answering import Coordinators, MailServer
from pg_pair import check_all
from pg_proxy import TO_SERVER, Fault

FULL = os.environ.get('VACD_FAULTS') == 'full'
SETTINGS = {'lease_ms': 1500, 'poll_ms': 300, 'database_timeout_ms': pg_pair.DATABASE_TIMEOUT_MS}

# What the daemon asks for by itself takes 45 seconds: in the long form. A connection string may ask for less.
SOONER = ("keepalives_idle=3 keepalives_interval=1 keepalives_count=2"
          " options='-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2 -c tcp_user_timeout=5000'")
# So long that a slow machine, too, plans for another office meanwhile.
SOON = ("keepalives_idle=12 keepalives_interval=2 keepalives_count=4"
        " options='-c tcp_keepalives_idle=12 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=4 -c tcp_user_timeout=20000'")
GONE = 'could not receive data from client: '      # "Connection timed out", or what a router said meanwhile


class World:
    """A server on a machine of its own, and another machine that reaches it by wire."""

    def __init__(self, folder, vacd, image):
        self.hub = pg_pair.make_hub()
        self.far, self.machine = (pg_pair.Machine(self.hub, number) for number in (1, 2))
        self.node = pg_pair.Node(folder / 'pg', 'a', self.machine)
        self.node.create(image)
        self.database = load.database(self.node, folder)
        self.folder, self.vacd, self.daemons = folder, vacd, []

    def start_daemon(self, sink, host=None, more='', **settings):
        seen = types.SimpleNamespace(conninfo=lambda login: f'{self.database.conninfo(login, host=host)} {more}')
        socket = str(self.folder / f'lmtp{len(self.daemons) + 1}')
        made = self.vacd(seen, sink, lmtp_socket=socket, **{**SETTINGS, **settings})
        self.daemons.append(made)
        harness.wait_for(lambda: 'daemon works' in made.log(), what='a daemon at work')
        return made

    def sessions(self, condition='true'):
        """Of whoever comes over the wire."""
        return self.database.value(f'SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s AND {condition}', self.far.address)

    def plug_in(self, daemon):
        starts = daemon.log().count('daemon works')
        self.far.plug_in()
        harness.wait_for(lambda: daemon.log().count('daemon works') > starts, what='the daemon on its way again')

    def end(self):
        if (self.node.data / 'postmaster.pid').exists():
            self.node.stop('immediate')
        for space in (self.far, self.machine, self.hub):
            space.end()


@pytest.fixture
def world(folder, vacd, image):
    why = pg_pair.why_no_machines()
    if why:
        pytest.skip(why)
    made = World(folder, vacd, image)
    yield made
    made.end()


# ---- in the midst of a call ----------------------------------------------------------------------

@pytest.fixture
def proxy(world, monkeypatch):
    """On the far machine. It is to say nothing for as long as the wire does not."""
    monkeypatch.setattr(pg_proxy, 'KEEPALIVE_SECONDS', 3600)
    (world.folder / 'far').mkdir()
    world.far.relay(str(world.folder / 'far' / f'.s.PGSQL.{world.node.port}'), f'{world.machine.address}:{world.node.port}')
    with pg_proxy.Proxy(world.folder / 'proxy', types.SimpleNamespace(port=world.node.port, socket_dir=world.folder / 'far')) as made:
        yield made


def open_case(world, office):
    return world.database.as_login('sup_all').value("SELECT vac.open_case(%s, 'en')", office)


def is_planned(world, code):
    return world.database.value('SELECT count(*) FROM vac_store.appointment JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s', code)


def test_locks_of_a_daemon_that_is_not_heard_of(world, proxy, sink, record):
    first, second = load.OFFICES[0][0], load.OFFICES[1][0]
    world.database.query("SELECT vac.set_policy('mail_margin_seconds', '0')")
    mail = sink()
    cut = Fault('vacd dispatch', TO_SERVER, how='silent', call='store_plans', kind=b'S')
    proxy.arm(cut)
    # It does not give up its call, and hang up, before the wire is out.
    far = world.start_daemon(mail, proxy.folder, '' if FULL else SOON, database_timeout_ms=6000)
    near = world.start_daemon(mail)
    near.freeze()       # at work at once when it is to be, which is not long
    held = open_case(world, first)
    harness.wait_for(lambda: cut.struck, what='a plan that is stored and not committed')
    world.far.pull_out()

    # The other one plans for another office meanwhile. What is locked stays as it is, and the server does not know better.
    near.wake()
    other = open_case(world, second)
    harness.wait_for(lambda: is_planned(world, other), what='a plan for another office')
    assert world.sessions('backend_xid IS NOT NULL') == 1 and not is_planned(world, held), 'nothing was locked'
    assert world.node.log.read_text().count(GONE) == 0

    harness.wait_for(lambda: is_planned(world, held), 120, 'a plan by whoever is there')
    harness.wait_for(lambda: world.sessions() == 0, 120, 'the end of all sessions of whoever is not')
    assert world.node.log.read_text().count(GONE) >= 8
    assert 'no answer to a call in time' in far.log()
    record.fault('way to PostgreSQL', 'pulled out while locks are held')

    world.plug_in(far)
    codes = [held, other, open_case(world, first)]
    people = Coordinators(mail, MailServer([str(world.folder / f'lmtp{number}') for number in (1, 2)], 81), 82, decided=True).start()
    check_all(world.database, world.daemons, people, codes)
    people.finish()
    assert [daemon.stop() for daemon in world.daemons] == [0, 0]
    record.delivered += len(mail.copies())


# ---- while nothing is asked ----------------------------------------------------------------------

# Connections that nothing is asked on as long as no mail comes in and none goes out.
IDLE = ('vacd inbox', 'vacd final dots')


def test_a_server_that_is_not_heard_of(world, sink, record):
    mail = sink(front=world.far.command())
    daemon = world.start_daemon(mail, world.machine.address, '' if FULL else SOONER, front=world.far.command())
    codes = [open_case(world, load.OFFICES[0][0])]
    load.settle(world.database, [daemon])
    harness.wait_for(lambda: world.sessions() >= 8, what='all connections of a daemon')
    world.far.pull_out()
    for name in IDLE:
        lost = f'database connection lost connection="{name}"'
        harness.wait_for(lambda lost=lost: lost in daemon.log(), 120, f'the end of {name}')
    harness.wait_for(lambda: world.sessions() == 0, 120, 'the end of all sessions')
    assert daemon.running()
    record.fault('way to PostgreSQL', 'pulled out while nothing is asked')

    # One that nobody is told of until the wire is plugged in.
    codes.append(open_case(world, load.OFFICES[1][0]))
    world.plug_in(daemon)
    harness.wait_for(lambda: world.sessions() >= 8, what='all connections again')
    load.settle(world.database, [daemon])
    assert daemon.stop() == 0
    record.delivered += len(load.check_promises(world.database, mail.dir, codes).copies)
