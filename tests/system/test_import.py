"""vacd import: rosters from CSV, holidays from iCalendar, and what is said of bad ones."""

import calendar
import collections
import csv
import datetime
import pathlib
import re

import pytest

import harness
from harness import ROOT, run_vacd

ROSTERS = ROOT / 'etc' / 'rosters'
HOLIDAYS = ROOT / 'etc' / 'holidays' / 'us-federal.ics'
SHEETS = ('offices', 'supervisors', 'coordinators', 'patterns', 'leave')
EXAMPLES = [ROSTERS / f'{sheet}.csv' for sheet in SHEETS]
TABLES = ('office', 'office_hours', 'office_place', 'office_backup', 'supervisor',
          'supervisor_office', 'coordinator', 'coordinator_service', 'coordinator_language',
          'weekly_pattern', 'leave', 'holiday')


def run_import(database, *args, login='postgres'):
    return run_vacd('import', args[0], '--database', database.conninfo(login), *args[1:])


def import_rosters(database, *files, login='postgres'):
    done = run_import(database, 'roster', *files, login=login)
    assert done.returncode == 0, done.stdout + done.stderr
    return counts_of(done.stdout)


def import_holidays(database, *args, login='postgres'):
    done = run_import(database, 'holidays', *args, login=login)
    assert done.returncode == 0, done.stdout + done.stderr
    return counts_of(done.stdout)['holidays']


def counts_of(out):
    """{sheet: (added, changed, unchanged, removed)}"""
    found = {}
    for line in out.splitlines():
        match = re.fullmatch(r'(\w+): (\d+) added, (\d+) changed, (\d+) unchanged'
                             r'(?:, (\d+) removed)?', line)
        if match:
            found[match[1]] = tuple(int(n or 0) for n in match.groups()[1:])
    return found


def must_refuse(database, *args, status=1, login='postgres'):
    done = run_import(database, *args, login=login)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout == ''
    return done.stderr


def rows_of(database):
    """Every row with the transaction that wrote it: what is equal was not even touched."""
    return {table: database.query(f'SELECT xmin::text, t::text FROM vac_store.{table} t ORDER BY 2')
            for table in TABLES}


def read_example(sheet):
    with open(ROSTERS / f'{sheet}.csv', newline='') as file:
        return list(csv.DictReader(file))


# ---- the examples --------------------------------------------------------------------------------

def test_examples_are_what_they_should_be():
    offices, people = read_example('offices'), read_example('coordinators')
    assert len({office['time_zone'] for office in offices}) >= 8
    full_time = {person['office'] for person in people if person['duty'] == 'full_time'}
    collateral = {person['office'] for person in people if person['duty'] == 'collateral'}
    assert collateral == {office['code'] for office in offices}
    assert len(offices) - len(full_time) >= 2
    speakers = collections.Counter(tag.strip() for person in people
                                   for tag in person['languages'].split(';'))
    assert speakers['mam'] == 1
    assert any(pattern['kind'] == 'on_call' for pattern in read_example('patterns'))
    for row in people + read_example('supervisors'):
        assert re.fullmatch(r'(Coordinator|Supervisor) [A-Z]{1,2}', row['name'])
        assert row['mail'].endswith('@example.org') and row['pager'].endswith(('@example.org', ''))
    for row in offices + people:
        assert re.fullmatch(r'\+1 \d{3} 555 01\d\d', row['telephone'])


def test_examples_again_change_nothing(database):
    # whatever the order of arguments
    first = import_rosters(database, *reversed(EXAMPLES))
    assert set(first) == set(SHEETS)
    for sheet in SHEETS:
        assert first[sheet][1:] == (0, 0, 0)
    for sheet in ('offices', 'supervisors', 'coordinators', 'leave'):
        assert first[sheet][0] == len(read_example(sheet))
    before = rows_of(database)
    again = import_rosters(database, *EXAMPLES)
    assert again == {sheet: (0, 0, first[sheet][0], 0) for sheet in SHEETS}
    assert rows_of(database) == before


def test_only_what_changed_changes(database, folder):
    import_rosters(database, *EXAMPLES)
    before = rows_of(database)
    changed = folder / 'c.csv'
    changed.write_text((ROSTERS / 'coordinators.csv').read_text().replace('en; es; mam', 'en; mam'))
    counts = import_rosters(database, changed)
    assert counts == {'coordinators': (0, 1, len(read_example('coordinators')) - 1, 0)}
    after = rows_of(database)
    spoken_before, spoken = set(before['coordinator_language']), set(after['coordinator_language'])
    assert spoken < spoken_before and len(spoken_before - spoken) == 1
    others = [table for table in TABLES if table not in ('coordinator', 'coordinator_language')]
    assert [after[table] for table in others] == [before[table] for table in others]


def test_dry_run_stores_nothing(database):
    before = rows_of(database)
    done = run_import(database, 'roster', '--dry-run', *EXAMPLES)
    assert done.returncode == 0, done.stderr
    assert counts_of(done.stdout)['offices'][0] == len(read_example('offices'))
    assert 'nothing was stored (--dry-run)' in done.stdout
    assert rows_of(database) == before


# ---- forms ---------------------------------------------------------------------------------------

OFFICES = 'code,name,time_zone,telephone,hours,places,backups\n'
AAA = 'AAA,A,America/New_York,+1 212 555 0100,Mon-Fri 08:00-17:00,MAIN=Hall,BBB:10\n'
BBB = 'BBB,B,America/New_York,+1 212 555 0100,Mon-Fri 08:00-17:00,MAIN=Hall,AAA:10; CCC:20\n'
CCC = 'CCC,C,America/New_York,+1 212 555 0100,Mon-Fri 08:00-17:00,MAIN=Hall,\n'


@pytest.fixture
def sheet(folder):
    def write(text, name='sheet.csv'):
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


@pytest.mark.parametrize('rows', [(AAA, BBB, CCC), (CCC, BBB, AAA), (BBB, CCC, AAA)])
def test_backups_in_any_order(database, sheet, rows):
    import_rosters(database, sheet(OFFICES + ''.join(rows)))
    assert database.query('''SELECT a.code, b.code, k.rank, k.travel_minutes
        FROM vac_store.office_backup k JOIN vac_store.office a USING (office_id)
        JOIN vac_store.office b ON b.office_id = k.backup_office_id ORDER BY 1, 3''') == [
            ('AAA', 'BBB', 1, 10), ('BBB', 'AAA', 1, 10), ('BBB', 'CCC', 2, 20)]


@pytest.mark.parametrize('form', [
    lambda text: text.replace('\n', '\r\n'),
    lambda text: '\ufeff' + text,
    lambda text: text.replace('AAA,A,', '"AAA"," A ",'),
    lambda text: text.rstrip('\n'),
    lambda text: text.replace('code,name', 'Code, NAME').replace('time_zone', 'Time Zone'),
    lambda text: text + '\n,,,,,,\n',
])
def test_forms(database, sheet, form):
    counts = import_rosters(database, sheet(form(OFFICES + CCC)))
    assert counts == {'offices': (1, 0, 0, 0)}
    assert database.value('SELECT name FROM vac_store.office') == 'C'


def test_unicode_arrives(database, sheet):
    import_rosters(database, sheet(OFFICES + CCC.replace(',C,', ',"Cañón ""Ñ"" 北 🏛",')))
    assert database.value('SELECT name FROM vac_store.office') == 'Cañón "Ñ" 北 🏛'


# ---- bad files -----------------------------------------------------------------------------------

def test_every_bad_line_is_named(database, sheet):
    offices = sheet(OFFICES
                    + AAA.replace('America/New_York', 'America/Nowhere')
                    + BBB.replace('America/New_York', '"America/New_York')
                    + CCC.replace('+1 212 555 0100', '12').replace('08:00', '18:00')
                    + CCC.replace('CCC', 'DDD').replace(',\n', '\n'), 'o.csv')
    people = sheet(
        'code,office,duty,name,title,mail,telephone,services,languages\n'
        'A-1,AAA,fulltime,Coordinator A,T,a,+1 212 555 0111,crisis,english\n'
        'B-1,BBB,full_time,Coordinator B,T,b@example.org,+1 212 555 0111,counseling,en\n'
        'D-1,DDD,full_time,Coordinator D,T,b@example.org,+1 212 555 0111,counseling,en\n'
        'Q-1,QQQ,full_time,Coordinator Q,T,q@example.org,+1 212 555 0111,counseling,en\n', 'c.csv')
    leave = sheet('coordinator,from,to\nB-1,2026-12-24,2026-12-20\nZ-1,2026-12-24,2026-12-25\n',
                  'l.csv')
    before = rows_of(database)
    error = must_refuse(database, 'roster', people, leave, offices)
    named = [re.match(r'.*/(\w)\.csv:(\d+): (?:column (\w+))?', line).groups()
             for line in error.splitlines() if '.csv' in line]
    assert sorted(named, key=str) == sorted([
        ('o', '2', 'time_zone'), ('o', '3', 'time_zone'), ('o', '4', 'telephone'),
        ('o', '4', 'hours'), ('o', '5', None),
        ('c', '2', 'duty'), ('c', '2', 'mail'), ('c', '2', 'services'), ('c', '2', 'languages'),
        ('c', '4', 'mail'), ('c', '5', 'office'),
        ('l', '2', 'to'), ('l', '3', 'coordinator')], key=str), error
    assert 'o.csv:3: column time_zone, character 7: a quote that is not closed' in error
    assert 'o.csv:5: 6 fields; expected 7, as in the first line' in error
    assert error.endswith('vacd import: nothing was stored\n')
    assert rows_of(database) == before


def test_one_bad_file_keeps_all_out(database, sheet):
    before = rows_of(database)
    bad = sheet('coordinator,from,to\nNYC-1,2026-12-24,tomorrow\n')
    error = must_refuse(database, 'roster', *EXAMPLES[:4], bad)
    assert 'sheet.csv:2: column to: ' in error
    assert rows_of(database) == before


@pytest.mark.parametrize('text, words', [
    ('', 'sheet.csv:1: the file is empty'),
    ('nonsense\n', 'sheet.csv:1: this is the first line of no sheet; expected the columns code,'),
    ('coordinator;from;to\n', 'sheet.csv:1: the columns lie between semicolons; expected commas'),
    ('coordinator,from,too\n', 'sheet.csv:1: column too: unknown; expected to?'),
    ('coordinator,from,too\n', 'sheet.csv:1: column to: missing; expected it in sheet leave'),
    ('coordinator,from,to,to\n', 'sheet.csv:1: column to: named twice'),
    ('coordinator,from,to\nA\tB\n', 'sheet.csv:2: column coordinator, character 2: a tab'),
    (b'coordinator,from,to\nA,\xe9,B\n', 'sheet.csv:2: column from, character 3: is not UTF-8'),
    ('coordinator,from,to\n'.encode('utf-16'), 'sheet.csv:1: character 1: the file is UTF-16'),
    (b'coordinator,from,to\nA,\0,B\n', 'sheet.csv:2: column from, character 3: a control'),
    ('coordinator,from,to\nA,"a\nb",B\n', 'sheet.csv:2: column from, character 3: a quote that'),
])
def test_bad_forms(database, sheet, record, text, words):
    assert words in must_refuse(database, 'roster', sheet(text))
    record.bad_input('sheet of a roster')


def test_missing_file_and_folder(database, folder):
    error = must_refuse(database, 'roster', folder / 'none.csv', folder, *EXAMPLES)
    assert f'{folder}/none.csv: No such file or directory\n' in error
    assert f'{folder}: Is a directory\n' in error


def test_two_files_of_one_sheet(database, sheet):
    error = must_refuse(database, 'roster', sheet(OFFICES + AAA, 'a.csv'),
                        sheet(OFFICES + CCC, 'b.csv'))
    assert 'sheet offices, as in' in error and 'expected each sheet once' in error


def test_columns_of_program_database_and_manual_agree(database, sheet):
    manual = (ROOT / 'daemon' / 'vacd-roster.5').read_text()
    for name in SHEETS:
        columns = database.query('SELECT column_name, needed FROM vac_store.import_columns(%s)',
                                 name)
        needed = [column for column, needed in columns if needed]
        whole = ','.join(column for column, _ in columns)
        for head in (whole, ','.join(needed)):
            assert import_rosters(database, sheet(head + '\n')) in ({}, {name: (0, 0, 0, 0)}), head
        for column in needed:
            head = ','.join(c for c, _ in columns if c != column) + '\n'
            assert f'column {column}: missing; expected it in sheet {name}' in must_refuse(
                database, 'roster', sheet(head)), head
        section = manual.split(f'.Ss {name}.csv\n')[1].split('.Ss ')[0]
        assert re.findall(r'^\.It Cm (\w+)', section, re.M) == [column for column, _ in columns]


# ---- who may -------------------------------------------------------------------------------------

def test_who_may(database):
    import_rosters(database, *EXAMPLES)
    assert import_rosters(database, ROSTERS / 'leave.csv', login='sup_all')['leave'][0] == 0
    for login in ('sup_sea', 'intake1', 'vacd'):
        error = must_refuse(database, 'roster', ROSTERS / 'leave.csv', status=2, login=login)
        assert f'role "{login}" may not import' in error


def test_no_schema(cluster):
    empty = cluster.database(migrate=False)
    try:
        error = must_refuse(empty, 'roster', *EXAMPLES, status=2)
        assert 'run vacd migrate first' in error
    finally:
        empty.drop()


@pytest.mark.parametrize('args', [
    [], ['nonsense'], ['roster'], ['holidays'], ['holidays', 'a.ics', 'b.ics'],
    ['roster', '--nonsense', 'a.csv'], ['roster', '--office', 'SEA', 'a.csv']])
def test_usage(args):
    done = run_vacd('import', *args)
    assert done.returncode == 2 and 'usage: vacd import roster' in done.stderr


# ---- holidays ------------------------------------------------------------------------------------

def nth(year, month, weekday, n):
    """The n-th such weekday of a month, -1 the last."""
    days = [datetime.date(year, month, day + 1)
            for day in range(calendar.monthrange(year, month)[1])]
    return [day for day in days if day.weekday() == weekday][n - 1 if n > 0 else n]


def observed(day):
    return day + datetime.timedelta({5: -1, 6: 1}.get(day.weekday(), 0))


def federal(year):
    """5 U.S.C. 6103, as it is written."""
    date = datetime.date
    return {observed(date(year, 1, 1)), nth(year, 1, 0, 3), nth(year, 2, 0, 3), nth(year, 5, 0, -1),
            observed(date(year, 6, 19)), observed(date(year, 7, 4)), nth(year, 9, 0, 1),
            nth(year, 10, 0, 2), observed(date(year, 11, 11)), nth(year, 11, 3, 4),
            observed(date(year, 12, 25))}


def test_federal_holidays(database):
    year = datetime.date.today().year
    last = min(year + 5, 2032)
    expected = {day for y in range(2026, 2034) for day in federal(y) if year <= day.year <= last}
    assert import_holidays(database, HOLIDAYS) == (len(expected), 0, 0, 0)
    stored = dict(database.query('SELECT day, name FROM vac_store.holiday WHERE office_id IS NULL'))
    assert set(stored) == expected
    assert stored[observed(datetime.date(last, 7, 4))] == 'Independence Day'
    before = rows_of(database)
    assert import_holidays(database, HOLIDAYS) == (0, 0, len(expected), 0)
    assert rows_of(database) == before


def write_calendar(path, *events):
    lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//y//EN']
    for event in events:
        lines += ['BEGIN:VEVENT', *event, 'END:VEVENT']
    path.write_text('\r\n'.join([*lines, 'END:VCALENDAR', '']))
    return path


def test_holidays_of_one_office(database, folder):
    import_rosters(database, *EXAMPLES)
    year = datetime.date.today().year
    path = write_calendar(folder / 'own.ics', [f'DTSTART;VALUE=DATE:{year}0301', 'SUMMARY:Own day',
                                               'RRULE:FREQ=YEARLY'])
    assert import_holidays(database, '--office', 'SEA', path, login='sup_sea') == (6, 0, 0, 0)
    path.write_text(path.read_text().replace('Own day', 'Our day'))
    assert import_holidays(database, '--office', 'sea', path, login='sup_sea') == (0, 6, 0, 0)
    assert database.query('''SELECT DISTINCT o.code, h.name FROM vac_store.holiday h
        JOIN vac_store.office o USING (office_id)''') == [('SEA', 'Our day')]
    for args, login in (([path], 'sup_sea'), (['--office', 'NYC', path], 'sup_sea'),
                        ([path], 'intake1')):
        error = must_refuse(database, 'holidays', *args, status=2, login=login)
        assert f'role "{login}" may not import' in error
    assert "no office 'QQQ'" in must_refuse(database, 'holidays', '--office', 'QQQ', path, status=2)


def test_bad_calendar(database, folder):
    year = datetime.date.today().year
    path = write_calendar(folder / 'bad.ics',
                          [f'DTSTART;VALUE=DATE:{year}0301', 'SUMMARY:Good'],
                          [f'DTSTART:{year}0301T080000Z', 'SUMMARY:Timed'],
                          [f'DTSTART;VALUE=DATE:{year}0301', 'SUMMARY:Each',
                           'RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30'])
    error = must_refuse(database, 'holidays', path)
    assert f'{path}:8: an event with a time of day' in error
    assert f'{path}:12: a rule (RRULE) that is not FREQ=YEARLY' in error
    assert database.value('SELECT count(*) FROM vac_store.holiday') == 0

    path.write_text('no calendar')
    assert f'{path}:1: not an iCalendar file' in must_refuse(database, 'holidays', path)
    write_calendar(path, ['DTSTART;VALUE=DATE:20010101', 'SUMMARY:Long ago'])
    assert f'{path}: no day in it from {year}' in must_refuse(database, 'holidays', path)
    assert 'No such file' in must_refuse(database, 'holidays', pathlib.Path(folder / 'none.ics'))


# ---- many ----------------------------------------------------------------------------------------

def test_a_country_in_one_go(database, folder):
    offices = [(f'O{n:02}', 'America/Chicago') for n in range(30)]
    files = harness.wide_roster(folder, offices, 20)
    counts = import_rosters(database, *files)
    assert counts['coordinators'] == (600, 0, 0, 0)
    assert import_rosters(database, *files)['coordinators'] == (0, 0, 600, 0)
