"""mpic-httpcheck's verdicts: what POST /caa says of the zones of the mini-Internet."""

import concurrent.futures

import pytest

from perspective import Perspective

ACCOUNT = "https://ca1.com/acct/1"

# Permitted: name, found_at, DNSSEC status, number of records seen, further parameters.
PERMITTED = (
    ("permit.com", "permit.com", "insecure", 1, {}),
    ("PERMIT.Com", "permit.com", "insecure", 1, {}),
    ("permit.com", "permit.com", "insecure", 1, {"caa_domains": ["ca7.net", "CA1.COM"]}),
    ("www.permit.com", "permit.com", "insecure", 1, {}),
    ("nx.permit.com", "permit.com", "insecure", 1, {}),
    ("own.permit.com", "own.permit.com", "insecure", 1, {}),
    ("none.permit.com", "permit.com", "insecure", 1, {}),
    ("child.none.com", "child.none.com", "insecure", 1, {}),
    ("permit.zz", "permit.zz", "insecure", 1, {}),
    ("none.brand", "brand", "insecure", 1, {}),
    ("brand", "brand", "secure", 1, {}),
    ("several.com", "several.com", "insecure", 3, {}),
    ("case.com", "case.com", "insecure", 1, {}),
    ("spaces.com", "spaces.com", "insecure", 1, {}),
    ("critical-known.com", "critical-known.com", "insecure", 1, {}),
    ("issuevmc.com", "issuevmc.com", "insecure", 2, {}),
    ("big.com", "big.com", "insecure", 1000, {}),
    ("big.com", "big.com", "insecure", 1000, {"caa_domains": ["ca1000.com"]}),
    ("binary.com", "binary.com", "insecure", 2, {}),
    ("wild.com", "wild.com", "insecure", 2, {}),
    ("*.wild.com", "wild.com", "insecure", 2, {"caa_domains": ["ca2.com"]}),
    ("wild-none.com", "wild-none.com", "insecure", 2, {}),
    ("*.wild-only.com", "wild-only.com", "insecure", 1, {}),
    ("*.www.permit.com", "permit.com", "insecure", 1, {}),
    ("x.wild-dns.com", "x.wild-dns.com", "insecure", 1, {}),
    ("account.com", "account.com", "insecure", 1, {"account_uris": [ACCOUNT]}),
    ("account.com", "account.com", "insecure", 1, {"account_uris": ["acct:one@ca1.com", ACCOUNT]}),
    ("method.com", "method.com", "insecure", 1, {"validation_methods": ["http-01"]}),
    ("method-tbr.com", "method-tbr.com", "insecure", 1,
     {"validation_methods": ["dns-01", "ca-tbr-7"]}),
    ("both.com", "both.com", "insecure", 1,
     {"account_uris": [ACCOUNT], "validation_methods": ["dns-01"]}),
    ("issuemail.com", "issuemail.com", "insecure", 2, {}),
    ("issuemail.com", "issuemail.com", "insecure", 2,
     {"certificate_type": "s-mime", "caa_domains": ["ca2.com"]}),
    ("issuemail-only.com", "issuemail-only.com", "insecure", 1, {"certificate_type": "s-mime"}),
    ("www.alias.com", "www.alias.com", "insecure", 1, {}),
    ("own.sub.dname.com", "own.sub.dname.com", "insecure", 1, {}),
    ("c7.chain.com", "c7.chain.com", "insecure", 1, {}),
    ("signed-permit.org", "signed-permit.org", "secure", 1, {}),
    ("signed-permit.com", "signed-permit.com", "secure", 1, {}),
    ("host.signed-permit.org", "signed-permit.org", "secure", 1, {}),
    ("signed.signed-none.org", "signed.signed-none.org", "secure", 1, {}),
    ("signed.signed-permit.org", "signed-permit.org", "secure", 1, {}),
    ("plain.signed-permit.org", "signed-permit.org", "insecure", 1, {}),
    ("x.signed-wild.org", "x.signed-wild.org", "secure", 1, {}),
    ("signed-big.org", "signed-big.org", "secure", 1000, {}),
    ("good.signed-alias.org", "good.signed-alias.org", "secure", 1, {}),
    ("plain.signed-alias.org", "plain.signed-alias.org", "insecure", 1, {}),
    ("x.sub.signed-alias.org", "x.sub.signed-alias.org", "secure", 1, {}),
    ("island.org", "island.org", "insecure", 1, {}),
    ("unsupported-alg.org", "unsupported-alg.org", "insecure", 1, {}),
    ("tcp-only.com", "tcp-only.com", "insecure", 1, {}),
    ("wrongcase.com", "wrongcase.com", "insecure", 1, {}),
    ("noedns.com", "noedns.com", "insecure", 1, {}),
    ("a.b.c.noent.com", "a.b.c.noent.com", "insecure", 1, {}),
)

# Nothing restricts issuance: name, reason, found_at, DNSSEC status, names looked up.
UNRESTRICTED = (
    ("none.com", "no-records", None, "insecure", 2),
    ("none.zz", "no-records", None, "insecure", 2),
    ("none.net", "no-records", None, "insecure", 2),
    ("f.a.b.c.d.e.deep.com", "no-records", None, "insecure", 8),
    ("nx.nx.none.com", "no-records", None, "insecure", 4),
    ("*.none.com", "no-records", None, "insecure", 2),
    ("signed-none.org", "no-records", None, "secure", 2),
    ("a.b.c.d.e.signed-none.org", "no-records", None, "secure", 7),
    ("nx.signed-none.org", "no-records", None, "secure", 3),
    ("www.signed-none.net", "no-records", None, "secure", 3),
    ("www.alias-none.com", "no-records", None, "insecure", 3),
    ("nodata-nosoa.com", "no-records", None, "insecure", 2),
    ("b.c.noent.com", "no-records", None, "insecure", 4),
    ("iodef-only.com", "no-relevant-property", "iodef-only.com", "insecure", 1),
    ("www.iodef-only.com", "no-relevant-property", "iodef-only.com", "insecure", 2),
    ("unknown-tag.com", "no-relevant-property", "unknown-tag.com", "insecure", 1),
    ("wild-only.com", "no-relevant-property", "wild-only.com", "insecure", 1),
    ("issuemail-only.com", "no-relevant-property", "issuemail-only.com", "insecure", 1),
)

# Forbidden: name, reason, found_at, the record that decides, DNSSEC status, further parameters.
FORBIDDEN = (
    ("deny.com", "other-issuer", "deny.com", '0 issue "other-ca.example"', "insecure", {}),
    ("www.deny.com", "other-issuer", "deny.com", '0 issue "other-ca.example"', "insecure", {}),
    ("*.deny.com", "other-issuer", "deny.com", '0 issue "other-ca.example"', "insecure", {}),
    ("permit.com", "other-issuer", "permit.com", '0 issue "ca1.com"', "insecure",
     {"caa_domains": ["a1.com", "ca1.co", "com"]}),
    ("forbid.permit.com", "empty-issuer", "forbid.permit.com", '0 issue ";"', "insecure", {}),
    ("empty.com", "empty-issuer", "empty.com", '0 issue ";"', "insecure", {}),
    ("blank.com", "empty-issuer", "blank.com", '0 issue ""', "insecure", {}),
    ("substring.com", "other-issuer", "substring.com", '0 issue "notca1.com"', "insecure", {}),
    ("malformed.com", "malformed-value", "malformed.com", '0 issue "%%%%%"', "insecure", {}),
    ("critical.com", "critical-unknown", "critical.com", '128 tbs "Unknown"', "insecure", {}),
    ("*.wild.com", "other-issuer", "wild.com", '0 issuewild "ca2.com"', "insecure", {}),
    ("*.wild-none.com", "empty-issuer", "wild-none.com", '0 issuewild ";"', "insecure", {}),
    ("account.com", "wrong-account", "account.com", f'0 issue "ca1.com; accounturi={ACCOUNT}"',
     "insecure", {}),
    ("account.com", "wrong-account", "account.com", f'0 issue "ca1.com; accounturi={ACCOUNT}"',
     "insecure", {"account_uris": [ACCOUNT + "2"]}),
    ("account-two.com", "unsatisfiable-parameters", "account-two.com",
     f'0 issue "ca1.com; accounturi={ACCOUNT}; accounturi=https://ca1.com/acct/2"', "insecure",
     {"account_uris": [ACCOUNT]}),
    ("method.com", "wrong-method", "method.com",
     '0 issue "ca1.com; validationmethods=dns-01,http-01"', "insecure",
     {"validation_methods": ["tls-alpn-01"]}),
    ("both.com", "wrong-method", "both.com",
     f'0 issue "ca1.com; accounturi={ACCOUNT}; validationmethods=dns-01"', "insecure",
     {"account_uris": [ACCOUNT], "validation_methods": ["http-01"]}),
    ("issuemail.com", "other-issuer", "issuemail.com", '0 issuemail "ca2.com"', "insecure",
     {"certificate_type": "s-mime"}),
    ("host.alias.com", "other-issuer", "alias.com", '0 issue "other-ca.example"', "insecure", {}),
    ("gone.alias.com", "other-issuer", "alias.com", '0 issue "other-ca.example"', "insecure", {}),
    ("signed-deny.org", "other-issuer", "signed-deny.org", '0 issue "other-ca.example"', "secure",
     {}),
)

# Bogus: name, the name whose lookup failed, what the sentence says. Allowed or not.
BOGUS = (
    ("expired.org", "expired.org", "expired"),
    ("www.expired.org", "www.expired.org", "expired"),
    ("expired-none.org", "expired-none.org", "expired"),
    ("child.expired.org", "child.expired.org", "expired"),
    ("wrongkey.org", "wrongkey.org", "DS"),
    ("unsigned-with-ds.org", "unsigned-with-ds.org", "DNSKEY"),
    ("stripped.org", "stripped.org", "no signatures"),
    ("bad.signed-alias.org", "bad.signed-alias.org", "expired.org"),
    ("www.alias-bogus.com", "www.alias-bogus.com", "expired.org"),
)

# Failed: name, what the sentence says. Nobody allowed it.
FAILED = (
    ("refused.com", "got REFUSED"),
    ("servfail.com", "got SERVFAIL"),
    ("servfail-signed.org", "got SERVFAIL"),
    ("notimp.com", "got NOTIMPL"),
    ("formerr.com", "got FORMERR"),
    ("garbage.com", "could not parse"),
    ("wrongquestion.com", "failed scrub"),
    ("truncate.com", "at zone truncate.com"),
    ("lame.com", "at zone lame.com"),
    ("caa-servfail.com", "got SERVFAIL"),
    ("refused.permit.com", "at zone refused.permit.com"),
    ("a.loop.com", "maximum number restarts"),
    ("c1.chain.com", "maximum number restarts"),
    ("short.com", "timeout"),
    ("wrongid.com", "timeout"),
    ("caa-dead.com", "timeout"),
    ("sub.permit.com", "at zone sub.permit.com"),
    ("dead.signed-permit.org", "at zone dead.signed-permit.org"),
)

# Failed, the request allows it, and it counts: name, reason, found_at.
EXCUSED = (
    ("refused.com", "lookup-failure-allowed", None),
    ("servfail.com", "lookup-failure-allowed", None),
    ("notimp.com", "lookup-failure-allowed", None),
    ("truncate.com", "lookup-failure-allowed", None),
    ("caa-servfail.com", "lookup-failure-allowed", None),
    ("dead.com", "lookup-failure-allowed", None),
    ("plain.alias-dead.com", "lookup-failure-allowed", None),
    ("refused.permit.com", "authorised", "permit.com"),
    ("sub.permit.com", "authorised", "permit.com"),
    ("sub.signed-permit.org", "authorised", "signed-permit.org"),
)

# Failed, the request allows it, and it does not count: name, why not.
NOT_EXCUSED = (
    ("servfail-signed.org", "not shown to be Insecure"),
    ("dead-signed.org", "not shown to be Insecure"),
    ("dead.signed-permit.org", "not shown to be Insecure"),
    ("www.alias-dead.com", "not shown to be Insecure"),
    ("dead-signed.signed-alias.org", "not shown to be Insecure"),
)

DEADLINE_MS = 50000
PROBLEMS = {"caa-forbids": ("target", False), "dns-bogus": ("target", False),
            "dns-failed": ("target", True)}


def _key(name, allowed, parameters=()):
    return name, allowed, repr(sorted(dict(parameters).items()))


def _questions(allowed):
    if allowed:
        rows = [row[:1] for row in (*BOGUS, *EXCUSED, *NOT_EXCUSED)]
        rows += [("deny.com",), ("sub.deny.com",), ("permit.com",), ("none.com",)]
        return [(row[0], {}) for row in rows]
    return [(row[0], row[-1] if isinstance(row[-1], dict) else {})
            for row in (*PERMITTED, *UNRESTRICTED, *FORBIDDEN, *BOGUS, *FAILED)]


@pytest.fixture(scope="module")
def results(build_dir, unbound_prefix, world, tmp_path_factory):
    """Every row's result. Dead zones take their time, so all are asked at once, and those where
    failures are allowed of another perspective: what one learnt of a server is not the other's."""
    found = {}
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("strict"), 2) as strict:
        strict.start_unbound()
        with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                         tmp_path_factory.mktemp("lenient"), 3) as lenient:
            lenient.start_unbound()
            with concurrent.futures.ThreadPoolExecutor(64) as pool:
                for perspective, allowed in ((strict, False), (lenient, True)):
                    _, client = perspective.start()
                    for name, parameters in _questions(allowed):
                        found[_key(name, allowed, parameters)] = pool.submit(
                            client.caa, name, allow_lookup_failure=allowed,
                            deadline_ms=DEADLINE_MS, **parameters)
            return {key: future.result() for key, future in found.items()}


@pytest.fixture
def result(results):
    def find(name, allowed=False, parameters=()):
        return results[_key(name, allowed, parameters)]
    return find


def assert_problem(result, code, passed=False):
    """Every result that is not a plain pass names its problem in full."""
    fault, retryable = PROBLEMS[code]
    problem = result["problem"]
    assert problem["code"] == code, problem
    assert problem["fault"] == fault
    assert problem["retryable"] is retryable
    assert result["check_passed"] is passed
    assert result["check_completed"] is (passed or code == "caa-forbids")
    if code == "caa-forbids":
        assert result["errors"] is None
    else:
        assert [error["error_type"] for error in result["errors"]] == [
            "mpic_error:caa_checker:lookup"]
        assert result["errors"][0]["error_message"] == problem["message"]
    return problem["message"]


def label(row):
    return " ".join([row[0], *(f"{value}" for value in row[-1].values())]
                    if isinstance(row[-1], dict) else [row[0]])


@pytest.mark.parametrize("row", PERMITTED, ids=label)
def test_permitted(result, row):
    name, found_at, status, seen, parameters = row
    got = result(name, parameters=parameters)
    details = got["details"]
    assert got["check_completed"] and got["check_passed"]
    assert got["errors"] is None and got["problem"] is None
    assert details["caa_record_present"] is True
    assert (details["reason"], details["found_at"]) == ("authorised", found_at)
    assert len(details["records_seen"]) == seen
    assert details["deciding_record"] in details["records_seen"]
    assert details["dnssec_status"] == status
    assert details["looked_up"][-1] == found_at


@pytest.mark.parametrize("row", UNRESTRICTED, ids=label)
def test_unrestricted(result, row):
    name, reason, found_at, status, asked = row
    got = result(name)
    details = got["details"]
    assert got["check_completed"] and got["check_passed"]
    assert got["errors"] is None and got["problem"] is None
    assert details["caa_record_present"] is (found_at is not None)
    assert (details["reason"], details["found_at"]) == (reason, found_at)
    assert bool(details["records_seen"]) is (found_at is not None)
    assert details["deciding_record"] is None
    assert details["dnssec_status"] == status
    climbed = name.removeprefix("*.").split(".")
    assert details["looked_up"] == [".".join(climbed[i:]) for i in range(asked)]


@pytest.mark.parametrize("row", FORBIDDEN, ids=label)
def test_forbidden(result, row):
    name, reason, found_at, record, status, parameters = row
    got = result(name, parameters=parameters)
    details = got["details"]
    message = assert_problem(got, "caa-forbids")
    assert f" at {found_at}: {record}" in message
    assert details["caa_record_present"] is True
    assert (details["reason"], details["found_at"]) == (reason, found_at)
    assert details["deciding_record"] == record
    assert record in details["records_seen"]
    assert details["dnssec_status"] == status


@pytest.mark.parametrize("allowed", (False, True), ids=("not-allowed", "allowed"))
@pytest.mark.parametrize("row", BOGUS, ids=label)
def test_bogus_is_never_permission(result, row, allowed):
    name, failing, says = row
    got = result(name, allowed)
    message = assert_problem(got, "dns-bogus")
    assert message.startswith(f"the CAA lookup of {failing} failed DNSSEC validation: ")
    assert says in message
    assert got["details"]["dnssec_status"] == "bogus"
    assert got["details"]["caa_record_present"] is None


@pytest.mark.parametrize("row", FAILED, ids=label)
def test_failed(result, row):
    name, says = row
    got = result(name)
    message = assert_problem(got, "dns-failed")
    assert message.startswith(f"the CAA lookup of {name} failed: ")
    assert says in message
    assert got["details"]["caa_record_present"] is None
    assert got["details"]["found_at"] is None
    assert got["evidence"]["lookups"][0]["exchanges"]


@pytest.mark.parametrize("row", EXCUSED, ids=label)
def test_allowed_failure_of_an_insecure_domain(result, row):
    """Permission for once: retried with packets sent, and every zone on the way Insecure."""
    name, reason, found_at = row
    got = result(name, True)
    message = assert_problem(got, "dns-failed", passed=True)
    assert "counts as permission" in message and "the domain is Insecure" in message
    assert (got["details"]["reason"], got["details"]["found_at"]) == (reason, found_at)
    failed = got["evidence"]["lookups"][0]
    assert failed["outcome"] == "failed"
    assert failed["tries_sent"] >= 2
    assert failed["insecurity"]["proven"] is True


@pytest.mark.parametrize("row", NOT_EXCUSED, ids=label)
def test_allowed_failure_of_a_signed_domain(result, row):
    name, why = row
    got = result(name, True)
    message = assert_problem(got, "dns-failed")
    assert why in message
    assert got["evidence"]["lookups"][0]["insecurity"]["proven"] is False


def test_allowing_failures_changes_no_verdict(result):
    """A record that forbids still does, and what permits needs no excuse."""
    assert result("deny.com", True)["details"]["reason"] == "other-issuer"
    assert result("sub.deny.com", True)["details"]["found_at"] == "deny.com"
    assert result("permit.com", True)["problem"] is None
    assert result("none.com", True)["problem"] is None


def test_every_result_says_who_and_when(results):
    for got in results.values():
        assert got["check_type"] == "caa"
        assert got["perspective_code"] == "aws:eu-central-1"
        assert got["timestamp_ns"] > 1.7e18
        assert got["elapsed_ms"] >= 0
        evidence = got["evidence"]
        assert evidence["op"] == "climb" and evidence["resolver"].startswith("unbound ")
        for lookup in evidence["lookups"]:
            if lookup["outcome"] in ("answer", "nodata", "nxdomain"):
                assert lookup["server"] and lookup["transport"] in ("udp", "tcp")


def test_each_attempt_has_evidence_of_its_own(results):
    nonces = [got["evidence"]["nonce"] for got in results.values()]
    assert len(set(nonces)) == len(nonces)
