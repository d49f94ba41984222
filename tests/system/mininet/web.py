"""The web servers: one process, every host of webhosts.py on an address pair of its own.

What happens is logged, a JSON line each: a connection accepted, a TLS handshake done (with the name
asked for and the protocol negotiated), a request with its head. Every address that nobody may dial
is served, too, and what comes there is logged as of host "trap".
"""

import asyncio
import functools
import json
import signal
import socket
import ssl
import sys
import time
from pathlib import Path

from . import webhosts, webreplies

HEAD_LIMIT = 65536
BACKLOG = 512
TRAP = webhosts.Host("trap", "what nobody may dial", pair=("", ""))


class Log:
    def __init__(self, file):
        self.file = file

    def write(self, host, event, stream, **more):
        # A connection that is already reset has no peer any more.
        peer = stream.get_extra_info("peername") or (None, None)
        name = stream.get_extra_info("sockname") or (None, None)
        line = {"time": round(time.time(), 6), "host": host.name, "event": event,
                "address": name[0], "port": name[1], "source": peer[0], "source_port": peer[1],
                **more}
        self.file.write(json.dumps(line) + "\n")


def context_of(host, stem, folder, asked):
    """The TLS side of a host; asked(name) is told of each SNI."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Before there is a maximum, the old versions need the old security level to be allowed at all.
    if host.versions[0] == "TLSv1":
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion[host.versions[0]]
    context.maximum_version = ssl.TLSVersion[host.versions[1]]
    context.load_cert_chain(folder / f"{stem}.pem", folder / "key.pem")
    if host.alpn:
        context.set_alpn_protocols(list(host.alpn))
    context.sni_callback = lambda connection, name, _: asked(connection, name)
    return context


class Server:
    """Listeners and log around the hosts."""

    def __init__(self, folder, log):
        self.folder = folder
        self.log = log
        self.asked = {}
        self.held = []

    async def start(self):
        for host in webhosts.HOSTS:
            for address in webhosts.own(host):
                if host.http is not None:
                    await self.listen(address, 80, self.handler(host, host.http, None))
                if host.tls is not None:
                    await self.listen(address, 443, self.handler(host, host.tls,
                                                                 self.context(host, address)))
        for address in webhosts.TRAPS:
            for port in (80, 443):
                await self.listen(address, port, self.handler(TRAP, "page", None))
        # Nobody may come here, either: redirects to other ports of a host that answers.
        for address in webhosts.own(webhosts.BY_NAME["second"]):
            for port in (22, 8080):
                await self.listen(address, port, self.handler(TRAP, "page", None))
        for address in webhosts.addresses.WEB_DEAD:
            for port in (80, 443):
                self.hold(address, port)

    def context(self, host, address):
        if not host.has_certificate:
            return None
        stem, _ = host.certificates()[address]
        return context_of(host, stem, self.folder, self.remember)

    def remember(self, connection, name):
        self.asked[id(connection)] = name

    def handler(self, host, behaviour, context):
        if behaviour in webreplies.RAW:
            return functools.partial(self.raw, host, webreplies.RAW[behaviour])
        return functools.partial(self.talk, host, webreplies.TABLE.get(behaviour), context)

    async def listen(self, address, port, handler):
        await asyncio.start_server(handler, sock=_listener(address, port, BACKLOG),
                                   limit=HEAD_LIMIT)

    def hold(self, address, port):
        """Linux drops packets for a listener whose queue is full: one connection fills this."""
        listener = _listener(address, port, 0)
        filler = socket.create_connection((address, port), 1)
        self.held += [listener, filler]

    async def raw(self, host, behaviour, reader, stream):
        self.log.write(host, "accepted", stream)
        try:
            await behaviour(reader, stream)
        except ConnectionError:
            pass
        finally:
            stream.close()

    async def talk(self, host, behaviour, context, reader, stream):
        self.log.write(host, "accepted", stream)
        try:
            if context:
                await stream.start_tls(context)
                self.shook_hands(host, stream)
            if behaviour is None:
                await reader.read(1)
            else:
                await self.answer(host, behaviour, reader, stream)
            await stream.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                ssl.SSLError):
            pass
        finally:
            stream.close()

    def shook_hands(self, host, stream):
        connection = stream.get_extra_info("ssl_object")
        self.log.write(host, "handshake", stream, name=self.asked.pop(id(connection), None),
                       protocol=connection.selected_alpn_protocol(),
                       version=connection.version())

    async def answer(self, host, behaviour, reader, stream):
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
        self.log.write(host, "request", stream, method=method, target=target,
                       head=head.decode("latin-1"))
        await behaviour(webreplies.Request(method, target, head), stream)


def _listener(address, port, backlog):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


async def serve(folder, log_path):
    with open(log_path, "a", encoding="utf-8", buffering=1) as log:
        server = Server(folder, Log(log))
        await server.start()
        Path(log_path).with_suffix(".ready").touch()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]) / "certificates", sys.argv[2]))
