"""Carries connections on a listener of one network namespace to an address in another.

A socket belongs to the namespace it was made in, whoever holds it: a listener made on the machine
and inherited into a mini-Internet is a door into it that needs neither privilege nor an interface.
"""

import socket
import threading


def serve(listener, address):
    """Accepts for ever; each connection is joined to one of its own to `address`."""
    while True:
        outside, _ = listener.accept()
        try:
            inside = socket.create_connection(address)
        except OSError:
            outside.close()
            continue
        join(outside, inside)


def join(one, other):
    """Carries what comes from each to the other until both have ended; does not wait for it."""
    for pair in ((one, other), (other, one)):
        threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
