"""Bar 1: cases that lie ready, from the daemon's start to the last invitation taken by the mail server.

Beside it, in turns: what one connection of pgbench commits of the same rows, 100 a transaction, and one; and what
a Node.js worker does (node_worker.py) in whichever of its settings was quickest, where it is installed: `--node`
installs it. Elsewhere the rate that the issue states stands for it, 265 a second, measured on another machine.
"""

import bed
import harness
import node_worker
from figures import Figure, ratios

TITLE = '1 backlog: cases that lie ready'
NODE_STATED = 265


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


def in_all(run, count):
    """Processor time a case in µs, of the one who works and of the database."""
    return (run['cpu'] + run['server_cpu']) / count * 1e6


def costs(who, runs, count):
    return [Figure(f'processor time of {who} a case', [run['cpu'] / count * 1e6 for run in runs], 'µs', digits=0),
            Figure('  of the database', [run['server_cpu'] / count * 1e6 for run in runs], 'µs', digits=0)]


def beside_node(place, piles, workers, trials):
    """What became of the worker's runs, and of vacd's beside them."""
    count, node_count = place.options.cases, place.options.node_cases
    rates = [run['rate'] for run in workers]
    return [*[Figure(f'a worker, {node_worker.name(settings)}', [rate], 'a second', digits=0) for settings, rate in trials],
            Figure(f'the quickest of these, {node_count:,} cases', rates, 'a second', digits=0),
            *costs('the worker', workers, node_count),
            ratios('  of the worker, of that of vacd', [run['cpu'] / node_count for run in workers], [run['cpu'] / count for run in piles]),
            ratios('  of both, of that of vacd and its database', [in_all(run, node_count) for run in workers],
                   [in_all(run, count) for run in piles]),
            ratios(f'times a Node.js worker ({node_worker.version()})', [pile['rate'] for pile in piles], rates, bar=20, better='most')]


def measure(place):
    count = place.options.cases
    trials = node_worker.tried(place) if node_worker.installed() else []
    piles, workers, hundred, alone = [], [], [], []
    for _ in range(place.options.runs):
        database = place.ready(count)
        piles.append(bed.backlog(place, database))
        database.drop()
        if trials:
            workers.append(node_worker.backlog(place, place.options.node_cases, trials[0][0]))
        hundred.append(pgbench(place, 100, max(1, count // 100)))
        alone.append(pgbench(place, 1, max(1, count // 5)))
    rates = [pile['rate'] for pile in piles]
    return [Figure(f'{count:,} cases, from the start to the last', rates, 'a second', digits=0),
            Figure('until the first is taken', [pile['first'] for pile in piles], 's', digits=2),
            *costs('vacd', piles, count),
            Figure('pgbench, 100 rows a transaction', hundred, 'a second', digits=0),
            Figure('pgbench, one row a transaction', alone, 'a second', digits=0),
            ratios('of pgbench with 100 a transaction', rates, hundred, bar=1 / 3, better='most'),
            ratios('of pgbench with one a transaction', rates, alone),
            *(beside_node(place, piles, workers, trials) if trials else []),
            Figure(f'times the {NODE_STATED} a second of one that are stated, not measured', [rate / NODE_STATED for rate in rates],
                   bar=None if trials else 20, better='most')]
