"""Other people's points of sale: from a card's own URL to a proven payment, over real HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host.ledger import payouts, pull_payments
from host.ledger.codes import Code
from host.ledger.records import PayoutStatus, Route
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import InvoiceState
from host.money import sats
from host.ntag424.read import read_tap_url
from host.readers.open import ReaderOptions, open_reader
from tests.support.running import (
    MONEY,
    RunningShop,
    ask,
    get,
    make_card,
    nothing_written,
    payouts_of,
    refused,
    running,
    wait_for,
    wait_payout,
)

LOOKS_ASIDE = tuple(name for name in MONEY if name != "payouts")
"""What the payer's own looks at a payment do not touch."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running(tmp_path / "home") as opened:
        yield opened
        opened.check_books()


def wallet_of(shop: RunningShop) -> EmbeddedWallet:
    assert isinstance(shop.daemon.wallet, EmbeddedWallet)
    return shop.daemon.wallet


def test_a_tap_is_scanned_claimed_paid_and_proven(shop: RunningShop) -> None:
    card = shop.card()
    offered = shop.stranger.make_invoice(sats(2_100), "coffee", 600)
    scanned = shop.scan(**card.tap())
    assert scanned["tag"] == "withdrawRequest"
    assert scanned["minWithdrawable"] <= sats(2_100) <= scanned["maxWithdrawable"]
    callback = scanned["callback"]
    claimed = ask(callback, urlsplit(callback).path, k1=scanned["k1"], pr=offered.bolt11)
    assert claimed == {"status": "OK"}
    payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert payout.preimage is not None
    assert hashlib.sha256(payout.preimage).digest() == payout.payment_hash == offered.payment_hash
    assert payout.route is Route.LIGHTNING
    assert payout.recipient_address == offered.bolt11
    assert payout.transaction_id == offered.payment_hash.hex()
    assert shop.stranger.invoice_state(offered.payment_hash) is InvoiceState.PAID
    assert shop.balance(card) == (7_900, 0, 2_100)
    kinds = [e.kind for e in shop.db.events.after(0) if e.subject == payout.payout_id]
    assert kinds == ["payout.pending", "payout.processing", "payout.completed"]


def test_the_url_on_the_card_itself_read_through_nfcpy_leads_to_a_payment(
    shop: RunningShop, tmp_path: Path
) -> None:
    """A phone knows nothing but the card: its URL names the shop, the shop names the callback."""
    drawer = Drawer(tmp_path / "cards")
    drawer.create("ann")
    with drawer.take("ann") as twin:
        card = make_card(shop.db, shop.config, shop.keyring, twin=twin)
    with TwinProcess("nfc", tmp_path / "cards") as process:
        process.lay("ann")
        options = ReaderOptions(run_dir=tmp_path)
        with open_reader(f"nfc:{process.device}", options) as reader:
            link = reader.wait_card(10_000)
            assert link is not None
            url = urlsplit(read_tap_url(link.transceive))
    assert (url.scheme, url.path) == ("lnurlw", "/ln")
    base = f"http://{url.netloc}"  # LUD-17; https in the world outside
    scanned = ask(base, url.path, **dict(parse_qsl(url.query)))
    back = urlsplit(scanned["callback"])
    assert back.netloc == url.netloc
    query = urlencode({"k1": scanned["k1"], "pr": shop.invoice(50)})
    assert get(f"http://{back.netloc}", f"{back.path}?{query}") == (200, b'{"status":"OK"}')
    payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert hashlib.sha256(payout.preimage or b"").digest() == payout.payment_hash


def test_threat_5_a_retry_after_every_step_joins_the_one_payment(shop: RunningShop) -> None:
    card, offered = shop.card(), shop.invoice(100)
    tap = card.tap()
    first, second = shop.scan(**tap)["k1"], shop.scan(**tap)["k1"]
    for k1 in (first, first, second):
        assert shop.claim(k1, offered) == {"status": "OK"}
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    with nothing_written(shop):
        for k1 in (first, second):
            assert shop.claim(k1, offered) == {"status": "OK"}
    assert len(payouts_of(shop.db, card)) == 1
    assert shop.balance(card) == (9_900, 0, 100)


@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.UNKNOWN_THEN_FAILED])
def test_a_payment_that_failed_frees_the_money_and_the_next_tap_pays(
    shop: RunningShop, fault: Fault
) -> None:
    card = shop.card()
    wallet_of(shop).script(fault)
    offered = shop.invoice(100)
    k1 = shop.scan(**card.tap())["k1"]
    assert shop.claim(k1, offered) == {"status": "OK"}
    if fault is Fault.UNKNOWN_THEN_FAILED:
        _pass_the_grace(shop)
    wait_payout(shop.db, card, PayoutStatus.FAILED)
    assert shop.balance(card) == (10_000, 0, 0)
    assert refused(shop.claim(k1, offered)) is Code.LIGHTNING_FAILED
    assert shop.pay_abroad(card, 100).status is PayoutStatus.COMPLETED
    assert shop.balance(card) == (9_900, 0, 100)


def test_threat_5_while_an_outcome_is_unknown_the_money_is_held_and_the_card_is_busy(
    shop: RunningShop,
) -> None:
    card, wallet = shop.card(), wallet_of(shop)
    wallet.script(Fault.UNKNOWN)
    offered = shop.invoice(100)
    assert shop.claim(shop.scan(**card.tap())["k1"], offered) == {"status": "OK"}
    wait_for(shop.db, lambda: shop.db.events.after(0, kinds=["payout.unknown"]), "unknown")
    assert shop.balance(card) == (9_850, 150, 0)  # with the fee that may be needed
    with nothing_written(shop, LOOKS_ASIDE):
        assert refused(shop.scan(**card.tap())) is Code.CARD_BUSY
    sale = shop.arm(10)
    shop.lay(card)
    wait_for(shop.db, lambda: shop.db.events.after(0, kinds=["sale.declined"]), "declined")
    shop.lift()
    (payout,) = payouts_of(shop.db, card)
    wallet.resolve(payout.payment_hash or b"", paid=True)
    _pass_the_grace(shop)
    wait_payout(shop.db, card, PayoutStatus.COMPLETED)
    assert shop.balance(card) == (9_900, 0, 100)
    shop.lay(card)
    wait_for(shop.db, lambda: len(payouts_of(shop.db, card)) == 2, f"{sale} to be paid")


def test_a_wallet_that_is_down_pays_when_it_is_back(shop: RunningShop) -> None:
    card, wallet = shop.card(), wallet_of(shop)
    offered = shop.invoice(100)
    k1 = shop.scan(**card.tap())["k1"]
    wallet.script_default(Fault.DOWN)
    assert shop.claim(k1, offered) == {"status": "OK"}
    wait_for(shop.db, lambda: shop.db.events.after(0, kinds=["payout.unknown"]), "unknown")
    wallet.script_default(Fault.OK)
    _pass_the_grace(shop)
    # It was never sent, and says so: the money is free, and nobody was paid twice.
    wait_payout(shop.db, card, PayoutStatus.FAILED)
    assert shop.stranger.balance_msat() == 0
    assert shop.balance(card) == (10_000, 0, 0)


def test_an_invoice_of_the_shops_own_wallet_moves_the_cards_money_and_the_books_agree(
    shop: RunningShop,
) -> None:
    """A card of ours at somebody's screen that shows an invoice of ours."""
    card = shop.card()
    before = wallet_of(shop).balance_msat()
    own = wallet_of(shop).make_invoice(sats(100), "to ourselves", 600)
    assert shop.claim(shop.scan(**card.tap())["k1"], own.bolt11) == {"status": "OK"}
    payout = wait_payout(shop.db, card, PayoutStatus.COMPLETED, PayoutStatus.FAILED)
    went = 100 if payout.status is PayoutStatus.COMPLETED else 0
    assert shop.balance(card) == (10_000 - went, 0, went)
    assert wallet_of(shop).balance_msat() == before


def test_an_account_that_ended_between_scan_and_claim_pays_nothing(shop: RunningShop) -> None:
    card = shop.card()
    k1 = shop.scan(**card.tap())["k1"]
    pull_payments.end(shop.db, card.account_id)
    with nothing_written(shop):
        assert refused(shop.claim(k1, shop.invoice(10))) is Code.CARD_EXPIRED
    assert payouts.due(shop.db, leased=True) == []


def _pass_the_grace(shop: RunningShop) -> None:
    """Let the clock go past the time in which "no such payment" is not believed."""
    advance = shop.clock.advance  # type: ignore[attr-defined]
    wait_for(shop.db, lambda: payouts.due(shop.db, leased=True), "a payout to look up")
    advance(15_000)
