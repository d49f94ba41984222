"""mpic lookup: what a perspective's resolver finds, for whoever operates it."""

import json
import os
import subprocess

import pytest

YES, NO, ERROR = 0, 1, 2


@pytest.fixture
def lookup(build_dir, fleet):
    """lookup(*arguments) asks the resolver of the fleet's first perspective."""
    resolver = fleet.parts["perspectives"][0]["resolver"]

    def run(*arguments):
        return subprocess.run(
            [build_dir / "mpic", "lookup", "--resolver", resolver, *arguments],
            capture_output=True, text=True, timeout=60, check=False, env=os.environ)
    return run


def test_a_record_with_its_status(lookup):
    ended = lookup("signed-permit.org")
    assert (ended.returncode, ended.stderr) == (YES, "")
    head, record = ended.stdout.splitlines()
    assert head == "signed-permit.org CAA: answer, secure"
    assert record.strip() == '0 issue "ca1.com"'


def test_a_climb_says_where_the_relevant_records_are(lookup):
    ended = lookup("a.b.permit.com", "--climb")
    lines = [line for line in ended.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split(" ")[0] for line in lines][:3] == [
        "a.b.permit.com", "b.permit.com", "permit.com"]
    assert lines[2] == "permit.com CAA: answer, insecure; the relevant RRset"
    assert ended.returncode == YES


def test_an_alias_is_followed_hop_by_hop(lookup):
    ended = lookup("www.alias.com")
    assert ended.stdout.splitlines()[1].strip() == "CNAME of www.alias.com to permit.com, insecure"


def test_bogus_is_a_no_with_its_reason(lookup):
    ended = lookup("expired.org")
    assert ended.returncode == NO
    assert ended.stdout.startswith("expired.org CAA: failed, bogus: ")


def test_other_types(lookup):
    ended = lookup("host.permit.com", "--type", "a")
    assert ended.returncode == YES
    assert ended.stdout.startswith("host.permit.com A: answer, insecure\n    93.184.216.")


def test_json_is_the_evidence_as_it_came(lookup):
    evidence = json.loads(lookup("none.com", "--json").stdout)
    assert evidence["op"] == "lookup"
    assert evidence["lookups"][0]["outcome"] == "nodata"


@pytest.mark.parametrize("arguments, says", (
    ((), "expected one name"), (("a.com", "b.com"), "expected one name"),
    (("a..com",), "a..com "), (("a.com", "--type", "SPF"), "--type: expected CAA, TXT"),
    (("a.com", "--resolver", "localhost"), "--resolver: expected ADDR:PORT"),
    (("a.com", "--resolver", "127.0.0.1:1"), "the resolver")))
def test_what_is_wrong_is_named(lookup, arguments, says):
    ended = lookup(*arguments)
    assert (ended.returncode, ended.stdout) == (ERROR, "")
    assert says in ended.stderr
