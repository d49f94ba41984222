"""POST /dcv at one perspective: methods that are answered by web servers, good and hostile."""

import base64
import concurrent.futures
import json
import os
import signal
import time

import pytest

import dcv
from daemons import children
from dcv import Case, http01, website
from mininet import webhosts
from mininet.challenge import ACME_PATH, KEY_AUTHORIZATION, PAGE_PATH, VALUE
from perspective import Perspective

QUICK_MS = 4000
SHOWN = base64.b64encode(KEY_AUTHORIZATION.encode()[:100]).decode()


def _acme(host, problem=None, says="", details=None, **more):
    return Case(f"{host}.web.com", http01(), problem, says, details or {}, **more)


def _slow(host, problem, says="", details=None):
    return _acme(host, problem, says, details, deadline_ms=QUICK_MS)


def _site(host, problem=None, parameters=None, **more):
    return Case(f"{host}.web.com", parameters or website(), problem, **more)


def _moved(host, *urls, path=ACME_PATH):
    """A check that is passed after one redirect to a URL."""
    return _acme(host, details={
        "response_url": urls[-1].format(path=path),
        "response_history": [
            {"status_code": 302, "url": url.format(path=path), "response_status_code": 302,
             "response_url": f"http://{host}.web.com{path}"} for url in urls]})


PASSES = (
    _acme("page", details={
        "response_history": None, "response_url": f"http://page.web.com{ACME_PATH}",
        "response_status_code": 200, "response_page": SHOWN, "dnssec_status": "insecure",
        "resolved_ip": dcv.address("page", 6), "matched": KEY_AUTHORIZATION}),
    _acme("PAGE"),
    _acme("segments"), _acme("chunked"), _acme("until-close"), _acme("kept-open"),
    _acme("continued"), _acme("slow-start"), _acme("newline"), _acme("crlf"),
    _acme("partial", details={"response_status_code": 206}),
    _acme("created", details={"response_status_code": 201}),
    _acme("only4", details={"resolved_ip": dcv.address("only4", 4)}),
    _acme("only6", details={"resolved_ip": dcv.address("only6", 6)}),
    _acme("alias", details={"response_url": f"http://alias.web.com{ACME_PATH}"}),
    Case("www.web.org", http01(), details={"dnssec_status": "secure"}),
    Case("alias.web.org", http01(), details={"dnssec_status": "insecure"}),
    _acme("dead6", details={"resolved_ip": dcv.address("dead6", 4)}),
    _acme("refused6", details={"resolved_ip": dcv.address("refused6", 4)}),
    _acme("dead4", details={"resolved_ip": dcv.address("dead4", 6)}),
    _acme("dead-first"), _acme("refused-first"), _acme("special-first"), _acme("special6"),
    Case("93.184.216.10", http01(), details={
        "response_url": f"http://93.184.216.10{ACME_PATH}", "resolved_ip": "93.184.216.10"}),
    Case("2606:2800:220:1::a", http01(), details={
        "response_url": f"http://[2606:2800:220:1::a]{ACME_PATH}",
        "resolved_ip": "2606:2800:220:1::a"}),
    # Redirects.
    *(_acme(f"redirect-{status}", details={
        "response_url": f"http://redirect-{status}.web.com/moved/1{ACME_PATH}",
        "response_history": [{
            "status_code": status, "url": f"/moved/1{ACME_PATH}", "response_status_code": status,
            "response_url": f"http://redirect-{status}.web.com{ACME_PATH}"}]})
      for status in (301, 302, 307, 308)),
    _acme("redirect-relative"), _acme("redirect-query"), _acme("redirect-case"),
    _acme("redirect-port-80"), _acme("redirect-10"),
    _acme("redirect-scheme-relative", details={
        "response_url": f"http://second.web.com{ACME_PATH}"}),
    _moved("redirect-host", "http://second.web.com{path}"),
    _moved("redirect-https", "https://second.web.com{path}"),
    # Website change.
    _site("page", details={"response_url": f"http://page.web.com{PAGE_PATH}", "matched": VALUE}),
    _site("page", parameters=website(url_scheme="http")),
    _site("page", parameters=website(url_scheme="https"), details={
        "response_url": f"https://page.web.com{PAGE_PATH}"}),
    _site("tls-expired-name", parameters=website(url_scheme="https")),
    _site("redirect-https"), _site("segments"), _site("chunked"),
    _site("leading"), _site("garbage-after"), _site("line-after"), _site("binary"),
    _site("big-begin"), _site("big-60"),
    _site("page", parameters=website(match_regex="^Parallax-Value-[0-9A-Za-z]{10}$")),
    _site("page", parameters=website(match_regex="")),
    _site("lower", parameters=website(require_exact_case=False)),
    Case("93.184.216.10", website()),
    Case("2606:2800:220:1::a", website()),
)

FAILS = (
    # What the page says.
    _acme("leading", "no-match", "white space"), _acme("garbage-after", "no-match"),
    _acme("line-after", "no-match"), _acme("nothing", "no-match", "empty"),
    _acme("other", "no-match", details={"response_status_code": 200}),
    _acme("lower", "no-match"), _acme("binary", "no-match"), _acme("no-content", "no-match"),
    _acme("gzip", "no-match"), _acme("bomb", "no-match"),
    _acme("big-begin", "no-match"),
    _acme("body-endless", "no-match", "and more"),
    _acme("echo", "no-match"),
    _acme("not-found", "http-status", "404", {"response_status_code": 404,
                                              "response_page": SHOWN}),
    _acme("forbidden", "http-status", "403"), _acme("broken", "http-status", "500"),
    _acme("unavailable", "http-status", "503"),
    _site("page", "http-status", website(http_token_path="elsewhere.txt"), says="404"),
    _site("other", "no-match"), _site("lower", "no-match"), _site("nothing", "no-match"),
    _site("gzip", "no-match"), _site("bomb", "no-match"),
    _site("big-end", "no-match", says="more"), _site("body-endless", "no-match", says="more"),
    _site("page", "no-match", website(match_regex="^[0-9]+$"), says="match_regex"),
    # Whatever the method, a value of the page's own is looked for first.
    _site("many-as", "regex-limit", website(match_regex="^(a+)+$b", challenge_value="aaaaaaaaaa")),
    # Where redirects lead.
    *(_acme(f"redirect-{status}", "redirect-refused", f"{status}") for status in (300, 303, 305)),
    _acme("not-modified", "redirect-refused", "304"),
    _acme("redirect-none", "redirect-refused", "no location"),
    _acme("redirect-empty", "redirect-refused"),
    _acme("redirect-11", "too-many-redirects", "10"), _acme("redirect-self", "too-many-redirects"),
    _acme("redirect-8080", "redirect-refused", "port"),
    _acme("redirect-22", "redirect-refused", "port"),
    _acme("redirect-ftp", "redirect-refused"), _acme("redirect-file", "redirect-refused"),
    _acme("redirect-userinfo", "redirect-refused", "user"),
    _acme("redirect-two", "http-malformed", "ocation"),
    _acme("redirect-control", "redirect-refused"),
    _acme("redirect-long", "http-too-large", "Location"),
    _acme("redirect-decimal", "redirect-refused"), _acme("redirect-hex", "redirect-refused"),
    _acme("redirect-localhost", "no-address", "localhost"),
    _acme("redirect-nowhere", "no-address", "nowhere.web.com"),
    _acme("redirect-bogus", "dns-bogus", "www.expired.org"),
    # Short of the time in which a resolver gives such servers up.
    _acme("redirect-dead", "dns-timeout", deadline_ms=2000),
    _slow("redirect-silent-tls", "tls-timeout"),
    _acme("redirect-http-443", "connection-reset", "port 443"),
    # Addresses that nobody may dial.
    *(_acme(f"redirect-{name}", "address-refused", says)
      for name, says in (("loopback", "127.0.0.1"), ("metadata", "169.254.169.254"),
                         ("loopback6", "::1"), ("mapped", "127.0.0.1"),
                         ("private", "10.0.0.1"))),
    *(_acme(host, "address-refused") for host in (
        "loopback", "loopback6", "private", "private172", "private192", "shared", "metadata",
        "documentation", "benchmark", "this", "broadcast", "multicast", "unique-local",
        "link-local", "mapped", "nat64", "6to4", "alias-private")),
    *(Case(address, http01(), "address-refused") for address in (
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1")),
    # Connections.
    _acme("rebind", "connection-refused"), _acme("redirect-rebind", "connection-refused"),
    _acme("no-address", "no-address"), _acme("nowhere", "no-address"), _acme("text", "no-address"),
    _acme("alias-bogus", "dns-bogus"),
    Case("www.web-bogus-a.org", http01(), "dns-bogus", details={"dnssec_status": "bogus"}),
    Case("www.expired.org", http01(), "dns-bogus"),
    _acme("refused", "connection-refused"),
    _slow("dead", "connection-timeout"),
    _acme("reset-accept", "connection-reset"), _acme("reset-request", "connection-reset"),
    _acme("reset-middle", "connection-reset"), _acme("closes", "connection-reset", "closed"),
    _site("tls-refused", "connection-refused", website(url_scheme="https")),
    _site("tls-reset", "tls-failed", website(url_scheme="https"), says="reset"),
    _site("tls-garbage", "tls-failed", website(url_scheme="https")),
    _site("tls-plain", "tls-failed", website(url_scheme="https")),
    _site("alpn-11", "tls-failed", website(url_scheme="https")),
    _site("tls-silent", "tls-timeout", website(url_scheme="https"), deadline_ms=QUICK_MS),
    _site("tls-drip", "tls-timeout", website(url_scheme="https"), deadline_ms=QUICK_MS),
    # HTTP that is none, or no end of it.
    _acme("short", "connection-reset", "not whole"), _acme("garbage", "http-malformed"),
    _acme("http2", "http-malformed"), _acme("http09", "http-malformed"),
    _acme("two-lengths", "http-malformed"), _acme("bad-chunk", "http-malformed"),
    _acme("bad-status", "http-malformed"), _acme("folded", "http-malformed"),
    _acme("upgrade", "connection-reset"),
    _acme("header-40k", "http-too-large"), _acme("header-many", "http-too-large"),
    _acme("header-endless", "http-too-large"),
    _acme("continue-endless", "http-malformed", "interim"),
    _slow("silent", "http-timeout"), _slow("slow", "http-timeout"),
    _slow("slow-body", "http-timeout"), _slow("never-ends", "http-timeout"),
)

CASES = PASSES + FAILS


@pytest.fixture(scope="module")
def perspective(build_dir, unbound_prefix, world, tmp_path_factory):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("dcv")) as running:
        running.start_unbound()
        yield running


@pytest.fixture(scope="module")
def running(perspective):
    """(daemon, client)"""
    return perspective.start()


@pytest.fixture(scope="module")
def client(running):
    return running[1]


@pytest.fixture
def started(perspective):
    """start(**options) gives (daemon, client), stopped after the test."""
    with perspective.for_a_test() as start:
        yield start


@pytest.fixture(scope="module")
def asked(client, world):
    """({id of a case: result}, visits meanwhile)"""
    mark = world.visits.mark()
    results = dict(zip(map(id, CASES), dcv.ask_all(client, CASES)))
    return results, world.visits.since(mark)


HTTP_DETAILS = {"validation_method", "response_history", "response_url", "response_status_code",
                "response_page"}
OUR_DETAILS = {"matched", "relied_on", "dnssec_status", "resolved_ip", "addresses_tried"}
DIAL = {"host", "address", "port", "outcome", "detail", "tls_version", "certificate_sha256",
        "connect_us", "tls_us", "first_byte_us", "total_us"}
RESULT = {"check_completed", "check_passed", "errors", "timestamp_ns", "check_type", "details"}
OUR_RESULT = {"perspective_code", "nonce", "domain_or_ip_target", "problem", "elapsed_ms", "evidence"}


def outcomes(result):
    return {(dial["address"], dial["port"]): dial["outcome"]
            for dial in result["details"]["addresses_tried"]}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(asked, case):
    result = asked[0][id(case)]
    dcv.judge(case, result)
    assert result["elapsed_ms"] <= case.deadline_ms + 500
    assert set(result) == RESULT | OUR_RESULT
    assert set(result["details"]) == HTTP_DETAILS | OUR_DETAILS
    for hop in result["details"]["response_history"] or ():
        assert set(hop) == {"status_code", "url", "response_status_code", "response_url"}
    for dial in result["details"]["addresses_tried"]:
        assert set(dial) == DIAL
        assert dial["port"] in (80, 443) and dial["host"]
        assert dial["outcome"] == "answered" or dial["outcome"] in dcv.PROBLEMS
        if dial["outcome"] == "answered":
            assert 0 <= dial["connect_us"] <= dial["first_byte_us"] <= dial["total_us"]


def test_nobody_was_dialled_who_may_not_be(asked):
    """Traps listen at the special addresses, and at the ports that redirects lead to."""
    assert [visit for visit in asked[1] if visit["host"] == "trap"] == []


def test_the_first_octets_of_a_refused_address_are_not_told(asked):
    for case in CASES:
        if case.problem == "address-refused" and "redirect" not in case.target:
            details = asked[0][id(case)]["details"]
            assert details["response_page"] is None and details["response_status_code"] is None


def test_every_address_tried_is_told(asked):
    """IPv6 first, then IPv4; those of a kind in the order of the answer, whatever that was."""
    def of(host):
        (found,) = [asked[0][id(case)] for case in PASSES + FAILS
                    if case.target == f"{host}.web.com" and "token" in case.parameters]
        return outcomes(found)
    dead4, dead6 = webhosts.addresses.WEB_DEAD
    refused4, refused6 = webhosts.addresses.WEB_REFUSED
    assert of("page") == {(dcv.address("page", 6), 80): "answered"}
    assert of("dead6") == {(dead6, 80): "connection-timeout",
                           (dcv.address("dead6", 4), 80): "answered"}
    assert of("refused6") == {(refused6, 80): "connection-refused",
                              (dcv.address("refused6", 4), 80): "answered"}
    assert of("dead4") == {(dcv.address("dead4", 6), 80): "answered"}
    assert of("special6") == {("::1", 80): "address-refused",
                              (dcv.address("special6", 4), 80): "answered"}
    assert of("refused") == {(refused6, 80): "connection-refused",
                             (refused4, 80): "connection-refused"}
    assert of("dead") == {(dead6, 80): "connection-timeout", (dead4, 80): "connection-timeout"}
    assert of("rebind") == {("127.0.0.1", 80): "address-refused",
                            (refused4, 80): "connection-refused"}


def test_https_hops_tell_version_and_certificate(asked):
    (case,) = [case for case in PASSES if case.target == "redirect-https.web.com"
               and "token" in case.parameters]
    first, second = asked[0][id(case)]["details"]["addresses_tried"]
    assert first["tls_version"] is None and first["certificate_sha256"] is None
    assert second["tls_version"] == "TLSv1.3" and second["port"] == 443
    assert len(second["certificate_sha256"]) == 64
    assert second["connect_us"] <= second["tls_us"] <= second["first_byte_us"]


def test_every_lookup_is_evidence(asked):
    (case,) = [case for case in PASSES if case.target == "redirect-host.web.com"
               and "token" in case.parameters]
    text = str(asked[0][id(case)]["evidence"])
    assert "redirect-host.web.com" in text and "second.web.com" in text


# -- what is sent


def sent(client, world, parameters):
    """(first line, {field in lower case: [value]}) of what a server gets."""
    mark = world.visits.mark()
    dcv.ask(client, Case("echo.web.com", parameters))
    (visit,) = world.visits.since(mark, host="echo", event="request")
    first, *lines = visit["head"].strip().split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip())
    return first, fields


def test_request(client, world):
    first, fields = sent(client, world, http01())
    assert first == f"GET {ACME_PATH} HTTP/1.1"
    assert fields["host"] == ["echo.web.com"]
    assert len(fields["user-agent"]) == 1 and fields["user-agent"][0]
    for absent in ("cookie", "authorization", "referer", "accept-encoding", "upgrade", "expect",
                   "proxy-connection"):
        assert absent not in fields


def test_headers_of_the_request(client, world):
    headers = {"X-One": "a value", "Accept": "text/x-two", "User-Agent": "Somebody/1"}
    _, fields = sent(client, world, http01(http_headers=headers))
    assert fields["x-one"] == ["a value"] and fields["accept"] == ["text/x-two"]
    assert fields["user-agent"] == ["Somebody/1"] and fields["host"] == ["echo.web.com"]


def test_user_agent_is_configurable(started, world):
    _, client = started(user_agent="CA One validator")
    _, fields = sent(client, world, http01())
    assert fields["user-agent"] == ["CA One validator"]


def test_no_proxy_of_the_environment(started, world, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{dcv.address('second')}:80")
    _, client = started()
    mark = world.visits.mark()
    dcv.judge(_acme("page"), dcv.ask(client, _acme("page")))
    assert not world.visits.since(mark, host="second")


def test_name_is_told_in_tls(client, world):
    mark = world.visits.mark()
    dcv.ask(client, Case("echo.web.com", website(url_scheme="https")))
    (visit,) = world.visits.wait(mark, host="echo", event="handshake")
    assert visit["name"] == "echo.web.com"
    assert visit["protocol"] in (None, "http/1.1")


# -- many, and hostile


def test_slow_servers_delay_nobody(client):
    """Forty checks hang on silent servers; others are as quick as ever."""
    slow = [_send(client, _slow("silent", None)) for _ in range(40)]
    try:
        started = time.monotonic()
        for result in dcv.ask_all(client, [_acme("page")] * 20):
            dcv.judge(_acme("page"), result)
        assert time.monotonic() - started < 3
    finally:
        for connection in slow:
            connection.close()


def _send(client, case):
    """Sends a check without waiting for the reply."""
    connection = client.connect()
    connection.request("POST", "/dcv", json.dumps(case.body).encode(),
                       {"Content-Type": "application/json"})
    return connection


def test_a_fetcher_that_dies_takes_no_check_along_unsaid(started):
    """Its checks end with a problem that can be retried, each logged, and the next one works."""
    daemon, client = started(workers=1)
    cases = [_slow("silent", None)] * 5
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        waiting = [pool.submit(dcv.ask, client, case) for case in cases]
        time.sleep(0.5)
        (fetcher,) = [child for worker in daemon.workers() for child in children(worker)]
        os.kill(fetcher, signal.SIGKILL)
        for future in waiting:
            problem = future.result()["problem"]
            assert (problem["code"], problem["fault"]) == ("fetcher-died", "perspective")
            assert problem["retryable"] is True
    dcv.judge(_acme("page"), dcv.ask(client, _acme("page")))
    assert [line["problem"] for line in daemon.lines("check")].count("fetcher-died") == 5


def held(daemon):
    """(processes, open descriptors) of a daemon, its workers and their fetchers."""
    workers = daemon.workers()
    pids = [daemon.pid, *workers, *(child for worker in workers for child in children(worker))]
    return len(pids), sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def test_hostile_servers_leave_nothing_behind(running):
    """Neither descriptors nor processes grow over rounds of every case that is quick."""
    daemon, client = running
    quick = [case for case in FAILS if case.deadline_ms == dcv.DEADLINE_MS]
    dcv.ask_all(client, quick)
    time.sleep(1)
    before = held(daemon)
    for _ in range(3):
        dcv.ask_all(client, quick)
    time.sleep(1)
    after = held(daemon)
    assert after[0] == before[0] and after[1] <= before[1] + 4
