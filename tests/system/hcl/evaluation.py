"""The value of an expression, with the functions that appliance/deploy uses."""

import base64
import ipaddress
import itertools
import re
from pathlib import Path

import yaml

from .expression import Fault


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (list, dict, set)):
        raise Fault(f"not a text: {value!r}")
    return str(value)


def _format(pattern, *values):
    """%s, and %q, which is a text in quotes."""
    left = iter(values)
    return re.sub(r"%([sq])", lambda found: _text(next(left)) if found[1] == "s" else
                  '"%s"' % _text(next(left)).replace("\\", "\\\\").replace('"', '\\"'), pattern)


def _regex(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise Fault(f"{text!r} does not match {pattern!r}")
    return found.group()


def _cidrhost(network, _):
    try:
        return str(ipaddress.ip_network(network).network_address)
    except ValueError as error:
        raise Fault(str(error)) from error


def _file(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Fault(str(error)) from error


def _unique(values):
    return list(dict.fromkeys(values))


def _merge(*objects):
    return {key: value for one in objects for key, value in one.items()}


def _first_not_null(*values):
    return next(value for value in values if value is not None)


FUNCTIONS = {
    "alltrue": all,
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "cidrhost": _cidrhost,
    "coalesce": _first_not_null,
    "concat": lambda *lists: list(itertools.chain(*lists)),
    "contains": lambda values, value: value in values,
    "distinct": _unique,
    "endswith": lambda text, end: text.endswith(end),
    "file": _file,
    "format": _format,
    "join": lambda sign, values: sign.join(map(_text, values)),
    "keys": sorted,
    "length": len,
    "lookup": lambda values, key, other: values.get(key, other),
    "md5": lambda text: "0" * 32,
    "merge": _merge,
    "nonsensitive": lambda value: value,
    "one": lambda values: values[0] if values else None,
    "regex": _regex,
    "replace": lambda text, old, new: text.replace(old, new),
    "sensitive": lambda value: value,
    "setproduct": lambda *sets: [list(row) for row in itertools.product(*sets)],
    "setsubtract": lambda left, right: [value for value in _unique(left) if value not in right],
    "sort": sorted,
    "split": lambda sign, text: text.split(sign),
    "startswith": lambda text, start: text.startswith(start),
    "strcontains": lambda text, part: part in text,
    "substr": lambda text, start, count: text[start:start + count],
    "tolist": list,
    "tonumber": int,
    "toset": lambda values: sorted(set(values)),
    "tostring": _text,
    "trimspace": str.strip,
    "values": lambda values: [values[key] for key in sorted(values)],
    "yamldecode": yaml.safe_load,
}
# Known to OpenTofu, and without a value that a test could foresee.
OTHER_FUNCTIONS = {"cidrsubnet", "filebase64", "filesha256", "upper"}
BINARY = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
}


def _pairs(collection):
    if isinstance(collection, dict):
        return sorted(collection.items())
    return list(enumerate(collection))


def _comprehension(node, names):
    made = [] if node.kind == "for [" else {}
    for key, value in _pairs(evaluate(node.parts[0], names)):
        bound = dict(zip(node.value, (key, value) if len(node.value) == 2 else (value,)))
        inside = {**names, **bound}
        if not evaluate(node.parts[-1], inside):
            continue
        if isinstance(made, list):
            made.append(evaluate(node.parts[1], inside))
        else:
            made[_text(evaluate(node.parts[1], inside))] = evaluate(node.parts[2], inside)
    return made


def _call(node, names):
    if node.value in ("can", "try"):
        for part in node.parts:
            try:
                value = evaluate(part, names)
                return True if node.value == "can" else value
            except Fault:
                continue
        if node.value == "can":
            return False
        raise Fault("no argument of try() has a value")
    given = []
    for part in node.parts:
        if part.kind == "spread":
            given += evaluate(part.parts[0], names)
        else:
            given.append(evaluate(part, names))
    return FUNCTIONS[node.value](*given)


def _member(collection, key):
    try:
        return collection[key]
    except (KeyError, IndexError, TypeError) as error:
        raise Fault(f"there is no {key!r}") from error


def _lazy(node, names):
    """`&&`, `||` and `?:` look at what they need."""
    first = evaluate(node.parts[0], names)
    if node.kind == "conditional":
        return evaluate(node.parts[1 if first else 2], names)
    if bool(first) == (node.value == "||"):
        return bool(first)
    return bool(evaluate(node.parts[1], names))


def evaluate(node, names):
    """`names` has what expressions refer to: var, local, path, module, each …"""
    parts = node.parts
    match node.kind:
        case "literal" | "text":
            return node.value
        case "template":
            return "".join(_text(evaluate(part, names)) for part in parts)
        case "name":
            return _member(names, node.value)
        case "attribute":
            return _member(evaluate(parts[0], names), node.value)
        case "index":
            return _member(evaluate(parts[0], names), evaluate(parts[1], names))
        case "splat":
            return [evaluate(parts[1], {**names, "": one}) for one in evaluate(parts[0], names)]
        case "each":
            return names[""]
        case "tuple":
            return [evaluate(part, names) for part in parts]
        case "object":
            return {_text(evaluate(key, names)): evaluate(value, names)
                    for key, value in zip(parts[::2], parts[1::2])}
        case "conditional":
            return _lazy(node, names)
        case "binary" if node.value in ("&&", "||"):
            return _lazy(node, names)
        case "binary":
            return BINARY[node.value](evaluate(parts[0], names), evaluate(parts[1], names))
        case "unary":
            value = evaluate(parts[0], names)
            return not value if node.value == "!" else -value
        case "call":
            return _call(node, names)
    return _comprehension(node, names)
