"""mpic explain: what a support engineer tells a customer, from real answers."""

import json
import subprocess

import pytest

import dcv

VALID, NOT_VALID, ERROR = 0, 1, 2


@pytest.fixture(scope="module")
def explain(build_dir):
    """explain(text) gives (status, what is told)."""
    def run(text, *arguments):
        ended = subprocess.run([build_dir / "mpic", "explain", *(arguments or ("-",))],
                               input=text, capture_output=True, text=True, timeout=20, check=False)
        return ended.returncode, ended.stdout + ended.stderr
    return run


@pytest.mark.parametrize("name, status, says", (
    ("permit.com", VALID, ("permit.com (caa): VALID, corroborated by 6/6", "Passed at: aws:")),
    ("deny.com", NOT_VALID, ("The domain's CAA records do not let this CA issue.",
                             'deny.com. IN CAA 0 issue "ca1.com"')),
    ("www.deny.com", NOT_VALID, ("Found at: deny.com", "they hold for www.deny.com because")),
    ("*.wild.com", NOT_VALID, ('wild.com. IN CAA 0 issuewild "ca1.com"',)),
    ("split.com", VALID, ("saw different things", "5/6")),
    ("hijack.com", NOT_VALID, ("Only a minority saw what is expected",)),
    ("expired.org", NOT_VALID, ("the signatures have expired", "Repair DNSSEC")),
    ("refused.com", NOT_VALID, ("Name server: ", "refused.com: REFUSED")),
), ids=str)
def test_caa(caller, explain, name, status, says):
    ended, told = explain(caller.mpic(name, deadline_ms=5000).text)
    assert ended == status, told
    for text in says:
        assert text in told, told


@pytest.mark.parametrize("target, parameters, says", (
    ("other.dcv.com", dcv.dns01(), ("Record: ", "_acme-challenge.other.dcv.com. IN TXT \"")),
    ("other.web.com", dcv.http01(), ("First bytes of the page: ", "Expected: ")),
    ("not-found.web.com", dcv.http01(), ("with status 404", "Serve the path of the validation")),
    ("redirect-self.web.com", dcv.http01(), ("Redirected: ", "Break the loop")),
    ("refused.web.com", dcv.http01(), ("port 80: connection-refused", "Start the server")),
    ("page.web.com", dcv.tls_alpn(), ("port 443: ", "Expected in its acmeIdentifier: ")),
), ids=str)
def test_domain_control(caller, explain, target, parameters, says):
    ended, told = explain(caller.ask("/mpic", {
        "check_type": "dcv", "domain_or_ip_target": target,
        "dcv_check_parameters": parameters}).text)
    assert ended == NOT_VALID, told
    for text in says:
        assert text in told, told


def test_one_cause_is_told_once(caller, explain):
    _, told = explain(caller.mpic("deny.com").text)
    assert told.count("The domain's CAA records do not let this CA issue.") == 1
    for code in caller.mpic("deny.com").json["perspectives"]:
        assert told.count(code["perspective_code"]) == 1


def test_only_one_region_saw_it(coordinators, started, explain):
    """As if the web servers turned one region away."""
    answer = started()[1].check("permit.com")
    for one in answer["perspectives"]:
        if one["rir"] == "APNIC":
            one["check_response"].update(check_passed=False, problem={
                "code": "connection-timeout", "message": "nothing came back"})
    _, told = explain(json.dumps(answer))
    assert "only perspectives in the service region of APNIC saw this" in told
    assert "a geo-block" in told


def test_a_refusal(caller, explain):
    ended, told = explain(caller.mpic("a..com").text)
    assert ended == ERROR
    assert "nothing of the domain was checked" in told and "domain_or_ip_target: " in told


def test_a_batch(caller, explain):
    body = [{"check_type": "caa", "domain_or_ip_target": name, "caa_check_parameters": {
        "caa_domains": ["ca1.com"]}} for name in ("permit.com", "deny.com", "a..com")]
    ended, told = explain(caller.ask("/mpic/batch", body).text)
    assert ended == ERROR     # one was refused
    for index, says in enumerate(("permit.com (caa): VALID", "deny.com (caa): NOT VALID",
                                  "The request cannot be served")):
        assert f"Request {index} of the batch:\n{says}" in told


def test_many(caller, explain, tmp_path):
    answers = [caller.mpic(name).text for name in ("permit.com", "deny.com")]
    for text in (f"[{','.join(answers)}]", "\n".join(answers)):
        path = tmp_path / "answers"
        path.write_text(text, encoding="utf-8")
        ended, told = explain(None, path)
        assert ended == NOT_VALID
        assert "permit.com (caa): VALID" in told and "deny.com (caa): NOT VALID" in told


@pytest.mark.parametrize("arguments", ((), ("a", "b"), ("--wrong",), ("/nonexistent",)), ids=str)
def test_what_it_cannot_do(build_dir, arguments):
    ended = subprocess.run([build_dir / "mpic", "explain", *arguments], capture_output=True,
                           text=True, timeout=20, check=False)
    assert ended.returncode == ERROR and ended.stderr and not ended.stdout
