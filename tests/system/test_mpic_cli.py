"""mpic check: a verdict for people and for scripts."""

import json
import os
import re
import subprocess

import pytest

from mininet.challenge import DIGEST, KEY_AUTHORIZATION, PAGE, TOKEN, VALUE
from stand_ins import StandIn

YES, NO, ERROR = 0, 1, 2


@pytest.fixture(scope="module")
def run(build_dir):
    """run(*arguments) gives the ended process; `environment` may name a coordinator."""
    def run(*arguments, **environment):
        return subprocess.run([build_dir / "mpic", *arguments], capture_output=True, text=True,
                              timeout=30, check=False, env={**os.environ, **environment})
    return run


@pytest.fixture(scope="module")
def check(run, fleet):
    """check(name, ...) asks the fleet's own coordinator on behalf of ca1.com."""
    return lambda *arguments: run("check", "caa", *arguments, "--coordinator", fleet.url,
                                  "--caa-domain", "ca1.com")


def test_yes(check, fleet):
    ended = check("www.permit.com")
    assert (ended.returncode, ended.stderr) == (YES, "")
    head, *lines = ended.stdout.splitlines()
    assert head.startswith("yes  caa www.permit.com  quorum 6/6  DNSSEC insecure  ")
    assert sorted(line.split()[0] for line in lines) == sorted(
        row["code"] for row in fleet.parts["perspectives"])
    for line in lines:
        assert line.split()[1:4] == ["passed", "permit.com", "insecure"]


def test_no(check):
    ended = check("hijack.com")
    assert (ended.returncode, ended.stderr) == (NO, "")
    head, *lines, why = ended.stdout.splitlines()
    assert head.startswith("no  caa hijack.com  quorum 1/6")
    assert sorted(line.split()[1] for line in lines) == ["failed"] * 5 + ["passed"]
    assert all("other-ca.example" in line for line in lines if line.split()[1] == "failed")
    assert why.startswith("1 of 6 perspectives corroborated; 4 needed. ")


def test_no_although_enough_passed(run, coordinators):
    daemon, _ = coordinators.start(perspectives=coordinators.perspectives(0, 1, 3))
    ended = run("check", "caa", "half.com", "--coordinator", "http://{}:{}".format(*daemon.address),
                "--caa-domain", "ca1.com")
    assert ended.returncode == NO
    assert "2/3" in ended.stdout and "in the service region of one RIR" in ended.stdout


def test_a_failed_lookup_is_a_no_with_its_reason(check):
    ended = check("refused.com", "--deadline-ms", "5000")
    assert ended.returncode == NO
    assert ended.stdout.count("  error ") >= 4
    assert "REFUSED" in ended.stdout


def test_json_is_the_answer_as_it_came(check):
    ended = check("deny.com", "--json", "--trace", "t-1")
    answer = json.loads(ended.stdout)
    assert ended.returncode == NO
    assert (answer["is_valid"], answer["trace_identifier"]) == (False, "t-1")


def test_what_is_asked(check):
    ended = check("account.com", "--json", "--perspectives", "5", "--quorum", "5",
                  "--attempts", "2", "--account-uri", "https://ca1.com/acct/1", "--method", "dns-01",
                  "--allow-lookup-failure", "--caa-domain", "ca2.com")
    answer = json.loads(ended.stdout)
    assert ended.returncode == YES
    assert answer["request_orchestration_parameters"] == {
        "perspective_count": 5, "quorum_count": 5, "max_attempts": 2,
        "cohort_for_single_attempt": None}
    assert answer["caa_check_parameters"] == {
        "certificate_type": "tls-server", "caa_domains": ["ca2.com", "ca1.com"],
        "allow_lookup_failure": True, "account_uris": ["https://ca1.com/acct/1"],
        "validation_methods": ["dns-01"]}


def test_later_attempts_are_counted(run, coordinators):
    daemon, _ = coordinators.start()
    ended = run("check", "caa", "deny.com", "--coordinator",
                "http://{}:{}".format(*daemon.address), "--perspectives", "3", "--attempts", "2")
    assert ended.returncode == NO
    assert "  attempt 2  " in ended.stdout


def test_mail(check):
    assert check("issuemail.com", "--s-mime").returncode == NO
    assert check("issuemail-only.com", "--s-mime").returncode == YES


def test_a_u_label(check):
    assert check("bücher.permit.com").returncode == YES


@pytest.mark.parametrize("arguments, says", (
    (("permit.com.",), "domain_or_ip_target: "),
    (("93.184.216.10",), "domain_or_ip_target: "),
    (("permit.com", "--quorum", "1"), "orchestration_parameters.quorum_count: "),
    (("permit.com", "--perspectives", "99"), "orchestration_parameters.perspective_count: "),
    (("permit.com", "--deadline-ms", "-1"), "deadline_ms: "),
    (("permit.com", "--deadline-ms", "9223372036854775807"), "deadline_ms: ")))
def test_a_refusal_names_the_fault(check, arguments, says):
    ended = check(*arguments)
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    assert ended.stderr.startswith("refused with status 400: ")
    assert f"  {says}" in ended.stderr


def test_a_refusal_as_json(check):
    ended = check("permit.com.", "--json")
    assert ended.returncode == ERROR
    assert json.loads(ended.stdout)["error"] == "request-validation-failed"


def test_every_program_knows_its_version(run, build_dir):
    said = run("--version").stdout
    assert re.fullmatch(r"mpic \d+\.\d+\.\d+\n", said)
    for daemon in ("mpic-coordinator", "mpic-httpcheck"):
        ended = subprocess.run([build_dir / daemon, "--version"], capture_output=True, text=True,
                               timeout=10, check=True)
        assert ended.stdout == said.replace("mpic", daemon)


@pytest.mark.parametrize("arguments, says", (
    ((), "usage: mpic COMMAND"), (("fly",), "there is no command fly"),
    (("check",), "expected caa, dcv or dcv-with-caa and one name"),
    (("check", "http", "x.com"), "expected caa, dcv or"),
    (("check", "caa", "a.com", "b.com"), "one name"), (("check", "dcv"), "one name"),
    (("check", "caa", "a.com", "--token", "t"), "no parameters of domain control"),
    (("check", "dcv", "a.com", "--caa-domain", "b.com"), "dcv-with-caa"),
    (("check", "dcv", "a.com", "--method", "x", "--method", "y"), "one --method"),
    (("check", "dcv", "a.com", "--set", "token"), "--set: token cannot be used"),
    (("check", "dcv", "a.com", "--set", "=t"), "--set: =t cannot be used"),
    (("check", "dcv", "a.com", "--set", "x=[1"), "--set: x=[1 cannot be used"),
    (("check", "dcv", "a.com", "--set", "x=[1] 2"), "cannot be used"),
    (("check", "caa", "a.com", "--quorum", "most"), "--quorum: most cannot be used"),
    (("check", "caa", "a.com", "--quorum"), "requires an argument"),
    (("check", "caa", "a.com", "--nothing"), "--nothing"),
    (("check", "caa", "a.com", "--cert", "x.pem"), "--cert and --key go together")))
def test_wrong_arguments(run, arguments, says):
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    assert says in ended.stderr


def test_help(run):
    assert run("--help").returncode == YES
    ended = run("check", "--help")
    assert ended.returncode == YES
    assert "--allow-lookup-failure" in ended.stdout and "0 yes, 1 no, 2 error" in ended.stdout
    assert "  acme-tls-alpn-01         3.2.2.4.20, of IP addresses 3.2.2.5.7\n" in ended.stdout
    assert "  ip-address               3.2.2.4.8\n" in ended.stdout


# -- domain control


@pytest.fixture(scope="module")
def control(run, fleet):
    """control(kind, name, ...) asks the fleet's own coordinator."""
    return lambda *arguments: run("check", *arguments, "--coordinator", fleet.url)


HTTP_01 = ("--method", "acme-http-01", "--token", TOKEN, "--key-authorization", KEY_AUTHORIZATION)


@pytest.mark.parametrize("name, arguments", (
    ("page.web.com", HTTP_01), ("93.184.216.10", HTTP_01),
    ("exact.dcv.com", ("--method", "acme-dns-01", "--key-authorization-hash", DIGEST)),
    ("page.web.com", ("--method", "website-change", "--challenge-value", VALUE,
                      "--set", f"http_token_path={PAGE}", "--set", "url_scheme=http",
                      "--set", 'http_headers={"X-Test": "1"}'))))
def test_domain_control(control, name, arguments):
    ended = control("dcv", name, *arguments)
    assert (ended.returncode, ended.stderr) == (YES, "")
    head, *lines = ended.stdout.splitlines()
    assert head.startswith(f"yes  dcv {name}  quorum 6/6  ")
    assert [line.split()[1] for line in lines] == ["passed"] * 6


def test_no_domain_control(control):
    ended = control("dcv", "deny.com", "--method", "acme-dns-01", "--set",
                    f"key_authorization_hash={DIGEST}")
    assert (ended.returncode, ended.stderr) == (NO, "")
    head, *lines, why = ended.stdout.splitlines()
    assert head.startswith("no  dcv deny.com  quorum 0/6  ")
    assert [line.split()[1] for line in lines] == ["failed"] * 6
    assert all("_acme-challenge.deny.com" in line for line in lines)
    assert why.startswith("0 of 6 perspectives corroborated; 4 needed. ")


def test_domain_control_with_caa(control):
    ended = control("dcv-with-caa", "deny.com", "--method", "dns-change", "--caa-domain", "ca1.com",
                    "--set", "dns_record_type=CAA", "--set", "require_exact_match=false",
                    "--challenge-value", "other-ca.example")
    assert (ended.returncode, ended.stderr) == (NO, "")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("no  dcv_with_caa deny.com  quorum 0/6  ")
    assert (lines[1], lines[8]) == (" dcv yes  quorum 6/6", " caa no  quorum 0/6")
    assert [line.split()[1] for line in (*lines[2:8], *lines[9:15])] == \
        ["passed"] * 6 + ["failed"] * 6


def test_values_of_set(control):
    ended = control("dcv", "other.dcv.com", "--method", "dns-change", "--json",
                    "--set", "dns_record_type=TXT", "--set", "challenge_value=123",
                    "--set", "require_exact_match=true", "--set", "dns_name_prefix=null")
    assert ended.returncode == NO
    assert json.loads(ended.stdout)["dcv_check_parameters"] == {
        "validation_method": "dns-change", "require_exact_case": True, "challenge_value": "123",
        "dns_record_type": "TXT", "dns_name_prefix": None, "require_exact_match": True}


def test_a_refusal_of_domain_control(control):
    ended = control("dcv", "*.web.com", "--method", "acme-http-01", "--token", "a/b")
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    for path in ("domain_or_ip_target", "dcv_check_parameters.token",
                 "dcv_check_parameters.key_authorization"):
        assert f"  {path}: " in ended.stderr


def test_nobody_listens(run):
    ended = run("check", "caa", "permit.com", MPIC_COORDINATOR="http://127.0.0.1:1")
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    assert ended.stderr.startswith("mpic check: no answer from http://127.0.0.1:1: ")


def test_with_certificates(run, fleet, coordinators):
    daemon, _ = coordinators.start(plain=False)
    caller, pki = fleet.parts["caller"], os.path.join(fleet.folder, "pki")

    def ask(certificate, key):
        return run("check", "caa", "permit.com", "--caa-domain", "ca1.com", "--coordinator",
                   "https://{}:{}".format(*daemon.address), "--ca", fleet.parts["ca"],
                   "--cert", certificate, "--key", key)

    assert ask(caller["certificate"], caller["key"]).returncode == YES
    ended = ask(f"{pki}/aws-us-east-1.pem", f"{pki}/aws-us-east-1.key")
    assert ended.returncode == ERROR and "refused with status 401" in ended.stderr
    ended = ask(caller["certificate"], f"{pki}/nothing.key")
    assert ended.returncode == ERROR and "nothing.key" in ended.stderr


def test_a_perspective_is_no_coordinator(run, fleet):
    """The CA is the right one; the identity is not."""
    ended = run("check", "caa", "permit.com", "--ca", fleet.parts["ca"],
                "--coordinator", fleet.parts["perspectives"][0]["url"],
                "--cert", fleet.parts["coordinator"]["certificate"],
                "--key", fleet.parts["coordinator"]["key"])
    assert ended.returncode == ERROR
    assert 'its certificate says "urn:mpic:perspective:aws:us-east-1"' in ended.stderr


@pytest.fixture
def impostor():
    """serve(status, body) gives the URL of something that answers every POST with that."""
    with StandIn(lambda *_: server.reply) as server:
        def serve(*reply):
            server.reply = reply
            return server.url

        yield serve


HEAD = b'{"is_valid": true, "domain_or_ip_target": "x", "check_type": "caa", '


@pytest.mark.parametrize("status, body", (
    (200, b""), (200, b"yes"), (200, b"[]"), (200, b'{"is_valid": true}'),
    (200, HEAD + b'"perspectives": 7}'), (500, HEAD + b'"perspectives": []}'),
    (204, b""), (302, b"{}"), (400, b'{"error": 7, "validation_issues": [7, {"loc": 7}]}'),
    (400, b'{"validation_issues": [{"loc": ["body", null, {}], "msg": 1}]}')))
def test_anything_but_a_coordinators_answer_is_an_error(run, impostor, status, body):
    ended = run("check", "caa", "permit.com", "--coordinator", impostor(status, body))
    assert ended.returncode == ERROR
    assert ended.stderr and not ended.stdout


def test_control_characters_do_not_reach_the_terminal(run, impostor):
    body = json.dumps({"is_valid": False, "domain_or_ip_target": "\x1b[2Jx", "check_type": "caa",
                       "perspectives": [], "problem": {"message": "a\x1b[31mb\x9b31mcü"}})
    ended = run("check", "caa", "permit.com", "--coordinator", impostor(200, body.encode()))
    assert ended.returncode == NO
    assert ended.stdout == "no  caa ?[2Jx\na?[31mb?31mcü\n"
    unreadable = {"perspective_code": "p", "check_response": {"check_completed": "\x1b[2J"}}
    for faulty in ({"is_valid": "\x1b[2J"}, {"is_valid": True, "domain_or_ip_target": "x",
                                            "check_type": "caa", "perspectives": [unreadable]}):
        body = json.dumps(faulty).encode()
        ended = run("check", "caa", "permit.com", "--coordinator", impostor(200, body))
        assert "?[2J" in ended.stdout + ended.stderr
        assert "\x1b" not in ended.stdout + ended.stderr
