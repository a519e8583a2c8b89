"""A client of the intake: curl for what is right, bytes over TLS for what is not."""

import collections
import json
import re
import socket
import ssl
import subprocess
import time

import harness

Answer = collections.namedtuple('Answer', 'status headers body')


class Clients:
    """Two of them, whose tokens are tips' for SEA and web's for all offices, and what a daemon is configured with for them."""

    def __init__(self, database, certs):
        self.database, self.certs, self.told = database, certs, {}
        self.port, self.watch_port = harness.free_port(), harness.free_port()
        self.tokens = {'tips': database.value("SELECT vac.add_client('tips', 'SEA', token => true)"),
                       'web': database.value("SELECT vac.add_client('web', 'all', token => true)")}

    def settings(self):
        return dict(intake_listen=f'127.0.0.1:{self.port}', metrics_listen=f'127.0.0.1:{self.watch_port}',
                    intake_cert_file=self.certs.good.cert, intake_key_file=self.certs.good.key, intake_ca_file=self.certs.ca,
                    intake_client_cert='optional', intake_rate=10000)

    def watch(self, path, *options):
        return curl(f'http://127.0.0.1:{self.watch_port}{path}', *options)

    def ask(self, path, *options, token='tips', cert=None):
        command = ['--cacert', self.certs.ca]
        if token:
            command += ['-H', f'Authorization: Bearer {self.tokens.get(token, token)}']
        if cert:
            command += ['--cert', cert.cert, '--key', cert.key]
        return curl(f'https://localhost:{self.port}{path}', *command, *options)

    def post(self, form, key, *options, media='application/json', **who):
        """form: a dictionary, or text to be sent as it is; key: of idempotency, None for none."""
        body = form if isinstance(form, str) else json.dumps(form)
        options = ['--data-binary', '@-', '-H', f'Content-Type: {media}', *options]
        if key is not None:
            options += ['-H', f'Idempotency-Key: {key}']
        return self.ask('/v1/cases', *options, '--stdin', body, **who)

    def connect(self, seconds=120):
        """TLS without a word of HTTP."""
        context = ssl.create_default_context(cafile=str(self.certs.ca))
        raw = socket.create_connection(('127.0.0.1', self.port), timeout=seconds)
        return context.wrap_socket(raw, server_hostname='localhost')

    def say(self, request):
        """The bytes, and all that comes back for them until the other side has done."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def cases(self):
        return self.database.value('SELECT count(*) FROM vac_store.case_record')

    def open_case(self, form, key, seconds=300, trying=lambda: True):
        """Opens a case as web, and says its code: again with the same key, for as long as it is not known what became of it.
        None: it is no longer to be tried, and nobody was told."""
        end = time.monotonic() + seconds
        while trying() and time.monotonic() < end:
            try:
                answer = self.post(form, key, '-m', '20', token='web')
            except (OSError, ValueError):   # none came, or half of one
                answer = None
            if answer is not None and answer.status == 201:
                self.told[key], = answer.body['cases']
                return self.told[key]
            assert answer is None or answer.status in (408, 503), answer
            time.sleep(0.1)
        return None

    def check(self):
        """What web was told of each key that it ever sent is what there is: one case, that one."""
        stored = self.database.query("SELECT idempotency_key, array_agg(case_code) FROM vac_store.case_record "
                                     "WHERE opened_by = 'client:web' GROUP BY 1")
        told = {key: [code] for key, code in self.told.items()}
        assert dict(stored) == told, f'there is {[row for row in stored if told.get(row[0]) != row[1]]}, and the client was told {told}'


class Door(Clients):
    """A daemon whose intake is open, and its clients."""

    def __init__(self, folder, database, certs, name='door', **settings):
        super().__init__(database, certs)
        chosen = {**self.settings(), **settings}
        self.daemon = harness.Daemon(folder, name, harness.daemon_settings(folder, database, certs, **chosen))
        self.wait()

    def wait(self, seconds=120):
        """Until it answers for its health."""
        harness.wait_for(lambda: not self.daemon.running() or self.health() == 200, seconds, 'health')
        assert self.daemon.running(), self.daemon.log()

    def health(self):
        try:
            return self.watch('/healthz').status
        except (OSError, AssertionError):
            return None


def read_all(connection):
    found = b''
    while True:
        try:
            more = connection.recv(65536)
        except (ssl.SSLError, ConnectionResetError):
            more = b''
        if not more:
            return found
        found += more


def read_one(connection):
    """One answer, on a connection that goes on."""
    found = b''
    while b'\r\n\r\n' not in found or len(found.split(b'\r\n\r\n', 1)[1]) < int(re.search(rb'Content-Length: (\d+)', found)[1]):
        more = connection.recv(65536)
        assert more, found
        found += more
    return found


def curl(url, *options):
    options = list(options)
    body = None
    if '--stdin' in options:
        at = options.index('--stdin')
        body = options[at + 1].encode()
        del options[at:at + 2]
    done = subprocess.run(['curl', '-sS', '-i', '-m', '120', '--noproxy', '*', *map(str, options), url], input=body or b'',
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise OSError(done.returncode, done.stderr.decode())
    return parse(done.stdout)


def parse(raw):
    head, body = raw.split(b'\r\n\r\n', 1)
    while head.startswith(b'HTTP/1.1 100'):
        head, body = body.split(b'\r\n\r\n', 1)
    lines = head.decode().split('\r\n')
    headers = {line.split(':', 1)[0].lower(): line.split(':', 1)[1].strip() for line in lines[1:]}
    if headers.get('content-type') == 'application/json' and body:
        body = json.loads(body)
    return Answer(int(lines[0].split()[1]), headers, body)
