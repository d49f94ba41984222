"""A fleet as tests start and call it."""

import json
import ssl
import urllib.parse

import contract
from minifleet import client


class Fleet(client.Fleet):
    """Calls its coordinator, besides starting it."""

    def _connect(self, url, timeout_s=130):
        where = urllib.parse.urlsplit(url)
        context = None
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=self.parts["ca"])
            context.load_cert_chain(self.parts["caller"]["certificate"],
                                    self.parts["caller"]["key"])
        return contract.connect(where.hostname, where.port, context, timeout_s)

    def call(self, path, body=None):
        """(status, decoded body) of the coordinator: GET, or POST when there is a body."""
        connection = self._connect(self.url)
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
