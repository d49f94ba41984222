#!/usr/bin/python3
"""An NTP server with this machine's time (RFC 5905), for a guest that must learn it.

    ntp.py ADDRESS LOG [AHEAD]

Each question is a line of JSON in LOG. AHEAD is a file with the seconds by which the time that is
told is ahead, read for each question; none where there is none.
"""

import json
import socket
import struct
import sys
import time
from pathlib import Path

SINCE_1900 = 2208988800
CLIENT, SERVER = 3, 4
PACKET = struct.Struct("!BBbbII4s8s8s8s8s")


def stamp(now):
    return struct.pack("!II", int(now) + SINCE_1900, int(now % 1 * 2 ** 32))


def reply(question, now):
    """The answer, or None for what asks nothing."""
    if len(question) < PACKET.size or question[0] & 7 != CLIENT:
        return None
    version = question[0] & 0x38
    return PACKET.pack(version | SERVER, 1, question[2], -20, 0, 1, b"GPS\0", stamp(now - 1),
                       question[40:48], stamp(now), stamp(now))


def ahead_s(file):
    try:
        return float(Path(file).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


def main(address, log, ahead="/nonexistent"):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 123))
    while True:
        question, (source, port) = server.recvfrom(1024)
        if answer := reply(question, time.time() + ahead_s(ahead)):
            with open(log, "a", encoding="utf-8") as file:
                file.write(json.dumps({"time": time.time(), "source": source}) + "\n")
            server.sendto(answer, (source, port))


if __name__ == "__main__":
    main(*sys.argv[1:])
