"""vacd plan: what would be done now, and why; that it is what is done; that it writes nothing."""

import csv
import datetime
import io
import re

import pytest

import harness
from harness import ROOT, run_vacd, wait_for
from test_move import at_work, world  # noqa: F401

ROSTERS = [ROOT / 'etc' / 'rosters' / f'{sheet}.csv' for sheet in ('offices', 'supervisors', 'coordinators', 'patterns')]
HEAD = ('office,case,request,urgency,service,language,due,coordinator,name,start,end,late_minutes,cost,terms,moves,reason')


@pytest.fixture
def offices(cluster):
    database = cluster.database(rosters=ROSTERS)
    yield database
    database.drop()


@pytest.fixture
def config(folder, offices, certs):
    return harness.write_config(folder / 'plan.conf', **harness.daemon_settings(folder, offices, certs))


def plan(config, *args, status=0):
    done = run_vacd('plan', *args, config=config)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def rows(config, *args):
    return list(csv.DictReader(io.StringIO(plan(config, '--format=csv', *args))))


def open_case(database, office, language='en', urgency='routine', **more):
    arguments = ', '.join(f'{name} => %s' for name in more)
    return database.value(f'SELECT vac.open_case(%s, %s, urgency => %s{", " if more else ""}{arguments})',
                          office, language, urgency, *more.values())


def everything(database):
    """Every row with the transaction that wrote it, and where every sequence stands."""
    tables = [row[0] for row in database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'vac_store' ORDER BY 1")]
    assert len(tables) > 30
    found = {table: database.query(f'SELECT xmin::text, t::text FROM vac_store.{table} t ORDER BY 2') for table in tables}
    found['sequences'] = database.query("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
    return found


def test_nothing_is_open(config):
    assert plan(config) == 'Nothing is open.\n'
    assert plan(config, '--format=csv') == HEAD + '\n'


def test_a_table_for_people(offices, config):
    served = open_case(offices, 'SEA', 'es')
    nobody = open_case(offices, 'ANC', 'ja')
    text = plan(config, '--dry-run')
    assert all(len(line) <= 120 for line in text.splitlines())
    assert re.search(rf'^SEA +{served} +routine +Coordinator S \(SEA\) +\w{{3}} \d\d \w{{3}} \d\d:\d\d P[SD]T +\d+$', text, re.M)
    # Of six in reach five lack the language; one is of an office that does not give the service either.
    assert re.search(rf'^ANC +{nobody} +routine +does not speak ja \(5 of 6\)$', text, re.M)
    assert '2 requests open, 1 that nobody could take. Nothing was stored.' in text


def test_a_long_remark_does_not_make_it_wider(offices, config):
    open_case(offices, 'PDX', 'sgn-ase-variant1-variant2-variant3')
    text = plan(config)
    assert 'does not speak' in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_offices_are_a_filter_and_the_group_is_planned_whole(offices, config):
    """PHX and SEA stand in for one another: what one gets depends on the other's cases."""
    for _ in range(3):
        open_case(offices, 'SEA')
        open_case(offices, 'PHX')
        open_case(offices, 'NYC')

    def what(*args):
        # Without cost: its minutes count from the moment of the call.
        return [(row['office'], row['case'], row['coordinator'], row['start']) for row in rows(config, *args)]
    all_of_them = what()
    assert what('phx') == [row for row in all_of_them if row[0] == 'PHX']
    assert what('SEA', 'NYC') == [row for row in all_of_them if row[0] in ('NYC', 'SEA')]
    assert len(all_of_them) == 9


def test_an_office_and_a_case_that_there_are_not(offices, config):
    text = plan(config, 'XYZ', status=1)
    assert "no office 'XYZ'" in text and 'SEA (Seattle)' in text
    assert "no case 'K7Q-4MX'" in plan(config, '--explain', 'K7Q-4MX', status=1)
    assert 'no case' in plan(config, '--explain', 'nonsense', status=1)


@pytest.mark.parametrize('args', [('--format=xml',), ('--explain',), ('--explain', 'K7Q-4MX', 'SEA'), ('--store',)])
def test_a_wrong_command_line(config, args):
    assert 'usage: vacd plan' in plan(config, *args, status=64)


def test_a_database_that_is_not_there(folder, offices, certs):
    settings = harness.daemon_settings(folder, offices, certs)
    config = harness.write_config(folder / 'nowhere.conf', **{**settings, 'database': 'host=/nowhere dbname=vac'})
    assert plan(config, status=2).startswith('vacd plan: database: ')


def test_csv(offices, config):
    case = open_case(offices, 'SEA', 'es', 'urgent')
    text = plan(config, '--format', 'csv')
    assert text.splitlines()[0] == HEAD
    row, = csv.DictReader(io.StringIO(text))
    assert (row['case'], row['office'], row['urgency'], row['language']) == (case, 'SEA', 'urgent', 'es')
    assert row['coordinator'] == 'SEA-1' and row['name'] == 'Coordinator S (SEA)'
    start, end, due = (datetime.datetime.fromisoformat(row[name]) for name in ('start', 'end', 'due'))
    assert end - start == datetime.timedelta(minutes=60) and due.microsecond == 0
    terms = dict(term.rsplit(' ', 1) for term in row['terms'].split(', '))
    assert sum(map(int, terms.values())) == int(row['cost'])


def test_what_waits_for_its_next_try_is_looked_at_too(offices, config):
    case = open_case(offices, 'SEA')
    offices.query("UPDATE vac_store.request SET plan_at = now() + interval '10 minutes'")
    assert [row['case'] for row in rows(config)] == [case]
    offices.query("SELECT vac.hold_case(%s, 'safety')", case)
    assert rows(config) == []


def test_it_writes_nothing(offices, config):
    codes = [open_case(offices, office, urgency=urgency) for office in ('SEA', 'DEN', 'ANC')
             for urgency in ('immediate', 'urgent', 'routine')]
    before = everything(offices)
    plan(config)
    plan(config, '--format=csv', 'SEA')
    plan(config, '--explain', codes[0])
    assert everything(offices) == before
    assert offices.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vacd plan'") == 0


def test_what_is_said_is_what_the_daemon_does(offices, config, vacd):
    window = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=9)).isoformat()
    for number in range(24):
        open_case(offices, ('SEA', 'PDX', 'ANC', 'PHX', 'NYC', 'HNL')[number % 6],
                  urgency=('urgent', 'routine')[number % 2], window_from=window)
    said = {row['case']: (row['coordinator'], row['start'], row['cost']) for row in rows(config) if row['coordinator']}
    assert len(said) >= 20
    vacd(offices)
    wait_for(lambda: offices.value("SELECT count(*) FROM vac_store.request WHERE state = 'planned'") >= len(said), what='the plan')
    done = {row[0]: row[1:] for row in offices.query('''
        SELECT c.case_code, k.code, lower(a.span)::text, d.cost::text FROM vac_store.decision d
        JOIN vac_store.appointment a USING (appointment_id) JOIN vac_store.coordinator k USING (coordinator_id)
        JOIN vac_store.case_record c USING (case_id)''')}
    parse = datetime.datetime.fromisoformat
    # The cost counts the minutes from now on, and the daemon's now is later by a few seconds.
    assert {case: (who, parse(start)) for case, (who, start, _) in done.items()} == \
        {case: (who, parse(start)) for case, (who, start, _) in said.items()}


def plain(text):
    return ' '.join(text.split())


def said_like_why(database, case, text):
    """Everything that view why says of a case."""
    rows = database.as_login('sup_all').query('SELECT place, coordinator, start, because FROM vac.why WHERE case_code = %s', case)
    assert len(rows) > 1
    for place, who, start, because in rows:
        # A line goes on in those that begin with blanks.
        line, = (plain(part) for part in re.split(r'\n(?=\S)', text) if part.startswith(place) and plain(who or '') in plain(part))
        assert plain(because).replace('; free then', '') in line and (start is None or start in line)


# ---- making room ---------------------------------------------------------------------------------

def test_what_makes_room(at_work, folder, certs):
    """A routine case has the only slot that an urgent one could have; it would make room, and then it does."""
    config = harness.write_config(folder / 'plan.conf', **harness.daemon_settings(folder, at_work.database, certs))
    routine = at_work.routine()
    at_work.daemon.stop()
    at_work.shift('ANNE', 48, 60)
    urgent = at_work.open('urgent')
    before = everything(at_work.database)
    text = plan(config)
    assert all(len(line) <= 120 for line in text.splitlines())
    assert re.search(rf'{urgent} urgent Coordinator Anne \(SEA\) .* makes room: {routine} of Coordinator Anne from .* to .* P[SD]T', plain(text))
    row, = rows(config)
    assert row['moves'].startswith(f'{routine} of Coordinator Anne from ')
    assert f'makes room: {routine} of Coordinator Anne from ' in plain(plan(config, '--explain', urgent))
    assert everything(at_work.database) == before
    at_work.daemon.start()
    at_work.settle()
    text = plan(config, '--explain', urgent)
    assert f'makes room: {routine}' in plain(text)
    said_like_why(at_work.database, urgent, text)
    text = plan(config, '--explain', routine)
    assert re.search(rf'moved Coordinator Anne \(SEA\) .* makes room for {urgent}; ', plain(text))
    said_like_why(at_work.database, routine, text)


def test_a_limit_of_steps_is_said(offices, config):
    open_case(offices, 'SEA')
    assert 'the limit of' not in plan(config)
    # Of many lengths, and too many for those who are there, so that there is something to search.
    for number in range(24):
        open_case(offices, ('SEA', 'PDX', 'ANC')[number % 3], urgency=('urgent', 'routine')[number % 2], minutes=(45, 60, 120, 240)[number % 4])
    offices.query("UPDATE vac_store.policy SET value = '1000' WHERE name = 'plan_steps'")
    assert 'the best plan so far: the limit of 1000 steps was reached' in plain(plan(config))
    done = run_vacd('plan', '--format=csv', config=config)
    assert done.stdout.startswith(HEAD) and 'the limit of' in done.stderr


# ---- one case ------------------------------------------------------------------------------------

def test_an_open_case_is_explained(offices, config):
    case = open_case(offices, 'PDX', 'es')
    text = plan(config, '--explain', case.lower().replace('-', ''))
    assert all(len(line) <= 120 for line in text.splitlines())
    lines = text.splitlines()
    assert lines[0].startswith(f'{case}  PDX  routine  crisis intervention, es  due ') and 'as it would be planned now' in lines[0]
    # Which of the two has the sooner time depends on the day and hour at which the test runs.
    found = re.findall(r'^(chosen|runner-up) +Coordinator (\w \(\w+\)) +\w{3} \d\d \w{3} \d\d:\d\d P[SD]T +(\d+) .*(wait \d+.*)$', text, re.M)
    assert [row[0] for row in found] == ['chosen', 'runner-up'] and int(found[0][2]) <= int(found[1][2])
    because = {row[1]: row[3] for row in found}
    assert 'collateral 480' in because['W (PDX)'] and 'backup 960' in because['S (SEA)']
    for name, reason in (('V (SEA)', 'does not give crisis intervention'), ('X (PDX)', 'does not speak es')):
        assert re.search(rf'^ruled out +Coordinator {re.escape(name)}.* {reason}$', text, re.M), text
    # Everybody in reach but the two, once.
    assert len(re.findall(r'Coordinator', text)) == len(set(re.findall(r'Coordinator \w+ \(\w+\)', text))) == 6


def test_an_explanation_as_csv(offices, config):
    case = open_case(offices, 'PDX', 'es')
    text = plan(config, '--explain', case, '--format=csv')
    assert text.splitlines()[0] == 'case,request,place,name,start,cost,nearest,because'
    found = list(csv.DictReader(io.StringIO(text)))
    assert {row['case'] for row in found} == {case}
    assert [row['place'] for row in found][:2] == ['chosen', 'runner-up']


def test_a_planned_case_is_explained_as_it_was_decided(offices, config, vacd):
    case = open_case(offices, 'PDX', 'es')
    vacd(offices)
    wait_for(lambda: offices.value("SELECT count(*) FROM vac_store.request WHERE state = 'planned'"), what='the plan')
    text = plan(config, '--explain', case)
    assert 'as it was decided ' in text.splitlines()[0]
    said_like_why(offices, case, text)


def test_a_case_that_nothing_is_planned_for(offices, config):
    case = open_case(offices, 'SEA')
    offices.query("SELECT vac.hold_case(%s, 'safety')", case)
    assert 'the case is on hold: nothing is planned' in plan(config, '--explain', case)
    offices.query("SELECT vac.release_case(%s, 'safe')", case)
    offices.query("SELECT vac.withdraw_case(%s, 'resolved')", case)
    assert plan(config, '--explain', case).rstrip().endswith('the case is withdrawn')
