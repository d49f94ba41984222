"""The hostile DNS server: one process, every hostile zone on an address pair of its own.

Every query is logged as one JSON line before it is answered. Tests change answers and behaviours
over the control port (control.py is the client).
"""

import asyncio
import functools
import json
import signal
import socket
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import dns.exception

from . import addresses, behaviours, message, zonefiles, zones
from .data import Data

# What refuses TCP by not listening, as a firewalled server does.
NO_TCP = {"truncate"}
RECEIVE_BUFFER = 1 << 20
SO_RCVBUFFORCE = 33
LINE_LIMIT = 1 << 20


class Served:
    """One zone as served: its data and how it behaves, to all or to some sources."""

    def __init__(self, zone, folder):
        text = zonefiles.text(zone)
        if zone.signed:
            text += f"@ DNSKEY {zonefiles.dnskey(folder, zone).to_text()}\n"
        views = {address: lines for index, lines in zone.views.items()
                 for address in addresses.PERSPECTIVE_ADDRESSES[index]}
        self.zone = zone
        self.data = Data(zone.name, text, views)
        self.reset()

    def reset(self):
        self.data.reset()
        self.behave = {None: (self.zone.behaviour, self.zone.delay_ms)}
        self.counts = Counter()

    def answer(self, query):
        """(behaviour, bytes, delay in seconds)"""
        name, delay_ms = self.behave.get(query.source) or self.behave[None]
        key = (query.source, query.name, query.type)
        query.count = self.counts[key]
        self.counts[key] += 1
        wire = behaviours.TABLE[name](query, self.data.view(query.source))
        return name, wire, delay_ms / 1000


class Server:
    """Sockets, log and control around the served zones."""

    def __init__(self, folder, log):
        self.zones = {zone.name: Served(zone, folder) for zone in zones.HOSTILE}
        self.log = log

    def handle(self, served, wire, peer, transport):
        """(bytes or SILENCE or CLOSE, delay in seconds) for one message."""
        query = message.parse(wire, peer[0], transport)
        if query is None:
            return behaviours.SILENCE, 0
        behaviour, reply, delay = served.answer(query)
        line = {"time": round(time.time(), 6), "zone": served.zone.name, "name": query.name,
                "type": query.type, "source": query.source, "port": peer[1],
                "transport": transport, "behaviour": behaviour}
        self.log.write(json.dumps(line) + "\n")
        return reply, delay

    async def start(self):
        loop = asyncio.get_running_loop()
        for served in self.zones.values():
            for _, *pair in zones.servers(served.zone):
                for address in pair:
                    await loop.create_datagram_endpoint(
                        lambda s=served: Datagrams(self, s), sock=_bound(address))
                    if served.zone.behaviour not in NO_TCP:
                        await asyncio.start_server(
                            functools.partial(self.stream, served), address, 53)
        await asyncio.start_server(self.control, *addresses.CONTROL, limit=LINE_LIMIT)

    async def stream(self, served, reader, writer):
        """One TCP connection; queries may be pipelined, answers come as they are ready."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                wire = await reader.readexactly(length)
                reply, delay = self.handle(served, wire, writer.get_extra_info("peername"), "tcp")
                if reply == behaviours.CLOSE:
                    writer.transport.abort()
                elif reply is not behaviours.SILENCE:
                    loop.call_later(delay, writer.write, struct.pack("!H", len(reply)) + reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def control(self, reader, writer):
        try:
            while line := await reader.readline():
                try:
                    reply = self.command(json.loads(line))
                except (KeyError, ValueError, TypeError, dns.exception.DNSException) as error:
                    reply = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def command(self, given):
        """One control command: set, behave or reset."""
        served = self.zones[given["zone"]]
        sources = given.get("sources") or ()
        if given["do"] == "set":
            served.data.set(given["name"], given["type"], given["rdata"], sources, given["ttl"])
        elif given["do"] == "behave":
            if given["behaviour"] not in behaviours.TABLE:
                raise ValueError(f"no behaviour {given['behaviour']!r}")
            for source in sources or (None,):
                served.behave[source] = (given["behaviour"], given["delay_ms"])
        elif given["do"] == "reset":
            served.reset()
        else:
            raise ValueError(f"no command {given['do']!r}")
        return {"ok": True}


class Datagrams(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, server, served):
        self.server = server
        self.served = served
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        reply, delay = self.server.handle(self.served, data, addr, "udp")
        if not reply:
            return
        if delay:
            asyncio.get_running_loop().call_later(delay, self.transport.sendto, reply, addr)
        else:
            self.transport.sendto(reply, addr)


def _bound(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        # A user namespace gets what the system allows everybody.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    bound.bind((address, 53))
    bound.setblocking(False)
    return bound


async def serve(folder, log_path):
    with open(log_path, "a", encoding="utf-8", buffering=1) as log:
        await Server(folder, log).start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
