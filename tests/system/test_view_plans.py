"""An index serves every view: what PostgreSQL plans, on 3,000 cases, when it may read no large table in sequence.

This says that there is a way by an index, not that it is taken at once or how long it takes; and that no function is
started anew for each row, nor tables looked into row by row for all of an office's cases. How long views take
`./dev bench views` says, with 100,000 cases.
"""

import pathlib
import sys

import pytest

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'bench'))

import views_bench  # noqa: E402

# Tables that do not grow with the cases. All others count as large, and so does every new one.
SMALL = {'service', 'policy', 'office', 'office_hours', 'office_place', 'office_backup', 'holiday', 'supervisor', 'supervisor_office', 'coordinator',
         'coordinator_service', 'coordinator_language', 'weekly_pattern', 'rotation', 'rotation_member', 'protected_word', 'allowed_domain',
         'clock_kind', 'reference', 'cover', 'minimum', 'designation', 'office_designation', 'client', 'client_key',
         'client_office', 'office_limit', 'alarm', 'daemon', 'heartbeat', 'dispatch_group', 'interpreter_left', 'generation'}
# Dear rather than forbidden: what is forbidden and done all the same outweighs all else, and any plan is as good as another then.
FORCED = ('seq_page_cost = 1000', 'random_page_cost = 1', 'enable_hashjoin = off', 'enable_mergejoin = off', 'enable_material = off', 'enable_memoize = off')


def scans(node):
    """The nodes of a plan that read a table."""
    if 'Relation Name' in node or node['Node Type'] == 'Bitmap Index Scan':
        yield node
    for child in node.get('Plans', ()):
        yield from scans(child)


def amiss(plan, partial, small=frozenset(SMALL)):
    """What the plan reads from one end to the other."""
    for node in scans(plan):
        kind, table = node['Node Type'], node.get('Relation Name', '')
        if kind == 'Seq Scan' and table not in small:
            yield f'{table} in sequence'
        elif 'Index Name' in node and 'Index Cond' not in node and node['Index Name'] not in partial and table not in small:
            yield f'{table} along all of {node["Index Name"]}'


@pytest.fixture(scope='module')
def year(cluster):
    made = cluster.database(rosters=[harness.ROOT / 'etc' / 'rosters' / f'{sheet}.csv'
                                     for sheet in ('offices', 'supervisors', 'coordinators', 'patterns')])
    views_bench.load(made, 3000, office='SEA')
    yield made
    made.drop()


@pytest.mark.parametrize('login, role, at_least', [('sup_one', 'vac_supervisor', 25), ('intake1', 'vac_intake', 6)])
def test_no_view_reads_a_large_table_from_end_to_end(year, login, role, at_least):
    partial = {row[0] for row in year.query('SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indpred IS NOT NULL')}
    code = year.value("SELECT case_code FROM vac_store.case_record WHERE state = 'open' LIMIT 1")
    asked = views_bench.questions(year, code, role)
    # Generations that were made in advance have no page to read.
    small = SMALL | {row[0] for row in year.query('''SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relkind = 'r' AND pg_relation_size(c.oid) = 0''')}
    found = []
    with year.connect(login) as connection:
        for setting in FORCED:
            connection.execute(f'SET {setting}')
        for name, question in asked:
            # The first few in an index's own order are not all of it; of a function no plan is seen.
            if not name.endswith('()') and 'LIMIT' not in question:
                plan = connection.execute(f'EXPLAIN (FORMAT JSON) {question}').fetchone()[0][0]['Plan']
                found += [f'{question}: {what}' for what in amiss(plan, partial, small)]
    assert len(asked) >= at_least
    assert not found, '\n'.join(found)


# What a function in SQL that is not inlined was called for, in this session.
STARTED = """SELECT p.oid::regproc::text, f.calls FROM pg_stat_xact_user_functions f JOIN pg_proc p ON p.oid = f.funcid
    WHERE p.prolang = (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql') AND f.calls > %s ORDER BY 1"""
MANY = 50


@pytest.mark.parametrize('login, role', [('sup_all', 'vac_supervisor'), ('intake1', 'vac_intake')])
def test_no_function_is_started_for_each_row(year, login, role):
    code = year.value("SELECT case_code FROM vac_store.case_record WHERE state = 'open' LIMIT 1")
    found, most = {}, 0
    for _, question in views_bench.questions(year, code, role):
        # Counts are those of the session.
        with year.connect() as connection:
            connection.execute("SET track_functions = 'all'")
            with connection.transaction():
                connection.execute(f'SET LOCAL SESSION AUTHORIZATION {login}')
                most = max(most, len(connection.execute(question).fetchall()))
                started = connection.execute(STARTED, [MANY]).fetchall()
            if started:
                found[question] = started
    assert most > 2 * MANY or role == 'vac_intake'
    assert not found


def test_open_cases_of_all_offices_are_read_as_a_set(year):
    """Looked up one by one each would take ten blocks."""
    with year.connect('sup_all') as connection:
        connection.execute('SET enable_memoize = off')
        question = 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) TABLE vac.open_cases'
        connection.execute(question)
        top = connection.execute(question).fetchone()[0][0]['Plan']
    assert top['Actual Rows'] > 100
    assert top['Shared Hit Blocks'] + top['Shared Read Blocks'] < 300 + 4 * top['Actual Rows']


def test_the_monthly_report_counts_along_indexes(year):
    """And reads next to no row of the tables themselves."""
    with year.connect('sup_all') as connection, connection.transaction():
        connection.execute('SET LOCAL seq_page_cost = 1000')
        assert len(connection.execute('TABLE vac.monthly_report').fetchall()) > 20
        read = connection.execute("""SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables
            WHERE relname IN ('case_record', 'clock', 'appointment')""").fetchone()[0]
    assert read < 100
