"""The private CA of a fleet and what it issues, by `mpic pki`, as an operator would."""

import re
import ssl
import subprocess

from .folder import Failed

CALLER = "local"


class Papers:
    """ca, documents, coordinator and caller in the fleet's folder, made once and kept."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.ca = folder / "ca"

    def program(self, name):
        """The path of one of the programs."""
        path = self.build / name
        if not path.exists():
            raise Failed(f"{path}: there is no such program; unset MPIC_BUILD to have it built")
        return str(path)

    def _pki(self, *arguments):
        ended = subprocess.run([self.program("mpic"), "pki", *map(str, arguments)],
                               capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise Failed(ended.stderr.strip())
        return ended

    def _authority(self):
        if not (self.ca / "ca.pem").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._pki("init", self.ca, "--name", "A fleet on one machine")

    def document(self, code, address, end):
        """A perspective's document, new each time, with that end, and its row for the coordinator."""
        self._authority()
        issued = self._pki("issue", self.ca, "--perspective", code, "--address", address)
        row = issued.stderr.split("\n", 1)[1]
        if re.search("^private_root:", end, re.MULTILINE):
            row = row.replace(" }", ", private_root: true }")
        return issued.stdout + end, row

    def files(self, who, *arguments):
        """The folder with certificate and key of the coordinator or its caller."""
        self._authority()
        if not (self.folder / who).exists():
            self._pki("issue", self.ca, *arguments, "--out", self.folder / who)
        return self.folder / who

    def coordinator(self):
        return self.files("coordinator", "--coordinator", "--host", "127.0.0.1")

    def caller(self):
        return self.files("caller", "--caller", CALLER)

    def context(self, own):
        """For TLS with the certificate in the folder `own`; names are in no certificate's place."""
        context = ssl.create_default_context(cafile=self.ca / "ca.pem")
        context.check_hostname = False
        context.load_cert_chain(own / "tls.pem", own / "tls.key")
        return context
