"""Gateways in front of perspectives, and relays that change what goes through."""

import contextlib
import json
import os
import socket
import subprocess
from pathlib import Path

from daemons import until
from minifleet import pki
from stand_ins import StandIn

SECRET = "s3cret-of-the-gateway"


def both(folder, identity):
    """A file with certificate and key, as haproxy wants them."""
    path = os.path.join(str(folder), "both.pem")
    with open(path, "w", encoding="ascii") as file:
        for part in (identity.certificate, identity.key):
            file.write(Path(part).read_text(encoding="ascii"))
    return path


def authority(folder):
    """One that the fleet does not know, with a certificate of checker.example."""
    web = pki.Authority(str(folder))
    web.server = pki.Identity(web.folder, "server")
    extensions = pki.LEAF_EXTENSIONS.format(names="DNS:checker.example").replace(
        "serverAuth, clientAuth", "serverAuth")
    web._make(web.server, "server", extensions, "-CA", web.certificate, "-CAkey", web.root.key)
    web.combined = both(web.folder, web.server)
    return web


def headers_file(folder):
    path = folder / "headers"
    path.write_text(f"# of the gateway\nX-API-Key: {SECRET}\n", encoding="ascii")
    return str(path)


HAPROXY = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend gateway
    bind 127.0.0.1:{port} ssl crt {certificate} alpn {alpn} {bind}
    http-request deny deny_status 403 unless {{ req.hdr(x-api-key) -m str {secret} }}
    {rule}
    http-request set-header X-Came-By HTTP/%[req.ver]
    default_backend checker
backend checker
    server checker {checker}
"""


@contextlib.contextmanager
def haproxy(folder, port, web, checker, alpn="h2,http/1.1", bind="", rule=""):
    """Ends TLS as checker.example and wants the key; `checker` is its server, `rule` a line."""
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, certificate=web.combined, alpn=alpn, bind=bind,
                                     secret=SECRET, rule=rule, checker=checker),
                      encoding="ascii")
    with subprocess.Popen(["haproxy", "-f", config, "-db", "-q"]) as process:
        try:
            until(lambda: _listens(port))
            yield
        finally:
            process.terminate()


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False


class Relay(StandIn):
    """Passes checks on to the real perspective, both ways changed."""

    def __init__(self, fleet, index, request=None, result=None):
        super().__init__(self.relay)
        self.row, self.fleet = fleet.parts["perspectives"][index], fleet
        self.request, self.result = request, result

    def relay(self, path, body, _headers):
        changed = body if self.request is None else self.request(body)
        status, text = self.fleet.post(self.row["url"], path, changed, "coordinator")
        return status, text if self.result is None else self.result(text)


def of_request(**changes):
    return lambda body: json.dumps({**json.loads(body), **changes}).encode()


def of_result(*without, **changes):
    """The members of a result changed, and no signature that would say so."""
    def change(text):
        result = {**json.loads(text), **changes}
        return json.dumps({key: result[key] for key in result
                           if key not in (*without, "signature")}).encode()
    return change
