"""SIGHUP and SIGTERM under load: another configuration without a request lost, and an end."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from coordinators import CALLER, by_code, policy_file
from daemons import until
from minifleet import client, pki

IN_FLIGHT = 64
READ = "the configuration was read again"
EVERYWHERE = "every worker has read the files again"
REFUSED = "the configuration cannot be used, the one before stays in force"


@pytest.fixture(scope="module")
def load_program(build_dir):
    """tests/bench/load, which keeps so many requests in flight and says what went wrong."""
    subprocess.run(["make", "-s", "-C", str(build_dir), "tests/bench/load"], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(build_dir, "tests/bench/load")


class Load:
    """Requests over connections that are kept, without a pause, until it is ended."""

    def __init__(self, program, daemon, caller, *arguments):
        self.command = [
            program, *arguments, "-j", str(IN_FLIGHT), "-e", '"is_valid":true',
            "-b", json.dumps(client.caa_request("permit.com", ["ca1.com"])),
            "-a", caller.authority, "-c", caller.identity.certificate, "-k", caller.identity.key,
            f"https://127.0.0.1:{daemon.address[1]}/mpic", "1000000"]
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def end(self):
        """What it counted, when all that it sent has been answered."""
        assert self.process.poll() is None, self.process.communicate()
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return json.loads(out)


@pytest.fixture(params=((), ("-2",)), ids=("http1", "http2"))
def loaded(request, load_program, coordinators):
    """loaded(daemon, caller) is a Load, over this version of HTTP."""
    made = []

    def start(daemon, caller):
        caller.authority, caller.identity = coordinators.certificate, coordinators.caller_identity
        made.append(Load(load_program, daemon, caller, *request.param))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


@pytest.fixture
def own_files(coordinators, tmp_path):
    """Options of a coordinator whose certificate, key and CA are copies of its own."""
    own = coordinators.parts["coordinator"]
    given = {"tls_certificate": own["certificate"], "tls_key": own["key"],
             "tls_ca": coordinators.certificate}
    for name, path in given.items():
        shutil.copy(path, tmp_path / name)
    return {name: str(tmp_path / name) for name in given}


def reread(daemon, **options):
    """Has a coordinator of several workers read its file again; returns when all of them have."""
    mark = daemon.mark()
    daemon.rewrite(**options)
    until(lambda: daemon.lines(EVERYWHERE, mark))


def everywhere(caller, true):
    """Waits until it is so in every worker: whichever takes a connection."""
    until(lambda: all(true(caller.check("permit.com")) for _ in range(12)))


def codes(answer):
    return set(by_code(answer))


def test_another_configuration_under_load(coordinators, started, own_files, loaded):
    rows = coordinators.perspectives(*range(6))
    options = {"plain": False, "workers": 2, "perspectives": rows[:5], **own_files}
    daemon, caller = started(**options)
    load = loaded(daemon, caller)

    # A perspective is added, and another one removed.
    reread(daemon, perspectives=rows)
    everywhere(caller, lambda answer: len(codes(answer)) == 6)
    reread(daemon, perspectives=rows[1:])
    everywhere(caller, lambda answer: codes(answer) == {row["code"] for row in rows[1:]})
    counted = caller.metrics()["mpic_perspective_results_total"]
    assert counted[f'perspective="{rows[0]["code"]}",result="passed"'] > 0
    assert counted[f'perspective="{rows[5]["code"]}",result="passed"'] > 0

    # Another policy, which demands more perspectives than a request may then ask for.
    reread(daemon, policy_file=policy_file("cabf-tls"))
    few = {"perspective_count": 2}
    until(lambda: all(caller.mpic("permit.com", few).status == 400 for _ in range(12)))

    # Another certificate for everybody to see, and other connections to perspectives.
    authority = pki.Authority.__new__(pki.Authority)
    authority.folder = str(Path(coordinators.certificate).parent)
    authority.root = pki.Identity(authority.folder, "ca")
    fresh = authority.issue("reload", pki.COORDINATOR, "127.0.0.1")
    before = caller.presented()
    shutil.copy(fresh.certificate, own_files["tls_certificate"])
    shutil.copy(fresh.key, own_files["tls_key"])
    reread(daemon)
    until(lambda: all(caller.presented() not in (None, before) for _ in range(12)))

    # A faulty one: nothing changes, and one line says all that is wrong with it.
    mark = daemon.mark()
    daemon.rewrite(policy_file="/nowhere", linger_ms=-1, nonsense=1)
    line, = until(lambda: daemon.lines(REFUSED, mark))
    assert "linger_ms: expected an integer" in line["faults"]
    assert "nonsense: no such option" in line["faults"]
    assert caller.metrics()["mpic_configuration_refused"][""] == 1
    assert caller.mpic("permit.com", few).status == 400

    came = load.end()
    assert (came["errors"], came["first_error"]) == (0, "")
    assert came["count"] > IN_FLIGHT
    assert len(daemon.lines(READ)) == 4
    assert until(lambda: caller.metrics()["mpic_configurations"][""] == 2)


def test_connections_to_perspectives_end_with_the_certificate_they_were_made_with(
        coordinators, started, fleet):
    """What carries no request any more is closed; requests under way keep their connections."""
    daemon, caller = started()
    caller.check("permit.com")

    def open_to_perspectives():
        peers = {row["url"].split("//")[1] for row in fleet.parts["perspectives"]}
        listed = subprocess.run(["ss", "-tnpH", "state", "established"], capture_output=True,
                                text=True, check=True).stdout
        pids = [f"pid={pid}," for pid in daemon.workers()]
        return {line.split()[2] for line in listed.splitlines()
                if line.split()[3] in peers and any(pid in line for pid in pids)}

    first = open_to_perspectives()
    assert len(first) == 6
    daemon.rewrite()
    until(lambda: not open_to_perspectives())
    caller.check("permit.com")
    second = open_to_perspectives()
    assert len(second) == 6 and not first & second


def test_what_a_start_alone_can_take(started, tmp_path):
    daemon, caller = started()
    daemon.rewrite(listen="127.0.0.1:1", workers=7, audit_dir=str(tmp_path), linger_ms=10)
    until(lambda: daemon.lines(READ))
    line, = daemon.lines("options that are taken at start only are not changed")
    assert (line["level"], line["options"]) == ("warning", "listen, workers, audit_dir")
    everywhere(caller, lambda answer: answer["is_valid"])
    assert len(daemon.workers()) == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("workers", (0, 1, 3))
def test_a_set_on_the_command_line_stays(coordinators, workers):
    with coordinators.for_a_test() as start:
        daemon, caller = start(arguments=("--set", "default_perspective_count=3"),
                               workers=workers)
        daemon.rewrite(default_perspective_count=5, log_level="notice")
        until(lambda: daemon.lines(READ))
        everywhere(caller, lambda answer: len(codes(answer)) == 3)
        mark = daemon.mark()
        daemon.rewrite(default_perspective_count=40)
        until(lambda: daemon.lines(REFUSED, mark) or daemon.lines(READ, mark))
        assert daemon.lines(READ, mark)


def test_a_worker_started_later_has_the_configuration_in_force(coordinators, started):
    rows = coordinators.perspectives(*range(6))
    daemon, caller = started(perspectives=rows, workers=1)
    daemon.rewrite(perspectives=rows[:4])
    everywhere(caller, lambda answer: len(codes(answer)) == 4)
    daemon.rewrite(perspectives=rows[:1])   # too few to serve with
    until(lambda: daemon.lines(REFUSED))
    worker, = daemon.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: daemon.workers() not in ([worker], []))
    until(lambda: caller.check("permit.com")["quorum"] == "4/4")


def test_no_more_than_sixteen_older_configurations(coordinators, started):
    """Each is needed by a request under way; when those have ended there is room again."""
    rows = coordinators.perspectives(*range(6))
    with socket.create_server(("", 0), backlog=256) as silent:
        port = silent.getsockname()[1]
        hung = [{**row, "url": f"http://127.0.0.{i + 1}:{port}"} for i, row in enumerate(rows)]
        daemon, caller = started(perspectives=hung, connections=1)
        threads = []
        for count in range(17):
            threads.append(threading.Thread(target=caller.mpic, args=("permit.com",),
                                            kwargs={"deadline_ms": 6000}))
            threads[-1].start()
            until(lambda: caller.metrics()["mpic_http_in_flight"][""] == count + 1)
            mark = daemon.mark()
            daemon.rewrite()
            until(lambda: daemon.lines(REFUSED, mark) if count == 16 else
                  caller.metrics()["mpic_configurations"][""] == count + 2)
        line, = daemon.lines(REFUSED)
        assert line["why"] == "requests under way still need 16 older ones"
        for thread in threads:
            thread.join()
    until(lambda: caller.metrics()["mpic_configurations"][""] == 1)
    daemon.rewrite(perspectives=rows)
    until(lambda: caller.check("permit.com")["quorum"] == "6/6")


def test_who_may_ask_is_read_again(coordinators, started):
    daemon, caller = started(plain=False)
    connection = caller.connect()
    assert caller.ask("/mpic", client.caa_request("permit.com", ["ca1.com"]),
                      connection).status == 200
    daemon.rewrite(callers=[{"name": "another", "identity": "urn:mpic:caller:another"}])
    until(lambda: caller.mpic("permit.com").status == 401)
    # Not only of those that connect from now on.
    assert caller.ask("/mpic", client.caa_request("permit.com", ["ca1.com"]),
                      connection).status == 401
    connection.close()


def test_tokens_are_read_again(coordinators, started):
    daemon, caller = started(plain=False)
    anonymous = coordinators.caller(daemon, None)
    with pytest.raises(OSError):
        anonymous.ask("/healthz")
    token = "a" * 43
    row = {"name": "token-ca", "token_sha256": hashlib.sha256(token.encode()).hexdigest()}
    daemon.rewrite(callers=[CALLER, row])

    def let_in():
        with contextlib.suppress(OSError):
            return anonymous.with_token(token).check("permit.com")["is_valid"]

    until(let_in)
    assert caller.check("permit.com")["is_valid"] is True
    daemon.rewrite(callers=[CALLER])
    with pytest.raises(OSError):
        until(lambda: anonymous.with_token(token).ask("/healthz").status != 200)


# -- the end


class Asker(threading.Thread):
    """Asks over one kept connection until it is closed; the traces that were answered."""

    def __init__(self, caller, index):
        super().__init__()
        self.caller, self.index, self.answered, self.other = caller, index, [], []
        self.start()

    def run(self):
        connection = self.caller.connect()
        body = client.caa_request("permit.com", ["ca1.com"])
        try:
            for number in range(10 ** 6):
                trace = f"t-{self.index}-{number}"
                reply = self.caller.ask("/mpic", {**body, "trace_identifier": trace}, connection)
                (self.answered if reply.status == 200 else self.other).append(trace)
                if reply.headers.get("Connection") == "close":
                    return
        except OSError:
            return
        finally:
            connection.close()


@pytest.mark.parametrize("plain", (True, False), ids=("plain", "tls"))
def test_sigterm_under_load_leaves_no_accepted_request_without_its_answer(
        coordinators, started, tmp_path, plain):
    """What is recorded was answered, and the other way round: all of it."""
    for round_ in range(3):
        folder = tmp_path / str(round_)
        folder.mkdir()
        daemon, caller = started(plain=plain, workers=2, audit_dir=str(folder), audit_name="c")
        askers = [Asker(caller, i) for i in range(IN_FLIGHT)]
        until(lambda: sum(len(one.answered) for one in askers) > 3 * IN_FLIGHT, 20)
        assert coordinators.stop(daemon) == 0
        for one in askers:
            one.join(20)
        answered = [trace for one in askers for trace in one.answered]
        recorded = [json.loads(line) for path in folder.iterdir()
                    for line in path.read_text(encoding="utf-8").splitlines()]
        verdicts = [line["trace_identifier"] for line in recorded if line["event"] == "verdict"]
        assert not any(one.other for one in askers)
        assert sorted(verdicts) == sorted(answered)


def test_callers_of_more_names_than_can_be_counted(started, coordinators):
    """What no worker can take is not called good, nor given to workers that start later."""
    def named(kind):
        rows = [{"name": f"{kind}{i}", "token_sha256": [hashlib.sha256(
            f"{kind}{i}".encode()).hexdigest()]} for i in range(255)]
        return [CALLER, *rows]

    daemon, caller = started(plain=False, workers=1, callers=named("a"))
    daemon.rewrite(callers=named("b"))
    until(lambda: daemon.lines(READ))
    mark = daemon.mark()
    daemon.rewrite(callers=named("c"))
    line = until(lambda: daemon.lines(REFUSED, mark))[0]
    assert "a new one needs a restart" in line["faults"]
    assert until(lambda: caller.metrics()["mpic_configuration_refused"][""] == 1)
    assert len(daemon.lines(READ)) == 1
    os.kill(daemon.workers()[0], signal.SIGKILL)
    assert caller.check("permit.com")["is_valid"] is True
