"""A whole fleet with half the targets failing, then with one of its perspectives hanging as well."""

import contextlib
import os
import signal

from . import tools, whole

# in flight, requests, over HTTP/2
ROWS = ((1, 400, False), (64, 4000, False), (1000, 6000, True))
BODIES = [tools.caa_body("n%d.bench.com"), tools.caa_body("n%d.bench.com", "other.example")]
EXPECTED = ['"is_valid":true', '"is_valid":false']
# How much later half the requests may be answered than without the perspective that hangs: what
# two cores shared with a stopped process's full sockets wobble by.
ALLOWANCE = 1.15


def run(bench):
    bench.figure("under load", _under_load)


@contextlib.contextmanager
def _stopped(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def _under_load(bench):
    """Nobody is awaited once the verdict is certain, so that only the hanging one is missing."""
    with bench.fleet("--set", "linger_ms=0") as fleet:
        hanging = tools.tree(fleet.parts["perspectives"][-1]["httpcheck_pid"])
        ours = [pid for pids in whole.parts(fleet).values() for pid in pids]
        for in_flight, count, h2 in ROWS:
            usual = _measure(fleet, in_flight, count, h2, ours)
            with _stopped(hanging):
                hung = _measure(fleet, in_flight, count, h2, ours)
            what = f"half failing, {in_flight} in flight"
            _report(bench, what, usual, hung, ours)


def _measure(fleet, in_flight, count, h2, pids):
    return tools.load(fleet.url + "/mpic", count, BODIES, EXPECTED, fleet.tls_caller, pids,
                      in_flight, 5000, h2)


def _report(bench, what, usual, hung, ours):
    report = bench.report
    report.add(f"under load: requests a second, {what}", usual["per_s"], "/s")
    report.add("under load: the same, one perspective hanging (base: none)", hung["per_s"], "/s",
               usual["per_s"])
    report.add(f"under load: CPU, {what}", tools.cpu_us(usual, ours), "us")
    report.add("under load: the same, one perspective hanging (base: none)",
               tools.cpu_us(hung, ours), "us", tools.cpu_us(usual, ours))
    report.add(f"under load: median latency, {what}, one perspective hanging (base: none)",
               hung["p50_us"] / 1000, "ms", usual["p50_us"] / 1000,
               ALLOWANCE * usual["p50_us"] / 1000)
