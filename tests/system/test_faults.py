"""Two coordinators behind HAProxy, and everything in the fleet being killed under load.

What a caller was told must be in the audit log, whoever died when, and nothing that dies may turn
a no into a yes.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import contract
import daemons
import soak
from coordinators import CONF, Caller
from daemons import alive, children, until
from minifleet import client
from mininet import processes

SECONDS = float(os.environ.get("MPIC_FAULTS_S", "60"))
KILL_EVERY_S = 1.0
AT_ONCE = 16
LISTEN = ("127.0.0.1", 8490)
NAMES = ("a", "b")


@pytest.fixture(scope="module")
def fleet_options():
    return ("--restart",)


@pytest.fixture(scope="module")
def pair(coordinators, tmp_path_factory):
    """Two coordinators with audit logs, started again when they end, and HAProxy in front."""
    running = Pair(coordinators, tmp_path_factory.mktemp("pair"))
    yield running
    running.stop()


def is_ready(caller):
    try:
        return caller.ask("/readyz").status == 200
    except OSError:
        return False


class Pair:
    def __init__(self, coordinators, folder):
        self.coordinators, self.folder = coordinators, folder
        self.servers = processes.Servers()
        self.daemons = {}
        self.ending = threading.Event()
        for name in NAMES:
            self._start_coordinator(name)
        until(self.ready, 15)
        self._start_haproxy()
        self.supervisor = threading.Thread(target=self._supervise)
        self.supervisor.start()

    def _start_coordinator(self, name):
        (self.folder / name).mkdir()
        options = self.coordinators.options(
            plain=False, workers=2, audit_dir=str(self.folder / name), audit_name=name)
        host, port = options["listen"].split(":")
        log = str(self.folder / f"{name}.log")
        self.servers.start(name, self.coordinators.command(options), log)
        self.daemons[name] = daemons.Daemon(name, (host, int(port)), log, None)

    def _start_haproxy(self):
        identity = self.coordinators.caller_identity
        pem = self.folder / "check.pem"
        pem.write_bytes(Path(identity.certificate).read_bytes() + Path(identity.key).read_bytes())
        places = {"MPIC_LISTEN": ":".join(map(str, LISTEN)), "MPIC_CHECK_PEM": str(pem),
                  "MPIC_CA": self.coordinators.certificate}
        for name in NAMES:
            places[f"MPIC_COORDINATOR_{name.upper()}"] = ":".join(
                map(str, self.daemons[name].address))
        self.servers.start("haproxy", ["haproxy", "-db", "-f", os.path.join(CONF, "haproxy.cfg")],
                           str(self.folder / "haproxy.log"), env={**os.environ, **places})
        until(lambda: is_ready(self.caller()), 15, self.servers.check)

    def _supervise(self):
        while not self.ending.wait(0.3):
            self.servers.restart()

    def stop(self):
        self.ending.set()
        self.supervisor.join()
        self.servers.stop()

    def pid(self, name):
        return self.servers.running[name][0].pid

    def ready(self):
        return all(is_ready(self._caller_of(daemon)) for daemon in self.daemons.values())

    def caller(self):
        """One that calls whatever coordinator HAProxy finds for it."""
        return self._caller_of(daemons.Daemon("haproxy", LISTEN, None, None))

    def _caller_of(self, daemon):
        return Caller(daemon, self.coordinators.caller_identity, self.coordinators)

    def verdicts(self):
        """{trace_identifier: whether the attempt was valid}, of both audit logs."""
        found = {}
        for path in self.folder.glob("[ab]/audit-*"):
            for line in path.read_bytes().splitlines():
                try:
                    one = json.loads(line)
                except ValueError:
                    continue    # torn by a kill; `mpic audit verify` says whether it may be
                if one["event"] == "verdict" and one["outcome"] == "decided":
                    found[one["trace_identifier"]] = one["attempt_is_valid"]
        return found

    def verify(self, mpic):
        """Each worker's file is a chain."""
        paths = sorted(self.folder.glob("[ab]/audit-*"))
        assert paths
        for path in paths:
            ended = subprocess.run([mpic, "audit", "verify", "--from-hash", "0" * 64, str(path)],
                                   capture_output=True, text=True, timeout=120, check=False)
            assert ended.returncode == 0, ended.stdout + ended.stderr


@dataclass
class Asked:
    """One request; `reply` is None when the connection broke under it."""

    trace: str
    case: object
    began_s: float
    ended_s: float
    reply: object


def body(case):
    if isinstance(case, soak.Caa):
        return client.caa_request(case.target, ["ca1.com"])
    return {**case.body, "check_type": "dcv", "deadline_ms": case.deadline_ms + 1000}


class Load:
    """So many callers at once that never pause, each on a connection it keeps while it can."""

    def __init__(self, name, caller, cases, at_once=AT_ONCE):
        self.name, self.caller, self.cases = name, caller, cases
        self.asked, self.failed, self.ending = [], [], threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(at_once)]
        for thread in self.threads:
            thread.start()

    def _run(self, own):
        try:
            self._ask(own)
        except Exception as error:    # pylint: disable=broad-exception-caught
            self.failed.append(error)

    def _ask(self, own):
        connection, count = self.caller.connect(), 0
        while not self.ending.is_set():
            count += 1
            case = self.cases[(own * 7 + count) % len(self.cases)]
            trace, began_s, reply = f"{self.name}-{own}-{count}", time.monotonic(), None
            try:
                reply = self.caller.ask("/mpic", {**body(case), "trace_identifier": trace},
                                        connection)
            except (OSError, contract.HTTPException):
                connection.close()
                connection = self.caller.connect()
            self.asked.append(Asked(trace, case, began_s, time.monotonic(), reply))
        connection.close()

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed
        return self.asked


@pytest.fixture(autouse=True)
def sampled():
    with contract.sampled(20):
        yield


def answered(asked):
    return [one for one in asked if one.reply is not None and one.reply.status == 200]


def judge_records(asked, verdicts):
    """What was answered is in an audit log, and says the same there."""
    missing = [one.trace for one in answered(asked) if one.trace not in verdicts]
    other = [one.trace for one in answered(asked)
             if verdicts.get(one.trace, one.reply.json["is_valid"]) != one.reply.json["is_valid"]]
    assert not missing and not other


def test_one_coordinator_killed_costs_no_more_than_its_answers_in_flight(pair):
    load = Load("pair", pair.caller(), [soak.Caa("permit.com"), soak.Caa("deep.com")], 64)
    time.sleep(3)
    workers = children(pair.pid("a"))
    os.kill(pair.pid("a"), signal.SIGKILL)
    # Its workers end with it, once they have answered what they had.
    until(lambda: not any(map(alive, workers)), 10)
    killed_s = time.monotonic()
    time.sleep(3)
    asked = load.stop()
    lost = [one for one in asked if one.reply is None]
    assert len(lost) <= 64
    # What was begun after its end went to the other: nobody was refused.
    assert [one for one in lost if one.began_s > killed_s] == []
    assert {one.reply.status for one in asked if one.reply} == {200}
    assert len([one for one in answered(asked) if one.began_s > killed_s]) > 100
    judge_records(asked, pair.verdicts())
    until(pair.ready, 20)


class Killer:
    """Ends something of the fleet now and then, by SIGKILL."""

    def __init__(self, fleet, pair, seed):
        self.fleet, self.pair = fleet, pair
        self.random = random.Random(seed)
        self.count = Counter()
        self.sorts = (self._coordinator, self._coordinator_worker, self._httpcheck,
                      self._httpcheck_worker, self._fetcher, self._unbound)

    def run(self, seconds):
        until_s = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < until_s:
            time.sleep(self.random.uniform(0.5, 1.5) * KILL_EVERY_S)
            sort = self.sorts[turn % len(self.sorts)]
            turn += 1
            try:
                os.kill(sort(), signal.SIGKILL)
                self.count[sort.__name__] += 1
            except (ProcessLookupError, IndexError, FileNotFoundError):
                pass    # it is just being started again

    def _perspective(self):
        parts = json.loads(Path(self.fleet.folder, "fleet.json").read_text(encoding="utf-8"))
        return self.random.choice(parts["perspectives"])

    def _coordinator(self):
        return self.pair.pid(self.random.choice(NAMES))

    def _coordinator_worker(self):
        return self.random.choice(children(self._coordinator()))

    def _httpcheck(self):
        return self._perspective()["httpcheck_pid"]

    def _httpcheck_worker(self):
        return self.random.choice(children(self._httpcheck()))

    def _fetcher(self):
        return self.random.choice(children(self._httpcheck_worker()))

    def _unbound(self):
        return self._perspective()["unbound_pid"]


CASES = [case for case in soak.mixed(200, 5, soak.CAA_CASES + soak.DOMAIN_CASES)
         if case.problem not in soak.HOSTILE]


def expected(case):
    return case.problem is None


@pytest.mark.slow
def test_whatever_is_killed_no_answer_is_unrecorded_and_no_no_becomes_a_yes(
        fleet, pair, build_dir):
    load = Load("faults", pair.caller(), CASES)
    killer = Killer(fleet, pair, 1)
    killer.run(SECONDS)
    asked = load.stop()
    got = answered(asked)
    came = Counter(one.reply.json["is_valid"] for one in got)
    print(f"\n{sum(killer.count.values())} kills, {len(asked)} requests, {len(got)} answers, "
          f"{came[True]} valid", end="")
    assert all(killer.count[sort.__name__] for sort in killer.sorts), killer.count
    assert [one for one in got if one.reply.json["is_valid"] and not expected(one.case)] == []
    # The fleet was of use all the while: most of what may pass did.
    may_pass = [one for one in got if expected(one.case)]
    assert came[True] > len(may_pass) / 2
    judge_records(asked, pair.verdicts())
    pair.verify(build_dir / "mpic")


@pytest.mark.slow
def test_once_nothing_dies_any_more_all_is_as_before(fleet, pair):
    until(pair.ready, 30)
    until(lambda: all(pair.caller().check("permit.com")["quorum"] == "6/6" for _ in range(8)), 30)
    for case in {case.target: case for case in CASES}.values():
        reply = pair.caller().ask("/mpic", body(case))
        assert reply.status == 200
        assert reply.json["is_valid"] is expected(case), case
