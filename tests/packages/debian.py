"""A machine of one of Debian's suites, as a chroot whose changes are gone afterwards."""

import os
import subprocess
from pathlib import Path

# What dpkg, apt and ldconfig keep of themselves.
STATE = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "etc/ld.so.cache", "proc", "sys",
         "dev", "tmp", "root", "run", "packages")


class Machine:
    """Used as a context manager; it has the test's network and no service manager."""

    def __init__(self, tree, folder):
        self.tree, self.folder, self.root = tree, folder, folder / "root"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        self.running = []
        self.before = set()

    def __enter__(self):
        where = f"lowerdir={self.tree},upperdir={self.folder}/upper,workdir={self.folder}/work"
        for arguments in (["-t", "overlay", "overlay", "-o", where, self.root],
                          ["--rbind", "/dev", self.root / "dev"],
                          ["--rbind", "/proc", self.root / "proc"]):
            subprocess.run(["mount", *arguments], check=True)
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()
        subprocess.run(["umount", "--recursive", "--lazy", self.root], check=True)

    def command(self, *arguments):
        return ["chroot", str(self.root), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "HOME=/root", *arguments]

    def run(self, *arguments, status=0):
        """What it said, of a command that must end so."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True,
                              timeout=300, stdin=subprocess.DEVNULL, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{arguments}: {done.returncode}: {said}"
        return said

    def start(self, *arguments, folder="/"):
        """A program that goes on running; the path of its log."""
        log = self.folder / f"{os.path.basename(arguments[0])}.log"
        with open(log, "ab") as out:
            self.running.append(subprocess.Popen(
                self.command("env", f"--chdir={folder}", *arguments), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out))
        return log

    def apt(self, *arguments):
        """What it needs has been downloaded before."""
        return self.run("apt-get", "-q", "-y", *arguments)

    def path(self, inside):
        return Path(f"{self.root}{inside}")

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text, encoding="utf-8")

    def debs(self):
        """Paths inside of our packages."""
        return sorted(f"/packages/{path.name}" for path in self.path("/packages").glob("*.deb"))

    def files(self):
        """Every path but those of the package manager's own state."""
        found = set()
        for folder, folders, names in os.walk(self.root):
            inside = os.path.relpath(folder, self.root)
            folders[:] = [name for name in folders
                          if os.path.normpath(os.path.join(inside, name)) not in STATE]
            found |= {os.path.normpath(os.path.join(inside, name)) for name in [*names, *folders]}
        return found
