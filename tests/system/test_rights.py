"""Who sees and does what, each by a login of their own: rights are decided by session_user."""

import concurrent.futures
import re

import psycopg
import pytest

import harness

ROSTERS = [harness.ROOT / 'etc' / 'rosters' / f'{sheet}.csv'
           for sheet in ('offices', 'supervisors', 'coordinators', 'patterns')]


@pytest.fixture
def offices(cluster):
    """A database with the example rosters, and a duty desk."""
    database = cluster.database(rosters=ROSTERS)
    for login, role in (('desk1', 'vac_desk'), ('intake2', 'vac_intake'), ('sup_pdx', 'vac_supervisor'),
                        ('sup_gum', 'vac_supervisor'), ('sup_none', 'vac_supervisor')):
        database.query(f'''DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
                CREATE ROLE {login} LOGIN IN ROLE {role}; END IF; END $$''')
    yield database
    database.drop()


def refused(login, sql, *args, code='42501'):
    """The message of a call that is refused with this SQLSTATE."""
    with pytest.raises(psycopg.Error) as caught:
        login.query(sql, *args)
    assert caught.value.sqlstate == code, caught.value
    return str(caught.value)


def appoint(database, case_code, coordinator, days=3):
    """Gives a case's request to a coordinator, as a stored plan does."""
    return database.value('''
        WITH made AS (
            INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
            SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, vac_store.handle(), now()
            FROM vac_store.case_record c JOIN vac_store.request r USING (case_id), vac_store.coordinator k,
                LATERAL (SELECT tstzrange(t, t + interval '1 hour') AS span FROM (SELECT now() + %s * interval '1 day' AS t) x) s
            WHERE c.case_code = %s AND k.code = %s
            RETURNING appointment_id, request_id), planned AS (
            UPDATE vac_store.request SET state = 'planned' WHERE request_id IN (SELECT request_id FROM made))
        SELECT appointment_id FROM made''', days, case_code, coordinator)


def codes(login, view):
    return {row[0] for row in login.query(f'SELECT case_code FROM vac.{view} WHERE case_code IS NOT NULL')}


def views(database):
    return [row[0] for row in database.query("SELECT viewname FROM pg_views WHERE schemaname = 'vac' ORDER BY 1")]


def test_a_supervisor_reads_every_view_and_no_table(offices):
    supervisor = offices.as_login('sup_sea')
    assert len(views(offices)) > 25
    for view in views(offices):
        supervisor.query(f'TABLE vac.{view}')
    tables = [row[0] for row in offices.query("SELECT tablename FROM pg_tables WHERE schemaname = 'vac_store'")]
    assert len(tables) > 30
    for table in tables:
        assert 'schema vac_store' in refused(supervisor, f'SELECT FROM vac_store.{table}')


def test_what_made_room_for_what_names_no_case_of_another_office(offices):
    seattle = offices.as_login('sup_sea').value("SELECT vac.open_case('SEA', urgency => 'urgent')")
    portland = offices.as_login('sup_pdx').value("SELECT vac.open_case('PDX')")
    offices.query('''
        INSERT INTO vac_store.history (event, office_id, case_id, detail)
            SELECT e.event, c.office_id, c.case_id, jsonb_build_object('other_case', o.case_id, 'started', now(), 'starts', now())
            FROM (VALUES ('room_made', %s, %s), ('appointment_moved', %s, %s)) e (event, code, other)
                JOIN vac_store.case_record c ON c.case_code = e.code
                JOIN vac_store.case_record o ON o.case_code = e.other''', seattle, portland, portland, seattle)
    said = {login: ' '.join(what for what, in offices.as_login(login).query(
        "SELECT replace(what, E'\\n', ' ') FROM vac.history WHERE what LIKE '%%moved%%'")) for login in ('sup_sea', 'sup_pdx', 'sup_all')}
    assert said['sup_sea'] == "room made: another office's appointment was moved"
    assert said['sup_pdx'].endswith("to make room for another office's case")
    assert f'the appointment of case {portland} was moved' in said['sup_all'] and f'for case {seattle}' in said['sup_all']


def test_figures_of_plans_are_seen_by_their_group(offices):
    offices.query('''
        INSERT INTO vac_store.plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps,
                exact, limited)
            SELECT DISTINCT group_id, 1, 1, now(), now(), 1, 0, 0, 0, 0, 0, true, false FROM vac_store.office;
        CREATE VIEW public.plans WITH (security_invoker = true) AS SELECT group_id FROM vac_store.plan;
        GRANT SELECT ON public.plans TO vac_supervisor''')
    groups = {code: group for code, group in offices.query('SELECT code, group_id FROM vac_store.office')}
    assert groups['SEA'] == groups['PDX'] != groups['GUM']
    seen = {login: {row[0] for row in offices.as_login(login).query('TABLE public.plans')}
            for login in ('sup_sea', 'sup_pdx', 'sup_gum', 'sup_all', 'sup_none')}
    assert seen == {'sup_sea': {groups['SEA']}, 'sup_pdx': {groups['SEA']}, 'sup_gum': {groups['GUM']},
                    'sup_all': set(groups.values()), 'sup_none': set()}


def test_cases_are_seen_by_their_own_office(offices):
    seattle = offices.as_login('sup_sea').value("SELECT vac.open_case('SEA', 'es')")
    portland = offices.as_login('sup_pdx').value("SELECT vac.open_case('PDX')")
    assert codes(offices.as_login('sup_sea'), 'open_cases') == {seattle}
    assert codes(offices.as_login('sup_pdx'), 'open_cases') == {portland}
    assert codes(offices.as_login('sup_all'), 'open_cases') == {seattle, portland}
    assert codes(offices.as_login('sup_none'), 'open_cases') == set()
    for view in ('unassigned', 'history'):
        assert codes(offices.as_login('sup_sea'), view) == {seattle}
    assert offices.as_login('sup_none').query('TABLE vac.roster') == []


def test_another_offices_case_looks_like_none_at_all(offices):
    portland = offices.as_login('sup_pdx').value("SELECT vac.open_case('PDX')")
    for call in ('vac.reassign(%s, $$SEA-1$$, now(), $$wish$$)', 'vac.unpin(%s)', 'vac.withdraw_case(%s, $$resolved$$)', 'vac.hold_case(%s, $$safety$$)', 'vac.case_state(%s)',
                 'vac.change_request(%s, urgency => $$urgent$$)', 'vac.add_conflict(%s, $$SEA-1$$)', 'vac.close_case(%s)',
                 'vac.transfer_case(%s, $$SEA$$, $$wish$$)', 'vac.add_request(%s)', 'vac.send_again(%s)'):
        theirs = refused(offices.as_login('sup_sea'), f'SELECT {call}', portland, code='22023')
        nobodys = refused(offices.as_login('sup_sea'), f'SELECT {call}', 'K7Q-4MX', code='22023')
        first_line = re.compile(r'[A-Z2-9]{3}-[A-Z2-9]{3}')
        assert first_line.sub('X', theirs.splitlines()[0]) == first_line.sub('X', nobodys.splitlines()[0])
    assert offices.value('SELECT state FROM vac_store.case_record') == 'open'


def test_an_appointment_is_seen_by_both_offices_and_the_case_by_its_own(offices):
    seattle = offices.as_login('sup_sea').value("SELECT vac.open_case('SEA')")
    appoint(offices, seattle, 'PDX-1')
    mine = offices.as_login('sup_sea').query('SELECT case_code, coordinator, place FROM vac.week')
    theirs = offices.as_login('sup_pdx').query('SELECT case_code, coordinator, place FROM vac.week')
    assert mine == [(seattle, 'Coordinator W', 'MAIN')]
    assert theirs == [('of SEA', 'Coordinator W', None)]
    assert codes(offices.as_login('sup_pdx'), 'open_cases') == set()
    assert offices.as_login('sup_pdx').query('TABLE vac.why') == []
    # An office that has nothing to do with either sees nothing.
    assert offices.as_login('sup_gum').query('TABLE vac.week') == []


def test_who_may_be_sent_is_seen_and_their_leave_is_not(offices):
    offices.query("SELECT vac.add_leave('PDX-1', '2030-01-01', '2030-01-02')")
    offices.query("SELECT vac.add_leave('SEA-1', '2030-01-01', '2030-01-02')")
    seen = {row[0] for row in offices.as_login('sup_sea').query('SELECT office FROM vac.roster')}
    assert seen == {'SEA', 'PDX', 'ANC'}
    assert [row[0] for row in offices.as_login('sup_sea').query('SELECT coordinator FROM vac.absences')] == ['SEA-1']
    assert {row[0] for row in offices.as_login('sup_sea').query('SELECT DISTINCT office FROM vac.patterns')} == {'SEA'}


def test_a_meeting_of_others_is_not_available(offices):
    """SEA sees that PDX's coordinator is busy with a case of PDX, and not with what."""
    moment = offices.value("SELECT (date_trunc('week', now()) + interval '15 days 18 hours')::text")    # a Tuesday, ten o'clock there
    code = offices.as_login('sup_pdx').value("SELECT vac.open_case('PDX')")
    appointment = appoint(offices, code, 'PDX-1')
    offices.query('''UPDATE vac_store.appointment SET span = tstzrange(%s::timestamptz - interval '10 min', %s::timestamptz + interval '50 min'),
        busy = tstzrange(%s::timestamptz - interval '10 min', %s::timestamptz + interval '50 min') WHERE appointment_id = %s''',
        moment, moment, moment, moment, appointment)
    offices.query("SELECT vac.add_shift('PDX-1', 'on_call', %s::timestamptz - interval '2 hours', %s::timestamptz + interval '2 hours')", moment, moment)

    def doing(login):
        with offices.connect(login) as connection:
            connection.execute("SELECT set_config('vac.now', %s, false)", (moment,))
            return {row[0] for row in connection.execute(
                "SELECT now FROM vac.on_duty_now WHERE coordinator = 'Coordinator W'").fetchall()}
    assert doing('sup_sea') == {'not available'}
    assert len(doing('sup_pdx')) == 1 and 'meeting until' in doing('sup_pdx').pop()


def test_who_could_shows_others_people_without_their_calendar(offices):
    offices.query("SELECT vac.add_leave('PDX-1', (now() - interval '2 days')::date::text, (now() + interval '60 days')::date::text)")
    offices.query("SELECT vac.add_leave('SEA-1', (now() - interval '2 days')::date::text, (now() + interval '60 days')::date::text)")
    code = offices.as_login('sup_sea').value("SELECT vac.open_case('SEA')")
    portland = offices.as_login('sup_pdx').value("SELECT vac.open_case('PDX')")

    def could(login, case_code):
        rows = offices.as_login(login).query('SELECT coordinator, telephone, duty, against FROM vac.who_could(%s)', case_code)
        return {name: (telephone, duty, re.sub(r' \(.*', '', against)) for name, telephone, duty, against in rows}
    seen = could('sup_sea', code)
    assert seen['Coordinator S (SEA)'] == ('+1 206 555 0111', 'off', 'on leave')
    assert seen['Coordinator W (PDX)'] == ('+1 503 555 0111', 'off', 'not available')
    assert could('sup_all', code)['Coordinator W (PDX)'][2] == 'on leave'
    assert {name[-4:-1] for name in seen} == {'SEA', 'PDX', 'ANC'}
    for login in ('sup_sea', 'sup_none'):
        for ask in ('vac.who_could(%s)', 'vac.plan_cost(%s)'):
            refused(offices.as_login(login), f'SELECT {ask}', portland, code='22023')
    for ask in ('vac.who_could(%s)', 'vac.plan_cost(%s)'):
        refused(offices.as_login('intake1'), f'SELECT {ask}', code)


def test_verbs_are_for_ones_own_offices(offices):
    seattle = offices.as_login('sup_sea')
    for call in ("vac.open_case('PDX')", "vac.add_leave('PDX-1', '2030-01-01', '2030-01-01')", "vac.add_shift('PDX-1', 'on_call', '2030-01-01', '2030-01-01')",
                 "vac.set_pattern('PDX-1', 'regular', 'Mon 08:00-12:00')", "vac.set_coordinator('PDX-1', telephone => '+1 503 555 0199')",
                 "vac.set_coordinator('SEA-1', office => 'PDX')", "vac.set_limits('PDX-1', 3)", "vac.retire_coordinator('PDX-1', 'roster')", "vac.hand_over('PDX-1', 'roster')",
                 "vac.set_office_limits('PDX', 'collateral', 3)",
                 "vac.set_hours('PDX', 'Mon 08:00-12:00')", "vac.set_place('PDX', 'X', 'Y')", "vac.set_backup('PDX', 'SEA', 10)",
                 "vac.set_office('PDX', name => 'P')", "vac.add_holiday('2030-01-01', 'New Year', 'PDX')",
                 "vac.add_holiday('2030-01-01', 'New Year')", "vac.set_policy('notice', '1', 'urgent')", "vac.add_protected_word('abcd')",
                 "vac.allow_domain('example.org')", "vac.set_service('counseling', minutes => 50)", "vac.set_office('BOS', name => 'Boston')",
                 "vac.set_supervisor('sup_sea', offices => 'all')", "vac.retire_supervisor('sup_all')",
                 "vac.import_roster('supervisors', '[]')"):
        assert 'sup_sea' in refused(seattle, f'SELECT {call}') or 'all offices' in refused(seattle, f'SELECT {call}')
    for call in ("vac.add_leave('SEA-1', '2030-01-01', '2030-01-01')", "vac.set_hours('SEA', 'Mon 08:00-12:00')",
                 "vac.add_holiday('2030-01-01', 'New Year', 'SEA')", "vac.open_case('SEA')"):
        seattle.query(f'SELECT {call}')


def test_a_supervisor_who_left_sees_and_does_nothing(offices):
    seattle = offices.as_login('sup_sea')
    seattle.query("SELECT vac.open_case('SEA')")
    offices.as_login('sup_all').query("SELECT vac.retire_supervisor('sup_sea')")
    assert seattle.query('TABLE vac.open_cases') == []
    refused(seattle, "SELECT vac.open_case('SEA')")


def test_rights_follow_the_login_whatever_its_role(offices):
    offices.query("SELECT vac.open_case('SEA')")
    with offices.connect('sup_pdx') as connection:
        connection.execute('SET ROLE vac_supervisor')
        assert connection.execute('TABLE vac.open_cases').fetchall() == []


def test_intake_has_its_own_cases(offices):
    first, second = offices.as_login('intake1'), offices.as_login('intake2')
    mine = first.value("SELECT vac.open_case('SEA', 'es')")
    assert first.query('SELECT state FROM vac.case_state(%s)', mine) == [('being planned',)]
    assert codes(first, 'my_cases') == {mine}
    assert codes(second, 'my_cases') == set()
    refused(second, 'SELECT vac.case_state(%s)', mine, code='22023')
    refused(second, "SELECT vac.withdraw_case(%s, 'resolved')", mine, code='22023')
    for view in ('open_cases', 'unassigned', 'why', 'week', 'roster', 'on_duty_now', 'mail_queue', 'history', 'supervisors', 'patterns', 'absences'):
        refused(first, f'TABLE vac.{view}')
    for view in ('offices', 'places', 'services', 'policies', 'holidays', 'help'):
        assert first.query(f'TABLE vac.{view}') or view == 'holidays'
    for call in ("vac.add_leave('SEA-1', '2030-01-01', '2030-01-01')", "vac.set_policy('notice', '1', 'urgent')", "vac.look_up('K7Q-4MX')",
                 "vac.set_responsible('K7Q-4MX', 'SEA-1', 'why')"):
        refused(first, f'SELECT {call}')
    first.query("SELECT vac.change_request(%s, urgency => 'urgent')", mine)
    first.query("SELECT vac.hold_case(%s, 'safety')", mine)
    first.query("SELECT vac.release_case(%s, 'safe')", mine)
    first.query("SELECT vac.withdraw_case(%s, 'resolved')", mine)


def test_keys_are_each_logins_own(offices):
    mine = offices.as_login('intake1').value("SELECT vac.open_case('SEA', key => 'tip 1')")
    theirs = offices.as_login('intake2').value("SELECT vac.open_case('SEA', 'es', key => 'tip 1')")
    assert mine != theirs
    assert offices.as_login('intake1').value("SELECT vac.open_case('SEA', key => 'tip 1')") == mine


def test_the_same_key_at_once_is_one_case(offices):
    def open_it(n):
        return offices.as_login('intake1').query("SELECT vac.open_case('SEA', victims => 3, key => %s)", f'tip {n // 4}')
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(open_it, range(40)))
    assert len({tuple(answer) for answer in answers}) == 10
    assert offices.value('SELECT count(*) FROM vac_store.case_record') == 30


def test_the_same_key_waits_for_who_gives_up(offices):
    with offices.connect('intake1') as first, concurrent.futures.ThreadPoolExecutor(1) as pool:
        first.execute('BEGIN')
        given_up = first.execute("SELECT vac.open_case('SEA', key => 'tip')").fetchone()[0]
        second = pool.submit(offices.as_login('intake1').value, "SELECT vac.open_case('SEA', key => 'tip')")
        with pytest.raises(concurrent.futures.TimeoutError):
            second.result(timeout=0.5)
        first.execute('ROLLBACK')
        assert second.result(timeout=120) != given_up
    assert offices.value('SELECT count(*) FROM vac_store.case_record') == 1


def test_the_desk_looks_up_one_code_on_record(offices):
    code = offices.as_login('intake1').value("SELECT vac.open_case('SEA')")
    desk = offices.as_login('desk1')
    assert desk.query('SELECT state, office FROM vac.look_up(%s)', code.replace('-', '').lower()) == [('being planned', 'SEA')]
    assert desk.query("SELECT * FROM vac.look_up('K7Q-4MX')") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        offices.as_login('sup_sea').query('SELECT * FROM vac.look_up(%s)', code)
    assert offices.query("SELECT who, case_code, what FROM vac.history WHERE what LIKE 'looked up%%'") == [
        ('desk1', None, 'looked up, no such case'), ('desk1', code, 'looked up')]
    for view in views(offices):
        if view != 'help':
            refused(desk, f'TABLE vac.{view}')
    refused(desk, "SELECT vac.open_case('SEA')")
    refused(desk, 'SELECT vac.case_state(%s)', code)


def test_the_daemon_has_its_own_schema_only(offices):
    daemon = offices.as_login('vacd')
    daemon.query('SELECT * FROM vac_daemon.status()')
    assert 'schema vac' in refused(daemon, 'TABLE vac.open_cases')
    assert 'schema vac' in refused(daemon, "SELECT vac.open_case('SEA')")
    assert 'schema vac_store' in refused(daemon, 'TABLE vac_store.message')
    refused(daemon, 'CREATE TABLE vac_daemon.mine ()')
    refused(daemon, 'CREATE TEMPORARY TABLE mine ()')


def test_nobody_shadows_what_definers_call(offices):
    """A temporary or own object of a caller must not be taken for ours."""
    offices.query('CREATE SCHEMA own AUTHORIZATION intake1')
    with offices.connect('intake1') as connection:
        connection.execute('CREATE TABLE own.office (code text)')
        connection.execute('SET search_path = own, public')
        assert connection.execute("SELECT vac.open_case('SEA')").fetchone()


def test_a_look_ahead_cannot_be_committed(offices):
    with offices.connect('sup_sea') as connection:
        connection.execute('BEGIN')
        connection.execute('SELECT vac.what_if()')
        connection.execute("SELECT vac.add_leave('SEA-1', '2030-01-01', '2030-01-01')")
        assert len(connection.execute('TABLE vac.absences').fetchall()) == 1
        with pytest.raises(psycopg.Error, match='^this transaction asked what if'):
            connection.execute('COMMIT')
        connection.execute("SET vac.now = '2027-06-01 12:00Z'")
        with pytest.raises(psycopg.Error, match='^this transaction looked from another moment'):
            connection.execute("SELECT vac.open_case('SEA')")
        connection.execute('RESET vac.now')
        connection.execute("SELECT vac.open_case('SEA')")
    assert offices.value('SELECT count(*) FROM vac_store.case_record') == 1
    assert offices.value('SELECT count(*) FROM vac_store.leave') == 0


def test_a_plan_and_a_hold_do_not_pass_each_other(offices):
    """While a hold is not committed, the storing of a plan waits for it or leaves the case alone."""
    code = offices.as_login('intake1').value("SELECT vac.open_case('SEA')")
    with offices.connect('sup_sea') as holder, offices.connect() as planner:
        holder.execute('BEGIN')
        holder.execute("SELECT vac.hold_case(%s, 'safety')", (code,))
        planner.execute("SET lock_timeout = '300ms'")
        group, fence = planner.execute('SELECT group_id, fence FROM vac_store.dispatch_group '
                                       "WHERE group_id = (SELECT group_id FROM vac_store.office WHERE code = 'SEA')").fetchone()
        plan = planner.execute('''SELECT jsonb_agg(jsonb_build_object('request', r.request_id, 'coordinator', k.coordinator_id,
                'start', s, 'end', s + 3600, 'busy_start', s, 'busy_end', s + 5400, 'cost', 1, 'terms', '{}'::jsonb, 'ruled_out', '{}'::jsonb))
            FROM vac_store.request r, vac_store.coordinator k,
                LATERAL (SELECT extract(epoch FROM date_trunc('hour', now()) + interval '3 days')::bigint AS s) t
            WHERE k.code = 'SEA-1' ''').fetchone()[0]
        plans = psycopg.types.json.Jsonb([{'group': group, 'round': 1, 'decisions': plan}])
        outcome = planner.execute('SELECT outcome, rule FROM vac_daemon.store_plans(%s, %s, %s)',
                                  ([group], [fence], plans)).fetchone()
        assert outcome[0] == 'refused' and outcome[1].endswith('locked')
        holder.execute('COMMIT')
        outcome = planner.execute('SELECT outcome FROM vac_daemon.store_plans(%s, %s, %s)',
                                  ([group], [fence], plans)).fetchone()
        assert outcome == ('gone',)
    assert offices.value('SELECT count(*) FROM vac_store.appointment') == 0
