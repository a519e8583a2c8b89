"""Bar 6: what a case costs among 10 times the coordinators in 1,000 offices, with 100 times the history; and
the rate of 1 to 4 daemons on one database.

The cases come in at once while a daemon is at work, the same number everywhere; 30 offices with 20
coordinators each and 10,000 appointments that are over are what the cost is compared with. History is made
by sets (growth_data.sql) and has no rows in the hash chain. All take turns in each run.

Cases of one office are planned together. The same cases in more offices are fewer in each, so that what a plan costs whatever its
size is shared by fewer. Hence two of 1,000 offices: with their cases in 30 of them, which is what the size alone costs; and in all.
"""

import bed
import harness
import workload
from figures import Figure, ratios

TITLE = '6 growth: ten times the people, a hundred times the history, 1,000 offices, several daemons'
SMALL = 6       # coordinators in each of very many offices


def make(place, offices, size, history):
    """With so many offices, coordinators in each, and appointments that are over."""
    place.count += 1
    folder = place.folder / f'world{place.count}'
    folder.mkdir()
    database = place.empty(harness.write_sheets(folder, **workload.roster(count=offices, size=size)))
    bed.run_file(database, 'growth_data.sql', appointments=history)
    bed.analyse(database)
    return database


def in_turns(place, worlds):
    """{name: cases a second in each run}. worlds: {name: (database, its offices, how many daemons)}; the daemons of all
    stay up, and those that are not at work only poll."""
    sinks = {name: place.sink() for name in worlds}
    daemons = {name: place.working(database, sinks[name], number) for name, (database, _, number) in worlds.items()}
    found = {name: [] for name in worlds}
    for run in range(place.options.runs + 1):
        for name, (database, offices, _) in worlds.items():
            found[name].append(bed.burst(database, sinks[name], place.options.growth_cases, place.options.seed + run, offices))
    for name, (database, _, _) in worlds.items():
        bed.stop(daemons[name], sinks[name])
        database.drop()
    return {name: some[1:] for name, some in found.items()}     # the first warms caches, everywhere


def worlds(options):
    """{name: (in how many offices the cases come, what make() is given)}, what the others are compared with first."""
    before, after, many = max(100, options.history // 100), options.history, options.offices * SMALL // 20
    return {'as it begins': (30, (30, 20, before)), f'{many * 20:,} coordinators': (30, (many, 20, before)),
            f'{after:,} appointments': (30, (30, 20, after)), f'all of them, {options.offices:,} offices': (30, (options.offices, SMALL, after)),
            f'all of them, cases in {options.offices:,} offices': (options.offices, (options.offices, SMALL, after))}


def measure(place):
    figures, before = [], None
    grown = {name: (make(place, *sizes), offices, 1) for name, (offices, sizes) in worlds(place.options).items()}
    for name, found in in_turns(place, grown).items():
        before = before or found
        figures += [Figure(f'{place.options.growth_cases:,} cases at once, {name}', found, 'a second', digits=0)]
        if found is not before:
            figures.append(ratios('  cost of a case, of that at the beginning', before, found, bar=1.3))
    found = in_turns(place, {number: (place.empty(), workload.OFFICES, number) for number in (1, 2, 3, 4)})
    figures.append(Figure('one daemon, no history', found[1], 'a second', digits=0))
    for number in (2, 3, 4):
        figures += [Figure(f'  {number} daemons', found[number], 'a second', digits=0),
                    ratios('    of the rate of one', found[number], found[1], bar=1, better='most')]
    return figures
