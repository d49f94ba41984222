"""fleet: comes up, answers, and leaves nothing behind."""

import os
import signal
import time

import pytest

from daemons import alive
from fleets import Fleet

TRUST_ANCHOR = os.environ.get("MPIC_TRUST_ANCHOR")


@pytest.fixture
def fleet(tmp_path):
    with Fleet(TRUST_ANCHOR, tmp_path, "--plain", "--perspectives", "2") as running:
        yield running


def pids(fleet):
    found = [fleet.parts["coordinator"]["pid"]]
    for perspective in fleet.parts["perspectives"]:
        found += [perspective["unbound_pid"], perspective["httpcheck_pid"]]
    return found


def test_ready_means_it_answers(fleet):
    assert fleet.call("/readyz")[0] == 200
    status, answer = fleet.check_caa("permit.com")
    assert status == 200
    assert answer["is_valid"] is True
    assert answer["quorum"] == "2/2"


def test_each_perspective_asks_from_its_own_network(fleet, world):
    mark = world.queries.mark()
    fleet.check_caa("flip.com")
    asked = {query["source"] for query in world.queries.since(mark, zone="flip.com")}
    own = [set(perspective["sources"]) for perspective in fleet.parts["perspectives"]]
    assert asked <= own[0] | own[1]
    assert asked & own[0] and asked & own[1]


def test_stop_leaves_no_process(fleet):
    started = pids(fleet)
    assert all(alive(pid) for pid in started)
    assert fleet.stop() == 0
    assert not any(alive(pid) for pid in started)


def test_the_death_of_a_part_is_noticed(fleet):
    victim = fleet.parts["perspectives"][1]["unbound_pid"]
    os.kill(victim, signal.SIGKILL)
    assert fleet.process.wait(10) == 1
    said = fleet.process.stdout.read()
    assert "aws-us-west-2-unbound ended with status -9" in said
    assert not any(alive(pid) for pid in pids(fleet))


def test_killed_outright_its_parts_end_too(fleet):
    started = pids(fleet)
    fleet.process.kill()
    fleet.process.wait()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in started)


def test_a_wrong_option_stops_it_with_the_fault(tmp_path):
    fleet = Fleet(TRUST_ANCHOR, tmp_path, "--plain", "--perspectives", "2",
                  "--set", "no_such_option=1")
    with pytest.raises(RuntimeError, match="no_such_option"):
        with fleet:
            pass


def test_two_fleets_side_by_side(fleet, tmp_path_factory):
    with Fleet(TRUST_ANCHOR, tmp_path_factory.mktemp("second"), "--plain", "--perspectives", "2",
               "--listen", "127.0.0.1:8081") as second:
        urls = [p["url"] for p in fleet.parts["perspectives"] + second.parts["perspectives"]]
        assert len(set(urls)) == 4
        assert second.call("/readyz")[0] == 200


def test_without_plain_the_caller_needs_a_certificate(tmp_path):
    with Fleet(TRUST_ANCHOR, tmp_path, "--perspectives", "2") as fleet:
        assert fleet.url.startswith("https:")
        status, answer = fleet.check_caa("permit.com")
        assert (status, answer["is_valid"]) == (200, True)
        fleet.parts["caller"] = {"certificate": fleet.parts["ca"],
                                 "key": f"{fleet.folder}/pki/ca.key"}
        with pytest.raises(OSError):
            fleet.check_caa("permit.com")
