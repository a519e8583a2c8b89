"""Where the time of a backlog goes: what the database spends it on, statements within functions among them.

Counting slows all of it, so no rate is told. A statement's time holds that of the statements within it.
"""

import bed
import statements
from figures import Figure

TITLE = 'where the time of a backlog goes'


def measure(place):
    count = place.options.cases
    with statements.counted(place.cluster):
        database = place.ready(count)
        statements.begin(database, nested=True)
        found = bed.backlog(place, database)
        for query, top, calls, ms in statements.slowest(database):
            print(f'    {ms * 1000 / count:8.0f} µs a case {calls / count:7.3f} calls a case {"sent  " if top else "within"} {query}')
        database.drop()
    return [Figure('processor time of vacd a case', [found['cpu'] / count * 1e6], 'µs', digits=0)]
