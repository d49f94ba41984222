"""applied_for: whether the target is an Authorization Domain Name of what is applied for, and how."""

import json
import os
import signal
import socket
import subprocess
import threading

import pytest

import dcv
from daemons import until
from mininet import addresses, challenge
from perspective import Perspective
from test_audit import lines
from test_signature import keys, verify    # fixtures

INVALID = "invalid-authorization-domain-name"
DNS, CHANGE = dcv.dns01(), dcv.change("TXT", challenge.VALUE)
CONTACT = {"validation_method": "contact-email-txt", "challenge_value": challenge.EMAIL}
PERSIST = dcv.persistent()


def ask(caller, applied_for, target, parameters=None, check_type="dcv", **more):
    body = {"check_type": check_type, "domain_or_ip_target": target, "applied_for": applied_for,
            **more}
    if check_type != "caa":
        body["dcv_check_parameters"] = DNS if parameters is None else parameters
    return caller.ask("/mpic", body)


def permitted(caller, *arguments, valid=True, **more):
    """What the answer says of the names; it must have come, and with this verdict."""
    reply = ask(caller, *arguments, **more)
    assert reply.status == 200, reply.text
    assert reply.json["is_valid"] is valid, reply.json["problem"]
    return reply.json["authorization_domain_name"]


def steps(entry):
    """In short; each must begin where the one before ended."""
    at = entry["applied_for"]
    for step in entry["steps"]:
        assert step["from"] == at
        at = step["to"]
        assert (step["dnssec_status"] is None) == (step["step"] != "cname")
    return [(step["step"], step["to"], step["dnssec_status"]) if step["step"] == "cname" else
            (step["step"], step["to"]) for step in entry["steps"]]


def refused(reply):
    """[(member, sentence)] of a request that was refused for its names."""
    assert reply.status == 400, reply.text
    assert {issue["type"] for issue in reply.json["validation_issues"]} == {INVALID}
    return [(".".join(map(str, issue["loc"][1:])), issue["msg"])
            for issue in reply.json["validation_issues"]]


def why(reply):
    """The sentence of the only name's refusal, after what every one begins with."""
    (member, sentence), = refused(reply)
    assert member == "applied_for"
    begin, _, reason = sentence.partition(": ")
    assert begin.startswith("the target ") and " is no Authorization Domain Name of " in begin
    return reason


# -- what is permitted


def test_the_name_itself(caller):
    assert permitted(caller, "Shop.adn.com", "shop.adn.com") == [{
        "applied_for": "shop.adn.com", "authorization_domain_name": "shop.adn.com",
        "base_domain": "adn.com", "steps": [], "evidence": []}]


def test_without_it_the_answer_does_not_speak_of_it(caller):
    reply = caller.ask("/mpic", {"check_type": "dcv", "domain_or_ip_target": "shop.adn.com",
                                 "dcv_check_parameters": DNS, "applied_for": None})
    assert reply.json["is_valid"] and "authorization_domain_name" not in reply.json


@pytest.mark.parametrize("applied_for, target, parameters, want", (
    ("*.shop.adn.com", "shop.adn.com", DNS, [("strip", "shop.adn.com")]),
    ("*.shop.adn.com", "*.shop.adn.com", DNS, [("strip", "shop.adn.com")]),
    ("www.shop.adn.com", "shop.adn.com", DNS, [("prune", "shop.adn.com")]),
    ("a.b.www.shop.adn.com", "adn.com", DNS, [("prune", "adn.com")]),
    ("*.www.shop.adn.com", "adn.com", DNS, [("strip", "www.shop.adn.com"), ("prune", "adn.com")]),
    # by CNAMEs: into a signed zone from an unsigned one, within a signed one, two at once
    ("alias.adn.com", "_x.hosted.adn.org", DNS, [("cname", "_x.hosted.adn.org", "insecure")]),
    ("alias.adn.org", "_x.hosted.adn.org", DNS, [("cname", "_x.hosted.adn.org", "secure")]),
    ("two.adn.com", "_x.hosted.adn.org", DNS, [("cname", "alias.adn.com", "insecure"),
                                               ("cname", "_x.hosted.adn.org", "insecure")]),
    ("plain.adn.org", "shop.adn.com", DNS, [("cname", "shop.adn.com", "secure")]),
    # then labels are pruned, of where it leads
    ("alias.adn.com", "adn.org", DNS, [("cname", "_x.hosted.adn.org", "insecure"),
                                       ("prune", "adn.org")]),
    # a name that does not exist is one to prune from, too
    ("gone.adn.com", "adn.org", DNS, [("cname", "nowhere.adn.org", "insecure"),
                                      ("prune", "adn.org")]),
    # above the name, no CNAME is looked for
    ("to-dead.adn.com", "adn.com", DNS, [("prune", "adn.com")]),
), ids=lambda value: value if isinstance(value, str) else "")
def test_steps(caller, applied_for, target, parameters, want):
    entry, = permitted(caller, applied_for, target, parameters)
    assert steps(entry) == want
    assert entry["authorization_domain_name"] == target.removeprefix("*.")
    assert entry["base_domain"] == ("adn.org" if target.endswith("adn.org") else "adn.com")


def test_the_evidence_of_each_step(caller):
    entry, = permitted(caller, "two.adn.com", "_x.hosted.adn.org")
    asked = [one["lookups"] for one in entry["evidence"]]
    assert [(one["name"], one["type"], one["outcome"], one["dnssec"]) for one, in asked] == [
        ("two.adn.com", "CNAME", "answer", "insecure"),
        ("alias.adn.com", "CNAME", "answer", "insecure")]
    assert all(one["server"] for one, in asked)
    entry, = permitted(caller, "alias.adn.org", "_x.hosted.adn.org")
    assert [one["lookups"][0]["dnssec"] for one in entry["evidence"]] == ["secure"]


def test_sections(caller):
    entry, = permitted(caller, "alias.adn.com", "adn.org")
    assert [step["section"] for step in entry["steps"]] == ["1.6.1", "3.2.2.4.7"]


def test_six_cnames(caller):
    """chain.com: c7 leads to permit.com by six; there is no record there, which is no matter."""
    entry, = permitted(caller, "c7.chain.com", "permit.com", valid=False)
    assert [step["to"] for step in entry["steps"]] == [
        "c8.chain.com", "c9.chain.com", "c10.chain.com", "c11.chain.com", "c12.chain.com",
        "permit.com"]


def test_a_dname(caller):
    entry, = permitted(caller, "own.sub.dname.com", "own.permit.com", valid=False)
    assert steps(entry) == [("cname", "own.permit.com", "insecure")]


def test_a_list(caller):
    names = ["shop.adn.com", "*.shop.adn.com", "plain.adn.org", "www.shop.adn.com"]
    entries = permitted(caller, names, "shop.adn.com")
    assert [entry["applied_for"] for entry in entries] == names
    assert [[step["step"] for step in entry["steps"]] for entry in entries] == [
        [], ["strip"], ["cname"], ["prune"]]


def test_a_persistent_record_that_holds_for_more_than_its_name(caller):
    """policy=wildcard is asked for by a wildcard as target, and needed for any other name."""
    entry, = permitted(caller, "www.persist.adn.com", "*.persist.adn.com", PERSIST)
    assert steps(entry) == [("prune", "persist.adn.com")]
    permitted(caller, "*.strict.adn.com", "*.strict.adn.com", PERSIST, valid=False)
    permitted(caller, "strict.adn.com", "strict.adn.com", PERSIST)
    for name in ("www.strict.adn.com", "*.strict.adn.com"):
        reply = ask(caller, name, "strict.adn.com", PERSIST)
        assert "which the target *.strict.adn.com asks for" in why(reply)


def test_addresses(caller):
    entry, = permitted(caller, "93.184.216.10", "93.184.216.10", dcv.http01())
    assert entry == {"applied_for": "93.184.216.10", "authorization_domain_name": "93.184.216.10",
                     "base_domain": None, "steps": [], "evidence": []}
    assert "validated by itself alone (3.2.2.5)" in why(
        ask(caller, "93.184.216.11", "93.184.216.10", dcv.http01()))
    assert "proves control of no domain name" in why(
        ask(caller, "www.permit.com", "93.184.216.10", dcv.http01()))
    assert "validated by itself alone (3.2.2.5)" in why(
        ask(caller, "93.184.216.10", "page.web.com", dcv.http01()))


@pytest.mark.parametrize("target", ("93.184.216.10", "10.216.184.93.in-addr.arpa"))
def test_a_reverse_lookup(caller, target):
    """The Authorization Domain Name is exactly the name that the PTR record holds."""
    entry, = permitted(caller, "93.184.216.10", target, dcv.reverse("www.permit.com"))
    assert entry["authorization_domain_name"] == "www.permit.com"
    assert steps(entry) == [("reverse", "www.permit.com")]
    assert "proves control of no domain name" in why(
        ask(caller, "www.permit.com", target, dcv.reverse("www.permit.com")))


def test_caa_is_of_the_name_itself(caller):
    entry, = permitted(caller, "Permit.com", "permit.com", check_type="caa")
    assert (entry["authorization_domain_name"], entry["steps"]) == ("permit.com", [])
    entry, = permitted(caller, "*.wild.com", "*.wild.com", check_type="caa", valid=False)
    assert entry["authorization_domain_name"] == "*.wild.com"
    for name, target in (("*.wild.com", "wild.com"), ("wild.com", "*.wild.com"),
                         ("www.permit.com", "permit.com"), ("www.alias.com", "permit.com")):
        reason = why(ask(caller, name, target, check_type="caa"))
        assert reason == ("CAA is checked for the name in the certificate itself, a wildcard's "
                          f"with its asterisk; expected the target {name}")


def test_both_at_once_are_of_the_name_itself(caller):
    entry, = permitted(caller, "*.shop.adn.com", "*.shop.adn.com", check_type="dcv_with_caa")
    assert steps(entry) == [("strip", "shop.adn.com")]
    for name in ("www.shop.adn.com", "*.shop.adn.com", "plain.adn.org"):
        reply = ask(caller, name, "shop.adn.com", check_type="dcv_with_caa")
        assert f"expected the target {name}" in why(reply)


# -- what is refused


@pytest.mark.parametrize("applied_for, target, parameters, reason", (
    # above the base domain
    ("www.adn.com", "com", DNS, "down to the Base Domain Name at most, and that of www.adn.com is "
     "adn.com"),
    ("www.shop.co.uk", "co.uk", DNS, "that of www.shop.co.uk is shop.co.uk"),
    ("a.shop.co.uk", "uk", DNS, "that of a.shop.co.uk is shop.co.uk"),
    ("alias.adn.com", "org", DNS, "org is a public suffix"),
    ("*.co.uk", "co.uk", DNS, "co.uk is a public suffix: nobody may have every name below it"),
    # below it, beside it, another
    ("adn.com", "shop.adn.com", DNS, "the target is neither the name nor above it, and adn.com has "
     "no CNAME record"),
    ("notadn.com", "adn.com", CHANGE, "and notadn.com has no CNAME record"),
    ("www.permit.com", "shop.adn.com", CONTACT, "and www.permit.com has no CNAME record"),
    # CNAMEs
    ("alias.adn.com", "permit.com", DNS, "no CNAME leads to the target or below it: after 1 of them "
     "there is none at _x.hosted.adn.org"),
    ("gone.adn.com", "permit.com", DNS, "after 1 of them there is none at nowhere.adn.org"),
    ("alias.dcv-bogus.org", "exact.dcv.com", DNS, "the CNAME lookup of alias.dcv-bogus.org failed "
     "DNSSEC validation: "),
    ("www.dcv-bogus.org", "adn.com", DNS, "the CNAME lookup of www.dcv-bogus.org failed DNSSEC "),
    ("to-bogus.adn.com", "exact.dcv.com", DNS, "the CNAME lookup of alias.dcv-bogus.org failed "
     "DNSSEC validation: "),
    ("x.dcv-refused.com", "adn.com", DNS, "the CNAME lookup of x.dcv-refused.com failed: "),
    ("a.loop.com", "adn.com", DNS, "its CNAME records lead in a circle, back to a.loop.com"),
    ("self.adn.com", "adn.org", DNS, "its CNAME records lead in a circle, back to self.adn.com"),
    ("c1.chain.com", "permit.com", DNS, "more than 10 CNAME records follow one another"),
    ("odd.adn.com", "adn.org", DNS, "the CNAME of odd.adn.com leads to no name of letters, digits, "),
    # a wildcard, stripped, is followed nowhere
    ("*.alias.adn.com", "_x.hosted.adn.org", DNS, "no CNAME is followed from a wildcard"),
    ("shop.adn.com", "*.shop.adn.com", DNS, "a wildcard stands for no other name; expected the "
     "target shop.adn.com"),
    # what a method does not allow
    ("*.web.com", "web.com", dcv.http01(), "this method does not validate wildcards"),
    ("*.web.com", "web.com", dcv.website(), "this method does not validate wildcards"),
    ("*.web.com", "web.com", dcv.tls_alpn(), "this method does not validate wildcards"),
    ("www.web.com", "web.com", dcv.http01(), "proves control of no name below its target"),
    ("alias.adn.com", "page.web.com", dcv.http01(), "expected alias.adn.com itself: no CNAME leads"),
    ("alias.adn.com", "dcv.com", dcv.account01(), "expected alias.adn.com itself or a name above "
     "it: no CNAME leads"),
    ("alias.adn.com", "*.adn.org", PERSIST, "itself or a name above it: no CNAME leads"),
), ids=lambda value: value if isinstance(value, str) else "")
def test_refused(caller, applied_for, target, parameters, reason):
    assert reason in why(ask(caller, applied_for, target, parameters))


def test_of_a_list_the_bad_one_is_named(caller):
    reply = ask(caller, ["www.adn.com", "adn.com", "www.permit.com", "*.adn.com"], "adn.com")
    (member, sentence), = refused(reply)
    assert member == "applied_for.2"
    assert sentence.startswith("the target adn.com is no Authorization Domain Name of "
                               "www.permit.com: ")
    reply = ask(caller, ["shop.adn.com", "a.shop.co.uk", "*.com"], "com")
    assert [member for member, _ in refused(reply)] == [
        "applied_for.0", "applied_for.1", "applied_for.2"]


@pytest.mark.parametrize("applied_for, says", (
    (7, "expected the name that a certificate is applied for, or a list of 1 to 64 of them"),
    ([], "expected the name that a certificate is applied for, or a list of 1 to 64 of them"),
    (["adn.com", 7], "expected a string"), ("a..b", '"a..b" label 2 is empty'),
    ("_x.adn.com", '"_x.adn.com" label 1 holds an underscore'),
    ("x.onion", '"x.onion" is an onion name, which cannot be looked up in the DNS (RFC 7686)')))
def test_what_is_no_name(caller, applied_for, says):
    reply = ask(caller, applied_for, "adn.com")
    assert reply.status == 400
    assert says in reply.json["validation_issues"][0]["msg"]


# -- targets with underscores, and onions


def test_underscores_are_for_methods_that_take_cnames(caller):
    for parameters in (dcv.http01(), dcv.website(), dcv.tls_alpn(), dcv.account01(), PERSIST):
        reply = caller.ask("/mpic", {"check_type": "dcv", "domain_or_ip_target": "_x.adn.org",
                                     "dcv_check_parameters": parameters})
        assert reply.status == 400
        assert "expected a host name: one with underscores is an Authorization Domain Name only " \
            "by way of a CNAME" in reply.text
    for check_type, more in (("caa", {}), ("dcv_with_caa", {"dcv_check_parameters": DNS})):
        reply = caller.ask("/mpic", {"check_type": check_type, "domain_or_ip_target": "_x.adn.org",
                                     **more})
        assert reply.status == 400 and "label 1 holds an underscore" in reply.text


def test_onions_are_refused(caller):
    for check_type in ("caa", "dcv"):
        reply = caller.ask("/mpic", {"check_type": check_type, "domain_or_ip_target": "x.onion",
                                     "dcv_check_parameters": dcv.http01()})
        assert reply.status == 400
        assert "is an onion name, which cannot be looked up in the DNS (RFC 7686)" in reply.text


# -- lookups


def test_name_servers_that_are_silent(caller):
    reply = ask(caller, "x.dcv-dead.com", "adn.com", deadline_ms=3000)
    assert "the name servers of x.dcv-dead.com" in why(reply) or "lookup of x.dcv-dead" in why(reply)
    assert reply.took_s < 3.1


def test_lookups_are_the_coordinators_own_and_fresh(caller, world):
    """By its resolver, which is the first perspective's, each time anew."""
    mark = world.queries.mark()
    for _ in range(2):
        assert "x.delay.com has no CNAME record" in why(ask(caller, "x.delay.com", "adn.com"))
    asked = [query for query in world.queries.since(mark, zone="delay.com")
             if query["type"] == "CNAME"]
    assert len(asked) == 2
    assert {query["source"] for query in asked} <= set(addresses.PERSPECTIVE_ADDRESSES[0])


def test_without_a_resolver(started):
    """Strip and prune need none; what needs a CNAME is refused, and says which option is missing."""
    _, caller = started(resolver=None)
    permitted(caller, ["*.shop.adn.com", "www.shop.adn.com"], "shop.adn.com")
    (member, sentence), = refused(ask(caller, ["shop.adn.com", "plain.adn.org"], "shop.adn.com"))
    assert member == "applied_for.1"
    assert sentence.endswith("it could be one by way of a CNAME, which this coordinator cannot look "
                             "up: it has no resolver (option resolver)")


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_resolver_that_is_not_there(started):
    """Nothing is known, so nothing is refused for good: 503, to be tried again."""
    _, caller = started(resolver=closed_port())
    reply = ask(caller, "plain.adn.org", "shop.adn.com", deadline_ms=3000)
    assert reply.status == 503 and reply.headers["Retry-After"] == "1"
    assert reply.json["detail"].startswith("the coordinator's resolver c")
    permitted(caller, "*.shop.adn.com", "shop.adn.com")


@pytest.fixture
def resolver(build_dir, unbound_prefix, world, tmp_path):
    """An Unbound for a coordinator alone."""
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "own") as own:
        own.start_unbound()
        yield own


def test_a_resolver_that_hangs_then_breaks_off(started, resolver):
    _, caller = started(resolver=resolver.parts.resolver)
    permitted(caller, "plain.adn.org", "shop.adn.com")
    resolver.signal_unbound(signal.SIGSTOP)
    reply = ask(caller, "plain.adn.org", "shop.adn.com", deadline_ms=3000)
    assert reply.status == 503 and reply.took_s < 3.1, reply.text
    assert reply.json["detail"] == "the coordinator's resolver does not answer"
    resolver.signal_unbound(signal.SIGCONT)
    resolver.signal_unbound(signal.SIGKILL)
    resolver.start_unbound()
    permitted(caller, "plain.adn.org", "shop.adn.com")


def test_a_resolver_without_the_module(started, world):
    """What is no evidence is no step."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                while (head := connection.recv(2)):
                    message = connection.recv(int.from_bytes(head))
                    bare = message[:2] + b"\x81\x80" + bytes(8)
                    connection.sendall(len(bare).to_bytes(2) + bare)

    threading.Thread(target=answer, daemon=True).start()
    try:
        _, caller = started(resolver="127.0.0.1:%d" % server.getsockname()[1])
        reply = ask(caller, "plain.adn.org", "shop.adn.com", deadline_ms=3000)
        assert reply.status == 503
        assert "its mpic module did not run" in reply.json["detail"]
    finally:
        server.close()


def test_a_caller_that_vanishes_during_the_lookups(started):
    daemon, caller = started()
    for _ in range(20):
        connection = caller.connect()
        connection.request("POST", "/mpic", json.dumps({
            "check_type": "dcv", "domain_or_ip_target": "adn.com", "dcv_check_parameters": DNS,
            "applied_for": ["x.dcv-dead.com", "plain.adn.org"], "deadline_ms": 5000}).encode())
        connection.close()
    until(lambda: caller.metrics()["mpic_answers_total"]['answer="aborted"'] == 20)
    permitted(caller, "plain.adn.org", "shop.adn.com")
    assert daemon.process.poll() is None


def test_another_resolver_at_a_reload(started, coordinators):
    """A request under way ends with the one that it began with."""
    own = coordinators.parts["perspectives"][0]["resolver"]
    daemon, caller = started(resolver=closed_port())
    came = []
    under_way = threading.Thread(target=lambda: came.append(
        ask(caller, "plain.adn.org", "shop.adn.com", deadline_ms=4000)))
    under_way.start()
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 1)
    daemon.rewrite(resolver=own)
    until(lambda: ask(caller, "plain.adn.org", "shop.adn.com", deadline_ms=1000).status == 200)
    under_way.join()
    assert came[0].status == 503
    assert until(lambda: caller.metrics()["mpic_configurations"][""] == 1)


# -- public suffixes, as configured


def test_a_list_of_ones_own(started, tmp_path, coordinators):
    path = tmp_path / "list.dat"
    path.write_text("// ===BEGIN ICANN DOMAINS===\ncom\nadn.com\n// ===END ICANN DOMAINS===\n",
                    encoding="utf-8")
    _, caller = started(public_suffix_file=str(path))
    entry, = permitted(caller, "www.shop.adn.com", "shop.adn.com")
    assert entry["base_domain"] == "shop.adn.com"
    assert "that of www.shop.adn.com is shop.adn.com" in why(
        ask(caller, "www.shop.adn.com", "adn.com"))
    dumped = coordinators.run(coordinators.options(public_suffix_file=str(path)), "--dump")
    assert f'public_suffix_file: "{path}"' in dumped.stdout
    path.write_text("com\nadn.com\n", encoding="utf-8")
    bad = coordinators.run(coordinators.options(public_suffix_file=str(path)), "--check")
    assert bad.returncode == 2
    assert f"public_suffix_file: {path}: has no ICANN section" in bad.stderr


def test_the_systems_list_is_the_default_and_is_told(coordinators, started):
    daemon, _ = started()
    assert [line["list"] for line in daemon.lines("public suffixes")] == [
        "/usr/share/publicsuffix/public_suffix_list.dafsa"]
    dumped = coordinators.run(coordinators.options(), "--dump").stdout
    assert "public_suffix_file: \"/usr/share/publicsuffix/" in dumped
    assert f'resolver: "{coordinators.parts["perspectives"][0]["resolver"]}"' in dumped


def test_the_resolver_is_on_loopback(coordinators):
    bad = coordinators.run(coordinators.options(resolver="192.0.2.1:53"), "--check")
    assert bad.returncode == 2
    assert "resolver: answers are not authenticated, so it must be a loopback address" in bad.stderr


# -- records


def test_records(started, tmp_path):
    daemon, caller = started(audit_dir=str(tmp_path), audit_name="c")
    permitted(caller, ["plain.adn.org", "*.shop.adn.com"], "shop.adn.com")
    permitted(caller, "shop.adn.com", "shop.adn.com")
    caller.ask("/mpic", {"check_type": "dcv", "domain_or_ip_target": "shop.adn.com",
                         "dcv_check_parameters": DNS})
    ask(caller, "www.permit.com", "shop.adn.com")      # no attempt, no record
    found = [line for line in lines(tmp_path) if line["event"] != "open"]
    names = [(line["target"], line.get("applied_for"), line.get("adn")) for line in found]
    assert len(names) == 21
    assert names[0] == ("shop.adn.com", ["plain.adn.org", "*.shop.adn.com"], "shop.adn.com")
    assert names[:7] == [names[0]] * 7
    assert names[7:14] == [("shop.adn.com", ["shop.adn.com"], None)] * 7
    assert names[14:] == [("shop.adn.com", None, None)] * 7
    logged = [(line.get("applied_for"), line.get("adn")) for line in daemon.lines("attempt")]
    assert logged == [("plain.adn.org *.shop.adn.com", "shop.adn.com"), ("shop.adn.com", None),
                      (None, None)]


def test_an_archived_answer_verifies(caller, verify):
    """Also of a target that is no host's name."""
    reply = ask(caller, ["alias.adn.org", "alias.adn.com"], "_x.hosted.adn.org")
    ended = verify(reply.text)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("6 genuine, 0 unsigned, 0 wrong\n")


# -- mpic check


def test_mpic_check(build_dir, fleet):
    def check(*arguments):
        return subprocess.run([build_dir / "mpic", "check", "dcv", *arguments, "--method",
                               "acme-dns-01", "--key-authorization-hash", challenge.DIGEST,
                               "--coordinator", fleet.url], capture_output=True, text=True,
                              timeout=30, check=False, env=os.environ)

    ended = check("shop.adn.com", "--applied-for", "plain.adn.org", "--applied-for",
                  "*.shop.adn.com", "--applied-for", "shop.adn.com")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[1:4] == [
        "  for plain.adn.org: cname shop.adn.com (secure)",
        "  for *.shop.adn.com: strip shop.adn.com", "  for shop.adn.com: itself"]
    ended = check("com", "--applied-for", "www.adn.com")
    assert ended.returncode == 2
    assert "the target com is no Authorization Domain Name of www.adn.com" in ended.stderr
