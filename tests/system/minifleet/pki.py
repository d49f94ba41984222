"""A private CA and the certificates with which the parts of a fleet know each other."""

import os
import subprocess

PERSPECTIVE = "urn:mpic:perspective:"
COORDINATOR = "urn:mpic:coordinator"
CALLER = "urn:mpic:caller:test"

REQUEST = """[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = {name}
[extensions]
subjectKeyIdentifier = hash
{extensions}
"""
CA_EXTENSIONS = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign"
LEAF_EXTENSIONS = """basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = {names}"""


class Identity:
    """Paths of one certificate and its key."""

    def __init__(self, folder, stem):
        self.certificate = os.path.join(folder, stem + ".pem")
        self.key = os.path.join(folder, stem + ".key")


def signing_key(private, public):
    """Makes an Ed25519 key in the file `private`, its public half in `public`."""
    for command in (["openssl", "genpkey", "-algorithm", "ed25519", "-out", private],
                    ["openssl", "pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(command, check=True, capture_output=True, text=True)
    os.chmod(private, 0o600)
    return private


class Authority:
    """Makes its own key in `folder` and issues from it, all EC P-256, for thirty days."""

    def __init__(self, folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder = folder
        self.root = Identity(folder, "ca")
        self._make(self.root, "Parallax test fleet", CA_EXTENSIONS)

    @property
    def certificate(self):
        return self.root.certificate

    def issue(self, stem, uri, address):
        """A certificate for both roles, naming its holder by URI and the address it serves at."""
        identity = Identity(self.folder, stem)
        names = f"URI:{uri}, IP:{address}"
        self._make(identity, stem, LEAF_EXTENSIONS.format(names=names),
                   "-CA", self.root.certificate, "-CAkey", self.root.key)
        return identity

    def _make(self, identity, name, extensions, *more):
        request = os.path.join(self.folder, "request.cnf")
        with open(request, "w", encoding="ascii") as file:
            file.write(REQUEST.format(name=name, extensions=extensions))
        subprocess.run(
            ["openssl", "req", "-x509", "-config", request, "-days", "30", "-nodes",
             "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-keyout", identity.key, "-out", identity.certificate, *more],
            check=True, capture_output=True, text=True)
