"""etc/access-token beside a real HTTPS server, and a login with what it fetched."""

import base64
import http.server
import json
import os
import pathlib
import signal
import ssl
import stat
import subprocess
import threading
import urllib.parse

import pytest

import harness
from smtp_fault import FaultServer

SECRET = 'p+q&r=s SECRET-WORD~'
TOKEN = 'eyJ0eXAi.' + 'a1B2-_' * 250 + '.c2lnbg'
SCRIPT = harness.ROOT / 'etc' / 'access-token'


class Provider(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.append(self.rfile.read(int(self.headers['Content-Length'])).decode())
        for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                self.server.shown += any(w in path.read_bytes() for w in (b'SECRET-WORD', TOKEN.encode()))
            except OSError:
                pass
        status, body = self.server.reply
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def provider(certs):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Provider)
    server.asked, server.shown, server.reply = [], 0, (200, json.dumps({'token_type': 'Bearer', 'expires_in': 3599, 'access_token': TOKEN}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certs.good)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(folder, certs, provider):
    """Runs the script as its unit does; returns (exit status, what it said)."""
    (folder / 'client-secret').write_text(SECRET + '\n')
    run_folder = folder / 'run'
    run_folder.mkdir()

    def run(**changed):
        environment = {'PATH': os.environ['PATH'], 'TOKEN_URL': f'https://localhost:{provider.server_port}/tenant/oauth2/v2.0/token',
                       'TOKEN_CLIENT_ID': 'an id', 'TOKEN_SCOPE': 'https://outlook.office365.com/.default', 'TOKEN_CA_FILE': str(certs.ca),
                       'CREDENTIALS_DIRECTORY': str(folder), 'RUNTIME_DIRECTORY': str(run_folder), **changed}
        done = subprocess.run(['/bin/sh', SCRIPT], env={k: v for k, v in environment.items() if v is not None},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert 'SECRET-WORD' not in done.stdout and TOKEN not in done.stdout
        assert {p.name for p in run_folder.iterdir()} <= {'access-token'}, 'nothing half done stays'
        return done.returncode, done.stdout
    run.token = run_folder / 'access-token'
    return run


def test_a_token_is_fetched(provider, fetch):
    assert fetch() == (0, '')
    assert fetch.token.read_text() == TOKEN + '\n'
    assert stat.S_IMODE(fetch.token.stat().st_mode) == 0o640
    assert urllib.parse.parse_qs(provider.asked[0], strict_parsing=True) == {
        'grant_type': ['client_credentials'], 'client_id': ['an id'], 'scope': ['https://outlook.office365.com/.default'], 'client_secret': [SECRET]}
    assert not provider.shown, 'a secret stood on a command line'


@pytest.mark.parametrize('reply, said', [
    ((400, '{"error": "invalid_client", "error_description": "no"}'), 'invalid_client'), ((200, '{}'), 'gave no token'),
    ((200, '{"access_token": "a b"}'), 'gave no token'), ((200, '<html>'), 'gave no token'), ((200, ''), 'gave no token')])
def test_the_old_one_stays(provider, fetch, reply, said):
    assert fetch()[0] == 0
    provider.reply = reply
    status, text = fetch()
    assert status == 1 and said in text
    assert fetch.token.read_text() == TOKEN + '\n'


@pytest.mark.parametrize('change, said', [
    ({'TOKEN_URL': None}, 'TOKEN_URL is not set'), ({'TOKEN_URL': 'http://localhost/'}, 'does not begin with https'),
    ({'TOKEN_CLIENT_ID': ''}, 'TOKEN_CLIENT_ID is not set'), ({'CREDENTIALS_DIRECTORY': '/nowhere'}, '/nowhere/client-secret'),
    ({'TOKEN_CA_FILE': None}, 'certificate'), ({'TOKEN_URL': 'https://localhost:1/'}, 'no reply from https://localhost:1/')])
def test_what_is_wrong_is_said(provider, fetch, change, said):
    status, text = fetch(**change)
    assert status == 1 and said in text, text
    assert not provider.asked and not fetch.token.exists()


def bearer(token):
    return base64.b64encode(f'user=vacd@agency.example.org\1auth=Bearer {token}\1\1'.encode()).decode()


def test_one_that_is_over_is_refused_and_the_next_is_taken(database, certs, vacd, fetch):
    """The daemon logs in with the token that came meanwhile, and never logs one."""
    assert fetch()[0] == 0
    fetch.token.write_text('one.that.is.over\n')
    server = FaultServer(certs.good)
    server.wrong('auth', '5yz')
    try:
        daemon = vacd(database, server, mail_auth='xoauth2', mail_user='vacd@agency.example.org', mail_secret_file=fetch.token)
        harness.wait_for(lambda: 'daemon works' in daemon.log(), what='work')
        # Only a mail that waits makes it connect.
        probe = subprocess.Popen([harness.VACD, '--config', daemon.config, 'probe', 'someone@example.org'], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        harness.wait_for(lambda: 'mail_login' in daemon.log(), what='the refusal')
        assert bearer('one.that.is.over') in ' '.join(server.commands('tls')) and not server.mails
        assert fetch()[0] == 0
        server.right()
        daemon.process.send_signal(signal.SIGHUP)   # or it would wait for some minutes
        harness.wait_for(lambda: server.mails, what='the mail')
        assert bearer(TOKEN) in ' '.join(server.commands('tls'))
        assert probe.wait(120) == 0
        for text in (daemon.log(), probe.stdout.read()):
            assert not any(word in text for word in (TOKEN, 'one.that.is.over', bearer(TOKEN)[:200]))
    finally:
        server.stop()
