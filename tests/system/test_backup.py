"""Backups that were taken under load are restored, by the commands of vacd-backup(7), and work goes on."""

import re
import shutil

import pytest

import harness
import load
from harness import POSTGRES_BIN, ROOT, run_vacd, wait_for

OFFICES = load.OFFICES


class World:
    """A database under load; both kinds of backup of it; then its machine is gone."""

    def __init__(self, folder, certs):
        self.folder, self.certs = folder, certs
        self.cluster = harness.Cluster(folder / 'pg')
        self.cluster.create()
        self.database = self.cluster.database(harness.wide_roster(folder, OFFICES, 6))
        # What a mail server may have been taking at the time of the backup waits until its lease is over.
        self.database.query("SELECT vac.set_policy('mail_margin_seconds', '1')")
        self.sink = harness.Sink(folder / 'sink', certs.good, delay_ms=20)
        self.heads = folder / 'heads'
        key = folder / 'history.key'
        harness.run_checked(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', key])
        self.signing = {'history_key_file': key, 'history_head_file': self.heads, 'history_head_ms': 200}
        self.public = folder / 'history.pub'
        harness.run_checked(['openssl', 'pkey', '-in', key, '-pubout', '-out', self.public])
        self.daemon = harness.Daemon(folder, 'first', self.settings(self.database, self.sink, **self.signing))
        self.codes = []

    def settings(self, database, sink, **more):
        return harness.daemon_settings(self.folder, database, self.certs, sink.port, poll_ms=200, lease_ms=3000, **more)

    def open_cases(self, count):
        for number in range(count):
            self.codes.append(self.database.as_login('sup_all').value(
                "SELECT vac.open_case(%s, 'en')", OFFICES[number % len(OFFICES)][0]))

    def back_up(self):
        opening = load.Load(self.database, 40, 40, second_thoughts=False)
        opening.start()
        wait_for(lambda: len(self.sink.copies()) >= 5, what='work')
        self.roles, self.dump, self.base = (self.folder / name for name in ('roles.sql', 'vac.dump', 'base'))
        server = ['-h', self.cluster.socket_dir, '-U', 'postgres']
        self.roles.write_text(harness.run_checked([POSTGRES_BIN / 'pg_dumpall', '--roles-only', *server]).stdout)
        harness.run_checked([POSTGRES_BIN / 'pg_dump', '--format=custom', '--create', '-f', self.dump, *server,
                             self.database.name])
        self.base.mkdir()
        harness.give(self.base)
        harness.run_checked(harness.as_service([POSTGRES_BIN / 'pg_basebackup', '--wal-method=stream', '--no-sync',
                                                '--checkpoint=fast', f'--pgdata={self.base}/data', *server]), cwd='/')
        self.codes += opening.finish()
        self.open_cases(2)          # which neither backup has
        load.settle(self.database, [self.daemon])
        wait_for(lambda: self.heads.exists(), what='heads')
        assert self.daemon.stop() == 0

    def stop(self):
        self.daemon.stop()
        self.sink.stop()


@pytest.fixture(scope='module')
def world(certs):
    with harness.temporary_folder() as folder:
        made = World(folder, certs)
        try:
            made.back_up()
            made.cluster.stop('immediate')
            yield made
        finally:
            made.stop()


def known(world, database):
    there = {row[0] for row in database.query('SELECT case_code FROM vac_store.case_record')}
    lost = [code for code in world.codes if code not in there]
    assert 2 <= len(lost) < len(world.codes), f'{len(lost)} of {len(world.codes)} cases are of after the backup'
    return [code for code in world.codes if code in there]


def look_at_what_was_lost(world, config):
    done = run_vacd('verify-history', '--head-file', world.heads, '--public-key', world.public, config=config)
    assert done.returncode == 1, done.stdout + done.stderr
    whole = run_vacd('verify-history', config=config)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    return done.stdout


def was_claimed(database):
    return {str(uuid): claimed for uuid, claimed in database.query('SELECT mail_uuid, ever_claimed FROM vac_store.message')}


def all_that_was_delivered(world, database, server, folder, claimed):
    """What the coordinators got, before the backup and after the restore, as one sink's folder. What tells of
    things that are in no backup is left out, and so is what waited in the backup (claimed: by was_claimed() of it) and went
    out before the machine was lost."""
    known = was_claimed(database)
    whole = folder / 'delivered'
    whole.mkdir()
    lines = []
    for number, copy in enumerate(world.sink.copies() + server.copies(), 1):
        uuid = copy.message_id.strip('<>').split('@')[0]
        if uuid in known and (claimed.get(uuid) or number > len(world.sink.copies())):
            shutil.copy(copy.path, whole / f'{number:08}.eml')
            lines.append('\t'.join(map(str, (number, int(copy.at * 1e6), copy.ending, copy.sender, ','.join(copy.recipients),
                                            copy.message_id, copy.octets))))
    (whole / 'index.tsv').write_text('\n'.join(lines) + '\n')
    return whole


def go_on(world, folder, database, vacd, sink, *adoption):
    """The page's steps from the fourth: schema, look, adopt; then all promises hold of what is there."""
    done = run_vacd('migrate', '--check', '--database', database.conninfo(), '--sql', ROOT / 'sql')
    assert (done.returncode, done.stdout[:13]) == (0, 'nothing to do'), done.stdout + done.stderr
    server = sink()
    holding = vacd(database, poll_ms=200)
    wait_for(lambda: database.value('SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL AND deliver = %s', 'hold'), what='a daemon')
    codes = known(world, database)
    look_at_what_was_lost(world, holding.config)
    assert holding.stop() == 0
    assert server.copies() == []
    claimed = was_claimed(database)
    standing = [row[0] for row in database.query('SELECT appointment_id FROM vac_store.appointment WHERE live')]
    assert standing
    sending = vacd(database, server, poll_ms=200)
    done = run_vacd('adopt', *adoption, config=sending.config)
    assert done.returncode == 0 and 'appointment' in done.stdout, done.stdout + done.stderr
    load.settle(database, [sending])
    # Whatever calendars were told after the backup is older than this.
    assert database.value('SELECT min(sequence) FROM vac_store.appointment WHERE appointment_id = ANY (%s) AND live', standing) == 100
    load.check_promises(database, all_that_was_delivered(world, database, server, folder, claimed), codes)


def test_a_dump(world, folder, vacd, sink):
    cluster = harness.Cluster(folder / 'pg')
    cluster.create()
    try:
        server = ['-h', cluster.socket_dir, '-U', 'postgres']
        harness.run([POSTGRES_BIN / 'psql', '-X', '-q', '-f', world.roles, *server, 'postgres'])
        harness.run_checked([POSTGRES_BIN / 'pg_restore', '--create', '--dbname=postgres', *server, world.dump])
        database = harness.Database(cluster, world.database.name)
        waiting = vacd(database, sink(), poll_ms=200)
        wait_for(lambda: 'nothing is sent' in waiting.log(), what='a line in the log')
        checked = run_vacd('check', config=waiting.config).stdout
        assert re.search('^bad  copy: .*vacd adopt', checked, re.M), checked
        assert waiting.stop() == 0
        go_on(world, folder, database, vacd, sink)
    finally:
        cluster.stop('immediate')


def test_a_base_backup(world, folder, vacd, sink):
    cluster = harness.Cluster(world.base)
    cluster.folder.chmod(0o711)
    cluster.start()
    try:
        database = harness.Database(cluster, world.database.name)
        config = harness.write_config(folder / 'adopt.conf', database=database.conninfo('vacd'))
        done = run_vacd('adopt', config=config)
        assert done.returncode == 1 and '--anyway' in done.stdout, done.stdout
        go_on(world, folder, database, vacd, sink, '--anyway')
    finally:
        cluster.stop('immediate')
