"""The stand-ins themselves, where a fault of theirs could let a test of an image pass.

No machine is needed for these.
"""

import http.client
import json
import socket
import struct
import subprocess
import sys
import time

import pytest

import dhcp
import dhcp6
import machine
import ntp
import scan
from cloud import HERE

pytestmark = [pytest.mark.in_check, pytest.mark.expected(1)]
TEXT = "code: x\n"
TOKEN = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
FORWARDED = {"X-Forwarded-For": "192.0.2.1"}
PATHS = {"google": "/computeMetadata/v1/instance/attributes/user-data",
         "azure": "/metadata/instance/compute/userData?api-version=2021-01-01&format=text"}


class Service:
    def __init__(self, folder, name):
        self.log = folder / "log"
        self.user_data = folder / "user-data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "metadata.py", "--service", name, "--listen",
             f"127.0.0.1:{self.port}", "--log", self.log, "--user-data", self.user_data])
        while not self.log.exists():
            assert self.process.poll() is None
            time.sleep(0.02)

    def ask(self, path, method="GET", **headers):
        """(status, text)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, headers={"Host": "169.254.169.254", **headers})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, text

    def events(self, kind):
        lines = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line["event"] == kind]


@pytest.fixture
def serving(tmp_path):
    services = []

    def start(name):
        services.append(Service(tmp_path, name))
        return services[-1]

    yield start
    for one in services:
        one.process.terminate()
        one.process.wait()


def test_aws_answers_only_who_has_a_token(serving):
    aws = serving("aws")
    aws.user_data.write_text(TEXT, encoding="utf-8")
    assert aws.ask("/latest/user-data")[0] == 401
    assert aws.ask("/latest/user-data", **{"X-aws-ec2-metadata-token": "guessed"})[0] == 401
    assert aws.ask("/latest/api/token", "PUT")[0] == 400
    assert aws.ask("/latest/api/token", "PUT", **TOKEN, **FORWARDED)[0] == 403
    _, token = aws.ask("/latest/api/token", "PUT", **TOKEN)
    own = {"X-aws-ec2-metadata-token": token}
    assert aws.ask("/latest/user-data", **own) == (200, TEXT)
    aws.user_data.unlink()
    assert aws.ask("/latest/user-data", **own)[0] == 404
    aws.user_data.write_text("x" * (16 * 1024 + 1), encoding="utf-8")
    assert aws.ask("/latest/user-data", **own)[0] == 500


@pytest.mark.parametrize("name, header, says, refusal", (
    ("google", {"Metadata-Flavor": "Google"}, TEXT, 403),
    ("azure", {"Metadata": "true"}, "Y29kZTogeAo=", 400)))
def test_others_answer_only_who_has_the_header(serving, name, header, says, refusal):
    service = serving(name)
    service.user_data.write_text(TEXT, encoding="utf-8")
    assert service.ask(PATHS[name])[0] == refusal
    assert service.ask(PATHS[name], **header, **FORWARDED)[0] == refusal
    assert service.ask(PATHS[name], **header) == (200, says)
    assert service.ask("/elsewhere", **header)[0] in (400, 404)


def test_who_asked_is_known_even_if_nothing_was_asked(serving):
    service = serving("google")
    socket.create_connection(("127.0.0.1", service.port)).close()
    service.ask("/")
    while len(service.events("accepted")) < 2:
        time.sleep(0.02)
    assert [line["path"] for line in service.events("request")] == ["/"]


def test_time():
    asked = bytes((0x23,)) + bytes(39) + b"12345678"
    answer = ntp.reply(asked, 1e9)
    assert answer[0] & 7 == 4 and answer[24:32] == b"12345678"
    assert struct.unpack("!I", answer[40:44])[0] == 1_000_000_000 + 2_208_988_800
    assert ntp.reply(b"\x24" + asked[1:], 1e9) is None


def test_an_address_is_offered_and_given(monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *_: type("Quiet", (), {
        "setsockopt": lambda *_: None, "bind": lambda *_: None})())
    server = dhcp.Server("tap0", "192.0.2.7/24", "192.0.2.1", "192.0.2.2")

    def asked(kind, *more):
        return dhcp.HEAD.pack(1, 1, 6, 0, 99, 0, 0, bytes(4), bytes(4), bytes(4), bytes(4),
                              b"\x52" * 16, bytes(192), dhcp.COOKIE) + \
            dhcp.option(dhcp.KIND, bytes((kind,))) + b"".join(more) + b"\xff"

    offer = server.reply(asked(dhcp.DISCOVER))
    assert offer[16:20] == bytes((192, 0, 2, 7))
    assert dhcp.options(offer[dhcp.HEAD.size:])[dhcp.ROUTER] == bytes((192, 0, 2, 1))
    other = server.reply(asked(dhcp.REQUEST, dhcp.option(dhcp.REQUESTED, bytes(4))))
    assert dhcp.options(other[dhcp.HEAD.size:])[dhcp.KIND] == bytes((dhcp.NAK,))


def test_another_address_is_offered_and_given():
    asked = bytes((dhcp6.SOLICIT, 1, 2, 3)) + dhcp6.option(dhcp6.CLIENT_ID, b"me") + \
        dhcp6.option(dhcp6.IA_NA, b"abcd" + bytes(8))
    answer = dhcp6.reply(asked, "2001:db8::7")
    assert answer[:4] == bytes((dhcp6.ADVERTISE, 1, 2, 3))
    assert dhcp6.options(answer[4:])[dhcp6.IA_NA].endswith(
        socket.inet_pton(socket.AF_INET6, "2001:db8::7") + struct.pack("!II", 3600, 3600))


def test_a_scan_finds_what_is_open_and_what_is_closed():
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        port, silent = server.getsockname()[1], bound.getsockname()[1]
        ports = range(port - 5, port + 6)
        opened, refused = scan.tcp("127.0.0.1", ports)
        assert port in opened and set(opened) | set(refused) == set(ports)
        # A port that is closed says so; one that listens and keeps silent does not.
        assert silent not in scan.udp("127.0.0.1", range(silent - 5, silent + 6))
    assert silent in scan.udp("127.0.0.1", [silent])


def test_a_scan_hears_nothing_of_what_drops_packets(world):
    dead = "93.184.217.2"
    assert scan.tcp(dead, [80]) == ([], [])


def test_one_machine_at_a_time(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "LOCK", tmp_path / "lock")
    with machine.alone():
        tried = subprocess.run(["flock", "-n", tmp_path / "lock", "true"], check=False)
        assert tried.returncode != 0
    assert subprocess.run(["flock", "-n", tmp_path / "lock", "true"], check=False).returncode == 0
