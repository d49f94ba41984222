"""mpic pki: the private CA of a deployment, from nothing to a verdict."""

import hashlib
import json
import os
import re
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
    assert "CN=Example CA" in openssl("x509", "-in", folder / "ca.pem", "-noout", "-subject", "-nameopt", "RFC2253")
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
    ((), "expected init, intermediate, issue"), (("sign", "x"), "expected init, intermediate"),
    (("intermediate", "{ca}"), "and that of the one to make below it"),
    (("crl", "{ca}", "--json"), "--json means nothing to crl"),
    (("renew", "{ca}"), "expected --certificate FILE"),
    (("renew", "{ca}", "--certificate", "/nowhere"), "/nowhere: No such file"),
    (("renew", "{ca}", "--certificate", "{ca}/ca.pem"), "expected a certificate in PEM, or a"),
    (("revoke", "{ca}"), "expected one of --serial, --certificate, --perspective"),
    (("revoke", "{ca}", "--serial", "1", "--coordinator"), "expected one of --serial"),
    (("revoke", "{ca}", "--serial", "12AB"), "no certificate with serial number 12AB"),
    (("revoke", "{ca}", "--caller", "x"), "urn:mpic:caller:x has no certificate from"),
    (("revoke", "{ca}", "--serial", "1", "--reason", "boredom"), "--reason: expected unspecified"),
    (("list", "/nowhere"), "/nowhere: expected the folder of a CA"),
    (("token", "{ca}", "--coordinator"), "--coordinator means nothing to token"),
    (("token", "{ca}"), "expected one of --perspective"),
    (("token", "{ca}", "--perspective", "a", "--uses", "0"), "--uses: expected 1 to 1000"),
    (("token", "{ca}", "--perspective", "a", "--url", "http://x"), "--url: expected https://"),
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


# -- renewing


def certificates(text):
    """Those in PEM, as OpenSSL describes them."""
    ends = "-----END CERTIFICATE-----\n"
    return [openssl("x509", "-noout", "-text", text=one + ends) for one in text.split(ends)[:-1]]


def field(described, name):
    return next(line.split(name, 1)[1].strip() for line in described.splitlines() if name in line)


def public_key(text):
    return openssl("x509", "-noout", "-pubkey", text=text)


def test_a_certificate_is_renewed_without_its_key(pki, folder, tmp_path):
    pki("issue", folder, "--coordinator", "--host", "mpic.example", "--days", "9",
        "--out", tmp_path / "c")
    old = (tmp_path / "c" / "tls.pem").read_text()
    (tmp_path / "c" / "tls.key").unlink()
    ended = pki("renew", folder, "--certificate", tmp_path / "c" / "tls.pem", "--days", "30")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    before, = certificates(old)
    after, = certificates(ended.stdout)
    assert public_key(ended.stdout) == public_key(old)
    assert "URI:urn:mpic:coordinator, DNS:mpic.example" in before
    assert "URI:urn:mpic:coordinator, DNS:mpic.example" in after
    assert field(before, "Not After :") != field(after, "Not After :")
    assert len((folder / "issued.jsonl").read_text().splitlines()) == 2


def test_a_document_is_renewed_as_one(pki, folder, tmp_path):
    """And nothing in it but the certificate is another, nor who signs its results."""
    document = tmp_path / "user-data"
    document.write_text(pki("issue", folder, "--perspective", CODE).stdout, encoding="ascii")
    before = yaml.safe_load(document.read_text())
    after = yaml.safe_load(pki("renew", folder, "--certificate", document).stdout)
    assert {key for key in before if before[key] != after[key]} == {"tls_certificate"}
    assert list(before) == list(after)
    assert public_key(after["tls_certificate"]) == public_key(before["tls_certificate"])
    first, second = map(json.loads, (folder / "issued.jsonl").read_text().splitlines())
    assert first["verify_key"] == second["verify_key"]
    assert first["serial"] != second["serial"]


def test_what_is_another_cas_is_not_renewed(pki, folder, tmp_path):
    pki("init", tmp_path / "other")
    pki("issue", tmp_path / "other", "--coordinator", "--out", tmp_path / "c")
    ended = pki("renew", folder, "--certificate", tmp_path / "c" / "tls.pem")
    assert ended.returncode == ERROR and ended.stdout == ""
    assert f"the certificate was not issued by the CA in {folder}" in ended.stderr


# -- revoking


def crl(folder):
    return openssl("crl", "-in", folder / "crl.pem", "-noout", "-text", "-CAfile",
                   folder / "ca.pem")


def revoked(folder):
    return re.findall(r"Serial Number: (\w+)", crl(folder))


def serials(folder):
    return [json.loads(line)["serial"] for line in
            (folder / "issued.jsonl").read_text().splitlines()]


def test_a_serial_number_is_revoked(pki, folder, tmp_path):
    for name in ("a", "b"):
        pki("issue", folder, "--caller", name, "--out", tmp_path / name)
    first, second = serials(folder)
    ended = pki("revoke", folder, "--serial", first.lower(), "--reason", "keyCompromise")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert ended.stdout == f"revoked {first} of urn:mpic:caller:a\n"
    assert revoked(folder) == [first] and "Key Compromise" in crl(folder)
    assert mode(folder / "crl.pem") == 0o644
    # OpenSSL, which knows nothing of ours, refuses the one and takes the other.
    both = tmp_path / "both.pem"
    both.write_text((folder / "ca.pem").read_text() + (folder / "crl.pem").read_text())
    verify = ["openssl", "verify", "-crl_check", "-CAfile", both]
    assert "certificate revoked" in subprocess.run(
        [*verify, tmp_path / "a" / "tls.pem"], capture_output=True, text=True).stderr
    assert subprocess.run([*verify, tmp_path / "b" / "tls.pem"], capture_output=True).returncode == 0
    refused = pki("renew", folder, "--certificate", tmp_path / "a" / "tls.pem")
    assert refused.returncode == ERROR
    assert re.search(rf"certificate {first} of urn:mpic:caller:a was revoked on "
                     r"20..-..-..T..:..:..Z \(keyCompromise\)", refused.stderr)
    # The second time is no fault, and does not change since when.
    again = pki("revoke", folder, "--serial", first)
    assert again.returncode == DONE and "was revoked on" in again.stdout
    assert len((folder / "revoked.jsonl").read_text().splitlines()) == 1


def test_a_certificate_is_revoked_that_is_on_no_list(pki, folder, tmp_path):
    pki("issue", folder, "--caller", "a", "--out", tmp_path / "a")
    serial, = serials(folder)
    (folder / "issued.jsonl").unlink()
    assert pki("revoke", folder, "--certificate", tmp_path / "a" / "tls.pem").returncode == DONE
    assert revoked(folder) == [serial]
    pki("init", tmp_path / "other")
    other = pki("revoke", tmp_path / "other", "--certificate", tmp_path / "a" / "tls.pem")
    assert other.returncode == ERROR and "was not issued by the CA in" in other.stderr


def test_all_of_a_perspective_is_revoked(pki, folder):
    for code in (CODE, "aws:us-east-1", CODE):
        pki("issue", folder, "--perspective", code)
    first, other, second = serials(folder)
    pki("token", folder, "--perspective", CODE)
    pki("token", folder, "--perspective", "aws:us-east-1")
    ended = pki("revoke", folder, "--perspective", CODE)
    assert ended.returncode == DONE and "cancelled 1 of its tokens" in ended.stdout
    assert sorted(revoked(folder)) == sorted([first, second])
    assert other not in revoked(folder)
    assert len(list((folder / "tokens").iterdir())) == 1


def test_the_number_of_a_crl_grows_and_its_time_can_be_said(pki, folder):
    def number():
        return int(re.search(r"X509v3 CRL Number:\s*(\w+)", crl(folder))[1], 0)

    assert pki("crl", folder, "--days", "3").returncode == DONE
    before = number()
    left = (datetime.strptime(field(crl(folder), "Next Update:"), "%b %d %H:%M:%S %Y GMT")
            .replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    assert 3 * 86400 - 60 < left <= 3 * 86400
    assert "No Revoked Certificates" in crl(folder)
    pki("crl", folder)
    pki("crl", folder)
    assert number() > before + 1
    assert "Signature Algorithm: ecdsa-with-SHA256" in crl(folder)
    assert "X509v3 Authority Key Identifier" in crl(folder)


def test_the_list_says_what_is_good_and_what_is_not(pki, folder):
    pki("issue", folder, "--caller", "a", "--days", "9")
    pki("issue", folder, "--caller", "b")
    first, second = serials(folder)
    pki("revoke", folder, "--serial", second, "--reason", "superseded")
    with open(folder / "issued.jsonl", "a", encoding="ascii") as file:
        file.write('{"identity":"urn:mpic:caller:c","serial":"0C","not_after":'
                   '"2020-01-01T00:00:00Z"}\n')
    lines = pki("list", folder).stdout.splitlines()
    assert re.search(rf"urn:mpic:caller:a +{first} .*Z valid +[89] days left", lines[0])
    assert re.search(rf"urn:mpic:caller:b +{second} .*Z revoked +on 20.*Z, superseded", lines[1])
    assert re.search(r"urn:mpic:caller:c +0C +2020-01-01T00:00:00Z ended", lines[2])
    rows = [json.loads(line) for line in pki("list", folder, "--json").stdout.splitlines()]
    assert [row["state"] for row in rows] == ["valid", "revoked", "ended"]
    assert rows[1]["reason"] == "superseded"


def test_a_list_that_cannot_be_read_is_no_empty_one(pki, folder, tmp_path):
    pki("issue", folder, "--caller", "a", "--out", tmp_path / "a")
    with open(folder / "revoked.jsonl", "w", encoding="ascii") as file:
        file.write("{}\nnonsense\n")
    for arguments in (("list", folder), ("crl", folder),
                      ("renew", folder, "--certificate", tmp_path / "a" / "tls.pem")):
        ended = pki(*arguments)
        assert (ended.returncode, ended.stdout) == (ERROR, "")
        assert "revoked.jsonl: line 1: identity" in ended.stderr
    assert not (folder / "crl.pem").exists()


# -- the CA for enrolment


@pytest.fixture
def enrolment(pki, folder, tmp_path):
    path = tmp_path / "enrolment"
    assert pki("intermediate", folder, path, "--name", "Example enrolment").returncode == DONE
    return path


def test_a_ca_for_enrolment_is_below_the_root_and_has_nothing_of_its_key(pki, folder, enrolment):
    assert openssl("verify", "-CAfile", folder / "ca.pem", enrolment / "ca.pem").endswith("OK\n")
    described, = certificates((enrolment / "ca.pem").read_text())
    assert "CA:TRUE, pathlen:0" in described
    assert (enrolment / "root.pem").read_text() == (folder / "ca.pem").read_text()
    assert (enrolment / "ca.key").read_text() != (folder / "ca.key").read_text()
    assert (mode(enrolment), mode(enrolment / "ca.key")) == (0o700, 0o600)
    # A CA below it there cannot be.
    ended = pki("intermediate", enrolment, enrolment / "more")
    assert ended.returncode == ERROR and "pathlen 0" in ended.stderr
    # The root can revoke it.
    serial, = serials(folder)
    assert pki("revoke", folder, "--serial", serial).returncode == DONE
    assert revoked(folder) == [serial]


def test_what_it_issues_leads_to_the_root(pki, folder, enrolment, tmp_path):
    pki("issue", enrolment, "--perspective", CODE, "--out", tmp_path / "p")
    assert (tmp_path / "p" / "ca.pem").read_text() == (folder / "ca.pem").read_text()
    leaf, above = certificates((tmp_path / "p" / "tls.pem").read_text())
    assert "CA:FALSE" in leaf and "CN=Example enrolment" in field(above, "Subject:").replace(" = ", "=")
    assert openssl("verify", "-CAfile", folder / "ca.pem", "-untrusted", enrolment / "ca.pem",
                   tmp_path / "p" / "tls.pem").endswith("OK\n")
    renewed = pki("renew", enrolment, "--certificate", tmp_path / "p" / "tls.pem")
    assert len(certificates(renewed.stdout)) == 2


def test_a_uri_name_constraint_would_refuse_every_urn(tmp_path):
    """Why the CA for enrolment has an extension of ours in its place."""
    config = tmp_path / "c.cnf"
    config.write_text("[req]\ndistinguished_name=n\nprompt=no\n[n]\nCN=x\n"
                      "[ca]\nbasicConstraints=critical,CA:TRUE\n"
                      "nameConstraints=critical,permitted;URI:mpic\n"
                      "[leaf]\nsubjectAltName=URI:urn:mpic:perspective:a\n")
    new = ["req", "-x509", "-config", config, "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes"]
    openssl(*new, "-extensions", "ca", "-keyout", tmp_path / "k", "-out", tmp_path / "ca")
    openssl(*new, "-extensions", "leaf", "-CA", tmp_path / "ca", "-CAkey", tmp_path / "k",
            "-keyout", tmp_path / "lk", "-out", tmp_path / "leaf")
    ended = subprocess.run(["openssl", "verify", "-CAfile", tmp_path / "ca", tmp_path / "leaf"],
                           capture_output=True, text=True, check=False)
    assert "unsupported name constraint" in ended.stderr or "name syntax" in ended.stderr


# -- tokens


def test_a_token_is_printed_once_and_kept_as_its_hash(pki, enrolment):
    ended = pki("token", enrolment, "--perspective", CODE, "--days", "2", "--uses", "3")
    assert ended.returncode == DONE
    token = ended.stdout.strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    record, = (enrolment / "tokens").iterdir()
    assert record.name == hashlib.sha256(token.encode()).hexdigest()
    said = json.loads(record.read_text())
    assert (said["perspective"], said["uses"]) == (CODE, 3)
    assert 2 * 86400 - 60 < said["expires_s"] - time.time() <= 2 * 86400
    assert not any(token in path.read_text() for path in enrolment.rglob("*") if path.is_file())


def test_a_token_can_come_in_the_document_of_an_appliance(pki, folder, enrolment):
    ended = pki("token", enrolment, "--perspective", CODE, "--url", "https://mpic.example:8443",
                "--address", "192.0.2.7:8443")
    document = yaml.safe_load(ended.stdout)
    assert list(document) == ["code", "callers", "tls_ca", "enrolment"]
    assert document["tls_ca"] == (folder / "ca.pem").read_text()
    assert document["enrolment"]["url"] == "https://mpic.example:8443"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", document["enrolment"]["token"])
    (row,) = yaml.safe_load(ended.stderr.split("\n", 1)[1])
    assert row == {"code": CODE, "url": "https://192.0.2.7:8443", "verify_key": "enrolled"}


def test_a_key_of_another_ca_is_refused(pki, folder, tmp_path):
    pki("init", tmp_path / "other")
    Path(folder, "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    ended = pki("issue", folder, "--coordinator")
    assert ended.returncode == ERROR and "is not the key of" in ended.stderr
