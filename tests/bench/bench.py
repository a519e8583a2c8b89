#!/usr/bin/python3
"""`./dev bench`: how fast vacd is on this machine, beside what PostgreSQL alone can do.

PostgreSQL runs with its own durable defaults; the mail sink takes mail over TLS and writes down when it
said 250. Everything happens in a folder of its own.
"""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

import harness  # noqa: E402
import standing  # noqa: E402
import workload  # noqa: E402

BARS = {'rate': 1000, 'median': 20, 'memory': 32}


def say(text):
    print(text, flush=True)


class Memory(threading.Thread):
    """The peak of a process's private memory (RssAnon), looked at 50 times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = f'/proc/{pid}/status'
        self.peak_kib = 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            try:
                with open(self.path, encoding='ascii') as status:
                    for line in status:
                        if line.startswith('RssAnon:'):
                            self.peak_kib = max(self.peak_kib, int(line.split()[1]))
            except OSError:
                return

    def stop(self):
        self.over.set()
        self.join()
        return self.peak_kib / 1024


class Bench:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.cluster = harness.Cluster(folder / 'pg', durable=True)
        self.certs = None
        self.sink = None
        self.daemons = []

    def prepare(self):
        self.cluster.create()
        self.certs = harness.Certs(self.folder / 'certs')
        self.sheets = harness.write_sheets(self.folder, **workload.roster(self.options.backups))

    def close(self):
        for daemon in self.daemons:
            if daemon.running():
                daemon.kill()
        if self.sink is not None:
            self.sink.stop()
        self.cluster.stop('immediate')

    def open_cases(self, database, count, seed):
        with database.connect() as connection:
            for office, language, window in workload.requests(count, seed):
                connection.execute('SELECT vac.open_case(%s, %s, window_from => %s)', (office, language, window))
            connection.execute('VACUUM ANALYZE')

    def new_sink(self, name):
        if self.sink is not None:
            self.sink.stop()
        self.sink = harness.Sink(self.folder / name, self.certs.good, index_only=True)

    def daemon(self, database, name):
        settings = harness.daemon_settings(self.folder, database, self.certs, self.sink.port,
                                           log_level='warning')
        daemon = harness.Daemon(self.folder, name, settings)
        self.daemons.append(daemon)
        return daemon

    def invitations(self, database):
        """{mail_uuid: case_code} of all invitations."""
        return dict(database.query('''SELECT m.mail_uuid::text, c.case_code FROM vac_store.message m
            JOIN vac_store.case_record c USING (case_id) WHERE m.kind = 'invitation' '''))

    def taken(self, known):
        """When each case's invitation was taken, by the sink's index."""
        times = {}
        for copy in self.sink.copies():
            mail_uuid = copy.message_id.strip('<>').split('@')[0]
            if mail_uuid in known:
                times.setdefault(known[mail_uuid], copy.at)
        return times

    # ---- cases that lie ready -----------------------------------------------------------------------
    def ready_pile(self, run):
        database = self.cluster.database(self.sheets)
        self.open_cases(database, self.options.cases, self.options.seed + run)
        self.new_sink(f'pile{run}')
        begun = time.time()
        daemon = self.daemon(database, f'pile{run}')
        memory = Memory(daemon.pid)
        index = self.sink.dir / 'index.tsv'
        harness.wait_for(lambda: index.read_bytes().count(b'\n') >= self.options.cases, 300,
                         f'{self.options.cases} invitations', every=0.02)
        peak = memory.stop()
        known = self.invitations(database)
        times = self.taken(known)
        assert len(times) == self.options.cases, f'{len(times)} of {self.options.cases} cases got an invitation'
        seconds = max(times.values()) - begun
        first = min(times.values()) - begun
        daemon.stop()
        return {'seconds': seconds, 'first': first, 'rate': self.options.cases / seconds, 'memory': peak,
                'database': database}

    # ---- cases that come one by one -----------------------------------------------------------------
    def trickle(self, database):
        self.new_sink('trickle')
        daemon = self.daemon(database, 'trickle')
        memory = Memory(daemon.pid)
        harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL'), 20,
                         'the daemon')
        time.sleep(1)
        draw = random.Random(self.options.seed)
        called, acknowledged = {}, {}
        with database.connect() as connection:
            begun = time.monotonic()
            count = int(self.options.seconds * 20)
            for number, row in enumerate(workload.requests(count, self.options.seed + 1000)):
                at = begun + (number + draw.random()) / 20
                time.sleep(max(0.0, at - time.monotonic()))
                before = time.time()
                code = connection.execute('SELECT vac.open_case(%s, %s, window_from => %s)', row).fetchone()[0]
                acknowledged[code], called[code] = time.time(), before
        known = self.invitations
        harness.wait_for(lambda: set(acknowledged) <= set(self.taken(known(database))), 60,
                         'every invitation', every=0.5)
        times = self.taken(known(database))
        daemon.stop()
        from_commit = sorted((times[c] - acknowledged[c]) * 1000 for c in acknowledged)
        from_call = sorted((times[c] - called[c]) * 1000 for c in acknowledged)
        return {'median': statistics.median(from_commit), 'p99': from_commit[int(len(from_commit) * 0.99)],
                'median_call': statistics.median(from_call), 'p99_call': from_call[int(len(from_call) * 0.99)],
                'memory': memory.stop(), 'count': count}

    # ---- PostgreSQL alone ---------------------------------------------------------------------------
    def pgbench(self, rows, transactions):
        database = self.cluster.database(self.sheets)
        with database.connect() as connection:
            connection.execute((pathlib.Path(__file__).parent / 'pgbench_setup.sql').read_text(),
                               prepare=False)
            connection.execute('SELECT bench.make_requests(%s)', (rows * transactions,))
            connection.execute('VACUUM ANALYZE')
        script = self.folder / 'script.sql'
        script.write_text(f'SELECT bench.one_transaction({rows});\n')
        done = harness.run_checked([harness.POSTGRES_BIN / 'pgbench', '-n', '-c', 1, '-t', transactions,
                                    '-M', 'prepared', '-f', script, '-h', self.cluster.socket_dir, '-U', 'postgres',
                                    database.name])
        for line in done.stdout.splitlines():
            if line.startswith('tps = '):
                stored = database.value('SELECT count(*) FROM vac_store.message')
                assert stored == rows * transactions, f'pgbench stored {stored} rows'
                database.drop()
                return float(line.split()[2]) * rows
        raise AssertionError(done.stdout)


def machine():
    model = 'unknown processor'
    for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            model = line.split(':', 1)[1].strip()
    version = subprocess.run([harness.POSTGRES_BIN / 'postgres', '--version'], stdout=subprocess.PIPE, text=True)
    return f'{os.cpu_count()} cores of {model}; {version.stdout.strip()}'


def against(value, bar, better):
    met = value >= bar if better == 'more' else value <= bar
    return f'bar {bar}: {"met" if met else "missed"}'


def report(options, piles, trickle, beside, alone, hundred):
    rates = sorted(p['rate'] for p in piles)
    rate = statistics.median(rates)
    memory = max([p['memory'] for p in piles] + [trickle['memory']])
    rows = [
        (f'{options.cases} cases lying ready, cases a second', f'{rate:,.0f}',
         f'{against(rate, BARS["rate"], "more")}; runs {", ".join(f"{r:,.0f}" for r in rates)}'),
        ('  until the first / the last is taken, s',
         f'{piles[0]["first"]:.2f} / {piles[0]["seconds"]:.2f}', 'from the start of the process'),
        ('20 cases a second: commit to 250, median ms', f'{trickle["median"]:.1f}',
         against(trickle['median'], BARS['median'], 'less')),
        ('  99th percentile ms', f'{trickle["p99"]:.1f}', f'{trickle["count"]} cases'),
        ('  from before the call, median / 99th ms', f'{trickle["median_call"]:.1f} / {trickle["p99_call"]:.1f}', ''),
        ('peak private memory (RssAnon) of vacd, MiB', f'{memory:.1f}', against(memory, BARS['memory'], 'less')),
        *beside,
        ('pgbench, same rows, one a transaction, rows/s', f'{alone:,.0f}', f'vacd reaches {rate / alone:.2f} of it'),
        ('pgbench, same rows, 100 a transaction, rows/s', f'{hundred:,.0f}',
         f'vacd reaches {rate / hundred:.2f} of it'),
    ]
    width = max(len(row[0]) for row in rows)
    say('')
    for title, value, remark in rows:
        say(f'{title:<{width}}  {value:>13}  {remark}')
    say('')
    say(machine())
    say('PostgreSQL as it comes: fsync, synchronous_commit and full_page_writes on.')


def main():
    parser = argparse.ArgumentParser(prog='./dev bench', description=__doc__.split('\n')[0])
    parser.add_argument('--cases', type=int, default=2000)
    parser.add_argument('--seconds', type=float, default=60, help='how long 20 cases a second come in')
    parser.add_argument('--runs', type=int, default=3, help='runs of the ready pile; the median counts')
    parser.add_argument('--rounds', type=int, default=3, help='of cases beside open transactions; the medians count')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--backups', action='store_true', help='let each two offices stand in for one another')
    options = parser.parse_args()
    with harness.temporary_folder() as folder:
        bench = Bench(folder, options)
        try:
            say('preparing: a private PostgreSQL, 30 offices, 600 coordinators …')
            bench.prepare()
            piles = []
            for run in range(options.runs):
                say(f'run {run + 1} of {options.runs}: {options.cases} cases lie ready …')
                piles.append(bench.ready_pile(run))
                say(f'  {piles[-1]["rate"]:,.0f} cases a second')
            say(f'20 cases a second for {options.seconds:.0f} s …')
            trickle = bench.trickle(piles[-1]['database'])
            say(f'{options.rounds} times {options.cases // 4} cases each, without and with a supervisor\'s open transaction …')
            beside = standing.measure(bench, options.rounds, options.cases // 4)
            say('pgbench …')
            alone = bench.pgbench(1, 2000)
            hundred = bench.pgbench(100, 50)
        finally:
            bench.close()
        report(options, piles, trickle, standing.rows(beside), alone, hundred)


if __name__ == '__main__':
    main()
