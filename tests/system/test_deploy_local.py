"""What appliance/deploy/local remembers of its processes, and what it says of those that answer
otherwise than it hopes. tests/image starts real ones."""

import http.server
import json
import os
import ssl
import sys
import threading
from pathlib import Path

import pytest

import daemons

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "appliance/deploy/local"))

# pylint: disable=wrong-import-position
from localfleet import asking, folder


@pytest.fixture
def home(tmp_path):
    made = folder.Folder(tmp_path / "fleet")
    yield made
    folder.Folder(tmp_path / "fleet").end_all()


def begin(home, code, *command):
    return home.start(code, 1, command, os.devnull)


def test_another_run_knows_what_was_started_and_ends_it(home):
    process = begin(home, "aws:eu-central-1", "sleep", "60")
    later = folder.Folder(home.path)
    assert later.part("aws:eu-central-1")["pid"] == process.pid
    assert later.end_all() == 1 and process.wait(5) == -15
    assert not later.running() and folder.Folder(home.path).end_all() == 0


def test_one_that_does_not_listen_is_killed(home, monkeypatch, tmp_path):
    monkeypatch.setattr(folder, "STOP_S", 1)
    output = tmp_path / "output"
    process = home.start("a", 1, ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"],
                         output)
    daemons.until(lambda: output.read_text() == "up\n")
    assert home.end_all() == 1 and process.wait(5) == -9


def test_a_process_that_has_the_number_of_one_that_ended_is_left_alone(home):
    process = begin(home, "a", "sleep", "60")
    rows = json.loads((home.path / "fleet.json").read_text())
    rows[0]["began"] = "1"
    (home.path / "fleet.json").write_text(json.dumps(rows))
    assert folder.Folder(home.path).end_all() == 0 and process.poll() is None
    process.kill()
    process.wait()


def test_its_folder_is_the_owners_alone(home):
    begin(home, "a", "true")
    assert home.path.stat().st_mode & 0o077 == 0


@pytest.fixture
def plain():
    """An appliance that waits for a better document."""
    class Notice(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            said = b"tls_key: expected a key\n"
            self.send_response(503)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Notice)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def test_what_an_appliance_says_before_it_serves_is_passed_on(plain):
    assert asking.state(plain, ssl.create_default_context()) == "not ready: tls_key: expected a key"


def test_nobody_there_is_said(plain):
    assert asking.state(1, ssl.create_default_context()).startswith("does not answer: ")
