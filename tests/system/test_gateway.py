"""Perspectives of ours behind gateways that end TLS: known by a host name, and by their signatures.

The gateway is haproxy in front of a real perspective, or a stand-in that does what an honest
one would not. The coordinator verifies no result by chance here (verify_share is 0): what it
finds out it must always find out.
"""

import contextlib
import subprocess
from pathlib import Path

import pytest

import dcv
import gateways
from coordinators import Identity, by_code
from gateways import SECRET, Relay, of_request, of_result

HOST = {"host": "checker.example"}


@pytest.fixture(scope="module")
def web_pki(tmp_path_factory):
    return gateways.authority(tmp_path_factory.mktemp("web"))


@pytest.fixture
def headers_file(tmp_path):
    return gateways.headers_file(tmp_path)


@pytest.fixture
def key(web_pki, headers_file):
    """What a row needs to get through the gateway."""
    return {"ca": web_pki.certificate, **HOST, "headers_file": headers_file}


@pytest.fixture
def gateway(coordinators, web_pki, tmp_path):
    """gateway(index, bind=, rule=) is the URL of haproxy before that perspective of the fleet."""
    with contextlib.ExitStack() as stack:
        def start(index=0, **more):
            parts = coordinators.parts
            port = int(coordinators.options()["listen"].rpartition(":")[2])
            own = gateways.both(tmp_path, Identity(parts["coordinator"]))
            server = parts["perspectives"][index]["url"].removeprefix("https://")
            stack.enter_context(gateways.haproxy(tmp_path, port, web_pki, f"{server} ssl verify "
                                "required "f"ca-file {parts['ca']} crt {own}", **more))
            return f"https://127.0.0.1:{port}"
        yield start


def row(coordinators, url, **more):
    """The fleet's perspectives, the first of which is called through a gateway."""
    rows = coordinators.perspectives(*range(6))
    rows[0] = {**rows[0], "url": url, **more}
    return rows


def all_six(caller, name="permit.com"):
    return caller.check(name, {"quorum_count": 6})


def status_of(caller, code):
    return next(one for one in caller.ask("/status").json["perspectives"]
                if one["perspective_code"] == code)


# -- an honest one


@pytest.mark.parametrize("alpn", ("h2,http/1.1", "http/1.1"))
def test_it_counts_like_any_other(coordinators, started, gateway, key, alpn):
    rows = row(coordinators, gateway(alpn=alpn), **key)
    daemon, caller = started(perspectives=rows, verify_share=0)
    for name, quorum in (("permit.com", "6/6"), ("deny.com", "0/6"), ("permit.com", "6/6")):
        answer = all_six(caller, name)
        assert answer["quorum"] == quorum, answer["problem"]
        one = next(one for one in answer["perspectives"]
                   if one["perspective_code"] == rows[0]["code"])
        assert one["check_response"]["signature"] and "protocol" not in one
    answer = caller.ask("/mpic", {
        "check_type": "dcv_with_caa", "domain_or_ip_target": "page.web.com",
        "dcv_check_parameters": dcv.http01(), "caa_check_parameters": {"caa_domains": ["ca1.com"]},
        "orchestration_parameters": {"quorum_count": 6}}).json
    assert answer["is_valid"] is True, answer["problem"]
    assert not daemon.lines("a result was discarded: it may be forged")
    assert SECRET not in Path(daemon.log).read_text(encoding="utf-8")


def test_as_the_primary_it_decides(coordinators, started, gateway, key):
    rows = row(coordinators, gateway(), **key)
    caller = started(perspectives=rows, primary=rows[0]["code"], verify_share=0)[1]
    assert caller.check("permit.com", {"quorum_count": 5})["quorum"] == "5/5"
    assert caller.check("deny.com")["is_valid"] is False


def test_an_archived_answer_verifies(coordinators, started, gateway, key, build_dir, tmp_path):
    caller = started(perspectives=row(coordinators, gateway(), **key))[1]
    (tmp_path / "answer").write_text(caller.mpic("permit.com").text, encoding="utf-8")
    keys = [f"{one['code']}={one['verify_key']}" for one in coordinators.parts["perspectives"][:6]]
    ended = subprocess.run([build_dir / "mpic", "verify", tmp_path / "answer", "--keys", *keys],
                           check=False, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 0 and ended.stdout.endswith("6 genuine, 0 unsigned, 0 wrong\n")


def test_mpic_policy_names_it(coordinators, gateway, key, build_dir):
    rows = row(coordinators, "https://127.0.0.1:1", **key)
    command = coordinators.command(coordinators.options(perspectives=rows))
    ended = subprocess.run([build_dir / "mpic", "policy", "--config", command[2]],
                           capture_output=True, text=True, timeout=20, check=False)
    assert f"behind a gateway: {rows[0]['code']}; each of their results is verified" in ended.stdout
    assert "protocol open-mpic" not in ended.stdout


@pytest.mark.parametrize("shown", (True, False))
def test_one_that_wants_a_certificate(coordinators, started, gateway, key, shown):
    url = gateway(bind=f"ca-file {coordinators.certificate} verify required")
    rows = row(coordinators, url, show_certificate=shown, **key)
    answer = all_six(started(perspectives=rows, verify_share=0)[1])
    assert answer["is_valid"] is shown
    if not shown:
        assert answer["problem"]["code"] == "perspective-unreachable", answer["problem"]


# -- what GET /status and mpic status say


def test_its_status_through_the_gateway(coordinators, started, gateway, key):
    rows = row(coordinators, gateway(), **key)
    seen = status_of(started(perspectives=rows)[1], rows[0]["code"])
    assert (seen["reachable"], seen["ready"], seen["hidden"]) == (True, True, None)
    assert (seen["signing_key"], seen["care"]) == ("matches", [])
    assert seen["image_version"] == "test"


@pytest.mark.parametrize("status", (403, 404))
def test_its_status_where_checks_alone_are_let_through(coordinators, started, gateway, key,
                                                       build_dir, status):
    url = gateway(rule=f"http-request deny deny_status {status} unless {{ path /caa /dcv }}")
    rows = row(coordinators, url, **key)
    daemon, caller = started(perspectives=rows, plain=False)
    assert all_six(caller)["is_valid"] is True
    seen = status_of(caller, rows[0]["code"])
    assert (seen["reachable"], seen["ready"], seen["care"]) == (True, None, [])
    assert seen["hidden"].startswith(f"GET /readyz is answered with status {status}")
    assert ("the key in headers_file" in seen["hidden"]) == (status == 403)
    ended = subprocess.run([build_dir / "mpic", "status", "--config", daemon.path],
                           capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
    lines = ended.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(rows[0]["code"]))
    assert "not told" in lines[at]
    assert lines[at + 1].startswith("  - whether it is ready is not told through its gateway: GET")


def test_a_perspective_that_is_down_behind_it(coordinators, started, web_pki, key, tmp_path):
    port = int(coordinators.options()["listen"].rpartition(":")[2])
    with gateways.haproxy(tmp_path, port, web_pki, "127.0.0.1:1"):
        rows = row(coordinators, f"https://127.0.0.1:{port}", **key)
        caller = started(perspectives=rows, workers=1)[1]
        problem = all_six(caller)["problem"]
        seen = status_of(caller, rows[0]["code"])
    assert problem["code"] == "overloaded" and "it answered 503" in problem["message"]
    assert (seen["ready"], seen["hidden"]) == (False, None)
    assert seen["care"] == ["it is not ready: GET /readyz: status 503"]


def test_a_wrong_key_is_no_attack_and_is_seen(coordinators, started, gateway, key, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("X-API-Key: another\n", encoding="ascii")
    rows = row(coordinators, gateway(), **{**key, "headers_file": str(wrong)})
    daemon, caller = started(perspectives=rows, workers=1)
    problem = all_six(caller)["problem"]
    assert (problem["code"], problem["fault"]) == ("not-admitted", "coordinator")
    assert not daemon.lines("a result was discarded: it may be forged")
    seen = status_of(caller, rows[0]["code"])
    assert "it answered 403" in seen["last_error"] and "the key in headers_file" in seen["hidden"]


# -- one that is not honest


class Replay:
    """The first result, for ever."""

    def __init__(self):
        self.first = None

    def __call__(self, text):
        self.first = self.first or text
        return self.first


LIES = {
    "another request": (of_request(deadline_ms=1234), None, 0, "is for another request"),
    "a space more": (lambda body: body + b" ", None, 0, "is for another request"),
    "another target": (of_request(domain_or_ip_target="www.permit.com"), None, 0,
                       "is for another target"),
    "another nonce": (of_request(nonce="0011"), None, 0, "is for another nonce"),
    "an old result": (None, Replay, 0, "is for another nonce"),
    "a result that was changed": (None, lambda: lambda text: text.replace(
        b'"check_completed":true', b'"check_completed": true'), 0, "the result has been changed"),
    "no signature": (None, of_result, 0, "is missing"),
    "another perspective's": (None, None, 1, "names another key"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_gateway_that_lies_is_found_out_each_time(fleet, coordinators, started, web_pki, key,
                                                    name):
    request, result, index, says = LIES[name]
    with Relay(fleet, index, request, result() if result else None).over_tls(web_pki) as relay:
        rows = row(coordinators, relay.url, **key)
        daemon, caller = started(perspectives=rows, verify_share=0, linger_ms=5000)
        if name == "an old result":
            assert caller.check("permit.com")["quorum"] == "6/6"
        for alarms in range(1, 4):
            answer = caller.check("permit.com")
            assert (answer["is_valid"], answer["quorum"]) == (True, "5/6")
            problem = by_code(answer)[rows[0]["code"]]["problem"]
            assert problem["code"] == "signature-invalid" and says in problem["message"], problem
            assert len(daemon.lines("a result was discarded: it may be forged")) == alarms
        assert caller.metrics()["mpic_perspective_alarms_total"][
            f'perspective="{rows[0]["code"]}"'] == 3


@pytest.mark.parametrize("more, found", (({"headers": ["X-Caller: a"]}, True), ({}, False)), ids=str)
def test_a_proxy_on_loopback_is_a_gateway_if_it_wants_headers(fleet, coordinators, started, more,
                                                              found):
    """Such as one that signs calls for a cloud. Without, a share is verified, which is none here."""
    with Relay(fleet, 0, lambda body: body + b" ") as relay:
        rows = row(coordinators, relay.url, **more)
        caller = started(perspectives=rows, verify_share=0, linger_ms=5000)[1]
        answer = caller.check("permit.com")
    assert answer["quorum"] == ("5/6" if found else "6/6")
    if found:
        assert by_code(answer)[rows[0]["code"]]["problem"]["code"] == "signature-invalid"


def test_a_denial_that_was_turned_into_a_pass(fleet, coordinators, started, web_pki, key):
    def passed(text):
        return text.replace(b'"check_passed":false', b'"check_passed":true')
    with Relay(fleet, 0, None, passed).over_tls(web_pki) as relay:
        rows = row(coordinators, relay.url, **key)
        caller = started(perspectives=rows, primary=rows[0]["code"], verify_share=0)[1]
        answer = caller.check("deny.com")
    assert answer["is_valid"] is False
    assert answer["primary"]["check_response"]["problem"]["code"] == "signature-invalid"


@pytest.mark.parametrize("given, says", (
    ({"host": "other.example"}, 'its certificate says "checker.example"'),
    ({"host": None}, 'its certificate says "checker.example"'),
), ids=str)
def test_another_hosts_certificate(coordinators, started, gateway, key, given, says):
    more = {name: value for name, value in {**key, **given}.items() if value}
    rows = row(coordinators, gateway(), **more)
    problem = all_six(started(perspectives=rows)[1])["problem"]
    assert problem["code"] == "perspective-identity" and says in problem["message"]


# -- the configuration


@pytest.mark.parametrize("given, says", (
    ({"verify_key": None, "ca": ...}, "verify_key: is required with ca, headers or headers_file"),
    ({"verify_key": None, "headers": ["X-Caller: a"]}, "verify_key: is required with ca"),
    ({"verify_key": None, "headers_file": ...}, "verify_key: is required with ca"),
    ({"verify_key": "enrolled", "ca": ...}, "verify_key: expected the key itself, not enrolled"),
    ({"verify_key": "enrolled", "headers_file": ...}, "expected the key itself, not enrolled"),
    ({"host": "checker.example"}, "host: only together with ca"),
    ({"show_certificate": True}, "show_certificate: only together with ca"),
    ({"url": "http://127.0.0.1:1", "ca": ...}, "only with a url that begins with https://"),
    ({"ca": "/nonexistent"}, "ca: CA file /nonexistent: "),
    ({"ca": ..., "headers": ["X-API-Key: abc"]}, "belongs into headers_file"),
), ids=str)
def test_rows_that_are_refused(coordinators, key, given, says):
    rows = row(coordinators, "https://127.0.0.1:1")
    rows[0] |= {name: key[name] if value is ... else value for name, value in given.items()}
    rows[0] = {name: value for name, value in rows[0].items() if value is not None}
    ended = coordinators.run(coordinators.options(perspectives=rows), "--check")
    assert ended.returncode == 2
    assert f"perspectives: {rows[0]['code']}: " in ended.stderr and says in ended.stderr


def test_a_coordinator_without_a_certificate_has_none_to_show(coordinators, key):
    rows = [{"url": f"http://127.0.0.1:{port}", "code": one["code"]}
            for port, one in enumerate(coordinators.perspectives(*range(6)), 1)]
    for shown, status in ((False, 0), (True, 2)):
        rows[0] = {**coordinators.perspectives(0)[0], "url": "https://127.0.0.1:9",
                   "show_certificate": shown, **key}
        ended = coordinators.run(coordinators.options(
            perspectives=rows, tls_certificate=None, tls_key=None, tls_ca=None), "--check")
        assert ended.returncode == status, ended.stderr
        assert ("tls_certificate" in ended.stderr) == shown
