"""POST /dcv at one perspective: what it refuses to check, naming what is wrong with it."""

import pytest

import dcv
from dcv import (account01, change, contact, dns01, http01, ip_address, persistent, reverse,
                 tls_alpn, website)
from perspective import Perspective

P = "dcv_check_parameters"


def without(parameters, member):
    return {key: value for key, value in parameters.items() if key != member}


# (target, parameters, the members that are named)
REFUSED = (
    ("page.web.com", None, {P}),
    ("page.web.com", {}, {f"{P}.validation_method"}),
    ("page.web.com", {"validation_method": "acme-http-02"}, {f"{P}.validation_method"}),
    ("page.web.com", "acme-http-01", {P}),
    *(("page.web.com", without(parameters, member), {f"{P}.{member}"})
      for parameters, members in (
          (http01(), ("token", "key_authorization")),
          (website(), ("challenge_value", "http_token_path")),
          (tls_alpn(), ("key_authorization_hash",)),
          (dns01(), ("key_authorization_hash",)),
          (account01(), ("key_authorization_hash", "account_uri")),
          (change(), ("challenge_value", "dns_record_type")),
          (persistent(), ("issuer_domain_names", "expected_account_uri")),
          (contact("email-txt", "a@b.example"), ("challenge_value",)),
          (ip_address("93.184.216.10"), ("challenge_value", "dns_record_type")))
      for member in members),
    ("page.web.com", {"validation_method": "acme-http-01"},
     {f"{P}.token", f"{P}.key_authorization"}),
    # Targets (the Authorization Domain Name's table).
    ("*.page.web.com", http01(), {"domain_or_ip_target"}),
    ("*.page.web.com", website(), {"domain_or_ip_target"}),
    ("*.page.web.com", tls_alpn(), {"domain_or_ip_target"}),
    ("*.page.web.com", ip_address("93.184.216.10"), {"domain_or_ip_target"}),
    ("93.184.216.10", dns01(), {"domain_or_ip_target"}),
    ("93.184.216.10", account01(), {"domain_or_ip_target"}),
    ("93.184.216.10", change(), {"domain_or_ip_target"}),
    ("2606:2800:220:1::a", contact("email-txt", "a@b.example"), {"domain_or_ip_target"}),
    ("2606:2800:220:1::a", contact("phone-caa", "+1 555"), {"domain_or_ip_target"}),
    ("93.184.216.10", ip_address("93.184.216.10"), {"domain_or_ip_target"}),
    ("page.web.com", reverse(), {"domain_or_ip_target"}),
    *(("_x.adn.org", parameters, {"domain_or_ip_target"}) for parameters in (
        http01(), website(), tls_alpn(), account01(), persistent(), ip_address("93.184.216.10"))),
    ("*._x.adn.org", dns01(), {"domain_or_ip_target"}),
    ("page.onion", http01(), {"domain_or_ip_target"}),
    ("", http01(), {"domain_or_ip_target"}),
    ("-.web..com", http01(), {"domain_or_ip_target"}),
    ("page.web.com:80", http01(), {"domain_or_ip_target"}),
    ("93.184.216.10/31", http01(), {"domain_or_ip_target"}),
    # Values.
    ("page.web.com", http01(token="../../etc/passwd"), {f"{P}.token"}),
    ("page.web.com", http01(token="a b"), {f"{P}.token"}),
    ("page.web.com", http01(token=7), {f"{P}.token"}),
    ("page.web.com", http01(token=""), {f"{P}.token"}),
    ("page.web.com", website(http_token_path="../secret"), {f"{P}.http_token_path"}),
    ("page.web.com", website(http_token_path="a/%2e%2e/b"), {f"{P}.http_token_path"}),
    ("page.web.com", website(http_token_path="/etc"), {f"{P}.http_token_path"}),
    ("page.web.com", website(http_token_path="a?b"), {f"{P}.http_token_path"}),
    ("page.web.com", website(http_token_path="a\r\nHost: x"), {f"{P}.http_token_path"}),
    ("page.web.com", website(http_token_path="x" * 1025), {f"{P}.http_token_path"}),
    ("page.web.com", website(url_scheme="gopher"), {f"{P}.url_scheme"}),
    ("page.web.com", website(match_regex="(a"), {f"{P}.match_regex"}),
    ("page.web.com", website(match_regex="x" * 2049), {f"{P}.match_regex"}),
    # BR 3.2.2.4.18: the value must not be in the request.
    ("page.web.com", website(challenge_value="value.txt"), {f"{P}.challenge_value"}),
    ("page.web.com", website(challenge_value="page.web"), {f"{P}.challenge_value"}),
    ("page.web.com", website(http_headers={"X": "see Parallax-Value-7Fq2Zc9XwB"}),
     {f"{P}.challenge_value"}),
    *(("page.web.com", http01(http_headers={name: value}), {f"{P}.http_headers.{name}"})
      for name, value in (("Host", "x"), ("hOST", "x"), ("Connection", "close"),
                          ("Transfer-Encoding", "chunked"), ("Content-Length", "5"),
                          ("Accept-Encoding", "gzip"), ("X", "a\r\nY: b"), ("X", "a\nb"),
                          ("X", 5), ("X Y", "a"), ("X:", "a"))),
    ("page.web.com", http01(http_headers={"": "a"}), {f"{P}.http_headers"}),
    ("page.web.com", http01(http_headers=["X"]), {f"{P}.http_headers"}),
    ("page.web.com", http01(http_headers={f"X-{i}": "" for i in range(33)}),
     {f"{P}.http_headers"}),
    ("page.web.com", tls_alpn("short"), {f"{P}.key_authorization_hash"}),
    ("page.web.com", tls_alpn("g" * 64), {f"{P}.key_authorization_hash"}),
    ("page.web.com", change("MX"), {f"{P}.dns_record_type"}),
    ("page.web.com", change("A"), {f"{P}.dns_record_type"}),
    ("page.web.com", dns01(dns_record_type="CNAME"), {f"{P}.dns_record_type"}),
    ("page.web.com", dns01(dns_name_prefix="_other"), {f"{P}.dns_name_prefix"}),
    ("page.web.com", change(dns_name_prefix="a..b"), {f"{P}.dns_name_prefix"}),
    ("page.web.com", change(dns_name_prefix="a b"), {f"{P}.dns_name_prefix"}),
    ("page.web.com", account01("no uri"), {f"{P}.account_uri"}),
    ("page.web.com", persistent([]), {f"{P}.issuer_domain_names"}),
    ("page.web.com", persistent(["not a name"]), {f"{P}.issuer_domain_names"}),
    ("page.web.com", persistent(account="nothing"), {f"{P}.expected_account_uri"}),
    ("page.web.com", persistent(account=None, expected_account_uris=["nothing"]),
     {f"{P}.expected_account_uris"}),
    ("page.web.com", ip_address("93.184.216"), {f"{P}.challenge_value"}),
    ("93.184.216.10", reverse("a..b"), {f"{P}.challenge_value"}),
)


@pytest.fixture(scope="module")
def client(build_dir, unbound_prefix, world, tmp_path_factory):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor,
                     tmp_path_factory.mktemp("dcv")) as perspective:
        perspective.start_unbound()
        yield perspective.start()[1]


def label(row):
    target, parameters, members = row
    method = parameters.get("validation_method") if isinstance(parameters, dict) else parameters
    return f"{method} {target} {' '.join(sorted(members))}"


@pytest.mark.parametrize("row", REFUSED, ids=label)
def test_refused(client, world, row):
    target, parameters, members = row
    mark = world.visits.mark()
    reply = client.ask("/dcv", {"domain_or_ip_target": target, "dcv_check_parameters": parameters})
    assert reply.status == 400, reply.text
    assert reply.json["error"] == "request-validation-failed"
    named = {".".join(issue["loc"]) for issue in reply.json["validation_issues"]}
    assert named == {f"body.{member}" for member in members}
    assert not world.visits.since(mark)


def test_what_the_method_does_not_take_is_ignored(client):
    """As Open MPIC does; so are members that nobody knows."""
    for parameters in (http01(challenge_value=5 * "x", match_regex=None, url_scheme="https"),
                       http01(something_newer={"x": [1]}, http_headers=None),
                       http01(require_exact_case=False)):
        case = dcv.Case("page.web.com", parameters)
        dcv.judge(case, dcv.ask(client, case))


def test_the_wrong_resource(client):
    body = dcv.Case("page.web.com", http01()).body
    assert client.ask("/dcv").status == 405
    assert client.ask("/dcv", {**body, "check_type": "caa"}).status == 400
    assert client.ask("/dcv", {**body, "check_type": "dcv"}).status == 200
    assert client.ask("/dcv", b"{").status == 400
    assert client.ask("/dcv", b"[" * 1000).status == 400
