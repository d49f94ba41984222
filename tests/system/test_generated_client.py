"""A client generated from docs/openapi.yaml, by a generator from npm, asks a real coordinator."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import contract
from npm_tools import NPM, need_npm

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def tools():
    """Where the generator and the compiler are."""
    need_npm("run a client generated from docs/openapi.yaml")
    return NPM / "node_modules/.bin"


@pytest.fixture(scope="module")
def program(tools, tmp_path_factory):
    """caller.ts, compiled together with the client; its types are the document's."""
    folder = tmp_path_factory.mktemp("client")
    shutil.copy(HERE / "npm/caller.ts", folder)

    def run(*command):
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120,
                               check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    run(tools / "openapi-ts", "-i", contract.DOCUMENT, "-o", folder / "generated", "--silent")
    run(tools / "tsc", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs",
        "--moduleResolution", "node", "--types", "node",
        "--typeRoots", NPM / "node_modules/@types", "--outDir", folder / "out",
        folder / "caller.ts")
    return folder / "out/caller.js"


def test_it_asks_and_understands(program, caller, fleet):
    url = "http://{}:{}".format(*caller.address)
    ended = subprocess.run(["node", program, url, "permit.com", "deny.com", "a..com"],
                           capture_output=True, text=True, timeout=60, check=True)
    said = json.loads(ended.stdout)
    assert said["ready"] == "ready"
    permit, deny, bad = said["checks"]
    assert (permit["status"], permit["told"]["valid"], permit["told"]["quorum"]) == (
        200, True, "6/6")
    assert sorted(permit["told"]["passed"]) == sorted(
        row["code"] for row in fleet.parts["perspectives"])
    assert deny["told"] == {"valid": False, "quorum": "0/6", "problem": "caa-forbids",
                            "passed": []}
    assert (bad["status"], bad["told"]) == (400, None)
    assert ["body", "domain_or_ip_target"] in bad["issues"]
    assert said["draft"] == {"success": True, "caa": "permit.com"}


def test_the_types_are_the_documents(program, tools, tmp_path):
    """A member that the document lacks is an error of the compiler."""
    folder = program.parent.parent
    text = (HERE / "npm/caller.ts").read_text(encoding="utf-8")
    (folder / "wrong.ts").write_text(text.replace("answer.quorum", "answer.quorums"),
                                     encoding="utf-8")
    ended = subprocess.run([tools / "tsc", "--strict", "--noEmit", "--skipLibCheck", "--target",
                            "es2022", "--module", "commonjs", "--moduleResolution", "node",
                            "--types", "node", "--typeRoots", NPM / "node_modules/@types",
                            folder / "wrong.ts"],
                           capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0 and "quorums" in ended.stdout


def test_the_lock_names_no_registry():
    """Whichever registry npm is configured for serves these very versions."""
    lock = json.loads((HERE / "npm/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages and all("resolved" not in row for row in packages.values())
    assert all("integrity" in row for row in packages.values())
