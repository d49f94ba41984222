"""mpic-enrol: an appliance's certificate, from the first to the next."""

import json
import re
import signal
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from authority import options_of
from coordinators import CALLER
from daemons import until
from perspective import Perspective
from test_enrolment import ca, code, new_token, openssl, root  # fixtures, too

DONE, FAILED = 0, 1


class Appliance:
    """The part of an appliance's files that enrolment is about."""

    def __init__(self, build, folder):
        self.build, self.folder = build, Path(folder)
        self.given, self.own = self.folder / "run/mpic", self.folder / "run/mpic-enrol"
        self.given.mkdir(parents=True)
        self.own.mkdir()
        self.running = None

    def configure(self, url, code, trusted, token=None):
        """As first-boot does of the operator's document."""
        (self.given / "ca.pem").write_text(Path(trusted).read_text())
        settings = {"url": url, "code": code, "ca": "/run/mpic/ca.pem"}
        (self.given / "enrolment.yaml").write_text(
            json.dumps({**settings, **({"token": token} if token else {})}))

    def lists(self, *authorities):
        """tls_crl of the document."""
        (self.given / "given-crl.pem").write_text(text_of(*authorities))

    def run(self, *arguments):
        return subprocess.run([self.build / "mpic-enrol", "--root", self.folder, "--retry", "1",
                               *arguments], capture_output=True, text=True, timeout=60, check=False)

    def start(self):
        self.running = subprocess.Popen(
            [self.build / "mpic-enrol", "--root", self.folder, "--retry", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self.running

    def certificate(self):
        return openssl("x509", "-in", self.own / "tls.pem", "-noout", "-text").decode()

    def serial(self):
        return openssl("x509", "-in", self.own / "tls.pem", "-noout", "-serial").decode()

    def public(self, name):
        return openssl("pkey", "-in", self.own / name, "-pubout")

    def status(self):
        return (self.own / "status").read_text()


def text_of(*authorities):
    """The lists of these, as tls_crl has them."""
    return "".join(Path(one.crl).read_text() for one in authorities)


@pytest.fixture
def appliance(build_dir, tmp_path):
    made = Appliance(build_dir, tmp_path / "appliance")
    yield made
    if made.running and made.running.poll() is None:
        made.running.kill()
        made.running.wait()


@pytest.fixture
def desk(started, root, ca):
    """desk(**options) gives (daemon, URL) of a coordinator that enrols."""
    own = root.issue(coordinator=True)

    def start(**options):
        given = {**options_of(own), "tls_ca": root.root, "plain": False, "callers": [CALLER],
                 "enrolment": {"ca": ca.certificate, "key": str(ca.folder / "ca.key"),
                               "folder": str(ca.folder)}, **options}
        daemon, _ = started(**given)
        return daemon, "https://{}:{}".format(*daemon.address)

    return start


def test_keys_are_born_and_certified(desk, appliance, root, ca, code):
    _, url = desk()
    token = new_token(ca, code)
    appliance.configure(url, code, root.root, token)
    ended = appliance.run()
    assert ended.returncode == DONE, ended.stdout + ended.stderr
    assert "there is a certificate from the coordinator" in ended.stdout
    assert token not in ended.stdout + ended.stderr
    said = appliance.certificate()
    assert f"URI:urn:mpic:perspective:{code}\n" in said
    assert openssl("x509", "-in", appliance.own / "tls.pem", "-noout", "-pubkey") == (
        appliance.public("tls.key"))
    # What a client of it needs to get to the root comes along.
    assert b"OK" in openssl("verify", "-CAfile", root.root, "-untrusted", appliance.own / "tls.pem",
                            appliance.own / "tls.pem")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in appliance.own.iterdir()}
    assert modes == {"tls.pem": 0o644, "tls.key": 0o600, "signing.key": 0o600, "status": 0o644}
    issued, = ca.issued()
    assert issued["verify_key"] == appliance.public("signing.key").decode().splitlines()[1]
    assert "mpic_enrolment_failed 0" in appliance.status()
    # There is nothing more to do, and the token is not needed for it.
    before = appliance.serial()
    assert appliance.run().returncode == DONE
    assert appliance.serial() == before


def test_it_waits_until_it_can_enrol(desk, appliance, root, ca, code):
    """Nobody there, a wrong token, a good one: each is told, and no boot is needed."""
    daemon, url = desk()
    appliance.configure("https://127.0.0.1:1", code, root.root, "x" * 43)
    process = appliance.start()
    until(lambda: "cannot be reached" in process.stdout.readline())
    process.kill()
    process.wait()
    # Settings are read when it begins; the token may be made good while it waits.
    token = new_token(ca, code)
    record, = (ca.folder / "tokens").iterdir()
    aside = ca.folder / "aside"
    record.rename(aside)
    appliance.configure(url, code, root.root, token)
    process = appliance.start()
    until(lambda: "status 401: the token is not good for this perspective" in
          process.stdout.readline())
    aside.rename(record)
    assert process.wait(20) == DONE
    assert f"URI:urn:mpic:perspective:{code}\n" in appliance.certificate()
    assert len(daemon.lines("a perspective enrolled")) == 1


def test_a_coordinator_that_is_none_gets_no_token(desk, appliance, root, ca, code, tmp_path):
    caller = root.issue(caller="x")
    daemon, url = desk(**options_of(caller))
    appliance.configure(url, code, root.root, new_token(ca, code))
    process = appliance.start()
    until(lambda: 'is not urn:mpic:coordinator: its certificate says "urn:mpic:caller:x"' in
          process.stdout.readline())
    assert not daemon.lines("a perspective enrolled") and not daemon.lines("enrolment refused")
    assert not (appliance.own / "tls.pem").exists()


def test_a_lost_answer_costs_no_second_use(desk, appliance, root, ca, code):
    daemon, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    assert appliance.run().returncode == DONE
    (appliance.own / "tls.pem").unlink()
    assert appliance.run().returncode == DONE
    assert [line["token_use"] for line in daemon.lines("a perspective enrolled")] == [
        "1 of 1", "again, of the same key"]


def test_the_next_certificate_is_of_the_same_keys(desk, appliance, root, ca, code):
    daemon, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    assert appliance.run().returncode == DONE
    first, keys = appliance.serial(), [appliance.public(name) for name in ("tls.key", "signing.key")]
    ended = appliance.run("--now")
    assert ended.returncode == DONE, ended.stderr
    assert "the certificate has been renewed" in ended.stdout
    assert appliance.serial() != first
    assert [appliance.public(name) for name in ("tls.key", "signing.key")] == keys
    assert len(daemon.lines("a perspective renewed its certificate")) == 1
    one, two = ca.issued()
    assert one["verify_key"] == two["verify_key"] != ""


def test_its_perspective_shows_the_next_one_without_a_restart(
        desk, appliance, root, ca, code, build_dir, unbound_prefix, world, tmp_path):
    _, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    assert appliance.run().returncode == DONE
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "p") as running:
        daemon, client = running.start(
            code=code, tls_certificate=str(appliance.own / "tls.pem"), tls_ca=root.root,
            tls_key=str(appliance.own / "tls.key"), signing_key=str(appliance.own / "signing.key"),
            status_files=[str(appliance.own / "status")])
        asker = root.issue(coordinator=True)
        client.context = ssl.create_default_context(cafile=root.root)
        client.context.check_hostname = False
        client.context.load_cert_chain(asker.certificate, asker.key)
        before, process, connection = client.presented(), daemon.workers(), client.connect()
        assert client.ask("/healthz", connection=connection).status == 200
        assert "mpic_enrolment_failed 0" in client.ask("/metrics").text
        assert appliance.run("--now").returncode == DONE
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: client.presented() != before)
        assert daemon.workers() == process
        assert client.ask("/healthz", connection=connection).status == 200
        connection.close()


def test_a_document_with_a_certificate_is_renewed_as_well(desk, appliance, root, code, ca):
    """No token is needed, and whose key signs results does not change."""
    daemon, url = desk()
    document = yaml.safe_load(root.run("issue", perspective=code, days=1).stdout)
    appliance.configure(url, code, root.root)
    (appliance.given / "given.pem").write_text(document["tls_certificate"])
    (appliance.given / "given.key").write_text(document["tls_key"])
    assert appliance.run().returncode == DONE
    assert (appliance.own / "tls.pem").read_text() == document["tls_certificate"]
    assert appliance.run("--now").returncode == DONE
    assert "Example enrolment CA" in re.search(r"Issuer: (.*)", appliance.certificate())[1]
    assert [line["verify_key"] for line in ca.issued()] == [root.issued()[-1]["verify_key"]]
    assert not (appliance.own / "signing.key").exists()


def test_a_signing_key_of_the_documents_stays(desk, appliance, root, ca, code):
    """Which mpic-enrol cannot read: the certificate names none, the coordinator has been told."""
    _, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    (appliance.given / "signing.key").write_text("the document's")
    assert appliance.run().returncode == DONE
    assert not (appliance.own / "signing.key").exists()
    issued, = ca.issued()
    assert "verify_key" not in issued


def brief(root, code, seconds, ago):
    """A certificate of the root's that began `ago` seconds before and lasts so many more."""
    folder = root.folder / f"brief-{seconds}"
    folder.mkdir()
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("1234\n")
    (folder / "c.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\nserial={folder}/serial\n"
        f"new_certs_dir={folder}\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\n"
        f"commonName=supplied\n[e]\nsubjectAltName=URI:urn:mpic:perspective:{code}\n"
        "extendedKeyUsage=serverAuth,clientAuth\n")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
            folder / "key")
    openssl("req", "-new", "-key", folder / "key", "-subj", "/CN=x", "-out", folder / "csr")
    def at(seconds_from_now):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))
    openssl("ca", "-batch", "-config", folder / "c.cnf", "-cert", root.certificate, "-keyfile",
            root.folder / "ca.key", "-in", folder / "csr", "-out", folder / "pem", "-notext",
            "-startdate", at(-ago), "-enddate", at(seconds))
    return (folder / "pem").read_text(), (folder / "key").read_text()


def given(appliance, pair):
    (appliance.own / "tls.pem").write_text(pair[0])
    (appliance.own / "tls.key").write_text(pair[1])


def test_it_is_renewed_when_less_than_a_third_is_left(desk, appliance, root, code):
    _, url = desk()
    appliance.configure(url, code, root.root)
    given(appliance, brief(root, code, 3700, 7200))
    before = appliance.serial()
    assert appliance.run().returncode == DONE and appliance.serial() == before
    given(appliance, brief(root, code, 3500, 7200))
    before = appliance.serial()
    assert appliance.run().returncode == DONE and appliance.serial() != before


def test_a_renewal_that_fails_is_told_and_stops_no_boot(appliance, root, code):
    appliance.configure("https://127.0.0.1:1", code, root.root)
    given(appliance, brief(root, code, 600, 7200))
    before = appliance.serial()
    ended = appliance.run()
    assert ended.returncode == DONE and appliance.serial() == before
    assert ended.stderr.count("mpic-enrol: the certificate cannot be renewed: https://127.0.0.1:1 "
                              "cannot be reached") == 3
    assert "# notice the certificate cannot be renewed: " in appliance.status()
    assert "mpic_enrolment_failed 1" in appliance.status()
    ends = int(re.search(r"mpic_enrolment_expires_seconds (\d+)\n", appliance.status())[1])
    assert 0 < ends - time.time() <= 600


def test_one_that_has_expired_needs_another_document(appliance, root, code):
    appliance.configure("https://127.0.0.1:1", code, root.root)
    given(appliance, brief(root, code, -60, 7200))
    ended = appliance.run()
    assert ended.returncode == FAILED
    assert "has expired, and there is no token to enrol with again" in ended.stderr


# -- revocation lists


@pytest.fixture
def published(root, ca, tmp_path):
    """publish() writes the CAs' lists of now to where the coordinator has its tls_crl."""
    path = tmp_path / "published.pem"

    def publish(days=30):
        for one in (root, ca):
            one.run("crl", days=days)
        path.write_text(text_of(root, ca))

    publish()
    publish.path = path
    return publish


def number(path):
    said = openssl("crl", "-in", path, "-noout", "-crlnumber").decode()
    return int(said.split("=")[1], 16)


def test_a_boot_takes_the_lists_that_its_coordinator_has(desk, appliance, published, root, ca, code):
    appliance.lists(root)
    old = number(appliance.given / "given-crl.pem")
    published()
    _, url = desk(tls_crl=str(published.path))
    appliance.configure(url, code, root.root, new_token(ca, code))
    assert appliance.run().returncode == DONE
    # The root's alone: of the CA below it the document's tls_ca says nothing.
    assert (appliance.own / "crl.pem").read_text() == Path(root.crl).read_text()
    assert number(appliance.own / "crl.pem") > old
    assert stat.S_IMODE((appliance.own / "crl.pem").stat().st_mode) == 0o644
    assert "mpic_crl_refresh_failed 0" in appliance.status()
    ends = int(re.search(r"mpic_crl_next_update_seconds (\d+)\n", appliance.status())[1])
    assert 29 < (ends - time.time()) / 86400 <= 30
    # The same again is nothing new: the perspective has nothing to read.
    before = (appliance.own / "crl.pem").stat()
    assert appliance.run().returncode == DONE
    assert (appliance.own / "crl.pem").stat() == before


def test_who_is_revoked_while_it_runs_is_turned_away(
        desk, appliance, published, root, ca, code, build_dir, unbound_prefix, world, tmp_path):
    """By the hourly run, and the reload that the new file brings: no other document, no boot."""
    coordinator, url = desk(tls_crl=str(published.path))
    appliance.configure(url, code, root.root, new_token(ca, code))
    appliance.lists(root)
    assert appliance.run().returncode == DONE
    asker, other = root.issue(coordinator=True), root.issue(coordinator=True)
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "p") as running:
        daemon, client = running.start(
            code=code, tls_certificate=str(appliance.own / "tls.pem"), tls_ca=root.root,
            tls_key=str(appliance.own / "tls.key"), tls_crl=str(appliance.own / "crl.pem"),
            signing_key=str(appliance.own / "signing.key"),
            status_files=[str(appliance.own / "status")])

        def ask(identity):
            client.context = ssl.create_default_context(cafile=root.root)
            client.context.check_hostname = False
            client.context.load_cert_chain(identity.certificate, identity.key)
            return client.ask("/healthz").status

        assert ask(asker) == ask(other) == 200
        root.revoke(asker)
        published()
        coordinator.rewrite()
        until(lambda: appliance.run().returncode == DONE and
              number(appliance.own / "crl.pem") == number(root.crl))
        daemon.process.send_signal(signal.SIGHUP)

        def refused():
            try:
                return ask(asker) != 200
            except OSError:
                return True

        until(refused)
        assert ask(other) == 200


def test_nobody_goes_back_to_older_lists(desk, appliance, published, root, ca, code):
    _, url = desk(tls_crl=str(published.path))
    appliance.configure(url, code, root.root, new_token(ca, code))
    published()
    appliance.lists(root)
    assert appliance.run().returncode == DONE
    assert (appliance.own / "crl.pem").read_text() == Path(root.crl).read_text()
    assert "mpic_crl_refresh_failed 1" in appliance.status()
    assert re.search(r"# notice the revocation lists cannot be refreshed, and after 20\S+ nobody is "
                     r"trusted by those that are here: the list of \S*Example CA is older than the "
                     r"one that is here\n", appliance.status())


def test_lists_that_cannot_be_had_stop_no_boot(desk, appliance, published, root, ca, code):
    """A coordinator without tls_crl; one that is not there. What is here goes on being good."""
    _, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    appliance.lists(root)
    ended = appliance.run()
    assert ended.returncode == DONE
    assert ended.stderr.count("the revocation lists cannot be refreshed") == 1
    assert "this coordinator has no CRLs (tls_crl)" in ended.stderr
    assert (appliance.own / "crl.pem").read_text() == Path(root.crl).read_text()
    appliance.configure("https://127.0.0.1:1", code, root.root)
    ended = appliance.run()
    # The timer's: it tries again.
    assert ended.returncode == DONE
    assert ended.stderr.count("the revocation lists cannot be refreshed: https://127.0.0.1:1 cannot "
                              "be reached") == 3
    assert "# notice the revocation lists cannot be refreshed, and after 20" in appliance.status()


def overdue(root):
    """Its list as one that is past, in PEM."""
    folder = root.folder / "overdue"
    folder.mkdir()
    (folder / "index.txt").write_text("")
    (folder / "number").write_text("01\n")
    (folder / "c.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\n"
        "default_md=sha256\n")
    def at(seconds_from_now):
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))
    return openssl("ca", "-gencrl", "-config", folder / "c.cnf", "-cert", root.certificate,
                   "-keyfile", root.folder / "ca.key", "-crl_lastupdate", at(-7200),
                   "-crl_nextupdate", at(-3600)).decode()


def test_a_boot_with_lists_that_are_past_waits_for_newer_ones(
        desk, appliance, published, root, ca, code):
    """Else the port would open for nobody."""
    daemon, url = desk()
    appliance.configure(url, code, root.root, new_token(ca, code))
    (appliance.given / "given-crl.pem").write_text(overdue(root))
    process = appliance.start()
    said = until(lambda: re.match("mpic-appliance enrol: tls_crl: (.*)", process.stdout.readline()))
    assert said[1].startswith("is out of date, so nobody can be trusted: the next was due 20")
    assert "status 404: this coordinator has no CRLs (tls_crl)" in said[1]
    assert not (appliance.own / "crl.pem").exists()
    daemon.rewrite(tls_crl=str(published.path))
    assert process.wait(20) == DONE
    assert (appliance.own / "crl.pem").read_text() == Path(root.crl).read_text()
    assert "mpic_crl_refresh_failed 0" in appliance.status()


@pytest.mark.parametrize("text, says", (
    ("{}", "url: "), ('{"url": "http://x", "code": "a", "ca": "/run/mpic/ca.pem"}', "url: expected"),
    ("nonsense", "mpic-enrol: ")))
def test_settings_that_are_wrong(appliance, text, says):
    (appliance.given / "enrolment.yaml").write_text(text)
    ended = appliance.run()
    assert ended.returncode == FAILED and says in ended.stderr
