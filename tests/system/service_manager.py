"""The service manager as a service of it sees it: a socket, and a patience."""

import os
import socket
import threading
import time


class Manager:
    """What it was `told` through its socket, which is `environment`'s."""

    def __init__(self, path, watchdog_ms):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.environment = {**os.environ, "NOTIFY_SOCKET": str(path),
                            "WATCHDOG_USEC": str(watchdog_ms * 1000)}
        self.told = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            self.told.append(self.socket.recv(4096).decode())

    def beats(self, seconds):
        """How many signs of life came within so long."""
        before = self.told.count("WATCHDOG=1")
        time.sleep(seconds)
        return self.told.count("WATCHDOG=1") - before
