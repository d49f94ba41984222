"""mpic-httpcheck's second address: for those who run it and have no certificate."""

import signal
import socket

import pytest

import daemons
from daemons import until
from perspective import Perspective, caa_body


@pytest.fixture
def own(build_dir, unbound_prefix, world, tmp_path):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path, 3) as running:
        yield running


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Anybody(daemons.Client):
    """Calls the second address, with nothing to show."""

    def __init__(self, address, port):
        self.address = (address, port)
        self.context = None
        self.headers = {}


@pytest.fixture
def start(own):
    """(daemon, its caller, anybody) of an mpic-httpcheck with a second address."""
    def start(address="127.0.0.1", **options):
        port = free_port(address)
        daemon, client = own.start(ready_listen=f"{address}:{port}", **options)
        return daemon, client, Anybody(address, port)
    return start


def test_the_machine_asks_itself(own, start):
    daemon, client, machine = start()
    reply = machine.ask("/readyz")
    assert reply.status == 503
    assert reply.json["status"] == "not-ready"
    own.start_unbound()
    until(lambda: machine.ask("/readyz").status == 200)
    assert machine.ask("/readyz").json == client.ask("/readyz").json
    assert machine.ask("/healthz").json == {"status": "healthy"}
    assert client.caa("permit.com")["check_passed"]
    assert machine.metrics()["mpic_checks_total"]['method="caa",result="passed"'] == 1
    # being asked this way counts as nothing
    before = machine.metrics()["mpic_http_replies_total"]
    assert machine.metrics()["mpic_http_replies_total"] == before


def test_a_cluster_asks_from_outside(own, start):
    assert not own.address.startswith("127.0.0.1")
    machine = start(address="0.0.0.0")[2]
    machine.address = (own.address, machine.address[1])
    own.start_unbound()
    until(lambda: machine.ask("/readyz").status == 200)


def test_it_checks_nothing_for_anybody(own, start):
    own.start_unbound()
    machine = start()[2]
    assert machine.ask("/caa", caa_body("permit.com")).status == 404
    assert machine.ask("/dcv", {}).status == 404
    assert machine.ask("/readyz", {}).status == 405


def test_in_one_process_too(own, start):
    own.start_unbound()
    daemon, client, machine = start(workers=0)
    assert machine.ask("/readyz").status == 200
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(10) == 0


def test_it_is_gone_once_the_daemon_drains(own, start):
    own.start_unbound()
    daemon, client, machine = start()
    busy = client.send("dead.com", deadline_ms=3000)
    daemon.process.send_signal(signal.SIGTERM)

    def refused():
        try:
            machine.ask("/readyz")
            return False
        except OSError:
            return True
    until(refused)
    assert daemon.process.poll() is None
    assert busy.getresponse().status == 200
    assert daemon.process.wait(10) == 0


def test_what_other_parts_of_the_machine_say(own, start, tmp_path):
    own.start_unbound()
    update = tmp_path / "update-status"
    client, machine = start(status_files=[str(update), str(tmp_path / "absent")])[1:]
    assert "notices" not in machine.ask("/readyz").json
    update.write_text("# notice 2026.11.22-1 did not become ready\n"
                      "# HELP mpic_update_checked_seconds When it looked.\n"
                      "# TYPE mpic_update_checked_seconds gauge\n"
                      "mpic_update_checked_seconds 1763800000\nrubbish\n")
    for asks in (client, machine):
        reply = asks.ask("/readyz")
        assert reply.status == 200
        assert reply.json["notices"] == ["2026.11.22-1 did not become ready"]
        assert asks.metrics()["mpic_update_checked_seconds"][""] == 1763800000


def test_an_address_in_use(own):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ran = own.run(own.options(ready_listen=f"127.0.0.1:{port}"))
    assert ran.returncode == 1
    assert f"127.0.0.1:{port}" in ran.stderr and "cannot listen" in ran.stderr
