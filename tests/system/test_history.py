"""History is sealed, told and verified: the real daemon, the real command, openssl's own command line, and a
reckoning in Python from what vacd-history(7) says. Whoever is superuser can alter everything, and is found out."""

import base64
import contextlib
import hashlib
import re
import signal

import pytest

import harness
from harness import run_vacd, wait_for


# ---- the chain by the man page -------------------------------------------------------------------

def field(value):
    if value is None:
        return b'-,'
    data = str(value).encode()
    return b'%d:%s,' % (len(data), data)


def origin(chain):
    return hashlib.sha256(f'vacd-chain-1 {chain}'.encode()).digest()


def reckoned(database):
    """{number: hash in hex} of the whole chain, from the tables."""
    rows = database.query('''
        SELECT s.number, (extract(epoch FROM s.sealed_at) * 1000000)::bigint, h.history_id,
               (extract(epoch FROM h.at) * 1000000)::bigint, h.who, h.event, h.office_id, h.case_id, h.request_id,
               h.appointment_id, h.coordinator_id, h.message_id, h.reason, h.note_id, n.salt, n.text, h.detail::text
        FROM vac_store.sealed s JOIN vac_store.history h USING (history_id) LEFT JOIN vac_store.note n USING (note_id)
        ORDER BY s.number''')
    at = origin(database.value('SELECT chain::text FROM vac_store.chain'))
    found = {}
    for *front, salt, text, detail in rows:
        note = None if text is None else hashlib.sha256(salt + text.encode()).hexdigest()
        entry = b''.join(map(field, ['vacd-entry-1', *front, note, detail]))
        at = hashlib.sha256(at + entry).digest()
        found[front[0]] = at.hex()
    return found


def seal(database):
    return database.as_login('vacd').query('SELECT number, hash, sealed FROM vac_daemon.seal(10000)')[0]


def record(database, event, note=None, count=1, **more):
    database.query('SELECT vac_store.record(%s, why => %s, said => %s, more => %s::jsonb) FROM generate_series(1, %s)', event,
                   more.get('reason'), note, more.get('detail', '{}'), count)


@contextlib.contextmanager
def superuser(database):
    """A connection for which no trigger and no key stands in the way."""
    with database.connect() as connection:
        connection.execute('SET session_replication_role = replica')
        yield connection


def tamper(database, *statements):
    with superuser(database) as connection:
        for statement in statements:
            connection.execute(statement)


def verify(database, *options):
    return run_vacd('verify-history', '--database', database.conninfo('vacd'), *options)


def bad_lines(done):
    return [line[6:] for line in done.stdout.splitlines() if line.startswith('bad ')]


@pytest.fixture(scope='module')
def keys(session_folder):
    """Keys made by openssl: (kind, private, public)."""
    made = {}
    for kind, options in (('ed25519', ['-algorithm', 'ed25519']),
                          ('ec', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'])):
        private, public = session_folder / f'history-{kind}.key', session_folder / f'history-{kind}.pub'
        harness.run_checked(['openssl', 'genpkey', *options, '-out', private])
        private.chmod(0o600)
        harness.run_checked(['openssl', 'pkey', '-in', private, '-pubout', '-out', public])
        made[kind] = (private, public)
    return made


@pytest.fixture(scope='module')
def sealed(cluster):
    """A database with a chain of a few rows, some with notes, and one row that waits."""
    database = cluster.database()
    record(database, 'first', count=3)
    record(database, 'with_note', note='a secret: naïve — „quoted“', reason='safety')
    seal(database)
    record(database, 'detailed', detail='{"b": 1.50, "a": ["ü", null, "a\\nb"]}')
    record(database, 'with_note', note='yes')
    record(database, 'later', count=4)
    seal(database)
    record(database, 'waiting')
    yield database
    database.drop()


# ---- the chain itself ----------------------------------------------------------------------------

def test_the_chain_is_what_the_man_page_says(sealed):
    stored = dict(sealed.query("SELECT number, encode(hash, 'hex') FROM vac_store.sealed"))
    assert len(stored) >= 10 and list(stored) == list(range(1, len(stored) + 1))
    assert stored == reckoned(sealed)


def test_verify_is_content(sealed):
    done = verify(sealed)
    assert done.returncode == 0, done.stdout + done.stderr
    number, head = sealed.query("SELECT number, encode(hash, 'hex') FROM vac_store.chain")[0]
    assert f'ok    {number} entries follow one another; 1 rows wait to be sealed; head {number}:{head}' in done.stdout


ROW = 'vac_store.history WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = {})'
ALTERED = r'entry {}: row \d+ of history is not what was sealed, it was altered'

# What a superuser does, and what is said of it; {} of the last ones is the last entry.
TAMPERINGS = {
    'a row altered': (["UPDATE vac_store.history SET who = 'somebody' WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = 3)"],
                      [ALTERED.format(3)]),
    'a time altered by a microsecond': (
        ["UPDATE vac_store.history SET at = at + interval '1 microsecond' WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = 2)"],
        [ALTERED.format(2)]),
    'nothing made of a null': (
        ["UPDATE vac_store.history SET reason = '' WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = 2)"], [ALTERED.format(2)]),
    'the last row altered': (
        ["UPDATE vac_store.history SET event = 'other' WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = 10)"],
        [ALTERED.format(10)]),
    'two neighbours altered': (
        ["UPDATE vac_store.history SET event = 'other' WHERE history_id IN (SELECT history_id FROM vac_store.sealed WHERE number IN (5, 6))"],
        [ALTERED.format(5), ALTERED.format(6)]),
    'a row deleted': (['DELETE FROM ' + ROW.format(4)], [r'entry 4: row \d+ of history was deleted']),
    'a row and its entry deleted': (['DELETE FROM ' + ROW.format(4), 'DELETE FROM vac_store.sealed WHERE number = 4'],
                                    ['entries 4 to 4 were deleted']),
    'a row that waited deleted': (['DELETE FROM vac_store.history WHERE history_id = (SELECT min(history_id) FROM vac_store.unsealed)'],
                                  [r'row \d+ of history was deleted before it was sealed']),
    'a row put in past the seal': (["INSERT INTO vac_store.history (event, at) VALUES ('invented', '2026-01-01')"],
                                   [r'row \d+ of history \(2026-01-01T00:00:00Z\) stands outside the chain, it was put in past it']),
    'a row put in among the entries': (
        ["INSERT INTO vac_store.history (event) VALUES ('invented')",
         'UPDATE vac_store.sealed SET number = number + 1000 WHERE number > 5', 'UPDATE vac_store.sealed SET number = number - 999 WHERE number > 1000',
         "INSERT INTO vac_store.sealed SELECT 6, max(history_id), now(), sha256('x') FROM vac_store.history",
         'UPDATE vac_store.chain SET number = number + 1'],
        [ALTERED.format(n) for n in range(6, 12)]),
    'two rows swapped': (
        ['''UPDATE vac_store.sealed s SET history_id = -o.history_id FROM vac_store.sealed o WHERE s.number IN (2, 6) AND o.number = 8 - s.number''',
         'UPDATE vac_store.sealed SET history_id = -history_id WHERE history_id < 0'],
        [ALTERED.format(2), ALTERED.format(6)]),
    'a seal altered': (["UPDATE vac_store.sealed SET hash = sha256('x') WHERE number = 5"],
                       [r'entry 5: its seal was altered; row \d+ of history is as it was sealed']),
    'the end cut off, and the head left': (['DELETE FROM vac_store.sealed WHERE number > 8'],
                                           [r'row \d+ of history .* stands outside the chain', r'row \d+ of history .* stands outside the chain', 'entries 9 to 10 were cut off']),
    'the head altered': (["UPDATE vac_store.chain SET hash = sha256('x')"], ['the head of the chain was altered: it says 10, the last entry is 10']),
    'a note altered': (["UPDATE vac_store.note SET text = 'something else' WHERE text = 'yes'"], [r'entry 6: note \d+ was altered']),
    'a note altered with its hash': (
        ["UPDATE vac_store.note SET text = 'no', hash = sha256(salt || 'no') WHERE text = 'yes'"], [ALTERED.format(6)]),
    'a note taken away': (["UPDATE vac_store.note SET text = NULL, salt = NULL WHERE text = 'yes'"],
                          [r'entry 6: note \d+ was taken away, and nobody is named who redacted it']),
    'a note deleted': (["DELETE FROM vac_store.note WHERE text = 'yes'"], [ALTERED.format(6)]),
}
TABLES = ('history', 'note', 'sealed', 'unsealed', 'chain')


@pytest.mark.parametrize('what', TAMPERINGS)
def test_what_a_superuser_alters_is_found(sealed, what):
    statements, expected = TAMPERINGS[what]
    generated = 'OVERRIDING SYSTEM VALUE'
    with superuser(sealed) as connection:
        for table in TABLES:
            connection.execute(f'CREATE TABLE IF NOT EXISTS public.kept_{table} AS TABLE vac_store.{table}')
        try:
            for statement in statements:
                connection.execute(statement)
            done = verify(sealed)
        finally:
            for table in TABLES:
                connection.execute(f'DELETE FROM vac_store.{table}')
                connection.execute(f'INSERT INTO vac_store.{table} {generated} TABLE public.kept_{table}')
    found = bad_lines(done)
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(found) == len(expected) and all(re.match(e, f) for e, f in zip(expected, found)), done.stdout


def test_after_all_that_it_is_as_before(sealed):
    assert verify(sealed).returncode == 0


# ---- what the chain alone cannot tell: heads -----------------------------------------------------

def made_anew(database):
    """A superuser alters entry 3 and reckons everything behind it anew."""
    tamper(database, 'UPDATE vac_store.history SET who = \'nobody\' WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = 3)')
    tamper(database, *(f"UPDATE vac_store.sealed SET hash = '\\x{value}' WHERE number = {number}"
                       for number, value in reckoned(database).items()),
           'UPDATE vac_store.chain c SET hash = s.hash FROM vac_store.sealed s WHERE s.number = c.number')


def test_heads_find_an_end_cut_off_and_a_chain_made_anew(cluster):
    database = cluster.database()
    record(database, 'early', count=2)
    early = '{}:{}'.format(*seal(database)[:2])
    record(database, 'middle', count=4)
    number, head, _ = seal(database)
    middle = f'{number}:{head}'
    record(database, 'late', count=4)
    late = '{}:{}'.format(*seal(database)[:2])
    heads = ('--head', late, '--head', early, '--head', middle)
    assert verify(database, *heads).returncode == 0
    assert verify(database, '--head', '5:' + '0' * 64).returncode == 1
    assert verify(database, '--head', '5:123').returncode == 64

    # Cut off so well that nothing within the database tells of it.
    tamper(database, 'DELETE FROM vac_store.history WHERE history_id IN (SELECT history_id FROM vac_store.sealed WHERE number > 7)',
           'DELETE FROM vac_store.sealed WHERE number > 7',
           'UPDATE vac_store.chain c SET number = 7, hash = s.hash FROM vac_store.sealed s WHERE s.number = 7')
    assert verify(database).returncode == 0
    done = verify(database, *heads)
    assert done.returncode == 1 and bad_lines(done) == [
        'head 10 (given): the chain ends with entry 7; entries 8 to 10 were cut off'], done.stdout

    made_anew(database)
    assert verify(database).returncode == 0
    done = verify(database, '--head', early, '--head', middle)
    assert done.returncode == 1 and bad_lines(done) == [
        'head 6 (given): the chain has another hash there; it was made anew from some entry between 3 and 6'], done.stdout
    database.drop()


# ---- the daemon ----------------------------------------------------------------------------------

def heads_logged(daemon):
    return re.findall(r'history head.* chain=(\S+) head=(\d+):([0-9a-f]{64})', daemon.log())


def works_and_stops(daemon):
    wait_for(lambda: heads_logged(daemon), what='a head in the log')
    assert daemon.stop() == 0


def openssl_agrees(folder, public, line, kind):
    """The signature of a line, by openssl's command line."""
    text, signature = line.rsplit(' signature=', 1)
    (folder / 'text').write_text(text)
    (folder / 'signature').write_bytes(base64.b64decode(signature, validate=True))
    if kind == 'ed25519':
        command = ['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', public, '-rawin', '-in', folder / 'text',
                   '-sigfile', folder / 'signature']
    else:
        command = ['openssl', 'dgst', '-sha256', '-verify', public, '-signature', folder / 'signature', folder / 'text']
    return harness.run(command).returncode == 0


@pytest.mark.parametrize('kind', ['ed25519', 'ec'])
def test_the_daemon_seals_tells_and_signs(database, vacd, folder, keys, kind):
    private, public = keys[kind]
    heads = folder / 'heads'
    record(database, 'before', count=5)
    daemon = vacd(database, history_key_file=private, history_head_file=heads, poll_ms=60000)
    wait_for(lambda: heads.exists(), what='a head in the file')
    # Only the end of the daemon is an occasion to seal these, and to tell so.
    record(database, 'after', note='yes', count=3)
    assert daemon.stop() == 0
    number, head, chain = database.query("SELECT number, encode(hash, 'hex'), chain::text FROM vac_store.chain")[0]
    assert heads_logged(daemon)[-1] == (chain, str(number), head), daemon.log()
    assert reckoned(database)[number] == head
    lines = heads.read_text().splitlines()
    assert number == 8 and len(lines) == 2 and f' chain={chain} number={number} hash={head} at=' in lines[-1]
    assert all(openssl_agrees(folder, public, line, kind) for line in lines)
    assert not openssl_agrees(folder, public, lines[-1].replace('number=', 'number=1'), kind)
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith('heads')) == ['heads'], 'nothing is left beside it'

    known = ('--head-file', heads, '--public-key', public)
    done = verify(database, *known)
    assert done.returncode == 0 and f'{len(lines)} known heads looked at, the last that fits is {number}' in done.stdout
    tamper(database, f'DELETE FROM vac_store.history WHERE history_id = (SELECT history_id FROM vac_store.sealed WHERE number = {number})',
           f'DELETE FROM vac_store.sealed WHERE number = {number}',
           f'UPDATE vac_store.chain c SET number = s.number, hash = s.hash FROM vac_store.sealed s WHERE s.number = {number - 1}')
    assert verify(database).returncode == 0
    done = verify(database, *known)
    assert done.returncode == 1 and f'entries {number} to {number} were cut off' in done.stdout
    # A head that nobody signed, to hide it.
    heads.write_text(lines[-1].replace(f'number={number} hash={head}', f'number={number - 1} hash=' + reckoned(database)[number - 1]) + '\n')
    done = verify(database, *known)
    assert done.returncode == 1 and 'its signature is false' in done.stdout
    other = keys['ec' if kind == 'ed25519' else 'ed25519'][1]
    heads.write_text(lines[0] + '\n')
    assert 'signed with a key that was not given' in verify(database, '--head-file', heads, '--public-key', other).stdout
    done = verify(database, '--head-file', heads)
    assert 'signatures not checked' in done.stdout and 'not given' not in done.stdout
    # A disk that lost a block: what stands behind is read all the same.
    heads.write_text(lines[0] + '\n\0\0\n' + lines[1] + '\n')
    done = verify(database, *known)
    assert f'heads:2: is no head' in done.stdout and f'entries {number} to {number} were cut off' in done.stdout, done.stdout


def test_a_daemon_finds_that_history_is_shorter_than_its_file_says(database, vacd, folder, keys):
    heads = folder / 'heads'
    settings = {'history_key_file': keys['ed25519'][0], 'history_head_file': heads, 'poll_ms': 100, 'history_head_ms': 100}
    record(database, 'some', count=6)
    works_and_stops(vacd(database, **settings))
    tamper(database, 'DELETE FROM vac_store.history WHERE history_id IN (SELECT history_id FROM vac_store.sealed WHERE number > 2)',
           'DELETE FROM vac_store.sealed WHERE number > 2',
           'UPDATE vac_store.chain c SET number = 2, hash = s.hash FROM vac_store.sealed s WHERE s.number = 2')
    for _ in range(2):   # also when it has told a head since
        daemon = vacd(database, **settings)
        wait_for(lambda: 'history does not fit' in daemon.log(), what='the finding')
        assert re.search(r'why="the file of heads has entry 6, and history ends with entry [23];', daemon.log()), daemon.log()
        wait_for(lambda: 'alarm: history' in run_vacd('status', config=daemon.config).stdout, what='the alarm')
        record(database, 'one_more')
        wait_for(lambda: not database.value('SELECT count(*) FROM vac_store.unsealed'), what='one more entry')
        daemon.stop()


def test_daemons_seal_each_row_once_while_transactions_commit_out_of_order(database, vacd):
    """Three daemons, one of them killed again and again, and a row of a low id that commits last."""
    late = database.connect()
    late.autocommit = False
    late.execute("SELECT vac_store.record('late')")
    daemons = [vacd(database, poll_ms=100, history_head_ms=100) for _ in range(3)]
    for turn in range(8):
        database.query("INSERT INTO vac_store.history (event) SELECT 'many' FROM generate_series(1, 3000)")
        daemons[0].kill()
        daemons[0].start()
    database.query("SELECT vac_store.record('last')")
    wait_for(lambda: not database.value('SELECT count(*) FROM vac_store.unsealed'), what='all to be sealed')
    before = database.value('SELECT number FROM vac_store.chain')
    late.commit()
    late.close()
    wait_for(lambda: database.value('SELECT number FROM vac_store.chain') == before + 1, what='the late row')
    late_number = database.value("SELECT number FROM vac_store.sealed JOIN vac_store.history USING (history_id) WHERE event = 'late'")
    assert late_number == before + 1
    assert database.query('''SELECT count(*) = 24002, count(DISTINCT history_id) = 24002, max(number) = 24002,
        (SELECT count(*) FROM vac_store.history) = 24002 FROM vac_store.sealed''') == [(True,) * 4]
    assert reckoned(database)[before + 1] == database.value("SELECT encode(hash, 'hex') FROM vac_store.chain")
    assert not [line for daemon in daemons for line in daemon.log().splitlines() if 'call refused' in line], 'they keep out of each other\'s way'
    said = {(number, head) for daemon in daemons for _, number, head in heads_logged(daemon)}
    done = verify(database, *(o for number, head in sorted(said)[:16] for o in ('--head', f'{number}:{head}')))
    assert done.returncode == 0, done.stdout


# ---- what is kept no longer ----------------------------------------------------------------------

def told_of_policy(database, value, keep=True):
    """What an administrator is warned of who sets policy keep_history: text and hint."""
    told = []
    with database.connect() as connection:
        connection.add_notice_handler(lambda notice: told.append((notice.message_primary, notice.message_hint)))
        with connection.transaction(force_rollback=not keep):
            connection.execute("SELECT vac.set_policy('keep_history', %s)", (value,))
    return told


def test_retention_leaves_a_signed_checkpoint(database, vacd, folder, keys):
    private, public = keys['ed25519']
    # What says that the clock is right is one that sends mail.
    database.query('INSERT INTO vac_store.presence (seen_at) VALUES (clock_timestamp())')
    record(database, 'old', note='forgotten', count=5)
    tamper(database, "UPDATE vac_store.history SET at = at - interval '400 days'")
    record(database, 'new', note='kept', count=3)
    assert any('no daemon at work has a key' in text and 'history_key_file in vacd.conf' in hint for text, hint in told_of_policy(database, '365'))
    # Without a key nothing is signed, and so nothing is removed.
    works_and_stops(vacd(database, poll_ms=100, history_head_ms=100))
    assert database.value('SELECT number FROM vac_store.chain') == 9
    assert database.value('SELECT count(*) FROM vac_store.history') == 9
    assert 'no daemon has a key' in run_vacd('status', config=harness.write_config(folder / 'c', database=database.conninfo('vacd'))).stdout
    daemon = vacd(database, history_key_file=private, poll_ms=100, history_head_ms=100)
    wait_for(lambda: database.value("SELECT count(*) FROM vac_store.sealed WHERE number = 10") == 1, what='the row that says so')
    daemon.stop()
    assert database.query('SELECT min(number), max(number) FROM vac_store.sealed') == [(6, 10)]
    assert database.query('SELECT event FROM vac_store.history ORDER BY history_id') == [('new',)] * 3 + [('policy_set',), ('history_removed',)]
    assert database.query('SELECT DISTINCT text FROM vac_store.note') == [('kept',)]
    assert 'history removed' in daemon.log()
    assert told_of_policy(database, '400', keep=False) == told_of_policy(database, '0', keep=False) == []

    checkpoint = database.value('SELECT signed FROM vac_store.checkpoint')
    assert openssl_agrees(folder, public, checkpoint, 'ed25519')
    done = verify(database, '--public-key', public)
    assert done.returncode == 0 and 'checkpoint 5: signed' in done.stdout and '5 entries follow one another' in done.stdout
    assert verify(database).returncode == 0 and 'signature not checked' in verify(database).stdout
    assert verify(database, '--head', '3:' + '0' * 64).returncode == 0, 'of before the checkpoint'
    assert verify(database, '--head', '5:' + '0' * 64).returncode == 1, 'at the checkpoint'
    # Where nothing is reckoned any more nothing can be put in, either.
    tamper(database, "INSERT INTO vac_store.history (event, at) VALUES ('invented', now() - interval '400 days')",
           "INSERT INTO vac_store.sealed SELECT 3, max(history_id), now(), sha256('x') FROM vac_store.history")
    done = verify(database, '--public-key', public)
    assert done.returncode == 1 and bad_lines(done) == [
        'entries from 3 to 5 stand before the beginning of the chain, they were put in past it'], done.stdout
    tamper(database, "DELETE FROM vac_store.history WHERE event = 'invented'", 'DELETE FROM vac_store.sealed WHERE number = 3')
    # Somebody without the key does the same.
    tamper(database, "UPDATE vac_store.checkpoint SET number = 7, hash = s.hash FROM vac_store.sealed s WHERE s.number = 7",
           'DELETE FROM vac_store.history h USING vac_store.sealed s WHERE s.history_id = h.history_id AND s.number <= 7',
           'DELETE FROM vac_store.sealed WHERE number <= 7')
    done = verify(database, '--public-key', public)
    assert done.returncode == 1 and 'checkpoint 7: what is signed is something else; entries up to it were cut off' in done.stdout


def test_a_head_that_could_not_be_written_is_written_later(database, vacd, folder, keys):
    heads = folder / 'later' / 'heads'
    record(database, 'some')
    daemon = vacd(database, history_key_file=keys['ed25519'][0], history_head_file=heads, poll_ms=100, history_head_ms=100)
    wait_for(lambda: 'history head not written' in daemon.log(), what='the error')
    heads.parent.mkdir()
    wait_for(heads.exists, what='the head')
    assert daemon.stop() == 0
    assert len(heads.read_text().splitlines()) == 1 and len(heads_logged(daemon)) == 1


def test_the_key_may_go_while_a_checkpoint_is_asked_for(database, vacd, folder, keys):
    record(database, 'old', count=5)
    tamper(database, "UPDATE vac_store.history SET at = at - interval '400 days'")
    seal(database)
    database.query("SELECT vac.set_policy('keep_history', '365')")
    seal(database)
    with database.connect() as held:
        held.autocommit = False
        held.execute('LOCK TABLE vac_store.sealed IN ACCESS EXCLUSIVE MODE')
        daemon = vacd(database, history_key_file=keys['ed25519'][0], poll_ms=100, history_head_ms=100)
        with database.connect() as other:
            wait_for(lambda: other.execute("""SELECT count(*) FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND query LIKE '%history_due%'""").fetchone()[0], what='the call')
        daemon.config.write_text(''.join(line for line in daemon.config.read_text().splitlines(True) if 'history_key' not in line))
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: 'configuration read again' in daemon.log(), what='the reload')
        held.rollback()
    record(database, 'later')
    wait_for(lambda: not database.value('SELECT count(*) FROM vac_store.unsealed'), what='the daemon to go on')
    assert database.value('SELECT count(*) FROM vac_store.checkpoint') == 0 and daemon.stop() == 0


# ---- exports -------------------------------------------------------------------------------------

def test_a_range_is_exported_and_checked(sealed, folder, keys):
    private, public = keys['ed25519']
    sealed.query("UPDATE vac_store.note SET text = NULL, redacted_at = now(), redacted_by = 'sup_all' WHERE text LIKE 'a secret%%'")
    assert sealed.value('SELECT count(*) FROM vac_store.note WHERE salt IS NOT NULL AND text IS NULL') == 0
    seal(sealed)
    said = r'entry 4: note \d+ is said to be redacted by sup_all at 20.*, and history has no event of it'
    assert re.match(said, ''.join(bad_lines(verify(sealed))))
    note = sealed.value('SELECT note_id FROM vac_store.note WHERE text IS NULL')
    for who, there in (('somebody', False), ('sup_all', True)):
        sealed.query("INSERT INTO vac_store.history (event, who, detail) VALUES ('note_redacted', %s, jsonb_build_object('note', %s::bigint))", who, note)
        seal(sealed)
        done = verify(sealed)
        assert (done.returncode == 0) == there, done.stdout
    assert done.returncode == 0 and re.search(r'ok    entry 4: note \d+ was redacted by sup_all at 20', done.stdout), done.stdout
    done = verify(sealed, '--export', '3-8', '--signing-key', private)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert openssl_agrees(folder, public, text.splitlines()[-1], 'ed25519')
    stored = dict(sealed.query("SELECT number, encode(hash, 'hex') FROM vac_store.sealed"))
    assert f' from=3 to=8 before={stored[2]} hash={stored[8]} at=' in text.splitlines()[-1]

    def check(content, *more):
        path = folder / 'export'
        path.write_text(content)
        return run_vacd('verify-history', '--check-export', path, '--public-key', public, *more)

    done = check(text, '--head', f'7:{stored[7]}')
    assert done.returncode == 0 and 'entries 3 to 8 of chain' in done.stdout, done.stdout
    assert 'entry 4: its note was redacted, 20' in done.stdout
    assert check(text, '--head', f'7:{stored[6]}').returncode == 1
    # The newest head is mostly one of behind the range: that tells nothing of it.
    done = check(text, '--head', f'9:{stored[9]}')
    assert done.returncode == 0 and 'head 9 (given): of behind entry 8, which is the last one looked at' in done.stdout, done.stdout
    # What is not sealed is nobody's word: a note where there was none.
    for forged in ('32:' + 32 * '0' + ',4:evil,-,', '-,4:evil,-,', '2:00,-,-,', '-,-,4:evil,'):
        other = re.sub(r'(5:later.*,)-,-,-,', lambda m: m[1] + forged, text, count=1)
        done = check(other)
        assert other != text and done.returncode == 1 and 'has a note that was not sealed' in done.stdout, done.stdout
    assert 'its note was altered' in check(text.replace('3:yes,', '3:no!,')).stdout
    # Who redacted a note is not sealed, either, and must not pass for a finding.
    done = check(re.sub(r',\d+:(20[^,]* by )sup_all,', r',34:\1x\nok   all,', text))
    assert ' by x?ok   all\n' in done.stdout, done.stdout
    for other in (text.replace('5:later,', '5:never,'), text.replace('from=3', 'from=2'), text.replace('\n', '\n\n', 1),
                  ''.join(text.splitlines(True)[:-2] + text.splitlines(True)[-1:]), text[:-20], text + 'more\n',
                  ''.join(text.splitlines(True)[:-1])):
        assert check(other).returncode == 1, other
    assert check('something\n').returncode == 2
    for number in (-2 ** 63, 0, 2 ** 63 - 1):
        assert check(text.replace('from=3', f'from={number}', 1)).returncode == 2
    done = verify(sealed, '--export', '3-80', '--signing-key', private)
    assert done.returncode == 1 and 'signature=' not in done.stdout
    assert verify(sealed, '--export', '3-8').returncode == 64
    assert verify(sealed, '--export', '8-3', '--signing-key', private).returncode == 64
    open_key = folder / 'open.key'
    open_key.write_bytes(private.read_bytes())
    open_key.chmod(0o644)
    done = verify(sealed, '--export', '3-8', '--signing-key', open_key)
    assert done.returncode == 2 and 'chmod o-rwx' in done.stderr
