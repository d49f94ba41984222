"""A fleet as tests start and call it."""

import contract
from minifleet import client


class Fleet(client.Fleet):
    """What comes of its calls is held against docs/openapi.yaml."""

    def connection(self, host, port, context, timeout_s):
        return contract.connect(host, port, context, timeout_s)

    def post(self, url, path, body, identity="caller"):
        """(status, text) of a part of it to these very octets."""
        connection = self.connect(url, identity)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()
