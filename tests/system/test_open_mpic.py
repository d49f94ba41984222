"""Perspectives that speak only Open MPIC's API, behind API gateways; and rogue ones of ours.

A stand-in answers just the shapes of that API. Ours are stood in for by a relay that
passes a check on to the real perspective, changed, and so answers with results that are
genuine and not of this check.
"""

import json
import signal
import ssl
import subprocess
from pathlib import Path

import pytest

import dcv
import gateways
from coordinators import by_code, policy_file
from daemons import until
from gateways import SECRET, Relay, of_request, of_result
from stand_ins import CAA, DCV

PATHS = {"/caa": CAA, "/dcv": DCV}
# The whole of a request, by its specification and its implementation.
MEMBERS = {"/caa": {"domain_or_ip_target", "trace_identifier", "caa_check_parameters"},
           "/dcv": {"domain_or_ip_target", "trace_identifier", "dcv_check_parameters"}}
UNBOUND = {"protocol": "open-mpic", "signed": False, "bound": False}


# -- a checker of Open MPIC's behind a gateway


@pytest.fixture(scope="module")
def web_pki(tmp_path_factory):
    return gateways.authority(tmp_path_factory.mktemp("web"))


@pytest.fixture
def headers_file(tmp_path):
    return gateways.headers_file(tmp_path)


def counted(caller, name, **more):
    """The answer for which every perspective is needed."""
    return caller.check(name, {"quorum_count": 6}, **more)


def test_it_is_asked_with_that_protocols_members_and_no_other(coordinators, started, checker):
    rows = checker.among(coordinators)
    caller = started(perspectives=rows)[1]
    body = {"check_type": "dcv_with_caa", "domain_or_ip_target": "page.web.com",
            "trace_identifier": "t-1", "dcv_check_parameters": dcv.http01(),
            "caa_check_parameters": {"caa_domains": ["ca1.com"], "allow_lookup_failure": True,
                                     "account_uris": ["https://ca1.com/1"]},
            "deadline_ms": 9000}
    reply = caller.ask("/mpic", body)
    assert reply.status == 200, reply.text
    assert {path for path, _, _ in checker.asked} == set(PATHS)
    for path, asked, _ in checker.asked:
        assert set(asked) == MEMBERS[path]
        assert (asked["domain_or_ip_target"], asked["trace_identifier"]) == ("page.web.com", "t-1")
    asked = {path: asked for path, asked, _ in checker.asked}
    # It could not prove a domain Insecure, without which a failed lookup permits nothing.
    assert asked["/caa"]["caa_check_parameters"] == {
        "certificate_type": "tls-server", "caa_domains": ["ca1.com"],
        "allow_lookup_failure": False}


def test_it_counts_and_is_marked_as_unbound(coordinators, started, checker, tmp_path):
    rows = checker.among(coordinators)
    daemon, caller = started(perspectives=rows, audit_dir=str(tmp_path))
    answer = counted(caller, "permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "6/6")
    assert by_code(answer)[rows[0]["code"]] == CAA
    marked = {one["perspective_code"]: {key: one.get(key) for key in UNBOUND}
              for one in answer["perspectives"]}
    assert marked.pop(rows[0]["code"]) == UNBOUND
    assert list(marked.values()) == [dict.fromkeys(UNBOUND)] * 5
    lines = [json.loads(line) for path in tmp_path.iterdir()
             for line in path.read_text(encoding="utf-8").splitlines()]
    results = {line["perspective"]: {key: line.get(key) for key in UNBOUND}
               for line in lines if line["event"] == "result"}
    assert results.pop(rows[0]["code"]) == UNBOUND
    assert list(results.values()) == [dict.fromkeys(UNBOUND)] * 5
    line, = daemon.lines("the evidence of some perspectives is weaker")
    assert f"(protocol open-mpic): {rows[0]['code']};" in line["standing"]


def test_an_archived_answer_needs_its_quorum_without_it(coordinators, started, checker, build_dir,
                                                        fleet, tmp_path):
    keys = [f"{one['code']}={one['verify_key']}" for one in fleet.parts["perspectives"]]
    caller = started(perspectives=checker.among(coordinators))[1]

    def verified(text):
        path = tmp_path / "answer"
        path.write_text(text, encoding="utf-8")
        ended = subprocess.run([build_dir / "mpic", "verify", path, "--keys", *keys], check=False,
                               capture_output=True, text=True, timeout=20)
        return ended.returncode, ended.stdout

    status, told = verified(caller.mpic("permit.com").text)
    assert status == 0, told
    assert "unsigned  passed, does not count" in told
    assert told.endswith("5 genuine, 1 unsigned, 0 wrong\n")
    all_six = caller.mpic("permit.com", {"quorum_count": 6}).text
    status, told = verified(all_six)
    assert status == 1 and "5 genuine results of caa passed where 6 were needed" in told
    # Saying so of one of ours is of no use.
    status, told = verified(all_six.replace('"protocol":"open-mpic",', ""))
    assert status == 1 and "passed, and its signature is missing" in told


def test_mpic_policy_names_it(coordinators, checker, build_dir):
    rows = checker.among(coordinators)
    command = coordinators.command(coordinators.options(perspectives=rows))
    ended = subprocess.run([build_dir / "mpic", "policy", "--config", command[2]],
                           capture_output=True, text=True, timeout=20, check=False)
    assert f"unsigned and unbound results (protocol open-mpic): {rows[0]['code']};" in ended.stdout


@pytest.mark.parametrize("path, status, change, code", (
    ("/caa", 200, {"check_passed": False}, "caa-forbids"),
    ("/dcv", 200, {"check_passed": False}, "no-match"),
    # A failed lookup comes as a complete body with status 500.
    ("/dcv", 500, {"check_passed": False, "errors": [
        {"error_type": "mpic_error:dcv_checker:lookup", "error_message": "no such host"}]},
     "dns-failed"),
    ("/dcv", 500, {}, "perspective-reply"),
    # It permits what it failed to look up: the coordinator does not.
    ("/caa", 200, {"details": {"caa_record_present": None, "found_at": None,
                               "records_seen": None}}, "dns-failed"),
    # It knows nothing of RFC 8657: what it saw is evaluated here, too.
    ("/caa", 200, {"details": {**CAA["details"], "records_seen": [
        '0 issue "ca1.com; accounturi=https://ca1.com/2"']}}, "caa-forbids"),
    ("/caa", 200, {"details": {**CAA["details"], "records_seen": ["nonsense"]}},
     "perspective-reply"),
), ids=str)
def test_what_its_results_are_worth(coordinators, started, checker, path, status, change, code):
    rows = checker.among(coordinators)
    checker.replies[path] = (status, {**PATHS[path], **change})
    caller = started(perspectives=rows, policy_file=policy_file("cabf-tls"))[1]
    if path == "/caa":
        answer = counted(caller, "permit.com")
    else:
        answer = caller.ask("/mpic", {
            "check_type": "dcv", "domain_or_ip_target": "page.web.com",
            "dcv_check_parameters": dcv.http01(),
            "orchestration_parameters": {"quorum_count": 6}}).json
    assert (answer["is_valid"], answer["quorum"]) == (False, "5/6")
    problem = by_code(answer)[rows[0]["code"]].get("problem") or answer["problem"]
    assert problem["code"] == code, problem


def test_what_it_cannot_be_asked_it_is_not_asked(coordinators, started, checker):
    rows = checker.among(coordinators)
    caller = started(perspectives=rows)[1]
    answer = caller.ask("/mpic", {
        "check_type": "dcv", "domain_or_ip_target": "permit.com", "dcv_check_parameters": {
            "validation_method": "dns-account-01", "key_authorization_hash": "x",
            "account_uri": "https://ca1.com/1"}}).json
    problem = by_code(answer)[rows[0]["code"]]["problem"]
    assert (problem["code"], problem["fault"]) == ("unsupported", "perspective")
    assert "dns-account-01 has no parameters in the Open MPIC API" in problem["message"]
    assert checker.asked == []
    # It is none the less there.
    assert caller.ask("/readyz").json["unreachable"] == []


# -- header fields and the gateway's own certificate


def test_headers_of_the_configuration_go_with_each_call(coordinators, started, checker,
                                                         headers_file):
    checker.wanted = SECRET
    rows = checker.among(coordinators, headers=["X-Caller: test CA"], headers_file=headers_file)
    daemon, caller = started(perspectives=rows, log_level="debug")
    assert counted(caller, "permit.com")["is_valid"] is True
    sent = checker.asked[0][2]
    assert (sent["x-api-key"], sent["x-caller"]) == (SECRET, "test CA")
    assert SECRET not in Path(daemon.log).read_text(encoding="utf-8")


def test_a_gateway_that_wants_another_key(coordinators, started, checker, headers_file):
    checker.wanted = "another"
    rows = checker.among(coordinators, headers_file=headers_file)
    daemon, caller = started(perspectives=rows)
    problem = counted(caller, "permit.com")["problem"]
    assert (problem["code"], problem["fault"]) == ("not-admitted", "coordinator")
    assert "it answered 403" in problem["message"]
    assert not daemon.lines("it may be forged"), "a wrong key is no attack"
    assert SECRET not in Path(daemon.log).read_text(encoding="utf-8")


def test_another_key_is_read_on_sighup(coordinators, started, checker, headers_file):
    checker.wanted = SECRET
    rows = checker.among(coordinators, headers_file=headers_file)
    daemon, caller = started(perspectives=rows)
    assert counted(caller, "permit.com")["is_valid"] is True
    checker.wanted = "the-next"
    Path(headers_file).write_text("X-API-Key: the-next\n", encoding="ascii")
    assert counted(caller, "permit.com")["problem"]["code"] == "not-admitted"
    daemon.process.send_signal(signal.SIGHUP)
    assert until(lambda: counted(caller, "permit.com")["is_valid"])


def test_as_a_remote_it_corroborates_and_as_the_primary_it_is_refused(coordinators, started,
                                                                      checker):
    rows = checker.among(coordinators)
    caller = started(perspectives=rows, primary=rows[1]["code"])[1]
    for body in ({"check_type": "caa", "domain_or_ip_target": "permit.com"},
                 {"check_type": "dcv", "domain_or_ip_target": "page.web.com",
                  "dcv_check_parameters": dcv.http01()}):
        answer = caller.ask("/mpic", {**body, "orchestration_parameters": {
            "quorum_count": 5}}).json
        assert (answer["is_valid"], answer["quorum"]) == (True, "5/5"), answer["problem"]
    ended = coordinators.run(coordinators.options(
        perspectives=rows, primary=rows[0]["code"]), "--check")
    assert ended.returncode == 2
    assert f"primary: {rows[0]['code']} speaks open-mpic" in ended.stderr


def test_secrets_are_not_printed(coordinators, checker, headers_file, tmp_path):
    rows = checker.among(coordinators, headers_file=headers_file)
    dump = coordinators.run(coordinators.options(perspectives=rows), "--dump")
    assert dump.returncode == 0 and headers_file in dump.stdout
    assert SECRET not in dump.stdout + dump.stderr
    bad = tmp_path / "bad"
    bad.write_text(f"{SECRET}\n", encoding="ascii")
    rows = checker.among(coordinators, headers_file=str(bad))
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2 and f"{bad}:1: expected Name: value" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


@pytest.fixture
def gateway(checker, web_pki):
    """https with a certificate of another authority, for checker.example."""
    return checker.over_tls(web_pki)


@pytest.mark.parametrize("newest", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_its_server_is_known_by_host_name(coordinators, started, gateway, web_pki, newest):
    gateway.context.maximum_version = newest
    rows = gateway.among(coordinators, ca=web_pki.certificate, host="checker.example")
    caller = started(perspectives=rows)[1]
    assert counted(caller, "permit.com")["is_valid"] is True
    expires = caller.metrics()["mpic_perspective_certificate_expires_seconds"]
    assert expires[f'perspective="{rows[0]["code"]}"'] > 0


@pytest.mark.parametrize("given, says", (
    ({"host": "other.example"}, 'its certificate says "checker.example"'),
    ({}, 'its certificate says "checker.example"'),        # its address is no name of it
))
def test_another_hosts_certificate(coordinators, started, gateway, web_pki, given, says):
    rows = gateway.among(coordinators, ca=web_pki.certificate, **given)
    daemon, caller = started(perspectives=rows)
    problem = counted(caller, "permit.com")["problem"]
    assert problem["code"] == "perspective-identity" and says in problem["message"]
    assert gateway.asked == []
    assert daemon.lines("a result was discarded: it may be forged")


def test_a_certificate_of_an_unknown_authority(coordinators, started, gateway):
    """Nor is the fleet's own authority trusted for it, or this one for the fleet."""
    for more in ({}, {"ca": coordinators.certificate, "host": "checker.example"}):
        rows = gateway.among(coordinators, **more)
        caller = started(perspectives=rows)[1]
        assert counted(caller, "permit.com")["problem"]["code"] == "perspective-identity"
    assert gateway.asked == []


@pytest.mark.parametrize("alpn, came", (("h2,http/1.1", "HTTP/2.0"), ("http/1.1", "HTTP/1.1")))
def test_behind_a_real_gateway(coordinators, started, checker, web_pki, headers_file, tmp_path,
                               alpn, came):
    port = int(coordinators.options()["listen"].rpartition(":")[2])
    with gateways.haproxy(tmp_path, port, web_pki, checker.url[7:], alpn):
        url = f"https://127.0.0.1:{port}"
        more = {"ca": web_pki.certificate, "host": "checker.example"}
        rows = checker.among(coordinators, url=url, headers_file=headers_file, **more)
        caller = started(perspectives=rows)[1]
        for _ in range(3):
            assert counted(caller, "permit.com")["is_valid"] is True
        assert {headers["x-came-by"] for _, _, headers in checker.asked} == {came}
        without = started(perspectives=checker.among(coordinators, url=url, **more))[1]
        assert counted(without, "permit.com")["problem"]["code"] == "not-admitted"


@pytest.mark.parametrize("given, says", (
    ({"protocol": "grpc"}, 'protocol: expected parallax or open-mpic, found "grpc"'),
    ({"verify_key": "KEY"}, "signs nothing"),
    ({"host": "checker.example"}, "host: only together with ca"),
    ({"ca": "x.pem"}, "only with a url that begins with https://"),
    ({"ca": "/nonexistent", "url": "https://127.0.0.1:1"}, "ca: CA file /nonexistent: "),
    ({"headers": ["X-API-Key: abc"]}, "belongs into headers_file"),
    ({"headers": ["Host: abc"]}, "the call itself sets"),
    ({"headers_file": "/nonexistent"}, "headers_file: /nonexistent: No such file"),
), ids=str)
def test_options_that_mean_nothing(coordinators, checker, given, says):
    rows = checker.among(coordinators, **given)
    if "verify_key" in given:
        rows[0]["verify_key"] = coordinators.perspectives(0)[0]["verify_key"]
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert f"perspectives: {rows[0]['code']}: " in ended.stderr and says in ended.stderr
    assert "abc" not in ended.stderr


# -- our perspectives and a coordinator of Open MPIC's


@pytest.mark.parametrize("path, parameters, details", (
    ("/caa", {"caa_check_parameters": {"certificate_type": "tls-server",
                                       "caa_domains": ["ca1.com"],
                                       "allow_lookup_failure": False}},
     {"caa_record_present", "found_at", "records_seen"}),
    ("/caa", {"caa_check_parameters": None}, None),
    ("/dcv", {"dcv_check_parameters": {
        "validation_method": "acme-dns-01", "key_authorization_hash": "x",
        "dns_record_type": "TXT", "dns_name_prefix": "_acme-challenge",
        "require_exact_case": True}},
     {"validation_method", "records_seen", "response_code", "ad_flag", "found_at",
      "cname_chain"}),
), ids=str)
def test_our_perspectives_answer_its_coordinator(fleet, path, parameters, details):
    """As its coordinator posts it: nothing but that API's members, unset ones null."""
    one = fleet.parts["perspectives"][0]
    body = {"domain_or_ip_target": "permit.com", "trace_identifier": None, **parameters}
    got = json.loads(fleet.post(one["url"], path, json.dumps(body).encode(), "coordinator")[1])
    if details is None:      # the CA's own names would come from its configuration
        assert got["error"] == "request-validation-failed" or got["check_type"] == "caa"
        return
    assert isinstance(got["check_completed"], bool) and isinstance(got["check_passed"], bool)
    assert isinstance(got["timestamp_ns"], int) and got["check_type"] == path[1:]
    assert "errors" in got and details <= set(got["details"])


# -- ours, and what poses as one of ours


ROGUES = {
    # What is answered is genuine, and the answer to something else.
    "another target": (True, of_request(domain_or_ip_target="www.permit.com"), None,
                       "result-mismatch", "another domain_or_ip_target: asked permit.com, "
                       'answered "www.permit.com"'),
    "another nonce": (True, of_request(nonce="0011"), None, "result-mismatch",
                      'answered "0011"'),
    "another request": (True, lambda body: body + b" ", None, "signature-invalid",
                        "is for another request"),
    # Without a signature, too, and without what would tell.
    "another code": (False, None, of_result(perspective_code="aws:somewhere"),
                     "perspective-identity", "calls itself aws:somewhere"),
    "another check": (False, None, of_result(check_type="dcv"), "result-mismatch",
                      "expected caa, found dcv"),
    "no code": (False, None, of_result("perspective_code"), "result-mismatch",
                "does not name its perspective_code"),
    "no nonce": (False, None, of_result("nonce"), "result-mismatch", "does not name its nonce"),
    "no target": (False, None, of_result("domain_or_ip_target"), "result-mismatch",
                  "does not name its domain_or_ip_target"),
    "no check": (False, None, of_result("check_type"), "result-mismatch", "check_type"),
    "no signature": (True, None, of_result(), "signature-invalid", "its signature is missing"),
    "a false signature": (True, None, lambda text: text.replace(
        b'"check_completed":true', b'"check_completed": true'), "signature-invalid",
        "the result has been changed"),
}


@pytest.mark.parametrize("name", ROGUES)
def test_a_result_of_something_else_is_discarded_and_alarmed(fleet, coordinators, started, name):
    signed, request, result, code, says = ROGUES[name]
    rows = coordinators.perspectives(*range(6))
    with Relay(fleet, 0, request, result) as relay:
        rows[0] = {**rows[0], "url": relay.url}
        if not signed:
            del rows[0]["verify_key"]
        daemon, caller = started(perspectives=rows)
        answer = caller.check("permit.com")
        assert (answer["is_valid"], answer["quorum"]) == (True, "5/6")
        discarded = by_code(answer)[rows[0]["code"]]
        assert discarded["problem"]["code"] == code, discarded["problem"]
        assert says in discarded["problem"]["message"]
        assert "evidence" not in discarded or discarded["evidence"] is None
        alarm, = daemon.lines("a result was discarded: it may be forged")
        assert (alarm["level"], alarm["perspective"], alarm["problem"]) == (
            "error", rows[0]["code"], code)
        assert caller.metrics()["mpic_perspective_alarms_total"][
            f'perspective="{rows[0]["code"]}"'] == 1


def test_an_honest_relay_raises_no_alarm(fleet, coordinators, started):
    rows = coordinators.perspectives(*range(6))
    with Relay(fleet, 0) as relay:
        rows[0] = {**rows[0], "url": relay.url}
        daemon, caller = started(perspectives=rows)
        assert counted(caller, "permit.com")["quorum"] == "6/6"
        assert counted(caller, "deny.com")["quorum"] == "0/6"
        assert daemon.lines("a result was discarded: it may be forged") == []
