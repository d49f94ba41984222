"""What tests/prepare installs from npm's registry, for the tests that need it."""

import os
import re
import shutil
from pathlib import Path

import pytest

NPM = Path(os.environ.get("MPIC_NPM") or Path(__file__).resolve().parents[2] / "build/npm")
# npm's codes for a network without the registry, or one whose certificates are not known.
NO_REGISTRY = re.compile(r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|"
                         r"ERR_SOCKET_TIMEOUT|SELF_SIGNED_CERT|UNABLE_TO_|DEPTH_ZERO")


def need_npm(what):
    """Skips where there is no npm or no registry: `what` is what then cannot be done."""
    if not shutil.which("node"):
        pytest.skip(f"there is no node, without which tests cannot {what}")
    if not (NPM / "installed").exists():
        log = NPM / "npm.log"
        why = log.read_text() if log.exists() else "tests/prepare was not run"
        if NO_REGISTRY.search(why):
            pytest.skip("npm's registry cannot be reached, from where tests/prepare installs what "
                        f"tests need to {what}")
        pytest.fail(f"there is nothing in {NPM}, where tests/prepare installs what tests need to "
                    f"{what}:\n{why[-2000:]}")
