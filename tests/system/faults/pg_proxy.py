"""Stands between vacd and PostgreSQL, understands the framing of their protocol, and cuts where it is told to.

    with Proxy(folder, cluster) as proxy:
        database.conninfo('vacd', host=proxy.folder)     # vacd goes through it
        proxy.arm(Fault('vacd mailer', TO_SERVER, 17, 'middle'))

A fault is of one connection, known by its application_name, of one direction, and of one message: by its
number since the connection began, or by the call that it belongs to (Fault.call). Rows that follow each other
have one number. Each strikes once; of those of one connection that go by number the first has to, before the
next is looked at. What it does:
  before   both sides are closed, and the message does not arrive
  middle   half of it does
  after    all of it does, and then both sides are closed
  silent   neither it nor anything behind it arrives, either way, and nobody is told (half open); the server
           finds out after some seconds, as its keepalives would
  unknown  of a call's answer: the server has said all of it, so that what was to be committed is; none of
           that arrives, and both sides are closed. If it was an error (on a busy machine a call may take longer than
           it may), nothing was committed, and the next answer is tried
"""

import asyncio
import collections
import dataclasses
import pathlib
import re
import struct
import threading

TO_SERVER, TO_CLIENT = 'to server', 'to client'
KEEPALIVE_SECONDS = 5
WAYS = ('before', 'middle', 'after', 'silent')


@dataclasses.dataclass
class Fault:
    application: str
    direction: str
    number: int = 0         # from 1; 0: the call decides
    how: str = 'before'
    call: str = ''          # a function's name; of its messages the first, or the one of this kind
    kind: bytes = b''
    struck: bool = False

    def fits(self, connection, direction, number, kind):
        if direction != self.direction:
            return False
        if self.number:
            return number == self.number
        if kind == self.kind == b'Z' and connection.refused:
            return False
        return connection.call(direction) == self.call and (not self.kind or kind == self.kind)


class Connection:
    """One of vacd's, and what it is in the middle of."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.application = ''
        self.counts = collections.Counter()
        self.last = b''                 # kind of the last message to the client
        self.statements = {}            # name: function that it calls
        self.sent = ''                  # what the client is at
        self.expected = collections.deque()  # calls whose answers are still to come
        self.refused = False            # the answer has an error in it
        self.silent = False
        self.swallowing = None          # up to the end of the answer: the fault that does
        self.writers = []

    def call(self, direction):
        if direction == TO_SERVER:
            return self.sent
        return self.expected[0] if self.expected else ''

    def note(self, direction, kind, body):
        """Before a message is judged: which call it belongs to."""
        self.counts[direction] += not (direction == TO_CLIENT and kind == self.last == b'D')
        if direction == TO_CLIENT:
            self.refused = kind == b'E' or self.refused and self.last != b'Z'
            self.last = kind
        if direction == TO_SERVER and kind == b'P':
            name, text = body.split(b'\0')[:2]
            found = re.search(rb'(?:vac_daemon\.)?(\w+)\(', text)
            self.statements[name] = found[1].decode() if found else text.decode()
            self.sent = self.statements[name]
        elif direction == TO_SERVER and kind == b'B':
            self.sent = self.statements.get(body.split(b'\0')[1], '')
        elif direction == TO_SERVER and kind == b'S':
            self.expected.append(self.sent)

    def noted(self, direction, kind):
        """After it went on."""
        if direction == TO_CLIENT and kind == b'Z' and self.expected:
            self.proxy.calls[self.application, self.expected.popleft()] += 1

    def close(self):
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    def __init__(self, folder, cluster):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = cluster.port
        self.server = str(pathlib.Path(cluster.socket_dir) / f'.s.PGSQL.{cluster.port}')
        self.faults = []
        self.connections = set()
        self.longest = collections.Counter()    # (application, direction): most messages of one connection
        self.calls = collections.Counter()      # (application, function): answered calls
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _listen(self):
        self.listener = await asyncio.start_unix_server(self._accept, str(self.folder / f'.s.PGSQL.{self.port}'))

    async def _end(self):
        self.listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _in_loop(self, function):
        done = threading.Event()

        def work():
            function()
            done.set()
        self.loop.call_soon_threadsafe(work)
        done.wait(120)

    # ---- what a test asks for --------------------------------------------------------------------

    def arm(self, *faults):
        self._in_loop(lambda: self.faults.extend(faults))

    def disarm(self):
        """What has not struck will not."""
        self._in_loop(self.faults.clear)

    def cut_all(self):
        """Closes every connection that is there now, wherever it is."""
        def cut():
            for connection in list(self.connections):
                connection.close()
        self._in_loop(cut)

    def applications(self):
        return sorted({application for application, _ in self.longest})

    # ---- the connections -------------------------------------------------------------------------

    async def _accept(self, reader, writer):
        connection = Connection(self)
        connection.writers.append(writer)
        self.connections.add(connection)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self.server)
            connection.writers.append(server_writer)
            await asyncio.gather(self._forward(connection, reader, server_writer, TO_SERVER),
                                 self._forward(connection, server_reader, writer, TO_CLIENT))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            connection.close()
            self.connections.discard(connection)

    async def _forward(self, connection, reader, writer, direction):
        first = direction == TO_SERVER
        writer.transport.set_write_buffer_limits(high=0)    # drained is written
        try:
            while True:
                head = b'' if first else await reader.readexactly(1)
                length = await reader.readexactly(4)
                body = await reader.readexactly(struct.unpack('!I', length)[0] - 4)
                if first:
                    connection.application = re.search(rb'application_name\0([^\0]*)\0', body)[1].decode()
                    first = False
                await self._pass_on(connection, writer, direction, head, length + body)
        except (OSError, asyncio.IncompleteReadError):
            if not connection.silent:
                connection.close()      # one side has gone, so the other does

    async def _pass_on(self, connection, writer, direction, head, rest):
        connection.note(direction, head, rest[4:])
        key = connection.application, direction
        number = connection.counts[direction]
        self.longest[key] = max(self.longest[key], number)
        if connection.silent:
            return
        fault = connection.swallowing if direction == TO_CLIENT else None
        fault = fault or self._strike(connection, direction, number, head)
        how, message = fault and fault.how, head + rest
        if how == 'silent':
            connection.silent = True
            self.loop.call_later(KEEPALIVE_SECONDS, connection.writers[1].transport.abort)
            return
        if how == 'unknown':
            connection.swallowing = fault
            fault.struck = not connection.refused
            if head == b'Z':
                connection.close()
            return
        writer.write({None: message, 'after': message, 'middle': message[:len(message) // 2], 'before': b''}[how])
        await writer.drain()
        if how:
            connection.close()
        else:
            connection.noted(direction, head)

    def _strike(self, connection, direction, number, kind):
        for fault in self.faults:
            if fault.struck or fault.application != connection.application:
                continue
            if fault.fits(connection, direction, number, kind):
                fault.struck = True
                return fault
            if fault.number:
                return None
        return None
