"""Daemons of a test's own: how they are configured, started, called, watched and stopped."""

import contextlib
import copy
import json
import os
import re
import signal
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import contract
from mininet import processes

READY_S = 15
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+]+)')


def until(true, timeout_s=5, check=lambda: None):
    """What `true` gave at last; `check` may raise meanwhile."""
    deadline = time.monotonic() + timeout_s
    while not (got := true()):
        check()
        assert time.monotonic() < deadline, f"it did not happen in {timeout_s} s"
        time.sleep(0.02)
    return got


def children(pid):
    """Processes that it has started and that still run or were not waited for."""
    return [int(child) for child in
            Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def alive(pid):
    """Whether it runs; what has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@dataclass
class Reply:
    status: int
    headers: dict
    text: str
    took_s: float

    @property
    def json(self):
        return json.loads(self.text)


class Client:
    """Calls one daemon; with `identity` None there is no certificate to show."""

    def __init__(self, daemon, identity, authority, plain=False):
        self.address = daemon.address
        self.context = None if plain else ssl.create_default_context(
            cafile=authority.certificate)
        if identity and not plain:
            self.context.load_cert_chain(identity.certificate, identity.key)
        self.headers = {"Content-Type": "application/json"}

    def with_token(self, token):
        """The same client, showing this bearer token."""
        other = copy.copy(self)
        other.headers = {**self.headers, "Authorization": f"Bearer {token}"}
        return other

    def connect(self, timeout_s=90):
        return contract.connect(*self.address, self.context, timeout_s)

    def ask(self, path, body=None, connection=None):
        """GET, or POST when there is a body."""
        own = connection or self.connect()
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        started = time.monotonic()
        try:
            own.request("GET" if data is None else "POST", path, data, self.headers)
            reply = own.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read().decode(),
                         reply.arrived - started)
        finally:
            if not connection:
                own.close()

    def presented(self):
        """The certificate that the daemon shows, DER."""
        connection = self.connect()
        try:
            connection.connect()
            return connection.sock.getpeercert(True)
        finally:
            connection.close()

    def metrics(self):
        """{name: {labels as text: value}}, having checked that it is Prometheus's text."""
        return parse_metrics(self.ask("/metrics").text)


def parse_metrics(text):
    found, types, helped = {}, {}, set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert name not in types and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert (name if name in types else base) in types, line
            series = found.setdefault(name, {})
            assert labels not in series, line
            series[labels or ""] = float(value)
    assert set(types) == helped
    return found


def write_options(path, options):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{key}: {json.dumps(value)}\n" for key, value in options.items())


class Daemon:
    """One process of a daemon, its workers and its log."""

    def __init__(self, name, address, log, process, options=None, path=None):
        self.name = name
        self.address = address
        self.log = log
        self.process = process
        self.options = options    # what is in its file
        self.path = path

    @property
    def pid(self):
        return self.process.pid

    def rewrite(self, **options):
        """Has it read its file again, with these options in it from now on."""
        self.options = {**self.options, **options}
        write_options(self.path, self.options)
        self.process.send_signal(signal.SIGHUP)

    def workers(self):
        return children(self.pid)

    def lines(self, message=None, mark=0):
        """Its log lines as dictionaries, after so many octets."""
        with open(self.log, encoding="utf-8") as log:
            log.seek(mark)
            found = [json.loads(line) for line in log if line.startswith("{")]
        return [line for line in found if message in (None, line["message"])]

    def mark(self):
        return os.path.getsize(self.log)


class Daemons:
    """Starts daemons of one program; used as a context manager all of them are gone after."""

    program = None

    def __init__(self, build, folder):
        self.build = build
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.servers = processes.Servers()
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.stop()

    def command(self, options, *arguments):
        self.count += 1
        path = os.path.join(self.folder, f"{self.program}-{self.count}.yaml")
        write_options(path, options)
        return [os.path.join(self.build, self.program), "-c", path, *arguments]

    def run(self, options, *arguments):
        """Runs it to its end; for what it refuses."""
        return subprocess.run(self.command(options, *arguments), capture_output=True, text=True,
                              timeout=20, check=False)

    def launch(self, options, *arguments):
        """The daemon, once it is ready."""
        command = self.command(options, *arguments)
        name = f"{self.program}-{self.count}"
        log = os.path.join(self.folder, name + ".log")
        self.servers.start(name, command, log, self.folder)
        host, _, port = options["listen"].rpartition(":")
        daemon = Daemon(name, (host.strip("[]"), int(port)), log, self.servers.running[name][0],
                        options, command[2])
        until(lambda: daemon.lines("ready"), READY_S, lambda: self._alive(daemon))
        return daemon

    def _alive(self, daemon):
        if daemon.process.poll() is not None:
            raise RuntimeError(f"{daemon.name} ended\n{self.servers.last_lines(daemon.name)}")

    def stop(self, daemon, number=signal.SIGTERM, timeout_s=20):
        """Its exit status."""
        if daemon.process.poll() is None:
            daemon.process.send_signal(number)
        return daemon.process.wait(timeout_s)

    @contextlib.contextmanager
    def for_a_test(self):
        """Gives start(**options), of which all that it started stop well in the end."""
        started = []

        def start(**options):
            daemon, client = self.start(**options)
            started.append(daemon)
            return daemon, client

        yield start
        for one in started:
            assert self.stop(one) == 0
            assert "Sanitizer" not in Path(one.log).read_text(encoding="utf-8")
