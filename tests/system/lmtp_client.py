"""An LMTP client that says what it is told to, for tests of the inbox."""

import socket

OURS = 'vacd@agency.example.org'
TOKEN = 'vacd+abcdefghijklmnopqrstuvwxyz2345@agency.example.org'


def letter(subject, body=b'text\r\n', sender='person@example.org', more=''):
    head = f'From: <{sender}>\r\nTo: <{OURS}>\r\nSubject: {subject}\r\nMessage-ID: <{subject.replace(" ", ".")}@example.org>\r\n{more}\r\n'
    return head.encode() + body


def stuffed(raw):
    lines = raw.split(b'\r\n')
    return b'\r\n'.join(b'.' + line if line.startswith(b'.') else line for line in lines)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(str(path))
        self.pending = b''
        self.reply = ''
        self.greeting = self.hear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(data)

    def say(self, line):
        self.write(line.encode() + b'\r\n')

    def _line(self):
        while b'\r\n' not in self.pending:
            piece = self.socket.recv(4096)
            if not piece:
                raise EOFError(self.pending)
            self.pending += piece
        line, self.pending = self.pending.split(b'\r\n', 1)
        return line.decode()

    def hear(self):
        """The last line of the next reply; all of it is in self.reply."""
        lines = [self._line()]
        while lines[-1][3:4] == '-':
            lines.append(self._line())
        self.reply = '\n'.join(lines)
        return lines[-1]

    def ask(self, line):
        self.say(line)
        return self.hear()

    def until_end(self):
        """All that is said until the connection is closed."""
        said = self.pending
        try:
            while piece := self.socket.recv(4096):
                said += piece
        except ConnectionResetError:
            pass
        return said.decode()

    def settle(self):
        """Returns when the daemon has read what was written."""
        import fcntl
        import struct
        import termios
        import time
        while struct.unpack('i', fcntl.ioctl(self.socket, termios.TIOCOUTQ, b'\0' * 4))[0]:
            time.sleep(0.01)
        time.sleep(0.1)

    def begin(self, sender, *recipients):
        self.ask('LHLO test.example.org')
        assert self.ask(f'MAIL FROM:<{sender}>').startswith('250'), self.reply
        for recipient in recipients:
            assert self.ask(f'RCPT TO:<{recipient}>').startswith('250'), self.reply

    def send(self, raw, recipients):
        """The codes of the replies."""
        assert self.ask('DATA').startswith('354'), self.reply
        self.write(stuffed(raw) + b'.\r\n')
        return [self.hear()[:3] for _ in range(recipients)]

    def deliver(self, sender, recipients, raw):
        self.begin(sender, *recipients)
        return self.send(raw, len(recipients))
