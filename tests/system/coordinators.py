"""mpic-coordinators of a test's own, in front of the perspectives of a fleet."""

import concurrent.futures
import os
import secrets
import socket

import daemons
from minifleet import client, pki

CALLER = {"name": "test-ca", "identity": pki.CALLER}
CONF = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../conf")
REGIONS = os.path.join(CONF, "regions.yaml")


def policy_file(name):
    return os.path.join(CONF, "policy", name + ".yaml")


class Caller(daemons.Client):
    """A CA's program that calls one coordinator."""

    def mpic(self, name, orchestration=None, caa_domains=("ca1.com",), deadline_ms=None,
             path="/mpic", connection=None, **parameters):
        """The reply to a CAA check; more caa_check_parameters by name."""
        body = client.caa_request(name, caa_domains, orchestration, **parameters)
        if deadline_ms is not None:
            body["deadline_ms"] = deadline_ms
        return self.ask(path, body, connection)

    def check(self, name, orchestration=None, **more):
        """The answer to a CAA check that must have come with 200."""
        reply = self.mpic(name, orchestration, **more)
        assert reply.status == 200, reply.text
        return reply.json

    def at_once(self, names, orchestration=None, **more):
        """The replies to checks all sent together, in the order of the names."""
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            return list(pool.map(lambda name: self.mpic(name, orchestration, **more), names))


def by_code(answer):
    return {one["perspective_code"]: one["check_response"] for one in answer["perspectives"]}


class Identity:
    """A certificate and its key, as fleet.json names them."""

    def __init__(self, given):
        self.certificate, self.key = given["certificate"], given["key"]


class Coordinators(daemons.Daemons):
    """Starts coordinators; used as a context manager all of them are gone after."""

    program = "mpic-coordinator"

    def __init__(self, build, parts, folder):
        super().__init__(build, folder)
        self.parts = parts        # fleet.json
        self.certificate = parts["ca"]
        self.caller_identity = Identity(parts["caller"])
        self.secret = self.secret_file("secret")

    def secret_file(self, name):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        return path

    def perspectives(self, *indices):
        """The rows of these perspectives of the fleet, which asks from network i for index i."""
        rows = self.parts["perspectives"]
        known = ("code", "url", "verify_key", "private_root")
        return [{key: rows[i][key] for key in known if key in rows[i]} for i in indices]

    def options(self, **more):
        """What is needed to serve, and what is given by name; None leaves an option out."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        own, count = self.parts["coordinator"], len(self.parts["perspectives"])
        given = {"listen": f"127.0.0.1:{port}", "plain": True,
                 "callers": None if more.get("plain", True) else [CALLER],
                 "tls_certificate": own["certificate"], "tls_key": own["key"],
                 "tls_ca": self.certificate, "perspectives": self.perspectives(*range(min(6, count))),
                 "caa_domains": ["ca1.com"], "resolver": self.parts["perspectives"][0]["resolver"], "verify_share": 1, "regions_file": REGIONS,
                 "policy_file": policy_file("open-mpic"), "cohort_secret_file": self.secret,
                 "log_level": "info", "log_json": True, **more}
        return {key: value for key, value in given.items() if value is not None}

    def start(self, arguments=(), **more):
        """(daemon, caller) of a coordinator with these options, and others by argument."""
        options = self.options(**more)
        daemon = self.launch(options, *arguments)
        return daemon, self.caller(daemon, plain=options["plain"])

    def caller(self, daemon, identity=..., plain=False):
        return Caller(daemon, self.caller_identity if identity is ... else identity, self, plain)
