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


def section(image, wanted):
    """(offset, size) of a section of a PE file, which a unified kernel image is."""
    start = struct.unpack_from("<I", image, 0x3c)[0]
    if image[start:start + 4] != b"PE\0\0":
        raise ValueError("no PE file")
    count, = struct.unpack_from("<H", image, start + 6)
    optional, = struct.unpack_from("<H", image, start + 20)
    for i in range(count):
        name, size, _, length, offset = struct.unpack_from(
            "<8sIIII", image, start + 24 + optional + 40 * i)
        if name.rstrip(b"\0").decode() == wanted:
            return offset, min(size, length)
    raise ValueError(f"no section {wanted}")


def emptied(path, initrd):
    """Puts this initrd into a unified kernel image, in the place of its own."""
    image = bytearray(Path(path).read_bytes())
    offset, size = section(image, ".initrd")
    new = Path(initrd).read_bytes()
    if len(new) > size:
        raise ValueError(f"{initrd} has {len(new)} octets, its place {size}")
    image[offset:offset + size] = new + bytes(size - len(new))
    Path(path).write_bytes(image)
