"""What POST /mpic says, through real perspectives: shapes, quorums, cohorts, and bad requests."""

import time

import pytest

from coordinators import by_code

ACCOUNT = "https://ca1.com/acct/1"
DENY, PERMIT = '0 issue "other-ca.example"', '0 issue "ca1.com"'
RIRS = {"AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE NCC"}
THREE = {"perspective_count": 3}


@pytest.fixture(scope="module")
def fleet_options():
    return "--perspectives", "10"


@pytest.fixture(scope="module")
def ten(coordinators):
    """Calls a coordinator of all ten perspectives."""
    return coordinators.start(perspectives=coordinators.perspectives(*range(10)))[1]


def codes(answer):
    return [one["perspective_code"] for one in answer["perspectives"]]


def in_short(answer):
    """What each perspective said, for a failed test."""
    return {code: (result["check_passed"], result["elapsed_ms"], result["problem"])
            for code, result in by_code(answer).items()}


def issues(reply):
    """(key, path, sentence) of each fault of a refusal, having checked its shape."""
    assert reply.status == 400, reply.text
    body = reply.json
    assert set(body) == {"error", "validation_issues"}
    found = []
    for issue in body["validation_issues"]:
        # Either kind of Open MPIC's clients finds its own members.
        assert issue["issue_type"] == issue["type"] and issue["message"] == issue["msg"]
        assert issue["loc"][0] == "body" and issue["message"]
        found.append((issue["type"], ".".join(map(str, issue["loc"][1:])), issue["message"]))
    return found


# -- shapes

MPIC = {"mpic_completed", "request_orchestration_parameters", "actual_orchestration_parameters",
        "check_type", "domain_or_ip_target", "is_valid", "trace_identifier", "perspectives",
        "caa_check_parameters", "previous_attempt_results"}
MPIC_OURS = {"quorum", "dnssec_status", "elapsed_ms", "trace_id", "problem", "policy", "compliance"}
CHECK = {"check_completed", "check_passed", "errors", "timestamp_ns", "check_type", "details"}
CHECK_OURS = {"perspective_code", "nonce", "domain_or_ip_target", "problem", "elapsed_ms",
              "evidence", "signature"}
DETAILS = {"caa_record_present", "found_at", "records_seen"}
DETAILS_OURS = {"dnssec_status", "reason", "deciding_record", "looked_up"}
PROBLEM = {"code", "message", "fault", "retryable"}


def check_problem(problem, passed):
    if problem is None:
        assert passed
        return
    assert set(problem) == PROBLEM
    assert problem["message"]
    assert problem["fault"] in ("target", "perspective", "coordinator")
    assert isinstance(problem["retryable"], bool)


def check_perspective(one):
    """One row of `perspectives`, as Open MPIC's specification and implementation have it."""
    assert set(one) == {"perspective_code", "check_response", "rir"}
    assert one["rir"] in RIRS
    response = one["check_response"]
    assert set(response) == CHECK | CHECK_OURS
    assert type(response["check_completed"]) is bool and type(response["check_passed"]) is bool
    assert type(response["timestamp_ns"]) is int and response["check_type"] == "caa"
    assert abs(response["timestamp_ns"] / 1e9 - time.time()) < 120
    assert response["perspective_code"] == one["perspective_code"]
    details = response["details"]
    assert set(details) == DETAILS | DETAILS_OURS
    assert details["found_at"] is None or not details["found_at"].endswith(".")
    for error in response["errors"] or ():
        assert set(error) == {"error_type", "error_message"}
        assert error["error_type"].startswith("mpic_error:") and error["error_message"]
    check_problem(response["problem"], response["check_passed"])


def check_answer(answer):
    assert set(answer) == MPIC | MPIC_OURS
    assert type(answer["mpic_completed"]) is bool and type(answer["is_valid"]) is bool
    actual = answer["actual_orchestration_parameters"]
    assert set(actual) == {"perspective_count", "quorum_count", "attempt_count"}
    assert actual["perspective_count"] == len(answer["perspectives"])
    assert len(answer["previous_attempt_results"] or ()) == actual["attempt_count"] - 1
    for attempt in [answer["perspectives"], *(answer["previous_attempt_results"] or ())]:
        for one in attempt:
            check_perspective(one)
    passed = sum(one["check_response"]["check_passed"] for one in answer["perspectives"])
    assert answer["quorum"] == f"{passed}/{actual['perspective_count']}"
    assert type(answer["elapsed_ms"]) is int
    assert (answer["problem"] is None) == answer["is_valid"]
    check_problem(answer["problem"], answer["is_valid"])


@pytest.mark.parametrize("name, valid", (
    ("permit.com", True), ("deny.com", False), ("none.com", True), ("signed-permit.org", True),
    ("expired.org", False), ("refused.com", False), ("dead.com", False), ("big.com", True)))
def test_an_answer_has_the_members_of_open_mpic_and_ours(caller, name, valid):
    answer = caller.check(name, deadline_ms=3000)
    check_answer(answer)
    assert answer["is_valid"] is valid


def test_the_echo_of_the_least_request(started):
    _, caller = started(caa_domains=["ca1.com"])
    reply = caller.ask("/mpic", {"check_type": "caa", "domain_or_ip_target": "permit.com"})
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/json"
    answer = reply.json
    check_answer(answer)
    assert answer["is_valid"] is True
    assert answer["mpic_completed"] is True
    assert answer["request_orchestration_parameters"] is None
    assert answer["caa_check_parameters"] is None
    assert answer["trace_identifier"] is None
    assert answer["previous_attempt_results"] is None
    assert answer["actual_orchestration_parameters"] == {
        "perspective_count": 6, "quorum_count": 4, "attempt_count": 1}


def test_the_echo_of_a_full_request(caller):
    body = {"check_type": "caa", "domain_or_ip_target": "WWW.Permit.com",
            "trace_identifier": "ac2d0392-8699-4037-a0e0-0a6db1ff8b89",
            "orchestration_parameters": {"perspective_count": 2, "quorum_count": 2,
                                         "max_attempts": 1, "cohort_for_single_attempt": None},
            "caa_check_parameters": {"certificate_type": "tls-server",
                                     "caa_domains": ["CA1.com", "ca7.net"],
                                     "allow_lookup_failure": False}}
    answer = caller.ask("/mpic", body).json
    check_answer(answer)
    assert answer["is_valid"] is True
    assert answer["request_orchestration_parameters"] == body["orchestration_parameters"]
    for member in ("domain_or_ip_target", "trace_identifier", "caa_check_parameters"):
        assert answer[member] == body[member]


def test_a_partial_request_object_is_echoed_with_nulls(caller):
    answer = caller.check("permit.com", {"perspective_count": 2})
    assert answer["request_orchestration_parameters"] == {
        "perspective_count": 2, "quorum_count": None, "max_attempts": None,
        "cohort_for_single_attempt": None}


def test_a_denial_differs_only_in_values(caller):
    def shape(value):
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()
                    if key not in ("evidence", "problem")}
        return [shape(inner) for inner in value] if isinstance(value, list) else None

    yes, no = caller.check("permit.com"), caller.check("deny.com")
    yes["perspectives"].sort(key=str)
    assert shape(yes["perspectives"][0]) == shape(no["perspectives"][0])
    assert set(yes) == set(no)
    for response in by_code(no).values():
        assert (response["check_completed"], response["check_passed"]) == (True, False)
        assert response["errors"] is None
        assert response["details"]["records_seen"] == [DENY]


def test_other_resources(caller):
    assert (caller.ask("/nothing").status, caller.ask("/nothing").json) == (
        404, {"detail": "Not Found"})
    for path, body in (("/mpic", None), ("/healthz", {})):
        reply = caller.ask(path, body)
        assert (reply.status, reply.json) == (405, {"detail": "Method Not Allowed"})
    reply = caller.ask("/healthz")
    assert (reply.status, reply.json) == (200, {"status": "healthy"})


@pytest.mark.parametrize("query, valid, denied", (
    ("", 200, 200), ("?status=verdict", 200, 422), ("?a=b&status=verdict", 200, 422),
    ("?status=verdicts", 200, 200), ("?nostatus=verdict", 200, 200)))
def test_the_verdict_in_the_status_and_in_a_header(caller, query, valid, denied):
    yes = caller.mpic("permit.com", path="/mpic" + query)
    no = caller.mpic("deny.com", path="/mpic" + query)
    assert (yes.status, yes.headers["X-MPIC-Is-Valid"], yes.json["is_valid"]) == (
        valid, "true", True)
    assert (no.status, no.headers["X-MPIC-Is-Valid"], no.json["is_valid"]) == (
        denied, "false", False)


def test_a_refusal_is_no_verdict(caller):
    reply = caller.mpic("permit.com.", path="/mpic?status=verdict")
    assert reply.status == 400 and "X-MPIC-Is-Valid" not in reply.headers


# -- quorums


@pytest.mark.parametrize("name, quorum, valid, differing", (
    ("permit.com", "6/6", True, set()),
    ("split.com", "5/6", True, {4}),
    ("split2.com", "4/6", True, {3, 4}),
    ("half.com", "3/6", False, {3, 4, 5}),
    ("hijack.com", "1/6", False, {0, 1, 3, 4, 5}),
    ("deny.com", "0/6", False, {0, 1, 2, 3, 4, 5})))
def test_each_perspective_sees_with_its_own_eyes(caller, fleet, name, quorum, valid, differing):
    answer = caller.check(name)
    assert (answer["quorum"], answer["is_valid"]) == (quorum, valid)
    assert answer["mpic_completed"] is True
    denied = {code for code, response in by_code(answer).items() if not response["check_passed"]}
    rows = fleet.parts["perspectives"]
    assert denied == {rows[i]["code"] for i in differing}
    assert all(response["evidence"] for response in by_code(answer).values())


def test_a_stricter_quorum_is_kept(caller):
    assert caller.check("split.com", {"quorum_count": 5})["is_valid"] is True
    answer = caller.check("split.com", {"quorum_count": 6})
    assert answer["is_valid"] is False
    assert answer["problem"]["code"] == "caa-forbids"
    assert "5 of 6 perspectives corroborated; 6 needed" in answer["problem"]["message"]


def test_enough_perspectives_but_of_one_rir(coordinators, started):
    """Two see permission, both of ARIN; the third, of RIPE NCC, does not."""
    _, caller = started(perspectives=coordinators.perspectives(0, 1, 3))
    answer = caller.check("half.com")
    assert (answer["quorum"], answer["is_valid"]) == ("2/3", False)
    assert "all in the service region of one RIR" in answer["problem"]["message"]
    _, caller = started(perspectives=coordinators.perspectives(0, 2, 3))
    answer = caller.check("half.com")
    assert (answer["quorum"], answer["is_valid"]) == ("2/3", True)


@pytest.mark.parametrize("count, quorum", ((2, 1), (3, 2), (4, 3), (5, 4), (6, 4)))
def test_perspective_counts(caller, count, quorum):
    answer = caller.check("permit.com", {"perspective_count": count})
    assert answer["actual_orchestration_parameters"] == {
        "perspective_count": count, "quorum_count": quorum, "attempt_count": 1}
    assert answer["quorum"] == f"{count}/{count}"
    assert len({one["rir"] for one in answer["perspectives"]}) >= 2


COUNT, QUORUM = ("orchestration_parameters.perspective_count",
                 "orchestration_parameters.quorum_count")
BAD_COUNTS = (
    ({"perspective_count": 1}, COUNT), ({"perspective_count": 0}, COUNT),
    ({"perspective_count": -2}, COUNT), ({"perspective_count": 7}, COUNT),
    ({"perspective_count": 10 ** 30}, COUNT), ({"perspective_count": "6"}, COUNT),
    ({"perspective_count": 2.5}, COUNT), ({"perspective_count": True}, COUNT),
    ({"quorum_count": 0}, QUORUM), ({"quorum_count": 1}, QUORUM), ({"quorum_count": 3}, QUORUM),
    ({"quorum_count": 7}, QUORUM), ({"quorum_count": -1}, QUORUM),
    ({"quorum_count": "all"}, QUORUM), ({"quorum_count": []}, QUORUM),
    ({"perspective_count": 5, "quorum_count": 3}, QUORUM),
    ({"perspective_count": 5, "quorum_count": 6}, QUORUM),
    ({"perspective_count": 2, "quorum_count": 0}, QUORUM),
    ({"perspective_count": 2, "quorum_count": 3}, QUORUM),
    ({"max_attempts": -1}, "orchestration_parameters.max_attempts"),
    ({"max_attempts": "3"}, "orchestration_parameters.max_attempts"),
    ({"cohort_for_single_attempt": 0}, "orchestration_parameters.cohort_for_single_attempt"),
    ({"cohort_for_single_attempt": 2}, "orchestration_parameters.cohort_for_single_attempt"),
    ([], "orchestration_parameters"),
)


@pytest.mark.parametrize("orchestration, path", BAD_COUNTS,
                         ids=lambda value: str(value).replace("orchestration_parameters.", ""))
def test_bad_counts(caller, orchestration, path):
    found = issues(caller.ask("/mpic", {
        "check_type": "caa", "domain_or_ip_target": "permit.com",
        "orchestration_parameters": orchestration}))
    assert [where for _, where, _ in found] == [path]


# -- requests


@pytest.mark.parametrize("target, says", (
    ("", "expected"), ("permit.com.", "dot"), ("a..com", "label 2 is empty"),
    ("under_score.com", "_"),
    ("xn--zz-zz--.com", "xn--"), ("xn--bcher-kva8445foa", "xn--bcher"), ("-a.com", "hyphen"),
    ("93.184.216.10", "IP address 93.184.216.10"), ("2606:2800::1", "IP address 2606:2800::1"),
    ("[::1]", "bracket"), ("*.*.com", "asterisk"), ("*", "wildcard"), ("x" * 64 + ".com", "63"),
    (".".join(["x" * 50] * 5), "253"), ("a b.com", "expected a domain name"),
    ("aü" * 300 + ".com", "expected"), ("a" + "ü" * 100, "expected"), ("x" * 1025, "1024"),
    (7, "string"), (None, "expected")), ids=lambda value: str(value)[:20])
def test_a_target_that_is_none(caller, target, says):
    found = issues(caller.ask("/mpic", {"check_type": "caa", "domain_or_ip_target": target}))
    assert [where for _, where, _ in found] == ["domain_or_ip_target"]
    assert says in found[0][2]


def test_every_fault_is_named(caller):
    found = issues(caller.ask("/mpic", {
        "check_type": "caa", "domain_or_ip_target": "permit.com.", "trace_identifier": 1,
        "deadline_ms": 0, "orchestration_parameters": {"perspective_count": 1,
                                                       "max_attempts": "two"},
        "caa_check_parameters": {"caa_domains": ["ca1.com", 7], "certificate_type": "code"}}))
    assert {where for _, where, _ in found} == {
        "domain_or_ip_target", "trace_identifier", "deadline_ms",
        "orchestration_parameters.perspective_count", "orchestration_parameters.max_attempts",
        "caa_check_parameters.caa_domains.1", "caa_check_parameters.certificate_type"}


@pytest.mark.parametrize("body, key, path", (
    (b"", "json_invalid", "0"), (b"{", "json_invalid", "1"), (b"[]", "model_attributes_type", ""),
    (b"null", "json_invalid", "4"), (b"[" * 5000, "json_invalid", None),
    ({"domain_or_ip_target": "permit.com"}, "missing", "check_type"),
    ({"check_type": "caa"}, "missing", "domain_or_ip_target"),
    ({"check_type": "CAA", "domain_or_ip_target": "permit.com"}, "literal_error", "check_type"),
    ({"check_type": "x", "domain_or_ip_target": "permit.com"}, "literal_error", "check_type"),
    ({"check_type": "caa", "domain_or_ip_target": "permit.com",
      "caa_check_parameters": {"caa_domains": ["bücher.example"]}},
     "invalid-caa-domain", "caa_check_parameters.caa_domains.0"),
    ({"check_type": "caa", "domain_or_ip_target": "permit.com",
      "caa_check_parameters": {"caa_domains": "ca1.com"}},
     None, "caa_check_parameters.caa_domains"),
), ids=lambda value: str(value)[:30])
def test_bad_bodies(caller, body, key, path):
    found = issues(caller.ask("/mpic", body))
    assert len(found) == 1
    assert key in (None, found[0][0]) and path in (None, found[0][1])


def test_no_issuer_domain_name_at_all(started):
    """What perspectives have configured must not decide, each for itself."""
    _, own = started(caa_domains=None)
    reply = own.ask("/mpic", {"check_type": "caa", "domain_or_ip_target": "permit.com"})
    assert reply.status == 400
    issue, = reply.json["validation_issues"]
    assert issue["issue_type"] == "missing"
    assert issue["loc"] == ["body", "caa_check_parameters", "caa_domains"]
    assert own.check("permit.com")["is_valid"]


def test_issuer_domain_names_of_the_configuration(caller):
    for name, valid in (("permit.com", True), ("deny.com", False)):
        body = {"check_type": "caa", "domain_or_ip_target": name}
        assert caller.ask("/mpic", body).json["is_valid"] is valid


def test_unknown_members_are_ignored(caller):
    assert caller.ask("/mpic", {
        "check_type": "caa", "domain_or_ip_target": "permit.com", "newer": {"x": [1]},
        "caa_check_parameters": {"caa_domains": ["ca1.com"], "newer": None},
        "orchestration_parameters": {"newer": 1}}).json["is_valid"] is True


def test_a_u_label_is_checked_as_its_a_label(caller):
    answers = [caller.check(name) for name in (
        "bücher.permit.com", "xn--bcher-kva.permit.com", "BÜCHER.permit.com")]
    for answer in answers:
        assert answer["is_valid"] is True
        for response in by_code(answer).values():
            assert response["details"]["looked_up"][0] == "xn--bcher-kva.permit.com"
    assert answers[0]["domain_or_ip_target"] == "bücher.permit.com"
    assert len({tuple(codes(answer)) for answer in answers}) == 1


# -- the verdict of CAA


@pytest.mark.parametrize("name, parameters, valid", (
    # The policy "open-mpic" does not know RFC 8657 ...
    ("account.com", {}, True), ("account-two.com", {}, True), ("method.com", {}, True),
    ("both.com", {}, True), ("both.com", {"account_uris": [], "validation_methods": []}, True),
    # ... but a request that names its account or method means it.
    ("account.com", {"account_uris": [ACCOUNT]}, True),
    ("account.com", {"account_uris": [ACCOUNT + "2"]}, False),
    ("account.com", {"account_uris": ["acct:1@ca1.com", ACCOUNT]}, True),
    ("account.com", {"validation_methods": ["dns-01"]}, False),
    ("account-two.com", {"account_uris": [ACCOUNT]}, False),
    ("method.com", {"validation_methods": ["http-01"]}, True),
    ("method.com", {"validation_methods": ["tls-alpn-01"]}, False),
    ("method.com", {"validation_methods": ["tls-alpn-01", "dns-01"]}, True),
    ("method.com", {"account_uris": [ACCOUNT]}, False),
    ("both.com", {"account_uris": [ACCOUNT]}, False),
    ("both.com", {"account_uris": [ACCOUNT], "validation_methods": ["dns-01"]}, True),
    ("both.com", {"account_uris": [ACCOUNT], "validation_methods": ["http-01"]}, False),
    ("permit.com", {"account_uris": [ACCOUNT], "validation_methods": ["dns-01"]}, True)))
def test_rfc_8657(caller, name, parameters, valid):
    answer = caller.check(name, **parameters)
    assert answer["is_valid"] is valid
    for member, given in parameters.items():
        assert answer["caa_check_parameters"][member] == given


@pytest.mark.parametrize("name, valid, found_at", (
    ("*.wild.com", False, "wild.com"), ("wild.com", True, "wild.com"),
    ("*.wild-only.com", True, "wild-only.com"), ("*.wild-none.com", False, "wild-none.com"),
    ("*.www.permit.com", True, "permit.com"), ("*.none.com", True, None)))
def test_wildcards(caller, name, valid, found_at):
    answer = caller.check(name)
    assert (answer["is_valid"], answer["domain_or_ip_target"]) == (valid, name)
    assert {r["details"]["found_at"] for r in by_code(answer).values()} == {found_at}


def test_a_wildcard_has_the_perspectives_of_its_name(ten):
    assert codes(ten.check("*.wild.com", THREE)) == codes(ten.check("wild.com", THREE))


@pytest.mark.parametrize("name, status", (
    ("signed-permit.org", "secure"), ("signed-none.org", "secure"), ("permit.com", "insecure"),
    ("plain.signed-permit.org", "insecure"), ("expired.org", "bogus")))
def test_the_overall_dnssec_status_is_the_weakest(caller, name, status):
    assert caller.check(name)["dnssec_status"] == status


@pytest.mark.slow
def test_lookup_failures_that_may_count_as_permission(started):
    """How long it takes to give up on silent servers is Unbound's choice, and each perspective's
    own: all are waited for, and have the longest time there is."""
    _, patient = started(linger_ms=60000, deadline_ms=60000)
    names = ("dead.com", "refused.com", "permit.com")
    for name, reply in zip(names, patient.at_once(names, allow_lookup_failure=True)):
        answer = reply.json
        assert (name, answer["is_valid"], answer["problem"]) == (name, True, None), \
            in_short(answer)
        assert (name, answer["quorum"]) == (name, "6/6"), in_short(answer)
    for name, reply in zip(names[:2], patient.at_once(names[:2])):
        answer = reply.json
        assert (name, answer["is_valid"], answer["mpic_completed"]) == (name, False, False)
        assert (answer["problem"]["fault"], answer["problem"]["retryable"]) == ("target", True), \
            in_short(answer)


@pytest.mark.slow
def test_lookup_failures_that_never_do(caller):
    names = ("expired.org", "expired-none.org", "dead-signed.org", "www.alias-dead.com",
             "stripped.org", "wrongkey.org", "www.alias-bogus.com", "deny.com")
    for name, reply in zip(names, caller.at_once(names, allow_lookup_failure=True)):
        assert (name, reply.json["is_valid"], reply.json["quorum"]) == (name, False, "0/6")
        assert {r["problem"]["fault"] for r in by_code(reply.json).values()
                if r["problem"]["code"] not in ("cancelled", "perspective-timeout")} == {"target"}


# -- cohorts


def test_cohorts_are_disjoint_and_of_two_rirs(ten):
    answers = [ten.check("permit.com", {**THREE, "cohort_for_single_attempt": k})
               for k in (1, 2, 3)]
    seen = [code for answer in answers for code in codes(answer)]
    assert len(set(seen)) == 9
    for answer in answers:
        assert len({one["rir"] for one in answer["perspectives"]}) >= 2
        assert answer["actual_orchestration_parameters"]["attempt_count"] == 1
    reply = ten.mpic("permit.com", {**THREE, "cohort_for_single_attempt": 4})
    assert issues(reply)[0][1] == "orchestration_parameters.cohort_for_single_attempt"
    assert "1 to 3" in issues(reply)[0][2]


def test_the_first_attempt_asks_the_first_cohort(ten):
    assert codes(ten.check("permit.com", THREE)) == codes(
        ten.check("permit.com", {**THREE, "cohort_for_single_attempt": 1}))


def test_cohorts_depend_on_target_and_secret_and_nothing_else(coordinators, started):
    names = [f"n{i}.bench.com" for i in range(8)]

    def cohorts(secret):
        _, caller = started(perspectives=coordinators.perspectives(*range(10)),
                         cohort_secret_file=secret)
        return [codes(reply.json) for reply in caller.at_once(names, THREE)]

    before = cohorts(coordinators.secret)
    assert cohorts(coordinators.secret) == before
    assert len({tuple(sorted(cohort)) for cohort in before}) > 1
    assert cohorts(coordinators.secret_file("other-secret")) != before


def test_a_cohort_that_cannot_be(coordinators, started):
    """Four perspectives, two of which must never be together."""
    rows = coordinators.perspectives(0, 1, 2, 3)
    rows[0]["too_close_codes"] = [rows[2]["code"]]
    _, caller = started(perspectives=rows, default_perspective_count=3)
    assert caller.check("permit.com")["quorum"] == "3/3"
    reply = caller.mpic("permit.com", {"perspective_count": 4})
    found = issues(reply)
    assert found[0][1] == "orchestration_parameters.perspective_count"
    assert reply.json["error"] == "The coordinator could not construct a cohort of size 4"
    for i in range(4):
        got = set(codes(caller.check(f"n{i}.bench.com")))
        assert not {rows[0]["code"], rows[2]["code"]} <= got


def test_an_attempt_takes_over_nothing_from_the_one_before(ten, fleet, restored):
    """One of each of three cohorts sees permission: three in all, but never two of three."""
    cohorts = [codes(ten.check("flip.com", {**THREE, "cohort_for_single_attempt": k}))
               for k in (1, 2, 3)]
    sources = {row["code"]: row["sources"] for row in fleet.parts["perspectives"]}
    restored.set_records("flip.com", "CAA", [DENY])
    for cohort in cohorts:
        restored.set_records("flip.com", "CAA", [PERMIT], sources=sources[cohort[0]])
    answer = ten.check("flip.com", {**THREE, "max_attempts": 3})
    check_answer(answer)
    assert (answer["is_valid"], answer["quorum"]) == (False, "1/3")
    assert answer["actual_orchestration_parameters"]["attempt_count"] == 3
    assert answer["previous_attempt_results"] is not None
    attempts = [*answer["previous_attempt_results"], answer["perspectives"]]
    assert [[one["perspective_code"] for one in attempt] for attempt in attempts] == cohorts
    nonces = {one["check_response"]["nonce"] for attempt in attempts for one in attempt}
    assert len(nonces) == 3


def test_the_attempts_end_with_the_first_that_is_valid(ten, fleet, restored):
    cohort = codes(ten.check("flip2.com", {**THREE, "cohort_for_single_attempt": 2}))
    sources = {row["code"]: row["sources"] for row in fleet.parts["perspectives"]}
    restored.set_records("flip2.com", "CAA", [DENY])
    for code in cohort:
        restored.set_records("flip2.com", "CAA", [PERMIT], sources=sources[code])
    answer = ten.check("flip2.com", {**THREE, "max_attempts": 3})
    assert (answer["is_valid"], codes(answer)) == (True, cohort)
    assert answer["actual_orchestration_parameters"]["attempt_count"] == 2
    assert len(answer["previous_attempt_results"]) == 1


def test_more_attempts_than_the_configuration_allows(ten):
    answer = ten.check("deny.com", {**THREE, "max_attempts": 1000})
    assert answer["actual_orchestration_parameters"]["attempt_count"] == 3
    assert answer["request_orchestration_parameters"]["max_attempts"] == 1000
