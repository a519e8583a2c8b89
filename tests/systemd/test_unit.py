"""The units under a systemd that runs a machine."""

import json
import re

import pytest

import harness
from harness import wait_for


def open_case(machine):
    return machine.sql("SELECT vac.open_case('SEA', 'en')")


def mails(machine):
    return len((machine.root / 'srv/sink/index.tsv').read_text().splitlines())


def main_pid(machine):
    return int(machine.show('vacd', 'MainPID'))


def test_it_says_when_it_is_ready(machine, vacd):
    assert machine.show(vacd, 'ActiveState') == 'active'
    assert machine.show(vacd, 'StatusText').startswith('Working; mail:')
    assert machine.show(vacd, 'NRestarts') == '0'
    assert machine.do('systemctl', 'is-system-running').strip() == 'running'


def test_it_is_not_ready_before_its_database_is(machine, vacd):
    machine.do('systemctl', 'stop', vacd, 'postgresql@15-main')
    machine.do('systemctl', 'start', '--no-block', vacd)
    wait_for(lambda: machine.show(vacd, 'StatusText').startswith('Waiting for the database'), what='a status')
    assert machine.show(vacd, 'ActiveState') == 'activating'
    machine.do('systemctl', 'start', 'postgresql@15-main')
    wait_for(lambda: machine.show(vacd, 'ActiveState') == 'active', 30, 'its start')


def test_it_works_with_secrets_that_only_root_can_read(machine, vacd):
    before = mails(machine)
    open_case(machine)
    wait_for(lambda: mails(machine) > before, 30, 'an invitation')
    wait_for(lambda: machine.run('test', '-s', '/var/lib/vacd/history-heads').returncode == 0, 30, 'a signed head')
    for name in ('token-keys', 'history-key'):
        assert machine.run('runuser', '-u', 'vacd', '--', 'cat', f'/etc/vacd/secrets/{name}').returncode != 0
        assert machine.run('runuser', '-u', 'vacd', '--', 'cat', f'/run/credentials/vacd.service/{name}').returncode in (0, 1)
        assert machine.run('runuser', '-u', 'nobody', '--', 'cat', f'/run/credentials/vacd.service/{name}').returncode != 0
    assert machine.run('runuser', '-u', 'vacd', '--', 'vacd', 'status').returncode == 0


def test_check_as_it_says_itself(machine, vacd):
    """Without the service's credentials it names the line that gives them; with it nothing is bad."""
    done = machine.run('runuser', '-u', 'vacd', '--', 'vacd', 'check')
    assert done.returncode == 1
    said = re.search('^bad  credentials: .*(systemd-run .*)$', done.stdout, re.M)[1]
    assert all(f'LoadCredential={name}:' in said for name in ('token-keys', 'history-key')), said
    done = machine.run('sh', '-c', said)
    assert done.returncode == 0 and 'token-keys, new mail uses key k1' in done.stdout, done.stdout


def test_reload(machine, vacd):
    pid = main_pid(machine)
    machine.do('systemctl', 'reload', vacd)
    wait_for(lambda: 'configuration read again' in machine.do('journalctl', '-u', vacd, '--no-pager', '-n', '20'), what='a line')
    assert main_pid(machine) == pid and machine.show(vacd, 'ActiveState') == 'active'


@pytest.mark.parametrize('signal', ['KILL', 'SEGV'])
def test_it_comes_back(machine, vacd, signal):
    pid, before = main_pid(machine), mails(machine)
    machine.do('kill', f'-{signal}', str(pid))
    open_case(machine)
    wait_for(lambda: main_pid(machine) not in (0, pid) and machine.show(vacd, 'ActiveState') == 'active', 90, 'another process')
    wait_for(lambda: mails(machine) > before, 30, 'the invitation of a case that came in meanwhile')
    assert 'core-dump' not in machine.do('journalctl', '-u', vacd, '--no-pager', '-n', '20')


def test_one_that_hangs_is_ended(machine, vacd):
    machine.drop_in(vacd, '[Service]\nWatchdogSec=3s\n')
    machine.do('systemctl', 'restart', vacd)
    pid = main_pid(machine)
    machine.run('sleep', '8')
    assert main_pid(machine) == pid, 'pinged in time while it works'
    machine.do('kill', '-STOP', str(pid))
    wait_for(lambda: main_pid(machine) not in (0, pid) and machine.show(vacd, 'ActiveState') == 'active', 90, 'another process')
    assert 'Watchdog timeout' in machine.do('journalctl', '-u', vacd, '--no-pager', '-n', '30')
    machine.drop_in(vacd, None)


def test_a_bad_configuration_fails_for_good_and_is_told(machine, vacd):
    """By the unit that is shipped for it, named as its first lines say."""
    shipped = next(machine.root.glob('usr/lib/systemd/system/vacd-failed@.service')).read_text()
    named = re.search('^#   (OnFailure=.*)$', shipped, re.M)[1]
    machine.drop_in(vacd, f'[Unit]\n{named}\n[Service]\nEnvironment=X=1\nExecStart=\nExecStart=/usr/sbin/vacd --config /srv/no.conf daemon\n')
    assert machine.run('systemctl', 'restart', vacd).returncode != 0
    wait_for(lambda: machine.show(vacd, 'ActiveState') == 'failed', 20, 'its end')
    assert machine.show(vacd, 'ExecMainStatus') == '78'
    wait_for(lambda: re.search('^vacd has failed on .*; see systemctl status vacd$',
                               machine.run('journalctl', '--no-pager', '-o', 'cat', '-t', 'vacd-failed', '-p', 'emerg').stdout, re.M),
             60, 'the line of the unit of OnFailure=')
    wait_for(lambda: machine.show('vacd-failed@vacd.service', 'ActiveState') == 'inactive', 60, 'its end')
    assert machine.show('vacd-failed@vacd.service', 'Result') == 'success'
    machine.drop_in(vacd, None)


def test_stopping_is_quick_and_clean(machine, vacd):
    machine.do('systemctl', 'stop', vacd)
    assert machine.show(vacd, 'Result') == 'success' and machine.show(vacd, 'ExecMainStatus') == '0'


# ---- mail in -------------------------------------------------------------------------------------

MAIL = 'From: <person@example.org>\r\nTo: <vacd@agency.example.org>\r\nSubject: x\r\nMessage-ID: <%s@example.org>\r\n\r\nx\r\n'


def received(machine):
    return int(machine.sql('SELECT count(*) FROM vac_store.inbound'))


def receive(machine, number, *front):
    return machine.run(*front, 'vacd', 'receive', input=MAIL % number, stdin=None)


def test_mail_comes_in_by_the_socket(machine, vacd):
    assert machine.do('stat', '-c', '%U %G %a', '/run/vacd/lmtp').strip() == 'root vacd-lmtp 660'
    before = received(machine)
    done = receive(machine, 1)
    assert done.returncode == 0, done.stdout
    assert received(machine) == before + 1
    assert receive(machine, 2, 'runuser', '-u', 'nobody', '--').returncode != 0
    assert receive(machine, 3, 'runuser', '-u', 'nobody', '-G', 'vacd-lmtp', '--').returncode == 0
    assert received(machine) == before + 2


def test_mail_starts_the_daemon(machine, vacd):
    before = received(machine)
    machine.do('systemctl', 'stop', vacd)
    # "Later", as long as it has not reached its database.
    wait_for(lambda: receive(machine, 4).returncode == 0, 60, 'somebody who takes it')
    assert machine.show(vacd, 'ActiveState') == 'active' and received(machine) == before + 1


def test_fetching_as_nobody_in_particular(machine, vacd):
    """vacd-fetch.service with another getmail: a user of its own, its secret, and the way to the socket."""
    machine.write('/usr/bin/getmail', '''#!/usr/bin/python3
import os, socket
link = socket.socket(socket.AF_UNIX)
link.connect('/run/vacd/lmtp')
print('is', 61184 <= os.getuid() <= 65519, link.recv(100)[:4], open(os.environ['CREDENTIALS_DIRECTORY'] + '/imap-password').read())
try:
    open('/etc/vacd/secrets/imap-password')
except OSError as error:
    print('refused', error.errno)
''', 0o755)
    machine.write('/etc/vacd/getmailrc', '\n')
    machine.write('/etc/vacd/secrets/imap-password', 'open sesame', 0o600)
    machine.do('systemctl', 'start', 'vacd-fetch')
    said = machine.do('journalctl', '-u', 'vacd-fetch', '--no-pager')
    assert "is True b'220 ' open sesame" in said and 'refused 13' in said, said


# ---- what the unit forbids -----------------------------------------------------------------------

@pytest.fixture(scope='module')
def tried(machine):
    """What a program under the same unit, as the same user, can do: see acts.py."""
    machine.write('/srv/acts.py', (harness.ROOT / 'tests/systemd/acts.py').read_text())
    unit = next(machine.root.glob('usr/lib/systemd/system/vacd.service')).read_text()
    unit = re.sub(r'(?m)^(Exec\w+|Type|Restart\w*|WatchdogSec)=.*\n', '', unit)
    unit = unit.replace('[Service]\n', '[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /srv/acts.py\nLoadCredential=token-keys:/etc/vacd/secrets/token-keys\n', 1)
    machine.write('/etc/systemd/system/tried.service', unit)
    machine.do('systemctl', 'daemon-reload')
    done = machine.run('systemctl', 'start', 'tried')
    said = machine.do('journalctl', '-u', 'tried', '--no-pager', '-o', 'cat')
    assert done.returncode == 0, said
    return json.loads(re.search(r'^\{.*\}$', said, re.M)[0])


ALLOWED = ['write to its state', 'TCP', 'Unix socket', 'its credential', 'seccomp']


def test_what_it_needs_it_can(tried):
    assert {act: tried[act] for act in ALLOWED} == dict.fromkeys(ALLOWED, 'done')


# What nothing but the unit forbids to an account without rights.
UNIT_ALONE = ['netlink', 'memory that runs', 'see other processes', 'a set-uid file', 'another personality']


def test_without_the_unit_they_are_possible(machine, tried):
    """Else the next test would say nothing of the unit."""
    machine.do('install', '-d', '-o', 'vacd', '/srv/state')
    said = machine.do('runuser', '-u', 'vacd', '--', 'env', 'STATE_DIRECTORY=/srv/state', 'CREDENTIALS_DIRECTORY=/srv',
                      'python3', '/srv/acts.py')
    free = json.loads(said)
    assert {act: free[act] for act in UNIT_ALONE} == dict.fromkeys(UNIT_ALONE, 'done')


def test_all_else_is_forbidden(tried):
    others = {act: result for act, result in tried.items() if act not in ALLOWED}
    assert len(others) > 20
    assert [act for act, result in others.items() if result == 'done'] == []
