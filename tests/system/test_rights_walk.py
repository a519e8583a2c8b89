"""Hostile logins walk the whole catalogue: no view, verb, table, setting or word of a refusal gives away what is
another office's. Nothing is named here that the catalogue can name, so that what is added is walked by itself.
"""

import ctypes
import re

import psycopg
import pytest

import harness
from rights_world import Answer, World, attempt, verbs

HOSTILE = ('sup_sea', 'sup_none', 'intake1', 'desk1', 'vacd')
ROLES = ('sup_sea', 'intake1', 'desk1', 'vacd')
REFUSED = {'42501'}
# A view that cannot be written at all is refused before anybody asks who writes.
NO_TABLE = REFUSED | {'55000', '0A000', '42809'}


@pytest.fixture(scope='module')
def world(cluster):
    made = World(cluster)
    yield made
    made.database.drop()


@pytest.fixture
def login(world):
    """login(name): a connection of its own."""
    opened = []

    def connect(name):
        opened.append(world.database.connect(name))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def relations(database, login):
    """(name, kind, whether the login may read it) of everything outside the system's own schemas."""
    return database.query('''
        SELECT n.nspname || '.' || quote_ident(c.relname), c.relkind::text,
                has_schema_privilege(%s, n.oid, 'USAGE') AND has_table_privilege(%s, c.oid, 'SELECT')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^pg_|^information_schema$' AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') ORDER BY 1''', login, login)


# ---- tables and views ----------------------------------------------------------------------------

@pytest.mark.parametrize('name', HOSTILE)
def test_what_is_read_is_a_view_and_tells_nothing(world, login, name):
    connection = login(name)
    read = 0
    for relation, kind, may in relations(world.database, name):
        answer = attempt(connection, f'SELECT * FROM {relation}')
        if may and kind == 'v' and relation.startswith('vac.'):
            assert answer.sqlstate is None, f'{relation}: {answer.text}'
            assert not world.told(answer.text), f'{relation} tells {world.told(answer.text)}'
            read += 1
        else:
            assert answer.sqlstate in REFUSED, f'{relation}: {answer.sqlstate} {answer.text}'
    assert (read > 20) == name.startswith('sup_')


@pytest.mark.parametrize('name', ROLES)
def test_nothing_is_written_past_the_verbs(world, login, name):
    connection = login(name)
    for relation, kind, may in relations(world.database, name):
        if kind == 'S':
            statements = [f"SELECT nextval('{relation}')", f"SELECT setval('{relation}', 1)", f"SELECT currval('{relation}')",
                          f'ALTER SEQUENCE {relation} RESTART']
        else:
            statements = [f'INSERT INTO {relation} DEFAULT VALUES', f'DELETE FROM {relation}', f'TRUNCATE {relation}', f'COPY {relation} FROM STDIN',
                          f'LOCK TABLE {relation} IN EXCLUSIVE MODE', f'ALTER TABLE {relation} DISABLE ROW LEVEL SECURITY',
                          f'ALTER TABLE {relation} DISABLE TRIGGER ALL', f'DROP TABLE {relation}', f'CREATE RULE r AS ON INSERT TO {relation} DO NOTHING',
                          f'CREATE POLICY p ON {relation} USING (true)', f'SELECT * FROM {relation} FOR UPDATE']
        for statement in statements:
            answer = attempt(connection, statement)
            assert answer.sqlstate in NO_TABLE, f'{statement}: {answer.sqlstate} {answer.text}'


@pytest.mark.parametrize('name', ['sup_sea', 'intake1'])
def test_no_condition_sees_what_the_view_hides(world, login, name):
    """A condition that fails on a row shows it in its message: it must never be asked about a row of others."""
    connection = login(name)
    columns = world.database.query('''
        SELECT c.oid::regclass::text, quote_ident(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v' AND has_table_privilege(%s, c.oid, 'SELECT')''', name)
    assert len(columns) > 20
    for view, column in columns:
        answer = attempt(connection, f"SELECT 1 FROM {view} v WHERE (v.{column}::text || ' ' || v::text)::integer = 0")
        assert answer.sqlstate in (None, '22P02'), f'{view}.{column}: {answer.sqlstate} {answer.text}'
        assert not world.told(answer.text), f'{view}.{column}: {answer.text}'


# ---- functions -----------------------------------------------------------------------------------

@pytest.mark.parametrize('name', ROLES)
def test_what_may_not_be_called_cannot_be(world, login, name):
    connection = login(name)
    refused = 0
    for verb in verbs(world.database, name):
        if not verb.allowed:
            arguments = ', '.join(f'NULL::{kind}' for _, kind, _ in verb.arguments)
            answer = attempt(connection, f'SELECT {verb.name}({arguments})')
            # Of a table's own type nobody may speak either.
            assert answer.sqlstate in REFUSED, f'{verb.signature}: {answer.sqlstate} {answer.text}'
            refused += 1
    assert refused > 100


def own_and_others(world, name):
    """What the login may name, and what it may not: (title, values, whether others' things of that kind are no secret)."""
    own = world.values('SEA', world.cases['intake'][0] if name == 'intake1' else None)
    return own, {'near': world.values('PDX', None), 'far': world.values('GUM', None)}, world.values(None, None)


def hidden(kind, where):
    """Whether it must not show that such a thing exists: offices and supervisors are known to all, people to their neighbours."""
    return kind in ('case', 'mail', 'message', 'number') or (kind == 'coordinator' and where == 'far')


@pytest.mark.parametrize('name', ['sup_sea', 'sup_none', 'intake1'])
def test_verbs_named_with_what_is_others(world, login, name):
    """Refused with nothing written, and where it exists in the same words as where it does not."""
    connection, master = login(name), login('sup_all')
    own, others, nowhere = own_and_others(world, name)
    proven, walked = set(), set()
    for verb in verbs(world.database, name):
        if not verb.allowed:
            continue
        walked.add(verb.signature)
        for where, foreign in others.items():
            call = verb.call(own, foreign)
            answer = attempt(connection, call)
            assert not world.told(answer.text.replace(foreign['case'], '')), f'{call}: {answer.text}'
            assert not (answer.sqlstate or '').startswith(('XX', '42P', '42883', '42703')), f'{call}: {answer.sqlstate} {answer.text}'
            # Anybody at intake opens a case for any office.
            if verb.naming and not (name == 'intake1' and 'case' not in verb.naming.values()):
                assert answer.sqlstate or not answer.wrote and answer.text == '[]', f'{call} was done: {answer.text}'
            if answer.sqlstate and attempt(master, call).sqlstate is None:
                proven.add(verb.signature)
            for argument, kind in verb.naming.items():
                one_of(world, connection, verb, own, foreign, nowhere, argument, kind, where, name)
    assert len(walked) > (50 if name.startswith('sup_') else 5)
    # Most calls are such that who may do it could: they are refused for whose it is, and not for anything else.
    assert len(proven) > (30 if name.startswith('sup_') else 3), sorted(walked - proven)


def one_of(world, connection, verb, own, foreign, nowhere, argument, kind, where, name):
    """The same call with one thing of others in it, beside one's own."""
    call = verb.call(own, foreign, argument)
    answer = attempt(connection, call)
    assert not world.told(answer.text.replace(foreign['case'], '')), f'{call}: {answer.text}'
    if hidden(kind, where):
        lost = attempt(connection, verb.call(own, nowhere, argument))
        asked = foreign.get(kind, foreign['number']), nowhere.get(kind, nowhere['number'])
        # A code is given once in the whole agency: whoever would give it again has to be told.
        if 'is a code that another office uses' not in answer.text:
            assert answer.words(*asked) == lost.words(*asked), f'{call} tells that there is one'
    # A neighbour's name in a call of one's own is often right: it was a backup before. A case is given to any office.
    elif kind == 'office' and where == 'far' and len(verb.naming) > 1 and name != 'intake1' and verb.name != 'vac.transfer_case':
        assert answer.sqlstate, f'{call} was done: {answer.text}'


def test_the_desk_asks_on_record(world, login, cluster):
    """One code at a time; who takes the question back leaves a line in the server's log."""
    connection, code = login('desk1'), world.cases['GUM'][0]
    before = world.database.value('SELECT count(*) FROM vac_store.history')
    assert attempt(connection, f"SELECT * FROM vac.look_up('{code}')").sqlstate is None
    assert world.database.value('SELECT count(*) FROM vac_store.history') == before
    assert re.search(rf'look_up: desk1 asks for {code}', cluster.log.read_text())
    connection.execute(f"SELECT * FROM vac.look_up('{code}')")
    assert world.database.value("SELECT who FROM vac_store.history WHERE event = 'case_looked_up' ORDER BY history_id DESC LIMIT 1") == 'desk1'


def test_what_is_taken_elsewhere_does_not_say_where(world, login):
    """A code and an address are given once in the whole agency; that they are taken is all that one learns."""
    connection = login('sup_sea')
    for code, mail, words in (('GUM-1', 'new@example.org', 'is a code that another office uses'),
                              ('SEA-9', 'faraway.gum-1@example.org', "'faraway.gum-1@example.org' is the mail of a coordinator of another office")):
        answer = attempt(connection, f"""SELECT vac.set_coordinator('{code}', 'SEA', 'full_time', 'Coordinator N', 'Coordinator', '{mail}',
            '+1 206 555 0199', 'counseling', 'en')""")
        assert answer.sqlstate == '22023' and words in answer.text
        assert not world.told(answer.text.replace(mail, '')) and 'GUM' not in answer.text.replace(code, '')


class Argument(ctypes.Structure):
    """PQArgBlock of libpq, with a pointer."""
    _fields_ = [('length', ctypes.c_int), ('is_integer', ctypes.c_int), ('pointer', ctypes.c_char_p)]


def test_no_function_is_called_by_its_number(world):
    """The protocol can call a function without its name; the schema is asked for all the same."""
    libpq = ctypes.CDLL('libpq.so.5')
    for name in ('PQconnectdb', 'PQfn'):
        getattr(libpq, name).restype = ctypes.c_void_p
    libpq.PQerrorMessage.restype = ctypes.c_char_p
    connection = ctypes.c_void_p(libpq.PQconnectdb(world.database.conninfo('sup_sea').encode()))
    try:
        for signature, allowed in (('vac_store.note_text(bigint)', False), ('pg_catalog.int8abs(bigint)', True)):
            number = world.database.value('SELECT %s::regprocedure::oid::bigint', signature)
            length, value = ctypes.c_int(), ctypes.create_string_buffer(200)
            argument = Argument(8, 0, (1).to_bytes(8, 'big'))
            libpq.PQfn(connection, number, value, ctypes.byref(length), 0, ctypes.byref(argument), 1)
            said = libpq.PQerrorMessage(connection).decode()
            assert (said == '') if allowed else ('permission denied for schema vac_store' in said), f'{signature}: {said}'
    finally:
        libpq.PQfinish(connection)


# ---- settings ------------------------------------------------------------------------------------

WRITTEN = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables WHERE schemaname = 'vac_store'"
MOMENTS = ('infinity', '2020-01-01', 'no time', '{"offices": ["GUM"]}')


def test_no_setting_of_ones_own_shows_more(world, login):
    connection = login('sup_sea')
    connection.execute("SET statement_timeout = '500ms'")
    settings = {row[0] for row in world.database.query(r"""
        SELECT (regexp_matches(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), ''), 'current_setting\(''([a-z_]+\.[a-z_]+)''', 'g'))[1]
            FROM pg_proc p WHERE p.pronamespace::regnamespace::text ~ '^vac'""")}
    assert 'vac.now' in settings
    views = [row[0] for row in relations(world.database, 'sup_sea') if row[1] == 'v' and row[2]]
    for setting in settings:
        for value in MOMENTS:
            connection.execute('SELECT set_config(%s, %s, false)', (setting, value))
            for view in views:
                answer = attempt(connection, f'SELECT * FROM {view}')
                assert not world.told(answer.text), f'{setting} = {value!r}, {view}: {world.told(answer.text)}'
        connection.execute(f'RESET {setting}')


def test_nothing_done_from_another_moment_is_kept(world, login):
    """Whatever a verb did while vac.now was set, COMMIT refuses it: every verb that changes something says so in history."""
    connection = login('sup_all')
    own, kept, done = world.values('SEA', None), [], 0
    for verb in verbs(world.database, 'sup_all'):
        if verb.allowed:
            try:
                connection.execute('BEGIN')
                connection.execute("SET LOCAL vac.now = '2029-06-01 12:00Z'")
                before = connection.execute(WRITTEN).fetchone()[0]
                connection.execute(verb.call(own))
                if connection.execute(WRITTEN).fetchone()[0] > before:
                    done += 1
                    connection.execute('SET CONSTRAINTS ALL IMMEDIATE')
                    kept.append(verb.signature)
            except psycopg.Error as error:
                assert not error.sqlstate.startswith('XX'), verb.signature
            finally:
                connection.execute('ROLLBACK')
    assert done > 15
    assert not kept


@pytest.mark.parametrize('settings', [
    ['row_security = off'], ['search_path = vac_store, public, pg_catalog, pg_temp', 'role = vac_supervisor'],
    ['enable_indexscan = off', 'enable_hashjoin = off', 'from_collapse_limit = 1', "timezone = 'Pacific/Guam'", "datestyle = 'German, DMY'",
     'client_min_messages = debug5']])
def test_no_setting_of_postgresql_shows_more(world, login, settings):
    connection = login('sup_sea')
    notices = []
    connection.add_notice_handler(lambda diag: notices.append(f'{diag.message_primary} {diag.message_detail}'))
    for setting in settings:
        connection.execute(f'SET {setting}')
    for relation, kind, may in relations(world.database, 'sup_sea'):
        if kind == 'v' and may:
            answer = attempt(connection, f'SELECT * FROM {relation}')
            assert not world.told(answer.text + ' '.join(notices)), f'{relation}: {world.told(answer.text)}'
    assert attempt(connection, 'TABLE vac_store.case_record').sqlstate == '42501'


# ---- everything else that somebody tries ---------------------------------------------------------

TRICKS = [
    # to be somebody else
    'SET ROLE vac_owner', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION sup_all', 'SET SESSION AUTHORIZATION postgres', 'SET ROLE sup_gum',
    'GRANT vac_owner TO CURRENT_USER', 'GRANT sup_gum TO CURRENT_USER', 'GRANT vac_supervisor TO desk1', 'GRANT vac_desk TO CURRENT_USER',
    'CREATE ROLE mine', 'ALTER ROLE sup_all SET statement_timeout = 1', 'ALTER ROLE sup_gum IN DATABASE {db} SET lock_timeout = 1',
    'ALTER ROLE CURRENT_USER SUPERUSER', 'ALTER DATABASE {db} SET search_path = x', 'REASSIGN OWNED BY vac_owner TO CURRENT_USER',
    # something of one's own that could be taken for ours, or kept
    'CREATE SCHEMA mine', 'CREATE TABLE public.mine ()', 'CREATE TEMPORARY TABLE office ()', 'CREATE TABLE vac.mine ()', 'CREATE TABLE vac_store.mine ()',
    'CREATE TEMPORARY VIEW mine AS TABLE vac.services', 'SELECT * INTO TEMPORARY mine FROM vac.help', 'CREATE FUNCTION vac.mine() RETURNS int LANGUAGE sql RETURN 1',
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql RETURN 1", 'CREATE EXTENSION dblink', 'CREATE EXTENSION postgres_fdw',
    'CREATE OPERATOR public.= (leftarg = text, rightarg = text, function = texteq)', 'CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION x()',
    'CREATE PUBLICATION mine FOR ALL TABLES', 'CREATE SERVER mine FOREIGN DATA WRAPPER x', 'CREATE LANGUAGE plpython3u',
    # round the outside
    "COPY vac.help TO '/nowhere/mine'", "COPY vac.help TO PROGRAM 'true'", "SELECT pg_read_file('postgresql.conf')", "SELECT lo_import('/etc/hostname')",
    "SELECT pg_ls_dir('.')", "LOAD 'dblink'", 'SET session_replication_role = replica', 'SET log_min_messages = panic', "SET log_statement = 'all'",
    "DO LANGUAGE plpython3u 'pass'", "DO $$ BEGIN PERFORM * FROM vac_store.case_record; END $$", "DO $$ BEGIN DELETE FROM vac_store.history; END $$",
    "DO $$ BEGIN PERFORM vac_store.note_text(1); END $$", "SELECT query_to_xml('TABLE vac_store.note', true, true, '')",
    "SELECT table_to_xml({oid}, true, true, '')", "SELECT cursor_to_xml('x', 1, true, true, '')", "SELECT pg_sequence_last_value({sequence})",
    "EXPLAIN ANALYZE SELECT * FROM vac_store.case_record", "PREPARE mine AS TABLE vac_store.case_record", "DECLARE mine CURSOR FOR TABLE vac_store.case_record",
    "SELECT pg_terminate_backend({pid})", "SELECT pg_cancel_backend({pid})", "SELECT pg_reload_conf()", "SELECT * FROM pg_authid",
    "SELECT * FROM pg_statistic", "SELECT * FROM pg_largeobject", "SELECT * FROM pg_hba_file_rules", "SELECT * FROM pg_subscription",
    "COMMENT ON SCHEMA vac IS 'mine'", "SECURITY LABEL ON SCHEMA vac IS 'x'", "ALTER FUNCTION vac.now() SECURITY DEFINER", "DROP FUNCTION vac.now()",
    "ALTER DEFAULT PRIVILEGES FOR ROLE vac_owner GRANT ALL ON TABLES TO PUBLIC", "CLUSTER vac_store.history", "CHECKPOINT"]
# Refused for who asks, for what is missing here, or because no name of ours can be said.
WAYS_TO_REFUSE = {'42501', '42704', '0A000', '58P01', '55000', '22023', '34000', '42710', '3D000', '42883', '58000', '42P13'}


@pytest.mark.parametrize('name', ROLES)
def test_tricks_are_refused(world, login, name):
    connection, other = login(name), login('sup_gum')
    facts = {'db': world.database.name, 'pid': other.info.backend_pid,
             'oid': world.database.value("SELECT 'vac_store.case_record'::regclass::oid"),
             'sequence': world.database.value("SELECT pg_get_serial_sequence('vac_store.case_record', 'case_id')::regclass::oid")}
    for trick in TRICKS:
        answer = attempt(connection, trick.format(**facts))
        assert answer.sqlstate in WAYS_TO_REFUSE, f'{trick}: {answer.sqlstate} {answer.text}'
        assert not world.told(answer.text), trick
    assert other.execute('SELECT 1').fetchone() == (1,)


def test_what_others_are_doing_is_not_seen(world, login):
    """pg_stat_activity, locks, statistics: no statement of anybody else's, no value of a table."""
    code = world.cases['GUM'][0]
    busy = login('sup_gum')
    busy.execute('BEGIN')
    busy.execute(f"SELECT * FROM vac.case_state('{code}')")
    for name in HOSTILE:
        connection = login(name)
        for view in ('pg_stat_activity', 'pg_locks', 'pg_stats', 'pg_stats_ext', 'pg_prepared_xacts', 'pg_prepared_statements', 'pg_cursors',
                     'pg_sequences', 'pg_stat_user_tables', 'pg_seclabels', 'pg_settings'):
            answer = attempt(connection, f'SELECT * FROM {view}')
            assert answer.sqlstate in (None, '42501')
            assert not world.told(answer.text), f'{name}, {view}: {world.told(answer.text)}'
        assert attempt(connection, "SELECT count(last_value) FROM pg_sequences WHERE schemaname ~ '^vac'").text == '[(0,)]'
    busy.execute('ROLLBACK')


def test_notifications_say_nothing(world, login):
    """Anybody may listen: every channel that there is, while cases are opened and changed."""
    channels = {row[0] for row in world.database.query(
        r"SELECT (regexp_matches(p.prosrc, 'pg_notify\(''([a-z_]+)''', 'g'))[1] FROM pg_proc p WHERE p.pronamespace::regnamespace::text ~ '^vac'")}
    assert 'vac_dispatch' in channels
    assert not world.database.query(r"""SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace::regnamespace::text ~ '^vac'
        AND p.prosrc ~* '\mnotify\s+[a-z]|pg_notify\((?!''[a-z_]+'', ''''\))'""")
    connection, heard = login('intake1'), []
    connection.add_notify_handler(heard.append)
    for channel in channels:
        connection.execute(f'LISTEN {channel}')
    world.database.as_login('sup_gum').query("SELECT vac.hold_case(c, 'safety'), vac.release_case(c, 'safe') FROM (SELECT vac.open_case('GUM') AS c) x")
    connection.execute('SELECT 1')
    assert heard and all(one.payload == '' for one in heard)


def test_large_objects_are_each_logins_own(world, login):
    mine = login('sup_gum')
    number = mine.execute("SELECT lo_from_bytea(0, 'of guam')").fetchone()[0]
    for name in HOSTILE:
        connection = login(name)
        for trick in ('lo_get({})', "lo_put({}, 0, 'x')", 'lo_unlink({})', 'lo_open({}, 262144)'):
            assert attempt(connection, f'SELECT {trick.format(number)}').sqlstate == '42501'
    mine.execute('SELECT lo_unlink(%s)', (number,))


def test_a_prepared_transaction_goes_round_nothing(world, login):
    """What asked what if cannot be left prepared either, whether the server allows that or not."""
    connection = login('sup_sea')
    connection.execute('BEGIN')
    connection.execute('SELECT vac.what_if()')
    with pytest.raises(psycopg.Error):
        connection.execute("PREPARE TRANSACTION 'mine'")
    assert not world.database.query('SELECT FROM pg_prepared_xacts')


def test_history_is_nobodys_to_change(world, login):
    """Not even the owner's, short of taking the trigger off."""
    with world.database.connect() as owner:
        owner.execute('SET ROLE vac_owner')
        for table in ('history', 'decision', 'plan'):
            for statement in (f'UPDATE vac_store.{table} SET {table}_id = DEFAULT', f'DELETE FROM vac_store.{table}', f'TRUNCATE vac_store.{table} CASCADE'):
                answer = attempt(owner, statement)
                assert answer.sqlstate in ('42501', '428C9'), f'{statement}: {answer.sqlstate} {answer.text}'
    for name in HOSTILE:
        connection = login(name)
        answers: list[Answer] = [attempt(connection, statement) for statement in (
            "UPDATE vac_store.history SET who = 'x'", 'DELETE FROM vac_store.history', 'TRUNCATE vac_store.history',
            "INSERT INTO vac_store.history (event) VALUES ('x')", 'ALTER TABLE vac_store.history DISABLE TRIGGER USER',
            'DROP TRIGGER append_only ON vac_store.history', "UPDATE vac.history SET who = 'x'")]
        assert {answer.sqlstate for answer in answers} <= {'42501', '55000'}


# ---- logins --------------------------------------------------------------------------------------

def test_an_administrator_sets_a_supervisors_timeouts(world, login):
    database = world.database
    notices = []
    with database.connect() as administrator:
        administrator.add_notice_handler(lambda diag: notices.append(diag.message_primary))
        administrator.execute('CREATE ROLE sup_walk LOGIN')
        try:
            said = administrator.execute("SELECT vac.set_supervisor('sup_walk', 'Supervisor W', 'supervisor.w@example.org', offices => 'SEA')").fetchone()[0]
            assert said.startswith('sup_walk supervises SEA; its sessions from now on have timeouts: idle in transaction ')
            names = ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')
            assert [login('sup_walk').execute(f'SHOW {one}').fetchone()[0] for one in names] == ['1min', '10s', '5min']
            assert login('sup_walk').execute('SELECT count(*) FROM vac.open_cases').fetchone()[0] > 0
            # Elsewhere in the cluster the login is as it was.
            with psycopg.connect(database.cluster.conninfo('postgres').replace('user=postgres', 'user=sup_walk')) as elsewhere:
                assert elsewhere.execute('SHOW statement_timeout').fetchone()[0] == '0'
            administrator.execute("SELECT vac.set_policy('login_statement_seconds', '7')")
            # One whom a supervisor wrote down is let in by no call that does not name them; nor is an administrator bound.
            login('sup_all').execute("SELECT vac.set_supervisor('desk1', 'Supervisor D', 'supervisor.d@example.org', offices => 'all')")
            login('sup_all').execute("SELECT vac.set_supervisor('postgres', 'Supervisor P', 'supervisor.p@example.org', offices => 'all')")
            lines = {row[0].split(';')[0]: row[0] for row in administrator.execute('SELECT vac.limit_logins()').fetchall()}
            assert 'statement 7s' in lines['sup_walk'] and lines['desk1'].endswith('not changed') and 'no timeouts' in lines['postgres']
            assert attempt(login('desk1'), 'TABLE vac.open_cases').sqlstate == '42501'
            assert login('sup_walk').execute('SHOW statement_timeout').fetchone()[0] == '7s'
            assert any(note.startswith('The database has no login sup_') for note in notices)
        finally:
            administrator.execute("DELETE FROM vac_store.supervisor_office WHERE supervisor_id IN "
                                  "(SELECT supervisor_id FROM vac_store.supervisor WHERE login IN ('sup_walk', 'desk1', 'postgres'))")
            administrator.execute("DELETE FROM vac_store.supervisor WHERE login IN ('sup_walk', 'desk1', 'postgres')")
            administrator.execute('REVOKE vac_supervisor FROM sup_walk')
            administrator.execute('DROP ROLE sup_walk')


def test_a_supervisor_of_all_offices_is_no_administrator(world, login):
    """What they write down is stored; whose login it is is not theirs to change, and they are told who has to."""
    connection = login('sup_all')
    notices = []
    connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    connection.execute('BEGIN')
    assert connection.execute("SELECT vac.set_supervisor('sup_pdx', rank => 2)").fetchone()[0] == 'sup_pdx supervises PDX'
    assert notices == ["Login sup_pdx is the administrator's to change, who says: SELECT vac.limit_logins('sup_pdx')"]
    connection.execute('ROLLBACK')
    assert not world.database.query("SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE r.rolname = 'sup_pdx'")


def test_a_digest_is_each_supervisors_own(world, login):
    assert harness.Login(world.database, 'sup_sea').value('SELECT vac.set_digest()').startswith('Supervisor G gets a digest each day, at 06:30 of SEA')
    connection = login('sup_sea')
    assert attempt(connection, "SELECT vac.set_digest(login => 'sup_gum')").sqlstate == '42501'
    assert attempt(connection, "SELECT vac.set_digest(office => 'GUM')").sqlstate == '22023'
    assert attempt(login('sup_none'), 'SELECT vac.set_digest()').sqlstate == '22023'
    assert attempt(login('intake1'), 'SELECT vac.set_digest()').sqlstate == '42501'
