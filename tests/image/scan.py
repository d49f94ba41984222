"""A port scan: every port of one address, asked from here."""

import contextlib
import errno
import select
import socket
import struct
import time

ALL = range(1, 65536)
AT_ONCE = 4096
KNOWN_EVERY = 500
# A link's queue holds about a thousand packets.
BURST, BURST_S = 200, 0.02
# A SYN is sent again after one second: two are lost before a port counts as silent.
PATIENCE_S = 1.8
UDP_PACE = 64
UDP_PATIENCE_S = 3
IP_RECVERR, IPV6_RECVERR = 11, 25


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Lost(RuntimeError):
    """Packets were, so that nothing can be said of the ports that kept silent."""


def tcp(address, ports=ALL, known=None):
    """(open ports, refused ports): a firewall that drops leaves neither.

    A port that is known to be open is asked again and again in between, and must answer each time.
    """
    ports = list(ports)
    opened, refused = set(), set()
    for i in range(0, len(ports), AT_ONCE):
        batch = ports[i:i + AT_ONCE]
        for place in range(0, len(batch), KNOWN_EVERY) if known else ():
            batch.insert(place, known)
        answers = _tcp_batch(address, batch)
        if answers.count((known, 0)) < batch.count(known):
            raise Lost(f"port {known} of {address} was asked {batch.count(known)} times and "
                       f"answered {answers.count((known, 0))}")
        opened |= {port for port, error in answers if error == 0}
        refused |= {port for port, error in answers if error == errno.ECONNREFUSED}
    return sorted(opened), sorted(refused)


def _tcp_batch(address, ports):
    """[(port, error)] of those that answered."""
    answers = []
    with contextlib.ExitStack() as stack, select.epoll() as poll:
        asked = {}
        for port in ports:
            one = stack.enter_context(socket.socket(_family(address), socket.SOCK_STREAM))
            one.setblocking(False)
            # Nobody is told good-bye: the guest has no thousands of connections to end.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.connect_ex((address, port))
            poll.register(one, select.EPOLLOUT | select.EPOLLONESHOT)
            asked[one.fileno()] = one, port
            if len(asked) % BURST == 0:
                time.sleep(BURST_S)
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            for number, _ in poll.poll(left):
                one, port = asked[number]
                answers.append((port, one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)))
    return answers


def udp(address, ports=ALL):
    """Ports that answered, be it only that nobody listens."""
    found = set()
    with socket.socket(_family(address), socket.SOCK_DGRAM) as probe:
        level, option = ((socket.IPPROTO_IPV6, IPV6_RECVERR) if ":" in address
                         else (socket.IPPROTO_IP, IP_RECVERR))
        probe.setsockopt(level, option, 1)
        probe.setblocking(False)
        for count, port in enumerate(ports):
            with contextlib.suppress(OSError):
                probe.sendto(b"\0" * 12, (address, port))
            if count % UDP_PACE == 0:
                _collect(probe, found)
                time.sleep(0.002)
        end = time.monotonic() + UDP_PATIENCE_S
        while time.monotonic() < end:
            _collect(probe, found)
            time.sleep(0.05)
    return sorted(found)


def _collect(probe, found):
    for flags in (0, socket.MSG_ERRQUEUE):
        while True:
            try:
                _, _, _, peer = probe.recvmsg(512, 512, flags)
            except BlockingIOError:
                break
            except OSError as error:
                # The pending error of the socket, whose details are in the queue.
                if error.errno not in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES):
                    raise
                continue
            found.add(peer[1])
