"""Which addresses are public, against what Python's own tables say."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.lnurl.addresses import ends_in_a_number, is_public


@given(st.ip_addresses(v=4))
def test_threats_20_no_ipv4_address_is_public_that_python_calls_special(
    address: ipaddress.IPv4Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_threats_20_no_ipv6_address_is_public_that_python_calls_special(
    address: ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.ip_addresses(v=4))
def test_threats_20_no_embedding_of_an_ipv4_address_is_public(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    embedded = (
        (0xFFFF << 32) | number,  # v4-mapped
        number,  # v4-compatible
        (0x64FF9B << 96) | number,  # NAT64
        (0x2002 << 112) | (number << 80) | 1,  # 6to4
        (0x20010000 << 96) | (number << 64) | (~number & 0xFFFFFFFF),  # Teredo
    )
    for one in embedded:
        assert not is_public(str(ipaddress.IPv6Address(one)))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:2800:21f::1", "2a00::1"])
def test_an_ordinary_address_is_public(address: str) -> None:
    assert is_public(address)
    assert not is_public(address, loopback=True)


def test_only_this_machine_is_this_machine() -> None:
    assert is_public("127.0.0.1", loopback=True)
    assert is_public("::1", loopback=True)
    assert not is_public("10.0.0.1", loopback=True)
    assert not is_public("::ffff:127.0.0.1", loopback=True)


@pytest.mark.parametrize(
    ("host", "number"),
    [
        ("127.1", True),
        ("0x7f", True),
        ("a.0X1", True),
        ("a.0x", True),
        ("7up", False),
        ("a", False),
    ],
)
def test_what_resolvers_take_for_an_address_ends_in_a_number(host: str, number: bool) -> None:
    assert ends_in_a_number(host) is number
