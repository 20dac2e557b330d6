"""Which addresses are public: anybody's on the internet, and nobody's in this building.

The lists are explicit (IANA special-purpose address registries) because `ipaddress.is_global`
changed its mind between versions of Python. For IPv6 only the one allocated block is public, less
what is special in it; everything that embeds an IPv4 address is refused whole (THREATS 20).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_V4_SPECIAL: Final = tuple(
    ipaddress.IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_V6_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")
_V6_SPECIAL: Final = tuple(
    ipaddress.IPv6Network(one)
    for one in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def is_public(text: str, *, loopback: bool = False) -> bool:
    """True for a public address; with `loopback`, for an address of this machine instead."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if loopback:
        # A mapped IPv4 address is loopback to some versions of Python and not to others.
        mapped = getattr(address, "ipv4_mapped", None)
        return mapped is None and address.is_loopback
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _V4_SPECIAL)
    if address.scope_id is not None or address not in _V6_PUBLIC:
        return False
    return not any(address in network for network in _V6_SPECIAL)


def ends_in_a_number(host: str) -> bool:
    """True when a host's last label is a number, so that resolvers take it for an address.

    They take `2130706433`, `0x7f.1` and `0177.0.0.1` for 127.0.0.1 (compare the WHATWG URL
    Standard, "ends in a number").
    """
    return _NUMBER.fullmatch(host.rpartition(".")[2]) is not None
