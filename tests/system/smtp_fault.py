"""A mail server that is wrong on purpose: its certificate, its TLS, or what it says.

FaultServer(cert, starttls=…) listens on 127.0.0.1 and takes whatever it is given. `fault` may be changed
at any time and holds for the connections that come afterwards:

  None          nothing is wrong
  no_starttls   STARTTLS is not offered
  injection     octets in clear stand behind STARTTLS's 220, in the same segment
  old_tls       TLS 1.1 and nothing newer
  wants_client  no TLS without a client certificate of client_ca
  not_tls       plain text where TLS should begin
  silent        takes the connection and says nothing
  slow_dot      takes the message and never replies to the final dot
  no_login      the login is refused for good

`said` lists what clients said, ('clear' or 'tls', line); `mails` what was sent; `connections` counts.
"""

import asyncio
import ssl
import threading
import warnings


class FaultServer:
    def __init__(self, cert, starttls=False, client_ca=None):
        self.starttls = starttls
        self.client_ca = client_ca
        self.fault = None
        self.said = []
        self.mails = []
        self.connections = 0
        self.present(cert)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._run(asyncio.start_server(self._talk, '127.0.0.1', 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def present(self, cert):
        """The certificate that is shown from now on."""
        self.cert = cert

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def stop(self):
        async def end():
            self.server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def commands(self, where=None):
        return [line for how, line in self.said if where in (None, how)]

    # ---- one connection -------------------------------------------------------------------------

    def _context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert.cert, self.cert.key)
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if self.fault == 'old_tls':
            context.set_ciphers('ALL:@SECLEVEL=0')
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', DeprecationWarning)   # that is the point of it
                context.minimum_version = ssl.TLSVersion.TLSv1_1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    async def _talk(self, reader, writer):
        self.connections += 1
        try:
            await self._session(reader, writer)
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _session(self, reader, writer):
        secure = False
        if self.fault == 'silent':
            await asyncio.sleep(3600)
        if self.fault == 'not_tls':
            await self._say(writer, '220 fault.example.org ESMTP')
            return await reader.read()
        if not self.starttls:
            await self._start_tls(reader, writer)
            secure = True
        await self._say(writer, '220 fault.example.org ESMTP')
        while (line := await reader.readline()) != b'':
            text = line.decode('latin-1').rstrip('\r\n')
            self.said.append(('tls' if secure else 'clear', text))
            verb = text.split(' ')[0].upper()
            if verb == 'STARTTLS':
                extra = '\r\n250-evil.example.org' if self.fault == 'injection' else ''
                await self._say(writer, '220 go ahead' + extra)
                await self._start_tls(reader, writer)
                secure = True
            elif verb == 'AUTH' and len(text.split(' ')) == 2:   # what does not fit into that line comes after a 334
                await self._say(writer, '334 ')
                self.said.append(('tls' if secure else 'clear', (await reader.readline()).decode('latin-1').rstrip('\r\n')))
                await self._say(writer, self._reply(verb, secure))
            elif verb == 'DATA':
                await self._take(reader, writer)
            elif verb == 'QUIT':
                return await self._say(writer, '221 bye')
            else:
                await self._say(writer, self._reply(verb, secure))

    async def _start_tls(self, reader, writer):
        if self.fault in ('old_tls', 'wants_client'):
            await self._refuse_tls(reader, writer)
        await writer.start_tls(self._context())

    async def _refuse_tls(self, reader, writer):
        """asyncio drops the alert that says why a handshake failed; a real server sends it."""
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context().wrap_bio(coming, going, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(going.read())
                coming.write(await reader.readexactly(1))   # EOFError when the client goes
            except ssl.SSLError:
                writer.write(going.read())
                await writer.drain()
                raise

    async def _take(self, reader, writer):
        await self._say(writer, '354 go ahead')
        self.mails.append(await reader.readuntil(b'\r\n.\r\n'))
        if self.fault == 'slow_dot':
            await asyncio.sleep(3600)
        await self._say(writer, '250 2.0.0 taken')

    def _reply(self, verb, secure):
        if verb == 'EHLO':
            offers = ['fault.example.org', 'PIPELINING', 'AUTH PLAIN XOAUTH2']
            if not secure and self.fault != 'no_starttls':
                offers.append('STARTTLS')
            return '\r\n'.join([f'250-{offer}' for offer in offers] + ['250 8BITMIME'])
        if verb == 'AUTH':
            return '535 5.7.8 no such login' if self.fault == 'no_login' else '235 2.7.0 welcome'
        return '250 2.1.0 fine'

    async def _say(self, writer, text):
        writer.write(text.encode() + b'\r\n')
        await writer.drain()
