#!/usr/bin/python3
"""A machine with a packet filter, and one outside that has every address there is.

Each is this program in a network namespace of its own, told by lines of JSON what to send:
{"user": 700, "protocol": "tcp", "to": "192.0.2.1", "port": 53} and perhaps "from_port". It
answers with a line: "passed" if anything came back, a refusal as well, "dropped" if nothing did.
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys

PATIENCE_S = 0.25
INSIDE, OUTSIDE = ("7.7.7.1", "2a07::1"), ("7.7.7.2", "2a07::2")


# -- inside either of the two


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _echo_request(six):
    packet = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xffff, 1)
    if six:
        return packet    # the kernel adds the checksum
    return packet[:2] + struct.pack("!H", 0xffff - sum(struct.unpack("!4H", packet)) % 0xffff) + packet[4:]


def _echo(order):
    """Echo requests, as many as told, until the first is answered."""
    six = ":" in order["to"]
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with socket.socket(_family(order["to"]), socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(PATIENCE_S)
        for _ in range(order.get("count", 1)):
            sock.sendto(_echo_request(six), (order["to"], 0))
        while True:
            reply = sock.recv(256)
            if reply[0 if six else 20] in (0, 129):
                return


def _reset(order):
    """A TCP reset that belongs to no connection."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
        sock.settimeout(PATIENCE_S)
        sock.sendto(struct.pack("!HHIIBBHHH", 4711, order["port"], 1, 0, 5 << 4, 4, 0, 0, 0),
                    (order["to"], 0))
        sock.recv(256)


def _send(order):
    kind = socket.SOCK_STREAM if order["protocol"] == "tcp" else socket.SOCK_DGRAM
    with socket.socket(_family(order["to"]), kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "from_port" in order:
            sock.bind(("", order["from_port"]))
        sock.settimeout(PATIENCE_S)
        sock.connect((order["to"], order["port"]))
        if kind == socket.SOCK_DGRAM:
            sock.send(b"?")
            sock.recv(64)


def attempt(order):
    try:
        {"echo": _echo, "reset": _reset}.get(order["protocol"], _send)(order)
    except ConnectionRefusedError:
        return "passed"    # who refuses was reached
    except (TimeoutError, PermissionError):
        return "dropped"    # what the filter drops on the way out of a datagram's sender is EPERM
    except OSError as error:
        return f"not sent: {error}"
    return "passed"


def attempt_as(order):
    """The same by a process of the user's."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            if order.get("user"):
                os.setgroups([])
                os.setresgid(order["user"], order["user"], order["user"])
                os.setresuid(order["user"], order["user"], order["user"])
            os.write(writer, attempt(order).encode())
        except OSError as error:
            os.write(writer, f"no such user here: {error}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.wait()
    with open(reader, encoding="utf-8") as answer:
        return answer.read()


def main():
    print("here", flush=True)
    for line in sys.stdin:
        print(attempt_as(json.loads(line)), flush=True)


# -- the room, for a test


class Machine:
    def __init__(self):
        self.process = subprocess.Popen(
            ["unshare", "-n", "-m", sys.executable, os.path.realpath(__file__)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "here\n"

    def run(self, *command):
        """A command in its namespaces; its output."""
        done = subprocess.run(["nsenter", f"--target={self.process.pid}", "-n", "-m", *command],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def try_to_send(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Room:
    """`inside` has the filter, `outside` all addresses; a wire between them."""

    def __init__(self, ruleset, passwd):
        with contextlib.ExitStack() as stack:
            self.inside, self.outside = Machine(), Machine()
            stack.callback(self.outside.stop)
            stack.callback(self.inside.stop)
            # by name, as in the image
            self.inside.run("mount", "--bind", passwd, "/etc/passwd")
            self.inside.run("nft", "-f", ruleset)
            self._wire()
            self.stack = stack.pop_all()

    def _wire(self):
        number = str(self.outside.process.pid)
        self.inside.run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire",
                        "netns", number)
        for machine, addresses in ((self.inside, INSIDE), (self.outside, OUTSIDE)):
            for device in ("lo", "wire"):
                machine.run("ip", "link", "set", device, "up")
            machine.run("ip", "addr", "add", addresses[0] + "/24", "dev", "wire")
            machine.run("ip", "addr", "add", addresses[1] + "/64", "dev", "wire", "nodad")
        self.inside.run("ip", "route", "add", "default", "via", OUTSIDE[0])
        self.inside.run("ip", "-6", "route", "add", "default", "via", OUTSIDE[1])
        # whatever it is sent is for itself, and each refusal is told
        self.outside.run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "main")
        self.outside.run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo", "table",
                         "main")
        for setting in ("net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit",
                        "net.ipv4.icmp_msgs_per_sec"):
            value = "100000" if setting.endswith("sec") else "0"
            self._set(self.outside, setting, value)
            self._set(self.inside, setting, value)
        self._set(self.inside, "net.ipv4.ip_unprivileged_port_start", "0")

    @staticmethod
    def _set(machine, setting, value):
        path = "/proc/sys/" + setting.replace(".", "/")
        machine.run("sh", "-c", f"[ ! -e {path} ] || echo {value} >{path}")

    def counters(self):
        """{name: packets}"""
        listed = json.loads(self.inside.run("nft", "-j", "list", "counters"))["nftables"]
        return {row["counter"]["name"]: row["counter"]["packets"]
                for row in listed if "counter" in row}

    def close(self):
        self.stack.close()


if __name__ == "__main__":
    main()
