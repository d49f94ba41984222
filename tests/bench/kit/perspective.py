"""mpic-httpcheck by itself: CPU a check beside an empty request, and memory under load."""

import sys

from minifleet import configs, pki

from . import tools

CHECKS = 10000
HELD = 1000


def run(bench):
    bench.figure("httpcheck: CPU", _cpu)
    bench.figure("httpcheck: memory", _memory)


def _cpu(bench):
    """Over HTTP/2, as coordinators of ours call; others come over HTTP/1.1."""
    with bench.fleet() as fleet:
        one = fleet.parts["perspectives"][0]
        tls = fleet.tls_coordinator
        pids = tools.tree(one["httpcheck_pid"])
        for h2, over, target in ((True, "", 80), (False, ", HTTP/1.1", None)):
            empty = tools.cpu_us(tools.load(one["url"] + "/healthz", CHECKS, tls=tls, pids=pids,
                                            h2=h2))
            for zone, what in (("n%d.bench.zz", "CAA at the name"),
                               ("a.b.c.n%d.bench-none.zz", "six labels, none")):
                result = tools.load(one["url"] + "/caa", CHECKS, tools.caa_body(zone),
                                    '"check_passed":true', tls, pids, modulus=5000, h2=h2)
                bench.report.add(f"httpcheck: CPU a check, {what}{over} (base: /healthz)",
                                 tools.cpu_us(result), "us", empty, target)


def _memory(bench):
    for h2, over, target in ((True, "", 20), (False, ", HTTP/1.1", None)):
        _memory_over(bench, h2, over, target)


def _memory_over(bench, h2, over, target):
    folder = bench.folder("held")
    authority = pki.Authority(folder + "/pki")
    address = configs.free_block(1)[0]
    place = configs.Perspective("bench", address, folder, ())
    own = authority.issue("bench", pki.PERSPECTIVE + "bench", address)
    caller = authority.issue("caller", pki.COORDINATOR, address)
    tls = (authority.certificate, caller.certificate, caller.key)
    bench.start("hold", [sys.executable, "-B", tools.TOP / "tests/bench/kit/hold.py", address,
                         configs.RESOLVER_PORT, 4])
    parent = bench.start("httpcheck", [tools.BUILD / "mpic-httpcheck", "-c",
                                       configs.write_httpcheck(place, own, authority,
                                                               pki.COORDINATOR)])
    try:
        tools.wait_for(lambda: _answers(place.url, tls), "mpic-httpcheck")
        _, worker, _ = tools.tree(parent)   # and the fetcher
        idle = tools.memory_mb(worker)
        with tools.PeakMemory(worker) as memory:
            tools.load(place.url + "/caa", HELD, tools.caa_body("n%d.bench.zz"),
                       None, tls, in_flight=HELD, h2=h2)
        rss, pss = memory.peak
        bench.report.add(f"httpcheck: RSS of a worker, 1,000 in flight{over} (base: idle)", rss,
                         "MB", idle[0], target)
        bench.report.add("httpcheck: the same, PSS", pss, "MB", idle[1])
    finally:
        bench.stop("httpcheck", "hold")


def _answers(url, tls):
    try:
        return tools.load(url + "/healthz", 1, tls=tls, in_flight=1)["count"] == 1
    except RuntimeError:
        return False
