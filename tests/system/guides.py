"""Guides in docs/, as tests follow them.

What is between ```sh and ``` in a guide is run as it stands; between ```sh elsewhere and ``` it
needs what tests do not have, a cloud or an hour, and something else stands in for it.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT_S = 60


@dataclass(frozen=True)
class Block:
    language: str
    where: str        # "", or elsewhere
    text: str

    def commands(self):
        """Its lines, those that go on joined."""
        return self.text.replace("\\\n", " ").splitlines()


def blocks(path):
    return [Block(*(part or "" for part in found.groups()))
            for found in BLOCK.finditer(Path(path).read_text(encoding="utf-8"))]


class Walk:
    """Follows a guide in a folder; `instead` has what stands here in the place of examples."""

    def __init__(self, folder, programs, instead):
        self.folder, self.instead = Path(folder), instead
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def here(self, text):
        for old, new in self.instead.items():
            text = text.replace(old, str(new))
        return text

    def run(self, block):
        """What it printed; every command must succeed."""
        ended = subprocess.run(["bash", "-euo", "pipefail", "-c", self.here(block.text)],
                               cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert ended.returncode == 0, f"{block.text}\n{ended.stdout}{ended.stderr}"
        return ended.stdout
