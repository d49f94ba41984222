"""demo: what ./quickstart shows, on the machine as it is left by `tests/prepare run`."""

import os
import subprocess
from pathlib import Path

DEMO = Path(__file__).resolve().parent / "demo"


def test_the_table_holds_what_the_zones_hold():
    """It exits with 0 only if each verdict is the zone's."""
    # Without what pytest's own packages bring: tests/prepare run does not install them.
    ended = subprocess.run(["/usr/bin/python3", "-c", f"""
import runpy, sys
for name in ("jsonschema", "pytest"):
    sys.modules[name] = None
sys.argv = [{str(DEMO)!r}]
runpy.run_path({str(DEMO)!r}, run_name="__main__")
"""], capture_output=True, text=True, timeout=120, check=False, env=os.environ)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line.split() for line in ended.stdout.splitlines()]
    found = {row[0]: row[1:4] for row in rows if len(row) > 4}
    assert found["permit.com"] == ["yes", "6/6", "insecure"]
    assert found["deny.com"] == ["no", "0/6", "insecure"]
    assert found["signed-permit.org"] == ["yes", "6/6", "secure"]
    assert found["expired.org"] == ["no", "0/6", "bogus"]
    assert found["hijack.com"] == ["no", "1/6", "insecure"]
