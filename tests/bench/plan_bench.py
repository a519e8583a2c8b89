#!/usr/bin/python3
"""`./dev bench plan`: how fast the planner is, on one core, and what its search is worth.

Offices of 20 coordinators (12 full-time, 8 collateral-duty) in 8 time zones, ten days, a quarter-hour grid,
three appointments a coordinator of which two may be moved. Of the requests, all there at once, one in
twenty is a call-out and one in three urgent; half fall on a tenth of the offices; a third belongs to cases
with two to four requests. Offices stand in for one another in threes, or all for all.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'exact'))

import world  # noqa: E402

DAYS, HOUR, DAY = 10, 3600, 86400
NOW = world.MONDAY + 14 * HOUR
OFFSETS = (-5, -6, -7, -7, -8, -9, -10, -4)
SERVICES, LANGUAGES = (1, 2, 3), (11, 12, 13, 14)
BARS = {(500, 600): 1.0, (5000, 2000): 20.0}


def say(text):
    print(text, flush=True)


def on_days(offset, first, last, days=range(-1, DAYS + 1), weekdays=range(5)):
    """Spans from hour to hour of each such day, by the clock of a zone."""
    return [(world.MONDAY + day * DAY + int((first - offset) * HOUR), world.MONDAY + day * DAY + int(
        (last - offset) * HOUR)) for day in days if day % 7 in weekdays]


def make_zone(offset):
    starts = [world.MONDAY + day * DAY - offset * HOUR for day in range(-2, DAYS + 2)]
    return {'days': [(start, (day + 5) // 7) for day, start in enumerate(starts)],
            'nights': on_days(offset, 22, 30, weekdays=range(7))}


def make_office(number, offices, reach):
    offset = OFFSETS[number % len(OFFSETS)]
    if reach == 'all':
        others = [other for other in range(offices) if other != number]
    else:
        others = [other for other in range(number // 3 * 3, min(offices, number // 3 * 3 + 3)) if other != number]
    return {'id': 1 + number, 'urgent_hours': on_days(offset, 8, 20, weekdays=range(7)),
            'office_hours': on_days(offset, 8, 17),
            'backups': [(1 + other, rank + 1, 60 + 15 * (rank % 4)) for rank, other in enumerate(others)]}


def make_coordinator(draw, number):
    office, place = divmod(number, 20)
    offset, full = OFFSETS[office % len(OFFSETS)], place < 12
    half = (8, 12) if place % 2 else (13, 17)
    days = (0, 2, 4) if place % 3 else (1, 2, 3)
    begin = draw.choice((8, 8.5, 9))
    return {'id': 1 + number, 'office': 1 + office, 'collateral': not full, 'gender': 1 + place % 2,
            'zone': office % len(OFFSETS), 'services': draw.sample(SERVICES, draw.choice((2, 3))),
            'languages': [LANGUAGES[0]] + [one for one in LANGUAGES[1:] if draw.chance(0.2)],
            'max_open_cases': 15 if full else 3, 'weekly_minutes': 1500 if full else 480,
            'meetings_a_day': 4 if full else 2, 'load_minutes': draw.randrange(4000 if full else 1200),
            'weekly_shift_minutes': 2400 if full else 720,
            'open_cases': draw.sample(range(10 ** 6, 2 * 10 ** 6), draw.randrange(8 if full else 2)),
            'regular': on_days(offset, begin, begin + 8) if full else on_days(offset, *half, weekdays=days),
            'on_call': on_days(offset, 17, 32, days=range(place % 5, DAYS, 5), weekdays=range(7)) if full else []}


def make_request(draw, number, case, office):
    urgency = draw.choices(('immediate', 'urgent', 'routine'), (1, 7, 12))[0]
    notice, target, horizon = {'immediate': (0, 1, 24), 'urgent': (2, 24, 120), 'routine': (24, 72, 240)}[urgency]
    return {'id': number, 'case': case, 'office': office, 'urgency': urgency, 'interpreter': draw.chance(0.8),
            'service': draw.choice(SERVICES), 'language': draw.choices(LANGUAGES, (70, 20, 5, 5))[0],
            'telephone': draw.chance(0.2), 'gender': draw.choice((0, 0, 0, 1, 2)), 'load_percent': 100,
            'minutes': draw.choice((30, 60, 60, 60, 120)), 'buffer': 0 if urgency == 'immediate' else 30,
            'earliest': NOW + notice * HOUR, 'latest': NOW + horizon * HOUR, 'due': NOW + target * HOUR}


def make_requests(draw, count, offices):
    rows, case, busy = [], 10 ** 7, max(1, offices // 10)
    while len(rows) < count:
        size = draw.choices((1, 2, 3, 4), (85, 9, 4, 2))[0]
        office = 1 + (draw.randrange(busy) if draw.chance(0.5) else draw.randrange(offices))
        case += 1
        rows += [make_request(draw, 1 + len(rows) + n, case, office) for n in range(min(size, count - len(rows)))]
    return rows


def make_appointments(draw, coordinators, first_request):
    rows, standing = [], []
    for one in coordinators:
        for day in draw.sample(one['regular'], 3):
            start = day[0] + draw.randrange(0, day[1] - day[0] - 2 * HOUR, 1800)
            row = {'coordinator': one['id'], 'case': 2 * 10 ** 7 + len(rows), 'meeting': (start, start + HOUR),
                   'busy': (start, start + HOUR + HOUR // 2), 'counted': 60, 'accepted': draw.chance(0.6)}
            if any(overlap(row, other) for other in rows[-3:]):
                continue
            if draw.chance(2 / 3):
                row.update(id=1 + len(rows), request=first_request + len(standing))
                standing.append({**make_request(draw, row['request'], row['case'], one['office']),
                                 'service': one['services'][0], 'language': LANGUAGES[0], 'gender': 0,
                                 'urgency': 'routine', 'minutes': 60, 'earliest': NOW + 24 * HOUR,
                                 'latest': world.MONDAY + DAYS * DAY, 'due': start + draw.randrange(0, 4) * DAY})
            rows.append(row)
    return rows, standing


def overlap(a, b):
    return a['coordinator'] == b['coordinator'] and a['busy'][0] < b['busy'][1] and b['busy'][0] < a['busy'][1]


def make(requests, coordinators, reach, seed, steps=0):
    draw = world.Draw(f'bench {seed}')
    offices = -(-coordinators // 20)
    people = [make_coordinator(draw, number) for number in range(coordinators)]
    appointments, standing = make_appointments(draw, people, requests + 1)
    usual = {'collateral': 480, 'backup': 960, 'interpreter': 720, 'preference': 480, 'continuity': 1440, 'load': 30,
             'over_cap': 2000, 'move': 240}
    return {'policy': {'now': NOW, 'grid': 900, 'rest': 600, 'accepted': 720, 'chain': 2, 'moved_by': [0, 1, 3],
                       'steps': steps, 'wait': [20, 4, 1], **{term: [one] * 3 for term, one in usual.items()}},
            'zones': [make_zone(offset) for offset in OFFSETS],
            'offices': [make_office(number, offices, reach) for number in range(offices)],
            'coordinators': people, 'appointments': appointments, 'standing': standing,
            'requests': make_requests(draw, requests, offices)}


def kept_together(instance, plan):
    """Of the cases with several requests served, the share whose requests have one coordinator."""
    cases = {}
    case_of = {row['id']: row['case'] for row in instance['requests']}
    for one in plan['decisions']:
        if one['served']:
            cases.setdefault(case_of[one['request']], []).append(one['chosen']['coordinator'])
    families = [given for given in cases.values() if len(given) > 1]
    return sum(len(set(given)) == 1 for given in families) / max(1, len(families))


def levels(plan):
    """What plans are compared by, in order, with names."""
    urgency = ('immediate', 'urgent', 'routine')
    cost = {False: 0, True: 0}
    for number, one in enumerate(plan['decisions']):
        call_out = number < plan['call_outs']
        cost[call_out] += one['chosen']['cost'] if one['served'] else 0
        cost[call_out] += sum(move['to']['cost'] for move in one['moves'])
    yield 'call-outs unserved', plan['unserved'][0]
    yield 'call-outs late', plan['late'][0]
    yield 'cost of call-outs', cost[True]
    for name in ('unserved', 'late'):
        for number in (1, 2):
            yield f'{urgency[number]} {name}', plan[name][number]
    yield 'on call', plan['on_call']
    yield 'cost of the others', cost[False]


def worth(plan, first):
    """What the search won over the first plan, each level that differs."""
    won = [f'{name} {before:,} → {after:,}' + (f' ({(after - before) / before:+.1%})' if before > 0 else '')
           for (name, before), (_, after) in zip(levels(first), levels(plan)) if before != after]
    return '; '.join(won) or 'the same plan'


def measure(requests, coordinators, reach, options):
    instance = make(requests, coordinators, reach, options.seed)
    runs = options.runs if requests * coordinators < 10 ** 6 else 1
    plan = world.run_planner([instance], '--judge', '--runs', str(runs))[0]
    first = world.run_planner([make(requests, coordinators, reach, options.seed, steps=1)], '--judge')[0]
    for one in (plan, first):
        if one['fault']:
            raise SystemExit(f'{requests} × {coordinators}: {one["fault"]}')
        one['call_outs'] = sum(row['urgency'] == 'immediate' for row in instance['requests'])
    seconds, bar = plan['ms'] / 1000, BARS.get((requests, coordinators))
    remark = '' if bar is None else f'  bar {bar:g} s: {"met" if seconds <= bar else "missed"}'
    say(f'{requests:>6,} × {coordinators:<6,} {reach:<7} {seconds:>8.3f} s {plan["steps"]:>12,} steps'
        f'{" (limit)" if plan["limited"] else ""}{remark}')
    say(f'        served {plan["served"]:,}, unserved {"/".join(map(str, plan["unserved"]))}, late minutes '
        f'{"/".join(f"{one:,}" for one in plan["late"])}, moved {plan["moved"]}, families with one coordinator '
        f'{kept_together(instance, plan):.0%}')
    say(f'        after one step: {first["ms"] / 1000:.3f} s; {worth(plan, first)}')
    return bar is None or seconds <= bar


def main():
    parser = argparse.ArgumentParser(prog='./dev bench plan', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--runs', type=int, default=3, help='the median counts')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--quick', action='store_true', help='without 5,000 requests')
    options = parser.parse_args()
    say('requests × coordinators, offices in reach, median time on one core')
    met = measure(500, 600, 'threes', options)
    met &= measure(500, 600, 'all', options)
    if not options.quick:
        met &= measure(5000, 2000, 'threes', options)
    say('growth: n, 2n, 4n, 8n')
    for factor in (1, 2, 4, 8):
        measure(125 * factor, 180 * factor, 'threes', options)
    return 0 if met else 1


if __name__ == '__main__':
    sys.exit(main())
