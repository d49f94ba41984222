"""certbot, lego and dehydrated get certificates; what they serve meanwhile passes our checks."""

import functools
import http.server
import threading

import pytest

import acme
import dcv
from coordinators import by_code
from dcv import Case, dns01, http01, tls_alpn
from mininet import webhosts
from mininet.resolver import Resolver

pytestmark = pytest.mark.slow    # each is quick, all of them take half a minute

RESOLVER_PORT = 5398
PATH = "/.well-known/acme-challenge/"


@pytest.fixture(scope="module")
def pebble(unbound_prefix, world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pebble")
    with Resolver(unbound_prefix, world, folder, perspective=7, port=RESOLVER_PORT):
        with acme.Pebble(folder, f"127.0.0.1:{RESOLVER_PORT}") as running:
            yield running


@pytest.fixture
def check(caller):
    """check(name, parameters): six perspectives must pass it; gives what one of them said."""
    def validate(name, parameters):
        case = Case(name, parameters)
        answer = dcv.corroborate(caller, case)
        assert (answer["is_valid"], answer["quorum"]) == (True, "6/6"), answer
        results = by_code(answer).values()
        for result in results:
            dcv.judge(case, result)
        return next(iter(results))
    return validate


def of(index):
    """(name, IPv4 address) that a client serves as."""
    name = f"client{index}"
    return f"{name}.{webhosts.ZONE}", webhosts.CLIENTS[name][0]


def look_http(check, name, address, first):
    """Takes the token from pebble's request and the rest from the client's answer."""
    path = first.split(b" ")[1].decode("ascii")
    assert path.startswith(PATH)
    token = path.removeprefix(PATH)
    authorization = acme.served_page(address, name, path)
    assert authorization.startswith(token + ".")
    check(name, http01(token=token, key_authorization=authorization))
    return authorization


def look_tls(check, name, address, _first):
    digest = acme.served_digest(address, name)
    check(name, tls_alpn(digest))
    return digest


@pytest.fixture
def gate_of(check):
    """gate_of(look, index, port): the gate in front of that client's port."""
    return lambda look, index, port: acme.Gate(
        webhosts.CLIENTS[f"client{index}"], port, functools.partial(look, check, *of(index)))


def certbot(pebble, folder, name, *more):
    return ["certbot", "certonly", "--non-interactive", "--agree-tos", "-d", name,
            "--register-unsafely-without-email", "--server", pebble.url, "--config-dir", folder,
            "--work-dir", folder, "--logs-dir", folder, *more]


def lego(pebble, folder, name, *more):
    return ["lego", "--accept-tos", "--email", "hostmaster@web.com", "--server", pebble.url,
            "--path", folder, "--domains", name, *more, "run"]


def dehydrated(pebble, folder, name, challenge, *more):
    config = folder / "config"
    config.write_text(f'CA="{pebble.url}"\nBASEDIR="{folder}"\nWELLKNOWN="{folder}/well-known"\n'
                      f'CURL_OPTS="--cacert {pebble.certificate} --noproxy *"\n'
                      f'CHALLENGETYPE="{challenge}"\nKEY_ALGO=prime256v1\n', encoding="ascii")
    (folder / "well-known").mkdir()
    return ["dehydrated", "--config", config, "--cron", "--accept-terms", "--domain", name, *more]


# -- http-01


def test_certbot_http_01(pebble, gate_of, tmp_path):
    name, address = of(0)
    with gate_of(look_http, 0, 80) as gate:
        acme.run(certbot(pebble, tmp_path, name, "--standalone", "--http-01-address", address),
                 pebble, tmp_path)
        assert gate.result()
    assert (tmp_path / "live" / name / "fullchain.pem").exists()


def test_lego_http_01(pebble, gate_of, tmp_path):
    name, address = of(1)
    with gate_of(look_http, 1, 80) as gate:
        acme.run(lego(pebble, tmp_path, name, "--http", "--http.port", f"{address}:80"), pebble,
                 tmp_path)
        assert gate.result()
    assert (tmp_path / "certificates" / f"{name}.crt").exists()


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves what dehydrated writes as /.well-known/acme-challenge."""

    def translate_path(self, path):
        return super().translate_path(path.removeprefix(PATH.rstrip("/")))

    def log_message(self, *_):
        pass


def test_dehydrated_http_01(pebble, gate_of, tmp_path):
    name, address = of(2)
    command = dehydrated(pebble, tmp_path, name, "http-01")
    files = functools.partial(Files, directory=tmp_path / "well-known")
    with http.server.ThreadingHTTPServer((address, 80), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with gate_of(look_http, 2, 80) as gate:
            acme.run(command, pebble, tmp_path)
            assert gate.result()
        server.shutdown()
    assert (tmp_path / "certs" / name / "fullchain.pem").exists()


# -- tls-alpn-01


def test_lego_tls_alpn_01(pebble, gate_of, tmp_path):
    name, address = of(3)
    with gate_of(look_tls, 3, 443) as gate:
        acme.run(lego(pebble, tmp_path, name, "--tls", "--tls.port", f"{address}:443"), pebble,
                 tmp_path)
        assert gate.result()
    assert (tmp_path / "certificates" / f"{name}.crt").exists()


# -- dns-01


class Records:
    """What hooks ask for: sets the record and, while it is there, has our look at it."""

    def __init__(self, control, check):
        self.control = control
        self.check = check
        self.passed = []

    def present(self, name, value):
        self.control.set_records(f"_acme-challenge.{name}", "TXT", [f'"{value}"'])
        result = self.check(name, dns01(value))
        self.passed.append(result["details"]["matched"] == value)

    def certbot(self, told):
        self.present(told["environment"]["CERTBOT_DOMAIN"],
                     told["environment"]["CERTBOT_VALIDATION"])

    def lego(self, told):
        action, name, value = told["arguments"]
        if action == "present":
            self.present(name.rstrip(".").removeprefix("_acme-challenge."), value)

    def dehydrated(self, told):
        if told["arguments"][0] == "deploy_challenge":
            _, name, _, value = told["arguments"]
            self.present(name, value)


@pytest.fixture
def records(restored, check):
    return Records(restored, check)


def _with_hook(path, call, run):
    with acme.Hook(path, call) as hook:
        try:
            run(hook.environment)
        finally:
            if hook.error:
                raise hook.error


def test_certbot_dns_01(pebble, records, tmp_path):
    name = "certbot.dcv-flip.com"
    command = certbot(pebble, tmp_path, name, "--manual", "--preferred-challenges", "dns",
                      "--manual-auth-hook", str(acme.HOOK))
    _with_hook(tmp_path / "hook", records.certbot,
               lambda environment: acme.run(command, pebble, tmp_path, **environment))
    assert records.passed == [True]


def test_lego_dns_01(pebble, records, tmp_path):
    name = "*.lego.dcv-flip.com"
    command = lego(pebble, tmp_path, name, "--dns", "exec", "--dns.disable-cp",
                   "--dns.resolvers", f"127.0.0.1:{RESOLVER_PORT}")
    _with_hook(tmp_path / "hook", records.lego, lambda environment: acme.run(
        command, pebble, tmp_path, EXEC_PATH=str(acme.HOOK), EXEC_PROPAGATION_TIMEOUT="10",
        **environment))
    assert records.passed == [True]


def test_dehydrated_dns_01(pebble, records, tmp_path):
    name = "dehydrated.dcv-flip.com"
    command = dehydrated(pebble, tmp_path, name, "dns-01", "--hook", str(acme.HOOK))
    _with_hook(tmp_path / "hook", records.dehydrated,
               lambda environment: acme.run(command, pebble, tmp_path, **environment))
    assert records.passed == [True]
