"""Bar 8: private memory (RssAnon) of a daemon that is idle, and of one with a small and a large backlog.

The reader, a process of its own, is counted apart. A plan takes up to 500 cases of an office in: the small backlog has
as many in each of 30, so that what the large one needs more is what grows with it.
"""

import time

import bed
import watch
from figures import Figure, ratios

TITLE = '8 memory: private, without the reader'


def idle(place):
    """(MiB of the daemon, of its reader)."""
    database, sink = place.empty(), place.sink()
    daemons = place.working(database, sink, lmtp_socket=place.folder / 'memory.sock')
    time.sleep(place.options.settle)
    memory = watch.Memory(daemons[0].pid)
    memory.stop()
    bed.stop(daemons, sink)
    database.drop()
    return memory.peak, memory.reader_peak


def peak(place, count):
    database = place.ready(count)
    found = bed.backlog(place, database)
    database.drop()
    return found['memory']


def measure(place):
    few, many = place.options.cases * 3 // 2, place.options.cases * 3
    idle_ones, small, large = [], [], []
    for _ in range(place.options.runs):
        idle_ones.append(idle(place))
        small.append(peak(place, few))
        large.append(peak(place, many))
    return [Figure('idle', [own for own, _ in idle_ones], 'MiB', bar=6, digits=2),
            Figure('  its reader', [reader for _, reader in idle_ones], 'MiB', digits=2),
            Figure(f'backlog of {few:,}, peak', small, 'MiB', bar=32, digits=2),
            Figure(f'backlog of {many:,}, peak', large, 'MiB', bar=32, digits=2),
            ratios('  of that of the small one', large, small, bar=1.25)]
