#!/usr/bin/python3
"""How long `vacd simulate` takes for 10,000 coordinators and 100,000 requests, and what memory.

Rosters of 500 offices are made, each two of them one another's backup; they are loaded from files in a
transaction that is rolled back, then 72 days with two cases a day in each office are played. Bars: 5
minutes and 1 GiB in all.

    VACD_BUILD=.dev/build tests/bench/simulate_bench.py
"""

import argparse
import csv
import io
import os
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

import harness  # noqa: E402
import workload  # noqa: E402

BARS = {'seconds': 300, 'memory': 1024}
FULL_TIME, COLLATERAL = 12, 8
EXTRA = [['es'], [], ['zh'], ['es', 'pt'], ['vi'], [], ['es'], ['tl'], ['ht'], ['es', 'mam'], ['ar'], ['ru', 'ko']]


def patterns_of(person, place, pattern):
    pattern.append([person, 'regular', 'Mon-Fri', '08:00', '17:00', '', ''])
    # Seven of the twelve share the nights, a day of the week each.
    if place < 7:
        day = ('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[place]
        pattern.append([person, 'on_call', day, '17:00', '08:00', '', ''])
        if place >= 5:
            pattern.append([person, 'on_call', day, '08:00', '17:00', '', ''])


def roster(offices):
    """Rows for harness.write_sheets()."""
    office_rows, people, patterns = [], [], []
    for number in range(offices):
        code = f'F{number + 1:03}'
        other = f'F{(number ^ 1) + 1:03}:120' if (number ^ 1) < offices else ''
        office_rows.append([code, f'Field Office {code}', workload.ZONES[number % len(workload.ZONES)],
                            '+1 202 555 0100', 'Mon-Fri 08:00-17:00', 'MAIN=Federal Building', other])
        for place in range(FULL_TIME + COLLATERAL):
            person, full = f'{code}-{place + 1:02}', place < FULL_TIME
            people.append([person, code, 'full_time' if full else 'collateral', f'Coordinator {person}',
                           'Victim Assistance Coordinator', f'{person.lower()}@{workload.DOMAIN}', '',
                           '+1 202 555 0101', '', 'female' if place % 2 else 'male',
                           'crisis_intervention; counseling; witness_support; forensic_interview; court_accompaniment',
                           '; '.join(['en', *EXTRA[place % len(EXTRA)]]), '', '', '', ''])
            if full:
                patterns_of(person, place, patterns)
            else:
                days = ['Mon,Wed,Fri', 'Tue,Wed,Thu', 'Mon,Tue,Thu'][place % 3]
                half = ('08:00', '12:00') if place % 2 else ('13:00', '17:00')
                patterns.append([person, 'regular', days, *half, '', ''])
    return {'offices': office_rows, 'coordinators': people, 'patterns': patterns}


def run(database, sheets, days, cases, seed):
    """(seconds, peak MiB, row of figures) of one run."""
    command = [harness.VACD, 'simulate', '--database', database.conninfo(), '--start', '2027-03-01', '--days', days,
               '--seed', seed, '--cases-per-day', cases, '--format', 'csv', '--roster', *sheets]
    begun = time.monotonic()
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.monotonic() - begun
    # Of all our children's the greatest: this one's, since all others are small.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return seconds, peak, list(csv.DictReader(io.StringIO(done.stdout)))[-1]


def against(value, bar):
    return f'bar {bar}: {"met" if value <= bar else "missed"}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--offices', type=int, default=500, help='of 20 coordinators each')
    parser.add_argument('--days', type=int, default=72)
    parser.add_argument('--cases', default='2', help='a day in each office')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    with harness.temporary_folder() as folder:
        cluster = harness.Cluster(folder / 'pg', durable=True)
        cluster.create()
        try:
            sheets = harness.write_sheets(folder, **roster(options.offices))
            seconds, peak, all_of_them = run(cluster.database(), sheets, options.days, options.cases, options.seed)
        finally:
            cluster.stop('immediate')
    requests = int(all_of_them['meetings']) + int(all_of_them['nobody'])
    rows = [('coordinators', f'{int(all_of_them["people"]):,}', ''),
            ('requests', f'{requests:,}', f'of {int(all_of_them["cases"]):,} cases in {options.days} days'),
            ('seconds, rosters from files included', f'{seconds:.1f}', against(seconds, BARS['seconds'])),
            ('peak memory, MiB', f'{peak:.0f}', against(peak, BARS['memory']))]
    for title, value, remark in rows:
        print(f'{title:<38} {value:>9}  {remark}')


if __name__ == '__main__':
    os.environ.setdefault('PYTHONDONTWRITEBYTECODE', '1')
    main()
