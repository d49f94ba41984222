"""Unbound with mpic.so and conf/unbound.conf, and what asks it with the private EDNS option."""

import base64
import itertools
import json
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass

CONF = Path(__file__).resolve().parents[3] / "conf" / "unbound.conf"
OPTION = 65443
VERSION = 1
OPERATIONS = {"lookup": 1, "climb": 2, "stats": 3}
PROVE = 1
BUFFER = 65000
START_S = 30
STOP_S = 30
NONCE = 0x1122334455667788


def option(operation="climb", prove=False, cap=0, nonce=NONCE, version=VERSION):
    """The option's data as lib/mpic_option.h has it."""
    number = OPERATIONS.get(operation, operation)
    return struct.pack("!BBBBQ", version, number, PROVE if prove else 0, cap, nonce)


def question(name, rdtype="CAA", data=None, rdclass="IN", flags=0, dnssec=False):
    """A query that carries the option; data None: without one."""
    query = dns.message.make_query(name, rdtype, rdclass)
    query.flags |= flags
    options = [] if data is None else [dns.edns.GenericOption(OPTION, data)]
    query.use_edns(0, dns.flags.DO if dnssec else 0, BUFFER, options=options)
    return query


class Reply:
    """A response with its evidence, None if it has none."""

    def __init__(self, message):
        self.message = message
        self.rcode = dns.rcode.to_text(message.rcode())
        found = [o.data for o in message.options if o.otype == OPTION]
        self.octets = len(found[0]) if found else 0
        self.evidence = json.loads(found[0]) if found else None

    @property
    def lookups(self):
        return self.evidence["lookups"]

    @property
    def found(self):
        """The lookup that has the relevant RRset, or None."""
        index = self.evidence["found"]
        return self.lookups[index] if index >= 0 else None


def records(lookup):
    """RDATA of a lookup's records."""
    return [base64.b64decode(text, validate=True) for text in lookup["records"]]


class Link:
    """One TCP connection to a resolver: any number of questions at once."""

    def __init__(self, address, port, timeout=60, source=None):
        where = (source, 0) if source else None
        self.socket = socket.create_connection((address, port), timeout, source_address=where)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.ids = itertools.cycle(range(1, 65536))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, query):
        """Sends without waiting; returns the ID that the response will bear."""
        query.id = next(self.ids)
        wire = query.to_wire()
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)
        return query.id

    def receive(self):
        """The next response, whichever question it answers; raises EOFError at the end."""
        head = self.stream.read(2)
        if len(head) < 2:
            raise EOFError("the resolver closed the connection")
        return Reply(dns.message.from_wire(self.stream.read(struct.unpack("!H", head)[0])))

    def ask(self, query):
        sent = self.send(query)
        reply = self.receive()
        assert reply.message.id == sent
        return reply


class Perspective:
    """One Unbound with our profile and our module on loopback; a context manager.

    settings  lines of the module's own file, None for its defaults
    server    more lines for the server clause
    program   the unbound to run, if not the prefix's own
    anchor    whether it is given the world's trust anchor
    """

    def __init__(self, prefix, module, world, directory, *, index=0, port=5453, settings=None,
                 server=(), program=None, anchor=True):
        self.prefix = Path(prefix)
        self.program = Path(program or self.prefix / "sbin/unbound")
        self.directory = Path(directory)
        self.address = "127.0.0.1"
        self.port = port
        self.log = self.directory / "unbound.log"
        self.config = self.directory / "unbound.conf"
        self.process = None
        self.directory.mkdir(parents=True, exist_ok=True)
        # What the include line names is looked for in the working directory.
        self.config.write_text(CONF.read_text(encoding="utf-8"), encoding="utf-8")
        files = [module]
        if settings is not None:
            files.append(self.directory / "mpic.conf")
            files[1].write_text("".join(f"{line}\n" for line in settings), encoding="utf-8")
        sources = [f"outgoing-interface: {address}" for address in world.PERSPECTIVE_ADDRESSES[index]]
        clauses = {
            "server": [f"interface: 127.0.0.1@{port}", *sources, f'directory: "{self.directory}"',
                       *([f'trust-anchor-file: "{world.trust_anchor}"'] if anchor else []),
                       *server],
            "remote-control": ["control-enable: yes", "control-use-cert: no",
                               f'control-interface: "{self.directory}/control"'],
            "dynlib": [f'dynlib-file: "{path}"' for path in files if path],
        }
        (self.directory / "perspective.conf").write_text("".join(
            f"{name}:\n" + "".join(f"\t{line}\n" for line in lines)
            for name, lines in clauses.items()), encoding="utf-8")

    def __enter__(self):
        self.start()
        end = time.monotonic() + START_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"unbound does not start:\n{self.said()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.stop()

    def is_ready(self):
        """Whether it answers: the port is open already while modules may still refuse."""
        try:
            self.ask(question(".", "NS", option("stats")), timeout=1)
            return True
        except (OSError, EOFError):
            return False

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "-d", "-c", self.config],
                                            cwd=self.directory, stdout=log, stderr=log)

    def stop(self):
        """Ends it; returns its exit status, negative for a signal."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def control(self, *command):
        """unbound-control; its output."""
        done = subprocess.run([self.prefix / "sbin/unbound-control", "-c", self.config, *command],
                              cwd=self.directory, capture_output=True, text=True, timeout=STOP_S,
                              check=True)
        return done.stdout

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def rss_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0])

    def link(self, **more):
        return Link(self.address, self.port, **more)

    def ask(self, query, **more):
        with self.link(**more) as link:
            return link.ask(query)

    def climb(self, name, prove=False, **more):
        return self.ask(question(name, "CAA", option("climb", prove, **more)))

    def lookup(self, name, rdtype="CAA", prove=False):
        return self.ask(question(name, rdtype, option("lookup", prove)))

    def stats(self):
        return self.ask(question(".", "NS", option("stats"))).evidence["stats"]


def module_of(build_dir):
    """mpic.so as built; libtool is not used, so it is where make puts it."""
    return Path(os.path.abspath(build_dir)) / "unbound-module/mpic.so"
