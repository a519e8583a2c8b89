"""Forwards TCP connections: relay.py HOST PORT TO-HOST TO-PORT, or relay.py HOST PORT TO-SOCKET"""

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


async def main(host, port, to, to_port=None):
    async def accept(reader, writer):
        try:
            there = await (asyncio.open_connection(to, to_port) if to_port else asyncio.open_unix_connection(to))
        except OSError:
            writer.close()
            return
        await asyncio.gather(forward(reader, there[1]), forward(there[0], writer))

    server = await asyncio.start_server(accept, host, port)
    print('listening', flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
