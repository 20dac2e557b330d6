"""Other issuers' cards: money that comes too late, restarts, and vouchers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.foreign import UNKNOWN_MS
from host.ledger import books, incoming, sales, wallets
from host.ledger.codes import Code, Refused
from host.ledger.looks import AFTERWARDS_MS, InvoiceState
from host.ledger.records import SaleState
from host.lightning.embedded import EmbeddedWallet
from host.lnurl import codec
from host.money import sats
from host.readers.base import CardGone
from host.till import Asking
from tests.host.lnurl.issuers import TAP
from tests.support.abroad import Abroad, abroad, now

APPROVED, DECLINED, CHECKING = SaleState.APPROVED, SaleState.DECLINED, SaleState.CHECKING
OK = {"status": "OK"}
LONG_MS = 600_000


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Abroad]:
    with abroad(tmp_path) as opened:
        yield opened
        assert books.check(opened.at.db).problems == []


# -- another wallet ------------------------------------------------------------------------------


def test_an_invoice_of_the_wallet_before_is_not_over_because_this_one_does_not_know_it(
    here: Abroad, tmp_path: Path
) -> None:
    ours = here.shop
    wallets.begin(here.at.db, ours.identity())
    sale = here.locked()
    here.bank_pays()
    here.expire(UNKNOWN_MS)
    other = EmbeddedWallet(tmp_path / "other.db", "shop", here.at.clock)
    wallets.begin(here.at.db, other.identity())
    here.shop = other
    assert here.again().step() == 1
    assert now(here, sale).state is CHECKING
    wallets.begin(here.at.db, ours.identity())
    here.shop = ours
    other.close()
    here.again().step()
    assert now(here, sale).state is APPROVED


# -- too late ------------------------------------------------------------------------------------


def test_money_for_a_cancelled_sale_is_told_and_stays_on_the_list_until_noted(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "no"})
    sale = here.charge()
    here.wait(sale, DECLINED)
    assert sales.cancel(here.at.db, sale.sale_id)
    here.bank_pays()
    here.at.clock.advance(5_000)
    here.foreign.step()
    assert now(here, sale).state is SaleState.CANCELLED
    (told,) = here.events("sale.paid_late")
    assert (told["amount_msat"], told["was"]) == (sats(21), "cancelled")
    (late,) = incoming.late(here.at.db, "till-1")
    assert (late.state, late.sale_id) == (InvoiceState.LATE, sale.sale_id)
    here.foreign.step()
    assert len(here.events("sale.paid_late")) == 1
    assert incoming.note_late(here.at.db, "till-1", sale.sale_id, "ann")
    assert incoming.late(here.at.db, "till-1") == []
    assert not incoming.note_late(here.at.db, "till-1", sale.sale_id, "ann")


def test_money_for_a_sale_that_another_card_paid_is_told(here: Abroad) -> None:
    here.answers({"status": "ERROR", "reason": "no"})
    sale = here.charge(100)
    here.wait(sale, DECLINED)
    ours = here.at.card()
    here.lay(ours.tap_url())
    here.wait(sale, APPROVED)
    here.bank_pays()
    here.at.clock.advance(5_000)
    here.foreign.step()
    assert [one["was"] for one in here.events("sale.paid_late")] == ["approved"]


def test_an_invoice_that_is_over_is_looked_at_a_few_times_more(here: Abroad) -> None:
    sale = here.locked()
    here.expire()
    here.foreign.step()
    assert now(here, sale).state is DECLINED
    for ms in AFTERWARDS_MS:
        assert len(incoming.due(here.at.db, everything=True)) == 1
        here.at.clock.advance(ms)
        here.foreign.step()
    assert incoming.due(here.at.db, everything=True) == []


def test_a_clock_that_jumps_ahead_unlocks_nothing(here: Abroad) -> None:
    sale = here.locked()
    stands_still = here.foreign._monotonic()
    here.foreign._monotonic = lambda: stands_still
    here.at.clock.advance(3_600_000)
    here.foreign.step()
    assert now(here, sale).state is CHECKING
    here.foreign._monotonic = lambda: stands_still + 300
    here.at.clock.advance(10_000)
    here.foreign.step()
    assert now(here, sale).state is DECLINED


def test_money_is_seen_at_once_though_the_clock_was_set_back(here: Abroad) -> None:
    sale = here.locked()
    here.foreign.step()
    here.bank_pays()
    here.at.clock.advance(-365 * 86_400_000)
    here.foreign.step()
    assert now(here, sale).state is APPROVED


# -- restarts ------------------------------------------------------------------------------------


def test_after_a_restart_a_sale_being_checked_is_paid_by_its_invoice(here: Abroad) -> None:
    sale = here.locked()
    here.again()
    here.foreign.step()
    assert now(here, sale).state is CHECKING
    here.bank_pays()
    here.again().step()  # the first look is at everything, whatever its time
    assert now(here, sale).state is APPROVED


@pytest.mark.parametrize(("handed", "state"), [(True, CHECKING), (False, DECLINED)])
def test_after_a_crash_while_authorising_what_was_handed_over_decides(
    here: Abroad, handed: bool, state: SaleState
) -> None:
    sale = here.at.arm(21)
    sales.move(here.at.db, sale.sale_id, SaleState.AUTHORISING)
    if handed:
        made = here.shop.make_invoice(sats(21), "x", 120)
        assert incoming.offer(
            here.at.db, sale, made.payment_hash, made.bolt11, made.expires_at, "cards.example"
        )
    here.again().step()
    assert now(here, sale).state is state


def test_a_thread_that_breaks_leaves_the_sale_to_the_reconciler(
    here: Abroad, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    here.answers(OK)
    monkeypatch.setattr(here.foreign, "_paid_soon", breaks)
    sale = here.charge()
    for thread in list(here.foreign._busy):
        thread.join(20)
    assert now(here, sale).state is SaleState.AUTHORISING
    here.foreign.step()
    assert now(here, sale).state is CHECKING


def test_an_invoice_is_offered_only_for_its_own_sale_while_it_is_authorising(here: Abroad) -> None:
    one = here.at.arm(21)
    made = here.shop.make_invoice(sats(21), "x", 120)
    facts = (made.payment_hash, made.bolt11, made.expires_at, "cards.example")
    assert not incoming.offer(here.at.db, one, *facts)
    sales.move(here.at.db, one.sale_id, SaleState.AUTHORISING)
    assert incoming.offer(here.at.db, one, *facts)
    assert incoming.end(here.at.db, made.payment_hash)
    assert not incoming.offer(here.at.db, one, *facts)


# -- vouchers ------------------------------------------------------------------------------------


def test_a_voucher_is_no_card_unless_the_manager_allows_it(here: Abroad, tmp_path: Path) -> None:
    text = f"lnurlw://{here.issuer.server.host}/ln"
    sale = here.at.arm(21)
    assert here.lay(text) == Refused(Code.SUN_INVALID, {"field": "p: is missing"})
    assert now(here, sale).state is DECLINED
    assert here.issuer.server.requests == []


def test_vouchers_pay_where_they_are_allowed(tmp_path: Path) -> None:
    with abroad(tmp_path, vouchers=True) as here:
        here.answers(OK, pays=True)
        sale = here.at.arm(21)
        assert isinstance(here.lay(f"lnurlw://{here.issuer.server.host}/ln"), Asking)
        here.wait(sale, APPROVED)


def test_a_voucher_in_bech32_is_asked_over_https(tmp_path: Path) -> None:
    with abroad(tmp_path, vouchers=True, deadline_s=0.5) as here:  # our issuer does not speak it
        sale = here.at.arm(21)
        assert isinstance(here.lay(codec.encode(f"https://{here.issuer.server.host}/ln")), Asking)
        here.wait(sale, DECLINED)


@pytest.mark.parametrize("query", ["?p=00&c=11", f"?{TAP}&p=1", "?P=1", "?c="])
def test_a_broken_tap_is_never_taken_for_a_voucher(tmp_path: Path, query: str) -> None:
    with abroad(tmp_path, vouchers=True) as here:
        here.at.arm(21)
        outcome = here.lay(f"lnurlw://{here.issuer.server.host}/ln{query}")
        assert isinstance(outcome, Refused)
        assert outcome.code is Code.SUN_INVALID


def test_a_card_that_leaves_too_early_is_named(here: Abroad) -> None:
    class Gone:
        def transceive(self, _apdu: bytes) -> bytes:
            raise CardGone("gone")

    sale = here.at.arm(21)
    here.till.presented(Gone())  # type: ignore[arg-type]
    assert now(here, sale).code is Code.MOVED_TOO_SOON
