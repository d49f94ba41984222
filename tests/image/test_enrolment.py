"""An appliance whose keys nobody else ever has: born on it, certified by its coordinator.

All tests here look at one machine, one after the other; the last one cuts its power.
"""

import json
import ssl
import subprocess
import time
from pathlib import Path

import pytest

import coordinators
import fleet_of_two
from coordinators import by_code
from mininet import addresses
from papers import API_PORT, CODE, COORDINATOR

DESK = addresses.COORDINATOR[0]
URL = f"https://{DESK}:{API_PORT}"
DAY_S = 86400
# Of a certificate of one day less than a third is left then.
AHEAD_S = 20 * 3600
# It asks for the time within a minute or two; the hourly turn, which is due then, is up to ten late.
RENEWED_S = 900
LIMIT_S = 1500


class Lists:
    """The file of revocation lists that the coordinator has."""

    def __init__(self, authority, enrolment, path):
        self.authority, self.folders, self.path = authority, (authority.folder, enrolment), path
        self.publish()

    def publish(self):
        for folder in self.folders:
            self.authority.run("crl", folder)
        self.path.write_text("".join((folder / "crl.pem").read_text(encoding="ascii")
                                     for folder in self.folders), encoding="ascii")

    @property
    def of_the_root(self):
        """What a document has."""
        return (self.folders[0] / "crl.pem").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def enrolment(authority, tmp_path_factory):
    """The folder of a CA for enrolment."""
    folder = tmp_path_factory.mktemp("authority") / "enrolment"
    authority.run("intermediate", authority.folder, folder, "--name", "Enrolment of a test")
    return folder


@pytest.fixture(scope="module")
def lists(authority, enrolment, tmp_path_factory):
    return Lists(authority, enrolment, tmp_path_factory.mktemp("lists") / "crls.pem")


@pytest.fixture(scope="module")
def document(authority, enrolment, lists, world):
    """With a token in the place of keys."""
    return authority.enrolling(enrolment, world, URL, tls_crl=lists.of_the_root)


@pytest.fixture(scope="module")
def fleet(build_dir, unbound_prefix, world, authority, document, enrolment, lists,
          tmp_path_factory):
    """Its coordinator, which enrols for a day."""
    with fleet_of_two.started(
            build_dir, unbound_prefix, world, authority, document,
            tmp_path_factory.mktemp("fleet"), DESK, listen=f"{DESK}:{API_PORT}", plain=False,
            callers=[coordinators.CALLER], tls_crl=str(lists.path),
            enrolment={"ca": str(enrolment / "ca.pem"), "key": str(enrolment / "ca.key"),
                       "folder": str(enrolment), "days": 1}) as started:
        yield started


@pytest.fixture(scope="module")
def enrolled(boot_once, document, fleet):
    """The appliance, ready."""
    assert "tls_key" not in document.members and "signing_key" not in document.members
    appliance = boot_once(document, limit_s=LIMIT_S)
    appliance.wait_ready()
    return appliance


def shown(appliance):
    """The certificate that it shows, as openssl describes it."""
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], check=True,
                          input=appliance.client.presented(), capture_output=True).stdout.decode()


def issued(enrolment):
    lines = (enrolment / "issued.jsonl").read_text(encoding="ascii").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.expected(45)
def test_its_keys_are_born_there_and_certified(enrolled, fleet, document, enrolment):
    said = shown(enrolled)
    assert f"URI:urn:mpic:perspective:{CODE}\n" in said
    assert "Issuer: CN = Enrolment of a test" in said
    line, = fleet.coordinator.lines("a perspective enrolled")
    assert (line["perspective"], line["token_use"]) == (CODE, "1 of 1")
    one, = issued(enrolment)
    assert line["verify_key"] == one["verify_key"] != ""
    token = document.members["enrolment"]["token"]
    assert token not in enrolled.said()
    assert token not in Path(fleet.coordinator.log).read_text(encoding="utf-8")


@pytest.mark.expected(3)
def test_it_answers_its_coordinator(enrolled, fleet):
    """With results that are signed by the key that the certificate names."""
    own, = (row for row in fleet.rows if row["code"] == CODE)
    assert own["verify_key"] == "enrolled"
    both = {"perspective_count": 2, "quorum_count": 2}
    permitted = fleet.caller.check("permit.com", both)
    assert permitted["is_valid"] is True
    assert by_code(permitted)[CODE]["check_passed"] is True
    assert by_code(permitted)[CODE]["signature"]
    assert fleet.caller.check("deny.com", both)["is_valid"] is False


@pytest.mark.expected(3)
def test_when_its_certificate_ends_is_seen(enrolled, fleet, build_dir):
    """In its metrics and by mpic status, and when its revocation lists do."""
    metrics, now_s = enrolled.client.metrics(), time.time()
    for name in ("mpic_tls_certificate_expires_seconds", "mpic_enrolment_expires_seconds"):
        assert 0 < metrics[name][""] - now_s <= DAY_S, name
    assert metrics["mpic_enrolment_failed"][""] == metrics["mpic_crl_refresh_failed"][""] == 0
    for name in ("mpic_tls_crl_next_update_seconds", "mpic_crl_next_update_seconds"):
        assert 29 * DAY_S < metrics[name][""] - now_s <= 30 * DAY_S, name
    ended = subprocess.run([build_dir / "mpic", "status", "--config", fleet.coordinator.path,
                            "--json"], capture_output=True, text=True, timeout=30, check=False)
    row, = (one for one in json.loads(ended.stdout)["perspectives"]
            if one["perspective_code"] == CODE)
    ends = ssl.cert_time_to_seconds(shown(enrolled).partition("Not After : ")[2].splitlines()[0])
    assert row["certificate_not_after"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    assert row["days_left"] == 0
    assert row["ready"] is True


@pytest.mark.expected(330)
def test_lists_and_certificate_are_renewed_while_it_serves(enrolled, fleet, authority, lists,
                                                           enrolment, record_property):
    """Nearly a day later. A coordinator that was revoked meanwhile is turned away."""
    stolen = authority.issue("stolen", COORDINATOR, None)
    thief = type(enrolled.client)(stolen, authority)
    assert thief.ask("/healthz").status == 200
    authority.run("revoke", authority.folder, "--certificate", stolen.certificate)
    lists.publish()
    fleet.coordinator.rewrite()
    before, began = enrolled.client.presented(), time.monotonic()
    first, = issued(enrolment)

    enrolled.cloud.tell_time_ahead(AHEAD_S)
    enrolled.wait_until(lambda: enrolled.client.presented() != before, RENEWED_S,
                        "another certificate to be shown")
    record_property("seconds until it was renewed", round(time.monotonic() - began))
    assert len(fleet.coordinator.lines("a perspective renewed its certificate")) >= 1
    assert {one["verify_key"] for one in issued(enrolment)} == {first["verify_key"]}

    def turned_away():
        try:
            return thief.ask("/healthz").status != 200
        except OSError:
            return True

    enrolled.wait_until(turned_away, 60, "the thief to be turned away")
    assert enrolled.client.ask("/readyz").status == 200
    assert enrolled.said().count("parallax: ready") == 1


@pytest.mark.expected(120)
def test_a_token_is_good_once(enrolled, fleet, enrolment, authority, document, world):
    """After a restart nothing is left of the keys, and somebody has to make another document."""
    before = issued(enrolment)[0]
    enrolled.cloud.tell_time_ahead(0)
    enrolled.power_cut()
    enrolled.power_on()
    enrolled.wait_notice("enrol", "the token has been used up")
    enrolled.wait_for("the token has been used up", 10)
    assert enrolled.readyz() is None
    assert fleet.coordinator.lines("enrolment refused")
    enrolled.power_cut()

    another = authority.enrolling(enrolment, world, URL, tls_crl=document.members["tls_crl"])
    enrolled.give(another)
    enrolled.power_on()
    enrolled.wait_ready()
    assert issued(enrolment)[-1]["verify_key"] != before["verify_key"]
