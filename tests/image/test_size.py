"""What an image weighs, and what comes with it."""

import hashlib
import subprocess

import pytest

COMPRESSED_MIB = 120
MIB = 1 << 20


@pytest.mark.in_check
@pytest.mark.expected(15)
def test_an_image_is_small(image, record_property):
    """As an operator sends it: the disk, packed by zstd at its usual level."""
    packed = subprocess.run(["zstd", "-q", "-T2", "-c", image.raw], stdout=subprocess.PIPE,
                            check=True).stdout
    record_property("MiB of the disk image, compressed", round(len(packed) / MIB, 1))
    assert len(packed) <= COMPRESSED_MIB * MIB


@pytest.mark.in_check
@pytest.mark.expected(5)
def test_sums_are_those_of_the_files(image):
    lines = (image.raw.parent / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name.lstrip("*"): digest for digest, name in map(str.split, lines)}
    assert image.raw.name in sums
    for name, digest in sums.items():
        with open(image.raw.parent / name, "rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == digest, name
