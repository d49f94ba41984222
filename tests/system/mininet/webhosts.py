"""The web servers of the mini-Internet, one row a host: what it does on port 80 and on port 443.

Each has an address pair of its own, so that a behaviour may begin with the first packet. Names are
relative to web.com; records() makes that zone of them. web.py serves them, webreplies.py has what
they say.
"""

from dataclasses import dataclass

from . import addresses, challenge

ZONE = "web.com"
OWN, DEAD, REFUSED = "own", "dead", "refused"
ACME = "1.3.6.1.5.5.7.1.31 = {critical}DER:{der}"


def acme(digest=challenge.KEY_HASH, critical=True):
    """acmeIdentifier (RFC 8737 3) as a line of OpenSSL's configuration."""
    der = bytes((4, len(digest))) + digest
    return ACME.format(critical="critical," if critical else "", der=der.hex())


@dataclass(frozen=True)
class Host:
    """One web server.

    http      what it does on port 80, a name in webreplies.TABLE; None: nothing listens
    tls       the same on port 443, within TLS; or one of webreplies.RAW, before it; None: nothing
    a, aaaa   its addresses: OWN, DEAD (packets vanish), REFUSED (nothing listens) or literals
    san       subjectAltName of its certificate, {name} and {address} replaced; None: none
    extension a further line of the certificate's extensions
    alpn      protocols that it negotiates
    versions  TLS versions as ssl.TLSVersion has them, lowest and highest
    """

    name: str
    why: str
    http: str | None = "page"
    tls: str | None = None
    a: tuple = (OWN,)
    aaaa: tuple = (OWN,)
    san: str | None = "DNS:{name}"
    extension: str = ""
    alpn: tuple = ()
    versions: tuple = ("TLSv1_2", "TLSv1_3")
    pair: tuple | None = None

    @property
    def fqdn(self):
        return f"{self.name}.{ZONE}"

    @property
    def has_certificate(self):
        return self.tls is not None and not self.tls.startswith("raw-")

    def certificates(self):
        """{address: (stem, subjectAltName or None)}: one for all unless it names the address."""
        if self.san is None or "{address}" not in self.san:
            san = self.san and self.san.format(name=self.fqdn)
            return {address: (self.name, san) for address in own(self)}
        return {address: (f"{self.name}-{4 if '.' in address else 6}",
                          self.san.format(name=self.fqdn, address=address))
                for address in own(self)}


def _alpn(name, why, **more):
    return Host(name, why, None, "idle", **{"extension": acme(), "alpn": ("acme-tls/1",), **more})


def _only(name, why, *literals, **more):
    """A host that is only elsewhere: at addresses that nobody may dial."""
    return Host(name, why, None, None, tuple(x for x in literals if ":" not in x),
                tuple(x for x in literals if ":" in x), **more)


def _redirect(name, why, **more):
    return Host(name, why, name, **more)


HOSTS = (
    # Pages that pass, in all the ways that a page may come.
    Host("page", "answers as it should, over http and https", tls="page"),
    Host("second", "another such", tls="page"),
    Host("segments", "a few octets a segment", "segments"),
    Host("chunked", "chunked transfer coding", "chunked"),
    Host("until-close", "no length: the end of the connection ends the page", "until-close"),
    Host("kept-open", "the connection stays open after the page", "kept-open"),
    Host("continued", "100 Continue, 103 Early Hints, then the page", "continued"),
    Host("slow-start", "the reply begins after half a second", "slow-start"),
    Host("newline", "the value and a newline", "newline"),
    Host("crlf", "the value, spaces, tabs and line ends", "crlf"),
    Host("partial", "206 with the value", "partial"),
    Host("created", "201 with the value", "created"),
    Host("only4", "IPv4 alone", aaaa=()),
    Host("only6", "IPv6 alone", a=()),
    Host("alias-target", "what alias.web.com points at", tls="page"),
    Host("echo", "the request's head as the page", "echo", tls="echo"),

    # Pages that do not.
    Host("leading", "white space before the value", "leading"),
    Host("garbage-after", "a letter after the value", "garbage-after"),
    Host("line-after", "another line after the value", "line-after"),
    Host("nothing", "an empty page", "nothing"),
    Host("other", "another value", "other"),
    Host("lower", "the value in lower case", "lower"),
    Host("not-found", "404, with the value as its page", "not-found"),
    Host("forbidden", "403, with the value as its page", "forbidden"),
    Host("broken", "500, with the value as its page", "broken"),
    Host("unavailable", "503, with the value as its page", "unavailable"),
    Host("no-content", "204", "no-content"),
    Host("not-modified", "304", "not-modified"),
    Host("gzip", "the value, compressed although nobody asked for it", "gzip"),
    Host("bomb", "10 MB of zeros in 10 kB of gzip", "bomb"),
    Host("big-begin", "70 kB, the value at their begin", "big-begin"),
    Host("big-60", "70 kB, the value after 60 kB", "big-60"),
    Host("big-end", "70 kB, the value after 68 kB", "big-end"),
    Host("binary", "NULs and octets that are not UTF-8 around the value", "binary"),
    Host("many-as", "30,000 letters a, which some patterns need for ever to fail on", "many-as"),

    # Redirects that are followed.
    _redirect("redirect-301", "301 to a path"),
    _redirect("redirect-302", "302 to a path"),
    _redirect("redirect-307", "307 to a path"),
    _redirect("redirect-308", "308 to a path"),
    _redirect("redirect-relative", "302 to a relative path with dot segments"),
    _redirect("redirect-query", "302 to a path with a query, and a fragment"),
    _redirect("redirect-scheme-relative", "302 to //second.web.com"),
    _redirect("redirect-host", "302 to another host"),
    _redirect("redirect-https", "302 to https, with a certificate that nobody signed"),
    _redirect("redirect-port-80", "302 to the port spelt out"),
    _redirect("redirect-10", "ten redirects, then the page"),
    _redirect("redirect-case", "302 with LOCATION and HTTP:// in capitals"),

    # Redirects that are not.
    _redirect("redirect-11", "eleven redirects, then the page"),
    _redirect("redirect-self", "redirects to itself"),
    _redirect("redirect-300", "300 with a location"),
    _redirect("redirect-303", "303 with a location"),
    _redirect("redirect-305", "305 with a location"),
    _redirect("redirect-8080", "to port 8080"),
    _redirect("redirect-22", "to port 22"),
    _redirect("redirect-http-443", "to http on port 443"),
    _redirect("redirect-loopback", "to 127.0.0.1"),
    _redirect("redirect-metadata", "to 169.254.169.254"),
    _redirect("redirect-loopback6", "to [::1]"),
    _redirect("redirect-mapped", "to [::ffff:127.0.0.1]"),
    _redirect("redirect-decimal", "to 2130706433, which is 127.0.0.1"),
    _redirect("redirect-hex", "to 0x7f.1, which is 127.0.0.1"),
    _redirect("redirect-localhost", "to localhost"),
    _redirect("redirect-private", "to a name at 10.0.0.1"),
    _redirect("redirect-rebind", "to a name with a public address and 127.0.0.1"),
    _redirect("redirect-ftp", "to ftp"),
    _redirect("redirect-file", "to file:///etc/passwd"),
    _redirect("redirect-userinfo", "to a URL with a user and a password"),
    _redirect("redirect-two", "two locations"),
    _redirect("redirect-none", "no location"),
    _redirect("redirect-empty", "an empty location"),
    _redirect("redirect-long", "a location of 9 kB"),
    _redirect("redirect-control", "a location with control characters"),
    _redirect("redirect-nowhere", "to a name that does not exist"),
    _redirect("redirect-dead", "to a name whose servers are silent"),
    _redirect("redirect-bogus", "to a name that is bogus"),
    _redirect("redirect-silent-tls", "to https that never finishes its handshake"),

    # Servers that misbehave.
    Host("header-40k", "a header of 40 kB", "header-40k"),
    Host("header-many", "a thousand fields", "header-many"),
    Host("header-endless", "fields without end", "header-endless"),
    Host("body-endless", "a page without end", "body-endless"),
    Host("continue-endless", "100 Continue without end", "continue-endless"),
    Host("slow", "an octet a second", "slow"),
    Host("slow-body", "a head, then an octet a second", "slow-body"),
    Host("never-ends", "the value, no length, and the connection stays open", "never-ends"),
    Host("reset-accept", "a reset at once", "raw-reset"),
    Host("reset-request", "a reset after the request", "reset-request"),
    Host("reset-middle", "a reset in the middle of the page", "reset-middle"),
    Host("short", "closes before its Content-Length is reached", "short"),
    Host("closes", "closes without a word", "closes"),
    Host("silent", "says nothing, ever", "raw-silent"),
    Host("garbage", "octets that are no HTTP", "raw-garbage"),
    Host("http2", "speaks HTTP/2 from the first octet", "raw-http2"),
    Host("http09", "a page without head, as of HTTP/0.9", "http09"),
    Host("two-lengths", "two Content-Length fields that differ", "two-lengths"),
    Host("bad-chunk", "a chunk size that is no number", "bad-chunk"),
    Host("bad-status", "a status of four digits", "bad-status"),
    Host("folded", "a folded header line, NUL in a field", "folded"),
    Host("upgrade", "101 Switching Protocols", "upgrade"),

    # Addresses and ports.
    Host("refused", "nothing listens at its addresses", None, None, (REFUSED,), (REFUSED,)),
    Host("dead", "packets to its addresses vanish", None, None, (DEAD,), (DEAD,)),
    Host("dead6", "IPv6 vanishes, IPv4 answers", aaaa=(DEAD,)),
    Host("refused6", "IPv6 refuses, IPv4 answers", aaaa=(REFUSED,)),
    Host("dead4", "IPv4 vanishes, IPv6 answers", a=(DEAD,)),
    Host("dead-first", "two IPv4 addresses, one of them vanishes", a=(DEAD, OWN), aaaa=()),
    Host("refused-first", "two IPv4 addresses, one of them refuses", a=(REFUSED, OWN), aaaa=()),
    Host("special-first", "127.0.0.1 and an address that answers", a=("127.0.0.1", OWN), aaaa=()),
    Host("special6", "::1 and an IPv4 address that answers", aaaa=("::1",)),
    Host("rebind", "127.0.0.1 and an address that refuses", None, None, ("127.0.0.1", REFUSED),
         ()),
    _only("loopback", "127.0.0.1", "127.0.0.1"),
    _only("loopback6", "::1", "::1"),
    _only("private", "10.0.0.1", "10.0.0.1"),
    _only("private172", "172.16.0.1", "172.16.0.1"),
    _only("private192", "192.168.1.1", "192.168.1.1"),
    _only("shared", "100.64.0.1 (RFC 6598)", "100.64.0.1"),
    _only("metadata", "169.254.169.254", "169.254.169.254"),
    _only("documentation", "192.0.2.1, 2001:db8::1", "192.0.2.1", "2001:db8::1"),
    _only("benchmark", "198.18.0.1", "198.18.0.1"),
    _only("this", "0.0.0.0", "0.0.0.0"),
    _only("broadcast", "255.255.255.255", "255.255.255.255"),
    _only("multicast", "224.0.0.1, ff02::1", "224.0.0.1", "ff02::1"),
    _only("unique-local", "fd00::1", "fd00::1"),
    _only("link-local", "fe80::1", "fe80::1"),
    _only("mapped", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
    _only("nat64", "127.0.0.1 by NAT64", "64:ff9b::7f00:1"),
    _only("6to4", "127.0.0.1 by 6to4", "2002:7f00:1::1"),
    _only("no-address", "no address at all"),

    # TLS without TLS-ALPN.
    Host("tls-refused", "http alone"),
    Host("tls-silent", "accepts on port 443 and says nothing", None, "raw-silent"),
    Host("tls-drip", "an octet of its handshake a second", None, "raw-drip"),
    Host("tls-garbage", "octets that are no TLS", None, "raw-garbage"),
    Host("tls-reset", "a reset on port 443 in answer to the ClientHello", None,
         "raw-reset-hello"),
    Host("tls-reset-accept", "a reset on port 443 at once", None, "raw-reset"),
    Host("tls-plain", "HTTP without TLS on port 443", None, "raw-plain"),
    Host("tls-expired-name", "https with a certificate of another name", tls="page",
         san="DNS:elsewhere.example"),

    # TLS-ALPN (RFC 8737).
    _alpn("alpn", "as it should be"),
    _alpn("alpn-http", "as it should be, and http"),
    _alpn("alpn-12", "TLS 1.2", versions=("TLSv1_2", "TLSv1_2")),
    _alpn("alpn-11", "TLS 1.1 at most", versions=("TLSv1", "TLSv1_1")),
    _alpn("alpn-capitals", "the name in capitals", san="DNS:ALPN-Capitals.Web.COM"),
    _alpn("alpn-none", "no protocol is negotiated", alpn=()),
    _alpn("alpn-other", "only http/1.1 could be negotiated", alpn=("http/1.1",)),
    _alpn("alpn-digest", "another digest", extension=acme(bytes(32))),
    _alpn("alpn-long", "a digest of 33 octets", extension=acme(challenge.KEY_HASH + b"x")),
    _alpn("alpn-raw", "an extension that is no OCTET STRING",
          extension=ACME.format(critical="critical,", der=challenge.KEY_HASH.hex())),
    _alpn("alpn-not-critical", "acmeIdentifier not critical",
          extension=acme(critical=False)),
    _alpn("alpn-bare", "no acmeIdentifier", extension=""),
    _alpn("alpn-two", "two names", san="DNS:{name},DNS:second.web.com"),
    _alpn("alpn-same-twice", "the name twice", san="DNS:{name},DNS:{name}"),
    _alpn("alpn-elsewhere", "another name", san="DNS:second.web.com"),
    _alpn("alpn-wildcard", "a wildcard that covers the name", san="DNS:*.web.com"),
    _alpn("alpn-no-san", "no subjectAltName", san=None),
    _alpn("alpn-address", "an address instead of the name", san="IP:{address}"),
    _alpn("alpn-email", "a mail address instead of the name", san="email:a@web.com"),

    # For IP addresses as targets; www.permit.com and the like are at the first.
    Host("ip", "an address's own server, its certificate for that address", tls="idle",
         san="IP:{address}", extension=acme(), alpn=("acme-tls/1",), pair=addresses.WEB[0]),
    Host("ip-elsewhere", "certificate for another address", tls="idle", san="IP:93.184.216.10",
         extension=acme(), alpn=("acme-tls/1",), pair=addresses.WEB[1]),
    Host("ip-name", "certificate for a name", tls="idle", san="DNS:{name}", extension=acme(),
         alpn=("acme-tls/1",), pair=addresses.WEB[2]),
)

BY_NAME = {host.name: host for host in HOSTS}
# Names at addresses where nothing runs: tests and ACME clients serve there.
CLIENTS = {f"client{i}": addresses.WEB[8 + i] for i in range(8)}
# What nobody may dial. All of them answer, and say so in the log.
TRAPS = ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
         "192.0.2.1", "198.18.0.1", "::1", "2001:db8::1", "fd00::1", "64:ff9b::7f00:1",
         "2002:7f00:1::1")
_SPECIAL = {DEAD: addresses.WEB_DEAD, REFUSED: addresses.WEB_REFUSED}
_POOL = {host.name: addresses.web(i)
         for i, host in enumerate(host for host in HOSTS if host.pair is None)}


def own(host):
    """The addresses it serves at."""
    pair = host.pair or _POOL[host.name]
    return tuple(address for address, published in zip(pair, (host.a, host.aaaa))
                 if OWN in published)


def published(host, family):
    """The addresses that its name has: of A for family 4, of AAAA for 6."""
    pair = host.pair or _POOL[host.name]
    at = (4, 6).index(family)
    return [pair[at] if x == OWN else _SPECIAL[x][at] if x in _SPECIAL else x
            for x in (host.a, host.aaaa)[at]]


def records():
    """The zone's records."""
    lines = ["alias CNAME alias-target", "alias-private CNAME private", "text TXT only",
             "alias-bogus CNAME www.expired.org."]
    for host in HOSTS:
        lines += [f"{host.name} A {address}" for address in published(host, 4)]
        lines += [f"{host.name} AAAA {address}" for address in published(host, 6)]
    for name, (ipv4, ipv6) in CLIENTS.items():
        lines += [f"{name} A {ipv4}", f"{name} AAAA {ipv6}"]
    return tuple(lines)


def all_addresses():
    """What must be on the loopback interface beside what addresses.fixed() has."""
    pairs = [*_POOL.values(), addresses.WEB_DEAD, addresses.WEB_REFUSED]
    return [address for pair in pairs for address in pair] + [
        address for address in TRAPS if address not in ("127.0.0.1", "::1")]
