"""The coordinator in front of a fleet, configured as in operation."""

import os
import secrets
import time

from . import asking
from .folder import Failed
from .papers import CALLER

CODE = "coordinator"
READY_S = 30
# From how many perspectives on the rules for public certificates can be satisfied.
RULES_FROM = 5


class Coordinator:
    """One process on 127.0.0.1, with mutual TLS towards both sides."""

    def __init__(self, home, papers, port, conf):
        self.home, self.papers, self.port, self.conf = home, papers, port, conf
        self.config = home.path / "coordinator.yaml"

    def start(self, guests, config_end):
        self.config.write_text(self._text(guests) + config_end, encoding="utf-8")
        log = self.home.path / "coordinator.log"
        self.home.start(CODE, self.port, [self.papers.program("mpic-coordinator"),
                                          "-c", str(self.config)], log)
        end = time.monotonic() + READY_S
        while (state := self.state()) != "ready":
            if state == "off" or time.monotonic() > end:
                raise Failed(f"coordinator: {state}\n{log.read_text()}")
            time.sleep(0.1)

    def _text(self, guests):
        own = self.papers.coordinator()
        policy = "cabf-tls" if len(guests) >= RULES_FROM else "open-mpic"
        return "".join((
            "perspectives:\n", *(one.row for one in guests),
            f'listen: "127.0.0.1:{self.port}"\n',
            f'callers:\n  - {{ name: {CALLER}, identity: "urn:mpic:caller:{CALLER}" }}\n',
            f'tls_ca: "{self.papers.ca / "ca.pem"}"\n',
            f'tls_certificate: "{own / "tls.pem"}"\n', f'tls_key: "{own / "tls.key"}"\n',
            f'regions_file: "{self.conf / "regions.yaml"}"\n',
            f'policy_file: "{self.conf / "policy" / policy}.yaml"\n',
            f'cohort_secret_file: "{self._secret()}"\n'))

    def _secret(self):
        path = self.home.path / "cohort.secret"
        if not path.exists():
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w",
                      encoding="ascii") as file:
                file.write(secrets.token_hex(32) + "\n")
        return path

    def state(self):
        if not self.home.part(CODE):
            return "off"
        return asking.state(self.port, self.papers.context(self.papers.caller()))

    def example(self):
        """A command that asks it."""
        own = self.papers.caller()
        return (f"{self.papers.program('mpic')} check caa example.com --caa-domain ca.example "
                f"--coordinator https://127.0.0.1:{self.port} --ca {self.papers.ca / 'ca.pem'} "
                f"--cert {own / 'tls.pem'} --key {own / 'tls.key'}")
