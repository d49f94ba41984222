"""POST /dcv at one perspective: the methods that are answered by DNS."""

import pytest

import dcv
from dcv import Case, account01, change, contact, dns01, ip_address, persistent, reverse
from mininet import challenge
from mininet.challenge import ACCOUNT, DIGEST, EMAIL, OTHER_ACCOUNT, PHONE, VALUE
from perspective import Perspective

ACME_DNS_01 = (
    Case("exact.dcv.com", dns01(), details={
        "records_seen": [DIGEST], "response_code": 0, "ad_flag": False, "cname_chain": [],
        "found_at": "_acme-challenge.exact.dcv.com", "dnssec_status": "insecure",
        "matched": DIGEST}),
    Case("EXACT.Dcv.com", dns01()),
    Case("*.exact.dcv.com", dns01(), details={"found_at": "_acme-challenge.exact.dcv.com"}),
    Case("exact.dcv.com", dns01(dns_record_type="TXT", dns_name_prefix="_acme-challenge")),
    Case("several.dcv.com", dns01(), details={"matched": DIGEST}),
    Case("strings.dcv.com", dns01(), details={"records_seen": [DIGEST]}),
    Case("binary.dcv.com", dns01(), details={"matched": DIGEST}),
    Case("many.dcv.com", dns01(), details={"matched": DIGEST}),
    Case("alias.dcv.com", dns01(), details={
        "cname_chain": ["_acme-challenge.exact.dcv.com."]}),
    Case("exact.dcv.org", dns01(), details={"ad_flag": True, "dnssec_status": "secure"}),
    Case("_X.Hosted.adn.org", dns01(), details={
        "found_at": "_acme-challenge._x.hosted.adn.org", "dnssec_status": "secure"}),
    Case("plain.dcv.org", dns01(), details={"ad_flag": False, "dnssec_status": "insecure"}),
    Case("secure-alias.dcv.com", dns01(), details={
        "ad_flag": False, "dnssec_status": "insecure"}),
    Case("other.dcv.com", dns01(), "no-match", details={
        "records_seen": [challenge.OTHER_DIGEST], "matched": None}),
    Case("other.dcv.org", dns01(), "no-match", details={"ad_flag": True}),
    Case("longer.dcv.com", dns01(), "no-match"),
    Case("capitals.dcv.com", dns01(), "no-match"),
    Case("empty.dcv.com", dns01(), "no-match", details={"records_seen": [""]}),
    Case("binary-only.dcv.com", dns01(), "no-match"),
    Case("nowhere.dcv.com", dns01(), "no-record", details={
        "response_code": 3, "records_seen": []}),
    Case("address.dcv.com", dns01(), "no-record"),
    Case("gone.dcv.com", dns01(), "no-record"),
    Case("dcv-bogus.org", dns01(), "dns-bogus", "expired", {"dnssec_status": "bogus"}),
    Case("bogus-alias.dcv.com", dns01(), "dns-bogus"),
    Case("bad.dcv.org", dns01(), "dns-bogus"),
    Case("dcv-refused.com", dns01(), "dns-failed", "REFUSED", deadline_ms=30000),
    Case("dcv-dead.com", dns01(), "dns-timeout", deadline_ms=2000),
)

DNS_ACCOUNT_01 = (
    Case("account.dcv.com", account01(), details={
        "found_at": f"{challenge.account_label(ACCOUNT)}._acme-challenge.account.dcv.com"}),
    Case("*.account.dcv.com", account01()),
    Case("account.dcv.com", account01(OTHER_ACCOUNT), "no-match"),
    Case("account.dcv.com", account01(ACCOUNT + "0"), "no-record"),
    Case("exact.dcv.com", account01(), "no-record"),
)

DNS_CHANGE = (
    Case("txt.dcv.com", change(), details={"found_at": "txt.dcv.com", "matched": VALUE}),
    Case("txt.dcv.com", change(dns_name_prefix="")),
    Case("*.txt.dcv.com", change()),
    Case("txt.dcv.com", change(dns_name_prefix="_change"), details={
        "found_at": "_change.txt.dcv.com"}),
    Case("within.dcv.com", change()),
    Case("within.dcv.com", change(require_exact_match=False)),
    Case("within.dcv.com", change(require_exact_match=True), "no-match"),
    Case("txt.dcv.com", change(require_exact_match=True)),
    Case("lower.dcv.com", change(), "no-match"),
    Case("lower.dcv.com", change(require_exact_case=True), "no-match"),
    Case("lower.dcv.com", change(require_exact_case=False)),
    Case("cname.dcv.com", change("CNAME")),
    Case("cname.dcv.com", change("CNAME", f"{VALUE}.targets.dcv.com", require_exact_match=True)),
    Case("cname.dcv.com", change("CNAME", f"{VALUE.lower()}.targets.dcv.com.",
                                 require_exact_match=True)),
    Case("cname.dcv.com", change("CNAME", dns_name_prefix="_change")),
    Case("cname.dcv.com", change("CNAME", "another-value"), "no-match"),
    Case("caa.dcv.com", change("CAA")),
    Case("caa.dcv.com", change("CAA", "another-value"), "no-match"),
    Case("txt.dcv.com", change("CAA"), "no-record"),
    Case("txt.dcv.com", change("CNAME"), "no-record"),
    Case("txt.dcv.org", change(), details={"ad_flag": True}),
    Case("dcv-bogus.org", change(), "dns-bogus"),
)


def _persist(name, problem=None, parameters=None, **more):
    return Case(f"{name}.dcv.com", parameters or persistent(), problem, **more)


DNS_PERSISTENT = (
    _persist("right", details={"found_at": "_validation-persist.right.dcv.com"}),
    _persist("right", parameters=persistent(["ca9.com", "CA1.com"])),
    _persist("right", parameters=persistent(
        account=None, expected_account_uris=[OTHER_ACCOUNT, ACCOUNT])),
    _persist("right", parameters=persistent(
        account=OTHER_ACCOUNT, expected_account_uris=[ACCOUNT])),
    _persist("account", parameters=persistent(account=OTHER_ACCOUNT)),
    _persist("capitals"),
    _persist("until"),
    _persist("unknown"),
    _persist("policy"),
    _persist("wild"),
    _persist("several"),
    _persist("binary"),
    _persist("alias"),
    Case("*.wild.dcv.com", persistent()),
    Case("*.wild-capitals.dcv.com", persistent()),
    Case("*.unknown.dcv.com", persistent()),
    Case("right.dcv.org", persistent(), details={"ad_flag": True}),
    Case("*.right.dcv.com", persistent(), "no-match"),
    Case("*.policy.dcv.com", persistent(), "no-match"),
    _persist("over", "no-match"),
    _persist("account", "no-match"),
    _persist("account-case", "no-match"),
    _persist("account-twice", "no-match"),
    _persist("account-none", "no-match"),
    _persist("until-twice", "no-match"),
    _persist("until-underscore", "no-match"),
    _persist("until-script", "no-match"),
    _persist("until-sign", "no-match"),
    _persist("until-empty", "no-match"),
    _persist("issuer", "no-match"),
    _persist("issuer-none", "no-match"),
    _persist("issuer-within", "no-match"),
    _persist("grammar", "no-match"),
    _persist("grammar-tag", "no-match"),
    _persist("grammar-end", "no-match"),
    _persist("right", "no-match", persistent(["com", "a1.com"])),
    _persist("nowhere", "no-record"),
    Case("dcv-bogus.org", persistent(), "dns-bogus"),
    # Of addresses, in the reverse zones (BR 3.2.2.5.8).
    Case("93.184.216.10", persistent(), details={
        "found_at": "_ip-validation-persist.10.216.184.93.in-addr.arpa", "ad_flag": True}),
    Case("2606:2800:220:1::a", persistent()),
    Case("93.184.216.11", persistent(), "no-record"),
    Case("93.184.216.10", persistent(account=OTHER_ACCOUNT), "no-match"),
)

CONTACT = (
    Case("mail.dcv.com", contact("email-txt", EMAIL), details={
        "found_at": "_validation-contactemail.mail.dcv.com", "matched": EMAIL}),
    Case("*.mail.dcv.com", contact("email-txt", EMAIL)),
    Case("mails.dcv.com", contact("email-txt", EMAIL)),
    Case("mail.dcv.org", contact("email-txt", EMAIL), details={"ad_flag": True}),
    Case("mail.dcv.com", contact("email-txt", "other@dcv.com"), "no-match"),
    Case("mail.dcv.com", contact("email-txt", "master@dcv.com"), "no-match"),
    Case("below.mail.dcv.com", contact("email-txt", EMAIL), "no-record"),
    Case("phone.dcv.com", contact("phone-txt", PHONE)),
    Case("phone.dcv.com", contact("phone-txt", "+1 555 0101"), "no-match"),
    Case("mail.dcv.com", contact("phone-txt", PHONE), "no-record"),
    Case("caa-contact.dcv.com", contact("email-caa", EMAIL), details={
        "found_at": "caa-contact.dcv.com"}),
    Case("caa-contact.dcv.com", contact("phone-caa", PHONE)),
    Case("*.caa-contact.dcv.com", contact("email-caa", EMAIL)),
    Case("caa-contacts.dcv.com", contact("email-caa", EMAIL)),
    Case("host.below.caa-contact.dcv.com", contact("email-caa", EMAIL), details={
        "found_at": "caa-contact.dcv.com"}),
    Case("nowhere.dcv.org", contact("email-caa", EMAIL), details={
        "found_at": "dcv.org", "ad_flag": True}),
    Case("caa-contact.dcv.com", contact("email-caa", "other@dcv.com"), "no-match"),
    Case("caa-contact.dcv.com", contact("phone-caa", EMAIL), "no-match"),
    # The relevant RRset is the nearest, whatever its tags (RFC 8659 3).
    Case("caa-nearer.caa-contact.dcv.com", contact("email-caa", EMAIL), "no-match"),
    Case("nowhere.dcv.com", contact("email-caa", EMAIL), "no-record"),
    Case("www.dcv-bogus.org", contact("email-caa", EMAIL), "dns-bogus"),
)

ADDRESSES = (
    Case("one.dcv.com", ip_address("93.184.216.10")),
    Case("one.dcv.com", ip_address("2606:2800:220:1::a", "AAAA")),
    Case("one.dcv.com", ip_address("2606:2800:0220:0001:0:0:0:000A", "AAAA")),
    Case("two.dcv.com", ip_address("93.184.216.10")),
    Case("one-alias.dcv.com", ip_address("93.184.216.10"), details={
        "cname_chain": ["one.dcv.com."]}),
    Case("one.dcv.com", ip_address("93.184.216.1"), "no-match"),
    Case("two.dcv.com", ip_address("2606:2800:220:1::a", "AAAA"), "no-record"),
    Case("93.184.216.10", reverse(), details={
        "found_at": "10.216.184.93.in-addr.arpa", "ad_flag": True}),
    Case("93.184.216.10", reverse("WWW.Permit.Com.")),
    Case("2606:2800:220:1::a", reverse()),
    Case("10.216.184.93.in-addr.arpa", reverse()),
    Case("93.184.216.10", reverse("permit.com"), "no-match"),
    Case("93.184.216.11", reverse(), "no-match"),
    Case("93.184.216.12", reverse(), "no-record"),
)

# Open MPIC's members, and ours.
DETAILS = {"validation_method", "records_seen", "response_code", "ad_flag", "found_at",
           "cname_chain", "matched", "relied_on", "dnssec_status"}
CASES = (*ACME_DNS_01, *DNS_ACCOUNT_01, *DNS_CHANGE, *DNS_PERSISTENT, *CONTACT, *ADDRESSES)


@pytest.fixture(scope="module")
def client(build_dir, unbound_prefix, world, tmp_path_factory):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("dcv")) as perspective:
        perspective.start_unbound()
        yield perspective.start()[1]


@pytest.fixture(scope="module")
def results(client):
    return dict(zip(map(id, CASES), dcv.ask_all(client, CASES)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(results, case):
    result = results[id(case)]
    dcv.judge(case, result)
    details = result["details"]
    assert set(details) == DETAILS
    assert (details["ad_flag"] is True) is (details["dnssec_status"] == "secure")
    if case.problem != "dns-timeout":
        assert isinstance(details["cname_chain"], list) and result["evidence"]["lookups"]
    if result["check_passed"]:
        assert details["matched"] is not None and details["records_seen"]
    assert (details["relied_on"] is not None) is result["check_passed"]


def test_what_is_not_utf8_is_escaped(client):
    seen = dcv.ask(client, Case("binary-only.dcv.com", dns01()))["details"]["records_seen"]
    assert seen == ["\\255\\254\\000\\128"]


def test_three_hundred_records_are_seen(client):
    seen = dcv.ask(client, Case("many.dcv.com", dns01()))["details"]["records_seen"]
    assert len(seen) == 300 and DIGEST in seen


def test_record_set_at_run_time(client, restored):
    """Nothing of an earlier check is reused."""
    case = Case("site.dcv-flip.com", dns01())
    dcv.judge(Case(case.target, dns01(), "no-record"), dcv.ask(client, case))
    restored.set_records("_acme-challenge.site.dcv-flip.com", "TXT", [f'"{DIGEST}"'])
    dcv.judge(case, dcv.ask(client, case))
    restored.set_records("_acme-challenge.site.dcv-flip.com", "TXT", ['"gone"'])
    dcv.judge(Case(case.target, dns01(), "no-match"), dcv.ask(client, case))
