#!/usr/bin/python3
"""A year of 20 offices on an invented clock: that no request is forgotten, whatever people do.

    year.py [--days N] [--cases-a-day N] [--seed N] [--step MINUTES] [--replan MINUTES] [--bustle N]
            [--quiet]

A vacd works against a private database whose clock is invented (year_clock.py) and mails to a sink, over TLS.
Here is everybody else: those who open cases, coordinators who read and answer their mail, supervisors
(year_people.py). The clock jumps to whatever comes next. At the end of each day year_check.py's rules must
hold; then no more cases come, all that is left is brought to its end, and no request may have ended otherwise
than met, withdrawn, or with supervisors who were told. Exit status 1: something does not hold; it is printed
with its history. Needs VACD_BUILD, as the tests do.
"""

import argparse
import collections
import datetime
import heapq
import itertools
import os
import random
import sys
import time
import uuid

import psycopg

import harness
import year_check
from year_clock import Clock, UTC
from year_people import DAY, HOUR, MINUTE, Coordinators, Letter, Supervisors

START = datetime.datetime(2031, 3, 3, 6, 0, tzinfo=UTC)     # a Monday; clocks change on the Sunday after
ZONES = ('America/New_York', 'America/Chicago', 'America/Denver', 'America/Phoenix', 'America/Los_Angeles', 'America/Anchorage', 'Pacific/Honolulu')
NOBODY_SPEAKS = 'nv'
DRAIN = 40 * DAY
# Of a hundred mails so many are refused for now, for good, taken without a word of it, or not taken for a lost connection.
SERVER = {'soft': 2, 'hard': 1, 'unsaid': 1, 'cut': 1}


class Year:
    DOMAIN = 'agency.example.org'

    def __init__(self, folder, cluster, certs, seed=1, cases_a_day=12, offices=20, step=5, replan=None, bustle=1, **server):
        self.seed, self.random = seed, random.Random(seed)
        self.folder, self.certs, self.step, self.cases_a_day, self.replan = folder, certs, step * MINUTE, cases_a_day, replan
        self.offices = [f'Y{n:02}' for n in range(offices)]
        self.database = cluster.database(roster(folder, self.offices, self.DOMAIN))
        self.clock = Clock(self.database, START)
        self.db = self.clock.connection
        self.vacd_login = self.database.connect('vacd')
        self.agenda, self.order, self.bustle = [], itertools.count(), bustle
        self.counts, self.violations = collections.Counter(), []
        self.told = year_check.Told(self.db)
        self.coordinators, self.supervisors = Coordinators(self), Supervisors(self)
        self.sink = harness.Sink(folder / 'sink', certs.good, seed=seed, **{**SERVER, **server})
        self.index, self.read_to = self.sink.dir / 'index.tsv', 0
        self.daemon, self.at_work = None, False
        self.checking, self.reported = False, set()

    def close(self):
        if self.daemon:
            self.daemon.stop()
        self.sink.stop()
        for connection in (self.supervisors.db, self.vacd_login, self.db):
            connection.close()
        self.database.drop()

    # ---- the machine -------------------------------------------------------------------------
    def start_vacd(self):
        if self.daemon is None:
            settings = harness.daemon_settings(self.folder, self.database, self.certs, self.sink.port, poll_ms=60000)
            self.daemon = harness.Daemon(self.folder, 'vacd', settings)
        else:
            self.daemon.start()
        count = "SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL AND pid = %s"
        harness.wait_for(lambda: self.query(count, self.daemon.pid) == [(1,)], 60, 'vacd')
        self.at_work = True

    def stop_vacd(self):
        assert self.daemon.stop() == 0, self.daemon.log()[-2000:]
        self.at_work = False

    def at(self, moment, act):
        heapq.heappush(self.agenda, (moment, next(self.order), act))

    def later(self, wait, act):
        self.at(self.clock.at + wait, act)

    def query(self, sql, *args):
        return self.db.execute(sql, args or None).fetchall()

    def verb(self, connection, call, *args):
        """What is refused with a reason is a person's business; anything else is a mistake of vacd's."""
        self.counts['verbs'] += 1
        try:
            return [row[0] for row in connection.execute(f'SELECT {call}', args)]
        except psycopg.errors.InvalidParameterValue:
            self.counts['verbs refused'] += 1
        except psycopg.Error as problem:
            self.violations.append(('a verb failed', None, f'{call} {args}: {problem}'))
        return []

    def receive(self, sender, to, raw):
        self.counts['mails in'] += 1
        self.vacd_login.execute('SELECT vac_daemon.receive_mail(%s, %s, %s, %s)', (uuid.UUID(int=self.random.getrandbits(128)), sender, [to], raw))

    def people(self):
        return self.query('SELECT code, mail::text FROM vac_store.coordinator WHERE retired_at IS NULL ORDER BY code')

    def colleague(self, mail):
        others = self.query('''SELECT k.mail::text FROM vac_store.coordinator k JOIN vac_store.coordinator o USING (office_id)
            WHERE o.mail = %s AND k.mail <> o.mail AND k.retired_at IS NULL ORDER BY k.code''', mail)
        return self.random.choice(others)[0] if others else None

    def urgency_of(self, uid):
        found = self.query('SELECT urgency::text FROM vac_store.appointment WHERE uid = %s', uid)
        return found[0][0] if found else None

    # ---- time --------------------------------------------------------------------------------
    def turn(self, until):
        """To what comes next, and all of it; returns whether that lay before a moment."""
        busy, then = self.settled
        comes = min((m for m in (self.agenda[0][0] if self.agenda else None, then if self.at_work else None) if m), default=until)
        if comes >= until:
            self.go_to(until)
            return False
        self.go_to(max(comes, self.clock.at + (self.step if busy else MINUTE)))
        return True

    def go_to(self, moment):
        steps = -((START - moment) // self.step)
        self.clock.set(max(START + steps * self.step, self.clock.at), self.at_work)
        self.counts['moments'] += 1
        while self.agenda and self.agenda[0][0] <= self.clock.at:
            heapq.heappop(self.agenda)[2]()
            self.counts['acts'] += 1
        self.settle()

    def settle(self):
        if not self.at_work:
            self.settled = ('', None)
            return
        self.settled = self.clock.settle()
        if self.settled[0]:
            self.counts['restless moments'] += 1
            self.note([('no rest comes', None, self.settled[0])])
        self.fetch()

    def fetch(self):
        """What the mail server has taken since."""
        with open(self.index) as index:
            index.seek(self.read_to)
            lines = index.readlines()
        for line in lines:
            if not line.endswith('\n'):
                break
            self.read_to += len(line)
            number, _, ending, sender, recipients, _, _ = line.rstrip('\n').split('\t')
            if ending in ('taken', 'unsaid'):
                path = self.sink.dir / f'{int(number):08}.eml'
                self.counts['mails out'] += 1
                self.coordinators.read(Letter(path.read_bytes(), sender, recipients.split(',')[0]))
                path.unlink()

    # ---- what happens ------------------------------------------------------------------------
    def prepare(self):
        self.start_vacd()
        for domain in (self.DOMAIN, f'pager.{self.DOMAIN}'):
            self.supervisors.verb("vac.allow_domain(%s)", domain)
        if self.replan:
            self.supervisors.verb("vac.set_policy('replan_minutes', %s)", str(self.replan))
        for office in self.offices[::2]:
            self.supervisors.verb("vac.set_rotation(%s, 'nights', %s, hand_over => '17:00', days => 7)", office,
                                  ', '.join(f'{office}-{n:02}' for n in (1, 2, 3)))
        self.settle()

    def open_case(self):
        choose = self.random.choices
        office = self.random.choice(self.offices)
        needs = {'language': choose(('en', 'es', 'vi', NOBODY_SPEAKS), (75, 17, 6, 2))[0],
                 'urgency': choose(('routine', 'urgent', 'immediate'), (60, 30, 10))[0],
                 'mode': choose(('at_office', 'telephone'), (60, 40))[0],
                 'victims': choose((1, 2, 5), (95, 4, 1))[0]}
        if self.random.random() < 0.3:
            needs['requester'] = f'officer{self.random.randrange(50)}@{self.DOMAIN}'
        if self.random.random() < 0.1 and needs['urgency'] != 'immediate':
            needs['window_from'] = self.clock.at + self.random.randint(1, 8) * DAY
        elif self.random.random() < 0.1:
            needs['window_to'] = self.clock.at + self.random.randint(5, 72) * HOUR
        names = ', '.join(f'{name} => %s' for name in needs)
        for code in self.verb(self.supervisors.db, f'vac.open_case(%s, {names})', office, *needs.values()):
            self.counts['cases'] += 1
            self.supervisors.take_note_of(code)

    def plan_day(self):
        """Cases come by day and by night, most of them by day."""
        for _ in range(round(self.random.gauss(self.cases_a_day, self.cases_a_day ** 0.5))):
            hour = self.random.triangular(0, 24, 12)
            self.later(hour * HOUR, self.open_case)
        if self.random.random() < 0.7:
            self.later(9 * HOUR, self.coordinators.leave)
        self.later(10 * HOUR, self.supervisors.round)
        self.later(11 * HOUR, self.supervisors.close_met)

    def days(self, number, say, cases=True):
        for _ in range(number):
            if cases:
                self.plan_day()
            elif not self.coordinators.silent:
                for hour in (1, 7, 13, 19):
                    self.later(hour * HOUR, self.supervisors.round)
            until = self.clock.at + DAY
            while self.turn(until):
                pass
            self.check()
            if say:
                say(self)
            if not cases and not self.coordinators.silent and not self.left():
                return

    def outage(self):
        """No daemon for a day. Mail that comes meanwhile waits."""
        self.stop_vacd()
        self.later(DAY, self.start_vacd)

    def left(self):
        return self.query('''SELECT count(*) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
            WHERE r.state IN ('open', 'planned') AND c.state = 'open' ''')[0][0]

    # ---- whether it holds --------------------------------------------------------------------
    def note(self, found):
        """Each once."""
        for rule, code, detail in found:
            if (rule, code) not in self.reported:
                self.reported.add((rule, code))
                text = f'{self.clock.at}: {rule}: {code or ""} {detail}'
                self.violations.append((rule, code, text + ('\n' + year_check.history(self.db, code) if code else '')))

    def check(self):
        self.told.read()
        if self.at_work:
            self.note(year_check.violations(self.db, self.clock.at, 20 * MINUTE + 2 * self.step))
            self.note(year_check.calendars(self.db, self.clock.at, self.coordinators.calendars))

    def run(self, days, say=None, drain_step=None):
        """drain_step: minutes that the clock is moved by at least once no more cases come."""
        self.prepare()
        self.later(days / 2 * DAY + 7 * HOUR, self.outage)
        self.days(days, say)
        self.coordinators.calm = True
        self.step = drain_step * MINUTE if drain_step else self.step
        self.days(DRAIN // DAY, say, cases=False)
        self.told.read()
        self.note(year_check.untold(self.db, self.told, self.clock.at))
        for state, number in self.query('SELECT state, count(*) FROM vac_store.request GROUP BY state'):
            self.counts['requests ' + state] = number
        self.counts['outages'] = self.query('SELECT count(*) FROM vac_store.outage')[0][0]
        self.counts['told of'] = len(self.told.codes)
        return self.violations


def roster(folder, offices, domain):
    """Three full-time coordinators and a collateral one an office; the next office is the backup."""
    office_rows, people, patterns = [], [], []
    for n, office in enumerate(offices):
        pair = offices[n ^ 1] if (n ^ 1) < len(offices) else ''
        office_rows.append([office, f'Office {office}', ZONES[n // 2 % len(ZONES)], '+1 206 555 0100', 'Mon-Fri 08:00-17:00', 'MAIN=Federal Building',
                            f'{pair}:60' if pair else ''])
        for k in range(4):
            code = f'{office}-{k + 1:02}'
            languages = 'en' + ('; es' if k % 2 else '') + ('; vi' if k == 1 and n % 4 == 0 else '')
            people.append([code, office, 'collateral' if k == 3 else 'full_time', f'Coordinator {code}', 'Victim Assistance Coordinator',
                           f'{code.lower()}@{domain}', '', '+1 206 555 0101', f'{code.lower()}@pager.{domain}' if k == 0 else '',
                           'female' if k % 2 else 'male', 'crisis_intervention; counseling; witness_support', languages, '', '', '', ''])
            patterns.append([code, 'regular', 'Mon-Fri', '08:00', '17:00', '', ''])
            if n % 2:
                patterns.append([code, 'on_call', 'Mon-Sun', '17:00', '08:00', '', ''])
    supervisors = [['sup_all', 'Supervisor All', f'sup_all@{domain}', '', 1, 'all'], ['sup_sea', 'Supervisor One', f'sup_sea@{domain}', '', 2, offices[0]]]
    return harness.write_sheets(folder, offices=office_rows, supervisors=supervisors, coordinators=people, patterns=patterns)


def summary(year, seconds):
    counts = year.counts
    return (f'{counts["cases"]} cases, {counts["moments"]} moments, {counts["acts"]} acts of people, {counts["mails out"]} mails out, '
            f'{counts["mails in"]} in, {counts["verbs"]} verbs ({counts["verbs refused"]} refused), {seconds:.0f} s\n{dict(counts)}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--days', type=int, default=365)
    parser.add_argument('--cases-a-day', type=float, default=12)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--step', type=int, default=5, help='minutes that the clock is moved by at least')
    parser.add_argument('--replan', type=int, help='policy replan_minutes, which makes most of the moments')
    parser.add_argument('--bustle', type=int, default=1, help='how much supervisors change of their own accord: so many times the usual')
    parser.add_argument('--quiet', action='store_true')
    options = parser.parse_args()
    began, said = time.monotonic(), []

    def say(year):
        if not options.quiet:
            print(f'{year.clock.at:%Y-%m-%d}: {year.counts["cases"]} cases, {year.counts["moments"]} moments, {year.left()} not ended, '
                  f'{len(year.violations)} violations, {time.monotonic() - began:.0f} s', flush=True)
        # A year is long: nobody wants to wait for its end to see what went wrong in its first week.
        for _, _, text in year.violations[len(said):]:
            said.append(text)
            print(text, flush=True)

    with harness.temporary_folder() as folder:
        cluster = harness.Cluster(folder / 'pg')
        cluster.create()
        year = Year(folder, cluster, harness.Certs(folder / 'certs'), options.seed, options.cases_a_day, step=options.step,
                    replan=options.replan, bustle=options.bustle)
        try:
            year.run(options.days, say)
            print(summary(year, time.monotonic() - began))
            for _, _, text in year.violations[len(said):]:
                print(text)
        finally:
            year.close()
            cluster.stop('immediate')
    return 1 if year.violations else 0


if __name__ == '__main__':
    os.environ.setdefault('VACD_BUILD', str(harness.ROOT / '.dev' / 'build'))
    sys.exit(main())
