"""One perspective by itself: an Unbound with mpic.so, and any number of mpic-httpchecks."""

import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass

from minifleet import configs, pki
from mininet import addresses, processes

CODE = "aws:eu-central-1"
PROFILE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../conf/unbound.conf")
READY_S = 15
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+]+)')


@dataclass
class Reply:
    status: int
    headers: dict
    text: str
    took_s: float

    @property
    def json(self):
        return json.loads(self.text)


def caa_body(name, allow_lookup_failure=None, deadline_ms=None, **parameters):
    """A request in the shape of Open MPIC's; more caa_check_parameters by name."""
    parameters = {"certificate_type": "tls-server", "caa_domains": ["ca1.com"], **parameters}
    if allow_lookup_failure is not None:
        parameters["allow_lookup_failure"] = allow_lookup_failure
    body = {"domain_or_ip_target": name, "caa_check_parameters": parameters}
    if deadline_ms is not None:
        body["deadline_ms"] = deadline_ms
    return body


class Client:
    """Calls one mpic-httpcheck; with `identity` None there is no certificate to show."""

    def __init__(self, daemon, identity, authority, plain=False):
        self.address = daemon.address
        self.context = None if plain else ssl.create_default_context(
            cafile=authority.certificate)
        if identity and not plain:
            self.context.load_cert_chain(identity.certificate, identity.key)

    def connect(self, timeout_s=30):
        if self.context:
            return http.client.HTTPSConnection(*self.address, timeout=timeout_s,
                                               context=self.context)
        return http.client.HTTPConnection(*self.address, timeout=timeout_s)

    def ask(self, path, body=None, connection=None):
        """GET, or POST when there is a body."""
        own = connection or self.connect()
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        started = time.monotonic()
        try:
            own.request("GET" if data is None else "POST", path, data,
                        {"Content-Type": "application/json"})
            reply = own.getresponse()
            text = reply.read().decode()
            return Reply(reply.status, dict(reply.getheaders()), text,
                         time.monotonic() - started)
        finally:
            if not connection:
                own.close()

    def caa(self, name, **parameters):
        """The result of a check that must have come with 200."""
        reply = self.ask("/caa", caa_body(name, **parameters))
        assert reply.status == 200, reply.text
        return reply.json

    def many(self, names, workers=32, **parameters):
        """The results of checks at once, in the order of the names."""
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda name: self.caa(name, **parameters), names))

    def send(self, name, **parameters):
        """Sends a check and returns the connection, without waiting for the reply."""
        connection = self.connect()
        connection.request("POST", "/caa", json.dumps(caa_body(name, **parameters)).encode(),
                           {"Content-Type": "application/json"})
        return connection

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


class Daemon:
    """One mpic-httpcheck process and its log."""

    def __init__(self, name, address, log, process):
        self.name = name
        self.address = address
        self.log = log
        self.process = process

    @property
    def pid(self):
        return self.process.pid

    def workers(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]

    def lines(self, message=None, mark=0):
        """Its log lines as dictionaries, after so many octets."""
        with open(self.log, encoding="utf-8") as log:
            log.seek(mark)
            found = [json.loads(line) for line in log if line.startswith("{")]
        return [line for line in found if message in (None, line["message"])]

    def mark(self):
        return os.path.getsize(self.log)


class Perspective:
    """The parts in a folder; used as a context manager all of them are gone after."""

    def __init__(self, build, unbound, trust_anchor, folder, network=2):
        self.build, self.unbound = build, unbound
        self.trust_anchor = trust_anchor
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.address = configs.free_block(1)[0]
        self.parts = configs.Perspective(CODE, self.address, self.folder,
                                         addresses.PERSPECTIVE_ADDRESSES[network])
        self.authority = pki.Authority(os.path.join(self.folder, "pki"))
        self.identity = self.issue("perspective", pki.PERSPECTIVE + CODE)
        self.coordinator = self.issue("coordinator", pki.COORDINATOR)
        self.servers = processes.Servers()
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.stop()

    def issue(self, stem, uri):
        return self.authority.issue(stem, uri, self.address)

    # -- Unbound

    def start_unbound(self, settings=()):
        configs.write_unbound(self.parts, self.trust_anchor,
                              os.path.join(self.build, "unbound-module/mpic.so"), settings, [])
        self.servers.start("unbound", [os.path.join(self.unbound, "sbin/unbound"), "-d", "-c",
                                       os.path.realpath(PROFILE)],
                           os.path.join(self.folder, "unbound.log"), self.folder)
        host, port = self.parts.resolver.split(":")
        _until(lambda: _connects(host, int(port)), self.servers.check)

    def signal_unbound(self, number):
        process = self.servers.running["unbound"][0]
        process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            process.wait()

    # -- mpic-httpcheck

    def options(self, **more):
        """What is needed to serve, and what is given by name; None leaves an option out."""
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            port = probe.getsockname()[1]
        given = {"code": CODE, "listen": f"{self.address}:{port}",
                 "tls_certificate": self.identity.certificate, "tls_key": self.identity.key,
                 "tls_ca": self.authority.certificate, "resolver": self.parts.resolver,
                 "log_level": "info", "log_json": True, **more}
        return {key: value for key, value in given.items() if value is not None}

    def command(self, options, *arguments):
        self.count += 1
        path = os.path.join(self.folder, f"httpcheck-{self.count}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{key}: {json.dumps(value)}\n" for key, value in options.items())
        return [os.path.join(self.build, "mpic-httpcheck"), "-c", path, *arguments]

    def run_httpcheck(self, options, *arguments):
        """Runs it to its end; for what it refuses."""
        return subprocess.run(self.command(options, *arguments), capture_output=True, text=True,
                              timeout=20, check=False)

    def start_httpcheck(self, **more):
        options = self.options(**more)
        command = self.command(options)
        name = f"httpcheck-{self.count}"
        log = os.path.join(self.folder, name + ".log")
        self.servers.start(name, command, log, self.folder)
        host, _, port = options["listen"].rpartition(":")
        daemon = Daemon(name, (host.strip("[]"), int(port)), log, self.servers.running[name][0])
        _until(lambda: daemon.lines("ready"), lambda: self._alive(daemon))
        return daemon

    def client(self, daemon, identity=..., plain=False):
        return Client(daemon, self.coordinator if identity is ... else identity, self.authority,
                      plain)

    def _alive(self, daemon):
        if daemon.process.poll() is not None:
            raise RuntimeError(f"{daemon.name} ended\n{self.servers.last_lines(daemon.name)}")

    def stop(self, daemon, number=signal.SIGTERM, timeout_s=20):
        """Its exit status."""
        if daemon.process.poll() is None:
            daemon.process.send_signal(number)
        return daemon.process.wait(timeout_s)


def _connects(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def _until(true, check, timeout_s=READY_S):
    deadline = time.monotonic() + timeout_s
    while not true():
        check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not ready after {timeout_s} s")
        time.sleep(0.02)
