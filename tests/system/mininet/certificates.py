"""Certificates of the web servers, made with the zones: nobody signed them but they themselves."""

import subprocess

from . import webhosts

REQUEST = """[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = {name}
[extensions]
{extensions}
"""
KEY = "key.pem"


def make(folder, pool):
    """One file a certificate, named after its stem, and one key for all of them."""
    folder.mkdir()
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", folder / KEY)
    wanted = {stem: (host, san) for host in webhosts.HOSTS if host.has_certificate
              for stem, san in host.certificates().values()}
    list(pool.map(lambda item: _make(folder, item[0], *item[1]), wanted.items()))


def _make(folder, stem, host, san):
    lines = ["basicConstraints = critical, CA:FALSE"]
    lines += [f"subjectAltName = {san}"] if san else []
    lines += [host.extension] if host.extension else []
    config = folder / f"{stem}.cnf"
    config.write_text(REQUEST.format(name=f"cn-{stem}", extensions="\n".join(lines)),
                      encoding="ascii")
    _openssl("req", "-x509", "-new", "-config", config, "-key", folder / KEY, "-days", "60",
             "-out", folder / f"{stem}.pem")
    config.unlink()


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
