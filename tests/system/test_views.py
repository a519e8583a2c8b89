"""Every view as a supervisor meets it: in psql, in 120 columns, with thirty offices and with none."""

import os
import re
import subprocess

import psycopg
import pytest

import harness

SQL = harness.ROOT / 'tests' / 'sql'
NOW = '2026-10-30 14:00 America/Los_Angeles'
# The whole of a table as psql writes it, and no pager.
PLAIN = ['-X', '-q', '-P', 'pager=off', '-P', 'format=aligned', '-v', 'ON_ERROR_STOP=1']


def psql(database, login, text):
    done = subprocess.run(['psql', *PLAIN, '-d', database.conninfo(login)], input=text, capture_output=True, text=True, check=False,
                          env={**os.environ, 'PGCLIENTENCODING': 'UTF8', 'LC_ALL': 'C.UTF-8'})
    assert done.returncode == 0 and 'ERROR' not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def thirty(cluster):
    """Thirty offices on the day before the night in which the clocks go back, stored though vac.now is set."""
    database = cluster.database()
    database.query('CREATE EXTENSION IF NOT EXISTS pgtap')
    psql(database, 'postgres', f'''
        ALTER TABLE vac_store.history DISABLE TRIGGER history_forbid_commit;
        BEGIN;
        \\i {SQL}/people.psql
        \\i {SQL}/thirty.psql
        COMMIT;
        ALTER TABLE vac_store.history ENABLE TRIGGER history_forbid_commit;''')
    yield database
    database.drop()


def views(database):
    return [row[0] for row in database.query("SELECT viewname FROM pg_views WHERE schemaname = 'vac' ORDER BY 1")]


def too_wide(text):
    return [line for line in text.splitlines() if len(line) > 120]


def shown(database, login, before='', after=''):
    """View by view what psql shows."""
    text = psql(database, login, before + ''.join(f"\\echo '== {view}'\nTABLE vac.{view};\n" for view in views(database)) + after)
    return dict(zip(*[iter(re.split(r'^== (\w+)\n', text, flags=re.M)[1:])] * 2))


def test_no_line_is_wider_than_a_terminal(thirty):
    tables = shown(thirty, 'sup_all', f"SET vac.now = '{NOW}';\n")
    assert len(tables) == len(views(thirty)) > 30
    assert {view: too_wide(text) for view, text in tables.items() if too_wide(text)} == {}
    assert {view for view, text in tables.items() if '(0 rows)' in text} == {
        'affected', 'clients', 'domains', 'holidays', 'linked_cases', 'my_cases', 'protected_words'}


def test_within_a_what_if_and_from_another_moment(thirty):
    tables = shown(thirty, 'sup_all', f"BEGIN; SELECT vac.what_if(); SET vac.now = '{NOW}'; SELECT vac.add_leave('SEA-1', '2026-10-31', '2026-11-02');"
                   "SELECT vac.add_holiday('2026-11-11', 'Veterans Day'); SELECT vac.allow_domain('example.org');"
                   "SELECT vac.open_case('SEA', 'es', urgency => 'immediate', victims => 3); SELECT vac.add_protected_word('Operation Nightfall');\n", 'ROLLBACK;')
    assert {view: too_wide(text) for view, text in tables.items() if too_wide(text)} == {}
    assert [view for view, text in tables.items() if '(0 rows)' in text] == ['clients', 'linked_cases']
    assert 'cancelled' in tables['affected']
    assert thirty.as_login('sup_all').query('TABLE vac.affected') == []


def test_on_a_database_with_nothing_in_it(database):
    tables = shown(database, 'sup_all', f"SET vac.now = '{NOW}';\n")
    assert {view: too_wide(text) for view, text in tables.items() if too_wide(text)} == {}
    assert {view for view, text in tables.items() if '(0 rows)' not in text} <= {'help', 'policies', 'services', 'status', 'minimums', 'retention'}


def test_of_other_offices_nothing_more_is_seen(thirty):
    """A supervisor of Seattle, whose backup is Portland."""
    seattle = thirty.as_login('sup_sea')
    for view in ('overdue', 'response_times', 'staffing', 'cover', 'coverage_gaps', 'interpreters_to_book', 'monthly_report'):
        with thirty.connect('sup_sea') as connection:
            connection.execute(f"SET vac.now = '{NOW}'")
            assert {row[0] for row in connection.execute(f'SELECT office FROM vac.{view}').fetchall()} == {'SEA'}, view
    for verb in ("set_cover('PDX', 'nights', 'always')", "remove_cover('F10', 'counters')", "set_designation('SEA', 'sac_office')",
                 "remove_designation('SEA', 'sac_office')", "set_minimum('sac_forensic', 2)", "remove_minimum('sac_forensic')"):
        with pytest.raises(psycopg.Error) as caught:
            seattle.query(f'SELECT vac.{verb}')
        assert caught.value.sqlstate == '42501', caught.value
    theirs = thirty.value("SELECT case_code FROM vac_store.case_record c JOIN vac_store.office o USING (office_id) WHERE o.code = 'PDX' LIMIT 1")
    with pytest.raises(psycopg.Error, match='no case .* that sup_sea may see'):
        seattle.query('SELECT vac.interpreter_booked(%s)', theirs)


def test_what_others_do_meanwhile_is_not_what_was_tried(thirty):
    with thirty.connect('sup_all') as trying:
        trying.execute(f"BEGIN; SET LOCAL vac.now = '{NOW}'; SELECT vac.what_if()")
        trying.execute("SAVEPOINT a; SELECT vac.add_leave('F10-1', '2026-10-31', '2026-11-02'); RELEASE a")
        tried = trying.execute('SELECT office, meeting FROM vac.affected').fetchall()
        assert [office for office, _ in tried] == ['F10', 'F10']
        # Committed while the other looks on, with a higher number in history.
        code = thirty.value('SELECT vac.open_case(%s)', 'F13')
        thirty.query('''WITH made AS (INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
            SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, vac_store.handle(), now()
            FROM vac_store.case_record c JOIN vac_store.request r USING (case_id) JOIN vac_store.coordinator k ON k.office_id = c.office_id AND k.code = 'F13-2',
                LATERAL (SELECT tstzrange('2027-11-03 18:00Z', '2027-11-03 19:00Z') AS span) s WHERE c.case_code = %s RETURNING request_id)
            UPDATE vac_store.request SET state = 'planned' WHERE request_id IN (SELECT request_id FROM made)''', code)
        thirty.query("SELECT vac.withdraw_case(%s, 'resolved')", code)
        assert thirty.value("SELECT max(history_id) FROM vac_store.history WHERE event = 'appointment_cancelled'") > 0
        assert trying.execute('SELECT office, meeting FROM vac.affected').fetchall() == tried
        trying.execute('ROLLBACK')
    assert thirty.as_login('sup_all').query('TABLE vac.affected') == []


@pytest.mark.parametrize('view, index', [('response_times', 'request_opened'), ('my_cases', 'case_record_opened_by_idempotency_key'),
                                         ('interpreters_to_book', 'appointment_by_interpreter')])
def test_row_level_security_keeps_no_view_from_its_index(thirty, view, index):
    with thirty.connect('sup_all') as connection:
        connection.execute('SET enable_seqscan = off')
        assert index in '\n'.join(row[0] for row in connection.execute(f'EXPLAIN TABLE vac.{view}').fetchall())


def test_the_monthly_report_goes_to_a_spreadsheet(thirty, folder):
    """The very command that its comment gives."""
    comment = thirty.value("SELECT obj_description('vac.monthly_report'::regclass)")
    command = re.search(r'\\copy .* CSV HEADER', comment).group(0).replace('report.csv', str(folder / 'report.csv'))
    psql(thirty, 'sup_all', f"SET vac.now = '{NOW}';\n{command}\n")
    head, *lines = (folder / 'report.csv').read_text().splitlines()
    assert head == 'month,office,new_cases,persons_served,meetings,contacted,in_time,median_hours,nine_in_ten_hours'
    assert len(lines) == 12 and lines[0].startswith('2026-10,F10,5,1,1,1,1,48.0,48.0')
