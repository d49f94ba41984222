"""Fixtures for tests of Debian packages, OCI images and what deploys these: tests/packages/run.

MPIC_PACKAGES is the folder that tests/packages/run has built into.
"""

import sys
from pathlib import Path

import pytest

# A perspective's document is made as for an image.
sys.path.append(str(Path(__file__).resolve().parents[1] / "image"))

# pylint: disable=wrong-import-position
from oci import Image
from papers import Authority


@pytest.fixture(scope="session")
def built(named_folder):
    """The folder with everything under test."""
    return named_folder("MPIC_PACKAGES", "what tests/packages/run builds")


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
