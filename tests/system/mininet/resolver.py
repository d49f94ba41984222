"""A plain validating Unbound in the world: what a perspective's resolver is compared with."""

import asyncio
import socket
import subprocess
import time

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

START_S = 10


class Resolver:
    """One Unbound on loopback with its built-in root hints; a context manager."""

    def __init__(self, prefix, world, directory, perspective=0, port=5399):
        self.program = f"{prefix}/sbin/unbound"
        self.port = port
        self.log = directory / "unbound.log"
        self.config = directory / "unbound.conf"
        sources = "".join(f"\toutgoing-interface: {address}\n"
                          for address in world.PERSPECTIVE_ADDRESSES[perspective])
        # Unbound drops answers that took 1.9 s and has ten TCP connections unless told otherwise.
        self.config.write_text(f"""server:
	interface: 127.0.0.1@{port}
{sources}	trust-anchor-file: "{world.trust_anchor}"
	use-caps-for-id: yes
	incoming-num-tcp: 1000
	discard-timeout: 0
	wait-limit: 0
	username: ""
	chroot: ""
	directory: "{directory}"
	pidfile: ""
	use-syslog: no
	logfile: "{self.log}"
	do-daemonize: no
	val-log-level: 2
remote-control:
	control-enable: no
""", encoding="utf-8")
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([self.program, "-c", self.config])
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    raise RuntimeError(f"{self.program} does not start: see {self.log}") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, name, rdtype="CAA", timeout=10, cd=False):
        """The response to one question, DO set."""
        return asyncio.run(self._ask(name, rdtype, timeout, cd))

    async def _ask(self, name, rdtype, timeout, cd):
        query = dns.message.make_query(name, rdtype, want_dnssec=True)
        if cd:
            query.flags |= dns.flags.CD
        return await dns.asyncquery.tcp(query, "127.0.0.1", port=self.port, timeout=timeout)

    async def _status(self, name, rdtype, timeout):
        """secure, insecure, bogus, or fail for what has no answer even unvalidated."""
        try:
            reply = await self._ask(name, rdtype, timeout, False)
            if reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return "secure" if reply.flags & dns.flags.AD else "insecure"
            reply = await self._ask(name, rdtype, timeout, True)
        except (dns.exception.Timeout, EOFError):
            return "fail"
        return "fail" if reply.rcode() == dns.rcode.SERVFAIL else "bogus"

    def statuses(self, names, rdtype="CAA", timeout=5):
        """{name: status}, all asked at once; what takes longer than timeout has failed."""
        async def gather():
            return await asyncio.gather(*(self._status(name, rdtype, timeout) for name in names))
        return dict(zip(names, asyncio.run(gather())))
