"""Power that fails: QEMU is killed, with whatever the guest had not written yet."""

import os
import random
import time

import pytest

from images import STATE

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


@pytest.mark.expected(25)
def test_a_state_that_cannot_be_used_is_done_without(boot, document, image, tmp_path):
    """Memory is in its place; the console says why, and /identity that it is so."""
    disk = image.copy(tmp_path / "stateless.raw")
    with open(disk, "r+b") as file:
        file.seek(image.partition(STATE)[0])
        file.write(bytes(65536))
    appliance = boot(document, image=disk)
    appliance.wait_ready()
    appliance.wait_for("cannot mount /dev/vda4 at /state: Invalid argument", 10)
    appliance.wait_for("the state partition cannot be used; going on without it", 10)
    notices = appliance.client.ask("/identity").json["notices"]
    assert any("the state partition cannot be used" in notice for notice in notices)
