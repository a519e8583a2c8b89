#!/usr/bin/python3
"""Looks at a database and at what was delivered, and says whether vacd kept its promises.

    checker.py --database CONNINFO --delivered FOLDER [--acknowledged FILE] [--no-order]

FOLDER is a mail sink's (index.tsv and NNNNNNNN.eml) or a tree of Maildirs (then use --no-order: a
mail server may turn round what it was given in order). FILE has one acknowledged case code a line.
CONNINFO must be an administrator's. Run it when the daemons have come to rest. Exit status 0: all
is well; 1: the problems are listed.

Checked: every acknowledged case is there; every request has exactly one live appointment or a stated
reason why not (none when withdrawn or held); every live appointment's newest state was delivered to
its coordinator, with the right times; what was moved to make room is not late for it; what was
delivered and is no longer live was cancelled; nobody got an older state after a newer one; nobody is in two places; copies of one message are equal to the
byte; nothing was delivered that is not on record; nothing is left waiting.
"""

import argparse
import calendar
import collections
import email
import email.policy
import hashlib
import pathlib
import re
import sys
import time

Request = collections.namedtuple('Request', 'request_id case_code case_state held state reason')
Appointment = collections.namedtuple(
    'Appointment', 'appointment_id request_id uid coordinator_id mail live busy_from busy_to starts ends '
    'sequence')
Move = collections.namedtuple('Move', 'request_id for_request starts due')
Message = collections.namedtuple(
    'Message', 'message_id mail_uuid method uid sequence recipient state ever_claimed')
Copy = collections.namedtuple(
    'Copy', 'number mail_uuid recipient digest method uid sequence starts ends')


class Facts:
    """All that the rules look at; tests doctor it."""

    def __init__(self, requests=(), appointments=(), messages=(), copies=(), cases=(), acknowledged=(),
                 moves=()):
        self.requests = list(requests)
        self.appointments = list(appointments)
        self.messages = list(messages)
        self.copies = list(copies)
        self.cases = set(cases)
        self.acknowledged = list(acknowledged)
        self.moves = list(moves)


# ---- the rules -----------------------------------------------------------------------------------

def lost_cases(facts):
    for code in facts.acknowledged:
        if code not in facts.cases:
            yield f'case {code} was acknowledged and is not in the database'


def requests_settled(facts):
    live = collections.Counter(a.request_id for a in facts.appointments if a.live)
    for request in facts.requests:
        count = live[request.request_id]
        name = f'request {request.request_id} of case {request.case_code}'
        if request.held or request.case_state != 'open' or request.state == 'withdrawn':
            if count:
                yield f'{name} is held or withdrawn and has {count} live appointment(s)'
        elif request.state == 'planned':
            if count != 1:
                yield f'{name} is planned and has {count} live appointments'
        elif request.state == 'open':
            if count:
                yield f'{name} is open and has {count} live appointment(s)'
            elif not request.reason:
                yield f'{name} has no appointment and no stated reason'


def no_overlap(facts):
    people = collections.defaultdict(list)
    for appointment in facts.appointments:
        if appointment.live:
            people[appointment.coordinator_id].append(appointment)
    for coordinator, theirs in people.items():
        theirs.sort(key=lambda a: a.busy_from)
        for one, other in zip(theirs, theirs[1:]):
            if other.busy_from < one.busy_to:
                yield (f'coordinator {coordinator} is in two places: appointments '
                       f'{one.appointment_id} and {other.appointment_id}')


def newest_delivered(facts):
    requests = collections.defaultdict(list)
    for message in facts.messages:
        if message.method == 'REQUEST':
            requests[message.uid].append(message)
    copies = collections.defaultdict(list)
    for copy in facts.copies:
        copies[copy.mail_uuid].append(copy)
    for appointment in facts.appointments:
        if not appointment.live:
            continue
        name = f'live appointment {appointment.appointment_id}'
        theirs = requests[appointment.uid]
        if not theirs:
            yield f'{name} has no invitation'
            continue
        newest = max(theirs, key=lambda m: (m.sequence, m.message_id))
        delivered = copies[newest.mail_uuid]
        if newest.sequence != appointment.sequence:
            yield (f'{name} has SEQUENCE {appointment.sequence}, its newest message '
                   f'{newest.message_id} {newest.sequence}')
        if newest.state != 'sent':
            yield f'{name}: its newest message {newest.message_id} is {newest.state}, not sent'
        if not delivered:
            yield f'{name}: its newest message {newest.message_id} was never delivered'
        for copy in delivered:
            if copy.recipient != appointment.mail:
                yield f'{name}: told {copy.recipient} instead of {appointment.mail}'
            if (copy.starts, copy.ends) != (appointment.starts, appointment.ends):
                yield f'{name}: message {newest.message_id} says other times than the appointment'


def moved_in_time(facts):
    for move in facts.moves:
        if move.starts > move.due:
            yield (f'the appointment of request {move.request_id} was moved past its due time, to make room '
                   f'for request {move.for_request}')


def ended_cancelled(facts):
    # A cancellation may be refused for good (then it is on the supervisors' list), and about a case on
    # hold nobody is written to: the supervisor was told whom to telephone.
    quiet = {r.request_id for r in facts.requests if r.held or r.case_state != 'open'}
    refused = {m.uid for m in facts.messages if m.method == 'CANCEL' and m.state == 'refused'}
    kept = {m.uid for m in facts.messages if m.method == 'CANCEL' and m.state == 'suppressed'}
    told = {c.uid for c in facts.copies if c.method == 'CANCEL'}
    invited = {c.uid: c for c in facts.copies if c.method == 'REQUEST'}
    for appointment in facts.appointments:
        uid = appointment.uid
        if appointment.live or uid not in invited or uid in told or uid in refused:
            continue
        if not (uid in kept and appointment.request_id in quiet):
            yield (f'appointment {appointment.appointment_id} is no longer live, but '
                   f'{invited[uid].recipient} was never told')


def no_older_after_newer(facts):
    seen = {}
    for copy in facts.copies:
        if copy.uid is None:
            continue
        key = (copy.uid, copy.recipient)
        if key in seen and copy.sequence < seen[key]:
            yield (f'{copy.recipient} got SEQUENCE {copy.sequence} of {copy.uid} after '
                   f'{seen[key]} (copy {copy.number})')
        seen[key] = max(copy.sequence, seen.get(key, -1))


def copies_equal(facts):
    first = {}
    for copy in facts.copies:
        one = first.setdefault(copy.mail_uuid, copy)
        if one.digest != copy.digest:
            yield f'copies {one.number} and {copy.number} of message {copy.mail_uuid} differ'
        if one.recipient != copy.recipient:
            yield f'copies {one.number} and {copy.number} of message {copy.mail_uuid} went to two people'


def all_on_record(facts):
    known = {m.mail_uuid: m for m in facts.messages}
    for copy in facts.copies:
        message = known.get(copy.mail_uuid)
        if message is None:
            yield f'copy {copy.number} ({copy.mail_uuid}) is not on record'
        elif message.recipient != copy.recipient:
            yield f'copy {copy.number} went to {copy.recipient}, its row says {message.recipient}'
        elif (message.uid, message.sequence, message.method) != (copy.uid, copy.sequence, copy.method):
            yield f'copy {copy.number} says another UID, SEQUENCE or METHOD than its row'
        elif not message.ever_claimed:
            yield f'copy {copy.number} was delivered, its row says it was never claimed'


def sent_delivered(facts):
    delivered = {c.mail_uuid for c in facts.copies}
    for message in facts.messages:
        if message.state == 'sent' and message.mail_uuid not in delivered:
            yield f'message {message.message_id} is marked sent and was never delivered'


def nothing_waits(facts):
    for message in facts.messages:
        if message.state in ('queued', 'claimed'):
            yield f'message {message.message_id} is still {message.state}'


RULES = (lost_cases, requests_settled, no_overlap, newest_delivered, moved_in_time, ended_cancelled,
         copies_equal, all_on_record, sent_delivered, nothing_waits)
ORDER_RULES = (no_older_after_newer,)


def problems(facts, order=True):
    return [problem for rule in RULES + (ORDER_RULES if order else ()) for problem in rule(facts)]


# ---- where the facts come from -------------------------------------------------------------------

REQUESTS = '''
SELECT r.request_id, c.case_code, c.state, c.held_since IS NOT NULL, r.state,
       r.unserved_since IS NOT NULL AND EXISTS (
           SELECT FROM vac_store.decision d
           WHERE d.request_id = r.request_id AND d.appointment_id IS NULL
             AND d.at >= r.unserved_since)
FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)'''
APPOINTMENTS = '''
SELECT a.appointment_id, a.request_id, a.uid::text, a.coordinator_id, p.mail, a.live,
       extract(epoch FROM lower(a.busy))::float8, extract(epoch FROM upper(a.busy))::float8,
       extract(epoch FROM lower(a.span))::bigint, extract(epoch FROM upper(a.span))::bigint, a.sequence
FROM vac_store.appointment a JOIN vac_store.coordinator p USING (coordinator_id)'''
# Those that still stand where they were moved.
MOVES = '''
SELECT d.request_id, d.made_room_for, extract(epoch FROM lower(a.span))::float8,
       extract(epoch FROM r.due_at)::float8
FROM vac_store.decision d JOIN vac_store.request r USING (request_id)
    JOIN vac_store.appointment a USING (appointment_id)
WHERE d.made_room_for IS NOT NULL AND a.live'''
MESSAGES = '''
SELECT message_id, mail_uuid::text, method, uid::text, sequence, recipient, state, ever_claimed
FROM vac_store.message ORDER BY message_id'''
TRACE = re.compile(rb'^(Return-Path|Delivered-To|X-Original-To|Received):', re.I)


def without_trace(raw):
    """The bytes as vacd gave them: headers that a mail server puts in front are taken off."""
    lines, kept, skipping, head = raw.split(b'\n'), [], False, True
    for line in lines:
        if head and line in (b'', b'\r'):
            head = False
        if head:
            skipping = bool(TRACE.match(line)) or (skipping and line[:1] in (b' ', b'\t'))
            if skipping:
                continue
        kept.append(line.rstrip(b'\r'))
    return b'\n'.join(kept)


def calendar_fields(message):
    """(method, uid, sequence, starts, ends) of the calendar part, or five times None."""
    for part in message.walk():
        if part.get_content_type() == 'text/calendar':
            text = re.sub(r'\r?\n[ \t]', '', part.get_payload(decode=True).decode())
            field = dict(re.findall(r'^([A-Z]+)(?:;[^:\n]*)?:([^\r\n]*)', text, re.M))
            if field['METHOD'] == 'REPLY':   # ours to an invitation of leave: no state of anything of ours
                break
            moment = [calendar.timegm(time.strptime(field[name], '%Y%m%dT%H%M%SZ'))
                      for name in ('DTSTART', 'DTEND')]
            return field['METHOD'], field['UID'].split('@')[0], int(field['SEQUENCE']), *moment
    return (None,) * 5


def read_copy(number, raw, recipient=None):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    mail_uuid = message['Message-ID'].strip().strip('<>').split('@')[0]
    if recipient is None:
        recipient = message['To'].addresses[0].addr_spec
    digest = hashlib.sha256(without_trace(raw)).hexdigest()
    return Copy(number, mail_uuid, recipient, digest, *calendar_fields(message))


def read_delivered(folder):
    folder = pathlib.Path(folder)
    index = folder / 'index.tsv'
    if index.exists():
        for line in index.read_text().splitlines():
            number, _, _, _, recipients = line.split('\t')[:5]
            raw = (folder / f'{int(number):08}.eml').read_bytes()
            yield read_copy(int(number), raw, recipients)
        return
    files = [path for path in folder.rglob('*') if path.parent.name in ('new', 'cur')]
    for number, path in enumerate(sorted(files, key=lambda p: p.name), 1):
        yield read_copy(number, path.read_bytes())


def read_facts(conninfo, folder, acknowledged=()):
    import psycopg
    with psycopg.connect(conninfo) as connection:
        def rows(sql, kind):
            return [kind(*row) for row in connection.execute(sql)]
        return Facts(rows(REQUESTS, Request), rows(APPOINTMENTS, Appointment),
                     rows(MESSAGES, Message), read_delivered(folder),
                     [r[0] for r in connection.execute('SELECT case_code FROM vac_store.case_record')],
                     acknowledged, rows(MOVES, Move))


def summary(facts):
    copies = collections.Counter(c.mail_uuid for c in facts.copies)
    return (f'{len(facts.cases)} cases, {len(facts.requests)} requests, '
            f'{sum(a.live for a in facts.appointments)} live appointments of '
            f'{len(facts.appointments)} ({len(facts.moves)} moves), {len(facts.messages)} messages, '
            f'{len(facts.copies)} copies '
            f'delivered ({sum(n - 1 for n in copies.values())} of them second ones)')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--database', required=True)
    parser.add_argument('--delivered', required=True)
    parser.add_argument('--acknowledged')
    parser.add_argument('--no-order', action='store_true')
    options = parser.parse_args()
    acknowledged = ()
    if options.acknowledged:
        acknowledged = pathlib.Path(options.acknowledged).read_text().split()
    facts = read_facts(options.database, options.delivered, acknowledged)
    print(summary(facts))
    found = problems(facts, not options.no_order)
    for problem in found:
        print(problem)
    print(f'{len(found)} problems' if found else 'all promises kept')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
