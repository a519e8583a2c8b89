"""Throughput beside a supervisor's open transaction: one that reads, one that holds an uncommitted reassignment.

The three take turns in one run, on one database, with one daemon that stays up. Cases of the office where the
reassignment is held come in as well; what counts is when all of the other offices are served.
"""

import statistics
import time

import harness
import workload

HELD = workload.office_code(0)


def warm(bench, database, count):
    """A daemon at work, and a case of the office HELD that somebody has."""
    serve(bench, database, count, 0)
    return database.query('''SELECT c.case_code, k.code FROM vac_store.appointment a
        JOIN vac_store.case_record c USING (case_id) JOIN vac_store.office o ON o.office_id = a.office_id
        JOIN vac_store.coordinator k ON k.office_id = a.office_id AND k.coordinator_id <> a.coordinator_id
        WHERE a.live AND o.code = %s ORDER BY a.appointment_id, k.coordinator_id LIMIT 1''', HELD)[0]


def serve(bench, database, count, seed):
    """Opens cases in one transaction; how many of other offices were served how quickly, from its commit."""
    codes = {}
    with database.connect() as connection, connection.transaction():
        for office, language, window in workload.requests(count, bench.options.seed + 500 + seed):
            code = connection.execute('SELECT vac.open_case(%s, %s, window_from => %s)', (office, language, window)).fetchone()[0]
            codes[code] = office
    begun = time.time()
    others = {code for code, office in codes.items() if office != HELD}

    def served():
        times = bench.taken(bench.invitations(database))
        return times if others <= times.keys() else None
    times = harness.wait_for(served, 300, 'an invitation for every case of the other offices', every=0.25)
    return len(others) / (max(times[code] for code in others) - begun)


def held_open(connection, way, case):
    connection.autocommit = False
    if way == 'reading':
        connection.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        connection.execute('TABLE vac.open_cases')
    elif way == 'reassigning':
        connection.execute("SELECT vac.reassign(%s, %s, now() + interval '200 hours', 'other')", case)


def measure(bench, rounds, count):
    """{way: rates} of each round."""
    database = bench.cluster.database(bench.sheets)
    bench.new_sink('standing')
    daemon = bench.daemon(database, 'standing')
    case = warm(bench, database, count)
    rates = {'alone': [], 'reading': [], 'reassigning': []}
    for number in range(rounds):
        for place, way in enumerate(rates):
            with database.connect() as supervisor:
                held_open(supervisor, way, case)
                rates[way].append(serve(bench, database, count, 1 + 3 * number + place))
                supervisor.rollback()
    daemon.stop()
    return rates


def rows(rates):
    """Lines of the report."""
    middle = {way: statistics.median(each) for way, each in rates.items()}

    def row(title, way):
        return (title, f'{middle[way]:,.0f}', f'{middle[way] / middle["alone"]:.2f} of alone; runs '
                + ', '.join(f'{r:,.0f}' for r in rates[way]))
    return [row('beside no open transaction, cases a second', 'alone'), row('  beside one that reads', 'reading'),
            row('  beside an uncommitted reassign', 'reassigning')]
