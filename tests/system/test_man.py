"""Manual pages: clean, complete, and of the very programs that were built."""

import re
import subprocess
from pathlib import Path

import pytest

import contract

TOP = Path(__file__).resolve().parents[2]
SOURCES = sorted((TOP / "docs/man").glob("*.in"))
PAGES = [path.name.removesuffix(".in") for path in SOURCES]
COMMANDS = {"coordinator.yaml.5": "mpic-coordinator", "httpcheck.yaml.5": "mpic-httpcheck"}


@pytest.fixture(scope="module")
def page(build_dir):
    return lambda name: Path(build_dir, "docs/man", name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(build_dir):
    def run(program, *arguments):
        return subprocess.run([Path(build_dir, program), *arguments], check=True, timeout=20,
                              capture_output=True, text=True).stdout
    return run


def section(text, macro, title):
    """From a heading to the next of its kind."""
    parts = re.split(rf"^\.{macro} (.*)$", text, flags=re.M)
    found = [body for name, body in zip(parts[1::2], parts[2::2]) if name == title]
    assert len(found) == 1, (title, parts[1::2])
    return found[0]


def rows(text, macro):
    return re.findall(rf"^\.It {macro} ([^ \n]+)", text, flags=re.M)


@pytest.mark.parametrize("name", PAGES)
def test_lint(build_dir, name):
    lint = subprocess.run(["mandoc", "-Tlint", "-Wall", Path(build_dir, "docs/man", name)],
                          check=False, capture_output=True, text=True, timeout=20)
    said = []
    for line in (lint.stdout + lint.stderr).splitlines():
        # Ours are not installed where it looks.
        other = re.search(r"referenced manual not found: Xr (\S+) (\d)", line)
        if not other or f"{other[1]}.{other[2]}" not in PAGES:
            said.append(line)
    assert said == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_left_to_fill_in(page, name):
    assert not re.search(r"@[A-Za-z]+.*@", page(name))
    title, number = name.rsplit(".", 1)
    assert f".Dt {title.upper()} {number}\n" in page(name)


def test_every_page_can_be_found_from_another(page):
    for name in PAGES:
        title, number = name.rsplit(".", 1)
        others = "".join(page(other) for other in PAGES if other != name)
        assert f".Xr {title} {number}" in others, name


def test_programs_have_pages(build_dir):
    programs = {path.name for path in Path(build_dir).glob("mpic*")
                if path.is_file() and path.suffix == "" and path.stat().st_mode & 0o100}
    assert programs == {"mpic", "mpic-appliance", "mpic-coordinator", "mpic-enrol",
                        "mpic-httpcheck", "mpic-update"}
    assert programs <= {name.rsplit(".", 1)[0] for name in PAGES}


@pytest.mark.parametrize("name, program", COMMANDS.items())
def test_options(page, printed, name, program):
    sample = printed(program, "--sample")
    options = re.findall(r"^#(?:  - |    |  )?([a-z][a-z0-9_]*):", sample, flags=re.M)
    assert len(options) > 10
    assert rows(section(page(name), "Sh", "OPTIONS"), "Cm") == options


@pytest.mark.parametrize("program", COMMANDS.values())
def test_arguments(page, printed, program):
    arguments = re.findall(r"^  (?:-.)? *--([a-z-]+)", printed(program, "--help"), flags=re.M)
    lines = re.findall(r"^\.It Fl .*$", page(f"{program}.8"), flags=re.M)
    assert [re.search(r"Fl -([a-z-]+)", line)[1] for line in lines] == arguments


def help_options(text):
    """Those that begin a line of the help, and those of its usage."""
    usage = text.split("\n\n", 1)[0]
    return set(re.findall(r"^  (--[a-z0-9-]+)", text, flags=re.M)) | set(
        re.findall(r"(?<![\w-])(--[a-z0-9-]+)", usage))


def test_commands(page, printed):
    text = page("mpic.1")
    listed = printed("mpic", "--help").split("\n\n")[1]
    commands = re.findall(r"^  ([a-z]+)", listed, flags=re.M)
    assert sorted(re.findall(r"^\.Ss mpic (.*)$", text, flags=re.M)) == sorted(commands)
    for command in commands:
        own = section(text.split("\n.Sh ENVIRONMENT")[0], "Ss", f"mpic {command}")
        options = help_options(printed("mpic", command, "--help"))
        assert {f"-{name}" for name in rows(own, "Fl")} == options, command


def test_steps_of_an_appliance(page, printed):
    listed = printed("mpic-appliance", "--help").split("\n\n")[1]
    steps = re.findall(r"^  ([a-z-]+) ", listed, flags=re.M)
    assert len(steps) >= 3
    assert sorted(rows(page("mpic-appliance.8"), "Cm")) == sorted(steps)


def described(text):
    """[(member, sentences)] of rows as --man-options prints them, those of mappings with a dot."""
    found, above = [], []
    for part in re.split(r"^(?=\.(?:It|Bl|El))", text, flags=re.M):
        head, _, rest = part.partition("\n")
        if head.startswith(".It Cm "):
            sentences = re.sub(r"\n(The|Each) mapping has:\n", "\n", rest)
            found.append((".".join([*above, head[len(".It Cm "):]]), " ".join(sentences.split())))
        elif head.startswith(".Bl"):
            above.append(found[-1][0].rpartition(".")[2])
        elif head.startswith(".El"):
            above.pop()
    return found


def test_members_of_a_document(page, printed):
    told = described(printed("mpic-appliance", "document", "--man-options"))
    assert {"code", "tls_key", "enrolment.token"} <= {name for name, _ in told}
    listed = section(page("mpic-document.5"), "Sh", "MEMBERS")
    assert described(listed.split(".Bl -tag -width Ds\n", 1)[1].rsplit(".El", 1)[0]) == told
    guide = (TOP / "docs/appliance-document.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([a-z0-9_.]+)` \| (.*) \| (.*) \|$", guide, flags=re.M)
    assert [(name, f"{what} {takes}") for name, what, takes in table] == told


def members(text, title, macro="Cm"):
    """The names in the rows of a section; several of a row are joined by " , "."""
    lines = re.findall(rf"^\.It {macro} (.*)$", section(text, "Sh", title), flags=re.M)
    return sorted(name for line in lines for name in line.split(" , "))


@pytest.mark.parametrize("title, schema", (
    ("ANSWER", "MpicResponse"), ("PERSPECTIVE", "PerspectiveResult"),
    ("RESULT", "CaaCheckResult"), ("RESULT", "DcvCheckResult")))
def test_members_of_an_answer(page, title, schema):
    described = contract.document()["components"]["schemas"][schema]["properties"]
    assert members(page("mpic-answer.5"), title) == sorted(described)


@pytest.mark.parametrize("name, tag", (
    ("mpic-coordinator.8", "coordinator"), ("mpic-httpcheck.8", "perspective")))
def test_resources(page, name, tag):
    described = [f"{method.upper()} {path}" for path, methods in contract.document()["paths"].items()
                 for method, operation in methods.items()
                 if set(operation["tags"]) & {tag, "operation"}]
    assert members(page(name), "RESOURCES", "Li") == sorted(described)


def test_settings_of_the_module(page):
    source = (TOP / "unbound-module/settings.c").read_text(encoding="utf-8")
    numbers = re.findall(r'^\t\{ "([a-z-]+)", offsetof\(.*?\), (\d+), (\d+), (\d+) \}', source,
                         flags=re.M)
    text = page("mpic-unbound.8")
    assert rows(text, "Cm") == ["client", *(name for name, *_ in numbers)]
    for name, least, most, preset in numbers:
        own = section(text, "It", f"Cm {name} : Ar {'N' if 'names' in name or 'subs' in name else 'OCTETS'}")
        assert f"{least} to {most}; default {preset}." in own, name


def test_rules_of_policies(page):
    source = (TOP / "coordinator/policy.c").read_text(encoding="utf-8")
    rules = re.findall(r'^\t\[RULE_[A-Z0-9_]+\] = \{ "([a-z0-9_]+)"', source, flags=re.M)
    listed = section(page("mpic-policy.5"), "Sh", "RULES")
    told = [name for row in re.findall(r"^\.It Li (.*)$", listed, flags=re.M)
            for name in row.split(" , ")]
    assert told == rules


def test_problems(page):
    source = (TOP / "lib/problem.h").read_text(encoding="utf-8")
    codes = re.findall(r'^\tX\([A-Z_]+,\s*"([a-z-]+)"', source, flags=re.M)
    assert len(codes) > 40
    assert rows(section(page("mpic-answer.5"), "Sh", "PROBLEMS"), "Li") == codes


def test_they_are_installed(build_dir, tmp_path):
    subprocess.run(["make", "-C", build_dir, "install-man", f"DESTDIR={tmp_path}"], check=True,
                   capture_output=True, timeout=300)
    installed = {path.name: path.parent.name for path in tmp_path.rglob("*") if path.is_file()}
    assert installed == {name: f"man{name[-1]}" for name in PAGES}
