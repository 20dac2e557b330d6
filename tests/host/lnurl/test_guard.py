"""The guard before strangers' URLs (THREATS 20): redirects, size, time, onions."""

from __future__ import annotations

import socket
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
from tests.host.lnurl.guards import PUBLIC, guard_of, never_connects, resolver
from tests.support.scripted_http import (
    Pieces,
    Request,
    ScriptedServer,
    drip,
    redirect,
    reply,
)

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
        guard_of(server, deadline_s=0.8).get(server.url)
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
