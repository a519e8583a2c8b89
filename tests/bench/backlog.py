"""Bar 1: cases that lie ready, from the daemon's start to the last invitation taken by the mail server.

Beside it, in turns: what one connection of pgbench commits of the same rows, 100 a transaction, and one. A
Node.js worker (graphile-worker, nodemailer, ical-generator) is not run here; what it reached when it was
measured, 210 to 265 cases a second, stands for it.
"""

import bed
import harness
from figures import Figure, ratios

TITLE = '1 backlog: cases that lie ready'
NODE = 265


def pgbench(place, rows, transactions):
    """Rows a second that one connection commits, so many a transaction."""
    def make():
        database = place.empty()
        bed.run_file(database, 'pgbench_setup.sql')
        database.query('SELECT bench.make_requests(%s)', rows * transactions)
        return database
    database = place.copy(f'pgbench {rows * transactions}', make)
    script = place.folder / 'script.sql'
    script.write_text(f'SELECT bench.one_transaction({rows});\n')
    done = harness.run_checked([harness.POSTGRES_BIN / 'pgbench', '-n', '-c', 1, '-t', transactions, '-M', 'prepared',
                                '-f', script, '-h', place.cluster.socket_dir, '-U', 'postgres', database.name])
    stored = database.value('SELECT count(*) FROM vac_store.message')
    assert stored == rows * transactions, f'pgbench stored {stored} rows'
    database.drop()
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith('tps = ')) * rows


def measure(place):
    count, runs = place.options.cases, range(place.options.runs)
    piles, hundred, alone = [], [], []
    for _ in runs:
        database = place.ready(count)
        piles.append(bed.backlog(place, database))
        database.drop()
        hundred.append(pgbench(place, 100, max(1, count // 100)))
        alone.append(pgbench(place, 1, max(1, count // 5)))
    rates = [pile['rate'] for pile in piles]
    return [Figure(f'{count:,} cases, from the start to the last', rates, 'a second', digits=0),
            Figure('until the first is taken', [pile['first'] for pile in piles], 's', digits=2),
            Figure("processor time of vacd a case", [pile['cpu'] / count * 1e6 for pile in piles], 'µs', digits=0),
            Figure('pgbench, 100 rows a transaction', hundred, 'a second', digits=0),
            Figure('pgbench, one row a transaction', alone, 'a second', digits=0),
            ratios('of pgbench with 100 a transaction', rates, hundred, bar=1 / 3, better='most'),
            ratios('of pgbench with one a transaction', rates, alone),
            Figure(f'times a Node.js worker ({NODE} a second, stated)', [rate / NODE for rate in rates], bar=20, better='most')]
