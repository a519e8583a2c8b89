#!/usr/bin/python3
"""A year on an invented clock, at ten times the national volume, with everything at once: `./dev soak`.

    soak.py [--minutes N] [--days N] [--cases-a-day N] [--seed N] [--step MINUTES] [--result FOLDER]

In N minutes (60) there go by N/60 of a year, unless --days says how many days. Two daemons work the whole time
on one database; a third comes and goes. What happens to them:
- the life of 20 offices that year.py plays: cases, answers by mail of every kind, leave, moves, duty in turns;
- cases over HTTPS, mail by LMTP, supervisors at psql with all their verbs and views;
- rubbish at every door: hostile mail, bytes that are no request, connections that nobody ends;
- reloads, the mail server away for an hour or two, PostgreSQL restarted, at times without its leave.

What must hold: the rules of year_check.py at the end of each day and checker.py's at the end, over all that
ever was (soak_record.py), and of memory, descriptors, connections and tables what soak_watch.py says. Exit
status 1: something does not; it is printed. Each minute a line says how far it is; the result is also in
FOLDER/soak.txt, beside the samples and the logs.

The volume: the Department of Homeland Security "assisted 765 human trafficking victims" in fiscal year 2022
(annual report of its Center for Countering Human Trafficking, 2023). Each is taken as a case of its own: ten
times that are 7,650 in a year, 21 a day. More requests than cases come of series and of second thoughts.
"""

import argparse
import functools
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import time
import traceback

import psycopg

import checker
import harness
import soak_load
import soak_record
import soak_watch
import year_check
from answering import MailServer
from year import SERVER, Year
from year_people import DAY, HOUR, MINUTE, Letter

NATIONAL_A_YEAR, TIMES = 765, 10
STEPS = (5, 10, 15, 30, 60, 120, 240)  # minutes that the clock is moved by at least: more when we are late
# Days; the least that the policies take, so that a year shows what they do.
KEEP = {'keep_raw_inbound': 7, 'keep_sent_mail': 45, 'keep_messages': 60, 'keep_inbound': 60, 'keep_history': 90, 'keep_cases': 90}
DAEMON = {'poll_ms': 20000, 'history_head_ms': 10000, 'lmtp_idle_ms': 10000, 'lmtp_connections': 40, 'intake_request_ms': 10000,
          'intake_idle_ms': 10000, 'intake_rate': 100000, 'log_level': 'notice'}
# What may be open at rest and is closed in time: to the mail server, from mail servers, clients of the intake, and a
# reader that is being replaced.
SLACK = 60
IDLE_S = 180    # mail connections are closed after 30 seconds, answers' after 10


class Mail:
    """What MailServer wants to know of one."""

    def __init__(self, sender, recipient, raw, message_id):
        self.sender, self.recipient, self.raw, self.message_id = sender, recipient, raw, message_id
        self.kept = self.unsure = 0


class Soak(Year):
    def __init__(self, folder, cluster, certs, seed=1, cases_a_day=21, offices=20, step=5, keep=KEEP, rubbish_a_day=12, bustle=1.0,
                 pace=None):
        self.names = ('one', 'two')
        self.daemons, self.guest = {}, None
        super().__init__(folder, cluster, certs, seed, cases_a_day, offices, step, replan=240)
        self.cluster, self.pace, self.rubbish_a_day, self.verbs_share = cluster, pace, rubbish_a_day, bustle
        self.draw = random.Random(seed + 1)
        self.keep = {name: days for name, days in keep.items() if self.query('SELECT FROM vac_store.policy WHERE name = %s', name)}
        self.record = soak_record.Record({name[5:]: days for name, days in self.keep.items()})
        self.sockets = [str(folder / f'lmtp-{name}') for name in self.names]
        self.ports = [harness.free_port() for _ in self.names]
        self.history_key, self.history_public = folder / 'history.key', folder / 'history.pub'
        harness.run_checked(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', self.history_key])
        self.history_key.chmod(0o600)
        harness.run_checked(['openssl', 'pkey', '-in', self.history_key, '-pubout', '-out', self.history_public])
        token = self.query("SELECT vac.add_client('soak', 'all', token => true)")[0][0]
        self.intake = soak_load.Intake(self.ports, certs.ca, token, self.draw)
        self.inbox = soak_load.Inbox(self.sockets, self.draw)
        self.letters = MailServer(self.sockets, seed)
        self.rubbish = soak_load.Rubbish(self.draw)
        self.bustle_of = soak_load.Bustle(self)
        self.faults, self.largest_step, self.day = [], self.step, 0
        self.watch, self.last_reply_to = None, f'vacd@{self.DOMAIN}'

    def close(self):
        for daemon in [*self.daemons.values(), *([self.guest] if self.guest else [])]:
            daemon.stop()
        self.bustle_of.close()
        super().close()

    # ---- the machine -------------------------------------------------------------------------
    def start_vacd(self):
        for name, lmtp, port in zip(self.names, self.sockets, self.ports):
            settings = harness.daemon_settings(
                self.folder, self.database, self.certs, self.sink.port, lmtp_socket=lmtp, intake_listen=f'127.0.0.1:{port}',
                intake_cert_file=self.certs.good.cert, intake_key_file=self.certs.good.key, history_key_file=self.history_key,
                history_head_file=self.folder / f'heads-{name}', **DAEMON)
            self.daemons[name] = harness.Daemon(self.folder, name, settings)
        self.wait_for_daemons()
        self.at_work = True
        self.watch = soak_watch.Watch(lambda: [(name, daemon.pid) for name, daemon in self.daemons.items()])

    def wait_for_daemons(self):
        stages = """SELECT count(*) FROM (SELECT FROM pg_stat_activity WHERE application_name IN ('vacd dispatch', 'vacd mailer', 'vacd answer',
            'vacd deadline') AND datname = current_database() GROUP BY application_name HAVING count(*) >= %s) s"""
        count = 'SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL AND pid = ANY (%s)'
        pids = [daemon.pid for daemon in self.daemons.values()]
        harness.wait_for(lambda: self.query(stages, len(pids)) == [(4,)] and self.query(count, pids) == [(len(pids),)], what='the daemons')

    def guest_comes(self):
        """A third daemon, for a day."""
        settings = harness.daemon_settings(self.folder, self.database, self.certs, self.sink.port, poll_ms=20000, log_level='notice')
        self.guest = harness.Daemon(self.folder, 'guest', settings)
        self.later(DAY, self.guest_goes)

    def guest_goes(self):
        assert self.guest.stop() == 0, self.guest.log()[-2000:]
        self.guest = None

    def reload(self):
        for daemon in self.daemons.values():
            daemon.signal(signal.SIGHUP)

    def mail_server_goes(self):
        """For some seconds of real time, in which the invented clock stands still and cases come in: how often it is tried again is
        by the real clock."""
        self.sink.stop()
        for _ in range(3):
            self.open_case()
        time.sleep(self.draw.uniform(1, 4))
        self.sink.start()

    def restart_postgresql(self, mode):
        """Everybody loses their connections."""
        self.cluster.restart(mode)
        self.reconnect()
        self.wait_for_daemons()
        # What was claimed when the connections broke is taken up when its lease is over, which is for this clock to bring.
        for _ in range(5):
            if not self.clock.settle(10)[0]:
                break
            self.clock.set(self.clock.at + MINUTE + MINUTE / 10)

    def reconnect(self):
        for connection in (self.supervisors.db, self.vacd_login, self.db):
            connection.close()
        self.bustle_of.close()
        self.db = self.clock.connection = self.told.connection = self.database.connect(application_name=soak_watch.OURS)
        self.vacd_login, self.supervisors.db = self.database.connect('vacd', application_name=soak_watch.OURS), self.database.connect('sup_all')
        self.bustle_of.reconnect()

    def fault(self, what, act, every, first):
        """Every so many days."""
        def happen():
            act()
            self.faults.append(what)
            self.later(every * DAY, happen)
        self.later(first * DAY + 13 * HOUR, happen)

    # ---- who calls ---------------------------------------------------------------------------
    def receive(self, sender, to, raw):
        self.counts['mails in'] += 1
        message_id = re.search(rb'(?i)Message-ID: *<([^>]*)>', raw)[1].decode()
        mail = Mail(sender, to, raw, message_id)
        self.letters.deliver(mail)
        self.record.received.append(message_id)

    def send_rubbish(self):
        """To our address, to one that looks like an answer's, or to a real one."""
        number = f'rubbish-{len(self.record.received)}-{self.draw.getrandbits(40):x}@hostile.example'
        to = self.draw.choice((f'vacd@{self.DOMAIN}', f'vacd+abcdefghijklmnopqrstuvwxyz2345@{self.DOMAIN}', self.last_reply_to))
        raw = f'Message-ID: <{number}>\r\n'.encode() + self.rubbish.one()
        self.counts['rubbish by mail'] += 1
        if self.inbox.send('stranger@hostile.example', to, raw)[:3] == '250':
            self.record.received.append(number)
        self.inbox.break_off(raw)
        self.intake.disturb()
        self.counts['rubbish at a door'] += 2

    def open_case(self):
        if self.draw.random() < 0.6:
            before = self.counts['cases']
            super().open_case()
            self.counts['cases at psql'] += self.counts['cases'] - before
            return
        form = {'office': self.draw.choice(self.offices), 'language': self.draw.choice(('en', 'en', 'es')), 'mode': 'telephone',
                'urgency': self.draw.choices(('routine', 'urgent', 'immediate'), (60, 30, 10))[0]}
        if self.draw.random() < 0.1:
            form['nonsense'] = 1
        codes = self.intake.open(form)
        self.record.acknowledged += codes
        self.counts['cases'] += len(codes)
        self.counts['cases by intake'] += len(codes)
        for code in codes:
            assert self.intake.look(code) == 200, code
            self.supervisors.take_note_of(code)

    def plan_day(self):
        super().plan_day()
        for act in self.draw.sample(self.bustle_of.acts, round(len(self.bustle_of.acts) * self.verbs_share)):
            self.later(self.draw.uniform(0, 24) * HOUR, act)
        for _ in range(self.rubbish_a_day):
            self.later(self.draw.uniform(0, 24) * HOUR, self.send_rubbish)

    # ---- time --------------------------------------------------------------------------------
    def at(self, moment, act):
        """An act that fails is a mistake of somebody's, and no reason to end an hour's work."""
        @functools.wraps(act)
        def attempt():
            try:
                act()
            except (psycopg.Error, OSError, EOFError, AssertionError, KeyError) as problem:
                self.violations.append(('an act failed', None, f'{self.clock.at}: {act}: {type(problem).__name__}: {problem}'))
                if any(connection.broken or connection.closed for connection in (self.db, self.supervisors.db, *self.bustle_of.looking)):
                    self.reconnect()
        super().at(moment, attempt)

    def settle(self):
        if not self.at_work:
            self.settled = ('', None)
            return
        self.settled = self.clock.settle(120)
        if self.settled[0]:
            self.counts['restless moments'] += 1
            self.note([('no rest comes', None, self.settled[0])])
        self.fetch()

    def fetch(self):
        with open(self.index) as index:
            index.seek(self.read_to)
            lines = index.readlines()
        for line in lines:
            if not line.endswith('\n'):
                break
            self.read_to += len(line)
            number, _, ending, sender, recipients, _, _ = line.rstrip('\n').split('\t')
            path = self.sink.dir / f'{int(number):08}.eml'
            raw = path.read_bytes()
            letter = Letter(raw, sender, recipients.split(',')[0])
            self.record.delivered(int(number), raw, recipients, letter.mail)
            if ending in ('taken', 'unsaid'):
                self.counts['mails out'] += 1
                self.last_reply_to = letter.reply_to
                self.coordinators.read(letter)
            path.unlink()

    def check(self):
        self.told.read()
        found = year_check.violations(self.db, self.clock.at, 20 * MINUTE + 2 * self.largest_step)
        # Rubbish is what cannot be read.
        self.note([one for one in found if one[0] != 'mail that could not be read'])
        self.note(year_check.calendars(self.db, self.clock.at, self.coordinators.calendars))
        self.day += 1
        if self.day % soak_record.EVERY_DAYS == 0:
            self.note([('gone', None, text) for text in self.record.update(self.db, self.clock.at)])
        if self.day % 4 == 1:
            self.watch.rest(self.db)
            self.watch.measure_tables(self.db, self.day)
        for name, daemon in self.daemons.items():
            assert daemon.running(), f'{name}: {daemon.log()[-3000:]}'
        if self.pace:
            self.step = self.pace.after_day(self.day, self.step)
            self.largest_step = max(self.largest_step, self.step)

    # ---- the whole ---------------------------------------------------------------------------
    def run(self, days, say=None):
        self.prepare()
        for name, value in self.keep.items():
            self.query('SELECT vac.set_policy(%s, %s)', name, str(value))
        self.fault('reload (SIGHUP)', self.reload, 5, 2)
        self.fault('mail server away', self.mail_server_goes, 12, 3)
        self.fault('PostgreSQL restarted, fast', lambda: self.restart_postgresql('fast'), 40, 4)
        self.fault('PostgreSQL restarted, immediate', lambda: self.restart_postgresql('immediate'), 60, 9)
        self.fault('third daemon for a day', self.guest_comes, 30, 6)
        for _ in range(days):
            if self.pace and self.pace.is_over():
                self.violations.append(('too slow', None, f'only {self.day} of {days} days went by in twice the time'))
                break
            self.days(1, say)
        return self.violations

    def wind_up(self, days=40, step=None):
        """No more cases come; all that is left comes to its end. step: minutes that the clock is moved by then."""
        self.step = step * MINUTE if step else self.step
        self.largest_step = max(self.largest_step, self.step)
        self.agenda = [one for one in self.agenda if one[2].__name__ != 'happen']
        self.coordinators.calm, self.pace = True, None
        self.sink.stop()
        self.sink.start(**dict.fromkeys(SERVER, 0))
        self.days(days, None, cases=False)
        self.told.read()
        self.note(year_check.untold(self.db, self.told, self.clock.at))

    def come_to_rest(self):
        """What a mail server refused for now is tried again later."""
        for _ in range(20):
            self.settle()
            if self.query('SELECT (SELECT count(*) FROM vac_store.message WHERE waiting) + (SELECT count(*) FROM vac_store.inbound WHERE waiting)') == [(0,)]:
                break
            self.clock.set(self.clock.at + HOUR)
        self.note([('gone', None, text) for text in self.record.update(self.db, self.clock.at)])

    def judge(self):
        """(lines, problems), after wind_up()."""
        self.come_to_rest()
        for name, daemon in self.daemons.items():
            quiet = lambda name=name, daemon=daemon: not soak_watch.more_than(   # noqa: E731
                soak_watch.look_at(daemon.pid, 0).descriptors, self.watch.at_rest[name][0].descriptors)
            try:
                harness.wait_for(quiet, IDLE_S, every=0.5)
            except AssertionError:
                pass        # the judgement says so
        self.watch.rest(self.db)
        self.watch.finish()
        lines, problems = [], [text for _, _, text in self.violations] + self.watch.lost
        for part in (soak_watch.memory(self.watch), soak_watch.descriptors(self.watch, SLACK), soak_watch.connections(self.watch),
                     soak_watch.tables(self.watch, self.reasons())):
            lines += part[0]
            problems += part[1]
        facts = self.record.facts(self.db)
        lines.append(checker.summary(facts))
        problems += checker.problems(facts)
        lines.append(self.verify(problems))
        return lines, problems

    def reasons(self):
        return {soak_watch.FIXED: 0, soak_watch.ROSTER: 0, soak_watch.QUEUE: 0, soak_watch.DAEMONS: 30, **self.keep}

    def verify(self, problems):
        for daemon in self.daemons.values():
            if daemon.stop() != 0:
                problems.append(f'a daemon did not end well: {daemon.log()[-2000:]}')
        done = harness.run_vacd('verify-history', '--database', self.database.conninfo('vacd'), '--public-key', self.history_public)
        if done.returncode != 0:
            problems.append(done.stdout + done.stderr)
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ''


class Pace:
    """So many days in so many minutes: coarser steps when we are late, finer ones and waits when we are early."""

    def __init__(self, minutes, days):
        self.a_day, self.began, self.most = minutes * 60 / days, time.monotonic(), minutes * 120

    def is_over(self):
        return time.monotonic() - self.began > self.most

    def after_day(self, day, step):
        late = time.monotonic() - self.began - day * self.a_day
        at = STEPS.index(step // MINUTE)
        if late > self.a_day:
            at = min(at + 1, len(STEPS) - 1)
        elif late < -self.a_day:
            at = max(at - 1, 0)
            if at == 0:
                time.sleep(-late)
        return STEPS[at] * MINUTE


def progress(soak, began):
    watch = soak.watch
    counts, last = soak.counts, {name: looks[-1] for name, looks in watch.looks.items() if looks} if watch else {}
    sizes = watch.tables[-1] if watch and watch.tables else {}
    return (f'{time.monotonic() - began:5.0f} s, {soak.clock.at:%Y-%m-%d}: {counts["cases"]} cases, {soak.left()} not ended, {counts["mails out"]} mails out, '
            f'{counts["mails in"]} in, {counts["verbs"]} verbs, {counts["views"]} views, {len(soak.faults)} faults, '
            f'{counts["rubbish by mail"] + counts["rubbish at a door"]} bad inputs, step {soak.step // MINUTE} min; '
            + ', '.join(f'{name} {look.kib} KiB, {sum(look.descriptors.values())} fds' for name, look in sorted(last.items()))
            + f'; rows: {", ".join(f"{table} {sizes[table][0]}" for table in ("case_record", "message", "inbound", "history") if table in sizes)}; '
            f'{len(soak.violations)} violations')


def sums(soak):
    """As the faults suite prints them."""
    yield f'{"survived at":34} {"fault":46} {"times":>7}'
    for what in sorted(set(soak.faults)):
        yield f'{"two daemons":34} {what:46} {soak.faults.count(what):7}'
    yield (f'{len(soak.faults)} faults survived, {soak.counts["rubbish by mail"] + soak.counts["rubbish at a door"]} bad inputs tried, '
           f'{len(soak.record.copies)} messages delivered')


def result(soak, began, days, lines, problems):
    yield (f'{days} days in {time.monotonic() - began:.0f} s, seed {soak.seed}, steps of up to {soak.largest_step // MINUTE} minutes: {soak.counts["cases"]} cases '
           f'({soak.counts["cases by intake"]} by HTTPS), {soak.counts["mails in"]} mails in, {soak.counts["verbs"]} verbs '
           f'({soak.counts["verbs refused"]} refused), {soak.counts["views"]} views')
    yield 'policies, in days: ' + ', '.join(f'{name} {value}' for name, value in sorted(soak.keep.items()))
    yield 'gone by policy: ' + ', '.join(f'{number} of {table}' for table, number in soak.record.gone.items())
    yield from lines
    yield from sums(soak)
    yield from (f'PROBLEM: {text}' for text in problems[:200])
    yield f'{len(problems)} problems' if problems else 'all promises kept, nothing grows'


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--days', type=int, help='days of the invented clock; default: a year in 60 minutes')
    parser.add_argument('--cases-a-day', type=float, default=NATIONAL_A_YEAR * TIMES / 365)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--step', type=int, default=10, choices=STEPS, help='minutes that the clock is moved by at least, to begin with')
    parser.add_argument('--result', help='folder for result, samples and logs; default: .dev/soak')
    return parser.parse_args()


def keep_logs(soak, folder, lines):
    (folder / 'soak.txt').write_text('\n'.join(lines) + '\n')
    if soak.watch is not None:
        keep_samples(soak, folder)
    # Of a deadlock it says who did what.
    shutil.copy(soak.cluster.log, folder / 'postgres.log')


def keep_samples(soak, folder):
    for name, looks in soak.watch.looks.items():
        (folder / f'memory-{name}.tsv').write_text(''.join(f'{look.at:.0f}\t{look.kib}\t{look.readers_kib}\t{sum(look.descriptors.values())}\n' for look in looks))
    with open(folder / 'tables.tsv', 'w') as file:
        for number, found in enumerate(soak.watch.tables):
            file.writelines(f'{number}\t{table}\t{rows}\t{octets}\n' for table, (rows, octets) in found.items())
    for name, daemon in soak.daemons.items():
        (folder / f'{name}.log').write_text(daemon.log())


def main():
    options = read_options()
    days = options.days or max(1, round(365 * options.minutes / 60))
    kept = pathlib.Path(options.result or pathlib.Path(os.environ.get('VACD_DEV_DIR', harness.ROOT / '.dev')) / 'soak')
    kept.mkdir(parents=True, exist_ok=True)
    began = said = time.monotonic()
    told = 0

    def say(soak):
        nonlocal said, told
        for _, _, text in soak.violations[told:told + 20]:
            print(text, flush=True)
        told = len(soak.violations)
        if time.monotonic() - said >= 55:
            said = time.monotonic()
            print(progress(soak, began), flush=True)

    with harness.temporary_folder() as folder:
        cluster = harness.Cluster(folder / 'pg')
        cluster.create()
        soak = Soak(folder, cluster, harness.Certs(folder / 'certs'), options.seed, options.cases_a_day, step=options.step,
                    pace=Pace(options.minutes, days))
        try:
            soak.run(days, say)
            print(progress(soak, began), flush=True)
            soak.wind_up(step=240)
            lines, problems = soak.judge()
            lines = list(result(soak, began, soak.day, lines, problems))
            print('\n'.join(lines), flush=True)
            keep_logs(soak, kept, lines)
        except BaseException:
            keep_logs(soak, kept, [traceback.format_exc()])
            raise
        finally:
            soak.close()
            cluster.stop('immediate')
    return 1 if problems else 0


if __name__ == '__main__':
    os.environ.setdefault('VACD_BUILD', str(harness.ROOT / '.dev' / 'build'))
    sys.exit(main())
