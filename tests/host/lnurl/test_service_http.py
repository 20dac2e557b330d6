"""The service on its listener, over real sockets: a whole tap, and many askers at once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from host.bolt11 import Network, decode
from host.ledger import payouts
from host.ledger.codes import Code
from host.ledger.records import PayoutStatus
from host.lightning.wallet import InvoiceState
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.payer import Payer
from host.web import WebServer
from tests.support.world import ISSUER, SECRET, World


@pytest.fixture
def server(shop: World) -> Iterator[WebServer]:
    settings = ServiceSettings("https://pay.example")
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET)
    with WebServer(app, "127.0.0.1", 0) as running:
        yield running


def ask(server: WebServer, path: str, **fields: str) -> dict[str, Any]:
    with urlopen(f"{server.url}{path}?{urlencode(fields)}", timeout=20) as response:
        assert response.status == 200
        answer = json.load(response)
    assert isinstance(answer, dict)
    return answer


def test_a_whole_tap_is_scanned_claimed_and_paid(server: WebServer, shop: World) -> None:
    payer = Payer(shop.db, shop.pool, shop.clock)
    payer.start()
    invoice = shop.stranger.make_invoice(sats(21), "two coffees", 600)
    k1 = ask(server, "/ln", **shop.tap(1))["k1"]
    assert ask(server, "/ln/cb", k1=k1, pr=invoice.bolt11) == {"status": "OK"}
    seen = 0
    while shop.balance() != (sats(979), 0):
        assert shop.db.events.wait(seen, 30_000)
        seen = shop.db.events.last_id()
    payer.stop()
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.PAID


def test_threat_4_of_many_claims_of_one_tap_at_once_one_is_accepted(
    server: WebServer, shop: World
) -> None:
    k1 = ask(server, "/ln", **shop.tap(1))["k1"]
    invoices = [shop.invoice() for _ in range(12)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda pr: ask(server, "/ln/cb", k1=k1, pr=pr), invoices))
    accepted = [pr for pr, answer in zip(invoices, answers, strict=True) if "code" not in answer]
    assert len(accepted) == 1
    refused = {answer["code"] for answer in answers if "code" in answer}
    assert refused <= {Code.SUN_REPLAYED, Code.CARD_BUSY}
    assert shop.balance() == (sats(979), sats(21))
    (payout,) = payouts.take(shop.db)
    assert payout.payment_hash == decode(accepted[0]).payment_hash


def test_threat_5_of_many_retries_of_one_claim_at_once_all_are_accepted_and_one_is_paid(
    server: WebServer, shop: World
) -> None:
    k1, pr = ask(server, "/ln", **shop.tap(1))["k1"], shop.invoice()
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: ask(server, "/ln/cb", k1=k1, pr=pr), range(12)))
    assert answers == [{"status": "OK"}] * 12
    assert shop.balance() == (sats(979), sats(21))


def test_threat_30_two_scans_ten_milliseconds_apart_are_one_tap(
    server: WebServer, shop: World
) -> None:
    with ThreadPoolExecutor(2) as threads:
        scans = list(threads.map(lambda _: ask(server, "/ln", **shop.tap(1)), range(2)))
    assert [scan["tag"] for scan in scans] == ["withdrawRequest"] * 2
    pr = shop.invoice()
    assert [ask(server, "/ln/cb", k1=scan["k1"], pr=pr) for scan in scans] == [
        {"status": "OK"},
        {"status": "OK"},
    ]
    (payout,) = payouts.take(shop.db)
    assert payout.status is PayoutStatus.PROCESSING


def test_threat_13_ten_megabytes_of_invoice_are_refused_and_the_next_tap_is_served(
    server: WebServer, shop: World
) -> None:
    with socket.create_connection((server.host, server.port), timeout=20) as raw:
        try:
            raw.sendall(b"GET /ln/cb?pr=" + b"a" * 10_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        except ConnectionError:
            pass
        else:
            assert b" 431 " in raw.recv(100)
    assert ask(server, "/ln", **shop.tap(1))["tag"] == "withdrawRequest"
