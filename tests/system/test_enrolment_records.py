"""Who enrolled is in the audit log, and who was revoked enrols no more, whatever is configured."""

import hashlib
import resource

import pytest

from daemons import until
from test_audit import ZEROS, files, lines, verify  # a fixture, too
from test_enrolment import ca, code, desk, new_token, openssl, root  # fixtures, too


@pytest.fixture
def recorded(desk, tmp_path, verify):
    """recorded(**options) gives (daemon, applicant(name)) and, to call later, the lines verified."""
    folder = tmp_path / "audit"
    folder.mkdir()

    def start(**options):
        return desk(audit_dir=str(folder), audit_name="c", workers=1, **options)

    def found():
        for paths in files(folder).values():
            ended = verify(paths, "--from-hash", ZEROS)
            assert ended.returncode == 0, ended.stdout + ended.stderr
        return lines(folder, "enrolment")

    start.lines, start.folder = found, folder
    return start


def fingerprint(key):
    der = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return hashlib.sha256(der).hexdigest()


def serial(identity):
    return openssl("x509", "-in", identity.certificate, "-noout", "-serial").decode().split("=")[1].strip()


# -- the audit log


def test_each_certificate_leaves_a_line(recorded, ca, code):
    daemon, applicant = recorded()
    one, token = applicant(), new_token(ca, code)
    identity = one.take(one.enrol(code, token))
    now = applicant("now", identity)
    renewed = now.take(now.ask("simplereenroll", now.request()))
    first, second = recorded.lines()
    issued = ca.issued()
    assert first == {
        **{name: first[name] for name in ("seq", "prev", "time", "peer")}, "event": "enrolment",
        "outcome": "enrolled", "perspective": code, "token_use": "1 of 1",
        "token": hashlib.sha256(token.encode()).hexdigest()[:16],
        "key_sha256": fingerprint(one.key), "serial": serial(identity),
        "not_after": issued[0]["not_after"], "verify_key": one.verify_key}
    assert second == {
        **{name: second[name] for name in ("seq", "prev", "time", "peer")}, "event": "enrolment",
        "outcome": "renewed", "perspective": code, "shown": serial(identity),
        "key_sha256": fingerprint(now.key), "serial": serial(renewed),
        "not_after": issued[1]["not_after"], "verify_key": now.verify_key}
    assert all(line["peer"].startswith("127.0.0.1:") for line in (first, second))
    assert token not in "".join(path.read_text() for path in recorded.folder.iterdir())
    assert "mpic_audit_lines_total 3" in daemon_metrics(now)


def daemon_metrics(applicant):
    return until(lambda: (text := applicant.client.ask("/metrics").text) and
                 "mpic_audit_lines_total 3" in text and text)


def test_refusals_leave_lines_with_what_is_known_of_them(recorded, root, ca, code):
    _, applicant = recorded()
    one, token = applicant(), new_token(ca, code)
    assert one.enrol(code, "wrong").status == 401
    stranger, = recorded.lines()
    assert (stranger["outcome"], stranger["status"], stranger["perspective"]) == ("refused", 401, None)
    assert stranger["why"] == "the token is not good for this perspective"
    assert "token" not in stranger and "wrong" not in str(stranger["peer"])
    one.take(one.enrol(code, token))
    assert applicant("other").enrol(code, token).status == 403
    used_up = recorded.lines()[-1]
    assert (used_up["outcome"], used_up["status"], used_up["perspective"], used_up["why"]) == (
        "refused", 403, code, "the token has been used up")
    assert used_up["token"] == hashlib.sha256(token.encode()).hexdigest()[:16]
    assert len(used_up["key_sha256"]) == 64 and "serial" not in used_up
    stray = root.issue(perspective="aws:nowhere")
    assert applicant("stray", stray).ask("simplereenroll", one.request()).status == 403
    assert (recorded.lines()[-1]["perspective"], recorded.lines()[-1]["shown"]) == (
        "aws:nowhere", serial(stray))


def test_strangers_cannot_fill_the_log(recorded, ca, code):
    """One line a second, and how many have none."""
    _, applicant = recorded()
    one = applicant()
    body, asked = one.request(), 0

    def ask():
        nonlocal asked
        asked += 1
        return one.enrol(code, f"wrong-{asked}", body)

    def all_told():
        """What is asked when a second is over has a line, which counts those without one."""
        ask()
        return asked == sum(1 + line.get("others", 0) for line in recorded.lines())

    for _ in range(40):
        assert ask().status in (401, 429)
    until(all_told, 10)
    assert len(recorded.lines()) < 20


def test_what_cannot_be_recorded_is_not_issued(recorded, ca, code):
    daemon, applicant = recorded()
    names = ["a", "b", "c"]
    for name in names:
        assert applicant(name).enrol(code, new_token(ca, code)).status == 200
    token = new_token(ca, code)
    worker, = daemon.workers()
    size = (recorded.folder / "audit-c-0.jsonl").stat().st_size
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    late = applicant("late")
    reply = late.enrol(code, token)
    assert (reply.status, reply.json["detail"]) == (
        503, "no certificate can be issued: see the coordinator's log")
    reply = late.enrol(code, token)
    assert reply.status == 503 and reply.headers["Retry-After"] == "1"
    assert "nobody enrols while that cannot be recorded: " in reply.json["detail"]
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    # The use was given back.
    after = applicant("after")
    until(lambda: after.enrol(code, token).status == 200)
    assert [line["outcome"] for line in recorded.lines()] == ["enrolled"] * 4


# -- who was revoked


def test_who_is_revoked_renews_nothing_though_nobody_has_the_list(recorded, root, ca, code):
    """There is no tls_crl: the list in the folder is enough, from the moment that it is there."""
    _, applicant = recorded()
    one, other = applicant(), applicant("other")
    token, spare = new_token(ca, code, uses=2), new_token(ca, code)
    identity, good = one.take(one.enrol(code, token)), other.take(other.enrol(code, token))
    now, fine = applicant("now", identity), applicant("fine", good)
    assert now.ask("simplereenroll", now.request()).status == 200
    ca.run("revoke", certificate=identity.certificate)
    reply = now.ask("simplereenroll", now.request())
    assert (reply.status, reply.json["detail"]) == (403, "the certificate has been revoked")
    line = recorded.lines()[-1]
    assert (line["outcome"], line["perspective"], line["shown"], line["why"]) == (
        "refused", code, serial(identity), "the certificate has been revoked")
    # The list says nothing of others, nor of what another CA has issued.
    assert fine.ask("simplereenroll", fine.request()).status == 200
    given = applicant("given", root.issue(perspective=code))
    assert given.ask("simplereenroll", given.request()).status == 200
    # The perspective itself: all that it has, and what it could have by a token that is left.
    said = ca.run("revoke", perspective=code).stdout
    assert "cancelled 2 of its tokens" in said
    assert fine.ask("simplereenroll", fine.request()).status == 403
    assert applicant("late").enrol(code, spare).status == 401


def test_a_list_that_is_broken_renews_nobody(recorded, root, ca, code):
    daemon, applicant = recorded()
    one = applicant()
    identity = one.take(one.enrol(code, new_token(ca, code)))
    now = applicant("now", identity)
    root.run("crl")
    for text in ("nonsense", "", (root.folder / "crl.pem").read_text()):
        (ca.folder / "crl.pem").write_text(text)
        reply = now.ask("simplereenroll", now.request())
        assert (reply.status, reply.json["detail"]) == (
            503, "whether the certificate was revoked is not known: see the coordinator's log")
    assert len(daemon.lines("whether a certificate was revoked is not known")) == 3
    ca.run("crl")
    assert now.ask("simplereenroll", now.request()).status == 200
