"""The zones of the mini-Internet, one row each: who serves it, how it is signed, what it holds.

A row's records are zone-file lines, names relative to the zone. SOA, NS, glue, delegation from the
nearest enclosing zone of the table and DS are made from the row itself (zonefiles.py).
"""

from dataclasses import dataclass, field

from . import addresses, challenge, webhosts

PERMIT = '@ CAA 0 issue "ca1.com"'
DENY = '@ CAA 0 issue "other-ca.example"'
WEB4, WEB6 = addresses.WEB[0]
WWW = f"www A {WEB4}\nwww AAAA {WEB6}\n@ A {WEB4}\n@ AAAA {WEB6}"


@dataclass(frozen=True)
class Zone:
    """One zone.

    server     root, tld, leaf, sub (an NSD each) or hostile
    signed     None, "nsec", "nsec3" or "optout" (NSEC3 with opt-out)
    behaviour  for hostile zones, a name in behaviours.TABLE
    views      for hostile zones, {perspective index: records it sees instead}
    ds         what the parent publishes: "own" key's DS, "none", "wrong" or "unknown" algorithm
    tampered   (old, new): text that is replaced after signing, and so bogus
    status     what a validating resolver finds for CAA at the zone's name, for test_world.py:
               secure, insecure, bogus or fail (no answer, for a reason other than DNSSEC)
    """

    name: str
    server: str
    signed: str | None
    records: tuple
    why: str
    status: str = "insecure"
    behaviour: str | None = None
    delay_ms: int = 0
    views: dict = field(default_factory=dict, hash=False)
    ds: str = "own"
    expired: bool = False
    tampered: tuple = ()

    @property
    def has_ds(self):
        return (self.signed is not None and self.ds != "none") or self.ds in ("wrong", "unknown")


def _root(name, signed, why, *records):
    return Zone(name, "root", signed, records, why, "secure" if signed else "insecure")


def _tld(name, signed, why, *records):
    return Zone(name, "tld", signed, records, why, "secure" if signed else "insecure")


def _raw(flags, tag, value, owner="@"):
    """A CAA record that NSD's own parser would refuse."""
    rdata = bytes((flags, len(tag))) + tag + value
    return f"{owner} TYPE257 \\# {len(rdata)} {rdata.hex()}"


def _leaf(name, why, *records, **more):
    return Zone(name, "leaf", None, records, why, **more)


def _signed(name, why, *records, signed="nsec", status="secure", **more):
    return Zone(name, "leaf", signed, records, why, status, **more)


def _sub(name, signed, why, *records):
    return Zone(name, "sub", signed, records, why, "secure" if signed else "insecure")


def _hostile(name, behaviour, why, *records, status="fail", **more):
    return Zone(name, "hostile", None, records, why, status, behaviour, **more)


def _hostile_signed(name, behaviour, why, *records, status="fail", **more):
    return Zone(name, "hostile", "nsec", records, why, status, behaviour, **more)


BIG = tuple(f'@ CAA 0 issue "ca{i}.com"' for i in range(1, 1001))
BENCH_NAMES = 5000
BENCH = tuple(f'n{i} CAA 0 issue "ca1.com"' for i in range(BENCH_NAMES))
CHAIN = tuple(f"c{i} CNAME c{i + 1}" for i in range(1, 12)) + ("c12 CNAME permit.com.",)

ZONES = (
    # Root, TLDs and the roots of the reverse trees.
    _root(".", "nsec", "the root"),
    _root("root-servers.net", None, "the root servers' own names"),
    _tld("com", "optout", "signed, NSEC3 with opt-out: most zones below it are unsigned"),
    _tld("net", "nsec3", "signed, NSEC3"),
    _tld("org", "nsec", "signed, NSEC"),
    _tld("zz", None, "unsigned TLD"),
    _tld("brand", "nsec", "TLD with a CAA record of its own", PERMIT),
    _tld("arpa", "nsec", "parent of the reverse trees"),
    _tld("in-addr.arpa", "nsec", "reverse IPv4"),
    _tld("ip6.arpa", "nsec", "reverse IPv6"),

    # CAA at the name, unsigned.
    _leaf("permit.com", "permits ca1.com; host has none of its own, own has",
          PERMIT, WWW, f"host A {WEB4}", 'own CAA 0 issue "ca1.com"', f"own A {WEB4}",
          'forbid CAA 0 issue ";"'),
    _leaf("deny.com", "permits only another CA", DENY, WWW),
    _leaf("none.com", "no CAA anywhere", WWW),
    _leaf("permit.zz", "permits ca1.com under an unsigned TLD", PERMIT, WWW),
    _leaf("none.zz", "no CAA under an unsigned TLD", WWW),
    _leaf("none.net", "unsigned under NSEC3 without opt-out: insecure by a matching NSEC3", WWW),
    _leaf("none.brand", "no CAA, but its TLD has", WWW),
    _leaf("deep.com", "no CAA at six labels and more",
          f"a.b.c.d.e A {WEB4}", f"f.a.b.c.d.e A {WEB4}"),
    _leaf("empty.com", "issue with no issuer: nobody", '@ CAA 0 issue ";"'),
    _leaf("blank.com", "issue with a zero-length value: nobody", '@ CAA 0 issue ""'),
    _leaf("several.com", "several issuers, ca1.com the last",
          '@ CAA 0 issue "ca8.com"', '@ CAA 0 issue "ca9.com"', PERMIT),
    _leaf("case.com", "tag and issuer in capitals", _raw(0, b"ISSUE", b"CA1.COM")),
    _leaf("spaces.com", "white space around the issuer", '@ CAA 0 issue "  ca1.com  ; "'),
    _leaf("substring.com", "issuers that merely contain ca1.com",
          '@ CAA 0 issue "notca1.com"', '@ CAA 0 issue "ca1.com.example"'),
    _leaf("malformed.com", "a value that is not the issue-value syntax", '@ CAA 0 issue "%%%%%"'),
    _leaf("iodef-only.com", "iodef alone permits and stops the climb",
          '@ CAA 0 iodef "mailto:security@iodef-only.com"'),
    _leaf("unknown-tag.com", "an unknown tag, not critical, alone", '@ CAA 0 tbs "Unknown"'),
    _leaf("critical.com", "an unknown tag, critical: nobody", '@ CAA 128 tbs "Unknown"', PERMIT),
    _leaf("critical-known.com", "a known tag, critical: permits", '@ CAA 128 issue "ca1.com"'),
    _leaf("big.com", "an RRset of 1,000 records, over TCP", *BIG),
    _leaf("binary.com", "values that are not UTF-8",
          '@ CAA 0 issue "\\255\\254\\000\\128"', PERMIT),

    # Wildcards.
    _leaf("wild.com", "wildcards by another CA",
          PERMIT, '@ CAA 0 issuewild "ca2.com"'),
    _leaf("wild-none.com", "no wildcards at all", PERMIT, '@ CAA 0 issuewild ";"'),
    _leaf("wild-only.com", "issuewild alone: forbids only wildcards of others",
          '@ CAA 0 issuewild "ca1.com"'),
    _leaf("wild-dns.com", "CAA synthesised from a DNS wildcard", '* CAA 0 issue "ca1.com"'),

    # RFC 8657, RFC 9495, other property tags.
    _leaf("account.com", "accounturi",
          '@ CAA 0 issue "ca1.com; accounturi=https://ca1.com/acct/1"'),
    _leaf("account-two.com", "accounturi given twice: unsatisfiable",
          '@ CAA 0 issue "ca1.com; accounturi=https://ca1.com/acct/1; '
          'accounturi=https://ca1.com/acct/2"'),
    _leaf("method.com", "validationmethods",
          '@ CAA 0 issue "ca1.com; validationmethods=dns-01,http-01"'),
    _leaf("method-tbr.com", "validationmethods with a ca-tbr label",
          '@ CAA 0 issue "ca1.com; validationmethods=ca-tbr-7"'),
    _leaf("both.com", "accounturi and validationmethods",
          '@ CAA 0 issue "ca1.com; accounturi=https://ca1.com/acct/1; validationmethods=dns-01"'),
    _leaf("issuemail.com", "issuemail for another CA, issue for ca1.com",
          PERMIT, '@ CAA 0 issuemail "ca2.com"'),
    _leaf("issuemail-only.com", "issuemail alone", '@ CAA 0 issuemail "ca1.com"'),
    _leaf("issuevmc.com", "critical issuevmc is known", '@ CAA 128 issuevmc "ca2.com"', PERMIT),

    # Aliases.
    _leaf("alias.com", "www to a name with CAA, host to one without, own CAA forbids",
          DENY, "www CNAME permit.com.", "host CNAME www.permit.com.", "gone CNAME nx.permit.com."),
    _leaf("alias-none.com", "CNAME to a name without CAA, none on the way up",
          "www CNAME www.none.com."),
    _leaf("alias-dead.com", "CNAMEs into dead zones: signed must not be called insecure",
          "www CNAME x.dead-signed.org.", "plain CNAME x.dead.com."),
    _leaf("alias-bogus.com", "CNAME into a bogus zone", "www CNAME expired.org."),
    _leaf("dname.com", "DNAME: own.sub is own.permit.com", "sub DNAME permit.com."),
    _leaf("loop.com", "CNAME loops, here and with loop2.com",
          "a CNAME b", "b CNAME a", "x CNAME x.loop2.com."),
    _leaf("loop2.com", "the other half of the loop", "x CNAME x.loop.com."),
    _leaf("chain.com", "a chain of twelve CNAMEs from c1, six from c7", *CHAIN),

    # Signed zones, good and bad.
    _signed("signed-permit.org", "signed, permits ca1.com", PERMIT, WWW, f"host A {WEB4}"),
    _signed("signed-deny.org", "signed, permits only another CA", DENY, WWW),
    _signed("signed-none.org", "signed, no CAA", WWW, f"a.b.c.d.e A {WEB4}"),
    _signed("signed-permit.com", "signed under the opt-out TLD, NSEC3", PERMIT, WWW,
            signed="nsec3"),
    _signed("signed-none.net", "signed with NSEC3, no CAA", WWW, f"a.b.c.d.e A {WEB4}",
            signed="nsec3"),
    _signed("signed-alias.org", "signed; CNAMEs to signed, unsigned, bogus and dead zones, a DNAME",
            "good CNAME signed-permit.org.", "plain CNAME permit.com.", "bad CNAME expired.org.",
            "dead CNAME x.dead.com.", "dead-signed CNAME x.dead-signed.org.",
            "sub DNAME signed-wild.org."),
    _signed("signed-wild.org", "CAA from a DNS wildcard, signed", '* CAA 0 issue "ca1.com"'),
    _signed("signed-big.org", "1,000 records, signed, over TCP", *BIG),
    _signed("expired.org", "signatures expired a month ago", PERMIT, WWW, status="bogus",
            expired=True),
    _signed("expired-none.org", "signatures expired, no CAA", WWW, status="bogus", expired=True),
    _signed("wrongkey.org", "the parent's DS is of another key", PERMIT,
            status="bogus", ds="wrong"),
    _signed("island.org", "signed, but no DS at the parent", PERMIT, status="insecure", ds="none"),
    _leaf("unsigned-with-ds.org", "DS at the parent, zone unsigned", PERMIT, status="bogus",
          ds="wrong"),
    _signed("unsupported-alg.org", "only a DS of an unknown algorithm: treated as insecure", PERMIT,
            status="insecure", ds="unknown"),

    # Zones delegated from leaf zones.
    _sub("child.none.com", None, "unsigned child of an unsigned zone", PERMIT),
    _sub("none.permit.com", None, "child without CAA, its parent has", WWW),
    _sub("plain.signed-permit.org", None, "unsigned child without CAA of a signed zone with", WWW),
    _sub("signed.signed-none.org", "nsec", "signed child with CAA of a signed zone without",
         PERMIT),
    _sub("signed.signed-permit.org", "nsec3", "signed child without CAA of a zone with", WWW),
    Zone("child.expired.org", "sub", None, (PERMIT,), "child of a bogus zone", "bogus"),
    _hostile("sub.permit.com", "silent", "dead child: hides its parent's CAA"),
    _hostile("refused.permit.com", "refused", "child refusing queries: hides its parent's CAA"),
    _hostile("sub.signed-permit.org", "silent", "dead unsigned child of a signed zone"),
    _hostile_signed("dead.signed-permit.org", "silent", "dead child with DS of a signed zone"),

    # Servers that misbehave.
    _hostile("dead.com", "silent", "no answer to anything, unsigned"),
    _hostile_signed("dead-signed.org", "silent", "no answer to anything, DS at the parent"),
    _hostile("refused.com", "refused", "REFUSED"),
    _hostile("servfail.com", "servfail", "SERVFAIL, unsigned"),
    _hostile_signed("servfail-signed.org", "servfail", "SERVFAIL, DS at the parent"),
    _hostile("notimp.com", "notimp", "NOTIMP"),
    _hostile("formerr.com", "formerr", "FORMERR"),
    _hostile("garbage.com", "garbage", "bytes that are no DNS message"),
    _hostile("short.com", "short", "a message cut within its header"),
    _hostile("wrongid.com", "wrongid", "answers with another query's ID", PERMIT),
    _hostile("wrongquestion.com", "wrongquestion", "answers about another name", PERMIT),
    _hostile("truncate.com", "truncate", "TC over UDP, TCP refused", PERMIT),
    _hostile("tcp-silent.com", "tcpsilent", "TC over UDP, silence over TCP", PERMIT),
    _hostile("tcp-only.com", "tcponly", "TC over UDP, the answer over TCP", PERMIT,
             status="insecure"),
    _hostile("wrongcase.com", "lowercase", "question sent back in lower case", PERMIT,
             status="insecure"),
    _hostile("rotating.com", "rotating", "lower case, and never the same answer twice",
             PERMIT, '@ CAA 0 issue "ca2.com"', '@ CAA 0 issue "ca3.com"', status="any"),
    _hostile("lame.com", "lame", "referral up to the root"),
    _hostile("nodata-nosoa.com", "nosoa", "NODATA without SOA", "@ A 93.184.216.10",
             "www A 93.184.216.10", status="insecure"),
    _hostile("noedns.com", "noedns", "FORMERR to EDNS, fine without", PERMIT, status="insecure"),
    _hostile("noent.com", "noent", "NXDOMAIN at empty non-terminals: breaks minimisation",
             'a.b.c CAA 0 issue "ca1.com"', status="insecure"),
    _hostile("caa-servfail.com", "caaservfail", "SERVFAIL to CAA, other types fine", WWW),
    _hostile("caa-dead.com", "caasilent", "silence to CAA, other types fine", WWW),
    _hostile("caa-notimp.com", "caanotimp", "NOTIMP to CAA, other types fine", WWW),
    _hostile("flaky.com", "flaky", "SERVFAIL to the first two of each three equal queries", PERMIT,
             status="any"),
    _hostile("slow5.com", "answer", "answers after 5 s", PERMIT, status="any", delay_ms=5000),
    _hostile("slow1.com", "answer", "answers after 1 s", PERMIT, status="any", delay_ms=1000),
    _hostile("delay.com", "nodata", "every answer takes 50 ms; all names exist, none has CAA",
             f"@ A {WEB4}", status="insecure", delay_ms=50),
    _hostile("delay-permit.com", "answer", "every answer takes 50 ms", PERMIT, WWW,
             status="insecure", delay_ms=50),
    _hostile_signed("stripped.org", "answer", "DS at the parent, signatures stripped", PERMIT,
                    status="bogus"),

    # Zones whose answer tests change, or that depends on who asks.
    _hostile("flip.com", "answer", "answers set at run time", PERMIT, WWW, status="insecure"),
    _hostile("flip2.com", "answer", "answers set at run time", PERMIT, WWW, status="insecure"),
    _hostile("flip3.com", "answer", "answers set at run time", PERMIT, WWW, status="insecure"),
    _hostile("split.com", "answer", "perspective 4 is hijacked and sees a record that forbids",
             PERMIT, WWW, status="insecure", views={4: (DENY,)}),
    _hostile("split2.com", "answer", "perspectives 3 and 4 are hijacked and see one that forbids",
             PERMIT, WWW, status="insecure", views={3: (DENY,), 4: (DENY,)}),
    _hostile("hijack.com", "answer", "forbids, but the hijacked perspective 2 sees permission",
             DENY, WWW, status="insecure", views={2: (PERMIT,)}),
    _hostile("half.com", "answer", "perspectives 0 to 2 see permission, the others a refusal",
             DENY, WWW, status="insecure", views={0: (PERMIT,), 1: (PERMIT,), 2: (PERMIT,)}),

    # One failing zone for each way to show that a domain is Insecure (RFC 4035 4.3).
    _hostile("refused.zz", "refused", "REFUSED under an unsigned TLD"),
    _hostile("refused.net", "refused", "REFUSED, insecure by a matching NSEC3"),
    _hostile("refused.org", "refused", "REFUSED, insecure by a matching NSEC"),
    _hostile_signed("refused-alg.org", "refused", "REFUSED, only a DS of an unknown algorithm",
                    ds="unknown"),

    # Challenges of DNS methods (challenge.py), and web servers (webhosts.py).
    _leaf("dcv.com", "challenges of every DNS method", *challenge.RECORDS),
    _signed("dcv.org", "the same, signed, one of each", *challenge.SIGNED),
    _signed("dcv-bogus.org", "the same, signatures expired", *challenge.BOGUS, status="bogus",
            expired=True),
    _leaf("adn.com", "names whose control is proved above, or where a CNAME leads",
          *challenge.NAMES),
    _signed("adn.org", "the same, signed", *challenge.NAMES_SIGNED),
    _hostile("dcv-dead.com", "silent", "no answer to anything"),
    _hostile("dcv-refused.com", "refused", "REFUSED"),
    _hostile("dcv-flip.com", "answer", "challenges set at run time", status="insecure"),
    _leaf("web.com", "web servers, good and hostile", *webhosts.records()),
    _signed("web.org", "web servers, signed; an alias to an unsigned one",
            f"www A {WEB4}", f"www AAAA {WEB6}", "alias CNAME page.web.com."),
    _signed("web-bogus-a.org", "A records are bogus, AAAA are secure", f"www A {WEB4}",
            f"www AAAA {WEB6}", tampered=(WEB4, addresses.WEB[3][0])),

    # Reverse zones of the web servers' addresses.
    _signed("216.184.93.in-addr.arpa", "reverse, signed", "10 PTR www.permit.com.",
            "11 PTR www.none.com.", challenge.REVERSE_PERSIST),
    _leaf("1.0.0.0.0.2.2.0.0.0.8.2.6.0.6.2.ip6.arpa", "reverse IPv6, unsigned",
          "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR www.permit.com.",
          challenge.REVERSE_PERSIST_6),

    # For measuring; n0 to n4999 of bench.* and bench-signed.org have a CAA record each.
    _leaf("bench.com", "many names, unsigned", *BENCH),
    _leaf("bench.zz", "many names, unsigned under an unsigned TLD", *BENCH),
    _leaf("bench-none.com", "any name below exists, none has CAA, unsigned", f"* A {WEB4}"),
    _leaf("bench-none.zz", "any name below exists, none has CAA, nothing signed", f"* A {WEB4}"),
    _signed("bench-none.org", "any name below exists, none has CAA, signed", f"* A {WEB4}"),
    _signed("bench-signed.org", "many names, signed", *BENCH),
)

BY_NAME = {zone.name: zone for zone in ZONES}
HOSTILE = tuple(zone for zone in ZONES if zone.server == "hostile")


def parent(zone):
    """The zone that delegates to this one: the longest enclosing name of the table."""
    labels = zone.name.rstrip(".").split(".")
    for i in range(1, len(labels) + 1):
        name = ".".join(labels[i:]) or "."
        if name in BY_NAME and name != zone.name:
            return BY_NAME[name]
    return None


def servers(zone):
    """The zone's name servers: a list of (name, IPv4, IPv6)."""
    if zone.server == "root":
        return [(f"{letter}.root-servers.net", *pair) for letter, pair in addresses.ROOT.items()]
    if zone.server == "hostile":
        return [(f"ns1.{zone.name}", *addresses.hostile(HOSTILE.index(zone)))]
    pairs = {"tld": addresses.TLD, "leaf": addresses.LEAF, "sub": addresses.SUB}[zone.server]
    return [(f"ns{i + 1}.{zone.name}", *pair) for i, pair in enumerate(pairs)]


def all_addresses():
    """Every address to put on the loopback interface."""
    pairs = [addresses.hostile(i) for i in range(len(HOSTILE))]
    return (addresses.fixed() + webhosts.all_addresses()
            + [address for pair in pairs for address in pair])


def enclosing(name, candidates):
    """The longest of the candidate zone names that encloses name, or None."""
    labels = name.rstrip(".").lower().split(".")
    for i in range(len(labels)):
        if ".".join(labels[i:]) in candidates:
            return ".".join(labels[i:])
    return None
