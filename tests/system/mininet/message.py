"""Just enough of the DNS wire format for a server that must also send what no library would."""

import struct
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
QNAME_POINTER = b"\xc0\x0c"
UDP_LIMIT = 1232


@dataclass
class Query:
    """One query, its question also as the bytes it came in so that they can be sent back."""

    id: int
    rd: bool
    name: str
    type: str
    question: bytes
    edns: bool
    do: bool
    source: str
    transport: str
    count: int = 0


@dataclass(frozen=True)
class Record:
    """A record of an answer; owner None stands for the name asked about."""

    owner: dns.name.Name | None
    type: int
    ttl: int
    rdata: bytes

    def to_wire(self):
        owner = QNAME_POINTER if self.owner is None else self.owner.to_wire()
        head = struct.pack("!HHIH", self.type, 1, self.ttl, len(self.rdata))
        return owner + head + self.rdata


def parse(wire, source, transport):
    """The query in wire, or None if it is none."""
    try:
        message = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return None
    if wire[2] & 0x80 or len(message.question) != 1:
        return None
    asked = message.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    end = 12 + len(asked.name.to_wire()) + 4
    return Query(message.id, bool(wire[2] & 1), name, dns.rdatatype.to_text(asked.rdtype),
                 wire[12:end], message.edns >= 0, bool(message.ednsflags & 0x8000),
                 source, transport)


def build(query, rcode=NOERROR, answer=(), authority=(), aa=True, tc=False, question=None,
          opt=True):
    """A response; one too large for UDP is sent empty with TC."""
    flags = 0x8000 | (0x0400 if aa else 0) | (0x0200 if tc else 0) | (query.rd << 8) | rcode
    with_opt = opt and query.edns
    head = struct.pack("!HHHHHH", query.id, flags, 1, len(answer), len(authority), with_opt)
    wire = head + (query.question if question is None else question)
    wire += b"".join(record.to_wire() for record in (*answer, *authority))
    if with_opt:
        wire += struct.pack("!BHHIH", 0, 41, UDP_LIMIT, query.do << 15, 0)
    if query.transport == "udp" and len(wire) > UDP_LIMIT:
        return build(query, rcode, aa=aa, tc=True, question=question, opt=opt)
    return wire
