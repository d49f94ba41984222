"""OCI images: what is in them, and a perspective in a container, in a pod and as a Lambda.

Containers run as nobody with a root that cannot be written, and check domains of the
mini-Internet, whose root of the DNS is in their document.
"""

import base64
import hashlib
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest
import yaml

import daemons
import dcv
import papers
from oci import Container, USER
from perspective import caa_body
from runtime import Runtime

API, PROBES, RESOLVER = ("127.0.0.1", 8443), ("127.0.0.1", 8444), ("127.0.0.1", 5300)
OURS = {"usr/bin/mpic", "usr/sbin/mpic-coordinator", "usr/sbin/mpic-httpcheck",
        "usr/sbin/mpic-appliance", "usr/lib/parallax/unbound/sbin/unbound",
        "usr/lib/parallax/unbound/sbin/unbound-checkconf"}
ONLY = ["/usr/sbin/mpic-appliance", "container", "--only"]
LAMBDA = ["/usr/sbin/mpic-appliance", "lambda"]
START_MS = 150


class Client(daemons.Client):
    """Calls a perspective's container as its coordinator."""

    def __init__(self, authority, identity):
        super().__init__(type("At", (), {"address": API}), identity, authority)
        self.context.check_hostname = False

    def caa(self, name):
        reply = self.ask("/caa", caa_body(name))
        assert reply.status == 200, reply.text
        return reply.json


@pytest.fixture(scope="module")
def client(authority):
    return Client(authority, authority.issue("coordinator", papers.COORDINATOR, None))


@pytest.fixture
def container(perspective_image, document, tmp_path):
    """Makes a container of a perspective whose document is in its environment."""
    running = []

    def make(arguments=None, text=None, **more):
        environment = {"MPIC_DOCUMENT": text or document.text, **more.pop("environment", {})}
        one = Container(perspective_image, tmp_path / f"container-{len(running)}.log", arguments,
                        {key: value for key, value in environment.items() if value}, **more)
        running.append(one)
        return one

    yield make
    for one in running:
        one.__exit__()


def probe(path="/readyz"):
    """What a kubelet gets: the status, 0 while nobody listens."""
    try:
        with urllib.request.urlopen("http://%s:%d%s" % (*PROBES, path), timeout=2) as reply:
            return reply.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def connects(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False


# -- what is in an image

def is_program(path):
    return path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) and \
        ".so" not in path.name


@pytest.mark.parametrize("kind", ("perspective", "coordinator"))
def test_nothing_but_ours_can_be_run(kind, request):
    image = request.getfixturevalue(f"{kind}_image")
    programs = {str(name) for name in image.files() if is_program(image.root / name)}
    assert programs and programs <= OURS
    for name in image.files():
        path = image.root / name
        assert path.is_symlink() or not path.stat().st_mode & 0o6000, f"{name} is set-user-ID"
        assert not path.is_file() or path.read_bytes()[:2] != b"#!", f"{name} is a script"
    assert not (image.root / "usr/share/zoneinfo").exists()


@pytest.mark.parametrize("kind", ("perspective", "coordinator"))
def test_every_library_is_there_and_credited(kind, request):
    image = request.getfixturevalue(f"{kind}_image")
    status = image.root / "var/lib/dpkg/status.d"
    credited = {path.name for path in status.iterdir()}
    assert {"libc6", "ca-certificates"} < credited
    for name in credited:
        fields = (status / name).read_text()
        assert f"Package: {name}\n" in fields and "\nVersion: " in fields
        assert (image.root / "usr/share/doc" / name / "copyright").is_file()
    assert image.config["config"]["User"] == f"{USER}:{USER}"
    assert image.config["os"] == "linux"


@pytest.mark.parametrize("kind, program", (
    ("perspective", "/usr/sbin/mpic-httpcheck"), ("perspective", "/usr/sbin/mpic-appliance"),
    ("coordinator", "/usr/sbin/mpic-coordinator"), ("coordinator", "/usr/bin/mpic")))
def test_programs_run(kind, program, request, tmp_path):
    image = request.getfixturevalue(f"{kind}_image")
    with Container(image, tmp_path / "log", [program, "--version"]) as one:
        assert one.process.wait(20) == 0, one.text()
        assert one.text().startswith(os.path.basename(program) + " ")


# -- alone

def test_a_perspective_checks_and_ends(container, client):
    one = container()
    one.until(lambda: probe() == 200)
    assert client.caa("permit.com")["check_passed"] is True
    assert client.caa("deny.com")["problem"]["code"] == "caa-forbids"
    assert client.caa("signed-permit.org")["details"]["dnssec_status"] == "secure"
    assert one.stop() == 0
    assert not connects(API) and not connects(RESOLVER)


def test_applicants_servers_are_fetched_from(container, client, world):
    one = container()
    one.until(lambda: probe() == 200)
    mark = world.visits.mark()
    reply = client.ask("/dcv", {"domain_or_ip_target": "page.web.com",
                                "dcv_check_parameters": dcv.http01()})
    assert reply.json["check_passed"] is True, reply.text
    assert world.visits.since(mark, event="request")
    # What fetches is confined as on an appliance (docs/privilege.md).
    fetchers = [pid for pid, name in one.children() if name == "mpic-fetcher"]
    assert fetchers
    for fetcher in fetchers:
        with open(f"/proc/{fetcher}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        assert fields["Seccomp"].strip() == "2" and fields["NoNewPrivs"].strip() == "1"


def test_nobody_inside_can_read_the_document(container):
    """It came with the environment, which a process leaves to who looks at it."""
    one = container()
    one.until(lambda: probe() == 200)
    for pid, _ in one.children():
        with open(f"/proc/{pid}/environ", "rb") as environment:
            assert b"PRIVATE KEY" not in environment.read()


def test_a_child_that_dies_is_started_again(container, client):
    one = container()
    one.until(lambda: probe() == 200)
    before = one.pid_of("unbound")
    os.kill(before, signal.SIGKILL)
    one.until(lambda: one.pid_of("unbound") not in (None, before))
    one.until(lambda: probe() == 200)
    assert client.caa("permit.com")["check_passed"] is True
    assert "died and is started again" in one.text()


def test_a_child_that_keeps_dying_ends_the_container(container, tmp_path):
    broken = tmp_path / "unbound"
    broken.write_text("this is no program\n")
    broken.chmod(0o755)
    one = container(binds=[(broken, "/usr/lib/parallax/unbound/sbin/unbound")])
    assert one.process.wait(20) == 1
    assert one.text().count("died and is started again") == 4
    assert "keeps dying, given up" in one.text()
    assert not connects(API)


def test_orphans_are_reaped(container):
    """httpcheck's workers are its own to wait for; once it is gone they are PID 1's."""
    one = container()
    one.until(lambda: probe() == 200)
    supervisor = one.pid_of("mpic-httpcheck")
    os.kill(supervisor, signal.SIGKILL)
    one.until(lambda: one.pid_of("mpic-httpcheck") not in (None, supervisor))
    one.until(lambda: probe() == 200)
    states = [open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[0]
              for pid, _ in one.children()]
    assert "Z" not in states


# -- the document

@pytest.mark.parametrize("change, says", (
    ({"code": None}, "code: is required"),
    ({"tls_key": None}, "tls_key: is required"),
    ({"update": {"url": "https://updates.example/"}}, "update: a container is replaced"),
    ({"log_forward": {"url": "https://logs.example/"}}, "log_forward: the log is on stderr"),
    ({"tls_certificate": None, "tls_key": None, "signing_key": None,
      "enrolment": {"url": "https://coordinator.example", "token": "0123456789abcdef"}},
     "enrolment: keys born in a container"),
    ({"lisen": "[::]:1"}, "lisen"),
))
def test_a_document_with_faults_ends_it_and_is_said(container, document, change, says):
    one = container(text=document.with_members(**change).text)
    assert one.process.wait(20) == 1
    assert says in one.text()
    assert "PRIVATE KEY" not in one.text()


def test_without_a_document_it_says_where_one_is_expected(container, perspective_image, tmp_path):
    with Container(perspective_image, tmp_path / "log") as one:
        assert one.process.wait(20) == 1
        assert "/run/secrets/mpic.document: No such file" in one.text()
        assert "MPIC_DOCUMENT" in one.text()


def test_without_anywhere_to_write_it_says_so(container):
    one = container(writable=False)
    assert one.process.wait(20) == 1
    assert "/tmp has to be writable" in one.text()


def test_a_document_that_changed_is_read_again(perspective_image, authority, world, client,
                                               tmp_path):
    """As a Secret's volume is changed: a link to another folder, moved into its place."""
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "document.yaml").symlink_to("..data/document.yaml")

    def put(name):
        (volume / name).mkdir()
        (volume / name / "document.yaml").write_text(authority.document(world).text)
        (volume / "..new").symlink_to(name)
        (volume / "..new").rename(volume / "..data")

    put("first")
    with Container(perspective_image, tmp_path / "log",
                   environment={"MPIC_DOCUMENT_FILE": "/etc/parallax/document.yaml"},
                   binds=[(volume, "/etc/parallax")]) as one:
        one.until(lambda: probe() == 200)
        shown = client.presented()
        put("second")
        one.until(lambda: client.presented() != shown, 30)
        assert client.caa("permit.com")["check_passed"] is True
        (volume / "third").mkdir()
        (volume / "third" / "document.yaml").write_text("code: [no]\n")
        (volume / "..new").symlink_to("third")
        (volume / "..new").rename(volume / "..data")
        one.until(lambda: "the document cannot be used" in one.text(), 30)
        assert client.caa("permit.com")["check_passed"] is True


# -- two containers of a pod

def test_a_pod_of_two(container, client):
    resolver = container([*ONLY, "resolver"])
    resolver.until(lambda: connects(RESOLVER))
    assert not connects(API)
    checker = container([*ONLY, "httpcheck"])
    checker.until(lambda: probe() == 200)
    assert client.caa("signed-permit.org")["details"]["dnssec_status"] == "secure"
    assert {name for _, name in resolver.children()} == {"mpic-appliance", "unbound"}
    assert "unbound" not in {name for _, name in checker.children()}
    probed = ["/usr/sbin/mpic-appliance", "container", "--probe"]
    assert container(probed).process.wait(20) == 0
    assert resolver.stop() == 0
    assert container(probed).process.wait(20) == 1
    checker.until(lambda: probe() == 503)
    assert probe("/healthz") == 200
    assert checker.stop() == 0


def test_a_resolver_alone_needs_no_document(perspective_image, tmp_path):
    with Container(perspective_image, tmp_path / "log", [*ONLY, "resolver"]) as one:
        one.until(lambda: connects(RESOLVER))
        assert one.stop() == 0


# -- as a Lambda

def gateway(path, body, method="POST", encoded=False, **headers):
    """An event in the payload format 2.0; a body that is a string is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json", **headers},
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "body": base64.b64encode(text.encode()).decode() if encoded else text,
            "isBase64Encoded": encoded}


@pytest.fixture
def function(container, document):
    """(the Runtime API, the container) of one that has been started."""
    with Runtime() as runtime:
        text = document.text
        yield runtime, container(LAMBDA, text=text,
                                 environment={"AWS_LAMBDA_RUNTIME_API": runtime.address})


def test_a_function_answers_bare_and_http_events(function):
    runtime, _ = function
    kind, result = runtime.invoke(caa_body("permit.com"))
    assert kind == "response" and result["check_passed"] is True
    assert result["signature"]
    for encoded in (False, True):
        kind, reply = runtime.invoke(gateway("/prod/caa", caa_body("deny.com"), encoded=encoded))
        assert kind == "response" and reply["statusCode"] == 200
        assert reply["headers"] == {"content-type": "application/json"}
        assert json.loads(reply["body"])["problem"]["code"] == "caa-forbids"
    kind, reply = runtime.invoke(gateway("/dcv", {"domain_or_ip_target": "page.web.com",
                                                  "dcv_check_parameters": dcv.http01()}))
    assert json.loads(reply["body"])["check_passed"] is True, reply


def test_a_function_says_what_it_is(function):
    runtime, _ = function
    _, reply = runtime.invoke(gateway("/prod/readyz", "", method="GET"))
    assert reply["statusCode"] == 200 and "unbound" in json.loads(reply["body"])["resolver"]
    _, reply = runtime.invoke(gateway("/identity", "", method="GET"))
    said = json.loads(reply["body"])
    assert reply["statusCode"] == 200 and said["perspective_code"] and said["signing_key"]
    assert said["certificate_not_after"] is None


@pytest.mark.parametrize("encoded", (False, True))
def test_a_function_signs_the_request_as_its_gateway_received_it(function, encoded):
    """Also where the function has less time than the caller: else no coordinator would believe it."""
    runtime, _ = function
    body = json.dumps(caa_body("permit.com", deadline_ms=60000)).replace(":", " :\t")
    _, reply = runtime.invoke(gateway("/caa", body, encoded=encoded), time_s=5)
    payload = json.loads(reply["body"])["signature"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    digest = base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).decode().rstrip("=")
    assert claims["request_sha256"] == digest


def test_a_function_url_wants_its_callers_key(container, document):
    with Runtime() as runtime:
        digest = hashlib.sha256(b"the key").hexdigest()
        container(LAMBDA, text=document.text, environment={
            "AWS_LAMBDA_RUNTIME_API": runtime.address, "MPIC_CALLER_KEY_SHA256": digest})
        for headers, status in (({"x-api-key": "the key"}, 200), ({"x-api-key": "a key"}, 403),
                                ({}, 403)):
            _, reply = runtime.invoke(gateway("/caa", caa_body("permit.com"), **headers))
            assert reply["statusCode"] == status, reply
        # Who may Invoke it AWS itself knows.
        kind, result = runtime.invoke(caa_body("permit.com"))
        assert kind == "response" and result["check_passed"] is True


def test_a_function_with_half_a_key_does_not_start(container, document):
    with Runtime() as runtime:
        one = container(LAMBDA, text=document.text, environment={
            "AWS_LAMBDA_RUNTIME_API": runtime.address, "MPIC_CALLER_KEY_SHA256": "0123"})
        path, error, _ = runtime.replies.get(timeout=20)
        assert path == "/init/error" and "MPIC_CALLER_KEY_SHA256" in error["errorMessage"]
        assert one.process.wait(20) == 1


def test_a_function_refuses_what_is_no_check(function):
    runtime, one = function
    _, reply = runtime.invoke(gateway("/metrics", {}))
    assert reply["statusCode"] == 404
    _, reply = runtime.invoke(gateway("/caa", {}, method="GET"))
    assert reply["statusCode"] == 405
    _, reply = runtime.invoke(gateway("/caa", {"domain_or_ip_target": 7}))
    assert reply["statusCode"] == 400 and "domain_or_ip_target" in reply["body"]
    kind, error = runtime.invoke(b"[1, 2")
    assert kind == "error" and error["errorType"] == "Parallax.BadRequest"
    kind, error = runtime.invoke({"domain_or_ip_target": 7})
    assert kind == "error" and "domain_or_ip_target" in error["errorMessage"]
    # And goes on.
    kind, result = runtime.invoke(caa_body("permit.com"))
    assert kind == "response" and result["check_passed"] is True, one.text()


def test_a_function_answers_before_its_time_is_up(function):
    runtime, _ = function
    runtime.invoke(caa_body("permit.com"))
    began = time.monotonic()
    kind, result = runtime.invoke(caa_body("dead.com", deadline_ms=60000), time_s=2)
    assert kind == "response" and time.monotonic() - began < 2
    assert result["check_passed"] is False and result["check_completed"] is False


def test_a_function_ends_with_its_resolver(function):
    """Lambda then makes another one."""
    runtime, one = function
    runtime.invoke(caa_body("permit.com"))
    os.kill(one.pid_of("unbound"), signal.SIGKILL)
    runtime.hand_out(caa_body("permit.com"))
    assert one.process.wait(20) == 1


def test_a_function_says_what_is_wrong_with_its_document(container):
    with Runtime() as runtime:
        one = container(LAMBDA, text="code: x\n",
                        environment={"AWS_LAMBDA_RUNTIME_API": runtime.address})
        path, error, _ = runtime.replies.get(timeout=20)
        assert path == "/init/error" and "tls_ca: is required" in error["errorMessage"]
        assert one.process.wait(20) == 1


def test_started_to_answering(perspective_image, document, tmp_path, record_property):
    """From the start of the process to the first check's result. What else the machine does only
    adds to it, so the best of several counts."""
    took = []
    for i in range(15):
        with Runtime() as runtime:
            name = runtime.hand_out(caa_body("permit.com"))
            began = time.monotonic()
            with Container(perspective_image, tmp_path / f"{i}.log", LAMBDA, {
                    "MPIC_DOCUMENT": document.text,
                    "AWS_LAMBDA_RUNTIME_API": runtime.address}) as one:
                kind, result, at = runtime.reply(name)
                assert kind == "response" and result["check_passed"] is True, one.text()
                took.append((at - began) * 1000)
    record_property("ms from start to the first check answered", [round(ms) for ms in took])
    assert min(took) < START_MS, took


# -- a coordinator

def test_a_coordinator_serves_its_configuration(coordinator_image, authority, document, tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    own = authority.issue("coordinator-image", papers.COORDINATOR, None)
    second = authority.issue("second", papers.PERSPECTIVE + "aws:us-east-1", None).row
    (folder / "cohort_secret").write_text("0123456789abcdef0123456789abcdef\n")
    for name, source in (("tls.pem", own.certificate), ("tls.key", own.key),
                         ("ca.pem", authority.certificate)):
        (folder / name).write_bytes(open(source, "rb").read())
        (folder / name).chmod(0o644)
    options = {"listen": "127.0.0.1:9443", "tls_certificate": "/etc/parallax/tls.pem",
               "tls_key": "/etc/parallax/tls.key", "tls_ca": "/etc/parallax/ca.pem",
               "audit_dir": "/tmp", "callers": [{"name": "ca", "identity": "urn:mpic:caller:ca"}],
               "cohort_secret_file": "/etc/parallax/cohort_secret",
               "perspectives": [document.row, {**second, "url": "https://127.0.0.1:1"}]}
    (folder / "coordinator.yaml").write_text(yaml.safe_dump(options))
    with Container(coordinator_image, tmp_path / "log", binds=[(folder, "/etc/parallax")]) as one:
        one.until(lambda: connects(("127.0.0.1", 9443)))
        assert {name for _, name in one.children()} == {"mpic-coordinato"}
        assert one.stop() == 0
