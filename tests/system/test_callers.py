"""Who may ask a coordinator: certificates, bearer tokens, and what each caller is allowed."""

import json
import os
import ssl
import subprocess
from pathlib import Path

import pytest

from coordinators import CALLER, Identity
from minifleet import pki

REFUSED = (ssl.SSLError, OSError)
DCV = {"check_type": "dcv", "domain_or_ip_target": "permit.com",
       "dcv_check_parameters": {"validation_method": "dns-change", "challenge_value": "x",
                                "dns_record_type": "TXT", "dns_name_prefix": "_x"}}


@pytest.fixture
def make_token(build_dir):
    """make_token(name) gives (token, row of `callers`) as mpic token prints them."""
    def make(name, **more):
        made = subprocess.run([build_dir / "mpic", "token", "--name", name], check=True,
                              capture_output=True, text=True, timeout=10)
        _, token, _, _, name_line, hash_line = made.stdout.splitlines()
        assert made.stderr == "" and name_line == f'  - name: "{name}"'
        return token, {"name": name, "token_sha256": hash_line.split('"')[1], **more}

    return make


def challenge_of(reply):
    assert reply.status == 401 and reply.json["detail"], reply.text
    assert "X-MPIC-Is-Valid" not in reply.headers
    return reply.headers["WWW-Authenticate"]


# -- tokens


def test_a_token_lets_in_without_a_certificate(coordinators, started, make_token):
    token, row = make_token("token-ca")
    daemon, _ = started(plain=False, callers=[CALLER, row])
    caller = coordinators.caller(daemon, None)
    assert caller.with_token(token).check("permit.com")["is_valid"] is True
    assert [line["caller"] for line in daemon.lines("attempt")] == ["token-ca"]
    assert challenge_of(caller.mpic("permit.com")) == 'Bearer realm="mpic"'
    for wrong in (token + "x", token[:-1], row["token_sha256"], "", "a b"):
        assert challenge_of(caller.with_token(wrong).mpic("permit.com")) == (
            'Bearer realm="mpic", error="invalid_token"')
    assert len(daemon.lines("attempt")) == 1
    metrics = caller.with_token(token).metrics()
    assert metrics["mpic_refused_total"]['reason="unknown"'] == 6


def test_a_certificate_works_beside_tokens(coordinators, fleet, started, make_token):
    token, row = make_token("token-ca")
    daemon, caller = started(plain=False, callers=[CALLER, row])
    assert caller.check("permit.com")["is_valid"] is True
    # A proxy's certificate is on every connection: the token says who asks.
    assert caller.with_token(token).check("permit.com")["is_valid"] is True
    assert challenge_of(caller.with_token("x" * 43).mpic("permit.com"))
    assert [line["caller"] for line in daemon.lines("attempt")] == ["test-ca", "token-ca"]
    own = fleet.parts["coordinator"]
    stranger = coordinators.caller(daemon, Identity(own))
    reply = stranger.mpic("permit.com")
    assert challenge_of(reply) == 'Bearer realm="mpic"'
    assert pki.COORDINATOR in reply.json["detail"]
    assert stranger.with_token(token).check("permit.com")["is_valid"] is True


def test_a_wrong_certificate_is_refused_although_none_is_needed(coordinators, started, make_token,
                                                                tmp_path):
    token, row = make_token("token-ca")
    daemon, _ = started(plain=False, callers=[row])
    foreign = pki.Authority(str(tmp_path / "pki")).issue("caller", pki.CALLER, "127.0.0.1")
    with pytest.raises(REFUSED):
        coordinators.caller(daemon, foreign).with_token(token).mpic("permit.com")
    assert coordinators.caller(daemon, None).with_token(token).check("permit.com")["is_valid"]


def test_without_tokens_a_certificate_is_needed_to_connect(coordinators, started):
    daemon, caller = started(plain=False)
    with pytest.raises(REFUSED):
        coordinators.caller(daemon, None).ask("/healthz")
    assert caller.check("permit.com")["is_valid"] is True


def test_tokens_over_plain_http(coordinators, started, make_token):
    """Behind a proxy on the same machine."""
    token, row = make_token("token-ca")
    _, caller = started(plain=True, callers=[CALLER, row])
    assert challenge_of(caller.mpic("permit.com"))
    assert caller.with_token(token).check("permit.com")["is_valid"] is True


def test_two_tokens_while_one_is_replaced(coordinators, started, make_token):
    old, row = make_token("token-ca")
    new, other = make_token("token-ca")
    row["token_sha256"] = [row["token_sha256"], other["token_sha256"].upper()]
    _, caller = started(callers=[row])
    for token in (old, new):
        assert caller.with_token(token).check("permit.com")["is_valid"] is True


# -- what a caller may ask for


def test_check_types_of_a_caller(coordinators, started, make_token):
    caa_only, row = make_token("caa-only", check_types="caa")
    everything, other = make_token("everything")
    daemon, caller = started(callers=[row, other])
    assert caller.with_token(caa_only).check("permit.com")["is_valid"] is True
    refused = caller.with_token(caa_only).ask("/mpic", DCV)
    assert (refused.status, refused.json) == (403, {
        "detail": "the caller caa-only may not ask for dcv, only for caa"})
    assert caller.with_token(everything).ask("/mpic", DCV).status == 200
    assert {line["caller"]: line["asked"] for line in daemon.lines("attempt")} == {
        "caa-only": "caa", "everything": "dcv"}
    assert caller.with_token(everything).metrics()["mpic_refused_total"] \
        ['reason="forbidden"'] == 1


# -- without callers


def test_without_callers_only_loopback(coordinators):
    for listen in ("0.0.0.0:8400", "[::]:8400", "192.0.2.1:8400"):
        ended = coordinators.run(coordinators.options(listen=listen, plain=False, callers=None),
                                 "--check")
        assert ended.returncode == 2
        assert ("callers: without one configured anybody may ask, so listen must be a loopback "
                "address") in ended.stderr
    assert coordinators.run(coordinators.options(plain=False, callers=None),
                            "--check").returncode == 0


def test_without_callers_everybody_on_loopback_may_ask(coordinators, started):
    daemon, _ = started(plain=False, callers=None)
    assert coordinators.caller(daemon, None).check("permit.com")["is_valid"] is True
    assert daemon.lines("attempt")[0]["caller"] == "loopback"


# -- what is open


def test_health_is_open_and_metrics_are_for_insiders(coordinators, started, make_token):
    token, row = make_token("token-ca")
    daemon, caller = started(plain=False, callers=[CALLER, row], listen="0.0.0.0:8499")
    here = coordinators.caller(daemon, None)
    here.address = ("127.0.0.1", 8499)
    assert here.ask("/metrics").status == 200
    far = coordinators.caller(daemon, None)
    far.context.check_hostname = False
    far.address = (own_address(), 8499)
    assert [far.ask(path).status for path in ("/healthz", "/readyz")] == [200, 200]
    assert challenge_of(far.ask("/metrics"))
    assert far.with_token(token).ask("/metrics").status == 200
    caller.context.check_hostname = False
    caller.address = far.address
    assert caller.ask("/metrics").status == 200


def own_address():
    """One of this namespace's that is not loopback."""
    found = json.loads(subprocess.run(["ip", "-j", "-4", "address"], check=True, timeout=10,
                                      capture_output=True, text=True).stdout)
    return next(a["local"] for one in found for a in one["addr_info"]
                if not a["local"].startswith("127."))


# -- secrets


def test_no_secret_is_printed_or_logged(coordinators, started, make_token, tmp_path):
    """Neither by --dump, nor by a start, a request or a refusal at log level debug."""
    token, row = make_token("token-ca", check_types=["caa"])
    secret = Path(coordinators.secret_file("cohort")).read_text(encoding="ascii").strip()
    key = Path(coordinators.parts["coordinator"]["key"]).read_text(encoding="ascii")
    (tmp_path / "headers").write_text("X-API-Key: 7f3a-of-the-gateway\n", encoding="ascii")
    rows = coordinators.perspectives(*range(6))
    rows[0] = {"code": rows[0]["code"], "url": rows[0]["url"], "protocol": "open-mpic",
               "headers_file": str(tmp_path / "headers")}
    daemon, _ = started(plain=False, callers=[CALLER, row], log_level="debug", perspectives=rows,
                        cohort_secret_file=os.path.join(coordinators.folder, "cohort"))
    caller = coordinators.caller(daemon, None).with_token(token)
    replies = [caller.mpic("permit.com"), caller.ask("/mpic", DCV), caller.ask("/mpic", b"{"),
               caller.with_token(token + "x").mpic("permit.com"), caller.ask("/nothing"),
               caller.ask("/metrics"), caller.ask("/readyz")]
    assert [reply.status for reply in replies] == [200, 403, 400, 401, 404, 200, 200]
    options = coordinators.options(plain=False, callers=[CALLER, row], perspectives=rows)
    dump = coordinators.run(options, "--dump")
    assert dump.returncode == 0 and "token_sha256: is set and not shown" in dump.stdout
    faulty = coordinators.run({**options, "callers": [{"name": "a", "token_sha256": token}]})
    assert faulty.returncode == 2 and "callers: a: token_sha256: expected 64" in faulty.stderr
    text = "\n".join((dump.stdout, dump.stderr, faulty.stderr, faulty.stdout,
                      Path(daemon.log).read_text(encoding="utf-8"),
                      *(reply.text + json.dumps(reply.headers) for reply in replies)))
    assert "token-ca" in text and "request refused" in text
    assert "headers_file" in text
    for hidden in (token, row["token_sha256"], secret, "7f3a-of-the-gateway", *key.splitlines()[1:-1]):
        assert hidden not in text


def test_secrets_come_from_files_or_credentials(coordinators, monkeypatch, tmp_path):
    own = coordinators.parts["coordinator"]
    for name, source in (("tls.key", own["key"]), ("cohort", coordinators.secret)):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    options = coordinators.options(tls_key="credential:tls.key",
                                   cohort_secret_file="credential:cohort")
    ended = coordinators.run(options, "--check")
    assert ended.returncode == 2
    assert ("tls_key: credential:tls.key: there is no $CREDENTIALS_DIRECTORY, which systemd sets "
            "for a unit with LoadCredential=tls.key:FILE") in ended.stderr
    dump = coordinators.run(options, "--dump")
    assert dump.returncode == 0 and 'tls_key: "credential:tls.key"' in dump.stdout
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert coordinators.run(options, "--check").returncode == 0
    (tmp_path / "cohort").unlink()
    ended = coordinators.run(options, "--check")
    assert f"cohort_secret_file: {tmp_path}/cohort: No such file" in ended.stderr


def test_a_coordinator_whose_secrets_are_credentials(coordinators, monkeypatch, tmp_path):
    own = coordinators.parts["coordinator"]
    (tmp_path / "tls.key").write_bytes(Path(own["key"]).read_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    daemon, caller = coordinators.start(plain=False, tls_key="credential:tls.key")
    assert caller.check("permit.com")["is_valid"] is True
    assert coordinators.stop(daemon) == 0


# -- the tool


def mpic(build_dir, *arguments):
    return subprocess.run([build_dir / "mpic", *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def test_mpic_token_and_check(build_dir, coordinators, started, tmp_path):
    file = tmp_path / "token"
    made = mpic(build_dir, "token", "--name", "cli", "--file", file)
    token = file.read_text(encoding="ascii").strip()
    assert made.returncode == 0 and len(token) == 43 and token not in made.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    again = mpic(build_dir, "token", "--file", file)
    assert again.returncode == 2 and "File exists" in again.stderr
    row = {"name": "cli", "token_sha256": made.stdout.split('"')[3]}
    daemon, _ = started(callers=[row])
    host, port = daemon.address
    url = f"http://{host}:{port}"
    ask = ("check", "caa", "permit.com", "--caa-domain", "ca1.com", "--coordinator")
    assert mpic(build_dir, *ask, url, "--token-file", file).returncode == 0
    refused = mpic(build_dir, *ask, url)
    assert refused.returncode == 2 and "refused with status 401" in refused.stderr
    clear = mpic(build_dir, *ask, "http://192.0.2.1", "--token-file", file)
    assert clear.returncode == 2 and "a token is sent over https: only" in clear.stderr
    file.write_text("", encoding="ascii")
    empty = mpic(build_dir, *ask, url, "--token-file", file)
    assert empty.returncode == 2 and "expected a file with one token" in empty.stderr
    assert [line["caller"] for line in daemon.lines("attempt")] == ["cli"]


FAULTS = (
    ({"callers": ["urn:mpic:ca"]}, "expected a mapping of option names to values"),
    ({"callers": [{"name": "a"}]}, "callers: a: expected an identity or a token_sha256"),
    ({"plain": True, "callers": [CALLER]}, "callers: plain HTTP has no certificates"),
)


@pytest.mark.parametrize("wrong, says", FAULTS, ids=lambda value: str(value)[:50])
def test_configuration_fault(coordinators, wrong, says):
    ended = coordinators.run(coordinators.options(**wrong), "--check")
    assert ended.returncode == 2 and says in ended.stderr
