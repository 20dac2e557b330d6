"""A QR code on the till: paid by it, put away, timed out, and never paid twice unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.bolt11 import Network, payable
from host.foreign import GRACE_MS
from host.ledger import books, claims, incoming, sales, screen, taps
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Code, Refused
from host.ledger.incoming import SaleInvoice
from host.ledger.looks import InvoiceState
from host.ledger.records import Sale, SaleMethod, SaleState
from host.lightning.embedded import EmbeddedWallet, Fault
from host.lightning.wallet import Invoice
from host.money import sats
from host.ntag424.sun import parse_url
from host.readers.base import Look
from host.screen import LIFE_MS, Screen
from host.till import picture
from tests.support.abroad import Abroad, abroad, now
from tests.support.counter import TERMINAL
from tests.support.running import HeldCard

READY, APPROVED, DECLINED = SaleState.READY, SaleState.APPROVED, SaleState.DECLINED
CHECKING, CANCELLED = SaleState.CHECKING, SaleState.CANCELLED


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Abroad]:
    with abroad(tmp_path) as opened:
        yield opened
        assert books.check(opened.at.db).problems == []


@pytest.fixture
def display(here: Abroad) -> Iterator[Screen]:
    made = Screen(here.at.db, here.shop, here.at.clock, Network.REGTEST)
    yield made
    made.stop()


def code_of(here: Abroad, sale: Sale) -> SaleInvoice:
    """The invoice that the screen shows for a sale."""
    found = screen.shown(here.at.db, now(here, sale))
    assert found is not None
    return found


def shown(here: Abroad, display: Screen, amount_sat: int = 21) -> Sale:
    """A sale whose code is on the screen."""
    sale = here.at.arm(amount_sat)
    assert display.show(sale) is None
    return now(here, sale)


def pay(here: Abroad, invoice: SaleInvoice) -> None:
    here.bank.pay(invoice.bolt11, sats(10))


def lay(here: Abroad, card: HeldCard) -> object:
    return here.lay(card.tap_url())


def down(here: Abroad) -> None:
    here.shop.script_default(Fault.DOWN)


# -- shown and paid ------------------------------------------------------------------------------


def test_the_code_is_an_invoice_for_this_very_sale_and_lives_as_long_as_it(
    here: Abroad, display: Screen
) -> None:
    sale = shown(here, display)
    kept = code_of(here, sale)
    invoice = payable(kept.bolt11, Network.REGTEST)
    assert (invoice.amount_msat, invoice.description) == (sats(21), "Shop")
    assert invoice.expires_at == kept.expires_at == sale.expires_at
    assert abs(sale.expires_at - here.at.clock.now() - LIFE_MS) < 5_000
    assert sale.state is READY


def test_a_code_that_is_paid_approves_its_sale_and_says_how(here: Abroad, display: Screen) -> None:
    sale = shown(here, display)
    pay(here, code_of(here, sale))
    done = here.wait(sale, APPROVED)
    assert (done.method, done.payout_id, done.code) == (SaleMethod.INVOICE, None, None)
    assert done.settled_at == done.changed_at
    assert not done.data[sales.QR]
    assert here.shop.balance_msat() == sats(21)
    assert here.at.kinds() == ["sale.ready", "sale.ready", "sale.approved"]


def test_a_code_that_nobody_watches_is_found_paid_by_the_reconciler(
    here: Abroad, display: Screen
) -> None:
    sale = shown(here, display)
    display.stop()  # the dashboard has gone, or was started anew
    pay(here, code_of(here, sale))
    here.foreign.step()
    assert now(here, sale).method is SaleMethod.INVOICE


def test_a_declined_sale_may_go_on_with_a_code(here: Abroad, display: Screen) -> None:
    sale = here.at.arm()
    here.till.refuse(sale, Refused(Code.CARD_BLOCKED))
    assert display.show(now(here, sale)) is None
    again = now(here, sale)
    assert (again.state, again.code) == (READY, None)
    pay(here, code_of(here, sale))
    here.wait(sale, APPROVED)


def test_showing_a_code_twice_shows_the_same(here: Abroad, display: Screen) -> None:
    sale = shown(here, display)
    first = code_of(here, sale)
    assert display.show(now(here, sale)) is None
    assert code_of(here, sale) == first
    assert display.show(sale) is None


# -- cards beside a code -------------------------------------------------------------------------


def test_a_card_beside_a_code_is_told_and_its_tap_is_not_spent(
    here: Abroad, display: Screen
) -> None:
    card = here.at.card()
    sale = shown(here, display)
    assert lay(here, card) is None
    here.till.several_cards()
    assert here.events("card.seen")[-1]["sale_state"] == "qr"
    assert now(here, sale).state is READY
    assert display.hide(now(here, sale)) is None
    assert isinstance(lay(here, card), Claimed)


def test_a_card_that_was_being_read_when_the_code_came_is_refused(
    here: Abroad, display: Screen
) -> None:
    url = here.at.card().tap_url()
    tap = taps.verify(here.at.db, here.at.keyring.issuers, parse_url(url).message)
    assert not isinstance(tap, Refused)
    sale = shown(here, display)
    request = ClaimRequest(tap, sale.amount_msat, Source.TILL, sale_id=sale.sale_id)
    refused = claims.claim(here.at.db, request)
    assert refused == Refused(Code.QR_SHOWN)
    here.till.refuse(sale, Refused(Code.QR_SHOWN))
    assert now(here, sale).state is READY  # the code stays


def test_the_reader_asks_for_no_card_while_a_code_is_shown(here: Abroad, display: Screen) -> None:
    sale = shown(here, display)
    at = here.at.clock.now()
    assert picture(sale, at, card_there=False).look is Look.IDLE
    display.hide(sale)
    assert picture(now(here, sale), at, card_there=False).look is Look.READY


def test_no_other_sale_takes_the_place_of_one_whose_code_is_shown(
    here: Abroad, display: Screen
) -> None:
    shown(here, display)
    refused = sales.open(here.at.db, "main", sats(5), terminal_id=TERMINAL.terminal_id)
    assert refused == Refused(Code.SALE_IN_PROGRESS)


# -- put away ------------------------------------------------------------------------------------


def test_a_code_that_was_put_away_and_is_paid_after_a_card_is_told_as_late(
    here: Abroad, display: Screen
) -> None:
    card = here.at.card()
    sale = shown(here, display)
    code = code_of(here, sale)
    display.hide(sale)
    assert isinstance(lay(here, card), Claimed)
    pay(here, code)
    here.foreign.step()
    assert now(here, sale).method is SaleMethod.CARD
    (late,) = incoming.late(here.at.db, TERMINAL.terminal_id)
    assert (late.payment_hash, late.host) == (code.payment_hash, "")


def test_a_code_that_was_put_away_still_pays_a_sale_that_waits(
    here: Abroad, display: Screen
) -> None:
    sale = shown(here, display)
    code = code_of(here, sale)
    display.hide(sale)
    pay(here, code)
    here.foreign.step()
    assert now(here, sale).method is SaleMethod.INVOICE
    assert incoming.late(here.at.db, TERMINAL.terminal_id) == []


def test_a_code_is_not_put_away_while_the_wallet_cannot_say_that_it_is_unpaid(
    here: Abroad, display: Screen
) -> None:
    sale = shown(here, display)
    down(here)
    assert display.hide(sale) == Refused(Code.LIGHTNING_UNKNOWN)
    assert display.cancel(sale) == Refused(Code.LIGHTNING_UNKNOWN)
    assert sales.cancel(here.at.db, sale.sale_id) is None
    assert code_of(here, sale).state is InvoiceState.OFFERED


@pytest.mark.parametrize("cancel", [False, True])
def test_a_code_that_turns_out_to_be_paid_is_not_put_away_and_the_sale_is_paid(
    here: Abroad, display: Screen, cancel: bool
) -> None:
    sale = shown(here, display)
    display.stop()
    pay(here, code_of(here, sale))
    if cancel:
        outcome = display.cancel(sale)
        assert isinstance(outcome, Sale)
    else:
        assert display.hide(sale) is None
    assert now(here, sale).state is APPROVED


def test_a_sale_is_cancelled_with_its_code(here: Abroad, display: Screen) -> None:
    sale = shown(here, display)
    given_up = display.cancel(sale)
    assert isinstance(given_up, Sale)
    assert given_up.state is CANCELLED
    pay(here, incoming.offered(here.at.db, sale.sale_id)[0])
    here.foreign.step()
    assert len(incoming.late(here.at.db, TERMINAL.terminal_id)) == 1


# -- the time is up ------------------------------------------------------------------------------


def timed_out(here: Abroad, display: Screen) -> Sale:
    sale = shown(here, display)
    display.stop()
    here.at.clock.advance(sale.expires_at - here.at.clock.now() + 1)
    assert sales.expire_due(here.at.db) == 1
    return now(here, sale)


def test_when_the_time_is_up_the_sale_is_locked_until_it_is_sure(
    here: Abroad, display: Screen
) -> None:
    sale = timed_out(here, display)
    assert (sale.state, sale.code) == (CHECKING, Code.LIGHTNING_UNKNOWN)
    here.foreign.step()
    assert now(here, sale).state is CHECKING
    here.at.clock.advance(GRACE_MS)
    here.foreign.step()
    over = now(here, sale)
    assert (over.state, over.code) == (DECLINED, Code.QR_UNPAID)
    here.at.clock.advance(LIFE_MS)
    assert sales.expire_due(here.at.db) == 1
    assert now(here, sale).state is CANCELLED


def test_a_code_that_was_paid_in_the_last_second_approves_the_locked_sale(
    here: Abroad, display: Screen
) -> None:
    sale = shown(here, display)
    display.stop()
    pay(here, code_of(here, sale))
    here.at.clock.advance(sale.expires_at - here.at.clock.now() + 1)
    sales.expire_due(here.at.db)
    assert now(here, sale).state is CHECKING
    here.foreign.step()
    assert now(here, sale).state is APPROVED


def test_a_locked_sale_stays_locked_while_the_wallet_is_down(here: Abroad, display: Screen) -> None:
    sale = timed_out(here, display)
    down(here)
    here.at.clock.advance(GRACE_MS)
    here.foreign.step()
    assert now(here, sale).state is CHECKING


def test_a_new_code_follows_one_that_was_not_paid(here: Abroad, display: Screen) -> None:
    sale = timed_out(here, display)
    here.at.clock.advance(GRACE_MS)
    here.foreign.step()
    again = Screen(here.at.db, here.shop, here.at.clock, Network.REGTEST)
    assert again.show(now(here, sale)) is None
    pay(here, code_of(here, sale))
    here.wait(sale, APPROVED)
    again.stop()


# -- codes and cards of other issuers ------------------------------------------------------------


def test_a_code_and_another_issuer_get_the_same_invoice_so_both_never_pay(
    here: Abroad, display: Screen
) -> None:
    here.answers({"status": "ERROR", "reason": "later"})
    sale = here.charge()
    here.wait(sale, DECLINED)
    assert display.show(now(here, sale)) is None
    assert code_of(here, sale).bolt11 == here.offered()
    display.hide(now(here, sale))
    here.answers({"status": "OK"}, pays=True)
    here.lay()
    done = here.wait(sale, APPROVED)
    assert (done.method, here.shop.balance_msat()) == (SaleMethod.FOREIGN, sats(21))


# -- trouble before anything is shown ------------------------------------------------------------


def test_without_an_invoice_no_code_is_shown_and_cards_may_pay(
    here: Abroad, display: Screen
) -> None:
    sale = here.at.arm()
    down(here)
    refused = display.show(sale)
    assert refused is not None
    assert (refused.code, refused.detail["part"]) == (Code.STORE_OFFLINE, "lightning")
    assert isinstance(lay(here, here.at.card()), Claimed)


def test_an_invoice_for_something_else_is_not_shown(
    here: Abroad, display: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = EmbeddedWallet.make_invoice

    def too_much(self: EmbeddedWallet, amount_msat: int, memo: str, expiry_s: int) -> Invoice:
        return make(self, amount_msat + 1_000, memo, expiry_s)

    monkeypatch.setattr(EmbeddedWallet, "make_invoice", too_much)
    sale = here.at.arm()
    refused = display.show(sale)
    assert refused is not None
    assert refused.code is Code.STORE_OFFLINE
    assert screen.shown(here.at.db, now(here, sale)) is None


def test_a_sale_that_went_on_meanwhile_shows_no_code(here: Abroad, display: Screen) -> None:
    sale = here.at.arm()
    assert isinstance(lay(here, here.at.card()), Claimed)
    assert display.show(sale) == Refused(Code.SALE_IN_PROGRESS)
    assert incoming.offered(here.at.db, sale.sale_id) == []
