"""What sits in the place of a perspective: whatever a test wants, and a checker of Open MPIC's."""

import http.server
import json
import ssl
import threading

# What that API gives for a check that passed, to the letter.
CAA = {"check_completed": True, "check_passed": True, "errors": None, "timestamp_ns": 1,
       "check_type": "caa", "details": {"caa_record_present": True, "found_at": "permit.com",
                                        "records_seen": ['0 issue "ca1.com"']}}
DCV = {"check_completed": True, "check_passed": True, "errors": None, "timestamp_ns": 1,
       "check_type": "dcv", "details": {
           "validation_method": "acme-http-01", "response_history": None,
           "response_url": "http://page.web.com/", "response_status_code": 200,
           "response_page": "YQ=="}}


class StandIn(http.server.ThreadingHTTPServer):
    """Answers a POST by answer(path, body as bytes, headers), which gives (status, bytes) and,
    if there are any, more header fields by name."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
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
        """A handshake or a reply that the coordinator broke off."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, data, *more = self.server.answer(self.path, body, self.headers)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **dict(*more)}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Checker(StandIn):
    """A checker of Open MPIC's: its shapes, its statuses, nothing of ours.

    What it was asked is in `asked`: path, body, header fields by name in lower case. `replies`
    are by path: status, body (bytes as they are, else JSON) and header fields, if any.
    """

    def __init__(self):
        super().__init__(self.check)
        self.asked, self.replies = [], {"/caa": (200, CAA), "/dcv": (200, DCV)}
        self.wanted = None

    def check(self, path, body, headers):
        if self.wanted and headers["X-API-Key"] != self.wanted:
            return 403, b'{"message":"Forbidden"}'
        self.asked.append((path, json.loads(body),
                           {name.lower(): value for name, value in headers.items()}))
        status, reply, *more = self.replies[path]
        return status, reply if isinstance(reply, bytes) else json.dumps(reply).encode(), *more

    def among(self, coordinators, **more):
        """The fleet's perspectives, the first in the place of which it is."""
        rows = coordinators.perspectives(*range(6))
        rows[0] = {"code": rows[0]["code"], "url": self.url, "protocol": "open-mpic", **more}
        return rows
