"""Gateways in front of perspectives, and what may sit in the place of one."""

import contextlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from daemons import until
from minifleet import pki

SECRET = "s3cret-of-the-gateway"


class StandIn(http.server.ThreadingHTTPServer):
    """Answers a POST by answer(path, body as bytes, headers), which gives (status, bytes)."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def over_tls(self, web):
        """The same by https, as checker.example."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(web.server.certificate, web.server.key)
        self.socket = self.context.wrap_socket(self.socket, server_side=True,
                                               do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server_port}"
        return self

    def handle_error(self, *_):
        """A handshake that the coordinator broke off."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, data = self.server.answer(self.path, body, self.headers)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


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
