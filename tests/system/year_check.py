"""What must hold of every request at any moment at which vacd has come to rest.

Each rule is a query over (now_at, grace) that gives (case code, what is wrong). A driver that moves the
clock in steps is late by as much: grace.
"""

import datetime
import re

ABOUT_MEETINGS = 'nobody found|nobody has accepted|called out|no word of meetings|did not take place'
CODE = re.compile(r'\b[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}\b')

STANDING = '''
WITH t AS (SELECT %(now)s::timestamptz AS now_at, %(now)s::timestamptz - %(grace)s::interval AS late),
r AS (SELECT r.*, c.case_code, c.state AS case_state, c.held_since FROM vac_store.request r JOIN vac_store.case_record c USING (case_id))
'''

RULES = {
    'open, and nobody plans it': '''
        SELECT r.case_code, format('plan_at %%s', r.plan_at) FROM r, t
            WHERE r.state = 'open' AND r.case_state = 'open' AND r.held_since IS NULL
                AND (r.plan_at < t.late OR r.plan_at > t.now_at + interval '1 day')''',
    'nobody is found, and the supervisors are not told again': '''
        SELECT r.case_code, format('since %%s, told %%s', r.unserved_since, r.noticed_at) FROM r, t
            WHERE r.case_state = 'open' AND r.held_since IS NULL AND r.state IN ('open', 'planned')
                AND r.unserved_since < t.late AND (r.noticed_at IS NULL OR r.noticed_at < t.late - interval '20 minutes'
                    - vac_store.policy_number('notice_again', r.urgency) * interval '1 minute')''',
    'open or held, and an appointment stands': '''
        SELECT r.case_code, format('%%s, held %%s: appointment %%s', r.state, r.held_since, a.appointment_id) FROM r
            JOIN vac_store.appointment a ON a.request_id = r.request_id AND a.live CROSS JOIN t
            WHERE (r.state <> 'planned' OR r.held_since IS NOT NULL OR r.case_state <> 'open') AND upper(a.span) > t.now_at''',
    'planned, and no appointment stands': '''
        SELECT r.case_code, '' FROM r WHERE r.state = 'planned' AND r.case_state = 'open'
            AND NOT EXISTS (SELECT FROM vac_store.appointment a WHERE a.request_id = r.request_id AND a.live)''',
    'planned, and nothing will happen': '''
        SELECT r.case_code, (SELECT string_agg(format('%%s %%s %%s answer_by %%s window_at %%s ask_at %%s', a.appointment_id, a.state, a.span,
                a.answer_by, a.window_at, a.ask_at), '; ') FROM vac_store.appointment a WHERE a.request_id = r.request_id AND a.live)
            FROM r, t
            WHERE r.state = 'planned' AND r.case_state = 'open' AND r.held_since IS NULL
                AND (r.seek_since IS NULL OR r.plan_at < t.late) AND (r.tell_at IS NULL OR r.tell_at < t.late)
                AND NOT EXISTS (SELECT FROM vac_store.appointment a WHERE a.request_id = r.request_id AND a.live AND (
                    CASE WHEN upper(a.span) + interval '1 hour' <= t.now_at THEN a.ask_at > t.late
                        WHEN a.state = 'accepted' OR lower(a.span) <= t.now_at THEN a.ask_at IS NOT NULL
                        WHEN a.answer_by IS NULL THEN a.send_by > t.late
                        ELSE a.window_at > t.late END))''',
    'a meeting is over, and its holder is asked no more': '''
        SELECT r.case_code, format('%%s, ask_at %%s', a.span, a.ask_at) FROM r JOIN vac_store.appointment a ON a.request_id = r.request_id
            AND a.live CROSS JOIN t
            WHERE r.case_state = 'open' AND r.held_since IS NULL AND upper(a.span) < t.late - interval '15 minutes'
                AND (a.ask_at IS NULL OR a.ask_at < t.late)''',
    'an invitation no mail server was given': '''
        SELECT r.case_code, format('%%s made %%s', a.appointment_id, a.made_at) FROM r JOIN vac_store.appointment a ON a.request_id = r.request_id
            CROSS JOIN t
            WHERE a.state = 'invited' AND a.answer_by IS NULL AND upper(a.span) > t.now_at AND a.made_at < t.late - interval '1 hour'
                AND r.case_state = 'open' AND NOT EXISTS (SELECT FROM vac_store.message m WHERE m.appointment_id = a.appointment_id AND m.waiting)
                -- What was set by hand, or moved, stays, and so does who was rung up; the supervisors are told to telephone.
                AND NOT ((a.pinned OR a.sequence > 0 OR EXISTS (SELECT FROM vac_store.message m
                        WHERE m.appointment_id = a.appointment_id AND m.telephoned_at IS NOT NULL))
                    AND r.told_at IS NOT NULL AND r.tell_at > t.late)''',
    'two appointments of one coordinator at once': '''
        SELECT NULL, format('%%s and %%s of %%s', a.appointment_id, b.appointment_id, a.coordinator_id) FROM vac_store.appointment a
            JOIN vac_store.appointment b ON b.coordinator_id = a.coordinator_id AND b.appointment_id > a.appointment_id AND a.span && b.span
            WHERE a.state IN ('accepted', 'invited') AND b.state IN ('accepted', 'invited')''',
    'mail that waits, and is not sent': '''
        SELECT NULL, format('%%s %%s not before %%s', m.message_id, m.kind, m.not_before) FROM vac_store.message m, t
            WHERE m.waiting AND m.not_before < t.late''',
    'mail that came in, and is not read': '''
        SELECT NULL, format('%%s came %%s', i.inbound_id, i.received_at) FROM vac_store.inbound i, t WHERE i.waiting AND i.received_at < t.late - interval '1 hour' ''',
    'mail that could not be read': '''
        SELECT NULL, format('%%s: %%s (%%s)', i.inbound_id, i.outcome, i.why) FROM vac_store.inbound i WHERE i.outcome IN ('set_aside', 'unreadable')''',
    'a clock that nobody looks at': '''
        SELECT c.case_code, format('%%s next %%s', k.kind, k.next_at) FROM vac_store.clock k JOIN vac_store.case_record c USING (case_id), t
            WHERE k.running AND (k.next_at IS NULL OR k.next_at < t.late)''',
    'a rotation that is not laid out': '''
        SELECT NULL, format('%%s lay_at %%s', r.name, r.lay_at) FROM vac_store.rotation r, t WHERE r.retired_at IS NULL AND r.lay_at < t.late''',
}

# A request that began so long ago and has not ended is one that the supervisors know.
ENDED = '''
SELECT c.case_code, r.state, r.request_id, r.urgency, r.opened_at FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
    WHERE r.state IN ('open', 'planned') AND c.state = 'open' AND c.held_since IS NULL AND r.opened_at < %s
'''


class Told:
    """Case codes that stood in notices to supervisors about meetings, and not only about clocks. (Texts are deleted after policy keep_sent_mail.)"""

    def __init__(self, connection):
        self.connection, self.last, self.codes = connection, 0, set()

    def read(self):
        for number, body in self.connection.execute("SELECT message_id, subject || E'\\n' || body FROM vac_store.message "
                                                    "WHERE kind = 'notice' AND subject ~ %s AND message_id > %s ORDER BY message_id", (ABOUT_MEETINGS, self.last)):
            self.last = number
            self.codes.update(CODE.findall(body))
        return self.codes


def violations(connection, now, grace=datetime.timedelta(minutes=30)):
    """(rule, case code or None, detail) of all that does not hold."""
    found = []
    for rule, query in RULES.items():
        for code, detail in connection.execute(STANDING + query, {'now': now, 'grace': grace}):
            found.append((rule, code, detail))
    return found


# excused: somebody must telephone, or nothing may be said; or the newest word is still on its way.
CALENDARS = '''
SELECT a.uid::text, k.mail::text, c.case_code, lower(a.span), a.live, EXISTS (SELECT FROM vac_store.message m WHERE m.uid = a.uid
        AND (m.waiting OR m.state IN ('refused', 'suppressed')))
    FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
    WHERE lower(a.span) > %s
'''


def calendars(connection, now, theirs):
    """Whether everybody's calendar has what they are to go to, and nothing else. theirs: {address: {UID: (SEQUENCE, start or None)}}"""
    found = []
    for uid, mail, code, start, live, excused in connection.execute(CALENDARS, (now,)):
        stands = theirs.get(mail, {}).get(uid, (0, None))[1]
        if not excused and stands != (start if live else None):
            rule = 'a meeting that is not in the calendar of who goes there' if live else 'a meeting that is off, and still in a calendar'
            found.append((rule, code, f'{uid}: {mail} has {stands}, it is at {start}'))
    return found


def untold(connection, told, before):
    """Requests opened before a moment that neither ended nor stand in a notice, unless somebody has accepted what is to come."""
    found = []
    for code, state, number, urgency, opened in connection.execute(ENDED, (before,)):
        if code not in told.codes:
            found.append(('no end, and no supervisor was told', code, f'{state}, {urgency}, opened {opened}'))
    return found


def history(connection, code):
    """All that is on record of a case, as text."""
    lines = []
    for row in connection.execute('''SELECT h.at, h.event, h.reason, h.appointment_id, h.coordinator_id, h.detail::text FROM vac_store.history h
            JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s ORDER BY h.history_id''', (code,)):
        lines.append('  ' + ' '.join(str(v) for v in row if v is not None))
    for row in connection.execute('''SELECT r.* FROM vac_store.request r JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s''', (code,)):
        lines.append('  request ' + ' '.join(str(v) for v in row))
    for row in connection.execute('''SELECT a.appointment_id, a.state, a.span::text, a.made_at, a.ended_at, a.answer_by, a.window_at, a.ask_at
            FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s ORDER BY 1''', (code,)):
        lines.append('  appointment ' + ' '.join(str(v) for v in row))
    return '\n'.join(lines)
