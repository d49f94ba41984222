"""appliance/tree: what its units give up, whom they run as, and that nothing leads to a shell."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
TREE = TOP / "appliance" / "tree"
UNITS = TREE / "usr/lib/systemd/system"
OWN = TREE / "etc/systemd/system"
SERVICES = sorted(path.name for path in UNITS.glob("mpic-*.service"))
PROGRAMS = ("usr/sbin/mpic-httpcheck", "usr/sbin/mpic-appliance", "usr/sbin/mpic-enrol",
            "usr/sbin/mpic-update", "usr/sbin/nft", "usr/bin/systemctl",
            "usr/lib/systemd/systemd-journal-upload", "usr/lib/systemd/systemd-timesyncd",
            "usr/lib/parallax/unbound/sbin/unbound",
            "usr/lib/parallax/unbound/sbin/unbound-checkconf")

# What systemd of the image (257) knows, and one of Debian 12 (252) does not.
LATER = ("RestartSteps", "RestartMaxDelaySec", "ImportCredential", "disconnected", "notify-reload")


def read(path):
    """{section: [(key, value)]} of a unit, in order."""
    sections = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            current = sections.setdefault(line[1:-1], [])
        elif line and line[0] not in "#;":
            key, value = line.split("=", 1)
            current.append((key, value))
    return sections


SANDBOX = UNITS / "mpic-.service.d/10-sandbox.conf"


def service(name):
    """The [Service] of a unit of ours, its drop-ins after it; the last value of each key."""
    rows = read(UNITS / name).get("Service", []) + read(SANDBOX)["Service"]
    needs = UNITS / f"{name}.d/20-needs.conf"
    return dict(rows + (read(needs)["Service"] if needs.exists() else []))


def users():
    """{name: number} of sysusers.d."""
    text = (TREE / "usr/lib/sysusers.d/parallax.conf").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    assert all(row[0] == "u!" and row[-1] == "/" for row in rows), "an account that can log in"
    return {row[1]: int(row[2]) for row in rows}


def systemd_analyze():
    """The command: of the image's own systemd once its tools were made, else this machine's."""
    for tools in sorted((TOP / "build/appliance").glob("tools-*")):
        libraries = tools / "usr/lib/x86_64-linux-gnu"
        if (tools / "usr/bin/systemd-analyze").exists():
            return [str(tools / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path",
                    f"{libraries}:{libraries}/systemd", str(tools / "usr/bin/systemd-analyze")]
    if not shutil.which("systemd-analyze"):
        pytest.fail("systemd-analyze is not there (Debian package systemd)")
    return ["systemd-analyze"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """An image as far as systemd-analyze looks: its units among this machine's, and programs."""
    made = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", made / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(TREE, made, dirs_exist_ok=True)
    for program in PROGRAMS:
        (made / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", made / program)
    return made


def analyze(root, *arguments):
    return subprocess.run([*systemd_analyze(), f"--root={root}", "--no-pager", *arguments],
                          capture_output=True, text=True, check=False, timeout=120)


# -- what they give up


@pytest.mark.parametrize("name", SERVICES)
def test_exposure(root, name):
    """Root's own units only ask the service manager for something, and are held to it, too."""
    if "ExecStart" not in service(name):
        pytest.skip("starts no program")
    done = analyze(root, "security", "--offline=yes", "--threshold=15", name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_misspelt(root):
    names = [re.sub("@", "@1", path.name) for path in UNITS.glob("mpic-*.*")
             if path.suffix in (".service", ".socket", ".timer", ".path")]
    done = analyze(root, "--man=no", "verify", *names)
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if "mpic" in line and not any(word in line for word in LATER)]
    assert not said, "\n".join(said)


@pytest.mark.parametrize("name", SERVICES)
def test_no_unit_says_what_the_sandbox_overrides(name):
    """It is read after the unit: what loosens it belongs into a drop-in that is read later."""
    both = dict(read(UNITS / name).get("Service", [])).keys() & dict(read(SANDBOX)["Service"]).keys()
    assert not both, f"{name}: {both} belong into {name}.d/20-needs.conf"


def test_every_service_is_in_the_sandbox_that_examples_show():
    """conf/systemd is for machines of an operator's own: the same settings where both have one."""
    sandbox = dict(read(SANDBOX)["Service"])
    sandbox["PrivateTmp"] = "yes"    # Debian 12 lacks more of it
    for name in ("mpic-httpcheck.service.in", "mpic-coordinator.service.in"):
        example = dict(read(TOP / "conf/systemd" / name)["Service"])
        for key, value in sandbox.items():
            if key in example and key not in ("UMask", "SystemCallFilter"):
                assert example[key] == value, f"{name}: {key}"


# -- whom they run as


def test_each_part_is_a_user_of_its_own():
    numbers = users()
    assert sorted(numbers.values()) == list(range(700, 700 + len(numbers)))
    runs_as = {}
    for name in SERVICES:
        user = service(name).get("User")
        part = re.sub(r"(-watch|-forward|@)?\.service$", "", name)
        if name == "mpic-clock.service":
            part = "mpic-first-boot"    # its second half, once the time is known
        if user:
            assert user in numbers, f"{name}: {user} is no user of the image"
            runs_as.setdefault(user, set()).add(part)
        else:
            # what is root's asks the service manager for one thing, or starts nothing
            start = service(name).get("ExecStart", "")
            assert re.match(r"(/usr/bin/systemctl .*)?$", start), f"{name} is root's"
    assert all(len(parts) == 1 for parts in runs_as.values()), runs_as
    assert {"mpic-unbound", "mpic-httpcheck", "mpic-fetcher"} <= set(runs_as)


def test_no_unit_takes_a_capability_but_the_firewall():
    for name in SERVICES:
        capabilities = service(name)["CapabilityBoundingSet"], service(name)["AmbientCapabilities"]
        expected = "CAP_NET_ADMIN" if name.startswith("mpic-firewall") else ""
        assert set(capabilities) == {expected}, name


# -- limits, watchdogs


LASTING = ("mpic-unbound.service", "mpic-httpcheck.service", "mpic-fetcher.service",
           "mpic-clock-watch.service", "mpic-firewall-watch.service", "mpic-log-forward.service")


@pytest.mark.parametrize("name", SERVICES)
def test_limits(name):
    settings = service(name)
    if "ExecStart" not in settings:
        return    # starts no process
    assert settings["MemoryMax"]
    assert int(settings["TasksMax"]) <= 128
    if name in LASTING:
        assert settings["WatchdogSec"]
        assert settings["Restart"] == "always"


def test_what_runs_all_the_time_fits_into_the_machine():
    """Percent of the machine's memory, so that a larger one gives each part more."""
    files = [UNITS / name for name in LASTING]
    files += [UNITS / "systemd-networkd.service.d/parallax.conf", OWN / "systemd-timesyncd.service"]
    shares = [value for path in files for rows in read(path).values() for key, value in rows
              if key == "MemoryMax"]
    assert len(shares) == len(files)
    # the rest is for systemd, the journal and the kernel's caches of the root
    assert sum(int(share.rstrip("%")) for share in shares) <= 90


def test_what_fails_is_tried_for_ever():
    for name in SERVICES:
        settings = service(name)
        if settings.get("Restart", "no") != "no":
            assert dict(read(UNITS / name)["Unit"])["StartLimitIntervalSec"] == "0", name


# -- what a boot starts


def test_something_starts_each_unit():
    """Named by a unit or a drop-in, or by its timer, path or socket; the list is in one place."""
    paths = [path for folder in (UNITS, OWN) for path in folder.rglob("*") if path.is_file()]
    for unit in UNITS.glob("mpic-*.*"):
        if unit.suffix not in (".service", ".socket", ".timer", ".path"):
            continue
        assert "Install" not in read(unit), f"{unit.name}: see multi-user.target.d instead"
        name = unit.name.replace("@", "")
        named = any(re.search(rf"^[A-Z]\w*=.*\b{re.escape(unit.name)}", path.read_text(encoding="utf-8"),
                              re.MULTILINE) for path in paths if path != unit)
        triggers = (unit.with_name(name).with_suffix(kind) for kind in (".timer", ".path", ".socket"))
        assert named or any(t.exists() for t in triggers if t != unit), f"nothing starts {name}"


def test_the_network_waits_for_the_packet_filter():
    unit = read(UNITS / "systemd-networkd.service.d/parallax.conf")["Unit"]
    assert ("Requires", "mpic-firewall.service") in unit
    assert ("After", "mpic-firewall.service") in unit
    firewall = read(UNITS / "mpic-firewall.service")
    assert ("Before", "network-pre.target") in firewall["Unit"]
    assert ("ExecStart", "/usr/sbin/nft -f /etc/nftables.conf") in firewall["Service"]


def test_fetchers_are_there_before_anybody_asks():
    """One unit for all of them, which waits for nothing that takes long."""
    unit, settings = read(UNITS / "mpic-fetcher.service")["Unit"], service("mpic-fetcher.service")
    assert ("DefaultDependencies", "no") in unit
    assert [value for key, value in unit if key == "After"] == [
        "mpic-fetcher.socket mpic-firewall.service"]
    assert ("Requires", "mpic-fetcher.socket") in unit
    socket = read(UNITS / "mpic-fetcher.socket")
    assert ("DefaultDependencies", "no") in socket["Unit"]
    assert not {key for key, value in socket["Unit"]} & {"After", "Requires", "Wants"}
    assert "Accept" not in dict(socket["Socket"])
    wanted = read(OWN / "multi-user.target.d/parallax.conf")["Unit"]
    assert any("mpic-fetcher.service" in value.split() for key, value in wanted if key == "Wants")
    # one process for each worker, the keeper, and none is ended for another's sake
    header = (TOP / "httpcheck/fetcher_keeper.h").read_text(encoding="utf-8")
    most = int(re.search(r"#define FETCHER_KEEPER_MAX\s+(\d+)", header)[1])
    assert int(settings["TasksMax"]) > most + 1
    assert (settings["OOMPolicy"], settings["KillMode"]) == ("continue", "mixed")


def test_what_the_first_process_did_is_not_done_again():
    """It does what the unit of the same name would, and the unit has a condition."""
    text = (TOP / "appliance/initrd/early.c").read_text(encoding="utf-8")
    named = dict(re.findall(r'early_do\("([^"]+)", (\w+)\)', text))
    assert set(named) == {"mpic-firewall.service", "systemd-sysctl.service",
                          "systemd-tmpfiles-setup.service"}
    for unit, argv in named.items():
        path = UNITS / unit
        path = path if path.exists() else UNITS / f"{unit}.d/parallax.conf"
        assert ("ConditionPathExists", f"!/run/mpic-early/{unit}") in read(path)["Unit"]
        words, = re.findall(rf"\b{argv}\[\] = {{ ([^}}]*), NULL }}", text)
        if path.suffix == ".service":
            assert ("ExecStart", words.replace('", "', " ").strip('"')) in read(path)["Service"]


def test_the_port_opens_after_document_time_and_certificate():
    unit = read(UNITS / "mpic-httpcheck.service")["Unit"]
    before = {name for key, value in unit if key == "After" for name in value.split()}
    assert {"mpic-first-boot.service", "mpic-clock.service", "mpic-enrol.service"} <= before


def test_what_has_ended_is_looked_for_once_the_time_is_known():
    """By whose the document is, before anything reads what came of it."""
    clock, first = service("mpic-clock.service"), service("mpic-first-boot.service")
    assert clock.pop("ExecStart") == "/usr/sbin/mpic-appliance clock"
    assert first.pop("ExecStart") == "/usr/sbin/mpic-appliance first-boot"
    assert clock == first
    assert ("After", "mpic-first-boot.service") in read(UNITS / "mpic-clock.service")["Unit"]
    for name in ("mpic-enrol.service", "mpic-httpcheck.service"):
        unit = read(UNITS / name)["Unit"]
        for key in ("Requires", "After"):
            assert any("mpic-clock.service" in value.split() for one, value in unit
                       if one == key), name


def test_what_is_renewed_is_read():
    watched = [value for key, value in read(UNITS / "mpic-reload.path")["Path"]]
    assert {"/run/mpic-enrol/tls.pem", "/run/mpic-enrol/crl.pem", "/run/mpic/crl.pem"} <= set(watched)


# -- nobody gets in


MASKED = ("emergency.service", "emergency.target", "rescue.service", "rescue.target",
          "debug-shell.service", "getty.target", "getty@.service", "serial-getty@.service",
          "console-getty.service", "container-getty@.service", "autovt@.service",
          "ctrl-alt-del.target")


@pytest.mark.parametrize("name", MASKED)
def test_units_that_lead_to_a_shell_are_masked(root, name):
    assert (OWN / name).read_bytes() == b""
    if name.endswith(".service") and "@" not in name:
        done = analyze(root, "--man=no", "verify", name)
        assert "masked" in done.stdout + done.stderr


def test_no_unit_is_made_by_what_the_kernel_is_told():
    """The generators do that, shells among it; and to run none saves a boot some time."""
    contents = (TOP / "appliance/recipe/contents").read_text(encoding="utf-8")
    assert "generator" not in contents
    assert not [path for path in TREE.rglob("*") if "generator" in path.name]


def test_no_file_of_the_image_is_or_starts_a_shell():
    for path in TREE.rglob("*"):
        if not path.is_file() or path.name == "nftables.conf":
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^#!", text), path
        assert not re.search(r"^Exec\w*=.*\b(sh|bash|login|agetty|sulogin|python)\b", text,
                             re.MULTILINE), path


def test_the_manager_shows_no_shell_and_reboots_when_it_crashes():
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(TREE / "usr/lib/systemd/system.conf.d/parallax.conf")
    manager = parser["Manager"]
    assert (manager["CtrlAltDelBurstAction"], manager["CrashShell"], manager["CrashAction"],
            manager["DumpCore"]) == ("none", "no", "reboot", "no")


def test_no_unit_needs_libbpf():
    """It is not in the image (recipe/contents): what needs it would be off, and hardly said."""
    settings = "RestrictFileSystems|RestrictNetworkInterfaces|SocketBindAllow|SocketBindDeny"
    for folder in (UNITS, OWN):
        for path in folder.rglob("*"):
            if path.is_file():
                assert not re.search(rf"^({settings})=", path.read_text(encoding="utf-8"),
                                     re.MULTILINE), path


def test_only_devices_with_a_use_are_gone_through():
    """Those of the drivers that are modules of the image, disks and network interfaces."""
    path = UNITS / "systemd-udev-trigger.service.d/parallax.conf"
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    matched = set(re.findall(r"--subsystem-match=(\S+)", text))
    assert {"block", "net", "pci", "virtio", "vmbus", "scsi", "auxiliary"} <= matched
    assert not matched & {"tty", "acpi", "module"}


def test_udev_begins_when_the_perspective_serves():
    """Sooner only where first-boot may have to look at disks; what serves waits for none of it."""
    early = read(UNITS / "udev-at-once.timer")
    assert ("ConditionCredential", "!mpic.document") in early["Unit"]
    assert ("ImportCredential", "mpic.document") in read(UNITS / "mpic-first-boot.service")["Service"]
    assert {("OnActiveSec", "0"), ("Unit", "systemd-udev-trigger.service")} <= set(early["Timer"])
    wanted = (OWN / "multi-user.target.d/parallax.conf").read_text(encoding="utf-8")
    assert "udev-at-once.timer" in wanted.split()
    later = read(UNITS / "mpic-later.target")["Unit"]
    assert ("Wants", "systemd-udev-trigger.service") in later
    contents = (TOP / "appliance/recipe/contents").read_text(encoding="utf-8")
    assert not re.findall(r"^\S*\.wants/systemd-udev\S*$", contents, re.MULTILINE)
    # nor does an interface: it is up by then, and keeps its name
    assert ("BindReadOnlyPaths", "/sys") in read(
        UNITS / "systemd-networkd.service.d/parallax.conf")["Service"]
    assert "net-setup-link" not in contents and ".link" not in contents


def test_users_of_files_are_users():
    text = (TREE / "usr/lib/tmpfiles.d/parallax.conf").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and line[0] != "#" and len(line.split()) > 4:
            # the last is systemd's own: who may read the journal
            assert set(line.split()[3:5]) <= {*users(), "root", "-", "systemd-journal"}, line
    assert os.path.exists(TREE / "usr/lib/parallax/volatile-state.conf")
