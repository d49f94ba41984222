"""What an appliance does not serve with, and how it says so."""

import pytest

from images import ROOT_A

BLOCK = 4096


@pytest.mark.in_check
@pytest.mark.expected(75)
def test_a_broken_document_is_put_right_without_a_reboot(boot, document):
    """Each fault is named, on the console and on the API's port, in plain text."""
    broken = document.with_members(tls_key="nothing like a key", code=None, worker=3)
    appliance = boot(broken, source="aws")
    text = appliance.wait_notice("tls_key", "code:", "worker")
    assert len(text.splitlines()) >= 3
    for word in ("tls_key", "code:", "worker"):
        appliance.wait_for(word, 10)
    assert "nothing like a key" not in text + appliance.said()
    assert "parallax: ready" not in appliance.said()
    appliance.cloud.give(document.text)
    appliance.wait_ready()


@pytest.mark.expected(60)
def test_no_document_at_all(boot, document):
    appliance = boot(None, source="google")
    assert appliance.wait_notice("user-data")
    appliance.cloud.give(document.text)
    appliance.wait_ready()


@pytest.mark.expected(75)
def test_an_unset_clock_is_waited_for(boot, document):
    """DNSSEC and TLS need the time: an appliance of 2020 would believe in old signatures."""
    appliance = boot(document, ntp=False, clock="2020-01-01T00:00:00")
    appliance.wait_notice("clock")
    appliance.wait_for("clock", 10)
    assert appliance.readyz() is None
    appliance.cloud.start_ntp()
    appliance.wait_ready()
    assert appliance.cloud.asked_for_time


def inode_table(path, offset):
    """Where a squashfs at this offset has its inodes, which every boot reads."""
    with open(path, "rb") as disk:
        disk.seek(offset)
        superblock = disk.read(96)
    assert superblock[:4] == b"hsqs"
    return offset + int.from_bytes(superblock[64:72], "little")


@pytest.mark.in_check
@pytest.mark.expected(40)
def test_a_modified_root_stops_the_boot(boot, document, image, tmp_path):
    """One bit of one block is another."""
    disk = image.copy(tmp_path / "modified.raw")
    offset = inode_table(disk, image.partition(ROOT_A)[0])
    with open(disk, "r+b") as file:
        file.seek(offset)
        octet = file.read(1)[0]
        file.seek(offset)
        file.write(bytes((octet ^ 1,)))
    appliance = boot(document, image=disk)
    appliance.wait_for("dm-verity device corrupted", 120, never=["parallax: ready"])
    appliance.wait_for("Kernel panic", 10)
    # panic=10: it tries again, here with an end to it, and never serves.
    appliance.wait_off(60)
    assert "parallax: ready" not in appliance.said()
