"""POST /mpic/batch: many requests in one, each answered as it ends."""

import hashlib
import json
import re
import subprocess
import threading
import time

import pytest

import contract
from coordinators import Identity
from daemons import until
from minifleet import client

LINES = "application/x-ndjson"


def caa(name, **more):
    return {**client.caa_request(name, ["ca1.com"]), **more}


def lines_of(requests):
    return "".join(json.dumps(one) + "\n" for one in requests).encode()


def answered(reply):
    """{index: line} of a batch that was served."""
    assert (reply.status, reply.headers["Content-Type"]) == (200, LINES), reply.text
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert len({line["index"] for line in lines}) == len(lines)
    return {line["index"]: line for line in lines}


def verdicts(reply):
    return [line["response"].get("is_valid") for _, line in sorted(answered(reply).items())]


NAMES = ("permit.com", "deny.com", "none.com", "a.b.c.d.e.deep.com", "hijack.com")
EXPECTED = [True, False, True, True, False]


@pytest.mark.parametrize("body", (
    json.dumps([caa(name) for name in NAMES]).encode(),
    b" \n" + json.dumps([caa(name) for name in NAMES], indent=2).encode() + b"\n",
    lines_of(caa(name) for name in NAMES),
    b"\r\n\n" + lines_of(caa(name) for name in NAMES).replace(b"\n", b"\r\n  \r\n"),
    lines_of(caa(name) for name in NAMES).rstrip()), ids=("array", "indented", "lines", "blanks",
                                                         "no-end"))
def test_an_array_or_lines(caller, body):
    assert verdicts(caller.ask("/mpic/batch", body)) == EXPECTED


def test_a_line_is_the_answer_that_it_would_have_had(caller):
    reply = caller.ask("/mpic/batch", [caa("permit.com", trace_identifier="one of two"),
                                       caa("deny.com")])
    alone = caller.check("permit.com")
    line = answered(reply)[0]
    assert line["status"] == 200
    assert set(line["response"]) == set(alone)
    assert line["response"]["trace_identifier"] == "one of two"
    assert line["response"]["quorum"] == alone["quorum"] == "6/6"


def test_every_check_type_in_one(caller):
    dcv = {"validation_method": "dns-change", "challenge_value": "other-ca.example",
           "dns_record_type": "CAA"}
    reply = caller.ask("/mpic/batch", [
        caa("permit.com"),
        {"check_type": "dcv", "domain_or_ip_target": "deny.com", "dcv_check_parameters": dcv},
        {**caa("deny.com"), "check_type": "dcv_with_caa", "dcv_check_parameters": dcv}])
    assert [line["response"]["check_type"] for _, line in sorted(answered(reply).items())] == [
        "caa", "dcv", "dcv_with_caa"]


def test_a_bad_one_has_its_own_400_and_the_others_go_on(caller):
    bad = (b"{", b"7", b"[]", b'"text"', b"{}", b'{"check_type": "caa"}',
           b'{"check_type": "caa", "domain_or_ip_target": "a..com"}', b"\xff", b"null",
           b'{"check_type":"caa","check_type":"caa","domain_or_ip_target":"permit.com"}')
    body = b"\n".join((lines_of([caa("permit.com")]).strip(), *bad,
                       lines_of([caa("deny.com")]).strip()))
    found = answered(caller.ask("/mpic/batch", body))
    assert sorted(found) == list(range(len(bad) + 2))
    assert (found[0]["response"]["is_valid"], found[len(bad) + 1]["response"]["is_valid"]) == (
        True, False)
    for i in range(1, len(bad) + 1):
        assert found[i]["status"] == 400, bad[i - 1]
        alone = caller.ask("/mpic", bad[i - 1])
        assert (alone.status, alone.json) == (400, found[i]["response"]), bad[i - 1]


def test_the_status_of_a_line_on_request(caller):
    found = answered(caller.ask("/mpic/batch?status=verdict", [caa("permit.com"),
                                                                caa("deny.com")]))
    assert (found[0]["status"], found[1]["status"]) == (200, 422)


@pytest.mark.parametrize("body, issue", (
    (b"", "too_short"), (b"\n \n", "too_short"), (b"[]", "too_short"), (b"[{}", "json_invalid"),
    (b"[{}] x", "json_invalid"), (b"[{},]", "json_invalid")), ids=str)
def test_no_batch_at_all(caller, body, issue):
    reply = caller.ask("/mpic/batch", body)
    assert (reply.status, reply.json["validation_issues"][0]["issue_type"]) == (400, issue)


def test_more_than_may_be(started):
    _, caller = started(batch_max=3)
    for body in ([caa("permit.com")] * 4, lines_of([caa("permit.com")] * 4)):
        reply = caller.ask("/mpic/batch", body)
        assert reply.status == 400
        assert "at most 3 requests" in reply.json["validation_issues"][0]["message"]
    assert verdicts(caller.ask("/mpic/batch", [caa("permit.com")] * 3)) == [True] * 3


def test_larger_than_may_be(caller):
    """All of it, and one of it: larger than a request to /mpic may be."""
    large = caa("permit.com", filler="x" * 70000)
    found = answered(caller.ask("/mpic/batch", [large, caa("permit.com")]))
    assert found[0]["status"] == 413 and found[0]["response"]["detail"]
    assert found[1]["response"]["is_valid"] is True
    assert caller.ask("/mpic/batch", [caa("permit.com", filler="x" * 60000)] * 14).status == 413
    assert caller.ask("/mpic", large).status == 413


def test_a_hundred_names(caller):
    """As a certificate may have; all of them on one connection."""
    names = [f"n{i}.bench.com" for i in range(100)]
    assert verdicts(caller.ask("/mpic/batch", [caa(name) for name in names])) == [True] * 100


def test_each_is_answered_as_it_ends(caller, restored):
    """The slow one comes last, though it was first, and the others are there long before."""
    restored.set_behaviour("flip.com", "answer", delay_ms=1500)
    connection = caller.connect()
    connection.request("POST", "/mpic/batch", lines_of([caa("flip.com"), caa("permit.com"),
                                                        caa("deny.com")]))
    began, came = time.monotonic(), []
    for line in connection.getresponse().lines():
        came.append((json.loads(line)["index"], time.monotonic() - began))
    connection.close()
    assert {index for index, _ in came[:2]} == {1, 2} and came[2][0] == 0
    assert came[1][1] < 1 < 1.4 < came[2][1]


def test_deadlines_are_each_ones_own(caller):
    """Of those that begin late, too: the deadline runs from when one begins."""
    began = time.monotonic()
    reply = caller.ask("/mpic/batch", [caa("dead.com", deadline_ms=1000)] * 40)
    took_s = time.monotonic() - began
    assert verdicts(reply) == [False] * 40
    assert 2.5 < took_s < 8      # 16 at once
    for line in answered(reply).values():
        assert 800 < line["response"]["elapsed_ms"] < 1600


def test_so_many_at_once(started, restored):
    restored.set_behaviour("flip.com", "answer", delay_ms=300)
    _, caller = started(batch_at_once=2)
    most, stop = [0], threading.Event()

    def watch():
        while not stop.is_set():
            most[0] = max(most[0], caller.metrics()["mpic_http_in_flight"][""])

    watching = threading.Thread(target=watch)
    watching.start()
    reply = caller.ask("/mpic/batch", [caa("flip.com")] * 8)
    stop.set()
    watching.join()
    assert len(answered(reply)) == 8
    assert reply.took_s > 1.2
    assert most[0] == 3          # with the batch itself


def test_no_more_in_flight_than_may_be(started, restored):
    """A batch takes what room there is, and leaves what others have."""
    restored.set_behaviour("flip.com", "answer", delay_ms=300)
    _, caller = started(max_in_flight=4, batch_at_once=100)
    found = answered(caller.ask("/mpic/batch", [caa("flip.com")] * 12))
    assert {line["status"] for line in found.values()} == {200} and len(found) == 12
    assert caller.metrics()["mpic_http_overloaded_total"][""] == 0


def test_records_as_of_single_requests(started):
    daemon, caller = started()
    answered(caller.ask("/mpic/batch", [caa("permit.com", trace_identifier="a"), caa("deny.com"),
                                        {"check_type": "none"}]))
    lines = {line["target"]: line for line in daemon.lines("attempt")}
    assert set(lines) == {"permit.com", "deny.com"}
    assert lines["permit.com"]["trace"] == "a"
    metrics = caller.metrics()
    assert {answer: metrics["mpic_answers_total"][f'answer="{answer}"']
            for answer in ("valid", "not-valid", "refused")} == {
                "valid": 1, "not-valid": 1, "refused": 1}


def test_a_caller_that_vanishes(started, silent_names):
    """Those under way leave their records as aborted, the rest is never asked."""
    daemon, caller = started(batch_at_once=4)
    connection = caller.connect()
    connection.request("POST", "/mpic/batch", lines_of(caa(name) for name in silent_names))
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 5)
    connection.close()
    lines = until(lambda: len(found := daemon.lines("attempt")) >= 4 and found)
    assert {line["outcome"] for line in lines} == {"aborted"}
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 0)
    assert len(daemon.lines("attempt")) == 4
    assert caller.check("permit.com")["is_valid"] is True


@pytest.fixture
def silent_names():
    return [f"s{i}.dead.com" for i in range(12)]


def test_sigterm_ends_what_is_under_way_and_begins_no_more(coordinators, restored):
    restored.set_behaviour("flip.com", "answer", delay_ms=800)
    daemon, caller = coordinators.start(batch_at_once=2)
    replies = []
    asking = threading.Thread(target=lambda: replies.append(
        caller.ask("/mpic/batch", [caa("flip.com")] * 20)))
    asking.start()
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 3)
    daemon.process.terminate()
    asking.join()
    assert daemon.process.wait(10) == 0
    found = answered(replies[0])
    assert len(found) == 20
    statuses = [line["status"] for line in found.values()]
    assert statuses.count(200) in (2, 4) and set(statuses) == {200, 503}
    assert {line["retry_after_s"] for line in found.values() if line["status"] == 503} == {1}


def test_a_client_that_does_not_read(started):
    """No more are begun than it reads of; in the end it is let go."""
    daemon, caller = started(batch_max=10000, log_level="info")
    connection = caller.connect()
    connection.request("POST", "/mpic/batch", lines_of([caa("permit.com")] * 2500))

    def count():
        return len(daemon.lines("attempt"))

    until(lambda: count() > 100)
    before = -1
    while before != (before := count()):
        time.sleep(1)
    assert before < 1500
    assert caller.check("permit.com")["is_valid"] is True
    connection.close()
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 0)


def test_who_may_not_ask_hears_so_once(coordinators):
    """Before anything of the batch is looked into."""
    daemon, caller = coordinators.start(plain=False)
    stranger = coordinators.caller(daemon, Identity(coordinators.parts["coordinator"]))
    reply = stranger.ask("/mpic/batch", [caa("permit.com")] * 3)
    assert reply.status == 401 and "is no caller's" in reply.json["detail"]
    assert verdicts(caller.ask("/mpic/batch", [caa("permit.com")] * 3)) == [True] * 3


# -- the limits of its caller, which count requests and not batches


def limited(started, **limits):
    token = hashlib.sha256(b"limited").hexdigest()
    row = {"name": "limited", "token_sha256": hashlib.sha256(token.encode()).hexdigest(), **limits}
    daemon, caller = started(callers=[row])
    caller.token = token
    return daemon, caller


def ask(caller, requests):
    connection = caller.connect()
    connection.request("POST", "/mpic/batch", json.dumps(requests).encode(),
                       {"Authorization": f"Bearer {caller.token}"})
    lines = [json.loads(line) for line in connection.getresponse().lines()]
    connection.close()
    return lines


def test_a_concurrency_is_kept_to(started, restored):
    restored.set_behaviour("flip.com", "answer", delay_ms=200)
    _, caller = limited(started, concurrency=3)
    began = time.monotonic()
    lines = ask(caller, [caa("flip.com")] * 12)
    assert [line["status"] for line in lines] == [200] * 12
    assert time.monotonic() - began > 0.7      # four times three


def test_a_rate_is_waited_for(started):
    _, caller = limited(started, rate=4, burst=3)
    began = time.monotonic()
    lines = ask(caller, [caa("permit.com")] * 9)
    assert [line["status"] for line in lines] == [200] * 9
    assert time.monotonic() - began > 1        # six more than the burst


def test_a_check_that_its_caller_may_not_ask_for(started):
    _, caller = limited(started, check_types=["dcv"])
    (line,) = ask(caller, [caa("permit.com")])
    assert line["status"] == 403 and "caa" in line["response"]["detail"]


# -- mpic batch


@pytest.fixture
def run(build_dir, caller):
    def run(body, *arguments):
        return subprocess.run([build_dir / "mpic", "batch", "-", "--coordinator",
                               "http://{}:{}".format(*caller.address), *arguments],
                              input=body, capture_output=True, timeout=60, check=False)
    return run


@pytest.mark.parametrize("names, status, said", (
    (("permit.com", "none.com"), 0, b"2 yes, 0 no, 0 errors\n"),
    (("permit.com", "deny.com"), 1, b"1 yes, 1 no, 0 errors\n"),
    (("permit.com", "deny.com", "a..com"), 2, b"1 yes, 1 no, 1 errors\n")), ids=str)
def test_the_command(run, names, status, said):
    ended = run(lines_of(caa(name) for name in names))
    assert (ended.returncode, ended.stderr) == (status, said)
    heads = set(re.findall(rb"^(\d+): ", ended.stdout, re.MULTILINE))
    assert heads == {str(i).encode() for i in range(len(names))}
    assert b"yes  caa permit.com  quorum 6/6" in ended.stdout


def test_the_command_with_json(run):
    ended = run(json.dumps([caa("permit.com"), caa("deny.com")]).encode(), "--json")
    lines = {line["index"]: line for line in map(json.loads, ended.stdout.splitlines())}
    assert [lines[i]["response"]["is_valid"] for i in (0, 1)] == [True, False]
    schema = contract.document()["components"]["schemas"]["BatchLine"]
    assert [contract.faults(schema, line) for line in lines.values()] == [[], []]


@pytest.mark.parametrize("body, says", ((b"", b"is empty"),
                                        (b"x" * 800000, b"more than")), ids=("none", "large"))
def test_the_command_without_a_batch(run, body, says):
    ended = run(body)
    assert ended.returncode == 2 and says in ended.stderr and ended.stdout == b""
