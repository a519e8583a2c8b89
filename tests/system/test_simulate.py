"""vacd simulate: weeks of work with the database's rosters or with files, and that nothing is ever written."""

import csv
import datetime
import io
import os
import re
import shutil
import xml.etree.ElementTree

import pytest

import harness
from harness import ROOT, run_vacd
from test_plan_command import everything

ROSTERS = [ROOT / 'etc' / 'rosters' / f'{sheet}.csv' for sheet in ('offices', 'coordinators', 'patterns', 'leave')]
HOLIDAYS = ROOT / 'etc' / 'holidays' / 'us-federal.ics'
START = '2027-03-01'    # two weeks before the clocks change
NUMBERS = ('people', 'cases', 'met', 'meetings', 'immediate_cases', 'immediate_in_target', 'urgent_cases', 'urgent_in_target',
           'routine_cases', 'routine_in_target', 'over_cap', 'nobody')
HEAD = ('office,people,cases,met,meetings,first_median_minutes,first_90_minutes,first_99_minutes,immediate_cases,'
        'immediate_in_target,urgent_cases,urgent_in_target,routine_cases,routine_in_target,collateral_most_percent,'
        'full_time_least_hours,full_time_most_hours,over_cap,nobody,missing')


@pytest.fixture(scope='module')
def offices(cluster):
    database = cluster.database(rosters=[ROOT / 'etc' / 'rosters' / 'supervisors.csv', *ROSTERS])
    yield database
    database.drop()


@pytest.fixture
def config(folder, offices, certs):
    return harness.write_config(folder / 'simulate.conf', **harness.daemon_settings(folder, offices, certs))


def simulate(*args, config=None, status=0, **options):
    done = run_vacd('simulate', *args, config=config, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def figures(*args, **options):
    text = simulate('--format=csv', *args, **options)
    return {row['office']: row for row in csv.DictReader(io.StringIO(text))}


# ---- what is shown -------------------------------------------------------------------------------

def test_a_table_for_people(config):
    text = simulate('--start', START, '--days', '28', config=config)
    lines = text.splitlines()
    assert re.match(rf'28 days from {START}, seed 1: \d+ cases of 10 offices, 30 coordinators, \d+ meetings', lines[0])
    assert all(len(line) <= 120 for line in lines)
    for office in ('ANC', 'SEA', 'ALL'):
        assert re.search(rf'^{office} +\d+ ', text, re.M)
    # Nobody speaks the language that there is none of.
    assert 'language: qaa' in text


def test_csv(config):
    text = simulate('--start', START, '--days', '28', '--format', 'csv', config=config)
    assert text.splitlines()[0] == HEAD
    found = figures('--start', START, '--days', '28', config=config)
    assert list(found) == ['ANC', 'CHI', 'DEN', 'GUM', 'HNL', 'MIA', 'NYC', 'PDX', 'PHX', 'SEA', 'ALL']
    for name in NUMBERS:
        assert sum(int(found[office][name]) for office in found if office != 'ALL') == int(found['ALL'][name]), name
    for row in found.values():
        assert int(row['cases']) == sum(int(row[f'{urgency}_cases']) for urgency in ('immediate', 'urgent', 'routine'))
        assert int(row['met']) <= int(row['cases']) and int(row['met']) <= int(row['meetings'])
        missing = re.findall(r'\((\d+)\)', row['missing'])
        assert sum(map(int, missing)) == int(row['nobody'])
        assert row['first_median_minutes'] == '' or \
            int(row['first_median_minutes']) <= int(row['first_90_minutes']) <= int(row['first_99_minutes'])


def test_a_seed_means_the_same_figures(config):
    args = ('--start', START, '--days', '40', '--declines', '10')
    first = simulate(*args, '--seed', '5', config=config)
    assert simulate(*args, '--seed', '5', config=config) == first
    assert simulate(*args, '--seed', '6', config=config) != first


def test_more_cases_make_people_wait(config):
    few = figures('--start', START, '--days', '28', '--cases-per-day', '0.25', config=config)['ALL']
    many = figures('--start', START, '--days', '28', '--cases-per-day', '3', config=config)['ALL']
    assert int(few['cases']) * 6 < int(many['cases'])
    assert int(few['first_90_minutes']) < int(many['first_90_minutes'])
    assert int(few['nobody']) < int(many['nobody'])


def test_languages_and_follow_ups_of_ones_own(config):
    row = figures('--start', START, '--days', '28', '--languages', 'en=1', '--follow-ups', '0', '--cases-per-day', '0.3',
                  config=config)['ALL']
    assert row['meetings'] == row['met'] and 'language' not in row['missing']
    row = figures('--start', START, '--days', '28', '--languages', 'zxx=1', config=config)['ALL']
    # Who allows an interpreter is met all the same.
    assert 'language: zxx' in row['missing'] and int(row['met']) > 0


# ---- nothing is written --------------------------------------------------------------------------

def test_with_the_databases_rosters_nothing_is_written(offices, config):
    offices.query("SELECT vac.open_case('SEA', 'es')")
    before = everything(offices)
    simulate('--start', START, '--days', '14', config=config)
    simulate('--start', START, '--days', '14', '--database', offices.conninfo())
    assert everything(offices) == before


def test_the_daemons_login_could_not_write(offices, config):
    """It reads in a transaction that the server itself keeps from writing."""
    with offices.connect('vacd') as connection:
        with connection.transaction():
            connection.execute('SET TRANSACTION READ ONLY')
            connection.execute("SELECT * FROM vac_daemon.simulate_begin(1, 1803859200, 1806278400, '{en}')")
            connection.execute('SELECT * FROM vac_daemon.simulate_people(1)')


def test_rosters_from_files_are_rolled_back(database):
    before = everything(database)
    del before['sequences']     # which no rollback sets back
    found = figures('--start', START, '--days', '28', '--database', database.conninfo(), '--holidays', HOLIDAYS, '--roster', *ROSTERS)
    assert int(found['ALL']['people']) == 30 and int(found['ALL']['met']) > 0
    after = everything(database)
    del after['sequences']
    assert after == before
    assert database.value('SELECT count(*) FROM vac_store.office') == 0


def test_files_and_the_database_are_the_same_roster(database, offices, config):
    args = ('--start', START, '--days', '28')
    from_files = figures(*args, '--database', database.conninfo(), '--roster', *ROSTERS)
    assert from_files == figures(*args, config=config)


def test_holidays_count(database):
    args = ('--start', '2027-12-20', '--days', '14', '--database', database.conninfo())
    with_them = figures(*args, '--holidays', HOLIDAYS, '--roster', *ROSTERS)['ALL']
    without = figures(*args, '--roster', *ROSTERS)['ALL']
    assert with_them['cases'] == without['cases']
    assert int(with_them['first_90_minutes']) > int(without['first_90_minutes'])


def test_one_more_coordinator_in_honolulu(database, folder):
    """The supervisor's question: one line more in a file, the same seed, the same cases."""
    more = folder / 'coordinators.csv', folder / 'patterns.csv'
    people, patterns = (ROOT / 'etc' / 'rosters' / f'{sheet}.csv' for sheet in ('coordinators', 'patterns'))
    line, = (line for line in people.read_text().splitlines() if line.startswith('HNL-1,'))
    line = line.replace('HNL-1', 'HNL-3').replace('Coordinator AA', 'Coordinator AE').replace('r.aa@', 'r.ae@')
    more[0].write_text(people.read_text() + line + '\n')
    more[1].write_text(patterns.read_text() + 'HNL-3,regular,Mon-Fri,07:30,16:00,,\n')
    args = ('--start', START, '--days', '84', '--database', database.conninfo(), '--roster')
    before = figures(*args, *ROSTERS)
    after = figures(*args, ROSTERS[0], *more, ROSTERS[3])
    for office in before:
        for name in ('cases', 'immediate_cases', 'urgent_cases', 'routine_cases'):
            assert after[office][name] == before[office][name]
    assert int(after['HNL']['people']) == int(before['HNL']['people']) + 1
    assert int(after['HNL']['first_90_minutes']) < int(before['HNL']['first_90_minutes'])
    assert int(after['HNL']['routine_in_target']) > int(before['HNL']['routine_in_target'])
    # Offices that are no backups of Honolulu see nothing of it.
    assert after['NYC'] == before['NYC']


def test_who_joins_in_the_middle_is_not_there_before(database, folder):
    patterns = folder / 'patterns.csv'
    text = (ROOT / 'etc' / 'rosters' / 'patterns.csv').read_text()
    patterns.write_text(re.sub(r'^(NYC-3,.*),,$', r'\1,2027-04-01,', text, flags=re.M))
    args = ('--start', START, '--days', '84', '--database', database.conninfo(), '--roster')
    row = figures(*args, *ROSTERS[:2], patterns, ROSTERS[3])['NYC']
    whole = figures(*args, *ROSTERS)['NYC']
    # Of those who were there from the start the hours are even; the newcomer is not held against them.
    assert float(row['full_time_least_hours']) > float(whole['full_time_least_hours'])


# ---- cases from a file ---------------------------------------------------------------------------

def write_cases(folder, *lines, head='office,opened,urgency'):
    path = folder / 'cases.csv'
    path.write_text('\n'.join([head, *lines]) + '\n')
    return path


def test_cases_from_a_file(folder, config):
    """Local time, in a week in which the clocks change: the first day and the number of days are the file's."""
    path = write_cases(folder, 'SEA,2027-03-15 09:05,routine', 'sea,2027-03-11 13:00,routine', 'NYC,2027-03-12 03:00,immediate')
    text = simulate('--arrivals', path, '--follow-ups', '0', config=config)
    assert text.startswith('5 days from 2027-03-11, seed 1: 3 cases')
    found = figures('--arrivals', path, '--follow-ups', '0', config=config)
    # One office day later at the same time of day, at the next quarter of an hour; the other is the same.
    assert found['SEA']['first_median_minutes'] == str(24 * 60)
    assert found['SEA']['first_99_minutes'] == str(24 * 60 + 10)
    # At once, by who is on call.
    assert found['NYC']['first_median_minutes'] == '0'
    assert found['ALL']['routine_in_target'] == '2' and found['ALL']['immediate_in_target'] == '1'


def test_over_a_change_of_clocks_a_day_is_an_hour_shorter(folder, config):
    # Friday, two o'clock: an office day later is Monday, two o'clock, but for the hour lost on Sunday.
    path = write_cases(folder, 'SEA,2027-03-12 14:00,routine')
    found = figures('--arrivals', path, '--follow-ups', '0', config=config)
    assert found['SEA']['first_median_minutes'] == str((3 * 24 - 1) * 60)


def test_cases_outside_the_days_are_left_out_and_said(folder, config):
    path = write_cases(folder, 'SEA,2027-03-01 10:00,', 'SEA,2027-03-02 10:00,', 'SEA,2027-04-01 10:00,')
    done = run_vacd('simulate', '--format=csv', '--start', '2027-03-02', '--days', '7', '--arrivals', path, config=config)
    assert done.returncode == 0 and '2 of 3 cases lie outside the simulated days' in done.stderr
    assert list(csv.DictReader(io.StringIO(done.stdout)))[-1]['cases'] == '1'


def test_bad_lines_are_said_with_file_and_line(folder, config):
    path = write_cases(folder, 'SEA,2027-03-01 10:00,soon', 'SEA,yesterday,', 'SEA,2027-03-01 10:00,urgent')
    text = simulate('--arrivals', path, config=config, status=1)
    assert f"{path}:2: column urgency: 'soon'" in text and f"{path}:3: column opened: 'yesterday'" in text
    path = write_cases(folder, 'XYZ,2027-03-01 10:00,witchcraft', 'SEA,2027-03-01 10:00,counseling', head='office,opened,service')
    text = simulate('--arrivals', path, config=config, status=1)
    assert f"{path}:2: column office: no office 'XYZ'" in text and f"{path}:2: column service: no service 'witchcraft'" in text
    assert ':3:' not in text
    assert 'No such file' in simulate('--arrivals', folder / 'none.csv', config=config, status=1)


def test_a_simulated_case_goes_where_the_daemon_would_send_it(offices, folder, config):
    """The same case, as `vacd plan` has it now and as the simulation plays it: the same start."""
    offices.query("SELECT vac.withdraw_case(case_code, 'resolved') FROM vac_store.case_record WHERE state = 'open'")
    asked = [('CHI', 'routine'), ('MIA', 'urgent'), ('PHX', 'routine'), ('HNL', 'urgent'), ('GUM', 'routine')]
    codes = [offices.value('SELECT vac.open_case(%s, urgency => %s)', *one) for one in asked]
    opened = dict(offices.query('''SELECT o.code, to_char(c.opened_at AT TIME ZONE o.time_zone, 'YYYY-MM-DD HH24:MI:SS')
        FROM vac_store.case_record c JOIN vac_store.office o USING (office_id) WHERE c.case_code = ANY (%s)''', codes))
    epochs = dict(offices.query('''SELECT o.code, floor(extract(epoch FROM c.opened_at))::bigint
        FROM vac_store.case_record c JOIN vac_store.office o USING (office_id) WHERE c.case_code = ANY (%s)''', codes))
    done = run_vacd('plan', '--format=csv', config=config)
    planned = {row['office']: datetime.datetime.fromisoformat(row['start']).timestamp() for row in csv.DictReader(io.StringIO(done.stdout))}
    path = write_cases(folder, *(f'{office},{opened[office]},{urgency}' for office, urgency in asked))
    found = figures('--arrivals', path, '--follow-ups', '0', config=config)
    for office, _ in asked:
        wait = planned[office] - epochs[office]
        # Planned a moment later, it may have missed a quarter of an hour.
        assert 0 <= wait // 60 - int(found[office]['first_median_minutes']) <= 15, office
    offices.query("SELECT vac.withdraw_case(unnest(%s::text[]), 'resolved')", codes)


# ---- what cannot be done -------------------------------------------------------------------------

@pytest.mark.parametrize('args', [
    ('--days', '0'), ('--days', 'x'), ('--days', '4000'), ('--seed', '-1'), ('--start', 'tomorrow'), ('--start', '2027-02-30'),
    ('--format', 'xml'), ('--cases-per-day', '-2'), ('--cases-per-day', '1e3'), ('--languages', 'en'), ('--declines', '101'),
    ('stray.csv',), ('--what',)])
def test_a_wrong_command_line(config, args):
    assert 'usage: vacd simulate' in simulate(*args, config=config, status=64)


def test_a_bad_roster(database, folder):
    bad = folder / 'coordinators.csv'
    bad.write_text((ROOT / 'etc' / 'rosters' / 'coordinators.csv').read_text().replace('NYC-2,NYC,full_time', 'NYC-2,NYC,whenever'))
    text = simulate('--database', database.conninfo(), '--roster', ROSTERS[0], bad, status=1)
    assert f'{bad}:3: column duty' in text
    assert database.value('SELECT count(*) FROM vac_store.office') == 0


def test_rosters_need_the_owners_login(offices):
    text = simulate('--database', offices.conninfo('sup_sea'), '--roster', *ROSTERS, status=2)
    assert 'all offices' in text or 'may not' in text
    assert 'may not' in simulate('--database', offices.conninfo('sup_all'), status=2)


def test_an_empty_database(database):
    found = figures('--start', START, '--database', database.conninfo())
    assert list(found) == ['ALL'] and found['ALL']['cases'] == '0'


def test_no_schema(cluster):
    database = cluster.database(migrate=False)
    assert 'run vacd migrate first' in simulate('--database', database.conninfo(), status=2)
    database.drop()


# ---- the picture ---------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which('gnuplot') is None, reason='gnuplot is not installed')
def test_a_picture(folder, config):
    path = folder / "it's.svg"
    simulate('--start', START, '--days', '28', '--plot', path, config=config)
    texts = {element.text for element in xml.etree.ElementTree.parse(path).iter() if element.text}
    for words in ('SEA', 'HNL', 'ALL', 'Requests that nobody could take', 'immediate'):
        assert any(words in text for text in texts), words


def test_no_gnuplot(folder, config):
    path = folder / 'p.svg'
    env = dict(os.environ, PATH=str(folder))
    text = simulate('--start', START, '--days', '7', '--plot', path, config=config, status=2, env=env)
    assert 'gnuplot is not installed (package gnuplot-nox)' in text
    assert not path.exists()


def test_a_picture_that_cannot_be_written(folder, config):
    text = simulate('--plot', folder / 'none' / 'p.svg', config=config, status=2)
    assert f"--plot {folder / 'none' / 'p.svg'}: No such file" in text
