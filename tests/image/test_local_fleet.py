"""appliance/deploy/local: a fleet on one machine comes up, answers, is watched, and goes."""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

import daemons
import machine
import qemu

LOCAL = Path(__file__).resolve().parents[2] / "appliance/deploy/local"
sys.path.insert(0, str(LOCAL))

# pylint: disable=wrong-import-position
from localfleet import accelerator

FLEET = LOCAL / "fleet"
CODES = ["aws:eu-central-1", "aws:sa-east-1"]
UP_S = 400
YES, NO = 0, 1


@pytest.fixture
def one_at_a_time():
    with machine.alone():
        yield


@pytest.fixture
def fleet(build_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("MPIC_BUILD", str(build_dir))

    def run(command, *arguments, timeout_s=60):
        return subprocess.run([FLEET, command, "--dir", tmp_path / "fleet", *map(str, arguments)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout_s, check=False)
    yield run
    run("down")


@pytest.fixture
def document_end(document, tmp_path):
    """The mini-Internet's own root."""
    path = tmp_path / "end.yaml"
    path.write_text(f"private_root: {json.dumps(document.members['private_root'])}\n", "ascii")
    return path


@pytest.mark.expected(120)
def test_two_perspectives_and_a_coordinator(fleet, image, document_end, tmp_path, one_at_a_time):
    up = fleet("up", "--perspectives", 2, "--image", image.raw, "--accel", "tcg",
               "--document", document_end, "--wait", UP_S - 40, timeout_s=UP_S)
    assert up.returncode == 0, up.stdout + up.stderr
    command = up.stdout.splitlines()[-1]

    def ask(name):
        words = shlex.split(command.replace("example.com", name).replace("ca.example", "ca1.com"))
        return subprocess.run([*words, "--json"], capture_output=True, text=True, timeout=60,
                              check=False)

    permitted, denied = ask("permit.com"), ask("deny.com")
    assert (permitted.returncode, denied.returncode) == (YES, NO), permitted.stdout + denied.stdout
    answer = json.loads(permitted.stdout)
    assert sorted(one["perspective_code"] for one in answer["perspectives"]) == CODES
    assert all(one["check_response"]["details"]["found_at"] == "permit.com"
               for one in answer["perspectives"])

    status = fleet("status")
    assert (status.returncode, [line.split() for line in status.stdout.splitlines()]) == (
        0, [[CODES[0], "ready"], [CODES[1], "ready"], ["coordinator", "ready"]])
    again = fleet("up", "--perspectives", 2, "--image", image.raw)
    assert again.returncode == 2 and "runs already" in again.stderr

    parts = {part["code"]: part for part in json.loads((tmp_path / "fleet/fleet.json").read_text())}
    subprocess.run(["kill", "-KILL", str(parts[CODES[1]]["pid"])], check=True)
    end = time.monotonic() + 10
    while "off" not in (status := fleet("status")).stdout and time.monotonic() < end:
        time.sleep(0.2)
    assert status.returncode == 1 and [line.split()[1] for line in status.stdout.splitlines()] == [
        "ready", "off", "ready"]

    assert fleet("down").stdout == "fleet: 2 ended\n"
    assert not any(daemons.alive(part["pid"]) for part in parts.values())
    assert fleet("down").stdout.startswith("fleet: nothing of")


@pytest.mark.expected(30)
def test_an_image_that_does_not_boot_leaves_nothing_running(fleet, tmp_path, one_at_a_time):
    empty = tmp_path / "empty.raw"
    with open(empty, "wb") as file:
        file.truncate(1 << 20)
    up = fleet("up", "--perspectives", 2, "--image", empty, "--accel", "tcg", "--wait", 10)
    assert up.returncode == 2 and f"{CODES[0]}: not ready after 10 s (does not answer" in up.stderr
    assert fleet("status").returncode == 1


@pytest.mark.expected(10)
def test_an_accelerator_that_works_is_told_from_one_that_does_not(one_at_a_time):
    assert accelerator.runs("tcg", 60)
    assert not accelerator.runs("no-such-accelerator")


def test_one_that_hangs_is_given_up(monkeypatch, tmp_path):
    """QEMU runs, and its guest never says a word."""
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n", "ascii")
    silent.chmod(0o755)
    monkeypatch.setattr(qemu, "PROGRAM", str(silent))
    began = time.monotonic()
    assert not accelerator.runs("kvm", 1)
    assert 1 <= time.monotonic() - began < 5


@pytest.mark.parametrize("arguments, says", (
    (("--perspectives", 1, "--image", "/dev/null"), "--perspectives: expected 2 to 8"),
    (("--image", "/nowhere.raw"), "/nowhere.raw: there is no such image")))
def test_what_is_wrong_is_named(fleet, arguments, says):
    up = fleet("up", *arguments)
    assert up.returncode == 2 and says in up.stderr
    assert fleet("status").returncode == 2
