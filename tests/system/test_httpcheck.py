"""mpic-httpcheck as a service: who may ask, how long it takes, what it survives."""

import base64
import concurrent.futures
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from daemons import until
from minifleet import pki
from perspective import Perspective, caa_body

REFUSED = (ssl.SSLError, OSError)  # http.client's errors of a closed connection are OSErrors, too


@pytest.fixture(scope="module")
def perspective(build_dir, unbound_prefix, world, tmp_path_factory):
    """One whose Unbound runs for all of the file: tests that stop theirs use `own`."""
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("perspective")) as running:
        running.start_unbound()
        yield running


@pytest.fixture
def own(build_dir, unbound_prefix, world, tmp_path):
    """A perspective of the test's own, nothing started."""
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path, 3) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(perspective):
    return perspective.start()[0]


@pytest.fixture(scope="module")
def client(perspective, daemon):
    return perspective.client(daemon)


@pytest.fixture
def started(perspective):
    """start(**options) gives (daemon, client), stopped after the test."""
    with perspective.for_a_test() as start:
        yield start


def checks_counted(client):
    return sum(client.metrics()["mpic_checks_total"].values())


def problem(result):
    got = result["problem"]
    return got["code"], got["fault"], got["retryable"]


# -- requests


def test_a_request_of_open_mpic(client):
    """Exactly the members of its CaaCheckRequest, answered with those of its CheckResponse."""
    body = {"check_type": "caa", "domain_or_ip_target": "www.permit.com",
            "caa_check_parameters": {"certificate_type": "tls-server", "caa_domains": ["ca1.com"],
                                     "allow_lookup_failure": False},
            "trace_identifier": "trace-1"}
    reply = client.ask("/caa", body)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    got = reply.json
    assert got["check_completed"] is True and got["check_passed"] is True
    assert got["errors"] is None and got["check_type"] == "caa"
    assert isinstance(got["timestamp_ns"], int)
    expected = {"caa_record_present": True, "found_at": "permit.com",
                "records_seen": ['0 issue "ca1.com"']}
    assert expected.items() <= got["details"].items()


def test_optional_members_may_be_null_or_absent(started):
    _, client = started(caa_domains=["ca1.com"])
    for body in ({"domain_or_ip_target": "permit.com"},
                 {"domain_or_ip_target": "permit.com", "caa_check_parameters": None,
                  "trace_identifier": None, "check_type": None, "deadline_ms": None},
                 {"domain_or_ip_target": "permit.com", "caa_check_parameters": {"caa_domains": []}},
                 {"domain_or_ip_target": "permit.com", "something_newer": {"x": [1]}}):
        assert client.ask("/caa", body).json["check_passed"] is True


def test_the_nonce_comes_back(client):
    got = client.ask("/caa", {**caa_body("permit.com"), "nonce": "n-1"}).json
    assert got["nonce"] == "n-1"


def test_a_policy_without_rfc_8657(client):
    body = caa_body("account.com")
    assert client.ask("/caa", body).json["check_passed"] is False
    assert client.ask("/caa", {**body, "ignore_rfc8657": True}).json["check_passed"] is True


def test_a_u_label_is_asked_as_its_a_label(client):
    assert client.caa("bücher.permit.com")["details"]["looked_up"][0] == "xn--bcher-kva.permit.com"


def test_many_checks_on_one_connection(client):
    connection = client.connect()
    for name, passed in (("permit.com", True), ("deny.com", False)) * 10:
        reply = client.ask("/caa", caa_body(name), connection)
        assert reply.json["check_passed"] is passed
    connection.close()


BAD = (
    (b"", {("json_invalid", 0)}),
    (b"{", {("json_invalid", 1)}),
    (b"[]", {("model_attributes_type",)}),
    (b'{"domain_or_ip_target": "a.com", "domain_or_ip_target": "b.com"}', {("json_invalid", 64)}),
    (b'{"domain_or_ip_target": "\xff.com"}', {("json_invalid", 25)}),
    ({}, {("missing", "domain_or_ip_target")}),
    ({"domain_or_ip_target": 7}, {("string_type", "domain_or_ip_target")}),
    ({"domain_or_ip_target": ""}, {("string_too_short", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "permit.com."}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "a..com"}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "a b.com"}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "a.com\0.b"}, {("string_nul", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "x.*.com"}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "a" * 64 + ".com"}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "93.184.216.10"}, {("invalid-target", "domain_or_ip_target")}),
    ({"domain_or_ip_target": "2606:2800::1"}, {("invalid-target", "domain_or_ip_target")}),
    ({"check_type": "dcv"}, {("enum", "check_type")}),
    ({"caa_check_parameters": []}, {("model_attributes_type", "caa_check_parameters")}),
    ({"caa_check_parameters": {"caa_domains": []}},
     {("missing", "caa_check_parameters", "caa_domains")}),
    ({"deadline_ms": 0}, {("greater_than_equal", "deadline_ms")}),
    ({"deadline_ms": 1e9}, {("int_type", "deadline_ms")}),
    ({"nonce": "x" * 65}, {("string_too_long", "nonce")}),
    # everything that is wrong, at once
    ({"domain_or_ip_target": "-.com", "check_type": "x", "deadline_ms": "5", "trace_identifier": 1,
      "caa_check_parameters": {"certificate_type": "tls", "caa_domains": ["ca1.com", 5, ""],
                               "allow_lookup_failure": "yes", "account_uris": "x",
                               "validation_methods": ["y"] * 65}},
     {("invalid-target", "domain_or_ip_target"), ("enum", "check_type"),
      ("int_type", "deadline_ms"), ("string_type", "trace_identifier"),
      ("enum", "caa_check_parameters", "certificate_type"),
      ("string_type", "caa_check_parameters", "caa_domains", 1),
      ("string_too_short", "caa_check_parameters", "caa_domains", 2),
      ("bool_type", "caa_check_parameters", "allow_lookup_failure"),
      ("list_type", "caa_check_parameters", "account_uris"),
      ("too_long", "caa_check_parameters", "validation_methods")}),
)


@pytest.mark.parametrize("body, faults", BAD, ids=lambda value: str(value)[:40])
def test_bad_request(client, body, faults):
    if isinstance(body, dict) and body:
        body = {**caa_body("permit.com"), **body}
    before = checks_counted(client)
    reply = client.ask("/caa", body)
    assert reply.status == 400
    assert reply.json["error"] == "request-validation-failed"
    issues = reply.json["validation_issues"]
    assert {(issue["type"], *issue["loc"][1:]) for issue in issues} == faults
    for issue in issues:
        assert issue["loc"][0] == "body"
        assert issue["issue_type"] == issue["type"] and issue["message"] == issue["msg"]
        assert issue["msg"].startswith("expected ")
    assert checks_counted(client) == before


@pytest.mark.parametrize("path, body, status", (
    ("/nothing", None, 404), ("/caa", None, 405), ("/healthz", b"{}", 405),
    ("/other", {}, 404), ("/dcv", None, 405), ("/caa", b" " * 70000, 413)))
def test_wrong_in_itself(client, path, body, status):
    reply = client.ask(path, body)
    assert reply.status == status
    assert reply.json["detail"]
    assert ("Allow" in reply.headers) is (status == 405)


# -- answers of unusual size


def test_a_name_of_many_labels(client):
    """Every one of its parents is looked up, to the longest name there is."""
    for more in (38, 121):
        got = client.caa("a." * more + "permit.com")
        assert got["check_passed"] is True
        assert len(got["details"]["looked_up"]) == more + 1
        assert got["details"]["found_at"] == "permit.com"


def generic(value, tag=b"issue"):
    rdata = bytes((0, len(tag))) + tag + value
    return f"\\# {len(rdata)} {rdata.hex()}"


def test_one_huge_record_of_octets_that_are_no_text(client, restored):
    """It cannot push the result over what a coordinator reads; that would be nobody's fault."""
    restored.set_records("flip.com", "CAA", [generic(b"\xff" * 39000)])
    reply = client.ask("/caa", caa_body("flip.com"))
    assert len(reply.text) < 256 * 1024
    assert problem(reply.json) == ("dns-too-large", "target", False)
    assert reply.json["check_passed"] is False


def test_more_than_an_rrset_may_have(client, restored):
    restored.set_records("flip.com", "CAA", [generic(b"x" * 45000)])
    got = client.caa("flip.com", allow_lookup_failure=True)
    assert problem(got) == ("dns-too-large", "target", False)


def test_nothing_is_cached(client, restored):
    for issuer, passed in (("ca1.com", True), ("ca2.com", False), ("ca1.com", True)):
        restored.set_records("flip.com", "CAA", [f'0 issue "{issuer}"'], ttl=86400)
        assert client.caa("flip.com")["check_passed"] is passed


# -- who may ask


def test_no_certificate(perspective, daemon, client):
    before = client.metrics()["mpic_http_handshakes_failed_total"][""]
    with pytest.raises(REFUSED):
        perspective.client(daemon, identity=None).ask("/caa", caa_body("permit.com"))
    assert client.metrics()["mpic_http_handshakes_failed_total"][""] == before + 1


def test_certificate_of_another_authority(perspective, daemon, tmp_path):
    other = pki.Authority(str(tmp_path / "pki"))
    identity = other.issue("coordinator", pki.COORDINATOR, "127.0.0.1")
    with pytest.raises(REFUSED):
        perspective.client(daemon, identity).ask("/caa", caa_body("permit.com"))


@pytest.mark.parametrize("uri, named", (
    ("urn:mpic:perspective:aws:eu-north-1", "urn:mpic:perspective:aws:eu-north-1"),
    ("urn:mpic:coordinator2", "urn:mpic:coordinator2"),
    ("URN:mpic:coordinator", "URN:mpic:coordinator"),
    ("https://coordinator.example", "no identity")))
def test_another_identity(perspective, daemon, uri, named):
    stranger = perspective.client(daemon, perspective.issue("stranger", uri))
    reply = stranger.ask("/caa", caa_body("permit.com"))
    assert reply.status == 403
    assert named in reply.json["detail"]
    assert stranger.ask("/healthz").status == 200


def test_several_callers(perspective, started):
    daemon, client = started(callers=["urn:mpic:coordinator:a", "urn:mpic:coordinator"])
    other = perspective.client(daemon, perspective.issue("a", "urn:mpic:coordinator:a"))
    assert client.caa("permit.com")["check_passed"]
    assert other.caa("permit.com")["check_passed"]
    assert {line["caller"] for line in daemon.lines("check")} == {
        "urn:mpic:coordinator:a", "urn:mpic:coordinator"}


def test_no_secret_is_printed_or_logged(perspective, started, monkeypatch, tmp_path):
    """Keys that are systemd credentials, at log level debug, and --dump without them."""
    pki.signing_key(str(tmp_path / "sign"), str(tmp_path / "sign.pub"))
    (tmp_path / "tls").write_bytes(Path(perspective.identity.key).read_bytes())
    keys = {"signing_key": "credential:sign", "tls_key": "credential:tls"}
    dump = perspective.run(perspective.options(**keys), "--dump")
    assert dump.returncode == 0 and 'signing_key: "credential:sign"' in dump.stdout
    ended = perspective.run(perspective.options(**keys), "--check")
    assert ended.returncode == 2 and "there is no $CREDENTIALS_DIRECTORY" in ended.stderr
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    daemon, client = started(log_level="debug", **keys)
    assert client.caa("permit.com")["check_passed"]
    assert client.ask("/caa", b"{").status == 400
    text = dump.stdout + ended.stderr + Path(daemon.log).read_text(encoding="utf-8")
    assert "permit.com" in text
    for name in ("sign", "tls"):
        for line in (tmp_path / name).read_text(encoding="ascii").splitlines()[1:-1]:
            assert line not in text


def test_tls_1_2_is_refused(client, perspective, daemon):
    old = perspective.client(daemon)
    old.context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(REFUSED):
        old.ask("/healthz")
    assert client.ask("/healthz").status == 200


def test_plain_http_to_the_tls_port(perspective, daemon, client):
    with pytest.raises(REFUSED):
        perspective.client(daemon, plain=True).ask("/healthz")
    assert client.ask("/healthz").status == 200


def test_plain_on_loopback(started):
    daemon, client = started(plain=True, tls_certificate=None, tls_key=None, tls_ca=None)
    assert client.caa("permit.com")["check_passed"]
    assert daemon.lines("check")[0]["caller"] == "plain"


# -- time


@pytest.mark.parametrize("name", ("dead.com", "slow5.com", "x.y.dead-signed.org"))
def test_deadline_of_the_request(client, name):
    """Dead zones cost what the request says, not what the resolver would try."""
    reply = client.ask("/caa", caa_body(name, deadline_ms=500))
    assert reply.status == 200
    assert 0.45 < reply.took_s < 0.8
    assert problem(reply.json) == ("dns-timeout", "target", True)
    assert f"name servers of {name} within 500 ms" in reply.json["problem"]["message"]
    assert reply.json["check_completed"] is False


@pytest.mark.parametrize("limit, asked, least, most", (
    ("400", 60000, 0.35, 0.7), ("60000", 400, 0.35, 0.7), ("400 ms", 60000, 0.35, 0.7),
    ("soon", 400, 0.35, 0.7), ("-1", 400, 0.35, 0.7), ("0", 60000, 0, 0.3)))
def test_whoever_passes_a_check_on_has_less_time(client, limit, asked, least, most):
    """And leaves the body, whose digest is signed, as it is."""
    body = json.dumps(caa_body("dead.com", deadline_ms=asked))
    connection = client.connect()
    began = time.monotonic()
    connection.request("POST", "/caa", body, {"Content-Type": "application/json",
                                              "Parallax-Limit-Ms": limit})
    result = json.loads(connection.getresponse().read())
    took = time.monotonic() - began
    connection.close()
    assert least < took < most
    assert result["problem"]["code"] == "dns-timeout"


def test_deadlines_of_the_configuration(started):
    _, client = started(deadline_ms=300, max_deadline_ms=700)
    for asked, least, most in ((None, 0.28, 0.6), (60000, 0.65, 1.0)):
        reply = client.ask("/caa", caa_body("dead.com", deadline_ms=asked))
        assert least < reply.took_s < most
        assert reply.json["problem"]["code"] == "dns-timeout"


def test_dead_domains_do_not_hold_up_healthy_ones(client):
    dead = [client.send(f"d{i}.dead.com", deadline_ms=4000) for i in range(100)]
    took = [client.ask("/caa", caa_body("permit.com")).took_s for _ in range(20)]
    assert sorted(took)[10] < 0.1
    for connection in dead:
        connection.close()


def test_admission_limit(started):
    daemon, client = started(max_in_flight=4)
    busy = [client.send("dead.com", deadline_ms=20000) for _ in range(4)]
    until(lambda: client.metrics()["mpic_http_in_flight"][""] == 4)
    reply = client.ask("/caa", caa_body("permit.com"))
    assert reply.status == 503
    assert reply.headers["Retry-After"] == "1"
    assert reply.json["detail"]
    assert client.ask("/healthz").status == client.ask("/readyz").status == 200
    assert client.metrics()["mpic_http_overloaded_total"][""] == 1
    for connection in busy:
        connection.close()
    until(lambda: client.metrics()["mpic_http_in_flight"][""] == 0)
    assert client.caa("permit.com")["check_passed"]
    assert len(daemon.lines("check")) == 5


# -- records


def test_a_client_that_vanishes_leaves_one_record(started):
    daemon, client = started()
    client.caa("permit.com")
    client.caa("deny.com")
    client.send("dead.com", deadline_ms=20000).close()
    gone = until(lambda: daemon.lines("check")[2:])
    assert [(line["target"], line["problem"]) for line in gone] == [("dead.com", "aborted")]
    metrics = client.metrics()
    checks = {labels: count for labels, count in metrics["mpic_checks_total"].items() if count}
    assert checks == {f'method="caa",result="{result}"': 1
                      for result in ("passed", "denied", "failed")}
    assert metrics["mpic_problems_total"]['problem="aborted"'] == 1
    assert metrics["mpic_problems_total"]['problem="caa-forbids"'] == 1
    assert metrics["mpic_http_gone_total"][""] == 1
    assert metrics["mpic_check_seconds_count"]['method="caa"'] == 3
    time.sleep(0.3)
    assert len(daemon.lines("check")) == 3


def test_every_check_started_is_counted_once(started):
    daemon, client = started()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(client.caa, name, deadline_ms=300)
                 for name in ("permit.com", "deny.com", "dead.com", "expired.org") * 10]
        left = [client.send("dead.com", deadline_ms=300) for _ in range(10)]
        for connection in left[:5]:
            connection.close()
        for future in asked:
            future.result()
    until(lambda: checks_counted(client) == 50)
    assert len(daemon.lines("check")) == 50


def test_the_log_line_of_a_check(client, daemon):
    mark = daemon.mark()
    client.ask("/caa", {**caa_body("www.deny.com"), "trace_identifier": 'a"b\nc'})
    line, = until(lambda: daemon.lines("check", mark))
    expected = {"level": "info", "type": "caa", "perspective": "aws:eu-central-1",
                "target": "www.deny.com", "trace": 'a"b\nc', "caller": "urn:mpic:coordinator",
                "passed": "no", "problem": "caa-forbids", "reason": "other-issuer",
                "found_at": "deny.com", "dnssec": "insecure"}
    assert expected.items() <= line.items()


def test_metrics(client):
    client.caa("permit.com")
    reply = client.ask("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    metrics = client.metrics()
    assert metrics["mpic_tls_certificate_expires_seconds"][""] > time.time() + 29 * 86400
    buckets = {labels: count for labels, count in metrics["mpic_check_seconds_bucket"].items()
               if 'method="caa"' in labels}
    assert list(buckets.values()) == sorted(buckets.values())
    assert (buckets['method="caa",le="+Inf"'] ==
            metrics["mpic_check_seconds_count"]['method="caa"'] > 0)
    assert list(metrics["mpic_fetcher_restarts_total"].values()) == [0]


# -- the resolver


def test_ready_only_while_unbound_answers(own):
    daemon = own.start()[0]
    client = own.client(daemon)
    reply = client.ask("/readyz")
    assert reply.status == 503 and reply.took_s < 3
    assert reply.json["status"] == "not-ready" and reply.json["resolver"] is None
    assert "the resolver of this perspective" in reply.json["detail"]
    got = client.caa("permit.com")
    assert problem(got) == ("resolver-unreachable", "perspective", True)
    own.start_unbound()
    until(lambda: client.ask("/readyz").json["status"] == "ready")
    own.signal_unbound(signal.SIGTERM)
    assert client.ask("/readyz").status == 503
    assert client.ask("/healthz").json == {"status": "healthy"}
    own.start_unbound()
    until(lambda: client.ask("/readyz").status == 200)
    assert client.caa("permit.com")["check_passed"]


def test_another_root_of_the_dns_is_said(started):
    assert started(private_root=True)[1].caa("permit.com")["private_root"] is True
    assert "private_root" not in started()[1].caa("permit.com")


def test_unbound_that_hangs(own):
    own.start_unbound()
    client = own.client(own.start()[0])
    assert client.caa("permit.com")["check_passed"]
    own.signal_unbound(signal.SIGSTOP)
    reply = client.ask("/readyz")
    assert reply.status == 503
    assert reply.json["detail"] == "the resolver of this perspective does not answer"
    assert client.caa("permit.com", deadline_ms=300)["problem"]["retryable"] is True
    problem = client.caa("permit.com", deadline_ms=2800)["problem"]
    assert (problem["code"], problem["fault"]) == ("resolver-unreachable", "perspective")
    own.signal_unbound(signal.SIGCONT)
    assert client.ask("/readyz").status == 200
    assert client.caa("permit.com")["check_passed"]


def test_unbound_without_the_module(own):
    own.start_unbound(['module-config: "validator iterator"'])
    client = own.client(own.start()[0])
    reply = client.ask("/readyz")
    assert reply.status == 503
    assert "module did not run" in reply.json["detail"]
    got = client.caa("permit.com", allow_lookup_failure=True)
    assert problem(got) == ("resolver-no-evidence", "perspective", True)
    assert got["check_passed"] is False


def test_unbound_reloaded_under_checks_loses_none(own):
    own.start_unbound()
    client = own.client(own.start()[0])
    stop, failed, count = threading.Event(), [], [0] * 8

    def ask(worker):
        connection = client.connect()
        while not stop.is_set():
            name = f"n{worker * 600 + count[worker] % 600}.bench.com"
            reply = client.ask("/caa", caa_body(name), connection)
            count[worker] += 1
            if reply.status != 200 or not reply.json["check_passed"]:
                failed.append(reply.text)
        connection.close()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(count))]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.6)
        own.signal_unbound(signal.SIGHUP)
    time.sleep(0.6)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert sum(count) > 200


def test_unbound_restarted_under_checks(own, restored):
    """Back within a second, and the checks under way are asked again."""
    restored.set_behaviour("flip.com", "answer", delay_ms=200)
    own.start_unbound()
    client = own.client(own.start()[0])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.caa, "flip.com") for _ in range(8)]
        until(lambda: client.metrics()["mpic_http_in_flight"][""] == 8)
        own.signal_unbound(signal.SIGKILL)
        time.sleep(0.3)
        own.start_unbound()
        assert all(future.result()["check_passed"] for future in asked)


def test_unbound_killed_under_checks(own):
    own.start_unbound()
    client = own.client(own.start()[0])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.caa, f"x{i}.dead.com", deadline_ms=15000) for i in range(8)]
        until(lambda: client.metrics()["mpic_http_in_flight"][""] == 8)
        time.sleep(0.2)
        started = time.monotonic()
        own.signal_unbound(signal.SIGKILL)
        for future in asked:
            assert problem(future.result()) == ("resolver-unreachable", "perspective", True)
        assert time.monotonic() - started < 3
    own.start_unbound()
    assert client.caa("permit.com")["check_passed"]


# -- the process


def test_without_workers(started):
    """It serves by itself, for debuggers; a sanitized build looks for leaks when it ends."""
    daemon, client = started(workers=0)
    fetcher, = daemon.workers()    # its only child
    with open(f"/proc/{fetcher}/cmdline", "rb") as command:
        assert b"fetcher" in command.read()
    client.many(["permit.com", "deny.com", "expired.org", "refused.com", "big.com"] * 4)
    assert client.ask("/caa", {"domain_or_ip_target": 1, "nonce": 2}).status == 400
    assert client.ask("/readyz").status == 200
    client.send("dead.com", deadline_ms=5000).close()
    until(lambda: checks_counted(client) == 21)
    client.caa("dead.com", deadline_ms=200)


def test_a_killed_worker_is_replaced(started):
    daemon, client = started(workers=2)
    before = until(lambda: len(daemon.workers()) == 2 and daemon.workers())
    os.kill(before[0], signal.SIGKILL)
    after = until(lambda: len(daemon.workers()) == 2 and set(daemon.workers()) - set(before))
    assert len(after) == 1
    results = client.many([f"n{i}.bench.com" for i in range(40)])
    assert all(got["check_passed"] for got in results)
    assert daemon.lines("a worker died and is started again")[0]["by"] == "signal 9"
    assert checks_counted(client) == 40


def test_the_limit_on_open_files_is_raised(own):
    """Else the 1024 that a process begins with ends it: a check in flight is a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        daemon = own.start()[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for pid in (daemon.pid, *daemon.workers()):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_sigterm_lets_checks_finish(started):
    daemon, client = started()
    connection = client.send("dead.com", deadline_ms=1200)
    idle = client.connect()
    idle.connect()
    until(lambda: client.metrics()["mpic_http_in_flight"][""] == 1)
    began = time.monotonic()
    daemon.process.terminate()
    reply = connection.getresponse()
    assert reply.status == 200 and reply.getheader("Connection") == "close"
    assert b'"dns-timeout"' in reply.read()
    assert daemon.process.wait(10) == 0
    assert 0.3 < time.monotonic() - began < 3
    assert daemon.lines("check")[-1]["problem"] == "dns-timeout"
    with pytest.raises(REFUSED):
        client.ask("/healthz")


def test_ctrl_c(perspective):
    """The terminal signals every process of the group, and the supervisor its workers as well."""
    for _ in range(5):
        daemon = perspective.start(workers=4)[0]
        os.killpg(daemon.pid, signal.SIGINT)
        assert daemon.process.wait(10) == 0


def test_sighup_reads_the_certificates_again(perspective, started, tmp_path):
    files = {name: str(tmp_path / name) for name in ("tls_certificate", "tls_key", "tls_ca")}

    def install(authority, identity):
        for name, path in zip(files, (identity.certificate, identity.key, authority.certificate)):
            shutil.copy(path, files[name])

    install(perspective.authority, perspective.identity)
    daemon, client = started(**files)
    old = client.connect()
    assert client.ask("/caa", caa_body("permit.com"), old).status == 200

    with open(files["tls_certificate"], "w", encoding="ascii") as broken:
        broken.write("nothing of use\n")
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: daemon.lines("the certificate files cannot be used; the old ones stay"))
    assert client.ask("/healthz").status == 200

    authority = pki.Authority(str(tmp_path / "pki"))
    install(authority, authority.issue("p", pki.PERSPECTIVE + "aws:eu-central-1",
                                       daemon.address[0]))
    daemon.process.send_signal(signal.SIGHUP)
    newer = type(client)(daemon, authority.issue("c", pki.COORDINATOR, daemon.address[0]),
                         authority)

    def accepted():
        try:
            return newer.ask("/healthz").status == 200
        except REFUSED:
            return False

    until(accepted)
    with pytest.raises(REFUSED):
        client.ask("/healthz")
    # Nor is the connection that it had: its CA is gone.
    with pytest.raises(REFUSED):
        client.ask("/caa", caa_body("permit.com"), old)
    old.close()


def test_sighup_reads_the_signing_key_again(started, tmp_path):
    pki.signing_key(str(tmp_path / "sign.key"), str(tmp_path / "first.pub"))
    daemon, client = started(signing_key=str(tmp_path / "sign.key"), workers=2)
    lines = daemon.lines("results are signed")
    first = lines[0]["key"]

    def signer():
        header = client.caa("permit.com")["signature"].split(".")[0]
        return json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]

    assert signer() == first
    (tmp_path / "sign.key").write_text("nothing of use\n", encoding="ascii")
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: len(daemon.lines("the signing key cannot be used; the old one stays")) == 2)
    assert {signer() for _ in range(8)} == {first}
    pki.signing_key(str(tmp_path / "sign.key"), str(tmp_path / "second.pub"))
    mark = daemon.mark()
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: len(daemon.lines("results are signed", mark)) == 2)
    second = daemon.lines("results are signed", mark)[0]["key"]
    assert second != first
    assert {signer() for _ in range(8)} == {second}


# -- the configuration

FAULTS = (
    ({"code": None}, "code: is required"),
    ({"code": "x" * 65}, "code: "),
    ({"listen": "nowhere"}, "listen: "),
    ({"no_such_option": 1}, "no_such_option: "),
    ({"workers": 257}, "workers: "),
    ({"max_in_flight": 0}, "max_in_flight: "),
    ({"callers": []}, "callers: "),
    ({"resolver": "192.0.2.1:53"}, "resolver: answers are not authenticated"),
    ({"deadline_ms": 50}, "deadline_ms: "),
    ({"deadline_ms": 9000, "max_deadline_ms": 8000}, "deadline_ms: 9000 is more than"),
    ({"log_level": "loud"}, 'log_level: expected error, warning, notice, info or debug, found '),
    ({"plain": True, "listen": "0.0.0.0:8443"}, "listen must be a loopback address"),
    ({"plain": True, "listen": "[2001:db8::1]:8443"}, "listen must be a loopback address"),
    ({"tls_key": None}, "tls_certificate, tls_key and tls_ca: all three"),
    ({"tls_certificate": "/nonexistent.pem"}, "/nonexistent.pem"),
    ({"tls_ca": "/dev/null"}, "/dev/null"),
)


@pytest.mark.parametrize("wrong, says", FAULTS, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("arguments", ((), ("--check",)), ids=("start", "check"))
def test_configuration_fault(perspective, wrong, says, arguments):
    ended = perspective.run(perspective.options(**wrong), *arguments)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert ended.stdout == ""


def test_every_configuration_fault_is_named(perspective):
    wrong = perspective.options(log_level="loud", resolver="192.0.2.1:53", deadline_ms=9000,
                                max_deadline_ms=8000, plain=True, listen="0.0.0.0:1")
    lines = perspective.run(wrong, "--check").stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["log_level", "plain", "deadline_ms",
                                                       "resolver"]


def test_a_good_configuration(perspective):
    ended = perspective.run(perspective.options(), "--check")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_address_in_use(perspective):
    with socket.socket() as taken:
        taken.bind((perspective.address, 0))
        taken.listen()
        listen = f"{perspective.address}:{taken.getsockname()[1]}"
        ended = perspective.run(perspective.options(listen=listen))
    assert ended.returncode == 1
    assert listen in ended.stderr
