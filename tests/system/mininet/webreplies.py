"""What the web servers say to a request: one small function a behaviour.

Each takes the request and its stream and sends what it has to say; the connection is closed when it
returns. Those of RAW are called before there is a request, or in place of a TLS handshake.
"""

import asyncio
import gzip
import socket
import struct
from dataclasses import dataclass

from . import challenge

MOVED = "/moved/"
SEGMENT_S = 0.002
FOR_EVER_S = 3600
VALUES = {
    challenge.ACME_PATH: challenge.KEY_AUTHORIZATION.encode(),
    challenge.PAGE_PATH: challenge.VALUE.encode(),
}
FRAME = b"<html><body>%s</body></html>\n"


@dataclass
class Request:
    """The head of a request; `path` is without what redirects put before it."""

    method: str
    target: str
    head: bytes

    @property
    def hops(self):
        """How many redirects led here, of those that count."""
        return int(self.target.split("/")[2]) if self.target.startswith(MOVED) else 0

    @property
    def path(self):
        path = self.target.partition("?")[0]
        return "/" + path.split("/", 3)[3] if path.startswith(MOVED) else path

    @property
    def value(self):
        """What is looked for at this path, or None."""
        return VALUES.get(self.path)


def reply(body, status="200 OK", fields=(), length=None):
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/plain",
             f"Content-Length: {len(body) if length is None else length}", "Connection: close",
             *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def head(*fields):
    """The head of a reply whose length is not told."""
    return "\r\n".join(("HTTP/1.1 200 OK", *fields)).encode() + b"\r\n\r\n"


def saying(make):
    """A behaviour that sends what make(request) returns, or 404 where nothing is to be found."""
    async def say(request, stream):
        stream.write(make(request) if request.value is not None
                     else reply(b"no such page\n", "404 Not Found"))
        await stream.drain()
    return say


def wrapped(before=b"", after=b"", status="200 OK", fields=()):
    """The page with something around its value."""
    return saying(lambda r: reply(before + r.value + after, status, fields))


def sized(lead, size):
    """A page of so many octets, the value after `lead` of them."""
    return saying(lambda r: reply(b"." * lead + r.value + b"." * (size - lead - len(r.value))))


def literal(octets):
    async def say(_request, stream):
        stream.write(octets)
        await stream.drain()
    return say


# -- ways of sending the page


async def segments(request, stream):
    wire = reply(request.value or b"")
    for i in range(0, len(wire), 7):
        stream.write(wire[i:i + 7])
        await stream.drain()
        await asyncio.sleep(SEGMENT_S)


async def chunked(request, stream):
    stream.write(head("Transfer-Encoding: chunked"))
    for octet in request.value or b"":
        stream.write(b"1;extension=x\r\n%c\r\n" % octet)
        await stream.drain()
    stream.write(b"0\r\nTrailer: x\r\n\r\n")


async def kept_open(request, stream):
    value = request.value or b""
    stream.write(head(f"Content-Length: {len(value)}") + value)
    await asyncio.sleep(FOR_EVER_S)


async def slow_start(request, stream):
    await asyncio.sleep(0.5)
    stream.write(reply(request.value or b""))


async def echo(request, stream):
    stream.write(reply(request.head))


# -- redirects


def redirect(location, status="302 Found", hops=1, fields=()):
    """Redirects until so many hops are behind; the location may name the path and the hop."""
    async def move(request, stream):
        if request.hops >= hops:
            stream.write(reply(request.value or b""))
            return
        to = location.format(path=request.path, hop=request.hops + 1)
        stream.write(reply(b"it moved\n", status, (f"Location: {to}", *fields)))
    return move


HERE = MOVED + "{hop}{path}"
SECOND = "second.web.com{path}"


# -- servers that misbehave


async def pour(stream, first, again):
    """`again` without end."""
    stream.write(first)
    while True:
        stream.write(again)
        await stream.drain()
        await asyncio.sleep(0)


def endless(first, again):
    async def send(_request, stream):
        await pour(stream, first, again)
    return send


def dripping(quick, slow, pause_s=1):
    """quick(request) at once, then slow(request), an octet at a time."""
    async def drip(request, stream):
        stream.write(quick(request))
        for octet in slow(request):
            await asyncio.sleep(pause_s)
            stream.write(bytes((octet,)))
            await stream.drain()
        await asyncio.sleep(FOR_EVER_S)
    return drip


async def never_ends(request, stream):
    stream.write(head() + (request.value or b""))
    await asyncio.sleep(FOR_EVER_S)


def reset(stream):
    """Ends the connection by RST."""
    stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))
    stream.transport.abort()


async def reset_request(_request, stream):
    reset(stream)


async def reset_middle(request, stream):
    value = request.value or b""
    stream.write(reply(value[:len(value) // 2], length=len(value)))
    await stream.drain()
    await asyncio.sleep(0.05)
    reset(stream)


async def closes(_request, _stream):
    pass


BOMB = gzip.compress(bytes(10_000_000))

TABLE = {
    "page": wrapped(),
    "segments": segments,
    "chunked": chunked,
    "until-close": saying(lambda r: head() + r.value),
    "kept-open": kept_open,
    "continued": saying(lambda r: b"HTTP/1.1 100 Continue\r\n\r\n"
                        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + reply(r.value)),
    "slow-start": slow_start,
    "newline": wrapped(after=b"\n"),
    "crlf": wrapped(after=b" \t\r\n\r\n"),
    "partial": wrapped(status="206 Partial Content"),
    "created": wrapped(status="201 Created"),
    "echo": echo,
    "leading": wrapped(b" "),
    "garbage-after": wrapped(after=b"x"),
    "line-after": wrapped(after=b"\nanother line\n"),
    "nothing": saying(lambda r: reply(b"")),
    "other": saying(lambda r: reply(b"another value\n")),
    "lower": saying(lambda r: reply(r.value.lower())),
    "not-found": wrapped(status="404 Not Found"),
    "forbidden": wrapped(status="403 Forbidden"),
    "broken": wrapped(status="500 Internal Server Error"),
    "unavailable": wrapped(status="503 Service Unavailable", fields=("Retry-After: 1",)),
    "no-content": literal(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "not-modified": literal(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "gzip": saying(lambda r: reply(gzip.compress(r.value), fields=("Content-Encoding: gzip",))),
    "bomb": saying(lambda r: reply(BOMB, fields=("Content-Encoding: gzip",))),
    "big-begin": sized(0, 70_000),
    "big-60": sized(60_000, 70_000),
    "big-end": sized(68_000, 70_000),
    "binary": wrapped(b"\0\xff\xfe\0", b"\0\x80\0"),
    "many-as": saying(lambda r: reply(b"a" * 30_000)),

    "redirect-301": redirect(HERE, "301 Moved Permanently"),
    "redirect-302": redirect(HERE),
    "redirect-307": redirect(HERE, "307 Temporary Redirect"),
    "redirect-308": redirect(HERE, "308 Permanent Redirect"),
    "redirect-relative": redirect("../x/../../moved/{hop}{path}"),
    "redirect-query": redirect(HERE + "?a=b&c=%20#fragment"),
    "redirect-scheme-relative": redirect("//" + SECOND),
    "redirect-host": redirect("http://" + SECOND),
    "redirect-https": redirect("https://" + SECOND),
    "redirect-port-80": redirect("http://second.web.com:80{path}"),
    "redirect-10": redirect(HERE, hops=10),
    "redirect-case": redirect("HTTP://Second.Web.COM{path}"),
    "redirect-11": redirect(HERE, hops=11),
    "redirect-self": redirect("{path}", hops=1000),
    "redirect-300": redirect(HERE, "300 Multiple Choices"),
    "redirect-303": redirect(HERE, "303 See Other"),
    "redirect-305": redirect(HERE, "305 Use Proxy"),
    "redirect-8080": redirect("http://second.web.com:8080{path}"),
    "redirect-22": redirect("http://second.web.com:22{path}"),
    "redirect-http-443": redirect("http://second.web.com:443{path}"),
    "redirect-loopback": redirect("http://127.0.0.1{path}"),
    "redirect-metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "redirect-loopback6": redirect("http://[::1]{path}"),
    "redirect-mapped": redirect("http://[::ffff:127.0.0.1]{path}"),
    "redirect-decimal": redirect("http://2130706433{path}"),
    "redirect-hex": redirect("http://0x7f.1{path}"),
    "redirect-localhost": redirect("http://localhost{path}"),
    "redirect-private": redirect("http://private.web.com{path}"),
    "redirect-rebind": redirect("http://rebind.web.com{path}"),
    "redirect-ftp": redirect("ftp://" + SECOND),
    "redirect-file": redirect("file:///etc/passwd"),
    "redirect-userinfo": redirect("http://user:password@" + SECOND),
    "redirect-two": redirect("http://" + SECOND, fields=("Location: http://page.web.com/",)),
    "redirect-none": saying(lambda r: reply(r.value, "302 Found")),
    "redirect-empty": redirect(""),
    "redirect-long": redirect(HERE + "?" + "x" * 9000),
    "redirect-control": redirect("http://second.web.com\t\x01{path}"),
    "redirect-nowhere": redirect("http://nowhere.web.com{path}"),
    "redirect-dead": redirect("http://www.dcv-dead.com{path}"),
    "redirect-bogus": redirect("http://www.expired.org{path}"),
    "redirect-silent-tls": redirect("https://tls-silent.web.com{path}"),

    "header-40k": wrapped(fields=("X: " + "y" * 40_000,)),
    "header-many": wrapped(fields=tuple(f"X-{i}: {'y' * 40}" for i in range(1000))),
    "header-endless": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200),
    "body-endless": endless(head(), b"." * 4096),
    "continue-endless": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "slow": dripping(lambda r: b"", lambda r: reply(r.value or b"")),
    "slow-body": dripping(lambda r: head("Content-Length: 100"), lambda r: b"." * 100),
    "never-ends": never_ends,
    "reset-request": reset_request,
    "reset-middle": reset_middle,
    "short": saying(lambda r: reply(r.value, length=1000)),
    "closes": closes,
    "http09": saying(lambda r: r.value),
    "two-lengths": wrapped(fields=("Content-Length: 3",)),
    "bad-chunk": saying(lambda r: head("Transfer-Encoding: chunked") + b"zz\r\n" + r.value),
    "bad-status": saying(lambda r: b"HTTP/1.1 2000 OK\r\n\r\n" + r.value),
    "folded": saying(lambda r: b"HTTP/1.1 200 OK\r\nX: a\0b\r\n folded\r\n\r\n" + r.value),
    "upgrade": literal(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                       b"Connection: Upgrade\r\n\r\n"),
}


async def _silent(_reader, _stream):
    await asyncio.sleep(FOR_EVER_S)


async def _reset(_reader, stream):
    reset(stream)


async def _reset_hello(reader, stream):
    await reader.read(1)
    reset(stream)


async def _drip(_reader, stream):
    """A TLS record that says it is 16 kB of handshake."""
    stream.write(b"\x16\x03\x03\x40\x00")
    while True:
        await asyncio.sleep(1)
        stream.write(b"\x02")
        await stream.drain()


def _sending(octets):
    async def send(_reader, stream):
        stream.write(octets)
        await stream.drain()
        await asyncio.sleep(0.2)
    return send


RAW = {
    "raw-silent": _silent,
    "raw-reset": _reset,
    "raw-reset-hello": _reset_hello,
    "raw-drip": _drip,
    "raw-garbage": _sending(bytes(range(256)) * 2),
    # SETTINGS, and GOAWAY as servers send it that were not spoken to in HTTP/2.
    "raw-http2": _sending(b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x08\x07\0\0\0\0\0" + bytes(7) + b"\x01"),
    "raw-plain": _sending(reply(b"http without TLS\n", "400 Bad Request")),
}
