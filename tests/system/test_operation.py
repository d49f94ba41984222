"""How the daemons are operated: traces in every line, the journal, the service manager, its units."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from daemons import children, until
from minifleet import pki
from service_manager import Manager

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def fleet_options():
    """info has a line for each check."""
    return "--set", "httpcheck.log_level=info", "--set", "httpcheck.log_json=true"


# -- traces


def request(name, **more):
    return {"check_type": "caa", "domain_or_ip_target": name,
            "caa_check_parameters": {"certificate_type": "tls-server", "caa_domains": ["ca1.com"]},
            **more}


def ask(caller, body, *headers):
    """(status, answer) of a POST with these headers."""
    connection = caller.connect()
    text = json.dumps(body).encode()
    connection.putrequest("POST", "/mpic")
    for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(text))),
                        *headers):
        connection.putheader(name, value)
    connection.endheaders(text)
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    connection.close()
    return reply.status, answer


def perspective_lines(fleet, trace):
    """{code: its log lines that are in this trace}."""
    found = {}
    logs = Path(fleet.parts["perspectives"][0]["folder"]).parent / "log"
    for log in logs.glob("*-httpcheck.log"):
        for line in log.read_text(encoding="utf-8").splitlines():
            if trace in line:
                found.setdefault(json.loads(line)["perspective"], []).append(json.loads(line))
    return found


def test_a_trace_is_carried_from_the_caller_into_every_line(fleet, started, tmp_path):
    daemon, caller = started(audit_dir=str(tmp_path))
    status, answer = ask(caller, request("permit.com"), ("traceparent", PARENT),
                         ("tracestate", "rojo=1"))
    assert (status, answer["trace_id"]) == (200, TRACE)
    assert [line["trace_id"] for line in daemon.lines("attempt")] == [TRACE]
    (log,) = tmp_path.iterdir()
    written = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    records = [line for line in written if line["event"] in ("result", "verdict")]
    assert len(records) == 7
    assert {line["trace_id"] for line in records} == {TRACE}
    until(lambda: len(perspective_lines(fleet, TRACE)) == 6)
    seen = perspective_lines(fleet, TRACE).values()
    assert all([line["trace_id"] for line in lines] == [TRACE] for lines in seen)
    spans = {lines[0]["span_id"] for lines in seen}
    assert len(spans) == 6 and PARENT.split("-")[2] not in spans


@pytest.mark.parametrize("headers", (
    (), (("traceparent", "00-" + TRACE),), (("traceparent", PARENT.upper()),),
    (("traceparent", PARENT + "-more"),), (("traceparent", PARENT.replace("00-", "ff-", 1)),),
    (("traceparent", PARENT.replace(TRACE, "0" * 32)),),
    (("traceparent", PARENT), ("traceparent", PARENT))))
def test_a_request_without_a_sound_traceparent_gets_a_trace(started, headers):
    daemon, caller = started()
    status, answer = ask(caller, request("permit.com"), *headers)
    assert (status, answer["is_valid"]) == (200, True)
    assert ID.fullmatch(answer["trace_id"]) and answer["trace_id"] != TRACE
    assert daemon.lines("attempt")[0]["trace_id"] == answer["trace_id"]


def test_a_later_version_of_traceparent_is_understood(caller):
    later = PARENT.replace("00-", "cc-", 1) + "-what-may-come"
    assert ask(caller, request("permit.com"), ("traceparent", later))[1]["trace_id"] == TRACE


def test_a_refusal_is_in_its_trace(started):
    daemon, caller = started()
    status, answer = ask(caller, {**request("permit.com"), "check_type": "none"},
                         ("traceparent", PARENT))
    assert status == 400
    (line,) = daemon.lines("refused")
    assert line["trace_id"] == TRACE and "check_type" in line["why"]


def test_an_alarm_is_in_its_trace(coordinators, started, tmp_path):
    rows = coordinators.perspectives(*range(6))
    pki.signing_key(str(tmp_path / "other.key"), str(tmp_path / "other.pub"))
    rows[0]["verify_key"] = str(tmp_path / "other.pub")
    daemon, caller = started(perspectives=rows)
    status, answer = ask(caller, request("permit.com"), ("traceparent", PARENT))
    assert (status, answer["quorum"]) == (200, "5/6")
    (line,) = daemon.lines("a result was discarded: it may be forged")
    assert (line["trace_id"], line["perspective"]) == (TRACE, rows[0]["code"])


# -- the journal

# A machine whose systemd-journald writes what it takes into a file, then the daemon.
JOURNAL = r"""
import os, socket, struct, subprocess, sys, threading
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
def take():
    with open(sys.argv[1], "ab", buffering=0) as file:
        while True:
            entry = journal.recv(1 << 18)
            file.write(struct.pack("<I", len(entry)) + entry)
threading.Thread(target=take, daemon=True).start()
daemon = subprocess.Popen(sys.argv[2:])
import signal
signal.signal(signal.SIGTERM, lambda *_: daemon.terminate())
sys.exit(daemon.wait())
"""


def fields(entry):
    """The fields of an entry in the journal's native protocol."""
    found = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", entry[:8])
            value, entry = entry[8:8 + length], entry[9 + length:]
        found[name.decode()] = value.decode()
    return found


def entries(path):
    data = path.read_bytes() if path.exists() else b""
    found = []
    while data:
        (length,) = struct.unpack("<I", data[:4])
        found.append(fields(data[4:4 + length]))
        data = data[4 + length:]
    return found


def test_the_journal_has_the_fields_of_a_line(coordinators, tmp_path):
    taken = tmp_path / "journal"
    options = coordinators.options(log_target="journal")
    command = coordinators.command(options)
    process = subprocess.Popen(["unshare", "-m", sys.executable, "-c", JOURNAL, str(taken),
                                *command], stderr=subprocess.PIPE, text=True)
    try:
        ready = until(lambda: [e for e in entries(taken) if e["MESSAGE"].startswith("ready ")], 15,
                      lambda: process.poll() is None or pytest.fail(process.stderr.read()))
        assert ready[0]["SYSLOG_IDENTIFIER"] == "mpic-coordinator"
        host, _, port = options["listen"].rpartition(":")

        class Started:
            address = (host, int(port))

        ask(coordinators.caller(Started, plain=True), request("permit.com"),
            ("traceparent", PARENT))
        (attempt,) = until(lambda: [e for e in entries(taken) if e.get("MPIC_TRACE_ID") == TRACE])
        assert attempt["PRIORITY"] == "5"
        assert (attempt["MPIC_TARGET"], attempt["MPIC_OUTCOME"]) == ("permit.com", "valid")
        assert attempt["MESSAGE"].startswith("attempt outcome=valid check=caa target=permit.com ")
    finally:
        process.terminate()
        process.wait(20)
    assert process.stderr.read() == ""


def test_without_a_journal_lines_go_to_stderr(coordinators, started):
    if os.path.exists("/run/systemd/journal/socket"):
        pytest.skip("this machine has a journal")
    daemon, caller = started(log_target="journal")
    assert daemon.lines("the journal cannot be reached: log lines go to stderr")
    caller.check("permit.com")
    assert daemon.lines("attempt")


def test_a_target_that_is_none(coordinators):
    ended = coordinators.run(coordinators.options(log_target="syslog"), "--check")
    assert ended.returncode != 0
    assert 'log_target: expected stderr or journal, found "syslog"' in ended.stderr


# -- the service manager


def test_the_service_manager_is_told(coordinators, tmp_path):
    """Ready, reloading and stopping; and that all is well, unless a worker hangs."""
    manager = Manager(tmp_path / "notify", 2000)
    options = coordinators.options(workers=2)
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(coordinators.command(options), env=manager.environment,
                                   stderr=log)
        try:
            until(lambda: any(one.startswith("READY=1\n") for one in manager.told), 15)
            assert f"READY=1\nSTATUS=serving on {options['listen']}" in manager.told
            assert 3 <= manager.beats(2.2) <= 6
            manager.told.clear()
            process.send_signal(signal.SIGHUP)
            until(lambda: any(one.startswith("READY=1\n") for one in manager.told))
            assert manager.told[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
            hung = children(process.pid)[1]
            os.kill(hung, signal.SIGSTOP)
            try:
                manager.beats(1.6)
                assert manager.beats(2) == 0
                assert "a worker hangs" in (tmp_path / "log").read_text(encoding="utf-8")
            finally:
                os.kill(hung, signal.SIGCONT)
            until(lambda: manager.beats(0.5) > 0)
            os.kill(hung, signal.SIGKILL)
            until(lambda: "STATUS=1 of 2 workers serve" in manager.told)
            until(lambda: "STATUS=2 of 2 workers serve" in manager.told)
        finally:
            process.terminate()
            assert process.wait(20) == 0
    until(lambda: any(one.startswith("STOPPING=1\n") for one in manager.told))


# -- units


UNITS = ("mpic-coordinator.service", "mpic-httpcheck.service")


@pytest.fixture
def units(build_dir, tmp_path):
    """The example units, for the programs that were built. The manual is not installed."""
    if not shutil.which("systemd-analyze"):
        pytest.fail("systemd-analyze is not there (Debian package systemd)")
    for name in UNITS:
        text = (build_dir / "conf" / "systemd" / name).read_text(encoding="utf-8")
        assert "@sbindir" not in text and "@sysconfdir" not in text
        text = re.sub(r"^ExecStart=\S*/", f"ExecStart={build_dir}/", text, flags=re.MULTILINE)
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [str(tmp_path / name) for name in UNITS]


def test_units_are_sound(units):
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True,
                          check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_units_give_up_what_they_can(units):
    for unit in units:
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                               unit], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_unbounds_unit_gives_up_what_it_can(build_dir):
    unit = build_dir / "conf/systemd/mpic-unbound.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                           unit], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_units_hold_what_the_daemons_count_on(units):
    for unit in units:
        text = Path(unit).read_text(encoding="utf-8")
        settings = dict(line.split("=", 1) for line in text.splitlines()
                        if "=" in line and not line.startswith("#"))
        assert settings["Type"] == "notify" and int(settings["WatchdogSec"]) >= 10
        # The shell's own kill: that of procps may not be there.
        assert settings["ExecReload"] == "/bin/sh -c 'kill -HUP ${MAINPID}'"
        assert settings["KillMode"] == "mixed" and int(settings["TimeoutStopSec"]) > 63
        assert "LoadCredential=tls_key:" in text
