"""The private CA of a test fleet and what it issues, by `mpic pki` as an operator would."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

import cloud

CODE = "aws:eu-central-1"
COORDINATOR = "urn:mpic:coordinator"
PERSPECTIVE = "urn:mpic:perspective:"
CALLER = "urn:mpic:caller:"
API_PORT = 8443


class Identity:
    """Paths of a certificate and its key; of a perspective also its signing key and its row."""

    def __init__(self, folder, row):
        self.certificate, self.key = str(folder / "tls.pem"), str(folder / "tls.key")
        self.signing_key = str(folder / "sign.key")
        self.row = row


@dataclass(frozen=True)
class Document:
    """What one perspective begins with.

    members  of the document
    row      what the coordinator is told: code, url, verify_key
    """

    members: dict
    row: dict

    @property
    def text(self):
        """The document; JSON is YAML, too."""
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in self.members.items())

    def with_members(self, **more):
        """The same with others in it; None leaves one out."""
        members = {**self.members, **more}
        return Document({key: value for key, value in members.items() if value is not None},
                        self.row)


def _row(said):
    """What issuing says that the coordinator must know; None of who is no perspective."""
    rows = yaml.safe_load(said.split("\n", 1)[1]) if "perspectives:" in said else [None]
    return rows[0]


class Authority:
    """A folder of `mpic pki`."""

    def __init__(self, build, folder):
        self.program = [str(build / "mpic"), "pki"]
        self.folder = Path(folder)
        self.count = 0
        self.run("init", self.folder)

    @property
    def certificate(self):
        return str(self.folder / "ca.pem")

    def run(self, *arguments):
        return subprocess.run([*self.program, *map(str, arguments)], capture_output=True,
                              text=True, check=True)

    def issue(self, stem, uri, address):
        """Files for a part that runs here; a coordinator's certificate has its address, if any."""
        for kind, prefix in (("--perspective", PERSPECTIVE), ("--caller", CALLER)):
            if uri.startswith(prefix):
                who = [kind, uri.removeprefix(prefix)]
                break
        else:
            who = ["--coordinator", *(["--host", address] if address else [])]
        self.count += 1
        out = self.folder / f"{stem}-{self.count}"
        issued = self.run("issue", self.folder, *who, "--out", out)
        return Identity(out, _row(issued.stderr))

    def document(self, world, **more):
        """Of an appliance in a cloud of the mini-Internet, whose DNS root is not IANA's."""
        issued = self.run("issue", self.folder, "--perspective", CODE,
                          "--address", f"{cloud.GUEST}:{API_PORT}")
        return _of_the_world(issued, _row(issued.stderr), world, more)

    def enrolling(self, enrolment, world, url, **more):
        """One whose keys are born on the appliance, by a token of the CA in the folder."""
        made = self.run("token", enrolment, "--perspective", CODE, "--url", url)
        row = {**_row(made.stderr), "url": f"https://{cloud.GUEST}:{API_PORT}"}
        return _of_the_world(made, row, world, more)


def _of_the_world(made, row, world, more):
    """What was printed, for an appliance whose DNS root and clock are a test's own."""
    anchor = [". DS " + line.partition(" DS ")[2]
              for line in world.trust_anchor.read_text(encoding="ascii").splitlines()]
    return Document(yaml.safe_load(made.stdout), {**row, "private_root": True}).with_members(
        ntp=[cloud.NTP], private_root={"trust_anchor": anchor}, **more)
