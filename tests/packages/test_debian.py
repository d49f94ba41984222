"""The Debian packages, on machines of both releases: installed, run, removed and purged."""

import hashlib
import os
import re
import socket
import subprocess

import pytest
import yaml

import papers
from daemons import until
from debian import Machine

SUITES = os.environ.get("MPIC_PACKAGES_SUITES", "trixie bookworm").split()
PACKAGES = ("parallax-unbound", "mpic-httpcheck", "mpic-coordinator", "mpic")
UNITS = {"mpic-coordinator": "coordinator.yaml", "mpic-httpcheck": "httpcheck.yaml",
         "mpic-unbound": "unbound/perspective.conf"}
UNBOUND = "/usr/lib/parallax/unbound/sbin/unbound"
RESOLVER, API = 5311, 8311
QUESTION = ('{"domain_or_ip_target": "signed-permit.org", "caa_check_parameters": '
            '{"certificate_type": "tls-server", "caa_domains": ["ca1.com"]}}')


def name_of(path):
    return os.path.basename(path).partition("_")[0]


@pytest.fixture(scope="module", params=SUITES)
def suite(request):
    return request.param


@pytest.fixture(scope="module")
def folder(built, suite):
    """What build_packages left."""
    return built / suite / "packages"


@pytest.fixture(scope="module")
def unpacked(folder, tmp_path_factory):
    """Folder of each package's files."""
    where = tmp_path_factory.mktemp("unpacked")
    for deb in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, where / name_of(deb)], check=True)
    assert {path.name for path in where.iterdir()} == {*PACKAGES, "mpic-appliance"}
    return where


@pytest.fixture
def machine(built, suite, tmp_path):
    with Machine(built / suite / "machine", tmp_path) as made:
        yield made


@pytest.fixture
def installed(machine):
    """One with all that an operator installs."""
    machine.before = machine.files()
    machine.apt("install", *(deb for deb in machine.debs() if name_of(deb) != "mpic-appliance"))
    return machine


# -- as files

def test_lintian_finds_no_error(machine):
    source, = machine.path("/packages/source").glob("*.dsc")
    said = machine.run("lintian", "--allow-root", "--fail-on", "error", *machine.debs(),
                       f"/packages/source/{source.name}")
    warnings = re.findall("^W: .*", said, re.M)
    assert len(warnings) <= 4, said


def elf_files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and
            path.read_bytes()[:4] == b"\x7fELF"]


def test_what_dpkg_hardens_is_hardened(unpacked):
    paths = elf_files(unpacked)
    assert len(paths) >= 7
    for path in paths:
        said = subprocess.run(["readelf", "-W", "-l", "-d", "-h", "--dyn-syms", path],
                              capture_output=True, text=True, check=True).stdout
        assert "DYN (" in said, f"{path} is not position-independent"
        assert "GNU_RELRO" in said and re.search("BIND_NOW|Flags: NOW", said), path
        assert re.search(r"GNU_STACK .* RW ", said), f"{path}: the stack is executable"
        assert "_chk@" in said, f"{path} was built without _FORTIFY_SOURCE"
        assert "__stack_chk_fail" in said, f"{path} was built without a stack protector"


def test_no_path_of_the_build_is_in_them(unpacked):
    found = subprocess.run(["grep", "-rl", "/build/parallax", unpacked], capture_output=True,
                           text=True, check=False)
    assert found.stdout == ""


def test_the_record_of_the_build_has_their_sums(folder):
    buildinfo, = folder.glob("*.buildinfo")
    text = buildinfo.read_text(encoding="utf-8")
    for path in folder.glob("*.deb"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text


# -- on a machine

def test_programs_run(installed):
    for program in ("mpic", "mpic-coordinator", "mpic-httpcheck"):
        assert installed.run(program, "--version").startswith(program + " ")
    version = re.search(r"Version (\S+)", installed.run(UNBOUND, "-V"))[1]
    assert tuple(map(int, version.split("."))) >= (1, 22, 0)


def test_nothing_is_started_before_it_is_configured(installed):
    """A unit that is enabled has a link in a .wants folder."""
    assert not [path for path in installed.files() if ".wants/" in path and "mpic" in path]
    for unit, file in UNITS.items():
        path, = installed.root.glob(f"usr/lib/systemd/system/{unit}.service")
        text = path.read_text(encoding="utf-8")
        assert f"ConditionPathExists=/etc/parallax/{file}\n" in text
        for program in re.findall(r"^Exec\w+=(\S+)", text, re.M):
            assert os.access(installed.path(program), os.X_OK), program
    for file in ("coordinator.yaml", "httpcheck.yaml"):
        assert not installed.path(f"/etc/parallax/{file}").exists()


def test_the_samples_say_what_is_required(installed):
    sample = ("mpic-httpcheck", "-c", "/etc/parallax/httpcheck.yaml.sample", "--check")
    assert "code: is required" in installed.run(*sample, status=2)
    installed.run(*sample, "-D", "code=x", "-D", "plain=true")
    sample = ("mpic-coordinator", "-c", "/etc/parallax/coordinator.yaml.sample", "--check")
    assert "perspectives" in installed.run(*sample, status=2)


def test_manual_pages_and_policies_are_there(unpacked):
    pages = {path.name for path in unpacked.rglob("usr/share/man/*/*")}
    assert {"mpic.1.gz", "httpcheck.yaml.5.gz", "coordinator.yaml.5.gz", "mpic-coordinator.8.gz",
            "mpic-httpcheck.8.gz", "mpic-unbound.8.gz", "mpic-appliance.8.gz"} <= pages
    assert (unpacked / "mpic/usr/share/parallax/policy/cabf-tls.yaml").exists()
    assert (unpacked / "mpic/usr/share/parallax/regions.yaml").exists()


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def configure(machine, world):
    """The files as they were installed, but that the root of the DNS and ports are the test's."""
    conf = machine.path("/etc/parallax/unbound/perspective.conf")
    text = conf.read_text(encoding="utf-8")
    assert 'auto-trust-anchor-file: "/var/lib/mpic-unbound/root.key"' in text
    text = re.sub("auto-trust-anchor-file: .*", 'trust-anchor-file: "/root.ds"', text)
    machine.write("/root.ds", world.trust_anchor.read_text(encoding="ascii"))
    conf.write_text(text.replace("interface: 127.0.0.1\n", f"interface: 127.0.0.1@{RESOLVER}\n"),
                    encoding="utf-8")
    machine.path("/var/lib/mpic-unbound").mkdir()
    machine.write("/etc/parallax/httpcheck.yaml", yaml.safe_dump({
        "code": papers.CODE, "plain": True, "listen": f"127.0.0.1:{API}",
        "resolver": f"127.0.0.1:{RESOLVER}"}))


def test_unbound_and_httpcheck_work_together(installed, world):
    """Started as their units start them."""
    configure(installed, world)
    installed.run("env", "--chdir=/etc/parallax/unbound", f"{UNBOUND}-checkconf",
                  "/usr/share/parallax/unbound.conf")
    log = installed.start(UNBOUND, "-d", "-c", "/usr/share/parallax/unbound.conf",
                          folder="/etc/parallax/unbound")
    installed.start("/usr/sbin/mpic-httpcheck")
    until(lambda: connects(RESOLVER) and connects(API), 15)
    said = subprocess.run(["curl", "-sS", "--data", QUESTION, f"http://127.0.0.1:{API}/caa"],
                          capture_output=True, text=True, check=True).stdout
    answer = yaml.safe_load(said)
    assert answer["check_passed"] is True, said + log.read_text(encoding="utf-8")
    assert answer["details"]["dnssec_status"] == "secure"


# -- and gone again

def test_what_was_changed_stays_when_it_is_removed(installed):
    installed.write("/etc/parallax/httpcheck.yaml.sample", "code: mine\n")
    installed.apt("remove", *PACKAGES)
    changed = installed.path("/etc/parallax/httpcheck.yaml.sample")
    assert changed.read_text(encoding="utf-8") == "code: mine\n"
    assert not installed.path("/usr/sbin/mpic-httpcheck").exists()


def test_a_purge_leaves_nothing(installed):
    installed.write("/var/lib/private/mpic-unbound/root.key", "a key that was kept\n")
    installed.path("/var/lib/mpic-unbound").symlink_to("private/mpic-unbound")
    installed.apt("purge", *PACKAGES)
    installed.apt("autoremove", "--purge")
    left = installed.files() - installed.before
    assert {path for path in left if "parallax" in path or "mpic" in path} == set()


def test_an_audit_log_outlives_a_purge(installed):
    """It is the CA's evidence, which must be kept for years."""
    log = "/var/log/private/parallax/audit-2026-11-22.jsonl"
    installed.write(log, "{}\n")
    installed.apt("purge", "mpic-coordinator")
    assert installed.path(log).exists()


def test_the_appliances_files_are_not_in_their_places(machine):
    """Who installs that package by mistake gets no firewall by it, and no users."""
    before = machine.files()
    machine.apt("install", *machine.debs())
    new = machine.files() - before
    assert "usr/share/parallax/image/etc/nftables.conf" in new
    assert "etc/nftables.conf" not in new
    assert not {path for path in new if path.startswith(("usr/lib/sysusers.d/", "etc/systemd/"))}
