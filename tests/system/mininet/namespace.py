"""The private network namespace: entering it and its addresses."""

import os
import subprocess

from . import zones


def reexecute(command):
    """Replaces this process by command in a new network namespace.

    An ordinary user, or root that may not make namespaces, gets a user namespace around it in
    which it is root.
    """
    plain = ["unshare", "-n"]
    mapped = ["unshare", "-Urn"]
    for how in (plain, mapped) if os.geteuid() == 0 else (mapped,):
        tried = subprocess.run([*how, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            os.execvp(how[0], [*how, "--", *command])
    raise RuntimeError(f"cannot make a network namespace: {tried.stderr.strip()}")


def add_addresses():
    """Brings lo up and puts every address on it."""
    lines = ["link set lo up"]
    for address in zones.all_addresses():
        # Without nodad an IPv6 address cannot be bound for its first second.
        lines.append(f"addr add {address}/128 dev lo nodad" if ":" in address
                     else f"addr add {address}/32 dev lo")
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"cannot add addresses to lo: {done.stderr.strip()}")
