"""Parts of the appliance as units of their own: the fetcher behind a socket, Unbound watched."""

import concurrent.futures
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import dcv
from daemons import alive, children, until
from service_manager import Manager
from dcv import Case, http01
from minifleet import configs
from perspective import PROFILE, Perspective

PAGE = Case("page.web.com", http01())
SILENT = Case("silent.web.com", http01(), deadline_ms=4000)


@pytest.fixture(scope="module")
def perspective(build_dir, unbound_prefix, world, tmp_path_factory):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("parts")) as running:
        running.start_unbound()
        yield running


# -- the fetcher behind a socket


class FetcherSocket:
    """mpic-fetcher.socket by systemd's own program, which becomes the keeper of fetchers."""

    def __init__(self, build, folder):
        self.path = str(folder / "socket")
        self.build = build
        self.log = folder / "socket.log"
        self.process = None

    def start(self, watchdog_ms=30000):
        # a crash is to be one, not a report of the sanitizer's
        asan = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"
        self.command = ["systemd-socket-activate", "-l", self.path, "-E", f"ASAN_OPTIONS={asan}",
                        "-E", f"WATCHDOG_USEC={watchdog_ms * 1000}",
                        str(self.build / "mpic-httpcheck"), "--fetcher"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log)
        until(lambda: os.path.exists(self.path))

    def stop(self):
        """It takes its fetchers along."""
        if self.process:
            fetchers = self.fetchers()
            self.process.terminate()
            self.process.wait(10)
            assert not any(alive(pid) for pid in fetchers)
            self.process = None
            os.unlink(self.path)

    def fetchers(self):
        return [child for child in children(self.process.pid) if alive(child)]


@pytest.fixture
def fetcher_socket(build_dir, tmp_path):
    if not shutil.which("systemd-socket-activate"):
        pytest.fail("systemd-socket-activate is not there (Debian package systemd)")
    made = FetcherSocket(build_dir, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def started(perspective):
    with perspective.for_a_test() as start:
        yield start


def _ready(client):
    reply = client.ask("/readyz")
    return (reply.status, reply.json["status"], reply.json.get("detail"))


NOT_THERE = (503, "not-ready", "the process that talks to applicants' servers is not there")
THERE = (200, "ready", None)


def test_checks_through_a_fetcher_of_a_unit_of_its_own(fetcher_socket, started):
    """Each worker has one, none is a child of a worker's, and each says what confines it."""
    fetcher_socket.start()
    daemon, client = started(workers=2, fetcher_socket=fetcher_socket.path)
    until(lambda: _ready(client) == THERE)
    dcv.judge(PAGE, dcv.ask(client, PAGE))
    until(lambda: len(fetcher_socket.fetchers()) == 2)
    for worker in daemon.workers():
        assert not children(worker)
    greetings = until(lambda: len(daemon.lines("a fetcher was started")) == 2 and
                      daemon.lines("a fetcher was started"))
    for line in greetings:
        assert line["socket"] == fetcher_socket.path
        assert "seccomp" in line["confined"] or "sanitizers" in line["confined"]


def test_a_fetcher_of_a_unit_of_its_own_that_dies(fetcher_socket, started):
    """What it was doing ends as fetcher-died, to be retried; the next check has another one."""
    fetcher_socket.start()
    daemon, client = started(workers=1, fetcher_socket=fetcher_socket.path)
    until(lambda: _ready(client) == THERE)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(dcv.ask, client, SILENT) for _ in range(5)]
        time.sleep(0.5)
        (fetcher,) = fetcher_socket.fetchers()
        os.kill(fetcher, signal.SIGKILL)
        for future in waiting:
            problem = future.result()["problem"]
            assert (problem["code"], problem["fault"]) == ("fetcher-died", "perspective")
            assert problem["retryable"] is True
    dcv.judge(PAGE, dcv.ask(client, PAGE))
    assert fetcher_socket.fetchers() != [fetcher]
    (said,) = daemon.lines("the fetcher died and is started again")
    assert (said["by"], said["fetches"]) == ("connection closed", "5")
    assert list(client.metrics()["mpic_fetcher_restarts_total"].values()) == [1]


def test_a_crash_of_one_fetcher_touches_no_other_worker(fetcher_socket, started):
    fetcher_socket.start()
    daemon, client = started(workers=2, fetcher_socket=fetcher_socket.path)
    until(lambda: _ready(client) == THERE)
    one, other = fetcher_socket.fetchers()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(dcv.ask, client, SILENT) for _ in range(20)]
        time.sleep(1)
        os.kill(one, signal.SIGSEGV)
        problems = [future.result()["problem"]["code"] for future in waiting]
    # connections are given to workers by chance: some to each
    assert set(problems) == {"fetcher-died", "http-timeout"}
    (said,) = daemon.lines("the fetcher died and is started again")
    assert int(said["fetches"]) == problems.count("fetcher-died")
    until(lambda: _ready(client) == THERE)
    assert one not in fetcher_socket.fetchers() and other in fetcher_socket.fetchers()
    assert f'a fetcher ended pid={one} by="signal 11"\n' in \
        fetcher_socket.log.read_text(encoding="utf-8")


def test_a_fetcher_that_hangs_is_killed(fetcher_socket, started):
    """Without a check that would show it; its worker has another one then."""
    fetcher_socket.start(watchdog_ms=3000)
    _daemon, client = started(workers=2, fetcher_socket=fetcher_socket.path)
    until(lambda: _ready(client) == THERE)
    one, other = fetcher_socket.fetchers()
    os.kill(one, signal.SIGSTOP)
    until(lambda: not alive(one), 15)
    until(lambda: _ready(client) == THERE)
    assert other in fetcher_socket.fetchers() and len(fetcher_socket.fetchers()) == 2
    assert f"a fetcher hung and was killed pid={one}\n" in \
        fetcher_socket.log.read_text(encoding="utf-8")
    dcv.judge(PAGE, dcv.ask(client, PAGE))


def test_without_anybody_at_the_socket_it_is_not_ready(fetcher_socket, started):
    """It serves what needs no fetcher, says what is missing, and goes on once it is there."""
    daemon, client = started(workers=1, fetcher_socket=fetcher_socket.path)
    assert _ready(client) == NOT_THERE
    said = daemon.lines("cannot reach a fetcher")
    assert said[0]["socket"] == fetcher_socket.path
    assert said[0]["reason"] == "No such file or directory"
    assert client.caa("ca1.com")["check_completed"] is True
    fetcher_socket.start()
    until(lambda: _ready(client) == THERE, 15)
    dcv.judge(PAGE, dcv.ask(client, PAGE))
    fetcher_socket.stop()
    until(lambda: _ready(client) == NOT_THERE)


def test_it_is_ready_when_each_worker_has_its_fetcher(fetcher_socket, started):
    """Whichever worker is asked, and never first yes and then no."""
    fetcher_socket.start()
    daemon, client = started(workers=2, fetcher_socket=fetcher_socket.path)
    until(lambda: _ready(client) == THERE)
    assert client.metrics()["mpic_fetchers"][""] == 2
    # kept from starting another one: a process that is stopped, and connections to it wait
    os.kill(fetcher_socket.process.pid, signal.SIGSTOP)
    os.kill(fetcher_socket.fetchers()[0], signal.SIGKILL)
    until(lambda: _ready(client) == NOT_THERE)
    # connections are given to workers by chance
    assert {_ready(client) for _ in range(20)} == {NOT_THERE}
    assert client.metrics()["mpic_fetchers"][""] == 1
    os.kill(fetcher_socket.process.pid, signal.SIGCONT)
    until(lambda: _ready(client) == THERE)
    assert {_ready(client) for _ in range(20)} == {THERE}


@pytest.mark.parametrize("options, fault", (
    ({"fetcher_socket": "/run/" + "x" * 120},
     "fetcher_socket: expected a path of at most 107 bytes, found 125"),
    ({"fetcher_socket": "/run/socket", "fetcher_user": "nobody"},
     "fetcher_user: with fetcher_socket the service manager decides whose process it is")))
def test_options_that_contradict(perspective, options, fault):
    ended = perspective.run(perspective.options(**options), "--check")
    assert ended.returncode != 0
    assert fault in ended.stderr


# -- Unbound, watched


ANCHOR = ". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WS ; keytag 20326\n"


@pytest.fixture
def image(tmp_path):
    """A root as an appliance has it, as far as it matters here."""
    for folder in ("state/unbound", "usr/share/dns", "own"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/share/dns/root.key").write_text(ANCHOR, encoding="ascii")
    return tmp_path


@pytest.fixture
def watched(build_dir, unbound_prefix, world, image):
    """(process, manager) of an Unbound that `mpic-appliance resolver` became, log in image/log."""
    address = configs.free_block(1)[0]
    parts = configs.Perspective("aws:eu-central-1", address, str(image / "own"), ())
    configs.write_unbound(parts, world.trust_anchor, str(build_dir / "unbound-module/mpic.so"),
                          [], [])
    manager = Manager(image / "notify", 900)
    with open(image / "log", "wb") as log:
        process = subprocess.Popen(
            [str(build_dir / "mpic-appliance"), "resolver", "--root", str(image), "--address",
             parts.resolver, "--", str(unbound_prefix / "sbin/unbound"), "-d", "-c",
             os.path.realpath(PROFILE)], cwd=image / "own", env=manager.environment, stderr=log)
    yield process, manager
    process.kill()
    process.wait()


def test_unbound_is_ready_when_it_answers_and_lives_while_it_does(watched, image):
    def log():
        return (image / "log").read_text(encoding="utf-8")

    process, manager = watched
    until(lambda: manager.told, 15)
    assert manager.told[0] == "READY=1\nSTATUS=answers"
    assert b"unbound" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert (image / "state/unbound/root.key").read_text(encoding="ascii") == ANCHOR
    assert 3 <= manager.beats(2) <= 8
    process.send_signal(signal.SIGSTOP)
    until(lambda: "Unbound does not answer\n" in log(), 15)
    assert manager.beats(1.5) == 0
    process.send_signal(signal.SIGCONT)
    until(lambda: manager.beats(0.5) > 0, 15)
    assert "the trust anchor is the image's: none was kept" in log()
    assert log().count("Unbound does not answer\n") == log().count("Unbound answers again\n") == 1


def test_whoever_watches_unbound_ends_with_it(watched):
    process, manager = watched
    until(lambda: manager.told, 15)
    (watcher,) = children(process.pid)
    # it is not told how to reach the manager: what it says would not be what is seen from outside
    assert b"NOTIFY_SOCKET" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    process.kill()
    process.wait()
    until(lambda: not alive(watcher))


@pytest.mark.parametrize("arguments, says", (
    (["resolver"], "which PROGRAM to become is missing"),
    (["resolver", "--"], "which PROGRAM to become is missing"),
    (["resolver", "--address", "localhost", "--", "/bin/true"], "--address: expected ADDR:PORT"),
    (["resolver", "--depth", "3", "--", "/bin/true"], "--depth: no such argument")))
def test_arguments_that_are_none(build_dir, arguments, says):
    ended = subprocess.run([build_dir / "mpic-appliance", *arguments], capture_output=True,
                           text=True, check=False, timeout=10)
    assert ended.returncode == 2 and says in ended.stderr


def test_an_unbound_that_is_not_there(build_dir, image):
    ended = subprocess.run([build_dir / "mpic-appliance", "resolver", "--root", image, "--",
                            "/nonexistent"], capture_output=True, text=True, check=False, timeout=10)
    assert ended.returncode == 1
    assert "cannot start /nonexistent: No such file or directory" in ended.stderr
