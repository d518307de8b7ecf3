"""Ways to write an address that must not be connected to; `{port}` is where the trap listens.

Source: bad input U1, U2, U5, U6.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

LOCAL = ("127.0.0.1", "10.0.0.5", "169.254.169.254", "192.168.1.1")
MORE = (
    "0.0.0.0", "127.255.255.254", "10.255.255.255", "172.16.0.1", "172.31.255.254", "100.64.0.1",
    "100.127.1.1", "192.0.0.1", "192.0.0.192", "192.0.2.7", "192.88.99.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
V6 = (
    "::", "::1", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "fc00::1",
    "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001::1",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "64:ff9b:1::1", "4000::1",
)  # fmt: skip
NAMES = (
    "localhost", "LOCALHOST", "localhost.localdomain", "localtest.me", "127.0.0.1.nip.io", "metadata",
    "metadata.google.internal", "instance-data", "trap.example", "xn--mnchen-3ya.de", "münchen.de",
    "a-b.example",
)  # fmt: skip
NOT_NAMES = (
    "localhost.", "127.0.0.1.", "trap..example", ".trap.example", "-trap.example", "trap_.example",
    "trap-.example", "%6c%6fcalhost", "127.0.0.1%00.example", "127.0.0.1%2f.example", "①②⑦.⓪.⓪.①",
    "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "ⓛocalhost", "ﬁ.com", "lоcalhost\u200b",
    "\u00adlocalhost", "a" * 64 + ".example", "*", "trap,example", "localhost;a", "{trap}", "trap!", "[::1",
    "::1]", "[::1%lo]", "[::1%25lo]", "[fe80::1%25eth0]", "[127.0.0.1]", "[::ffff:127.0.0.1.]", "[v1.fe80]",
    "127.0.0.1:80:443", "1.1.1.1.1", "256.256.256.256", "1.1.1", "example.1", "example.0x7f",
)  # fmt: skip

# Behind users, fragments, slashes and blanks, and schemes that are none of ours.
DISGUISED = (
    "http://example.com@127.0.0.1:{port}/",
    "http://user:word@127.0.0.1:{port}/",
    "http://example.com:443@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://example.com#@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/ ",
    "\thttp://127.0.0.1:{port}/",
    "http://127.0\t.0.1:{port}/",
    "http://127.0.0.1\n:{port}/",
    "http://127.0.0.1:{port}/\r\nHost: example.com",
    "http://127.0.0.1:{port}/\x00",
    "ht\ntp://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}:{port}/",
    "http://127.0.0.1:+{port}/",
    "http://127.0.0.1:0{port}00/",
    "http://127.0.0.1:",
    "http://:{port}/",
    "http://",
    "",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "dict://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
    "HTTP://127.0.0.1:{port}/",
    "http://[::1]:{port}@example.com/",
    "http://example.com@[::1]:{port}/",
)


def spellings() -> list[str]:
    """Every url of the corpus, once."""
    return list(dict.fromkeys(_all()))


def _all() -> Iterator[str]:
    for address in LOCAL:
        for host in _numbers(address):
            yield f"http://{host}:{{port}}/"
        for host in _wrapped(address):
            yield f"http://[{host}]:{{port}}/"
    for host in (*MORE, *NAMES, *NOT_NAMES):
        yield f"http://{host}:{{port}}/"
    for host in V6:
        yield f"http://[{host}]:{{port}}/"
    yield from DISGUISED


def _numbers(address: str) -> Iterator[str]:
    """Decimal, octal, hexadecimal, short and mixed forms, which resolvers take for the same address."""
    a, b, c, d = (int(part) for part in address.split("."))
    whole = int(ipaddress.IPv4Address(address))
    yield from (address, str(whole), hex(whole), hex(whole).upper(), f"0{whole:o}", f"0x{whole:016x}")
    yield from (f"{a}.{whole & 0xFFFFFF}", f"{a}.{b}.{c * 256 + d}", f"{a:#x}.{b:#x}.{c:#x}.{d:#x}")
    yield from (f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:#x}.{b}.0{c:o}.{d}", f"{a:03}.{b:03}.{c:03}.{d:03}")
    yield from (f"{a}.{b}.{c}.{d}.", f"{a}.{b}.{c}.{d:#x}", f"0{a:o}.{whole & 0xFFFFFF}", f"{whole + 2**32}")


def _wrapped(address: str) -> Iterator[str]:
    """IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP."""
    number = int(ipaddress.IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    yield from (f"::ffff:{address}", f"::ffff:{high}:{low}", f"0:0:0:0:0:ffff:{high}:{low}")
    yield f"::FFFF:{address}"
    yield from (f"::{address}", f"::ffff:0:{address}", f"64:ff9b::{address}", f"64:ff9b::{high}:{low}")
    yield from (f"2002:{high}:{low}::1", f"2002:{high}:{low}::", f"fe80::5efe:{address}")
    yield f"2001:0:808:808:0:0:{~(number >> 16) & 0xFFFF:x}:{~number & 0xFFFF:x}"
