"""First boot: from an operator's document, wherever it is, to a perspective that answers."""

import itertools
import json
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import yaml

import first_boot
from first_boot import Cloud, Hostile, Machine, Papers, metadata_address, notice, secrets

TOP = Path(__file__).resolve().parents[2]
CODE = "aws:eu-central-1"
OK = b"HTTP/1.1 200 OK\r\n"
KNOWN = "mpic-appliance clock: an NTP server has told the time"


@pytest.fixture(scope="module")
def papers(build_dir, tmp_path_factory):
    return Papers(build_dir, tmp_path_factory.mktemp("pki"))


@pytest.fixture
def machine(build_dir, tmp_path):
    return lambda cloud="none": Machine(build_dir, tmp_path / f"root-{cloud}", cloud)


@pytest.fixture
def cloud(tmp_path):
    with metadata_address():
        yield lambda service: Cloud(service, tmp_path)


# ---- where the document comes from ----

@pytest.mark.parametrize("service, paths", (
    ("aws", ["/latest/api/token", "/latest/user-data"]),
    ("google", ["/computeMetadata/v1/instance/attributes/user-data"]),
    ("azure", ["/metadata/instance/compute/userData?api-version=2021-01-01&format=text"])))
def test_each_cloud_gives_its_user_data(machine, cloud, papers, service, paths):
    made = machine(service)
    with cloud(service) as metadata:
        metadata.user_data.write_text(papers.document(CODE))
        with made.step("first-boot") as step:
            status, said = step.done()
    assert status == 0 and f"this is perspective {CODE}; its document came from: {service}" in said
    assert [request["path"] for request in metadata.requests()] == paths
    assert made.run("source") == service + "\n"
    assert yaml.safe_load(made.run("httpcheck.yaml"))["code"] == CODE


def test_a_credential_comes_before_a_disk_and_a_disk_before_the_cloud(machine, cloud, papers):
    made = machine("aws")
    with cloud("aws") as metadata:
        metadata.user_data.write_text(papers.document("cloud"))
        made.cidata(papers.document("disk"))
        with made.step("first-boot") as step:
            assert step.done()[0] == 0
        assert made.run("source") == "cidata\n"
        made.credential(papers.document("credential"))
        with made.step("first-boot") as step:
            assert step.done()[0] == 0
        assert made.run("source") == "credential\n"
        assert yaml.safe_load(made.run("httpcheck.yaml"))["code"] == "credential"
        assert metadata.requests() == []


@pytest.mark.parametrize("service", ("aws", "google", "azure"))
def test_user_data_may_come_later(machine, cloud, papers, service):
    made = machine(service)
    with cloud(service) as metadata, made.step("first-boot", "--retry", "1") as step:
        assert "user-data: this machine was given none" in notice()
        metadata.user_data.write_text(papers.document(CODE))
        status, said = step.done()
    assert status == 0 and "this machine was given none" in said


def test_the_metadata_service_may_come_later(machine, papers, tmp_path):
    made = machine("aws")
    with metadata_address(), made.step("first-boot", "--retry", "1") as step:
        assert "cannot be asked: Connection refused" in notice()
        with Cloud("aws", tmp_path) as metadata:
            metadata.user_data.write_text(papers.document(CODE))
            assert step.done()[0] == 0


def test_a_disk_that_comes_a_little_later_is_no_fault(machine, papers):
    made = machine()
    with made.step("first-boot") as step:
        time.sleep(0.8)
        made.cidata(papers.document(CODE))
        assert step.done() == (0, "mpic-appliance first-boot: this is perspective "
                                  f"{CODE}; its document came from: cidata")


def test_a_machine_of_no_cloud_asks_nobody(machine, cloud):
    made = machine("none")
    with cloud("aws") as metadata, made.step("first-boot", "--retry", "1") as step:
        assert 'this machine\'s maker, "QEMU", is no cloud' in notice()
        step.console("no cloud")
    assert metadata.requests() == []


def test_what_is_meant_for_something_else_is_said_to_be(machine, cloud):
    made = machine("google")
    with cloud("google") as metadata:
        metadata.user_data.write_text("#cloud-config\nusers: []\n")
        with made.step("first-boot", "--retry", "1"):
            assert "document: the text from google is for cloud-init" in notice()


def test_the_document_fits_aws(papers):
    document = papers.document("aws:ap-northeast-1")
    assert len(document) < 16 * 1024 / 4


# ---- faults ----

def test_a_faulty_document_is_corrected_without_a_reboot(machine, papers):
    made = machine()
    good, other = papers.document(CODE), papers.document("another")
    key = good.index("tls_key:"), good.index("signing_key:")
    other_key = other[other.index("tls_key:"):other.index("signing_key:")]
    made.cidata(good[:key[0]] + other_key + good[key[1]:] + "calers: [x]\nclock: sundial\n")
    with made.step("first-boot", "--retry", "1") as step:
        told = notice()
        assert told == notice(socket.AF_INET6)
        console = step.console("sundial")
        first, *faults = told.splitlines()
        assert first == "This perspective is not ready. Its step first-boot says:"
        assert [fault.split(": ", 1)[1] if fault.startswith("document:") else fault
                for fault in faults] == [
            "calers: no such option; did you mean callers?",
            "tls_key: is not the key of tls_certificate",
            'clock: expected ntp or hypervisor, found "sundial"']
        assert console == [f"mpic-appliance first-boot: {fault}" for fault in faults]
        assert not (made.root / "run/mpic/source").exists()
        assert list((made.root / "run/mpic").iterdir()) == []
        made.cidata(good)
        status, said = step.done()
    assert status == 0 and first_boot.port_is_free()
    assert made.run("tls.key") in good.replace("\n  ", "\n")
    for line in secrets(good) + secrets(other):
        assert line not in told and line not in said


def test_a_token_in_place_of_keys(machine, papers):
    made = machine()
    made.cidata(papers.token(CODE, "https://ca.example:8443"))
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    enrolment = yaml.safe_load(made.run("enrolment.yaml"))
    assert enrolment["url"] == "https://ca.example:8443" and enrolment["code"] == CODE
    assert len(enrolment["token"]) >= 32 and enrolment["ca"] == "/run/mpic/ca.pem"
    assert (made.root / "run/mpic/enrolment.yaml").stat().st_mode & 0o777 == 0o600
    for name in ("tls.pem", "tls.key", "signing.key"):
        assert os.readlink(made.root / "run/mpic" / name) == f"/run/mpic-enrol/{name}"


def test_a_tls_client_is_told_that_it_is_no_tls(machine):
    made = machine()
    with made.step("first-boot", "--retry", "1"):
        notice()
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", first_boot.PORT), 5) as link:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(link)
        assert "document: there is no" in notice()


def test_secrets_are_for_their_owner_alone(machine, papers):
    made = machine()
    document = papers.document(CODE)
    made.cidata(document)
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    open_to_all = []
    for path in (made.root / "run/mpic").rglob("*"):
        if path.is_file() and path.stat().st_mode & 0o077:
            open_to_all.append(path.name)
            assert not any(line in path.read_text() for line in secrets(document))
    assert {"httpcheck.yaml", "tls.pem", "ca.pem", "source"} <= set(open_to_all)
    assert not {"tls.key", "signing.key"} & set(open_to_all)


# ---- a metadata service that is somebody else's ----

def endless(begin, again):
    return lambda: itertools.chain([begin], itertools.repeat(again))


def once(*pieces):
    return lambda: pieces


HOSTILE = {
    "silence": (once(b""), "ends too early|is missing"),
    "no-http": (once(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "is no HTTP/1.1"),
    "redirect": (once(b"HTTP/1.1 302 Found\r\nMetadata-Flavor: Google\r\n"
                      b"Location: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"),
                 "answered with status 302"),
    "endless-head": (endless(OK, b"X: y\r\n" * 100), "has more than 8192 bytes of fields"),
    "endless-body": (endless(OK + b"\r\n", b"x" * 4096), "is too large"),
    "endless-chunks": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\n",
                               b"4\r\nabcd\r\n" * 100), "is too large"),
    "too-long": (once(OK + b"Content-Length: 999999999\r\n\r\n"), "is too large"),
    "two-lengths": (once(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
                    "has a Content-Length that is none"),
    "smuggled": (once(OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                 "has both a Content-Length and a transfer coding"),
    "unmarked": (once(OK + b"Content-Length: 7\r\n\r\ncode: x"),
                 "without the field Metadata-Flavor: Google"),
    "zeroes": (once(b"\0" * 70000), "has more than 8192 bytes of fields|is no HTTP/1.1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_metadata_is_survived(machine, papers, tmp_path, name):
    script, expected = HOSTILE[name]
    made = machine("google")
    with metadata_address():
        with Hostile(script), made.step("first-boot", "--retry", "1") as step:
            told = notice()
            assert any(part in told for part in expected.split("|")), told
            step.console("metadata service of Google Cloud")
            assert step.process.poll() is None
        with Cloud("google", tmp_path) as metadata:
            metadata.user_data.write_text(papers.document(CODE))
            with made.step("first-boot", "--retry", "1") as step:
                assert step.done()[0] == 0


def test_a_service_that_drips_is_given_up(machine):
    made = machine("azure")

    def drip():
        for byte in OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000:
            time.sleep(0.05)
            yield bytes([byte])

    with metadata_address(), Hostile(drip), made.step("first-boot", "--retry", "1"):
        start = time.monotonic()
        assert "cannot be asked: Connection timed out" in notice()
        assert time.monotonic() - start > 4


def test_a_token_adds_no_line_to_the_next_request(machine):
    made = machine("aws")
    token = OK + b"Content-Length: 13\r\n\r\nx\r\nHost: evil"
    with metadata_address(), Hostile(once(token)), made.step("first-boot", "--retry", "1"):
        assert "gave no token: its status is 200" in notice()


# ---- what it makes works ----

def anchors(world):
    """The world's trust anchor as a document has it."""
    lines = [line.split(";")[0].split() for line in world.trust_anchor.read_text().splitlines()]
    return [" ".join(words) for words in lines if words and words[0] == "."]


def in_the_folder(machine, folder, build, name):
    """A file with the image's paths made the test's own."""
    text = (TOP / "appliance/tree/usr/lib/parallax" / name).read_text() if "/" not in name \
        else machine.run(name)
    for path, here in {"/usr/lib/parallax/mpic.so": build / "unbound-module/mpic.so",
                       "/usr/lib/parallax/": f"{folder}/", "/run/mpic/": f"{machine.root}/run/mpic/",
                       "/state/unbound/": f"{folder}/"}.items():
        text = text.replace(path, str(here))
    return text


def test_unbound_takes_its_configuration(machine, papers, build_dir, unbound_prefix, tmp_path):
    made = machine()
    made.cidata(papers.document(CODE) + "unbound: {threads: 3}\n")
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    for name in ("appliance.conf", "appliance-private.conf"):
        (tmp_path / name).write_text(in_the_folder(made, tmp_path, build_dir, name))
    (tmp_path / "perspective.conf").write_text(
        in_the_folder(made, tmp_path, build_dir, "unbound/perspective.conf"))
    config = tmp_path / "unbound.conf"
    config.write_text((TOP / "conf/unbound.conf").read_text())
    (tmp_path / "root.key").write_text(
        ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
    checked = subprocess.run([unbound_prefix / "sbin/unbound-checkconf", config], cwd=tmp_path,
                             capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    for option, value in {"num-threads": "3", "interface": "127.0.0.1",
                          "auto-trust-anchor-file": str(tmp_path / "root.key")}.items():
        shown = subprocess.run([unbound_prefix / "sbin/unbound-checkconf", "-o", option, config],
                               cwd=tmp_path, capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == value


@pytest.fixture
def perspective(world, machine, papers, build_dir, unbound_prefix, tmp_path):
    """Unbound and mpic-httpcheck as first boot's files have them, in the mini-Internet."""
    made = machine()
    root = {"trust_anchor": anchors(world), "hints": ["a.root-servers.net 198.41.0.4"]}
    made.cidata(papers.document(CODE) + f"private_root: {json.dumps(root)}\n"
                "caa_domains: [ca.example]\n")
    with made.step("first-boot") as step:
        status, said = step.done()
    assert status == 0
    assert "the root of the DNS is private_root's, not IANA's: no result is one to issue" in said
    for name in ("appliance-private.conf", "unbound/perspective.conf"):
        (tmp_path / Path(name).name).write_text(in_the_folder(made, tmp_path, build_dir, name))
    (tmp_path / "unbound.conf").write_text((TOP / "conf/unbound.conf").read_text())
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, file in {"tls_key": "tls.key", "signing_key": "signing.key"}.items():
        (credentials / name).write_text(made.run(file))
        (credentials / name).chmod(0o400)
    config = tmp_path / "httpcheck.yaml"
    config.write_text(made.run("httpcheck.yaml").replace("/run/mpic", f"{made.root}/run/mpic"))
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)}
    processes = [
        subprocess.Popen([unbound_prefix / "sbin/unbound", "-d", "-c", "unbound.conf"],
                         cwd=tmp_path),
        subprocess.Popen([build_dir / "mpic-httpcheck", "-c", config, "-D", "fetcher_socket=",
                          "-D", "log_target=stderr"], env=environment),
    ]
    try:
        yield made
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def test_the_perspective_answers(perspective, papers, build_dir):
    end = time.monotonic() + first_boot.START_S
    while True:
        try:
            status, ready = first_boot.get(8080, "/readyz")
        except OSError:
            status = None
        if status == 200:
            break
        assert time.monotonic() < end
        time.sleep(0.2)
    assert ready["status"] == "ready"
    assert any("the root of the DNS is private_root's" in notice for notice in ready["notices"])
    looked = subprocess.run([build_dir / "mpic", "lookup", "signed-deny.org", "--resolver",
                             "127.0.0.1:53", "--json"], check=False, capture_output=True, text=True)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert '"secure"' in looked.stdout
    identity = papers.ask("/identity", "--coordinator")
    assert identity["perspective_code"] == CODE
    assert identity["image_version"] == "parallax-perspective 2026.1.2"
    assert any("the root of the DNS is private_root's" in notice for notice in identity["notices"])


# ---- the clock ----

def settings(machine, **values):
    (machine.root / "run/mpic/clock.yaml").write_text(json.dumps(values))


def told_the_time(machine):
    """As systemd-timesyncd leaves it, once a server has."""
    (machine.root / "run/systemd/timesync/synchronized").touch()


def test_nothing_serves_before_the_time_is_known(machine):
    made = machine()
    settings(made, hypervisor=False, ntp=["a.example", "192.0.2.1"])
    with made.step("clock") as step:
        told = notice()
        assert "clock: no NTP server has told the time yet\n" in told
        assert "clock: asked are a.example, 192.0.2.1\n" in told
        told_the_time(made)
        status, said = step.done()
    assert status == 0 and "an NTP server has told the time" in said
    assert first_boot.port_is_free()


def test_a_time_before_the_image_is_no_time(machine):
    made = machine()
    made.os_release(time.time() + 3600)
    settings(made, hypervisor=True, ntp=[])
    with made.step("clock") as step:
        assert "before this image was made" in notice()
        made.os_release(time.time() - 3600)
        step.console("before this image was made")
    with made.step("clock") as step:
        assert step.done()[0] == 0


def ended(path, papers, key="tls.key"):
    """A certificate like the one in the file, by the same CA, that has expired."""
    def x509(*arguments, text=None):
        return subprocess.run(["openssl", "x509", *arguments], check=True, capture_output=True,
                              text=True, input=text).stdout

    extensions = path.parent / "extensions"
    extensions.write_text(f"subjectAltName=URI:urn:mpic:perspective:{CODE}\n"
                          "extendedKeyUsage=serverAuth,clientAuth\n")
    request = x509("-x509toreq", "-in", path, "-signkey", path.parent / key)
    path.write_text(x509("-req", "-days", "-1", "-CA", papers.folder / "ca.pem", "-CAkey",
                         papers.folder / "ca.key", "-extfile", extensions, text=request))


def test_a_certificate_that_ended_before_the_image_was_made(machine, papers):
    made = machine()
    made.cidata(papers.document(CODE, "--days", "1") + "clock: hypervisor\n")
    made.os_release(time.time() + 2 * 86400)
    with made.step("first-boot", "--retry", "1"):
        assert "tls_certificate: has expired: it was valid until 20" in notice()


def test_a_certificate_that_has_ended_is_said_once_the_time_is_known(machine, papers):
    """Nobody would connect and see why: the port says it, and waits for another document."""
    made = machine()
    made.cidata(papers.document(CODE))
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    told_the_time(made)
    with made.step("clock") as step:
        # All is in force: the document is not even looked for.
        assert step.done() == (0, KNOWN)
    ended(made.root / "run/mpic/tls.pem", papers)
    made.cidata("code: [")
    with made.step("clock", "--retry", "1") as step:
        told = notice()
        assert told.startswith("This perspective is not ready. Its step first-boot says:\n"
                               "tls_certificate: has expired: it was valid until 20")
        step.console("mpic-appliance first-boot: tls_certificate: has expired: ")
        step.console("document:")
        made.cidata(papers.document(CODE))
        status, said = step.done()
    assert status == 0 and f"this is perspective {CODE}; its document came from: cidata" in said
    assert first_boot.port_is_free()
    with made.step("clock") as step:
        assert step.done() == (0, KNOWN)


def test_a_document_that_has_ended_is_no_good_the_second_time(machine, papers):
    """Though nothing but the step before tells that the hypervisor keeps the time."""
    made = machine()
    made.cidata(papers.document(CODE) + "clock: hypervisor\n")
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    own = made.root / "run/mpic/tls.pem"
    ended(own, papers)
    document = {**yaml.safe_load(papers.document(CODE)), "tls_certificate": own.read_text(),
                "tls_key": made.run("tls.key")}
    made.cidata(json.dumps(document))
    with made.step("clock", "--retry", "1") as step:
        with pytest.raises(subprocess.TimeoutExpired):
            step.process.wait(3)
        told = notice()
    assert told.splitlines()[1:] == [told.splitlines()[1]]
    assert told.splitlines()[1].startswith("tls_certificate: has expired: it was valid until 20")


def test_what_the_resolver_runs_by_cannot_change_any_more(machine, papers):
    made = machine()
    made.cidata(papers.document(CODE))
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    ended(made.root / "run/mpic/tls.pem", papers)
    made.cidata(papers.document(CODE) + 'private_root: {trust_anchor: [". DS 1 8 2 ' + "AB" * 32 +
                '"]}\n')
    before = made.run("httpcheck.yaml")
    told_the_time(made)
    with made.step("clock", "--retry", "1") as step:
        step.console("unbound, private_root: the resolver runs already, by the document that was "
                     "found first: restart this appliance for another")
        assert made.run("httpcheck.yaml") == before
        made.cidata(papers.document(CODE))
        assert step.done()[0] == 0


def test_papers_that_will_be_had_are_not_looked_at(machine, papers):
    """With a token the certificate is yet to come; one to be renewed must not have ended."""
    made = machine()
    made.cidata(papers.token(CODE, "https://ca.example:8443"))
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    told_the_time(made)
    with made.step("clock") as step:
        assert step.done() == (0, KNOWN)
    made.cidata(papers.document(CODE) + "enrolment: {url: 'https://ca.example:8443'}\n")
    with made.step("first-boot") as step:
        assert step.done()[0] == 0
    with made.step("clock") as step:
        assert step.done() == (0, KNOWN)
    ended(made.root / "run/mpic/given.pem", papers, "given.key")
    with made.step("clock", "--retry", "1") as step:
        assert "tls_certificate: has expired: it was valid until 20" in notice()
        assert step.done()[0] == 0


def test_the_clock_is_watched(machine):
    made = machine()
    settings(made, hypervisor=True, ntp=[])
    status = made.root / "run/mpic-clock/status"
    status.parent.mkdir()
    with made.step("clock-watch", "--retry", "1"):
        end = time.monotonic() + first_boot.START_S
        while not status.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert status.read_text().endswith("\nmpic_clock_unsynchronized 0\n")
        made.os_release(time.time() + 3600)
        while status.read_text().endswith("\nmpic_clock_unsynchronized 0\n"):
            assert time.monotonic() < end
            time.sleep(0.05)
    text = status.read_text()
    assert text.startswith("# notice clock: it is set to ")
    assert text.split("\n")[0].endswith("the hypervisor's time is wrong")
    assert text.endswith("\nmpic_clock_unsynchronized 1\n")


# ---- at a desk ----

def test_an_operator_can_look_first(build_dir, papers, tmp_path):
    def checked(text):
        path = tmp_path / "user-data"
        path.write_text(text)
        return subprocess.run([build_dir / "mpic-appliance", "document", "-c", path, "--check"],
                              check=False, capture_output=True, text=True)

    document = papers.document(CODE)
    assert checked(document).returncode == 0
    bad = checked(document.replace(CODE, "another", 2) + "workers: many\n")
    assert bad.returncode == 2
    assert "workers: expected an integer" in bad.stderr
    assert not any(line in bad.stderr for line in secrets(document))
