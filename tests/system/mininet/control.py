"""What a test holds of the world it runs in: zones and addresses, control port, query log."""

import json
import os
import socket
import time
from pathlib import Path

from . import addresses, zones

TIMEOUT_S = 5


class Control:
    """Changes what the hostile server answers. Sources are addresses; none means everybody."""

    def _send(self, **command):
        with socket.create_connection(addresses.CONTROL, TIMEOUT_S) as link:
            link.sendall(json.dumps(command).encode() + b"\n")
            reply = json.loads(link.makefile().readline())
        if "error" in reply:
            raise ValueError(reply["error"])

    def set_records(self, name, rdtype, rdata, sources=(), ttl=300):
        """Replaces the RRset at name; an empty list removes it. Views of the table give way."""
        self._send(do="set", zone=_hostile_zone(name), name=name, type=rdtype, rdata=list(rdata),
                   sources=list(sources), ttl=ttl)

    def set_behaviour(self, zone, behaviour, delay_ms=0, sources=()):
        """Makes the zone's servers behave as behaviours.TABLE[behaviour]."""
        self._send(do="behave", zone=zone, behaviour=behaviour, delay_ms=delay_ms,
                   sources=list(sources))

    def reset(self, zone):
        """Back to what the table says."""
        self._send(do="reset", zone=zone)


def _hostile_zone(name):
    zone = zones.enclosing(name, {zone.name for zone in zones.HOSTILE})
    if zone is None:
        raise ValueError(f"{name} is in no zone of the hostile server")
    return zone


class Log:
    """Lines of JSON that a server of the world writes. mark() now, ask for since(mark) later."""

    def __init__(self, path):
        self.path = path

    def mark(self):
        return self.path.stat().st_size

    def since(self, mark, zone=None, **fields):
        """What came after mark, of the zone and with the given fields, as dictionaries."""
        if zone is not None:
            fields["zone"] = zone
        with open(self.path, encoding="utf-8") as log:
            log.seek(mark)
            lines = [json.loads(line) for line in log if line.endswith("\n")]
        return [x for x in lines if all(x[key] == value for key, value in fields.items())]

    def wait(self, mark, count=1, timeout_s=5, **fields):
        """since(), once there are at least count of them or the time is over."""
        end = time.monotonic() + timeout_s
        while len(found := self.since(mark, **fields)) < count and time.monotonic() < end:
            time.sleep(0.02)
        return found


class World:
    """The mini-Internet this process is in."""

    PERSPECTIVE_ADDRESSES = addresses.PERSPECTIVE_ADDRESSES
    COORDINATOR = addresses.COORDINATOR
    WEB = addresses.WEB

    def __init__(self, directory, trust_anchor):
        self.directory = Path(directory)
        self.trust_anchor = Path(trust_anchor)
        self.zones = zones.BY_NAME
        self.control = Control()
        self.queries = Log(self.directory / "queries.jsonl")    # of the hostile server
        self.visits = Log(self.directory / "visits.jsonl")      # of the web servers

    @classmethod
    def from_environment(cls):
        """The world of MPIC_WORLD, or None outside one."""
        if "MPIC_WORLD" not in os.environ:
            return None
        return cls(os.environ["MPIC_WORLD"], os.environ["MPIC_TRUST_ANCHOR"])

    def servers(self, zone):
        """[(name, IPv4, IPv6)] of a zone's name servers."""
        return zones.servers(self.zones[zone])
