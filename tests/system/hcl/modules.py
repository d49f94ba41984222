"""A folder of .tf files: what it declares, and the expressions in it."""

import json
import os
import subprocess
from pathlib import Path

from .evaluation import evaluate
from .expression import parse, references

HERE = Path(__file__).resolve().parent
# Members that belong to the language and to no provider.
META = {"for_each", "count", "depends_on", "lifecycle", "provider", "provisioner", "connection"}


def read(paths, npm):
    """What read.js says of each, by its path."""
    ended = subprocess.run(["node", HERE / "read.js", *map(str, paths)], capture_output=True,
                           env={**os.environ, "NODE_PATH": str(npm / "node_modules")},
                           text=True, timeout=120, check=True)
    return {Path(path): said for path, said in json.loads(ended.stdout).items()}


def texts(value):
    """Every text in a tree of blocks."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


class Module:
    """Its blocks by kind. Values of variables are given, of locals worked out when asked for."""

    def __init__(self, folder, files):
        self.folder = folder
        self.blocks = {}
        for blocks in files:
            for kind, named in blocks.items():
                self._add(kind, named)

    def _add(self, kind, named):
        if isinstance(named, list):
            self.blocks.setdefault(kind, []).extend(named)
        else:
            for name, body in named.items():
                known = self.blocks.setdefault(kind, {})
                known[name] = {**known.get(name, {}), **body} if isinstance(body, dict) else body

    @property
    def variables(self):
        return {name: rows[0] for name, rows in self.blocks.get("variable", {}).items()}

    @property
    def outputs(self):
        return {name: rows[0] for name, rows in self.blocks.get("output", {}).items()}

    @property
    def calls(self):
        return {name: rows[0] for name, rows in self.blocks.get("module", {}).items()}

    @property
    def locals(self):
        return {name: value for row in self.blocks.get("locals", []) for name, value in row.items()}

    def things(self):
        """("resource" or "data", kind, name, body) of each."""
        for sort in ("resource", "data"):
            for kind, named in self.blocks.get(sort, {}).items():
                for name, rows in named.items():
                    yield sort, kind, name, rows[0]

    def expressions(self):
        """Every expression but the types of variables, which are no expressions."""
        for kind, named in self.blocks.items():
            if kind == "variable":
                named = [{k: v for k, v in row.items() if k != "type"}
                         for row in self.variables.values()]
            yield from map(parse, texts(named))

    def references(self):
        return set().union(*map(references, self.expressions()))

    def scope(self, variables, **others):
        """Names for evaluate()."""
        given = {name: self.default(row)
                 for name, row in self.variables.items() if "default" in row}
        names = {"var": {**given, **variables}, "path": {"module": str(self.folder)}, **others}
        names["local"] = Locals(self.locals, names)
        return names

    @staticmethod
    def default(row):
        return value(row["default"], {})

    def refusals(self, variables):
        """The messages of validations that these values of variables do not pass."""
        names = self.scope(variables)
        for name, row in self.variables.items():
            if name in names["var"]:
                for rule in row.get("validation", []):
                    if not evaluate(parse(rule["condition"]), names):
                        yield rule["error_message"]


class Locals(dict):
    """Evaluated when looked at."""

    def __init__(self, rows, names):
        super().__init__()
        self.rows, self.names = rows, names

    def __missing__(self, key):
        row = self.rows[key]
        self[key] = value(row, self.names)
        return self[key]


def value(row, names):
    """Of what hcl2json gives: text is a template, the rest holds such."""
    if isinstance(row, str):
        return evaluate(parse(row), names)
    if isinstance(row, list):
        return [value(one, names) for one in row]
    if isinstance(row, dict):
        return {key: value(one, names) for key, one in row.items()}
    return row
