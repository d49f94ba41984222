"""Perspectives with several endpoints: spread over, ejected after failures, probed back."""

import os
import signal
import threading
from pathlib import Path

import pytest

from daemons import children, until
from mininet.processes import Servers

EJECTED = "an endpoint is ejected: it fails"
BACK = "an endpoint is back"


class Endpoints:
    """More mpic-httpchecks of a fleet's first perspective, at addresses of their own."""

    def __init__(self, build, fleet, folder):
        self.program = os.path.join(build, "mpic-httpcheck")
        self.row = fleet.parts["perspectives"][0]
        self.configuration = os.path.join(self.row["folder"], "httpcheck.yaml")
        self.folder = str(folder)
        self.servers = Servers()
        self.running = {}

    def url(self, index):
        """Of the fleet's own for 0."""
        host, _, port = self.row["url"].removeprefix("https://").rpartition(":")
        return self.row["url"] if index == 0 else f"https://{host}:{int(port) + index}"

    def start(self, index, *arguments):
        host_port = self.url(index).removeprefix("https://")
        log = os.path.join(self.folder, f"endpoint-{index}.log")
        mark = os.path.getsize(log) if os.path.exists(log) else 0
        self.servers.start(f"endpoint-{index}", [
            self.program, "-c", self.configuration, "--set", f"listen={host_port}", *arguments],
            log, self.folder)
        self.running[index] = self.servers.running[f"endpoint-{index}"][0]

        def ready():
            with open(log, encoding="utf-8") as file:
                file.seek(mark)
                return "ready" in file.read()

        until(ready, 15)

    def kill(self, index):
        """Its workers as well: they end with it."""
        process = self.running.pop(index)
        process.kill()
        process.wait()


@pytest.fixture
def endpoints(build_dir, fleet, tmp_path):
    made = Endpoints(build_dir, fleet, tmp_path)
    yield made
    made.servers.stop()


@pytest.fixture
def spread(coordinators, endpoints, started):
    """spread(count, **options): (daemon, caller), the first perspective having so many endpoints."""
    def start(count, **options):
        first, *others = coordinators.perspectives(*range(6))
        first = {**first, "urls": [endpoints.url(i) for i in range(count)]}
        del first["url"]
        return started(**{"perspectives": [first, *others], "probe_ms": 200, **options})
    return start


def states(caller, code):
    found = caller.metrics()["mpic_perspective_endpoints"]
    return [found[f'perspective="{code}",state="{state}"'] for state in ("healthy", "ejected")]


def counted(caller, name, code):
    return caller.metrics()[f"mpic_perspective_{name}_total"][f'perspective="{code}"']


def all_agree(answers):
    return {(answer["is_valid"], answer["quorum"]) for answer in answers} == {(True, "6/6")}


class Asking:
    """Threads that ask without a pause, over kept connections."""

    def __init__(self, caller, count):
        self.answers, self.running = [], True
        self.threads = [threading.Thread(target=self.run, args=(caller,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, caller):
        connection = caller.connect()
        while self.running:
            self.answers.append(caller.mpic("permit.com", connection=connection).json)
        connection.close()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()
        return self.answers


def test_calls_are_spread_over_endpoints(endpoints, spread):
    for index in (1, 2):
        endpoints.start(index, "--set", "log_level=info")
    _, caller = spread(3)
    assert all_agree(caller.check("permit.com") for _ in range(30))
    for index in (1, 2):
        log = Path(endpoints.folder, f"endpoint-{index}.log").read_text(encoding="utf-8")
        assert log.count(" check ") == 10, log
    code = endpoints.row["code"]
    until(lambda: states(caller, code) == [3, 0])
    assert counted(caller, "retries", code) == counted(caller, "ejections", code) == 0


def test_an_endpoint_killed_under_load_and_returned(endpoints, spread):
    """No answer misses the perspective; it is ejected, and back when it is."""
    endpoints.start(1)
    daemon, caller = spread(2)
    code = endpoints.row["code"]
    asking = Asking(caller, 16)
    for _ in range(2):
        mark = daemon.mark()
        before = len(asking.answers)
        until(lambda: len(asking.answers) > before + 100, 20)
        endpoints.kill(1)
        line = until(lambda: daemon.lines(EJECTED, mark))[0]
        assert (line["perspective"], line["url"]) == (code, endpoints.url(1))
        assert f"no answer from {code} at {endpoints.url(1)}" in line["why"] or "closed" in line["why"]
        until(lambda: states(caller, code) == [1, 1])
        before = len(asking.answers)
        until(lambda: len(asking.answers) > before + 100, 20)
        endpoints.start(1)
        line, = until(lambda: daemon.lines(BACK, mark))
        assert (line["perspective"], line["url"]) == (code, endpoints.url(1))
        until(lambda: states(caller, code) == [2, 0])
    answers = asking.stop()
    assert all_agree(answers), [answer for answer in answers if answer["quorum"] != "6/6"][:2]
    # A busy machine may eject one more, for a PING that nobody had time to answer.
    assert counted(caller, "ejections", code) >= 2
    assert counted(caller, "retries", code) > 0
    assert caller.ask("/readyz").json == {"unreachable": [], "status": "ready"}


def test_an_endpoint_that_hangs_holds_up_what_it_has_and_no_more(endpoints, spread):
    endpoints.start(1)
    daemon, caller = spread(2)
    code = endpoints.row["code"]
    assert all_agree(caller.check("permit.com") for _ in range(4))
    process = endpoints.running[1]
    pids = [process.pid, *children(process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        def found_dead():
            assert caller.check("permit.com")["is_valid"]
            return daemon.lines(EJECTED)

        line, = until(found_dead, 30)
        assert line["why"] == "it no longer answers a PING"
        assert all_agree(caller.check("permit.com") for _ in range(10))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until(lambda: daemon.lines(BACK), 20)
    until(lambda: states(caller, code) == [2, 0])


def test_all_endpoints_are_gone(endpoints, spread):
    """The rest has its quorum; the perspective is asked for nevertheless, and is back by a call."""
    daemon, caller = spread(3, probe_ms=60000)
    code = endpoints.row["code"]
    # The fleet's own is the only one that is there.
    assert all_agree(caller.check("permit.com") for _ in range(12))
    until(lambda: states(caller, code) == [1, 2])
    assert len(daemon.lines(EJECTED)) == 2
    assert counted(caller, "retries", code) == 6
    first = endpoints.row["httpcheck_pid"]
    pids = [first, *children(first)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        answer = caller.check("permit.com")
        assert (answer["is_valid"], answer["quorum"]) == (True, "5/6")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until(lambda: caller.check("permit.com")["quorum"] == "6/6")


def test_an_endpoint_that_is_another_perspective(coordinators, started):
    """The other one answers, but somebody hears of it."""
    rows = coordinators.perspectives(*range(6))
    stranger = rows.pop()["url"]
    first = {**rows[0], "urls": [rows[0]["url"], stranger]}
    del first["url"]
    daemon, caller = started(perspectives=[first, *rows[1:]])
    answers = [caller.check("permit.com") for _ in range(10)]
    assert {(answer["is_valid"], answer["quorum"]) for answer in answers} == {(True, "5/5")}
    alarms = daemon.lines("an endpoint is not who it should be")
    assert len(alarms) == 3
    assert {(line["perspective"], line["url"]) for line in alarms} == {(first["code"], stranger)}
    assert "its certificate says" in alarms[0]["why"]
    assert counted(caller, "alarms", first["code"]) == 3
    line, = daemon.lines(EJECTED)
    assert "its certificate says" in line["why"]


def test_endpoints_change_under_load(endpoints, spread):
    endpoints.start(1)
    daemon, caller = spread(1)
    asking = Asking(caller, 16)
    for count in (2, 1, 2):
        rows = [dict(row) for row in daemon.options["perspectives"]]
        rows[0]["urls"] = [endpoints.url(i) for i in range(count)]
        mark = daemon.mark()
        daemon.rewrite(perspectives=rows)
        until(lambda: daemon.lines("the configuration was read again", mark))
        before = len(asking.answers)
        until(lambda: len(asking.answers) > before + 50, 20)
        until(lambda: states(caller, endpoints.row["code"]) == [count, 0])
    assert all_agree(asking.stop())


@pytest.mark.parametrize("change, says", (
    ({"url": "https://127.0.0.1:1", "urls": ["https://127.0.0.1:2"]}, "expected either url or urls"),
    ({"url": None}, "expected either url or urls"),
    ({"url": None, "urls": []}, "expected either url or urls"),
    ({"url": None, "urls": ["https://127.0.0.1:1", "http://192.0.2.1:2"]},
     "url: expected https://HOST:PORT, or http://ADDRESS:PORT with a loopback address, found "
     "http://192.0.2.1:2"),
    ({"url": None, "urls": ["https://127.0.0.1:1", "https://127.0.0.1:1/x"]},
     "have the same host and port, so they are one endpoint"),
    ({"url": None, "urls": [f"https://127.0.0.1:{i + 1}" for i in range(17)]}, "urls"),
))
def test_faulty_endpoints(coordinators, change, says):
    rows = coordinators.perspectives(*range(6))
    rows[0] = {key: value for key, value in {**rows[0], **change}.items() if value is not None}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert says in ended.stderr


def test_two_perspectives_do_not_share_an_endpoint(coordinators):
    rows = coordinators.perspectives(*range(6))
    rows[0] = {**rows[0], "urls": ["https://127.0.0.1:1", rows[1]["url"]]}
    del rows[0]["url"]
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert "so they would be one perspective" in ended.stderr
