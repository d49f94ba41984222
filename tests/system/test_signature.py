"""Signed results: from the perspective through the coordinator into the archive."""

import base64
import hashlib
import json
import re
import os
import subprocess

import pytest

from coordinators import by_code
from daemons import children
from minifleet import pki

GENUINE, WRONG, ERROR = 0, 1, 2


@pytest.fixture(scope="module")
def keys(fleet, tmp_path_factory):
    """A folder with the fleet's public keys and nothing else."""
    folder = tmp_path_factory.mktemp("keys")
    for row in fleet.parts["perspectives"]:
        name = row["code"].replace(":", "-") + ".pub"
        os.symlink(row["verify_key"], folder / name)
    return folder


@pytest.fixture(scope="module")
def verify(build_dir, keys, tmp_path_factory):
    """verify(text, keys...) gives the ended process; without keys, those of the fleet."""
    folder = tmp_path_factory.mktemp("archive")

    def verify(text, *given):
        path = folder / "answer.json"
        path.write_text(text, encoding="utf-8")
        return subprocess.run([build_dir / "mpic", "verify", path, "--keys", *(given or (keys,))],
                              capture_output=True, text=True, timeout=30, check=False)
    return verify


@pytest.fixture(scope="module")
def archived(caller):
    """The answer to a check that passed, as it came."""
    reply = caller.mpic("www.permit.com")
    assert reply.json["is_valid"] is True
    return reply.text


def results(text):
    return [one["check_response"] for one in json.loads(text)["perspectives"]]


def payload(result):
    part = result["signature"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_what_is_signed(archived, fleet):
    for result in results(archived):
        claims = payload(result)
        assert claims["perspective_code"] == result["perspective_code"]
        assert claims["check_type"] == "caa"
        assert claims["domain_or_ip_target"] == "www.permit.com"
        assert claims["nonce"] == result["nonce"]
        assert claims["timestamp_ns"] == result["timestamp_ns"]
        assert re.fullmatch(r"Parallax \d+\.\d+\.\d+", claims["software_version"])
        assert claims["resolver_version"] == result["evidence"]["resolver"]
        assert re.fullmatch(r"unbound \d+\.\d+\.\d+", claims["resolver_version"])
        assert claims["image_version"] == "test"
        assert list(result)[-1] == "signature"
    assert len({payload(r)["request_sha256"] for r in results(archived)}) == 1


def test_openssl_alone_verifies_it(archived, fleet, tmp_path):
    """As docs/signatures.md says."""
    row = fleet.parts["perspectives"][0]
    start = archived.index('"check_response":', archived.index(row["code"])) + 17
    text = archived[start:]
    end = text.index(',"signature":"')
    jws = text[end + 14:text.index('"', end + 14)]
    signed, _, signature = jws.rpartition(".")
    (tmp_path / "signed").write_text(signed, encoding="ascii")
    (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", row["verify_key"],
                    "-rawin", "-in", tmp_path / "signed", "-sigfile", tmp_path / "signature"],
                   check=True, capture_output=True)
    digest = hashlib.sha256((text[:end] + "}").encode()).digest()
    claims = payload({"signature": jws})
    assert claims["result_sha256"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_request_is_what_was_posted(fleet, tmp_path):
    row = fleet.parts["perspectives"][0]
    body = '{"domain_or_ip_target":  "permit.com", "caa_check_parameters": ' \
           '{"certificate_type": "tls-server", "caa_domains": ["ca1.com"]}}'
    _, text = fleet.post(row["url"], "/caa", body.encode(), "coordinator")
    digest = base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest())
    assert payload(json.loads(text))["request_sha256"] == digest.decode().rstrip("=")


@pytest.mark.parametrize("name", ("permit.com", "deny.com", "bücher.permit.com", "refused.com"))
def test_an_answer_is_genuine(caller, verify, name):
    ended = verify(caller.mpic(name, deadline_ms=5000).text)
    assert ended.returncode == GENUINE, ended.stdout + ended.stderr
    assert ended.stdout.count("  genuine   ") == 6
    assert ended.stdout.endswith("6 genuine, 0 unsigned, 0 wrong\n")


def test_earlier_attempts_too(caller, verify):
    text = caller.mpic("deny.com", {"perspective_count": 3, "max_attempts": 2}).text
    assert verify(text).stdout.endswith("6 genuine, 0 unsigned, 0 wrong\n")


def swapped(text):
    """The codes of two perspectives exchanged."""
    first, second = [one["perspective_code"] for one in json.loads(text)["perspectives"]][:2]
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def without_signature(text):
    start = text.index(',"signature":"')
    return text[:start] + text[text.index('"}', start) + 1:]


@pytest.mark.parametrize("edit, says", (
    (lambda text: text.replace('"check_completed":true', '"check_completed":false', 1),
     "the result has been changed"),
    (lambda text: text.replace('"found_at":"permit.com"', '"found_at":"permit.org"', 1),
     "the result has been changed"),
    (lambda text: text.replace('"evidence":{', '"evidence":{ ', 1), "the result has been changed"),
    (lambda text: text.replace('"www.permit.com"', '"www.permit.org"', 1), "for another target"),
    (swapped, "the result has been changed"),
    (without_signature, "passed, and its signature is missing")))
def test_an_edited_answer(archived, verify, edit, says):
    ended = verify(edit(archived))
    assert ended.returncode == WRONG
    assert says in ended.stdout


def test_a_verdict_without_the_votes(caller, verify):
    text = caller.mpic("deny.com").text
    ended = verify(text.replace('"is_valid":false', '"is_valid":true', 1))
    assert ended.returncode == WRONG
    assert "is_valid is true, but 0 genuine results of caa passed where 4 were needed" \
        in ended.stdout


def test_a_result_of_another_request(caller, archived, verify):
    """Genuine by itself, and not of this attempt."""
    one, other = results(archived)[0], results(caller.mpic("www.permit.com").text)[0]

    def exact(text, result):
        end = text.index(f'"signature":"{result["signature"]}"')
        return text[text.rindex('{"check_completed"', 0, end):text.index("}", end) + 1]

    again = caller.mpic("www.permit.com").text
    other = results(again)[0]
    ended = verify(archived.replace(exact(archived, one), exact(again, other)))
    assert ended.returncode == WRONG
    assert "it answers another request" in ended.stdout


@pytest.mark.parametrize("text", ("", "{}", "[]", "no", '{"check_type":"caa"}'))
def test_what_is_no_answer(verify, text):
    assert verify(text).returncode == ERROR


def test_keys_by_name(archived, verify, fleet):
    rows = fleet.parts["perspectives"]
    assert verify(archived, *(f"{r['code']}={r['verify_key']}" for r in rows)).returncode == GENUINE
    crossed = [f"{rows[0]['code']}={rows[1]['verify_key']}",
               f"{rows[1]['code']}={rows[0]['verify_key']}", *(r["verify_key"] for r in rows[2:])]
    ended = verify(archived, *crossed)
    assert ended.returncode == WRONG
    assert ended.stdout.count("with the key of another perspective") == 2


def test_a_key_that_is_not_given(archived, verify, fleet):
    ended = verify(archived, *(r["verify_key"] for r in fleet.parts["perspectives"][1:]))
    assert ended.returncode == WRONG
    assert ended.stdout.count("is of none of the keys given") == 1


def test_files_that_are_no_keys(archived, verify, fleet):
    assert verify(archived, fleet.parts["ca"]).returncode == ERROR
    assert verify(archived, "/nonexistent").returncode == ERROR


# -- the coordinator


@pytest.fixture
def another_key(tmp_path):
    pki.signing_key(str(tmp_path / "other.key"), str(tmp_path / "other.pub"))
    return str(tmp_path / "other.pub")


@pytest.mark.parametrize("share", (0, 1))
def test_a_perspective_with_another_key_does_not_corroborate(coordinators, another_key, share):
    rows = coordinators.perspectives(*range(6))
    rows[0]["verify_key"] = another_key
    daemon, caller = coordinators.start(perspectives=rows, verify_share=share)
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/6")
    discarded = by_code(answer)[rows[0]["code"]]
    assert discarded["problem"]["code"] == "signature-invalid"
    assert "names another key" in discarded["problem"]["message"]
    assert "signature" not in discarded
    alarm, = daemon.lines("a result was discarded: it may be forged")
    assert (alarm["level"], alarm["perspective"]) == ("error", rows[0]["code"])
    assert caller.metrics()["mpic_perspective_alarms_total"][
        f'perspective="{rows[0]["code"]}"'] == 1


def test_too_many_of_them_and_there_is_no_quorum(coordinators, tmp_path):
    rows = coordinators.perspectives(*range(6))
    for i in range(3):
        pki.signing_key(str(tmp_path / f"{i}.key"), str(tmp_path / f"{i}.pub"))
        rows[i]["verify_key"] = str(tmp_path / f"{i}.pub")
    _, caller = coordinators.start(perspectives=rows)
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["quorum"]) == (False, "3/6")


def test_a_key_on_one_line(coordinators):
    rows = coordinators.perspectives(*range(6))
    with open(rows[0]["verify_key"], encoding="ascii") as file:
        pem = file.read()
    rows[0]["verify_key"] = pem.splitlines()[1]
    rows[1]["verify_key"] = open(rows[1]["verify_key"], encoding="ascii").read()
    _, caller = coordinators.start(perspectives=rows)
    assert caller.check("permit.com")["quorum"] == "6/6"


def test_keys_that_cannot_be_used(coordinators):
    rows = coordinators.perspectives(*range(6))
    rows[0]["verify_key"] = coordinators.certificate
    rows[2]["verify_key"] = rows[1]["verify_key"]
    ended = coordinators.run(coordinators.options(perspectives=rows))
    assert ended.returncode != 0
    assert "holds no Ed25519 public key" in ended.stderr
    assert "have the same verify_key" in ended.stderr


# -- the perspective


def test_the_fetcher_does_not_have_the_key(fleet):
    row = fleet.parts["perspectives"][0]
    with open(row["folder"] + "/sign.key", encoding="ascii") as file:
        seed = base64.b64decode(file.read().splitlines()[1])[-32:]
    worker, = children(row["httpcheck_pid"])
    fetcher, = children(worker)
    assert in_memory(seed, worker)
    assert not in_memory(seed, fetcher)


def in_memory(wanted, pid):
    """Whether it stands in anything that the process can write to."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            area, rights = line.split()[:2]
            start, end = (int(word, 16) for word in area.split("-"))
            # A sanitizer's shadow of all addresses holds none of the program's own octets.
            if not rights.startswith("rw") or end - start > 1 << 30:
                continue
            mem.seek(start)
            try:
                if wanted in mem.read(end - start):
                    return True
            except OSError:
                continue
    return False
