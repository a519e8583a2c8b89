"""Coordinators who answer the mail that comes to them, and supervisors who look after their lists: for year.py.

What somebody does is chosen by the seeded `random` of the year, and when is put into its agenda.
"""

import datetime
import email
import email.header
import email.utils
import re
import sys

import harness

sys.path.insert(0, str(harness.ROOT / 'tests' / 'fixtures'))
import clients   # noqa: E402

MINUTE, HOUR, DAY = (datetime.timedelta(**{unit: 1}) for unit in ('minutes', 'hours', 'days'))
UTC = datetime.timezone.utc
PROGRAMS = sorted(clients.CLIENTS)

# How they take an invitation, and how many in a hundred do.
WAYS = {'accepts': 58, 'declines': 12, 'says_nothing': 9, 'is_late': 6, 'says_perhaps': 4, 'proposes': 3, 'is_away': 2, 'bounces': 2,
        'forwards': 2, 'changes_their_mind': 2}


class Letter:
    """A mail of ours as the calendar program of its recipient sees it."""

    # The newer policy of Python's email takes ten times as long.
    def __init__(self, raw, envelope, recipient):
        self.mail = email.message_from_bytes(raw)
        self.envelope, self.recipient = envelope, recipient
        self.subject = str(email.header.make_header(email.header.decode_header(re.sub(r'\r?\n[ \t]', ' ', self.mail['Subject']))))
        self.reply_to = email.utils.parseaddr(self.mail['Reply-To'] or self.mail['From'])[1]
        self.calendar = ''
        for part in self.mail.walk():
            if part.get_content_type() == 'text/calendar':
                self.calendar = re.sub(r'\r?\n[ \t]', '', part.get_payload(decode=True).decode())
                break
        self.method = self.line('METHOD')
        self.uid, self.sequence = self.line('UID'), int(self.line('SEQUENCE') or 0)

    def line(self, name):
        found = re.search(rf'^{name}[;:].*$', self.calendar, re.M)
        return re.split(r':(?!//)', found.group(0), 1)[1].strip() if found else None

    def facts(self):
        return {'uid': self.uid, 'sequence': self.sequence, 'organizer': self.line('ORGANIZER').split(':')[-1],
                'attendee': self.line('ATTENDEE').split(':')[-1], 'start': self.moment('DTSTART'), 'end': self.moment('DTEND')}

    def moment(self, name):
        return datetime.datetime.strptime(self.line(name), '%Y%m%dT%H%M%SZ').replace(tzinfo=UTC)


class Coordinators:
    def __init__(self, year):
        self.year, self.random = year, year.random
        self.calm = False      # everybody accepts, and says what became of it
        self.silent = False    # nobody says anything
        self.seen = {}         # (UID, SEQUENCE, recipient): how they take it
        self.calendars = {}    # recipient: {UID: (SEQUENCE, start or None)}
        self.numbers = 0

    # ---- what comes to them ------------------------------------------------------------------
    def read(self, letter):
        if letter.method in ('REQUEST', 'CANCEL'):
            self.note(letter)
        if self.silent:
            return
        if letter.method == 'REQUEST' and 'TRANSP:TRANSPARENT' not in letter.calendar:
            self.invited(letter)
        elif not letter.method and 'what became of the meeting' in letter.subject:
            self.asked(letter)

    def note(self, letter):
        """As calendar programs do: the newest state of a UID stands."""
        calendar = self.calendars.setdefault(letter.recipient, {})
        if letter.sequence >= calendar.get(letter.uid, (0, None))[0]:
            calendar[letter.uid] = (letter.sequence, letter.moment('DTSTART') if letter.method == 'REQUEST' else None)

    def invited(self, letter):
        key = (letter.uid, letter.sequence, letter.recipient)
        if key in self.seen:
            # A reminder helps some.
            if self.seen[key] == 'says_nothing' and self.random.random() < 0.4:
                self.answers(letter, 'accepted', self.soon(letter))
            return
        way = self.random.choices(list(WAYS), WAYS.values())[0]
        if self.calm and way not in ('accepts', 'declines'):
            way = 'accepts'
        self.seen[key] = way
        self.year.counts[way] += 1
        getattr(self, way)(letter)

    def asked(self, letter):
        word = self.random.choices(('held', 'missed', None), (98, 2, 0) if self.calm else (80, 7, 13))[0]
        if word:
            self.later(self.random.uniform(0.1, 20) * HOUR, lambda: self.plain(letter, word))

    # ---- how they take it --------------------------------------------------------------------
    def soon(self, letter):
        """Well within the window."""
        urgency = self.year.urgency_of(letter.uid)
        return self.random.uniform(*{'immediate': (1, 6), 'urgent': (5, 90)}.get(urgency, (10, 360))) * MINUTE

    def accepts(self, letter):
        self.answers(letter, 'accepted', self.soon(letter))

    def declines(self, letter):
        self.answers(letter, 'declined', self.soon(letter))

    def says_nothing(self, letter):
        pass

    def is_late(self, letter):
        urgency = self.year.urgency_of(letter.uid)
        self.answers(letter, self.random.choice(('accepted', 'accepted', 'declined')),
                     self.random.uniform(*{'immediate': (0.3, 2), 'urgent': (3, 30)}.get(urgency, (24, 96))) * HOUR)

    def says_perhaps(self, letter):
        first = self.soon(letter)
        self.answers(letter, 'tentative', first)
        if self.random.random() < 0.7:
            self.answers(letter, self.random.choice(('accepted', 'accepted', 'declined')), first + self.soon(letter))

    def proposes(self, letter):
        shift = self.random.choice((-24, -2, -1, 1, 2, 24)) * HOUR
        self.answers(letter, 'counter', self.soon(letter), program=self.random.choice(('google', 'exchange', 'ios')), shift=shift)

    def forwards(self, letter):
        who = self.year.colleague(letter.recipient)
        if who:
            self.answers(letter, 'accepted', self.soon(letter), attendee=who)

    def changes_their_mind(self, letter):
        first = self.soon(letter)
        self.answers(letter, 'accepted', first)
        self.answers(letter, self.random.choice(('declined', 'tentative')), first + self.random.uniform(0.5, 30) * HOUR)

    def is_away(self, letter):
        def send():
            self.send('', letter.envelope, letter.recipient, f'Automatic reply: {letter.subject}', 'I am out of the office.',
                      f'Auto-Submitted: auto-replied\r\nIn-Reply-To: {letter.mail["Message-ID"]}\r\n')
        self.later(2 * MINUTE, send)

    def bounces(self, letter):
        def send():
            status = (f'Reporting-MTA: dns; mail.example.org\r\n\r\nFinal-Recipient: rfc822; {letter.recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n')
            body = (f'--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n'
                    f'--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {letter.mail["Message-ID"]}\r\n\r\n--b--\r\n')
            self.send('', letter.envelope, 'MAILER-DAEMON@mail.example.org', 'Undelivered Mail Returned to Sender', body,
                      'Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n')
        self.later(self.random.uniform(1, 30) * MINUTE, send)

    # ---- mail of theirs ----------------------------------------------------------------------
    def later(self, wait, act):
        self.year.at(self.year.clock.at + wait, act)

    def message_id(self):
        self.numbers += 1
        return f'{self.numbers}.{self.year.seed}@mail.example'

    def answers(self, letter, kind, wait, program=None, **changes):
        program = program or self.random.choice(PROGRAMS)

        def send():
            facts = {**letter.facts(), 'stamped': self.year.clock.at, 'message_id': self.message_id(), **changes}
            self.year.receive(facts['attendee'], facts['organizer'], clients.answer(program, kind, **facts))
        self.later(wait, send)

    def plain(self, letter, word):
        self.send(letter.recipient, letter.reply_to, letter.recipient, f'Re: {letter.subject}', word, '')

    def send(self, envelope, to, writer, subject, body, headers):
        date = email.utils.format_datetime(self.year.clock.at)
        self.year.receive(envelope, to, (f'From: {writer}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{self.message_id()}>\r\n'
                                         f'MIME-Version: 1.0\r\n{headers}\r\n{body}\r\n').encode())

    def leave(self):
        """Somebody invites vacd to their holidays; some take them back."""
        who = self.random.choice(self.year.people())[1]
        first = (self.year.clock.at + self.random.randint(1, 20) * DAY).date()
        facts = {'uid': f'away-{self.message_id()}', 'organizer': 'vacd@' + self.year.DOMAIN, 'attendee': who, 'first_day': first,
                 'last_day': first + self.random.randint(0, 4) * DAY, 'stamped': self.year.clock.at}
        program = self.random.choice(PROGRAMS)
        self.year.receive(who, facts['organizer'], clients.answer(program, 'leave', message_id=self.message_id(), **facts))
        if self.random.random() < 0.2:
            self.later(20 * HOUR, lambda: self.year.receive(who, facts['organizer'], clients.answer(
                program, 'leave_cancel', message_id=self.message_id(), **{**facts, 'sequence': 1, 'stamped': self.year.clock.at})))


class Supervisors:
    """One who may all, once a day over the lists, of which they leave something for later, and now and then by telephone."""

    def __init__(self, year):
        self.year, self.random = year, year.random
        self.db = year.database.connect('sup_all')
        self.retired = []

    def verb(self, call, *args):
        return self.year.verb(self.db, call, *args)

    def some(self, sql, *args):
        """Of what a list shows, all or what they come to today."""
        share = 1 if self.year.coordinators.calm else 0.6
        return [row for row in self.year.query(sql, *args) if self.random.random() < share]

    def round(self):
        self.listed_mail()
        self.missing_outcomes()
        self.nobody_found()
        if not self.year.coordinators.calm:
            for _ in range(self.year.bustle):
                self.whims()

    def listed_mail(self):
        for number, waits in self.some('''SELECT inbound_id, outcome = 'waits_for_supervisor' FROM vac_store.inbound
                WHERE state = 'listed' AND taken_up_at IS NULL ORDER BY 1'''):
            self.verb('vac.take_up(%s, %s)', number, self.random.choice(('accept', 'accept', 'decline')) if waits else 'dismiss')
        for (number,) in self.some("""SELECT message_id FROM vac_store.message WHERE state = 'refused' AND kind IN ('cancel', 'update')
                AND telephoned_at IS NULL"""):
            self.verb('vac.telephoned(%s)', number)

    def missing_outcomes(self):
        least = 1 if self.year.coordinators.calm else 2
        for code, number, state in self.some('''SELECT c.case_code, a.request_id, a.state FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id)
                WHERE a.live AND c.state = 'open' AND upper(a.span) < %s AND a.asks >= %s ORDER BY 2''', self.year.clock.at - DAY, least):
            word = 'held' if self.year.coordinators.calm or state == 'accepted' else 'coordinator_absent'
            self.verb('vac.record_outcome(%s, %s, request => %s)', code, self.random.choices(
                (word, 'victim_absent', 'not_wanted', 'missed'), (90, 3, 5, 2))[0], number)

    def nobody_found(self):
        """They find help in another language, give more time, or give it up."""
        patience = HOUR if self.year.coordinators.calm else self.random.randint(6, 72) * HOUR
        for code, number in self.some('''SELECT c.case_code, r.request_id FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
                WHERE c.state = 'open' AND c.held_since IS NULL AND r.state IN ('open', 'planned') AND r.unserved_since < %s ORDER BY 2''',
                                            self.year.clock.at - patience):
            way = self.random.randrange(3)
            if way == 0:
                self.verb("vac.withdraw_case(%s, 'other: helped elsewhere')", code)
            elif way == 1:
                self.verb("vac.change_request(%s, language => 'en', interpreter => 'telephone', request => %s)", code, number)
            else:
                self.verb("vac.change_request(%s, mode => 'telephone', window_from => %s, window_to => 'infinity', due => %s, request => %s)",
                          code, self.year.clock.at, self.year.clock.at + 4 * DAY, number)

    def whims(self):
        random, year = self.random, self.year
        barred = year.query('''SELECT c.case_code, k.code FROM vac_store.request_bar b JOIN vac_store.request r USING (request_id)
            JOIN vac_store.case_record c USING (case_id) JOIN vac_store.coordinator k ON k.coordinator_id = b.coordinator_id
            WHERE r.state IN ('open', 'planned') AND c.state = 'open' ORDER BY 1, 2 LIMIT 20''')
        if barred and random.random() < 0.4:
            self.verb('vac.readmit(%s, %s)', *random.choice(barred))
        if random.random() < 0.4:
            who, begins = random.choice(year.people())[0], year.clock.at + random.randint(0, 200) * HOUR
            self.verb('vac.add_leave(%s, %s::timestamptz, %s::timestamptz)', who, begins, begins + random.randint(4, 120) * HOUR)
        if random.random() < 0.3:
            standing = year.query('''SELECT c.case_code, k.code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id)
                JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
                WHERE a.state = 'invited' AND c.state = 'open' AND c.held_since IS NULL AND upper(a.span) > %s ORDER BY 1 LIMIT 20''', year.clock.at)
            if standing:
                self.verb('vac.confirm(%s, %s, %s)', *random.choice(standing), random.choice(('accept', 'decline')))
        if random.random() < 0.1:
            office = random.choice(year.offices)
            today = year.clock.at.date()
            if random.random() < 0.5:
                self.verb('vac.swap_duty(%s, %s, %s, %s)', office, 'nights', str(today + 9 * DAY), str(today + 17 * DAY))
            else:
                self.verb('vac.cover_duty(%s, %s, %s, %s, %s)', office, 'nights', f'{office}-{random.randint(1, 3):02}',
                          str(today + 2 * DAY), str(today + 4 * DAY))
        self.people_come_and_go()

    def people_come_and_go(self):
        if self.retired and self.random.random() < 0.1:
            self.verb("vac.set_coordinator(%s)", self.retired.pop())
        elif self.random.random() < 0.08 and len(self.retired) < 3:
            who = self.random.choice(self.year.people())[0]
            self.verb("vac.retire_coordinator(%s, 'left')", who)
            self.retired.append(who)

    # ---- of one case -------------------------------------------------------------------------
    def take_note_of(self, code):
        """What becomes of some cases beside their meetings."""
        chance = self.random.random()
        if chance < 0.05:
            self.year.later(self.random.uniform(0.2, 240) * HOUR, lambda: self.verb("vac.withdraw_case(%s, 'resolved')", code))
        elif chance < 0.09:
            first = self.random.uniform(0.1, 60) * HOUR
            self.year.later(first, lambda: self.verb("vac.hold_case(%s, 'safety')", code))
            self.year.later(first + self.random.uniform(5, 60) * HOUR, lambda: self.verb("vac.release_case(%s, 'safe')", code))
        elif chance < 0.14:
            urgency = self.random.choice(('urgent', 'routine', 'immediate'))
            self.year.later(self.random.uniform(0.2, 48) * HOUR, lambda: self.verb('vac.change_request(%s, urgency => %s)', code, urgency))
        elif chance < 0.18:
            self.year.later(self.random.uniform(0.2, 48) * HOUR, lambda: self.verb("vac.change_request(%s, mode => 'telephone', minutes => 45)", code))

    def close_met(self):
        """Who was helped is open no more after some time."""
        for (code,) in self.year.query('''SELECT c.case_code FROM vac_store.case_record c WHERE c.state = 'open' AND c.held_since IS NULL
                AND c.opened_at < %s AND NOT EXISTS (SELECT FROM vac_store.request r WHERE r.case_id = c.case_id AND r.state IN ('open', 'planned'))''',
                                       self.year.clock.at - 7 * DAY):
            self.verb("vac.withdraw_case(%s, 'resolved')", code)
