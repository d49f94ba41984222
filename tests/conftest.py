"""What tests in the mini-Internet have in common: tests/system/world -- pytest tests/FOLDER."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

# Tests of images and packages have the mini-Internet and clients of the API from there.
sys.path.insert(0, str(Path(__file__).resolve().parent / "system"))

# pylint: disable=wrong-import-position
import contract
from mininet.control import World


def pytest_sessionstart():
    if "MPIC_WORLD" not in os.environ:
        raise pytest.UsageError(
            "these tests need the mini-Internet: tests/system/world -- pytest tests/FOLDER")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
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


@pytest.fixture(scope="session")
def named_folder():
    """named_folder(variable, what): the folder that the environment names."""
    def named(variable, what):
        if not os.environ.get(variable):
            pytest.fail(f"{variable} is not set: {what}")
        return Path(os.environ[variable])
    return named


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
def build_dir(named_folder):
    """The build directory, where the programs under test are."""
    return named_folder("MPIC_BUILD", "the build directory")


@pytest.fixture(scope="session")
def unbound_prefix(named_folder):
    """The prefix of our private Unbound; the program is sbin/unbound below it."""
    return named_folder("MPIC_UNBOUND", "the prefix of the private Unbound")
