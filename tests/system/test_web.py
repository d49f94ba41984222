"""The web servers of the mini-Internet do what their table says, shown with bare sockets."""

import gzip
import socket
import ssl
import time

import pytest

from mininet import addresses, challenge, webhosts, webreplies, zones
from mininet.resolver import Resolver

WAIT_S = 0.3
VALUE = challenge.KEY_AUTHORIZATION.encode()


def connect(host, port=80, family=4, timeout=5):
    address = webhosts.published(webhosts.BY_NAME[host], family)[0]
    return socket.create_connection((address, port), timeout)


def ask(link, host, path=challenge.ACME_PATH):
    link.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}.web.com\r\n\r\n".encode())


def received(link, limit=1 << 20):
    """All that comes until the end, the limit, or a silence."""
    got = b""
    try:
        while len(got) < limit and (octets := link.recv(65536)):
            got += octets
    except TimeoutError:
        pass
    return got


def fetch(host, path=challenge.ACME_PATH, family=4, timeout=5):
    """(status, head, body) of what answers on port 80."""
    with connect(host, family=family, timeout=timeout) as link:
        ask(link, host, path)
        head, _, body = received(link).partition(b"\r\n\r\n")
        return int(head.split()[1]), head, body


def shake(host, family=4, alpn=(), versions=("TLSv1_2", "TLSv1_3"), name=...):
    """A TLS connection that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if versions[0] == "TLSv1":
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = (ssl.TLSVersion[v] for v in versions)
    if alpn:
        context.set_alpn_protocols(alpn)
    link = connect(host, 443, family)
    return context.wrap_socket(link, server_hostname=f"{host}.web.com" if name is ... else name)


# HTTP


@pytest.mark.parametrize("family", (4, 6))
def test_page(world, family):
    mark = world.visits.mark()
    assert fetch("page", family=family)[::2] == (200, VALUE)
    assert fetch("page", challenge.PAGE_PATH, family)[2] == challenge.VALUE.encode()
    assert fetch("page", "/elsewhere", family)[0] == 404
    accepted, request, *_ = world.visits.since(mark, host="page")
    assert (accepted["event"], request["event"]) == ("accepted", "request")
    assert accepted["address"] == webhosts.published(webhosts.BY_NAME["page"], family)[0]
    assert "Host: page.web.com\r\n" in request["head"]
    assert request["target"] == challenge.ACME_PATH


@pytest.mark.parametrize("host,status,body", [
    ("segments", 200, VALUE),
    ("until-close", 200, VALUE),
    ("slow-start", 200, VALUE),
    ("newline", 200, VALUE + b"\n"),
    ("crlf", 200, VALUE + b" \t\r\n\r\n"),
    ("partial", 206, VALUE),
    ("created", 201, VALUE),
    ("leading", 200, b" " + VALUE),
    ("garbage-after", 200, VALUE + b"x"),
    ("line-after", 200, VALUE + b"\nanother line\n"),
    ("nothing", 200, b""),
    ("other", 200, b"another value\n"),
    ("lower", 200, VALUE.lower()),
    ("not-found", 404, VALUE),
    ("forbidden", 403, VALUE),
    ("broken", 500, VALUE),
    ("unavailable", 503, VALUE),
    ("no-content", 204, b""),
    ("not-modified", 304, b""),
    ("binary", 200, b"\0\xff\xfe\0" + VALUE + b"\0\x80\0"),
    ("header-40k", 200, VALUE),
    ("upgrade", 101, b""),
])
def test_reply(host, status, body):
    assert fetch(host)[::2] == (status, body)


def test_segments_are_many():
    with connect("segments") as link:
        ask(link, "segments")
        assert len(link.recv(65536)) <= 14


def test_sizes():
    for host, at in (("big-begin", 0), ("big-60", 60_000), ("big-end", 68_000)):
        body = fetch(host)[2]
        assert len(body) == 70_000 and body.find(VALUE) == at
    assert len(fetch("header-40k")[1]) > 40_000
    assert len(fetch("redirect-long")[1]) > 9_000
    bomb = fetch("bomb")[2]
    assert len(bomb) < 20_000 and len(gzip.decompress(bomb)) == 10_000_000
    assert gzip.decompress(fetch("gzip")[2]) == VALUE


def test_chunked():
    _, head, body = fetch("chunked")
    assert b"Content-Length" not in head and body.endswith(b"\r\n0\r\nTrailer: x\r\n\r\n")
    assert fetch("bad-chunk")[2].startswith(b"zz\r\n")


def test_interim_replies():
    with connect("continued") as link:
        ask(link, "continued")
        got = received(link)
    assert got.startswith(b"HTTP/1.1 100 ") and got.count(b"HTTP/1.1 ") == 3


# Redirects


def locations(host, path=challenge.ACME_PATH):
    lines = fetch(host, path)[1].decode("latin-1").split("\r\n")
    return [line.partition(": ")[2] for line in lines if line.startswith("Location:")]


@pytest.mark.parametrize("host,location", [
    ("redirect-scheme-relative", "//second.web.com{path}"),
    ("redirect-https", "https://second.web.com{path}"),
    ("redirect-8080", "http://second.web.com:8080{path}"),
    ("redirect-loopback", "http://127.0.0.1{path}"),
    ("redirect-metadata", "http://169.254.169.254/latest/meta-data/"),
    ("redirect-loopback6", "http://[::1]{path}"),
    ("redirect-private", "http://private.web.com{path}"),
    ("redirect-ftp", "ftp://second.web.com{path}"),
    ("redirect-userinfo", "http://user:password@second.web.com{path}"),
    ("redirect-self", "{path}"),
    ("redirect-empty", ""),
])
def test_location(host, location):
    assert locations(host) == [location.format(path=challenge.ACME_PATH)]


@pytest.mark.parametrize("status", (300, 301, 302, 303, 305, 307, 308))
def test_redirect_status(status):
    host = f"redirect-{status}"
    assert fetch(host)[0] == status
    assert fetch(host, locations(host)[0])[::2] == (200, VALUE)


def test_two_locations_and_none():
    assert len(locations("redirect-two")) == 2
    assert fetch("redirect-none")[0] == 302 and not locations("redirect-none")


@pytest.mark.parametrize("hops", (10, 11))
def test_redirect_chain(hops):
    host, path, seen = f"redirect-{hops}", challenge.ACME_PATH, 0
    while fetch(host, path)[0] == 302:
        (path,) = locations(host, path)
        seen += 1
    assert seen == hops and fetch(host, path)[2] == VALUE


# Servers that misbehave


@pytest.mark.parametrize("host", ("header-endless", "body-endless", "continue-endless"))
def test_endless(host):
    with connect(host) as link:
        ask(link, host)
        assert len(received(link, 1 << 20)) >= 1 << 20


@pytest.mark.parametrize("host", ("slow", "slow-body"))
def test_slow(host):
    with connect(host, timeout=1.5) as link:
        ask(link, host)
        first = link.recv(65536)
        second = link.recv(65536)
    assert len(second) == 1 and (host == "slow-body" or len(first) == 1)


@pytest.mark.parametrize("host", ("silent", "never-ends", "kept-open"))
def test_connection_stays_open(host):
    with connect(host, timeout=WAIT_S) as link:
        ask(link, host)
        got = received(link)
        assert (VALUE in got) is (host != "silent")
        with pytest.raises(TimeoutError):
            link.recv(1)


@pytest.mark.parametrize("host", ("reset-accept", "reset-request", "reset-middle"))
def test_reset(host):
    with pytest.raises(ConnectionResetError), connect(host) as link:
        time.sleep(0.05)
        ask(link, host)
        received(link)


@pytest.mark.parametrize("host,begin", [
    ("closes", b""),
    ("garbage", bytes(range(256))),
    ("http2", b"\0\0\0\x04"),
    ("http09", VALUE),
    ("bad-status", b"HTTP/1.1 2000 "),
])
def test_no_http(host, begin):
    with connect(host) as link:
        ask(link, host)
        got = received(link)
    assert got.startswith(begin) and (got or not begin)


def test_short():
    _, head, body = fetch("short")
    assert b"Content-Length: 1000" in head and body == VALUE


# Addresses


@pytest.mark.parametrize("family", (4, 6))
@pytest.mark.parametrize("port", (80, 443))
def test_dead_and_refused(port, family):
    with pytest.raises(TimeoutError):
        connect("dead", port, family, timeout=WAIT_S)
    with pytest.raises(ConnectionRefusedError):
        connect("refused", port, family)


@pytest.mark.parametrize("address", webhosts.TRAPS)
def test_trap_tells(world, address):
    mark = world.visits.mark()
    with socket.create_connection((address, 80), 5) as link:
        ask(link, "trap")
        received(link)
    assert [visit["address"] for visit in world.visits.since(mark, host="trap")] == [address] * 2


def test_published_addresses(unbound_prefix, world, tmp_path):
    with Resolver(unbound_prefix, world, tmp_path) as resolver:
        for host in webhosts.HOSTS:
            if host.pair is not None:
                continue
            for rdtype, family in (("A", 4), ("AAAA", 6)):
                reply = resolver.ask(host.fqdn, rdtype)
                found = {rdata.to_text() for rrset in reply.answer for rdata in rrset}
                assert found == set(webhosts.published(host, family)), host.name
        assert resolver.statuses(["www.web-bogus-a.org"], "A") == {"www.web-bogus-a.org": "bogus"}
        assert resolver.statuses(["www.web-bogus-a.org"], "AAAA") == {
            "www.web-bogus-a.org": "secure"}
        assert resolver.statuses(["www.web.org"], "A") == {"www.web.org": "secure"}


def test_no_host_shares_an_address():
    own = [address for host in webhosts.HOSTS for address in webhosts.own(host)]
    others = [a for pair in (*webhosts.CLIENTS.values(), addresses.WEB_DEAD,
                             addresses.WEB_REFUSED) for a in pair]
    assert len(set(own + others)) == len(own + others)
    assert {host.http for host in webhosts.HOSTS} - {None} <= {*webreplies.TABLE, *webreplies.RAW}


# TLS


def test_https(world):
    mark = world.visits.mark()
    with shake("page") as link:
        ask(link, "page")
        assert received(link).endswith(VALUE)
    shook = [visit for visit in world.visits.since(mark, host="page")
             if visit["event"] == "handshake"]
    assert [(visit["name"], visit["protocol"]) for visit in shook] == [("page.web.com", None)]


@pytest.mark.parametrize("family", (4, 6))
def test_alpn(world, family):
    mark = world.visits.mark()
    with shake("alpn", family, ["acme-tls/1"]) as link:
        assert link.selected_alpn_protocol() == "acme-tls/1"
        der = link.getpeercert(binary_form=True)
    # Extension 1.3.6.1.5.5.7.1.31, critical, with the digest in an OCTET STRING in an OCTET STRING.
    assert bytes.fromhex("06082b0601050507011f0101ff04220420") + challenge.KEY_HASH in der
    assert b"\x82\x0calpn.web.com" in der
    assert world.visits.wait(mark, event="handshake")[0]["protocol"] == "acme-tls/1"


@pytest.mark.parametrize("host,there,absent", [
    ("alpn-digest", b"\x04\x20" + bytes(32), challenge.KEY_HASH),
    ("alpn-long", b"\x04\x21" + challenge.KEY_HASH + b"x", None),
    ("alpn-raw", b"\x04\x20" + challenge.KEY_HASH, b"\x04\x20\x04\x20"),
    ("alpn-not-critical", bytes.fromhex("2b0601050507011f04220420"), None),
    ("alpn-bare", b"alpn-bare.web.com",
     bytes.fromhex("2b0601050507011f")),
    ("alpn-two", b"second.web.com", None),
    ("alpn-elsewhere", b"second.web.com", b"alpn-elsewhere.web.com"),
    ("alpn-wildcard", b"*.web.com", b"alpn-wildcard.web.com"),
    ("alpn-no-san", challenge.KEY_HASH, b"web.com"),
    ("alpn-email", b"a@web.com", b"alpn-email.web.com"),
    ("alpn-address", b"\x87\x04", b"alpn-address.web.com"),
])
def test_certificate(host, there, absent):
    with shake(host, alpn=["acme-tls/1"]) as link:
        der = link.getpeercert(binary_form=True)
    assert there in der and (absent is None or absent not in der)


@pytest.mark.parametrize("host", ("alpn-none", "alpn-other"))
def test_no_protocol(host):
    with shake(host, alpn=["acme-tls/1"]) as link:
        assert link.selected_alpn_protocol() is None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_versions():
    with shake("alpn-12", alpn=["acme-tls/1"]) as link:
        assert link.version() == "TLSv1.2"
    with shake("alpn-11", alpn=["acme-tls/1"], versions=("TLSv1", "TLSv1_1")) as link:
        assert link.version() == "TLSv1.1"
    with pytest.raises(ssl.SSLError):
        shake("alpn-11", alpn=["acme-tls/1"])


def test_addresses_have_their_own_certificate():
    for family, octets in ((4, "87045db8d80a"), (6, "8710260628000220000100000000000000" "0a")):
        with shake("ip", family, ["acme-tls/1"], name=None) as link:
            assert bytes.fromhex(octets) in link.getpeercert(binary_form=True)
    assert zones.WEB4 == webhosts.published(webhosts.BY_NAME["ip"], 4)[0]


@pytest.mark.parametrize("host,error", [
    ("tls-refused", ConnectionRefusedError),
    ("tls-reset", OSError),
    ("tls-garbage", ssl.SSLError),
    ("tls-plain", ssl.SSLError),
])
def test_no_tls(host, error):
    with pytest.raises(error):
        shake(host)


@pytest.mark.parametrize("host", ("tls-silent", "tls-drip"))
def test_handshake_never_ends(host):
    with connect(host, 443, timeout=1.5) as link:
        got = received(link, 6)
        assert len(got) == (0 if host == "tls-silent" else 6)
