"""All processes together: six perspectives with an Unbound each, a coordinator, mTLS throughout."""

import os
from pathlib import Path

from . import resolvers, tools

REQUESTS = 3000
ROUNDS = 3
EMPTY = 20000
ROWS = (
    # name, what, target in us, reported throughput
    ("n%d.bench.zz", "CAA at the name, nothing signed", 750, True),
    ("n%d.bench.com", "CAA at the name, under com", 750, True),
    ("a.b.c.n%d.bench-none.zz", "six labels, none, nothing signed", 1500, False),
    ("a.b.c.n%d.bench-none.com", "six labels, none, under com", 1500, False),
    ("n%d.bench-signed.org", "CAA at the name, signed", None, False),
)
# Ed25519 over each of six results.
ROWS_RESULTS_SIGNED = (
    ("n%d.bench.com", "CAA at the name, under com, results signed", 750, True),
)


def run(bench):
    bench.figure("together", _together)


def _together(bench):
    with resolvers.Resolver(bench, module=False) as resolver:
        plain = resolver.cpu("bench.zz", 4000)
    for options, rows in (((), ROWS), (("--sign",), ROWS_RESULTS_SIGNED)):
        _fleet(bench, 6 * plain, options, rows)


def _fleet(bench, plain, options, rows):
    with bench.fleet(*options) as fleet:
        found = parts(fleet)
        pids = [pid for each in found.values() for pid in each]
        servers = tools.named(tools.tree(int(
            Path(os.environ["MPIC_WORLD"], "pid").read_text())), "nsd: ")
        empty = tools.load(fleet.url + "/healthz", EMPTY, tls=fleet.tls_caller)
        for name, what, target, throughput in rows:
            results = [tools.load(fleet.url + "/mpic", REQUESTS, tools.caa_body(name),
                                  '"is_valid":true', fleet.tls_caller, pids + servers,
                                  modulus=5000) for _ in range(ROUNDS)]
            _report(bench, what, results, found, servers, plain, target)
            if throughput:
                bench.report.add(f"together: requests a second, {what} (base: /healthz)",
                                 tools.median(r["per_s"] for r in results), "/s",
                                 empty["per_s"], 1800, least=True)


def _report(bench, what, results, found, servers, plain, target):
    """Medians; the parts' shares are those of the median run."""
    ours = [pid for pids in found.values() for pid in pids]
    result = sorted(results, key=lambda r: tools.cpu_us(r, ours))[len(results) // 2]
    bench.report.add(f"together: CPU, {what} (base: 6 plain lookups)",
                     tools.cpu_us(result, ours), "us", plain, target)
    shares = {part: tools.cpu_us(result, pids) for part, pids in found.items()}
    shares["name servers"] = tools.cpu_us(result, servers)
    shares["load generator"] = result["own_cpu_us"] / result["count"]
    bench.report.note("of which " + ", ".join(f"{part} {us:.0f}" for part, us in shares.items()) +
                      f"; median {result['p50_us'] / 1000:.1f} ms")


def parts(fleet):
    """The processes by program; name servers and the load generator are not ours."""
    perspectives = fleet.parts["perspectives"]
    return {
        "unbound": [pid for p in perspectives for pid in tools.tree(p["unbound_pid"])],
        "httpcheck": [pid for p in perspectives for pid in tools.tree(p["httpcheck_pid"])],
        "coordinator": tools.tree(fleet.parts["coordinator"]["pid"]),
    }
