"""A hostile zone's records: the table's, a hijacked perspective's, and those set at run time."""

import dns.name
import dns.rdata
import dns.rdatatype
import dns.zone

from .message import Record

DEFAULT_TTL = 300


def _name(text):
    return text.rstrip(".").lower()


def _load(zone_text, origin):
    """{(name, type): [Record]} of a zone file."""
    loaded = {}
    parsed = dns.zone.from_text(zone_text, origin=dns.name.from_text(origin), relativize=False,
                                check_origin=False)
    for name, ttl, rdata in parsed.iterate_rdatas():
        key = (_name(name.to_text()), dns.rdatatype.to_text(rdata.rdtype))
        loaded.setdefault(key, []).append(Record(None, rdata.rdtype, ttl, rdata.to_wire()))
    return loaded


class Data:
    """All records of one zone; view() gives what one source address sees."""

    def __init__(self, origin, zone_text, views):
        """views: {source address: list of zone-file lines that replace RRsets}"""
        self.origin = origin
        self.base = _load(zone_text, origin)
        self.views = {
            source: _load(f"$ORIGIN {origin}.\n$TTL {DEFAULT_TTL}\n" + "\n".join(lines) + "\n",
                          origin)
            for source, lines in views.items()}
        self.set_for = {}

    def set(self, name, rdtype, rdata, sources=(), ttl=DEFAULT_TTL):
        """Replaces an RRset, for the given sources or all; no rdata removes it."""
        number = dns.rdatatype.from_text(rdtype)
        records = [
            Record(None, number, ttl,
                   dns.rdata.from_text("IN", number, text, origin=dns.name.root).to_wire())
            for text in rdata]
        for source in sources or (None,):
            self.set_for.setdefault(source, {})[(_name(name), rdtype.upper())] = records

    def reset(self):
        self.set_for = {}

    def view(self, source):
        layers = (self.set_for.get(source), self.set_for.get(None), self.views.get(source))
        return View(self.origin, [layer for layer in layers if layer] + [self.base])


class View:
    """What one source sees: layers of RRsets, the first that has one wins."""

    def __init__(self, origin, layers):
        self.origin = origin
        self.layers = layers

    def _rrset(self, name, rdtype):
        for layer in self.layers:
            if (name, rdtype) in layer:
                return layer[(name, rdtype)]
        return ()

    def find(self, name, rdtype):
        """The RRset, or the CNAME in its place, or nothing."""
        return self._rrset(name, rdtype) or self._rrset(name, "CNAME")

    def soa(self):
        owner = dns.name.from_text(self.origin)
        return [Record(owner, r.type, r.ttl, r.rdata) for r in self._rrset(self.origin, "SOA")]

    def owns_records(self, name):
        return any(records and owner == name
                   for layer in self.layers for (owner, _), records in layer.items())

    def exists(self, name):
        return any(records and (owner == name or owner.endswith("." + name))
                   for layer in self.layers for (owner, _), records in layer.items())
