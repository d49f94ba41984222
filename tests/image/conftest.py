"""Fixtures for tests that boot images: tests/system/world -- pytest tests/image.

MPIC_IMAGES is the folder that appliance/build has written to.
"""

import contextlib
import sys

import pytest

import cidata
import qemu
from appliance import DOCUMENT, Appliance
from cloud import Cloud
from images import Image
from papers import Authority


def expected_s(item):
    marker = item.get_closest_marker("expected")
    return marker.args[0] if marker else 0


def pytest_collection_finish(session):
    """How long it will take, before it begins."""
    seconds = sum(expected_s(item) for item in session.items)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"{len(session.items)} tests, expected to take "
                        f"{seconds // 60} min {seconds % 60} s on two idle cores")


def pytest_runtest_logreport(report):
    """What was measured is said whether it passed or not."""
    if report.when == "call":
        for name, value in report.user_properties:
            print(f"\n    {name}: {value}", end="", file=sys.__stdout__, flush=True)


@pytest.fixture(scope="session")
def images(named_folder):
    """The folder with all that appliance/build has made."""
    return named_folder("MPIC_IMAGES", "the folder that appliance/build has written to")


@pytest.fixture(scope="session")
def image(images):
    """The image that is booted unless a test is about another."""
    return Image.in_folder(images / "first")


@pytest.fixture(scope="session")
def second(images):
    """A later version of it."""
    return Image.in_folder(images / "second")


@pytest.fixture(scope="session")
def signed(images):
    """The same, signed for Secure Boot."""
    return Image.in_folder(images / "signed")


@pytest.fixture(scope="session")
def debug_image(images):
    return Image.in_folder(images / "debug", debug=True)


@pytest.fixture(scope="session")
def authority(build_dir, tmp_path_factory):
    return Authority(build_dir, tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="session")
def document(authority, world):
    """What a perspective begins with, of the test's own root and clock."""
    return authority.document(world)


class Boots:
    """Boots images, each in a cloud of its own; used as a context manager all of it is gone."""

    def __init__(self, image, authority, folder):
        self.image, self.authority, self.folder = image, authority, folder
        self.stack = contextlib.ExitStack()
        self.count = 0

    def __call__(self, document=None, source="credential", image=None, ntp=True, **hardware):
        """An appliance that is being switched on; the document's text comes from `source`."""
        self.count += 1
        folder = self.folder / f"boot-{self.count}"
        folder.mkdir()
        text = document if document is None or isinstance(document, str) else document.text
        service = source if source in qemu.VENDORS else None
        if service:
            hardware["vendor"] = service
        elif source in cidata.KINDS:
            hardware["cidata"] = cidata.KINDS[source](folder, text)
        elif text is not None:
            assert source == "credential", source
            hardware["credentials"] = (
                qemu.credential(folder / "document.smbios", DOCUMENT, text),)
        cloud = self.stack.enter_context(
            Cloud(folder / "cloud", service, text if service else None, ntp))
        return self.stack.enter_context(Appliance(
            image or self.image, folder / "machine", cloud, self.authority, **hardware))


@pytest.fixture
def boot(image, authority, tmp_path):
    boots = Boots(image, authority, tmp_path)
    with boots.stack:
        yield boots


@pytest.fixture(scope="module")
def boot_once(image, authority, tmp_path_factory):
    """The same for a machine that several tests look at."""
    boots = Boots(image, authority, tmp_path_factory.mktemp("shared"))
    with boots.stack:
        yield boots
