"""What happens in a soak beside the life that year.py plays: programs at the intake, mail servers at the inbox,
strangers who send rubbish to either, supervisors who do all that verbs can do and read every view.
"""

import http.client
import json
import os
import pathlib
import random
import socket
import ssl
import time

import harness
import lmtp_client
from year_people import DAY, HOUR

RUBBISH = ('tests/fixtures/mail', 'tests/fuzz/corpus/imip', 'tests/fuzz/corpus/itip', 'tests/fuzz/corpus/report')
RUBBISH_MOST, RUBBISH_OCTETS = 400, 300_000


def read_files(folder, most, octets):
    """Some files below a folder, always the same."""
    paths = sorted(path for path in pathlib.Path(folder).rglob('*') if path.is_file() and path.stat().st_size <= octets)
    random.Random(5).shuffle(paths)
    return [path.read_bytes() for path in paths[:most]]


class Rubbish:
    """Mails of strangers: real ones of other people's programs, damaged ones, and what was made to harm."""

    def __init__(self, chance):
        self.random = chance
        self.mails = [raw for folder in RUBBISH for raw in read_files(harness.ROOT / folder, RUBBISH_MOST, RUBBISH_OCTETS)]
        if os.environ.get('VACD_CORPUS'):
            self.mails += read_files(os.environ['VACD_CORPUS'], RUBBISH_MOST, RUBBISH_OCTETS)

    def one(self):
        raw = self.random.choice(self.mails)
        return self.random.choice((lambda r: r, self.damaged, self.cut, self.deep, self.long_header, self.big))(raw)

    def damaged(self, raw):
        bytes_ = bytearray(raw)
        for _ in range(self.random.randint(1, 30)):
            if bytes_:
                bytes_[self.random.randrange(len(bytes_))] = self.random.randrange(256)
        return bytes(bytes_)

    def cut(self, raw):
        return raw[:self.random.randrange(len(raw) + 1)]

    def deep(self, raw):
        front = b''.join(b'Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n' % (n, n) for n in range(self.random.randint(20, 300)))
        return front + raw

    def long_header(self, raw):
        return b'Subject: ' + b'x' * self.random.randint(1000, 200_000) + b'\r\n' + raw

    def big(self, raw):
        return raw + b'QUJD' * self.random.randint(1000, 100_000)


class Inbox:
    """The agency's mail server, and strangers at the same sockets."""

    def __init__(self, sockets, chance):
        self.sockets, self.random = sockets, chance
        self.idle = []      # connections that nobody closes
        self.refused = 0

    def send(self, sender, recipient, raw):
        """The reply to a whole mail, or '' when there was none."""
        try:
            with lmtp_client.Client(self.random.choice(self.sockets)) as client:
                for line in ('LHLO mail.example.org', f'MAIL FROM:<{sender}>', f'RCPT TO:<{recipient}>', 'DATA'):
                    if client.ask(line)[:1] not in '23':
                        return client.reply
                client.write(lmtp_client.stuffed(raw) + b'\r\n.\r\n')
                return client.hear()
        except (OSError, EOFError):
            return ''

    def break_off(self, raw):
        """A client that goes away in the middle, or says nothing any more."""
        try:
            client = lmtp_client.Client(self.random.choice(self.sockets))
            for line in ('LHLO x', 'MAIL FROM:<a@example.org>', f'RCPT TO:<{lmtp_client.OURS}>', 'DATA')[:self.random.randint(0, 4)]:
                client.ask(line)
            client.write(raw[:self.random.randrange(len(raw) + 1)].replace(b'\r\n.', b''))
            if self.random.random() < 0.5 and len(self.idle) < 8:
                self.idle.append(client)
            else:
                client.close()
        except (OSError, EOFError):
            pass


class Intake:
    """Programs that open cases over HTTPS, and strangers at the same port."""

    def __init__(self, ports, ca, token, chance):
        self.ports, self.token, self.random = ports, token, chance
        self.context = ssl.create_default_context(cafile=str(ca))
        self.rubbish = read_files(harness.ROOT / 'tests/fuzz/corpus/intake', 200, 20_000)
        self.numbers = 0
        self.line = None        # one connection that is kept
        self.idle = []

    def connection(self):
        if self.random.random() < 0.5:
            return http.client.HTTPSConnection('localhost', self.random.choice(self.ports), context=self.context, timeout=120)
        if self.line is None:
            self.line = http.client.HTTPSConnection('localhost', self.random.choice(self.ports), context=self.context, timeout=120)
        return self.line

    def ask(self, method, path, body=None, **headers):
        """(status, body); a kept connection that the other side has ended is made anew."""
        end = time.monotonic() + 300
        while time.monotonic() < end:
            line = self.connection()
            try:
                line.request(method, path, body, {'Authorization': f'Bearer {self.token}', 'Content-Type': 'application/json', **headers})
                answer = line.getresponse()
                found = answer.status, answer.read()
                if found[0] != 503:
                    return found
            except (OSError, http.client.HTTPException):
                pass
            finally:
                if line is not self.line:
                    line.close()
            if self.line is not None:
                self.line.close()
                self.line = None
            time.sleep(0.1)
        raise AssertionError(f'{method} {path}: no answer')

    def open(self, form):
        """The codes of the cases it makes; now and then the same is asked twice, and the same must come back."""
        self.numbers += 1
        said = [self.ask('POST', '/v1/cases', json.dumps(form), **{'Idempotency-Key': f'soak-{self.numbers}'})
                for _ in range(1 + (self.random.random() < 0.2))]
        assert all(one == said[0] or one[0] == said[0][0] for one in said), said
        status, body = said[-1]
        return json.loads(body)['cases'] if status == 201 else []

    def look(self, code):
        return self.ask('GET', f'/v1/cases/{code}')[0]

    def disturb(self):
        """Bytes that are no request, a handshake that is never done, a client that says nothing."""
        try:
            raw = socket.create_connection(('127.0.0.1', self.random.choice(self.ports)), timeout=10)
            way = self.random.randrange(4)
            if way == 0:
                raw.sendall(b'GET / HTTP/1.1\r\n\r\n')
            elif way < 3:
                raw = self.context.wrap_socket(raw, server_hostname='localhost')
                raw.sendall(self.random.choice(self.rubbish))
            if way > 1 and len(self.idle) < 8:
                self.idle.append(raw)
            else:
                raw.close()
        except OSError:
            pass


class Bustle:
    """All the verbs that year.py's supervisors do not use, and every view."""

    # How often in a day, at ten times the national volume, where it is not once.
    OFTEN = {'view': 12, 'another_request': 4, 'reassigns': 2, 'note': 2, 'clock': 2, 'closes': 3}

    def __init__(self, year):
        self.year, self.random = year, year.random
        self.acts = [getattr(self, name) for name in (
            'view', 'another_request', 'one_less', 'reassigns', 'note', 'clock', 'closes', 'reopens', 'links', 'transfers', 'conflict',
            'responsible', 'corrects', 'again', 'interpreter', 'shift', 'limits', 'holiday', 'what_if', 'policy', 'redacts', 'hand_over', 'merges')
            for _ in range(self.OFTEN.get(name, 1))]
        self.views = [row[0] for row in year.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'vac'::regnamespace AND relkind = 'v' ORDER BY 1")]
        self.reconnect()

    def reconnect(self):
        self.looking = [self.year.database.connect(login, application_name='soak') for login in ('sup_all', 'sup_sea')]

    def close(self):
        for connection in self.looking:
            connection.close()

    def verb(self, call, *args):
        return self.year.supervisors.verb(call, *args)

    def one(self, sql, *args):
        """One of the rows, or None."""
        rows = self.year.query(sql + ' LIMIT 300', *args)
        return self.random.choice(rows) if rows else None

    def case(self, state='open'):
        row = self.one('SELECT case_code FROM vac_store.case_record WHERE state = %s AND held_since IS NULL ORDER BY case_id DESC', state)
        return row and row[0]

    def meeting(self):
        """(code, request, office, coordinator) of a meeting that is to come."""
        return self.one('''SELECT c.case_code, a.request_id, o.code, k.code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id)
            JOIN vac_store.office o ON o.office_id = a.office_id JOIN vac_store.coordinator k USING (coordinator_id)
            WHERE a.live AND lower(a.span) > %s AND c.state = 'open' AND c.held_since IS NULL ORDER BY 2 DESC''', self.year.clock.at)

    def somebody(self):
        return self.random.choice(self.year.people())[0]

    # ---- looks -------------------------------------------------------------------------------
    def view(self):
        connection, name = self.random.choice(self.looking), self.random.choice(self.views)
        self.year.counts['views'] += 1
        # Half of them as of the moment of the invented clock.
        connection.execute("SELECT set_config('vac.now', %s, false)", (str(self.year.clock.at) if self.random.random() < 0.5 else '',))
        connection.execute(f'SELECT * FROM vac.{name} LIMIT 200').fetchall()

    def what_if(self):
        with self.looking[0].transaction(force_rollback=True) as _:
            self.looking[0].execute("SELECT set_config('vac.now', '', false)")
            self.looking[0].execute('SELECT vac.what_if()')
            begins = self.year.clock.at + 3 * DAY
            self.looking[0].execute('SELECT vac.add_leave(%s, %s::timestamptz, %s::timestamptz)', (self.somebody(), begins, begins + 5 * DAY))
            self.looking[0].execute('TABLE vac.affected').fetchall()

    # ---- cases -------------------------------------------------------------------------------
    def another_request(self):
        code = self.case()
        if code and self.random.random() < 0.8:
            self.verb("vac.add_request(%s, 'counseling')", code)
        elif code:
            self.verb("vac.add_request(%s, times => 3, every => '1 week')", code)

    def one_less(self):
        row = self.one('''SELECT c.case_code, r.request_id FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
            WHERE c.state = 'open' AND r.state IN ('open', 'planned') ORDER BY 2 DESC''')
        if row:
            self.verb("vac.withdraw_request(%s, %s, 'wish')", *row)

    def reassigns(self):
        row = self.meeting()
        if not row:
            return
        code, request, office, holder = row
        if self.random.random() < 0.6:
            self.verb("vac.reassign(%s, 'somebody else', reason => 'wish', request => %s)", code, request)
        else:
            start = self.year.clock.at.replace(minute=0) + self.random.randint(5, 90) * HOUR
            self.verb("vac.reassign(%s, %s, %s::timestamptz, 'wish: asked for it', %s)", code, f'{office}-{self.random.randint(1, 3):02}', start, request)
            if self.random.random() < 0.5:
                self.verb('vac.unpin(%s)', code)

    def note(self):
        code = self.case()
        if code:
            self.verb("vac.hold_case(%s, 'safety: seen nearby, number 7')", code)
            self.year.later(self.random.uniform(1, 30) * HOUR, lambda: self.verb("vac.release_case(%s, 'safe: moved')", code))

    def redacts(self):
        row = self.one('SELECT note_id FROM vac_store.note WHERE text IS NOT NULL ORDER BY 1 DESC')
        if row:
            self.year.verb(self.year.db, 'vac.redact_note(%s)', row[0])

    def clock(self):
        code = self.case()
        if code:
            self.verb("vac.start_clock(%s, 'hhs_notice')", code)
            self.year.later(self.random.uniform(1, 40) * HOUR, lambda: self.verb("vac.tick_clock(%s, 'hhs_notice')", code))

    def closes(self):
        code = self.case()
        if code:
            self.verb("vac.close_case(%s, 'resolved', cancel => %s)", code, self.random.random() < 0.3)

    def reopens(self):
        code = self.case('closed')
        if code:
            self.verb("vac.reopen_case(%s, 'mistake: more to do')", code)

    def links(self):
        one, other = self.case(), self.case()
        if one and other:
            self.verb("vac.link_cases(%s, %s, 'family')", one, other)
            if self.random.random() < 0.3:
                self.verb('vac.unlink_cases(%s, %s)', one, other)

    def merges(self):
        one, other = self.case(), self.case()
        if one and other and self.random.random() < 0.4:
            self.verb('vac.merge_cases(%s, %s)', one, other)

    def transfers(self):
        code = self.case()
        if code:
            self.verb("vac.transfer_case(%s, %s, 'transferred: lives there')", code, self.random.choice(self.year.offices))

    def conflict(self):
        code, who = self.case(), self.somebody()
        if code:
            self.verb('vac.add_conflict(%s, %s)', code, who)
            if self.random.random() < 0.5:
                self.verb('vac.remove_conflict(%s, %s)', code, who)

    def responsible(self):
        row = self.meeting()
        if row:
            self.verb("vac.set_responsible(%s, %s, 'court')", row[0], row[3])

    def corrects(self):
        row = self.one('''SELECT c.case_code, a.request_id FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id)
            WHERE a.state IN ('held', 'missed') AND c.state = 'open' ORDER BY a.appointment_id DESC''')
        if row:
            self.verb("vac.correct_outcome(%s, %s, 'mistake', request => %s)", row[0], self.random.choice(('held', 'missed')), row[1])

    def again(self):
        row = self.meeting()
        if row:
            self.verb('vac.send_again(%s)', row[0])

    def interpreter(self):
        row = self.meeting()
        if row:
            self.verb('vac.interpreter_booked(%s)', row[0])

    # ---- people and rules --------------------------------------------------------------------
    def shift(self):
        who, begins = self.somebody(), self.year.clock.at.replace(minute=0) + self.random.randint(24, 200) * HOUR
        self.verb("vac.add_shift(%s, 'on_call', %s::timestamptz, %s::timestamptz)", who, begins, begins + 10 * HOUR)

    def limits(self):
        self.verb('vac.set_limits(%s, max_open_cases => %s)', self.somebody(), self.random.randint(10, 60))

    def holiday(self):
        day, office = (self.year.clock.at + self.random.randint(10, 60) * DAY).date(), self.random.choice(self.year.offices)
        self.verb("vac.add_holiday(%s, 'Closed', %s)", day, office)
        self.verb('vac.remove_holiday(%s, %s)', day, office)

    def policy(self):
        self.verb("vac.set_policy('notice', %s, 'urgent')", str(self.random.choice((60, 90))))

    def hand_over(self):
        """Somebody is away for long, and all they have goes to others."""
        if self.random.random() < 0.1 and len(self.year.supervisors.retired) < 3:
            who = self.somebody()
            self.verb("vac.hand_over(%s, 'roster: moves')", who)
            if self.year.query('SELECT FROM vac_store.coordinator WHERE code = %s AND retired_at IS NOT NULL', who):
                self.year.supervisors.retired.append(who)
