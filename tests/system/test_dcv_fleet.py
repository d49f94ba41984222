"""Domain control through a coordinator and six perspectives: every case, hijacks, CAA beside it."""

import concurrent.futures
import ipaddress

import pytest

import dcv
import test_dcv_dns
import test_dcv_tls_alpn
import test_dcv_web
from coordinators import by_code
from dcv import Case, dns01, http01, tls_alpn, website
from mininet.challenge import ACCOUNT, DIGEST, OTHER_DIGEST

AT_ONCE = 24
NAME = "site.dcv-flip.com"
RECORD = f"_acme-challenge.{NAME}"
# All that one perspective is asked, but for silent name servers: resolvers remember those.
CASES = [case for case in (*test_dcv_dns.CASES, *test_dcv_web.CASES, *test_dcv_tls_alpn.CASES)
         if case.problem not in ("dns-timeout", "dns-failed")]


def ask_all(caller, cases):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(dcv.corroborate, caller, case) for case in cases]
    return {id(case): future.exception() or future.result()
            for case, future in zip(cases, futures)}


@pytest.fixture(scope="module")
def answers(caller):
    return ask_all(caller, CASES)


def is_address(target):
    try:
        ipaddress.ip_address(target)
        return True
    except ValueError:
        return False


def own_words(answer):
    """What the perspectives said themselves: not of those whose word was no longer waited for."""
    return [result for result in by_code(answer).values()
            if not result["problem"] or result["problem"]["fault"] != "coordinator"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(answers, case):
    """All perspectives say the same, each in its own words."""
    answer = answers[id(case)]
    if isinstance(answer, BaseException):
        raise answer
    assert answer["is_valid"] is (case.problem is None)
    assert answer["check_type"] == "dcv" and answer["domain_or_ip_target"] == case.target
    assert len(answer["perspectives"]) == 6
    said = own_words(answer)
    assert len(said) >= 4
    for result in said:
        dcv.judge(case, result)
        # A check of an address over the web looks nothing up.
        assert (result["evidence"] is None) is (
            "addresses_tried" in result["details"] and is_address(case.target))


def test_each_perspective_asks_by_itself(caller, world):
    mark = world.visits.mark()
    answer = dcv.corroborate(caller, Case("page.web.com", http01()))
    requests = world.visits.since(mark, host="page", event="request")
    assert len(requests) == len(answer["perspectives"]) == 6


# -- a hijack is local


def sources(world, *indices):
    return [address for index in indices for address in world.PERSPECTIVE_ADDRESSES[index]]


@pytest.mark.parametrize("hijacked,valid", [((), True), ((4,), True), ((1, 4), True),
                                            ((1, 3, 4), False)])
def test_records_that_some_perspectives_do_not_see(caller, world, restored, hijacked, valid):
    """Two of six may fail to corroborate (BR 3.2.2.9)."""
    restored.set_records(RECORD, "TXT", [f'"{DIGEST}"'])
    if hijacked:
        restored.set_records(RECORD, "TXT", [f'"{OTHER_DIGEST}"'],
                             sources=sources(world, *hijacked))
    answer = dcv.corroborate(caller, Case(NAME, dns01()))
    assert answer["is_valid"] is valid
    passed = sum(result["check_passed"] for result in by_code(answer).values())
    assert answer["quorum"] == f"{passed}/6"


@pytest.mark.parametrize("seeing", ((2,), (2, 3, 4)))
def test_records_that_only_a_hijacker_shows(caller, world, restored, seeing):
    restored.set_records(RECORD, "TXT", [f'"{DIGEST}"'], sources=sources(world, *seeing))
    answer = dcv.corroborate(caller, Case(NAME, dns01()))
    assert answer["is_valid"] is False


def test_a_page_that_only_a_hijacker_serves(caller, world, restored):
    restored.set_records(NAME, "A", [dcv.address("other")])
    restored.set_records(NAME, "A", [dcv.address("page")], sources=sources(world, 0, 5))
    answer = dcv.corroborate(caller, Case(NAME, http01()))
    assert answer["is_valid"] is False
    restored.set_records(NAME, "A", [dcv.address("page")], sources=sources(world, 0, 1, 2, 5))
    answer = dcv.corroborate(caller, Case(NAME, http01()))
    assert answer["is_valid"] is True and answer["quorum"] == "4/6"


# -- dcv_with_caa


def both(caller, case, **parameters):
    parameters = {"certificate_type": "tls-server", "caa_domains": ["ca1.com"], **parameters}
    return dcv.corroborate(caller, case, "dcv_with_caa", caa_check_parameters=parameters)


@pytest.mark.parametrize("target,parameters,control,caa", [
    ("www.permit.com", http01(), True, True),
    ("www.permit.com", website(), True, True),
    ("www.none.com", http01(), True, True),
    ("permit.com", tls_alpn(), False, True),
    ("www.deny.com", http01(), True, False),
    ("www.deny.com", http01(token="another"), False, False),
    ("www.permit.com", http01(key_authorization="another"), False, True),
    ("exact.dcv.com", dns01(), True, True),
    ("www.expired.org", http01(), False, False),
])
def test_control_and_caa(caller, target, parameters, control, caa):
    answer = both(caller, Case(target, parameters))
    assert answer["check_type"] == "dcv_with_caa"
    assert answer["is_valid"] is (control and caa)
    assert answer["verdicts"]["dcv"]["is_valid"] is control
    assert answer["verdicts"]["caa"]["is_valid"] is caa
    for one in answer["perspectives"]:
        assert one["check_response"]["check_type"] == "dcv"
        assert one["caa_check_response"]["check_type"] == "caa"
        for result, passed in ((one["check_response"], control), (one["caa_check_response"], caa)):
            if not result["problem"] or result["problem"]["fault"] != "coordinator":
                assert result["check_passed"] is passed


def test_caa_knows_the_method(caller, restored):
    """validationmethods (RFC 8657) is held against the labels of the method that is used."""
    restored.set_records(RECORD, "TXT", [f'"{DIGEST}"'])
    restored.set_records(NAME, "A", [dcv.address("page")])
    for methods, dns, http in (("dns-01", True, False), ("http-01", False, True),
                               ("ca-tbr-7", True, False), ("dns-01,http-01", True, True),
                               ("ca-tbr-19", False, True), ("tls-alpn-01", False, False)):
        restored.set_records(NAME, "CAA", [f'0 issue "ca1.com; validationmethods={methods}"'])
        for parameters, valid in ((dns01(), dns), (http01(), http)):
            answer = both(caller, Case(NAME, parameters), account_uris=[ACCOUNT])
            assert answer["is_valid"] is valid, (methods, parameters["validation_method"])
