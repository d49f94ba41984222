"""A kernel by itself: out of a unified kernel image, and an initrd of one program for it."""

import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONSOLE = (5, 1)


def _entry(name, mode, content=b"", device=(0, 0)):
    """One member of an archive as the kernel reads it (cpio, newc)."""
    def padded(octets):
        return octets + bytes(-len(octets) % 4)

    path = name.encode() + b"\0"
    head = b"070701" + b"".join(f"{number:08x}".encode() for number in (
        0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0))
    return padded(head + path) + padded(content)


def make(path, program):
    """An initrd whose init is this program."""
    Path(path).write_bytes(
        _entry("dev", 0o40755) + _entry("dev/console", 0o20600, device=CONSOLE) +
        _entry("init", 0o100755, Path(program).read_bytes()) + _entry("TRAILER!!!", 0))
    return Path(path)


def empty(folder):
    """An initrd with which the kernel reaches the least userspace there is."""
    program = Path(folder) / "empty"
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", program, HERE / "empty.c"], check=True)
    return make(Path(folder) / "empty.cpio", program)


def sections(image):
    """{name: octets} of a PE file, which a unified kernel image is."""
    data = Path(image).read_bytes()
    start = struct.unpack_from("<I", data, 0x3c)[0]
    if data[start:start + 4] != b"PE\0\0":
        raise ValueError(f"{image}: no PE file")
    count, = struct.unpack_from("<H", data, start + 6)
    optional, = struct.unpack_from("<H", data, start + 20)
    found = {}
    for i in range(count):
        name, size, _, length, offset = struct.unpack_from(
            "<8sIIII", data, start + 24 + optional + 40 * i)
        found[name.rstrip(b"\0").decode()] = data[offset:offset + min(size, length)]
    return found
