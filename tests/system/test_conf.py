"""conf/unbound.conf: every setting departs from Unbound's default and says why."""

import re
import subprocess
from pathlib import Path

import pytest

CONF = Path(__file__).resolve().parents[2] / "conf" / "unbound.conf"
SETTING = re.compile(r"^\t([a-z0-9-]+): (.*)$")
# checkconf cannot print these; each line of theirs is a departure by itself
UNPRINTABLE = {"local-zone"}


def settings():
    """(line number, option, value, the line above) of each setting of the server clause."""
    lines = CONF.read_text().splitlines()
    for number, line in enumerate(lines):
        found = SETTING.match(line)
        if found:
            yield number + 1, found[1], found[2].strip('"'), lines[number - 1]


def checkconf(prefix, *arguments):
    return subprocess.run([prefix / "sbin" / "unbound-checkconf", *arguments],
                          capture_output=True, text=True)


@pytest.fixture
def bare(tmp_path):
    path = tmp_path / "bare.conf"
    path.write_text("server:\n")
    return path


@pytest.fixture
def profile(tmp_path):
    """The profile with an empty file in the place of the perspective's own."""
    (tmp_path / "perspective.conf").write_text("server:\n\tdirectory: \"%s\"\n" % tmp_path)
    path = tmp_path / "unbound.conf"
    path.write_text(CONF.read_text().replace('"perspective.conf"',
                                             '"%s"' % (tmp_path / "perspective.conf")))
    return path


def test_checkconf_accepts_the_profile(unbound_prefix, profile):
    done = checkconf(unbound_prefix, profile)
    assert done.returncode == 0, done.stderr


def test_every_setting_has_its_reason_above_it():
    bare_lines = [f"{number}: {option}" for number, option, _, above in settings()
                  if not above.lstrip().startswith("#")]
    assert bare_lines == []


def test_every_setting_departs_from_the_default(unbound_prefix, bare, profile):
    same = []
    for number, option, _, _ in settings():
        if option in UNPRINTABLE:
            continue
        default = checkconf(unbound_prefix, "-o", option, bare)
        ours = checkconf(unbound_prefix, "-o", option, profile)
        assert ours.returncode == 0, ours.stderr
        if default.stdout == ours.stdout:
            same.append(f"{number}: {option}: {default.stdout.strip()} is the default")
    assert same == []


def test_no_setting_stands_twice():
    options = [option for _, option, _, _ in settings() if option not in UNPRINTABLE]
    assert sorted(options) == sorted(set(options))
