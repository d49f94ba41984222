"""A client generated from docs/openapi.yaml, by a generator from npm, asks a real coordinator."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import contract

HERE = Path(__file__).resolve().parent
NPM = Path(os.environ.get("MPIC_NPM") or HERE.parents[1] / "build/npm")
# npm's codes for a network without the registry, or one whose certificates are not known.
NO_REGISTRY = re.compile(r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|"
                         r"ERR_SOCKET_TIMEOUT|SELF_SIGNED_CERT|UNABLE_TO_|DEPTH_ZERO")


@pytest.fixture(scope="module")
def tools():
    """Where tests/prepare has put the generator and the compiler."""
    if not shutil.which("node"):
        pytest.skip("there is no node, which runs the client generated from docs/openapi.yaml")
    if not (NPM / "installed").exists():
        why = (NPM / "npm.log").read_text() if (NPM / "npm.log").exists() else "tests/prepare was not run"
        if NO_REGISTRY.search(why):
            pytest.skip("npm's registry cannot be reached, from where tests/prepare installs what "
                        "generates a client from docs/openapi.yaml")
        pytest.fail(f"the generator is not in {NPM}, where tests/prepare installs it:\n{why[-2000:]}")
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
