"""A fleet as tests start and call it."""

import json
import ssl
import urllib.parse

import contract
from minifleet import client


class Fleet(client.Fleet):
    """Calls its coordinator, besides starting it."""

    def connect(self, url, identity="caller", timeout_s=130):
        """A connection to a part of it, as its caller or its coordinator."""
        where = urllib.parse.urlsplit(url)
        context = None
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=self.parts["ca"])
            context.load_cert_chain(self.parts[identity]["certificate"],
                                    self.parts[identity]["key"])
        return contract.connect(where.hostname, where.port, context, timeout_s)

    def post(self, url, path, body, identity="caller"):
        """(status, text) of a part of it to these very octets."""
        connection = self.connect(url, identity)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def call(self, path, body=None):
        """(status, decoded body) of the coordinator: GET, or POST when there is a body."""
        connection = self.connect(self.url)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request("GET" if data is None else "POST", path, data,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def check_caa(self, name, caa_domains=("ca1.com",), orchestration=None, **parameters):
        """The coordinator's whole answer to a CAA check; more caa_check_parameters by name."""
        return self.call("/mpic", client.caa_request(name, caa_domains, orchestration,
                                                     **parameters))
