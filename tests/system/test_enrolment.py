"""Perspectives whose keys are their own: certificates over EST, by tokens and by certificates."""

import base64
import concurrent.futures
import copy
import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from authority import Authority, options_of
from coordinators import CALLER, Caller, Identity, by_code
from daemons import until
from perspective import Perspective

EST = "/.well-known/est/"
SIGNING_KEY = "2.25.51564637675335901285731473949341640476.1"
CERTS_ONLY = "application/pkcs7-mime; smime-type=certs-only"


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True,
                          check=True).stdout


@pytest.fixture
def root(build_dir, tmp_path):
    return Authority.made(build_dir, tmp_path / "root")


@pytest.fixture
def ca(root, tmp_path):
    """The CA for enrolment."""
    return root.below(tmp_path / "enrolment")


@pytest.fixture
def code(coordinators):
    return coordinators.perspectives(0)[0]["code"]


class Applicant:
    """Somebody with a key, who asks a coordinator for certificates."""

    def __init__(self, caller, root, folder, algorithm="EC -pkeyopt ec_paramgen_curve:P-256"):
        self.client, self.root, self.folder = caller, root, Path(folder)
        self.folder.mkdir(parents=True)
        self.key = self.folder / "tls.key"
        openssl("genpkey", "-algorithm", *algorithm.split(), "-out", self.key)
        self.signing_key = self.folder / "sign.key"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.signing_key)

    @property
    def verify_key(self):
        return openssl("pkey", "-in", self.signing_key, "-pubout").decode().splitlines()[1]

    def request(self, *more, named=True):
        spki = openssl("pkey", "-in", self.signing_key, "-pubout", "-outform", "DER")
        extension = ("-addext", f"{SIGNING_KEY}=DER:{spki.hex()}") if named else ()
        return openssl("req", "-new", "-key", self.key, "-subj", "/CN=who cares", *extension, *more,
                       "-outform", "DER")

    def ask(self, path, body, user=None, content_type="application/pkcs10"):
        """The reply to base64 of the body, or to a text."""
        client = copy.copy(self.client)
        client.headers = {"Content-Type": content_type}
        if user:
            client.headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        text = base64.encodebytes(body) if isinstance(body, bytes) else body.encode()
        return client.ask(EST + path, text)

    def enrol(self, code, token, body=None):
        return self.ask("simpleenroll", body or self.request(), f"{code}:{token}")

    def take(self, reply):
        """The certificate that came, as it is kept: with those that it leads by to the root."""
        assert reply.status == 200, reply.text
        assert reply.headers["Content-Type"] == CERTS_ONLY
        certificate = self.folder / "tls.pem"
        certificate.write_text(certificates(reply.text)[0] + self.above(), encoding="ascii")
        return Identity({"certificate": str(certificate), "key": str(self.key)})

    def above(self):
        reply = self.client.ask(EST + "cacerts")
        return "".join(one for one in certificates(reply.text) if "enrolment" in described(one))


def certificates(text):
    """Those of a PKCS #7 in base64, in PEM."""
    said = openssl("pkcs7", "-inform", "DER", "-print_certs", data=base64.b64decode(text)).decode()
    return re.findall(r"-----BEGIN CERT.*?-----END CERTIFICATE-----\n", said, re.S)


def described(certificate):
    return openssl("x509", "-noout", "-text", data=certificate.encode()).decode()


@pytest.fixture
def desk(coordinators, started, root, ca, tmp_path):
    """desk(**options) gives (daemon, applicant(name)) of a coordinator that enrols."""
    own = root.issue(coordinator=True, host="127.0.0.1")

    def start(**options):
        given = {**options_of(own), "tls_ca": root.root, "plain": False, "callers": [CALLER],
                 "enrolment": {"ca": ca.certificate, "key": str(ca.folder / "ca.key"),
                               "folder": str(ca.folder)}, **options}
        daemon, _ = started(**given)

        def applicant(name="a", identity=None, **more):
            trusting = type("Trust", (), {"certificate": root.root})
            return Applicant(Caller(daemon, identity, trusting), root, tmp_path / name, **more)

        return daemon, applicant

    return start


def new_token(ca, code, **options):
    return ca.run("token", perspective=code, **options).stdout.strip()


# -- with a token


def test_a_token_is_good_for_one_certificate_of_a_key_of_ones_own(desk, root, ca, code):
    daemon, applicant = desk()
    one = applicant()
    token = new_token(ca, code)
    names = ("-addext", "subjectAltName=URI:urn:mpic:coordinator,DNS:evil.example")
    reply = one.enrol(code, token, one.request(*names))
    identity = one.take(reply)
    certificate, = certificates(reply.text)
    said = described(certificate)
    # Whose it is the token said; nothing that the request named is in it.
    assert re.search(rf"Alternative Name:\s*URI:urn:mpic:perspective:{code}\n", said)
    assert "evil" not in said and "who cares" not in said and "coordinator" not in said
    assert openssl("x509", "-noout", "-pubkey", data=certificate.encode()) == openssl(
        "pkey", "-in", one.key, "-pubout")
    assert b"OK" in openssl("verify", "-CAfile", root.root, "-untrusted", identity.certificate,
                            identity.certificate)
    days = re.search(r"Not After : (.*)", said)[1]
    assert 44 < (time.mktime(time.strptime(days, "%b %d %H:%M:%S %Y %Z")) - time.timezone -
                 time.time()) / 86400 <= 45

    line, = daemon.lines("a perspective enrolled")
    assert (line["perspective"], line["token_use"]) == (code, "1 of 1")
    issued, = ca.issued()
    assert issued["serial"] == line["serial"]
    assert issued["verify_key"] == line["verify_key"] == one.verify_key
    assert token not in Path(daemon.log).read_text(encoding="utf-8")
    assert not any(token in path.read_text() for path in ca.folder.rglob("*") if path.is_file())

    # Another key has nothing of it; the same key may have lost what it was sent.
    other = applicant("other").enrol(code, token)
    assert (other.status, other.json["detail"]) == (403, "the token has been used up")
    assert one.enrol(code, token).status == 200
    assert one.client.ask(EST + "cacerts").headers["Content-Type"] == CERTS_ONLY


@pytest.mark.parametrize("algorithm, good", (
    ("EC -pkeyopt ec_paramgen_curve:P-384", True), ("ed25519", True),
    ("EC -pkeyopt ec_paramgen_curve:P-521", False), ("EC -pkeyopt ec_paramgen_curve:secp256k1", False),
    ("EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", False),
    ("RSA -pkeyopt rsa_keygen_bits:2048", False)))
def test_keys_that_are_good(desk, ca, code, algorithm, good):
    _, applicant = desk()
    one = applicant(algorithm=algorithm)
    token = new_token(ca, code)
    reply = one.enrol(code, token)
    if good:
        one.take(reply)
        return
    assert reply.status == 400
    assert "its key is none of P-256, P-384 and Ed25519" in reply.json["detail"]
    # It cost nothing.
    assert applicant("better").enrol(code, token).status == 200


def test_what_is_no_request_costs_no_token(desk, ca, code):
    _, applicant = desk()
    one, token = applicant(), new_token(ca, code)
    good = one.request()
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    other_key = good.replace(openssl("pkey", "-in", one.key, "-pubout", "-outform", "DER")[-64:],
                             openssl("pkey", "-in", applicant("b").key, "-pubout", "-outform",
                                     "DER")[-64:])
    bad_extension = one.request("-addext", f"{SIGNING_KEY}=DER:0500", named=False)
    for body, says in ((b"", "no PKCS #10"), (b"nonsense", "no PKCS #10"),
                       (good + b"x", "no PKCS #10"), ("!!!", "no PKCS #10"),
                       (flipped, "not signed with the key"), (other_key, "not signed with the key"),
                       (bad_extension, "the signing key that it names is no Ed25519 key")):
        reply = one.ask("simpleenroll", body, f"{code}:{token}")
        assert reply.status == 400 and says in reply.json["detail"], reply.text
    reply = one.ask("simpleenroll", good, f"{code}:{token}", "application/json")
    assert (reply.status, reply.json["detail"]) == (415, "expected Content-Type: application/pkcs10")
    assert one.enrol(code, token).status == 200


def test_tokens_that_are_not_good(desk, coordinators, ca, code):
    daemon, applicant = desk()
    one, token = applicant(), new_token(ca, code)
    other = coordinators.perspectives(1)[0]["code"]
    for user in (f"{code}:{token}x", f"{other}:{token}", f"{code}:", token, ":", f"{code}:{token}:"):
        reply = one.ask("simpleenroll", one.request(), user)
        assert reply.status == 401, (user, reply.text)
        assert reply.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert one.ask("simpleenroll", one.request()).status == 401
    # Nobody's fleet has it, though there is a token.
    stray = new_token(ca, "aws:nowhere")
    assert one.enrol("aws:nowhere", stray).status == 403
    # One that is past.
    record, = [path for path in (ca.folder / "tokens").iterdir() if code in path.read_text()]
    record.write_text(json.dumps({**json.loads(record.read_text()), "expires_s": 1}))
    reply = one.enrol(code, token)
    assert (reply.status, reply.json["detail"]) == (403, "the token has expired")
    assert daemon.lines("enrolment refused")
    assert token not in Path(daemon.log).read_text(encoding="utf-8")
    assert one.client.ask("/healthz").status == 200
    # Cancelled with the perspective's certificates.
    again = new_token(ca, code, uses=2)
    assert one.enrol(code, again).status == 200
    ca.run("revoke", perspective=code)
    assert applicant("late").enrol(code, again).status == 401


def test_who_guesses_has_to_wait(desk, ca, code):
    _, applicant = desk(workers=1)
    one = applicant()
    body = one.request()
    statuses = [one.enrol(code, f"wrong-{i}", body).status for i in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    reply = one.enrol(code, new_token(ca, code), body)
    assert reply.status == 429 and 0 < int(reply.headers["Retry-After"]) <= 11


def test_a_token_of_several_uses_is_used_so_often_whoever_is_asked(desk, ca, code):
    """By workers and replicas that share the folder, all at once."""
    daemons = [desk(workers=2) for _ in range(2)]
    token = new_token(ca, code, uses=3)
    applicants = [daemons[i % 2][1](f"a{i}") for i in range(12)]
    bodies = [one.request() for one in applicants]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda i: applicants[i].enrol(code, token, bodies[i]), range(12)))
    assert sorted(reply.status for reply in replies) == [200] * 3 + [403] * 9
    assert len(ca.issued()) == 3
    assert len([path for path in (ca.folder / "used").iterdir()]) == 3


def test_what_cannot_be_noted_is_not_issued(desk, ca, code):
    daemon, applicant = desk()
    one, token = applicant(), new_token(ca, code)
    issued = ca.folder / "issued.jsonl"
    issued.unlink()
    issued.mkdir()
    assert one.enrol(code, token).status == 503
    assert "issued.jsonl" in until(lambda: daemon.lines("no certificate can be issued"))[0]["why"]
    issued.rmdir()
    # The use was given back.
    assert applicant("b").enrol(code, token).status == 200


# -- with a certificate


def test_a_certificate_is_renewed_by_whom_it_is_of(desk, ca, code):
    daemon, applicant = desk()
    one = applicant()
    identity = one.take(one.enrol(code, new_token(ca, code)))
    now = applicant("now", identity)
    now.key, now.signing_key = one.key, one.signing_key
    first = certificates(now.ask("simplereenroll", now.request()).text)[0]
    # The key may be another one.
    after = applicant("after", identity)
    second = certificates(after.ask("simplereenroll", after.request()).text)[0]
    for certificate, key in ((first, one.key), (second, after.key)):
        assert f"URI:urn:mpic:perspective:{code}\n" in described(certificate)
        assert openssl("x509", "-noout", "-pubkey", data=certificate.encode()) == openssl(
            "pkey", "-in", key, "-pubout")
    assert len(daemon.lines("a perspective renewed its certificate")) == 2
    assert len(ca.issued()) == 3


def test_who_is_no_perspective_renews_nothing(desk, root, ca, code):
    _, applicant = desk()
    for name, identity in (("nobody", None), ("caller", root.issue(caller="test")),
                           ("coordinator", root.issue(coordinator=True)),
                           ("stray", root.issue(perspective="aws:nowhere"))):
        one = applicant(name, identity)
        assert one.ask("simplereenroll", one.request()).status == 403
    assert ca.issued() == []
    # One that the root has issued is as good as one that was enrolled.
    one = applicant("given", root.issue(perspective=code))
    assert one.ask("simplereenroll", one.request()).status == 200


def test_who_is_revoked_renews_nothing(desk, root, ca, code, tmp_path):
    crls = tmp_path / "crls.pem"

    def publish():
        for one in (root, ca):
            one.run("crl")
        crls.write_text(Path(root.crl).read_text() + Path(ca.crl).read_text())

    publish()
    daemon, applicant = desk(tls_crl=str(crls))
    one = applicant()
    identity = one.take(one.enrol(code, new_token(ca, code)))
    now = applicant("now", identity)
    assert now.ask("simplereenroll", now.request()).status == 200
    # The lists are there for perspectives as well.
    text = base64.b64decode(now.client.ask(EST + "crls").text)
    assert b"Revoked" not in openssl("pkcs7", "-inform", "DER", "-print", "-noout", data=text)
    ca.run("revoke", perspective=code)
    publish()
    daemon.rewrite()

    def shut_out():
        """With tls_crl it is not even connected to."""
        try:
            assert now.ask("simplereenroll", now.request()).status in (403, 429)
            return False
        except OSError:
            return True

    until(shut_out)


# -- the configuration


def test_without_it_nobody_enrols(coordinators, started):
    daemon, caller = started(plain=False)
    for path, body in (("cacerts", None), ("crls", None), ("simpleenroll", b"x"),
                       ("simplereenroll", b"x")):
        assert caller.ask(EST + path, body).status == 404


def test_what_cannot_be_used_is_named(coordinators, root, ca, build_dir, tmp_path):
    other = Authority.made(build_dir, tmp_path / "other")
    good = {"ca": ca.certificate, "key": str(ca.folder / "ca.key"), "folder": str(ca.folder)}
    own = {**options_of(root.issue(coordinator=True)), "tls_ca": root.root, "plain": False}
    for enrolment, more, says in (
            ({**good, "key": str(root.folder / "ca.key")}, {}, "is not the key of"),
            ({**good, "ca": other.certificate, "key": str(other.folder / "ca.key")}, {},
             "is no CA that leads to one in tls_ca"),
            ({**good, "folder": "/nowhere"}, {}, "folder: /nowhere: expected the folder that"),
            ({**good, "days": 0}, {}, "enrolment.days: expected"),
            ({"ca": good["ca"]}, {}, "enrolment.key: "),
            (good, {"plain": True}, "enrolment: not with plain")):
        ended = coordinators.run(coordinators.options(**{**own, "enrolment": enrolment, **more}),
                                 "--check")
        assert ended.returncode == 2 and says in ended.stderr, ended.stderr


# -- what it signs


@pytest.fixture
def signing(build_dir, unbound_prefix, world, coordinators, tmp_path, code):
    """signing(identity, key) is the URL of a perspective with these."""
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "p") as running:
        resolver = coordinators.parts["perspectives"][0]["resolver"]

        def start(identity, key, root):
            # Its resolver is on another address of loopback.
            daemon, _ = running.start(**options_of(identity), tls_ca=root.root, code=code,
                                      resolver=resolver, signing_key=str(key))
            return "https://{}:{}".format(*daemon.address)

        yield start


@pytest.mark.parametrize("named, signs_with", ((True, "its own"), (True, "another"), (False, "its own")))
def test_results_are_verified_by_the_key_in_the_certificate(
        desk, coordinators, root, ca, code, signing, named, signs_with):
    _, applicant = desk()
    one = applicant()
    identity = one.take(one.enrol(code, new_token(ca, code), one.request(named=named)))
    key = one.signing_key if signs_with == "its own" else applicant("other").signing_key
    rows = coordinators.perspectives(*range(6))
    rows[0] = {"code": code, "url": signing(identity, key, root), "verify_key": "enrolled"}
    with coordinators.for_a_test() as start:
        own = root.issue(coordinator=True)
        _, caller = start(**options_of(own), tls_ca=root.root, perspectives=rows)
        found = by_code(caller.check("permit.com"))[code]
    if named and signs_with == "its own":
        assert found["check_passed"] is True and "signature" in found
        return
    assert found["check_passed"] is False
    assert found["problem"]["code"] == "signature-invalid"
    assert ("names another key" if named else "its certificate names no key to verify it with"
            ) in found["problem"]["message"]
