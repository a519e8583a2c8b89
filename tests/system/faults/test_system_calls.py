"""vacd is killed at each system call of one full cycle, and each of those that can fail fails once.

A cycle: the daemon starts, a case comes in over HTTPS, is planned, the invitation goes out, the answer comes in and
counts, the daemon stops. strace kills its main thread as it enters the k-th call of a name, or has that
call fail; another daemon then does what is left. What is a boundary is taken from a cycle that was only
watched. The short form draws one of each part of it, of a few parts.
"""

import collections
import concurrent.futures
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import answering
import harness
import intake_client
import load

# What a machine in trouble answers, by call. An interrupted wait is no trouble, but may come at any time.
ERRORS = {
    'accept4': ['EMFILE', 'ECONNABORTED'], 'clone3': ['EAGAIN'], 'connect': ['EAGAIN', 'ENOENT'],
    'epoll_ctl': ['ENOMEM'], 'epoll_wait': ['EINTR'], 'eventfd2': ['EMFILE'], 'fstat': ['EIO'], 'fsync': ['EIO', 'ENOSPC'],
    'lseek': ['EIO'], 'mmap': ['ENOMEM'], 'newfstatat': ['EIO'], 'openat': ['EMFILE', 'EIO'], 'pipe2': ['EMFILE'],
    'poll': ['EINTR'], 'pread64': ['EIO'], 'read': ['EIO', 'EINTR'], 'recvfrom': ['ECONNRESET', 'EINTR'],
    'rename': ['ENOSPC'], 'sendmsg': ['ENOBUFS'], 'sendto': ['EPIPE', 'EINTR'], 'socket': ['EMFILE'], 'socketpair': ['EMFILE'],
    'readv': ['ECONNRESET', 'EINTR'], 'bind': ['EADDRINUSE'], 'epoll_create1': ['EMFILE'],
    'write': ['EIO', 'ENOSPC'], 'writev': ['EPIPE', 'EIO']}

UNFINISHED = '''
SELECT count(*) FROM vac_store.request r
WHERE NOT EXISTS (SELECT FROM vac_store.appointment a WHERE a.request_id = r.request_id AND a.state = 'accepted')'''
LEFT = f'SELECT ({UNFINISHED}) + ({load.UNSETTLED}) + ({answering.WAITING})'


class Traced(harness.Daemon):
    """A daemon whose main thread strace watches; it is our child all the same."""

    def start(self, *options):
        self.log_path.unlink(missing_ok=True)
        self.front = ['strace', '-D', '-q', *options]
        super().start()


class Yes(answering.Coordinators):
    """Everybody accepts, from the same program."""

    def kinds(self):
        return ['accepted']


class Lane:
    """A database, a mail server and people of its own, on which cycles are run one after the other."""

    def __init__(self, cluster, folder, certs, number, coordinators=2):
        folder = folder / f'lane{number}'
        folder.mkdir()
        self.folder, self.codes, self.delivered = folder, [], 0
        self.trace = folder / 'trace'
        self.database = load.database(cluster, folder, coordinators)
        self.mail = harness.Sink(folder / 'sink', certs.good)
        self.sockets = [str(folder / 'lmtp'), str(folder / 'lmtp2')]
        self.clients, self.asked = intake_client.Clients(self.database, certs), 0
        victim, helper = (harness.daemon_settings(folder, self.database, certs, self.mail.port, lease_ms=1000, poll_ms=200,
                                                  lmtp_socket=socket, **self.clients.settings()) for socket in self.sockets)
        self.people = Yes(self.mail, answering.MailServer(self.sockets, number), number).start()
        self.victim = Traced(folder, 'victim', victim, start=False)
        self.helper = harness.Daemon(folder, 'helper', helper, start=False)
        self.watching = self.database.connect()

    def cycle(self, *options, seconds=300):
        """One cycle under strace: how the daemon ended, or None if it did not finish the cycle."""
        self.victim.start(*options)
        self._wait(lambda: 'daemon works' in self.victim.log(), seconds)
        self.asked += 1
        done = self._open_case(self.victim, seconds) and self._wait(self._rests, seconds)
        status = self._stop()
        return status if done or status else None

    def _open_case(self, daemon, seconds):
        """The last one that was asked for, or was to be: with the same key whoever is asked. Whether the client was told of it."""
        code = self.clients.open_case({'office': 'SEA', 'language': 'en'}, str(self.asked), seconds, daemon.running)
        self.codes += [code] if code else []
        return code is not None

    def _stop(self):
        """SIGTERM; once more if the first was lost by the call that failed, which told the loop of it."""
        if self.victim.running():
            self.victim.signal(signal.SIGTERM)
            self._wait(lambda: False, 5)
        return self.victim.stop()

    def _wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while self.victim.running() and time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.1)
        return not self.victim.running()

    def _rests(self):
        return self.watching.execute(LEFT).fetchone()[0] == 0

    def heal(self):
        """What is left of the cycle is done by a daemon that nothing happens to."""
        told = len(self.codes) == self.asked
        if told and self._rests():
            return
        self.helper.start()
        assert told or self._open_case(self.helper, 300), self.helper.log()[-2000:]
        harness.wait_for(self._rests, 300, f'rest after the fault:\n{self.victim.log()[-2000:]}\n{self.helper.log()[-2000:]}')
        # It may have had nothing left to do, and be stopped before it listens for signals.
        assert self.helper.stop() in (0, -signal.SIGTERM), self.helper.log()[-2000:]

    def check(self, record):
        """All that was promised, of all that has happened on this lane so far."""
        mails = self.people.mails
        facts = load.check_promises(self.database, self.mail.dir, self.codes, received=[m.message_id for m in mails for _ in range(m.kept)])
        self.clients.check()
        # Where the pipe to the reader fails, that counts as a death of the reader.
        problems = list(answering.once_each(self.database, mails, may_die=1))
        assert not problems, '\n'.join(problems[:20])
        record.delivered += len(facts.copies) - self.delivered
        self.delivered = len(facts.copies)

    def close(self):
        self.people.ending.set()
        for daemon in (self.victim, self.helper):
            if daemon.running():
                daemon.kill()
        self.watching.close()
        self.mail.stop()
        self.database.drop()


@pytest.fixture(scope='module')
def lanes(cluster, session_folder, certs, full):
    if not shutil.which('strace'):
        pytest.skip('strace is not installed')
    if subprocess.run(['strace', '-o', '/dev/null', 'true'], check=False).returncode != 0:
        pytest.skip('tracing is forbidden here')
    # Room for as many cases as the whole table opens, at one office: another's cycle may be other calls.
    made = [Lane(cluster, session_folder, certs, number, 8 if full else 2) for number in range(6 if full else 3)]
    if not full:
        # Whoever was killed sends nothing more: what it may have sent need not wait long.
        for lane in made:
            lane.database.query("SELECT vac.set_policy('mail_margin_seconds', '1')")
    yield made
    for lane in made:
        lane.close()


@pytest.fixture(scope='module')
def calls(lanes):
    """[(name, how often it was called, with this time)] of a cycle, from the moment the configuration is read."""
    def watch(lane, path):
        assert lane.cycle('-o', path) == 0, lane.victim.log()
        counts, found, begun = collections.Counter(), [], False
        for line in path.read_text(errors='replace').splitlines():
            name = re.match(r'(\w+)\(', line)
            if name:
                counts[name[1]] += 1
                begun = begun or 'victim.conf' in line
                if begun:
                    found.append((name[1], counts[name[1]]))
        return found
    # A cycle that is slow polls more often; others would not come to its last calls. Nor do all make the same of those made once.
    cycles = on_all_lanes(lanes, [lane.folder / 'calls' for lane in lanes], watch)
    common = set.intersection(*map(set, cycles))
    found = [call for call in min(cycles, key=len) if call in common]
    print(f'{len(found)} calls in a cycle:', dict(collections.Counter(name for name, _ in found)))
    assert len(found) > 300, 'that was no cycle'
    return found


def spread(items, most, draw=None):
    """At most so many of them, evenly spread: of each part one that is drawn, or the middle."""
    if most is None or most >= len(items):
        return items
    return [items[draw.randrange(n * len(items) // most, (n + 1) * len(items) // most) if draw else (2 * n + 1) * len(items) // (2 * most)]
            for n in range(most)]


def on_all_lanes(lanes, tasks, work):
    """work(lane, task) for each task, on whatever lane is free; after a failure no more are begun."""
    free, failed = queue.Queue(), threading.Event()
    for lane in lanes:
        free.put(lane)

    def one(task):
        lane = free.get()
        try:
            return None if failed.is_set() else work(lane, task)
        except BaseException:
            failed.set()
            raise
        finally:
            free.put(lane)
    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        try:
            return list(pool.map(one, tasks))
        except BaseException:   # whoever ends us does not wait for the others either
            failed.set()
            raise


def strike(lane, call, what, full):
    """A cycle in which this befalls this call; how it ended, and whether the call failed. Where a cycle makes fewer calls than
    the one that was watched, and ends before, the short form tries an earlier one: it tries too few to do without."""
    name, number = call
    for less in (0,) if full else (0, 1, 2):
        lane.trace.unlink(missing_ok=True)
        status = lane.cycle('-o', lane.trace, '-e', f'trace={name}', f'--inject={name}:{what}:when={number - less * number // 4}')
        failed = '(INJECTED)' in lane.trace.read_text(errors='replace')
        if failed or status != 0:
            break
    return status, failed


def assert_most(struck, tried, full):
    assert struck >= round((0.9 if full else 0.8) * tried), f'only {struck} of {tried} struck'


def most(full, short):
    """How many to try: in the long form all, or VACD_FAULTS_MOST."""
    return int(os.environ.get('VACD_FAULTS_MOST', 0)) or None if full else short


def test_killed_at_each_system_call(lanes, calls, record, full, draw):
    def kill(lane, call):
        status, _ = strike(lane, call, 'signal=KILL', full)
        assert status in (0, -signal.SIGKILL), (call, status, lane.victim.log()[-2000:])
        lane.heal()
        return status != 0
    chosen = spread(calls, most(full, 10), None if full else draw)
    killed = sum(on_all_lanes(lanes, chosen, kill))
    print(f'{len(chosen)} of {len(calls)} calls tried, killed {killed} times')
    assert_most(killed, len(chosen), full)
    for lane in lanes:
        lane.check(record)
    record.fault('a system call of a cycle', 'SIGKILL', killed)


def wrong_end(status, log):
    """Why a daemon must not end a cycle so; None: it may."""
    if status is None:
        return 'the cycle did not end'
    if status < 0:
        return f'signal {-status}'
    return None if status == 0 or log.strip() else f'ended {status} without a word'


def test_each_system_call_that_can_fail_fails(lanes, calls, record, full, draw):
    """The daemon goes on, or ends by itself and says why; it never crashes, and never hangs."""
    def fail(lane, task):
        call, error = task
        status, failed = strike(lane, call, f'error={error}', full)
        wrong, log = wrong_end(status, lane.victim.log()), lane.victim.log()[-1500:]
        lane.heal()
        return f'{call} fails with {error}: {wrong}\n{log}' if wrong else None, failed
    tasks = [(call, error) for call in calls for error in ERRORS.get(call[0], ())]
    chosen = spread(tasks, most(full, 6), None if full else draw)
    ends = on_all_lanes(lanes, chosen, fail)
    problems = [problem for problem, _ in ends if problem]
    assert not problems, f'{len(problems)} problems\n' + '\n'.join(problems[:20])
    failed = [task for task, (_, failed) in zip(chosen, ends) if failed]
    print(f'{len(chosen)} of {len(tasks)} ways to fail tried, {len(failed)} came to pass')
    assert_most(len(failed), len(chosen), full)
    for (name, _), error in failed:
        record.fault(f'system call {name}', error)
    for lane in lanes:
        lane.check(record)


DEAF = 'event loop cannot watch a descriptor'


def taken_off(lane):
    """The calls of a watched cycle that take a descriptor off."""
    lines = [line for line in (lane.folder / 'calls').read_text(errors='replace').splitlines() if line.startswith('epoll_ctl(')]
    return {('epoll_ctl', number) for number, line in enumerate(lines, 1) if 'EPOLL_CTL_DEL' in line}


def test_a_loop_that_cannot_watch_ends(lanes, calls, record, full, draw):
    """Rather than wait for ever for what it is not told of."""
    def refuse(lane, call):
        status, failed = strike(lane, call, 'error=ENOMEM', full)
        lane.heal()
        return status, DEAF in lane.victim.log(), failed
    watching = [call for call in calls if call[0] == 'epoll_ctl']
    # A few that are drawn might all take one off.
    chosen = spread(watching, 6) if full else spread([call for call in watching if call not in taken_off(lanes[0])], 4, draw)
    ends = on_all_lanes(lanes, chosen, refuse)
    # That one cannot be taken off does no harm.
    assert set(ends) <= {(1, True, True), (0, False, True), (0, False, False)} and (1, True, True) in ends, ends
    failed = sum(failed for _, _, failed in ends)
    assert_most(failed, len(chosen), full)
    record.fault('system call epoll_ctl', 'ENOMEM', failed)
    for lane in lanes:
        lane.check(record)
