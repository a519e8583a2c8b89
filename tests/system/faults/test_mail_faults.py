"""The mail server fails at every step in every way, in the midst of a daemon's work; nothing is lost.

A table of step × fault (smtp_fault.py has the words), each on a real server over TCP and TLS. For each cell
the server is wrong once (in the long form up to three times), a case comes in whose invitation meets the
fault, and then the server is good: the daemon goes on by itself. Cells are dealt to lanes, each with a
daemon, a database and a server of its own, which differ in STARTTLS, login and PIPELINING; at the end of a
lane the checker looks at all that it delivered. The short form draws some cells of each group of faults at
each step, and has all after which somebody must be told.
"""

import collections
import contextlib
import itertools
import math
import random
import signal
import threading

import pytest

import harness
import load
from smtp_fault import FaultServer

SHARE = 1 / 3   # of a group of faults at a step, in the short form
SECRET = 'open-sesame-1234'

NOES = ('4yz', '5yz', '421')
ENDS = ('closing', 'cut', 'half', 'reset', 'silent')
NONSENSE = ('garbage', 'endless', 'code', 'unending', 'differ')
REPLIES = (*NOES, *ENDS, 'drip', 'trickle', *NONSENSE)

# As they are counted at the end.
GROUPS = {**dict.fromkeys(NOES, 'says no'), **dict.fromkeys(ENDS, 'goes, or goes silent'),
          **dict.fromkeys(('drip', 'trickle'), 'slow'), **dict.fromkeys(NONSENSE, 'talks nonsense'),
          'down': 'cannot be reached', 'full': 'cannot be reached'}

IN_CLEAR = {'ehlo': REPLIES, 'starttls': REPLIES, 'ehlo2': REPLIES}
TABLE = {
    'connect': ('down', 'full', 'closing', 'cut', 'reset', 'silent', 'drip', 'garbage'),
    'banner': REPLIES,
    **IN_CLEAR,
    'tls': ('closing', 'reset', 'silent', 'drip', 'trickle', 'garbage', 'endless', 'plain', 'shown', 'old_tls',
            'anonymous'),
    'auth': REPLIES, 'mail': REPLIES, 'rcpt': REPLIES, 'data': REPLIES,
    'text': (*NOES, 'closing', 'cut', 'reset', 'silent', 'garbage', 'endless'),
    'dot': REPLIES,
    'taken': (*ENDS, 'drip', 'trickle', *NONSENSE),
    'rset': REPLIES, 'quit': REPLIES,
    'idle': (*NOES, *ENDS, 'drip', *NONSENSE, 'shown'),
}
ALARMS = {('mail', '5yz'): 'mail_sender', ('auth', '5yz'): 'mail_login', ('starttls', '5yz'): 'mail_tls',
          ('idle', 'shown'): 'mail_tls',
          **{('tls', kind): 'mail_tls' for kind in ('garbage', 'endless', 'plain', 'shown', 'old_tls', 'anonymous')}}
# Before a message can be on the way: what is open must be closed first.
NEW_CONNECTION = ('connect', 'banner', 'ehlo', 'starttls', 'tls', 'ehlo2', 'auth')

Cell = collections.namedtuple('Cell', 'step kind withdrawn')


def cells():
    """All of the table; a case is withdrawn while it is not known whether its invitation was taken."""
    for step, kinds in TABLE.items():
        for kind in kinds:
            yield Cell(step, kind, False)
            if step == 'taken' and kind != 'trickle':
                yield Cell(step, kind, True)


def group(cell):
    """As it is counted at the end."""
    return GROUPS.get(cell.kind, 'wrong TLS') + (', case withdrawn' if cell.withdrawn else '')


def drawn(draw):
    """Some of each group at each step, "never" apart from "not now"; and all that somebody must be told of or that is of one
    step alone."""
    groups, steps = collections.defaultdict(list), collections.Counter(itertools.chain(*TABLE.values()))
    for cell in cells():
        always = (cell.step, cell.kind) in ALARMS or steps[cell.kind] == 1
        groups[cell.step, group(cell), cell.kind == '5yz', always].append(cell)
    for (*_, always), mine in groups.items():
        yield from mine if always else draw.sample(mine, math.ceil(len(mine) * SHARE))


def tables(full, draw):
    """What is tried, one after the other."""
    for number in range(3 if full else 1):
        table = list(cells() if full else drawn(draw))
        (random.Random(20 + number) if full else draw).shuffle(table)
        yield table


def deal(rounds, count):
    """(starttls, cells) for each lane. What only STARTTLS has goes to the lanes that speak it."""
    lanes = [[] for _ in range(count)]
    for table in rounds:
        clear, secure = itertools.cycle(range(0, count, 2)), itertools.cycle(range(count))
        for cell in table:
            lanes[next(clear if cell.step in IN_CLEAR and cell.step != 'ehlo' else secure)].append(cell)
    return [(number % 2 == 0, mine) for number, mine in enumerate(lanes)]


MESSAGES = '''
SELECT m.message_id, m.mail_uuid::text, m.method, m.state, m.attempts, m.uncertain_until, k.mail_failed_at IS NOT NULL
FROM vac_store.message m JOIN vac_store.case_record c USING (case_id)
    LEFT JOIN vac_store.appointment a USING (appointment_id) LEFT JOIN vac_store.coordinator k USING (coordinator_id)
WHERE c.case_code = ANY (%s)'''
Message = collections.namedtuple('Message', 'message_id mail_uuid method state attempts uncertain_until failed')


class Lane:
    def __init__(self, folder, database, certs, number, starttls, mine, full):
        self.folder, self.database, self.cells, self.full = folder, database, mine, full
        self.name = f'lane{number}'
        offers = ['8BITMIME', 'DSN'] + (['PIPELINING'] if number // 2 % 2 == 0 else [])
        self.server = FaultServer(certs.good, starttls=starttls, folder=folder / f'{self.name}.mail', offers=offers)
        self.server.other = certs.self_signed
        secret = folder / 'secret'
        secret.write_text(SECRET + '\n')
        waits = dict(mail_timeout_ms=3000, lease_ms=6000, poll_ms=1000) if full else \
            dict(mail_timeout_ms=600, lease_ms=1000, poll_ms=3000)
        self.daemon = harness.Daemon(folder, self.name, harness.daemon_settings(
            folder, database, certs, self.server.port, mail_tls='starttls' if starttls else 'implicit',
            mail_auth=('plain', 'login', 'xoauth2')[number % 3], mail_user='vacd', mail_secret_file=secret,
            mail_helo='client.example.org', mail_connections=2, **waits))
        self.codes, self.done, self.trouble = [], [], None
        self.draw = random.Random(number)
        self.thread = threading.Thread(target=self._run, daemon=True)

    # ---- a cell ---------------------------------------------------------------------------------

    def _open(self, connection):
        office = self.draw.choice(load.OFFICES)[0]
        code = connection.execute("SELECT vac.open_case(%s, 'en', service => 'crisis_intervention', urgency => 'routine', "
                                  'key => %s)', (office, f'{self.name}-{len(self.codes)}')).fetchone()[0]
        self.codes.append(code)
        return code

    def _wait(self, condition, what):
        harness.wait_for(lambda: condition() or not self.daemon.running(), 400, what, every=0.1)
        assert self.daemon.running(), 'the daemon is gone'

    def _rest(self, connection):
        self._wait(lambda: connection.execute(load.UNSETTLED).fetchone()[0] == 0, 'rest')

    def _reload(self):
        before = self.daemon.log().count('configuration read again')
        self.daemon.signal(signal.SIGHUP)
        self._wait(lambda: self.daemon.log().count('configuration read again') > before, 'a reload')

    def _meet(self, cell, connection):
        """Has the fault happen; the codes of the cases that met it."""
        server, logged = self.server, len(self.daemon.log())
        if cell.step in NEW_CONNECTION:
            server.hang_up()
        server.wrong(cell.step, cell.kind, 1 if not self.full or cell.step == 'auth' else self.draw.randint(1, 3))
        codes = [self._open(connection)]
        if cell.step == 'quit':
            self._rest(connection)
            self._reload()
        if (cell.step, cell.kind) in (('connect', 'down'), ('connect', 'full')):
            self._wait(lambda: 'mail server held' in self.daemon.log()[logged:], 'a failed connection')
            server.right()
            return codes
        self._wait(lambda: server.bites, f'{cell.step} {cell.kind}')
        if cell.withdrawn:
            connection.execute("SELECT vac.withdraw_case(%s, 'no longer wanted')", codes)
        if cell.step in ('quit', 'idle'):
            codes.append(self._open(connection))
        if (cell.step, cell.kind) == ('auth', '5yz') and not self.full:
            self._wait(lambda: 'alarm raised' in self.daemon.log()[logged:], 'an alarm')
            self._reload()   # else it asks again after five minutes
        return codes

    def _one(self, cell, connection):
        logged, mails, spoiled = len(self.daemon.log()), len(self.server.mails), self._spoiled(connection)
        codes = self._meet(cell, connection)
        self._rest(connection)
        self.server.right()
        messages = [Message(*row) for row in connection.execute(MESSAGES, (codes,)).fetchall()]
        self._judge(cell, messages, collections.Counter(
            name for name in self._names(mails)), self.daemon.log()[logged:], self._spoiled(connection) - spoiled)

    def _names(self, since):
        """Message-IDs of what the server took."""
        lines = (self.server.folder / 'index.tsv').read_text().splitlines()[since:]
        return [line.split('\t')[5].strip('<>').split('@')[0] for line in lines]

    def _spoiled(self, connection):
        return connection.execute('SELECT count(*) FROM vac_store.coordinator WHERE mail_failed_at IS NOT NULL').fetchone()[0]

    def _judge(self, cell, messages, copies, log, spoiled):
        """What this fault must have led to, beyond what the checker asks of all."""
        alarm = ALARMS.get((cell.step, cell.kind))
        if cell.step == 'connect' and not self.server.starttls:   # there it stands where TLS should
            alarm = {'garbage': 'mail_tls', 'drip': 'mail_tls' if 'alarm=mail_tls ' in log else None}.get(cell.kind)
        if alarm:
            assert f'alarm={alarm} ' in log, 'no alarm'
        for name in ('mail_sender', 'mail_login', 'mail_tls'):
            assert name == alarm or f'alarm={name} ' not in log, f'alarm {name}'
        refused = [m for m in messages if m.state == 'refused']
        if cell.kind == '5yz' and cell.step in ('rcpt', 'data', 'dot', 'text'):
            # In the midst of the text it may come before the dot is written, and then answers nothing.
            assert cell.step == 'text' or refused, 'a final refusal was not believed'
            assert all(m.failed for m in refused) and spoiled <= len(refused), 'the address is not marked'
        else:
            assert not refused and spoiled == 0, 'the recipient is held guilty'
        first = [copies[m.mail_uuid] for m in messages if m.method == 'REQUEST']
        if cell.step == 'taken' and cell.kind != 'trickle':
            assert any(m.attempts for m in messages), 'an outcome that is not known is not counted'
            assert cell.withdrawn or max(first) > 1, 'there was no second copy'
        else:
            assert set(copies.values()) <= {1}, 'it was sent twice without need'
        if cell.withdrawn:
            self._judge_cancel(messages, copies)

    def _judge_cancel(self, messages, copies):
        """The newer state waited until the older one could no longer be under way."""
        told = [m for m in messages if m.method == 'CANCEL']
        assert len(told) == 1 and copies[told[0].mail_uuid]
        until = max(m.uncertain_until for m in messages if m.method == 'REQUEST' and m.uncertain_until)
        names = self._names(0)
        at = self.server.taken_at[names.index(told[0].mail_uuid)]
        assert at >= until.timestamp(), 'a cancellation overtook what may have been under way'

    # ---- all of them ----------------------------------------------------------------------------

    def _run(self):
        cell = None
        try:
            with self.database.connect() as connection:
                for cell in self.cells:
                    self._one(cell, connection)
                    self.done.append(cell)
        except BaseException as trouble:   # handed to finish()
            self.trouble = f'{self.name}, {cell}: {trouble!r}\n{self.daemon.log()[-3000:]}'

    def finish(self, record):
        self.thread.join()
        if self.trouble:
            return self.trouble
        with contextlib.suppress(AssertionError):   # the last alarm may end a moment after the last message
            harness.wait_for(lambda: not self._alarms())
        alarms, status = self._alarms(), self.daemon.stop()
        assert (alarms, status) == ([], 0), self.daemon.log()[-3000:]
        load.check_promises(self.database, self.server.folder, self.codes)
        self._check_secrets()
        for cell in self.done:
            record.fault(f'mail server, {cell.step}', group(cell))
            if cell.kind in NONSENSE:
                record.bad_input('reply of a mail server')
        record.delivered += len(self.server.mails)
        return None

    def _alarms(self):
        return self.database.query('SELECT name, text FROM vac_store.alarm')

    def _check_secrets(self):
        said = self.server.commands('clear') + [octets.decode('latin-1') for how, octets in self.server.stray if how == 'clear']
        heard = {line for text in said for line in text.split('\r\n')
                 if not (text.startswith('\x16\x03') or text.startswith('\x15\x03'))}   # TLS to whom speaks none
        assert heard <= {'EHLO client.example.org', 'STARTTLS', ''}, heard
        assert SECRET not in self.daemon.log()


def databases(cluster, folder, count, full):
    """The first with rosters and settings; the others are copies of it."""
    first = load.database(cluster, folder)
    if not full:
        first.query("SELECT vac.set_policy('mail_margin_seconds', '1')")
    yield first
    for _ in range(1, count):
        yield cluster.copy(first)


def test_every_step_and_every_fault(cluster, folder, certs, record, full, draw):
    lanes = []
    dealt = deal(tables(full, draw), 12 if full else 6)
    made = list(databases(cluster, folder, len(dealt), full))
    try:
        for number, (starttls, mine) in enumerate(dealt):
            lanes.append(Lane(folder, made[number], certs, number, starttls, mine, full))
        for lane in lanes:
            lane.thread.start()
        troubles = [trouble for trouble in (lane.finish(record) for lane in lanes) if trouble]
    finally:
        for lane in lanes:
            lane.daemon.stop()
            lane.server.stop()
    if troubles:
        pytest.fail('\n\n'.join(troubles), pytrace=False)
    for database in made:
        database.drop()
