"""The guard before strangers' URLs (THREATS 20): which addresses and names it refuses."""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from host.lnurl.guard import (
    AddressRefused,
    Guard,
    Unreachable,
    connect,
)
from tests.host.lnurl.guards import PUBLIC, never_connects, resolver
from tests.support.scripted_http import (
    Pieces,
    Request,
    ScriptedServer,
    certificate,
    redirect,
    reply,
    server_tls,
)

NOT_PUBLIC = {
    "unspecified": "0.0.0.0",  # noqa: S104
    "this network": "0.1.2.3",
    "private 10": "10.1.2.3",
    "private 172": "172.31.255.255",
    "private 192": "192.168.178.1",
    "CGNAT": "100.64.0.1",
    "CGNAT end": "100.127.255.255",
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.255.1.2",
    "link-local, cloud metadata": "169.254.169.254",
    "protocol assignments": "192.0.0.8",
    "documentation": "203.0.113.7",
    "benchmarks": "198.19.255.255",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.251",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6 unspecified": "::",
    "v6 loopback": "::1",
    "v6 link-local": "fe80::1",
    "v6 link-local with zone": "fe80::1%lo",
    "v6 site-local": "fec0::1",
    "v6 unique local": "fd00::1",
    "v6 multicast": "ff02::fb",
    "v6 reserved": "4000::1",
    "v6 documentation": "2001:db8::1",
    "v6 discard": "100::1",
    "v4-mapped private": "::ffff:10.0.0.1",
    "v4-mapped public": "::ffff:93.184.215.14",
    "v4-compatible": "::127.0.0.1",
    "6to4 of loopback": "2002:7f00:1::1",
    "NAT64 of metadata": "64:ff9b::a9fe:a9fe",
    "NAT64 local": "64:ff9b:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "no address at all": "elsewhere",
}


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_threats_20_a_name_of_an_address_that_is_not_public_is_refused(address: str) -> None:
    guard = Guard(resolve=resolver(address), connect=never_connects)
    with pytest.raises(AddressRefused) as caught:
        guard.get("https://card.example/ln?p=1&c=2")
    assert not caught.value.sent


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_threats_20_one_such_address_among_public_ones_is_enough(address: str) -> None:
    for addresses in ((PUBLIC, address), (address, PUBLIC), ("2606:2800:21f::1", address)):
        guard = Guard(resolve=resolver(*addresses), connect=never_connects)
        with pytest.raises(AddressRefused):
            guard.get("https://card.example/")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.01",
        "0",
        "127.0.0.1.",
        "[::1%25lo]",
        "1.2.3",
        "0x",
        "93.184.215.0xe",
        "card.example.1",
    ],
)
def test_threats_20_an_address_in_an_odd_form_is_refused_before_any_resolver(host: str) -> None:
    def never_resolves(name: str, port: int) -> Sequence[str]:
        raise AssertionError(f"resolved {name}:{port}")

    with pytest.raises(AddressRefused):
        Guard(resolve=never_resolves, connect=never_connects).get(f"https://{host}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::]"])
def test_threats_20_this_machine_is_refused_with_the_systems_resolver(host: str) -> None:
    with pytest.raises((AddressRefused, Unreachable)):
        Guard(connect=never_connects).get(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://card.example/",
        "ftp://card.example/",
        "file:///etc/passwd",
        "gopher://card.example/",
        "javascript:alert(1)",
        "//card.example/",
        "https://",
        "https:///path",
        "https://user@card.example/",
        "https://user:word@card.example/",
        "https://card.example\\@127.0.0.1/",
        "https://card.example:99999/",
        "https://card.example:x/",
        "https://card.example:22/",
        "https://card.example:80/",
        "https://card..example/",
        "https://-card.example/",
        "https://card.example./",
        "https://кarte.example/",
        "https://card.example/ x",
        "https://card.example/\r\nHost: other",
        "https://card.example/\x00",
        "https://[::1",
        "https://card.example/" + "x" * 9_000,
        "http://127.0.0.1/",
    ],
)
def test_threats_20_what_is_no_https_address_of_a_host_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard(resolve=resolver(PUBLIC), connect=never_connects).get(url)


def test_an_endless_name_is_refused_at_once() -> None:
    """The pattern of names has one way to read a text, so it cannot be made to try many."""
    with pytest.raises(AddressRefused):
        Guard(connect=never_connects).get("https://" + "a" * 4_000 + "!/")


# -- names, pinned -----------------------------------------------------------------------------


class Shop:
    """A TLS server on loopback that resolvers of a test place at a public address."""

    def __init__(self, folder: Path, handler: Callable[[Request], Pieces]) -> None:
        pem = certificate(folder, "card.example")
        self.server = ScriptedServer(handler, server_tls(pem))
        self.trust = ssl.create_default_context(cafile=pem)
        self.connected: list[tuple[str, int]] = []

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.connected.append((address, port))
        return connect("127.0.0.1", self.server.port, timeout_s)

    def guard(self, resolve: Callable[[str, int], Sequence[str]]) -> Guard:
        return Guard(resolve=resolve, connect=self.connect, tls=self.trust)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, lambda _: reply({"tag": "x"}))
    with shop.server:
        yield shop


def test_the_connection_goes_to_the_checked_address_and_proves_the_name(shop: Shop) -> None:
    guard = shop.guard(resolver(PUBLIC, "2606:2800:21f::1"))
    assert guard.get("https://Card.Example:8443/ln?p=1&c=2").record() == {"tag": "x"}
    assert shop.connected == [(PUBLIC, 8443)]
    assert shop.server.names == ["card.example"]
    request = shop.server.requests[0]
    assert (request.method, request.target) == ("GET", "/ln?p=1&c=2")
    assert request.headers == {
        "host": "card.example:8443",
        "user-agent": "taptill",
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_another_address_of_the_name_is_tried_when_the_first_takes_no_connection(
    shop: Shop,
) -> None:
    asked: list[str] = []

    def first_fails(address: str, port: int, timeout_s: float) -> socket.socket:
        asked.append(address)
        if len(asked) < 3:
            raise ConnectionRefusedError
        return shop.connect(address, port, timeout_s)

    found = ("2606:2800:21f::1", "2606:2800:21f::2", PUBLIC, "9.9.9.9")
    guard = Guard(resolve=resolver(*found), connect=first_fails, tls=shop.trust)
    assert guard.get("https://card.example/").status == 200
    assert asked == list(found[:3])


def test_threats_20_a_name_that_changes_its_answer_is_asked_once_and_pinned(shop: Shop) -> None:
    answers = itertools.chain([[PUBLIC]], itertools.repeat(["127.0.0.1"]))
    guard = shop.guard(lambda _name, _port: next(answers))
    guard.get("https://card.example/")
    assert shop.connected == [(PUBLIC, 443)]
    with pytest.raises(AddressRefused):
        guard.get("https://card.example/")
    assert len(shop.connected) == 1


def test_threats_20_a_name_that_turns_inward_at_a_redirect_is_refused(shop: Shop) -> None:
    shop.server.handler = lambda _: redirect("https://card.example/again")
    answers = iter([[PUBLIC], ["169.254.169.254"]])
    with pytest.raises(AddressRefused) as caught:
        shop.guard(lambda _name, _port: next(answers)).get("https://card.example/")
    assert caught.value.sent
    assert len(shop.connected) == 1


def test_a_certificate_for_another_name_is_refused_before_anything_is_said(shop: Shop) -> None:
    with pytest.raises(Unreachable) as caught:
        shop.guard(resolver(PUBLIC)).get("https://other.example/")
    assert not caught.value.sent
    assert not shop.server.requests


def test_a_name_without_an_address_is_unreachable() -> None:
    def nowhere(name: str, port: int) -> Sequence[str]:
        raise socket.gaierror(f"{name}:{port}")

    for resolve in (nowhere, resolver()):
        with pytest.raises(Unreachable):
            Guard(resolve=resolve, connect=never_connects).get("https://card.example/")
