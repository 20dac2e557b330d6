"""The guard before strangers' URLs (THREATS 20): addresses, names, redirects, size, time."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from host.lnurl.guard import (
    AddressRefused,
    BadAnswer,
    Guard,
    GuardError,
    GuardSettings,
    TooSlow,
    Unreachable,
    connect,
)
from tests.support.scripted_http import (
    Pieces,
    Request,
    ScriptedServer,
    certificate,
    drip,
    redirect,
    reply,
    server_tls,
)

PUBLIC = "93.184.215.14"

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


def never_connects(address: str, port: int, timeout_s: float) -> socket.socket:
    raise AssertionError(f"connected to {address}:{port}")


def guard_of(server: ScriptedServer, **settings: object) -> Guard:
    """A guard in its test setting: this one server may be asked over http."""
    return Guard(GuardSettings(plain_hosts=frozenset({server.host}), **settings))  # type: ignore[arg-type]


def resolver(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _name, _port: addresses


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


# -- redirects ---------------------------------------------------------------------------------


def hops(server: ScriptedServer, last: Callable[[], Pieces], count: int) -> None:
    """Let a server redirect so many times, then answer."""

    def handle(request: Request) -> Pieces:
        number = int(request.target.removeprefix("/"))
        return last() if number == count else redirect(f"{server.url}/{number + 1}")

    server.handler = handle


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: reply({})) as server:
        yield server


def test_three_redirects_are_followed_without_cookies(server: ScriptedServer) -> None:
    hops(server, lambda: reply({"end": 1}), 3)
    assert guard_of(server).get(f"{server.url}/0").record() == {"end": 1}
    assert len(server.requests) == 4
    assert not any("cookie" in one.headers or "referer" in one.headers for one in server.requests)


def test_threats_20_a_fourth_redirect_is_not_followed(server: ScriptedServer) -> None:
    hops(server, lambda: reply({}), 4)
    with pytest.raises(BadAnswer):
        guard_of(server).get(f"{server.url}/0")
    assert len(server.requests) == 4


@pytest.mark.parametrize("hop", [0, 1, 2])
@pytest.mark.parametrize(
    "inward",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://localhost/",
        "http://card.example/",
        "https://2130706433/",
        "file:///etc/passwd",
        "https://user@card.example/",
        "https://[::1",
        "//10.0.0.1/",
    ],
)
def test_threats_20_a_redirect_inward_is_refused_at_every_hop(
    server: ScriptedServer, hop: int, inward: str
) -> None:
    hops(server, lambda: redirect(inward), hop)
    with pytest.raises((AddressRefused, Unreachable)) as caught:
        guard_of(server).get(f"{server.url}/0")
    assert caught.value.sent
    assert len(server.requests) == hop + 1


# -- size and content --------------------------------------------------------------------------


def test_threats_20_a_body_may_have_64_kib_and_not_a_byte_more(server: ScriptedServer) -> None:
    whole = b'{"a":"' + b"x" * (65_536 - 8) + b'"}'
    server.handler = lambda _: reply(whole)
    assert len(guard_of(server).get(server.url).body) == 65_536
    server.handler = lambda _: reply(whole + b" ")
    with pytest.raises(BadAnswer):
        guard_of(server).get(server.url)


def test_threats_20_a_body_without_end_is_left(server: ScriptedServer) -> None:
    def handle(_: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 x\r\n\r\n"
        while not server.stopping.is_set():
            yield b"x" * 4_096

    server.handler = handle
    with pytest.raises(BadAnswer):
        guard_of(server).get(server.url)


@pytest.mark.parametrize(
    "body",
    [b"", b"<script>alert(1)</script>", b"[1]", b'"x"', b"[" * 60_000, b'{"a":NaN}', b"\xff\xfe"],
)
def test_what_is_no_json_object_is_a_bad_answer(server: ScriptedServer, body: bytes) -> None:
    server.handler = lambda _: reply(body)
    with pytest.raises(BadAnswer):
        guard_of(server).get(server.url).record()


def test_a_packed_body_is_not_unpacked(server: ScriptedServer) -> None:
    server.handler = lambda _: reply(b"\x1f\x8b\x08", headers=[("Content-Encoding", "gzip")])
    assert guard_of(server).get(server.url).body == b"\x1f\x8b\x08"


@pytest.mark.parametrize("raw", [b"", b"\x00\x01\x02", b"HTTP/9.9 x\r\n\r\n"])
def test_what_is_no_http_is_unreachable_but_was_sent(server: ScriptedServer, raw: bytes) -> None:
    server.handler = lambda _: [raw]
    with pytest.raises(GuardError) as caught:
        guard_of(server).get(server.url)
    assert caught.value.sent


# -- time --------------------------------------------------------------------------------------


def slow_body(server: ScriptedServer) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 x\r\n\r\n{"
    yield from drip(server, b" ")


def slow_sized_body(server: ScriptedServer) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 x\r\nContent-Length: 60000\r\n\r\n{"
    yield from drip(server, b" ")


def slow_headers(server: ScriptedServer) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 x\r\n"
    yield from drip(server, b"X: y\r\n")


def slow_continues(server: ScriptedServer) -> Iterator[bytes]:
    yield from drip(server, b"HTTP/1.1 100 go on\r\n\r\n")


def silence(server: ScriptedServer) -> Iterator[bytes]:
    yield from drip(server, b"")


@pytest.mark.parametrize(
    "slow", [slow_body, slow_sized_body, slow_headers, slow_continues, silence]
)
def test_threats_20_an_answer_that_drips_is_cut_at_the_deadline(
    server: ScriptedServer, slow: Callable[[ScriptedServer], Iterator[bytes]]
) -> None:
    server.handler = lambda _: slow(server)
    with pytest.raises(TooSlow) as caught:
        guard_of(server, deadline_s=0.3).get(server.url)
    assert caught.value.sent


def test_threats_20_the_time_is_for_all_redirects_together(server: ScriptedServer) -> None:
    def handle(request: Request) -> Iterator[bytes]:
        server.stopping.wait(0.15)
        yield from redirect(f"{server.url}{request.target}x")

    server.handler = handle
    with pytest.raises(TooSlow):
        guard_of(server, deadline_s=0.4).get(f"{server.url}/")


def test_threats_20_tls_that_never_greets_is_cut(tmp_path: Path) -> None:
    del tmp_path
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        guard = Guard(
            GuardSettings(deadline_s=0.2),
            resolve=resolver(PUBLIC),
            connect=lambda _a, _p, timeout_s: connect("127.0.0.1", port, timeout_s),
        )
        with pytest.raises(TooSlow) as caught:
            guard.get("https://card.example/")
        assert not caught.value.sent


def test_threats_20_a_resolver_that_hangs_is_left() -> None:
    over = threading.Event()

    def hanging(name: str, port: int) -> Sequence[str]:
        over.wait(20)
        return [name, str(port)]

    with pytest.raises(TooSlow):
        Guard(GuardSettings(deadline_s=0.1), resolve=hanging).get("https://card.example/")
    over.set()


# -- plain hosts and onion services --------------------------------------------------------------


@pytest.mark.parametrize("address", [PUBLIC, "10.0.0.1", "192.168.0.1", "::ffff:127.0.0.1"])
def test_the_test_setting_reaches_only_this_machine(address: str) -> None:
    guard = Guard(
        GuardSettings(plain_hosts=frozenset({"shop.example"})),
        resolve=resolver(address),
        connect=never_connects,
    )
    with pytest.raises(AddressRefused):
        guard.get("http://shop.example/")


def test_the_test_setting_names_its_port(server: ScriptedServer) -> None:
    with pytest.raises(AddressRefused):
        guard_of(server).get("http://127.0.0.1:1/")


ONION = "a" * 56 + ".onion"


def test_threats_20_onion_services_need_a_proxy() -> None:
    with pytest.raises(AddressRefused):
        Guard(connect=never_connects).get(f"http://{ONION}/")
    short = GuardSettings(onion_proxy=("127.0.0.1", 9050))
    with pytest.raises(AddressRefused):
        Guard(short, connect=never_connects).get("http://short.onion/")


def proxy(answer: bytes, heard: list[bytes]) -> tuple[socket.socket, threading.Thread]:
    """A SOCKS5 proxy for one connection that answers the web request itself."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            heard.append(sock.recv(3))
            sock.sendall(b"\x05\x00")
            heard.append(sock.recv(512))
            sock.sendall(answer)
            if answer[1] == 0:
                heard.append(sock.recv(4_096))
                sock.sendall(b"".join(reply({"from": "the onion"})))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listener, thread


def test_an_onion_services_name_travels_to_the_proxy_and_no_resolver_hears_it() -> None:
    heard: list[bytes] = []
    listener, thread = proxy(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", heard)
    with listener:
        settings = GuardSettings(onion_proxy=listener.getsockname())
        answer = Guard(settings, resolve=lambda *_: pytest.fail("resolved")).get(
            f"http://{ONION}/ln?p=1"
        )
        assert answer.record() == {"from": "the onion"}
        thread.join(10)
    assert heard[0] == b"\x05\x01\x00"
    assert heard[1] == b"\x05\x01\x00\x03" + bytes((62,)) + ONION.encode() + b"\x00\x50"
    assert heard[2].startswith(f"GET /ln?p=1 HTTP/1.1\r\nHost: {ONION}\r\n".encode())


def test_a_proxy_that_refuses_leaves_the_service_unreachable() -> None:
    listener, thread = proxy(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", [])
    with listener:
        settings = GuardSettings(onion_proxy=listener.getsockname())
        with pytest.raises(Unreachable) as caught:
            Guard(settings).get(f"http://{ONION}/")
        thread.join(10)
    assert not caught.value.sent


def test_threats_19_no_error_repeats_the_url(server: ScriptedServer) -> None:
    """A callback's URL carries the tap and perhaps the PIN."""
    server.handler = lambda _: [b""]
    urls = [f"{server.url}/cb?pin=1234", "http://card.example/cb?pin=1234", "https://x:1/?pin=1234"]
    for url in urls:
        with pytest.raises(GuardError) as caught:
            guard_of(server).get(url)
        assert "1234" not in str(caught.value)
