"""A mail server that is wrong on purpose, at one step of the dialogue: its TLS, what it says, or that it goes.

FaultServer(cert, starttls=…) listens on 127.0.0.1, with a thread for each connection.
wrong(step, kind, times) makes it wrong from now on, for good or that many times; right() ends that.
`bites` counts how often it was wrong since.

steps   connect  banner  ehlo  starttls  tls  ehlo2 (behind STARTTLS)  auth  mail  rcpt  data
        text (while the message comes in)  dot (the message is not taken)  taken (the message is taken, and
        then the reply goes wrong)  rset (a recipient is refused for now, so that there is one)  quit  idle
kinds   4yz 5yz 421            a reply that says no
        closing cut half       FIN: with close_notify, without, in the middle of a reply
        reset                  RST
        silent                 nothing more is said
        drip                   an octet now and then, without end
        trickle                the right thing, an octet at a time
        garbage endless code unending differ   no reply; a line without end; 999; a reply of lines without end;
                               one whose lines differ in their code
        of connect: down (refused), full (unanswered); of tls: shown (another certificate: .other),
        old_tls, anonymous, plain; of ehlo: no_starttls; of starttls: injection (in the
        segment of the 220), late_injection (in one of its own)

`said` lists what clients said, ('clear' or 'tls', line); `mails` what was taken, with `folder` also as a
sink writes it (index.tsv); `stray` is what came where nobody should have spoken; `connections` counts.
"""

import base64
import contextlib
import pathlib
import re
import socket
import ssl
import struct
import threading
import time
import warnings

PAUSE = 0.2   # seconds between the octets of what drips: longer in all than anybody waits
BULK = 1 << 20  # octets of what never ends, in all

NO = {'4yz': '451 4.3.0 not now', '5yz': '554 5.7.1 never', '421': '421 4.3.2 closing'}
NO_LOGIN = {'4yz': '454 4.7.0 not now', '5yz': '535 5.7.8 no such login', '421': NO['421']}


class Gone(Exception):
    """The connection is at its end; whoever was served is to be left alone."""


class Line:
    """One connection, in clear or not, read by lines."""

    def __init__(self, raw, server):
        self.sock, self.server, self.buffer, self.secure = raw, server, b'', False
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start_tls(self, context):
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def receive(self):
        more = self.sock.recv(65536)
        if not more:
            raise Gone
        return more

    def until(self, end):
        while end not in self.buffer:
            self.buffer += self.receive()
        found, self.buffer = self.buffer.split(end, 1)
        return found + end

    def say(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b'\r\n')

    def stray(self):
        """Whatever comes, until the other side goes."""
        with contextlib.suppress(Gone):
            while True:
                self.server.stray.append(('tls' if self.secure else 'clear', self.receive()))
        raise Gone

    # ---- ends -----------------------------------------------------------------------------------

    def end(self):
        """From another thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(getattr(self.sock, 'raw', self.sock), socket.SHUT_RDWR)

    def closing(self):
        if self.secure:
            self.sock.settimeout(2)
            self.sock = self.sock.unwrap()
        self.cut()

    def cut(self):
        self.sock.shutdown(socket.SHUT_WR)   # of a TLS socket, too, without close_notify
        self.sock.settimeout(2)
        with contextlib.suppress(OSError):
            while socket.socket.recv(self.sock, 65536):   # unread octets would make an RST of it
                pass
        raise Gone

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()
        raise Gone

    def drip(self, octets):
        for octet in octets:
            self.sock.sendall(bytes((octet,)))
            time.sleep(PAUSE)
        self.stray()

    def pour(self, piece):
        for _ in range(BULK // len(piece)):
            self.sock.sendall(piece)
        self.stray()


def bite(line, kind, good):
    """Answers wrongly; `good` is what would have been right. Comes back when the dialogue goes on."""
    code = good[:3]
    if kind in NO:
        line.say((NO_LOGIN if code == '235' else NO)[kind])
    elif kind == 'trickle':
        for octet in good.encode() + b'\r\n':
            line.say(bytes((octet,)))
    elif kind == 'half':
        line.say(good.encode()[:len(good) // 2])
        line.cut()
    elif kind == 'drip':
        line.drip(f'{code}-{"x" * 40}\r\n'.encode() * 50)
    elif kind == 'garbage':
        line.say(b'\0\xff HTTP/1.1 200 OK\r\n')
        line.stray()
    elif kind == 'code':
        line.say('999 5.9.9 unheard of')
        line.stray()
    elif kind == 'differ':
        line.say(f'{code}-one thing\r\n550 another')
        line.stray()
    elif kind == 'endless':
        line.pour(b'2' * 4096)
    elif kind == 'unending':
        line.pour(f'{code}-and more\r\n'.encode() * 64)
    else:
        {'closing': line.closing, 'cut': line.cut, 'reset': line.reset, 'silent': line.stray}[kind]()


class FaultServer:
    def __init__(self, cert, starttls=False, client_ca=None, folder=None, offers=('PIPELINING', '8BITMIME', 'DSN')):
        self.cert, self.other = cert, None
        self.starttls, self.client_ca, self.offers = starttls, client_ca, list(offers)
        self.folder = folder and pathlib.Path(folder)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / 'index.tsv').touch()
        self.lock = threading.Lock()
        self.said, self.mails, self.stray, self.taken_at = [], [], [], []
        self.connections = self.bites = 0
        self.step = self.kind = self.times = None
        self.open, self.fillers, self.stopped = set(), [], False
        self.port = 0
        self.listener = None
        self._listen()

    # ---- what a test does -----------------------------------------------------------------------

    def present(self, cert):
        """The certificate that is shown from now on."""
        self.cert = cert

    def wrong(self, step, kind, times=None):
        with self.lock:
            self.step, self.kind, self.times, self.bites = step, kind, times, 0
        if step == 'connect' and kind in ('down', 'full'):
            self._close_listener()
            if kind == 'full':
                self._fill()

    def right(self):
        with self.lock:
            self.step = self.kind = self.times = None
        for filler in self.fillers:
            filler.close()
        if self.listener is None or self.fillers:
            self._close_listener()
            self._listen()
        self.fillers = []

    def stop(self):
        self.stopped = True
        self.right()
        self._close_listener()
        self.hang_up()

    def hang_up(self):
        """Ends what is open."""
        for line in list(self.open):
            line.end()

    def commands(self, where=None):
        return [line for how, line in self.said if where in (None, how)]

    # ---- listening ------------------------------------------------------------------------------

    def _listen(self, backlog=64, serve=True):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', self.port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        if serve:
            threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _close_listener(self):
        if self.listener is not None:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)   # wakes who waits in accept()
            self.listener.close()
        self.listener = None

    def _fill(self):
        """A queue of one, which is full: the kernel drops the SYN of whoever comes."""
        self._listen(backlog=0, serve=False)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(('127.0.0.1', self.port))
            self.fillers.append(filler)

    def _accept(self, listener):
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(raw,), daemon=True).start()

    def _bites(self, step):
        with self.lock:
            if self.step != step or self.times == 0 or self.stopped:
                return None
            if self.times is not None:
                self.times -= 1
            self.bites += 1
            return self.kind

    # ---- one connection -------------------------------------------------------------------------

    def _talk(self, raw):
        self.connections += 1
        line = Line(raw, self)
        self.open.add(line)
        try:
            self._session(line)
        except (OSError, EOFError, Gone, ValueError):
            pass
        finally:
            self.open.discard(line)
            line.sock.close()

    def _session(self, line):
        kind = self._bites('connect')
        if kind:
            bite(line, kind, '220 hello')
        if not self.starttls:
            self._handshake(line)
        self._reply(line, 'banner', '220 fault.example.org ESMTP')
        Dialogue(self, line).run()

    def _reply(self, line, step, good):
        kind = self._bites(step)
        if kind is None:
            line.say(good)
        else:
            bite(line, kind, good)
        return kind

    # ---- TLS ------------------------------------------------------------------------------------

    def _context(self, kind=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('DEFAULT:@SECLEVEL=0')   # what is weak is for the client to refuse
        cert = self.other if kind == 'shown' else self.cert
        context.load_cert_chain(cert.cert, cert.key)
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if kind == 'old_tls':
            context.set_ciphers('ALL:@SECLEVEL=0')
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', DeprecationWarning)   # that is the point of it
                context.minimum_version = ssl.TLSVersion.TLSv1_1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        if kind == 'anonymous':
            context.set_ciphers('aNULL:@SECLEVEL=0')
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _handshake(self, line):
        kind = self._bites('tls')
        if kind in ('drip', 'trickle'):
            self._slow_handshake(line, PAUSE if kind == 'drip' else 0)
        elif kind == 'plain':
            line.sock.recv(1, socket.MSG_PEEK)   # the client is at its handshake
            line.say('220 fault.example.org ESMTP')
            line.stray()
        elif kind in (None, 'shown', 'old_tls', 'anonymous'):
            line.start_tls(self._context(kind))
        else:
            bite(line, kind, '454 4.7.0 TLS')

    def _slow_handshake(self, line, pause):
        """Its octets one by one; it goes on in TLS by the same way when it has come to its end."""
        line.sock = Slow(line.sock, self._context(), pause)
        line.secure = True

    # ---- what is taken --------------------------------------------------------------------------

    def take(self, raw, sender, recipient, ending):
        octets = re.sub(rb'(^|\r\n)\.\.', rb'\1.', raw[:-3])
        with self.lock:
            self.mails.append(raw)
            self.taken_at.append(time.time())
            if self.folder:
                number = len(self.mails)
                (self.folder / f'{number:08}.eml').write_bytes(octets)
                name = re.search(rb'(?im)^Message-ID:\s*(<[^>]*>)', octets)[1].decode()
                with open(self.folder / 'index.tsv', 'a') as index:
                    index.write(f'{number}\t{time.time() * 1e6:.0f}\t{ending}\t{sender}\t{recipient}\t{name}\t{len(octets)}\n')


class Slow:
    """TLS whose octets leave one by one: an SSLObject between two buffers, over a plain socket."""

    def __init__(self, raw, context, pause):
        self.raw, self.pause = raw, pause
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.coming, self.going, server_side=True)
        self._do(self.tls.do_handshake)
        self.pause = 0

    def _flush(self, slowly=True):
        octets = self.going.read()
        for at in range(0, len(octets), 1 if slowly else 65536):
            self.raw.sendall(octets[at:at + (1 if slowly else 65536)])
            time.sleep(self.pause)

    def _do(self, act, *args):
        while True:
            try:
                done = act(*args)
                self._flush()
                return done
            except ssl.SSLWantReadError:
                self._flush()
                more = self.raw.recv(65536)
                if not more:
                    raise Gone from None
                self.coming.write(more)

    def recv(self, most):
        return self._do(self.tls.read, most)

    def sendall(self, octets):
        self.tls.write(octets)
        self._flush(False)

    def unwrap(self):
        return self.raw

    def __getattr__(self, name):
        return getattr(self.raw, name)


class Dialogue:
    """The commands of one connection, as RFC 5321 has them answered."""

    def __init__(self, server, line):
        self.server, self.line = server, line
        self.sender = self.recipient = None
        self.has_taken = False

    def run(self):
        while True:
            if self.line.secure and self.sender is None:
                self._idle()
            text = self.line.until(b'\r\n').decode('latin-1').rstrip('\r\n')
            self.server.said.append(('tls' if self.line.secure else 'clear', text))
            verb = text.split(' ')[0].split(':')[0].upper()
            getattr(self, 'on_' + verb.lower(), self.on_other)(text)

    def _idle(self):
        """Something of its own accord, once a message was taken and nothing is on the way."""
        kind = self.server._bites('idle') if self.has_taken and not self.line.buffer else None
        if kind == 'shown':
            with self.server.lock:   # from the next connection on
                self.server.step, self.server.times = 'tls', 1
            self.line.closing()
        elif kind:
            time.sleep(0.05)
            bite(self.line, kind, '250 2.0.0 of my own accord')
            self.line.stray()

    def _reply(self, step, good):
        return self.server._reply(self.line, step, good)

    def on_ehlo(self, text):
        step = 'ehlo2' if self.server.starttls and self.line.secure else 'ehlo'
        offers = ['fault.example.org', 'AUTH PLAIN LOGIN XOAUTH2', *self.server.offers]
        kind = self.server._bites(step)
        if self.server.starttls and not self.line.secure and kind != 'no_starttls':
            offers.append('STARTTLS')
        good = '\r\n'.join([f'250-{offer}' for offer in offers] + ['250 SIZE 10485760'])
        if kind in (None, 'no_starttls'):
            self.line.say(good)
        else:
            bite(self.line, kind, good)

    def on_starttls(self, text):
        server, line = self.server, self.line
        kind = server._bites('starttls')
        if kind == 'injection':
            line.say('220 go ahead\r\n250-evil.example.org\r\n250 AUTH PLAIN')
        elif kind == 'late_injection':
            line.say('220 go ahead')
            line.sock.recv(1, socket.MSG_PEEK)   # the client is at its handshake
            line.say('250-evil.example.org\r\n250 AUTH PLAIN')
        elif kind:
            bite(line, kind, '220 go ahead')
        else:
            line.say('220 go ahead')
        if kind in NO:
            return
        server._handshake(line)
        line.buffer = b''

    def on_auth(self, text):
        words = text.split(' ')
        if words[1] == 'LOGIN':
            for question in ('Username:', 'Password:'):
                self.line.say('334 ' + base64.b64encode(question.encode()).decode())
                self.server.said.append(('tls', self.line.until(b'\r\n').decode().rstrip('\r\n')))
        elif len(words) < 3:
            self.line.say('334 ')
            self.server.said.append(('tls', self.line.until(b'\r\n').decode().rstrip('\r\n')))
        self._reply('auth', '235 2.7.0 welcome')

    def on_mail(self, text):
        if self._reply('mail', '250 2.1.0 fine') in (None, 'trickle'):
            self.sender = re.search(r'<([^>]*)>', text)[1]

    def on_rcpt(self, text):
        if self.sender is None:
            return self.line.say('503 5.5.1 MAIL first')
        if self.server.step == 'rset' and self.server.times != 0:
            return self.line.say('450 4.2.1 not now')
        if self._reply('rcpt', '250 2.1.5 fine') in (None, 'trickle'):
            self.recipient = re.search(r'<([^>]*)>', text)[1]

    def on_data(self, text):
        if self.recipient is None:
            return self.line.say('503 5.5.1 RCPT first')
        if self._reply('data', '354 go ahead') not in (None, 'trickle'):
            return
        self._text()
        raw = self.line.until(b'\r\n.\r\n')
        kind = self.server._bites('dot')
        sender, recipient = self.sender, self.recipient
        self.sender = self.recipient = None
        if kind and kind != 'trickle':
            return bite(self.line, kind, '250 2.0.0 taken')
        self.has_taken = True
        kind = kind or self.server._bites('taken')
        self.server.take(raw, sender, recipient, kind or 'sent')
        if kind:
            bite(self.line, kind, '250 2.0.0 taken')
        else:
            self.line.say('250 2.0.0 taken')

    def _text(self):
        """The fault in the midst of the text: some of it has come."""
        if self.server.step != 'text':
            return
        while len(self.line.buffer) < 500:
            self.line.buffer += self.line.receive()
        kind = self.server._bites('text')
        if kind:
            bite(self.line, kind, '250 2.0.0 taken')
            self.line.stray()   # who says no so early hears no more of it

    def on_rset(self, text):
        self.sender = self.recipient = None
        self._reply('rset', '250 2.0.0 forgotten')

    def on_quit(self, text):
        self._reply('quit', '221 2.0.0 bye')
        self.line.closing()

    def on_other(self, text):
        self.line.say('502 5.5.1 unknown')
