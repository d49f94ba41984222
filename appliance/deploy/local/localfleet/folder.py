"""The folder of a fleet, and which of its processes run."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

STOP_S = 10


class Failed(Exception):
    """What keeps the fleet from coming up, as a sentence."""


def _began(pid):
    """When a process started, by the kernel's count: its number may be another's later."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def _alive(part):
    """A zombie, which is its parent's to collect, is none."""
    try:
        stat = Path(f"/proc/{part['pid']}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z" and _began(part["pid"]) == part["began"]


class Folder:
    """fleet.json in it says what was started: {code, port, pid, began} each."""

    def __init__(self, path):
        self.path = Path(path).resolve()
        self._file = self.path / "fleet.json"
        self.parts = json.loads(self._file.read_text()) if self._file.exists() else []

    def running(self):
        return [part for part in self.parts if _alive(part)]

    def part(self, code):
        return next((part for part in self.running() if part["code"] == code), None)

    def start(self, code, port, command, output):
        """Starts a process that outlives this one; what it says goes to the file `output`."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(output, "ab") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=file, start_new_session=True)
        self.parts = self.running() + [{"code": code, "port": port, "pid": process.pid,
                                        "began": _began(process.pid)}]
        self._file.write_text(json.dumps(self.parts, indent=1) + "\n", encoding="ascii")
        return process

    def end_all(self):
        """How many there were to end."""
        parts = self.running()
        for number, wait_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            for part in self.running():
                os.kill(part["pid"], number)
            end = time.monotonic() + wait_s
            while self.running() and time.monotonic() < end:
                time.sleep(0.05)
        return len(parts)
