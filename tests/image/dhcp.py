#!/usr/bin/python3
"""A DHCP server for one guest (RFC 2131), on one interface.

    dhcp.py INTERFACE ADDRESS/BITS GATEWAY NAMESERVER

Whoever asks gets ADDRESS. What is sent goes to everybody on the link: the guest has no address to
which anything could be sent.
"""

import ipaddress
import socket
import struct
import sys

DISCOVER, OFFER, REQUEST, ACK, NAK, INFORM = 1, 2, 3, 5, 6, 8
MASK, ROUTER, DNS, LEASE, KIND, SERVER, REQUESTED = 1, 3, 6, 51, 53, 54, 50
COOKIE = b"\x63\x82\x53\x63"
LEASE_S = 3600
HEAD = struct.Struct("!4BIHH4s4s4s4s16s192s4s")


def options(octets):
    """{code: value} of a message's options."""
    found = {}
    while octets and octets[0] != 255:
        if octets[0] == 0:
            octets = octets[1:]
            continue
        length = octets[1]
        found[octets[0]] = octets[2:2 + length]
        octets = octets[2 + length:]
    return found


def option(code, value):
    return bytes((code, len(value))) + value


class Server:
    def __init__(self, interface, address, gateway, nameserver):
        self.own = ipaddress.ip_address(gateway).packed
        self.guest = ipaddress.ip_interface(address)
        self.lease = b"".join((
            option(SERVER, self.own), option(LEASE, struct.pack("!I", LEASE_S)),
            option(MASK, self.guest.netmask.packed), option(ROUTER, self.own),
            option(DNS, ipaddress.ip_address(nameserver).packed)))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        self.socket.bind(("", 67))

    def reply(self, message):
        """The reply to a message, or None."""
        if len(message) < HEAD.size:
            return None
        op, kind, length, _, number, _, flags, client, *_, hardware, _, cookie = \
            HEAD.unpack_from(message)
        asked = options(message[HEAD.size:])
        if op != 1 or cookie != COOKIE or not asked.get(KIND):
            return None
        said = asked[KIND][0]
        wanted = asked.get(REQUESTED, client)
        if said == DISCOVER:
            answer, lease = OFFER, self.lease
        elif said == REQUEST and wanted != self.guest.ip.packed:
            answer, lease = NAK, option(SERVER, self.own)
        elif said in (REQUEST, INFORM):
            answer, lease = ACK, self.lease
        else:
            return None
        given = bytes(4) if answer == NAK else self.guest.ip.packed
        head = HEAD.pack(2, kind, length, 0, number, 0, flags, client, given, self.own, bytes(4),
                         hardware, bytes(192), COOKIE)
        return head + option(KIND, bytes((answer,))) + lease + b"\xff"

    def serve(self):
        while True:
            message, _ = self.socket.recvfrom(2048)
            if reply := self.reply(message):
                self.socket.sendto(reply, ("255.255.255.255", 68))


if __name__ == "__main__":
    Server(*sys.argv[1:]).serve()
