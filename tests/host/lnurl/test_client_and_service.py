"""Two Taptills: one charges the other's card, over HTTP, through the guard in its test setting."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from host.bolt11 import Network
from host.ledger import cards
from host.ledger.codes import Code
from host.lightning.wallet import InvoiceState
from host.lnurl.client import (
    Accepted,
    ForeignRefused,
    ForeignUnreachable,
    LnurlClient,
    RefusedByIssuer,
)
from host.lnurl.guard import Guard, GuardSettings
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.payer import Payer
from host.web import WebServer
from tests.support.ports import free_port
from tests.support.world import ISSUER, SECRET, World


@pytest.fixture
def host(shop: World) -> Iterator[str]:
    """The issuer's service on its listener."""
    port = free_port()
    settings = ServiceSettings(f"http://127.0.0.1:{port}")
    app = create_app(shop.db, [ISSUER], Network.REGTEST, settings, shop.clock, SECRET)
    with WebServer(app, "127.0.0.1", port):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def client(host: str, shop: World) -> LnurlClient:
    guard = Guard(GuardSettings(plain_hosts=frozenset({host})))
    return LnurlClient(guard, Network.REGTEST, shop.clock)


def card(shop: World, host: str, counter: int) -> str:
    """What a reader finds on the card."""
    fields = shop.tap(counter)
    return f"lnurlw://{host}/ln?p={fields['p']}&c={fields['c']}"


def test_a_card_of_another_taptill_is_charged(shop: World, host: str, client: LnurlClient) -> None:
    request = client.ask(card(shop, host, 1))
    assert (request.static, request.host) == (False, host)
    assert request.allows(sats(21))
    invoice = shop.stranger.make_invoice(sats(21), "x", 600)
    assert client.submit(request, invoice.bolt11) == Accepted()
    payer = Payer(shop.db, shop.pool, shop.clock)
    assert payer.step() == 1
    payer.stop()
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.PAID
    assert shop.balance() == (sats(979), 0)


def test_threats_5_handing_the_same_invoice_over_again_joins_the_first(
    shop: World, host: str, client: LnurlClient
) -> None:
    request, text = client.ask(card(shop, host, 1)), shop.invoice()
    assert client.submit(request, text) == client.submit(request, text) == Accepted()
    assert shop.balance() == (sats(979), sats(21))


def test_threats_4_another_invoice_for_the_same_tap_is_refused(
    shop: World, host: str, client: LnurlClient
) -> None:
    request = client.ask(card(shop, host, 1))
    assert client.submit(request, shop.invoice()) == Accepted()
    assert isinstance(client.submit(request, shop.invoice()), RefusedByIssuer)
    assert shop.balance() == (sats(979), sats(21))


@pytest.mark.parametrize("limit_msat", [0, sats(21)])
def test_threats_19_the_pin_is_asked_for_from_its_limit_on(
    shop: World, host: str, client: LnurlClient, limit_msat: int
) -> None:
    cards.set_pin(shop.db, shop.card.card_id, "4711", limit_msat=limit_msat)
    request, text = client.ask(card(shop, host, 1)), shop.invoice(sats(21))
    assert request.pin_limit_msat == limit_msat
    assert request.needs_pin(sats(21))
    for pin, code in ((None, Code.PIN_REQUIRED), ("0000", Code.PIN_WRONG)):
        result = client.submit(request, text, pin)
        assert isinstance(result, RefusedByIssuer)
        assert result.code is code
    assert client.submit(request, text, "4711") == Accepted()


def test_the_issuers_words_and_no_other_code_than_its_own_reach_the_till(
    shop: World, host: str, client: LnurlClient
) -> None:
    cards.freeze(shop.db, shop.card.card_id)
    with pytest.raises(ForeignRefused, match="This card is blocked") as caught:
        client.ask(card(shop, host, 1))
    assert caught.value.code is Code.FOREIGN_REFUSED


def test_a_service_that_went_away_between_scan_and_callback_was_not_told(
    shop: World, host: str, client: LnurlClient
) -> None:
    request = client.ask(card(shop, host, 1))
    gone = LnurlClient(
        Guard(GuardSettings(plain_hosts=frozenset({host})), connect=_refuse),
        Network.REGTEST,
        shop.clock,
    )
    with pytest.raises(ForeignUnreachable) as caught:
        gone.submit(request, shop.invoice())
    assert not caught.value.sent
    assert shop.balance() == (sats(1_000), 0)


def _refuse(address: str, port: int, timeout_s: float) -> socket.socket:
    raise ConnectionRefusedError(f"{address}:{port} within {timeout_s}")
