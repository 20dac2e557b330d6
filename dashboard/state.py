"""The till as its screen shows it: one record, made from the ledger and the dots alone.

The page, its reloads, the live stream and the polling all get this very record, so they can never
tell different stories.
"""

from __future__ import annotations

from typing import Any, Final

from dashboard.context import DashboardContext
from dashboard.formats import sats
from host.ledger import cards, loans, payouts, sales
from host.ledger.codes import Code, Words
from host.ledger.records import Sale, SaleState
from host.money import MSAT_PER_SAT
from host.till import APPROVED_MS

CANCELLED_MS: Final = 4_000
"""How long "Cancelled" is shown before the till is idle again."""
_STAYS_MS: Final = {SaleState.APPROVED: APPROVED_MS, SaleState.CANCELLED: CANCELLED_MS}

_LABELS = {"reader": "Reader", "ledger": "Ledger", "lightning": "Lightning", "clock": "Clock"}

_WORDS: dict[SaleState, Words] = {
    SaleState.READY: Words("Tap the card", "Lay it on the reader."),
    SaleState.READING: Words("Reading the card", "Hold it still."),
    SaleState.AUTHORISING: Words("Card read", "You may remove the card. It is not paid yet."),
    SaleState.APPROVED: Words("Paid", "Thank you."),
    SaleState.DECLINED: Words("The card was declined", "Use another card."),
    SaleState.CHECKING: Words("The payment is being checked", "Do not charge again."),
    SaleState.CANCELLED: Words("Cancelled", "Nothing was charged."),
}


def dots(context: DashboardContext) -> list[dict[str, Any]]:
    """The four dots: name, label, whether it is good, and words."""
    return [
        {
            "name": part.name,
            "label": _LABELS.get(part.name, part.name),
            "ok": part.ok,
            "words": part.detail,
        }
        for part in context.board.parts(context.terminal.terminal_id)
    ]


def till_state(context: DashboardContext) -> dict[str, Any]:
    """What the till shows now. `event_id` is read first: nothing newer is ever missed."""
    event_id = context.db.events.last_id()
    now = context.clock.now()
    terminal_id = context.terminal.terminal_id
    sale = sales.current(context.db, terminal_id) or sales.latest(context.db, terminal_id)
    lamps = dots(context)
    state: dict[str, Any] = {
        "event_id": event_id,
        "state": "idle",
        "sale": None,
        "lent": _lent(context),
        "dots": lamps,
    }
    if sale is not None and _leaves_in(sale, now) != 0:
        state["state"] = sale.state.value
        state["sale"] = _sale(context, sale, now)
    elif state["lent"] or any(not lamp["ok"] for lamp in lamps):
        state["state"] = "blocked"
    return state


def _lent(context: DashboardContext) -> dict[str, str] | None:
    """Words for a till whose reader is lent to the card desk."""
    if loans.of(context.db, context.terminal.terminal_id) is None:
        return None
    words = Code.READER_LENT.words
    return {"says": words.says, "do": words.do}


def _leaves_in(sale: Sale, now: int) -> int | None:
    """After how many ms the till goes on by itself; 0 when it has, None when a person must."""
    stays = _STAYS_MS.get(sale.state)
    if stays is None:
        return None
    # A clock that was set back must not keep an old answer on the screen.
    return max(0, min(stays, sale.changed_at + stays - now))


def _sale(context: DashboardContext, sale: Sale, now: int) -> dict[str, Any]:
    words = sale.code.words if sale.code is not None else _WORDS[sale.state]
    tries = sale.data.get("tries_left")
    return {
        "sale_id": sale.sale_id,
        "amount": sats(sale.amount_msat),
        "amount_sat": sale.amount_msat // MSAT_PER_SAT,
        "code": sale.code.value if sale.code is not None else None,
        "says": words.says if tries is None else f"{words.says}, {tries} tries left",
        "do": words.do,
        "more": _card_used(context, sale),
        "leaves_in_ms": _leaves_in(sale, now),
    }


def _card_used(context: DashboardContext, sale: Sale) -> str:
    """The alias of the card that paid, for the person who asks "which card was it?"."""
    if sale.payout_id is None:
        return ""
    payout = payouts.get(context.db, sale.payout_id)
    card = cards.get(context.db, payout.boltcard_id) if payout is not None else None
    return card.alias if card is not None else ""
