"""mpic.so: its own lookups beside plain ones, others' passing through, and a climb's round trips."""

from . import resolvers, tools
from .resolvers import Resolver

LOOKUPS = 4000
ROUNDS = 5
CACHED = 20000


def run(bench):
    bench.figure("module: lookups", _lookups)
    bench.figure("module: pass-through", _pass_through)
    bench.figure("module: climb", _climb)


def _both(bench, measure, rounds=ROUNDS):
    """Medians of measure(resolver) without and with the module, taken in turn."""
    without, with_module = [], []
    for _ in range(rounds):
        for module, found in ((False, without), (True, with_module)):
            with Resolver(bench, module) as resolver:
                found.append(measure(resolver, module))
    return tools.median(without), tools.median(with_module)


def _lookups(bench):
    for zone, what in (("bench.zz", "unsigned"), ("bench-signed.org", "signed")):
        plain, option = _both(bench, lambda r, module, zone=zone: r.cpu(
            zone, LOOKUPS, "lookup" if module else None))
        bench.report.add(f"module: option lookup, {what} zone", option, "us", plain, 1.2 * plain)
    for zone, what in (("bench.zz", "nothing signed"), ("bench.com", "unsigned under com"),
                       ("bench-signed.org", "signed")):
        plain, climb = _both(bench, lambda r, module, zone=zone: r.cpu(
            zone, LOOKUPS, "climb" if module else None), 3)
        bench.report.add(f"module: climb of three names, {what} (plain: one name)", climb, "us",
                         plain)


def _pass_through(bench):
    counted = resolvers.has_callgrind()
    limit = None if counted else 1.03
    for what, measure in (("uncached", lambda r, _: r.cpu("bench.zz", LOOKUPS)),
                          ("cached", lambda r, _: r.cpu("bench.zz", CACHED, name="warm.{}"))):
        without, with_module = _both(bench, measure)
        bench.report.add(f"module: pass-through, {what}, CPU time", with_module, "us", without,
                         limit and limit * without)
    if not counted:
        return
    for what, name in (("uncached", "n%d.bench.zz"), ("cached", "warm.bench.zz")):
        without, with_module = (_instructions(bench, module, name) for module in (False, True))
        bench.report.add(f"module: pass-through, {what}, instructions", with_module, "k", without,
                         1.03 * without)


def _instructions(bench, module, name, few=500, many=2500):
    """Thousands of instructions a question: the difference of two runs leaves start and end out."""
    counts = [resolvers.instructions(bench, module, lambda r, n=n: (
        tools.ask(r.where, "warm.bench.zz", 1, in_flight=1),
        tools.ask(r.where, name, n, in_flight=1))) for n in (few, many)]
    return (counts[1] - counts[0]) / (many - few) / 1000


def _climb(bench):
    """Each answer takes 50 ms; the plain lookup beside it is one round trip."""
    with Resolver(bench) as resolver:
        tools.ask(resolver.where, "warm.delay.com", 3, "climb", in_flight=1)
        one = tools.ask(resolver.where, "p%d.b.c.d.delay.com", 20, in_flight=1)["p50_us"]
        six = tools.ask(resolver.where, "a%d.b.c.d.delay.com", 20, "climb", in_flight=1)["p50_us"]
    bench.report.add("module: climb of six labels, 50 ms an answer", six / 1000, "ms", one / 1000,
                     1.3 * one / 1000)
