"""Waiting until every server of the world answers."""

import socket
import time

import dns.exception
import dns.flags
import dns.message
import dns.query

from . import addresses, zonefiles, zones

TIMEOUT_S = 20
TRY_S = 0.25


def wait(servers, web):
    """Returns once all answer; raises if one ends, stays silent or lacks a zone.

    web is the file that the web servers make when all of them listen.
    """
    end = time.monotonic() + TIMEOUT_S
    for zone in zones.ZONES:
        if zone.server != "hostile":
            _wait_zone(zone, servers, end)
    _until(_control_answers, "the hostile server does not start", servers, end)
    _until(web.exists, "the web servers do not start", servers, end)


def _until(true, otherwise, servers, end):
    while not true():
        servers.check()
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.02)


def _wait_zone(zone, servers, end):
    """One address a family is enough: the zone is loaded once for all."""
    query = dns.message.make_query(zonefiles.absolute(zone.name), "SOA")
    for address in zones.servers(zone)[0][1:]:
        while True:
            servers.check()
            try:
                reply = dns.query.udp(query, address, timeout=TRY_S)
                break
            except (dns.exception.DNSException, OSError):
                if time.monotonic() > end:
                    raise RuntimeError(f"{address} does not answer for {zone.name}") from None
                time.sleep(0.02)
        if not reply.flags & dns.flags.AA or not reply.answer:
            raise RuntimeError(f"{address} does not serve {zone.name}\n"
                               + servers.last_lines(f"nsd-{zone.server}"))


def _control_answers():
    try:
        socket.create_connection(addresses.CONTROL, TRY_S).close()
        return True
    except OSError:
        return False
