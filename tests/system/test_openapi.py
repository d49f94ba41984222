"""docs/openapi.yaml: sound in itself, served, and what every answer of the tests is held against."""

import re
from pathlib import Path

import pytest
import yaml

import contract

HERE = Path(__file__).resolve().parent


def walk(node, path=""):
    """(path, value) of every object in the document."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{path}/{i}")


# -- the document


def test_every_schema_is_json_schema():
    for name, schema in contract.document()["components"]["schemas"].items():
        contract.DIALECT.check_schema(schema), name


def test_every_reference_leads_somewhere_and_every_part_is_referred_to():
    text = Path(contract.DOCUMENT).read_text(encoding="utf-8")
    referred = set(re.findall(r'\$ref: "#/([^"]+)"', text))
    for path in referred:
        contract.resolved({"$ref": "#/" + path})
    for kind in ("schemas", "responses", "headers", "parameters"):
        defined = {f"components/{kind}/{name}" for name in contract.document()["components"][kind]}
        assert defined <= referred, defined - referred


def test_every_member_says_what_it_is():
    """Each has a description, its own or that of what it refers to."""
    for path, node in walk(contract.document()["components"]["schemas"]):
        if re.search(r"/(if|then|allOf/\d+)(/|$)", path):
            continue        # conditions upon members described above
        for name, member in node.get("properties", {}).items():
            if member is not False:
                assert contract.resolved(member).get("description", "").strip(), (path, name)


def test_what_is_ours_has_no_other_members():
    """An object of an answer is closed, but for what a checker of Open MPIC's says."""
    document = contract.document()
    request = {"MpicRequest", "DraftRequest", "RequestOrchestrationParameters",
               "CaaCheckParameters", "DcvCheckParameters", "CaaCheckRequest", "DcvCheckRequest"}
    for name, schema in document["components"]["schemas"].items():
        for path, node in walk(schema, name):
            if re.search(r"/(if|then|allOf/\d+)(/|$)", path) or "properties" not in node:
                continue
            closed = node.get("additionalProperties") is False
            assert closed != (name in request or name == "OpenMpicCheckResult"), path


def test_every_example_is_one():
    for path, node in walk(contract.document()):
        for example in node.get("examples", ()) if "type" in node else ():
            assert contract.faults(node, example) == [], path
        for example in node["examples"].values() if path.endswith("application~1json") else ():
            assert contract.faults(node["schema"], example["value"]) == [], path


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for item in contract.document()["paths"].values()
             for operation in item.values()]
    assert len(set(names)) == len(names)


# -- served


def test_both_programs_serve_it(caller, coordinators):
    """Without a certificate, as what it describes is no secret."""
    text = Path(contract.DOCUMENT).read_text(encoding="utf-8")
    reply = caller.ask("/openapi.yaml")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/yaml")
    assert reply.text == text
    assert yaml.safe_load(reply.text)["openapi"].startswith("3.1")


def test_the_paths_are_those_that_are_served():
    """A route that is not described, or the other way round, shows."""
    routes = set()
    for path in ("coordinator/service.c", "httpcheck/perspective.c"):
        text = (HERE / "../.." / path).read_text(encoding="utf-8")
        routes |= {(method.lower(), path) for method, path in
                   re.findall(r'\{ "([A-Z]+)", "(/[^"]+)",', text)}
    described = {(method, path) for path, item in contract.document()["paths"].items()
                 for method in item}
    assert described == routes


# -- held against it


def test_a_call_that_is_not_described_is_a_fault():
    def call(path="/mpic", status=200, body=b"{}", media="application/json", method="POST"):
        return contract.Call(method, path, None, status, (("Content-Type", media),), body)

    detail = b'{"detail": "x"}'
    assert contract.call_faults(call("/healthz", body=b'{"status": "healthy"}', method="GET")) == []
    for wrong, says in (
            (call(), "'is_valid' is a required property"),
            (call(), "the header X-MPIC-Is-Valid is missing"),
            (call(status=204), "this status is not described"),
            (call("/nowhere", 200), "this status is not described"),
            (call("/nowhere", 404, b'{"error": "x"}'), "'error' was unexpected"),
            (call("/healthz", 200, b'{"status": "ill"}', method="GET"), "'healthy' was expected"),
            (call("/healthz", 200, b"fine", method="GET"), "no JSON"),
            (call("/metrics", 200, detail, method="GET"), "content type 'application/json'"),
            (call(status=400, body=b'{"detail": "x", "more": 1}'), "'more' was unexpected")):
        found = contract.call_faults(wrong)
        assert any(says in fault for fault in found), (found, says)
    assert contract.call_faults(call("/nowhere", 404, detail)) == []


@pytest.mark.parametrize("change, says", (
    (lambda a: a.pop("quorum"), "'quorum' is a required property"),
    (lambda a: a.update(quorum="6 of 6"), "'6 of 6' does not match"),
    (lambda a: a.update(extra=1), "'extra' was unexpected"),
    (lambda a: a.update(is_valid="true"), "'true' is not of type 'boolean'"),
    (lambda a: a["perspectives"][0].pop("rir"), "'rir' is a required property"),
    (lambda a: a["perspectives"][0]["check_response"].update(extra=1), "'extra' was unexpected"),
    (lambda a: a["perspectives"][0]["check_response"]["details"].update(reason=1),
     "1 is not of type 'string', 'null'"),
    (lambda a: a["perspectives"][0]["check_response"]["evidence"]["lookups"][0].update(extra=1),
     "'extra' was unexpected"),
    (lambda a: a["policy"]["rows"].append({}), "is a required property"),
    (lambda a: a["caa_check_parameters"].update(extra=1), "'extra' was unexpected"),
), ids=lambda value: value if isinstance(value, str) else "")
def test_an_answer_with_one_thing_wrong_is_a_fault(caller, change, says):
    answer = caller.check("permit.com")
    schema = contract.document()["components"]["schemas"]["MpicResponse"]
    assert contract.faults(schema, answer) == []
    change(answer)
    found = contract.faults(schema, answer)
    assert any(says in fault for fault in found), found


def test_every_call_of_a_test_is_noted(caller):
    """One that asks and one that asks by a connection of its own."""
    contract.owed()
    before = contract.counted["calls"]
    caller.ask("/healthz")
    connection = caller.connect()
    connection.request("GET", "/readyz")
    connection.getresponse()
    connection.close()
    assert contract.owed() == []
    assert contract.counted["calls"] == before + 2


def test_no_test_calls_by_another_way():
    """HTTP clients are named in these files only, of which none but contract.py calls ours."""
    others = {"contract.py", "acme.py", "fleet", "test_openapi.py"}
    octets = re.compile(r"asyncio\.open_connection")
    client = re.compile(r"^\s*(import|from) (http\.client|urllib\.request|requests|httpx)|\"curl\"",
                        re.MULTILINE)
    for path in HERE.iterdir():
        if path.is_file() and path.name not in others:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not client.search(text), path.name
            assert not octets.search(text) or "contract.note_octets(" in text, path.name
