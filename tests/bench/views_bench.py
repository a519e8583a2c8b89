#!/usr/bin/python3
"""`./dev bench views`: every view as a supervisor sees it, on a year of 30 offices, 600 coordinators and 100,000 cases.

Asked of the catalogue, so that a new view is measured without being named. A view whose comment says how it is asked
(WHERE case_code = …, LIMIT …) is asked so. Each is measured by EXPLAIN (ANALYZE, BUFFERS), three times, as a
supervisor of one office and as one of all, whom the same bar holds for. No node of a plan is timed by itself, which
would cost more than the node. What of large tables was read in sequence is counted by PostgreSQL itself, so that
functions below the plan count, too; it is amiss where a small part of the rows is wanted.
"""

import argparse
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

import harness  # noqa: E402
import workload  # noqa: E402

BAR, PICTURE_BAR = 200, 500         # ms
PICTURES = re.compile(r'picture|coverage$|^coverage')
LARGE = 5000                        # rows, from which a table should not be read in sequence
SMALL_PART = 0.03                   # of a table's rows: who is shown more of them may read all
REPORTS = {'monthly_report'}        # a few rows that all cases are counted for
SUPERVISORS = ('sup_one', 'sup_all')
INTAKE = 'intake1'
READ = '''SELECT relname, seq_scan, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0'''


def load(database, cases, past=343, office='F01'):
    """The data of views_data.sql in a database that has its roster, and whom it is shown to."""
    text = (pathlib.Path(__file__).parent / 'views_data.sql').read_text()
    text = re.sub(r'(?<![:\w]):(cases|past)\b', lambda found: str({'cases': cases, 'past': past}[found[1]]), text)
    with database.connect() as connection:
        connection.execute(text, prepare=False)
        connection.execute('VACUUM ANALYZE')
    for login in (*SUPERVISORS, INTAKE):
        database.query(f"""DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
            CREATE ROLE {login} LOGIN; END IF; END $$""")
    database.query(f'GRANT vac_intake TO {INTAKE}')
    for login, offices in zip(SUPERVISORS, (office, 'all')):
        database.query("SELECT vac.set_supervisor(%s, %s, %s, offices => %s)", login, login, f'{login}@agency.example.org', offices)


def ways(comment, view, code):
    """How a view is asked: as its comment says, else all of it."""
    found = re.findall(rf"SELECT \* FROM vac\.{view} (WHERE case_code = '[A-Z0-9-]+'|LIMIT \d+)", comment or '')
    found += [f'LIMIT {n}' for n in re.findall(r'… LIMIT (\d+)', comment or '')]
    if not found:
        return [f'TABLE vac.{view}']
    return [f'SELECT * FROM vac.{view} ' + re.sub(r"'[A-Z0-9]{3}-[A-Z0-9]{3}'", f"'{code}'", way) for way in found]


def questions(database, code, role='vac_supervisor'):
    """Every view that a role may read, and every function that reads by a case code alone."""
    views = database.query('''SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c
        WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v' AND has_table_privilege(%s, c.oid, 'SELECT') ORDER BY 1''', role)
    readers = database.query('''SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'vac'::regnamespace AND p.provolatile <> 'v' AND p.proretset
        AND p.proargnames[1] = 'code' AND p.pronargs - p.pronargdefaults <= 1 AND has_function_privilege(%s, p.oid, 'EXECUTE')
        ORDER BY 1''', role)
    return [(name, way) for name, comment in views for way in ways(comment, name, code)] \
        + [(f'{name}()', f"SELECT * FROM vac.{name}('{code}')") for (name,) in readers]


def measure(database, login, question, sizes, runs=3):
    """(median ms, rows, shared buffers, what of large tables was read in sequence)."""
    times = []
    with database.connect(login) as connection:
        connection.execute('SET statement_timeout = 0')
        for run in range(runs):
            with connection.transaction():
                plan = connection.execute(f'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {question}').fetchone()[0][0]
                times.append(plan['Planning Time'] + plan['Execution Time'])
                if run == 0:
                    read = {name: (scans, rows) for name, scans, rows in connection.execute(READ).fetchall()}
    large = {name: rows for name, (scans, rows) in read.items() if sizes.get(name, 0) >= LARGE}
    return statistics.median(times), plan['Plan']['Actual Rows'], plan['Plan']['Shared Hit Blocks'] + plan['Plan']['Shared Read Blocks'], large


def bar_of(name):
    return PICTURE_BAR if PICTURES.search(name) else BAR


def in_sequence(large, shown, sizes):
    """(what there is to say of it, tables of which a small part was wanted)."""
    small = [table for table in large if shown < SMALL_PART * sizes[table]]
    return [table if table in small else f'{table}: all are wanted' for table in large], small


def ask(database, asked, logins, sizes):
    """Prints a line for each question; what missed the bar, as any of the logins."""
    missed = []
    for name, question in asked:
        fields, scanned = '', []
        for login in logins:
            ms, rows, blocks, large = measure(database, login, question, sizes)
            said, small = in_sequence(large, rows if name not in REPORTS else max(sizes.values()), sizes)
            fields += f' {ms:>7.1f} {rows:>6} {blocks:>6}'
            scanned += [f'{what} ({login})' for what in said]
            if ms > bar_of(name):
                missed.append(f'{question} as {login}: {ms:.0f} ms for {rows} rows, the bar is {bar_of(name)}')
            if small:
                missed.append(f'{question} as {login} reads in sequence for {rows} rows: {", ".join(small)}')
        print(f'{question[:58]:<58}{fields}  {", ".join(scanned)}', flush=True)
    return missed


def report(database, cases):
    code = database.value("""SELECT c.case_code FROM vac_store.case_record c
        WHERE c.state = 'open' AND c.office_id = (SELECT office_id FROM vac_store.supervisor_office JOIN vac_store.supervisor s USING (supervisor_id)
            WHERE s.login = %s)
        ORDER BY (SELECT count(*) FROM vac_store.history h WHERE h.case_id = c.case_id) DESC, c.case_id LIMIT 1""", SUPERVISORS[0])
    sizes = dict(database.query("SELECT relname, reltuples::bigint FROM pg_class WHERE relnamespace = 'vac_store'::regnamespace AND relkind = 'r'"))
    asked = questions(database, code)
    print(f'\n{"as a supervisor":<58} {"of one office":>21} {"of all offices":>21}')
    print(f'{"":<58} {"ms":>7} {"rows":>6} {"blocks":>6} {"ms":>7} {"rows":>6} {"blocks":>6}  in sequence')
    missed = ask(database, asked, SUPERVISORS, sizes)
    print('\nas intake')
    missed += ask(database, questions(database, code, 'vac_intake'), (INTAKE,), sizes)
    print(f'\n{len(asked)} questions to {cases:,} cases; the bar is {BAR} ms, of a picture {PICTURE_BAR} ms: '
          + ('none missed' if not missed else 'missed by\n  ' + '\n  '.join(missed)))


def main():
    parser = argparse.ArgumentParser(prog='./dev bench views', description=__doc__.split('\n')[0])
    parser.add_argument('--cases', type=int, default=100_000)
    options = parser.parse_args()
    with harness.temporary_folder() as folder:
        cluster = harness.Cluster(folder / 'pg')
        cluster.create()
        try:
            database = cluster.database(harness.write_sheets(folder, **workload.roster(backups=True)))
            begun = time.monotonic()
            load(database, options.cases)
            print(f'{options.cases:,} cases made in {time.monotonic() - begun:.0f} s', flush=True)
            report(database, options.cases)
        finally:
            cluster.stop('immediate')


if __name__ == '__main__':
    main()
