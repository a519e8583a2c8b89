"""Forwards connections: relay.py FROM TO, each an address and port (127.0.0.1:5432) or a socket's path"""

import asyncio
import sys


async def forward(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def connect(end):
    return asyncio.open_unix_connection(end) if '/' in end else asyncio.open_connection(*end.split(':'))


def listen(end, accept):
    return asyncio.start_unix_server(accept, end) if '/' in end else asyncio.start_server(accept, *end.split(':'))


async def main(here, there):
    async def accept(reader, writer):
        try:
            other = await connect(there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(forward(reader, other[1]), forward(other[0], writer))

    server = await listen(here, accept)
    print('listening', flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
