"""Hosts that mean an address that must not be reached, in every spelling that some reader of addresses takes."""

from collections.abc import Iterator

FORBIDDEN = (
    "127.0.0.1", "127.8.9.10", "10.0.0.1", "10.255.255.255", "172.16.5.4", "192.168.1.1", "169.254.169.254",
    "169.254.1.1", "100.64.0.1", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.7",
)  # fmt: skip
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
BOLD = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
OTHERS = (
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[fe80::1]",
    "[fe80::1%eth0]", "[fe80::1%25eth0]", "[fe80::1%1]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]",
    "[fd00:ec2::254]", "[fd20:ce::254]", "[2001:db8::1]", "[2001::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
    "[4000::1]",
    "localhost.", "localhost.vendor.example", "0x", "0", "0.", "00", "1", "65535", "127.0.0.1.nip.example.", "[::1].",
    "[::1", "::1]", "[[::1]]", "[127.0.0.1]", "127.0.0.1:80:80", "127.0.0.1#@vendor.example",
    "vendor.example@127.0.0.1",
    "vendor.example:pw@127.0.0.1", "127.0.0.1\\@vendor.example", "vendor.example\\@127.0.0.1", "127.0.0.1\t",
    " 127.0.0.1",
    "127.0.0.1\n", "127.0.0.1\x00.vendor.example", "127.0.0.1%00.vendor.example", "%31%32%37.0.0.1", "127.0.0.1%2e",
    "127%2e0%2e0%2e1", "①②⑦.⓪.⓪.①", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "loc\u00adalhost",
    "local\u200bhost", "ﬁle.vendor.example",
)  # fmt: skip


def spellings() -> Iterator[tuple[str, str]]:
    """(how it is written, what it means), where that is an IPv4 address; otherwise an empty meaning."""
    for address in FORBIDDEN:
        for form in dict.fromkeys(_forms(address)):
            yield form, address
    for form in OTHERS:
        yield form, ""


def _forms(address: str) -> Iterator[str]:
    parts = [int(part) for part in address.split(".")]
    a, b, c, d = parts
    value = (a << 24) + (b << 16) + (c << 8) + d
    high, low = value >> 16, value & 0xFFFF
    yield address
    yield from (f"{address}.", f"{address}..", f"0{address}", f"00{address}", f".{address}")
    yield from (str(value), f"{value}.", f"0{value:o}", f"00{value:o}", f"0x{value:x}", f"0X{value:X}", f"0x0{value:x}")
    yield from (f"{a}.{value & 0xFFFFFF}", f"{a}.{b}.{low}", f"0x{a:x}.{value & 0xFFFFFF}", f"0{a:o}.{b}.{low}")
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"00{part:o}" for part in parts)
    yield ".".join(f"0x{part:x}" for part in parts)
    yield ".".join(f"{part:03}" for part in parts)
    yield f"{a}.0x{b:x}.0{c:o}.{d}"
    for script in (WIDE, ARABIC, CIRCLED, BOLD):
        yield address.translate(script)
        yield f"{str(a).translate(script)}.{b}.{c}.{d}"
    for dot in "。．｡":
        yield address.replace(".", dot)
    yield from (
        f"[::ffff:{address}]",
        f"[::FFFF:{address}]",
        f"[0:0:0:0:0:ffff:{address}]",
        f"[::ffff:{high:x}:{low:x}]",
    )
    yield from (f"[::{address}]", f"[::ffff:0:{address}]", f"[64:ff9b::{address}]", f"[64:ff9b:1::{address}]")
    yield from (f"[2002:{high:x}:{low:x}::]", f"[2002:{high:x}:{low:x}::1]", f"[2001:0:{high:x}:{low:x}::]")
