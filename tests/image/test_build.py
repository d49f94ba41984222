"""What appliance/build puts into an image, leaves out of it and says of it.

Nothing is booted here. That two builds are the same to the bit is `appliance/build
--verify-reproducible`, a stage of ./check.
"""

import hashlib
import json
import os
import re
import stat
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/packages"))

# pylint: disable=wrong-import-position
import initrd
import oci

BUILD = TOP / "appliance/build"
# Every program of the image. One more is a decision.
PROGRAMS = """
usr/bin/kmod usr/bin/mount usr/bin/systemctl usr/bin/systemd-tmpfiles usr/bin/udevadm
usr/bin/umount
usr/lib/systemd/systemd usr/lib/systemd/systemd-bless-boot
usr/lib/systemd/systemd-cgroups-agent usr/lib/systemd/systemd-executor
usr/lib/systemd/systemd-journal-upload usr/lib/systemd/systemd-journald
usr/lib/systemd/systemd-networkd
usr/lib/systemd/systemd-networkd-wait-online usr/lib/systemd/systemd-shutdown
usr/lib/systemd/systemd-sysctl
usr/lib/systemd/systemd-timesyncd usr/lib/udev/cdrom_id usr/sbin/nft
usr/lib/parallax/unbound/sbin/unbound usr/lib/parallax/unbound/sbin/unbound-checkconf
usr/sbin/mpic-appliance usr/sbin/mpic-enrol usr/sbin/mpic-httpcheck usr/sbin/mpic-update
""".split()
# By name wherever it stands and as whatever, link or library: shells, logins, package
# managers, interpreters, what copies and fetches.
FORBIDDEN = re.compile(
    r"(ba|da|z|k|a|c|tc|fi)?sh|busybox|toybox|login|su|sudo|pkexec|doas|a?getty|sulogin|passwd|"
    r"chsh|sshd?|dropbear|telnetd?|apt(-.*)?|dpkg(-.*)?|rpm|snap|flatpak|perl.*|python.*|"
    r"ruby.*|lua.*|node(js)?|php.*|tclsh.*|guile.*|[mgn]?awk|sed|ed|vim?|nano|gdb|strace|cc|gcc|"
    r"ld|as|make|cat|cp|dd|ls|mv|rm|ln|tar|chmod|chown|env|head|tee|test|touch|nc|ncat|socat|"
    r"curl|wget|ftp|scp|rsync|openssl|unbound-control|unbound-anchor|journalctl|machinectl|"
    r"systemd-run")
DRIVERS = """nvme ena gve virtio_blk virtio_scsi virtio_net hv_storvsc hv_netvsc hv_utils
mana mlx5_core dm-verity squashfs overlay vfat isofs nf_tables nft_ct efivarfs""".split()
# Before there is a root; that for NVMe is part of the kernel, and what Azure has it behind is here.
DISKS = "virtio_blk sd_mod virtio_scsi hv_storvsc pci-hyperv ahci".split()


@pytest.fixture(scope="module", name="root")
def unpacked(image, tmp_path_factory):
    """The image's root, unpacked."""
    folder = tmp_path_factory.mktemp("image") / "root"
    subprocess.run(["unsquashfs", "-q", "-n", "-d", folder, image.file("root")],
                   check=True, capture_output=True)
    return folder


def paths(root):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            yield Path(folder, name)


def files(root):
    return [path for path in paths(root) if path.is_file() and not path.is_symlink()]


def is_program(path):
    """An ELF file with an interpreter, or a static one: one that can be started."""
    if path.read_bytes()[:4] != b"\x7fELF":
        return False
    said = subprocess.run(["readelf", "-Wlh", path], capture_output=True, text=True, check=False)
    return " INTERP " in said.stdout or "EXEC (" in said.stdout


@pytest.mark.in_check
@pytest.mark.expected(5)
def test_these_are_all_programs(root):
    found = {str(path.relative_to(root)) for path in files(root)
             if path.stat().st_mode & 0o111 and ".so" not in path.name and is_program(path)}
    assert found == set(PROGRAMS)


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_no_shell_login_package_manager_or_interpreter(root):
    found = [str(path.relative_to(root)) for path in paths(root)
             if FORBIDDEN.fullmatch(path.name) and (path.is_symlink() or path.is_file()) and
             path != root / "etc/passwd"]
    assert not found


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_no_script(root):
    found = [path for path in files(root) if path.read_bytes()[:2] == b"#!"]
    assert not found


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_nothing_gives_rights_away(root):
    for path in files(root):
        status = path.stat()
        assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID), path
        assert not status.st_mode & 0o022, path
        assert (status.st_uid, status.st_gid) == (0, 0), path
        assert not os.listxattr(path), path


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_nobody_can_log_in(root):
    for line in (root / "etc/shadow").read_text(encoding="ascii").splitlines():
        assert line.split(":")[1] in ("*", "!*"), line
    accounts = (root / "etc/passwd").read_text(encoding="ascii").splitlines()
    for account in accounts:
        assert account.endswith(("/nologin", "/false")), account
        assert not (root / account.split(":")[6].lstrip("/")).exists()
    assert [line.split(":")[2] for line in accounts if line.startswith("mpic-")] == sorted(
        line.split(":")[2] for line in accounts if line.startswith("mpic-"))


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_drivers_of_the_clouds(root):
    there = {path.stem for path in root.glob("usr/lib/modules/*/kernel/**/*.ko")}
    for line in next(root.glob("usr/lib/modules/*/modules.builtin")).read_text(
            encoding="ascii").splitlines():
        there.add(Path(line).stem)
    assert not set(DRIVERS) - there


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_root_is_found_on_the_disks_of_the_clouds(image, tmp_path):
    kernel = image.unified_kernel(tmp_path).read_bytes()
    offset, size = initrd.section(kernel, ".initrd")
    archive = subprocess.run(["zstd", "-dcq"], input=kernel[offset:offset + size], check=True,
                             capture_output=True).stdout
    for name in DISKS:
        assert f"modules/{name}.ko\0".encode() in archive, name


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_what_the_image_says_of_itself(root, image):
    lines = (root / "usr/lib/os-release").read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines)
    assert said["ID"] == "parallax"
    assert said["IMAGE_ID"] == "parallax-perspective"
    assert said["IMAGE_VERSION"] == image.version
    rows = [line.split() for line in image.file("lock").read_text(encoding="ascii").splitlines()]
    assert ["source", "unbound", said["UNBOUND_VERSION"]] in [row[:3] for row in rows]
    version = subprocess.run([root / "usr/lib/parallax/unbound/sbin/unbound", "-V"],
                             env={"LD_LIBRARY_PATH": ""}, capture_output=True, text=True,
                             check=False)
    if version.returncode == 0:     # where this machine has the libraries
        assert f"Version {said['UNBOUND_VERSION'].split('-')[0]}" in version.stdout


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_partitions(image):
    table = json.loads(subprocess.run(["sfdisk", "--json", image.raw], capture_output=True,
                                      text=True, check=True).stdout)["partitiontable"]
    assert table["label"] == "gpt"
    assert [(one["name"], one["uuid"].lower(), one["size"] * 512 >> 20)
            for one in table["partitions"]] == [
        ("esp", "6d706963-0000-4000-8000-000000000001", 96),
        ("root_a", "6d706963-0000-4000-8000-000000000002", 128),
        ("root_b", "6d706963-0000-4000-8000-000000000003", 128),
        ("state", "6d706963-0000-4000-8000-000000000004", 32)]


# --- what is written beside it -----------------------------------------------

def table(path):
    return [line.split() for line in path.read_text(encoding="ascii").splitlines()
            if line and not line.startswith("#")]


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_list_of_packages(image):
    rows = {row[0]: row for row in table(image.file("packages.txt"))}
    assert {"parallax-unbound", "mpic-httpcheck", "mpic-appliance", "systemd", "libc6",
            "nftables"} <= rows.keys()
    assert not {"bash", "dash", "coreutils", "perl-base", "apt", "dpkg", "python3"} & rows.keys()
    for row in rows.values():
        assert len(row) == 6 and re.fullmatch("[0-9a-f]{64}", row[5]), row
    locked = {row[1]: row for row in table(image.file("lock")) if row[0] == "image"}
    for name, row in rows.items():
        if name in locked:
            assert (row[1], row[4], row[5]) == tuple(locked[name][2:5])
        else:
            assert name in ("parallax-unbound", "mpic-httpcheck", "mpic-appliance",
                            "systemd-boot-efi")


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_sbom_is_spdx(image):
    """What the SPDX 2.3 specification demands of a document, a package, a relationship."""
    sbom = json.loads(image.file("spdx.json").read_text(encoding="utf-8"))
    assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["dataLicense"] == "CC0-1.0"
    assert sbom["SPDXID"] == "SPDXRef-DOCUMENT" and sbom["name"]
    assert re.fullmatch(r"[a-z]+:[^#]+", sbom["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sbom["creationInfo"]["created"])
    assert all(re.match("(Tool|Organization|Person): ", creator)
               for creator in sbom["creationInfo"]["creators"])
    ids = [package["SPDXID"] for package in sbom["packages"]]
    assert len(set(ids)) == len(ids)
    for package in sbom["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"])
        assert package["name"] and package["versionInfo"] and package["downloadLocation"]
        assert package["filesAnalyzed"] is False
        assert all(re.fullmatch("[0-9a-f]{64}", one["checksumValue"])
                   for one in package["checksums"])
        for reference in package.get("externalRefs", ()):
            assert re.fullmatch(r"pkg:deb/debian/[^@]+@[^?]+\?arch=(amd64|all)",
                                reference["referenceLocator"])
    for one in sbom["relationships"]:
        assert {one["spdxElementId"], one["relatedSpdxElement"]} <= {*ids, "SPDXRef-DOCUMENT"}
    listed = {row[0]: row[1] for row in table(image.file("packages.txt"))}
    assert listed == {package["name"]: package["versionInfo"] for package in sbom["packages"]
                      if package["SPDXID"] != "SPDXRef-Image"}


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_list_of_vulnerabilities(image):
    """Of every source package, or the word that nothing is known."""
    text = image.file("vulnerabilities.txt").read_text(encoding="ascii")
    if "could not be reached" in text:
        sources = {(row[2], row[3]) for row in table(image.file("packages.txt"))}
        assert {tuple(row) for row in table(image.file("vulnerabilities.txt"))} == sources
    else:
        assert all(re.fullmatch(r"(CVE|TEMP)-.*", row[2])
                   for row in table(image.file("vulnerabilities.txt")))


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_update_is_what_the_disk_has(image):
    assert [row[0] for row in table(image.file("update"))] == [
        image.file("root").name, image.file("efi").name]
    offset, _ = image.partition("6d706963-0000-4000-8000-000000000002")
    with open(image.raw, "rb") as disk:
        disk.seek(offset)
        written = image.file("root").read_bytes()
        assert disk.read(len(written)) == written


@pytest.mark.in_check
@pytest.mark.expected(1)
def test_the_kernel_is_told_what_to_trust(image):
    """The root's hash and nothing that lets somebody in."""
    blob = image.file("efi").read_bytes()
    line = re.search(rb"mpic\.root=[0-9a-f]{64},[0-9a-f]+,\d+ [ -~]*", blob).group().decode()
    words = line.split()
    assert {"ro", "panic=10", "lockdown=integrity", "systemd.machine_id=firmware"} <= set(words)
    assert not [word for word in words if re.match(
        r"init=|rd\.|systemd\.(unit|debug|run|setenv)|single|emergency|mpic\.variant", word)]


def test_keys_stay_with_the_operator(signed, images):
    key = (images / "secure-boot.key").read_text(encoding="ascii").splitlines()[1]
    for path in signed.raw.parent.iterdir():
        assert key.encode() not in path.read_bytes(), path


# --- other forms of the disk -------------------------------------------------

@pytest.fixture(scope="module", name="forms")
def built_forms(tmp_path_factory):
    """Every form of the disk, and the containers, of packages that are there already."""
    folder = tmp_path_factory.mktemp("forms")
    done = subprocess.run([BUILD, "--format", "raw,qcow2,vhd,gce,oci", "--out", folder,
                           "--version", "2026.1.1"], capture_output=True, text=True, timeout=900,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "parallax-perspective_2026.1.1.raw"


@pytest.mark.expected(60)
def test_qcow2_is_the_same_disk(forms):
    subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "qcow2", forms,
                    forms.with_suffix(".qcow2")], check=True, capture_output=True)


def test_vhd_is_the_disk_and_a_footer(forms):
    vhd = forms.with_suffix(".vhd")
    with open(forms, "rb") as raw, open(vhd, "rb") as disk:
        assert (vhd.stat().st_size - 512) % (1 << 20) == 0      # as Azure wants it
        assert disk.read(forms.stat().st_size) == raw.read()
        disk.seek(-512, os.SEEK_END)
        footer = disk.read(512)
    cookie, features, version, offset, *_ = struct.unpack(">8sIIQ", footer[:24])
    assert (cookie, features, version, offset) == (b"conectix", 2, 0x10000, (1 << 64) - 1)
    original, current = struct.unpack(">QQ", footer[40:56])
    assert original == current == vhd.stat().st_size - 512
    assert struct.unpack(">I", footer[60:64])[0] == 2           # of fixed size
    cylinders, heads, sectors = struct.unpack(">HBB", footer[56:60])
    assert 0 <= current // 512 - cylinders * heads * sectors < heads * sectors
    total = sum(footer) - sum(footer[64:68])
    assert struct.unpack(">I", footer[64:68])[0] == ~total & 0xffffffff
    said = subprocess.run(["qemu-img", "info", "--output", "json", "-f", "vpc", vhd],
                          check=True, capture_output=True, text=True).stdout
    assert json.loads(said)["format"] == "vpc"


def test_google_gets_a_disk_of_whole_gibibytes(forms, tmp_path):
    with tarfile.open(forms.with_suffix(".gce.tar.gz")) as tar:
        assert tar.getnames() == ["disk.raw"]
    subprocess.run(["tar", "-xzf", forms.with_suffix(".gce.tar.gz"), "-C", tmp_path], check=True)
    disk = tmp_path / "disk.raw"
    assert disk.stat().st_size % (1 << 30) == 0
    subprocess.run(["sfdisk", "--verify", disk], check=True, capture_output=True)
    with open(forms, "rb") as raw, open(disk, "rb") as padded:
        raw.seek(1 << 20)
        padded.seek(1 << 20)
        size = forms.stat().st_size - (2 << 20)
        assert raw.read(size) == padded.read(size)


@pytest.mark.parametrize("kind, program", (("perspective", "mpic-httpcheck"),
                                           ("coordinator", "mpic-coordinator")))
def test_containers_come_of_the_same_build(forms, tmp_path, kind, program):
    archive = forms.with_name(f"parallax-{kind}_2026.1.1.oci.tar")
    container = oci.Image(archive, tmp_path)
    lines = (container.root / "usr/lib/os-release").read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines)
    assert said["IMAGE_VERSION"] == "2026.1.1"
    own = (container.root / "usr/sbin" / program).read_bytes()
    if kind == "perspective":
        disk = subprocess.run(["unsquashfs", "-cat", forms.with_suffix(".root"),
                               f"usr/sbin/{program}"], check=True, capture_output=True)
        assert own == disk.stdout
        rows = [line.split() for line in forms.with_suffix(".lock").read_text(
            encoding="ascii").splitlines()]
        assert ["source", "unbound", said["UNBOUND_VERSION"]] in [row[:3] for row in rows]
    sums = (forms.parent / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    assert f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}" in sums


# --- refusals ----------------------------------------------------------------

def refusal(*options, command=BUILD, **more):
    done = subprocess.run([command, *options], capture_output=True, text=True, check=False,
                          timeout=300, **more)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.in_check
@pytest.mark.parametrize("options, said", (
    (("--suite", "bookworm"), "--suite bookworm: the image is made of trixie"),
    (("--format", "raw,iso"), "--format iso: not one of raw, qcow2, vhd, gce, oci"),
    (("--variant", "production"), "--variant production: there is only debug"),
    (("--version", "../x"), "--version ../x: not up to 32"),
    (("--version", "v1"), "--version v1: not up to 32"),
    (("--secure-boot-key", "/dev/null"), "--secure-boot-key needs --secure-boot-certificate"),
    (("--secure-boot-certificate", "/dev/null"), "--secure-boot-certificate needs"),
    (("--lock", "/nonexistent"), "there is no file /nonexistent"),
    (("--update-key", "/etc/passwd"), "--update-key /etc/passwd: not a public key in PEM"),
    (("--out",), "--out needs a value"),
    (("--fast",), "usage: appliance/build"),
))
def test_what_cannot_be_built_is_refused_at_once(options, said):
    assert said in refusal(*options)


@pytest.mark.in_check
def test_it_needs_root():
    assert "needs root" in refusal("--format", "raw", user="nobody", group="nogroup")


@pytest.fixture(name="checkout")
def another_checkout(tmp_path):
    """A clone that has what this one downloaded and built, but for Unbound."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", TOP, clone], check=True)
    build = clone / "build/appliance"
    build.mkdir(parents=True)
    for name in ("debs", "lists"):
        subprocess.run(["cp", "-al", TOP / "build/appliance" / name, build], check=True)
    return clone


@pytest.mark.in_check
@pytest.mark.expected(20)
def test_an_old_unbound_is_refused(checkout):
    (checkout / "conf/unbound.oldest").write_text("99.0.0\n", encoding="ascii")
    said = refusal("--format", "raw", command=checkout / "appliance/build")
    assert "99.0.0" in said


@pytest.mark.expected(40)
def test_a_locked_build_is_the_same(image, images, tmp_path):
    subprocess.run([BUILD, "--format", "raw", "--version", image.version, "--lock",
                    image.file("lock"), "--update-key", images / "update.pem", "--out", tmp_path],
                   check=True, capture_output=True, timeout=900)
    assert (tmp_path / "SHA256SUMS").read_text(encoding="ascii") == (
        image.raw.parent / "SHA256SUMS").read_text(encoding="ascii")


@pytest.mark.in_check
@pytest.mark.expected(20)
def test_a_locked_package_that_is_gone_is_named(checkout, image, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text(re.sub(r"^(tools xz-utils) \S+", r"\1 0.0.1", image.file("lock").read_text(
        encoding="ascii"), flags=re.M), encoding="ascii")
    said = refusal("--format", "raw", "--lock", lock, command=checkout / "appliance/build")
    assert "no longer to be had as locked: xz-utils 0.0.1" in said


@pytest.mark.in_check
@pytest.mark.expected(5)
def test_locked_sources_that_changed_are_refused(checkout, image, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text(re.sub(r"^(source unbound \S+) \S+", r"\1 " + 64 * "0", image.file(
        "lock").read_text(encoding="ascii"), flags=re.M), encoding="ascii")
    said = refusal("--format", "raw", "--lock", lock, command=checkout / "appliance/build")
    assert "has other files than it had then" in said
