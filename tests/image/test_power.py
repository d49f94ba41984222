"""Power that fails: QEMU is killed, with whatever the guest had not written yet."""

import os
import random
import time

import pytest

CUTS = 10
IN_CHECK = 2
LATEST_S = 45


def cuts(count):
    """After how many seconds the power fails, each time; MPIC_SEED repeats a run."""
    seed = int(os.environ.get("MPIC_SEED", random.randrange(10 ** 6)))
    chosen = random.Random(seed)
    return seed, [round(chosen.uniform(1, LATEST_S), 1) for _ in range(count)]


def survive(appliance, count, record_property):
    """Cuts the power that often, the last time from a machine that serves."""
    seed, moments = cuts(count)
    record_property("MPIC_SEED", seed)
    record_property("seconds from power-on to each power cut", moments)
    took = []
    for moment in moments:
        time.sleep(max(0, moment - appliance.since_power_on()))
        appliance.power_cut()
        appliance.power_on()
        took.append(round(appliance.wait_ready(), 1))
    record_property("seconds to /readyz after each", took)
    # That the root is not IANA's is always said; that the state is lost would be said there.
    notices = appliance.client.ask("/identity").json["notices"]
    assert notices and not any("state partition" in notice for notice in notices)


@pytest.mark.in_check
@pytest.mark.expected(110)
def test_the_power_fails_twice(boot, document, record_property):
    survive(boot(document), IN_CHECK, record_property)


@pytest.mark.expected(450)
def test_the_power_fails_ten_times(boot, document, record_property):
    survive(boot(document, limit_s=900), CUTS, record_property)
