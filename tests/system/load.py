"""A load for the system tests: cases that come in while things go wrong, and what must be true after.

The same seed makes the same cases. Each call carries a key, so that a call whose answer was lost can be
made again; what was acknowledged is remembered.
"""

import os
import random
import re
import threading
import time

import psycopg

import checker
import harness

SMALL = os.environ.get('VACD_TEST_LOAD') == 'small'

OFFICES = [('SEA', 'America/Los_Angeles'), ('DEN', 'America/Denver'), ('PHX', 'America/Phoenix'),
           ('NYC', 'America/New_York'), ('HNL', 'Pacific/Honolulu')]


def cases(full, small):
    """How many cases a test opens: fewer under the sanitizers."""
    return small if SMALL else full


def database(cluster, folder, coordinators=12):
    """A database with room for everybody, in which what was refused for now is soon tried again."""
    made = cluster.database(harness.wide_roster(folder, OFFICES, coordinators))
    made.query("SELECT vac.set_policy('mail_retry_seconds', '1')")
    made.query("SELECT vac.set_policy('mail_retry_most_seconds', '5')")
    return made


def slow_down_looks(database, seconds):
    """Each answer about final dots takes so long, and knows what was committed when it was asked. Returns a statement
    that undoes this."""
    text = database.value("SELECT pg_get_functiondef('vac_daemon.may_send(bigint[], bigint[])'::regprocedure)")
    database.query(text.replace('RETURN QUERY', f'PERFORM pg_sleep({seconds}); RETURN QUERY', 1))
    return text


class Load:
    """Opens `count` cases at `rate` a second from a thread of its own, and changes its mind on some."""

    def __init__(self, database, count, rate, seed=1, login='sup_all', second_thoughts=True, urgencies=(6, 3, 1)):
        """urgencies: how many are routine, urgent and immediate, in proportion."""
        self.database = database
        self.count = count
        self.rate = rate
        self.seed = seed
        self.urgencies = urgencies
        self.random = random.Random(seed)
        self.login = login
        self.second_thoughts = second_thoughts
        self.codes = []
        self.trouble = None
        self.connection = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def running(self):
        return self.thread.is_alive()

    def finish(self, seconds=600):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f'only {len(self.codes)} cases were opened in {seconds} s'
        if self.trouble is not None:
            raise self.trouble
        return self.codes

    def _run(self):
        try:
            begun = time.monotonic()
            for number in range(self.count):
                time.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
                self._one(number)
        except Exception as trouble:     # handed to finish(), where the test sees it
            self.trouble = trouble
        finally:
            if self.connection is not None:
                self.connection.close()

    def _one(self, number):
        draw = self.random
        urgency = draw.choices(['routine', 'urgent', 'immediate'], self.urgencies)[0]
        office, language = draw.choice(OFFICES)[0], draw.choice(['en', 'es'])
        service = draw.choice(['crisis_intervention', 'counseling'])
        thought = draw.random()
        code = self._call(
            'SELECT vac.open_case(%s, %s, service => %s, urgency => %s, key => %s)',
            office, language, service, urgency, f'load-{self.seed}-{number}')
        self.codes.append(code)
        if not self.second_thoughts:
            return
        if thought < 0.06:
            self._call("SELECT vac.withdraw_case(%s, 'no longer wanted')", draw.choice(self.codes))
        elif thought < 0.09:
            self._call("SELECT vac.hold_case(%s, 'contact is not safe')", draw.choice(self.codes))

    def _call(self, statement, *args):
        """Until it is answered: a restart of PostgreSQL costs patience, not the case."""
        end = time.monotonic() + 300
        while True:
            try:
                if self.connection is None:
                    self.connection = self.database.connect(self.login)
                rows = self.connection.execute(statement, args).fetchall()
                return rows[0][0] if rows else None
            except psycopg.OperationalError:
                if self.connection is not None:
                    self.connection.close()
                self.connection = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            except psycopg.errors.InvalidParameterValue:
                if 'open_case' in statement:
                    raise
                return None              # withdrawn or held before: refused, and rightly so


UNSETTLED = '''
SELECT (SELECT count(*) FROM vac_store.message WHERE state IN ('queued', 'claimed'))
     + (SELECT count(*) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
        WHERE r.state = 'open' AND r.unserved_since IS NULL AND c.state = 'open'
          AND c.held_since IS NULL)'''


def settle(database, daemons=(), seconds=300):
    """Waits until everything is planned or has its reason, and no mail waits."""
    def rested():
        for daemon in daemons:
            assert 'run `vacd migrate`' not in daemon.log(), daemon.log()[-1000:]
        return connection.execute(UNSETTLED).fetchone()[0] == 0
    try:
        # One connection: a new one each time would take a good part of a core.
        with database.connect() as connection:
            harness.wait_for(rested, seconds, 'rest', every=0.25)
    except AssertionError:
        rows = database.query('SELECT state, kind, count(*) FROM vac_store.message GROUP BY 1, 2')
        requests = database.query('SELECT state, count(*) FROM vac_store.request GROUP BY 1')
        logs = '\n'.join(d.log()[-2000:] for d in daemons)
        raise AssertionError(f'no rest within {seconds} s: {rows} {requests}\n{logs}') from None


def check_chain(database):
    """History is sealed in a chain that fits. What came in last may still wait for its seal."""
    done = harness.run_vacd('verify-history', '--database', database.conninfo('vacd'))
    assert done.returncode == 0, done.stdout + done.stderr
    entries = re.search(r'^ok    (\d+) entries follow one another', done.stdout, re.M)
    assert entries and int(entries[1]) > 0, f'nothing is sealed:\n{done.stdout}'


def check_promises(database, folder, acknowledged, order=True, received=()):
    facts = checker.read_facts(database.conninfo(), folder, acknowledged, received)
    found = checker.problems(facts, order)
    print(checker.summary(facts))
    assert not found, f'{checker.summary(facts)}\n' + '\n'.join(found[:25])
    check_chain(database)
    return facts
