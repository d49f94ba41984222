"""What the hostile server does with a query: one small function a behaviour.

Each takes the query and a view of the zone's data, and returns the bytes to send, SILENCE or CLOSE
(TCP connections are reset; over UDP it is silence too).
"""

import dns.name

from . import message
from .message import FORMERR, NOTIMP, NXDOMAIN, REFUSED, SERVFAIL, NOERROR, Record

SILENCE = None
CLOSE = b""


def answer(query, data):
    """An honest authoritative answer."""
    found = data.find(query.name, query.type)
    if found:
        return message.build(query, answer=found)
    rcode = NOERROR if data.exists(query.name) else NXDOMAIN
    return message.build(query, rcode, authority=data.soa())


def nodata(query, data):
    """As answer, but every name exists."""
    found = data.find(query.name, query.type)
    return message.build(query, answer=found, authority=() if found else data.soa())


def nosoa(query, data):
    return message.build(query, answer=data.find(query.name, query.type))


def noent(query, data):
    """NXDOMAIN for names that only have names below them."""
    found = data.find(query.name, query.type)
    if found or data.owns_records(query.name):
        return message.build(query, answer=found, authority=() if found else data.soa())
    return message.build(query, NXDOMAIN, authority=data.soa())


def noedns(query, data):
    if query.edns:
        return message.build(query, FORMERR, aa=False, opt=False)
    return answer(query, data)


def silent(_query, _data):
    return SILENCE


def failing(rcode):
    def fail(query, _data):
        return message.build(query, rcode, aa=False)
    return fail


def only_caa(other):
    """Another behaviour for CAA queries, honesty for the rest."""
    def choose(query, data):
        return (other if query.type == "CAA" else answer)(query, data)
    return choose


def flaky(query, data):
    if query.count % 3 < 2:
        return message.build(query, SERVFAIL, aa=False)
    return answer(query, data)


def garbage(query, _data):
    """The right ID, then counts and bytes that make no sense."""
    return query.id.to_bytes(2, "big") + b"\x84\x00" + b"\xff\xfe" * 40


def short(query, _data):
    return query.id.to_bytes(2, "big") + b"\x84\x00\x00"


def wrongid(query, data):
    wire = answer(query, data)
    return (query.id ^ 0x5555).to_bytes(2, "big") + wire[2:]


def wrongquestion(query, data):
    other = dns.name.from_text("another.example").to_wire() + query.question[-4:]
    return message.build(query, answer=data.find(query.name, query.type), question=other)


def truncate(query, _data):
    if query.transport == "tcp":
        return CLOSE
    return message.build(query, tc=True)


def tcpsilent(query, _data):
    return SILENCE if query.transport == "tcp" else message.build(query, tc=True)


def tcponly(query, data):
    return answer(query, data) if query.transport == "tcp" else message.build(query, tc=True)


def _lower_question(query):
    return query.question[:-4].lower() + query.question[-4:]


def lowercase(query, data):
    found = data.find(query.name, query.type)
    authority = () if found else data.soa()
    return message.build(query, answer=found, authority=authority,
                         question=_lower_question(query))


def rotating(query, data):
    """Lower case, and one record fewer in another order each time."""
    found = list(data.find(query.name, query.type))
    if len(found) > 1:
        turn = query.count % len(found)
        found = found[turn + 1:] + found[:turn]
    authority = () if found else data.soa()
    return message.build(query, answer=found, authority=authority,
                         question=_lower_question(query))


def lame(query, _data):
    """A referral up to the root, as servers sent that know nothing of the zone."""
    up = Record(dns.name.root, 2, 3600, dns.name.from_text("a.root-servers.net").to_wire())
    return message.build(query, authority=(up,), aa=False)


TABLE = {
    "answer": answer,
    "nodata": nodata,
    "nosoa": nosoa,
    "noent": noent,
    "noedns": noedns,
    "silent": silent,
    "refused": failing(REFUSED),
    "servfail": failing(SERVFAIL),
    "notimp": failing(NOTIMP),
    "formerr": failing(FORMERR),
    "nxdomain": failing(NXDOMAIN),
    "caaservfail": only_caa(failing(SERVFAIL)),
    "caanotimp": only_caa(failing(NOTIMP)),
    "caarefused": only_caa(failing(REFUSED)),
    "caasilent": only_caa(silent),
    "flaky": flaky,
    "garbage": garbage,
    "short": short,
    "wrongid": wrongid,
    "wrongquestion": wrongquestion,
    "truncate": truncate,
    "tcpsilent": tcpsilent,
    "tcponly": tcponly,
    "lowercase": lowercase,
    "rotating": rotating,
    "lame": lame,
}
