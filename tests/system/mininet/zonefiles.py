"""Zone files from the table: written, signed, and kept until their signatures are about to end."""

import fcntl
import hashlib
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata

from . import certificates, zones

LIFETIME_S = 30 * 86400
MARGIN_S = 86400
STALE_S = 3600
UNKNOWN_ALGORITHM = 200
INPUTS = ("addresses.py", "certificates.py", "challenge.py", "webhosts.py", "zones.py",
          "zonefiles.py")
SIGN_OPTIONS = {"nsec": [], "nsec3": ["-n", "-t", "0"], "optout": ["-n", "-p", "-t", "0"]}


def absolute(name):
    return "." if name == "." else f"{name}."


def file_stem(zone):
    return "root" if zone.name == "." else zone.name


def build(directory, say):
    """The folder of signed zones under directory, made if there is none that still lasts a day.

    Its name carries a hash of all that went in and the second the signatures end. Several worlds
    may start at once; one builds, the others wait.
    """
    directory.mkdir(parents=True, exist_ok=True)
    inputs = _hash_inputs()
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _find(directory, inputs)
        if not found:
            say("signing zones")
            found = _build(directory, inputs)
            _forget_others(directory, found)
        return found


def _hash_inputs():
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:16]


def _expiry(folder):
    tail = folder.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def _find(directory, inputs):
    for folder in directory.glob(f"zones-{inputs}-*"):
        if _expiry(folder) > time.time() + MARGIN_S:
            return folder
    return None


def _forget_others(directory, keep):
    """Drops older folders, sparing young ones: another checkout's world may be starting on them."""
    for folder in directory.glob("zones-*"):
        if folder != keep and folder.stat().st_mtime < time.time() - STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def _build(directory, inputs):
    now = int(time.time())
    expiry = now + LIFETIME_S
    work = directory / "zones-unfinished"
    shutil.rmtree(work, ignore_errors=True)
    (work / "keys").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        signed = [zone for zone in zones.ZONES if zone.signed]
        keys = dict(zip((z.name for z in signed), pool.map(lambda z: _make_key(work, z), signed)))
        (work / "root.ds").write_text(_ds(zones.BY_NAME["."], keys) + "\n", encoding="ascii")
        served = [zone for zone in zones.ZONES if zone.server != "hostile"]
        # The long ones first, so that neither core is left with one at the end.
        served.sort(key=lambda zone: -len(zone.records))
        list(pool.map(lambda z: _write(work, z, keys, now, expiry), served))
        certificates.make(work / "certificates", pool)
    done = directory / f"zones-{inputs}-{expiry}"
    work.rename(done)
    return done


def _run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip() or done.returncode}\n"
                           f"  command: {' '.join(map(str, command))}")
    return done.stdout


def _make_key(work, zone):
    """A combined signing key, ECDSA P-256; returns its base name."""
    stem = _run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone.name, cwd=work / "keys").strip()
    for suffix in (".key", ".private"):
        (work / "keys" / (stem + suffix)).rename(work / "keys" / (file_stem(zone) + suffix))
    return work / "keys" / file_stem(zone)


def dnskey(folder, zone):
    """The DNSKEY rdata of a signed zone."""
    text = (folder / "keys" / f"{file_stem(zone)}.key").read_text(encoding="ascii")
    rdata = text.partition("DNSKEY")[2].partition(";")[0]
    return dns.rdata.from_text("IN", "DNSKEY", rdata)


def _ds(zone, keys):
    """The DS line a parent publishes."""
    name = absolute(zone.name)
    if zone.ds == "wrong":
        digest = hashlib.sha256(name.encode()).hexdigest()
        return f"{name} 3600 IN DS 12345 13 2 {digest}"
    key = dnskey(keys[zone.name].parent.parent, zone)
    ds = dns.dnssec.make_ds(dns.name.from_text(name), key, "SHA256")
    if zone.ds == "unknown":
        return f"{name} 3600 IN DS {ds.key_tag} {UNKNOWN_ALGORITHM} 2 {ds.digest.hex()}"
    return f"{name} 3600 IN DS {ds.to_text()}"


def _name_servers(zone):
    lines = []
    for host, ipv4, ipv6 in zones.servers(zone):
        lines += [f"{absolute(zone.name)} 3600 IN NS {host}.",
                  f"{host}. 3600 IN A {ipv4}", f"{host}. 3600 IN AAAA {ipv6}"]
    return lines


def text(zone):
    """The zone file without delegations."""
    name = absolute(zone.name)
    first = zones.servers(zone)[0][0]
    lines = [f"$ORIGIN {name}", "$TTL 300",
             f"{name} 300 IN SOA {first}. hostmaster.{first}. 1 3600 900 604800 60"]
    lines += _name_servers(zone)
    lines += zone.records
    return "\n".join(lines) + "\n"


def _delegations(zone, keys, with_ds):
    lines = []
    for child in zones.ZONES:
        if zones.parent(child) is zone and child.has_ds == with_ds:
            lines += _name_servers(child)
            if with_ds:
                lines.append(_ds(child, keys))
    return "".join(line + "\n" for line in lines)


def _write(work, zone, keys, now, expiry):
    path = work / f"{file_stem(zone)}.zone"
    unsigned = _delegations(zone, keys, with_ds=False)
    with open(path, "w", encoding="ascii") as out:
        out.write(text(zone) + _delegations(zone, keys, with_ds=True))
        if zone.signed != "optout":
            out.write(unsigned)
    if zone.signed:
        _sign(work, path, zone, keys, now, expiry)
    if zone.signed == "optout":
        # ldns-signzone sets the flag but gives every delegation an NSEC3. Added afterwards, the
        # unsigned ones have none, as in the real com.
        with open(path, "a", encoding="ascii") as out:
            out.write(unsigned)


def _sign(work, path, zone, keys, now, expiry):
    if zone.expired:
        now, expiry = now - 2 * LIFETIME_S, now - LIFETIME_S
    unsigned = path.rename(path.with_suffix(".unsigned"))
    _run("ldns-signzone", *SIGN_OPTIONS[zone.signed], "-i", str(now - 3600), "-e", str(expiry),
         "-o", absolute(zone.name), "-f", path.name, unsigned.name, keys[zone.name], cwd=work)
    unsigned.unlink()
    if zone.tampered:
        path.write_text(path.read_text(encoding="ascii").replace(*zone.tampered),
                        encoding="ascii")
