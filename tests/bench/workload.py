"""The benchmark's workload, made from a seed: rosters as CSV sheets, and requests.

Offices in 8 U.S. zones, 30 unless more are asked for; of the 20 coordinators of each, 12 are full-time on
8-hour days and 8 collateral-duty ones on three half-days. One-hour routine requests whose windows begin over
four weeks with a change of the clocks in the middle; limits are wide enough to serve all. No office has a
backup, unless `backups` are asked for: then each two stand in for one another.
"""

import datetime
import random
import zoneinfo

UTC = datetime.timezone.utc
ZONES = ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Phoenix', 'America/Los_Angeles',
         'America/Anchorage', 'Pacific/Honolulu', 'America/Puerto_Rico']
LANGUAGES = (['en', 'es', 'vi', 'zh'], [70, 20, 5, 5])
OFFICES = 30
DOMAIN = 'agency.example.org'


def office_code(number):
    return f'F{number + 1:02}'


def next_change(after):
    """The next change of New York's clocks."""
    zone = zoneinfo.ZoneInfo('America/New_York')
    moment = after.replace(minute=0, second=0, microsecond=0)
    offset = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == offset:
        moment += datetime.timedelta(hours=1)
    return moment


def roster(backups=False, count=OFFICES, size=20):
    """Rows for harness.write_sheets(): `count` offices with `size` coordinators."""
    offices, people, patterns = [], [], []
    for number in range(count):
        code = office_code(number)
        backup = f'{office_code(number ^ 1)}:120' if backups else ''
        offices.append([code, f'Field Office {code}', ZONES[number % len(ZONES)], '+1 202 555 0100',
                        'Mon-Fri 08:00-17:00', 'MAIN=Federal Building', backup])
        for place in range(size):
            person, full = f'{code}-{place + 1:02}', place < size * 3 // 5
            # Everybody speaks English, a third Spanish, and each of the others two or three an office.
            spoken = ['en'] + (['es'] if place % 3 == 0 else []) + (['vi'] if place in (1, 4, 13) else []) \
                + (['zh'] if place in (2, 7, 16) else [])
            people.append([person, code, 'full_time' if full else 'collateral', f'Coordinator {person}',
                           'Victim Assistance Coordinator', f'{person.lower()}@{DOMAIN}', '',
                           '+1 202 555 0101', '', 'female' if place % 2 else 'male',
                           'crisis_intervention; counseling; witness_support', '; '.join(spoken), 1000,
                           168, 20, ''])
            if full:
                patterns.append([person, 'regular', 'Mon-Fri', '08:30', '16:30', '', ''])
            else:
                days = ['Mon,Wed,Fri', 'Tue,Wed,Thu', 'Mon,Tue,Thu'][place % 3]
                half = ('08:00', '12:00') if place % 2 else ('13:00', '17:00')
                patterns.append([person, 'regular', days, *half, '', ''])
    return {'offices': offices, 'coordinators': people, 'patterns': patterns}


def requests(count, seed, now=None, offices=OFFICES):
    """(office, language, window_from) of each request."""
    draw = random.Random(seed)
    now = now or datetime.datetime.now(UTC)
    middle = next_change(now + datetime.timedelta(days=14))
    begin = middle - datetime.timedelta(days=14)
    for _ in range(count):
        office = office_code(draw.randrange(offices))
        language = draw.choices(*LANGUAGES)[0]
        yield office, language, begin + datetime.timedelta(minutes=draw.randrange(28 * 24 * 60))
