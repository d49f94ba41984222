"""GET /readyz, as one who waits for it needs it."""

import http.client
import ssl

TRY_S = 5


def _get(connection):
    try:
        connection.request("GET", "/readyz")
        reply = connection.getresponse()
        return reply.status, reply.read(4096).decode("utf-8", "replace").strip()
    finally:
        connection.close()


def state(port, context):
    """ready, or why not, of what should serve on this port of 127.0.0.1."""
    try:
        status, said = _get(http.client.HTTPSConnection("127.0.0.1", port, timeout=TRY_S,
                                                        context=context))
    except ssl.SSLError:
        return _plain(port)
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {str(error) or type(error).__name__}"
    return "ready" if status == 200 else f"not ready: {said}"


def _plain(port):
    """An appliance that cannot start its service says why without TLS."""
    try:
        _, said = _get(http.client.HTTPConnection("127.0.0.1", port, timeout=TRY_S))
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {str(error) or type(error).__name__}"
    return f"not ready: {said}"
