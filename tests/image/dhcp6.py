#!/usr/bin/python3
"""A DHCPv6 server for one guest (RFC 8415), on one interface.

    dhcp6.py INTERFACE ADDRESS
"""

import ipaddress
import socket
import struct
import sys

SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, INFORMATION = 1, 2, 3, 4, 5, 6, 7, 11
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS = 1, 2, 3, 5
LIFETIME_S = 3600
OWN_ID = struct.pack("!HH6s", 3, 1, b"\x02\0\0\0\0\1")
EVERY_SERVER = "ff02::1:2"


def options(octets):
    """{code: value} of a message's options."""
    found = {}
    while len(octets) >= 4:
        code, length = struct.unpack_from("!HH", octets)
        found[code] = octets[4:4 + length]
        octets = octets[4 + length:]
    return found


def option(code, value):
    return struct.pack("!HH", code, len(value)) + value


def reply(message, address):
    """The reply to a message, or None."""
    asked = options(message[4:])
    if len(message) < 4 or CLIENT_ID not in asked or asked.get(SERVER_ID, OWN_ID) != OWN_ID:
        return None
    if message[0] not in (SOLICIT, REQUEST, CONFIRM, RENEW, REBIND, INFORMATION):
        return None
    kind = ADVERTISE if message[0] == SOLICIT else REPLY
    answer = bytes((kind,)) + message[1:4] + option(CLIENT_ID, asked[CLIENT_ID]) + \
        option(SERVER_ID, OWN_ID)
    if IA_NA in asked:
        given = ipaddress.ip_address(address).packed + struct.pack("!II", LIFETIME_S, LIFETIME_S)
        answer += option(IA_NA, asked[IA_NA][:4] + struct.pack("!II", 0, 0) +
                         option(IA_ADDRESS, given))
    return answer


def main(interface, address):
    link = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    link.bind(("::", 547))
    link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                    socket.inet_pton(socket.AF_INET6, EVERY_SERVER) +
                    struct.pack("@I", socket.if_nametoindex(interface)))
    while True:
        message, source = link.recvfrom(2048)
        if answer := reply(message, address):
            link.sendto(answer, source)


if __name__ == "__main__":
    main(*sys.argv[1:])
