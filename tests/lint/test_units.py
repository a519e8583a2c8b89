"""The systemd files: accepted, and shut in as far as STYLE's bar says."""

import http.server
import re
import subprocess
import threading

import pytest

import harness
from conftest import tracked

SERVICES = [p for p in tracked('systemd/*.service', 'systemd/*.service.in')]
UNITS = SERVICES + tracked('systemd/*.socket', 'systemd/*.timer')


def analyze(*args):
    return subprocess.run(['systemd-analyze', *map(str, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def unit(installed, path):
    found = [p for p in installed.rglob(path.name.removesuffix('.in'))]
    assert found, f'{path.name} is not installed'
    return found[0]


def test_there_is_a_service():
    assert SERVICES


@pytest.fixture(scope='session')
def beside_the_program(installed, folder):
    """The units with the path of the program that was just built, so that verify finds it."""
    made = folder / 'units'
    made.mkdir()
    for path in UNITS:
        text = unit(installed, path).read_text()
        (made / unit(installed, path).name).write_text(
            re.sub(r'^(Exec\w+=[-+!@]*)\S+/vacd\b', rf'\g<1>{harness.VACD}', text, flags=re.M))
    return made


@pytest.mark.parametrize('path', UNITS, ids=lambda p: p.name)
def test_verify(beside_the_program, path):
    done = analyze('verify', '--man=no', beside_the_program / path.name.removesuffix('.in'))
    ours = [line for line in done.stdout.splitlines() if 'vacd' in line]
    assert done.returncode == 0 and not ours, done.stdout


@pytest.mark.parametrize('path', SERVICES, ids=lambda p: p.name)
def test_security(installed, path):
    done = analyze('security', '--offline=true', '--threshold=15', '--no-pager', unit(installed, path))
    assert done.returncode == 0, done.stdout


def test_install_puts_everything_where_debian_expects_it(installed):
    there = {str(p.relative_to(installed)) for p in installed.rglob('*') if p.is_file()}
    for ending in ('sbin/vacd', 'man/man8/vacd.8', 'man/man5/vacd.conf.5', 'man/man7/vacd-plan.7', 'man/man7/vacd-views.7', 'vacd/vacd.conf', 'etc/vacd/psqlrc', 'vacd.service', 'vacd-lmtp.socket', 'vacd-fetch.service', 'vacd-fetch.timer', 'examples/getmailrc',
                   'sql/bootstrap.sql', 'sql/schema/0001_tables.sql'):
        assert any(ending in name for name in there), f'{ending} is not installed'
    for page in tracked('*.5', '*.7', '*.8'):
        assert any(name.endswith(f'/man{page.suffix[1]}/{page.name}') for name in there), f'{page.name} is not installed'
    for path in UNITS:
        assert any(name.endswith('/' + path.name.removesuffix('.in')) for name in there), f'{path.name} is not installed'
    for folder in ('sysusers.d', 'tmpfiles.d'):
        assert any(f'/{folder}/' in name for name in there), f'nothing for {folder}'


class Alarm(http.server.BaseHTTPRequestHandler):
    heard = []

    def do_POST(self):
        self.heard.append(self.rfile.read(int(self.headers['Content-Length'])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_who_is_told_of_a_failure(installed):
    text = unit(installed, harness.ROOT / 'systemd' / 'vacd-failed@.service').read_text()
    line = re.search("^ExecStart=/bin/sh -c '(.*)'$", text, re.M)[1].replace('%i', 'vacd').replace('%H', 'example')
    server = http.server.HTTPServer(('127.0.0.1', 0), Alarm)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for url in ('', f'http://127.0.0.1:{server.server_port}/'):
            subprocess.run(['/bin/sh', '-c', line], env={'ALARM_URL': url, 'PATH': '/usr/bin:/bin'}, check=True, timeout=120)
    finally:
        server.shutdown()
        server.server_close()
    assert Alarm.heard == ['vacd has failed on example']


def test_the_mail_socket_is_what_the_daemon_looks_for(installed):
    text = unit(installed, harness.ROOT / 'systemd' / 'vacd-lmtp.socket').read_text()
    for line in ('FileDescriptorName=lmtp', 'SocketMode=0660', 'SocketGroup=vacd-lmtp', 'Service=vacd.service'):
        assert re.search(f'^{line}$', text, re.M), line
    groups = (harness.ROOT / 'systemd' / 'vacd.sysusers').read_text()
    assert re.search('^g vacd-lmtp ', groups, re.M)
    path = re.search('^ListenStream=(.*)$', text, re.M)[1]
    assert f'"{path}"' in (harness.ROOT / 'daemon' / 'receive' / 'receive.c').read_text()


def test_the_package_has_the_programs_version():
    log = (harness.ROOT / 'debian' / 'changelog').read_text()
    build = (harness.ROOT / 'meson.build').read_text()
    assert re.match(r'vacd \((.*?)\)', log)[1] == re.search(r"version: '(.*?)'", build)[1]


def test_the_package_is_built_with_what_the_build_needs():
    """Each -dev package that ./dev installs to build."""
    words = re.search(r'^packages_build=\((.*?)\)', (harness.ROOT / 'dev').read_text(), re.M | re.S)[1].split()
    control = (harness.ROOT / 'debian' / 'control').read_text()
    assert [word for word in words if word.endswith('-dev') and word != 'libc6-dev' and f' {word},' not in control] == []
