"""A machine whose image is a perspective: how it is called, and what it says before it serves."""

import http.client
import re
from dataclasses import dataclass

import daemons
import papers
import qemu
from cloud import GUEST
from machine import READY_S, Machine
from papers import API_PORT

READY = re.compile(r"parallax: ready after (\d+(?:\.\d+)?) s, (\d+) MiB of (\d+) MiB memory in use")
TRY_S = 2
DOCUMENT = "mpic.document"
# Connections go to its workers by chance.
WORKERS_SEEN = 4


class Client(daemons.Client):
    """Calls it as its coordinator does, which knows it by the identity in its certificate."""

    def __init__(self, identity, authority):
        super().__init__(Reached((GUEST, API_PORT)), identity, authority)
        self.context.check_hostname = False

    def identity(self):
        """The names in the certificate that it shows."""
        connection = self.connect(TRY_S)
        try:
            connection.connect()
            return [value for _, value in connection.sock.getpeercert()["subjectAltName"]]
        finally:
            connection.close()


@dataclass
class Reached:
    address: tuple


class Appliance(Machine):
    """A Machine with what the coordinator needs to call it."""

    def __init__(self, image, folder, cloud, authority, **hardware):
        super().__init__(image.raw if hasattr(image, "raw") else image, folder, cloud, **hardware)
        self.client = Client(authority.issue(f"coordinator-{id(self)}", papers.COORDINATOR, None),
                             authority)

    def give(self, document):
        """What its credential says from the next power-on."""
        path, = self.hardware.credentials
        qemu.credential(path, DOCUMENT, document.text)

    def readyz(self):
        """Status and text of /readyz; None while nobody there speaks TLS."""
        connection = self.client.connect(TRY_S)
        try:
            return self._readyz(connection)
        finally:
            connection.close()

    def _readyz(self, connection):
        try:
            connection.request("GET", "/readyz")
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException):
            return None

    def notice(self):
        """What port 8443 says in plain text: (status, text), or None while it says nothing so."""
        connection = http.client.HTTPConnection(GUEST, API_PORT, timeout=TRY_S)
        try:
            connection.request("GET", "/readyz")
            reply = connection.getresponse()
            assert reply.getheader("Content-Type", "").startswith("text/plain")
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_ready(self, timeout_s=READY_S):
        """Waits until each of its workers says so; the seconds from power-on to the first."""
        seen = first_s = connection = None
        in_a_row = 0

        def ready():
            nonlocal seen, first_s, in_a_row, connection
            # A handshake costs what is measured more than a question does: one is kept till then.
            connection = connection or self.client.connect(TRY_S)
            now = self._readyz(connection)
            seen = now or seen
            if not now or now[0] == 200:
                connection.close()
                connection = None
            in_a_row = in_a_row + 1 if seen and seen[0] == 200 else 0
            if in_a_row and first_s is None:
                first_s = self.since_power_on()
            return in_a_row == WORKERS_SEEN

        try:
            self.wait_until(ready, timeout_s, "/readyz to say yes")
        except AssertionError as failed:
            raise type(failed)(f"{failed}\n/readyz said {seen}, the port in plain text "
                               f"{self.notice()}") from None
        return first_s

    def wait_notice(self, *texts, timeout_s=READY_S):
        """Waits until port 8443 says all of this in plain text; what it said."""
        def said():
            told = self.notice()
            return told and all(text in told[1] for text in texts) and told

        status, text = self.wait_until(said, timeout_s, f"port {API_PORT} to say {texts}")
        assert status == 503
        return text

    def memory(self):
        """(MiB in use, MiB that it has) when it became ready."""
        self.wait_for("parallax: ready", 30)
        found = READY.search(self.said())
        assert found, "the console has no line of this form: " + READY.pattern
        return int(found[2]), int(found[3])
