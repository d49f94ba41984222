"""Certificates that are taken back before they end: refused, and open connections end, too."""

import re
import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from authority import Authority, options_of
from coordinators import by_code
from daemons import until
from perspective import CODE, Perspective

REFUSED = (ssl.SSLError, OSError)
FAILED = "TLS handshake failed"
ENDED = "a connection ends: its certificate is no longer trusted"
SINCE = r"was revoked on 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def ca(build_dir, tmp_path):
    made = Authority.made(build_dir, tmp_path / "ca")
    made.run("crl")
    return made


@pytest.fixture
def perspective(build_dir, unbound_prefix, world, tmp_path):
    """It is asked for nothing that needs its Unbound."""
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "p") as running:
        yield running


@pytest.fixture
def serving(perspective, ca):
    """serving(**options) gives (daemon, client(identity)) of a perspective under this CA."""
    own = ca.issue(perspective=CODE)

    def start(**options):
        daemon, _ = perspective.start(**{**options_of(own), "tls_ca": ca.root, "tls_crl": ca.crl,
                                         **options})
        # Clients look for the server at its address, which ours have no name for.
        def client(identity):
            made = perspective.client(daemon, identity)
            made.context = ssl.create_default_context(cafile=ca.root)
            made.context.check_hostname = False
            made.context.load_cert_chain(identity.certificate, identity.key)
            return made
        return daemon, client

    return start


def let_in(client):
    try:
        return client.ask("/healthz").status == 200
    except REFUSED:
        return False


def ends(connection):
    """Whether the other side closes it, soon."""
    connection.sock.settimeout(5)
    try:
        return connection.sock.recv(1) == b""
    except ssl.SSLError:
        return True


# -- at a perspective


def test_a_revoked_coordinator_is_let_in_nowhere_after_sighup(ca, serving):
    thief, other = ca.issue(coordinator=True), ca.issue(coordinator=True)
    daemon, client = serving()
    connections = [client(one).connect() for one in (thief, other)]
    for one, connection in zip((thief, other), connections):
        assert client(one).ask("/healthz", connection=connection).status == 200
    serial = ca.issued()[1]["serial"]

    ca.revoke(thief, reason="keyCompromise")
    # The file is read when the daemon is told to.
    assert let_in(client(thief))
    mark = daemon.mark()
    daemon.rewrite()

    assert ends(connections[0])
    line, = daemon.lines(ENDED, mark)
    assert line["identity"] == "urn:mpic:coordinator"
    assert re.fullmatch(rf"certificate {serial} of urn:mpic:coordinator {SINCE} \(keyCompromise\)",
                        line["reason"])
    line = until(lambda: not let_in(client(thief)) and daemon.lines(FAILED, mark))[0]
    assert line["reason"].startswith(f"certificate {serial} of urn:mpic:coordinator was revoked")
    # Another certificate of the same identity, and its connection, are as they were.
    assert client(other).ask("/healthz", connection=connections[1]).status == 200
    assert let_in(client(other))


def test_who_is_revoked_under_way_asks_for_nothing_more(ca, serving):
    """The request that was under way is answered; the next one on its connection is nobody's."""
    thief = ca.issue(coordinator=True)
    daemon, client = serving(resolver="127.0.0.1:1")
    connection = client(thief).connect()
    connection.connect()
    # Half of a request: the connection is not idle.
    connection.sock.sendall(b"POST /caa HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
    time.sleep(0.2)
    ca.revoke(thief)
    daemon.rewrite()
    until(lambda: daemon.lines(ENDED))
    try:
        connection.sock.sendall(b"}")
        answer = connection.sock.recv(4096)
    except REFUSED:
        answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 403")


def test_who_was_another_cas_is_let_in_no_more_when_that_ca_is_gone(ca, serving, build_dir, tmp_path):
    former = Authority.made(build_dir, tmp_path / "former")
    both = tmp_path / "both.pem"
    both.write_text(Path(ca.root).read_text() + Path(former.root).read_text())
    leaver, stayer = former.issue(coordinator=True), ca.issue(coordinator=True)
    daemon, client = serving(tls_ca=str(both), tls_crl=None)
    left, stays = client(leaver).connect(), client(stayer).connect()
    assert client(leaver).ask("/healthz", connection=left).status == 200
    assert client(stayer).ask("/healthz", connection=stays).status == 200
    both.write_text(Path(ca.root).read_text())
    daemon.rewrite()
    assert ends(left)
    assert "unable to get" in daemon.lines(ENDED)[0]["reason"]
    assert client(stayer).ask("/healthz", connection=stays).status == 200
    assert not let_in(client(leaver))


def test_a_revoked_ca_for_enrolment_vouches_for_nobody(ca, serving, tmp_path):
    below = ca.below(tmp_path / "enrolment")
    below.run("crl")
    crls = tmp_path / "crls.pem"
    crls.write_text(Path(ca.crl).read_text())
    enrolled = below.issue(perspective="aws:us-east-1")
    daemon, client = serving(tls_crl=str(crls))

    # Of each CA of a chain there has to be a CRL.
    assert not let_in(client(enrolled))
    line = until(lambda: daemon.lines(FAILED))[0]
    serial = below.issued()[0]["serial"]
    assert line["reason"] == ("tls_crl has no CRL of Example enrolment CA, which issued certificate "
                              f"{serial} of urn:mpic:perspective:aws:us-east-1")
    crls.write_text(Path(ca.crl).read_text() + Path(below.crl).read_text())
    daemon.rewrite()
    until(lambda: let_in(client(enrolled)))

    ca.run("revoke", serial=ca.issued()[1]["serial"], reason="cessationOfOperation")
    crls.write_text(Path(ca.crl).read_text() + Path(below.crl).read_text())
    mark = daemon.mark()
    daemon.rewrite()
    line = until(lambda: not let_in(client(enrolled)) and daemon.lines(FAILED, mark))[0]
    assert re.search(rf"of Example enrolment CA {SINCE} \(cessationOfOperation\)", line["reason"])


def test_a_ca_for_enrolment_vouches_for_perspectives_only(ca, serving, tmp_path):
    """Whoever steals its key from a coordinator is no coordinator by that."""
    below = ca.below(tmp_path / "enrolment")
    daemon, client = serving(tls_crl=None)
    assert let_in(client(below.issue(perspective="aws:us-east-1")))
    for options in ({"coordinator": True}, {"caller": "x"}):
        assert not let_in(client(below.issue(**options)))
    reasons = {line["reason"] for line in daemon.lines(FAILED)}
    assert "Example enrolment CA may not vouch for urn:mpic:coordinator" in reasons


# -- lists that are overdue


def brief_crl(ca, tmp_path, seconds):
    """An empty one of the CA's, to be followed by another after so many seconds."""
    (tmp_path / "index.txt").write_text("")
    config = tmp_path / "brief.cnf"
    config.write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=" + str(tmp_path / "index.txt") +
                      "\ndefault_md=sha256\n")
    subprocess.run(["openssl", "ca", "-config", config, "-gencrl", "-crlsec", str(seconds),
                    "-cert", ca.certificate, "-keyfile", ca.folder / "ca.key",
                    "-out", tmp_path / "brief.pem"], check=True, capture_output=True)
    return str(tmp_path / "brief.pem")


def test_nobody_is_trusted_by_a_list_that_is_overdue(ca, serving, tmp_path):
    brief = brief_crl(ca, tmp_path, 3)
    daemon, client = serving(tls_crl=brief)
    coordinator = ca.issue(coordinator=True)
    assert let_in(client(coordinator))
    due = client(coordinator).metrics()["mpic_tls_crl_next_update_seconds"][""]
    assert 0 < due - time.time() < 4
    until(lambda: not let_in(client(coordinator)), 10)
    line = until(lambda: [one for one in daemon.lines(FAILED) if "overdue" in one["reason"]])[0]
    assert re.fullmatch(r"the CRL of Example CA in tls_crl is overdue since 20.*Z: until there is its "
                        r"next one, nobody is trusted whom that CA has vouched for", line["reason"])
    # Reading it again changes nothing, and says so; a new one mends it.
    daemon.rewrite()
    line = until(lambda: daemon.lines("the certificate files cannot be used; the old ones stay"))[0]
    assert "overdue since" in line["why"]
    ca.run("crl")
    shutil.copy(ca.crl, brief)
    daemon.rewrite()
    until(lambda: let_in(client(coordinator)))


def test_a_list_that_is_none_stops_the_start(ca, perspective, tmp_path):
    brief = brief_crl(ca, tmp_path, 1)
    broken = tmp_path / "broken.pem"
    broken.write_text(Path(ca.root).read_text())
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    time.sleep(1.5)
    own = options_of(ca.issue(perspective=CODE))
    for path, says in ((brief, "Example CA in tls_crl is overdue since"),
                       (str(broken), "expected CRLs in PEM"), (str(empty), "expected CRLs in PEM"),
                       ("/nowhere", "CRL file /nowhere: no such file")):
        ended = perspective.run(perspective.options(**own, tls_ca=ca.root, tls_crl=path), "--check")
        assert ended.returncode == 2
        assert "tls_certificate, tls_key, tls_ca and tls_crl: CRL file" in ended.stderr
        assert says in ended.stderr, ended.stderr


# -- at a coordinator


@pytest.fixture
def of_the_fleet(build_dir, coordinators, tmp_path):
    """The CA that the fleet's certificates are from, in a folder of the test's own."""
    made = Authority(build_dir, tmp_path / "fleet-ca")
    made.folder.mkdir()
    for name in ("ca.pem", "ca.key"):
        shutil.copy(Path(coordinators.certificate).parent / name, made.folder / name)
    made.run("crl")
    return made


def certificate_of(coordinators, row, folder):
    """What the perspective shows."""
    host, _, port = row["url"].removeprefix("https://").partition(":")
    own = coordinators.parts["coordinator"]
    shown = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-cert",
                            own["certificate"], "-key", own["key"]], input="", text=True,
                           capture_output=True, check=False, timeout=10).stdout
    path = folder / "shown.pem"
    path.write_text(re.search(r"-----BEGIN CERT.*?-----END CERTIFICATE-----\n", shown, re.S)[0])
    return path


def test_a_revoked_perspective_is_believed_no_more(coordinators, started, of_the_fleet, tmp_path):
    row = coordinators.perspectives(0)[0]
    daemon, caller = started(tls_crl=of_the_fleet.crl)
    assert caller.check("permit.com")["quorum"] == "6/6"
    of_the_fleet.run("revoke", certificate=certificate_of(coordinators, row, tmp_path),
                     reason="superseded")
    assert caller.check("permit.com")["quorum"] == "6/6"
    daemon.rewrite()
    until(lambda: caller.check("permit.com")["quorum"] == "5/6")
    problem = by_code(caller.check("permit.com"))[row["code"]]["problem"]
    assert problem["code"] == "perspective-identity"
    assert re.search(rf"certificate \w+ of urn:mpic:perspective:{row['code']} {SINCE} \(superseded\)",
                     problem["message"])


def test_what_a_perspective_finds_counts_no_more_once_it_is_revoked(
        coordinators, started, of_the_fleet, tmp_path):
    """Requests under way keep their connections, but not with it."""
    row = coordinators.perspectives(0)[0]
    daemon, caller = started(tls_crl=of_the_fleet.crl)
    caller.check("permit.com")
    shown = certificate_of(coordinators, row, tmp_path)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(caller.check("slow1.com")))
    asking.start()
    until(lambda: caller.metrics()["mpic_http_in_flight"][""] == 1)
    time.sleep(0.2)
    of_the_fleet.run("revoke", certificate=shown)
    daemon.rewrite()
    asking.join()
    found = by_code(answers[0])
    assert found[row["code"]]["problem"]["code"] == "perspective-identity"
    assert "was revoked on" in found[row["code"]]["problem"]["message"]
    others = [one["check_passed"] for code, one in found.items() if code != row["code"]]
    assert others == [True] * 5


def test_a_revoked_caller_asks_no_more(coordinators, started, of_the_fleet):
    daemon, caller = started(plain=False, tls_crl=of_the_fleet.crl)
    connection = caller.connect()
    assert caller.ask("/healthz", connection=connection).status == 200
    assert caller.check("permit.com")["is_valid"] is True
    of_the_fleet.run("revoke", certificate=coordinators.caller_identity.certificate)
    assert caller.check("permit.com")["is_valid"] is True
    daemon.rewrite()
    assert ends(connection)
    assert "urn:mpic:caller:test was revoked on" in daemon.lines(ENDED)[0]["reason"]
    line = until(lambda: not let_in(caller) and daemon.lines(FAILED))[0]
    assert "urn:mpic:caller:test was revoked on" in line["reason"]
