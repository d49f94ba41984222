"""Domain control validation by one mpic-httpcheck: CPU of all its processes, memory of two.

Web servers are web.c at addresses of the mini-Internet where nothing else runs.
"""

from mininet import addresses, challenge, webhosts

from . import tools

CHECKS = 4000
SLOW_CHECKS = 1000    # of the mini-Internet's own TLS server, which is in Python
ROUNDS = 3
HELD = 2000
HELD_MS = 4000
# Failing beside passing: rounds, as often as each case comes first in one.
TURNS = 30
TURN_CHECKS = 1000
NOISE = 1.04    # thrice what the ratio of passing to passing strays by on a busy machine

RIGHT = {"token": challenge.TOKEN, "key_authorization": challenge.KEY_AUTHORIZATION}
GOOD, MISSING, WRONG, LATE = (f"client{i}.{webhosts.ZONE}" for i in range(4))
# What fails: the target, what it is, the code of the problem.
FAILING = ((f"refused.{webhosts.ZONE}", "two refusing addresses", "connection-refused"),
           (MISSING, "404", "http-status"),
           (f"nowhere.{webhosts.ZONE}", "NXDOMAIN", "no-address"),
           (WRONG, "another token", "no-match"))


def run(bench):
    bench.figure("dcv: CPU", _cpu)
    bench.figure("dcv: memory", _memory)


class Checks:
    """Checks by the first perspective of a fleet."""

    def __init__(self, fleet):
        self.one = fleet.parts["perspectives"][0]
        self.tls = fleet.tls_coordinator
        self.pids = tools.tree(self.one["httpcheck_pid"])
        _, self.worker, self.fetcher = self.pids

    def load(self, count, body, expected='"check_passed":true', **more):
        return tools.load(self.one["url"] + "/dcv", count, body, expected, self.tls, self.pids,
                          h2=True, **more)

    def empty_us(self):
        return tools.cpu_us(tools.load(self.one["url"] + "/healthz", CHECKS, tls=self.tls,
                                       pids=self.pids, h2=True))

    def cpu(self, body, expected='"check_passed":true', count=CHECKS):
        """The median run of some."""
        return sorted((self.load(count, body, expected) for _ in range(ROUNDS)),
                      key=tools.cpu_us)[ROUNDS // 2]


def _serve(bench, host, *options):
    """A web server at both addresses of a host; gives the URL of its IPv6 one."""
    ipv4, ipv6 = webhosts.CLIENTS[host.split(".", 1)[0]]
    bench.start(f"web-{host}", [tools.BUILD / "tests/bench/web", *options, f"{ipv4}:80",
                                f"[{ipv6}]:80"])
    return f"http://[{ipv6}]{challenge.ACME_PATH}"


def _http01(target):
    return tools.dcv_body(target, "acme-http-01", **RIGHT)


def _cpu(bench):
    url = _serve(bench, GOOD, "-b", challenge.KEY_AUTHORIZATION)
    _serve(bench, MISSING, "-s", 404, "-b", challenge.KEY_AUTHORIZATION)
    _serve(bench, WRONG, "-b", challenge.KEY_AUTHORIZATION[:-1] + "_")
    with bench.fleet() as fleet:
        checks = Checks(fleet)
        page_us = _median(lambda: _own_us(tools.get(url, CHECKS)))
        _web(bench, checks, page_us)
        _tls_alpn(bench, checks)
        _dns(bench, checks)
        _failing(bench, checks)


def _own_us(result):
    return result["own_cpu_us"] / result["count"]


def _median(measure):
    return tools.median(measure() for _ in range(ROUNDS))


def _web(bench, checks, page_us):
    result = checks.cpu(_http01(GOOD))
    bench.report.add("dcv: CPU a check, http-01 (base: a page by libcurl)", tools.cpu_us(result),
                     "us", page_us, 180)
    bench.report.note(f"of which worker {tools.cpu_us(result, [checks.worker]):.0f}, fetcher "
                      f"{tools.cpu_us(result, [checks.fetcher]):.0f}; {result['per_s']:.0f}/s")
    website = tools.dcv_body(GOOD, "website-change", http_token_path="value.txt",
                             challenge_value=challenge.KEY_AUTHORIZATION)
    bench.report.add("dcv: CPU a check, website-change (base: the same)",
                     tools.cpu_us(checks.cpu(website)), "us", page_us)


def _failing(bench, checks):
    """Whoever fails costs no more than who passes.

    The replies of the failing servers are as long as the passing one's and end the connection as
    it does. In a round each has its turn, in another order each time, so that the machine's moods
    and what went before are the same to all. A ratio is the median of those of the rounds. Passing
    checks have two turns a round: how these differ is noise.
    """
    cases = [(GOOD, '"check_passed":true'), *((t, f'"code":"{code}"') for t, _, code in FAILING),
             (GOOD, '"check_passed":true')]
    rounds = []
    for first in range(TURNS):
        costs = [None] * len(cases)
        for turn in range(len(cases)):
            case = (first + turn) % len(cases)
            target, expected = cases[case]
            costs[case] = tools.cpu_us(checks.load(TURN_CHECKS, _http01(target), expected))
        rounds.append(costs)
    passing_us = tools.median(us for costs in rounds for us in (costs[0], costs[-1]))
    for case, (_, what, _) in enumerate(FAILING, 1):
        ratio = tools.median(2 * costs[case] / (costs[0] + costs[-1]) for costs in rounds)
        bench.report.add(f"dcv: CPU, http-01, {what} (base: passing)", ratio * passing_us, "us",
                         passing_us, NOISE * passing_us)
    again = tools.median(costs[-1] / costs[0] for costs in rounds)
    bench.report.note(f"passing to passing in the same rounds: {again:.3f}")


def _tls_alpn(bench, checks):
    address = webhosts.published(webhosts.BY_NAME["page"], 6)[0]
    page = tools.get(f"https://[{address}]{challenge.ACME_PATH}", SLOW_CHECKS)
    body = tools.dcv_body(f"alpn.{webhosts.ZONE}", "acme-tls-alpn-01",
                          key_authorization_hash=challenge.KEY_HASH.hex())
    result = checks.cpu(body, count=SLOW_CHECKS)
    bench.report.add("dcv: CPU a check, tls-alpn-01 (base: an https page by libcurl)",
                     tools.cpu_us(result), "us", _own_us(page))


def _dns(bench, checks):
    body = tools.dcv_body("exact.dcv.com", "acme-dns-01",
                          key_authorization_hash=challenge.DIGEST)
    bench.report.add("dcv: CPU a check, dns-01 (base: /healthz)", tools.cpu_us(checks.cpu(body)),
                     "us", _median(checks.empty_us), 70)


def _memory(bench):
    """The target is for PSS: at rest RSS is libraries, which every process has in common."""
    _serve(bench, LATE, "-d", HELD_MS, "-b", challenge.KEY_AUTHORIZATION)
    with bench.fleet("--set", f"httpcheck.max_in_flight={HELD + 100}") as fleet:
        checks = Checks(fleet)
        two = (checks.worker, checks.fetcher)
        idle = tools.together_mb(two)
        with tools.PeakMemory(*two) as memory:
            result = checks.load(HELD, _http01(LATE), in_flight=HELD)
        rss, pss = memory.peak
        bench.report.add("dcv: PSS, 2,000 on slow servers, worker + fetcher (base: idle)", pss,
                         "MB", idle[1], 60)
        bench.report.add("dcv: the same, RSS", rss, "MB", idle[0])
        bench.report.note(f"waits of {HELD_MS} ms took {result['p50_us'] / 1000:.0f} ms, "
                          f"{result['max_us'] / 1000:.0f} ms at most")
