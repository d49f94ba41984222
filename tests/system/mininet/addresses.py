"""Every address of the mini-Internet.

All of them sit on the loopback interface of a private network namespace. They are global unicast
addresses, not documentation or private ranges, so that the resolvers and checkers under test keep
the address filters they have in production.
"""

# The root servers' real addresses: resolvers use their built-in hints.
ROOT = {
    "a": ("198.41.0.4", "2001:503:ba3e::2:30"),
    "b": ("170.247.170.2", "2801:1b8:10::b"),
    "c": ("192.33.4.12", "2001:500:2::c"),
    "d": ("199.7.91.13", "2001:500:2d::d"),
    "e": ("192.203.230.10", "2001:500:a8::e"),
    "f": ("192.5.5.241", "2001:500:2f::f"),
    "g": ("192.112.36.4", "2001:500:12::d0d"),
    "h": ("198.97.190.53", "2001:500:1::53"),
    "i": ("192.36.148.17", "2001:7fe::53"),
    "j": ("192.58.128.30", "2001:503:c27::2:30"),
    "k": ("193.0.14.129", "2001:7fd::1"),
    "l": ("199.7.83.42", "2001:500:9f::42"),
    "m": ("202.12.27.33", "2001:dc3::35"),
}

# Name servers, by the class of zone they serve: a (IPv4, IPv6) pair each.
TLD = (("192.5.6.30", "2001:503:a83e::2:30"), ("192.33.14.30", "2001:503:231d::2:30"))
LEAF = (("93.184.215.10", "2606:2800:21f:10::10"), ("93.184.215.11", "2606:2800:21f:10::11"))
SUB = (("93.184.215.20", "2606:2800:21f:20::20"), ("93.184.215.21", "2606:2800:21f:20::21"))

# Sources for perspectives: perspective i binds PERSPECTIVE_ADDRESSES[i], one network each.
PERSPECTIVE_ADDRESSES = (
    ("3.80.16.10", "2600:1f18:16::10"),
    ("13.56.32.10", "2600:1f1c:32::10"),
    ("18.184.48.10", "2a05:d014:48::10"),
    ("35.176.64.10", "2a05:d01c:64::10"),
    ("13.112.80.10", "2406:da14:80::10"),
    ("13.210.96.10", "2406:da1c:96::10"),
    ("18.228.112.10", "2600:1f1e:112::10"),
    ("13.244.128.10", "2406:da11:128::10"),
    ("52.94.144.10", "2600:1f16:144::10"),
    ("15.206.160.10", "2406:da1a:160::10"),
)

# Where a coordinator and a CA's own systems sit.
COORDINATOR = ("44.192.16.10", "2600:1f18:4410::10")
CA = ("44.192.32.10", "2600:1f18:4420::10")

# Free for the web servers of applicants; www.permit.com and the like point at the first.
WEB = tuple(
    (f"93.184.216.{i}", f"2606:2800:220:1::{i:x}") for i in range(10, 26)
)

# Where packets to a web server vanish, and where nothing listens.
WEB_DEAD = ("93.184.217.2", "2606:2800:220:2::2")
WEB_REFUSED = ("93.184.217.3", "2606:2800:220:2::3")

# The hostile server's control port: loopback, so out of reach of anything outside the namespace.
CONTROL = ("127.0.0.1", 8053)


def hostile(index):
    """The address pair of the index-th zone of the hostile server: each zone has its own."""
    if not 0 <= index < 240:
        raise ValueError("too many hostile zones for one /24")
    return (f"93.184.220.{index + 10}", f"2606:2800:220:f::{index + 10:x}")


def web(index):
    """The address pair of the index-th web server of webhosts.py: each has its own."""
    if not 0 <= index < 240:
        raise ValueError("too many web servers for one /24")
    return (f"93.184.217.{index + 10}", f"2606:2800:220:2::{index + 10:x}")


def fixed():
    """All addresses but those of hostile zones."""
    pairs = [*ROOT.values(), *TLD, *LEAF, *SUB, *PERSPECTIVE_ADDRESSES, COORDINATOR, CA, *WEB]
    return [address for pair in pairs for address in pair]
