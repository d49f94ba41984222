"""Fixtures for tests of Debian packages, OCI images and what deploys these: tests/packages/run.

MPIC_PACKAGES is the folder that tests/packages/run has built into.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent / "image")]

# What is imported from here on is in one of these folders.
# pylint: disable=wrong-import-position
from mininet.control import World
from oci import Image
from papers import Authority


def _folder(variable, what):
    if not os.environ.get(variable):
        pytest.fail(f"{variable} is not set: {what}")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def world():
    """The mini-Internet: its zones, addresses, control port and query log."""
    return World.from_environment()


@pytest.fixture(scope="session")
def build_dir():
    return _folder("MPIC_BUILD", "the build directory")


@pytest.fixture(scope="session")
def built():
    """The folder with everything under test."""
    return _folder("MPIC_PACKAGES", "what tests/packages/run builds")


@pytest.fixture(scope="session")
def perspective_image(built, tmp_path_factory):
    """Unpacked as a container's root."""
    return Image(next(built.glob("trixie/parallax-perspective_*.oci.tar")),
                 tmp_path_factory.mktemp("perspective"))


@pytest.fixture(scope="session")
def coordinator_image(built, tmp_path_factory):
    return Image(next(built.glob("trixie/parallax-coordinator_*.oci.tar")),
                 tmp_path_factory.mktemp("coordinator"))


@pytest.fixture(scope="session")
def authority(build_dir, tmp_path_factory):
    return Authority(build_dir, tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="session")
def document(authority, world):
    """What a perspective begins with where the root of the DNS is the test's own."""
    return authority.document(world)
