"""An appliance's first boot: the real program, in a folder that stands for its root."""

import contextlib
import ctypes
import json
import os
import queue
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import contract

TOP = Path(__file__).resolve().parents[2]
STAND_IN = TOP / "tests/image/metadata.py"
METADATA = "169.254.169.254"
PORT = 8443
VENDORS = {
    "aws": {"sys_vendor": "Amazon EC2"},
    "google": {"sys_vendor": "Google", "product_name": "Google Compute Engine"},
    "azure": {"sys_vendor": "Microsoft Corporation",
              "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"},
    "none": {"sys_vendor": "QEMU"},
}
START_S = 20
CLONE_NEWNET = 0x40000000


class Papers:
    """A private CA, and documents that it printed."""

    def __init__(self, build, folder):
        self.program = build / "mpic"
        self.folder = folder
        self._pki("init", folder)

    def _pki(self, *arguments):
        done = subprocess.run([self.program, "pki", *arguments], check=False, timeout=20,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def document(self, code, *more):
        return self._pki("issue", self.folder, "--perspective", code, *more)

    def token(self, code, url):
        """A document without a key."""
        below = Path(f"{self.folder}-enrolment")
        if not below.exists():
            self._pki("intermediate", self.folder, below)
        return self._pki("token", below, "--perspective", code, "--url", url)

    def ask(self, path, *who):
        """GET at the API with a certificate of this CA's; whose name the server has is all one."""
        with tempfile.TemporaryDirectory() as folder:
            self._pki("issue", self.folder, *who, "--out", folder)
            context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
            context.check_hostname = False
            context.load_cert_chain(f"{folder}/tls.pem", f"{folder}/tls.key")
            return get(PORT, path, context)[1]


def secrets(document):
    """Lines of the private keys in a document."""
    lines = document.splitlines()
    inside, found = False, []
    for line in lines:
        if "PRIVATE KEY" in line:
            inside = "BEGIN" in line
        elif inside:
            found.append(line.strip())
    assert found
    return found


class Machine:
    """Files of an appliance below `root`, and its steps. See appliance/place.h."""

    def __init__(self, build, root, cloud="none"):
        self.program = build / "mpic-appliance"
        self.root = root
        self.environment = {"PATH": os.environ["PATH"]}
        for name in ("run/mpic", "run/systemd/timesync", "usr/lib", "sys/class/dmi/id"):
            (root / name).mkdir(parents=True)
        for name, text in VENDORS[cloud].items():
            (root / "sys/class/dmi/id" / name).write_text(text + "\n")
        self.os_release(time.time() - 86400)

    def os_release(self, made_s):
        path = self.root / "usr/lib/os-release"
        path.write_text('ID=parallax\nIMAGE_ID=parallax-perspective\nIMAGE_VERSION="2026.1.2"\n')
        os.utime(path, (made_s, made_s))

    def credential(self, document):
        folder = self.root / "credentials"
        folder.mkdir(exist_ok=True)
        (folder / "mpic.document").write_text(document)
        self.environment["CREDENTIALS_DIRECTORY"] = str(folder)

    def cidata(self, document):
        folder = self.root / "run/mpic-cidata"
        folder.mkdir(exist_ok=True)
        (folder / "user-data").write_text(document)

    def run(self, name):
        """What first-boot wrote."""
        return (self.root / "run/mpic" / name).read_text()

    def step(self, *arguments):
        return Step([self.program, *arguments, "--root", self.root], self.environment)


class Step:
    """A step that runs; a context manager. Its console is read all the time."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.said = []
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def console(self, part, timeout_s=START_S):
        """All lines up to the one with `part` in it."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                self.said.append(self.lines.get(timeout=max(0, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no {part!r} among {self.said}") from None
            if part in self.said[-1]:
                return self.said

    def done(self, timeout_s=START_S):
        """Its exit status, and what it said in all."""
        status = self.process.wait(timeout_s)
        self.reader.join()
        while not self.lines.empty():
            self.said.append(self.lines.get())
        return status, "\n".join(self.said)


def notice(family=socket.AF_INET, timeout_s=START_S):
    """The text that the API's port has for a caller; waits until it is there."""
    end = time.monotonic() + timeout_s
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    while True:
        try:
            with socket.create_connection((host, PORT), 5) as link:
                link.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b"".join(iter(lambda: link.recv(65536), b""))
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    head, _, text = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 ") and "\r\nContent-Type: text/plain" in head
    return text


def get(port, path, context=None):
    """(status, body) of a daemon's on this machine."""
    link = contract.connect("127.0.0.1", port, context, START_S)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        link.close()


def port_is_free():
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", PORT))
    return True


@contextlib.contextmanager
def metadata_address():
    """This thread, and what it starts, in a network of its own where 169.254.169.254 is free.

    In the mini-Internet a trap is there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home:
        assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "address", "add", f"{METADATA}/32", "dev", "lo"], check=True)
            yield
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0


class Cloud:
    """A stand-in for a cloud's metadata service; a context manager."""

    def __init__(self, service, folder):
        self.user_data = folder / "user-data"
        self.log = folder / "metadata.jsonl"
        self.command = [sys.executable, STAND_IN, "--service", service, "--user-data",
                        self.user_data, "--log", self.log]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command)
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection((METADATA, 80), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def requests(self):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == "request"]


class Hostile:
    """Whoever stands in for the metadata service: each connection gets what script() yields."""

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server((METADATA, 80))
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link, contextlib.suppress(OSError):
                link.settimeout(15)
                link.recv(4096)
                for piece in self.script():
                    link.sendall(piece)
