"""A resolver that answers every question late, with the same evidence: checks stay in flight."""

import asyncio
import struct
import sys

OPTION = 65443
EVIDENCE = ('{"version":1,"operation":"climb","nonce":"%016x","found":0,"lookups":[]}')


def reply(query):
    """The option is the last thing in a question, its nonce the last eight octets."""
    (nonce,) = struct.unpack(">Q", query[-8:])
    evidence = (EVIDENCE % nonce).encode()
    opt = struct.pack(">BHHIHHH", 0, 41, 65000, 0, 4 + len(evidence), OPTION, len(evidence))
    return query[:2] + struct.pack(">HHHHH", 0x8180, 0, 0, 0, 1) + opt + evidence


async def serve(reader, writer, delay_s):
    loop = asyncio.get_running_loop()
    try:
        while True:
            (length,) = struct.unpack(">H", await reader.readexactly(2))
            answer = reply(await reader.readexactly(length))
            loop.call_later(delay_s, writer.write, struct.pack(">H", len(answer)) + answer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(address, port, delay_s):
    server = await asyncio.start_server(lambda r, w: serve(r, w, delay_s), address, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
