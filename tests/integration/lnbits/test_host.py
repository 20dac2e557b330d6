"""Our cards at other people's points of sale, with a real LNbits as the pool's wallet and theirs.

The other point of sale is once our own LNURL client, behind its guard, and once LNbits itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from host.bolt11 import Network
from host.ledger import books, pull_payments
from host.ledger.records import PullPayment
from host.lightning.lnbits import LnbitsWallet
from host.lightning.wallet import InvoiceState
from host.lnurl.client import Accepted, LnurlClient, RefusedByIssuer
from host.lnurl.guard import Guard, GuardSettings
from host.lnurl.service import ServiceSettings, create_app
from host.money import sats
from host.ntag424.values import Uid
from host.payer import Payer
from host.store.engine import Engine
from host.web import WebServer
from tests.integration.lnbits.conftest import Opener
from tests.support.lnbits import Lnbits, LnbitsAccount
from tests.support.ports import free_port
from tests.support.world import ISSUER, SECRET, UID, Tapper, add_card, furnish

pytestmark = pytest.mark.lnbits

FUNDS_SAT = 100_000
CARDS = 20


@dataclass(frozen=True)
class Shop:
    """A host that pays for its cards out of a wallet in LNbits, and a stranger with another."""

    db: Engine
    account: PullPayment
    payer: Payer
    pool: LnbitsWallet
    stranger: LnbitsWallet
    stranger_account: LnbitsAccount
    host: str
    client: LnurlClient
    tappers: list[Tapper]

    def tap(self, card: int, counter: int = 1) -> str:
        """What the reader of another point of sale finds on a card."""
        fields = self.tappers[card].tap(counter)
        return f"lnurlw://{self.host}/ln?p={fields['p']}&c={fields['c']}"

    def left(self) -> tuple[int, int]:
        """What the cards' account has free and held, in msat."""
        account = pull_payments.get(self.db, self.account.pull_payment_id)
        assert account is not None
        return account.balance_msat, account.held_msat

    def charge(self, card: int, bolt11: str) -> object:
        """Tap a card and hand an invoice over."""
        return self.client.submit(self.client.ask(self.tap(card)), bolt11)


@pytest.fixture
def shop(tmp_path: Path, lnbits: Lnbits, opened: Opener) -> Iterator[Shop]:
    """Twenty cards on one account of 100 000 sat; the books must agree after every test."""
    db = Engine.open(tmp_path / "taptill.db", opened.clock)
    account = furnish(db, sats(FUNDS_SAT))
    tappers = [Tapper(UID)] + [Tapper(Uid(bytes((4, 1, 2, 3, 4, 5, n)))) for n in range(1, CARDS)]
    for one in tappers[1:]:
        add_card(db, account, one.uid)
    host = f"127.0.0.1:{free_port()}"
    settings = ServiceSettings(f"http://{host}")
    app = create_app(db, [ISSUER], Network.MAINNET, settings, opened.clock, SECRET)
    guard = Guard(GuardSettings(plain_hosts=frozenset({host})))
    theirs = lnbits.account("stranger")
    pool = opened(lnbits.account("pool", FUNDS_SAT).admin_key)
    payer = Payer(db, pool, opened.clock)
    with WebServer(app, "127.0.0.1", int(host.rpartition(":")[2])):
        yield Shop(
            db,
            account,
            payer,
            pool,
            opened(theirs.invoice_key),
            theirs,
            host,
            LnurlClient(guard, Network.MAINNET, opened.clock),
            tappers,
        )
    payer.stop()
    report = books.check(db)
    assert report.ok, report.problems
    db.close()


def test_a_tap_pays_an_invoice_of_another_wallet_in_lnbits(shop: Shop) -> None:
    invoice = shop.stranger.make_invoice(sats(21), "two coffees", 600)
    watch = shop.stranger.watch(invoice.payment_hash)
    assert shop.charge(0, invoice.bolt11) == Accepted()
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.OPEN
    assert shop.left() == (sats(FUNDS_SAT - 21), sats(21))
    assert shop.payer.step() == 1
    assert watch.wait(20)
    watch.close()
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.PAID
    assert shop.left() == (sats(FUNDS_SAT - 21), 0)
    assert shop.pool.balance_msat() == sats(FUNDS_SAT - 21)


def test_twenty_taps_at_once_on_different_cards_are_each_paid_once(shop: Shop) -> None:
    invoices = [shop.stranger.make_invoice(sats(10 + n), "x", 600) for n in range(CARDS)]
    shop.payer.start()
    with ThreadPoolExecutor(CARDS) as pool:
        results = list(pool.map(shop.charge, range(CARDS), [one.bolt11 for one in invoices]))
    assert results == [Accepted()] * CARDS
    total = sats(sum(10 + n for n in range(CARDS)))
    seen = 0
    while shop.left() != (sats(FUNDS_SAT) - total, 0):
        assert shop.db.events.wait(seen, 20_000)
        seen = shop.db.events.last_id()
    states = {shop.stranger.invoice_state(one.payment_hash) for one in invoices}
    assert states == {InvoiceState.PAID}
    assert shop.stranger.balance_msat() == total
    assert shop.pool.balance_msat() == sats(FUNDS_SAT) - total


def test_threats_15_one_invoice_offered_by_two_cards_is_paid_by_one(shop: Shop) -> None:
    invoice = shop.stranger.make_invoice(sats(50), "x", 600)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(shop.charge, (0, 1), (invoice.bolt11,) * 2))
    assert sorted(type(one).__name__ for one in results) == ["Accepted", "RefusedByIssuer"]
    (refused,) = [one for one in results if isinstance(one, RefusedByIssuer)]
    assert refused.words.startswith("This invoice was already offered")
    assert shop.payer.step() == 1
    assert shop.payer.step() == 0
    assert shop.stranger.balance_msat() == sats(50)
    assert shop.left() == (sats(FUNDS_SAT - 50), 0)


def test_lnbits_itself_charges_our_card(shop: Shop, lnbits: Lnbits) -> None:
    """`pay-with-nfc`: LNbits is an independent point of sale in front of our service."""
    invoice = shop.stranger.make_invoice(sats(33), "x", 600)
    answer = lnbits.call(
        "POST",
        f"/api/v1/payments/{invoice.bolt11}/pay-with-nfc",
        {"lnurl_w": shop.tap(3)},
        key=shop.stranger_account.admin_key,
    )
    assert answer["success"] is True, answer
    assert shop.payer.step() == 1
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.PAID
    assert shop.left() == (sats(FUNDS_SAT - 33), 0)


def test_threats_5_a_pool_that_is_empty_fails_surely_and_frees_the_money(
    shop: Shop, lnbits: Lnbits
) -> None:
    """The account has the money, its wallet has not: nothing leaves, nothing stays held."""
    other = lnbits.account("other")
    key = {"key": other.invoice_key}
    made = lnbits.call(
        "POST", "/api/v1/payments", {"out": False, "amount": 99_950, "memo": "x"}, **key
    )
    shop.pool.pay(made["bolt11"], 0)
    invoice = shop.stranger.make_invoice(sats(100), "x", 600)
    assert shop.charge(0, invoice.bolt11) == Accepted()
    assert shop.payer.step() == 1
    assert shop.left() == (sats(FUNDS_SAT), 0)
    assert shop.stranger.invoice_state(invoice.payment_hash) is InvoiceState.OPEN
