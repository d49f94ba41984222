"""One perspective by itself: an Unbound with mpic.so, and any number of mpic-httpchecks."""

import concurrent.futures
import json
import os
import signal
import socket

import daemons
from minifleet import configs, pki
from mininet import addresses

CODE = "aws:eu-central-1"
PROFILE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../conf/unbound.conf")


def caa_body(name, allow_lookup_failure=None, deadline_ms=None, **parameters):
    """A request in the shape of Open MPIC's; more caa_check_parameters by name."""
    parameters = {"certificate_type": "tls-server", "caa_domains": ["ca1.com"], **parameters}
    if allow_lookup_failure is not None:
        parameters["allow_lookup_failure"] = allow_lookup_failure
    body = {"domain_or_ip_target": name, "caa_check_parameters": parameters}
    if deadline_ms is not None:
        body["deadline_ms"] = deadline_ms
    return body


class Client(daemons.Client):
    """Calls one mpic-httpcheck."""

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


class Perspective(daemons.Daemons):
    """The parts in a folder; used as a context manager all of them are gone after."""

    program = "mpic-httpcheck"

    def __init__(self, build, unbound, trust_anchor, folder, network=2, authority=None, code=CODE):
        super().__init__(build, folder)
        self.code = code
        self.unbound = unbound
        self.trust_anchor = trust_anchor
        self.address = configs.free_block(1)[0]
        self.parts = configs.Perspective(code, self.address, self.folder,
                                         addresses.PERSPECTIVE_ADDRESSES[network])
        self.authority = authority or pki.Authority(os.path.join(self.folder, "pki"))
        self.identity = self.issue("perspective", pki.PERSPECTIVE + code)
        self.coordinator = self.issue("coordinator", pki.COORDINATOR)

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
        daemons.until(lambda: _connects(host, int(port)), daemons.READY_S, self.servers.check)

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
        given = {"code": self.code, "listen": f"{self.address}:{port}",
                 "tls_certificate": self.identity.certificate, "tls_key": self.identity.key,
                 "tls_ca": self.authority.certificate, "resolver": self.parts.resolver,
                 "log_level": "info", "log_json": True, **more}
        return {key: value for key, value in given.items() if value is not None}

    def start(self, **more):
        """(daemon, client) of an mpic-httpcheck with these options."""
        daemon = self.launch(self.options(**more))
        return daemon, self.client(daemon, plain=more.get("plain", False))

    def client(self, daemon, identity=..., plain=False):
        return Client(daemon, self.coordinator if identity is ... else identity, self.authority,
                      plain)


def _connects(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False
