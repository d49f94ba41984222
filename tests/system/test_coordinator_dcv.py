"""POST /mpic with check_type dcv and dcv_with_caa, through real perspectives."""

import pytest

import dcv
from coordinators import by_code
from mininet.challenge import DIGEST, KEY_AUTHORIZATION, TOKEN
from stand_ins import CAA, DCV

MPIC = {"mpic_completed", "request_orchestration_parameters", "actual_orchestration_parameters",
        "check_type", "domain_or_ip_target", "is_valid", "trace_identifier", "perspectives",
        "previous_attempt_results", "quorum", "dnssec_status", "elapsed_ms", "trace_id", "problem",
        "policy", "compliance"}
# What deny.com, which permits another CA, has in its CAA record.
OTHER_CA = dcv.change("CAA", "other-ca.example", require_exact_match=False)


def body(target, parameters, check_type="dcv", **more):
    return {"check_type": check_type, "domain_or_ip_target": target,
            "dcv_check_parameters": parameters, **more}


def check(caller, *arguments, **more):
    """The answer, which must have come with 200."""
    reply = caller.ask("/mpic", body(*arguments, **more))
    assert reply.status == 200, reply.text
    return reply.json


def both(caller, *arguments, **more):
    return check(caller, *arguments, check_type="dcv_with_caa", **more)


def caa_by_code(answer):
    return {one["perspective_code"]: one["caa_check_response"] for one in answer["perspectives"]}


@pytest.mark.parametrize("target, parameters", (
    ("page.web.com", dcv.http01()), ("93.184.216.10", dcv.http01()),
    ("2606:2800:220:1::a", dcv.http01()), ("page.web.com", dcv.website()),
    ("exact.dcv.com", dcv.dns01()), ("*.exact.dcv.com", dcv.dns01()), ("deny.com", OTHER_CA)),
    ids=lambda value: value if isinstance(value, str) else value["validation_method"])
def test_a_method_passes(caller, target, parameters):
    answer = check(caller, target, parameters)
    assert (answer["is_valid"], answer["quorum"]) == (True, "6/6"), answer
    assert set(answer) == MPIC | {"dcv_check_parameters"}
    for code, result in by_code(answer).items():
        assert result["check_type"] == "dcv" and result["perspective_code"] == code
        assert result["details"]["validation_method"] == parameters["validation_method"]
        assert (result["evidence"] is None) == (":" in target or target[0].isdigit())


def test_the_echo(caller):
    answer = check(caller, "Page.web.com", dcv.http01())
    assert answer["dcv_check_parameters"] == {
        "validation_method": "acme-http-01", "require_exact_case": True, "token": TOKEN,
        "key_authorization": KEY_AUTHORIZATION, "http_headers": None}
    assert answer["domain_or_ip_target"] == "Page.web.com"
    answer = check(caller, "exact.dcv.com", dcv.dns01())
    assert answer["dcv_check_parameters"] == {
        "validation_method": "acme-dns-01", "require_exact_case": True,
        "key_authorization_hash": DIGEST}


def test_a_wrong_answer_everywhere(caller):
    answer = check(caller, "other.dcv.com", dcv.dns01())
    assert (answer["is_valid"], answer["mpic_completed"], answer["quorum"]) == (False, True, "0/6")
    assert answer["problem"]["code"] == "no-match"
    assert answer["problem"]["message"].startswith("0 of 6 perspectives corroborated; 4 needed. ")


def test_what_one_hijacked_perspective_sees(caller):
    """hijack.com's CAA record names ca1.com for one perspective only."""
    answer = check(caller, "hijack.com", dcv.change("CAA", "ca1.com", require_exact_match=False))
    assert (answer["is_valid"], answer["quorum"]) == (False, "1/6")


def test_a_retry_repeats_everything(caller):
    answer = both(caller, "deny.com", OTHER_CA, orchestration_parameters={
        "perspective_count": 3, "max_attempts": 2})
    assert answer["actual_orchestration_parameters"]["attempt_count"] == 2
    assert [len(attempt) for attempt in answer["previous_attempt_results"]] == [3]
    for one in answer["previous_attempt_results"][0]:
        assert one["check_response"]["check_passed"] is True
        assert one["caa_check_response"]["check_passed"] is False


def test_both_pass(caller):
    answer = both(caller, "page.web.com", dcv.http01())
    assert set(answer) == MPIC | {"dcv_check_parameters", "caa_check_parameters", "verdicts"}
    assert (answer["is_valid"], answer["quorum"], answer["problem"]) == (True, "6/6", None)
    assert answer["caa_check_parameters"] is None
    for name, verdict in answer["verdicts"].items():
        assert (verdict["is_valid"], verdict["quorum"], verdict["problem"]) == \
            (True, "6/6", None), name
    results, caa = by_code(answer), caa_by_code(answer)
    assert {result["check_type"] for result in results.values()} == {"dcv"}
    assert {result["check_type"] for result in caa.values()} == {"caa"}
    # All of an attempt's answers of one check are to one question, those of the other to another.
    assert len({result["nonce"] for result in results.values()}) == 1
    assert len({result["nonce"] for result in (*results.values(), *caa.values())}) == 2


@pytest.mark.parametrize("target, parameters, control, caa, code", (
    ("deny.com", OTHER_CA, "6/6", "0/6", "caa-forbids"),
    ("other.dcv.com", dcv.dns01(), "0/6", "6/6", "no-match"),
    ("deny.com", dcv.dns01(), "0/6", "0/6", "no-record")))
def test_each_has_to_reach_its_quorum(caller, target, parameters, control, caa, code):
    answer = both(caller, target, parameters)
    assert answer["is_valid"] is False
    assert (answer["verdicts"]["dcv"]["quorum"], answer["verdicts"]["caa"]["quorum"]) == \
        (control, caa)
    assert answer["problem"]["code"] == code
    assert answer["quorum"] == "0/6"


def test_the_labels_of_the_method(caller):
    """both.com permits one account dns-01; RFC 8657 binds those who name an account."""
    parameters = {"account_uris": ["https://ca1.com/acct/1"]}
    answer = both(caller, "both.com", dcv.http01(), caa_check_parameters=parameters)
    assert answer["caa_check_parameters"]["account_uris"] == parameters["account_uris"]
    assert "validation_methods" not in answer["caa_check_parameters"]
    with_http = answer["verdicts"]["caa"]["is_valid"]
    answer = both(caller, "both.com", dcv.dns01(), caa_check_parameters=parameters)
    assert (with_http, answer["verdicts"]["caa"]["is_valid"]) == (False, True)


def test_records_and_metrics(started):
    daemon, caller = started()
    both(caller, "*.exact.dcv.com", dcv.dns01(), trace_identifier="t-2")
    control, caa = daemon.lines("attempt")
    for line, name in ((control, "dcv"), (caa, "caa")):
        assert (line["check"], line["asked"], line["outcome"], line["quorum"]) == \
            (name, "dcv_with_caa", "valid", "6/6")
        assert (line["target"], line["trace"]) == ("*.exact.dcv.com", "t-2")
    assert (control["method"], control["section"]) == ("acme-dns-01", "3.2.2.4.7")
    assert "method" not in caa
    found = caller.metrics()["mpic_check_results_total"]
    assert found['check="dcv",result="passed"'] == found['check="caa",result="passed"'] == 6


# -- a checker of Open MPIC's among our perspectives


NO_CAA = {**CAA, "details": {"caa_record_present": False, "found_at": None, "records_seen": None}}
LOOKUP = {**DCV, "check_passed": False, "errors": [
    {"error_type": "mpic_error:dcv_checker:lookup", "error_message": "nothing was found"}]}


def test_a_checker_of_open_mpic(mixed, checker):
    caller, code = mixed
    checker.replies["/caa"] = (200, NO_CAA)
    answer = both(caller, "page.web.com", {**dcv.http01(), "x_unknown": 1},
                  orchestration_parameters={"quorum_count": 6})
    assert (answer["is_valid"], answer["quorum"]) == (True, "6/6")
    assert by_code(answer)[code] == DCV
    asked = {path: body for path, body, _ in checker.asked}
    assert set(asked) == {"/caa", "/dcv"}
    assert set(asked["/dcv"]) == {"domain_or_ip_target", "dcv_check_parameters",
                                  "trace_identifier"}
    assert asked["/dcv"]["dcv_check_parameters"] == answer["dcv_check_parameters"]
    assert "caa_check_parameters" in asked["/caa"]


@pytest.mark.parametrize("status, reply, code, says", (
    (500, LOOKUP, "dns-failed", "nothing was found"),
    (500, DCV, "perspective-reply", "HTTP status 500 a result that passed"),
    (404, {"detail": "Not Found"}, "perspective-reply", "HTTP status 404"),
    (200, CAA, "result-mismatch", "expected dcv, found caa"),
    (200, {**DCV, "details": {"validation_method": "website-change"}},
     "result-mismatch", "asked acme-http-01, answered \"website-change\""),
    (200, {**DCV, "details": {"validation_method": "new"}}, "perspective-reply", "details"),
    (200, {**DCV, "check_passed": False}, "no-match", "")),
    ids=lambda value: str(value)[:40])
def test_what_a_perspective_may_not_answer(mixed, checker, status, reply, code, says):
    caller, name = mixed
    checker.replies["/dcv"] = (status, reply)
    answer = check(caller, "page.web.com", dcv.http01(),
                   orchestration_parameters={"quorum_count": 6})
    assert (answer["is_valid"], answer["quorum"]) == (False, "5/6")
    assert answer["problem"]["code"] == code, answer["problem"]
    assert f"{name}: " in answer["problem"]["message"] and says in answer["problem"]["message"]
    details = by_code(answer)[name]["details"]
    if code in ("perspective-reply", "result-mismatch"):
        assert details["validation_method"] == "acme-http-01"
        assert details["response_url"] is None and details["response_history"] is None


# -- refusals


@pytest.mark.parametrize("asked, faults", (
    (body("page.web.com", dcv.http01(), "http"), {"check_type"}),
    ({"check_type": "dcv", "domain_or_ip_target": "page.web.com"}, {"dcv_check_parameters"}),
    (body("*.web.com", dcv.http01()), {"domain_or_ip_target"}),
    (body("93.184.216.10", dcv.dns01()), {"domain_or_ip_target"}),
    (body("93.184.216.10", dcv.http01(), "dcv_with_caa"), {"check_type"}),
    (body("*.web.com", {"validation_method": "acme-http-01", "token": "../x"}, "dcv_with_caa",
          caa_check_parameters={"caa_domains": 7}, orchestration_parameters={"quorum_count": 1}),
     {"domain_or_ip_target", "dcv_check_parameters.token", "caa_check_parameters.caa_domains",
      "dcv_check_parameters.key_authorization", "orchestration_parameters.quorum_count"})))
def test_a_refusal_names_every_fault(caller, asked, faults):
    reply = caller.ask("/mpic", asked)
    assert reply.status == 400, reply.text
    assert {".".join(map(str, issue["loc"][1:]))
            for issue in reply.json["validation_issues"]} == faults
