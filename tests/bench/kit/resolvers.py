"""One Unbound with a perspective's own profile, with the module or without it."""

import os
import re
import shutil
import socket
import subprocess

from minifleet import configs
from mininet import addresses

from . import tools

WITHOUT_MODULE = 'module-config="validator iterator"'


class Resolver:
    """A context manager; `where` is its address and port."""

    def __init__(self, run, module=True, callgrind=False):
        self.run = run
        self.callgrind = callgrind
        folder = run.folder("resolver")
        self.counts = os.path.join(folder, "callgrind.out")
        self.log = os.path.join(folder, "unbound.log")
        self.place = configs.Perspective("bench", configs.free_block(1)[0], folder,
                                         addresses.PERSPECTIVE_ADDRESSES[0])
        configs.write_unbound(self.place, run.trust_anchor,
                              tools.BUILD / "unbound-module/mpic.so",
                              [] if module else [WITHOUT_MODULE], [])
        self.process = None

    @property
    def where(self):
        return self.place.resolver

    @property
    def pids(self):
        return [self.process.pid]

    def __enter__(self):
        command = [tools.UNBOUND / "sbin/unbound", "-d", "-c", tools.TOP / "conf/unbound.conf"]
        if self.callgrind:
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.counts}",
                       *command]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, cwd=self.place.folder, stdout=log, stderr=log,
                                            start_new_session=True)
        tools.wait_for(self._listens, "unbound")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"unbound ended: see {self.log}")
        socket.create_connection((self.place.address, configs.RESOLVER_PORT), 1).close()
        return True

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu(self, zone, count, operation=None, name="n%d.{}", in_flight=64):
        """CPU in us per question of distinct names, delegations and keys warm."""
        tools.ask(self.where, f"warm.{zone}", 1, operation, in_flight=1)
        result = tools.ask(self.where, name.format(zone), count, operation, self.pids, in_flight)
        return tools.cpu_us(result)


def instructions(run, module, questions):
    """What callgrind counts from start to end of an Unbound that is asked these questions."""
    with Resolver(run, module, callgrind=True) as resolver:
        questions(resolver)
    with open(resolver.log, encoding="utf-8") as log:
        return int(re.search(r"Collected : (\d+)", log.read()).group(1))


def has_callgrind():
    return shutil.which("valgrind") is not None
