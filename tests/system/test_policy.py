"""Policies: what a request may ask for, what the answer says of it, and mpic policy."""

import json
import subprocess

import pytest

from coordinators import policy_file
from mininet.challenge import VALUE

ROWS = [
    {"rule": "remotes", "from": "2020-01-01", "section": "3.2", "value": 4},
    {"rule": "remotes", "from": "2999-01-01", "section": "3.2", "value": 7},
    {"rule": "may_fail", "section": "3.3", "remotes": 2, "value": 1},
    {"rule": "rir_regions", "section": "3.4", "remotes": 2, "value": 2},
    {"rule": "retired", "from": "2020-01-01", "section": "3.5", "method": "dns-change"},
]
DEMAND = "Rules 1.0 section 3.2, from 2020-01-01: at least 4 remote perspectives"
RETIRED = "Rules 1.0 section 3.5, from 2020-01-01: dns-change is not to be relied on"


@pytest.fixture(scope="module")
def fleet_options():
    return "--policy", "cabf-tls"


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """A policy whose rows do not change while this is of use to anybody."""
    path = tmp_path_factory.mktemp("policy") / "rules.yaml"
    path.write_text(json.dumps(
        {"name": "rules", "document": "Rules", "version": "1.0", "rows": ROWS}))
    return str(path)


@pytest.fixture(scope="module")
def run(build_dir):
    def run(*arguments):
        return subprocess.run([build_dir / "mpic", "policy", *arguments], capture_output=True,
                              text=True, timeout=30, check=False)
    return run


@pytest.fixture(scope="module")
def standing(run, fleet):
    """standing(DATE, ...) of the fleet of this file."""
    return lambda date, *more: run("--at", date, "--config", f"{fleet.folder}/coordinator.yaml",
                                   *more)


def issues(reply):
    return [issue["message"] for issue in reply.json["validation_issues"]]


# -- cabf-tls, whatever day it is


def test_fewer_perspectives_than_the_rules_demand(fleet):
    status, answer = fleet.check_caa("permit.com", ["ca1.com"], {"perspective_count": 3})
    assert status == 400
    message = answer["validation_issues"][0]["message"]
    assert message.startswith("Invalid perspective count: 3. TLS BR 2.2.6 section 3.2.2.9, from 202")
    assert message.endswith(" remote perspectives, 3 asked")


def test_the_answer_names_the_policy(fleet):
    status, answer = fleet.check_caa("permit.com")
    assert (status, answer["is_valid"], answer["quorum"]) == (200, True, "6/6")
    policy = answer["policy"]
    assert (policy["name"], policy["document"], policy["version"]) == ("cabf-tls", "TLS BR", "2.2.6")
    assert [row["rule"] for row in policy["rows"]][:4] == [
        "remotes", "may_fail", "rir_regions", "distance_km"]
    assert policy["rows"][1]["value"] == 2
    assert all(row["section"].startswith("3.2.2.") for row in policy["rows"])
    assert answer["compliance"] == []


# -- rules of our own


def test_a_request_may_ask_for_more_and_not_for_less(started, rules):
    daemon, caller = started(policy_file=rules)
    for count in (4, 5, 6):
        answer = caller.check("permit.com", {"perspective_count": count})
        assert answer["quorum"] == f"{count}/{count}"
        assert answer["actual_orchestration_parameters"]["quorum_count"] == count - 1
    reply = caller.mpic("permit.com", {"perspective_count": 3})
    assert reply.status == 400
    assert issues(reply) == [f"Invalid perspective count: 3. {DEMAND}, 3 asked"]
    reply = caller.mpic("permit.com", {"quorum_count": 4})
    assert reply.status == 400
    assert issues(reply) == [
        "Invalid quorum count: 4. Rules 1.0 section 3.3: of 2 remote perspectives or more at most 1 "
        "may fail to corroborate; expected 5 to 6 of 6, 4 asked"]
    assert {line["policy"] for line in daemon.lines("attempt")} == {"rules (Rules 1.0)"}
    assert daemon.lines("the fleet satisfies its policy")[0]["standing"].endswith(
        ": rules (Rules 1.0): satisfied by 6 perspectives in the service regions of 3 RIRs")
    assert daemon.lines("the fleet will not satisfy its policy")[0]["standing"] == (
        "2999-01-01: rules (Rules 1.0): lacks Rules 1.0 section 3.2, from 2999-01-01: "
        "at least 7 remote perspectives, 6 configured")


def test_the_usual_number_rises_with_the_rules(started, rules):
    _, caller = started(policy_file=rules, default_perspective_count=2)
    assert caller.check("permit.com")["quorum"] == "4/4"


def test_a_fleet_too_small_for_its_policy_gives_no_verdict(coordinators, started, rules):
    daemon, caller = started(policy_file=rules, perspectives=coordinators.perspectives(0, 2, 4))
    for orchestration in (None, {"perspective_count": 4}):
        reply = caller.mpic("permit.com", orchestration)
        assert reply.status == 503
        assert issues(reply) == ["The coordinator has fewer perspectives than its policy demands: "
                                 f"{DEMAND}, 3 configured"]
    assert caller.mpic("permit.com", {"perspective_count": 3}).status == 400
    assert caller.ask("/readyz").status == 503
    lines = daemon.lines("the fleet does not satisfy its policy: requests that need more are refused")
    assert [line["level"] for line in lines] == ["error"]
    assert lines[0]["standing"].endswith(f": lacks {DEMAND}, 3 configured")
    assert daemon.lines("attempt") == []


DNS_CHANGE = {"check_type": "dcv", "domain_or_ip_target": "dcv.com", "dcv_check_parameters": {
    "validation_method": "dns-change", "challenge_value": VALUE, "dns_record_type": "TXT"}}


def test_a_retired_method_is_named(started, rules):
    answer = started(policy_file=rules)[1].ask("/mpic", DNS_CHANGE).json
    assert [one["message"] for one in answer["compliance"]] == [RETIRED]
    row = answer["compliance"][0]["row"]
    assert (row["rule"], row["method"], row["section"]) == ("retired", "dns-change", "3.5")


def test_a_retired_method_is_refused(started, rules):
    reply = started(policy_file=rules, retired_methods="refuse")[1].ask("/mpic", DNS_CHANGE)
    assert reply.status == 400
    assert issues(reply) == [RETIRED]
    assert reply.json["validation_issues"][0]["loc"][1:] == [
        "dcv_check_parameters", "validation_method"]


# -- RFC 8657


@pytest.mark.parametrize("binds", (False, True))
def test_rfc_8657_once_it_is_mandatory(started, tmp_path, binds):
    path = tmp_path / "rules.yaml"
    rows = ROWS + [{"rule": "rfc8657", "from": "2020-01-01" if binds else "2999-01-01"}]
    path.write_text(json.dumps({"name": "n", "document": "D", "version": "1", "rows": rows}))
    _, caller = started(policy_file=str(path))
    assert caller.check("account.com")["is_valid"] is not binds
    assert caller.check("permit.com")["is_valid"] is True


# -- mpic policy


def test_what_the_fleet_satisfies(standing):
    ended = standing("2026-11-22")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "2026-11-22: cabf-tls (TLS BR 2.2.6): satisfied by 6 perspectives in the service regions of "
        "3 RIRs",
        "2026-12-15: cabf-tls (TLS BR 2.2.6): satisfied by 6 perspectives in the service regions of "
        "3 RIRs; new then: TLS BR 2.2.6 section 3.2.2.9, from 2026-12-15: at least 5 remote "
        "perspectives"]


def four_of(fleet):
    rows = [{"code": row["code"], "url": row["url"]} for row in fleet.parts["perspectives"][:4]]
    return "--set", "perspectives=" + json.dumps(rows)


@pytest.mark.parametrize("date, status, now", (
    ("2026-12-14", 0, "satisfied by 4 perspectives in the service regions of 2 RIRs"),
    ("2026-12-15", 1, "lacks TLS BR 2.2.6 section 3.2.2.9, from 2026-12-15: at least 5 remote "
     "perspectives, 4 configured"),
))
def test_what_it_will_lack(standing, fleet, date, status, now):
    ended = standing(date, *four_of(fleet))
    assert ended.returncode == status
    assert ended.stdout.splitlines()[0] == f"{date}: cabf-tls (TLS BR 2.2.6): {now}"
    assert "lacks" in ended.stdout.splitlines()[1]


def test_every_row(standing):
    ended = standing("2026-11-22", "--rows")
    assert "  TLS BR 2.2.6 section 3.2.2.4.16, from 2027-03-15: contact-phone-txt is not to be " \
        "relied on\n" in ended.stdout
    path = policy_file("cabf-smime")
    lines = standing("2026-11-22", "--set", "policy_file=" + path, "--rows").stdout.splitlines()
    with open(path, encoding="ascii") as file:
        assert len(lines) == 2 + file.read().count("- { rule: ")


@pytest.mark.parametrize("arguments, says", (
    (("--at", "tomorrow"), "--at: tomorrow cannot be used"),
    (("--at", "2026-02-30"), "--at: 2026-02-30 cannot be used"),
    (("--at",), "--at: no such argument, or nothing after it"),
    (("--policy", "x"), "--policy: no such argument"),
    (("--config", "/nonexistent.yaml"), "/nonexistent.yaml"),
))
def test_a_wrong_argument(run, arguments, says):
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr


def test_help(run):
    ended = run("--help")
    assert ended.returncode == 0
    assert "--at DATE" in ended.stdout
