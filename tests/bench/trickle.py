"""Bar 2: cases that come one by one, from the commit of each to the mail server's 250.

Beside it, at the same pace and before and after it: the durable commits that cannot be done without (the plan
with its message; the claim of the message, which must be known before it is sent), each of the rows that vacd
writes then, and one SMTP transaction on a connection that stands.

vacd's clock begins when the client of the database, psycopg, has the answer, by when vacd may be under way, and
ends when the sink writes down the mail, before its 250 goes out; the yardstick is whole round trips through
psycopg and of the bare sender. That is in vacd's favour. "From before the call" has the whole call that opens the
case in it, which is against vacd: the truth lies between the two.

The minute is cut into runs, each with a daemon of its own. The first cases of each, for which connections are made and
statements are planned, are left out of the figures (the first is told by itself): else all runs had them, of which a minute
at one stretch has one.
"""

import random
import statistics
import time

import bed
import harness
import mail_alone
import workload
from figures import Figure, percentile, ratios

TITLE = '2 trickle: 20 cases a second'
A_SECOND = 20
FIRST = 5       # cases of a daemon
CLAIM = '''UPDATE vac_store.message SET state = 'claimed', lease_until = now() + interval '1 minute', fence = fence + 1, ever_claimed = true
    WHERE message_id = (SELECT max(message_id) FROM vac_store.message)'''


def paced(count, seed):
    """Yields numbers, each somewhere in its twentieth of a second."""
    draw = random.Random(seed)
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + (number + draw.random()) / A_SECOND - time.monotonic()))
        yield number


def commits(place, count):
    """ms of the two commits, each time."""
    def make():
        database = place.empty()
        bed.run_file(database, 'pgbench_setup.sql')
        database.query('SELECT bench.make_requests(%s)', count)
        return database
    database = place.copy(f'commits {count}', make)
    times = []
    with database.connect() as connection:
        for _ in paced(count, 1):
            begun = time.monotonic()
            connection.execute('SELECT bench.one_transaction(1)', prepare=True)
            connection.execute(CLAIM, prepare=True)
            times.append((time.monotonic() - begun) * 1e3)
    database.drop()
    return times


def one_by_one(place, count):
    """ms from commit to 250 of each case, and from before the call that opened it; the first cases come before these."""
    database = place.empty()
    sink = place.sink()
    daemons = place.working(database, sink)
    called, acknowledged = {}, {}
    rows = list(workload.requests(FIRST + count, place.options.seed + 1000))
    with database.connect() as connection:
        for number in paced(FIRST + count, place.options.seed):
            before = time.time()
            code = connection.execute('SELECT vac.open_case(%s, %s, window_from => %s)', rows[number]).fetchone()[0]
            acknowledged[code], called[code] = time.time(), before
    times = bed.wait_until_taken(database, sink, acknowledged)
    bed.stop(daemons, sink)
    return [(times[c] - acknowledged[c]) * 1e3 for c in acknowledged], [(times[c] - called[c]) * 1e3 for c in called]


def measure(place):
    count = int(place.options.seconds * A_SECOND)
    beside = max(20, count // 4)
    needed, first, from_commit, from_call = [], [], [], []      # of each run; needed: before each, and after the last
    for run in range(place.options.runs + 1):
        smtp = mail_alone.bare(place, beside, 1, every_ms=1000 // A_SECOND)['ms']
        needed.append(statistics.median(commits(place, beside)) + statistics.median(smtp))
        if run < place.options.runs:
            some, called = one_by_one(place, max(20, count // place.options.runs))
            first.append(some[0])
            from_commit.append(some[FIRST:])
            from_call.append(called[FIRST:])
    around = [(before + after) / 2 for before, after in zip(needed, needed[1:])]
    median, late = [statistics.median(run) for run in from_commit], [percentile(run, 0.99) for run in from_commit]
    return [Figure('two durable commits and one SMTP transaction alone', needed, 'ms', digits=2),
            Figure('the first case of a daemon, commit to 250', first, 'ms'),
            Figure('commit to 250, median', median, 'ms'),
            Figure('commit to 250, 99th percentile', late, 'ms'),
            Figure('from before the call, median', [statistics.median(run) for run in from_call], 'ms'),
            Figure('from before the call, 99th percentile', [percentile(run, 0.99) for run in from_call], 'ms'),
            ratios('median, of that alone', median, around, bar=3),
            ratios('99th percentile, of that alone', late, around, bar=6)]
