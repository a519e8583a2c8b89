"""Bar 7: the first day. Tables that were analysed while they were empty, beside tables with cases in them.

A daemon works on each, and has served a few cases, so that its plans are cached; autovacuum, which would
mend the figures of the first some time later, is off for both. Then the cases come in at once.
"""

import bed
from figures import Figure, ratios

TITLE = '7 first day: tables analysed while empty'


def rate(place, seeded):
    database, sink = place.empty(), place.sink()
    if seeded:
        bed.run_file(database, 'growth_data.sql', appointments=place.options.cases)
    bed.analyse(database)
    daemons = place.working(database, sink)
    bed.burst(database, sink, 10, place.options.seed)
    found = bed.burst(database, sink, place.options.cases, place.options.seed + 1)
    bed.stop(daemons, sink)
    database.drop()
    return found


def measure(place):
    empty, seeded = [], []
    with place.cluster.setting(autovacuum='off'):
        for _ in range(place.options.runs):
            empty.append(rate(place, False))
            seeded.append(rate(place, True))
    return [Figure(f'{place.options.cases:,} cases at once, tables analysed while empty', empty, 'a second', digits=0),
            Figure('  tables with as many cases in them', seeded, 'a second', digits=0),
            ratios('  of the rate with them', empty, seeded, bar=0.8, better='most')]
