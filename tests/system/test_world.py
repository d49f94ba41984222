"""The mini-Internet is what its table says: delegations, signatures, and every way to misbehave."""

import errno
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from mininet import behaviours, zones
from mininet.resolver import Resolver

WORLD = Path(__file__).with_name("world")
DELEGATED = [zone for zone in zones.ZONES if zone.name != "."]
SILENT_S = 0.2


def ask(address, name, rdtype="CAA", source=None, transport="udp", edns=True, timeout=2):
    query = dns.message.make_query(name, rdtype, want_dnssec=edns, use_edns=edns)
    query.flags &= ~dns.flags.RD
    send = dns.query.tcp if transport == "tcp" else dns.query.udp
    return send(query, address, source=source, timeout=timeout)


def texts(reply, rdtype="CAA"):
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset
            if rrset.rdtype == dns.rdatatype.from_text(rdtype)]


def hostile(world, zone):
    return world.servers(zone)[0][1]


# Delegations


@pytest.mark.parametrize("zone", DELEGATED, ids=lambda zone: zone.name)
def test_parent_delegates(world, zone):
    parent = zones.parent(zone)
    for address in world.servers(parent.name)[0][1:]:
        reply = ask(address, zone.name, "DS")
        found = [rrset for rrset in reply.answer if rrset.rdtype == dns.rdatatype.DS]
        assert bool(found) == zone.has_ds
    if parent.server == zone.server:
        return
    reply = ask(address, f"x.{zone.name}", "A")
    assert not reply.flags & dns.flags.AA
    names = {rdata.to_text() for rrset in reply.authority for rdata in rrset
             if rrset.rdtype == dns.rdatatype.NS}
    assert names == {f"{host}." for host, *_ in zones.servers(zone)}
    glue = {rdata.to_text() for rrset in reply.additional for rdata in rrset}
    assert glue & {ipv4 for _, ipv4, _ in zones.servers(zone)}


def test_all_roots_refer_and_never_answer(world):
    for _, *pair in world.servers("."):
        for address in pair:
            reply = ask(address, "permit.com")
            assert not reply.answer and not reply.flags & dns.flags.AA
            assert reply.authority[0].name.to_text() == "com."


def test_com_opts_out(world):
    reply = ask(world.servers("com")[0][1], "permit.com", "DS")
    proofs = [rdata for rrset in reply.authority for rdata in rrset
              if rrset.rdtype == dns.rdatatype.NSEC3]
    assert proofs and any(proof.flags & 1 for proof in proofs)
    # A matching NSEC3 would list NS; covered by opt-out there is none.
    assert not any(rrset.rdtype == dns.rdatatype.NSEC3 and "SOA" not in rrset.to_text()
                   and " NS" in rrset.to_text() and "DS" not in rrset.to_text()
                   for rrset in reply.authority)


def test_big_answers_come_over_tcp(world):
    address = world.servers("big.com")[0][1]
    assert ask(address, "big.com").flags & dns.flags.TC
    assert len(texts(ask(address, "big.com", transport="tcp"))) == 1000


def test_nothing_outside():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        with pytest.raises(OSError) as caught:
            out.connect(("9.9.9.9", 53))
    assert caught.value.errno == errno.ENETUNREACH


# What a validating resolver makes of each zone


@pytest.fixture(scope="module")
def resolver(world, unbound_prefix, tmp_path_factory):
    with Resolver(unbound_prefix, world, tmp_path_factory.mktemp("unbound")) as running:
        yield running


@pytest.fixture(scope="module")
def statuses(resolver):
    aliases = [name for name, _ in ALIASES]
    return resolver.statuses([zone.name for zone in zones.ZONES] + aliases)


@pytest.mark.parametrize("zone", zones.ZONES, ids=lambda zone: zone.name)
def test_status(statuses, zone):
    assert zone.status in ("any", statuses[zone.name])


ALIASES = [
    ("www.alias.com", "insecure"),
    ("own.sub.dname.com", "insecure"),
    ("c7.chain.com", "insecure"),
    ("www.alias-dead.com", "fail"),
    ("plain.alias-dead.com", "fail"),
    ("www.alias-bogus.com", "bogus"),
    ("good.signed-alias.org", "secure"),
    ("plain.signed-alias.org", "insecure"),
    ("bad.signed-alias.org", "bogus"),
    ("dead.signed-alias.org", "fail"),
    ("dead-signed.signed-alias.org", "fail"),
    ("x.sub.signed-alias.org", "secure"),
    ("x.signed-wild.org", "secure"),
    ("a.b.c.d.e.signed-none.org", "secure"),
    ("n4999.bench-signed.org", "secure"),
]


@pytest.mark.parametrize("name,status", ALIASES)
def test_status_of_names(statuses, name, status):
    assert statuses[name] == status


def test_reverse(resolver):
    reply = resolver.ask("10.216.184.93.in-addr.arpa", "PTR")
    assert texts(reply, "PTR") == ["www.permit.com."] and reply.flags & dns.flags.AD
    name = dns.reversename.from_address(zones.WEB6).to_text()
    assert texts(resolver.ask(name, "PTR"), "PTR") == ["www.permit.com."]


# The hostile server


@pytest.mark.parametrize("zone,rcode", [
    ("refused.com", dns.rcode.REFUSED),
    ("servfail.com", dns.rcode.SERVFAIL),
    ("notimp.com", dns.rcode.NOTIMP),
    ("formerr.com", dns.rcode.FORMERR),
    ("caa-servfail.com", dns.rcode.SERVFAIL),
    ("caa-notimp.com", dns.rcode.NOTIMP),
    ("noedns.com", dns.rcode.FORMERR),
    ("flip.com", dns.rcode.NOERROR),
])
def test_rcode(world, zone, rcode):
    for transport in ("udp", "tcp"):
        assert ask(hostile(world, zone), zone, transport=transport).rcode() == rcode


@pytest.mark.parametrize("zone", ["dead.com", "dead-signed.org", "sub.permit.com", "caa-dead.com"])
def test_silence_is_logged(world, zone):
    mark = world.queries.mark()
    for transport in ("udp", "tcp"):
        with pytest.raises(dns.exception.Timeout):
            ask(hostile(world, zone), zone, transport=transport, timeout=SILENT_S)
    # Not by the resolver of other tests, which may still be trying.
    logged = [query["transport"] for query in world.queries.since(mark, zone=zone)
              if query["source"] not in world.PERSPECTIVE_ADDRESSES[0]]
    assert logged == ["udp", "tcp"]


def test_only_caa_fails(world):
    for zone in ("caa-servfail.com", "caa-dead.com", "caa-notimp.com"):
        assert texts(ask(hostile(world, zone), zone, "A"), "A")


def test_truncated_and_tcp_refused(world):
    address = hostile(world, "truncate.com")
    assert ask(address, "truncate.com").flags & dns.flags.TC
    with pytest.raises(ConnectionRefusedError):
        ask(address, "truncate.com", transport="tcp")


def test_truncated_and_tcp_works(world):
    address = hostile(world, "tcp-only.com")
    assert ask(address, "tcp-only.com").flags & dns.flags.TC
    assert texts(ask(address, "tcp-only.com", transport="tcp"))


@pytest.mark.parametrize("zone", ["garbage.com", "short.com", "wrongid.com", "wrongquestion.com"])
def test_no_valid_answer(world, zone):
    with pytest.raises((dns.exception.DNSException, ValueError)):
        ask(hostile(world, zone), zone, timeout=SILENT_S)


def test_case_of_question(world):
    def sent_back(zone):
        reply = ask(hostile(world, zone), zone.title())
        return reply.question[0].name.to_text(omit_final_dot=True)
    assert sent_back("wrongcase.com") == "wrongcase.com"
    assert sent_back("flip.com") == "Flip.Com"


def test_rotating_never_repeats_at_once(world):
    address = hostile(world, "rotating.com")
    first, second = (texts(ask(address, "rotating.com")) for _ in range(2))
    assert first != second and len(first) == 2


def test_flaky(world):
    address = hostile(world, "flaky.com")
    codes = [ask(address, "x.flaky.com", "TXT").rcode() for _ in range(6)]
    assert codes == [dns.rcode.SERVFAIL, dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN] * 2


def test_lame(world):
    reply = ask(hostile(world, "lame.com"), "lame.com")
    assert not reply.flags & dns.flags.AA
    assert reply.authority[0].name == dns.name.root


def test_nodata_without_soa(world):
    reply = ask(hostile(world, "nodata-nosoa.com"), "nodata-nosoa.com")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer and not reply.authority


def test_empty_nonterminal(world):
    address = hostile(world, "noent.com")
    assert ask(address, "b.c.noent.com").rcode() == dns.rcode.NXDOMAIN
    assert texts(ask(address, "a.b.c.noent.com"))


def test_stripped_signatures(world):
    address = hostile(world, "stripped.org")
    for rdtype in ("CAA", "DNSKEY"):
        assert [rrset.rdtype for rrset in ask(address, "stripped.org", rdtype).answer] == [
            dns.rdatatype.from_text(rdtype)]


def test_delay(world):
    started = time.monotonic()
    reply = ask(hostile(world, "delay.com"), "d1.d2.d3.d4.delay.com")
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer
    assert 0.05 <= time.monotonic() - started < 0.25


# Answers that differ or change


@pytest.mark.parametrize("zone,permitted", [
    ("split.com", {0, 1, 2, 3, 5}),
    ("split2.com", {0, 1, 2, 5}),
    ("hijack.com", {2}),
    ("half.com", {0, 1, 2}),
])
def test_views(world, zone, permitted):
    _, ipv4, ipv6 = world.servers(zone)[0]
    for index, (source4, source6) in enumerate(world.PERSPECTIVE_ADDRESSES[:6]):
        seen = [texts(ask(ipv4, zone, source=source4)), texts(ask(ipv6, zone, source=source6))]
        expected = "ca1.com" if index in permitted else "other-ca.example"
        assert seen == [[f'0 issue "{expected}"']] * 2


def test_flip(world, restored):
    address = hostile(world, "flip.com")
    restored.set_records("flip.com", "CAA", ['0 issue ";"'])
    assert texts(ask(address, "flip.com")) == ['0 issue ";"']
    restored.set_records("new.flip.com", "TXT", ['"token"'])
    assert texts(ask(address, "new.flip.com", "TXT"), "TXT") == ['"token"']
    restored.set_records("flip.com", "CAA", [])
    assert not ask(address, "flip.com").answer
    restored.reset("flip.com")
    assert texts(ask(address, "flip.com")) == ['0 issue "ca1.com"']
    assert ask(address, "new.flip.com", "TXT").rcode() == dns.rcode.NXDOMAIN


def test_flip_for_one_source(world, restored):
    address = hostile(world, "flip.com")
    (one, _), (other, _) = world.PERSPECTIVE_ADDRESSES[:2]
    restored.set_records("flip.com", "CAA", ['0 issue ";"'], sources=[one])
    assert texts(ask(address, "flip.com", source=one)) == ['0 issue ";"']
    assert texts(ask(address, "flip.com", source=other)) == ['0 issue "ca1.com"']


def test_behaviour_at_run_time(world, restored):
    address = hostile(world, "flip.com")
    (one, _), (other, _) = world.PERSPECTIVE_ADDRESSES[:2]
    restored.set_behaviour("flip.com", "refused", sources=[one])
    assert ask(address, "flip.com", source=one).rcode() == dns.rcode.REFUSED
    assert ask(address, "flip.com", source=other).rcode() == dns.rcode.NOERROR
    restored.set_behaviour("flip.com", "answer", delay_ms=100)
    started = time.monotonic()
    ask(address, "flip.com", source=other)
    assert time.monotonic() - started >= 0.1


def test_control_refuses_nonsense(world):
    with pytest.raises(ValueError, match="no behaviour"):
        world.control.set_behaviour("flip.com", "nonsense")
    with pytest.raises(ValueError, match="no zone"):
        world.control.set_records("permit.com", "CAA", [])
    with pytest.raises(ValueError):
        world.control.set_records("flip.com", "CAA", ["not a record"])


def test_log_tells_who_asked(world):
    mark = world.queries.mark()
    source = world.PERSPECTIVE_ADDRESSES[3][0]
    ask(hostile(world, "flip2.com"), "www.flip2.com", "AAAA", source=source)
    (logged,) = world.queries.since(mark, zone="flip2.com")
    assert logged["name"] == "www.flip2.com" and logged["type"] == "AAAA"
    assert logged["source"] == source and logged["transport"] == "udp"


def test_table_names_behaviours_that_exist():
    assert {zone.behaviour for zone in zones.HOSTILE} <= set(behaviours.TABLE)


# The program


def run_world(world, *command, **more):
    return subprocess.Popen(
        [sys.executable, WORLD, "--dir", world.directory.parent, "--", *command],
        stdout=subprocess.PIPE, text=True, **more)


def test_exit_status_and_nothing_left(world):
    with run_world(world, "sh", "-c", 'echo "$MPIC_WORLD"; exit 7') as inner:
        directory = inner.stdout.readline().strip()
        assert inner.wait(20) == 7
    assert directory.startswith(str(world.directory.parent))
    assert not Path(directory).exists()


def test_signal_is_forwarded(world):
    script = 'trap "echo got; exit 9" TERM; echo up; while :; do sleep 0.05; done'
    with run_world(world, "sh", "-c", script) as inner:
        assert inner.stdout.readline() == "up\n"
        inner.send_signal(signal.SIGTERM)
        assert inner.stdout.readline() == "got\n"
        assert inner.wait(20) == 9


def test_a_reader_of_the_list_may_stop_early():
    with subprocess.Popen([WORLD, "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          bufsize=0) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""


def test_servers_end_with_a_killed_world(world):
    with run_world(world, "sh", "-c", 'echo "$MPIC_WORLD"; exec sleep 1.5') as inner:
        directory = Path(inner.stdout.readline().strip())
        server = int((directory / "nsd-leaf" / "pid").read_text(encoding="ascii"))
        inner.kill()
        inner.wait(5)
        end = time.monotonic() + 5
        while _alive(server) and time.monotonic() < end:
            time.sleep(0.05)
        assert not _alive(server)


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
