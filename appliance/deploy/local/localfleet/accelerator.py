"""Whether KVM works here: /dev/kvm may be there, start a machine, and hang in its firmware."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import qemu

# By KVM, firmware that finds no disk says so within two or three seconds.
LIMIT_S = 15


def runs(name, limit_s=LIMIT_S):
    """Whether a guest's firmware gets as far as its console."""
    with tempfile.TemporaryDirectory() as folder:
        console, nvram = Path(folder, "console"), Path(folder, "nvram")
        shutil.copy(qemu.PLAIN[1], nvram)
        command = qemu.Hardware(console=console, nvram=nvram, memory_mib=256,
                                accelerator=name).command()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            return _speaks(process, console, time.monotonic() + limit_s)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _speaks(process, console, end):
    while process.poll() is None and time.monotonic() < end:
        if console.exists() and console.stat().st_size > 0:
            return True
        time.sleep(0.05)
    return False


def best():
    return "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and runs("kvm") else "tcg"
