"""Disks that carry a document as cloud-init's NoCloud source has it: a volume named CIDATA."""

import subprocess
from pathlib import Path

VFAT_KIB = 1024


def _files(folder, document):
    folder = Path(folder) / "cidata"
    folder.mkdir(exist_ok=True)
    (folder / "user-data").write_text(document, encoding="utf-8")
    (folder / "meta-data").write_text("instance-id: test\n", encoding="utf-8")
    return folder


def iso9660(folder, document):
    path = Path(folder) / "cidata.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-V", "CIDATA", "-J", "-R", "-o", path,
                    _files(folder, document)], check=True, capture_output=True)
    return path


def vfat(folder, document):
    path = Path(folder) / "cidata.vfat"
    files = sorted(_files(folder, document).iterdir())
    subprocess.run(["mformat", "-C", "-i", path, "-T", str(2 * VFAT_KIB), "-v", "CIDATA", "::"],
                   check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", path, *files, "::"], check=True, capture_output=True)
    return path


KINDS = {"iso9660": iso9660, "vfat": vfat}
