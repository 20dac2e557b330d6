"""The way to wallets' services: secrets, addresses, certificates, and what an error means."""

from __future__ import annotations

import hashlib
import logging
import pickle
import socket
import ssl
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from types import SimpleNamespace

import pytest

from host.lightning.http import (
    MAX_BODY,
    Answer,
    Endpoint,
    HttpApi,
    KeyRefused,
    NoAnswer,
    NotSent,
    Secret,
    clean,
)
from host.lightning.remote import POLL_S, Poll, paid, whole
from host.lightning.wallet import Paid, Unknown, WalletDown
from tests.support.scripted_http import (
    Request,
    ScriptedServer,
    certificate,
    drip,
    redirect,
    reply,
    server_tls,
)

KEY = "key-0123456789abcdef"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: reply({"fine": True})) as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Callable[[Endpoint], HttpApi]]:
    """Opens connections and closes them afterwards."""
    apis: list[HttpApi] = []

    def open_api(endpoint: Endpoint) -> HttpApi:
        apis.append(HttpApi(endpoint, {"X-Key": Secret(KEY)}, "the wallet"))
        return apis[-1]

    yield open_api
    for api in apis:
        api.close()


Opened = Callable[[Endpoint], HttpApi]


# -- secrets and addresses ---------------------------------------------------------------------


def test_threats_26_a_secret_shows_itself_nowhere(tmp_path: Path) -> None:
    secret = Secret(KEY)
    shown = f"{secret} {secret!r} {[secret]}"
    assert KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    assert Secret.read(path) == secret
    assert Secret.read_binary(path).reveal() == f"{KEY}\n".encode().hex()
    assert hash(Secret.read(path)) == hash(secret)
    assert secret != KEY


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "ключ", "a\x00"])
def test_a_secret_that_fits_no_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        Secret(value)


@pytest.mark.parametrize(
    "url",
    [
        "https://wallet.example.com",
        "https://wallet.example.com:8080/lnbits/",
        "http://127.0.0.1:5000",
        "http://[::1]:5000",
        "http://localhost:9740",
        f"http://{'a' * 56}.onion",
    ],
)
def test_a_base_url_over_tls_or_on_this_machine_is_accepted(url: str) -> None:
    assert Endpoint(url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "wallet.example.com",
        "http://wallet.example.com",
        "http://192.168.1.5:9740",
        "ftp://wallet.example.com",
        "https://user:word@wallet.example.com",
        "https://wallet.example.com/?key=1",
        "https://wallet.example.com/#x",
        "https://[::1",
        "https://wallet.example.com:x",
    ],
)
def test_threats_26_a_base_url_that_would_show_credentials_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Endpoint(url)


def test_http_inside_a_network_of_ones_own_must_be_asked_for() -> None:
    assert Endpoint("http://192.168.1.5:9740", plain_http=True).plain_http


# -- what an error means -------------------------------------------------------------------------


def test_a_connection_that_never_stood_surely_sent_nothing(opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent):
        opened(Endpoint(f"http://127.0.0.1:{port}")).post("/pay", {})


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n{", b"\x00"])
def test_threats_5_a_connection_that_breaks_after_sending_may_have_done_it(
    server: ScriptedServer, opened: Opened, raw: bytes
) -> None:
    server.handler = lambda _: [raw]
    with pytest.raises(NoAnswer):
        opened(Endpoint(server.url)).post("/pay", {"a": 1})
    assert len(server.requests) == 1  # and it is not sent again


def test_threats_5_silence_may_have_done_it(server: ScriptedServer, opened: Opened) -> None:
    server.handler = lambda _: drip(server, b"")
    with pytest.raises(NoAnswer):
        opened(Endpoint(server.url, read_s=0.5)).form("/pay", {"a": "1"})
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_with_credentials(
    server: ScriptedServer, opened: Opened, status: int
) -> None:
    server.handler = lambda _: redirect(f"{server.url}/elsewhere", status)
    with pytest.raises(NoAnswer, match="redirects"):
        opened(Endpoint(server.url)).get("/x")
    assert len(server.requests) == 1


def test_an_answer_without_end_is_left(server: ScriptedServer, opened: Opened) -> None:
    server.handler = lambda _: reply(b"x" * (MAX_BODY + 1))
    with pytest.raises(NoAnswer):
        opened(Endpoint(server.url)).get("/x")
    with pytest.raises(NoAnswer):
        list(opened(Endpoint(server.url)).lines("GET", "/x", None, 5))


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 x\r\nContent-Length: 9000\r\n\r\n", b"HTTP/1.1 200 x\r\n\r\n"]
)
def test_threats_5_an_answer_that_drips_is_left_though_it_never_falls_silent(
    server: ScriptedServer, opened: Opened, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds))  # each look at it takes a second
    monkeypatch.setattr("host.lightning.http.time", clock)
    server.handler = lambda _: chain([head], drip(server, b" ", 0.001))
    api = opened(Endpoint(server.url, read_s=10))
    with pytest.raises(NoAnswer, match="without end"):
        api.post("/pay", {"a": 1})
    with pytest.raises(NoAnswer, match="without end"):
        list(api.lines("POST", "/pay", {"a": 1}, 10))


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 40\r\n",
        b"Content-Length: 8\r\nContent-Length: 40\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
    ],
)
def test_threats_5_an_answer_that_is_cut_off_or_garbled_may_have_done_it(
    server: ScriptedServer, opened: Opened, head: bytes
) -> None:
    """Not even when what came by then would be a whole record."""
    server.handler = lambda _: [b"HTTP/1.1 200 x\r\n" + head + b'\r\n{"a": 1}']
    api = opened(Endpoint(server.url))
    with pytest.raises(NoAnswer):
        api.post("/pay", {"a": 1}).record()
    with pytest.raises(NoAnswer):
        list(api.lines("POST", "/pay", {"a": 1}, 5))


def test_lines_come_as_they_are_written(server: ScriptedServer, opened: Opened) -> None:
    def handle(_: Request) -> Iterator[bytes]:
        yield b'HTTP/1.1 200 x\r\n\r\n{"a":1}\n{"b"'
        yield b":2}\n\n"
        yield b'{"c":3}'

    server.handler = handle
    lines = opened(Endpoint(server.url)).lines("GET", "/x", None, 5)
    assert [line for _, line in lines] == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_the_first_line_is_there_before_the_stream_ends(
    server: ScriptedServer, opened: Opened
) -> None:
    def handle(_: Request) -> Iterator[bytes]:
        yield b'HTTP/1.1 200 x\r\n\r\n{"a":1}\n'
        yield from drip(server, b"")

    server.handler = handle
    lines = opened(Endpoint(server.url)).lines("GET", "/x", None, 5)
    assert next(iter(lines)) == (200, {"a": 1})
    lines.close()  # type: ignore[attr-defined]


def test_credentials_travel_in_headers_and_only_when_wanted(
    server: ScriptedServer, opened: Opened
) -> None:
    api = opened(Endpoint(server.url + "/base/"))
    api.get("/x")
    api.get("/x", anonymous=True)
    first, second = server.requests
    assert (first.target, first.headers["x-key"]) == ("/base/x", KEY)
    assert "x-key" not in second.headers


def test_threats_26_nothing_is_logged_about_a_request(
    server: ScriptedServer, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        opened(Endpoint(server.url)).get("/hash-of-a-payment")
    assert "hash-of-a-payment" not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[1]", b"null", b"[" * 100_000, b'{"a": 1' + b"0" * 5_000 + b"}", b"\xff"]
)
def test_an_answer_that_is_no_record_has_no_meaning(body: bytes) -> None:
    with pytest.raises(NoAnswer):
        Answer(200, body).record()
    assert Answer(502, body).says("detail") == "status 502"


def test_words_from_a_service_are_made_fit_for_logs() -> None:
    assert clean("a\r\nb\x1b[31m\u202ec   d") == "a b [31m c d"
    assert len(clean("x" * 900)) == 200
    assert Answer(400, b'{"detail": ["a\\nb"]}').says("detail") == "['a\\nb']"


def test_the_errors_are_all_a_wallet_that_is_down() -> None:
    assert all(issubclass(one, WalletDown) for one in (NotSent, KeyRefused, NoAnswer))


# -- certificates --------------------------------------------------------------------------------


@pytest.fixture
def node(tmp_path: Path) -> Iterator[tuple[ScriptedServer, Path]]:
    """A service with a certificate of its own, as LND and Core Lightning have."""
    pem = certificate(tmp_path, "127.0.0.1")
    with ScriptedServer(lambda _: reply({"fine": True}), server_tls(pem)) as server:
        yield server, pem


def test_a_certificate_of_its_own_is_not_trusted_by_itself(
    node: tuple[ScriptedServer, Path], opened: Opened
) -> None:
    server, _ = node
    with pytest.raises(NotSent, match="not trusted"):
        opened(Endpoint(f"https://{server.host}")).get("/x")
    assert not server.requests


def test_a_certificate_of_its_own_is_trusted_when_it_is_given(
    node: tuple[ScriptedServer, Path], opened: Opened
) -> None:
    server, pem = node
    assert opened(Endpoint(f"https://{server.host}", ca_file=pem)).get("/x").ok


def test_a_pinned_certificate_is_trusted_and_no_other(
    node: tuple[ScriptedServer, Path], opened: Opened
) -> None:
    server, pem = node
    block = pem.read_text().partition("-----BEGIN EC")[0].partition("-----BEGIN PRIVATE")[0]
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest()
    url = f"https://{server.host}"
    assert opened(Endpoint(url, cert_sha256=digest)).get("/x").ok
    with pytest.raises(NotSent, match="not trusted"):
        opened(Endpoint(url, cert_sha256="0" * 64)).get("/x")
    assert len(server.requests) == 1


# -- what counts as proof --------------------------------------------------------------------------


def test_only_a_preimage_that_hashes_is_a_payment() -> None:
    preimage = bytes(range(32))
    payment_hash = hashlib.sha256(preimage).digest()
    assert paid(payment_hash, preimage.hex(), -5) == Paid(preimage, 5)
    for wrong in (None, "", "zz", "00" * 32, preimage.hex()[:-2], preimage.hex() + "00"):
        assert isinstance(paid(payment_hash, wrong, 0), Unknown)


@pytest.mark.parametrize(
    ("fee", "fee_msat"),
    [(5, 5), ("5", 5), (-5, 5), ("-5msat", 5), (0, 0), (21 * 10**17, 21 * 10**17)]
    + [(wrong, 0) for wrong in (None, "", "x", 1.5, True, [], {}, 10**19, "9" * 400, "-" * 9)],
)
def test_a_proof_is_one_whatever_its_fee_and_a_fee_that_cannot_be_counts_as_nothing(
    fee: object, fee_msat: int
) -> None:
    preimage = bytes(range(32))
    payment_hash = hashlib.sha256(preimage).digest()
    assert paid(payment_hash, preimage.hex(), fee) == Paid(preimage, fee_msat)


def test_only_whole_numbers_are_amounts() -> None:
    assert [whole(one, "x") for one in (5, "5", "-5", "5msat")] == [5, 5, -5, 5]
    for wrong in (5.0, "5.0", "", None, True, "٥", "1e3", [5]):
        with pytest.raises(NoAnswer):
            whole(wrong, "x")


def test_a_poll_asks_about_once_a_second_and_at_once_when_closed() -> None:
    poll = Poll()
    assert POLL_S <= 1
    assert poll.wait(0)
    poll.close()
    assert poll.wait(600)
