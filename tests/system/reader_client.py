"""The daemon's side of the reader's channel, in Python: see daemon/reader/reader_frame.h."""

import os
import socket
import struct
import subprocess

import harness

READY, BROKEN, RECORD, DIED = 1, 2, 3, 4


class Reader:
    """`vacd reader`, or another program's, as the daemon would start it."""

    def __init__(self, program=harness.VACD, environment=None):
        self.socket, theirs = socket.socketpair()
        self.process = subprocess.Popen([program, 'reader'], stdin=theirs, stdout=subprocess.DEVNULL,
                                        env=environment or {})
        theirs.close()
        self.socket.settimeout(60)
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.socket.close()
        self.process.wait(120)

    @property
    def pid(self):
        return self.process.pid

    def take(self, n):
        data = b''
        while len(data) < n:
            some = self.socket.recv(n - len(data))
            if not some:
                raise EOFError(f'the reader ended after {len(data)} of {n} bytes')
            data += some
        return data

    def answer(self):
        """(number, word, text)"""
        mark, number, head = struct.unpack('>4sII', self.take(12))
        assert mark == b'vAns'
        return number, head >> 24, self.take(head & 0xffffff)

    def ready(self):
        number, word, text = self.answer()
        assert (number, word) == (0, READY), text
        return self

    def read(self, raw, now=1_790_000_000, until=1_850_000_000):
        """(word, text) of a mail"""
        self.number += 1
        self.socket.sendall(struct.pack('>4sIIqq', b'vreQ', self.number, len(raw), now, until) + raw)
        number, word, text = self.answer()
        assert number == self.number
        return word, text


def memory_of(pid):
    """All that a process can write to; root only, as the reader shows its memory to nobody else."""
    parts = []
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith('rw'):
                continue
            start, end = (int(x, 16) for x in span.split('-'))
            memory.seek(start)
            try:
                parts.append(memory.read(end - start))
            except OSError:
                continue
    return b''.join(parts)


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as children:
        return [int(child) for child in children.read().split()]


def environment_of(pid):
    with open(f'/proc/{pid}/environ', 'rb') as environment:
        return [part for part in environment.read().split(b'\0') if part]


def files_of(pid):
    """{number: what it leads to}"""
    folder = f'/proc/{pid}/fd'
    return {int(number): os.readlink(f'{folder}/{number}') for number in os.listdir(folder)}
