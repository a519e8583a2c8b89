"""A random walk: all that can happen to appointments, against a model of vacd-appointment(7).

After each event the appointment, its request, whoever is barred, the first contact, and the mail in
return are compared. 5,000 events, or as many as VACD_TEST_WALK says; VACD_TEST_SEED takes another walk.
"""

import collections
import json
import os
import random

import psycopg
import pytest

from test_answers_locked import world_of_sql_tests
from walk_facts import ENDED, LIVE, MOVE, OVER, WEIGHT, Appointment, Request

EVENTS = int(os.environ.get('VACD_TEST_WALK', '5000'))
SEED = int(os.environ.get('VACD_TEST_SEED') or 20261127)   # others by hand: the same walk each time tells whose change broke it
PEOPLE = {'SEA-1': 'sea-1@example.org', 'SEA-2': 'sea-2@example.org', 'PDX-1': 'pdx-1@example.org'}
# Working days, one meeting each: with travel from the other office there is no room for two.
SLOTS = [(day, '10:00') for day in range(2, 14)]

DAEMON = '11111111-1111-1111-1111-111111111111'


class Walk:
    def __init__(self, database):
        self.random = random.Random(SEED)
        self.db = database.connect()
        self.db.execute('SET enable_seqscan = off')     # tables grow while plans stay
        self.db.execute(world_of_sql_tests())
        self.db.execute(MOVE)
        self.db.execute("UPDATE policy SET value = '1000000' WHERE name = 'automatic_mail_a_day'")
        self.db.execute("UPDATE policy SET value = '21' WHERE name = 'horizon'")
        self.times = {slot: self.value('SELECT pg_temp.secs(pg_temp.day(%s, %s))', *slot) for slot in SLOTS}
        self.clock = self.value('SELECT pg_temp.secs(now())') - 4 * 86400   # and ends before now
        self.requests, self.overs, self.mails = [], 0, collections.defaultdict(list)

    def value(self, sql, *args):
        return self.db.execute(sql, args or None).fetchone()[0]

    # ---- the planner's part ------------------------------------------------------------------
    def busy(self, who):
        return {a.slot for r in self.requests for a in r.all if a.live() and a.who == who and not a.past}

    def free_slot(self, *people):
        taken = set().union(*(self.busy(who) for who in people))
        return self.random.choice([s for s in SLOTS if s not in taken])

    def able(self, request):
        return [who for who in PEOPLE if request.bars.get(who, 0) == 0 and who not in [a.who for a in request.live()]]

    def plan(self, request):
        able = self.able(request)
        if not able:
            self.db.execute('DELETE FROM request_bar WHERE request_id = %s', (request.id,))
            request.bars.clear()
            able = list(PEOPLE)
        who = self.random.choice(able)
        made = Appointment(request, who, self.free_slot(who))
        made.id = self.value('SELECT pg_temp.appoint(%s, %s, to_timestamp(%s))', request.case, who, self.times[made.slot])
        self.name(made)
        request.all.append(made)
        request.state = 'planned'
        return made

    def name(self, a):
        a.uid, a.handle = self.db.execute('SELECT uid::text, answer_handle FROM appointment WHERE appointment_id = %s', (a.id,)).fetchone()

    def open_request(self):
        hurry = self.random.random() < 0.3
        case = self.value("SELECT vac.open_case('SEA', 'en', urgency => %s)", 'immediate' if hurry else 'routine')
        number = self.value('''UPDATE request SET due_at = now() + interval '60 days', open_window = tstzrange(now() - interval '60 days', NULL)
            WHERE case_id = (SELECT case_id FROM case_record WHERE case_code = %s) RETURNING request_id''', case)
        opened = self.value('''UPDATE case_record SET opened_at = date_trunc('second', opened_at) WHERE case_code = %s
            RETURNING pg_temp.secs(opened_at)''', case)
        self.requests.append(Request(number, case, opened, hurry))

    # ---- mail --------------------------------------------------------------------------------
    def letter(self, a, say, method='REPLY', who=None, **event):
        address = PEOPLE.get(who or a.who, who)
        self.clock += self.random.choice((0, 0, 1, 5))
        stamp = self.clock - self.random.choice((0, 0, 0, 1, 7))
        attendee = {'address': address, 'partstat': say}
        fields = {'uid': a.uid, 'sequence': a.sequence, 'stamped': stamp, 'start': self.times[a.slot], 'end': self.times[a.slot] + 3600,
                  'attendees': [attendee]}
        fields.update(event)
        if event.get('delegated_to'):
            attendee['delegated_to'] = [event['delegated_to']]
        return {'kind': 'calendar', 'from': address, 'message_id': f'<{self.random.getrandbits(64):x}@example.org>',
                'calendar': {'method': method, 'events': [fields]}}

    def comes(self, a, record):
        return self.value('SELECT pg_temp.comes(%s::jsonb, %s::text)', json.dumps(record), a.handle).split(':')[0]

    # ---- the model ---------------------------------------------------------------------------
    def counts(self, a, said, start, stamp, say):
        if said is not None and said < a.sequence and start != self.times[a.slot] \
                and any(a.begins[n] != a.slot for n in range(said, a.sequence + 1)):
            return 'stale'
        last = a.last.get(a.who)
        if last is None or last[0] < a.sequence or last[1] < stamp:
            return 'counts'
        if last[1] > stamp or last[2] > WEIGHT[say]:
            return 'older'
        return 'duplicate' if last[2] == WEIGHT[say] else 'counts'

    def keep(self, a, who, stamp, say):
        a.last[who] = (a.sequence, stamp, WEIGHT[say])

    def mail(self, a, kind):
        if not a.request.on_hold:
            self.mails[a.id].append(kind)
            a.told_again = a.told_again or kind == 'update'

    def end(self, a, state):
        a.state, a.sequence = state, a.sequence + 1
        a.begins[a.sequence] = a.slot
        self.mail(a, 'cancel')
        if a.request.state == 'planned':
            a.request.again()

    def relieve(self, a):
        for other in a.request.live():
            if other is not a:
                self.end(other, 'replaced')

    def accept(self, a):
        a.state, a.partstat, a.answered = 'accepted', 'ACCEPTED', True
        a.request.responsible = a.request.responsible or a.who
        self.relieve(a)

    def decline(self, a):
        a.partstat, a.answered = 'DECLINED', True
        self.end(a, 'declined')
        a.request.bar(a.who)

    def perhaps(self, a):
        a.state, a.partstat, a.answered = 'invited', 'TENTATIVE', True

    def restate(self, a, slot):
        """Another state of what stands, and mail that says so."""
        a.slot, a.sequence, a.overdue = slot, a.sequence + 1, False
        a.begins[a.sequence] = slot
        self.mail(a, 'update')

    def colleague_fits(self, a, who):
        return who in PEOPLE and a.request.bars.get(who, 0) == 0 and a.slot not in self.busy(who)

    def hand_over(self, a, who, state):
        self.end(a, 'replaced')
        made = Appointment(a.request, who, a.slot)
        made.id = self.value('SELECT max(appointment_id) FROM appointment WHERE request_id = %s AND live', a.request.id)
        self.name(made)
        a.request.all.append(made)
        a.request.state = 'planned'
        self.mail(made, 'invitation')
        if state == 'accepted':
            self.accept(made)

    def ended(self, a, say):
        """What is over or has ended."""
        if a.state in OVER or a.past or say == 'DECLINED':
            return 'left_alone'
        self.mail(a, 'cancel')
        return 'refused'

    # ---- events ------------------------------------------------------------------------------
    def reply(self, a):
        say = self.random.choice(('ACCEPTED', 'ACCEPTED', 'TENTATIVE', 'TENTATIVE', 'DECLINED'))
        said = self.random.choice((a.sequence, a.sequence, None, max(a.sequence - 1, 0), 0, a.sequence + 3))
        start = self.random.choice((self.times[a.slot], self.times[a.slot], None, 12345))
        record = self.letter(a, say, sequence=said, start=start)
        got = self.comes(a, record)
        if not a.live():
            return got, self.ended(a, say)
        stamp = record['calendar']['events'][0]['stamped']
        verdict = self.counts(a, said, start, stamp, say)
        if verdict != 'counts':
            if verdict == 'stale' and a.asked_again != a.sequence and not a.request.on_hold:
                a.asked_again = a.sequence
                self.mail(a, 'update')
            return got, {'older': 'stale'}.get(verdict, verdict)
        if a.past and say != 'ACCEPTED':
            return got, 'refused'
        self.keep(a, a.who, stamp, say)
        a.taken.append(record)
        {'ACCEPTED': self.accept, 'DECLINED': self.decline, 'TENTATIVE': self.perhaps}[say](a)
        return got, 'taken'

    def again(self, a):
        if not a.taken:
            return self.stranger(a)
        return self.comes(a, self.random.choice(a.taken)), 'duplicate'

    def stranger(self, a):
        return self.comes(a, self.letter(a, 'DECLINED', who='stranger@example.net')), 'sender_misfit'

    def robot(self, a):
        return self.comes(a, {'kind': 'automatic', 'from': PEOPLE[a.who]}), 'automatic_reply'

    def refresh(self, a):
        got = self.comes(a, self.letter(a, None, method='REFRESH'))
        if not a.live():
            return got, self.ended(a, None)
        self.mail(a, 'update')
        return got, 'refused' if a.request.on_hold else 'taken'

    def colleague(self, a):
        who = self.random.choice([p for p in PEOPLE if p != a.who] + ['hnl-1@example.org'])
        fits = a.state == 'invited' and not a.past and self.colleague_fits(a, who)
        record = self.letter(a, 'ACCEPTED', who=who)
        got = self.comes(a, record)
        own = self.first_to_come(a.request, who)
        if own:
            stamp = record['calendar']['events'][0]['stamped']
            verdict = self.counts(own, None, None, stamp, 'ACCEPTED')
            if verdict != 'counts':
                return got, {'older': 'stale'}.get(verdict, verdict)
            self.keep(own, who, stamp, 'ACCEPTED')
            a.taken.append(record)
            self.accept(own)
            return got, 'taken'
        if fits:
            a.taken.append(record)
            self.hand_over(a, who, 'accepted')
        return got, 'taken' if fits else 'refused'

    def first_to_come(self, request, who):
        """What somebody is asked for; a colleague to whom it was delegated may have been asked before."""
        return min((b for b in request.live() if b.who == who and not b.past), key=lambda b: (self.times[b.slot], b.id), default=None)

    def delegate(self, a):
        who = self.random.choice([p for p in PEOPLE if p != a.who])
        fits = self.colleague_fits(a, who)
        record = self.letter(a, 'DELEGATED', delegated_to=PEOPLE[who])
        got = self.comes(a, record)
        if not a.live():
            return got, self.ended(a, None)
        stamp = record['calendar']['events'][0]['stamped']
        verdict = self.counts(a, a.sequence, self.times[a.slot], stamp, 'DELEGATED')
        if verdict != 'counts':
            return got, {'older': 'stale'}.get(verdict, verdict)
        asked = self.first_to_come(a.request, who)
        if a.past or not (asked or fits):
            return got, 'refused'
        a.taken.append(record)
        self.keep(a, a.who, stamp, 'DELEGATED')
        self.end(a, 'replaced') if asked else self.hand_over(a, who, 'invited')
        return got, 'taken'

    def counter(self, a):
        slot = self.random.choice(SLOTS)
        fits = slot not in self.busy(a.who) or slot == a.slot
        minutes = self.random.choice((60, 60, 60, 30))
        record = self.letter(a, 'TENTATIVE', method='COUNTER', start=self.times[slot], end=self.times[slot] + minutes * 60,
                             original_start=self.times[a.slot])
        got = self.comes(a, record)
        if not a.live():
            return got, self.ended(a, None)
        stamp = record['calendar']['events'][0]['stamped']
        verdict = self.counts(a, a.sequence, self.times[a.slot], stamp, 'COUNTER')
        if verdict != 'counts':
            return got, {'older': 'stale'}.get(verdict, verdict)
        if a.past:
            return got, 'refused'
        if not fits or minutes != 60 or a.request.bars.get(a.who, 0):
            self.mail(a, 'counter_refused')
            return got, 'refused'
        self.keep(a, a.who, stamp, 'COUNTER')
        a.taken.append(record)
        a.state, a.partstat, a.answered = 'invited', 'COUNTER', True
        self.restate(a, slot)
        return got, 'taken'

    def bounce(self, a):
        before = self.value("SELECT bounced_at IS NOT NULL FROM message WHERE appointment_id = %s AND kind = 'invitation'", a.id)
        handle = self.value("SELECT bounce_handle FROM message WHERE appointment_id = %s AND kind = 'invitation'", a.id)
        got = self.value("SELECT pg_temp.comes(pg_temp.report('failed'), %s, 'bounce')", handle).split(':')[0]
        if not before and a.state == 'invited' and not a.answered and a.sequence == 0:
            a.state, a.sequence = 'replaced', a.sequence + 1
            a.begins[a.sequence] = a.slot
            if a.told_again:
                self.mail(a, 'cancel')
            a.request.bar(a.who)
            if a.request.state == 'planned':
                a.request.again()
        return got, 'duplicate' if before else 'delivery_failed'

    def passes(self, a):
        """The meeting is over."""
        if a.live() and not a.past:
            self.overs += 1
            self.db.execute('''UPDATE appointment SET span = s.span, busy = s.span
                FROM (SELECT tstzrange(n, n + interval '1 hour') AS span
                    FROM (SELECT date_trunc('hour', now()) - interval '1000 days' + %s * interval '1 hour' AS n) n) s
                WHERE appointment_id = %s''', (self.overs, a.id))
            a.past = True
            # Its start is one that no calendar has.
            slot = ('past', a.id)
            self.times[slot] = self.value('SELECT pg_temp.secs(lower(span)) FROM appointment WHERE appointment_id = %s', a.id)
            a.slot = slot
            self.db.execute('UPDATE message SET span = (SELECT span FROM appointment WHERE appointment_id = %s) WHERE appointment_id = %s AND sequence = %s',
                            (a.id, a.id, a.sequence))
            a.begins[a.sequence] = slot
        return None, None

    def becomes(self, a, outcome):
        """What became of a meeting, or what was recorded wrongly."""
        request, before = a.request, a.outcome
        a.state, a.outcome = 'held' if outcome == 'held' else 'missed', outcome
        if before == 'not_wanted':
            request.state = 'met'
        if outcome == 'held':
            request.state = 'met' if request.state != 'withdrawn' else 'withdrawn'
            request.responsible = request.responsible or a.who
            self.relieve(a)
        elif outcome == 'not_wanted':
            request.state = 'met' if any(b.state == 'held' for b in request.all) else 'withdrawn'
            self.relieve(a)
        else:
            if outcome == 'coordinator_absent':
                request.bar(a.who)
            request.again()

    def word(self, a):
        became = self.random.choice(('held', 'missed', 'contacted'))
        record = self.value('SELECT pg_temp.words(%s, %s)', a.id, became)
        record['date'] = self.clock
        got = self.comes(a, record)
        if not a.live() and a.state not in OVER or a.request.withdrawn:
            return got, 'refused'
        if became == 'contacted':
            return got, 'taken' if self.spoken(a.request) else 'duplicate'
        if not a.past:
            return got, 'refused'
        if a.state in OVER:
            return got, 'duplicate' if a.state == became else 'refused'
        self.becomes(a, became)
        return got, 'taken'

    def contact(self, request):
        """The earlier of a recorded contact and a held meeting."""
        times = [self.times[a.slot] for a in request.all if a.state == 'held']
        return min(times + [request.contacted] * (request.contacted is not None), default=None)

    def spoken(self, request):
        if self.contact(request) is None:
            request.contacted = request.opened
            return True
        return False

    # ---- supervisors -------------------------------------------------------------------------
    def verb(self, statement, *args):
        try:
            self.db.execute('SELECT ' + statement, args)
            return 'done'
        except psycopg.errors.InvalidParameterValue:
            return 'error'

    def confirm(self, a):
        word = self.random.choice(('accept', 'decline', 'tentative'))
        coming = a.live() and not a.past
        if not coming and any(not b.past for b in a.request.live()):
            return None, None       # it would be of that one
        got = self.verb('vac.confirm(%s, %s, %s)', a.request.case, a.who, word)
        if not coming or a.request.on_hold:
            return got, 'error'
        a = self.first_to_come(a.request, a.who)
        # The walk has a clock of its own.
        self.clock += 1
        self.db.execute('''UPDATE answer SET stamped = to_timestamp(%s)
            WHERE answer_id = (SELECT max(answer_id) FROM answer WHERE appointment_id = %s)''', (self.clock, a.id))
        say = {'accept': 'ACCEPTED', 'decline': 'DECLINED', 'tentative': 'TENTATIVE'}[word]
        last = a.last.get(a.who)
        told = (a.sequence, self.clock, WEIGHT[say])
        a.last[a.who] = max(last, told) if last else told
        {'accept': self.accept, 'decline': self.decline, 'tentative': self.perhaps}[word](a)
        return got, 'done'

    def outcome(self, a):
        became = self.random.choice(('held', 'held', 'victim_absent', 'coordinator_absent', 'not_wanted', 'missed'))
        who = self.random.choice((a.who, None))
        begun = [b for b in a.request.all if b.past and (b.live() or b.state in OVER) and who in (None, b.who)]
        got = self.verb('vac.record_outcome(%s, %s, %s)', a.request.case, became, who)
        if not begun or a.request.withdrawn:
            return got, 'error'
        which = max(begun, key=lambda b: (b.live(), self.times[b.slot]))
        if which.outcome != became:
            self.becomes(which, became)
        return got, 'done'

    def contacted(self, a):
        got = self.verb("vac.record_outcome(%s, 'contacted', contact_at => to_timestamp(%s))", a.request.case, a.request.opened)
        if a.request.withdrawn:
            return got, 'error'
        self.spoken(a.request)
        return got, 'done'

    def withdraw(self, a):
        request = a.request
        got = self.verb("vac.withdraw_case(%s, 'resolved')", request.case)
        if not request.withdrawn:
            request.withdrawn = True
            request.state = 'withdrawn' if request.state in ('open', 'planned') else request.state
            self.cancel(request)
        return got, 'done'

    def hold(self, a):
        request = a.request
        got = self.verb("vac.hold_case(%s, 'safety')", request.case)
        if request.withdrawn:
            return got, 'error'
        if not request.on_hold:
            request.on_hold = True
            request.kept_back = [b for b in request.live() if not b.past]
            self.cancel(request)
        return got, 'done'

    def release(self, a):
        request = a.request
        got = self.verb("vac.release_case(%s, 'safe')", request.case)
        if request.withdrawn:
            return got, 'error'
        request.on_hold = False
        for kept in request.kept_back:
            self.mail(kept, 'cancel')
        request.kept_back = []
        return got, 'done'

    def cancel(self, request):
        for b in request.live():
            if not b.past:
                self.end(b, 'cancelled')

    def change(self, a):
        request, misfit = a.request, self.random.random() < 0.3
        place = {'MAIN': 'AIR', 'AIR': 'MAIN'}[request.place]
        if any(b.past for b in request.live()):
            return None, None
        got = self.verb('vac.change_request(%s, place => %s, minutes => %s)', request.case, place, 90 if misfit else None)
        if request.withdrawn or request.state not in ('open', 'planned'):
            return got, 'error'
        self.db.execute('UPDATE request SET minutes = 60 WHERE request_id = %s', (request.id,))
        request.place = place
        for b in request.live():
            if misfit:
                self.end(b, 'cancelled')
            else:
                self.restate(b, b.slot)
        return got, 'done'

    def leave(self, a):
        if a.past or a.slot in self.busy(a.who) and not a.live():
            return None, None
        got = self.verb('vac.add_leave(%s, lower(span)::text, upper(span)::text) FROM appointment WHERE appointment_id = %s', a.who, a.id)
        self.db.execute('DELETE FROM leave')
        if a.live():
            self.end(a, 'cancelled')
        return got, 'done'

    def conflict(self, a):
        got = self.verb('vac.add_conflict(%s, %s)', a.request.case, a.who)
        if a.request.withdrawn:
            return got, 'error'
        self.db.execute('DELETE FROM case_conflict')
        for b in a.request.live():
            if b.who == a.who and not b.past:
                self.end(b, 'cancelled')
        return got, 'done'

    def readmit(self, a):
        got = self.verb('vac.readmit(%s, %s)', a.request.case, a.who)
        if a.request.withdrawn or a.request.state not in ('open', 'planned') or a.who not in a.request.bars:
            return got, 'error'
        del a.request.bars[a.who]
        return got, 'done'

    # ---- the planner and the clock -----------------------------------------------------------
    def second(self, a):
        """Of a call-out the next in line is asked beside the first."""
        request = a.request
        if request.hurry and a.state == 'invited' and request.state == 'planned' and not request.on_hold and self.able(request):
            self.plan(request)
        return None, None

    def lapse(self, a):
        request = a.request
        due = a.state == 'invited' and not request.on_hold and not request.withdrawn
        due = due and (all(b is a or b.overdue and b.state == 'invited' for b in request.live()) if request.hurry else not a.past)
        a.overdue = a.overdue or a.state == 'invited'
        self.db.execute("""UPDATE appointment SET window_from = now() - interval '1 hour', answer_by = now(), window_at = now(), remind_at = NULL
            WHERE appointment_id = %s AND state = 'invited'""", (a.id,))
        self.db.execute('UPDATE request SET seek_since = NULL WHERE request_id = %s', (request.id,))
        self.db.execute("SELECT vac_store.pass_window(%s, now(), now())", (a.id,))
        seeks = self.value('SELECT seek_since IS NOT NULL FROM request WHERE request_id = %s', request.id)
        if seeks and self.able(request):
            self.db.execute('SELECT vac_store.lapse_unanswered(%s, now())', (request.id,))
            if not request.hurry:
                self.end(a, 'lapsed')
                request.bar(a.who)
            self.plan(request)
        return seeks, due

    def move(self, a):
        if a.past:
            return None, None
        slot = self.free_slot(a.who)
        got = self.value('SELECT pg_temp.move(%s, to_timestamp(%s))', a.id, self.times[slot])
        if not a.live():
            return got, 'changed'
        a.state, a.partstat, a.answered = 'invited', None, False
        self.restate(a, slot)
        return got, 'true'

    EVENTS = (('reply',) * 12 + ('counter', 'word') * 3 + ('colleague', 'delegate', 'confirm', 'outcome', 'passes', 'second', 'lapse') * 2 + (
        'again', 'stranger', 'robot', 'refresh', 'bounce', 'contacted', 'withdraw', 'hold', 'release', 'release', 'change', 'leave', 'conflict',
        'readmit', 'move'))

    # ---- after each --------------------------------------------------------------------------
    def check(self, a, event):
        request = a.request
        row = self.db.execute('''SELECT r.state, k.code, pg_temp.secs(c.first_contact_at),
                (SELECT jsonb_agg(jsonb_build_array(a.appointment_id, a.state, a.sequence, CASE WHEN a.live THEN a.partstat END, a.outcome)
                    ORDER BY a.appointment_id) FROM appointment a WHERE a.request_id = r.request_id),
                (SELECT jsonb_object_agg(e.code, b.times) FROM request_bar b JOIN coordinator e USING (coordinator_id) WHERE b.request_id = r.request_id),
                (SELECT jsonb_object_agg(m.appointment_id, m.kinds) FROM (SELECT appointment_id, jsonb_agg(kind ORDER BY message_id) AS kinds
                    FROM message JOIN case_record d USING (case_id) WHERE waiting AND message.state = 'queued' AND kind NOT IN ('requester', 'notice')
                        AND d.held_since IS NULL        -- what still waits is kept back when it is claimed
                    GROUP BY appointment_id) m)
            FROM request r JOIN case_record c USING (case_id) LEFT JOIN coordinator k ON k.coordinator_id = c.responsible_id
            WHERE r.request_id = %s''', (request.id,)).fetchone()
        expected = (request.state, request.responsible, self.contact(request),
                    [[b.id, b.state, b.sequence, b.partstat if b.live() else None, b.outcome] for b in request.all],
                    request.bars or None, {str(number): kinds for number, kinds in self.mails.items() if kinds} or None)
        assert row == expected, (event, a.id, self.value('SELECT pg_temp.events(%s)', a.id))
        last = self.db.execute('''SELECT sequence, pg_temp.secs(stamped), weight::integer FROM answer o JOIN coordinator k USING (coordinator_id)
            WHERE o.appointment_id = %s AND k.code = %s ORDER BY sequence DESC, stamped DESC, weight DESC LIMIT 1''', (a.id, a.who)).fetchone()
        assert last == a.last.get(a.who), (event, a.id)
        self.mails.clear()
        self.post()

    def post(self):
        """What waits goes out; now and then as the mailer does it, which takes longer."""
        if self.random.random() < 0.1:
            taken = self.db.execute('SELECT message_id, fence FROM vac_daemon.claim_messages(%s, 100, 60000)', (DAEMON,)).fetchall()
            ids, fences = [number for number, _ in taken], [fence for _, fence in taken]
            sent = self.db.execute('SELECT state FROM vac_daemon.finish_messages(%s, %s, %s, %s)',
                                   (ids, fences, ['sent'] * len(ids), [''] * len(ids))).fetchall()
            assert sent == [('sent',)] * len(ids)
            held = self.value("""SELECT count(*) FROM message JOIN case_record USING (case_id)
                WHERE message_id = ANY (%s) AND held_since IS NOT NULL AND kind <> 'notice'""", ids)
            assert held == 0, 'mail about a case on hold'
        self.db.execute("UPDATE message SET state = 'sent', ever_claimed = true, sent_at = now() WHERE waiting AND state = 'queued'")

    def active(self):
        return [r for r in self.requests if r.state in ('open', 'planned') and not r.on_hold]

    def choose(self, state):
        """An appointment in this state, if there is one; else one that is asked for now."""
        some = [a for request in self.requests for a in request.all]
        return self.random.choice([a for a in some if a.state == state] or [a for a in some if a.live()])

    def step(self):
        while len(self.active()) < 4:
            self.open_request()
        active = self.active()
        self.requests = [r for r in self.requests if r not in active][-5:] + active
        for request in active:
            if request.state == 'open':
                self.plan(request)
        a = self.choose(self.random.choice((None, None, *LIVE, *OVER, *ENDED)))
        event = self.random.choice(self.EVENTS)
        before = a.state
        got, expected = getattr(self, event)(a)
        assert got == expected, (event, a.id, before, self.value('SELECT (pg_temp.last()).why'), self.value('SELECT pg_temp.events(%s)', a.id))
        self.check(a, event)
        return event, before, got


def test_random_walk(database):
    walk = Walk(database)
    seen = {}
    for n in range(EVENTS):
        try:
            seen_now = walk.step()
        except AssertionError as e:
            pytest.fail(f'seed {SEED}, event {n}: {e}')
        seen[seen_now] = seen.get(seen_now, 0) + 1
        print(f'seed {SEED}: {n + 1} events\n' if n % 10000 == 9999 else '', end='', flush=True)
    # It went everywhere.
    if EVENTS >= 3000:
        cells = {(event, state) for event in Walk.EVENTS for state in LIVE + OVER + ENDED}
        missing = cells - {(event, state) for event, state, _ in seen}
        assert len(missing) < len(cells) / 20, missing
        assert {'taken', 'stale', 'refused', 'duplicate', 'left_alone'} <= {got for event, _, got in seen if event in ('reply', 'again', 'counter')}
        assert all((event, 'taken') in {(e, got) for e, _, got in seen} for event in ('colleague', 'delegate', 'counter', 'word', 'refresh'))
    walk.db.close()
