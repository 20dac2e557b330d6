"""News over a websocket, or by the lines of an answer, against servers on loopback."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from host.bolt11 import Network
from host.clock import ManualClock
from host.lightning.http import Endpoint, Secret
from host.lightning.lnd import LndSettings, open_lnd
from host.lightning.phoenixd import PhoenixdSettings, open_phoenixd
from host.lightning.push import Push, Stream
from host.lightning.remote import Common, Poll, Watch
from tests.support.scripted_http import (
    Pieces,
    Request,
    ScriptedServer,
    certificate,
    reply,
    server_tls,
)

HASH = bytes(range(32))
Handler = Callable[[ServerConnection], None]


@contextmanager
def served(handler: Handler, pem: Path | None = None) -> Iterator[Server]:
    """A websocket server whose connections the handler serves."""
    tls = None if pem is None else server_tls(pem)
    with serve(handler, "127.0.0.1", 0, ssl=tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def address(server: Server) -> str:
    return f"127.0.0.1:{server.socket.getsockname()[1]}"


def received(payment_hash: bytes) -> str:
    """The message of phoenixd for a payment that came in (`JsonSerializers.kt`)."""
    kind = {"type": "payment_received", "amountSat": 21}
    return json.dumps(kind | {"paymentHash": payment_hash.hex()})


def opened(url: str) -> object:
    settings = PhoenixdSettings(Endpoint(url), Secret("word"))
    wallet = open_phoenixd(settings, Common(Network.REGTEST, ManualClock()))
    watch = wallet.watch(HASH)
    wallet.close()
    return watch


def test_phoenixd_tells_of_one_invoice_among_all() -> None:
    asked: list[tuple[str, str]] = []

    def handle(connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        asked.append((request.path, request.headers["Authorization"]))
        connection.send(received(bytes(32)))
        connection.send(received(HASH))
        for _ in connection:
            """Until the watch is closed."""

    with served(handle) as server:
        watch = opened(f"http://{address(server)}")
        assert isinstance(watch, Push)
        assert watch.wait(20)
        assert not watch.wait(0.01)
        watch.close()
    token = base64.b64encode(b":word").decode()
    assert asked == [("/websocket", f"Basic {token}")]


def test_a_websocket_that_ends_says_ask_now_and_polls_from_then_on() -> None:
    with served(lambda _: None) as server:
        watch = opened(f"http://{address(server)}")
        assert isinstance(watch, Push)
        assert watch.wait(20)
        watch.close()
        assert watch.wait(600)


def test_a_service_without_a_websocket_is_polled() -> None:
    with served(lambda _: None) as server:
        url = f"http://{address(server)}"
    watch = opened(url)
    assert isinstance(watch, Poll)


def test_a_certificate_is_checked_for_a_websocket_too(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "127.0.0.1")
    with served(lambda _: None, pem) as server:
        url = f"https://{address(server)}"
        assert Push.opened(Endpoint(url), "/x") is None
        assert Push.opened(Endpoint(url, cert_sha256="0" * 64), "/x") is None
        watch = Push.opened(Endpoint(url, ca_file=pem), "/x")
        assert watch is not None
        watch.close()
        watch.close()


# -- lines of an answer that goes on -------------------------------------------------------------


@contextmanager
def lnd(handler: Callable[[Request], Pieces], pem: Path | None = None) -> Iterator[Watch]:
    """The watch over an invoice of an LND that is this handler; its thread has ended afterwards."""
    with ScriptedServer(handler, None if pem is None else server_tls(pem)) as server:
        url = server.url if pem is None else f"https://{server.host}"
        settings = LndSettings(Endpoint(url, ca_file=pem), Secret("00"))
        wallet = open_lnd(settings, Common(Network.REGTEST, ManualClock()))
        watch = wallet.watch(HASH)
        yield watch
        watch.close()
        watch.close()
        wallet.close()
        readers = [one for one in threading.enumerate() if one.name == "wallet news"]
        for one in readers:
            one.join(10)
        assert not any(one.is_alive() for one in readers)


@pytest.mark.parametrize("tls", [False, True])
def test_lnd_tells_of_an_invoice_by_lines_and_is_left_when_enough_was_heard(
    tmp_path: Path, tls: bool
) -> None:
    paid, left, asked = threading.Event(), threading.Event(), []

    def handle(request: Request) -> Pieces:
        asked.append((request.target, request.headers["grpc-metadata-macaroon"]))
        yield b'HTTP/1.1 200 x\r\n\r\n{"result": {"state": "OPEN"}}\n'
        paid.wait(10)
        yield b'{"result": {"state": "SETTLED"}}\n'
        left.wait(10)

    with lnd(handle, certificate(tmp_path, "127.0.0.1") if tls else None) as watch:
        assert watch.wait(10)
        assert not watch.wait(0.01)
        paid.set()
        assert watch.wait(10)
        watch.close()
        for one in threading.enumerate():
            if one.name == "wallet news":
                one.join(10)
                assert not one.is_alive(), "it goes on reading what nobody wants to hear"
        left.set()
    which = base64.urlsafe_b64encode(HASH).decode()
    assert asked == [(f"/v2/invoices/subscribe/{which}", "00")]


@pytest.mark.parametrize(
    "answer", [reply({"code": 7, "message": "permission denied"}, status=403), [b""], [b"x"]]
)
def test_where_no_lines_come_the_watch_polls(answer: Pieces) -> None:
    with lnd(lambda _: answer) as watch:
        assert isinstance(watch, Stream)
        assert watch._over.wait(10)
        assert watch.wait(0.0)
        assert watch.wait(0.0)


@pytest.mark.parametrize("timeout_s", [0.0, 0.01])
def test_no_news_is_no_reason_to_ask(timeout_s: float) -> None:
    def handle(connection: ServerConnection) -> None:
        for _ in connection:
            """Say nothing."""

    with served(handle) as server:
        watch = opened(f"http://{address(server)}")
        assert isinstance(watch, Push)
        assert not watch.wait(timeout_s)
        watch.close()
