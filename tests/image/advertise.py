#!/usr/bin/python3
"""Advertises a router and its /64 on one interface (RFC 4861), every two seconds.

As the clouds do it, addresses are not for the guest to make up: DHCPv6 has them.

    advertise.py INTERFACE PREFIX
"""

import ipaddress
import socket
import struct
import sys
import time

ADVERTISEMENT = 134
MANAGED = ON_LINK = 0x80
LIFETIME_S = 1800
EVERY_S = 2


def advertisement(prefix):
    network = ipaddress.ip_network(prefix)
    return (struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 64, MANAGED, LIFETIME_S, 0, 0) +
            struct.pack("!BBBBIII", 3, 4, network.prefixlen, ON_LINK, 2 * LIFETIME_S,
                        LIFETIME_S, 0) + network.network_address.packed)


def main(interface, prefix):
    link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    everybody = ("ff02::1", 0, 0, socket.if_nametoindex(interface))
    while True:
        try:
            link.sendto(advertisement(prefix), everybody)
        except OSError:
            pass    # nobody is at the other end yet
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
