#!/usr/bin/python3
"""A cloud's metadata service, as far as an appliance's first boot needs one.

    metadata.py --service aws|google|azure --user-data FILE --log FILE [--listen ADDR:PORT]

FILE is read for each request, so that it may be put right under a guest that waits for it; where
there is none the answer is the cloud's own for an instance without user-data. Each connection and
each request is a line of JSON in the log. What a cloud refuses (no token, no header, a request
that a proxy has forwarded) is refused here as well: a client that is too simple must fail.
"""

import argparse
import base64
import http.server
import json
import secrets
import socket
import socketserver
import sys
import threading
import time
import urllib.parse
from pathlib import Path

TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
LONGEST_TOKEN_S = 21600
AZURE_VERSIONS = ("2021-01-01", "2021-02-01", "2021-12-13", "2023-11-15")


class Refused(Exception):
    """status, sentence: what is sent instead of an answer."""


class Aws:
    """Instance metadata version 2 alone, as new accounts have it."""

    limit = 16 << 10
    time_to_live = 1    # the hop limit of replies: none passes a router, or a container's bridge

    def __init__(self):
        self.tokens = {}    # token: when it ends

    def answer(self, method, url, headers, user_data):
        if method == "PUT":
            return self.token(url, headers)
        if self.tokens.get(headers.get(TOKEN_HEADER), 0) < time.monotonic():
            raise Refused(401, "Unauthorized")
        if url.path != "/latest/user-data" or user_data is None:
            raise Refused(404, "Not Found")
        return user_data

    def token(self, url, headers):
        if url.path != "/latest/api/token":
            raise Refused(404, "Not Found")
        if "X-Forwarded-For" in headers:
            raise Refused(403, "Forbidden")
        lasts = headers.get(TTL_HEADER, "")
        if not lasts.isdecimal() or not 1 <= int(lasts) <= LONGEST_TOKEN_S:
            raise Refused(400, "Bad Request")
        token = base64.urlsafe_b64encode(secrets.token_bytes(42)).decode()
        self.tokens[token] = time.monotonic() + int(lasts)
        return token.encode()

    def headers(self):
        return {"Server": "EC2ws"}


class Google:
    limit = 256 << 10
    time_to_live = None

    def answer(self, method, url, headers, user_data):
        if headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in headers:
            raise Refused(403, "Missing Metadata-Flavor:Google header.")
        if headers.get("Host") not in ("metadata.google.internal", "169.254.169.254"):
            raise Refused(403, "Host")
        if method != "GET":
            raise Refused(405, "Method Not Allowed")
        if url.path != "/computeMetadata/v1/instance/attributes/user-data" or user_data is None:
            raise Refused(404, "Not Found")
        return user_data

    def headers(self):
        return {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}


class Azure:
    limit = 64 << 10
    time_to_live = None

    def answer(self, method, url, headers, user_data):
        query = urllib.parse.parse_qs(url.query)
        if headers.get("Metadata", "").lower() != "true" or "X-Forwarded-For" in headers:
            raise Refused(400, "Bad request. Required metadata header not specified")
        if method != "GET":
            raise Refused(405, "Method Not Allowed")
        if query.get("api-version", [""])[0] not in AZURE_VERSIONS:
            raise Refused(400, "Bad request. api-version is invalid or was not specified")
        if url.path != "/metadata/instance/compute/userData" or query.get("format") != ["text"]:
            raise Refused(404, "Not found")
        # An instance without it has an empty one.
        return base64.b64encode(user_data or b"")

    def headers(self):
        return {"Server": "IMDS/150.870.65.1854"}


SERVICES = {"aws": Aws, "google": Google, "azure": Azure}


class Log:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()

    def write(self, **line):
        with self.lock, open(self.path, "a", encoding="utf-8") as log:
            log.write(json.dumps({"time": time.time(), **line}) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    # set by serve()
    service = log = user_data = None

    def setup(self):
        super().setup()
        self.log.write(event="accepted", source=self.client_address[0])

    def handle_any(self):
        try:
            status, body = 200, self.service.answer(
                self.command, urllib.parse.urlsplit(self.path), self.headers, self.read())
        except Refused as refused:
            status, sentence = refused.args
            body = sentence.encode()
        self.log.write(event="request", source=self.client_address[0], method=self.command,
                       path=self.path, headers=dict(self.headers.items()), status=status)
        self.send_response_only(status)
        for name, value in self.service.headers().items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = handle_any

    def read(self):
        """The user-data there is now, which the cloud would not have taken if it is too long."""
        try:
            data = Path(self.user_data).read_bytes()
        except FileNotFoundError:
            return None
        if len(data) > self.service.limit:
            raise Refused(500, f"user-data of {len(data)} octets, the limit is "
                               f"{self.service.limit}")
        return data

    def log_message(self, *_):
        """Everything is in the log already."""


class Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which looks its address up in the DNS first."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, address, time_to_live):
        super().__init__(address, Handler)
        if time_to_live:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, time_to_live)


def serve(given):
    host, _, port = given.listen.rpartition(":")
    Handler.service = SERVICES[given.service]()
    Handler.log = Log(given.log)
    Handler.user_data = given.user_data
    with Server((host, int(port)), Handler.service.time_to_live) as server:
        Handler.log.write(event="listening")
        server.serve_forever()


def main():
    parser = argparse.ArgumentParser(prog="metadata.py", description="A cloud's metadata service.")
    parser.add_argument("--service", choices=SERVICES, required=True)
    parser.add_argument("--user-data", required=True, metavar="FILE")
    parser.add_argument("--log", required=True, metavar="FILE")
    parser.add_argument("--listen", default="169.254.169.254:80", metavar="ADDR:PORT")
    serve(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
