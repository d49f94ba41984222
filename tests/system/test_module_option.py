"""Who may use mpic.so's option and how; its settings, its caps, and the Unbound it loads into."""

import shutil
import subprocess
import time

import dns.flags
import dns.name
import dns.query
import pytest

from mininet.module import (CONF, NONCE, OPERATIONS, Perspective, module_of, option, question,
                            records)
from mininet.resolver import Resolver

SETTINGS = ["# clients first", "client: 127.0.0.0/30", "", "max-names: 8", "max-evidence: 4096",
            "max-rrset: 20000"]
OTHER_CLIENT = "127.0.0.77"
ORDINARY = [("permit.com", "CAA"), ("www.permit.com", "A"), ("nx.permit.com", "A"),
            ("signed-permit.org", "CAA"), ("signed-permit.org", "DNSKEY"), ("expired.org", "CAA"),
            ("own.sub.dname.com", "CAA"), ("nx.signed-permit.org", "AAAA"), ("com", "NS"),
            ("refused.com", "CAA"), ("x.island.org", "TXT"), ("good.signed-alias.org", "CAA")]


@pytest.fixture(scope="module")
def module(build_dir):
    return module_of(build_dir)


@pytest.fixture(scope="module")
def perspective(world, module, unbound_prefix, tmp_path_factory):
    with Perspective(unbound_prefix, module, world, tmp_path_factory.mktemp("module")) as started:
        yield started


@pytest.fixture(scope="module")
def strict(world, module, unbound_prefix, tmp_path_factory):
    """One with a settings file: few clients, small caps."""
    with Perspective(unbound_prefix, module, world, tmp_path_factory.mktemp("strict"),
                     port=5454, settings=SETTINGS) as started:
        yield started


# The option


def test_evidence_answers_the_question_asked(perspective):
    evidence = perspective.climb("permit.com", nonce=0xfedcba9876543210).evidence
    assert evidence["v"] == 1 and evidence["nonce"] == "fedcba9876543210"
    assert evidence["op"] == "climb" and evidence["truncated"] is False
    assert evidence["resolver"].startswith("unbound 1.") and evidence["module"]
    assert perspective.lookup("permit.com").evidence["op"] == "lookup"


def test_longer_option_is_a_later_version_of_ours(perspective):
    reply = perspective.ask(question("permit.com", data=option("lookup") + b"later"))
    assert reply.lookups[0]["outcome"] == "answer"


@pytest.mark.parametrize("data", [b"", b"\x01", option()[:-1], option(version=0),
                                  option(version=2), option(operation=0), option(operation=4)],
                         ids=["empty", "short", "cut", "v0", "v2", "op0", "op4"])
def test_malformed_option_is_refused(perspective, data):
    before = perspective.stats()
    reply = perspective.ask(question("permit.com", data=data))
    assert reply.rcode == "REFUSED" and "malformed" in reply.evidence["error"]
    assert perspective.stats()["refused"] == before["refused"] + 1
    assert perspective.stats()["subs"] == before["subs"]


def test_two_options_the_first_holds(perspective):
    query = question("permit.com", data=option("lookup"))
    query.use_edns(0, 0, 65000, options=[*query.options,
                                         *question(".", data=option("stats")).options])
    assert perspective.ask(query).evidence["op"] == "lookup"


def test_malformed_option_of_another_class_counts_once(perspective):
    before = perspective.stats()["refused"]
    reply = perspective.ask(question("permit.com", data=b"\x01", rdclass="CH"))
    assert reply.rcode == "REFUSED" and perspective.stats()["refused"] == before + 1


@pytest.mark.parametrize("rdclass", ["CH", "HS"])
def test_only_class_in(perspective, rdclass):
    reply = perspective.ask(question("permit.com", data=option(), rdclass=rdclass))
    assert reply.rcode == "REFUSED" and "class" in reply.evidence["error"]


def test_root_has_nothing_to_climb(perspective):
    reply = perspective.climb(".")
    assert reply.rcode == "REFUSED" and "root" in reply.evidence["error"]
    assert perspective.lookup(".", "SOA").lookups[0]["outcome"] == "answer"


def test_name_cap_of_the_query(perspective):
    assert len(perspective.climb("a.b.permit.com", cap=4).lookups) == 4
    reply = perspective.climb("a.b.permit.com", cap=3)
    assert reply.rcode == "REFUSED" and "labels" in reply.evidence["error"]
    assert perspective.ask(question("a.b.permit.com", "CAA", option("lookup", cap=1))).lookups


@pytest.mark.parametrize("labels, accepted", [(8, True), (9, False), (127, False)])
def test_name_cap_of_the_module(strict, labels, accepted):
    reply = strict.climb("x." * (labels - 1) + "y", cap=255)
    assert (reply.rcode == "NOERROR") is accepted
    assert ("lookups" in reply.evidence) is accepted


@pytest.mark.parametrize("flags, dnssec", [(0, False), (0, True), (dns.flags.CD, False),
                                           (dns.flags.CD, True), (dns.flags.AD, False)])
def test_bits_of_the_question_change_nothing(perspective, flags, dnssec):
    for name, rcode in (("signed-permit.org", "NOERROR"), ("expired.org", "SERVFAIL")):
        reply = perspective.ask(question(name, "CAA", option(), flags=flags, dnssec=dnssec))
        assert reply.rcode == rcode and not reply.message.answer
        assert reply.lookups[0]["dnssec"] == ("secure" if rcode == "NOERROR" else "bogus")
        assert not reply.message.flags & dns.flags.AD, "the reply itself claims nothing"


def test_upper_case_and_binary_names(perspective):
    assert perspective.climb("HOST.Permit.COM").found["name"].lower() == "permit.com"
    name = dns.name.Name([b'a"\x00\xff\\\x1f', b"permit", b"com", b""])
    reply = perspective.climb(name)
    assert dns.name.from_text(reply.lookups[0]["name"]) == name
    assert reply.found["name"] == "permit.com"


def test_stats_count(perspective):
    before = perspective.stats()
    perspective.climb("host.permit.com")
    perspective.lookup("expired.org")
    perspective.lookup("refused.com", prove=True)
    after = perspective.stats()
    grown = {key: after[key] - before[key] for key in after}
    assert (grown["climbs"], grown["lookups"], grown["refused"]) == (1, 2, 0)
    assert (grown["failures"], grown["bogus"], grown["retries"], grown["walks"]) == (2, 1, 1, 1)
    assert grown["subs"] == 3 + 1 + 2 + 2 and grown["sent"] >= 6 and after["in_flight"] == 0


def test_over_udp_too(perspective):
    query = question("big.com", data=option("lookup"))
    reply = dns.query.udp(query, perspective.address, port=perspective.port, timeout=5)
    assert [o for o in reply.options if o.otype == query.options[0].otype]


# Clients


def test_other_clients_are_answered_as_without_the_option(strict):
    reply = strict.ask(question("permit.com", data=option()), source=OTHER_CLIENT)
    assert reply.evidence is None and reply.rcode == "NOERROR" and reply.message.answer
    for data in (option("stats"), b"", b"\xff" * 200):
        reply = strict.ask(question("permit.com", data=data), source=OTHER_CLIENT)
        assert reply.evidence is None and reply.message.answer
    assert strict.climb("permit.com").found


# Caps


def test_settings_hold(strict):
    assert strict.climb("a.b.c.d.e.f.permit.com").rcode == "NOERROR"
    assert strict.climb("a.b.c.d.e.f.g.permit.com", cap=100).rcode == "REFUSED"


def test_evidence_that_does_not_fit_is_marked_and_no_answer(strict):
    before = strict.stats()["truncated"]
    reply = strict.climb("www.big.com")
    assert reply.rcode == "SERVFAIL" and reply.octets <= 4096
    assert reply.evidence["truncated"] is True and reply.found is None
    assert reply.lookups[1]["outcome"] == "answer" and reply.lookups[1]["records"] is None
    assert strict.stats()["truncated"] == before + 1


def test_evidence_that_does_not_fit_even_without_records(strict):
    reply = strict.climb("x" * 60 + ".y" * 6 + ".refused.com", prove=True)
    assert reply.rcode in ("SERVFAIL", "REFUSED") and reply.octets <= 4096
    assert reply.evidence.get("error") or reply.found is None


def test_too_large_rrset_is_no_answer(world, module, unbound_prefix, tmp_path):
    with Perspective(unbound_prefix, module, world, tmp_path, port=5455,
                     settings=["max-rrset: 1000"]) as small:
        reply = small.climb("www.big.com", prove=True)
        assert reply.rcode == "SERVFAIL" and reply.found is None
        assert reply.lookups[1]["outcome"] == "too-large" and "records" not in reply.lookups[1]


def test_largest_evidence_still_reaches_the_client(world, module, unbound_prefix, tmp_path,
                                                   restored):
    """Unbound would drop the option from a reply over the client's size without a word."""
    values = [f'0 issue "{i:03}{"x" * 200}"' for i in range(192)]
    restored.set_records("flip.com", "CAA", values)
    with Perspective(unbound_prefix, module, world, tmp_path, port=5455,
                     settings=["max-evidence: 64500"]) as large:
        for count in range(165, 193):
            restored.set_records("flip.com", "CAA", values[:count])
            reply = large.climb("x.y.z.flip.com")
            assert reply.evidence is not None, f"{count} records: the option is gone"
            if reply.rcode == "NOERROR":
                assert len(records(reply.found)) == count


def test_subs_in_flight_are_capped(world, module, unbound_prefix, tmp_path):
    with Perspective(unbound_prefix, module, world, tmp_path, port=5455,
                     settings=["max-subs: 5"]) as small:
        assert small.climb("host.permit.com").rcode == "NOERROR"
        reply = small.climb("a.b.c.permit.com", prove=True)
        assert reply.rcode == "NOERROR" and len(reply.lookups) == 5
        reply = small.climb("a.b.c.d.permit.com")
        assert reply.rcode == "REFUSED" and "too many" in reply.evidence["error"]
        assert small.stats()["in_flight"] == 0


# Ordinary traffic


def test_ordinary_queries_pass_through(world, perspective, unbound_prefix, tmp_path):
    """The same answers as from an Unbound that never heard of the module."""
    def normal(reply):
        reply.id = 0
        for rrset in (*reply.answer, *reply.authority, *reply.additional):
            rrset.ttl = 0
        sections = [sorted(rrset.to_text() for rrset in section)
                    for section in (reply.answer, reply.authority, reply.additional)]
        return reply.flags, sorted(o.to_wire() for o in reply.options), sections

    alone = Perspective(unbound_prefix, None, world, tmp_path, port=5456)
    text = alone.config.read_text(encoding="utf-8").replace("dynlib validator", "validator")
    alone.config.write_text(text, encoding="utf-8")
    with alone:
        for name, rdtype in ORDINARY:
            for _ in range(2):
                query = question(name, rdtype, dnssec=True)
                assert normal(perspective.ask(query).message) == normal(alone.ask(query).message)


def test_same_verdicts_as_a_plain_unbound(world, perspective, unbound_prefix, tmp_path):
    names = ["permit.com", "signed-permit.org", "expired.org", "island.org", "wrongkey.org",
             "signed-none.net", "unsupported-alg.org", "stripped.org"]
    with Resolver(unbound_prefix, world, tmp_path) as plain:
        expected = plain.statuses(names)
    assert {name: perspective.lookup(name).lookups[0]["dnssec"] for name in names} == expected


# Configuration


def test_profile_passes_checkconf(perspective, unbound_prefix):
    done = subprocess.run([f"{unbound_prefix}/sbin/unbound-checkconf", perspective.config],
                          cwd=perspective.directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no errors" in done.stdout and CONF.exists()


def refusal(world, module, prefix, directory, **more):
    """What an Unbound that must not start says."""
    refused = Perspective(prefix, module, world, directory, port=5457, **more)
    with pytest.raises(RuntimeError) as error, refused:
        pass
    assert refused.process.returncode == 1
    return str(error.value)


@pytest.mark.parametrize("line, sentence", [
    ("client: nowhere", 'mpic.conf:1: client: expected an address or ADDRESS/BITS'),
    ("client: 127.0.0.1/33", "mpic.conf:1: client: expected an address"),
    ("max-names: 0", "mpic.conf:1: max-names: expected a number from 1 to 127, not \"0\""),
    ("max-names: -1", "max-names: expected a number"),
    ("max-subs: 1x", "max-subs: expected a number"),
    ("max-evidence: 65000", "max-evidence: expected a number"),
    ("max-rrset: 99999999999999999999", "max-rrset: expected a number"),
    ("max-names 5", 'mpic.conf:1: expected "key: value"'),
    ("max-names: 5 6", 'expected "key: value"'),
    (":", 'expected "key: value"'),
    ("clients: ::1", 'unknown setting "clients"'),
    ("x" * 300, "mpic.conf:1: line longer than")])
def test_settings_faults_refuse_the_start(world, module, unbound_prefix, tmp_path, line, sentence):
    assert sentence in refusal(world, module, unbound_prefix, tmp_path, settings=[line])


def test_too_many_clients_refuse_the_start(world, module, unbound_prefix, tmp_path):
    lines = [f"client: 10.0.0.{i}" for i in range(17)]
    said = refusal(world, module, unbound_prefix, tmp_path, settings=lines)
    assert "mpic.conf:17: client: " in said and "at most 16" in said


def test_no_trust_anchor_refuses_the_start(world, module, unbound_prefix, tmp_path):
    """Nothing would be validated, and every check would blame the domain."""
    said = refusal(world, module, unbound_prefix, tmp_path, anchor=False)
    assert "mpic: no trust anchor" in said


def test_missing_settings_file_refuses_the_start(world, module, unbound_prefix, tmp_path):
    refused = Perspective(unbound_prefix, module, world, tmp_path, port=5457, settings=[])
    (tmp_path / "mpic.conf").unlink()
    with pytest.raises(RuntimeError, match="cannot open .*mpic.conf: No such file"), refused:
        pass


@pytest.mark.parametrize("stack", ["validator dynlib iterator", "dynlib iterator"])
def test_other_module_orders_refuse_the_start(world, module, unbound_prefix, tmp_path, stack):
    said = refusal(world, module, unbound_prefix, tmp_path,
                   server=[f'module-config: "{stack}"'])
    assert 'module-config must be "dynlib validator iterator"' in said


@pytest.mark.parametrize("what", ["version", "configure line"])
def test_another_unbound_is_refused(world, module, unbound_prefix, tmp_path, what):
    """The program with one byte changed where it says what it is."""
    program = unbound_prefix / "sbin/unbound"
    image = program.read_bytes()
    said = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout
    version = said.split("Version ")[1].split()[0]
    line = said.split("Configure line: ")[1].split("\n")[0]
    text = f"unbound {version}\0" if what == "version" else f"{line}\0"
    assert text.encode() in image
    other = tmp_path / "other"
    other.write_bytes(image.replace(text.encode(), text[:-2].encode() + b"_\0"))
    shutil.copymode(program, other)
    assert f"mpic: this unbound is not the one mpic.so was built for: no {what}" in refusal(
        world, module, unbound_prefix, tmp_path / "run", program=other)


def test_reload_keeps_working_and_starts_counting_anew(world, module, unbound_prefix, tmp_path):
    with Perspective(unbound_prefix, module, world, tmp_path, port=5455) as reloaded:
        for _ in range(3):
            assert reloaded.climb("permit.com").found
            assert reloaded.control("reload").strip() == "ok"
            end = time.monotonic() + 10
            while not reloaded.is_ready():
                assert time.monotonic() < end
            assert reloaded.stats()["climbs"] == 0
        assert reloaded.stop() == 0


def test_names_of_the_wire_format():
    assert OPERATIONS == {"lookup": 1, "climb": 2, "stats": 3}
    assert len(option()) == 12 and option()[4:] == NONCE.to_bytes(8, "big")
