"""The journal of an appliance, as systemd-journal-remote(8) on another machine receives it."""

import contextlib
import json
import select
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from cloud import GUEST
from mininet import addresses, processes
from papers import CODE, COORDINATOR, Authority

PROGRAM = next((path for path in (Path("/usr/lib/systemd/systemd-journal-remote"),
                                  Path("/lib/systemd/systemd-journal-remote"))
                if path.exists()), None)
RECEIVER = addresses.CA[0]
PORT = 19532
ARRIVES_S = 120
TRIES = 2


@pytest.fixture(name="logs")
def authority_of_the_receivers(build_dir, tmp_path):
    """The CA of whoever keeps logs, which has nothing to do with the perspectives' own."""
    return Authority(build_dir, tmp_path / "logs")


def name_of(tls):
    """What the caller's certificate says."""
    return "".join(value for _, value in tls.getpeercert()["subjectAltName"])


class Terminator:
    """Ends TLS where the document says that journals go, and passes on what callers send.

    Debian's systemd-journal-remote cannot look at certificates of its callers itself.
    """

    def __init__(self, identity, authority, behind=None):
        """Takes callers of this authority's; without anybody behind it answers nothing."""
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH,
                                                  cafile=authority.certificate)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_cert_chain(identity.certificate, identity.key)
        self.behind = behind
        self.heard = []    # of each caller who it is, or why there was no connection
        self.server = socket.create_server((RECEIVER, PORT))

    def __enter__(self):
        self._start(self._serve)
        return self

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _start(self, function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                self._start(self._take, self.server.accept()[0])

    def _take(self, connection):
        try:
            tls = self.context.wrap_socket(connection, server_side=True)
            self.heard.append(name_of(tls))
        except OSError as error:
            self.heard.append(error)
            return
        if self.behind:
            self._pass_on(tls)

    def _pass_on(self, tls):
        """To whom is behind it, and the answers back."""
        with contextlib.suppress(OSError), tls, socket.create_connection(self.behind) as behind:
            while True:
                ready = [tls] if tls.pending() else select.select([tls, behind], [], [])[0]
                for one, other in ((tls, behind), (behind, tls)):
                    if one in ready:
                        octets = one.recv(65536)
                        if not octets:
                            return
                        other.sendall(octets)


class Receiver:
    """systemd-journal-remote."""

    def __init__(self, folder):
        self.journal = folder / "received.journal"
        self.servers = processes.Servers()
        self.address = ("127.0.0.1", PORT)
        self.servers.start("receiver", [
            PROGRAM, "--listen-http={}:{}".format(*self.address), "--split-mode=none",
            f"--output={self.journal}"], folder / "receiver.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.stop()

    def lines(self, *fields):
        """Those that have all of these fields, as journalctl --output=json has them."""
        self.servers.check()
        if not self.journal.exists():
            return []
        said = subprocess.run(["journalctl", "--file", self.journal, "--output=json", "--quiet",
                               *fields], capture_output=True, text=True, check=False).stdout
        return [json.loads(line) for line in said.splitlines()]

    def has(self, words, *fields):
        return any(words in str(line.get("MESSAGE")) for line in self.lines(*fields))


@pytest.mark.expected(35)
def test_lines_arrive_where_the_document_says_and_nowhere_else(boot, document, logs, authority,
                                                               tmp_path):
    """Over TLS that both sides prove themselves by; those of before there was a receiver, too."""
    forwarding = document.with_members(log_forward={
        "url": f"https://{RECEIVER}", "ca": Path(logs.certificate).read_text(encoding="ascii")})
    somebody = authority.issue("impostor", COORDINATOR, RECEIVER)
    with Terminator(somebody, authority) as impostor:
        appliance = boot(forwarding)
        appliance.wait_ready()
        appliance.wait_until(lambda: len(impostor.heard) >= TRIES, ARRIVES_S,
                             "it to call the impostor")
    assert all(isinstance(one, ssl.SSLError) for one in impostor.heard), impostor.heard
    own = logs.issue("receiver", COORDINATOR, RECEIVER)
    with Receiver(tmp_path) as receiver, \
            Terminator(own, authority, receiver.address) as terminator:
        def arrived(words, *fields):
            appliance.wait_until(lambda: receiver.has(words, *fields), ARRIVES_S,
                                 f"{words!r} to arrive")

        arrived("Linux version", "_TRANSPORT=kernel")
        arrived("ready", "_SYSTEMD_UNIT=mpic-httpcheck.service")
        # What happens from now on.
        with contextlib.suppress(OSError):
            socket.create_connection((GUEST, 22), 1)
        arrived("firewall: dropped in: ", "_TRANSPORT=kernel")
        everything = json.dumps(receiver.lines())
    assert set(terminator.heard) == {f"urn:mpic:perspective:{CODE}"}
    for name in ("tls_key", "signing_key"):
        assert document.members[name].splitlines()[1] not in everything
    assert appliance.client.ask("/readyz").status == 200
