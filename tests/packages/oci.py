"""An OCI image as a stranger's tool reads it, and a container of it."""

import hashlib
import json
import os
import signal
import subprocess
import tarfile

from daemons import until

USER = 65532
START_S = 15


class Image:
    """An archive of the OCI layout, every digest of it checked, unpacked into folder/root."""

    def __init__(self, archive, folder):
        self.archive, self.layout, self.root = archive, folder / "layout", folder / "root"
        with tarfile.open(archive) as tar:
            tar.extractall(self.layout)
        self.index = json.loads((self.layout / "index.json").read_text())
        self.manifest = json.loads(self.blob(self.index["manifests"][0]))
        self.config = json.loads(self.blob(self.manifest["config"]))
        self.root.mkdir()
        for layer, digest in zip(self.manifest["layers"], self.config["rootfs"]["diff_ids"],
                                 strict=True):
            self._unpack(layer, digest)

    def blob(self, descriptor):
        """The bytes that a descriptor names."""
        name = descriptor["digest"].removeprefix("sha256:")
        data = (self.layout / "blobs" / "sha256" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == name
        assert len(data) == descriptor["size"]
        return data

    def _unpack(self, layer, digest):
        plain = self.layout / "layer.tar"
        plain.write_bytes(subprocess.run(["gunzip"], input=self.blob(layer), check=True,
                                         capture_output=True).stdout)
        assert "sha256:" + hashlib.sha256(plain.read_bytes()).hexdigest() == digest
        subprocess.run(["tar", "-x", "--same-permissions", "-C", self.root, "-f", plain], check=True)
        plain.unlink()

    def files(self):
        """Every path in it."""
        return sorted(path.relative_to(self.root) for path in self.root.rglob("*"))


class Container:
    """One that runs: its own processes, nobody's privileges, nothing writable but /tmp.

    It has the test's network, as containers of one pod share theirs. Used as a context manager
    it is gone afterwards.
    """

    def __init__(self, image, log, arguments=None, environment=None, binds=(),
                 writable=True):
        self.log = log
        command = ["bwrap", "--ro-bind", image.root, "/", "--proc", "/proc", "--dev", "/dev",
                   *(("--tmpfs", "/tmp") if writable else ()),
                   "--unshare-user", "--uid", str(USER), "--gid", str(USER), "--unshare-pid",
                   "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent",
                   "--cap-drop", "ALL", "--clearenv"]
        for source, target in binds:
            command += ["--ro-bind", source, target]
        for name, value in (environment or {}).items():
            command += ["--setenv", name, value]
        command += image.config["config"]["Entrypoint"] if arguments is None else arguments
        with open(log, "ab") as out:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """With its PID 1 all inside are gone by the time bwrap ends."""
        init = self.init()
        if init and self.process.poll() is None:
            os.kill(init, signal.SIGKILL)
        elif self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self):
        return self.log.read_text()

    def children(self):
        """(pid here, program's name) of each process inside."""
        return list(_below(self.process.pid))

    def pid_of(self, name):
        """The topmost process of this name; None without one."""
        return next((pid for pid, found in self.children() if found == name), None)

    def init(self):
        """The process that is PID 1 inside; None when there is none."""
        return next((pid for pid, _ in self.children()), None)

    def check(self):
        assert self.process.poll() is None, f"it ended:\n{self.text()}"

    def until(self, true, timeout_s=START_S):
        try:
            return until(true, timeout_s, self.check)
        except AssertionError as failed:
            raise AssertionError(f"{failed}; the log:\n{self.text()}") from None

    def stop(self, number=signal.SIGTERM):
        """The exit status of its PID 1 after that signal."""
        os.kill(self.init(), number)
        return self.process.wait(20)


def _below(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return
    for child in children:
        try:
            with open(f"/proc/{child}/comm", encoding="ascii") as file:
                yield child, file.read().strip()
        except OSError:
            continue
        yield from _below(child)
