"""What a soak writes down by itself, so that the checker can judge what retention has removed meanwhile.

Every few invented days, sooner than any policy removes something, all that checker.py looks at is read, and
what is gone stays as it was last seen. What is gone must have been allowed to go.
"""

import datetime

import checker

DAY = datetime.timedelta(days=1)
# Raw mail is read for its Message-ID, and policy keep_raw_inbound is at least this long in a soak.
EVERY_DAYS = 3

CASES = 'SELECT case_id, case_code, state, ended_at FROM vac_store.case_record'
REQUEST_CASES = 'SELECT request_id, case_id FROM vac_store.request'
DECISIONS = '''
SELECT decision_id, request_id, appointment_id, plan_id, made_room_for IS NOT NULL FROM vac_store.decision WHERE decision_id > %s ORDER BY 1'''
EVENTS = '''
SELECT h.history_id, h.request_id, h.appointment_id, h.event, (h.detail ->> 'from_appointment')::bigint
FROM vac_store.history h WHERE h.history_id > %s AND (h.appointment_id IS NOT NULL OR h.detail ? 'from_appointment') ORDER BY 1'''
ANSWERS = '''
SELECT o.answer_id, a.request_id, o.appointment_id, o.inbound_id, o.partstat, o.coordinator_id
FROM vac_store.answer o JOIN vac_store.appointment a USING (appointment_id) WHERE o.answer_id > %s ORDER BY 1'''
# What is known already is not read again: raw mails are most of what there is.
INBOUND_STATES = 'SELECT inbound_id, NULL, envelope_recipient, state, outcome FROM vac_store.inbound WHERE inbound_id <= %s'
AGES = {
    'message': 'SELECT message_id, made_at, case_id, waiting FROM vac_store.message',
    'inbound': 'SELECT inbound_id, received_at, NULL::bigint, waiting FROM vac_store.inbound',
}


class Record:
    """keep: what goes after how many days by policy: cases, messages, inbound (missing: never)."""

    def __init__(self, keep):
        self.keep = keep
        self.cases = {}                # case_id: (code, state, ended_at)
        self.codes = set()             # of all cases there ever were
        self.request_case = {}
        self.requests, self.appointments, self.messages, self.inbound = {}, {}, {}, {}
        self.ages = {'message': {}, 'inbound': {}}
        self.decisions, self.events, self.answers = [], [], []
        self.last = {'decision': 0, 'event': 0, 'answer': 0}
        self.copies, self.received, self.acknowledged = [], [], []
        self.gone = {'case_record': 0, 'message': 0, 'inbound': 0}

    # ---- what was delivered ------------------------------------------------------------------
    def delivered(self, number, raw, recipients, message):
        self.copies.append(checker.read_copy(number, raw, recipients, message))

    # ---- what is there -----------------------------------------------------------------------
    def update(self, connection, now):
        """Reads all anew; returns what is gone and should not be."""
        with connection.transaction():
            connection.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
            problems = list(self._cases(connection, now))
            problems += self._rows(connection, 'message', now)
            problems += self._rows(connection, 'inbound', now)
            self._facts(connection)
            self._added(connection)
        return problems

    def _cases(self, connection, now):
        there = {row[0]: row[1:] for row in connection.execute(CASES)}
        for case_id, (code, state, ended) in self.cases.items():
            if case_id in there:
                continue
            self.gone['case_record'] += 1
            least = self.keep.get('cases')
            # Reopened and ended again in between it would have ended later than we know: only longer ago is right.
            if least is None or state == 'open' or ended is None or now - ended < least * DAY:
                yield f'case {code} is gone, was {state}, ended {ended}'
        self.cases = there
        self.codes.update(code for code, _, _ in there.values())

    def _rows(self, connection, table, now):
        there = {row[0]: row[1:] for row in connection.execute(AGES[table])}
        least = self.keep.get({'message': 'messages'}.get(table, table))
        for number, (at, case_id, waiting) in self.ages[table].items():
            if number in there:
                continue
            self.gone[table] += 1
            of_case = case_id is not None and case_id not in self.cases
            old = least is not None and now - at >= least * DAY
            if waiting or not (old or of_case):
                yield f'{table} {number} of {at} is gone, case {case_id}, waiting {waiting}'
        self.ages[table] = there

    def _facts(self, connection):
        for kind, query, into in ((checker.Request, checker.REQUESTS, self.requests),
                                  (checker.Appointment, checker.APPOINTMENTS, self.appointments),
                                  (checker.Message, checker.MESSAGES, self.messages)):
            for row in connection.execute(query):
                into[row[0]] = kind(*row)
        known = max(self.inbound, default=0)
        for row in connection.execute(INBOUND_STATES, (known,)):
            self.inbound[row[0]] = checker.Inbound(*row)._replace(mail_id=self.inbound[row[0]].mail_id)
        for row in connection.execute(f'{checker.INBOUND} WHERE inbound_id > %s', (known,)):
            self.inbound[row[0]] = checker.Inbound(*row)

    def _added(self, connection):
        for number, *row in connection.execute(DECISIONS, (self.last['decision'],)):
            self.last['decision'] = number
            self.decisions.append(checker.Decision(*row))
        for number, request, appointment, event, moved in connection.execute(EVENTS, (self.last['event'],)):
            self.last['event'] = number
            if appointment is not None:
                self.events.append(checker.Event(request, appointment, event))
            if moved is not None and moved != appointment:
                self.events.append(checker.Event(None, moved, event))
        for number, *row in connection.execute(ANSWERS, (self.last['answer'],)):
            self.last['answer'] = number
            self.answers.append(checker.Answer(*row))

    # ---- the end -----------------------------------------------------------------------------
    def facts(self, connection):
        """All that ever was, for checker.problems()."""
        moves = [checker.Move(*row) for row in connection.execute(checker.MOVES)]
        return checker.Facts(self.requests.values(), self.appointments.values(), self.messages.values(), self.copies, self.codes,
                             self.acknowledged, moves, self.decisions, self.events, self.inbound.values(), self.answers, self.received)
