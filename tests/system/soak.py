"""What a soak is made of: checks at a steady rate, and what processes hold between its rounds."""

import concurrent.futures
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import dcv
from daemons import children
from perspective import caa_body
from test_dcv_dns import CASES as DNS_CASES
from test_dcv_tls_alpn import CASES as TLS_ALPN_CASES
from test_dcv_web import CASES as WEB_CASES

AT_ONCE = 128
REST_S = 1
# What servers do that are hostile or broken, rather than without the challenge.
HOSTILE = {"address-refused", "connection-reset", "connection-timeout", "dns-bogus", "dns-timeout",
           "http-malformed", "http-timeout", "http-too-large", "redirect-refused", "regex-limit",
           "tls-failed", "tls-timeout", "too-many-redirects"}
# Dead servers, which a resolver that knows them gives up sooner.
EITHER = {"dns-timeout": "dns-failed"}
SHARE = 10    # one in so many is hostile


@dataclass(frozen=True)
class Caa:
    """A CAA check, beside the Cases of domain control."""

    target: str
    problem: str | None = None


DCV_CASES = tuple(case for case in (*WEB_CASES, *TLS_ALPN_CASES, *DNS_CASES)
                  if case.deadline_ms <= dcv.DEADLINE_MS)
CAA_CASES = (Caa("permit.com"), Caa("deep.com"), Caa("a.b.c.d.e.deep.com"), Caa("none.com"),
             Caa("signed-permit.org"), Caa("deny.com", "caa-forbids"),
             Caa("expired.org", "dns-bogus"))
# With CAA beside it only a name that a certificate can have is checked.
DOMAIN_CASES = tuple(case for case in DCV_CASES
                     if case.target.endswith((".com", ".org")) and "_" not in case.target)


def _is_hostile(case):
    return case.problem in HOSTILE or case.target.startswith(("dead", "redirect-dead"))


def mixed(count, seed, cases=DCV_CASES + CAA_CASES):
    """So many checks in a fixed order: each of the ordinary in turn, a tenth of them hostile."""
    ordinary = [case for case in cases if not _is_hostile(case)]
    hostile = [case for case in cases if _is_hostile(case)]
    for some in (ordinary, hostile):
        random.Random(seed).shuffle(some)
    return [hostile[i // SHARE % len(hostile)] if i % SHARE == 0 else ordinary[i % len(ordinary)]
            for i in range(count)]


@dataclass
class Outcome:
    """One check: what came of it, and when it was under way."""

    case: object
    began_s: float
    ended_s: float
    reply: object

    @property
    def problem(self):
        got = self.reply.json["problem"]
        return got and got["code"]

    @property
    def as_expected(self):
        return self.problem in (self.case.problem, EITHER.get(self.case.problem,
                                                               self.case.problem))


def _timed(ask, case, began_s):
    reply = ask(case)
    return Outcome(case, began_s, time.monotonic(), reply)


def ask_perspective(client, case):
    if isinstance(case, Caa):
        return client.ask("/caa", caa_body(case.target, deadline_ms=dcv.DEADLINE_MS))
    return client.ask("/dcv", case.body)


def ask_coordinator(caller, case):
    """Both checks; the deadline is longer, as it is the coordinator's."""
    return caller.ask("/mpic", {**case.body, "check_type": "dcv_with_caa",
                                "deadline_ms": case.deadline_ms + 1000})


class Load:
    """Checks sent at a steady rate from threads, whatever becomes of earlier ones."""

    def __init__(self, ask, rate):
        self.ask = ask
        self.rate = rate
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        self.futures = []

    def send(self, cases):
        """Returns when the last was sent, not answered."""
        began_s = time.monotonic()
        for number, case in enumerate(cases):
            time.sleep(max(0, began_s + number / self.rate - time.monotonic()))
            self.futures.append(self.pool.submit(_timed, self.ask, case, time.monotonic()))

    def outcomes(self):
        """Waits for all sent since; raises what kept a check from its reply."""
        done = [future.result() for future in self.futures]
        self.futures = []
        return done


# -- processes


def kill_fetcher(daemon):
    """SIGKILL to the fetcher of its one worker; the time."""
    (worker,) = daemon.workers()
    (fetcher,) = children(worker)
    os.kill(fetcher, signal.SIGKILL)
    return time.monotonic()


@dataclass(frozen=True)
class Held:
    """What one process holds: its own memory and its descriptors."""

    pid: int
    memory_kb: int
    descriptors: int


def held(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    own = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
    return Held(pid, own, len(os.listdir(f"/proc/{pid}/fd")))


def slope(values):
    """The least squares' rise a step."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    spread = sum((i - middle) ** 2 for i in range(count))
    return sum((i - middle) * (value - mean) for i, value in enumerate(values)) / spread


def problems(outcomes):
    """{code: how many}, of those that have one."""
    return Counter(outcome.problem for outcome in outcomes if outcome.problem)
