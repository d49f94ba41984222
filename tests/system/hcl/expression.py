"""Expressions of HCL: parsed into a tree, which can be searched for references and evaluated."""

import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<number>\d+(\.\d+)?)
  | (?P<name>[A-Za-z_][\w-]*)
  | (?P<sign>\.\.\.|=>|==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,=(){}\[\]])
""", re.VERBOSE)
PRECEDENCE = ({"||"}, {"&&"}, {"==", "!="}, {"<", ">", "<=", ">="}, {"+", "-"}, {"*", "/", "%"})
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Fault(Exception):
    """The expression cannot be parsed, or has no value."""


@dataclass
class Node:
    kind: str
    value: Any = None
    parts: list = field(default_factory=list)


class Parser:
    """Recursive descent over one text; what is quoted is parsed as a template."""

    def __init__(self, text, at=0):
        self.text, self.at = text, at

    def skip(self):
        found = re.compile(r"\s*").match(self.text, self.at)
        self.at = found.end()

    def peek(self):
        self.skip()
        found = TOKEN.match(self.text, self.at)
        return found.group() if found else self.text[self.at:self.at + 1]

    def take(self, wanted=None):
        token = self.peek()
        if wanted is not None and token != wanted:
            raise Fault(f"expected {wanted} at {self.text[self.at:self.at + 30]!r}")
        self.at += len(token)
        return token

    def accept(self, wanted):
        if self.peek() != wanted:
            return False
        self.take()
        return True

    # ---- templates ----

    def template(self, end=None):
        """To the closing quote, or to the end of the text where `end` is none."""
        parts, plain = [], []
        while self.at < len(self.text) and not (end and self.text[self.at] == end):
            if self.text.startswith("${", self.at) and not self.text.startswith("$${", self.at - 1):
                self.at += 2
                if plain:
                    parts.append(Node("text", "".join(plain)))
                    plain = []
                parts.append(self.expression())
                self.take("}")
            elif end and self.text[self.at] == "\\":
                plain.append(ESCAPES[self.text[self.at + 1]])
                self.at += 2
            else:
                plain.append(self.text[self.at])
                self.at += 1
        if end:
            self.at += 1
        if plain or not parts:
            parts.append(Node("text", "".join(plain)))
        return parts[0] if len(parts) == 1 else Node("template", parts=parts)

    # ---- expressions ----

    def expression(self):
        condition = self.binary(0)
        if not self.accept("?"):
            return condition
        yes = self.expression()
        self.take(":")
        return Node("conditional", parts=[condition, yes, self.expression()])

    def binary(self, level):
        if level == len(PRECEDENCE):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek() in PRECEDENCE[level]:
            sign = self.take()
            left = Node("binary", sign, [left, self.binary(level + 1)])
        return left

    def unary(self):
        if self.peek() in ("!", "-"):
            return Node("unary", self.take(), [self.unary()])
        return self.postfix(self.primary())

    def postfix(self, node):
        while True:
            if self.peek() == "." and not self.text.startswith("...", self.at):
                self.take()
                node = Node("attribute", self.take(), [node])
            elif self.accept("["):
                if self.accept("*"):
                    self.take("]")
                    node = Node("splat", parts=[node, self.postfix(Node("each"))])
                else:
                    node = Node("index", parts=[node, self.expression()])
                    self.take("]")
            else:
                return node

    def primary(self):
        token = self.take()
        if token == '"':
            return self.template('"')
        if token == "(":
            node = self.expression()
            self.take(")")
            return node
        if token in "[{":
            return self.collection(token)
        if token[0].isdigit():
            return Node("literal", float(token) if "." in token else int(token))
        if token in ("true", "false", "null"):
            return Node("literal", {"true": True, "false": False, "null": None}[token])
        if not re.match(r"[A-Za-z_]", token):
            raise Fault(f"unexpected {token!r} before {self.text[self.at:self.at + 30]!r}")
        return self.call(token) if self.accept("(") else Node("name", token)

    def call(self, name):
        node = Node("call", name)
        while not self.accept(")"):
            argument = self.expression()
            node.parts.append(Node("spread", parts=[argument]) if self.accept("...") else argument)
            if not self.accept(","):
                self.take(")")
                break
        return node

    def collection(self, opened):
        if self.peek() == "for":
            return self.comprehension(opened)
        node = Node("tuple" if opened == "[" else "object")
        close = "]" if opened == "[" else "}"
        while not self.accept(close):
            if opened == "{":
                node.parts.append(self.key())
                if not self.accept("="):
                    self.take(":")
            node.parts.append(self.expression())
            self.accept(",")
        return node

    def key(self):
        """A bare word is a text; in parentheses it would be a name."""
        bare = self.peek() not in ("(", '"')
        node = self.primary()
        return Node("text", node.value) if bare and node.kind == "name" else node

    def comprehension(self, opened):
        self.take("for")
        names = [self.take()]
        if self.accept(","):
            names.append(self.take())
        self.take("in")
        parts = [self.expression()]
        self.take(":")
        parts.append(self.expression())
        if opened == "{":
            self.take("=>")
            parts.append(self.expression())
        parts.append(self.expression() if self.accept("if") else Node("literal", True))
        self.take("]" if opened == "[" else "}")
        return Node("for " + opened, names, parts)


def parse(text):
    """A value as hcl2json gives it: text in which ${} holds expressions."""
    parser = Parser(text)
    node = parser.template()
    if parser.at != len(text):
        raise Fault(f"more than one expression: {text!r}")
    return node


def references(node, bound=frozenset()):
    """Each dotted name in it, such as ("var", "regions"), but for what a `for` has bound."""
    if node.kind == "name":
        return set() if node.value in bound else {(node.value,)}
    if node.kind == "attribute":
        inner = references(node.parts[0], bound)
        chain = dotted(node)
        return {chain} if chain and chain[0] not in bound else inner
    if node.kind.startswith("for "):
        inside = bound | set(node.value)
        found = references(node.parts[0], bound)
        return found.union(*(references(part, inside) for part in node.parts[1:]))
    return set().union(*(references(part, bound) for part in node.parts))


def dotted(node):
    """a.b.c as a tuple; indexes in between are left out, so that a.b["x"].c is a.b.c, too."""
    if node.kind == "name":
        return (node.value,)
    if node.kind == "attribute":
        before = dotted(node.parts[0])
        return before and (*before, node.value)
    if node.kind == "index":
        return dotted(node.parts[0])
    return None


def walk(node):
    yield node
    for part in node.parts:
        yield from walk(part)
