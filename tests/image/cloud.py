"""A cloud around one guest: the network that it is plugged into, and what it finds there.

A network namespace of its own has a tap device for the guest, DHCP for both kinds of addresses, and on
demand time and a metadata service. It routes between the guest and the mini-Internet, in whose
namespace the tests run: what the guest asks goes to the servers there, and tests call the guest
from there, as from anywhere outside its cloud.
"""

import ipaddress
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mininet import addresses, processes

HERE = Path(__file__).resolve().parent
TAP = "tap0"
GUEST_MAC = "52:54:00:50:4c:58"
# In the network that perspective 2 of the mini-Internet has, beside that perspective.
GUEST = "18.184.48.77"
GUEST_NETWORK = ipaddress.ip_interface(f"{GUEST}/26").network
GATEWAY, NTP = "18.184.48.65", "18.184.48.66"
GUEST6, PREFIX = "2a05:d014:48:77::77", ipaddress.ip_network("2a05:d014:48:77::/64")
# What DHCP offers as a resolver. An appliance has its own and must not ask it.
RESOLVER = "18.184.48.67"
METADATA = "169.254.169.254"
OUTSIDE, INSIDE = "198.51.100.1", "198.51.100.2"
OUTSIDE6, INSIDE6 = "fe80::a", "fe80::b"
START_S = 10


def ip(lines, *inside):
    """Runs lines of ip(8), after what enters a namespace."""
    done = subprocess.run([*inside, "ip", "-batch", "-"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip: {done.stderr.strip()}")


class Cloud:
    """Used as a context manager, all of it is gone after."""

    count = 0

    def __init__(self, folder, service=None, user_data=None, ntp=True):
        """service is aws, google, azure, or None for a place without a metadata service."""
        Cloud.count += 1
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.service = service
        self.outside = f"cloud{Cloud.count}"
        self.servers = processes.Servers()
        self.namespace = None
        self.user_data = self.folder / "user-data"
        if user_data is not None:
            self.give(user_data)
        self.with_ntp = ntp

    def __enter__(self):
        try:
            self._make_namespace()
            self._connect()
            self._start("dhcp", TAP, f"{GUEST}/{GUEST_NETWORK.prefixlen}", GATEWAY, RESOLVER)
            self._start("dhcp6", TAP, GUEST6)
            self._start("advertise", TAP, str(PREFIX))
            if self.with_ntp:
                self.start_ntp()
            if self.service:
                self._start_metadata()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.servers.stop()
        subprocess.run(["ip", "link", "del", self.outside], capture_output=True, check=False)

    def inside(self, *command):
        """A command that runs in the guest's cloud."""
        return ["nsenter", "-t", str(self.namespace), "-n", "--", *map(str, command)]

    def _make_namespace(self):
        self.servers.start("namespace", ["unshare", "-n", "sleep", "infinity"],
                           self.folder / "namespace.log")
        self.namespace = self.servers.running["namespace"][0].pid
        own, end = os.readlink("/proc/self/ns/net"), time.monotonic() + START_S
        while os.readlink(f"/proc/{self.namespace}/ns/net") == own:
            if time.monotonic() > end:
                raise RuntimeError("no network namespace for the guest's cloud")
            time.sleep(0.01)

    def _connect(self):
        """The guest's cloud with the mini-Internet, where its coordinator has an address."""
        ip([f"link add {self.outside} type veth peer name uplink netns {self.namespace}",
            f"link set {self.outside} up", f"addr add {OUTSIDE}/30 dev {self.outside}",
            f"addr add {OUTSIDE6}/64 dev {self.outside} nodad",
            f"route add {GUEST_NETWORK} via {INSIDE} src {addresses.COORDINATOR[0]}",
            f"route add {PREFIX} via {INSIDE6} dev {self.outside} src {addresses.COORDINATOR[1]}"])
        ip(["link set lo up", "link set uplink up", f"addr add {INSIDE}/30 dev uplink",
            f"addr add {INSIDE6}/64 dev uplink nodad", f"route add default via {OUTSIDE}",
            f"route add default via {OUTSIDE6} dev uplink",
            f"addr add {METADATA}/32 dev lo",
            f"tuntap add dev {TAP} mode tap", f"link set {TAP} txqueuelen 10000 up",
            f"addr add {GATEWAY}/{GUEST_NETWORK.prefixlen} dev {TAP}",
            f"addr add {NTP}/{GUEST_NETWORK.prefixlen} dev {TAP}",
            f"addr add {PREFIX[1]}/{PREFIX.prefixlen} dev {TAP} nodad"], *self.inside())
        for setting in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            subprocess.run(self.inside("sh", "-c", f"echo 1 >/proc/sys/{setting}"), check=True)

    def _start(self, name, *arguments):
        self.servers.start(name, self.inside(sys.executable, "-B", HERE / f"{name}.py",
                                             *arguments), self.folder / f"{name}.log")

    # -- time

    def start_ntp(self):
        self._start("ntp", NTP, self.folder / "ntp.jsonl", self.folder / "ntp.ahead")

    def tell_time_ahead(self, seconds):
        """From the next question on."""
        new = self.folder / "ntp.new"
        new.write_text(f"{seconds}", encoding="ascii")
        new.rename(self.folder / "ntp.ahead")

    @property
    def asked_for_time(self):
        return _lines(self.folder / "ntp.jsonl")

    # -- metadata

    def _start_metadata(self):
        log = self.folder / "metadata.jsonl"
        self._start("metadata", "--service", self.service, "--user-data", self.user_data,
                    "--log", log)
        end = time.monotonic() + START_S
        while not _lines(log):
            self.servers.check()
            if time.monotonic() > end:
                raise RuntimeError("the metadata service does not start")
            time.sleep(0.02)

    def give(self, text):
        """What the instance's user-data is from now on."""
        new = self.user_data.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.rename(self.user_data)

    def metadata(self, event):
        """What came to the metadata service: every connection or request, in order."""
        return [line for line in _lines(self.folder / "metadata.jsonl") if line["event"] == event]


def _lines(path):
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines()]
