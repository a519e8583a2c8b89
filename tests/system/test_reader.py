"""The reader in its real sandbox: what a mail does to its child, and what the process itself holds."""

import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time

import pytest

import harness
import reader_client
from harness import BUILD, wait_for
from reader_client import Reader

DRIVER = BUILD / 'reader-driver'
# The sanitizers map more than a child may have, and catch signals that would end it.
SANITIZED = b'__asan_init' in DRIVER.read_bytes() if DRIVER.exists() else False
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root looks into a process that is not dumpable')

FINE = 'record a@example.org b@example.org {"length": 5, "now": 1000, "until": 2000}'
FORBIDDEN = 'died asked the system for what the sandbox forbids'


class Driver:
    """Lines in, what became of them out."""

    def __init__(self, **options):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0, **options)
        self.said = b''

    def __enter__(self):
        assert self.line() == 'up '
        return self

    def __exit__(self, *what):
        self.process.stdin.close()
        self.process.kill() if what[0] else None
        self.process.wait(120)
        self.process.stdout.close()

    def line(self):
        while b'\n' not in self.said:
            assert select.select([self.process.stdout], [], [], 60)[0], 'no line within a minute'
            some = os.read(self.process.stdout.fileno(), 65536)
            assert some, 'the driver ended'
            self.said += some
        line, self.said = self.said.split(b'\n', 1)
        return line.decode()

    def send(self, text):
        self.process.stdin.write(text.encode() + b'\n')

    def ask(self, text):
        self.send(text)
        return self.line()

    def reader(self):
        """Its pid; None while there is none."""
        children = reader_client.children_of(self.process.pid)
        return children[0] if children else None


@pytest.fixture
def driver():
    with Driver() as made:
        yield made
        assert made.ask('hello') == FINE


def refused(errno):
    return 'record {"result": -1, "errno": %d}' % errno


# ---- what a mail can do --------------------------------------------------------------------------

@pytest.mark.parametrize('act', ['socket', 'execute', 'fork', 'kill', 'signal', 'trace', 'run memory'])
def test_what_ends_a_child(driver, act):
    assert driver.ask(act) == FORBIDDEN


@pytest.mark.parametrize('act, errno', [('open', 2), ('create', 2), ('raise limit', 1)])
def test_what_a_child_is_told_it_cannot_have(driver, act, errno):
    assert driver.ask(act) == refused(errno)


def test_a_child_has_no_way_to_the_daemon(driver):
    kept = 1 if SANITIZED else 0    # its standard error
    assert driver.ask('channel') == 'record {"result": %d, "errno": 0}' % kept


def test_too_much_computing(driver):
    """On a busy machine five seconds of time are over before two of computing."""
    assert driver.ask('compute') in ('died took more than 2 s of computing', 'died took longer than 5 s')


def test_limits_of_a_child(driver):
    driver.send('wait')
    child = wait_for(lambda: reader_client.children_of(driver.reader()), what='a child')[0]
    wait_for(lambda: 'Seccomp_filters:\t2' in pathlib.Path(f'/proc/{child}/status').read_text(), what='both its filters')
    with open(f'/proc/{child}/limits') as lines:
        limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits['Max cpu time'] == ['2', '3']
    assert limits['Max open files'] == ['0', '0']
    assert limits['Max core file size'] == ['0', '0']
    if not SANITIZED:
        assert limits['Max address space'] == 2 * [str(256 << 20)]
        assert limits['Max file size'] == ['0', '0']
    assert driver.line() == 'died took longer than 5 s'


def test_too_long(driver):
    assert driver.ask('wait') == 'died took longer than 5 s'


@pytest.mark.skipif(SANITIZED, reason='has its own allocator and no limit')
def test_too_much_memory(driver):
    """Well before 256 MiB, too: what it was born with counts."""
    assert driver.ask('allocate') == 'died wanted more than 256 MiB of memory'


@pytest.mark.skipif(SANITIZED, reason='a sanitizer catches these')
@pytest.mark.parametrize('act, number', [('crash', signal.SIGSEGV), ('abort', signal.SIGABRT),
                                         ('overflow', signal.SIGSEGV)])
def test_crashes(driver, act, number):
    assert driver.ask(act) == f'died ended by signal {int(number)}'


def test_nonsense_is_no_record(driver):
    assert driver.ask('write much') == 'died wrote more than a record may hold'
    assert driver.ask('write nonsense') == 'died wrote what is no record'


def test_long_mails(driver):
    assert driver.ask(f'long {32 << 20}') == f'record a@example.org b@example.org ' \
        f'{{"length": {32 << 20}, "now": 1000, "until": 2000}}'
    assert driver.ask(f'long {(32 << 20) + 1}') == 'refused Message too long'


def test_a_child_leaves_nothing_behind(driver):
    """No process that nobody waits for, and no descriptor."""
    reader = driver.reader()
    before = len(os.listdir(f'/proc/{reader}/fd')) if os.geteuid() == 0 else 0
    for _ in range(50):
        assert driver.ask('hello') == FINE
        assert driver.ask('execute') == FORBIDDEN
    assert reader_client.children_of(reader) == []
    assert driver.reader() == reader
    if os.geteuid() == 0:
        assert len(os.listdir(f'/proc/{reader}/fd')) == before


# ---- the process itself --------------------------------------------------------------------------

def test_it_is_started_anew(driver):
    first = driver.reader()
    driver.send('wait')
    child = wait_for(lambda: reader_client.children_of(first), what='a child')[0]
    os.kill(first, signal.SIGKILL)
    assert driver.line() == 'down the reader came to its end'
    assert driver.line() == 'died came to its end'
    assert driver.line() == 'up '
    wait_for(lambda: not os.path.exists(f'/proc/{child}'), what='the end of the orphan')
    assert driver.reader() not in (None, first)


def test_one_that_hangs_is_ended(driver):
    first = driver.reader()
    os.kill(first, signal.SIGSTOP)
    driver.send('hello')
    assert driver.line() == 'down the reader hangs'
    assert driver.line() == 'died hangs'
    assert driver.line() == 'up '
    assert not os.path.exists(f'/proc/{first}')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_to_everybody_are_for_the_daemon(driver, number):
    first = driver.reader()
    os.kill(first, number)
    assert driver.ask('hello') == FINE
    assert driver.reader() == first


def test_it_does_not_outlive_the_daemon():
    with Driver() as driver:
        reader = driver.reader()
        driver.send('wait')
        child = wait_for(lambda: reader_client.children_of(reader), what='a child')[0]
        driver.process.kill()
        wait_for(lambda: not alive(reader) and not alive(child), what='their end')


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_has_nothing(pid):
    kept = [v for v in reader_client.environment_of(pid) if not v.startswith((b'ASAN_', b'UBSAN_'))]
    assert kept == []
    files = reader_client.files_of(pid)
    assert sorted(files) == [0, 1, 2]
    assert files[0].startswith('socket:') and files[1] == '/dev/null'
    assert files[2] == '/dev/null' or SANITIZED
    with open(f'/proc/{pid}/status') as status:
        fields = dict(line.rstrip('\n').split(':\t', 1) for line in status)
    assert fields['NoNewPrivs'] == '1' and fields['Seccomp'] == '2'
    with open(f'/proc/{pid}/limits') as limits:
        assert re.search(r'Max core file size +0 +0', limits.read())


@needs_root
def test_it_inherits_nothing(folder):
    secret = folder / 'secret'
    secret.write_text('a secret')
    environment = dict(os.environ, PGPASSWORD='a secret', CREDENTIALS_DIRECTORY=str(folder),
                       NOTIFY_SOCKET='/nowhere', LANG='C.UTF-8')
    with open(secret) as kept, Driver(env=environment, pass_fds=[kept.fileno()]) as driver:
        first = driver.reader()
        check_has_nothing(first)
        os.kill(first, signal.SIGKILL)
        assert driver.line() == 'down the reader came to its end'
        assert driver.line() == 'up '
        check_has_nothing(driver.reader())
        assert driver.ask('hello') == FINE


def test_it_shows_itself_to_nobody():
    with Driver() as driver:
        assert os.stat(f'/proc/{driver.reader()}/environ').st_uid == 0
        assert driver.ask('hello') == FINE


def test_one_that_cannot_load_says_so():
    with Reader(DRIVER, {'READER_DRIVER_BROKEN': '1'}) as reader:
        number, word, text = reader.answer()
        assert (number, word) == (0, reader_client.BROKEN)
        assert text == b'cannot load charsets and time zones: No such file or directory'


def test_one_that_is_out_of_step_ends():
    with Reader(DRIVER) as reader:
        reader.ready()
        reader.socket.sendall(b'x' * 28)
        with pytest.raises((EOFError, ConnectionResetError)):
            reader.answer()


def test_it_is_no_command_for_people():
    done = harness.run_vacd('reader')
    assert done.returncode == 64 and 'of the daemon' in done.stderr


# ---- real mails ----------------------------------------------------------------------------------

def record_of(text):
    lines, json_text = text.split(b'\n\n', 1) if not text.startswith(b'\n') else (b'', text[1:])
    return lines.decode().splitlines(), json.loads(json_text)


CHARSETS = {'iso-2022-jp': '承諾', 'windows-1252': 'Größe', 'koi8-r': 'принято', 'gb18030': '接受',
            'utf-16': 'accepté', 'iso-8859-15': 'accepté €', 'big5': '接受', 'euc-kr': '수락'}


def reply_in(charset, text):
    """An answer whose calendar is in another charset, with a zone that only the system's data has."""
    calendar = '\r\n'.join([
        'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Example//EN', 'METHOD:REPLY', 'BEGIN:VEVENT',
        'UID:1@example.org', 'SEQUENCE:0', 'DTSTAMP:20260901T080000Z', f'SUMMARY:{text}',
        'DTSTART;TZID=Australia/Lord_Howe:20261102T090000', 'DTEND;TZID=Australia/Lord_Howe:20261102T100000',
        'ORGANIZER:mailto:vacd+token@example.org',
        'ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org', 'END:VEVENT', 'END:VCALENDAR', ''])
    return '\r\n'.join([
        'From: a@example.org', 'To: vacd+token@example.org', 'Date: Tue, 01 Sep 2026 08:00:00 +0000',
        'Message-ID: <1@example.org>', 'MIME-Version: 1.0',
        f'Content-Type: text/calendar; method=REPLY; charset={charset}', '', '']).encode() + calendar.encode(charset)


def test_charsets_and_zones_are_there_in_the_sandbox():
    with Reader() as reader:
        reader.ready()
        for charset, text in CHARSETS.items():
            word, answer = reader.read(reply_in(charset, text))
            assert word == reader_client.RECORD, (charset, answer)
            addresses, record = record_of(answer)
            assert record['kind'] == 'calendar', (charset, record)
            event = record['calendar']['events'][0]
            assert event['start'] == 1793570400 - 0, (charset, event)   # 09:00 at UTC+11
            assert event['attendees'][0]['partstat'] == 'ACCEPTED'
            assert addresses == ['vacd+token@example.org', 'vacd+token@example.org']


def outside(paths, now):
    """What the same code makes of the files without a sandbox."""
    done = subprocess.run([BUILD / 'read-mail', '-n', str(now)], input='\n'.join(map(str, paths)) + '\n',
                          stdout=subprocess.PIPE, text=True, check=True,
                          env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))
    return done.stdout.splitlines()


@pytest.mark.bare   # test_read_mail.py reads each of them under the sanitizers
def test_the_sandbox_changes_nothing_of_real_mails():
    corpus = os.environ.get('VACD_CORPUS')
    if not corpus:
        pytest.skip('no VACD_CORPUS')
    now = 1767225600
    paths = sorted(os.path.join(top, name) for top, _, names in os.walk(corpus) for name in names)
    with Reader() as reader:
        reader.ready()
        for path, expected in zip(paths, outside(paths, now), strict=True):
            with open(path, 'rb') as file:
                word, text = reader.read(file.read(), now, now + 90 * 86400)
            assert word == reader_client.RECORD, (path, text)
            assert record_of(text)[1] == json.loads(expected), path


@needs_root
@pytest.mark.skipif(SANITIZED, reason='keeps what is freed, and terabytes')
def test_a_mail_is_gone_when_it_is_read():
    """The next child inherits all that the process holds."""
    mark = b'mark-of-a-mail-' + str(time.monotonic_ns()).encode()
    with Reader() as reader:
        reader.ready()
        word, _ = reader.read(b'From: a@example.org\r\n\r\n' + mark * 3)
        assert word == reader_client.RECORD
        wait_for(lambda: mark not in reader_client.memory_of(reader.pid), what='its end in memory')
