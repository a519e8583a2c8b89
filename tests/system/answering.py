"""Coordinators who answer their invitations, by mail servers that hand mail over with patience and sometimes
twice; and what must be true after: each answer took effect once.
"""

import collections
import datetime
import random
import sys
import threading
import time

import harness
import lmtp_client
import load
from test_answer import Invitation, decoded

sys.path.insert(0, str(harness.ROOT / 'tests' / 'fixtures'))
import clients  # noqa: E402

UTC = datetime.timezone.utc


class Mail:
    """One answer: what is known of it outside of the database."""

    def __init__(self, invitation, kind, client, moment, stamped=None):
        self.kind, self.recipient, self.sender = kind, invitation.organizer, invitation.attendee
        self.uid, self.sequence = invitation.uid.split('@')[0], invitation.sequence
        self.message_id = f'{moment.getrandbits(64):x}@client.example.org'
        self.raw = invitation.answer(client, kind, message_id=self.message_id,
                                     stamped=stamped or datetime.datetime.now(UTC).replace(microsecond=0))
        self.kept = 0       # times that 250 was said
        self.unsure = 0     # times that it was handed over whole and nothing was said


class MailServer:
    """Hands mail to one of some sockets until it gets 250."""

    def __init__(self, sockets, seed):
        self.sockets, self.random = sockets, random.Random(seed)
        self.refused = 0

    def deliver(self, mail, seconds=600):
        end = time.monotonic() + seconds
        while not self._try(mail):
            self.refused += 1
            assert time.monotonic() < end, f'{mail.message_id} was not taken within {seconds} s'
            time.sleep(0.05)

    def _try(self, mail):
        given = False
        try:
            with lmtp_client.Client(self.random.choice(self.sockets)) as client:
                for line in ('LHLO mail.example.org', f'MAIL FROM:<{mail.sender}>', f'RCPT TO:<{mail.recipient}>', 'DATA'):
                    code = client.ask(line)[:1]
                    assert code != '5', client.reply
                    if code == '4':
                        return False
                client.write(lmtp_client.stuffed(mail.raw) + b'.\r\n')
                given = True
                code = client.hear()[:3]
                given = False
                assert code[0] != '5', client.reply
                mail.kept += code == '250'
                return code == '250'
        except (OSError, EOFError):
            # The connection broke. After the final dot nobody knows whether the mail was stored.
            mail.unsure += given
            return False


class Coordinators:
    """Answer each invitation once, and each new time of it, from a thread of their own; of a hundred some never do.
    Decided ones do not leave it at a perhaps, so that in the end no window runs."""

    def __init__(self, mail, server, seed, silent=0, decided=False):
        self.sink, self.server, self.random, self.silent, self.decided = mail, server, random.Random(seed), silent, decided
        self.mails, self.seen, self.read = [], set(), 0
        self.trouble, self.ending = None, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def finish(self):
        self.ending.set()
        self.thread.join(600)
        if self.trouble is not None:
            raise self.trouble
        assert not self.thread.is_alive()
        return self.mails

    def _run(self):
        try:
            while not self.ending.wait(0.02):
                for copy in self.sink.copies(self.read):
                    if b'METHOD:REQUEST' in decoded(copy.path):
                        self._answer(Invitation(copy.path))
                    self.read += 1
        except Exception as trouble:     # handed to finish(), where the test sees it
            self.trouble = trouble

    def kinds(self):
        """What one says to an invitation, one after the other."""
        return self.random.choices([['accepted'], ['declined'], ['tentative'], ['tentative', 'accepted']],
                                   [11, 5, 0 if self.decided else 1, 3])[0]

    def _answer(self, invitation):
        if (invitation.uid, invitation.sequence) in self.seen:
            return
        self.seen.add((invitation.uid, invitation.sequence))
        if self.random.random() * 100 < self.silent:
            return
        now = datetime.datetime.now(UTC).replace(microsecond=0)
        for number, kind in enumerate(self.kinds()):
            mail = Mail(invitation, kind, self.random.choice(sorted(clients.CLIENTS)), self.random, now + datetime.timedelta(seconds=number))
            self.mails.append(mail)
            for _ in range(self.random.choices([1, 2], [5, 1])[0]):
                self.server.deliver(mail)


# ---- what must be true -----------------------------------------------------------------------------

STORED = '''
SELECT substring(convert_from(i.raw, 'LATIN1') FROM '(?i)Message-ID: <([^>]*)>'), i.state, i.outcome, i.deaths, i.inbound_id, i.why
FROM vac_store.inbound i ORDER BY i.inbound_id'''
APPOINTMENTS = '''
SELECT a.uid::text, a.state, a.sequence, a.partstat,
    (SELECT array_agg(o.partstat ORDER BY o.sequence, o.stamped, o.weight) FROM vac_store.answer o WHERE o.appointment_id = a.appointment_id),
    (SELECT o.partstat FROM vac_store.answer o WHERE o.appointment_id = a.appointment_id AND o.sequence = a.sequence
        ORDER BY o.stamped DESC, o.weight DESC LIMIT 1),
    (SELECT array_agg(h.event ORDER BY h.history_id) FROM vac_store.history h
        WHERE h.appointment_id = a.appointment_id AND h.event IN ('answer_accepted', 'answer_declined', 'answer_tentative')),
    (SELECT count(*) FROM vac_store.message m WHERE m.appointment_id = a.appointment_id AND m.kind = 'cancel'),
    (SELECT count(*) FROM vac_store.history h WHERE h.appointment_id = a.appointment_id AND h.event = 'told_again')
FROM vac_store.appointment a'''
EVENT = {'ACCEPTED': 'answer_accepted', 'DECLINED': 'answer_declined', 'TENTATIVE': 'answer_tentative'}


def once_each(database, mails, may_die=0):
    """What is wrong with the mail that came in and with what it did; nothing, if all is well. So many readers
    may have died on each mail."""
    stored, taken = collections.defaultdict(list), {}
    for message_id, *row in database.query(STORED):
        stored[message_id].append(row)
    known = {mail.message_id for mail in mails}
    yield from (f'a mail {stray} that nobody sent' for stray in stored.keys() - known)
    answers = dict(database.query('SELECT inbound_id, count(*) FROM vac_store.answer GROUP BY 1'))
    by_uid = {row[0]: row[1:] for row in database.query(APPOINTMENTS)}
    for mail in mails:
        rows = stored[mail.message_id]
        name = f'{mail.kind} {mail.message_id} of {mail.uid}/{mail.sequence}: {rows}'
        if not mail.kept <= len(rows) <= mail.kept + mail.unsure:
            yield f'{name} is there {len(rows)} times, {mail.kept} times 250 was said and {mail.unsure} times nothing'
        outcomes = [outcome for _, outcome, *_ in rows]
        if any(state not in ('done', 'listed') or deaths > may_die for state, _, deaths, *_ in rows):
            yield f'{name} was not handled, or died'
        if outcomes.count('taken') > 1 or set(outcomes) - {'taken', 'duplicate', 'stale', 'refused', 'left_alone'}:
            yield f'{name} should not end so'
        if 'taken' in outcomes:
            first = rows[outcomes.index('taken')]
            taken[mail.message_id] = mail
            if set(outcomes) != {'taken', 'duplicate'} and len(rows) > 1:
                yield f'{name}: its second copies are no duplicates'
            if answers.pop(first[3], 0) != 1:
                yield f'{name} is not recorded once'
        # What was not taken came to something that had changed, or after a later word of theirs.
        elif 'duplicate' in outcomes or by_uid[mail.uid][0] in ('invited', 'accepted') and by_uid[mail.uid][1] == mail.sequence \
                and not (mail.kind == 'tentative' and 'ACCEPTED' in (by_uid[mail.uid][3] or [])):
            yield f'{name} was lost'
    yield from (f'mail {number} left {count} answers without being taken' for number, count in answers.items())
    yield from wrong_appointments(by_uid, taken.values())


def wrong_appointments(by_uid, taken):
    said = collections.defaultdict(list)
    for mail in taken:
        said[mail.uid].append(mail.kind.upper())
    for uid, (state, sequence, partstat, counted, last, events, cancels, again) in by_uid.items():
        name = f'appointment {uid}, {state}, SEQUENCE {sequence}, answers {counted}, history {events}'
        if sorted(said[uid]) != sorted(counted or []):
            yield f'{name}: taken were {said[uid]}'
        if sorted(events or []) != sorted(EVENT[say] for say in counted or []):
            yield f'{name}: an answer took effect not once'
        if (state == 'declined') != ('DECLINED' in (counted or [])):
            yield f'{name}: declined is who declined'
        if state in ('invited', 'accepted') and (state == 'accepted') != (last == 'ACCEPTED') or state == 'accepted' and partstat != 'ACCEPTED':
            yield f'{name}: the last answer is {last} ({partstat})'
        if state == 'declined' and cancels != 1 + again:
            yield f'{name}: {cancels} cancellations, {again} of them in return for a mail'


BARS = '''
SELECT (SELECT coalesce(sum(times), 0) FROM vac_store.request_bar), (SELECT count(*) FROM vac_store.appointment WHERE state IN ('declined', 'lapsed'))'''
RESPONSIBLE = '''
SELECT c.case_code FROM vac_store.case_record c
WHERE (SELECT count(*) FROM vac_store.history h WHERE h.case_id = c.case_id AND h.event = 'responsible_set')
    <> EXISTS (SELECT FROM vac_store.history h WHERE h.case_id = c.case_id AND h.event = 'answer_accepted')::integer'''
TWICE = '''
SELECT request_id FROM vac_store.appointment WHERE state = 'accepted' GROUP BY request_id HAVING count(*) > 1'''
WAITING = 'SELECT count(*) FROM vac_store.inbound WHERE waiting'
# Windows that will end: whoever has not answered by then is replaced.
RUNNING = '''
SELECT count(*) FROM vac_store.appointment a JOIN vac_store.request r USING (request_id) JOIN vac_store.case_record c ON c.case_id = r.case_id
WHERE a.state = 'invited' AND c.state = 'open' AND c.held_since IS NULL AND (a.window_at < now() + interval '10 minutes' OR r.to_plan)'''
LEFT = f'SELECT ({WAITING}) + ({RUNNING}) + ({load.UNSETTLED})'
OF_WINDOWS = RUNNING.replace('count(*)', 'a.uid::text, r.urgency, a.partstat, (a.window_at - now())::text, r.to_plan')


def settle(database, daemons, people, seconds=600):
    """All is planned, mailed, answered or out of time, and the answers have done what they do."""
    def rest():
        before = len(people.sink.copies())
        return (people.trouble is not None or people.read == before and connection.execute(LEFT).fetchone()[0] == 0
                and len(people.sink.copies()) == before == people.read)
    load.settle(database, daemons, seconds)
    try:
        with database.connect() as connection:
            harness.wait_for(rest, seconds, 'an end of questions and answers', every=0.2)
    except AssertionError as problem:
        mails = f'{people.read} of {len(people.sink.copies())} mails read, {database.value(WAITING)} answers wait'
        raise AssertionError(f'{problem}: {mails}; windows that run: {database.query(OF_WINDOWS)}') from None
