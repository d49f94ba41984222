"""mpic.so under load: a thousand climbs at once, clients that vanish, reloads, and the end."""

import itertools
import os
import socket
import statistics
import threading
import time

import pytest

from mininet.module import Perspective, module_of, option, question

LINKS = 4
IN_FLIGHT = 1000
# Each climb of these waits for seconds, most until the resolver gives up.
STUCK = ["dead.com", "caa-dead.com", "dead-signed.org", "sub.permit.com", "short.com",
         "slow5.com", "slow1.com"]
HEALTHY = ["www.permit.com", "a.b.signed-none.org", "www.alias.com", "x.wild-dns.com"]
HEALTHY_MEDIAN_S = 0.1
HEALTHY_WORST_S = 2
IDLE_S = 90
# What one thread of Unbound keeps for reuse after so many climbs, over what it kept before.
GROWTH_KIB = 40_000
# Programs under a sanitizer are slow and keep freed memory on purpose: no figures of theirs count.
SANITIZED = bool({"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ))


@pytest.fixture(params=[1, 4], ids=["1-thread", "4-threads"])
def threads(request):
    return request.param


@pytest.fixture
def perspective(threads, world, build_dir, unbound_prefix, tmp_path):
    with Perspective(unbound_prefix, module_of(build_dir), world, tmp_path,
                     server=[f"num-threads: {threads}"]) as started:
        yield started
        assert started.stop() == 0
        assert "internal error" not in started.said() and "error: " not in started.said()


def burst(link, count, prove=True):
    """Sends count climbs of names that nobody answers."""
    for i, zone in zip(range(count), itertools.cycle(STUCK)):
        link.send(question(f"s{i}.{zone}", "CAA", option("climb", prove)))


def settle(perspective, in_flight=0, timeout_s=IDLE_S):
    """Waits until the module has no more than so many sub-queries; the last count."""
    end = time.monotonic() + timeout_s
    while (now := perspective.stats()["in_flight"]) > in_flight and time.monotonic() < end:
        time.sleep(0.2)
    return now


def healthy_times(perspective, seconds):
    """What healthy climbs took, asked one after the other on connections of their own."""
    took, end = [], time.monotonic() + seconds
    for name in itertools.cycle(HEALTHY):
        started = time.monotonic()
        reply = perspective.climb(name)
        took.append(time.monotonic() - started)
        assert reply.rcode == "NOERROR", name
        if time.monotonic() > end:
            return took


@pytest.mark.slow
def test_healthy_names_answer_while_a_thousand_are_stuck(perspective):
    links = [perspective.link(timeout=300) for _ in range(LINKS)]
    for link in links:
        burst(link, IN_FLIGHT // LINKS)
    took = healthy_times(perspective, 3)
    assert perspective.stats()["in_flight"] > IN_FLIGHT / 2
    assert SANITIZED or (statistics.median(took) < HEALTHY_MEDIAN_S
                         and max(took) < HEALTHY_WORST_S), sorted(took)[-5:]
    for link in links:
        link.close()


@pytest.mark.slow
def test_every_climb_of_a_thousand_is_answered(perspective):
    """Each once, with its own evidence, whatever the order."""
    names = [f"s{i}.{zone}" for i, zone in zip(range(IN_FLIGHT), itertools.cycle(
        ["dead.com", "servfail.com", "refused.permit.com", "permit.com", "signed-permit.org"]))]
    links = [perspective.link(timeout=120) for _ in range(LINKS)]
    ids = [{link.send(question(name, "CAA", option("climb"))): name for name in names[i::LINKS]}
           for i, link in enumerate(links)]
    for link, sent in zip(links, ids):
        while sent:
            reply = link.receive()
            name = sent.pop(reply.message.id)
            assert reply.lookups[0]["name"] == name
            good = name.endswith("t.org") or name.split(".", 1)[1] == "permit.com"
            assert (reply.found is not None) == good, name
        link.close()
    assert settle(perspective) == 0


@pytest.mark.slow
def test_clients_that_vanish_leave_nothing(perspective, threads):
    """Which thread gets a connection is chance: each grows once, to what it keeps for reuse."""
    sizes = []
    for _ in range(3):
        links = [perspective.link() for _ in range(LINKS)]
        for link in links:
            burst(link, IN_FLIGHT // LINKS, prove=False)
        assert perspective.stats()["in_flight"] > 0
        for link in links:
            link.close()
        assert settle(perspective) == 0
        sizes.append(perspective.rss_kib())
    assert perspective.climb("permit.com").found
    assert SANITIZED or sizes[-1] - sizes[0] < GROWTH_KIB * threads, sizes


@pytest.mark.slow
def test_reload_under_load(perspective):
    """Lookups in flight are dropped with their connections; new ones are answered."""
    stop = threading.Event()
    failures = []

    def load():
        while not stop.is_set():
            try:
                with perspective.link(timeout=10) as link:
                    burst(link, 100)
                    for name in HEALTHY * 5:
                        link.send(question(name, "CAA", option("climb")))
                    for _ in HEALTHY * 5:
                        link.receive()
            except (OSError, EOFError):
                time.sleep(0.01)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
                return

    loaders = [threading.Thread(target=load) for _ in range(3)]
    for loader in loaders:
        loader.start()
    for _ in range(15):
        time.sleep(0.3)
        assert perspective.control("reload").strip() == "ok"
    stop.set()
    for loader in loaders:
        loader.join()
    assert not failures
    assert perspective.process.poll() is None
    end = time.monotonic() + 10
    while not perspective.is_ready():
        assert time.monotonic() < end
    assert perspective.climb("host.permit.com").found


def test_end_under_load(perspective):
    links = [perspective.link() for _ in range(LINKS)]
    for link in links:
        burst(link, IN_FLIGHT // LINKS)
    assert perspective.climb("permit.com").found
    started = time.monotonic()
    assert perspective.stop() == 0 and time.monotonic() < started + 10


def test_one_name_from_a_hundred_clients(perspective):
    links = [perspective.link() for _ in range(100)]
    for link in links:
        link.send(question("a.b.delay-permit.com", "CAA", option("climb")))
    for link in links:
        assert link.receive().found["name"] == "delay-permit.com"
        link.close()
    assert settle(perspective) == 0


@pytest.mark.slow
def test_clients_that_close_at_every_moment(perspective):
    """Before the first sub-query runs, between answers, within the walk."""
    perspective.climb("a.b.c.delay-permit.com")
    for i in range(200):
        link = perspective.link()
        burst(link, 3)
        for name in ("a.b.c.delay-permit.com", "x.refused.com", "permit.com"):
            link.send(question(name, "CAA", option("climb", True)))
        time.sleep(i * 0.0005)
        link.close()
    assert perspective.climb("host.permit.com").found
    assert settle(perspective) == 0


@pytest.fixture
def small(world, build_dir, unbound_prefix, tmp_path):
    """One that is out of room at once: eight queries a thread, jostled when new ones come."""
    with Perspective(unbound_prefix, module_of(build_dir), world, tmp_path, port=5455,
                     server=["num-queries-per-thread: 8", "jostle-timeout: 1"]) as started:
        yield started
        assert started.stop() == 0


@pytest.mark.slow
def test_jostled_queries(small):
    """Unbound deletes such states in mid-flight, their sub-queries go on alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        for i, zone in zip(range(300), itertools.cycle(STUCK)):
            query = question(f"j{i}.{zone}", "CAA", option("climb", True))
            flood.sendto(query.to_wire(), (small.address, small.port))
            time.sleep(0.005)
    end = time.monotonic() + IDLE_S
    while not small.is_ready():
        assert time.monotonic() < end
    assert int(small.control("stats_noreset").split("total.requestlist.overwritten=")[1]
               .split()[0]) > 100
    assert settle(small) == 0
    assert small.climb("permit.com").found


def test_subs_that_fail_at_once(world, build_dir, unbound_prefix, tmp_path):
    """No packet may be sent at all: each sub-query is over before the climb waits for it."""
    with Perspective(unbound_prefix, module_of(build_dir), world, tmp_path, port=5455,
                     server=["do-not-query-address: 0.0.0.0/0",
                             "do-not-query-address: ::/0"]) as cut_off:
        reply = cut_off.climb("a." * 38 + "permit.com", prove=True)
        assert reply.rcode == "SERVFAIL"
        for lookup in reply.lookups:
            assert lookup["outcome"] == "failed" and lookup["tries_sent"] == 0
            assert lookup["insecurity"]["proven"] is False, "nothing was sent, nothing is proven"
        assert cut_off.stats()["in_flight"] == 0


def test_the_most_labels(world, build_dir, unbound_prefix, tmp_path):
    """Each of 126 names fails, is asked again and walked: within Unbound's limit of activations."""
    name = "x." * 115 + "refused.permit.com"
    with Perspective(unbound_prefix, module_of(build_dir), world, tmp_path, port=5455,
                     settings=["max-names: 127"]) as deep:
        reply = deep.climb(name, prove=True)
        assert reply.rcode == "SERVFAIL" and reply.evidence is not None
        assert deep.climb("y." * 126 + "z").rcode == "NOERROR"
        assert "looping module" not in deep.said()
        assert deep.stats()["in_flight"] == 0
