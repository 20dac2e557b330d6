"""Filling a card: payLinks, Lightning addresses, and invoices that are exactly what was offered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from host.bolt11 import Network
from host.ledger.codes import Code
from host.lnurl.client import (
    ForeignBroken,
    ForeignError,
    LnurlClient,
)
from tests.host.lnurl.issuers import METADATA, NOW, Issuer, client_of, running_issuer
from tests.support.invoices import invoice_text


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def client(issuer: Issuer) -> LnurlClient:
    return client_of(issuer)


def hashed() -> bytes:
    return hashlib.sha256(METADATA.encode()).digest()


def test_a_pay_link_gives_an_invoice_for_what_was_offered(
    issuer: Issuer, client: LnurlClient
) -> None:
    text = invoice_text(21_000, now=NOW, network=Network.REGTEST, description=hashed())
    issuer.answers["/pay-cb"] = {"pr": text, "routes": []}
    request = client.ask_pay(f"lnurlp://{issuer.server.host}/pay")
    assert (request.min_msat, request.max_msat) == (1_000, 10_000_000)
    assert request.description == "Card of Ada"
    assert client.invoice(request, 21_000).bolt11 == text
    assert issuer.asked() == {"amount": ["21000"]}


def test_a_lightning_address_is_asked_where_it_lives(issuer: Issuer, client: LnurlClient) -> None:
    issuer.answers["/.well-known/lnurlp/ada"] = issuer.answers["/pay"]
    assert client.ask_pay(f"Ada@{issuer.server.host}").description == "Card of Ada"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_msat": 22_000}, Code.AMOUNT_MISMATCH),
        ({"amount_msat": None}, Code.INVOICE_AMOUNTLESS),
        ({"amount_msat": 21_500}, Code.INVOICE_SUBSAT),
        ({"network": Network.MAINNET}, Code.INVOICE_NETWORK),
        ({"description": "Card of Ada"}, Code.INVOICE_INVALID),
        ({"description": bytes(32)}, Code.INVOICE_INVALID),
        ({"now": NOW - 600_000}, Code.INVOICE_EXPIRED),
    ],
)
def test_threats_16_an_invoice_for_anything_else_is_refused(
    issuer: Issuer, client: LnurlClient, changes: dict[str, object], code: Code
) -> None:
    fields: dict[str, object] = {
        "amount_msat": 21_000,
        "now": NOW,
        "network": Network.REGTEST,
        "description": hashed(),
    }
    issuer.answers["/pay-cb"] = {"pr": invoice_text(**(fields | changes))}  # type: ignore[arg-type]
    with pytest.raises(ForeignBroken) as caught:
        client.invoice(client.ask_pay(f"lnurlp://{issuer.server.host}/pay"), 21_000)
    assert caught.value.code is code


@pytest.mark.parametrize("answer", [{"pr": "lnbc1"}, {"pr": ""}, {}, {"pr": 5}])
def test_an_answer_without_an_invoice_is_refused(
    issuer: Issuer, client: LnurlClient, answer: object
) -> None:
    issuer.answers["/pay-cb"] = answer
    with pytest.raises(ForeignBroken):
        client.invoice(client.ask_pay(f"lnurlp://{issuer.server.host}/pay"), 21_000)


@pytest.mark.parametrize("amount_msat", [999, 10_000_001])
def test_an_amount_outside_the_offer_is_not_asked_for(
    issuer: Issuer, client: LnurlClient, amount_msat: int
) -> None:
    request = client.ask_pay(f"lnurlp://{issuer.server.host}/pay")
    with pytest.raises(ForeignError) as caught:
        client.invoice(request, amount_msat)
    assert (caught.value.code, caught.value.sent) == (Code.AMOUNT_INVALID, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": None},
        {"metadata": "text"},
        {"metadata": "[]"},
        {"metadata": "{}"},
        {"metadata": '[["image/png","x"]]'},
        {"metadata": '[["text/plain",5]]'},
        {"metadata": "[5]"},
        {"metadata": "[" * 30_000},
        {"minSendable": 5.5},
        {"tag": "withdrawRequest"},
    ],
)
def test_a_pay_request_that_breaks_the_specification_is_not_used(
    issuer: Issuer, client: LnurlClient, changes: dict[str, object]
) -> None:
    issuer.takes(**changes)
    with pytest.raises(ForeignBroken):
        client.ask_pay(f"lnurlp://{issuer.server.host}/pay")
