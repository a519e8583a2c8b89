"""A Debian 12 of its own under systemd-nspawn, with PostgreSQL and vacd as README says to install it.

By hand, as root: `./dev test systemd`. It needs mmdebstrap and systemd-container, and makes its root once
(VACD_DEV_DIR/systemd-root.tar, five minutes and 600 MB)."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'system'))

import harness  # noqa: E402

DEV = pathlib.Path(os.environ.get('VACD_DEV_DIR', harness.ROOT / '.dev'))
IMAGE = DEV / 'systemd-root.tar'
PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'postgresql-15', 'tzdata', 'openssl', 'procps', 'python3']


def libraries():
    """Debian packages of what the program links."""
    listed = harness.run_checked(['ldd', harness.VACD]).stdout
    files = {os.path.realpath(path) for path in re.findall(r'=> (/\S+)', listed)}
    return sorted({line.split(':')[0] for path in files
                   for line in harness.run(['dpkg', '-S', path]).stdout.splitlines()} - {'libc6'})


def make_image():
    if IMAGE.exists():
        return
    made = IMAGE.with_suffix('.new')
    harness.run_checked(['mmdebstrap', '--variant=minbase', '--format=tar', f'--include={",".join(PACKAGES + libraries())}',
                         'bookworm', made])
    made.rename(IMAGE)


class Machine:
    """What a command in it says; systemctl as on any machine."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.process = None
        self.leader = None

    def boot(self):
        environment = dict(os.environ)
        if not os.path.exists('/sys/fs/cgroup/cgroup.controllers'):
            environment['SYSTEMD_NSPAWN_UNIFIED_HIERARCHY'] = '0'
        self.process = subprocess.Popen(
            ['systemd-nspawn', '--register=no', '--keep-unit', '--private-network', '--quiet', '--console=pipe', '-D', self.root, '--boot'],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.leader = harness.wait_for(self.find_leader, 60, 'a machine')
        harness.wait_for(lambda: self.run('systemctl', 'is-system-running').stdout.strip() in ('running', 'degraded'), 120,
                         'the end of its start')

    def find_leader(self):
        """Its first process; before there is one, nspawn's children are its own."""
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children')
        for pid in children.read_text().split():
            with contextlib.suppress(OSError):
                if pathlib.Path(f'/proc/{pid}/comm').read_text() == 'systemd\n':
                    return pid
        return None

    def run(self, *command, check=False, **options):
        inside = ['nsenter', '--target', self.leader, '--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--', 'env', '-C', '/', *command]
        done = subprocess.run([str(c) for c in inside], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                              env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8'}, **{'stdin': subprocess.DEVNULL, **options})
        assert not check or done.returncode == 0, f'{command}: {done.stdout}'
        return done

    def do(self, *command):
        return self.run(*command, check=True).stdout

    def show(self, unit, what):
        return self.do('systemctl', 'show', unit, '-P', what).strip()

    def sql(self, text, login='postgres'):
        return self.do('runuser', '-u', login, '--', 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', 'vac', '-c', text).strip()

    def write(self, path, text, mode=0o644):
        file = self.root / path.lstrip('/')
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def drop_in(self, unit, text):
        """None takes it away."""
        path = f'/etc/systemd/system/{unit}.d/test.conf'
        if text is None:
            (self.root / path.lstrip('/')).unlink()
        else:
            self.write(path, text)
        self.do('systemctl', 'daemon-reload')

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def install(machine, build):
    harness.run_checked(['meson', 'install', '-C', build, '--no-rebuild', '--destdir', machine.root])
    shutil.copy(build / 'mail-sink', machine.root / 'usr/local/bin/mail-sink')
    harness.Certs(machine.root / 'srv/certs')
    machine.write('/etc/vacd/secrets/token-keys', 'k1 ' + '5e' * 32 + '\n', 0o600)
    harness.run_checked(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', machine.root / 'etc/vacd/secrets/history-key'])
    (machine.root / 'etc/vacd/secrets').chmod(0o700)
    (machine.root / 'etc/vacd/secrets/history-key').chmod(0o600)
    harness.write_config(machine.root / 'etc/vacd/vacd.conf', database='dbname=vac', deliver='smtp', mail_host='localhost', mail_port=2465,
                         mail_from='vacd@agency.example.org', mail_ca_file='/srv/certs/ca.crt', poll_ms=500,
                         token_key_file='$CREDENTIALS_DIRECTORY/token-keys', history_key_file='$CREDENTIALS_DIRECTORY/history-key',
                         history_head_file='/var/lib/vacd/history-heads', history_head_ms=1000)
    machine.write('/etc/systemd/system/vacd.service.d/secrets.conf', '[Service]\n' + ''.join(
        f'LoadCredential={name}:/etc/vacd/secrets/{name}\n' for name in ('token-keys', 'history-key')))
    machine.write('/etc/systemd/system/sink.service',
                  '[Service]\nExecStart=/usr/local/bin/mail-sink --dir /srv/sink --cert /srv/certs/good.crt --key /srv/certs/good.key --port 2465\n')
    (machine.root / 'srv/sink').mkdir()


def set_up(machine):
    """The lines of README, in their order."""
    machine.do('systemd-sysusers')
    machine.do('systemd-tmpfiles', '--create')
    machine.do('systemctl', 'daemon-reload')
    for command in (['createdb', 'vac'], ['createuser', 'vacd'], ['vacd', 'migrate'], ['psql', 'vac', '-c', 'GRANT vac_daemon TO vacd']):
        machine.do('runuser', '-u', 'postgres', '--', *command)
    sheets = machine.root / 'srv/rosters'
    sheets.mkdir()
    names = [f'/srv/rosters/{path.name}' for path in harness.wide_roster(sheets, [('SEA', 'America/Los_Angeles')], 3)]
    machine.do('runuser', '-u', 'postgres', '--', 'vacd', 'import', 'roster', *names)
    machine.do('systemctl', 'start', 'sink')
    machine.do('systemctl', 'enable', '--now', 'vacd-lmtp.socket')


@pytest.fixture(scope='session')
def machine():
    if os.geteuid() != 0:
        pytest.skip('a machine needs root')
    make_image()
    with harness.temporary_folder() as folder:
        made = Machine(folder / 'root')
        made.root.mkdir()
        harness.run_checked(['tar', '-C', made.root, '-xpf', IMAGE, '--exclude=./dev/*'])
        install(made, harness.BUILD)
        try:
            made.boot()
            set_up(made)
            yield made
        finally:
            made.stop()


@pytest.fixture
def vacd(machine):
    """The service, at work."""
    machine.do('systemctl', 'reset-failed')
    machine.do('systemctl', 'start', 'vacd')
    return 'vacd.service'
