"""mpic-coordinator as a service: perspectives that fail or lie, load, who may ask, its records."""

import json
import os
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from coordinators import Identity, by_code
from daemons import children, until
from stand_ins import CAA

REFUSED = (ssl.SSLError, OSError)
DEAD = ("dead.com", "x.dead.com", "servfail.com", "dead-signed.org")


def in_background(ask):
    """A thread that asks; its `reply` is there after join()."""
    def run():
        thread.reply = ask()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


# -- perspectives that fail


def test_a_hung_perspective_delays_by_the_linger_time_only(fleet, caller):
    hung = fleet.parts["perspectives"][5]
    pids = [hung["httpcheck_pid"], *children(hung["httpcheck_pid"])]
    caller.check("permit.com")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        reply = caller.mpic("permit.com")
        denied = caller.mpic("deny.com")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert 0.4 < reply.took_s < 1.5 and denied.took_s < 1.5
    assert (reply.json["is_valid"], reply.json["quorum"]) == (True, "5/6")
    assert (denied.json["is_valid"], denied.json["problem"]["code"]) == (False, "caa-forbids")
    response = by_code(reply.json)[hung["code"]]
    assert (response["check_completed"], response["check_passed"]) == (False, False)
    assert response["problem"]["code"] == "cancelled"
    assert "the verdict was certain without it" in response["problem"]["message"]
    assert [one["perspective_code"] for one in reply.json["perspectives"] if "cancelled" in one] \
        == [hung["code"]]
    assert (reply.json["mpic_completed"], denied.json["mpic_completed"]) == (True, True)
    assert until(lambda: caller.check("permit.com")["quorum"] == "6/6")


def test_a_worker_of_a_perspective_killed_in_the_middle_of_a_check(fleet, caller, restored):
    """The check is asked again of the worker that replaces it, or does not count."""
    victim = fleet.parts["perspectives"][4]
    restored.set_behaviour("flip.com", "answer", delay_ms=300)
    caller.check("flip.com")
    thread = in_background(lambda: caller.mpic("flip.com"))
    time.sleep(0.15)
    for pid in children(victim["httpcheck_pid"]):
        os.kill(pid, signal.SIGKILL)
    thread.join()
    assert thread.reply.json["is_valid"] is True
    assert thread.reply.json["quorum"] in ("5/6", "6/6")
    assert thread.reply.took_s < 2
    until(lambda: caller.check("permit.com")["quorum"] == "6/6")


@pytest.fixture
def silent():
    """The URL of a server that takes connections and says nothing."""
    with socket.create_server(("", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def silenced(rows, url, *indices):
    """The same perspectives, these of them silent: no two may have one origin."""
    port = url.rpartition(":")[2]
    return [{**row, "url": f"http://127.0.0.{i + 1}:{port}"} if i in indices else row
            for i, row in enumerate(rows)]


def unreachable(rows):
    """The same perspectives where nothing listens."""
    return [{**row, "url": f"https://127.0.0.1:{i + 1}"} for i, row in enumerate(rows)]


def test_one_perspective_that_cannot_be_reached(coordinators, started):
    rows = coordinators.perspectives(*range(6))
    _, caller = started(perspectives=unreachable(rows[:1]) + rows[1:])
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"], answer["mpic_completed"]) == (True, "5/6", True)
    response = by_code(answer)[rows[0]["code"]]
    assert {**response, "timestamp_ns": 0, "errors": None, "problem": None} == {
        "check_completed": False, "check_passed": False, "errors": None, "timestamp_ns": 0,
        "check_type": "caa", "details": {
            "caa_record_present": None, "found_at": None, "records_seen": None,
            "dnssec_status": None, "reason": None, "deciding_record": None, "looked_up": None},
        "perspective_code": rows[0]["code"], "nonce": None, "domain_or_ip_target": None,
        "problem": None, "elapsed_ms": None, "evidence": None}
    assert [error["error_type"] for error in response["errors"]] == [
        "mpic_error:coordinator:remote_check"]
    assert response["errors"][0]["error_message"] == response["problem"]["message"]
    assert caller.ask("/readyz").json == {"unreachable": [rows[0]["code"]], "status": "ready"}


def test_no_perspective_can_be_reached(coordinators, started):
    _, caller = started(perspectives=unreachable(coordinators.perspectives(*range(6))))
    assert caller.ask("/readyz").status == 200
    reply = caller.mpic("permit.com")
    answer = reply.json
    assert (reply.status, answer["is_valid"], answer["mpic_completed"]) == (200, False, False)
    assert (answer["quorum"], answer["dnssec_status"]) == ("0/6", None)
    assert answer["problem"]["code"] == "perspective-unreachable"
    assert (answer["problem"]["fault"], answer["problem"]["retryable"]) == ("perspective", True)
    ready = caller.ask("/readyz")
    assert (ready.status, len(ready.json["unreachable"])) == (503, 6)
    assert caller.ask("/healthz").status == 200


def test_a_target_cannot_make_perspectives_seem_unreachable(world, fleet, started, restored):
    """Three are denied at once and the other three left waiting: those are only not awaited."""
    rows = fleet.parts["perspectives"]
    restored.set_records("flip3.com", "CAA", ['0 issue ";"'])
    sources = [address for row in rows[3:6] for address in row["sources"]]
    restored.set_behaviour("flip3.com", "silent", sources=sources)
    _, caller = started()
    answer = caller.check("flip3.com")
    assert answer["is_valid"] is False
    assert sorted(r["problem"]["code"] for r in by_code(answer).values()) == (
        ["caa-forbids"] * 3 + ["cancelled"] * 3)
    assert caller.ask("/readyz").json == {"unreachable": [], "status": "ready"}


@pytest.mark.parametrize("name", ("dead.com", "slow5.com", "permit.com"))
def test_the_deadline_of_the_request_is_kept(caller, name):
    reply = caller.mpic(name, deadline_ms=1000)
    assert reply.took_s < 1.1
    assert reply.json["is_valid"] is (name == "permit.com")
    assert len(reply.json["perspectives"]) == 6


def test_a_deadline_of_one_millisecond(caller):
    answer = caller.check("slow5.com", deadline_ms=1)
    assert (answer["is_valid"], answer["mpic_completed"]) == (False, False)
    assert caller.check("permit.com")["is_valid"] is True


# -- who is who


def test_perspectives_that_stand_in_for_each_other(coordinators, started):
    rows = coordinators.perspectives(*range(6))
    rows[0]["url"], rows[1]["url"] = rows[1]["url"], rows[0]["url"]
    _, caller = started(perspectives=rows)
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "4/6")
    problem = by_code(answer)[rows[0]["code"]]["problem"]
    assert (problem["code"], problem["retryable"]) == ("perspective-identity", False)
    assert f'its certificate says "urn:mpic:perspective:{rows[1]["code"]}"' in problem["message"]


def test_who_may_ask(fleet, coordinators, started):
    daemon, caller = started(plain=False)
    assert caller.check("permit.com")["is_valid"] is True
    pki = Path(fleet.folder, "pki")
    other = Identity({"certificate": str(pki / "aws-us-east-1.pem"),
                      "key": str(pki / "aws-us-east-1.key")})
    stranger = coordinators.caller(daemon, other)
    reply = stranger.mpic("permit.com")
    assert reply.status == 401
    assert "urn:mpic:perspective:aws:us-east-1" in reply.json["detail"]
    assert "X-MPIC-Is-Valid" not in reply.headers
    with pytest.raises(REFUSED):
        coordinators.caller(daemon, None).mpic("permit.com")
    line = daemon.lines("attempt")[0]
    assert line["caller"] == "test-ca"


# -- Open MPIC's checkers among ours


DENIED = {**CAA, "check_passed": False}
LOOKUP = {**CAA, "check_passed": False, "errors": [
    {"error_type": "mpic_error:caa_checker:lookup", "error_message": "All nameservers failed"}],
    "details": {"caa_record_present": None, "found_at": None, "records_seen": None}}
UNFINISHED = {**LOOKUP, "check_completed": False}


def test_a_checker_of_open_mpic_among_our_perspectives(mixed, checker):
    caller, code = mixed
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "6/6")
    # It counts although it names neither itself nor the nonce: this quorum needs it.
    assert caller.check("permit.com", {"quorum_count": 6})["is_valid"] is True
    assert not {"nonce", "perspective_code"} & set(CAA)
    assert by_code(answer)[code] == CAA
    path, body, headers = checker.asked[0]
    assert (path, headers["content-type"]) == ("/caa", "application/json")
    assert body == {"domain_or_ip_target": "permit.com", "trace_identifier": None,
                    "caa_check_parameters": {
                        "certificate_type": "tls-server", "caa_domains": ["ca1.com"],
                        "allow_lookup_failure": False}}


@pytest.mark.parametrize("status, reply, code", (
    (200, DENIED, "caa-forbids"),
    (200, LOOKUP, "dns-failed"),
    (200, UNFINISHED, "dns-failed"),
    (500, LOOKUP, "dns-failed"),
    (500, {"detail": "Internal Server Error"}, "perspective-reply"),
    (500, b"", "perspective-reply"),
    (503, {"detail": "busy"}, "overloaded"),
    (403, {"detail": "who are you?"}, "not-admitted"),
    (302, b"", "perspective-reply"),
    (201, CAA, "perspective-reply"),
    (200, b"", "perspective-reply"),
    (200, b"[]", "perspective-reply"),
    (200, b'{"check_passed": true}', "perspective-reply"),
    (200, {**CAA, "check_type": "dcv"}, "result-mismatch"),
    (200, {**CAA, "check_passed": "true"}, "perspective-reply"),
    (200, json.dumps(CAA).encode() + b"x", "perspective-reply"),
    (200, {**CAA, "padding": "x" * 300000}, "perspective-reply"),
    (200, {**CAA, "nonce": "another"}, "result-mismatch"),
    (200, {**CAA, "domain_or_ip_target": "permit.org"}, "result-mismatch"),
    (200, {**CAA, "perspective_code": "aws:us-west-2"}, "perspective-identity"),
    (200, {**CAA, "private_root": True}, "private-root"),
), ids=lambda value: str(value)[:40])
def test_what_a_perspective_may_not_answer(mixed, checker, status, reply, code):
    caller, name = mixed
    checker.replies["/caa"] = (status, reply, {"Location": checker.url} if status == 302 else {})
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/6")
    # A stricter quorum makes it the one that matters.
    denied = caller.check("permit.com", {"quorum_count": 6})
    assert denied["is_valid"] is False
    assert denied["problem"]["code"] == code, denied["problem"]
    assert denied["problem"]["message"].startswith(
        f"5 of 6 perspectives corroborated; 6 needed. {name}: ")
    assert "no reason given" not in denied["problem"]["message"]


def test_a_test_network_whose_root_is_expected(coordinators, started, checker):
    checker.replies["/caa"] = (200, {**CAA, "private_root": True})
    caller = started(perspectives=checker.among(coordinators, private_root=True))[1]
    assert caller.check("permit.com", {"quorum_count": 6})["is_valid"] is True


# -- load


def test_dead_domains_do_not_hold_up_healthy_ones(caller):
    healthy = (("permit.com", True), ("deny.com", False), ("none.com", True),
               ("signed-permit.org", True), ("split.com", True), ("hijack.com", False),
               ("expired.org", False), ("b.c.d.e.deep.com", True))
    names = [healthy[i % 8][0] if i % 5 else DEAD[i // 5 % 4] for i in range(200)]
    verdicts = dict(healthy)
    for name, reply in zip(names, caller.at_once(names, deadline_ms=4000)):
        assert reply.status == 200
        assert (name, reply.json["is_valid"]) == (name, verdicts.get(name, False))
        if name in verdicts:
            assert reply.took_s < 1.5, name


def test_sighup_under_load_drops_nothing(started):
    daemon, caller = started(plain=False)
    stop, replies = threading.Event(), []

    def ask():
        connection = caller.connect()
        while not stop.is_set():
            replies.append(caller.mpic("permit.com", connection=connection))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        time.sleep(0.2)
        daemon.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(replies) > 50
    assert {(reply.status, reply.json["quorum"]) for reply in replies} == {(200, "6/6")}
    assert len(daemon.lines("the configuration was read again")) == 5


def test_sigterm_lets_requests_finish(coordinators, started, silent):
    rows = silenced(coordinators.perspectives(*range(6)), silent, 0)
    daemon, caller = started(perspectives=rows, linger_ms=1000)
    thread = in_background(lambda: caller.mpic("permit.com"))
    time.sleep(0.3)
    daemon.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(REFUSED):
        caller.mpic("permit.com")
    thread.join()
    assert (thread.reply.status, thread.reply.json["is_valid"]) == (200, True)
    assert coordinators.stop(daemon) == 0


def test_admission_limit(coordinators, started, silent):
    rows = silenced(coordinators.perspectives(*range(6)), silent, 0, 2, 4)
    daemon, caller = started(max_in_flight=3, max_waiting=0, perspectives=rows)
    held = [in_background(lambda: caller.mpic("permit.com", deadline_ms=1500)) for _ in range(3)]
    time.sleep(0.5)
    reply = caller.mpic("permit.com")
    assert reply.status == 503 and int(reply.headers["Retry-After"]) >= 1
    assert reply.json["detail"]
    assert caller.ask("/healthz").status == 200
    for thread in held:
        thread.join()
        assert (thread.reply.status, thread.reply.json["quorum"]) == (200, "3/6")
    assert caller.check("deny.com")["quorum"] == "0/6"
    assert len(daemon.lines("attempt")) == 4


# -- records


def test_metrics_agree_with_what_was_asked(coordinators, started):
    _, caller = started()
    for name in ("permit.com", "permit.com", "deny.com", "split.com"):
        caller.check(name)
    caller.check("deny.com", {"perspective_count": 2, "max_attempts": 3})
    assert caller.mpic("permit.com.").status == 400
    found = caller.metrics()
    assert found["mpic_answers_total"] == {
        'answer="valid"': 3, 'answer="not-valid"': 2, 'answer="refused"': 1,
        'answer="failed"': 0, 'answer="aborted"': 0}
    assert found["mpic_attempts_total"] == {"": 7}
    results = found["mpic_perspective_results_total"]
    by_result = {}
    for labels, value in results.items():
        result = labels.split('result="')[1].rstrip('"')
        by_result[result] = by_result.get(result, 0) + value
    assert by_result["passed"] == 6 + 6 + 5
    assert by_result["failed"] == 6 + 1 + 3 * 2
    assert sum(by_result.values()) == by_result["passed"] + by_result["failed"]
    expires = found["mpic_perspective_certificate_expires_seconds"]
    assert len(expires) == 6
    assert all(29 * 86400 < value - time.time() < 31 * 86400 for value in expires.values())


def test_a_configuration_that_could_serve_nobody(coordinators):
    rows = coordinators.perspectives(0, 1, 2)
    rows[0]["too_close_codes"] = [rows[1]["code"]]
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode != 0
    assert "default_perspective_count: no cohort of 3 can be had" in ended.stderr


FAULTS = (
    ({"plain": True, "listen": "0.0.0.0:8400"}, "plain: serves without authentication"),
    ({"tls_key": None}, "tls_certificate, tls_key and tls_ca: all three"),
    ({"tls_certificate": "/nonexistent.pem"}, "/nonexistent.pem"),
    ({"tls_ca": "/dev/null"}, "/dev/null"),
    ({"cohort_secret_file": "/dev/null"}, "cohort_secret_file: /dev/null holds 0 bytes"),
    ({"deadline_ms": 9000, "max_deadline_ms": 8000}, "deadline_ms: expected at most"),
    ({"policy": "none", "policy_file": None}, "/policy/none.yaml: "),
    ({"policy": "", "policy_file": None}, "policy: expected a name such as cabf-tls"),
    ({"policy": "../none", "policy_file": None}, "policy: expected a name such as cabf-tls"),
    ({"policy_file": "/dev/null"}, "/dev/null"),
    ({"retired_methods": ""}, "retired_methods: expected warn or refuse"),
    ({"retired_methods": "accept"}, "retired_methods: expected warn or refuse"),
    ({"regions_file": ""}, "No such file"),
    ({"log_level": ""}, "log_level: expected error, warning"),
    ({"caa_domains": [""]}, "caa_domains: item 1: expected a string"),
)


@pytest.mark.parametrize("wrong, says", FAULTS, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("arguments", ((), ("--check",)), ids=("start", "check"))
def test_configuration_fault(coordinators, wrong, says, arguments):
    ended = coordinators.run(coordinators.options(**wrong), *arguments)
    assert ended.returncode == 2
    assert says in ended.stderr


def test_a_perspective_without_a_place(coordinators):
    rows = coordinators.perspectives(*range(6))
    rows[0] |= {"code": "somewhere", "rir": "ARIN"}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert "somewhere has no place" in ended.stderr


@pytest.mark.parametrize("place, says", (
    ({"latitude": 0, "longitude": 0}, ""),
    ({"latitude": 0, "longitude": 12.5}, ""),
    ({"latitude": 12.5}, "somewhere: latitude without longitude: give both or neither"),
    ({"longitude": 0}, "somewhere: longitude without latitude: give both or neither"),
))
def test_a_place_is_two_numbers(coordinators, place, says):
    rows = coordinators.perspectives(*range(6))
    rows[0] |= {"code": "somewhere", "rir": "AFRINIC", **place}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert (ended.returncode, says in ended.stderr) == (2 if says else 0, True)
    assert ended.stderr.count("\n") == (1 if says else 0)


def test_a_place_has_the_rir_that_serves_it(coordinators):
    """Frankfurt, declared to be in another region, and with the signs of its place lost."""
    rows = coordinators.perspectives(*range(6))
    rows[2] |= {"rir": "APNIC"}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert (f"perspectives: {rows[2]['code']}: what lies at latitude 50.11, longitude 8.68 is not "
            "in the service region of APNIC") in ended.stderr
    rows[2] |= {"rir": "RIPE NCC", "latitude": -50.11, "longitude": -8.68}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert "latitude -50.11, longitude -8.68 is not in the service region of RIPE NCC" \
        in ended.stderr


def test_each_attempt_leaves_one_line(coordinators, started):
    daemon, caller = started()
    body = {"check_type": "caa", "domain_or_ip_target": "Hijack.com", "trace_identifier": "t-1\n",
            "caa_check_parameters": {"caa_domains": ["ca1.com"]}}
    caller.ask("/mpic", body)
    caller.check("deny.com", {"perspective_count": 3, "max_attempts": 2})
    lines = daemon.lines("attempt")
    assert [(line["target"], line["outcome"], line["quorum"], line["attempt"]) for line in lines] \
        == [("hijack.com", "not-valid", "1/6", "1"), ("deny.com", "not-valid", "0/3", "1"),
            ("deny.com", "not-valid", "0/3", "2")]
    assert (lines[0]["trace"], lines[0]["check"]) == ("t-1\n", "caa")
    results = dict(one.split("=") for one in lines[0]["results"].split())
    rows = coordinators.perspectives(*range(6))
    assert results == {row["code"]: "passed" if i == 2 else "caa-forbids"
                       for i, row in enumerate(rows)}


def test_a_caller_that_vanishes_leaves_one_line_too(coordinators, started, silent):
    rows = silenced(coordinators.perspectives(*range(6)), silent, 0, 2, 4)
    daemon, caller = started(perspectives=rows, caa_domains=["ca1.com"])
    connection = caller.connect()
    connection.request("POST", "/mpic", json.dumps({
        "check_type": "caa", "domain_or_ip_target": "permit.com"}).encode())
    time.sleep(0.4)
    connection.close()
    line = until(lambda: daemon.lines("attempt"))[0]
    assert (line["outcome"], line["target"], line["quorum"]) == ("aborted", "permit.com", "3/6")
    assert line["results"].count("=aborted") == line["results"].count("=passed") == 3
    assert caller.check("deny.com")["is_valid"] is False
    assert len(daemon.lines("attempt")) == 2
