"""Updates: a good one runs, a bad one is as if it had never been."""

import functools
import http.client
import http.server
import re
import shutil
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest

from appliance import TRY_S
from cloud import GUEST, GUEST6
from mininet import webhosts

TOP = Path(__file__).resolve().parents[2]
# Of the mini-Internet's web names, one at whose addresses nothing runs.
HOST = "client0"
# By its address: nobody answers where DHCP says that names are looked up.
URL = f"http://{webhosts.CLIENTS[HOST][0]}/updates/"
ROOT_HASH = re.compile(rb"mpic\.root=([0-9a-f]{64}),")
# Three tries of a bad one are three boots and the waits before each.
UPDATED_S = 480


class Publisher(socketserver.ThreadingTCPServer):
    """A web server with an update; says who came for what."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, folder):
        self.visits = []
        self.folder = folder / "updates"
        self.folder.mkdir(parents=True)
        super().__init__((webhosts.CLIENTS[HOST][0], 80), functools.partial(
            Handler, directory=str(folder)))

    def publish(self, image, key, change=lambda kernel: kernel, options=()):
        """This image's root and kernel, the latter as change() has it, signed with the key."""
        for suffix in ("root", "efi"):
            shutil.copy(image.file(suffix), self.folder)
        kernel = self.folder / image.file("efi").name
        kernel.write_bytes(change(kernel.read_bytes()))
        subprocess.run([TOP / "appliance/sign-update", "--key", key, *options, self.folder],
                       check=True, capture_output=True)


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code="-", size="-"):
        self.server.visits.append((self.client_address[0], self.path, int(code)))

    def log_message(self, *_):
        """log_request() has it."""


@pytest.fixture
def publisher(tmp_path):
    server = Publisher(tmp_path / "published")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def updatable(document):
    return document.with_members(update={"url": URL, "spread_minutes": 0})


def version(appliance):
    """Of the image that serves just now; None while none does, or one goes down meanwhile."""
    ready = appliance.readyz()
    if not ready or ready[0] != 200:
        return None
    connection = appliance.client.connect(TRY_S)
    try:
        identity = appliance.client.ask("/identity", connection=connection).json
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return identity["image_version"].split()[1]


def wait_version(appliance, image):
    appliance.wait_until(lambda: version(appliance) == image.version, UPDATED_S,
                         f"version {image.version} to serve")


@pytest.mark.in_check
@pytest.mark.expected(150)
def test_a_good_update_runs(boot, updatable, publisher, images, image, second, record_property):
    """It is fetched, checked, started, and stays after the next power cut."""
    publisher.publish(second, images / "update.key")
    appliance = boot(updatable, restarts=True, limit_s=900)
    appliance.wait_ready()
    wait_version(appliance, second)
    record_property("seconds from power-on to the new version", round(appliance.since_power_on()))
    assert {source for source, _, _ in publisher.visits} <= {GUEST, GUEST6}
    appliance.wait_for("Marked boot as 'good'", 60)
    appliance.power_cut()
    appliance.power_on()
    appliance.wait_ready()
    assert version(appliance) == second.version


def another_root(kernel):
    """A kernel that is signed and sound, and looks for a root that is nowhere."""
    found = ROOT_HASH.search(kernel)
    digest = found[1]
    assert kernel.count(digest) == 1
    return kernel.replace(digest, digest[::-1])


@pytest.mark.in_check
@pytest.mark.expected(180)
def test_a_bad_update_falls_back(boot, updatable, publisher, images, image, second,
                                 record_property):
    publisher.publish(second, images / "update.key", another_root)
    appliance = boot(updatable, restarts=True, limit_s=900)
    appliance.wait_ready()
    appliance.wait_until(lambda: version(appliance) is None, UPDATED_S, "the update to be tried")
    wait_version(appliance, image)
    record_property("seconds until the old version serves again",
                    round(appliance.since_power_on()))
    # It was tried, and not for ever.
    assert 1 <= appliance.said().count("Kernel panic") <= 3


def refused(appliance, publisher, *why):
    """It has looked, says why it takes nothing wherever one may ask, and has fetched nothing."""
    appliance.wait_until(lambda: publisher.visits, UPDATED_S, "the update to be looked at")
    for words in why:
        appliance.wait_for(words, 60)

    def told():
        return appliance.client.metrics().get("mpic_update_result", {}).get('result="refused"') == 1

    appliance.wait_until(told, 60, "/metrics to say so")
    notices = appliance.client.ask("/readyz").json["notices"]
    assert any(notice.startswith("update: ") and all(words in notice for words in why)
               for notice in notices), notices
    assert not any(path.endswith((".root", ".efi")) for _, path, _ in publisher.visits)


@pytest.mark.expected(100)
def test_an_update_of_somebody_elses_is_not_taken(boot, updatable, publisher, image, second,
                                                  tmp_path):
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other], check=True)
    publisher.publish(second, other)
    appliance = boot(updatable)
    appliance.wait_ready()
    refused(appliance, publisher, "signature")
    assert version(appliance) == image.version


@pytest.mark.expected(100)
def test_an_older_version_is_not_taken(boot, updatable, publisher, images, image, second):
    """Who can publish, but not sign, cannot bring back what had a hole."""
    publisher.publish(image, images / "update.key")
    appliance = boot(updatable, image=second)
    appliance.wait_ready()
    refused(appliance, publisher, f"version {image.version} is older than {second.version}",
            "not signed as a rollback")
    assert version(appliance) == second.version


@pytest.mark.expected(200)
def test_a_rollback_runs_and_stays(boot, updatable, publisher, images, image, second):
    """The boot loader takes the newest by itself, but for a rollback."""
    publisher.publish(image, images / "update.key", options=["--rollback"])
    appliance = boot(updatable, image=second, restarts=True, limit_s=900)
    appliance.wait_ready()
    wait_version(appliance, image)
    appliance.wait_for("Marked boot as 'good'", 60)
    appliance.power_cut()
    appliance.power_on()
    appliance.wait_ready()
    assert version(appliance) == image.version


def nothing_starts(kernel):
    """A sound kernel and root that start nothing but what looks whether it serves."""
    arguments = b"systemd.show_status=no systemd.firstboot=no"
    assert kernel.count(arguments) == 1
    instead = b"systemd.unit=mpic-later.target mpic.ready=9"
    assert len(instead) == len(arguments)
    return kernel.replace(arguments, instead)


@pytest.mark.expected(350)
def test_an_update_that_never_serves_falls_back(boot, updatable, publisher, images, image, second,
                                                record_property):
    """It starts, and says so itself; the old one tells why it runs again."""
    publisher.publish(second, images / "update.key", nothing_starts)
    appliance = boot(updatable, restarts=True, limit_s=900)
    appliance.wait_ready()
    appliance.wait_until(lambda: version(appliance) is None, UPDATED_S, "the update to be tried")
    appliance.wait_until(lambda: version(appliance) == image.version, 2 * UPDATED_S,
                         "the old version to serve")
    record_property("seconds until the old version serves again",
                    round(appliance.since_power_on()))
    said = f"version {second.version} is on trial and has failed: not ready after 9 s"
    assert appliance.said().count(said) == 3
    why = f"version {second.version} did not become ready in 3 starts: not ready after 9 s"
    # It serves before anybody has looked at the partition of the kernel images.
    appliance.wait_until(lambda: any(why in notice for notice in
                                     appliance.client.ask("/readyz").json["notices"]), 30,
                         "/readyz to say why")
    assert appliance.client.metrics()["mpic_update_failed"][""] == 1
