"""A fleet in the mini-Internet and coordinators: tests/system/world -- pytest tests/system."""

import pytest

from coordinators import Coordinators
from fleets import Fleet
from stand_ins import Checker


@pytest.fixture
def restored(world):
    """Control over hostile zones; those it was told of are as in the table again afterwards."""
    touched = set()

    class Restoring(type(world.control)):
        def _send(self, **command):
            touched.add(command["zone"])
            return super()._send(**command)

    yield Restoring()
    for zone in touched:
        world.control.reset(zone)


@pytest.fixture(scope="module")
def fleet_options():
    """What else the command line of the file's fleet has."""
    return ()


@pytest.fixture(scope="module")
def fleet(world, tmp_path_factory, fleet_options):
    with Fleet(world.trust_anchor, tmp_path_factory.mktemp("fleet"), "--plain", "--sign",
               *fleet_options) as running:
        yield running


@pytest.fixture(scope="module")
def coordinators(build_dir, fleet, tmp_path_factory):
    with Coordinators(build_dir, fleet.parts, tmp_path_factory.mktemp("coordinators")) as made:
        yield made


@pytest.fixture(scope="module")
def caller(coordinators):
    """Calls a coordinator of six perspectives, two each of three RIRs."""
    return coordinators.start()[1]


@pytest.fixture
def started(coordinators):
    """start(**options) gives (daemon, caller), stopped after the test."""
    with coordinators.for_a_test() as start:
        yield start


@pytest.fixture
def checker():
    """A checker of Open MPIC's."""
    with Checker() as server:
        yield server


@pytest.fixture
def mixed(coordinators, started, checker):
    """(caller, code): of a coordinator whose first perspective, of that code, is the checker."""
    rows = checker.among(coordinators)
    return started(perspectives=rows)[1], rows[0]["code"]
