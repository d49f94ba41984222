"""AWS Lambda's Runtime API, as far as a custom runtime uses it: one function, one invocation at
a time."""

import http.server
import json
import queue
import threading
import time

VERSION = "/2018-06-01/runtime"


class Runtime:
    """Used as a context manager; invoke() hands out one event and waits for what comes back."""

    def __init__(self):
        self.events, self.replies = queue.Queue(), queue.Queue()
        self.count = 0
        runtime = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                assert self.path == VERSION + "/invocation/next", self.path
                runtime.asked_s = time.monotonic()
                event, name, deadline = runtime.events.get()
                if event is None:
                    self.close_connection = True
                    return
                data = event if isinstance(event, bytes) else json.dumps(event).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Lambda-Runtime-Aws-Request-Id", name)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                runtime.replies.put((self.path.removeprefix(VERSION), json.loads(body),
                                     time.monotonic()))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.events.put((None, None, None))
        self.server.shutdown()
        self.server.server_close()

    def hand_out(self, event, time_s=10):
        """The id of an invocation that may take so long."""
        self.count += 1
        name = f"8476a536-e9f4-11e8-9739-{self.count:012d}"
        self.events.put((event, name, int((time.time() + time_s) * 1000)))
        return name

    def reply(self, name, timeout_s=20):
        """("response" or "error", the JSON, when it came) for that invocation."""
        path, body, at = self.replies.get(timeout=timeout_s)
        kind = path.removeprefix(f"/invocation/{name}/")
        assert kind in ("response", "error"), path
        return kind, body, at

    def invoke(self, event, time_s=10):
        return self.reply(self.hand_out(event, time_s))[:2]
