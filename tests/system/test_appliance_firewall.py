"""appliance/tree/etc/nftables.conf, loaded: what each user may send, and who may come in."""

import os
import shutil
import subprocess

import pytest

import filter_room
from daemons import parse_metrics
from test_appliance_units import TREE, users

RULESET = TREE / "etc/nftables.conf"
SYSTEMD = {"systemd-network": 998, "systemd-timesync": 997, "nobody": 65534}
EVERYBODY = {**users(), **SYSTEMD}

SERVER, SERVER6 = "198.20.0.1", "2a08::1"
METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    if not shutil.which("nft"):
        pytest.fail("nft is not there (Debian package nftables)")
    if os.geteuid() != 0 or "700" not in _mapped():
        pytest.skip("only root can be the users of the image")
    passwd = tmp_path_factory.mktemp("firewall") / "passwd"
    rows = {"root": 0, **EVERYBODY}
    passwd.write_text("".join(f"{name}:x:{number}:{number}::/:/bin/false\n"
                              for name, number in rows.items()), encoding="ascii")
    made = filter_room.Room(str(RULESET), str(passwd))
    yield made
    made.close()


def _mapped():
    """"700" where the number means somebody: in a user namespace of one user it does not."""
    done = subprocess.run(["setpriv", "--reuid=700", "--clear-groups", "id", "-u"],
                          capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else []


@pytest.fixture
def counted(room):
    """counted(prefix) gives which counters, named so, have grown during the test.

    Without one for what comes in, as the kernel outside has its own to say at times.
    """
    before = room.counters()
    return lambda prefix="out_": {name for name, packets in room.counters().items()
                                  if name.startswith(prefix) and packets > before[name]}


def test_all_that_is_dropped_is_counted():
    """No verdict drops without a counter before it, and what no rule takes meets one last."""
    for line in RULESET.read_text(encoding="utf-8").splitlines():
        if line.strip().endswith(" drop"):
            assert "counter name" in line, line
    assert RULESET.read_text(encoding="utf-8").count("policy drop;") == 3


# -- out

PASSES = (
    ("mpic-unbound", "udp", SERVER, 53, "out_dns"),
    ("mpic-unbound", "tcp", SERVER, 53, "out_dns"),
    ("mpic-unbound", "udp", SERVER6, 53, "out_dns"),
    ("mpic-unbound", "tcp", SERVER6, 53, "out_dns"),
    ("mpic-fetcher", "tcp", SERVER, 80, "out_web"),
    ("mpic-fetcher", "tcp", SERVER, 443, "out_web"),
    ("mpic-fetcher", "tcp", SERVER6, 443, "out_web"),
    ("mpic-first-boot", "tcp", METADATA, 80, "out_own"),
    ("mpic-first-boot", "tcp", "168.63.129.16", 80, "out_own"),
    # an operator's servers may be in its own network
    ("mpic-enrol", "tcp", "10.0.0.9", 443, "out_own"),
    ("mpic-enrol", "tcp", SERVER6, 8443, "out_own"),
    ("mpic-enrol", "udp", METADATA, 53, "out_own"),
    ("mpic-update", "tcp", SERVER, 80, "out_own"),
    ("mpic-update", "tcp", "10.0.0.9", 443, "out_own"),
    ("mpic-update", "tcp", "10.0.0.2", 53, "out_own"),
    ("mpic-log", "tcp", SERVER, 19532, "out_own"),
    ("mpic-log", "tcp", SERVER, 443, "out_own"),
    ("systemd-timesync", "udp", SERVER, 123, "out_own"),
    ("systemd-timesync", "udp", "169.254.169.123", 123, "out_own"),
    ("systemd-timesync", "udp", METADATA, 123, "out_own"),
    ("systemd-timesync", "udp", "10.0.0.2", 53, "out_own"),
)

ELSEWHERE = "out_dropped"
NOT_PUBLIC = "out_address_dropped"
NOT_METADATA = "out_metadata_dropped"

DROPPED = (
    ("mpic-unbound", "tcp", SERVER, 443, ELSEWHERE),
    ("mpic-unbound", "udp", SERVER, 5353, ELSEWHERE),
    ("mpic-fetcher", "tcp", SERVER, 53, ELSEWHERE),
    ("mpic-fetcher", "udp", SERVER, 53, ELSEWHERE),
    ("mpic-fetcher", "udp", SERVER, 443, ELSEWHERE),
    ("mpic-fetcher", "tcp", SERVER, 8443, ELSEWHERE),
    ("mpic-fetcher", "tcp", SERVER6, 22, ELSEWHERE),
    *((user, "udp", address, 53, NOT_PUBLIC)
      for user in ("mpic-unbound",)
      for address in ("10.0.0.2", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1",
                      "169.254.1.1", "169.254.169.253", "198.18.0.1", "192.0.2.1", "203.0.113.7",
                      "fd12::1", "2001:db8::1", "2002:a00:1::1", "64:ff9b::a00:1")),
    *(("mpic-fetcher", "tcp", address, 80, NOT_PUBLIC)
      for address in ("10.0.0.2", "192.168.1.1", "100.64.0.1", "169.254.1.1", "fd12::1")),
    *((user, protocol, address, port, NOT_METADATA)
      for user, protocol, port in (("mpic-unbound", "udp", 53), ("mpic-unbound", "tcp", 53),
                                   ("mpic-fetcher", "tcp", 80), ("mpic-enrol", "tcp", 443),
                                   ("mpic-update", "tcp", 80), ("mpic-log", "tcp", 443))
      for address in (METADATA, "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
                      "fd20:ce::254")),
    ("mpic-first-boot", "tcp", METADATA, 443, ELSEWHERE),
    ("mpic-first-boot", "tcp", SERVER, 80, ELSEWHERE),
    ("mpic-first-boot", "udp", SERVER, 53, ELSEWHERE),
    ("mpic-enrol", "tcp", SERVER, 80, ELSEWHERE),
    ("mpic-update", "tcp", SERVER, 8443, ELSEWHERE),
    ("systemd-timesync", "tcp", METADATA, 80, ELSEWHERE),
    ("systemd-timesync", "tcp", SERVER, 123, ELSEWHERE),
    *((user, "tcp", address, port, ELSEWHERE)
      for user in ("mpic-httpcheck", "mpic-clock", "mpic-ready", "mpic-firewall", "root", "nobody",
                   "systemd-network")
      for address, port in ((SERVER, 443), (METADATA, 80), (SERVER6, 53))),
)


def _number(user):
    return EVERYBODY.get(user, 0)


def _name(row):
    return "-".join(str(part) for part in row[:4])


@pytest.mark.parametrize("row", PASSES, ids=_name)
def test_what_a_user_may_send_passes(room, counted, row):
    user, protocol, address, port, counter = row
    assert room.inside.try_to_send(user=_number(user), protocol=protocol, to=address,
                                   port=port) == "passed"
    assert counted() == {counter}


@pytest.mark.parametrize("row", DROPPED, ids=_name)
def test_what_a_user_may_not_send_is_dropped_and_counted(room, counted, row):
    user, protocol, address, port, counter = row
    assert room.inside.try_to_send(user=_number(user), protocol=protocol, to=address,
                                   port=port) == "dropped"
    assert counted() == {counter}


def test_loopback_is_free_and_not_counted(room, counted):
    for address in ("127.0.0.1", "::1"):
        for user in ("mpic-httpcheck", "mpic-ready", "nobody"):
            for protocol, port in (("tcp", 53), ("udp", 53), ("tcp", 8080)):
                assert room.inside.try_to_send(user=_number(user), protocol=protocol, to=address,
                                               port=port) == "passed"
    assert counted() == set()


@pytest.mark.parametrize("address, from_port, port", (
    (filter_room.OUTSIDE[0], 68, 67), (filter_room.OUTSIDE[1], 546, 547)))
def test_only_networkd_speaks_dhcp(room, counted, address, from_port, port):
    order = {"protocol": "udp", "to": address, "from_port": from_port, "port": port}
    assert room.inside.try_to_send(user=EVERYBODY["systemd-network"], **order) == "passed"
    assert counted() == set()
    order["port"] += 2
    assert room.inside.try_to_send(user=EVERYBODY["systemd-network"], **order) == "dropped"
    order["port"] -= 2
    # not the answer to the former: another port
    order["from_port"] += 1000
    assert room.inside.try_to_send(user=EVERYBODY["mpic-fetcher"], **order) == "dropped"
    assert counted() == {ELSEWHERE}


# -- what is told of it


def _told(room, build_dir, folder):
    (folder / "run/mpic-firewall").mkdir(parents=True, exist_ok=True)
    status = room.inside.run("sh", "-c", f"{build_dir}/mpic-appliance firewall-watch --once "
                                         f"--root {folder} >&2; echo $?")
    return int(status), (folder / "run/mpic-firewall/status").read_text(encoding="ascii")


def test_metrics_have_every_counter(room, build_dir, tmp_path):
    room.inside.try_to_send(user=0, protocol="tcp", to=SERVER, port=443)
    status, text = _told(room, build_dir, tmp_path)
    counters = room.counters()
    told = {labels.split('"')[1]: packets
            for labels, packets in parse_metrics(text)["mpic_firewall_packets_total"].items()}
    assert status == 0 and told.keys() == counters.keys()
    assert told["out_dropped"] == counters["out_dropped"] > 0
    assert told["out_dns"] == counters["out_dns"]


def test_a_filter_that_is_gone_is_said(room, build_dir, tmp_path):
    room.inside.run("nft", "flush", "ruleset")
    try:
        assert _told(room, build_dir, tmp_path) == (
            1, "# notice the packet filter is not in force\n")
    finally:
        room.inside.run("nft", "-f", str(RULESET))


# -- in


@pytest.mark.parametrize("address", filter_room.INSIDE)
def test_only_the_api_is_reached_from_outside(room, address):
    def dropped():
        return room.counters()["in_dropped"]

    before = room.counters()
    assert room.outside.try_to_send(protocol="tcp", to=address, port=8443) == "passed"
    assert room.counters()["in_api"] == before["in_api"] + 1
    for protocol, port in (("tcp", 22), ("tcp", 53), ("tcp", 80), ("tcp", 8080), ("tcp", 19532),
                           ("udp", 53), ("udp", 68), ("udp", 123), ("udp", 546), ("udp", 8443)):
        already = dropped()
        assert room.outside.try_to_send(protocol=protocol, to=address, port=port) == "dropped"
        assert dropped() > already, (protocol, port)


@pytest.mark.parametrize("address", filter_room.INSIDE)
def test_echo_is_answered_but_not_a_flood_of_it(room, address):
    before = room.counters()
    assert room.outside.try_to_send(protocol="echo", to=address) == "passed"
    assert room.counters()["in_echo"] == before["in_echo"] + 1
    room.outside.try_to_send(protocol="echo", to=address, count=400)
    after = room.counters()
    assert after["in_dropped"] > before["in_dropped"]
    assert after["in_echo"] - before["in_echo"] < 200


def test_a_packet_of_no_connection_is_dropped_and_counted(room, counted):
    """As port scanners send them."""
    assert room.outside.try_to_send(protocol="reset", to=filter_room.INSIDE[0],
                                    port=8443) == "dropped"
    assert counted("in_invalid") == {"in_invalid"}


def test_answers_of_dhcp_servers_come_in(room):
    order = {"protocol": "udp", "from_port": 67, "to": filter_room.INSIDE[0], "port": 68}
    assert room.outside.try_to_send(**order) == "passed"


def test_nothing_is_forwarded(room, counted):
    room.inside.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    room.outside.run("ip", "route", "add", "9.9.9.0/24", "via", filter_room.INSIDE[0])
    assert room.outside.try_to_send(protocol="udp", to="9.9.9.9", port=53) == "dropped"
    room.inside.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward")
    assert counted("f") == {"forward_dropped"}
