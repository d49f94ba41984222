"""Two minutes of every kind of check, a tenth of them at hostile servers; longer by `make soak`.

Rounds of checks, every third of them the same, each followed by a rest in which nothing is under
way: then processes hold what they hold for good. In the first half of the rounds the fetcher is
killed; the second half must not add to anything.
"""

import os
import time
from collections import Counter

import pytest

import soak
from daemons import children, until
from perspective import Perspective

SECONDS = float(os.environ.get("MPIC_SOAK_S", "120"))
ROUND_S = 14          # of sending
RATE, COORDINATOR_RATE = 40, 3
ROUNDS = max(4, round(SECONDS / (ROUND_S + 5)))
GROWTH_KB = 512
PARTS = ("perspective's worker", "its fetcher", "coordinator's worker")


@pytest.fixture
def perspective(build_dir, unbound_prefix, world, tmp_path):
    with Perspective(build_dir, unbound_prefix, world.trust_anchor, tmp_path / "soak") as running:
        running.start_unbound()
        yield running


class Run:
    """The daemons, what was asked of them, and what they held at each rest."""

    def __init__(self, perspective, coordinators):
        self.daemon, self.client = perspective.start(workers=1)
        self.coordinator, self.caller = coordinators.start(workers=1)
        self.direct, self.through, self.kills_s = [], [], []
        self.rests = []

    def round(self, number, kills):
        direct = soak.Load(lambda case: soak.ask_perspective(self.client, case), RATE)
        through = soak.Load(lambda case: soak.ask_coordinator(self.caller, case),
                            COORDINATOR_RATE)
        cases = soak.mixed(RATE * ROUND_S, number % 3)
        half = len(cases) // 2
        other = through.pool.submit(through.send, soak.mixed(
            COORDINATOR_RATE * ROUND_S, number % 3, soak.DOMAIN_CASES))
        direct.send(cases[:half])
        if kills:
            self.kills_s.append(soak.kill_fetcher(self.daemon))
        direct.send(cases[half:])
        other.result()
        self.direct += direct.outcomes()
        self.through += through.outcomes()
        direct.pool.shutdown()
        through.pool.shutdown()
        self.rest()

    def rest(self):
        time.sleep(soak.REST_S)
        (worker,) = self.daemon.workers()
        (fetcher,) = children(worker)
        (asking,) = self.coordinator.workers()
        self.rests.append([soak.held(pid) for pid in (worker, fetcher, asking)])
        print(f"\nafter {len(self.direct)} checks and {len(self.through)} attempts: " + "; ".join(
            f"{part} {held.memory_kb} kB, {held.descriptors} descriptors"
            for part, held in zip(PARTS, self.rests[-1])), end="", flush=True)


@pytest.fixture
def soaked(perspective, coordinators):
    run = Run(perspective, coordinators)
    for number in range(ROUNDS):
        run.round(number, number < ROUNDS // 2)
    return run


def judge_growth(run):
    """After the last fetcher was killed, and its successor had a whole round to warm up."""
    first, second = (list(zip(*rests)) for rests in (run.rests[:ROUNDS // 2],
                                                     run.rests[ROUNDS // 2:]))
    for part, before, after in zip(PARTS, first, second):
        assert len({held.pid for held in after}) == 1, part
        rise_kb = soak.slope([held.memory_kb for held in after]) * (len(after) - 1)
        print(f"\n{part}: {rise_kb:+.0f} kB over {len(after) - 1} rounds", end="")
        assert rise_kb <= GROWTH_KB, part
        assert after[-1].descriptors <= max(held.descriptors for held in before), part


def judge_outcomes(run):
    """Every check is as its case says, but for those under way when a fetcher died."""
    lost = [one for one in run.direct if one.problem == "fetcher-died"]
    wrong = [one for one in run.direct if one.problem != "fetcher-died" and not one.as_expected]
    assert [(str(one.case), one.problem, one.reply.json["problem"]) for one in wrong] == []
    assert all(any(one.began_s < kill_s < one.ended_s for kill_s in run.kills_s) for one in lost)
    assert lost
    print(f"\n{len(lost)} checks were lost to {len(run.kills_s)} kills of the fetcher", end="")
    for one in run.through:
        verdict = one.reply.json["verdicts"]["dcv"]
        assert verdict["is_valid"] is (one.case.problem is None), (str(one.case), verdict)


def judge_accounts(run):
    """Sent, answered, logged and counted are the same."""
    assert all(one.reply.status == 200 for one in (*run.direct, *run.through))
    logged = until(lambda: (lines := run.daemon.lines("check")) and
                   len(lines) >= len(run.direct) and lines)
    assert len(logged) == len(run.direct)
    found = run.client.metrics()
    assert sum(found["mpic_checks_total"].values()) == len(run.direct)
    expected = soak.problems(run.direct)
    assert Counter(line["problem"] for line in logged if line["problem"]) == expected
    assert {labels.split('"')[1]: value for labels, value in found["mpic_problems_total"].items()
            if value} == expected
    assert len(run.daemon.lines("the fetcher died and is started again")) == len(run.kills_s)


def judge_attempts(run):
    """Of each request two lines, and of each perspective two results."""
    sent = len(run.through)
    assert len(run.coordinator.lines("attempt")) == 2 * sent
    found = run.caller.metrics()
    assert sum(found["mpic_answers_total"].values()) == sent
    assert sum(found["mpic_perspective_results_total"].values()) == 12 * sent


@pytest.mark.slow
def test_soak(soaked):
    judge_outcomes(soaked)
    judge_accounts(soaked)
    judge_attempts(soaked)
    judge_growth(soaked)
