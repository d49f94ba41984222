"""Just enough of the DNS wire format for a server that must also send what no library would."""

import re
import struct
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdatatype

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
QNAME_POINTER = b"\xc0\x0c"
UDP_LIMIT = 1232
OPT_HEAD = b"\x00\x00\x29"
OPT_SIZE = 11
ORDINARY = re.compile(rb"[A-Za-z0-9_*-]*").fullmatch


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
        ident, flags, questions, answers, authorities, extras = struct.unpack_from("!6H", wire)
        end = 12
        while wire[end]:
            end += 1 + wire[end]
        (rdtype,) = struct.unpack_from("!H", wire, end + 1)
        name = _name(wire, end)
    except (struct.error, IndexError, dns.exception.DNSException):
        return None
    end += 5
    if flags & 0x8000 or (questions, answers, authorities) != (1, 0, 0) or len(wire) < end:
        return None
    edns = extras > 0 and wire[end:end + 3] == OPT_HEAD and len(wire) >= end + OPT_SIZE
    return Query(ident, bool(flags & 0x0100), name, dns.rdatatype.to_text(rdtype), wire[12:end],
                 edns, edns and bool(wire[end + 7] & 0x80), source, transport)


def _name(wire, end):
    """The name asked about as lower-case text; most need no more than dots between labels."""
    labels = []
    at = 12
    while at < end:
        labels.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    if all(ORDINARY(label) for label in labels):
        return b".".join(labels).decode("ascii").lower()
    name, _ = dns.name.from_wire(wire, 12)
    return name.to_text(omit_final_dot=True).lower()


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
