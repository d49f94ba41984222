"""Fixtures for tests in the mini-Internet: tests/system/world -- pytest tests/system."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import contract
from coordinators import Coordinators
from fleets import Fleet
from mininet.control import World
from stand_ins import Checker


def pytest_sessionstart():
    if "MPIC_WORLD" not in os.environ:
        raise pytest.UsageError(
            "these tests need the mini-Internet: tests/system/world -- pytest tests/system")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes over ten seconds; not in ./check --quick")
    # pytest's own choice is named after the user, which is root in every user namespace: the
    # folders of two real users would collide.
    if not config.option.basetemp:
        config.option.basetemp = config.mpic_temp = tempfile.mkdtemp(prefix="mpic-tests-")


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """What tests wrote goes when all passed, and stays to be read when one failed."""
    temp = getattr(config, "mpic_temp", None)
    if temp and exitstatus == 0:
        shutil.rmtree(temp, ignore_errors=True)
    elif temp:
        terminalreporter.write_line(f"what the tests wrote is in {temp}")


def _path(variable, what):
    if not os.environ.get(variable):
        pytest.fail(f"{variable} is not set: {what}")
    return Path(os.environ[variable])


@pytest.fixture(autouse=True)
def described():
    """Whatever was answered during a test is as docs/openapi.yaml has it."""
    yield
    faults = contract.owed()
    assert not faults, "docs/openapi.yaml does not describe:\n" + "\n".join(faults)


@pytest.fixture(scope="session")
def world():
    """The mini-Internet: its zones, addresses, control port and query log."""
    return World.from_environment()


@pytest.fixture(scope="session")
def build_dir():
    """The build directory, where the programs under test are."""
    return _path("MPIC_BUILD", "the build directory")


@pytest.fixture(scope="session")
def unbound_prefix():
    """The prefix of our private Unbound; the program is sbin/unbound below it."""
    return _path("MPIC_UNBOUND", "the prefix of the private Unbound")


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
