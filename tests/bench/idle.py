"""Bar 9: a daemon that has nothing to do: how often it wakes up, and what it asks the database.

Wake-ups are how often its threads gave up the processor of themselves (/proc/PID/status), queries what
pg_stat_statements counts of its login; its mail in is open, and mail servers' connections are shut.
"""

import time

import bed
import statements
import watch
from figures import Figure

TITLE = '9 idle: nothing to do'
POLL_MS = 5000


def one(place, seconds):
    database, sink = place.empty(), place.sink()
    bed.analyse(database)
    daemons = place.working(database, sink, lmtp_socket=place.folder / 'idle.sock')
    bed.burst(database, sink, 20, place.options.seed)
    time.sleep(place.options.settle)
    statements.begin(database)
    pid = daemons[0].pid
    readers = watch.children(pid)
    before = sum(watch.wake_ups(reader) for reader in readers)
    wakes, cpu = watch.idle_for(pid, seconds)
    found = {'wakes': wakes / seconds, 'cpu': cpu / seconds * 1e3,
             'reader': (sum(watch.wake_ups(reader) for reader in readers) - before) / seconds,
             'asked': statements.calls(database)}
    bed.stop(daemons, sink)
    database.drop()
    return found


def measure(place):
    with statements.counted(place.cluster):
        runs = [one(place, place.options.idle_seconds) for _ in range(place.options.idle_runs)]
    polls, minutes = place.options.idle_seconds * 1000 / POLL_MS, place.options.idle_seconds / 60
    for query, calls in runs[-1]['asked']:
        print(f'    {calls / minutes:5.1f} a minute: {query}')
    return [Figure('wake-ups', [run['wakes'] for run in runs], 'a second', bar=1, digits=2),
            Figure("  its reader's", [run['reader'] for run in runs], 'a second', digits=2),
            Figure('processor time', [run['cpu'] for run in runs], 'ms/s', digits=2),
            Figure('queries in all', [sum(calls for _, calls in run['asked']) / minutes for run in runs], 'a minute', digits=0),
            # One more may fall into the time by where it begins.
            Figure(f'the most frequent query, less one call, of {polls:g} polls',
                   [max(0, max(calls for _, calls in run['asked']) - 1) / polls for run in runs], bar=1, digits=2)]
