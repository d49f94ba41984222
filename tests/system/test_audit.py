"""The audit log of mpic-coordinator: every attempt in it, whatever happens to the coordinator."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from coordinators import by_code
from daemons import until
from minifleet import client

ZEROS = "0" * 64


def files(folder, name="c"):
    """{worker: paths, the oldest first}."""
    found = {}
    for path in sorted(Path(folder).glob(f"audit-{name}-*"),
                       key=lambda one: one.stat().st_mtime_ns):
        worker = path.name.removeprefix(f"audit-{name}-").split(".", 1)[0]
        found.setdefault(int(worker), []).append(path)
    return found


def lines(folder, event=None):
    """The whole lines of all workers."""
    found = []
    for paths in files(folder).values():
        for path in paths:
            for line in path.read_bytes().split(b"\n"):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    pass
    return [line for line in found if event in (None, line["event"])]


@pytest.fixture
def verify(build_dir):
    """verify(paths, *options): mpic audit verify, ended."""
    def run(paths, *options):
        return subprocess.run([build_dir / "mpic", "audit", "verify", *options,
                               *map(str, paths)], capture_output=True, text=True, timeout=60,
                              check=False)
    return run


@pytest.fixture
def verified(verify, tmp_path):
    """Fails unless each worker's files are a chain; how many lines there are."""
    def run():
        count = 0
        for paths in files(tmp_path).values():
            ended = verify(paths, "--from-hash", ZEROS)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            count += int(ended.stdout.split(" ", 1)[0])
        return count
    return run


@pytest.fixture
def audited(started, tmp_path):
    """audited(**options) gives (daemon, caller) with an audit log in tmp_path."""
    def start(**options):
        return started(**{"audit_dir": str(tmp_path), "audit_name": "c", "workers": 2, **options})
    return start


def ask(caller, name, trace, **more):
    body = client.caa_request(name, ["ca1.com"], more.pop("orchestration", None))
    return caller.ask("/mpic", {**body, "trace_identifier": trace, **more})


class Load:
    """Threads that ask until stopped; the trace identifiers that were answered with 200."""

    def __init__(self, caller, count=4):
        self.caller = caller
        self.answered, self.refused, self.broken = [], [], 0
        self.running = True
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, index):
        number = 0
        while self.running:
            number += 1
            trace = f"t-{index}-{number}"
            try:
                reply = ask(self.caller, "permit.com", trace)
            except OSError:
                self.broken += 1
                continue
            (self.answered if reply.status == 200 else self.refused).append(trace)

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()


# -- what is in it


def test_every_attempt_has_its_lines(audited, tmp_path, verified):
    _, caller = audited()
    names = ["permit.com", "deny.com", "hijack.com"] * 8
    answers = caller.at_once(names)
    assert [reply.status for reply in answers] == [200] * 24
    verdicts = lines(tmp_path, "verdict")
    assert sorted((line["target"], line["quorum"], line["is_valid"]) for line in verdicts) == \
        sorted((name, reply.json["quorum"], reply.json["is_valid"])
               for name, reply in zip(names, answers))
    results = lines(tmp_path, "result")
    assert len(results) == 24 * 6
    assert verified() == 24 * 7 + len(lines(tmp_path, "open"))
    counted = caller.metrics()
    assert until(lambda: caller.metrics()["mpic_audit_lines_total"][""] == verified())
    assert counted["mpic_audit_unwritable"][""] == 0


def test_what_the_lines_say(audited, tmp_path):
    _, caller = audited()
    reply = ask(caller, "Hijack.com", "t-1\n", orchestration={"max_attempts": 2})
    verdicts = lines(tmp_path, "verdict")
    assert [(line["attempt"], line["quorum"], line["quorum_count"], line["is_valid"],
             line["outcome"]) for line in verdicts] == [(1, "1/6", 4, False, "decided"),
                                                        (2, "1/6", 4, False, "decided")]
    for line in verdicts:
        assert (line["target"], line["check"], line["asked"]) == ("hijack.com", "caa", "caa")
        assert (line["section"], line["rules"]) == ("3.2.2.8", "TLS BR 2.2.6")
        assert (line["trace_identifier"], line["caller"]) == ("t-1\n", "loopback")
        assert line["policy"].startswith("open-mpic (")
    results = lines(tmp_path, "result")
    assert len({line["request"] for line in verdicts + results}) == 1
    answered = by_code(reply.json)
    for line in results:
        if line["attempt"] == 2:
            response = answered[line["perspective"]]
            assert line["result"] == ("passed" if response["check_passed"] else "failed")
            assert line["timestamp_ns"] == response["timestamp_ns"]
            assert line["problem"] == (response["problem"] or {}).get("code")
            assert line["dnssec_status"] == response["details"]["dnssec_status"]


def test_both_checks_have_their_lines(audited, tmp_path, verified):
    _, caller = audited(workers=0)
    caller.ask("/mpic", {
        "check_type": "dcv_with_caa", "domain_or_ip_target": "permit.com",
        "caa_check_parameters": {"caa_domains": ["ca1.com"]},
        "dcv_check_parameters": {"validation_method": "acme-dns-01",
                                 "key_authorization_hash": "x" * 43}})
    verdicts = {line["check"]: line for line in lines(tmp_path, "verdict")}
    assert (verdicts["caa"]["is_valid"], verdicts["dcv"]["is_valid"]) == (True, False)
    assert [line["attempt_is_valid"] for line in verdicts.values()] == [False, False]
    assert (verdicts["dcv"]["method"], verdicts["dcv"]["section"]) == ("acme-dns-01", "3.2.2.4.7")
    assert len(lines(tmp_path, "result")) == 12
    assert verified() == 15


def test_a_request_refused_has_no_lines(audited, tmp_path):
    _, caller = audited()
    assert caller.ask("/mpic", {"check_type": "caa"}).status == 400
    assert {line["event"] for line in lines(tmp_path)} == {"open"}


# -- what happens to the coordinator


def test_workers_killed_under_load(audited, tmp_path, verified):
    daemon, caller = audited()
    load = Load(caller)
    for _ in range(6):
        time.sleep(0.4)
        for pid in daemon.workers()[:1]:
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    load.stop()
    verified()
    assert len(load.answered) > 20 and not load.refused
    recorded = [line["trace_identifier"] for line in lines(tmp_path, "verdict")]
    assert len(recorded) == len(set(recorded))
    assert set(load.answered) <= set(recorded)
    assert len(lines(tmp_path, "result")) == 6 * len(recorded)


def test_a_torn_line_is_told_of_at_the_next_start(coordinators, tmp_path, verified, verify):
    options = {"audit_dir": str(tmp_path), "audit_name": "c", "workers": 0}
    with coordinators.for_a_test() as start:
        assert start(**options)[1].check("permit.com")["is_valid"]
    path = files(tmp_path)[0][0]
    torn = b'{"seq":9,"prev":"0123'
    with path.open("ab") as file:
        file.write(torn)
    ended = verify([path])
    assert (ended.returncode, ended.stdout.split(": ")[0]) == (1, f"{path}:9")
    with coordinators.for_a_test() as start:
        daemon, caller = start(**options)
        assert caller.check("permit.com")["is_valid"]
        assert daemon.lines("the audit log had a torn line, which stays and is told of")
    told = lines(tmp_path, "open")[1]
    assert (told["torn_bytes"], told["torn_sha256"]) == (
        len(torn) + 1, hashlib.sha256(torn + b"\n").hexdigest())
    assert torn in path.read_bytes()
    assert verified() == 16


def test_a_caller_that_vanishes(audited, tmp_path, verified, restored):
    restored.set_behaviour("flip.com", "answer", delay_ms=1500)
    _, caller = audited()
    connection = caller.connect()
    connection.request("POST", "/mpic", json.dumps(client.caa_request("flip.com", ["ca1.com"],
                                                                      None)).encode())
    time.sleep(0.3)
    connection.close()
    verdict = until(lambda: lines(tmp_path, "verdict"))[0]
    assert (verdict["outcome"], verdict["is_valid"], verdict["quorum"]) == ("aborted", False, "0/6")
    assert [line["result"] for line in lines(tmp_path, "result")] == ["aborted"] * 6
    verified()


def test_sigterm_leaves_the_lines_of_what_was_under_way(coordinators, tmp_path, verified, restored):
    restored.set_behaviour("flip.com", "answer", delay_ms=300)
    daemon, caller = coordinators.start(audit_dir=str(tmp_path), audit_name="c", workers=2)
    replies = []
    threads = [threading.Thread(target=lambda i=i: replies.append(ask(caller, "flip.com", f"t{i}")))
               for i in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert coordinators.stop(daemon) == 0
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 8
    assert len(lines(tmp_path, "verdict")) == 8
    verified()


# -- where it cannot be written


def refused(reply, reason):
    assert reply.status == 503, reply.text
    assert "no verdict is given that cannot be recorded" in reply.json["detail"]
    assert reason in reply.json["detail"]
    assert reply.headers["Retry-After"] == "1"
    return True


def test_a_full_disk_from_the_start(audited, tmp_path, verified):
    path = tmp_path / "audit-c-0.jsonl"
    path.symlink_to("/dev/full")
    _, caller = audited(workers=0)
    assert refused(caller.mpic("permit.com"), "No space left on device")
    ready = caller.ask("/readyz")
    assert (ready.status, ready.json["status"]) == (503, "not ready")
    assert "No space left on device" in ready.json["audit"]
    assert caller.ask("/healthz").status == 200
    assert caller.metrics()["mpic_audit_unwritable"][""] == 1
    path.unlink()
    assert until(lambda: caller.ask("/readyz").status == 200)
    assert caller.check("permit.com")["is_valid"]
    assert caller.metrics()["mpic_audit_unwritable"][""] == 0
    assert verified() == 8


def test_a_disk_that_fills_under_load_and_has_space_again(audited, tmp_path, verified):
    daemon, caller = audited()
    caller.check("permit.com")
    load = Load(caller)
    time.sleep(0.5)
    limits = resource.prlimit(daemon.workers()[0], resource.RLIMIT_FSIZE)
    for pid in daemon.workers():
        size = max(path.stat().st_size for paths in files(tmp_path).values() for path in paths)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 1000, limits[1]))
    assert until(lambda: len(load.refused) > 20)
    assert until(lambda: caller.metrics()["mpic_audit_unwritable"][""] == len(daemon.workers()))
    assert caller.ask("/readyz").status == 503
    assert refused(caller.mpic("permit.com"), "File too large")
    for pid in daemon.workers():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    before = len(load.answered)
    assert until(lambda: len(load.answered) > before + 20)
    load.stop()
    assert until(lambda: caller.metrics()["mpic_audit_unwritable"][""] == 0)
    verified()
    recorded = {line["trace_identifier"] for line in lines(tmp_path, "verdict")}
    assert set(load.answered) <= recorded
    told = sum(line.get("unrecorded", 0) for line in lines(tmp_path, "open"))
    metrics = caller.metrics()
    assert told == metrics["mpic_audit_unrecorded_attempts_total"][""]


def test_a_second_coordinator_of_the_same_name(audited, tmp_path, verified):
    _, caller = audited(workers=0)
    _, other = audited(workers=0)
    assert refused(other.mpic("permit.com"), "another process writes it")
    assert caller.check("permit.com")["is_valid"]
    _, replica = audited(workers=0, audit_name="d")
    assert replica.check("permit.com")["is_valid"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "audit-c-0.jsonl", "audit-d-0.jsonl"]
    assert verified() == 8


@pytest.mark.parametrize("options, says", (
    ({"audit_dir": "/nonexistent"}, "audit_dir: /nonexistent: No such file or directory"),
    ({"audit_dir": "/dev/null"}, "audit_dir: /dev/null: Not a directory"),
    ({"audit_name": "../c"}, "audit_name: expected letters, digits, '.', '_' and '-'"),
    ({"audit_sync": "often"}, 'audit_sync: expected none, interval or each, found "often"'),
))
def test_faults_of_the_configuration(coordinators, options, says):
    ended = coordinators.run(coordinators.options(**options), "--check")
    assert (ended.returncode, says in ended.stderr) == (2, True), ended.stderr


def test_without_an_audit_log_it_says_so(started):
    daemon, _ = started()
    assert daemon.lines("there is no audit log (audit_dir): attempts leave log lines only")


# -- rotation


def test_rotation_under_load(audited, tmp_path, verified):
    daemon, caller = audited()
    load = Load(caller)
    for round_ in range(4):
        time.sleep(0.4)
        for worker in (0, 1):
            path = tmp_path / f"audit-c-{worker}.jsonl"
            path.rename(f"{path}-2026112{round_}")
        time.sleep(0.05)
        daemon.process.send_signal(signal.SIGHUP)
        assert until(lambda: all((tmp_path / f"audit-c-{i}.jsonl").exists() for i in (0, 1)))
    load.stop()
    assert not load.refused and not load.broken
    assert [len(paths) for paths in files(tmp_path).values()] == [5, 5]
    verified()
    recorded = sorted(line["trace_identifier"] for line in lines(tmp_path, "verdict"))
    assert recorded == sorted(load.answered)


# -- mpic audit verify


@pytest.fixture
def log(coordinators, tmp_path):
    """A log of 15 lines."""
    with coordinators.for_a_test() as start:
        _, caller = start(audit_dir=str(tmp_path), audit_name="c", workers=0)
        caller.check("permit.com")
        caller.check("deny.com")
    return tmp_path / "audit-c-0.jsonl"


def test_verify_names_the_first_line_that_is_wrong(log, verify):
    whole = log.read_text(encoding="utf-8").splitlines(True)
    ended = verify([log])
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (
        0, "15 lines, number 1 to 15, are a chain; 0 torn, 0 attempts unrecorded")
    last = ended.stdout.split()[-1]
    assert hashlib.sha256(whole[14].encode()).hexdigest() == last
    for changed, says in (
            (whole[:3] + [whole[3].replace("passed", "failed")] + whole[4:], ":4: its hash is"),
            (whole[:6] + whole[7:], ":7: it is number 8 after number 6: 1 missing before it"),
            (whole[:4] + [whole[5], whole[4]] + whole[6:], ":5: it is number 6 after number 4"),
            (whole[:9] + ["{}\n"] + whole[9:], ":10: no line of an audit log, and not what"),
            (whole[:9] + [whole[9][:-9] + "\n"] + whole[10:], ":10: no line of an audit log"),
            (whole + [whole[14]], ":16: it is number 15 after number 15: out of order, or twice"),
    ):
        log.write_text("".join(changed), encoding="utf-8")
        ended = verify([log])
        assert ended.returncode == 1
        assert ended.stdout.startswith(f"{log}{says}"), ended.stdout
    log.write_text("".join(whole[:-1]), encoding="utf-8")
    assert verify([log]).returncode == 0
    ended = verify([log], "--to-hash", last)
    assert (ended.returncode, "lines are missing after it" in ended.stdout) == (1, True)


def test_verify_from_a_hash(log, verify, tmp_path):
    whole = log.read_text(encoding="utf-8").splitlines(True)
    parts = [tmp_path / "first", tmp_path / "rest"]
    parts[0].write_text("".join(whole[:5]), encoding="utf-8")
    parts[1].write_text("".join(whole[5:]), encoding="utf-8")
    first = verify(parts[:1]).stdout.split()[-1]
    assert verify(parts).returncode == 0
    assert verify(parts[1:]).returncode == 0
    assert verify(parts[1:], "--from-hash", first).returncode == 0
    assert verify(parts[1:], "--from-hash", ZEROS).returncode == 1
    assert verify(reversed(parts)).returncode == 1


def test_verify_that_cannot(log, verify):
    ended = verify([log, "/nonexistent"])
    assert (ended.returncode, ended.stderr) == (
        2, "mpic audit: /nonexistent: No such file or directory\n")
    assert verify([]).returncode == 2
    assert verify([log], "--from-hash", "abc").returncode == 2
