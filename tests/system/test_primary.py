"""A primary that determines, and remotes that corroborate what it saw (TLS BR 3.2.2.9)."""

import json
import subprocess
import time

import pytest

import dcv
from coordinators import by_code
from daemons import until
from minifleet.client import Fleet
from mininet.challenge import ACCOUNT, ISSUER, OTHER_ACCOUNT
from stand_ins import StandIn
from test_audit import lines

OTHER_CA = dcv.change("CAA", "other-ca.example", require_exact_match=False)
EITHER = dcv.persistent(account=None, expected_account_uris=[ACCOUNT, OTHER_ACCOUNT])
PERSIST = "_validation-persist.flip.com"


def record(account):
    return f'"{ISSUER}; accounturi={account}"'


@pytest.fixture(scope="module")
def codes(fleet):
    return [row["code"] for row in fleet.parts["perspectives"]]


@pytest.fixture(scope="module")
def sources(fleet):
    """sources(i, ...): where these perspectives ask from."""
    rows = fleet.parts["perspectives"]
    return lambda *indices: [address for i in indices for address in rows[i]["sources"]]


@pytest.fixture(scope="module")
def determined(coordinators, codes):
    """A coordinator whose first perspective is the primary; five remotes."""
    return coordinators.start(primary=codes[0])[1]


@pytest.fixture(scope="module")
def first(coordinators, codes):
    """The same, which asks the primary first."""
    return coordinators.start(primary=codes[0], dispatch="primary-first")[1]


@pytest.fixture
def recorded(started, codes, tmp_path):
    """recorded(**options) gives (daemon, caller) with a primary and an audit log in tmp_path."""
    def start(**options):
        return started(**{"primary": codes[0], "audit_dir": str(tmp_path), "audit_name": "c",
                          **options})
    return start


def ask(caller, target, parameters, check_type="dcv", **more):
    body = {"check_type": check_type, "domain_or_ip_target": target,
            "dcv_check_parameters": parameters, **more}
    reply = caller.ask("/mpic", body)
    assert reply.status == 200, reply.text
    return reply.json


# -- both see the same


@pytest.mark.parametrize("name", ("determined", "first"))
def test_the_answer_has_both(request, name, codes):
    answer = request.getfixturevalue(name).check("permit.com")
    assert (answer["is_valid"], answer["quorum"], answer["problem"]) == (True, "5/5", None)
    assert answer["primary"]["perspective_code"] == codes[0]
    assert answer["primary"]["check_response"]["check_passed"] is True
    assert set(answer["primary"]) == {"perspective_code", "check_response", "rir"}
    assert sorted(by_code(answer)) == sorted(codes[1:])
    assert answer["actual_orchestration_parameters"] == {
        "perspective_count": 5, "quorum_count": 4, "attempt_count": 1}
    nonces = {one["check_response"]["nonce"] for one in (*answer["perspectives"], answer["primary"])}
    assert len(nonces) == 1


@pytest.mark.parametrize("name", ("determined", "first"))
@pytest.mark.parametrize("target, parameters", (
    ("page.web.com", dcv.http01()), ("page.web.com", dcv.website()),
    ("exact.dcv.com", dcv.dns01()), ("right.dcv.com", dcv.persistent()),
    ("deny.com", OTHER_CA)), ids=str)
def test_domain_control(request, name, target, parameters):
    answer = ask(request.getfixturevalue(name), target, parameters)
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5"), answer["problem"]
    relied = {one["check_response"]["details"]["relied_on"]
              for one in (*answer["perspectives"], answer["primary"])}
    assert len(relied) == 1 and None not in relied


@pytest.mark.parametrize("name", ("determined", "first"))
def test_both_checks(request, name):
    answer = ask(request.getfixturevalue(name), "page.web.com", dcv.http01(), "dcv_with_caa")
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5")
    assert answer["primary"]["caa_check_response"]["check_type"] == "caa"


def test_one_remote_may_fail(determined, fleet, codes):
    """split.com's CAA forbids where perspective 4 asks."""
    answer = determined.check("split.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "4/5")
    assert by_code(answer)[codes[4]]["check_passed"] is False


def test_too_many_remotes_fail(determined):
    answer = determined.check("split2.com")
    assert (answer["is_valid"], answer["quorum"]) == (False, "3/5")
    assert answer["primary"]["check_response"]["check_passed"] is True
    assert answer["problem"]["message"].startswith(
        "3 of 5 remote perspectives corroborated; 4 needed. ")


# -- the primary does not pass


def test_a_hijacked_primary_alone_is_not_enough(coordinators, codes):
    """hijack.com's CAA permits where perspective 2 asks, and nowhere else."""
    caller = coordinators.start(primary=codes[2])[1]
    answer = caller.check("hijack.com")
    assert (answer["is_valid"], answer["quorum"]) == (False, "0/5")
    assert answer["primary"]["check_response"]["check_passed"] is True


def test_remotes_corroborate_nothing_without_the_primary(world, determined, restored, sources,
                                                         codes):
    restored.set_records("flip.com", "CAA", ['0 issue ";"'], sources=sources(0))
    answer = determined.check("flip.com")
    assert (answer["is_valid"], answer["quorum"]) == (False, "0/5")
    assert answer["problem"]["code"] == "caa-forbids"
    assert answer["problem"]["message"].startswith(f"the primary, {codes[0]}, did not pass: ")
    for one in answer["perspectives"]:
        assert one["check_response"]["check_passed"] is True
        told = one["not_corroborating"]["caa"]
        assert told["code"] == "not-corroborating"
        assert f"the primary, {codes[0]}, did not pass" in told["message"]


@pytest.mark.parametrize("dispatch", ("parallel", "primary-first"))
def test_a_primary_that_cannot_be_reached(coordinators, started, codes, dispatch):
    rows = coordinators.perspectives(*range(6))
    rows[0]["url"] = "https://127.0.0.1:1"
    caller = started(perspectives=rows, primary=codes[0], dispatch=dispatch)[1]
    answer = caller.check("permit.com")
    assert (answer["is_valid"], answer["mpic_completed"]) == (False, False)
    assert answer["problem"]["code"] == "perspective-unreachable"
    assert f"the primary, {codes[0]}, came to no result: " in answer["problem"]["message"]
    assert caller.ask("/readyz").status == 503
    assert caller.ask("/readyz").json["unreachable"] == [codes[0]]


# -- they pass, but on something else


def test_another_account(determined, restored, sources, codes):
    """Each account would do for the request; what the primary saw is what counts."""
    restored.set_records(PERSIST, "TXT", [record(OTHER_ACCOUNT)])
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)], sources=sources(0))
    answer = ask(determined, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (False, "0/5")
    assert answer["problem"]["code"] == "not-corroborating"
    assert answer["primary"]["check_response"]["details"]["relied_on"] == ACCOUNT
    for one in answer["perspectives"]:
        assert one["check_response"]["check_passed"] is True
        assert one["not_corroborating"]["dcv"] == {
            "code": "not-corroborating", "fault": "target", "retryable": True, "message":
            f'{one["perspective_code"]} passed on "{OTHER_ACCOUNT}", and the primary, {codes[0]}, '
            f'on "{ACCOUNT}"'}


def test_a_remote_that_sees_another_account_does_not_count(recorded, restored, sources, codes,
                                                          tmp_path):
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)])
    restored.set_records(PERSIST, "TXT", [record(OTHER_ACCOUNT)], sources=sources(3))
    daemon, caller = recorded()
    answer = ask(caller, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (True, "4/5")
    (apart,) = [one for one in answer["perspectives"] if "not_corroborating" in one]
    assert apart["perspective_code"] == codes[3]
    written = {line["perspective"]: line for line in lines(tmp_path, "result")}
    assert {code: line["role"] for code, line in written.items()} == {
        code: "primary" if code == codes[0] else "remote" for code in codes}
    assert {code for code, line in written.items() if line["result"] == "passed"} == \
        set(codes) - {codes[3]}
    assert (written[codes[3]]["result"], written[codes[3]]["problem"]) == \
        ("not-corroborating", "not-corroborating")
    assert (written[codes[0]]["relied_on"], written[codes[3]]["relied_on"]) == \
        (ACCOUNT, OTHER_ACCOUNT)
    (verdict,) = lines(tmp_path, "verdict")
    assert (verdict["quorum"], verdict["is_valid"], verdict["primary"]) == ("4/5", True, "passed")
    (line,) = daemon.lines("attempt")
    results = dict(word.split("=") for word in line["results"].split())
    assert results[f"primary:{codes[0]}"] == "passed"
    assert results[codes[3]] == "not-corroborating"
    metrics = caller.metrics()
    assert metrics["mpic_perspective_disagreements_total"] == {
        f'perspective="{code}",check="{check}"': float((code, check) == (codes[3], "dcv"))
        for code in codes for check in ("caa", "dcv")}
    assert metrics["mpic_perspective_results_total"][
        f'perspective="{codes[3]}",result="not-corroborating"'] == 1


def test_records_of_both_accounts_on_a_side(determined, restored, sources):
    """Who sees the primary's record, too, has seen what it saw, whichever he named first."""
    both = [record(OTHER_ACCOUNT), record(ACCOUNT)]
    restored.set_records(PERSIST, "TXT", both)
    restored.set_records(PERSIST, "TXT", [record(OTHER_ACCOUNT)], sources=sources(0))
    answer = ask(determined, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5"), answer["problem"]
    restored.set_records(PERSIST, "TXT", [record(OTHER_ACCOUNT)])
    restored.set_records(PERSIST, "TXT", both, sources=sources(0))
    answer = ask(determined, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (False, "0/5")


def test_another_contact(determined, restored, sources):
    """The request names the contact: who sees another does not pass, wherever it asks."""
    name, asked = "_validation-contactemail.flip2.com", dcv.contact("email-txt", "a@flip2.com")
    restored.set_records(name, "TXT", ['"a@flip2.com"'])
    assert ask(determined, "flip2.com", asked)["quorum"] == "5/5"
    restored.set_records(name, "TXT", ['"evil@flip2.com"'], sources=sources(0))
    answer = ask(determined, "flip2.com", asked)
    assert (answer["is_valid"], answer["quorum"], answer["problem"]["code"]) == \
        (False, "0/5", "no-match")
    restored.set_records(name, "TXT", ['"a@flip2.com"'], sources=sources(0))
    restored.set_records(name, "TXT", ['"evil@flip2.com"'], sources=sources(1, 2))
    answer = ask(determined, "flip2.com", asked)
    assert (answer["is_valid"], answer["quorum"], answer["problem"]["code"]) == \
        (False, "3/5", "no-match")


def test_other_records_that_permit(determined, restored, sources):
    """Of CAA permission is enough, not the same records."""
    restored.set_records("flip.com", "CAA", ['0 issue "ca1.com"'])
    restored.set_records("flip.com", "CAA", ['0 issue "ca1.com"', '0 issue "ca2.com"'],
                         sources=sources(0))
    answer = determined.check("flip.com")
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5")


# -- the primary first


def asked_by(world, mark, zone, sources):
    """How many of the perspectives asked the zone's servers."""
    seen = {query["source"] for query in world.queries.since(mark, zone)}
    return sum(any(address in seen for address in own) for own in sources)


def test_remotes_are_not_asked_when_the_primary_fails(world, fleet, recorded, restored, tmp_path,
                                                      codes):
    restored.set_records("flip.com", "CAA", ['0 issue ";"'])
    own = [row["sources"] for row in fleet.parts["perspectives"]]
    daemon, caller = recorded(dispatch="primary-first")
    mark = world.queries.mark()
    answer = caller.check("flip.com")
    assert (answer["is_valid"], answer["quorum"], answer["remotes"]) == (False, "0/5", "not-asked")
    assert answer["perspectives"] == []
    assert answer["problem"]["code"] == "caa-forbids"
    assert asked_by(world, mark, "flip.com", own) == 1
    (line,) = lines(tmp_path, "result")
    assert (line["perspective"], line["role"], line["result"]) == (codes[0], "primary", "failed")
    (verdict,) = lines(tmp_path, "verdict")
    assert (verdict["remotes"], verdict["quorum"], verdict["is_valid"], verdict["primary"]) == \
        ("not-asked", "0/5", False, "failed")
    (line,) = daemon.lines("attempt")
    assert line["results"].split()[0] == f"primary:{codes[0]}=caa-forbids"
    assert all(word.endswith("=not-asked") for word in line["results"].split()[1:])
    mark = world.queries.mark()
    restored.set_records("flip.com", "CAA", ['0 issue "ca1.com"'])
    assert caller.check("flip.com")["quorum"] == "5/5"
    assert asked_by(world, mark, "flip.com", own) == 6


def test_it_has_to_pass_every_check(first, codes):
    answer = ask(first, "deny.com", OTHER_CA, "dcv_with_caa")
    assert (answer["is_valid"], answer["perspectives"]) == (False, [])
    assert answer["problem"]["code"] == "caa-forbids"
    assert answer["verdicts"]["dcv"]["is_valid"] is False
    assert answer["verdicts"]["dcv"]["problem"]["code"] == "remotes-not-asked"
    assert answer["verdicts"]["caa"]["problem"]["message"].startswith(
        f"the primary, {codes[0]}, did not pass: ")


def test_remotes_have_the_time_that_is_left(first, restored, sources):
    restored.set_behaviour("flip3.com", "silent", sources=sources(1, 2, 3, 4, 5))
    reply = first.mpic("flip3.com", deadline_ms=1500)
    answer = reply.json
    assert 1.2 < reply.took_s < 1.6
    assert (answer["is_valid"], answer["quorum"]) == (False, "0/5")
    assert answer["primary"]["check_response"]["check_passed"] is True
    assert {one["check_response"]["problem"]["fault"] for one in answer["perspectives"]} <= \
        {"target", "perspective"}


def test_no_time_is_left_for_them(first, restored, sources, codes):
    restored.set_behaviour("flip2.com", "silent", sources=sources(0))
    reply = first.mpic("flip2.com", deadline_ms=1500)
    answer = reply.json
    assert reply.took_s < 1.6
    assert (answer["is_valid"], answer["perspectives"], answer["remotes"]) == (False, [],
                                                                                 "not-asked")
    assert f"the primary, {codes[0]}, " in answer["problem"]["message"]


@pytest.mark.parametrize("name", ("determined", "first"))
def test_every_attempt_asks_the_primary_anew(request, name, codes):
    answer = request.getfixturevalue(name).check("deny.com", {"max_attempts": 2,
                                                             "perspective_count": 2})
    assert answer["actual_orchestration_parameters"]["attempt_count"] == 2
    (before,) = answer["previous_primary_results"]
    assert before["perspective_code"] == answer["primary"]["perspective_code"] == codes[0]
    assert before["check_response"]["nonce"] != answer["primary"]["check_response"]["nonce"]
    remotes = [len(attempt) for attempt in answer["previous_attempt_results"]]
    assert remotes == [0 if name == "first" else 2]


# -- counts are of remotes


def test_counts(determined):
    assert determined.check("permit.com", {"perspective_count": 5})["quorum"] == "5/5"
    reply = determined.mpic("permit.com", {"perspective_count": 6})
    assert reply.status == 400 and "Expected 2 to 5" in reply.text


def test_the_primary_is_in_no_cohort(determined, codes):
    for number in (1, 2):
        answer = determined.check("permit.com", {"perspective_count": 2,
                                                 "cohort_for_single_attempt": number})
        assert codes[0] not in by_code(answer)
        assert answer["primary"]["perspective_code"] == codes[0]


@pytest.mark.parametrize("wrong, says", (
    ({"primary": "nowhere"}, 'primary: expected the code of one of perspectives, found "nowhere"'),
    ({"dispatch": "primary-first"}, "dispatch: primary-first needs a primary"),
    ({"dispatch": "serial"}, 'dispatch: expected parallel or primary-first, found "serial"'),
    ({"primary": 0, "count": 2}, "there are 1 perspectives, and a cohort has at least 2"),
    ({"primary": 0, "default_perspective_count": 6},
     "default_perspective_count: expected 0 or 2 to 5, the number of remotes"),
    ({"primary": 0, "near": 1}, "it would never be asked; drop it"),
    ({"primary": 0, "count": 3, "one_rir": True}, None)))
def test_what_is_refused_at_start(coordinators, codes, wrong, says):
    wrong = dict(wrong)
    rows = coordinators.perspectives(*range(wrong.pop("count", 6)))
    if wrong.get("primary") == 0:
        wrong["primary"] = codes[0]
    if wrong.pop("near", None):
        rows[1]["too_close_codes"] = [codes[0]]
    if wrong.pop("one_rir", None):
        # Two remotes of one RIR are as good as Open MPIC's two.
        rows[2] |= {"rir": "ARIN", "latitude": 45.4, "longitude": -75.7}
    ended = coordinators.run(coordinators.options(perspectives=rows, **wrong), "--check")
    assert (ended.returncode == 0) is (says is None), ended.stderr
    assert says is None or says in ended.stderr


def test_policy_counts_remotes(build_dir, coordinators, codes, tmp_path):
    path = tmp_path / "c.yaml"
    for primary, status, says in ((codes[0], 0, "5 remote perspectives"), (None, 0, "6 persp")):
        options = coordinators.options(primary=primary)
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in options.items()),
                        encoding="utf-8")
        ended = subprocess.run([build_dir / "mpic", "policy", "--config", path],
                               capture_output=True, text=True, timeout=30, check=False)
        assert (ended.returncode, says in ended.stdout) == (status, True), ended.stdout


# -- what is kept of it


def test_an_archived_answer_is_genuine(build_dir, fleet, determined, first, restored, sources,
                                       tmp_path):
    def verify(answer):
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(answer, separators=(",", ":")), encoding="utf-8")
        keys = [f'{row["code"]}={row["verify_key"]}' for row in fleet.parts["perspectives"]]
        ended = subprocess.run([build_dir / "mpic", "verify", path, "--keys", *keys],
                               capture_output=True, text=True, timeout=30, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    for caller in (determined, first):
        answer = ask(caller, "page.web.com", dcv.http01(), "dcv_with_caa")
        assert verify(answer) == (0, verify(answer)[1]) and "12 genuine" in verify(answer)[1]
        stripped = json.loads(json.dumps(answer))
        del stripped["primary"]["check_response"]["signature"]
        status, said = verify(stripped)
        assert status == 1 and "no genuine result of dcv shows that the primary passed" in said
    restored.set_records(PERSIST, "TXT", [record(OTHER_ACCOUNT)])
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)], sources=sources(0))
    answer = ask(determined, "flip.com", EITHER)
    assert verify(answer)[0] == 0
    status, said = verify({**answer, "is_valid": True})
    assert status == 1 and "0 genuine results of dcv passed where 4 were needed" in said


def test_the_tool_shows_both(build_dir, codes, first, determined):
    def check(caller, *arguments):
        return subprocess.run(
            [build_dir / "mpic", "check", *arguments, "--coordinator",
             "http://{}:{}".format(*caller.address)], capture_output=True, text=True, timeout=30,
            check=False)
    ended = check(determined, "caa", "permit.com", "--caa-domain", "ca1.com")
    head, primary, who, remotes, *rest = ended.stdout.splitlines()
    assert "quorum 5/5" in head
    assert (primary, remotes) == ("  primary", "  remotes")
    assert who.split()[:2] == [codes[0], "passed"] and len(rest) == 5
    ended = check(first, "caa", "deny.com", "--caa-domain", "ca1.com")
    assert (ended.returncode, "  remotes were not asked" in ended.stdout) == (1, True)


# -- perspectives that do not say what they relied on


class Witness(StandIn):
    """Passes a persistent record's check on the records that it is told to have `seen`: as one of
    ours of another version, which has a `code`, or as one of Open MPIC's."""

    def __init__(self):
        super().__init__(self.check)
        self.seen, self.code = [], None

    def check(self, _path, body, _headers):
        asked = json.loads(body)
        own = {} if self.code is None else {
            "perspective_code": self.code, "nonce": asked["nonce"],
            "domain_or_ip_target": asked["domain_or_ip_target"]}
        return 200, json.dumps({
            "check_completed": True, "check_passed": True, "errors": None, "timestamp_ns": 1,
            "check_type": "dcv", "details": {
                "validation_method": "dns-persistent", "records_seen": self.seen,
                "response_code": 0, "ad_flag": False, "found_at": PERSIST}, **own}).encode()


@pytest.fixture
def witness():
    with Witness() as server:
        yield server


def unquoted(account):
    return record(account).strip('"')


@pytest.fixture
def silent(coordinators, started, codes, witness):
    """silent(i, **more): a caller of a coordinator whose perspective i is the witness."""
    def start(index, **more):
        rows = coordinators.perspectives(*range(6))
        rows[index] = {"code": codes[index], "url": witness.url, **more}
        witness.code = None if more else codes[index]
        return started(perspectives=rows, primary=codes[0])[1]
    return start


@pytest.mark.parametrize("seen, counts", (
    ([unquoted(ACCOUNT)], True), ([unquoted(OTHER_ACCOUNT), unquoted(ACCOUNT)], True),
    ([unquoted(OTHER_ACCOUNT)], False), ([], False), (None, False)), ids=str)
def test_what_it_saw_is_compared(silent, restored, codes, witness, seen, counts):
    caller = silent(5)
    witness.seen = seen
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)])
    answer = ask(caller, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5" if counts else "4/5")
    told = {one["perspective_code"] for one in answer["perspectives"] if "not_corroborating" in one}
    assert told == (set() if counts else {codes[5]})


@pytest.mark.parametrize("seen, counts", (
    ([unquoted(ACCOUNT)], True), ([unquoted(OTHER_ACCOUNT), unquoted(ACCOUNT)], False), ([], False)),
    ids=str)
def test_as_primary_all_it_saw_is_compared(silent, restored, witness, seen, counts):
    """Which of them it relied on it does not say: remotes have to have seen all of them."""
    caller = silent(0)
    witness.seen = seen
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)])
    answer = ask(caller, "flip.com", EITHER)
    assert (answer["is_valid"], answer["quorum"]) == (counts, "5/5" if counts else "0/5")


@pytest.mark.parametrize("index, more", ((0, {}), (5, {}), (5, {"protocol": "open-mpic"})),
                         ids=("primary", "remote", "open-mpic-remote"))
def test_the_request_alone_fixes_it(silent, restored, witness, index, more):
    """With one account to expect there is nothing else that it could have relied on."""
    caller = silent(index, **more)
    witness.seen = [unquoted(ACCOUNT)]
    restored.set_records(PERSIST, "TXT", [record(ACCOUNT)])
    answer = ask(caller, "flip.com", dcv.persistent())
    assert (answer["is_valid"], answer["quorum"]) == (True, "5/5"), answer["problem"]


# -- in a fleet, and while it runs


def test_another_primary_by_sighup(started, codes):
    daemon, caller = started(primary=codes[0])
    assert caller.check("permit.com")["primary"]["perspective_code"] == codes[0]
    daemon.rewrite(primary=codes[3])
    assert until(lambda: caller.check("permit.com")["primary"]["perspective_code"] == codes[3])
    assert codes[0] in by_code(caller.check("permit.com"))
    daemon.rewrite(primary="nowhere")
    time.sleep(0.5)
    answer = caller.check("permit.com")
    assert (answer["quorum"], answer["primary"]["perspective_code"]) == ("5/5", codes[3])


def test_a_fleet_with_a_primary(build_dir, world, codes, tmp_path):
    with Fleet(world.trust_anchor, tmp_path, "--plain", "--listen", "127.0.0.1:8081",
               "--set", f"primary={codes[1]}", "--set", "dispatch=primary-first") as running:
        ended = subprocess.run(
            [build_dir / "mpic", "check", "caa", "permit.com", "--coordinator", running.url,
             "--caa-domain", "ca1.com", "--json"], capture_output=True, text=True, timeout=30,
            check=True)
        answer = json.loads(ended.stdout)
        assert (answer["quorum"], answer["primary"]["perspective_code"]) == ("5/5", codes[1])
