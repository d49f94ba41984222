"""How long an appliance takes to become ready, measured by what no appliance can do without."""

import statistics

import pytest

import initrd
from machine import Machine

TIMES = 3
MOST = 2


def empty_s(image, folder):
    """Seconds from power-on to an empty userspace.

    Everything up to it is the image's: disk, loader, kernel and QEMU's settings.
    """
    kernel = image.unified_kernel(folder)
    initrd.emptied(kernel, initrd.empty(folder))
    disk = image.with_kernel(kernel, folder / "empty.raw")
    with Machine(disk, folder / "machine") as machine:
        machine.wait_for("empty userspace reached", 60)
        return machine.since_power_on()


def ready_s(boot, document):
    """Seconds from power-on to /readyz."""
    appliance = boot(document)
    took = appliance.wait_ready()
    boot.stack.pop_all().close()    # its cloud, too: there is one at a time
    return took


@pytest.mark.expected(130)
def test_ready_in_at_most_twice_the_time_of_an_empty_userspace(boot, document, image, tmp_path,
                                                               record_property):
    """In turns, so that what else the computer does falls on both."""
    empty, ready = [], []
    for i in range(TIMES):
        (tmp_path / f"{i}").mkdir()
        empty.append(round(empty_s(image, tmp_path / f"{i}"), 1))
        ready.append(round(ready_s(boot, document), 1))
    record_property("seconds from power-on to an empty userspace", empty)
    record_property("seconds from power-on to /readyz", ready)
    assert statistics.median(ready) <= MOST * statistics.median(empty)
