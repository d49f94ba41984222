"""A machine that boots an image under QEMU, one at a time on a computer.

    with Machine(image, folder, cloud, credentials=...) as guest:
        guest.wait_for("parallax: ready")

The image itself is never written to: each machine has an overlay of it. What the serial console
says is in FOLDER/console.log and stays there; a failure shows the end of it. Whatever happens,
QEMU is gone after LIMIT_S, or with the process that started it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import warnings
from pathlib import Path

import cloud as clouds
import qemu
from mininet import processes

LIMIT_S = 300
READY_S = 180
SHOWN_LINES = 40
# A breakpoint that no byte in memory is: the kernel changes its code through one, and an emulator
# of two processors (QEMU 7.2) now and then runs what it translated before. The kernel's panic has
# nothing to do with the image; the machine would begin again, as it does here.
STALE_CODE = "Oops: int3"
STALE_BOOTS = 3
LOCK = Path(os.environ.get("MPIC_QEMU_LOCK") or
            Path(tempfile.gettempdir()) / f"parallax-qemu-{os.getuid()}.lock")


class Failed(AssertionError):
    """What was waited for did not come; the text ends with what the console said."""


@contextlib.contextmanager
def alone():
    """Machines run one after the other, whoever starts them: each takes both cores."""
    with open(LOCK, "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start():
    processes.die_with_parent(signal.SIGKILL)


def overlay(image, path):
    """A disk that begins as the image, which stays as it is."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", Path(image).resolve(),
                    "-F", "raw", path], check=True)
    return path


class Machine:
    """One machine: its disk and firmware variables outlive each time that it is on."""

    def __init__(self, image, folder, cloud=None, limit_s=LIMIT_S, **hardware):
        """image may be None; hardware is what qemu.Hardware has."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.console = folder / "console.log"
        self.cloud = cloud
        self.limit_s = limit_s
        self.output = folder / "qemu.log"
        nvram = folder / "nvram.fd"
        given = hardware.pop("variables", None)
        secure = hardware.get("secure_boot", False)
        shutil.copy(given or (qemu.SECURE if secure else qemu.PLAIN)[1], nvram)
        self.hardware = qemu.Hardware(
            console=self.console, nvram=nvram,
            disk=overlay(image, folder / "disk.qcow2") if image else None,
            network=(qemu.tap(clouds.TAP, clouds.GUEST_MAC) if cloud else ("-nic", "none")),
            **hardware)
        self.process = None
        self.began = None      # time.monotonic() of power-on
        self._mark = 0         # where in the console's file this boot begins
        self._stale = 0        # boots that ended for STALE_CODE
        self._lock = None
        self._timer = None

    def __enter__(self):
        self.power_on()
        return self

    def __exit__(self, *_):
        self.power_cut()

    # -- power

    def power_on(self):
        self._lock = contextlib.ExitStack()
        self._lock.enter_context(alone())
        self._mark = self.console.stat().st_size if self.console.exists() else 0
        command = self.hardware.command()
        if self.cloud:
            command = self.cloud.inside(*command)
        with open(self.output, "ab") as output:
            self.began = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, preexec_fn=_start)
        self._timer = threading.Timer(self.limit_s, self.process.kill)
        self._timer.daemon = True
        self._timer.start()

    def power_cut(self):
        """As when the plug is pulled: QEMU gets no chance to write anything more."""
        if not self.process:
            return
        self._timer.cancel()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        self._lock.close()

    def since_power_on(self):
        """Seconds."""
        return time.monotonic() - self.began

    @property
    def is_on(self):
        return self.process is not None and self.process.poll() is None

    def wait_off(self, timeout_s):
        """Waits until the guest has switched itself off; the seconds since power-on."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.fail(f"it was still on after {timeout_s} s")
        return self.since_power_on()

    # -- what it says

    def said(self):
        """What the console has said since power-on."""
        if not self.console.exists():
            return ""
        with open(self.console, "rb") as console:
            console.seek(self._mark)
            return console.read().decode("utf-8", "replace").replace("\r", "")

    def wait_for(self, text, timeout_s=READY_S, never=()):
        """Waits until the console has said it; fails at once on what must never be said."""
        self.wait_until(lambda: text in self.said() or self._never(never), timeout_s,
                        f"the console to say {text!r}")

    def _never(self, texts):
        for text in texts:
            if text in self.said():
                self.fail(f"the console said {text!r}")
        return False

    def wait_until(self, true, timeout_s, what):
        """What true() gave at last, asked while the machine is on; the seconds are this boot's."""
        deadline = time.monotonic() + timeout_s
        while not (got := true()):
            if not self.is_on:
                if not self._begin_again():
                    self.fail(f"it went off before {what}: {self.output.read_text()}")
                deadline = time.monotonic() + timeout_s
            if time.monotonic() > deadline:
                self.fail(f"waited {timeout_s} s for {what}")
            time.sleep(0.1)
        return got

    def _begin_again(self):
        """Whether it is the emulator's fault that it went off, and it is on again."""
        if STALE_CODE not in self.said() or self._stale == STALE_BOOTS:
            return False
        self._stale += 1
        warnings.warn("QEMU ran stale code of the kernel's: the machine is on again, "
                      f"time {self._stale} of {STALE_BOOTS}")
        self.power_cut()
        self.power_on()
        return True

    def fail(self, why):
        lines = self.said().splitlines()[-SHOWN_LINES:]
        raise Failed("\n".join([f"{why}; all the console said is in {self.console}, its end:",
                                *lines]))
