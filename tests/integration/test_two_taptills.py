"""Our till charges a card whose issuer is a second Taptill: two daemons, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.ledger import cards, sales
from host.ledger.codes import Code
from host.ledger.records import Limits, PayoutStatus, Sale, SaleState
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import Paid
from host.money import sats
from host.readers.base import Look
from tests.support.abroad import fill_abroad, two_taptills
from tests.support.running import HeldCard, RunningShop, running, wait_for, wait_payout, wait_sale

Shops = tuple[RunningShop, RunningShop]


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Shops]:
    with two_taptills(tmp_path) as both:
        yield both


def balance_sat(shop: RunningShop) -> int:
    wallet = shop.daemon.wallet
    assert isinstance(wallet, EmbeddedWallet)
    return wallet.balance_msat() // 1_000


def test_our_till_charges_a_card_of_another_taptill(shops: Shops) -> None:
    shop, issuer = shops
    card = issuer.card()
    before = balance_sat(shop), balance_sat(issuer)
    sale = shop.arm(2_100)
    shop.lay(card)
    done = wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
    assert (done.code, done.payout_id) == (None, None)
    assert (balance_sat(shop), balance_sat(issuer)) == (before[0] + 2_100, before[1] - 2_100)
    assert wait_payout(issuer.db, card, PayoutStatus.COMPLETED).amount_msat == sats(2_100)
    kinds = [one.kind for one in shop.db.events.after(0) if one.subject == sale.sale_id]
    assert kinds == ["sale.ready", "sale.authorising", "sale.approved"]
    assert shop.reader().wait_shown(Look.APPROVED, 30_000)
    assert Look.READ in [one.look for one in shop.reader().shown]
    shop.lift()
    shop.check_books()
    issuer.check_books()


def test_a_card_of_another_taptill_is_filled_from_our_wallet_and_pays_with_it(
    shops: Shops,
) -> None:
    """Its payLink (LUD-19), asked over HTTP through the guard in its test setting."""
    shop, issuer = shops
    card = issuer.card(balance_sat=0)
    before = balance_sat(shop), balance_sat(issuer)
    result = fill_abroad(shop, card, 500)
    assert isinstance(result, Paid)
    wait_for(issuer.db, lambda: issuer.balance(card) == (500, 0, 0), "the card's money")
    assert balance_sat(shop) == before[0] - 500 - result.fee_msat // 1_000
    assert balance_sat(issuer) == before[1] + 500
    sale = shop.arm(400)  # what the way may cost is held beside it
    shop.lay(card)
    wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
    shop.lift()
    shop.check_books()
    issuer.check_books()


def test_the_issuers_refusal_is_shown_and_the_next_card_pays(shops: Shops) -> None:
    shop, issuer = shops
    poor = issuer.card("Poor", balance_sat=5)
    sale = shop.arm(100)
    shop.lay(poor)
    refused = wait_sale(shop.db, sale.sale_id, SaleState.DECLINED)
    words = Code.BALANCE_LOW.words
    assert refused.code is Code.FOREIGN_REFUSED
    assert refused.data["words"] == f"{words.says}. {words.do}"
    shop.lift()
    shop.lay(issuer.card("Rich"))
    assert wait_sale(shop.db, sale.sale_id, SaleState.APPROVED).code is None
    issuer.check_books()


def test_a_limit_of_the_issuer_is_told_before_anything_is_handed_over(shops: Shops) -> None:
    shop, issuer = shops
    sale = shop.arm(500)
    shop.lay(issuer.card(limits=Limits(tap_msat=sats(100))))
    assert wait_sale(shop.db, sale.sale_id, SaleState.DECLINED).code is Code.LIMIT_TAP


def test_an_issuer_whose_payment_is_unknown_locks_the_sale_until_it_is_paid(
    tmp_path: Path,
) -> None:
    with two_taptills(tmp_path, wait_seconds=1) as (shop, issuer):
        bank = issuer.daemon.wallet
        assert isinstance(bank, EmbeddedWallet)
        bank.script(Fault.UNKNOWN)
        card = issuer.card()
        sale = shop.arm(100)
        shop.lay(card)
        wait_sale(shop.db, sale.sale_id, SaleState.CHECKING)
        payout = wait_payout(issuer.db, card, PayoutStatus.PROCESSING)
        assert payout.payment_hash is not None
        bank.resolve(payout.payment_hash, paid=True)
        wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)


def test_a_restart_while_checking_loses_nothing(tmp_path: Path) -> None:
    with two_taptills(tmp_path, wait_seconds=1) as (shop, issuer):
        bank = issuer.daemon.wallet
        assert isinstance(bank, EmbeddedWallet)
        bank.script(Fault.UNKNOWN)
        card = issuer.card()
        sale = shop.arm(100)
        shop.lay(card)
        wait_sale(shop.db, sale.sale_id, SaleState.CHECKING)
        payout = wait_payout(issuer.db, card, PayoutStatus.PROCESSING)
        shop.lift()
        shop.daemon.stop()
        assert payout.payment_hash is not None
        bank.resolve(payout.payment_hash, paid=True)
        with running(tmp_path / "shop", config=shop.config) as again:
            wait_sale(again.db, sale.sale_id, SaleState.APPROVED)


def test_a_pin_of_the_issuers_card_missing_wrong_thrice_and_locked(shops: Shops) -> None:
    shop, issuer = shops
    card = issuer.card()
    cards.set_pin(issuer.db, card.card_id, "2468", limit_msat=0)
    sale = shop.arm(100)
    shop.lay(card)
    wait_code(shop, sale, Code.PIN_REQUIRED)
    for wrong, code in (
        ("1111", Code.PIN_WRONG),
        ("222222", Code.PIN_WRONG),  # no PIN of another issuer has more than four: it stays here
        ("2222", Code.PIN_WRONG),
        ("3333", Code.PIN_LOCKED),
    ):
        changed = wait_code(shop, sale, Code.PIN_REQUIRED, Code.PIN_WRONG).changed_at
        type_pin(shop, sale, wrong)
        assert wait_code(shop, sale, code, after=changed)
    shop.lift()
    shop.lay(card)
    wait_code(shop, sale, Code.PIN_REQUIRED)
    cards.unlock_pin(issuer.db, card.card_id)
    type_pin(shop, sale, "2468")
    wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)


def wait_code(shop: RunningShop, sale: Sale, *codes: Code, after: int = 0) -> Sale:
    """The sale, once it is declined with one of these codes."""

    def there() -> Sale | None:
        now = sales.get(shop.db, sale.sale_id)
        assert now is not None
        declined = now.state is SaleState.DECLINED and now.code in codes
        return now if declined and now.changed_at > after else None

    found = wait_for(shop.db, there, str(codes))
    assert isinstance(found, Sale)
    return found


def type_pin(shop: RunningShop, sale: Sale, pin: str) -> None:
    assert shop.daemon.pads.enter("till-1", sale.sale_id, pin) is None


def test_a_card_of_ours_still_pays_without_lightning(shops: Shops) -> None:
    shop, _ = shops
    mine: HeldCard = shop.card()
    assert shop.pay(mine, 50).payout_id is not None
