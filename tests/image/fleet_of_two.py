"""A coordinator outside the appliance's cloud, with it and one perspective beside itself."""

import contextlib
from dataclasses import dataclass

import coordinators
import daemons
import papers
import perspective

NEIGHBOUR = "aws:us-east-1"
# The neighbour asks as this perspective of the mini-Internet.
NETWORK = 0


@dataclass
class Fleet:
    """rows is what the coordinator has of its perspectives."""

    coordinator: daemons.Daemon
    caller: coordinators.Caller
    rows: list


@contextlib.contextmanager
def started(build, unbound, world, authority, document, folder, address=None, **options):
    """That fleet; options are further ones of its coordinator, address what its certificate has."""
    with perspective.Perspective(build, unbound, world.trust_anchor, folder / "neighbour", NETWORK,
                                 authority, NEIGHBOUR) as neighbour:
        neighbour.start_unbound()
        daemon, _ = neighbour.start(callers=[papers.COORDINATOR],
                                    signing_key=neighbour.identity.signing_key)
        rows = [document.row,
                {**neighbour.identity.row, "url": "https://{}:{}".format(*daemon.address)}]
        parts = {"ca": authority.certificate,
                 "caller": vars(authority.issue("caller", papers.CALLER + "test", None)),
                 "coordinator": vars(authority.issue("for-two", papers.COORDINATOR, address)),
                 "perspectives": [{**row, "resolver": neighbour.parts.resolver} for row in rows]}
        with coordinators.Coordinators(build, parts, folder / "coordinator") as running:
            yield Fleet(*running.start(**options), rows)
