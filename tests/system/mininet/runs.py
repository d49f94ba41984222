"""The folder a world keeps while it runs, and those that killed worlds left behind.

A running world holds a lock on the file `pid` in its folder; a folder whose lock is free has no
world any more and goes, unless a file `keep` says otherwise.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path


class Run:
    """One run's folder; remove() it at the end."""

    def __init__(self, directory, keep):
        _sweep(directory)
        self.keep = keep
        self.path = Path(tempfile.mkdtemp(prefix="run-", dir=directory))
        self.lock = open(self.path / "new", "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        print(os.getpid(), file=self.lock, flush=True)
        (self.path / "new").rename(self.path / "pid")
        if keep:
            (self.path / "keep").touch()

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()


def _sweep(directory):
    for left in directory.glob("run-*/pid"):
        if (left.parent / "keep").exists():
            continue
        try:
            with open(left, encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                shutil.rmtree(left.parent, ignore_errors=True)
        except OSError:
            continue
