"""docs/appliance.md, followed to the letter, with daemons here in the place of clouds."""

import importlib.util
import json
import os
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

import coordinators
import daemons
from guides import Block, Walk, blocks
from minifleet import configs
from mininet import processes

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "appliance/deploy"
GUIDE = TOP / "docs/appliance.md"
PERMITTED, CA = "permit.com", "ca1.com"


@pytest.fixture(scope="module")
def guide():
    return blocks(GUIDE)


class Perspectives(daemons.Daemons):
    """What the documents in a folder make of their readers, with the resolvers of a fleet."""

    program = "mpic-httpcheck"

    def start(self, documents, resolvers):
        """The rows that OpenTofu would put out."""
        rows = []
        for path, resolver in zip(sorted(documents.glob("*.yaml")), resolvers, strict=True):
            document = yaml.safe_load(path.read_text(encoding="ascii"))
            said = path.with_suffix(".row").read_text(encoding="ascii")
            (row,) = yaml.safe_load(said.split("\n", 1)[1])
            options = {"code": document["code"], "callers": document["callers"],
                       "resolver": resolver, "image_version": "guide", "log_json": True,
                       "listen": f"{configs.free_block(1)[0]}:8443"}
            for name in ("tls_ca", "tls_certificate", "tls_key", "signing_key"):
                options[name] = self._file(f"{document['code']}.{name}", document[name])
            self.launch(options)
            rows.append({**row, "url": f"https://{options['listen']}"})
        return rows

    def _file(self, name, text):
        path = Path(self.folder, name)
        path.write_text(text, encoding="ascii")
        path.chmod(0o600)
        return str(path)


class Office:
    """The folders of the guide, and what runs because of it."""

    def __init__(self, build, fleet, folder):
        self.folder, self.build = folder, build
        self.etc = folder / "etc/parallax"
        self.settings = ["--set", f"regions_file={coordinators.REGIONS}",
                         "--set", f"policy_file={coordinators.policy_file('cabf-tls')}"]
        port = free_port()
        self.walk = Walk(folder, build, {
            "/etc/parallax": self.etc, "/var/log/parallax": folder / "log",
            "192.0.2.10:8400": f"127.0.0.1:{port}", "192.0.2.10": "127.0.0.1",
            "example.com": PERMITTED, "ca.example": CA,
            # Nothing is installed: the programs do not find these by themselves.
            "mpic policy": "mpic policy " + " ".join(self.settings)})
        self.perspectives = Perspectives(build, folder / "perspectives")
        self.servers = processes.Servers()
        self.resolvers = [row["resolver"] for row in fleet.parts["perspectives"]]

    def deploy(self):
        """For `tofu output`."""
        rows = self.perspectives.start(self.folder / "documents", self.resolvers)
        (self.folder / "perspectives.yaml").write_text(
            "perspectives:\n" + "".join(f"  - {json.dumps(row)}\n" for row in rows), "ascii")

    def start_coordinator(self):
        """For the unit in conf/systemd: credentials are files in a folder."""
        (self.folder / "log").mkdir()
        secrets = self.folder / "credentials"
        secrets.mkdir()
        for name, path in (("tls_key", "coordinator.key"), ("cohort_secret", "cohort_secret")):
            (secrets / name).symlink_to(self.etc / path)
        os.environ["CREDENTIALS_DIRECTORY"] = str(secrets)
        try:
            self.servers.start("coordinator", [
                self.build / "mpic-coordinator", "-c", self.etc / "coordinator.yaml",
                *self.settings], self.folder / "coordinator.log", self.folder)
        finally:
            del os.environ["CREDENTIALS_DIRECTORY"]
        daemons.until(lambda: " ready listening=" in (self.folder / "coordinator.log").read_text(),
                      daemons.READY_S, self.servers.check)

    def stop(self):
        self.servers.stop()
        self.perspectives.servers.stop()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def followed(guide, build_dir, fleet, tmp_path_factory):
    """The office after the whole guide, and what each block that was run printed."""
    office = Office(build_dir, fleet, tmp_path_factory.mktemp("office"))
    stand_ins = {"tofu output": office.deploy, "systemctl enable --now": office.start_coordinator}
    printed = []
    try:
        for block in guide:
            if block.where == "elsewhere":
                for text, stand_in in stand_ins.items():
                    if text in block.text:
                        stand_in()
            elif block.language == "sh":
                printed.append((block.text, office.walk.run(block)))
        yield office, printed
    finally:
        office.stop()


def said(followed, command):
    (text,) = [output for block, output in followed[1] if command in block]
    return text


def test_the_choice_of_regions_satisfies_the_rules(followed):
    lines = said(followed, "mpic policy --config draft.yaml\n").splitlines()
    assert len([line for line in lines if "satisfie" in line]) >= 2 and not [
        line for line in lines if "does not" in line]


def test_the_first_answer_is_yes_and_signed_by_all(followed):
    office, _ = followed
    answer = json.loads((office.folder / "answer.json").read_text(encoding="utf-8"))
    assert answer["is_valid"] is True and len(answer["perspectives"]) >= 5
    codes = {path.stem for path in (office.folder / "documents").glob("*.yaml")}
    assert {one["perspective_code"] for one in answer["perspectives"]} <= codes
    assert PERMITTED in said(followed, "mpic explain")


def test_all_is_well_with_the_fleet(followed):
    text = said(followed, "mpic status")
    office, _ = followed
    for path in (office.folder / "documents").glob("*.yaml"):
        assert path.stem in text


def test_keys_are_read_by_nobody_else(followed):
    office, _ = followed
    for path in (office.folder / "ca/ca.key", office.etc / "coordinator.key",
                 office.etc / "cohort_secret", *(office.folder / "documents").glob("*.yaml")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_was_renewed_and_revoked_is_listed(followed):
    office, _ = followed
    listed = subprocess.run([office.build / "mpic", "pki", "list", office.folder / "ca"],
                            capture_output=True, text=True, check=True).stdout
    lines = [line for line in listed.splitlines() if "aws:sa-east-1" in line]
    assert len(lines) == 2 and sum("revoked" in line for line in lines) == 1, listed
    assert sum("aws:eu-central-1" in line for line in listed.splitlines()) == 2
    assert (office.etc / "crl.pem").read_text(encoding="ascii").startswith("-----BEGIN X509 CRL")


def test_nobody_is_a_revoked_perspective_once_the_coordinator_has_the_list(followed):
    office, printed = followed
    config = office.etc / "coordinator.yaml"
    config.write_text(config.read_text("ascii") + f"tls_crl: {office.etc / 'crl.pem'}\n", "ascii")
    (process, *_) = office.servers.running["coordinator"]
    process.send_signal(signal.SIGHUP)
    (ask,) = [block for block, _ in printed if "mpic check caa" in block]

    def refused():
        office.walk.run(Block("sh", "", ask.replace("--json", "--perspectives 6 --json")))
        answer = json.loads((office.folder / "answer.json").read_text("utf-8"))
        return answer["is_valid"] and [
            one["perspective_code"] for one in answer["perspectives"]
            if "revoked" in str(one["check_response"].get("problem"))]

    assert daemons.until(refused, daemons.READY_S) == ["aws:sa-east-1"]


def test_a_renewed_document_has_the_same_keys(followed):
    office, _ = followed
    first = (office.perspectives.folder, "aws:eu-central-1.tls_key")
    path = office.folder / "documents/aws:eu-central-1.yaml"
    document = yaml.safe_load(path.read_text(encoding="ascii"))
    assert document["tls_key"] == Path(*first).read_text(encoding="ascii")
    assert "signing_key" in document


# ---- what is run elsewhere ----

def commands(guide, program):
    found = [line.removeprefix("sudo ") for block in guide if block.where == "elsewhere"
             for line in block.commands() if line.removeprefix("sudo ").startswith(program + " ")]
    assert found, program
    return [shlex.split(line)[1:] for line in found]


def test_the_image_is_built_with_options_that_there_are(guide):
    known = subprocess.run([TOP / "appliance/build", "--help"], capture_output=True, text=True,
                           timeout=30, check=True).stdout
    for words in commands(guide, "appliance/build"):
        for word in words:
            assert not word.startswith("--") or re.search(rf"{word}\b", known), word


def test_the_fleet_on_one_machine_is_called_as_it_is_to_be(guide, monkeypatch):
    monkeypatch.syspath_prepend(str(DEPLOY / "local"))
    spec = importlib.util.spec_from_file_location("fleet_local", DEPLOY / "local/fleet.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    done = []
    for words in commands(guide, "appliance/deploy/local/fleet"):
        monkeypatch.setattr("sys.argv", ["fleet", *words])
        done.append(program.arguments().command)
    assert done == ["up", "status", "down"]


@pytest.mark.parametrize("path", (GUIDE, DEPLOY / "README.md"))
def test_what_opentofu_is_to_replace_is_in_the_modules(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"-replace='module\.(\w+)\[0\]\.(\w+)\.(\w+)\[\"([\w-]+)\"\]'", text)
    assert {cloud for cloud, *_ in found} == {"aws", "google", "azure"}
    for cloud, kind, name, _ in found:
        files = "".join(one.read_text(encoding="utf-8") for one in (DEPLOY / cloud).glob("*.tf"))
        assert f'resource "{kind}" "{name}"' in files
    assert text.count("-replace='") == len(found)


def test_every_file_that_is_spoken_of_is_there():
    for path in (GUIDE, TOP / "docs/threat-model.md", DEPLOY / "README.md"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"`((?:docs|conf|appliance|tests)/[\w./-]+)`", text):
            assert (TOP / name).exists(), f"{path.name}: {name}"


def test_every_alert_that_is_spoken_of_is_there():
    rules = (TOP / "conf/prometheus/mpic.rules.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\*(Mpic\w+)\*", GUIDE.read_text(encoding="utf-8")):
        assert f"alert: {name}\n" in rules
