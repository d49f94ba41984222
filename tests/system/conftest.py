"""Fixtures for tests that run inside the mini-Internet: tests/system/world -- pytest tests/system."""

import os
from pathlib import Path

import pytest

from mininet.control import World


def pytest_sessionstart():
    if "MPIC_WORLD" not in os.environ:
        raise pytest.UsageError(
            "these tests need the mini-Internet: tests/system/world -- pytest tests/system")


def _path(variable, what):
    if not os.environ.get(variable):
        pytest.fail(f"{variable} is not set: {what}")
    return Path(os.environ[variable])


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
