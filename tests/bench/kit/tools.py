"""The load generators, and what the kernel says about processes."""

import json
import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("MPIC_BUILD", TOP / "build/tree")).resolve()
UNBOUND = Path(os.environ.get("MPIC_UNBOUND", TOP / "build/unbound/inst")).resolve()
TIMEOUT_S = 300

median = statistics.median


def caa_body(name, caa_domain="ca1.com", **more):
    """The body of a CAA check, for a perspective and for a coordinator."""
    return json.dumps({"check_type": "caa", "domain_or_ip_target": name,
                       "caa_check_parameters": {"certificate_type": "tls-server",
                                                "caa_domains": [caa_domain]}, **more})


def dcv_body(target, method, deadline_ms=None, **parameters):
    """The body of a check of domain control, for a perspective."""
    body = {"check_type": "dcv", "domain_or_ip_target": target,
            "dcv_check_parameters": {"validation_method": method, **parameters}}
    return json.dumps(body if deadline_ms is None else {**body, "deadline_ms": deadline_ms})


def _run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
    result = json.loads(done.stdout)
    if result["errors"]:
        raise RuntimeError(f"{command[0]}: {result['errors']} of {result['count']} requests: "
                           f"{result['first_error']}")
    return result


def _options(letters):
    """A list is an option given more than once."""
    return [word for letter, values in letters.items() if values is not None
            for value in (values if isinstance(values, list) else [values])
            for word in (f"-{letter}", value)]


def _pids(pids):
    return [word for pid in pids for word in ("-p", pid)]


def ask(to, name, count, operation=None, pids=(), in_flight=64, first=0):
    """Questions to a resolver; see ask.c."""
    return _run([BUILD / "tests/bench/ask", *_options({"o": operation, "j": in_flight, "f": first}),
                 *_pids(pids), to, name, count])


def get(url, count):
    """A page by libcurl alone; see get.c."""
    return _run([BUILD / "tests/bench/get", url, count])


def load(url, count, body=None, expected=None, tls=None, pids=(), in_flight=64, modulus=None,
         h2=False):
    """Requests to a server; see load.c. tls is (CA, certificate, key).

    Lists of two as body and expected are for every other request.
    """
    ca, certificate, key = tls or (None, None, None)
    return _run([BUILD / "tests/bench/load", *_options({
        "j": in_flight, "m": modulus, "b": body, "e": expected, "a": ca, "c": certificate,
        "k": key}), *(["-2"] if h2 else []), *_pids(pids), url, count])


def cpu_us(result, pids=None):
    """CPU time per request of these processes, of all that were watched without any."""
    return sum(us for pid, us in result["cpu_us"].items()
               if pids is None or int(pid) in pids) / result["count"]


def tree(pid):
    """The process and all below it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def named(pids, start):
    """Those whose name begins so."""
    return [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text().startswith(start)]


def memory_mb(pid):
    """(RSS, PSS): all of its resident pages, and those with shared ones divided."""
    fields = dict(line.split(":", 1) for line in
                  Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return tuple(int(fields[key].split()[0]) / 1024 for key in ("Rss", "Pss"))


def together_mb(pids):
    """(RSS, PSS) of processes together; RSS has what they share more than once."""
    return tuple(map(sum, zip(*map(memory_mb, pids))))


class PeakMemory:
    """The highest (RSS, PSS) of processes together while the context lasts."""

    def __init__(self, *pids):
        self.pids = pids
        self.peak = (0, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self._over.wait(0.05):
            self.peak = max(self.peak, together_mb(self.pids))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def wait_for(check, what, timeout_s=20):
    """Until check() neither raises OSError nor returns false."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            if check():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"{what} does not start")
        time.sleep(0.02)
