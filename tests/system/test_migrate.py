"""vacd migrate: from nothing, from older states, refusals, locks, two at once.

Most tests use a small set of SQL files of their own, so that they can change it; bootstrap.sql and
functions/00_clear.sql are always the real ones.
"""

import shutil
import subprocess

import psycopg
import pytest

import harness
from harness import ROOT, VACD, run_vacd

SMALL = {
    'schema/0001_first.sql': '''
CREATE TABLE vac_store.thing (thing_id integer PRIMARY KEY, label text);
ALTER TABLE vac_store.thing ENABLE ROW LEVEL SECURITY;
''',
    'functions/10_some.sql': '''
CREATE OR REPLACE FUNCTION vac_store.may_see() RETURNS boolean LANGUAGE sql RETURN true;
CREATE OR REPLACE FUNCTION vac.twice(n integer) RETURNS integer LANGUAGE sql RETURN n * 2;
CREATE OR REPLACE FUNCTION vac.label_of(n integer) RETURNS text LANGUAGE sql
    RETURN 'number ' || vac.twice(n);
CREATE OR REPLACE FUNCTION vac.gone_soon() RETURNS integer LANGUAGE sql RETURN 1;
''',
    'views/things.sql': '''
CREATE OR REPLACE VIEW vac.things AS
    SELECT thing_id, label, vac.label_of(thing_id) AS name FROM vac_store.thing;
''',
}


class SqlSet:
    def __init__(self, folder):
        self.folder = folder / 'sql'
        for name in ('schema', 'functions', 'views'):
            (self.folder / name).mkdir(parents=True)
        shutil.copy(ROOT / 'sql' / 'bootstrap.sql', self.folder)
        shutil.copy(ROOT / 'sql' / 'functions' / '00_clear.sql', self.folder / 'functions')
        for name, text in SMALL.items():
            self.write(name, text)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def remove(self, name):
        (self.folder / name).unlink()

    def digest(self):
        """What the build's script makes of it."""
        header = self.folder.parent / 'digest.h'
        harness.run_checked(['sh', ROOT / 'sql' / 'digest.sh', self.folder, header])
        return header.read_text().split('"')[1]


@pytest.fixture
def sql(folder):
    return SqlSet(folder)


@pytest.fixture
def empty(cluster):
    made = cluster.database(migrate=False)
    yield made
    made.drop()


def migrate(database, sql, *args, options='', **changes):
    conninfo = database.conninfo(**changes)
    if options:
        conninfo += f" options='{options}'"
    return run_vacd('migrate', '--database', conninfo, '--sql', sql.folder, *args)


def must_migrate(database, sql):
    done = migrate(database, sql)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def must_refuse(database, sql, *args, **options):
    done = migrate(database, sql, *args, **options)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def test_from_nothing(empty, sql):
    check = migrate(empty, sql, '--check')
    assert check.returncode == 1
    assert 'would run bootstrap.sql' in check.stdout
    assert 'would apply schema/0001_first.sql' in check.stdout
    assert 'would make functions and views (3 files)' in check.stdout
    assert empty.query("SELECT nspname FROM pg_namespace WHERE nspname ~ '^vac'") == []

    out = must_migrate(empty, sql)
    assert 'applied schema/0001_first.sql\n' in out
    assert empty.query('SELECT number, name FROM vac_store.migration') == [(1, '0001_first.sql')]
    assert empty.value('SELECT vac.label_of(4)') == 'number 8'
    assert empty.value('SELECT pg_get_userbyid(proowner) FROM pg_proc '
                       "WHERE proname = 'label_of'") == 'vac_owner'

    check = migrate(empty, sql, '--check')
    assert check.returncode == 0 and check.stdout.startswith('nothing to do')
    before = empty.query('SELECT * FROM vac_store.installed')
    assert must_migrate(empty, sql).startswith('nothing to do')
    assert empty.query('SELECT * FROM vac_store.installed') == before


def test_digest_is_that_of_the_build(empty, sql):
    # In the order of bytes, capitals come first, and not where a locale puts them.
    sql.write('functions/Zz.sql', 'SELECT 1;')
    sql.write('functions/_a.sql', 'SELECT 2;')
    must_migrate(empty, sql)
    assert empty.value('SELECT digest FROM vac_store.installed') == sql.digest()


def test_real_files(empty):
    done = run_vacd('migrate', '--database', empty.conninfo(), '--sql', ROOT / 'sql')
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ''
    done = run_vacd('migrate', '--check', '--database', empty.conninfo(), '--sql', ROOT / 'sql')
    assert (done.returncode, done.stdout[:13]) == (0, 'nothing to do')


def test_real_code_again_over_itself(empty):
    """What is made again replaces all that is there, whatever hangs on it."""
    before = run_vacd('migrate', '--database', empty.conninfo(), '--sql', ROOT / 'sql')
    assert before.returncode == 0, before.stderr
    objects = '''
        SELECT 'routine', p.oid::regprocedure::text,
                pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('vac', 'vac_daemon', 'vac_store') AND p.prokind IN ('f', 'p')
                AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
        UNION ALL
        SELECT 'view', c.oid::regclass::text, pg_get_viewdef(c.oid) || coalesce(c.relacl::text, '')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('vac', 'vac_daemon', 'vac_store') AND c.relkind = 'v'
        UNION ALL
        SELECT 'trigger', t.tgrelid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid)
            FROM pg_trigger t WHERE NOT t.tgisinternal
        ORDER BY 1, 2'''
    old = empty.query(objects)
    assert len(old) > 100
    empty.query("UPDATE vac_store.installed SET digest = 'older'")
    done = run_vacd('migrate', '--database', empty.conninfo(), '--sql', ROOT / 'sql')
    assert done.returncode == 0, done.stderr
    assert empty.query(objects) == old


def test_upgrade(empty, sql):
    must_migrate(empty, sql)
    empty.query("INSERT INTO vac_store.thing VALUES (1, 'one')")
    sql.write('schema/0002_second.sql', '''
        CREATE POLICY everybody ON vac_store.thing USING (vac_store.may_see());
        ALTER TABLE vac_store.thing ADD COLUMN size integer DEFAULT 7;''')
    # another signature, another result, a view with other columns, and a function that is gone
    sql.write('functions/10_some.sql', '''
        CREATE OR REPLACE FUNCTION vac_store.may_see() RETURNS boolean LANGUAGE sql RETURN true;
        CREATE OR REPLACE FUNCTION vac.twice(number bigint, times integer DEFAULT 2) RETURNS bigint
            LANGUAGE sql RETURN number * times;
        CREATE OR REPLACE FUNCTION vac.label_of(n integer) RETURNS varchar LANGUAGE sql
            RETURN 'no. ' || vac.twice(n);''')
    sql.write('views/things.sql',
              'CREATE OR REPLACE VIEW vac.things AS SELECT size, vac.label_of(thing_id) AS name '
              'FROM vac_store.thing;')
    check = migrate(empty, sql, '--check')
    assert check.returncode == 1
    assert '0001' not in check.stdout and 'would apply schema/0002_second.sql' in check.stdout
    must_migrate(empty, sql)
    assert empty.query('SELECT * FROM vac.things') == [(7, 'no. 2')]
    assert empty.query("SELECT oid::regprocedure::text FROM pg_proc "
                       "WHERE proname IN ('twice', 'gone_soon')") == [
        ('vac.twice(bigint,integer)',)]

    # A policy hangs on may_see() now: it is replaced where it stands.
    sql.write('functions/10_some.sql', (sql.folder / 'functions/10_some.sql').read_text().replace(
        'RETURN true', 'RETURN false'))
    must_migrate(empty, sql)
    assert empty.value('SELECT vac_store.may_see()') is False


def test_view_of_somebody_else_survives(empty, sql):
    must_migrate(empty, sql)
    empty.query('CREATE SCHEMA own')
    empty.query('CREATE VIEW own.mine AS SELECT label, name FROM vac.things')
    sql.write('views/things.sql', SMALL['views/things.sql'].replace('AS name', 'AS name, 1 AS one'))
    must_migrate(empty, sql)
    assert empty.query('SELECT one FROM vac.things') == []
    # One that cannot stay as it is is not dropped behind its owner's back.
    sql.write('views/things.sql', 'CREATE OR REPLACE VIEW vac.things AS SELECT 1 AS one;')
    assert 'views/things.sql' in must_refuse(empty, sql)
    assert empty.query('SELECT name FROM own.mine') == []


def test_applied_file_is_never_edited(empty, sql):
    must_migrate(empty, sql)
    sql.write('schema/0001_first.sql', SMALL['schema/0001_first.sql'] + '-- a small change\n')
    for args in ([], ['--check']):
        error = must_refuse(empty, sql, *args)
        assert 'schema/0001_first.sql is not what was applied' in error
        assert 'a new file with the next number' in error


def test_newer_database_is_refused(empty, sql):
    sql.write('schema/0002_second.sql', 'CREATE TABLE vac_store.second (a integer);')
    must_migrate(empty, sql)
    sql.remove('schema/0002_second.sql')
    for args in ([], ['--check']):
        error = must_refuse(empty, sql, *args)
        assert 'has migration 2 (0002_second.sql)' in error and 'newer' in error


def test_number_that_was_passed_is_refused(empty, sql):
    sql.write('schema/0003_third.sql', 'CREATE TABLE vac_store.third (a integer);')
    must_migrate(empty, sql)
    sql.write('schema/0002_second.sql', 'CREATE TABLE vac_store.second (a integer);')
    assert 'schema/0003_third.sql with a higher number' in must_refuse(empty, sql)


@pytest.mark.parametrize('name, words', [
    ('schema/first.sql', 'begins with four digits'),
    ('schema/0001_again.sql', 'has the same number as schema/0001_again.sql'),
])
def test_bad_names(empty, sql, name, words):
    sql.write(name, 'SELECT 1;')
    assert words in must_refuse(empty, sql)


def test_missing_files(empty, sql):
    shutil.rmtree(sql.folder / 'views')
    assert f'{sql.folder}/views: No such file or directory' in must_refuse(empty, sql)


def test_failing_file_leaves_nothing(empty, sql):
    sql.write('schema/0002_second.sql',
              'CREATE TABLE vac_store.second (a integer);\n-- é €\nSELECT 1;\nSELEC 2;\n')
    error = must_refuse(empty, sql)
    assert 'schema/0002_second.sql:4: syntax error at or near "SELEC"' in error
    # The first was a transaction of its own, of the second nothing is there, nor its row.
    assert empty.query('SELECT number FROM vac_store.migration') == [(1,)]
    assert empty.value("SELECT to_regclass('vac_store.second')") is None
    sql.write('schema/0002_second.sql', 'CREATE TABLE vac_store.second (a integer);')
    must_migrate(empty, sql)


def test_failing_function_leaves_the_old_ones(empty, sql):
    must_migrate(empty, sql)
    digest = empty.value('SELECT digest FROM vac_store.installed')
    sql.write('functions/20_more.sql',
              'CREATE FUNCTION vac.wrong() RETURNS nonsense LANGUAGE sql RETURN 1;')
    assert 'functions/20_more.sql: type "nonsense" does not exist' in must_refuse(empty, sql)
    assert empty.value('SELECT vac.label_of(4)') == 'number 8'
    assert empty.value('SELECT digest FROM vac_store.installed') == digest


def test_file_that_ends_the_transaction(empty, sql):
    sql.write('schema/0002_second.sql', 'CREATE TABLE vac_store.second (a integer);\nCOMMIT;')
    assert 'schema/0002_second.sql: ends the transaction' in must_refuse(empty, sql)


def test_who_blocks_is_named(empty, sql):
    must_migrate(empty, sql)
    sql.write('schema/0002_second.sql', 'ALTER TABLE vac_store.thing ADD COLUMN more integer;')
    with psycopg.connect(empty.conninfo(), application_name='a forgotten psql') as other:
        other.execute('SELECT FROM vac_store.thing')
        pid = other.info.backend_pid
        error = must_refuse(empty, sql, options='-clock_timeout=900ms')
    assert (f'gave up waiting for a lock held by process {pid} (user postgres, application '
            'a forgotten psql') in error
    assert 'idle in transaction' in error and 'transaction since 20' in error
    assert 'pg_terminate_backend' in error
    must_migrate(empty, sql)


def test_lock_that_is_let_go(empty, sql):
    must_migrate(empty, sql)
    sql.write('schema/0002_second.sql', 'ALTER TABLE vac_store.thing ADD COLUMN more integer;')
    with psycopg.connect(empty.conninfo()) as other:
        other.execute('SELECT FROM vac_store.thing')
        process = start(empty, sql)
        line = process.stderr.readline()
        while 'waiting for' not in line:
            assert line, 'it did not say that it waits'
            line = process.stderr.readline()
        other.rollback()
    process.communicate(timeout=120)
    assert process.returncode == 0


def start(database, sql):
    return subprocess.Popen(
        [VACD, 'migrate', '--database', database.conninfo(), '--sql', sql.folder], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_two_at_once(empty, sql):
    sql.write('schema/0002_slow.sql', 'SELECT pg_sleep(0.5);')
    both = [start(empty, sql), start(empty, sql)]
    outs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert sorted('nothing to do' in out for out, _ in outs) == [False, True]


def test_killed_in_the_middle(empty, sql):
    sql.write('schema/0002_slow.sql',
              'CREATE TABLE vac_store.slow (a integer); SELECT pg_advisory_xact_lock(1);')
    with psycopg.connect(empty.conninfo()) as holder:
        holder.execute('SELECT pg_advisory_lock(1)')
        process = start(empty, sql)
        harness.wait_for(lambda: empty.query(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"), what='the slow migration')
        process.kill()
        process.communicate()
    must_migrate(empty, sql)
    assert empty.query('SELECT number FROM vac_store.migration ORDER BY 1') == [(1,), (2,)]


def test_daemons_are_told(empty, sql):
    must_migrate(empty, sql)
    told = []
    with empty.connect() as listener:
        listener.add_notify_handler(told.append)
        listener.execute('LISTEN vac_schema')
        must_migrate(empty, sql)
        listener.execute('SELECT 1')
        assert told == []   # nothing was done, nothing is told
        sql.write('functions/20_more.sql', 'SELECT 1;')
        must_migrate(empty, sql)
        harness.wait_for(lambda: listener.execute('SELECT 1') and told, what='a notification')
    assert [(n.channel, n.payload) for n in told] == [('vac_schema', '')]


def test_no_rights(empty, sql):
    name = f'plain_{empty.name}'
    empty.query(f'CREATE ROLE {name} LOGIN')
    try:
        error = must_refuse(empty, sql, login=name)
        assert f'role "{name}" does not own database "{empty.name}"' in error
        must_migrate(empty, sql)
        error = must_refuse(empty, sql, '--check', login=name)
        assert f'GRANT vac_owner TO "{name}"' in error
    finally:
        empty.query(f'DROP ROLE {name}')


def test_owner_of_the_database_who_may_make_roles(folder, sql):
    """A cluster of its own: roles belong to all databases of one."""
    cluster = harness.Cluster(folder / 'pg')
    cluster.create()
    try:
        empty = cluster.database(migrate=False)
        empty.query('CREATE ROLE plain LOGIN')
        empty.query(f'ALTER DATABASE {empty.name} OWNER TO plain')
        error = must_refuse(empty, sql, login='plain')
        assert 'role "plain" may not create the roles that are missing (vac_daemon, ' in error
        assert 'ALTER ROLE "plain" CREATEROLE' in error
        empty.query('ALTER ROLE plain CREATEROLE')
        done = migrate(empty, sql, login='plain')
        assert done.returncode == 0, done.stderr
        done = run_vacd('migrate', '--database', empty.conninfo('plain'), '--sql', ROOT / 'sql',
                        '--check')
        assert done.returncode == 2   # other files under the same numbers
    finally:
        cluster.stop('immediate')


def test_encoding(cluster, sql):
    with psycopg.connect(cluster.conninfo('postgres'), autocommit=True) as connection:
        connection.execute("CREATE DATABASE vac_ascii ENCODING 'SQL_ASCII' LOCALE 'C' "
                           'TEMPLATE template0')
    database = harness.Database(cluster, 'vac_ascii')
    try:
        assert ('the encoding of database "vac_ascii" is SQL_ASCII; expected UTF8'
                in must_refuse(database, sql))
    finally:
        database.drop()


def test_no_server(cluster, folder, sql):
    done = run_vacd('migrate', '--sql', sql.folder, '--database', f'host={folder} dbname=vac')
    assert done.returncode == 2
    assert 'is --database right?' in done.stderr


def test_password_is_not_taken_from_the_command_line(empty, sql):
    error = must_refuse(empty, sql, login='postgres password=verysecret')
    assert 'holds a password' in error and '~/.pgpass' in error and 'verysecret' not in error


@pytest.mark.parametrize('args', [['--nonsense'], ['word']])
def test_usage(args):
    done = run_vacd('migrate', *args)
    assert done.returncode == 2 and 'usage: vacd migrate' in done.stderr


def test_help():
    done = run_vacd('migrate', '--help')
    assert done.returncode == 0 and done.stdout.startswith('usage: vacd migrate')
