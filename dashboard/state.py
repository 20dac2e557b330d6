"""The till as its screen shows it: one record, made from the ledger and the dots alone.

The page, its reloads, the live stream and the polling all get this very record, so they can never
tell different stories.
"""

from __future__ import annotations

from typing import Any, Final

from dashboard import unprinted
from dashboard.context import DashboardContext
from dashboard.formats import GROUP, fiat, sats, when
from host.clock import MINUTE
from host.foreign import GRACE_MS
from host.language import decimal as decimal_mark
from host.language import gettext as _
from host.language import marked as N_
from host.language import ngettext, said
from host.ledger import cards, incoming, loans, payouts, rates, sales, screen, settings, stores
from host.ledger.bills import decimals
from host.ledger.codes import Code, Words
from host.ledger.incoming import Handed, SaleInvoice
from host.ledger.rates import Rate, fiat_text
from host.ledger.records import Sale, SaleState
from host.ledger.tips import TIPS
from host.money import MSAT_PER_SAT
from host.retold import retold
from host.till import APPROVED_MS, Terminal

CANCELLED_MS: Final = 4_000
"""How long "Cancelled" is shown before the till is idle again."""
_STAYS_MS: Final = {SaleState.APPROVED: APPROVED_MS, SaleState.CANCELLED: CANCELLED_MS}

_PIN_CODES: Final = (Code.PIN_REQUIRED, Code.PIN_WRONG)
"""What the PIN pad answers; a locked PIN is like any other refusal."""

_PIN_HERE: Final = N_("The holder enters it here, or taps another card.")
_SCAN: Final = Words("Scan to pay", "With any Lightning wallet.")

_LYING: Final = N_("A card is already on the reader\nLift it and lay it down again.")
_TOLD: Final = ("card.seen", *(f"sale.{state}" for state in SaleState))
_LOOK_BACK: Final = 500
"""How many of the newest events are searched for a lying card; what is older is no news."""

_LABELS = {
    "reader": N_("Reader"),
    "ledger": N_("Ledger"),
    "lightning": N_("Lightning"),
    "clock": N_("Clock"),
}

_WORDS: dict[SaleState, Words] = {
    SaleState.READY: Words("Tap the card", "Lay it on the reader."),
    SaleState.READING: Words("Reading the card", "Hold it still."),
    SaleState.AUTHORISING: Words("Card read", "You may remove the card. It is not paid yet."),
    SaleState.APPROVED: Words("Paid", "Thank you."),
    SaleState.DECLINED: Words("The card was declined", "Use another card."),
    SaleState.CHECKING: Words("The payment is being checked", "Do not charge again."),
    SaleState.CANCELLED: Words("Cancelled", "Nothing was charged."),
}


def dots(context: DashboardContext, terminal: Terminal) -> list[dict[str, Any]]:
    """The four dots: name, label, whether it is good, and words."""
    return [
        {
            "name": part.name,
            "label": _(_LABELS.get(part.name, part.name)),
            "ok": part.ok,
            "words": retold(part.detail),
        }
        for part in context.board.parts(terminal.terminal_id)
    ]


def till_state(context: DashboardContext, terminal: Terminal) -> dict[str, Any]:
    """What a terminal's till shows now. `event_id` is read first: nothing newer is ever missed."""
    event_id = context.db.events.last_id()
    now = context.clock.now()
    terminal_id = terminal.terminal_id
    sale = sales.current(context.db, terminal_id) or sales.latest(context.db, terminal_id)
    lamps = dots(context, terminal)
    state: dict[str, Any] = {
        "event_id": event_id,
        "state": "idle",
        "sale": None,
        **offer(context, terminal),
        "late": [_late(context, one) for one in incoming.late(context.db, terminal_id)],
        "unprinted": unprinted.told(context.db, terminal_id),
        "dots": lamps,
    }
    if sale is not None and _leaves_in(sale, now) != 0:
        state["state"] = sale.state.value
        state["sale"] = _sale(context, sale, now)
    elif state["barred"] or any(not lamp["ok"] for lamp in lamps):
        state["state"] = "blocked"
    return state


def offer(context: DashboardContext, terminal: Terminal) -> dict[str, Any]:
    """What the next sale can be: whether there can be one, in which unit, and with which tip."""
    now = context.clock.now()
    rate = rates.of_store(context.db, terminal.store_id)
    return {
        "barred": _barred(context, terminal.terminal_id, rate, now),
        "rate": _rate(context, terminal.store_id, rate, now),
        "tips": _tips(context, terminal.store_id),
    }


def _barred(
    context: DashboardContext, terminal_id: str, rate: Rate | None, now: int
) -> dict[str, str] | None:
    """Words for a till that cannot charge although its dots are good."""
    code = None
    if loans.of(context.db, terminal_id) is not None:
        code = Code.READER_LENT
    elif rate is not None and rate.is_void(now):
        code = Code.RATE_STALE
    return said(code.words)._asdict() if code is not None else None


def _leaves_in(sale: Sale, now: int) -> int | None:
    """After how many ms the till goes on by itself; 0 when it has, None when a person must."""
    stays = _STAYS_MS.get(sale.state)
    if stays is None:
        return None
    # A clock that was set back must not keep an old answer on the screen.
    return max(0, min(stays, sale.changed_at + stays - now))


def _sale(context: DashboardContext, sale: Sale, now: int) -> dict[str, Any]:
    code_shown = screen.shown(context.db, sale)
    words = sale.code.words if sale.code is not None else _WORDS[sale.state]
    if code_shown is not None:
        words = _SCAN
    says, do = said(words)
    tries = sale.data.get("tries_left") if sale.code is not None else None
    pin = sale.state is SaleState.DECLINED and sale.code in _PIN_CODES
    return {
        "sale_id": sale.sale_id,
        **_price(sale),
        "note": sale.note,
        "code": sale.code.value if sale.code is not None else None,
        "says": says if tries is None else _tries_left(says, tries),
        "do": _(_PIN_HERE) if pin else do,
        "more": _more(context, sale, now),
        "help": sale.code.helps if sale.code is not None else None,
        "pin": pin,
        "qr": _qr(code_shown, now) if code_shown is not None else None,
        "since": sale.changed_at,
        "leaves_in_ms": _leaves_in(sale, now),
    }


def _tries_left(says: str, tries: int) -> str:
    left = ngettext("%(says)s, %(tries)d try left", "%(says)s, %(tries)d tries left", tries)
    return left % {"says": says, "tries": tries}


def _price(sale: Sale) -> dict[str, Any]:
    """What is charged, first as it was keyed in, then in the other unit, and the tip within it."""
    in_sats = sats(sale.amount_msat)
    worth = decimal_mark(fiat_text(sale.amount_msat, sale.rate, sale.currency)) if sale.rate else ""
    tip = ""
    if sale.tip_msat:
        tip = f"{sats(sale.tip_msat)} sats"
        if sale.fiat is not None and sale.rate:
            tip = decimal_mark(fiat_text(sale.tip_msat, sale.rate, sale.currency))
    return {
        "amount": in_sats if sale.fiat is None else fiat(sale.fiat),
        "unit": "sats" if sale.fiat is None else sale.currency,
        "also": worth if sale.fiat is None else f"{in_sats} sats",
        "amount_sat": sale.amount_msat // MSAT_PER_SAT,
        "tip": tip.replace(" ", GROUP),
    }


def _qr(invoice: SaleInvoice, now: int) -> dict[str, Any]:
    return {"invoice": invoice.bolt11, "left_ms": max(0, invoice.expires_at - now)}


def _rate(
    context: DashboardContext, store_id: str, rate: Rate | None, now: int
) -> dict[str, Any] | None:
    """The rate that the page converts with, and whether it is old."""
    if rate is None:
        return None
    store = stores.get(context.db, store_id)
    zone = store.timezone if store is not None else "UTC"
    then, today = when(rate.at, zone), when(now, zone)[:10]
    return {
        "rate": rate.rate,
        "currency": rate.currency,
        "decimals": decimals(rate.currency),
        "source": retold(rate.source),
        "when": then,
        "since": then[11:16] if then.startswith(today) else then[:10],
        "old": rate.is_stale(now),
    }


def _tips(context: DashboardContext, store_id: str) -> dict[str, Any] | None:
    """What is offered as a tip, where the store takes tips."""
    tips = settings.get(context.db, store_id, TIPS)
    return {"percents": list(tips.percents), "own": tips.own} if tips.on else None


def _late(context: DashboardContext, invoice: SaleInvoice) -> dict[str, str]:
    """Words for money that came when its sale was over: somebody must deal with it."""
    words = _(
        "%(amount)s sats were paid by a card of %(host)s after the sale of %(clock)s was closed."
        " Hand over the goods or give the money back."
    )
    if invoice.source is not Handed.ISSUER:
        words = _(
            "%(amount)s sats were paid by the QR code after the sale of %(clock)s was closed."
            " Hand over the goods or give the money back."
        )
    sale = sales.get(context.db, invoice.sale_id)
    assert sale is not None  # noqa: S101 - every invoice is of a sale
    clock = _clock(context, sale.store_id, sale.created_at)
    facts = {"amount": sats(invoice.amount_msat), "host": invoice.host, "clock": clock}
    return {"sale_id": invoice.sale_id, "words": words % facts}


def _more(context: DashboardContext, sale: Sale, now: int) -> str:
    """What is said in small letters, in the states that have something to say."""
    words = _issuers_words(sale) or _known_by(context, sale, now) or _lying(context, sale)
    return words or _paid_with(context, sale)


def _known_by(context: DashboardContext, sale: Sale, now: int) -> str:
    """Until when a till that is locked is locked, where its wallet answers."""
    handed = incoming.offered(context.db, sale.sale_id)
    at = handed[0].expires_at + GRACE_MS + MINUTE if handed else 0
    if sale.state is not SaleState.CHECKING or at < now:
        return ""
    return _("It is usually known by %(clock)s.") % {"clock": _clock(context, sale.store_id, at)}


def _clock(context: DashboardContext, store_id: str, at: int) -> str:
    """The hour and the minute on the store's clock, and the day where it is another."""
    store = stores.get(context.db, store_id)
    zone = store.timezone if store is not None else "UTC"
    then, today = when(at, zone)[:16], when(context.clock.now(), zone)[:10]
    return then[11:] if then.startswith(today) else then


def _issuers_words(sale: Sale) -> str:
    """What another issuer said when it refused, cleaned by the client."""
    return str(sale.data.get("words") or "") if sale.state is SaleState.DECLINED else ""


def _lying(context: DashboardContext, sale: Sale) -> str:
    """Words for a card that lay on the reader before the sale was armed; the sale's next step,
    as with a card laid down anew, ends them.
    """
    if sale.state is not SaleState.READY:
        return ""
    log, terminal_id = context.db.events, sale.terminal_id
    news = log.after(max(0, log.last_id() - _LOOK_BACK), _LOOK_BACK, _TOLD)
    last = next((e for e in reversed(news) if e.data.get("terminal_id") == terminal_id), None)
    return _(_LYING) if last is not None and last.data.get("lying") is True else ""


def _paid_with(context: DashboardContext, sale: Sale) -> str:
    """The alias of the card that paid, for the person who asks "which card was it?"."""
    if sale.payout_id is None:
        paid_abroad = sale.state is SaleState.APPROVED and sale.data.get("host")
        return _("Card of %(host)s") % {"host": sale.data["host"]} if paid_abroad else ""
    payout = payouts.get(context.db, sale.payout_id)
    card = cards.get(context.db, payout.boltcard_id) if payout is not None else None
    return card.alias if card is not None else ""
