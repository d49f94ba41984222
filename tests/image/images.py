"""What appliance/build has made, as a test looks for it."""

import json
import re
import subprocess
from pathlib import Path

SECTOR = 512
NAME = re.compile(r"(?P<id>parallax-perspective(?:-debug)?)_(?P<version>[^_/]+)\.raw")
ROOT_A, STATE, ESP = (f"6d706963-0000-4000-8000-00000000000{n}" for n in (2, 4, 1))


class Image:
    """One image for disks."""

    def __init__(self, raw):
        self.raw = Path(raw).resolve()
        named = NAME.fullmatch(self.raw.name)
        if not named:
            raise ValueError(f"{raw}: expected parallax-perspective_VERSION.raw")
        self.id, self.version = named["id"], named["version"]

    @classmethod
    def in_folder(cls, folder, debug=False):
        """The newest one there, which there must be."""
        kind = "parallax-perspective-debug" if debug else "parallax-perspective"
        found = sorted(Path(folder).glob(kind + "_*.raw"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise FileNotFoundError(f"there is no {kind}_VERSION.raw in {folder}")
        return cls(found[-1])

    def file(self, suffix):
        """A sibling of it: what else was made with it."""
        return self.raw.with_suffix("." + suffix)

    def partition(self, uuid):
        """(offset, size) in octets of the partition with this UUID."""
        table = json.loads(subprocess.run(["sfdisk", "--json", self.raw], capture_output=True,
                                          text=True, check=True).stdout)["partitiontable"]
        for one in table["partitions"]:
            if one["uuid"].lower() == uuid:
                return one["start"] * SECTOR, one["size"] * SECTOR
        raise ValueError(f"{self.raw} has no partition {uuid}")

    def esp(self):
        """How mtools name its EFI system partition."""
        return f"{self.raw}@@{self.partition(ESP)[0]}"

    def unified_kernel(self, folder):
        """A copy of the unified kernel image that it boots."""
        path = Path(folder) / "kernel.efi"
        subprocess.run(["mcopy", "-n", "-i", self.esp(),
                        f"::/EFI/Linux/parallax_{self.version}.efi", path],
                       check=True, capture_output=True)
        return path

    def with_kernel(self, kernel, path):
        """A copy of the whole that boots this unified kernel image."""
        self.copy(path)
        subprocess.run(["mcopy", "-n", "-D", "o", "-i", f"{path}@@{self.partition(ESP)[0]}", kernel,
                        f"::/EFI/Linux/parallax_{self.version}.efi"],
                       check=True, capture_output=True)
        return Path(path)

    def copy(self, path):
        """A copy of the whole, to be changed."""
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", self.raw, path], check=True)
        return Path(path)
