"""What mpic.so finds and says of it: lookups, climbs, retries and proofs over the whole mini-Internet."""

import time

import pytest

from mininet import zones
from mininet.module import Perspective, module_of, option, question, records

RTT_US = 50_000
# A minute a try: each TCP query to it takes three seconds to fail.
SLOW = {"tcp-silent.com"}
TABLE = [zone for zone in zones.ZONES if zone.name not in SLOW]
BAD = [zone for zone in TABLE if zone.status in ("fail", "bogus")]

# A name whose lookup fails, whether it is proven Insecure, and by which DS answer that was decided.
INSECURITY = [
    ("x.refused.com", True, "insecure"),  # opt-out
    ("x.refused.zz", True, "insecure-delegation"),  # unsigned TLD
    ("x.refused.net", True, "insecure-delegation"),  # NSEC3 that matches
    ("x.refused.org", True, "insecure-delegation"),  # NSEC that matches
    ("x.refused-alg.org", True, "unsupported-algorithm"),
    ("x.sub.signed-permit.org", True, "insecure-delegation"),  # unsigned child of a signed zone
    ("x.dead.signed-permit.org", False, "not-proven"),
    ("dead-signed.org", False, "signed"),
    ("x.dead-signed.org", False, "not-proven"),
    ("plain.alias-dead.com", True, "insecure"),  # insecure, into a failing insecure zone
    ("www.alias-dead.com", False, "not-proven"),  # insecure, into a failing signed zone
    ("dead.signed-alias.org", False, "not-proven"),  # signed, into a failing insecure zone
    ("dead-signed.signed-alias.org", False, "not-proven"),
]
BINARY = b"\x00\x05issue\xff\xfe\x00\x80"


@pytest.fixture(scope="module")
def perspective(world, build_dir, unbound_prefix, tmp_path_factory):
    with Perspective(unbound_prefix, module_of(build_dir), world,
                     tmp_path_factory.mktemp("module")) as started:
        yield started


@pytest.fixture(scope="module")
def table(perspective):
    """{name: its lookup}: every zone and every row of INSECURITY, asked at once, failures proven."""
    return lookups(perspective, [zone.name for zone in TABLE] + [row[0] for row in INSECURITY])


def lookups(perspective, names):
    """{name: its lookup}, asked at once over one connection, failures proven."""
    with perspective.link() as link:
        ids = {link.send(question(name, "CAA", option("lookup", True))): name for name in names}
        replies = [link.receive() for _ in ids]
    return {ids[reply.message.id]: reply.lookups[0] for reply in replies}


def has_caa(zone):
    return any(line.startswith("@ ") and ("CAA" in line or "TYPE257" in line)
               for line in zone.records)


def is_insecure(zone):
    """Whether the chain of trust ends, by the table, at the zone or above it."""
    while zone.name != ".":
        if not zone.has_ds or zone.ds == "unknown":
            return True
        zone = zones.parent(zone)
    return False


# One name


@pytest.mark.parametrize("zone", [z for z in TABLE if z.status in ("secure", "insecure")],
                         ids=lambda zone: zone.name)
def test_good_zone(table, zone):
    found = table[zone.name]
    assert found["outcome"] == ("answer" if has_caa(zone) else "nodata")
    assert (found["dnssec"], found["rcode"]) == (zone.status, "NOERROR")
    assert found["server"] in {a for _, *pair in zones.servers(zone) for a in pair}
    assert found["transport"] in ("udp", "tcp") and 0 < found["rtt_us"] < 5_000_000
    assert found["tries"] == 1 and "insecurity" not in found and "reason" not in found


@pytest.mark.parametrize("zone", [z for z in TABLE if z.status == "bogus"],
                         ids=lambda zone: zone.name)
def test_bogus_zone(table, zone):
    found = table[zone.name]
    assert (found["outcome"], found["dnssec"]) == ("failed", "bogus")
    assert found["reason"].startswith("validation failure")
    # A bogus answer is never permission: nothing to retry or to prove.
    assert found["tries"] == 1 and "insecurity" not in found


@pytest.mark.parametrize("name, code", [
    ("expired.org", 7), ("expired-none.org", 7), ("child.expired.org", 7),  # Signature Expired
    ("unsigned-with-ds.org", 9),  # DNSKEY Missing
    ("stripped.org", 10),  # RRSIGs Missing
    ("wrongkey.org", 6)])  # DNSSEC Bogus
def test_bogus_zone_says_why(table, name, code):
    assert table[name]["ede"] == code


@pytest.mark.parametrize("zone", [z for z in TABLE if z.status == "fail"],
                         ids=lambda zone: zone.name)
def test_failing_zone(table, zone):
    found = table[zone.name]
    assert (found["outcome"], found["dnssec"]) == ("failed", "indeterminate")
    assert found["rcode"] == "SERVFAIL" and found["reason"] and "ede" not in found
    assert found["insecurity"]["proven"] == is_insecure(zone)
    assert found["tries_sent"] >= 2


@pytest.mark.parametrize("name, result", [
    ("refused.com", "REFUSED"), ("servfail.com", "SERVFAIL"), ("notimp.com", "NOTIMPL"),
    ("formerr.com", "FORMERR"), ("garbage.com", "unusable"), ("dead.com", "timeout")])
def test_failures_are_told_apart(table, name, result):
    last = table[name]["exchanges"]
    assert result in {e["result"] for e in last if e.get("zone") == name}


def test_thousand_records_over_tcp(table):
    for name in ("big.com", "signed-big.org"):
        assert table[name]["transport"] == "tcp"
        assert sorted(records(table[name])) == sorted(
            b"\x00\x05issueca%d.com" % i for i in range(1, 1001))


def test_binary_values_are_exact(table):
    assert BINARY in records(table["binary.com"])


def test_wrong_case_is_asked_again_until_sure(table):
    assert table["wrongcase.com"]["outcome"] == "answer"
    assert table["wrongcase.com"]["queries_sent"] > 3


def test_case_and_answers_that_both_change_are_asked_in_plain_case(table):
    """Comparing answers fails for ever at such a server; the evidence says what was given up."""
    found = table["rotating.com"]
    assert found["outcome"] == "answer" and found["case_kept"] is False and found["tries"] == 2
    assert "case_kept" not in table["wrongcase.com"], "equal answers need no such thing"
    assert "case_kept" not in table["dead.com"], "silence is no wrong case"


@pytest.mark.parametrize("rdtype, name, outcome", [
    ("A", "www.permit.com", "answer"), ("AAAA", "www.permit.com", "answer"),
    ("TXT", "www.permit.com", "nodata"), ("SOA", "permit.com", "answer"),
    ("NS", "signed-permit.org", "answer"), ("DNSKEY", "signed-permit.org", "answer"),
    ("PTR", "10.216.184.93.in-addr.arpa", "answer"), ("TYPE65400", "permit.com", "nodata"),
    ("A", "nx.permit.com", "nxdomain"), ("A", "nx.signed-permit.org", "nxdomain")])
def test_lookup_of_other_types(perspective, rdtype, name, outcome):
    found = perspective.lookup(name, rdtype).lookups[0]
    assert (found["outcome"], found["type"]) == (outcome, rdtype)
    assert found["rcode"] == ("NXDOMAIN" if outcome == "nxdomain" else "NOERROR")


# Aliases


@pytest.mark.parametrize("name, hops", [
    ("www.alias.com", [("CNAME", "permit.com", "insecure")]),
    ("host.alias.com", [("CNAME", "www.permit.com", "insecure")]),
    ("own.sub.dname.com", [("DNAME", "permit.com", "insecure"),
                           ("CNAME", "own.permit.com", "insecure")]),
    ("good.signed-alias.org", [("CNAME", "signed-permit.org", "secure")]),
    ("plain.signed-alias.org", [("CNAME", "permit.com", "secure")]),
    ("x.sub.signed-alias.org", [("DNAME", "signed-wild.org", "secure"),
                                ("CNAME", "x.signed-wild.org", "secure")])])
def test_every_hop_has_its_status(perspective, name, hops):
    found = perspective.lookup(name).lookups[0]
    assert [(h["type"], h["target"], h["dnssec"]) for h in found["chain"]] == hops
    assert found["outcome"] == ("nodata" if name.startswith("host") else "answer")
    assert found["dnssec"] == ("insecure" if name.startswith("plain") else hops[-1][2])


def test_answer_behind_an_alias_is_owned_by_its_end(perspective):
    found = perspective.climb("www.alias.com").found
    assert (found["name"], found["owner"]) == ("www.alias.com", "permit.com")


def test_long_chains(perspective):
    found = perspective.lookup("c7.chain.com").lookups[0]
    assert len(found["chain"]) == 6 and found["outcome"] == "answer"
    assert perspective.lookup("c1.chain.com").lookups[0]["outcome"] == "failed"


@pytest.mark.parametrize("name", ["a.loop.com", "x.loop.com"])
def test_alias_loop_ends(perspective, name):
    reply = perspective.climb(name)
    assert reply.rcode in ("NOERROR", "SERVFAIL") and reply.found is None
    assert reply.lookups[0]["outcome"] in ("failed", "nodata")


def test_alias_into_a_bogus_zone_is_bogus(perspective):
    for name in ("www.alias-bogus.com", "bad.signed-alias.org"):
        found = perspective.lookup(name, prove=True).lookups[0]
        assert (found["outcome"], found["dnssec"]) == ("failed", "bogus")
        assert "insecurity" not in found


# Climbs


@pytest.mark.parametrize("name, found", [
    ("permit.com", "permit.com"), ("host.permit.com", "permit.com"),
    ("own.permit.com", "own.permit.com"), ("none.brand", "brand"),
    ("a.b.c.d.e.deep.com", None), ("none.permit.com", "permit.com"),
    ("child.none.com", "child.none.com"), ("plain.signed-permit.org", "signed-permit.org"),
    ("any.wild-dns.com", "any.wild-dns.com"), ("a.b.c.noent.com", "a.b.c.noent.com"),
    ("host.alias.com", "alias.com"), ("brand", "brand"), ("com", None),
    ("x.y.nx.permit.com", "permit.com"), ("x.nosuch.com", None)])
def test_climb(perspective, name, found):
    reply = perspective.climb(name)
    labels = name.split(".")
    assert [l["name"] for l in reply.lookups] == [".".join(labels[i:])
                                                  for i in range(len(labels))]
    assert reply.rcode == "NOERROR"
    assert (reply.found and reply.found["name"]) == found
    assert not reply.message.answer


@pytest.mark.parametrize("name", ["refused.permit.com", "www.refused.permit.com",
                                  "bad.signed-alias.org", "child.expired.org"])
def test_nearer_failure_hides_farther_record(perspective, name):
    reply = perspective.climb(name)
    assert reply.rcode == "SERVFAIL" and reply.found is None
    assert reply.lookups[0]["outcome"] == "failed"


def test_farther_failure_does_not_matter(perspective, restored):
    """The nearest name decides; dead parents are let go."""
    restored.set_records("near.flip.com", "CAA", ['0 issue "ca1.com"'])
    reply = perspective.climb("near.flip.com")
    assert reply.found["name"] == "near.flip.com"
    started = time.monotonic()
    reply = perspective.climb("own.permit.com")
    assert reply.found["name"] == "own.permit.com" and time.monotonic() < started + 1


def test_climb_asks_all_names_at_once(perspective):
    perspective.climb("warm.delay.com")
    reply = perspective.climb("a.b.c.d.delay.com")
    assert len(reply.lookups) == 6
    assert RTT_US <= reply.evidence["elapsed_us"] < 1.3 * RTT_US


# Fresh answers, warm delegations


def test_changed_records_are_seen_at_once(perspective, restored):
    assert records(perspective.climb("flip.com").found) == [b"\x00\x05issueca1.com"]
    for issuer in ("ca2.com", "ca3.com"):
        restored.set_records("flip.com", "CAA", [f'0 issue "{issuer}"'])
        assert records(perspective.climb("flip.com").found) == [
            b"\x00\x05issue" + issuer.encode()]
    restored.set_records("flip.com", "CAA", [])
    assert perspective.climb("flip.com").found is None
    restored.set_records("flip.com", "CAA", ['0 issue ";"'])
    assert perspective.climb("www.flip.com").found["name"] == "flip.com"


def test_delegations_and_keys_stay_warm(perspective):
    for name in ("www.none.com", "www.signed-none.org", "x.plain.signed-permit.org"):
        perspective.climb(name)
        again = perspective.climb(name)
        done = [l for l in again.lookups if l["outcome"] != "abandoned"]
        assert [l["queries_sent"] for l in done] == [1] * len(done)


def test_every_check_asks_the_domain_itself(world, perspective, restored):
    mark = world.queries.mark()
    for _ in range(5):
        perspective.climb("flip2.com")
    asked = world.queries.wait(mark, 5, zone="flip2.com", type="CAA")
    assert len(asked) == 5


def test_ordinary_queries_do_not_see_our_answers(world, perspective):
    """Nor the other way: what plain queries cached is no answer of a check."""
    mark = world.queries.mark()
    perspective.ask(question("flip3.com"))
    perspective.climb("flip3.com")
    perspective.ask(question("flip3.com"))
    asked = world.queries.wait(mark, 2, zone="flip3.com", type="CAA")
    assert len(asked) == 2, "the plain query is answered from the cache, the climb is not"


def test_concurrent_climbs_share_nothing_but_packets(world, perspective):
    """Unbound sends one packet for identical questions to one server that are in flight together.

    Each climb still gets the bytes that came for it and none is taken from a cache.
    """
    perspective.climb("warm.delay-permit.com")
    mark = world.queries.mark()
    with perspective.link() as link:
        for _ in range(20):
            link.send(question("delay-permit.com", "CAA", option("climb")))
        replies = [link.receive() for _ in range(20)]
    asked = world.queries.since(mark, "delay-permit.com", type="CAA", name="delay-permit.com")
    assert all(reply.found["name"] == "delay-permit.com" for reply in replies)
    assert all(reply.lookups[0]["rtt_us"] >= RTT_US * 0.9 for reply in replies)
    # One a server address at least; the merging is by address and by 0x20 case.
    assert 1 <= len(asked) <= 20
    mark = world.queries.mark()
    perspective.climb("delay-permit.com")
    assert world.queries.since(mark, "delay-permit.com", type="CAA")


# Failures: retried with packets, and proven Insecure or not


def test_retry_really_sends_packets(world, perspective, table):
    """Also right after a first check, when the resolver holds the servers for dead."""
    assert table["dead.com"]["tries_sent"] >= 2
    mark = world.queries.mark()
    found = perspective.climb("www.dead.com", prove=True).lookups
    sent = world.queries.since(mark, "dead.com", type="CAA")
    for lookup in found[:2]:
        assert lookup["tries"] >= 2 and lookup["tries_sent"] >= 2
        # What the resolver says it sent is what came: no claim without packets.
        assert len([q for q in sent if q["name"].lower() == lookup["name"]]) >= 2


def test_a_slow_server_is_asked_in_every_check(world, perspective):
    """After a check that its slow answers ended, the resolver would ask it nothing for a while."""
    for _ in range(3):
        mark = world.queries.mark()
        found = perspective.lookup("slow1.com").lookups[0]
        assert found["outcome"] == "answer" and found["tries_sent"] >= 1
        assert world.queries.since(mark, "slow1.com", type="CAA")


def test_lame_servers_are_asked_again(world, perspective, table):
    """The resolver remembers them as lame and would not send them anything."""
    assert table["lame.com"]["tries_sent"] >= 2
    mark = world.queries.mark()
    found = perspective.lookup("lame.com", prove=True).lookups[0]
    assert found["tries_sent"] >= 2
    assert len(world.queries.since(mark, "lame.com", type="CAA")) >= 2


def test_no_retry_without_the_flag(perspective):
    found = perspective.lookup("servfail.com").lookups[0]
    assert found["tries"] == 1 and "insecurity" not in found


@pytest.mark.parametrize("name, proven, last", INSECURITY)
def test_insecurity(table, name, proven, last):
    found = table[name]
    assert found["outcome"] == "failed"
    assert found["insecurity"]["proven"] is proven
    assert found["insecurity"]["steps"][-1]["ds"] == last
    assert found["insecurity"]["steps"][0]["name"] == name.split(".")[-1]


def test_alias_proof_covers_every_zone(table):
    """The insecure owner alone would do for the first; the second needs its signed target."""
    for name, other in (("plain.alias-dead.com", "dead.com"),
                        ("www.alias-dead.com", "dead-signed.org")):
        asked = [step["name"] for step in table[name]["insecurity"]["steps"]]
        assert asked[:2] == ["com", "alias-dead.com"] and other in asked
