"""One perspective: a virtual machine that boots the image with a document of its own."""

import os
import shutil
import subprocess
import time

import qemu

from . import asking
from .folder import Failed

API_PORT = 8443
# The hypervisor's clock is this machine's.
DOCUMENT_END = "clock: hypervisor\n"
SHOWN_LINES = 20


def network(port):
    """The guest reaches out through this process, and is reached at one port of 127.0.0.1."""
    return ("-netdev", f"user,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:{port}-:{API_PORT}",
            "-device", "virtio-net-pci,netdev=net,romfile=")


class Guest:
    """A perspective of a fleet; `row` is its line for the coordinator, once it was started."""

    def __init__(self, home, papers, code, port):
        self.home, self.papers, self.code, self.port = home, papers, code, port
        self.folder = home.path / code.replace(":", "-")
        self.row = None

    def start(self, image, memory_mib, accelerator, document_end):
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        document, self.row = self.papers.document(self.code, f"127.0.0.1:{self.port}",
                                                  DOCUMENT_END + document_end)
        disk, nvram = self.folder / "disk.qcow2", self.folder / "nvram.fd"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image.resolve(),
                        "-F", "raw", disk], check=True)
        shutil.copy(qemu.PLAIN[1], nvram)
        self.console.unlink(missing_ok=True)
        hardware = qemu.Hardware(
            console=self.console, nvram=nvram, disk=disk, memory_mib=memory_mib,
            accelerator=accelerator, processors=min(2, os.cpu_count() or 1),
            credentials=(self._credential(document),),
            network=network(self.port))
        self.home.start(self.code, self.port, hardware.command(), self.folder / "qemu.log")

    @property
    def console(self):
        return self.folder / "console.log"

    def _credential(self, text):
        """The document holds keys: nobody else reads the file from its first moment on."""
        path = self.folder / "document.smbios"
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return qemu.credential(path, "mpic.document", text)

    def state(self):
        if not self.home.part(self.code):
            return "off"
        return asking.state(self.port, self.papers.context(self.papers.coordinator()))

    def fail(self, why):
        said = self.console.read_text(errors="replace") if self.console.exists() else ""
        raise Failed("\n".join([f"{self.code}: {why}; the end of {self.console}:",
                                *said.splitlines()[-SHOWN_LINES:]]))


def wait_all(guests, limit_s):
    """Gives each with the seconds it took as it becomes ready."""
    began, waiting, states = time.monotonic(), list(guests), {}
    while waiting:
        for one in list(waiting):
            states[one.code] = one.state()
            if states[one.code] == "off":
                one.fail(f"QEMU ended: {(one.folder / 'qemu.log').read_text().strip()}")
            if states[one.code] == "ready":
                waiting.remove(one)
                yield time.monotonic() - began, one
        if waiting and time.monotonic() - began > limit_s:
            waiting[0].fail(f"not ready after {limit_s} s ({states[waiting[0].code]})")
        time.sleep(0.2)
