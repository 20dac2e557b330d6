"""How each refusal of the till really comes about: what is laid down, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hardware.twin.card import Tear, TearAt, TwinCard
from host.clock import DAY
from host.ledger import cards, pull_payments
from host.ledger.codes import Code
from host.ledger.records import SaleState
from host.lightning.embedded import Fault
from host.money import sats
from host.ntag424.values import Uid
from tests.support.till_rig import TillRig

BLANK: Final = Uid.parse("04b1a2c3d4e580")

Lay = Callable[[TillRig], None]


def frozen(rig: TillRig) -> None:
    card = rig.card("Frozen")
    cards.freeze(rig.db, card.card_id)
    rig.lay(card)


def ended(rig: TillRig) -> None:
    card = rig.card("Ended")
    pull_payments.end(rig.db, card.account_id)
    rig.lay(card)


def not_begun(rig: TillRig) -> None:
    card = rig.card("Early")
    cards.set_dates(rig.db, card.card_id, rig.db.now + DAY, None)
    rig.lay(card)


def forged(rig: TillRig) -> None:
    url = rig.card("Forged").tap_url()
    rig.lay_text(url[:-1] + ("0" if url[-1] != "0" else "1"))


def replayed(rig: TillRig) -> None:
    """Somebody has copied the address of a tap that has paid before."""
    card = rig.card("Copied")
    url = card.tap_url()
    rig.lay_text(url)
    rig.wait(SaleState.APPROVED)
    rig.lift()
    rig.shop.arm(5)
    rig.lay_text(url)


def often(rig: TillRig) -> None:
    card = rig.card("Often", count=0)
    rig.lay(card)


def busy(rig: TillRig) -> None:
    """The card pays somewhere else, and nobody knows the outcome yet."""
    card = rig.card("Busy")
    rig.wallet.script(Fault.UNKNOWN)
    scanned = rig.shop.scan(**card.tap())
    rig.shop.claim(scanned["k1"], rig.shop.invoice(21))
    rig.lay(card)


def torn(rig: TillRig) -> None:
    card = rig.card("Torn")
    card.twin.tear(Tear(TearAt.ANSWER))
    rig.lay(card)


def two(rig: TillRig) -> None:
    rig.lay(rig.card("One"), rig.card("Two"))


def bank_refuses(rig: TillRig) -> None:
    rig.lay_abroad({"status": "ERROR", "reason": "Daily <b>limit</b>"})


def wallet_down(rig: TillRig) -> None:
    rig.wallet.script_default(Fault.DOWN)
    rig.lay_abroad()


REFUSALS: dict[Code, Lay] = {
    Code.CARD_UNKNOWN: lambda rig: rig.lay(rig.card_of_nobody()),
    Code.CARD_BLOCKED: frozen,
    Code.CARD_EXPIRED: ended,
    Code.CARD_NOT_ACTIVE: not_begun,
    Code.SUN_INVALID: forged,
    Code.SUN_REPLAYED: replayed,
    Code.LIMIT_TAP: lambda rig: rig.lay(rig.card("Small", tap_msat=sats(100))),
    Code.LIMIT_DAY: lambda rig: rig.lay(rig.card("Daily", day_msat=sats(100))),
    Code.LIMIT_MONTH: lambda rig: rig.lay(rig.card("Monthly", month_msat=sats(100))),
    Code.LIMIT_COUNT: often,
    Code.BALANCE_LOW: lambda rig: rig.lay(rig.card("Poor", 1)),
    Code.AMOUNT_LOW: lambda rig: rig.lay_abroad(minWithdrawable=sats(5_000)),
    Code.CARD_BUSY: busy,
    Code.MOVED_TOO_SOON: torn,
    Code.TWO_CARDS: two,
    Code.CARD_UNREADABLE: lambda rig: rig.lay(TwinCard.factory(BLANK)),
    Code.FOREIGN_REFUSED: bank_refuses,
    Code.LIGHTNING_FAILED: wallet_down,
}
