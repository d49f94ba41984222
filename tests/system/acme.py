"""Real ACME clients in the mini-Internet: pebble as their CA, and a look at what they serve.

A client shows its challenge only until its CA has seen it. So pebble is led through a Gate: it
connects there, and before it gets through to the client a test may have its own look. DNS
challenges are set by the clients' hooks, which wait for the test meanwhile.
"""

import json
import os
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from minifleet import forward, pki
from mininet import processes

HOOK = Path(__file__).with_name("acme-hook")
PEBBLE_PORT = 14000
GATE_PORTS = {80: 5002, 443: 5001}
READY_S = 15
CLIENT_S = 60
# OID 1.3.6.1.5.5.7.1.31, critical, an OCTET STRING of 32 octets in extnValue.
ACME_IDENTIFIER = bytes.fromhex("06082b0601050507011f0101ff04220420")


class Pebble:
    """The CA; a context manager. It resolves names by the given resolver."""

    def __init__(self, folder, resolver):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.resolver = resolver
        authority = pki.Authority(str(self.folder / "pki"))
        self.certificate = authority.certificate
        self.identity = authority.issue("pebble", "urn:mpic:test:pebble", "127.0.0.1")
        self.servers = processes.Servers()
        self.url = f"https://127.0.0.1:{PEBBLE_PORT}/dir"

    def __enter__(self):
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{PEBBLE_PORT}", "managementListenAddress": "",
            "certificate": self.identity.certificate, "privateKey": self.identity.key,
            "httpPort": GATE_PORTS[80], "tlsPort": GATE_PORTS[443]}}), encoding="ascii")
        # Every order is validated, at once, and no request is refused for practice.
        settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
                    "PEBBLE_WFE_NONCEREJECT": "0"}
        self.servers.start("pebble", ["env", *(f"{k}={v}" for k, v in settings.items()), "pebble",
                                      "-config", str(config), "-dnsserver", self.resolver],
                           self.folder / "pebble.log")
        end = time.monotonic() + READY_S
        while not self._answers():
            self.servers.check()
            if time.monotonic() > end:
                raise RuntimeError("pebble does not answer\n" + self.servers.last_lines("pebble"))
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.servers.stop()

    def _answers(self):
        context = ssl.create_default_context(cafile=self.certificate)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=context))
        try:
            return opener.open(self.url, timeout=1).status == 200
        except OSError:
            return False


class Gate:
    """Where pebble thinks the client is: look(connection's first octets) comes before it.

    Pebble connects three times at once, by IPv6 if the name has it, wherever the client serves;
    the first connection is looked at, and all wait for that.
    """

    def __init__(self, addresses, port, look):
        self.inside = (addresses[0], port)
        self.look = look
        self.lock = threading.Lock()
        self.seen = None
        self.error = None
        self.listeners = [_listener(address, GATE_PORTS[port]) for address in addresses]
        for listener in self.listeners:
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def result(self):
        """What look() returned, or its exception."""
        if self.error:
            raise self.error
        return self.seen

    def _serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(connection,), daemon=True).start()

    def _pass(self, outside):
        first = outside.recv(65536)
        with self.lock:
            if self.seen is None and self.error is None:
                try:
                    self.seen = self.look(first)
                except Exception as error:  # pylint: disable=broad-exception-caught
                    self.error = error
        inside = socket.create_connection(self.inside)
        inside.sendall(first)
        forward.join(outside, inside)


def _listener(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=16)


class Hook(socketserver.ThreadingUnixStreamServer):
    """Called by the clients' hook program: call({"arguments": …, "environment": …})."""

    daemon_threads = True

    def __init__(self, path, call):
        self.call = call
        self.error = None
        super().__init__(str(path), _Told)
        self.environment = {"MPIC_HOOK": str(path)}

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *more):
        self.shutdown()
        self.server_close()


class _Told(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.server.call(json.loads(self.rfile.readline()))
            self.wfile.write(b"ok\n")
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.server.error = error
            self.wfile.write(b"failed\n")


def run(command, pebble, folder, **environment):
    """Runs a client to its end, which must be a good one."""
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=CLIENT_S, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8",
             "REQUESTS_CA_BUNDLE": pebble.certificate, "LEGO_CA_CERTIFICATES": pebble.certificate,
             **environment})
    assert done.returncode == 0, done.stdout[-4000:]


# -- what a client serves


def served_page(address, name, path):
    """The page at an address, stripped of white space at its end."""
    request = urllib.request.Request(f"http://{address}{path}", headers={"Host": name})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=5).read().decode("ascii").rstrip()


def served_digest(address, name):
    """The digest in the certificate that is shown for acme-tls/1, in hex."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection((address, 443), 5) as link:
        with context.wrap_socket(link, server_hostname=name) as shown:
            der = shown.getpeercert(binary_form=True)
    at = der.index(ACME_IDENTIFIER) + len(ACME_IDENTIFIER)
    return der[at:at + 32].hex()
