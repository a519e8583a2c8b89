"""vacd check on a machine where something is still missing: each line says what, where, and what to do."""

import re
import subprocess

import pytest

import harness
from harness import run_vacd

SKEW = '''
#include <time.h>
time_t time(time_t *at)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec + 3600;
	return now.tv_sec + 3600;
}
'''


def check(folder, conninfo, env=None, **settings):
    path = harness.write_config(folder / 'check.conf', database=conninfo, **settings)
    return run_vacd('check', config=path, env=env)


def line(done, severity, what, words):
    """It says so, in one line."""
    found = re.search(rf'^{severity:4} {what}: (.*)$', done.stdout, re.M)
    assert found and re.search(words, found[1]), done.stdout
    assert (done.returncode == 1) == bool(re.search('^bad ', done.stdout, re.M))
    return found[1]


# ---- the configuration ---------------------------------------------------------------------------

def test_no_configuration(folder):
    done = run_vacd('check', config=folder / 'nothing.conf')
    assert done.returncode == 78
    assert re.search('nothing.conf:0: cannot be read: No such file.*; write one as vacd.conf', done.stderr), done.stderr


@pytest.mark.skipif(harness.SERVICE_USER is None, reason='root may read everything, and others nothing of root')
def test_configuration_that_may_not_be_read(folder):
    path = harness.write_config(folder / 'shut.conf', deliver='hold')
    path.chmod(0o600)
    done = harness.run(harness.as_service([harness.VACD, '--config', path, 'check']), cwd='/')
    assert done.returncode == 78
    assert re.search('shut.conf:0: cannot be read: Permission denied; .*chmod', done.stderr), done.stderr


@pytest.mark.parametrize('key, what', [('database_password_file', 'database password'), ('mail_secret_file', 'mail secret')])
def test_secret_that_everybody_can_read(database, folder, key, what):
    path = folder / 'secret'
    path.write_text('word\n')
    path.chmod(0o644)
    more = {'mail_auth': 'plain', 'mail_user': 'u'} if key == 'mail_secret_file' else {}
    line(check(folder, database.conninfo('vacd'), **{key: path}, **more), 'bad', what, 'open to every user.*chmod o-rwx')


def test_token_keys_that_everybody_can_read(database, folder):
    path = folder / 'keys'
    path.write_text('k1 ' + '5e' * 32 + '\n')
    path.chmod(0o644)
    line(check(folder, database.conninfo('vacd'), token_key_file=path), 'bad', 'token keys', 'open to every user.*chmod o-rwx')


def test_credentials_of_a_service(database, folder):
    """Said once, with the line that has them given to this command, too."""
    keys = folder / 'token-keys'
    keys.write_text('k1 ' + '5e' * 32 + '\n')
    keys.chmod(0o600)
    named = {'token_key_file': '$CREDENTIALS_DIRECTORY/token-keys', 'history_key_file': '$CREDENTIALS_DIRECTORY/history-key'}
    done = check(folder, database.conninfo('vacd'), **named)
    line(done, 'bad', 'credentials', '-p LoadCredential=token-keys:/etc/vacd/secrets/token-keys '
         '-p LoadCredential=history-key:/etc/vacd/secrets/history-key vacd check$')
    done = check(folder, database.conninfo('vacd'), env={'CREDENTIALS_DIRECTORY': str(folder)}, **named)
    assert 'credentials' not in done.stdout, done.stdout
    line(done, 'ok', 'token keys', str(keys))


# ---- the way to the database ---------------------------------------------------------------------

@pytest.fixture(scope='module')
def doors(cluster):
    """Logins that get in by a password, as their system's user, or not at all."""
    hba = cluster.data / 'pg_hba.conf'
    before = hba.read_text()
    with cluster._create('doors').connect() as connection:
        connection.execute("CREATE ROLE door_word LOGIN PASSWORD 'right'")
        connection.execute('CREATE ROLE door_peer LOGIN; CREATE ROLE door_shut LOGIN')
        hba.write_text('local all door_word scram-sha-256\nlocal all door_peer peer\nlocal all door_shut reject\n' + before)
        connection.execute('SELECT pg_reload_conf()')
    yield harness.Database(cluster, 'doors')
    hba.write_text(before)
    harness.Database(cluster, 'doors').drop()
    with cluster._create('doors_after').connect() as connection:
        connection.execute('SELECT pg_reload_conf()')
        connection.execute('DROP ROLE door_word, door_peer, door_shut')
    harness.Database(cluster, 'doors_after').drop()


@pytest.mark.parametrize('login, words', [
    ('door_peer', 'Peer authentication failed.*runuser -u vacd'), ('door_nobody', 'runuser -u postgres -- createuser'),
    ('door_shut', 'rejects connection'), ('door_word', 'database_password_file')])
def test_who_does_not_get_in(doors, folder, login, words):
    line(check(folder, doors.conninfo(login)), 'bad', 'database', words)


def test_wrong_password(doors, folder):
    path = folder / 'password'
    path.write_text('wrong\n')
    path.chmod(0o600)
    said = line(check(folder, doors.conninfo('door_word'), database_password_file=path), 'bad', 'database',
                'password authentication failed.*ALTER ROLE')
    assert 'wrong' not in said


def test_no_such_database(doors, folder):
    there = doors.conninfo('postgres').replace('dbname=doors', 'dbname=nowhere')
    line(check(folder, there), 'bad', 'database', 'createdb vac')


def test_no_server(folder):
    line(check(folder, 'host=/nonexistent dbname=vac'), 'bad', 'database', '/nonexistent.*see that PostgreSQL runs there')


# ---- PostgreSQL ----------------------------------------------------------------------------------

def test_settings_that_lose_cases(cluster, database, folder):
    there = database.conninfo('vacd')
    line(check(folder, there), 'bad', 'PostgreSQL', '^fsync is off: .*set fsync = on')
    with cluster.setting(fsync='on', full_page_writes='off'):
        line(check(folder, there), 'bad', 'PostgreSQL', '^full_page_writes is off: .*postgresql.conf')
    with cluster.setting(fsync='on'):
        line(check(folder, there), 'ok', 'PostgreSQL', 'keeps')
        database.query(f'ALTER ROLE vacd IN DATABASE {database.name} SET synchronous_commit = off')
        try:
            line(check(folder, there), 'bad', 'PostgreSQL', '^synchronous_commit is off: .*acknowledged')
        finally:
            database.query(f'ALTER ROLE vacd IN DATABASE {database.name} RESET ALL')


def test_clock_that_is_wrong(database, folder):
    source, shim = folder / 'skew.c', folder / 'skew.so'
    source.write_text(SKEW)
    subprocess.run(['cc', '-shared', '-fPIC', '-o', shim, source], check=True)
    line(check(folder, database.conninfo('vacd'), env={'LD_PRELOAD': str(shim)}), 'bad', 'clock', "^-3[56].. s .*set both machines' clocks")


# ---- who is there --------------------------------------------------------------------------------

def test_people_and_days(cluster, folder):
    database = cluster.database()
    there = database.conninfo('vacd')
    done = check(folder, there)
    line(done, 'warn', 'roster', 'no office.*vacd import roster')
    line(done, 'warn', 'holidays', 'none.*vacd import holidays')
    sheets = harness.wide_roster(folder, [('SEA', 'America/Los_Angeles'), ('PDX', 'America/Los_Angeles')], 1)
    database.import_rosters([path for path in sheets if path.stem == 'offices'])
    done = check(folder, there)
    line(done, 'warn', 'roster', 'no coordinator.*vacd import roster')
    line(done, 'warn', 'supervisors', 'nobody is told.* PDX, SEA; .*vac.set_supervisor')
    database.import_rosters(sheets)
    database.query("SELECT vac.retire_coordinator('PDX-01', 'retired')")
    database.query("SELECT vac.add_holiday((now() + interval '59 days')::date, 'Day One')")
    done = check(folder, there)
    line(done, 'warn', 'roster', 'no coordinator in PDX; ')
    line(done, 'ok', 'supervisors', 'every office')
    line(done, 'warn', 'holidays', 'the last one known is 20.*vacd import holidays')
    database.query("SELECT vac.add_holiday((now() + interval '62 days')::date, 'Day Two')")
    line(check(folder, there), 'ok', 'holidays', 'known until')
    database.drop()
