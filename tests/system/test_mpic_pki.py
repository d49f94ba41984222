"""mpic pki: the private CA of a deployment, from nothing to a verdict."""

import json
import os
import stat
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml

from coordinators import Coordinators

DONE, ERROR = 0, 2
CODE = "aws:eu-central-1"


@pytest.fixture
def pki(build_dir):
    def run(*arguments):
        return subprocess.run([build_dir / "mpic", "pki", *map(str, arguments)],
                              capture_output=True, text=True, timeout=30, check=False)
    return run


@pytest.fixture
def folder(pki, tmp_path):
    path = tmp_path / "ca"
    assert pki("init", path, "--name", "Example CA").returncode == DONE
    return path


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=text, capture_output=True,
                          text=True, check=True).stdout


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_ca_is_made_once(pki, folder):
    assert (mode(folder), mode(folder / "ca.key"), mode(folder / "ca.pem")) == (
        0o700, 0o600, 0o644)
    assert "CN = Example CA" in openssl("x509", "-in", folder / "ca.pem", "-noout", "-subject")
    key = (folder / "ca.key").read_bytes()
    again = pki("init", folder)
    assert again.returncode == ERROR and "ca.key: File exists" in again.stderr
    assert (folder / "ca.key").read_bytes() == key


def test_a_perspective_begins_with_one_document(pki, folder, tmp_path):
    ended = pki("issue", folder, "--perspective", CODE, "--address", "192.0.2.7:8443")
    assert ended.returncode == DONE
    document = yaml.safe_load(ended.stdout)
    assert list(document) == ["code", "callers", "tls_ca", "tls_certificate", "tls_key",
                              "signing_key"]
    assert (document["code"], document["callers"]) == (CODE, ["urn:mpic:coordinator"])
    certificate = tmp_path / "tls.pem"
    certificate.write_text(document["tls_certificate"], encoding="ascii")
    assert openssl("verify", "-CAfile", folder / "ca.pem", certificate).endswith("OK\n")
    said = openssl("x509", "-in", certificate, "-noout", "-text")
    assert f"URI:urn:mpic:perspective:{CODE}" in said and "CA:FALSE" in said
    # What the coordinator is told is the other half of the document's key.
    (row,) = yaml.safe_load(ended.stderr.split("\n", 1)[1])
    public = openssl("pkey", "-pubout", text=document["signing_key"]).splitlines()[1]
    assert row == {"code": CODE, "url": "https://192.0.2.7:8443", "verify_key": public}


def test_what_was_issued_is_known_and_no_key_is_kept(pki, folder):
    before = {path.name for path in folder.iterdir()}
    pki("issue", folder, "--perspective", CODE)
    pki("issue", folder, "--caller", "ra-1", "--days", "7")
    assert {path.name for path in folder.iterdir()} - before == {"issued.jsonl"}
    first, second = map(json.loads, (folder / "issued.jsonl").read_text().splitlines())
    assert (first["identity"], second["identity"]) == (
        f"urn:mpic:perspective:{CODE}", "urn:mpic:caller:ra-1")
    left = (datetime.fromisoformat(second["not_after"].replace("Z", "+00:00")) -
            datetime.now(timezone.utc)).total_seconds()
    assert 7 * 86400 - 60 < left <= 7 * 86400


def test_nothing_outlives_the_ca(pki, tmp_path):
    pki("init", tmp_path / "short", "--days", "10")
    pki("issue", tmp_path / "short", "--coordinator", "--days", "90", "--out", tmp_path / "c")
    ends = openssl("x509", "-in", tmp_path / "c" / "tls.pem", "-noout", "-enddate")
    days = (datetime.strptime(ends.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").timestamp() -
            time.time() + time.timezone) / 86400
    assert 8 < days <= 10


def test_renewed_a_perspective_keeps_its_signing_key(pki, folder):
    ended = pki("issue", folder, "--perspective", CODE, "--no-signing-key")
    assert "signing_key" not in yaml.safe_load(ended.stdout)
    assert "verify_key" not in ended.stderr


def test_files_are_new_and_keys_private(pki, folder, tmp_path):
    out = tmp_path / "p"
    assert pki("issue", folder, "--perspective", CODE, "--out", out).stdout == ""
    assert {path.name: mode(path) for path in out.iterdir()} == {
        "ca.pem": 0o644, "tls.pem": 0o644, "tls.key": 0o600, "sign.key": 0o600}
    again = pki("issue", folder, "--perspective", CODE, "--out", out)
    assert again.returncode == ERROR and "File exists" in again.stderr


def test_a_coordinator_and_its_caller_from_nothing_to_an_answer(
        pki, folder, tmp_path, build_dir, fleet):
    """The perspectives are another CA's: reached, and refused for it."""
    for who, arguments in (("coordinator", ["--coordinator", "--host", "127.0.0.1"]), ("caller", ["--caller", "test"])):
        assert pki("issue", folder, *arguments, "--out", tmp_path / who).returncode == DONE
    files = {who: {"certificate": str(tmp_path / who / "tls.pem"),
                   "key": str(tmp_path / who / "tls.key")} for who in ("coordinator", "caller")}
    parts = {**fleet.parts, "ca": str(folder / "ca.pem"), **files}
    with Coordinators(build_dir, parts, tmp_path / "run") as coordinators:
        _, caller = coordinators.start(plain=False)
        answer = caller.check("permit.com")
        assert answer["is_valid"] is False
        assert {one["check_response"]["problem"]["code"]
                for one in answer["perspectives"]} <= {"perspective-identity",
                                                       "perspective-unreachable"}


@pytest.mark.parametrize("arguments, says", (
    ((), "expected init or issue"), (("revoke", "x"), "expected init or issue"),
    (("issue", "{ca}"), "expected one of --perspective, --coordinator and --caller"),
    (("issue", "{ca}", "--coordinator", "--caller", "x"), "expected one of"),
    (("issue", "{ca}", "--perspective", "a,b"), "expected 1 to 64 letters"),
    (("issue", "{ca}", "--caller", ""), "expected 1 to 64 letters"),
    (("issue", "{ca}", "--coordinator", "--host", "a,DNS:b"), "--host: expected a name"),
    (("issue", "{ca}", "--coordinator", "--days", "0"), "--days: expected 1 to 36500"),
    (("issue", "{ca}", "--coordinator", "--days", "soon"), "--days: expected"),
    (("issue", "/nowhere", "--coordinator"), "/nowhere/ca.pem: No such file"),
    (("init", "/nowhere/at/all"), "/nowhere/at/all: No such file")))
def test_what_is_wrong_is_named(pki, folder, arguments, says):
    ended = pki(*(word.replace("{ca}", str(folder)) for word in arguments))
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    assert says in ended.stderr


def test_a_key_of_another_ca_is_refused(pki, folder, tmp_path):
    pki("init", tmp_path / "other")
    Path(folder, "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    ended = pki("issue", folder, "--coordinator")
    assert ended.returncode == ERROR and "is not the key of" in ended.stderr
