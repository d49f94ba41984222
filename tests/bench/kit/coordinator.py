"""mpic-coordinator by itself: six perspectives that answer without working."""

import json
import secrets
import ssl
import urllib.request

from minifleet import configs, pki

from . import tools

REQUESTS = 6000
SLOW_MS = (50, 50, 50, 50, 50, 60)
HELD = 1000
PERSPECTIVES = 6


def run(bench):
    for name, measure in (("CPU", _cpu), ("latency", _latency), ("memory", _memory)):
        bench.figure(f"coordinator: {name}", measure)


class StandIns:
    """A coordinator with six perspectives that answer after the given times."""

    def __init__(self, bench, delays_ms, **options):
        self.bench = bench
        folder = bench.folder("coordinator")
        authority = pki.Authority(folder + "/pki")
        places = [configs.Perspective(code, address, folder, ()) for code, address in
                  zip(configs.CODES, configs.free_block(PERSPECTIVES + 1))]
        self.names = ["coordinator"]
        own = authority.issue("coordinator", pki.COORDINATOR, "127.0.0.1")
        caller = authority.issue("caller", pki.CALLER, "127.0.0.1")
        self.tls = (authority.certificate, caller.certificate, caller.key)
        self.tls_coordinator = (authority.certificate, own.certificate, own.key)
        self.places = places[:PERSPECTIVES]
        for place, delay_ms in zip(self.places, delays_ms):
            self._start_perspective(place, delay_ms, authority, folder)
        secret = f"{folder}/secret"
        with open(secret, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        config = configs.write_coordinator(
            f"{folder}/coordinator.yaml", "127.0.0.1:8070", False, own, authority, pki.CALLER,
            self.places, {"cohort_secret_file": secret,
                          "regions_file": str(tools.TOP / "conf/regions.yaml"),
                          "policy_file": str(tools.TOP / "conf/policy/cabf-tls.yaml"), **options})
        self.pid = bench.start("coordinator", [tools.BUILD / "mpic-coordinator", "-c", config])
        self.url = "https://127.0.0.1:8070"

    def _start_perspective(self, place, delay_ms, authority, folder):
        own = authority.issue(place.name, pki.PERSPECTIVE + place.code, place.address)
        result = f"{folder}/{place.name}.json"
        with open(result, "w", encoding="utf-8") as file:
            file.write(_sample(self.bench).replace("@CODE@", place.code))
        self.names.append(place.name)
        self.bench.start(place.name, [
            tools.BUILD / "tests/bench/perspective", "-d", delay_ms, "-a", authority.certificate,
            "-c", own.certificate, "-k", own.key, "-r", result,
            f"{place.address}:{configs.HTTPCHECK_PORT}"])

    def __enter__(self):
        tools.wait_for(lambda: _ready(self), "mpic-coordinator")
        self.worker = tools.tree(self.pid)[-1]
        return self

    def __exit__(self, *_):
        self.bench.stop(*self.names)

    def check(self, count, **more):
        """Requests from many connections; all must be corroborated."""
        return tools.load(self.url + "/mpic", count, tools.caa_body("n%d.bench.zz"),
                          '"is_valid":true', self.tls, **more)


def _ready(standins):
    try:
        return standins.check(1, in_flight=1)["count"] == 1
    except RuntimeError:
        return False


def _sample(bench):
    """A real perspective's result, with marks for the nonce and the code."""
    if bench.sample is None:
        with bench.fleet() as fleet:
            one = fleet.parts["perspectives"][0]
            ca, certificate, key = fleet.tls_coordinator
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(certificate, key)
            request = urllib.request.Request(
                one["url"] + "/caa", tools.caa_body("n1.bench.zz", nonce="@NONCE@").encode(),
                {"Content-Type": "application/json"})
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                 urllib.request.HTTPSHandler(context=context))
            with opener.open(request) as reply:
                text = reply.read().decode()
        assert json.loads(text)["nonce"] == "@NONCE@"
        named = '"domain_or_ip_target":"%s"'
        assert text.count(named % "n1.bench.zz") == 1
        bench.sample = text.replace(one["code"], "@CODE@").replace(named % "n1.bench.zz",
                                                                   named % "@TARGET@")
    return bench.sample


def _cpu(bench):
    with StandIns(bench, [0] * PERSPECTIVES) as s:
        pids = tools.tree(s.pid)
        empty = tools.cpu_us(tools.load(s.url + "/healthz", REQUESTS, tls=s.tls, pids=pids))
        result = s.check(REQUESTS, pids=pids)
        bench.report.add("coordinator: CPU a request, six perspectives (base: /healthz)",
                         tools.cpu_us(result), "us", empty, 250)


def _latency(bench):
    """One perspective is the slowest beyond doubt; it is asked directly for comparison.

    Requests that are in flight together end together, each waiting for the others' work; the
    target is for one that comes alone.
    """
    with StandIns(bench, SLOW_MS) as s:
        for in_flight, what, count in ((1, "one at a time", 60), (8, "8 in step", 400)):
            slow = tools.load(s.places[-1].url + "/caa", count, tools.caa_body("n%d.bench.zz"),
                              '"check_passed":true', s.tls_coordinator, in_flight=in_flight)
            slow_ms = slow["p50_us"] / 1000
            through_ms = s.check(count, in_flight=in_flight)["p50_us"] / 1000
            bench.report.add(f"coordinator: median latency, {what} (base: slowest perspective)",
                             through_ms, "ms", slow_ms, slow_ms + 1 if in_flight == 1 else None)


def _memory(bench):
    """Callers over HTTP/2; over HTTP/1.1 each request in flight has a TLS connection, too."""
    for h2, over, target in ((True, "", 40), (False, ", callers over HTTP/1.1", None)):
        with StandIns(bench, [500] * PERSPECTIVES) as s:
            idle = tools.memory_mb(s.worker)
            with tools.PeakMemory(s.worker) as memory:
                s.check(HELD, in_flight=HELD, h2=h2)
        bench.report.add(f"coordinator: RSS, 1,000 in flight{over} (base: idle)", memory.peak[0],
                         "MB", idle[0], target)
        bench.report.add("coordinator: the same, PSS", memory.peak[1], "MB", idle[1])
