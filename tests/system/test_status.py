"""mpic status: what of a fleet needs somebody's care."""

import json
import re
import socket
import subprocess
import time

import pytest


from authority import Authority, options_of
from coordinators import CALLER


WELL, CARE, ERROR = 0, 1, 2


@pytest.fixture
def status(build_dir):
    def run(*arguments, **environment):
        return subprocess.run([build_dir / "mpic", "status", *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, check=False,
                              env=environment or None)
    return run


def rows(answer):
    return {row["perspective_code"]: row for row in answer["perspectives"]}


def test_all_is_well(coordinators, started, status):
    daemon, caller = started(plain=False)
    caller.check("permit.com")
    ended = status("--config", daemon.path)
    assert (ended.returncode, ended.stderr) == (WELL, ""), ended.stdout
    head, *lines, own = ended.stdout.splitlines()
    assert head.split()[:2] == ["perspective", "state"] and len(lines) == 6
    for row, line in zip(sorted(coordinators.perspectives(*range(6)), key=lambda r: r["code"]),
                         lines):
        assert re.match(rf"{row['code']} +ready +Parallax \S+ +test +unbound \S+ +20\S+Z +(?:29|30) +matches"
                        r" +-?\d+ +- *$", line), line
    assert re.match(r"coordinator +Parallax \S+ +20\S+Z +(?:29|30)", own)


def test_the_answer_is_there_for_programs(coordinators, started, status):
    daemon, caller = started(plain=False)
    ended = status("--config", daemon.path, "--json")
    answer = json.loads(ended.stdout)
    said = caller.ask("/status").json
    # A day may have ended in between.
    days = [one["coordinator"].pop("days_left") for one in (answer, said)]
    assert 29 <= days[1] <= days[0] <= 30
    assert answer == {**said, "perspectives": answer["perspectives"]}
    assert answer["status"] == "well" and len(answer["perspectives"]) == 6
    for row in answer["perspectives"]:
        assert row["care"] == row["notices"] == [] and row["last_error"] is None
        assert abs(row["clock_offset_ms"]) < 100


def test_what_needs_care(coordinators, started, status):
    """Nobody there, another's key, and what a call came to last."""
    options = coordinators.perspectives(*range(6))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        options[0]["url"] = "https://127.0.0.1:{}".format(unused.getsockname()[1])
        options[1]["verify_key"] = coordinators.perspectives(2)[0]["verify_key"]
        options[2]["verify_key"] = None
        daemon, caller = started(plain=False, workers=1, perspectives=[
            {key: value for key, value in row.items() if value} for row in options])
        caller.check("permit.com")
        ended = status("--config", daemon.path)
        answer = rows(caller.ask("/status").json)
    assert ended.returncode == CARE
    gone, wrong, unchecked = (options[i]["code"] for i in range(3))
    assert answer[gone]["reachable"] is answer[gone]["ready"] is False
    assert answer[gone]["care"][0].startswith("it cannot be reached: ")
    assert answer[gone]["signing_key"] is None and answer[gone]["clock_offset_ms"] is None
    assert answer[gone]["last_error"] and answer[gone]["last_error_at"]
    assert answer[wrong]["signing_key"] == "differs"
    assert answer[wrong]["care"] == ["it does not sign with the key that verify_key has"]
    assert (answer[unchecked]["signing_key"], answer[unchecked]["care"]) == ("not-checked", [])
    lines = ended.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(gone))
    assert "unreachable" in lines[at] and lines[at + 1].startswith("  ! it cannot be reached: ")


def test_certificates_that_end_soon(coordinators, started, status, build_dir, tmp_path):
    ca = Authority.made(build_dir, tmp_path / "ca")
    for days, care in ((13, True), (15, False)):
        own = ca.issue(coordinator=True, days=days)
        with coordinators.for_a_test() as start:
            # The fleet is another CA's: looked at here is what the coordinator says of itself.
            daemon, _ = start(**options_of(own), tls_ca=ca.root, plain=False, callers=[CALLER])
            answer = json.loads(status("--config", daemon.path, "--json").stdout)
        assert answer["coordinator"]["care"] == (["its certificate ends soon"] if care else [])
        assert answer["coordinator"]["days_left"] in (days - 1, days)


def test_who_may_ask(coordinators, started, status, tmp_path):
    daemon, caller = started(plain=False)
    url = "https://{}:{}".format(*daemon.address)
    own = coordinators.parts["caller"]
    given = ("--url", url, "--cert", own["certificate"], "--key", own["key"])
    assert status(*given, "--ca", coordinators.certificate).returncode == WELL
    ended = status(*given, "--ca", own["certificate"])
    assert ended.returncode == ERROR and "no answer from" in ended.stderr


@pytest.mark.parametrize("arguments, says", (
    (("--config", "/nowhere"), "/nowhere"), (("--config", "x", "--url", "y"), "not both"),
    (("--url",), "lacks its operand"), (("--nonsense",), "no such argument"),
    (("--url", "https://127.0.0.1:1", "--cert", "x"), "go together"),
    (("--url", "http://127.0.0.1:1"), "no answer from http://127.0.0.1:1")))
def test_what_is_wrong_is_named(status, arguments, says):
    ended = status(*arguments)
    assert (ended.returncode, ended.stdout) == (ERROR, "") and says in ended.stderr


def test_a_perspective_says_what_it_is(fleet, coordinators):
    """To whoever has a certificate."""
    row = coordinators.perspectives(0)[0]
    host, _, port = row["url"].removeprefix("https://").partition(":")
    connection = fleet.connect(row["url"], "coordinator")
    connection.request("GET", "/identity")
    said = json.loads(connection.getresponse().read())
    connection.close()
    assert said["perspective_code"] == row["code"] and said["image_version"] == "test"
    public = subprocess.run(["openssl", "pkey", "-pubin", "-in", row["verify_key"]], check=True,
                            capture_output=True, text=True).stdout.splitlines()[1]
    assert said["signing_key"] == public
    assert abs(said["timestamp_ns"] / 1e9 - time.time()) < 5
    assert said["certificate_not_before"] < said["certificate_not_after"]
