"""POST /mpic/draft-00: draft-westerbaan-alldispatch-mpic-00, onto the same engine."""

import base64

import pytest

from coordinators import Identity
from daemons import until
from mininet import challenge

DRAFT = "/mpic/draft-00"
REMOTES = {"perspective_count": 6}


def ask(caller, **request):
    reply = caller.ask(DRAFT, {key.replace("record_type", "record-type"): value
                               for key, value in request.items()})
    assert reply.status == 200, reply.text
    assert reply.headers["X-MPIC-Is-Valid"] == str(reply.json["success"]).lower()
    return reply.json


def issue(value, flags=0, tag="issue"):
    """RDATA of a CAA record (RFC 8659 4.1), in base64."""
    return base64.b64encode(bytes((flags, len(tag))) + tag.encode() + value.encode()).decode()


def passed(answer):
    return [one["success"] for one in answer["perspectives"].values()]


# -- caa


def test_caa(caller, fleet):
    answer = ask(caller, method="caa", domain="www.permit.com")
    assert answer == {"success": True,
                      "caa": {"domain": "permit.com", "records": [issue("ca1.com")]},
                      "perspectives": {row["code"]: {"success": True}
                                       for row in fleet.parts["perspectives"]}}


def test_caa_that_another_ca_has(caller):
    """That the records can be fetched is not enough: they have to permit."""
    answer = ask(caller, method="caa", domain="deny.com")
    assert answer["success"] is False and passed(answer) == [False] * 6
    assert answer["caa"] == {"domain": "deny.com", "records": [issue("other-ca.example")]}
    assert "0 of 6 perspectives corroborated" in answer["error"]


def test_no_caa_records(caller):
    answer = ask(caller, method="caa", domain="none.com")
    assert (answer["success"], answer["caa"]) == (True, {"domain": None, "records": []})
    assert passed(answer) == [True] * 6


def test_caa_that_differs(caller):
    """What most perspectives saw is told, and who saw otherwise."""
    answer = ask(caller, method="caa", domain="hijack.com")
    assert answer["success"] is False
    assert sorted(passed(answer)) == [False] * 5 + [True]
    assert answer["caa"]["records"] == [issue("other-ca.example")]


def test_caa_that_nobody_can_look_up(started):
    _, caller = started(deadline_ms=1500)
    answer = ask(caller, method="caa", domain="dead.com")
    assert answer["success"] is False and "caa" not in answer
    assert "0 of 6" in answer["error"]


# -- http-acme


def http(target, **more):
    return {"method": "http-acme", "domain_or_ip": target, "token": challenge.TOKEN,
            "key_authorization": challenge.KEY_AUTHORIZATION, **more}


def test_http_without_caa(caller):
    answer = ask(caller, **http("page.web.com", caa_check=False))
    assert answer["success"] is True and passed(answer) == [True] * 6
    assert set(answer) == {"success", "perspectives"}


@pytest.mark.parametrize("more", ({}, {"caa_check": True}), ids=("default", "asked"))
def test_http_with_caa(caller, more):
    answer = ask(caller, **http("page.web.com", **more))
    assert answer["success"] is True and passed(answer) == [True] * 6
    assert answer["caa"] == {"domain": None, "records": []}


def test_http_of_an_address_has_no_caa_by_default(caller):
    answer = ask(caller, **http("93.184.216.10"))
    assert answer["success"] is True and "caa" not in answer


def test_http_that_fails(caller):
    answer = ask(caller, **http("page.web.com", key_authorization=f"{challenge.TOKEN}.other"))
    assert answer["success"] is False and passed(answer) == [False] * 6
    assert answer["caa"] == {"domain": None, "records": []}
    assert "0 of 6 perspectives corroborated" in answer["error"]


# -- dns


def dns(**more):
    return {"method": "dns", "domain": "exact.dcv.com", "record_type": "TXT",
            "prefix": "_acme-challenge", "expected": challenge.DIGEST, **more}


@pytest.mark.parametrize("more, caa", (({}, True), ({"caa": True}, True), ({"caa": False}, False)),
                         ids=("default", "asked", "without"))
def test_dns(caller, more, caa):
    answer = ask(caller, **dns(**more))
    assert answer["success"] is True and passed(answer) == [True] * 6
    assert ("caa" in answer) is caa


def test_dns_is_the_whole_record(caller):
    answer = ask(caller, **dns(expected=challenge.DIGEST[:-1], caa=False))
    assert answer["success"] is False and passed(answer) == [False] * 6


def test_dns_of_a_cname(caller):
    """Where it leads, as a whole."""
    target = f"{challenge.VALUE}.targets.dcv.com"
    for expected, success in ((target, True), (target + ".", True), (challenge.VALUE, False)):
        answer = ask(caller, **dns(domain="cname.dcv.com", record_type="CNAME", prefix="",
                                   expected=expected, caa=False))
        assert answer["success"] is success


def test_each_has_to_pass_where_both_are_checked(caller):
    answer = ask(caller, method="dns", domain="deny.com", prefix="", expected="x",
                 **{"record-type": "CAA"})
    assert answer["success"] is False
    assert answer["caa"]["records"] == [issue("other-ca.example")]


# -- the rest


@pytest.mark.parametrize("request_, says", (
    ({}, "method: "), ({"method": "alpn"}, 'one of "caa", "http-acme", "dns"'),
    ({"method": "caa"}, "domain: "), ({"method": "caa", "domain": 7}, "domain: expected a string"),
    ({"method": "caa", "domain": "a..com"}, "domain: "),
    ({"method": "caa", "domain": "192.0.2.1"}, "domain: "),
    (http(""), "domain_or_ip: "), ({"method": "http-acme", "domain_or_ip": "a.com"}, "token: "),
    (http("page.web.com", token="../x"), "token: expected characters of base64url"),
    (http("page.web.com", caa_check="no"), "caa_check: expected true or false"),
    ({"method": "dns", "domain": "a.com"}, "record-type: "),
    ({"method": "dns", "domain": "a.com", "record-type": "MX", "prefix": "", "expected": "x"},
     'record-type: expected one of "TXT", "CNAME", "CAA"'),
    ({"method": "dns", "domain": "a.com", "record-type": "TXT", "prefix": ".", "expected": "x"},
     "prefix: ")), ids=str)
def test_what_is_wrong_is_named_as_the_draft_names_it(caller, request_, says):
    reply = caller.ask(DRAFT, request_)
    assert reply.status == 400
    assert reply.json["success"] is False and says in reply.json["error"]


def test_the_status_on_request(caller):
    reply = caller.ask(DRAFT + "?status=verdict", {"method": "caa", "domain": "deny.com"})
    assert (reply.status, reply.json["success"]) == (422, False)


def test_no_issuer_domain_names_configured(started):
    """The draft's request has none, so there would be nothing to look for."""
    _, caller = started(caa_domains=None)
    reply = caller.ask(DRAFT, {"method": "caa", "domain": "permit.com"})
    assert reply.status == 400 and "caa_domains: " in reply.json["error"]


def test_records_as_of_any_request(started):
    daemon, caller = started()
    ask(caller, method="caa", domain="permit.com")
    line = daemon.lines("attempt")[0]
    assert (line["target"], line["quorum"], line["outcome"]) == ("permit.com", "6/6", "valid")


def test_who_may_not_ask(coordinators):
    daemon, _ = coordinators.start(plain=False)
    stranger = coordinators.caller(daemon, Identity(coordinators.parts["coordinator"]))
    assert stranger.ask(DRAFT, {"method": "caa", "domain": "permit.com"}).status == 401


def test_a_caller_that_vanishes(started):
    daemon, caller = started()
    connection = caller.connect()
    connection.request("POST", DRAFT, b'{"method": "caa", "domain": "dead.com"}')
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] > 0)
    connection.close()
    assert until(lambda: daemon.lines("attempt"))[0]["outcome"] == "aborted"
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 0)
