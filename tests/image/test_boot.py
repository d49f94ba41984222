"""One appliance in a cloud of its own, from power-on to its last port.

All tests here look at one machine, which has its document as a systemd credential and asks the
mini-Internet's name servers and web servers. A coordinator outside its cloud calls it.
"""

import base64
import http.client
import json
import resource
import socket
import subprocess
import time

import pytest

import dcv
import fleet_of_two
import scan
from appliance import API_PORT, Client
from cloud import GUEST, GUEST6
from papers import CODE

pytestmark = pytest.mark.in_check
MEMORY_MIB = 384
IN_USE_MIB = 150
DAY_S = 86400
# Counters are read every half minute.
COUNTED_S = 60
PACKETS = 100


@pytest.fixture(scope="module")
def running(boot_once, document):
    """The appliance, ready."""
    appliance = boot_once(document, memory_mib=MEMORY_MIB)
    appliance.took_s = appliance.wait_ready()
    return appliance


@pytest.fixture(scope="module")
def two(running, build_dir, unbound_prefix, world, authority, document, tmp_path_factory):
    """A coordinator that asks the appliance and a perspective outside it."""
    with fleet_of_two.started(build_dir, unbound_prefix, world, authority, document,
                              tmp_path_factory.mktemp("two")) as started:
        yield started


@pytest.fixture(scope="module")
def caller(two):
    return two.caller


def result(answer):
    """The appliance's own."""
    found, = (one["check_response"] for one in answer["perspectives"]
              if one["perspective_code"] == CODE)
    return found


def checked(caller, name):
    """The coordinator's answer to a CAA check that needs both perspectives."""
    return caller.check(name, {"perspective_count": 2, "quorum_count": 2})


def fetched(caller, host):
    """The same of an http-01 check."""
    reply = caller.ask("/mpic", {
        "check_type": "dcv", "domain_or_ip_target": f"{host}.web.com",
        "dcv_check_parameters": dcv.http01(),
        "orchestration_parameters": {"perspective_count": 2, "quorum_count": 2}})
    assert reply.status == 200, reply.text
    return reply.json


@pytest.mark.expected(45)
def test_it_becomes_ready(running, record_property):
    record_property("seconds from power-on to /readyz", round(running.took_s, 1))
    status, text = running.readyz()
    assert status == 200, text
    assert f"urn:mpic:perspective:{CODE}" in running.client.identity()


@pytest.mark.expected(1)
def test_memory(running, record_property):
    used, total = running.memory()
    record_property("MiB of memory in use", f"{used} of {total}")
    assert total < MEMORY_MIB
    assert used <= IN_USE_MIB


@pytest.mark.expected(3)
def test_caa_through_a_coordinator(caller):
    answer = checked(caller, "permit.com")
    assert answer["is_valid"] is True
    assert result(answer)["check_passed"] is True
    # It asked them itself, from its own address.
    assert result(answer)["evidence"]["lookups"]


@pytest.mark.expected(3)
def test_a_zone_that_forbids(caller):
    answer = checked(caller, "deny.com")
    assert answer["is_valid"] is False
    assert result(answer)["check_passed"] is False
    assert result(answer)["problem"]["code"] == "caa-forbids"


@pytest.mark.expected(3)
def test_dnssec_is_validated(caller):
    assert result(checked(caller, "signed-permit.org"))["details"]["dnssec_status"] == "secure"
    assert result(checked(caller, "expired.org"))["problem"]["code"] == "dns-bogus"


@pytest.mark.expected(3)
def test_http_01_through_a_coordinator(caller, world):
    mark = world.visits.mark()
    answer = fetched(caller, "page")
    assert answer["is_valid"] is True, answer
    assert result(answer)["check_passed"] is True
    sources = {visit["source"] for visit in world.visits.since(mark, event="request")}
    assert sources & {GUEST, GUEST6}
    assert fetched(caller, "other")["is_valid"] is False


@pytest.mark.expected(3)
@pytest.mark.parametrize("host", ("metadata", "redirect-metadata"))
def test_nobody_is_fetched_from_the_metadata_address(running, caller, host):
    problem = result(fetched(caller, host))["problem"]
    assert problem["code"] in ("address-refused", "redirect-refused"), problem
    assert "169.254.169.254" in problem["message"]


@pytest.mark.expected(3)
def test_evidence_is_signed_and_names_the_image(two, image, build_dir, tmp_path):
    reply = two.caller.mpic("permit.com", {"perspective_count": 2, "quorum_count": 2})
    claims = result(reply.json)["signature"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert claims["image_version"] == f"{image.id} {image.version}"
    (tmp_path / "answer.json").write_text(reply.text, encoding="utf-8")
    keys = []
    for i, row in enumerate(two.rows):
        (tmp_path / f"{i}.pub").write_text(
            f"-----BEGIN PUBLIC KEY-----\n{row['verify_key']}\n-----END PUBLIC KEY-----\n",
            encoding="ascii")
        keys.append(f"{row['code']}={tmp_path / f'{i}.pub'}")
    ended = subprocess.run([build_dir / "mpic", "verify", tmp_path / "answer.json", "--keys",
                            *keys], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("2 genuine, 0 unsigned, 0 wrong\n")


@pytest.mark.expected(3)
def test_identity(running, image):
    identity = running.client.ask("/identity").json
    assert identity["perspective_code"] == CODE
    assert identity["image_version"] == f"{image.id} {image.version}"
    assert "debug" not in json.dumps(identity)
    # The root of its DNS is not IANA's, which must not go unsaid.
    assert any("root" in notice for notice in identity["notices"])


def dropped(metrics):
    return metrics.get("mpic_firewall_packets_total", {}).get('counter="in_dropped"')


@pytest.mark.expected(30)
def test_what_the_firewall_drops_is_counted(running):
    """Each packet, and it is seen within the time in which metrics are fetched."""
    running.wait_until(lambda: dropped(running.client.metrics()) is not None, COUNTED_S,
                       "counters in /metrics")
    before = running.client.metrics()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(PACKETS):
            sender.sendto(b"x", (GUEST, 9))
    running.wait_until(lambda: dropped(running.client.metrics()) >= dropped(before) + PACKETS,
                       COUNTED_S, f"{PACKETS} packets more to be counted")
    after = running.client.metrics()["mpic_firewall_packets_total"]
    assert after['counter="in_api"'] > before["mpic_firewall_packets_total"]['counter="in_api"']
    assert after['counter="out_metadata_dropped"'] == 0


@pytest.mark.expected(2)
def test_certificate_and_clock_are_watched(running):
    metrics = running.client.metrics()
    left_s = metrics["mpic_tls_certificate_expires_seconds"][""] - time.time()
    assert 89 * DAY_S < left_s <= 90 * DAY_S
    assert metrics["mpic_clock_unsynchronized"][""] == 0


@pytest.fixture(scope="module", autouse=True)
def many_sockets():
    """A scan has thousands of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * scan.AT_ONCE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.expected(70)
@pytest.mark.parametrize("address", (GUEST, GUEST6))
def test_one_port_is_open(running, address):
    """Of all; the others do not even say that they are closed."""
    assert scan.tcp(address, known=API_PORT) == ([API_PORT], [])
    assert running.readyz()[0] == 200


@pytest.mark.expected(20)
@pytest.mark.parametrize("address", (GUEST, GUEST6))
def test_no_datagram_is_answered(running, address):
    assert scan.udp(address) == []
    assert running.readyz()[0] == 200


@pytest.mark.expected(1)
def test_who_has_no_certificate_is_not_served(running, authority):
    """Nothing but probes, which say whether it is ready."""
    for path in ("/identity", "/metrics"):
        with pytest.raises((OSError, http.client.HTTPException)):
            reply = Client(None, authority).ask(path)
            assert reply.status == 403, reply.text
            raise ConnectionError("refused in HTTP")


@pytest.mark.expected(1)
def test_the_console_gives_nobody_a_login(running):
    assert "login:" not in running.said()
    assert "Password" not in running.said()
