"""Seeded instances for the planner, as plain dicts with the keys of plan_text.h, and plan-case to run them.

An instance: {'policy': row, 'zones': [row], 'offices': [row], 'coordinators': [row], 'appointments': [row],
'requests': [row]}; spans are (start, end), days (start, week), backups (office, rank, travel minutes).
"""

import json
import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('VACD_BUILD', ROOT / '.dev' / 'test')).resolve()
MONDAY = 1767571200             # 5 January 2026, 00:00 UTC
DAY = 86400
KINDS = ('one_step', 'mixed', 'families')
ORDER = ('zones', 'offices', 'coordinators', 'appointments', 'requests', 'standing')
TERMS = ('wait', 'collateral', 'backup', 'interpreter', 'preference', 'continuity', 'load', 'over_cap', 'move')
SERVICES, LANGUAGES, GENDERS = (1, 2, 3), (11, 12, 13), (21, 22)


# ---- text ------------------------------------------------------------------------------------------

def value_text(value):
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple) and value and not isinstance(value[0], tuple):
        return ':'.join(map(str, value))
    if isinstance(value, (list, tuple)):
        return ','.join(value_text(one) for one in value)
    return str(value)


def row_text(kind, row):
    return ' '.join([kind] + [f'{key}={value_text(value)}' for key, value in row.items()])


def to_text(instance):
    lines = [row_text('policy', instance['policy'])]
    for kind in ORDER:
        name = kind if kind == 'standing' else kind[:-1]
        lines += [row_text(name, row) for row in instance.get(kind, [])]
    return '\n'.join(lines + ['plan', ''])


def run_planner(instances, *options):
    """The plans, as plan-case writes them."""
    done = subprocess.run([BUILD / 'plan-case', *options], input=''.join(map(to_text, instances)),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'plan-case: exit {done.returncode}: {done.stderr[-2000:]}')
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- instances -------------------------------------------------------------------------------------

class Draw(random.Random):
    def chance(self, share):
        return self.random() < share


def subtract(spans, taken):
    """Spans without what lies in `taken`."""
    for start, end in taken:
        spans = [piece for a, b in spans for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]]
    return spans


def draw_policy(draw, grid, now):
    policy = {'now': now, 'grid': grid, 'rest': 600, 'accepted': 720, 'chain': 2, 'moved_by': [0, 1, 3]}
    usual = {'collateral': 480, 'backup': 960, 'interpreter': 720, 'preference': 480, 'continuity': 1440,
             'load': 30, 'over_cap': 2000, 'move': 240}
    ours = draw.chance(0.5)
    policy['wait'] = [20, 4, 1] if ours else [20, draw.randint(1, 8), draw.randint(0, 3)]
    for term, weight in usual.items():
        one = weight if ours else draw.randint(0, (10 if term == 'load' and draw.chance(0.3) else 2) * weight)
        policy[term] = [one, one, one]
        if not ours and term not in ('load', 'move', 'continuity'):
            policy[term][1] = draw.randint(0, 2 * weight)
    return policy


def draw_shift(draw, day, grid, hours):
    """One or two spans of a day, `hours` in all."""
    length = max(grid, int(hours * 3600 / grid) * grid)
    begin = MONDAY + day * DAY + draw.randrange(8 * 3600, max(8 * 3600 + grid, 18 * 3600 - length), grid)
    if draw.chance(0.6) or length < 4 * grid:
        return [(begin, begin + length)]
    first = draw.randrange(grid, length, grid)
    gap = draw.choice((1, 2)) * grid
    return [(begin, begin + first), (begin + first + gap, begin + length + gap)]


def draw_coordinator(draw, number, shape):
    days, grid = shape['days'], shape['grid']
    regular, on_call = [], []
    for day in range(days):
        if draw.chance(0.85):
            regular += draw_shift(draw, day, grid, draw.choice(shape['hours']))
        if draw.chance(0.15):
            begin = MONDAY + day * DAY + 18 * 3600
            on_call.append((begin, begin + draw.choice((2, 3)) * 3600))
    one = {'id': 10 + number, 'office': 1 + (number % 3 == 2), 'collateral': draw.chance(0.35),
           'gender': draw.choice((0,) + GENDERS), 'zone': draw.randrange(2),
           'services': sorted(draw.sample(SERVICES, 3 if shape['plain'] else draw.choice((2, 3, 3, 3)))),
           'languages': [LANGUAGES[0]] + [code for code in LANGUAGES[1:] if draw.chance(0.4)],
           'max_open_cases': draw.choice((4, 6, 8, 15)), 'weekly_minutes': draw.choice((300, 480, 720, 1500)),
           'meetings_a_day': draw.choice((2, 3, 4, 6, 8)), 'open_cases': draw.sample(range(900, 950), draw.randrange(3)),
           'load_minutes': draw.choice((0, draw.randrange(600), draw.randrange(4000))),
           'weekly_shift_minutes': draw.choice((0, 480, 1200, 2400)), 'regular': regular, 'on_call': on_call}
    if regular and draw.chance(0.3):
        start, end = draw.choice(regular)
        begin = draw.randrange(start, end, grid)
        one['leave'] = [(begin, begin + draw.choice((1, 2, 4)) * grid)]
    if regular and draw.chance(0.1):
        start, end = draw.choice(regular)
        one['rest'] = [(start, start + draw.choice((2, 4)) * grid)]
    return one


def draw_appointments(draw, coordinators, grid, longest):
    rows = []
    for one in coordinators:
        for start, end in subtract(one['regular'], one.get('leave', [])):
            if end - start < grid or not draw.chance(0.2):
                continue
            begin = draw.randrange(start, end, grid)
            finish = min(end, begin + grid * draw.randint(1, longest))
            rows.append({'coordinator': one['id'], 'case': draw.randrange(900, 999), 'meeting': (begin, finish),
                         'busy': (begin, finish), 'counted': (finish - begin) // 60})
    return rows


def draw_request(draw, number, shape, coordinators):
    days, grid = shape['days'], shape['grid']
    now = shape['now']
    urgent, special = draw.chance(0.4), 0.4 if shape['plain'] else 1
    begin = now + draw.randrange(0, days * DAY // 2, grid) if draw.chance(0.6 * special) else now
    latest = MONDAY + days * DAY if not draw.chance(0.3 * special) else begin + draw.choice((6, 12, 24, 36)) * 3600
    due = begin + draw.choice((4, 8, 24, 30) if urgent else (24, 48, 72)) * 3600
    row = {'id': 1 + number, 'case': 100 + number, 'office': draw.choice((1, 1, 1, 2)),
           'urgency': 'urgent' if urgent else 'routine', 'interpreter': draw.chance(1 - 0.4 * special),
           'service': draw.choice(SERVICES), 'language': draw.choice((LANGUAGES[0],) * 4 + LANGUAGES[1:]),
           'minutes': draw.choice(shape['minutes']), 'buffer': draw.choice(shape['buffers']),
           'load_percent': draw.choice(shape['loads']), 'earliest': begin, 'latest': latest, 'due': due,
           'telephone': shape['telephone']}
    someone = [one['id'] for one in coordinators]
    if draw.chance(0.3 * special):
        row['gender'] = draw.choice(GENDERS)
        row['gender_required'] = draw.chance(0.3)
    if draw.chance(0.2 * special):
        row['preferred'] = draw.choice(someone)
    if draw.chance(0.25 * special):
        row['responsible'] = draw.choice(someone)
    if draw.chance(0.1):
        row['met'] = [draw.choice(someone)]
    if draw.chance(0.1):
        row['barred'] = [draw.choice(someone)]
    if draw.chance(0.1):
        row['conflicts'] = [draw.choice(someone)]
    return row


def draw_hours(draw, days):
    hours = []
    for day in range(days):
        start = MONDAY + day * DAY + draw.choice((8, 8, 9)) * 3600
        hours.append((start, MONDAY + day * DAY + draw.choice((16, 17, 18)) * 3600))
    return hours


def draw_frame(draw, shape):
    days, grid = shape['days'], shape['grid']
    week_begins = draw.choice((0, 1, 2, 7))          # days before it belong to the week before
    zones = []
    for offset in (0, draw.choice((-5, 3)) * 3600):
        starts = [MONDAY + day * DAY + offset for day in range(-1, days + 2)]
        zones.append({'days': [(start, int(number - 1 >= week_begins)) for number, start in enumerate(starts)]})
    urgent = [(MONDAY + day * DAY + 8 * 3600, MONDAY + day * DAY + 20 * 3600) for day in range(days)]
    return {'policy': draw_policy(draw, grid, shape['now']), 'zones': zones, 'offices': [
        {'id': 1, 'urgent_hours': urgent, 'office_hours': draw_hours(draw, days),
         'backups': [(2, 1, shape['travel'])]},
        {'id': 2, 'backups': [(1, 1, shape['travel'])] if shape['plain'] else [], 'urgent_hours': urgent, 'office_hours': draw_hours(draw, days)}]}


def shape_of(draw, kind, over):
    plain = draw.chance(0.5)         # nearly everybody could take nearly everything
    now = MONDAY + 8 * 3600 + draw.choice((0, 0, 17 * 60))
    if kind == 'one_step':
        grid = draw.choice((900, 1800, 3600))
        return {'plain': plain, 'grid': grid, 'days': draw.choice((2, 3)), 'minutes': (grid // 60,), 'buffers': (0,), 'now': now,
                'loads': (draw.choice((50, 100, 100, 150)),), 'travel': draw.choice((0, 60)), 'telephone': True,
                'people': (3, 8), 'requests': (15, 40), 'hours': (0.5, 1, 1, 1.5) if over else (1, 3, 6, 8)}
    return {'plain': plain, 'grid': 1800, 'days': draw.choice((2, 3)), 'minutes': (30, 60, 60, 90, 120), 'now': now,
            'buffers': draw.choice(((0,), (30,), (0, 30))), 'loads': (50, 100, 100, 150),
            'travel': draw.choice((0, 30, 60)), 'telephone': draw.chance(0.3), 'people': (4, 6), 'requests': (10, 20),
            'hours': (1, 1.5, 2, 3) if over else (4, 6, 8)}


def join_families(draw, requests):
    """Cases with two to four requests; what is known of the victim's people is the case's."""
    left = list(requests)
    draw.shuffle(left)
    while len(left) >= 2 and draw.chance(0.85):
        family = [left.pop() for _ in range(min(len(left), draw.choice((2, 2, 3, 4))))]
        for row in family:
            row['case'] = family[0]['case']
            for key in ('responsible', 'met'):
                row.pop(key, None)
                if key in family[0]:
                    row[key] = family[0][key]


def has_more_work_than_time(instance):
    time = sum(end - start for one in instance['coordinators'] for start, end in
               subtract(subtract(one['regular'], one.get('leave', [])),
                        [row['busy'] for row in instance['appointments'] if row['coordinator'] == one['id']]))
    return sum(row['minutes'] + row['buffer'] for row in instance['requests']) * 60 > time


def draw_instance(draw, kind, over):
    shape = shape_of(draw, kind, over)
    instance = draw_frame(draw, shape)
    people = [draw_coordinator(draw, number, shape) for number in range(draw.randint(*shape['people']))]
    requests = [draw_request(draw, number, shape, people) for number in range(draw.randint(*shape['requests']))]
    instance['coordinators'] = people
    instance['appointments'] = draw_appointments(draw, people, shape['grid'], 1 if kind == 'one_step' else 3)
    instance['requests'] = requests
    if kind == 'families':
        join_families(draw, requests)
    for row in requests:                     # some victims have met somebody's diary before
        if draw.chance(0.1):
            draw.choice(people)['open_cases'].append(row['case'])
    if kind == 'families' and draw.chance(0.5) and instance['appointments']:
        draw.choice(instance['appointments'])['case'] = draw.choice(requests)['case']
    return instance


def make(kind, seed):
    """The instance of a seed; odd ones have more work than time."""
    draw = Draw(f'{kind} {seed}')
    over = seed % 2 == 1
    while True:
        instance = draw_instance(draw, kind, over)
        if has_more_work_than_time(instance) == over:
            return instance
