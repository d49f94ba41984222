"""Where each part of a fleet listens, and its configuration file."""

import json
import os
import socket
from dataclasses import dataclass

# Of conf/regions.yaml, pairwise over 500 km apart. The first six, two each of ARIN, RIPE NCC and
# APNIC, are the default fleet.
CODES = ("aws:us-east-1", "aws:us-west-2", "aws:eu-central-1", "aws:eu-north-1",
         "aws:ap-northeast-1", "aws:ap-southeast-2", "aws:sa-east-1", "aws:af-south-1",
         "aws:ca-west-1", "aws:ap-south-1")

RESOLVER_PORT = 5353
HTTPCHECK_PORT = 8443


def free_block(count):
    """The first 127.K.x.1 block in which nobody uses the ports of `count` perspectives."""
    for block in range(64, 255):
        addresses = [f"127.{block}.{i + 1}.1" for i in range(count)]
        if all(_is_free(a, port) for a in addresses for port in (RESOLVER_PORT, HTTPCHECK_PORT)):
            return addresses
    raise RuntimeError("no free block of loopback addresses for the perspectives")


def _is_free(address, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@dataclass
class Perspective:
    code: str
    address: str      # on loopback, of both its programs
    folder: str
    sources: tuple    # addresses it asks name servers from; none: the system's choice

    @property
    def name(self):
        return self.code.replace(":", "-")

    @property
    def url(self):
        return f"https://{self.address}:{HTTPCHECK_PORT}"

    @property
    def verify_key(self):
        return self.file("sign.pub")

    def row(self):
        """What a coordinator is told of it."""
        row = {"code": self.code, "url": self.url}
        return {**row, "verify_key": self.verify_key} if os.path.exists(self.verify_key) else row

    @property
    def resolver(self):
        return f"{self.address}:{RESOLVER_PORT}"

    def file(self, name):
        return os.path.join(self.folder, name)


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _yaml(options):
    """JSON is YAML, too."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in options.items())


def write_unbound(perspective, trust_anchor, module, settings, module_settings):
    """The file that conf/unbound.conf includes from the folder it is started in.

    settings are lines of the server clause, module_settings those of mpic.so's own file.
    """
    server = {
        "directory": f'"{perspective.folder}"',
        "interface": f"{perspective.address}@{RESOLVER_PORT}",
        "trust-anchor-file": f'"{trust_anchor}"',
    }
    lines = [f"\t{key}: {value}" for key, value in server.items()]
    lines += [f"\toutgoing-interface: {address}" for address in perspective.sources]
    lines += [f"\t{line.replace('=', ': ', 1)}" for line in settings]
    dynlib = [module]
    if module_settings:
        text = "".join(line.replace("=", ": ", 1) + "\n" for line in module_settings)
        dynlib.append(_write(perspective.file("mpic.settings"), text))
    lines += ["dynlib:", *(f'\tdynlib-file: "{path}"' for path in dynlib)]
    lines += ["remote-control:", "\tcontrol-enable: yes",
              f'\tcontrol-interface: "{perspective.file("control")}"', "\tcontrol-use-cert: no"]
    return _write(perspective.file("perspective.conf"), "server:\n" + "\n".join(lines) + "\n")


def _tls(identity, authority):
    return {"tls_certificate": identity.certificate, "tls_key": identity.key,
            "tls_ca": authority.certificate}


def write_httpcheck(perspective, identity, authority, caller, signing_key=None):
    return _write(perspective.file("httpcheck.yaml"), _yaml({
        "code": perspective.code,
        "listen": f"{perspective.address}:{HTTPCHECK_PORT}",
        **_tls(identity, authority),
        "callers": [caller],
        "resolver": perspective.resolver,
        **({"signing_key": signing_key, "image_version": "test"} if signing_key else {}),
        "workers": 1,
    }))


def write_coordinator(path, listen, plain, identity, authority, caller, perspectives, more):
    return _write(path, _yaml({
        "listen": listen,
        "plain": plain,
        **_tls(identity, authority),
        "callers": [] if plain else [{"name": "test-ca", "identity": caller}],
        "workers": 1,
        "perspectives": [p.row() for p in perspectives],
        **more,
    }))
