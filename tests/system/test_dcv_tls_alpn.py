"""POST /dcv at one perspective: acme-tls-alpn-01 (RFC 8737, RFC 8738)."""

import base64

import pytest

import dcv
from dcv import Case, tls_alpn
from mininet import challenge
from perspective import Perspective

QUICK_MS = 4000
BASE64URL = base64.urlsafe_b64encode(challenge.KEY_HASH).rstrip(b"=").decode()


def _alpn(host, problem=None, says="", details=None, **more):
    return Case(f"{host}.web.com", tls_alpn(), problem, says, details or {}, **more)


CASES = (
    _alpn("alpn", details={"common_name": "cn-alpn", "dnssec_status": "insecure",
                           "resolved_ip": dcv.address("alpn", 6)}),
    Case("alpn.web.com", tls_alpn(BASE64URL)),
    Case("alpn.web.com", tls_alpn(BASE64URL + "=")),
    Case("alpn.web.com", tls_alpn(challenge.KEY_HASH.hex().upper())),
    Case("ALPN.Web.com", tls_alpn()),
    _alpn("alpn-12"),
    _alpn("alpn-capitals"),
    Case("alpn.web.com", tls_alpn(bytes(32).hex()), "no-match"),
    _alpn("alpn-none", "alpn-not-negotiated"),
    _alpn("alpn-other", "alpn-not-negotiated"),
    _alpn("page", "alpn-not-negotiated"),
    _alpn("alpn-11", "tls-failed"),
    _alpn("alpn-digest", "no-match"),
    _alpn("alpn-long", "no-match"),
    _alpn("alpn-raw", "no-match"),
    _alpn("alpn-not-critical", "acme-identifier-not-critical"),
    _alpn("alpn-bare", "no-acme-identifier"),
    _alpn("alpn-two", "not-one-san", "2"),
    _alpn("alpn-same-twice", "not-one-san", "2"),
    _alpn("alpn-no-san", "not-one-san", "0"),
    _alpn("alpn-elsewhere", "san-not-target", "second.web.com"),
    _alpn("alpn-wildcard", "san-not-target", "*.web.com"),
    _alpn("alpn-address", "san-not-dns-name"),
    _alpn("alpn-email", "san-not-dns-name"),
    _alpn("tls-refused", "connection-refused"),
    _alpn("tls-reset", "tls-failed", "reset"),
    _alpn("tls-garbage", "tls-failed"),
    _alpn("tls-plain", "tls-failed"),
    _alpn("tls-silent", "tls-timeout", deadline_ms=QUICK_MS),
    _alpn("tls-drip", "tls-timeout", deadline_ms=QUICK_MS),
    _alpn("dead", "connection-timeout", deadline_ms=QUICK_MS),
    _alpn("loopback", "address-refused"),
    _alpn("nowhere", "no-address"),
    Case("www.web-bogus-a.org", tls_alpn(), "dns-bogus"),
    # Addresses.
    Case("93.184.216.10", tls_alpn(), details={"resolved_ip": "93.184.216.10"}),
    Case("2606:2800:220:1::a", tls_alpn()),
    Case("93.184.216.11", tls_alpn(), "san-not-target", "93.184.216.10"),
    Case("93.184.216.12", tls_alpn(), "san-not-ip-address"),
    Case("127.0.0.1", tls_alpn(), "address-refused"),
)


@pytest.fixture(scope="module")
def client(build_dir, unbound_prefix, world, tmp_path_factory):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("dcv")) as perspective:
        perspective.start_unbound()
        yield perspective.start()[1]


@pytest.fixture(scope="module")
def asked(client, world):
    """({id of a case: result}, visits meanwhile)"""
    mark = world.visits.mark()
    results = dict(zip(map(id, CASES), dcv.ask_all(client, CASES)))
    return results, world.visits.since(mark)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(asked, case):
    result = asked[0][id(case)]
    dcv.judge(case, result)
    assert result["elapsed_ms"] <= case.deadline_ms + 500
    details = result["details"]
    assert set(details) == {"validation_method", "common_name", "matched", "relied_on",
                            "dnssec_status", "resolved_ip", "addresses_tried"}
    for dial in details["addresses_tried"]:
        assert dial["port"] == 443
    if result["check_passed"]:
        (dial,) = details["addresses_tried"]
        assert dial["outcome"] == "answered" and dial["tls_version"] in ("TLSv1.2", "TLSv1.3")
        assert len(dial["certificate_sha256"]) == 64
        assert 0 <= dial["connect_us"] <= dial["tls_us"] <= dial["total_us"]


def test_nobody_was_dialled_who_may_not_be(asked):
    assert [visit for visit in asked[1] if visit["host"] == "trap"] == []


@pytest.mark.parametrize("target,host,name", [
    ("alpn.web.com", "alpn", "alpn.web.com"),
    ("93.184.216.10", "ip", "10.216.184.93.in-addr.arpa"),
    ("2606:2800:220:1::a", "ip",
     "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.2.2.0.0.0.8.2.6.0.6.2.ip6.arpa"),
])
def test_what_the_handshake_asks_for(client, world, target, host, name):
    """SNI is the name, of an address the one in its reverse tree (RFC 8738 6)."""
    mark = world.visits.mark()
    dcv.judge(Case(target, tls_alpn()), dcv.ask(client, Case(target, tls_alpn())))
    (visit,) = world.visits.wait(mark, host=host, event="handshake")
    assert (visit["name"], visit["protocol"]) == (name, "acme-tls/1")
    assert not world.visits.since(mark, host=host, event="request")
