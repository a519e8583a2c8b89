#!/usr/bin/python3
"""Looks at a database and at what was delivered, and says whether vacd kept its promises.

    checker.py --database CONNINFO --delivered FOLDER [--acknowledged FILE] [--received FILE] [--no-order]

FOLDER is a mail sink's (index.tsv and NNNNNNNN.eml) or a tree of Maildirs (then use --no-order: a
mail server may turn round what it was given in order). FILE has one acknowledged case code a line, or
one Message-ID (without <>) of a mail that the inbox took. CONNINFO must be an administrator's. Run it
when the daemons have come to rest. Exit status 0: all is well; 1: the problems are listed.

The promises, and what is looked at for each:
1. Nothing acknowledged is lost, no request forgotten: every acknowledged case and every mail taken in
   is there; every request has a live appointment or a stated reason why not (when withdrawn or held
   none that was not over by then); nothing is left waiting, out or in.
2. Nobody is in two places; no request has two coordinators (but a call-out, until one accepts).
3. The newest state of each live appointment was delivered to its coordinator with the right times, what
   was delivered and is no longer live was cancelled; copies of one message are equal to the byte;
   nothing was delivered that is not on record.
4. Nobody got an older state after a newer one, and no message that was never claimed.
5. Each appointment has its decision and its history, from first to last; what was moved to make room is
   not late for it; each answer counted is in history once, and came from a mail that was taken.
6. Nothing is done twice: no mail goes out more often than it was claimed, no mail that came in is taken
   twice, no plan decides twice about a request.
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

Request = collections.namedtuple('Request', 'request_id case_code case_state held state reason ended', defaults=(None,))
Appointment = collections.namedtuple(
    'Appointment', 'appointment_id request_id uid coordinator_id mail live busy_from busy_to starts ends '
    'sequence urgency state ended', defaults=('routine', 'invited', None))
Move = collections.namedtuple('Move', 'request_id for_request starts due')
Message = collections.namedtuple(
    'Message', 'message_id mail_uuid method uid sequence recipient state ever_claimed claims', defaults=(1,))
Copy = collections.namedtuple(
    'Copy', 'number mail_uuid recipient digest method uid sequence starts ends')

Decision = collections.namedtuple('Decision', 'request_id appointment_id plan_id moved')
Event = collections.namedtuple('Event', 'request_id appointment_id event')
Inbound = collections.namedtuple('Inbound', 'inbound_id mail_id recipient state outcome')
Answer = collections.namedtuple('Answer', 'request_id appointment_id inbound_id partstat coordinator_id')
ENDED = ('declined', 'lapsed', 'replaced', 'cancelled')
WORDS = {'ACCEPTED': 'answer_accepted', 'DECLINED': 'answer_declined', 'TENTATIVE': 'answer_tentative'}


class Facts:
    """All that the rules look at; tests doctor it."""

    def __init__(self, requests=(), appointments=(), messages=(), copies=(), cases=(), acknowledged=(),
                 moves=(), decisions=(), events=(), inbound=(), answers=(), received=()):
        self.requests = list(requests)
        self.appointments = list(appointments)
        self.messages = list(messages)
        self.copies = list(copies)
        self.cases = set(cases)
        self.acknowledged = list(acknowledged)
        self.moves = list(moves)
        self.decisions = list(decisions)
        self.events = list(events)
        self.inbound = list(inbound)
        self.answers = list(answers)
        self.received = list(received)


# ---- the rules -----------------------------------------------------------------------------------

def lost_cases(facts):
    for code in facts.acknowledged:
        if code not in facts.cases:
            yield f'case {code} was acknowledged and is not in the database'


def lost_mails(facts):
    there = collections.Counter(i.mail_id for i in facts.inbound)
    for mail_id, times in collections.Counter(facts.received).items():
        if there[mail_id] < times:
            yield f'mail {mail_id} was taken {times} time(s) and is there {there[mail_id]} time(s)'


def most_live(theirs):
    """How many appointments a request may have: of a call-out several are asked, until one accepts."""
    asked = [a for a in theirs if a.urgency == 'immediate' and a.state == 'invited']
    return max(1, len(asked)) if len(asked) == len(theirs) else 1


def requests_settled(facts):
    live = collections.defaultdict(list)
    for appointment in facts.appointments:
        if appointment.live:
            live[appointment.request_id].append(appointment)
    for request in facts.requests:
        count = len(live[request.request_id])
        name = f'request {request.request_id} of case {request.case_code}'
        if request.held or request.case_state != 'open' or request.state == 'withdrawn':
            # What was over by then is not called off, and waits for its outcome as long as the case is there.
            left = sum(request.ended is None or a.ends > request.ended for a in live[request.request_id])
            if left:
                yield f'{name} is held or withdrawn and has {left} live appointment(s) that were not over by then'
        elif request.state == 'planned':
            if not 1 <= count <= most_live(live[request.request_id]):
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
        # A reminder that came too late to be one was not sent.
        if message.method == 'REQUEST' and message.state != 'unneeded':
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
    # What came back never reached them; that a cancellation was kept back, as of a case that was on hold then, is on record.
    came_back = {m.uid for m in facts.messages if m.method == 'REQUEST' and m.state == 'refused'} - {
        m.uid for m in facts.messages if m.method == 'REQUEST' and m.state == 'sent'}
    on_record = {e.appointment_id for e in facts.events if e.event == 'message_suppressed'}
    invited = {c.uid: c for c in facts.copies if c.method == 'REQUEST'}
    for appointment in facts.appointments:
        uid = appointment.uid
        if appointment.live or appointment.state in ('held', 'missed'):
            continue
        # What was over by then is called off no more.
        if appointment.ended is not None and appointment.ended >= appointment.ends:
            continue
        if uid not in invited or uid in told or uid in refused or uid in came_back:
            continue
        if not (uid in kept and (appointment.request_id in quiet or appointment.appointment_id in on_record)):
            yield (f'appointment {appointment.appointment_id} is {appointment.state} and no longer live, but '
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
    for mail in facts.inbound:
        if mail.state in ('waiting', 'claimed'):
            yield f'mail {mail.inbound_id} that came in is still {mail.state}'


def decided_and_recorded(facts):
    decided = {d.appointment_id for d in facts.decisions}
    events = collections.Counter(e.appointment_id for e in facts.events)
    for appointment in facts.appointments:
        name = f'appointment {appointment.appointment_id}'
        if appointment.appointment_id not in decided:
            yield f'{name} has no decision'
        if not events[appointment.appointment_id]:
            yield f'{name} has no history'
        elif appointment.state in ENDED and events[appointment.appointment_id] < 2:
            yield f'{name} is {appointment.state}, and history does not say how it ended'


def decided_once(facts):
    plans = collections.Counter((d.plan_id, d.request_id) for d in facts.decisions if d.plan_id and not d.moved)
    for (plan, request), times in plans.items():
        if times > 1:
            yield f'plan {plan} decided {times} times about request {request}'


def holders(facts):
    return {a.appointment_id: a.coordinator_id for a in facts.appointments}


def with_anothers_token(theirs, holder):
    """Of a call-out several are asked. A yes with the token of another's invitation is kept beside that one, so that a
    second copy is known, and beside the appointment of who says it, which is the one that it accepts."""
    own = [a for a in theirs if holder.get(a.appointment_id) == a.coordinator_id]
    return (len(theirs) == 2 and len(own) == 1 and theirs[0].partstat == 'ACCEPTED'
            and len({(a.request_id, a.coordinator_id, a.partstat) for a in theirs}) == 1)


def by_mail(answers):
    mails = collections.defaultdict(list)
    for answer in answers:
        if answer.inbound_id:
            mails[answer.inbound_id].append(answer)
    return mails


def answers_once(facts):
    outcomes = {i.inbound_id: i.outcome for i in facts.inbound}
    holder = holders(facts)
    for mail, theirs in by_mail(facts.answers).items():
        if outcomes.get(mail) != 'taken':
            yield f'mail {mail} gave an answer and is {outcomes.get(mail)}, not taken'
        if len(theirs) > 1 and not with_anothers_token(theirs, holder):
            yield f'mail {mail} gave {len(theirs)} answers'
    taken = collections.Counter((i.mail_id, i.recipient) for i in facts.inbound if i.outcome == 'taken')
    for (mail_id, _), times in taken.items():
        if times > 1 and mail_id:
            yield f'mail {mail_id} was taken {times} times'


def answers_recorded(facts):
    mails, holder = by_mail(facts.answers), holders(facts)
    # Those of one mail are one; those that were told came with none.
    answers = collections.Counter(request for request, _ in {(a.request_id, a.inbound_id) for a in facts.answers if a.inbound_id})
    answers.update(a.request_id for a in facts.answers if not a.inbound_id)
    events = collections.Counter(e.request_id for e in facts.events if e.event in WORDS.values())
    for request, times in events.items():
        if times > answers[request]:
            yield f'history knows {times} answers about request {request}, {answers[request]} were taken'
    told = {(e.appointment_id, e.event) for e in facts.events}
    took_over = {(a.request_id, a.coordinator_id) for a in facts.appointments if (a.appointment_id, 'handed_over') in told}
    for answer in facts.answers:
        word, number = WORDS.get(answer.partstat), answer.appointment_id
        if word and holder.get(number) == answer.coordinator_id:
            if (number, word) not in told:
                yield f'history does not know that appointment {number} was {answer.partstat}'
        elif word and not (answer.partstat == 'ACCEPTED' and (
                (number, 'handed_over') in told and (answer.request_id, answer.coordinator_id) in took_over
                or with_anothers_token(mails[answer.inbound_id], holder))):
            yield f'appointment {number} was {answer.partstat} by coordinator {answer.coordinator_id}, who does not hold it'


def claimed_as_often(facts):
    copies = collections.Counter(c.mail_uuid for c in facts.copies)
    for message in facts.messages:
        if copies[message.mail_uuid] > message.claims:
            yield (f'message {message.message_id} was claimed {message.claims} time(s) and delivered '
                   f'{copies[message.mail_uuid]} times')


RULES = (lost_cases, lost_mails, requests_settled, no_overlap, newest_delivered, moved_in_time, ended_cancelled,
         copies_equal, all_on_record, sent_delivered, nothing_waits, decided_and_recorded, decided_once,
         answers_once, answers_recorded, claimed_as_often)
ORDER_RULES = (no_older_after_newer,)


def problems(facts, order=True):
    return [problem for rule in RULES + (ORDER_RULES if order else ()) for problem in rule(facts)]


# ---- where the facts come from -------------------------------------------------------------------

# From when on nothing more was to come of it: the case ended or was put on hold, or was another's when it did.
REQUESTS = '''
SELECT r.request_id, c.case_code, c.state, c.held_since IS NOT NULL, r.state,
       r.unserved_since IS NOT NULL AND EXISTS (
           SELECT FROM vac_store.decision d
           WHERE d.request_id = r.request_id AND d.appointment_id IS NULL
             AND d.at >= r.unserved_since),
       ceil(extract(epoch FROM CASE WHEN c.held_since IS NOT NULL THEN greatest(c.held_since, g.held_since, g.ended_at)
           WHEN c.state <> 'open' THEN c.ended_at WHEN r.state = 'withdrawn' THEN g.ended_at END))::bigint
FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
    CROSS JOIN LATERAL (SELECT max(o.held_since) AS held_since, max(o.ended_at) AS ended_at
        FROM vac_store.case_record o WHERE o.merged_into = c.case_id) g'''
APPOINTMENTS = '''
SELECT a.appointment_id, a.request_id, a.uid::text, a.coordinator_id, p.mail, a.live,
       extract(epoch FROM lower(a.busy))::float8, extract(epoch FROM upper(a.busy))::float8,
       extract(epoch FROM lower(a.span))::bigint, extract(epoch FROM upper(a.span))::bigint, a.sequence,
       a.urgency, a.state, extract(epoch FROM a.ended_at)::float8
FROM vac_store.appointment a JOIN vac_store.coordinator p USING (coordinator_id)'''
# Those that still stand where they were moved.
MOVES = '''
SELECT d.request_id, d.made_room_for, extract(epoch FROM lower(a.span))::float8,
       extract(epoch FROM r.due_at)::float8
FROM vac_store.decision d JOIN vac_store.request r USING (request_id)
    JOIN vac_store.appointment a USING (appointment_id)
WHERE d.made_room_for IS NOT NULL AND a.live'''
# A question after the meeting, and our answer to an invitation of leave, are about a UID and no state of it.
MESSAGES = '''
SELECT m.message_id, m.mail_uuid::text, k.method, CASE WHEN k.method IS NOT NULL THEN m.uid::text END,
       CASE WHEN k.method IS NOT NULL THEN m.sequence END, m.recipient, m.state, m.ever_claimed, m.fence
FROM vac_store.message m CROSS JOIN LATERAL (SELECT NULLIF(m.method, 'REPLY') AS method) k
ORDER BY m.message_id'''
DECISIONS = '''
SELECT request_id, appointment_id, plan_id, made_room_for IS NOT NULL FROM vac_store.decision'''
# What was moved to somebody else is named by the event of the new appointment.
EVENTS = '''
SELECT h.request_id, h.appointment_id, h.event FROM vac_store.history h WHERE h.appointment_id IS NOT NULL
UNION ALL
SELECT NULL, (h.detail ->> 'from_appointment')::bigint, h.event FROM vac_store.history h
WHERE (h.detail ->> 'from_appointment')::bigint IS DISTINCT FROM h.appointment_id AND h.detail ? 'from_appointment'
'''
# A mail may have any octet, NUL too.
INBOUND = '''
SELECT inbound_id, substring(encode(raw, 'escape') FROM '(?i)Message-ID: *<([^>]*)>'), envelope_recipient, state, outcome
FROM vac_store.inbound'''
ANSWERS = '''
SELECT a.request_id, o.appointment_id, o.inbound_id, o.partstat, o.coordinator_id
FROM vac_store.answer o JOIN vac_store.appointment a USING (appointment_id)'''
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


def read_copy(number, raw, recipient=None, message=None):
    """message: the same, if it has been parsed already."""
    message = message or email.message_from_bytes(raw, policy=email.policy.default)
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


def read_facts(conninfo, folder, acknowledged=(), received=()):
    import psycopg
    with psycopg.connect(conninfo) as connection:
        def rows(sql, kind):
            return [kind(*row) for row in connection.execute(sql)]
        return Facts(rows(REQUESTS, Request), rows(APPOINTMENTS, Appointment),
                     rows(MESSAGES, Message), read_delivered(folder),
                     [r[0] for r in connection.execute('SELECT case_code FROM vac_store.case_record')],
                     acknowledged, rows(MOVES, Move), rows(DECISIONS, Decision), rows(EVENTS, Event),
                     rows(INBOUND, Inbound), rows(ANSWERS, Answer), received)


def summary(facts):
    copies = collections.Counter(c.mail_uuid for c in facts.copies)
    return (f'{len(facts.cases)} cases, {len(facts.requests)} requests, '
            f'{sum(a.live for a in facts.appointments)} live appointments of '
            f'{len(facts.appointments)} ({len(facts.moves)} moves), {len(facts.messages)} messages, '
            f'{len(facts.copies)} copies '
            f'delivered ({sum(n - 1 for n in copies.values())} of them second ones), '
            f'{len(facts.inbound)} mails in, {len(facts.answers)} answers counted')


def words_of(path):
    return pathlib.Path(path).read_text().split() if path else ()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--database', required=True, metavar='CONNINFO', help="libpq's words for it, as an administrator")
    parser.add_argument('--delivered', required=True, metavar='FOLDER', help='what the mail server delivered')
    parser.add_argument('--acknowledged', metavar='FILE', help='case codes that somebody was told')
    parser.add_argument('--received', metavar='FILE', help='Message-IDs of mails that the inbox said 250 to')
    parser.add_argument('--no-order', action='store_true', help='what was delivered says nothing about order')
    options = parser.parse_args()
    facts = read_facts(options.database, options.delivered, words_of(options.acknowledged), words_of(options.received))
    print(summary(facts))
    found = problems(facts, not options.no_order)
    for problem in found:
        print(problem)
    print(f'{len(found)} problems' if found else 'all promises kept')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
