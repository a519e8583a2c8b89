"""What a hostile login must not reach: cases, people and mail of other offices, and the calls that try.

Seattle (SEA) is the hostile supervisor's. Portland (PDX) is its backup, so that its people are seen and lent;
Guam (GUM) has nothing to do with it. Each of the three has cases, appointments, mail, leave, shifts, a rotation,
clocks, notes and mail that a person should look at. SEA-1 goes to a case of Portland, PDX-2 to one of Seattle.
"""

import re

import psycopg

import harness

ROSTERS = [harness.ROOT / 'etc' / 'rosters' / f'{sheet}.csv'
           for sheet in ('offices', 'supervisors', 'coordinators', 'patterns')]
LOGINS = (('desk1', 'vac_desk'), ('intake2', 'vac_intake'), ('sup_pdx', 'vac_supervisor'), ('sup_gum', 'vac_supervisor'),
          ('sup_none', 'vac_supervisor'))
OFFICES = ('SEA', 'PDX', 'GUM')

APPOINT = '''
    WITH made AS (
        INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
            SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, vac_store.handle(), now()
                FROM vac_store.case_record c JOIN vac_store.request r USING (case_id), vac_store.coordinator k,
                    LATERAL (SELECT tstzrange(t, t + interval '1 hour') AS span FROM (SELECT now() + %s * interval '1 day' AS t) x) s
                WHERE c.case_code = %s AND k.code = %s
            RETURNING appointment_id, request_id), planned AS (
        UPDATE vac_store.request SET state = 'planned' WHERE request_id IN (SELECT request_id FROM made)), decided AS (
        INSERT INTO vac_store.decision (request_id, appointment_id, at, cost, terms, ruled_out)
            SELECT request_id, appointment_id, now(), 7, '{"wait": 7}', '{}' FROM made)
    SELECT vac_store.queue_appointments('invitation', ARRAY[appointment_id]) FROM made'''

# Names and numbers that stand nowhere else, so that they can be looked for.
FAR_PEOPLE = '''
    UPDATE vac_store.coordinator k SET name = 'Faraway ' || k.code, telephone = '+1 671 999 01' || lpad(k.coordinator_id::text, 2, '0'),
            mail = 'faraway.' || lower(k.code) || '@example.org', pager = 'farpager.' || lower(k.code) || '@example.org'
        FROM vac_store.office o WHERE o.office_id = k.office_id AND o.code = 'GUM' '''

LISTED = '''
    INSERT INTO vac_store.inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before, state, outcome,
            handled_at, said, why, office_id, appointment_id, coordinator_id, from_address)
        SELECT now(), 'x@example.org', 'y@example.org', gen_random_uuid(), 'raw', 3, now(), 'listed', 'stale', now(), 'declined', 'too old',
                a.office_id, a.appointment_id, a.coordinator_id, 'writer.' || lower(o.code) || '@hidden.example'
            FROM vac_store.appointment a JOIN vac_store.office o USING (office_id)'''

# The mail server's last word may name the address.
REFUSED = '''
    UPDATE vac_store.message m SET state = 'refused', reply = m.recipient || ' is unknown'
        WHERE m.kind IN ('requester', 'update', 'cancel')'''

SECRETS = '''
    SELECT DISTINCT s FROM (
        SELECT unnest(ARRAY[c.case_code, c.agency_reference, c.requester, c.idempotency_key]) AS s
            FROM vac_store.case_record c JOIN vac_store.office o USING (office_id) WHERE o.code <> 'SEA'
        UNION SELECT unnest(ARRAY[a.uid::text, a.answer_handle]) FROM vac_store.appointment a
        UNION SELECT unnest(ARRAY[m.bounce_handle, m.mail_uuid::text]) FROM vac_store.message m
        UNION SELECT n.text FROM vac_store.note n JOIN vac_store.history h USING (note_id) JOIN vac_store.office o USING (office_id)
            WHERE o.code <> 'SEA'
        UNION SELECT i.from_address FROM vac_store.inbound i JOIN vac_store.office o USING (office_id)
            WHERE o.code = 'GUM'
        UNION SELECT unnest(ARRAY[k.name, k.telephone, k.mail, k.pager]) FROM vac_store.coordinator k JOIN vac_store.office o USING (office_id)
            WHERE o.code = 'GUM') all_of_them
    WHERE s IS NOT NULL'''


def open_case(database, login, office, **more):
    names = ''.join(f', {name} => %s' for name in more)
    return database.as_login(login).value(f"SELECT vac.open_case(%s, urgency => 'urgent', mode => 'telephone'{names})", office, *more.values())


class World:
    """A database with something of everything in three offices."""

    def __init__(self, cluster):
        self.database = database = cluster.database(rosters=ROSTERS)
        for login, role in LOGINS:
            database.query(f"""DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
                    CREATE ROLE {login} LOGIN IN ROLE {role}; END IF; END $$""")
        database.query("SELECT vac.allow_domain('hidden.example'), vac.allow_domain('example.org')")
        database.query(FAR_PEOPLE)
        self.cases = {office: self.fill(office) for office in OFFICES}
        self.cases['intake'] = [open_case(database, 'intake1', 'SEA')]
        for office, coordinator, day in (('PDX', 'SEA-1', 9), ('SEA', 'PDX-2', 10)):
            database.query(APPOINT, day, self.cases[office][1], coordinator)
        database.query(LISTED)
        database.query("SELECT vac_store.queue_appointments('update', ARRAY(SELECT appointment_id FROM vac_store.appointment))")
        database.query("SELECT vac_store.tell_requesters(ARRAY(SELECT request_id FROM vac_store.request), 'planned')")
        database.query(REFUSED)
        self.secrets = [row[0] for row in database.query(SECRETS)]
        assert len(self.secrets) > 40
        self.numbers = {office: self.number_of(office) for office in OFFICES}

    def fill(self, office):
        """Three cases of an office: with its own coordinator, with somebody else's, and on hold with nobody."""
        database = self.database
        codes = [open_case(database, 'intake2', office, agency_reference=f'REF-{office}-{n}', key=f'key of {office} {n}',
                           requester=f'officer{n}.{office.lower()}@hidden.example') for n in range(3)]
        database.query(f"SELECT vac.hold_case(%s, 'safety: secret note of {office}')", codes[2])
        database.query(APPOINT, 3, codes[0], f'{office}-1')
        database.query("SELECT vac.add_leave(%s, '2030-01-01', '2030-01-03'), vac.add_shift(%s, 'on_call', '2030-02-01', '2030-02-02')",
                       f'{office}-2', f'{office}-2')
        database.query('SELECT vac.set_rotation(%s, %s, %s)', office, f'nights of {office}', f'{office}-1, {office}-2')
        return codes

    def number_of(self, office):
        """The ids that verbs take, of this office's rows."""
        one = self.database.query('''SELECT
            (SELECT max(inbound_id) FROM vac_store.inbound i JOIN vac_store.office o USING (office_id) WHERE o.code = %s),
            (SELECT max(message_id) FROM vac_store.message m JOIN vac_store.office o USING (office_id) JOIN vac_store.appointment a USING (appointment_id)
                JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
                WHERE o.code = %s AND m.state = 'refused' AND m.kind = 'update' AND k.office_id = o.office_id),
            (SELECT max(request_id) FROM vac_store.request r JOIN vac_store.office o USING (office_id) WHERE o.code = %s)''', office, office, office)[0]
        assert None not in one
        return {'mail': one[0], 'message': one[1], 'request': one[2]}

    def values(self, office, case):
        """What a call names, all of one office; None: what does not exist."""
        if office is None:
            return {'case': 'K7Q-4MX', 'coordinator': 'ZZZ-9', 'office': 'ZZZ', 'login': 'sup_zzz', 'rotation': 'nights of ZZZ', 'number': 999999}
        numbers = self.numbers[office]
        return {'case': case or self.cases[office][0], 'coordinator': f'{office}-1', 'office': office, 'login': f'sup_{office.lower()}',
                'rotation': f'nights of {office}', **numbers, 'number': numbers['request']}

    def told(self, text):
        """Which secrets stand in a text."""
        return [secret for secret in self.secrets if secret in text]


# ---- calls ---------------------------------------------------------------------------------------

# Kinds of arguments that name something of an office, by their names; all others get a value that would do.
KINDS = ((r'case|^code$', 'case'), (r'coordinator|preferred|colleague|holder|successor', 'coordinator'),
         (r'office|backup$', 'office'), (r'login|supervisor', 'login'), (r'^rotation$', 'rotation'))
PLAIN = {'reason': 'mistake: why', 'day': '2030-03-01', 'from_time': '2030-03-01', 'to_time': '2030-03-02', 'one_day': '2030-03-01',
         'other_day': '2030-03-09', 'hours': 'Mon-Fri 08:00-16:00', 'kind': 'on_call', 'urgency': 'routine', 'place': 'MAIN',
         'travel_minutes': '60', 'outcome': 'held', 'as_what': 'decline', 'clock': 'hhs_notice', 'word': 'hedgehog', 'domain': 'walk.example',
         'name': 'notice', 'value': '90', 'service': 'counseling', 'sheet': 'leave', 'address': 'Pier 3', 'wanted': 'true'}
BY_TYPE = {'text': 'x', 'integer': '1', 'bigint': '1', 'numeric': '1', 'boolean': 'true', 'date': '2030-03-01', 'jsonb': '[]',
           'timestamp with time zone': '2030-03-01 10:00Z', 'text[]': '{}', 'interval': '1 hour'}
ARGUMENTS = '''
    SELECT p.oid::regprocedure::text, n.nspname || '.' || quote_ident(p.proname),
            coalesce(array_agg(a.name ORDER BY a.n) FILTER (WHERE a.n IS NOT NULL), '{}'),
            coalesce(array_agg(format_type(a.type, NULL) ORDER BY a.n) FILTER (WHERE a.n IS NOT NULL), '{}'), p.pronargs - p.pronargdefaults,
            has_schema_privilege(%s, n.oid, 'USAGE') AND has_function_privilege(%s, p.oid, 'EXECUTE')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            LEFT JOIN LATERAL (SELECT u.n, u.type, p.proargnames[u.n] AS name FROM unnest(p.proargtypes) WITH ORDINALITY u (type, n)) a ON true
        WHERE n.nspname !~ '^pg_|^information_schema$' AND p.prokind IN ('f', 'p') AND p.prorettype <> 'trigger'::regtype
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        GROUP BY p.oid, n.oid ORDER BY 1'''


def kind_of(name, kind_of_value):
    if kind_of_value in ('bigint', 'integer') and name in ('mail', 'message', 'request', 'appointment', 'of_plan'):
        return name if name in ('mail', 'message') else 'number'
    if kind_of_value == 'text':
        return next((kind for pattern, kind in KINDS if re.search(pattern, name)), None)
    return None


class Verb:
    """A function that a login may call, or may not, with the arguments that name something of an office."""

    def __init__(self, signature, name, arguments, types, required, allowed):
        self.signature, self.name, self.allowed = signature, name, allowed
        self.arguments = list(zip(arguments, types, range(1, len(types) + 1)))
        self.required = required
        self.naming = {argument: kind_of(argument or '', kind) for argument, kind, n in self.arguments if kind_of(argument or '', kind)}

    def call(self, own, foreign=None, only=None):
        """SQL that names what is foreign, in all arguments that can or in one of them, and elsewhere what is one's own."""
        parts = []
        for argument, kind, n in self.arguments:
            what = self.naming.get(argument)
            if what:
                source = own if foreign is None or (only and argument != only) else foreign
                value = str(source.get(what, source['number']))
            elif n <= self.required:
                value = PLAIN.get(argument, BY_TYPE.get(kind))
            else:
                continue
            front = f'{argument} => ' if argument else ''
            parts.append(f'{front}NULL::{kind}' if value is None else f"{front}'{value}'::{kind}")
        return f'SELECT * FROM {self.name}({", ".join(parts)})'


def verbs(database, login):
    """Every function outside the system's own schemas, as this login has it."""
    return [Verb(*row) for row in database.query(ARGUMENTS, login, login)]


class Answer:
    """What came of a statement: the rows or the refusal, as text, and whether anything was written."""

    def __init__(self, sqlstate, text, wrote):
        self.sqlstate, self.text, self.wrote = sqlstate, text, wrote

    def words(self, *values):
        """The refusal without what the call itself named."""
        text = self.text
        for value in sorted(set(map(str, values)), key=len, reverse=True):
            text = re.sub(rf'(?<![\w-]){re.escape(value)}(?![\w-])', '…', text)
        return f'{self.sqlstate} {text}'


def said(error):
    diag = error.diag
    parts = (diag.message_primary, diag.message_detail, diag.message_hint, diag.context)
    return '\n'.join(part for part in parts if part)


def attempt(connection, statement):
    """Runs a statement by itself, and rolls back what it did."""
    notices = []
    connection.add_notice_handler(notices_of := lambda diag: notices.append(f'{diag.message_primary} {diag.message_detail} {diag.message_hint}'))
    try:
        connection.execute('BEGIN')
        cursor = connection.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        wrote = connection.execute('SELECT pg_current_xact_id_if_assigned() IS NOT NULL').fetchone()[0]
        return Answer(None, '\n'.join([str(rows), *notices]), wrote)
    except psycopg.Error as error:
        return Answer(error.sqlstate, '\n'.join([said(error), *notices]), False)
    finally:
        connection.remove_notice_handler(notices_of)
        connection.execute('ROLLBACK')
