"""A private CA as mpic pki makes it, and what it issues."""

import json
import subprocess
from pathlib import Path

from coordinators import Identity


class Authority:
    """One folder of mpic pki; `root` is the certificate that everybody trusts."""

    def __init__(self, build, folder):
        self.build, self.folder = build, Path(folder)
        self.count = 0

    @classmethod
    def made(cls, build, folder):
        one = cls(build, folder)
        one.run("init", name="Example CA")
        return one

    def below(self, folder):
        """A CA for enrolment."""
        self.run("intermediate", folder, name="Example enrolment CA")
        return Authority(self.build, folder)

    def run(self, command, *operands, **options):
        """What mpic pki said; it must have worked."""
        given = [word for key, value in options.items()
                 for word in (f"--{key.replace('_', '-')}", *([] if value is True else [value]))]
        ended = subprocess.run(
            [self.build / "mpic", "pki", command, self.folder, *operands, *map(str, given)],
            capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended

    @property
    def certificate(self):
        return str(self.folder / "ca.pem")

    @property
    def root(self):
        above = self.folder / "root.pem"
        return str(above) if above.exists() else self.certificate

    @property
    def crl(self):
        return str(self.folder / "crl.pem")

    def issue(self, **options):
        """Paths of a new certificate and its key."""
        self.count += 1
        out = self.folder / f"issued-{self.count}"
        self.run("issue", out=out, **options)
        return Identity({"certificate": str(out / "tls.pem"), "key": str(out / "tls.key")})

    def issued(self):
        return [json.loads(line) for line in
                (self.folder / "issued.jsonl").read_text(encoding="ascii").splitlines()]

    def revoke(self, identity, **options):
        self.run("revoke", certificate=identity.certificate, **options)


def options_of(identity):
    """What a daemon with this certificate is told of it."""
    return {"tls_certificate": identity.certificate, "tls_key": identity.key}
