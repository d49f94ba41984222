"""docs/openapi.yaml as a test: whatever our daemons answer is what that document says they do.

Every HTTP call of the tests goes through a Connection of this module (test_openapi.py sees to
it), which notes what came; owed() then says what of it the document does not have. That is
asked for after each test, so that checking costs no test its timing.
"""

import contextlib
import functools
import http.client
import json
import os
import threading
import time
import urllib.parse
from dataclasses import dataclass

import jsonschema
import yaml

DOCUMENT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/openapi.yaml")
DIALECT = jsonschema.Draft202012Validator
JSON = "application/json"
LINES = "application/x-ndjson"
SHOWN = 2000


@functools.cache
def document():
    with open(DOCUMENT, encoding="utf-8") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolved(node):
    """What a reference stands for; anything else itself."""
    while isinstance(node, dict) and set(node) == {"$ref"}:
        path = node["$ref"]
        node = document()
        for part in path.removeprefix("#/").split("/"):
            node = node[part]
    return node


@functools.cache
def _inlined_reference(path):
    return inlined(resolved({"$ref": path}))


def inlined(schema):
    """A schema without references, which take most of the time that checking takes."""
    if isinstance(schema, list):
        return [inlined(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: inlined(value) for key, value in schema.items() if key != "$ref"}
    if "$ref" not in schema:
        return own
    meant = _inlined_reference(schema["$ref"])
    if own.keys() & meant.keys() <= {"description"}:
        return {**meant, **own}
    return {**own, "allOf": [meant, *own.get("allOf", ())]}


_validators = {}


def validator(schema):
    """Of a schema of the document."""
    if id(schema) not in _validators:
        _validators[id(schema)] = DIALECT(
            inlined(schema), format_checker=jsonschema.FormatChecker(("date",)))
    return _validators[id(schema)]


def _misfit(leaves):
    """How far from an alternative: one of another kind (a constant differs) is farthest."""
    other = sum(leaf.validator in (None, "const") for leaf in leaves)
    return other, len(leaves), -max(len(leaf.absolute_path) for leaf in leaves)


def _leaves(error):
    """What an error comes down to: of a choice, that of the alternative that fits best."""
    if not error.context:
        return [error]
    alternatives = {}
    for inner in error.context:
        alternatives.setdefault(inner.schema_path[0], []).extend(_leaves(inner))
    return min(alternatives.values(), key=_misfit)


def faults(schema, value):
    """Sentences on what the schema does not permit."""
    found = []
    for error in validator(schema).iter_errors(value):
        for leaf in _leaves(error):
            where = ".".join(str(part) for part in leaf.absolute_path) or "the body"
            found.append(f"{where}: {leaf.message[:SHOWN]}")
    return found


@dataclass(frozen=True)
class Call:
    """One request and its answer, which is whole."""

    method: str
    target: str
    request: bytes | None
    status: int
    headers: tuple
    body: bytes

    def __str__(self):
        return f"{self.method} {self.target}: {self.status}"

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def path(self):
        return urllib.parse.urlsplit(self.target).path

    @property
    def operation(self):
        """Its operation, or None where the document has none."""
        method = "get" if self.method == "HEAD" else self.method.lower()
        return document()["paths"].get(self.path, {}).get(method)


def _response(call):
    """The response object that is to describe the answer; None: there is none."""
    if call.operation is None:
        # Only refusals: of a path or a method that does not exist, or of broken HTTP.
        return document()["components"]["responses"]["Refused"] if call.status >= 400 else None
    responses = call.operation["responses"]
    if str(call.status) in responses:
        return resolved(responses[str(call.status)])
    return resolved(responses["default"]) if call.status >= 400 else None


def _header_faults(call, response):
    for name, header in response.get("headers", {}).items():
        header, value = resolved(header), call.header(name)
        if value is not None:
            yield from (f"{name}: {fault}" for fault in faults(header["schema"], value))
        elif header.get("required"):
            yield f"the header {name} is missing"


def _value_faults(schema, text):
    try:
        return faults(schema, json.loads(text))
    except ValueError as error:
        return [f"no JSON: {error}"]


def _body_faults(call, response):
    media = (call.header("Content-Type") or "").partition(";")[0]
    if media not in response["content"]:
        return [f"the content type {media!r} is not described"]
    if call.method == "HEAD":
        return []
    content = response["content"][media]
    if media == JSON:
        return _value_faults(content["schema"], call.body)
    if media == LINES:
        return [fault for line in call.body.splitlines()
                for fault in _value_faults(content["x-line-schema"], line)]
    return faults(content["schema"], call.body.decode())


def _request_faults(call):
    """What was answered in full must be a request as described."""
    if call.status != 200 or not call.request:
        return []
    # A batch is answered with 200 whatever its requests are.
    if (call.header("Content-Type") or "").startswith(LINES):
        return []
    content = resolved(call.operation["requestBody"])["content"]
    if JSON not in content:
        return []
    return [f"the request's {fault}" for fault in _value_faults(content[JSON]["schema"],
                                                                 call.request)]


def call_faults(call):
    response = _response(call)
    if response is None:
        return [f"{call}: this status is not described"]
    found = [*_header_faults(call, response), *_body_faults(call, response),
             *_request_faults(call)]
    return [f"{call}: {fault}" for fault in found]


# -- what is owed


_lock = threading.Lock()
_calls = []
_share = {"one_in": 1, "seen": 0}
counted = {"calls": 0}


@contextlib.contextmanager
def sampled(one_in):
    """Under load, of calls that are all alike, only one in so many is kept and checked."""
    _share["one_in"] = one_in
    try:
        yield
    finally:
        _share["one_in"] = 1


def note(call):
    with _lock:
        _share["seen"] += 1
        if _share["seen"] % _share["one_in"] == 0:
            _calls.append(call)


def note_octets(method, target, request, octets):
    """For a client that has no http.client: all that came on a connection of one call."""
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = tuple(tuple(line.split(": ", 1)) for line in lines)
    call = Call(method, target, request, int(first.split()[1]), headers, body)
    assert int(call.header("Content-Length")) == len(body)
    note(call)
    return call


def owed():
    """Faults of the calls since this was asked last."""
    with _lock:
        calls, _calls[:] = list(_calls), []
    counted["calls"] += len(calls)
    return [fault for call in calls for fault in call_faults(call)]


# -- connections


class _Response(http.client.HTTPResponse):
    """Read to its end at once, and noted, but for lines that come as they are ready."""

    call = None        # (method, target, request body)
    arrived = None     # when it was whole, monotonic
    whole = b""
    by_line = False

    def begin(self):
        super().begin()
        if self.status != 100 and self.headers.get_content_type() != LINES:
            self.read_all()

    def read_all(self):
        method, target, request = self.call
        self.whole += super().read()
        self.arrived = time.monotonic()
        note(Call(method, target, request, self.status, tuple(self.getheaders()), self.whole))

    def read(self, amt=None):
        if self.by_line:
            return super().read(amt)
        if self.arrived is None:
            self.read_all()
        assert amt is None, "an answer is read as a whole, or by lines()"
        return self.whole

    def lines(self):
        """Lines as they come; to be read to the end."""
        self.by_line = True
        while line := super().readline():
            self.whole += line
            yield line
        self.read_all()


class _Watched:
    """Mixed into a connection of http.client's."""

    def putrequest(self, method, url, *args, **kwargs):
        self._asked = [method, url, None]
        super().putrequest(method, url, *args, **kwargs)

    def endheaders(self, message_body=None, **kwargs):
        self._asked[2] = message_body
        super().endheaders(message_body, **kwargs)

    def response_class(self, *args, **kwargs):
        response = _Response(*args, **kwargs)
        response.call = tuple(self._asked)
        return response


class Connection(_Watched, http.client.HTTPConnection):
    pass


# What a connection that breaks raises, beside OSError.
HTTPException = http.client.HTTPException


class SecureConnection(_Watched, http.client.HTTPSConnection):
    pass


def connect(host, port, context=None, timeout_s=90):
    """A connection to one of our daemons; with a context it is TLS."""
    if context:
        return SecureConnection(host, port, timeout=timeout_s, context=context)
    return Connection(host, port, timeout=timeout_s)
