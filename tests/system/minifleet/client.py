"""A fleet as seen by the program that starts it and calls its coordinator."""

import ctypes
import http.client
import json
import os
import select
import signal
import ssl
import subprocess
import time
import urllib.parse

FLEET = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "fleet")
READY_S = 60
STOP_S = 20
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Fleet:
    """A `fleet` process; used as a context manager it is ready inside and gone after."""

    def __init__(self, trust_anchor, folder, *options):
        self.command = [FLEET, "--trust-anchor", str(trust_anchor), "--dir", str(folder), *options]
        self.folder = str(folder)
        self.process = None
        self.parts = None  # fleet.json

    def __enter__(self):
        # A session of its own: it is stopped here, not by the terminal's Ctrl-C.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=_die_with_parent)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        with open(os.path.join(self.folder, "fleet.json"), encoding="utf-8") as file:
            self.parts = json.load(file)
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait(self):
        said = []
        deadline = time.monotonic() + READY_S
        while select.select([self.process.stdout], [], [],
                            max(0, deadline - time.monotonic()))[0]:
            line = self.process.stdout.readline()
            said.append(line)
            if line.startswith("READY "):
                return
            if not line:
                raise RuntimeError("the fleet did not start:\n" + "".join(said))
        raise RuntimeError(f"the fleet is not ready after {READY_S} s:\n" + "".join(said))

    def stop(self):
        """Its exit status. It has been told to stop its parts, and waits for them."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        return self.process.returncode

    @property
    def url(self):
        return self.parts["url"]

    def connection(self, host, port, context, timeout_s):
        """To one of its parts; with a context it is TLS."""
        if context:
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def connect(self, url, identity="caller", timeout_s=130):
        """A connection to a part of it, as its caller or its coordinator."""
        where = urllib.parse.urlsplit(url)
        context = None
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=self.parts["ca"])
            context.load_cert_chain(self.parts[identity]["certificate"],
                                    self.parts[identity]["key"])
        return self.connection(where.hostname, where.port, context, timeout_s)

    def call(self, path, body=None):
        """(status, decoded body) of the coordinator: GET, or POST when there is a body."""
        connection = self.connect(self.url)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request("GET" if data is None else "POST", path, data,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def check_caa(self, name, caa_domains=("ca1.com",), orchestration=None, **parameters):
        """The coordinator's whole answer to a CAA check; more caa_check_parameters by name."""
        return self.call("/mpic", caa_request(name, caa_domains, orchestration, **parameters))


def caa_request(name, caa_domains, orchestration=None, **parameters):
    """The body of POST /mpic for a CAA check."""
    body = {"check_type": "caa", "domain_or_ip_target": name,
            "caa_check_parameters": {"certificate_type": "tls-server",
                                     "caa_domains": list(caa_domains), **parameters}}
    if orchestration:
        body["orchestration_parameters"] = orchestration
    return body
