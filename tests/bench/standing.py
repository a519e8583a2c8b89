"""Throughput beside a supervisor's open transaction: one that reads, one that holds an uncommitted reassignment.

The three take turns in one run, on one database, with one daemon that stays up. Cases of the office where the
reassignment is held come in as well; what counts is when all of the other offices are served.
"""

import time

import bed
import workload
from figures import Figure, ratios

TITLE = "standing: beside a supervisor's open transaction"
HELD = workload.office_code(0)
WAYS = ('alone', 'reading', 'reassigning')


def warm(place, database, sink, count):
    """A case of the office HELD that somebody has, and whom else it could be given."""
    serve(place, database, sink, count, 0)
    return database.query('''SELECT c.case_code, k.code FROM vac_store.appointment a
        JOIN vac_store.case_record c USING (case_id) JOIN vac_store.office o ON o.office_id = a.office_id
        JOIN vac_store.coordinator k ON k.office_id = a.office_id AND k.coordinator_id <> a.coordinator_id
        WHERE a.live AND o.code = %s ORDER BY a.appointment_id, k.coordinator_id LIMIT 1''', HELD)[0]


def serve(place, database, sink, count, seed):
    """Opens cases in one transaction; how many of other offices were served how quickly, from its commit."""
    seed += place.options.seed + 500
    codes = bed.open_cases(database, count, seed)
    begun = time.time()
    others = {code for code, (office, *_) in zip(codes, workload.requests(count, seed)) if office != HELD}
    times = bed.wait_until_taken(database, sink, others)
    return len(others) / (max(times[code] for code in others) - begun)


def held_open(connection, way, case):
    connection.autocommit = False
    if way == 'reading':
        connection.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        connection.execute('TABLE vac.open_cases')
    elif way == 'reassigning':
        connection.execute("SELECT vac.reassign(%s, %s, now() + interval '200 hours', 'other')", case)


def measure(place):
    count = max(20, place.options.cases // 20)
    database, sink = place.empty(), place.sink()
    daemons = place.working(database, sink)
    case = warm(place, database, sink, max(300, count))
    rates = {way: [] for way in WAYS}
    for number in range(place.options.runs):
        for turn, way in enumerate(WAYS):
            with database.connect() as supervisor:
                held_open(supervisor, way, case)
                rates[way].append(serve(place, database, sink, count, 1 + 3 * number + turn))
                supervisor.rollback()
    bed.stop(daemons, sink)
    database.drop()
    return [Figure(f'{count:,} cases at once, beside no open transaction', rates['alone'], 'a second', digits=0),
            Figure('  beside one that reads', rates['reading'], 'a second', digits=0),
            ratios('    of alone', rates['reading'], rates['alone']),
            Figure('  beside an uncommitted reassignment', rates['reassigning'], 'a second', digits=0),
            ratios('    of alone', rates['reassigning'], rates['alone'])]
