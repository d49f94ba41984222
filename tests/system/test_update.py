"""mpic-update and mpic-appliance ready: a machine's folder stands for its disk, no image is booted."""

import functools
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from daemons import parse_metrics, until

TOP = Path(__file__).resolve().parents[2]
IMAGE = "parallax-perspective"
RUNNING = "2026.11.1-1"
NEWER = "2026.11.22-1"
SLOT = 256 * 1024
COUNTED = "LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Private keys by name, each with NAME.pem beside it."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "next", "stranger"):
        key = folder / f"{name}.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", folder / f"{name}.pem"],
                       check=True)
    return folder


# -- what updates come from


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.visits.append(self.path)
        way = self.server.ways.get(Path(self.path).suffix)
        if way:
            way(self)
        else:
            super().do_GET()

    def log_message(self, *_):
        """The visits are listed."""


class Publisher(http.server.ThreadingHTTPServer):
    """A web server with a folder of updates; `ways` answer otherwise, by a file's suffix."""

    daemon_threads = True

    def __init__(self, folder):
        self.folder, self.visits, self.ways = folder, [], {}
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def put(self, version=NEWER, image=IMAGE, root_bytes=SLOT // 2):
        """The two files of a version; what is in them."""
        for old in self.folder.glob("*.[re]*"):
            old.unlink()
        files = {"root": os.urandom(root_bytes), "efi": os.urandom(20000)}
        for suffix, octets in files.items():
            (self.folder / f"{image}_{version}.{suffix}").write_bytes(octets)
        return files

    def sign(self, *keys, image=IMAGE, options=()):
        words = [word for key in keys for word in ("--key", key)]
        subprocess.run([TOP / "appliance/sign-update", *words, "--image", image, *options,
                        self.folder], check=True, capture_output=True)
        return self.folder / f"{image}.update"


@pytest.fixture
def publisher(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    with Publisher(folder) as server:
        yield server
        server.shutdown()


# -- what takes them


class Machine:
    """The files of a machine that runs from root_a of the disk vda; root_b has another version."""

    def __init__(self, build, folder, keys):
        self.build, self.folder = build, folder
        self.write("usr/lib/os-release", f"ID=parallax\nIMAGE_ID={IMAGE}\nIMAGE_VERSION={RUNNING}\n")
        self.write("usr/share/parallax/update-key.pem", (keys / "ours.pem").read_text())
        for path in ("state/update", "run/mpic-update", "run/mpic-ready", "run/mpic"):
            (folder / path).mkdir(parents=True)
        self.write("efi/loader/loader.conf", "timeout 0\neditor no\n")
        self.write(f"efi/EFI/Linux/parallax_{RUNNING}.efi", "running kernel")
        self.write("efi/EFI/Linux/parallax_2026.10.1-1.efi", "kernel before")
        self.slot.parent.mkdir()
        self.slot.write_bytes(b"before" * (SLOT // 6) + b"    ")
        self.sysfs()

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def sysfs(self, names=("esp", "root_a", "root_b", "state"), running="vda2"):
        """What the kernel says of its disk: / is on a verity device over vda2."""
        shutil.rmtree(self.folder / "sys", ignore_errors=True)
        device = os.stat("/").st_dev
        below = f"sys/dev/block/{os.major(device)}:{os.minor(device)}/slaves"
        self.write(f"{below}/{running}", "")
        for number, name in enumerate(names, 1):
            self.write(f"sys/devices/vda/vda{number}/uevent",
                       f"MAJOR=254\nDEVNAME=vda{number}\nDEVTYPE=partition\nPARTNAME={name}\n")
            link = self.folder / f"sys/class/block/vda{number}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"../../devices/vda/vda{number}")

    @property
    def slot(self):
        return self.folder / "dev/vda3"

    @property
    def kernels(self):
        return {path.name for path in (self.folder / "efi/EFI/Linux").iterdir()}

    def configure(self, url, **more):
        settings = {"url": url, "code": "aws:eu-central-1", "spread_minutes": 0, **more}
        self.write("run/mpic/update.yaml",
                   "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))

    def command(self, *arguments):
        return [Path(self.build, "mpic-update"), "--root", self.folder, *arguments]

    def update(self, *arguments, status=0):
        """One look for an update; what it said."""
        ran = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60,
                             check=False)
        said = ran.stdout + ran.stderr
        assert ran.returncode == status, said
        return said

    @property
    def status(self):
        return (self.folder / "run/mpic-update/status").read_text()

    @property
    def result(self):
        found = parse_metrics("".join(line + "\n" for line in self.status.splitlines()
                                      if not line.startswith("# notice ")))
        return [labels for labels, value in found["mpic_update_result"].items() if value == 1]

    @property
    def asks_for_restart(self):
        return (self.folder / "run/mpic-update/restart").exists()

    def snapshot(self):
        """All that it could start from."""
        files = [path for top in ("efi", "dev", "state") for path in (self.folder / top).rglob("*")]
        return {str(path): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture
def machine(build_dir, keys, publisher, tmp_path):
    own = Machine(build_dir, tmp_path / "machine", keys)
    own.configure(publisher.url)
    return own


def expect_refused(machine, *sentences, result="refused"):
    """Nothing of what it could start from has changed."""
    before = machine.snapshot()
    said = machine.update(status=1)
    for sentence in sentences:
        assert sentence in said and sentence in machine.status
    assert machine.status.startswith("# notice update: ")
    assert machine.snapshot() == before
    assert machine.result == [f'result="{result}"']
    assert not machine.asks_for_restart


# -- an update


def test_it_is_installed_and_started_at_once(machine, publisher, keys):
    files = publisher.put()
    publisher.sign(keys / "ours.key")
    said = machine.update()
    assert f"version {NEWER} is installed beside {RUNNING}" in said
    assert machine.slot.read_bytes()[:SLOT // 2] == files["root"]
    assert machine.kernels == {f"parallax_{RUNNING}.efi", f"parallax_{NEWER}+3.efi"}
    placed = machine.folder / f"efi/EFI/Linux/parallax_{NEWER}+3.efi"
    assert placed.read_bytes() == files["efi"]
    assert machine.asks_for_restart
    assert machine.result == ['result="waiting"']
    assert f'mpic_update_available_info{{version="{NEWER}"}} 1\n' in machine.status
    checked = re.search(r"^mpic_update_checked_seconds (\d+)$", machine.status, re.M)
    assert abs(int(checked[1]) - time.time()) < 60
    # and not fetched again while it waits
    del publisher.visits[:]
    machine.update()
    assert publisher.visits == [f"/{IMAGE}.update"]


def test_only_looking(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    before = machine.snapshot()
    assert f"version {NEWER} is to be installed" in machine.update("--check")
    assert machine.snapshot() == before
    assert not list((machine.folder / "run/mpic-update").iterdir())


def test_what_runs_is_the_newest(machine, publisher, keys):
    publisher.put(RUNNING)
    publisher.sign(keys / "ours.key")
    before = machine.snapshot()
    assert machine.update() == ""
    assert machine.snapshot() == before
    assert machine.result == ['result="current"']


def test_a_channel(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key", options=["--channel", "canary"])
    machine.configure(publisher.url + "canary.update")
    machine.update()
    assert f"parallax_{NEWER}+3.efi" in machine.kernels


def test_while_a_key_is_replaced(machine, publisher, keys):
    """An image that knows both takes the new one's word; one that knows the old needs the old's."""
    publisher.put()
    publisher.sign(keys / "next.key")
    expect_refused(machine, "no key that this image knows")
    publisher.sign(keys / "next.key", keys / "ours.key")
    machine.update()
    machine.write("usr/share/parallax/update-key.pem",
                  (keys / "stranger.pem").read_text() + (keys / "next.pem").read_text())
    assert "on trial" not in machine.update("--check")


def test_a_rollback(machine, publisher, keys):
    publisher.put("2026.9.1-1")
    publisher.sign(keys / "ours.key")
    expect_refused(machine, f"older than {RUNNING}", "not signed as a rollback")
    publisher.sign(keys / "ours.key", options=["--rollback"])
    machine.update()
    assert machine.kernels == {f"parallax_{RUNNING}.efi", "parallax_2026.9.1-1+3.efi"}
    conf = (machine.folder / "efi/loader/loader.conf").read_text()
    assert conf == "timeout 0\neditor no\ndefault parallax_2026.9.1-1[.+][1-9e]*\n"
    # then a newer one again
    time.sleep(1.1)
    publisher.put()
    publisher.sign(keys / "ours.key")
    machine.update()
    assert (machine.folder / "efi/loader/loader.conf").read_text() == "timeout 0\neditor no\n"
    assert machine.kernels == {f"parallax_{RUNNING}.efi", f"parallax_{NEWER}+3.efi"}


# -- what is not taken


def test_another_key(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "stranger.key")
    expect_refused(machine, "no key that this image knows")
    assert publisher.visits == [f"/{IMAGE}.update"]


def test_a_manifest_that_was_changed(machine, publisher, keys):
    publisher.put()
    manifest = publisher.sign(keys / "ours.key")
    manifest.write_text(manifest.read_text().replace(NEWER, "2026.11.23-1"))
    expect_refused(machine, "no key that this image knows")


def test_no_key_in_the_image(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    (machine.folder / "usr/share/parallax/update-key.pem").unlink()
    expect_refused(machine, "built without a key for updates", result="off")
    assert not publisher.visits


def test_another_image(machine, publisher, keys):
    publisher.put(image="parallax-perspective-debug")
    manifest = publisher.sign(keys / "ours.key", image="parallax-perspective-debug")
    manifest.rename(publisher.folder / f"{IMAGE}.update")
    expect_refused(machine, "it is for parallax-perspective-debug")


def test_an_old_manifest_again(machine, publisher, keys, tmp_path):
    """What was withdrawn cannot be brought back by whoever kept a copy."""
    publisher.put("2026.12.1-1")
    withdrawn = publisher.sign(keys / "ours.key").read_bytes()
    kept = {path.name: path.read_bytes() for path in publisher.folder.iterdir()}
    time.sleep(1.1)
    publisher.put()
    publisher.sign(keys / "ours.key", options=["--minimum", RUNNING])
    machine.update()
    for name, octets in kept.items():
        (publisher.folder / name).write_bytes(octets)
    assert (publisher.folder / f"{IMAGE}.update").read_bytes() == withdrawn
    machine.write("run/mpic-update/restart", "")
    assert "an old one again" in machine.update(status=1)
    assert f"parallax_{NEWER}+3.efi" in machine.kernels


def test_below_the_minimum(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key", options=["--minimum", "2026.10.15"])
    machine.update()
    time.sleep(1.1)
    publisher.put("2026.10.1-1")
    publisher.sign(keys / "ours.key", options=["--rollback", "--minimum", "2026.1.1"])
    assert "below 2026.10.15" in machine.update(status=1)
    assert "parallax_2026.10.1-1+3.efi" not in machine.kernels


def test_larger_than_the_slot(machine, publisher, keys):
    publisher.put(root_bytes=SLOT + 4096)
    publisher.sign(keys / "ours.key")
    expect_refused(machine, f"its root has {SLOT + 4096} bytes, and the slot {SLOT}")


def test_while_what_runs_is_on_trial(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    own = machine.folder / f"efi/EFI/Linux/parallax_{RUNNING}"
    Path(f"{own}.efi").rename(f"{own}+2-1.efi")
    before = machine.snapshot()
    machine.update()
    assert machine.snapshot() == before and not publisher.visits
    assert machine.result == ['result="trial"']


def test_what_failed_here(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    machine.update()
    kernel = machine.folder / f"efi/EFI/Linux/parallax_{NEWER}"
    Path(f"{kernel}+3.efi").rename(f"{kernel}+0-3.efi")
    (machine.folder / "run/mpic-update/restart").unlink()
    expect_refused(machine, f"version {NEWER} did not become ready here")
    # without the state partition the same
    shutil.rmtree(machine.folder / "state/update")
    (machine.folder / "state/update").mkdir()
    expect_refused(machine, f"version {NEWER} did not become ready here")


def test_what_failed_here_by_a_newer_manifest(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    machine.update()
    kernel = machine.folder / f"efi/EFI/Linux/parallax_{NEWER}"
    Path(f"{kernel}+3.efi").rename(f"{kernel}+0-3.efi")
    time.sleep(1.1)
    publisher.sign(keys / "ours.key")
    machine.update()
    assert machine.kernels == {f"parallax_{RUNNING}.efi", f"parallax_{NEWER}+3.efi"}


@pytest.mark.parametrize("names, running, says", [
    (("esp", "root_a", "state"), "vda2", "not one partition root_b"),
    (("esp", "root_a", "root_b", "root_b"), "vda2", "not one partition root_b"),
    (("esp", "root_c", "root_b"), "vda2", "neither root_a nor root_b"),
    (("esp", "root_a", "root_b"), "vda4", "neither root_a nor root_b"),
])
def test_a_disk_that_is_not_an_appliances(machine, publisher, keys, names, running, says):
    publisher.put()
    publisher.sign(keys / "ours.key")
    machine.sysfs(names, running)
    expect_refused(machine, says, result="failed")


def test_what_runs_has_no_kernel_image(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    (machine.folder / f"efi/EFI/Linux/parallax_{RUNNING}.efi").unlink()
    expect_refused(machine, "nothing there is touched", result="failed")


def test_a_device_in_use_is_not_written(machine, publisher, keys, tmp_path):
    """Were the slot's name that of a device in use after all: the kernel refuses."""
    disk, mounted = tmp_path / "disk", tmp_path / "mounted"
    with open(disk, "wb") as file:
        file.truncate(4 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    made = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True,
                          check=False)
    if made.returncode != 0:
        pytest.skip(f"no loop devices: {made.stderr}")
    loop = Path(made.stdout.strip())
    mounted.mkdir()
    try:
        number = os.stat(loop).st_rdev
        machine.slot.unlink()
        os.mknod(machine.slot, 0o600 | 0o060000, number)
        publisher.put()
        publisher.sign(keys / "ours.key")
        assert f"version {NEWER} is to be installed" in machine.update("--check")
        subprocess.run(["mount", loop, mounted], check=True)
        try:
            expect_refused(machine, "Device or resource busy", result="failed")
        finally:
            subprocess.run(["umount", mounted], check=True)
        files = publisher.put()
        publisher.sign(keys / "ours.key")
        machine.update()
        assert disk.read_bytes()[:SLOT // 2] == files["root"]
    finally:
        subprocess.run(["losetup", "--detach", loop], check=True)


# -- servers


def _send(handler, status, headers=(), octets=b""):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(octets)


def _endless(handler):
    _send(handler, 200)
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass


def _elsewhere(location):
    return lambda handler: _send(handler, 302, [("Location", location)])


@pytest.mark.parametrize("suffix, way, says", [
    (".update", lambda handler: _send(handler, 404), "404"),
    (".update", _endless, "it is no manifest"),
    (".update", _elsewhere("/again.update"), "redirects"),
    (".update", _elsewhere("file:///etc/passwd"), "rotocol"),
    (".update", lambda handler: _send(handler, 200, [("Content-Length", "0")]), "no manifest"),
    (".efi", lambda handler: _send(handler, 404), "404"),
    (".efi", _endless, "there is more of it"),
    (".efi", lambda handler: _send(handler, 200, [("Content-Length", "5")], b"short"),
     "it ends before the size"),
    (".efi", lambda handler: _send(handler, 200, [("Content-Length", "20000")], b"x" * 20000),
     "it has not the SHA-256"),
])
def test_bad_servers(machine, publisher, keys, suffix, way, says):
    publisher.put()
    publisher.sign(keys / "ours.key")
    publisher.ways[suffix] = way
    before = machine.snapshot()
    assert says in machine.update(status=1)
    assert machine.snapshot() == before
    publisher.ways.clear()
    machine.update()
    assert f"parallax_{NEWER}+3.efi" in machine.kernels


def test_nobody_there(machine):
    machine.configure("http://127.0.0.1:9/")
    expect_refused(machine, "127.0.0.1", result="failed")


def test_another_folder_after_a_redirect(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    (publisher.folder / "moved").mkdir()
    for path in list(publisher.folder.glob("*.root")):
        path.rename(publisher.folder / "moved" / path.name)
    publisher.ways[".root"] = lambda handler: (
        _elsewhere("/moved" + handler.path)(handler) if "/moved" not in handler.path else
        http.server.SimpleHTTPRequestHandler.do_GET(handler))
    machine.update()
    assert f"parallax_{NEWER}+3.efi" in machine.kernels


def test_killed_in_the_middle(machine, publisher, keys):
    """The file comes to a halt half way, and the machine is switched off."""
    files = publisher.put()
    publisher.sign(keys / "ours.key")
    halted = threading.Event()

    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(files["root"])))
        handler.end_headers()
        handler.wfile.write(files["root"][:60000])
        handler.wfile.flush()
        halted.wait(30)

    publisher.ways[".root"] = half
    with subprocess.Popen(machine.command(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        until(lambda: machine.slot.read_bytes()[:10000] == files["root"][:10000], 20)
        process.send_signal(signal.SIGKILL)
        process.wait()
    halted.set()
    assert machine.kernels == {f"parallax_{RUNNING}.efi"}
    publisher.ways.clear()
    machine.update()
    assert machine.slot.read_bytes()[:SLOT // 2] == files["root"]
    assert machine.kernels == {f"parallax_{RUNNING}.efi", f"parallax_{NEWER}+3.efi"}


# -- when


def test_a_window_that_is_hours_away(machine, publisher, keys):
    publisher.put()
    publisher.sign(keys / "ours.key")
    hour = (time.gmtime().tm_hour + 3) % 24
    machine.configure(publisher.url, window=f"{hour:02}:00-{hour:02}:30", spread_minutes=60)
    said = machine.update()
    at = re.search(r'waits for the restart.* at="?(\S+?)Z', said)
    assert at[1][11:13] == f"{hour:02}" and int(at[1][14:16]) < 30
    assert not machine.asks_for_restart
    assert f"parallax_{NEWER}+3.efi" in machine.kernels


def test_a_moment_that_is_near_is_waited_for(machine, publisher, keys):
    """Three seconds from now, found by trying codes."""
    publisher.put()
    publisher.sign(keys / "ours.key")
    import hashlib  # pylint: disable=import-outside-toplevel
    code = next(code for code in map(str, range(100000)) if int.from_bytes(
        hashlib.sha256(code.encode()).digest()[:8], "big") % 3600 == 3)
    machine.configure(publisher.url, spread_minutes=60, code=code)
    began = time.time()
    machine.update()
    assert machine.asks_for_restart
    assert 2 <= time.time() - began < 10


@pytest.mark.parametrize("settings, says", [
    ({"window": "2:00"}, "window: expected two times of the day"),
    ({"spread_minutes": 1441}, "spread_minutes: expected"),
    ({"url": "ftp://a/"}, "url: expected a URL"),
    ({"url": "http://a/?b"}, "url: expected the URL of a folder"),
    ({"uri": "http://a/"}, "uri"),
])
def test_wrong_settings(machine, publisher, settings, says):
    machine.configure(**{"url": publisher.url, **settings})
    expect_refused(machine, says, result="off")


def test_arguments(machine):
    for arguments in (["--all"], ["--root"], ["x"]):
        ran = subprocess.run([Path(machine.build, "mpic-update"), *arguments], capture_output=True,
                             text=True, timeout=20, check=False)
        assert ran.returncode == 2 and "no such argument" in ran.stderr


# -- sign-update


@pytest.mark.parametrize("arguments, says", [
    ([], "which folder"),
    (["DIR"], "--key FILE is needed"),
    (["--key", "KEY", "DIR", "DIR"], "one folder at a time"),
    (["--key"], "lacks its operand"),
    (["--key", "KEY", "--version", "1.x", "DIR"], "expected numbers"),
    (["--key", "KEY", "--version", "3", "DIR"], "no such file"),
    (["--key", "KEY", "--minimum", "latest", "DIR"], "expected numbers"),
    (["--key", "KEY", "--expires", "soon", "DIR"], "expected a number of days"),
    (["--key", "KEY", "--channel", "../x", "DIR"], "expected a name, no path"),
    (["--key", "KEY", "--image", "../x", "DIR"], "expected letters"),
    (["--key", "/dev/null", "DIR"], "cannot sign"),
    (["--key", "KEY", "/nowhere"], "no such folder"),
    (["--sign", "KEY", "DIR"], "no such option"),
])
def test_signing_faults(publisher, keys, arguments, says):
    publisher.put()
    words = [{"DIR": publisher.folder, "KEY": keys / "ours.key"}.get(word, word)
             for word in arguments]
    ran = subprocess.run([TOP / "appliance/sign-update", *words], capture_output=True, text=True,
                         check=False)
    assert ran.returncode == 1 and says in ran.stderr
    assert not list(publisher.folder.glob("*.update"))


def test_several_versions_in_a_folder(publisher, keys):
    publisher.put()
    for suffix in ("root", "efi"):
        (publisher.folder / f"{IMAGE}_2026.1.{suffix}").write_bytes(b"x" * 4096)
    ran = subprocess.run([TOP / "appliance/sign-update", "--key", keys / "ours.key",
                          publisher.folder], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "name one with --version" in ran.stderr
    assert 'version: "2026.1"' in publisher.sign(
        keys / "ours.key", options=["--version", "2026.1"]).read_text()


# -- mpic-appliance ready


class Says(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, text = self.server.answers(self.path)
        octets = text.encode()
        _send(self, status, [("Content-Length", str(len(octets)))], octets)

    def log_message(self, *_):
        """Nobody wants to know."""


@pytest.fixture
def serve():
    """serve(port, answers): answers(path) gives status and text."""
    servers = []

    def start(port, answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Says)
        server.daemon_threads, server.answers = True, answers
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def ready(machine):
    """Starts `mpic-appliance ready`; it is gone after the test."""
    started = []
    machine.write("proc/meminfo", "MemTotal:         371000 kB\nMemFree: 1 kB\n"
                                  "MemAvailable:     280000 kB\n")

    def start(*arguments, trial=False):
        if trial:
            machine.write(f"sys/firmware/efi/efivars/{COUNTED}", "")
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [Path(machine.build, "mpic-appliance"), "ready", "--root", machine.folder, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process
    yield start
    for process in started:
        process.kill()
        process.communicate()


def _perspective(path):
    if path == "/metrics":
        return 200, "# HELP x X.\nmpic_tls_certificate_expires_seconds 1803117600\n"
    return 200, '{"status":"ready","resolver":"unbound 1.22.0"}'


def test_a_machine_that_serves(machine, ready, serve):
    serve(8080, _perspective)
    said = ready().communicate(timeout=20)[0]
    assert re.fullmatch(
        r"parallax: ready after \d+ s, 89 MiB of 362 MiB memory in use; "
        rf"{IMAGE} {RUNNING}(?:; at [0-9a-f.:, ]+)?; certificate until 2027-02-20T10:00:00Z\n", said)
    status = (machine.folder / "run/mpic-ready/status").read_text()
    assert f'mpic_image_info{{image="{IMAGE}",version="{RUNNING}"}} 1\n' in status
    assert "mpic_update_failed 0\n" in status and "notice" not in status


def test_a_version_on_trial_that_does_not_serve(machine, ready, serve):
    serve(8080, lambda path: (503, '{"status":"not-ready","resolver":null,"detail":"no module"}'))
    process = ready("--limit", "2", trial=True)
    began = time.monotonic()
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert 1.5 < time.monotonic() - began < 6
    assert f"version {RUNNING} is on trial and has failed: not ready after 2 s: no module" in said
    assert "parallax: ready" not in said
    failed = (machine.folder / "state/update/failed").read_text()
    assert failed == f"{RUNNING} not ready after 2 s: no module\n"


def test_the_limit_of_the_kernels_command_line(machine, ready):
    machine.write("proc/cmdline", "ro mpic.version=3 mpic.ready=1 quiet\n")
    assert "not ready after 1 s" in ready(trial=True).communicate(timeout=20)[0]
    machine.write("proc/cmdline", "ro xmpic.ready=1 quiet\n")
    with pytest.raises(subprocess.TimeoutExpired):
        ready(trial=True).wait(3)


def test_a_version_that_is_not_on_trial_goes_on_waiting(ready, serve):
    process = ready("--limit", "1")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(4)
    serve(8080, _perspective)
    assert process.wait(10) == 0


def test_what_is_the_operators_does_not_count(ready, serve):
    """A document with faults, a clock that nobody sets: another version would wait as well."""
    notice = serve(8443, lambda path: (503, "This perspective is not ready."))
    process = ready("--limit", "2", trial=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    notice.shutdown()
    notice.server_close()
    assert process.wait(10) == 1


def test_after_a_version_failed(machine, ready, serve):
    serve(8080, _perspective)
    machine.write(f"efi/EFI/Linux/parallax_{NEWER}+0-3.efi", "kernel")
    machine.write("state/update/failed", f"{NEWER} not ready after 300 s: no module\n")
    said = ready().communicate(timeout=20)[0]
    sentence = (f"version {NEWER} did not become ready in 3 starts: not ready after 300 s: "
                f"no module; {RUNNING} runs again\n")
    assert "mpic-appliance ready: " + sentence in said
    assert "mpic_" not in said.replace("mpic-appliance", "")
    status = (machine.folder / "run/mpic-ready/status").read_text()
    assert "# notice " + sentence in status and "mpic_update_failed 1\n" in status
    # what it said of another version is not taken for this one's
    machine.write("state/update/failed", "2026.1.1 another reason\n")
    assert "another reason" not in ready().communicate(timeout=20)[0]


@pytest.mark.parametrize("arguments", [["--limit"], ["--limit", "x"], ["--limit", "0"], ["--all"]])
def test_wrong_arguments(ready, arguments):
    assert ready(*arguments).wait(10) == 2
