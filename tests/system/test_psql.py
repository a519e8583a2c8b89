"""etc/psqlrc in a real psql, under a pseudo-terminal of 120 columns: every short name works and fits.

Once with 30 offices that have something of everything, once with an empty database.
"""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pytest

import harness

COLUMNS = 120
PSQLRC = harness.ROOT / 'etc' / 'psqlrc'
ZONES = ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles', 'America/Phoenix',
         'Pacific/Honolulu', 'America/Anchorage', 'Pacific/Guam']
CLEAR = '\x1b[H\x1b[2J'


def names():
    """Each name that etc/psqlrc sets for people, and what it stands for."""
    found = re.findall(r"^\\set ([A-Za-z]+) '(.*)'$", PSQLRC.read_text(), re.M)
    return {name: text for name, text in found if text}


class Terminal:
    """A psql that believes it talks to a person."""

    def __init__(self, database, login, psqlrc=PSQLRC):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = dict(os.environ, PSQLRC=str(psqlrc), PSQL_PAGER='cat', TERM='xterm', LANG='C.UTF-8')
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 50, COLUMNS, 0, 0))
                # Without readline, so that nothing is written but what psql writes.
                os.execvpe('psql', ['psql', '-n', database.conninfo(login)], environment)
            finally:
                os._exit(127)
        settings = termios.tcgetattr(self.fd)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(self.fd, termios.TCSANOW, settings)
        self.decoder = codecs.getincrementaldecoder('utf-8')()
        self.count = 0
        self.greeting = self.read_until(r'=[#>] $')

    def read_until(self, pattern, seconds=120):
        text, end = '', time.monotonic() + seconds
        while not re.search(pattern, text):
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            assert ready, f'{pattern!r} did not come; there was:\n{text}'
            text += self.decoder.decode(os.read(self.fd, 65536))
        return text

    def say(self, line):
        """What psql answers to a line."""
        self.count += 1
        os.write(self.fd, f'{line}\n'.encode())
        os.write(self.fd, f'\\echo said-{self.count}\n'.encode())
        text = self.read_until(rf'said-{self.count}\r\n(?s:.*)[#>] $')
        text = text[:text.index(f'said-{self.count}\r\n')].replace('\r\n', '\n')
        return re.sub(r'\x1b\[1m\w+\x1b\[0m \w+\S*[#>] ', '', text)

    def watch(self, line, last):
        """Two rounds of a board, each up to its last table of so many, and what is left when Ctrl-C ends it."""
        os.write(self.fd, f'{line}\n'.encode())
        whole = rf'{re.escape(CLEAR)}.*?' + r'\(\d+ rows?\).*?' * last
        text = self.read_until(f'(?s:{whole}{whole})')
        os.write(self.fd, b'\x03')
        text += self.read_until(r'[#>] $')
        return text.replace('\r\n', '\n').split(CLEAR)[1:]

    def close(self):
        os.close(self.fd)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def terminal(database, login, psqlrc=PSQLRC):
    psql = Terminal(database, login, psqlrc)
    try:
        yield psql
    finally:
        psql.close()


def too_wide(text):
    return [line for line in text.splitlines() if len(line) > COLUMNS]


# ---- something of everything ---------------------------------------------------------------------

def sheets(folder):
    codes = [f'OF{n:02}' for n in range(1, 31)]
    offices = [[code, f'Field office number {n}', ZONES[n % 8], '+1 206 555 0100', 'Mon-Fri 08:00-17:00; Sat 09:00-12:00',
                'MAIN=Federal Building, room 210; AIR=Airport desk', f'{codes[n % 30]}:180'] for n, code in enumerate(codes, 1)]
    people, patterns = [], []
    for n, code in enumerate(codes):
        for m, duty in enumerate(('full_time', 'collateral'), 1):
            person = f'{code}-{m}'
            people.append([person, code, duty, f'Coordinator {chr(65 + n % 26)} of a longer name', 'Victim Assistance Coordinator',
                           f'{person.lower()}@agency.example.org', '', '+1 206 555 0101', '', 'female',
                           'crisis_intervention; counseling; witness_support', 'en; es; zh-Hant-TW', '', '', '', ''])
            patterns.append([person, 'regular', 'Mon-Fri', '08:00', '17:00', '', ''])
        patterns.append([f'{code}-1', 'on_call', 'Mon-Sun', '17:00', '08:00', '', ''])
    supervisors = [['sup_all', 'Supervisor of all offices', 'sup_all@agency.example.org', 'pager@agency.example.org', 1, 'all'],
                   ['sup_sea', 'Supervisor of one', 'sup_sea@agency.example.org', '', 2, 'OF04']]
    return harness.write_sheets(folder, offices=offices, supervisors=supervisors, coordinators=people, patterns=patterns)


FILL = '''
    SELECT vac.add_protected_word('Harbour House'), vac.allow_domain('agency.example.org');
    SELECT vac.add_holiday(current_date + 20, 'A holiday with a name of its own');
    SELECT vac.set_rotation(o.code, 'nights and weekends', o.code || '-1, ' || o.code || '-2') FROM vac_store.office o WHERE o.code <= 'OF06';
    SELECT vac.add_leave(k.code, now() + interval '3 hours', now() + interval '9 days') FROM vac_store.coordinator k WHERE k.code LIKE '%-2';
    SELECT vac.open_case(o.code, 'es', urgency => u, mode => 'telephone') FROM vac_store.office o,
        unnest(ARRAY['immediate', 'urgent', 'routine']) u;
    INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, send_by)
        SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s, s, r.urgency, vac_store.handle(), now(), now()
        FROM vac_store.request r JOIN vac_store.coordinator k USING (office_id),
            LATERAL (SELECT tstzrange(t, t + interval '1 hour') AS s FROM (SELECT now() + interval '1 day' - (k.coordinator_id % 5) * interval '7 hours' AS t) x) y
        WHERE r.urgency = 'urgent' AND k.code LIKE '%-1';
    UPDATE vac_store.request SET state = 'planned', interpreter = 'on_site' WHERE urgency = 'urgent';
    UPDATE vac_store.appointment SET by_interpreter = true;
    UPDATE vac_store.request SET due_at = now() - interval '50 hours' WHERE urgency = 'routine';
    SELECT vac.set_cover(o.code, 'nights and weekends', 'Mon-Sun 17:00-08:00', service => 'crisis_intervention', language => 'zh-Hant-TW', people => 3),
        vac.set_designation(o.code, 'sac_office') FROM vac_store.office o WHERE o.code <= 'OF06';
    SELECT vac.add_client('tipline', string_agg(o.code, '; ')) FROM vac_store.office o;
    SELECT vac.link_cases(min(c.case_code), max(c.case_code), 'family', 'other: both came in by the same call in the night, and ask to be met together')
        FROM vac_store.case_record c GROUP BY c.office_id;
    UPDATE vac_store.request SET unserved_since = now() WHERE urgency = 'immediate';
    INSERT INTO vac_store.decision (request_id, at, ruled_out, cost, terms)
        SELECT r.request_id, now(), jsonb_build_object('leave', jsonb_build_array(k.coordinator_id), 'cap_open_cases', jsonb_build_array(k.coordinator_id)),
            1, '{"wait": 1200, "collateral": 480, "backup": 960, "interpreter": 720, "continuity": 1440, "load": 30}'
        FROM vac_store.request r JOIN vac_store.coordinator k USING (office_id) WHERE k.code LIKE '%-2';
    UPDATE vac_store.case_record c SET responsible_id = k.coordinator_id FROM vac_store.coordinator k
        WHERE k.office_id = c.office_id AND k.code LIKE '%-1';
    SELECT vac_store.queue_appointments('invitation', array_agg(appointment_id)) FROM vac_store.appointment;
    UPDATE vac_store.message SET state = 'refused', reply = '550 5.1.1 mailbox is not available, please look at the address'
        WHERE message_id % 3 = 0;
    UPDATE vac_store.message SET kind = 'update' WHERE message_id % 6 = 0;
    INSERT INTO vac_store.inbound (received_at, envelope_sender, envelope_recipient, delivery, size, state, not_before, handled_at, outcome,
            why, said, office_id, appointment_id, coordinator_id, from_address)
        SELECT now(), 's@example.org', 'r@example.org', gen_random_uuid(), 1, 'listed', now(), now(), 'sender_misfit',
            'comes from an address that is neither the coordinator''s nor any colleague''s', 'accepted', a.office_id, a.appointment_id,
            a.coordinator_id, 'somebody.with.a.long.address@subdomain.agency.example.org'
        FROM vac_store.appointment a;'''


@pytest.fixture(scope='module')
def full(cluster, tmp_path_factory):
    made = cluster.database(sheets(tmp_path_factory.mktemp('sheets')))
    made.query(FILL)
    made.query('ANALYZE')
    yield made
    made.drop()


@pytest.fixture(scope='module')
def empty(cluster):
    made = cluster.database()
    yield made
    made.drop()


def test_names_are_those_of_help(empty):
    helped = {short for short, in empty.query('SELECT short FROM vac.help WHERE short IS NOT NULL')}
    assert {f':{name}' for name in names()} == helped, 'etc/psqlrc and the second list of sql/views/help.sql'


@pytest.mark.parametrize('login', ['sup_all', 'sup_sea'])
def test_every_short_name_works_and_fits(full, login):
    code = full.as_login(login).value("SELECT case_code FROM vac.open_cases WHERE state = 'NOBODY FOUND'")
    with terminal(full, login) as psql:
        assert ':help' in psql.greeting and not too_wide(psql.greeting)
        psql.say(f'\\set case {code.lower().replace("-", "")}')
        for name, text in names().items():
            if '\\watch' in text or name == 'try':
                continue
            said = psql.say(f':{name}')
            if name == 'cost':        # of a case that no daemon planned there is none
                assert 'no plan decided' in said
                continue
            assert 'ERROR' not in said and re.search(r'\(\d+ rows?\)|RECORD 1', said), f':{name}\n{said}'
            assert not too_wide(said), f':{name}\n' + '\n'.join(too_wide(said))
            assert name not in ('why', 'state', 'story') or code in said, f':{name}\n{said}'


def test_every_view_has_rows_there_to_be_wide(full):
    """Else the test above says little."""
    bare = [view for view, in full.query("SELECT relname FROM pg_class WHERE relnamespace = 'vac'::regnamespace AND relkind = 'v'")
            if not full.as_login('sup_all').query(f'SELECT 1 FROM vac.{view} LIMIT 1')]
    assert set(bare) <= {'affected', 'my_cases'}, 'put something into FILL that they show'


def test_an_empty_database_is_no_trouble(empty):
    with terminal(empty, 'sup_all') as psql:
        for name, text in names().items():
            if '\\watch' in text or ":'case'" in text.replace('\\', '') or name == 'try':
                continue
            said = psql.say(f':{name}')
            assert 'ERROR' not in said and 'rows)' in said and not too_wide(said), f':{name}\n{said}'


def test_boards_refresh_themselves_from_the_top(full, folder):
    hurried = folder / 'psqlrc'
    hurried.write_text(re.sub(r'(\\watch) \d+', r'\1 1', PSQLRC.read_text()))
    boards = {name: text for name, text in names().items() if '\\watch' in text}
    assert len(boards) >= 5
    with terminal(full, 'sup_all', hurried) as psql:
        for name, text in boards.items():
            rounds = psql.watch(f':{name}', text.count('\\;') + 1)
            assert len(rounds) >= 2 and 'ERROR' not in rounds[0] and not too_wide(rounds[0]), rounds
            assert len(rounds[0].splitlines()) <= 50, f':{name} is higher than a terminal'


def test_what_if_leaves_nothing(full):
    before = full.value('SELECT count(*) FROM vac_store.leave')
    with terminal(full, 'sup_all') as psql:
        psql.say(':try')
        assert 'OF04' in psql.say("SELECT vac.add_leave('OF04-1', '2099-01-01', '2099-01-03'); TABLE vac.week_picture;")
        assert 'ERROR:  this transaction asked what if' in psql.say('COMMIT;')
    assert full.value('SELECT count(*) FROM vac_store.leave') == before


# ---- rights --------------------------------------------------------------------------------------

def test_pictures_show_ones_own_offices(full):
    full.query('''INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
        SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s, s, r.urgency, vac_store.handle(), now()
        FROM vac_store.request r JOIN vac_store.office o USING (office_id), vac_store.coordinator k,
            LATERAL (SELECT tstzrange(t, t + interval '1 hour') AS s FROM (SELECT now() + interval '50 hours' AS t) x) y
        WHERE o.code = 'OF04' AND r.urgency = 'routine' AND k.code = 'OF09-1' ''')
    one = full.as_login('sup_sea')
    assert {office for office, in one.query('SELECT office FROM vac.coverage WHERE office IS NOT NULL')} == {'local', 'OF04'}
    assert {office for office, in one.query('SELECT office FROM vac.caseload UNION SELECT office FROM vac.collateral_hours')} == {'OF04'}
    lines = dict(one.query("SELECT split_part(who, ' ', 1), picture FROM vac.week_picture WHERE who IS NOT NULL"))
    assert set(lines) == {'OF04', 'OF04-1', 'OF04-2', 'OF09-1'}
    # Of another office's coordinator: this meeting, and not that she is on call all the nights.
    assert set(lines['OF09-1']) <= set('·│▄') and '▄' in lines['OF09-1'] and '▁' in lines['OF04-1']
    for call in ("vac.coverage('OF09')", "vac.week_picture('OF09')"):
        with terminal(full, 'sup_sea') as psql:
            assert 'that is for supervisors of OF09' in psql.say(f'SELECT * FROM {call};')
    for login in ('intake1', 'vacd'):
        with terminal(full, login) as psql:
            assert 'permission denied' in psql.say('TABLE vac.coverage;') and 'permission denied' in psql.say('SELECT * FROM vac.week_picture();')
