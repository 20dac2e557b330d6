"""A tap asks for money: quoted without a write, then claimed in one transaction, exactly once.

Every check of `claim` happens under the write lock, in the order of DESIGN, "The way of a tap",
step 4. A refusal writes nothing (but a wrong PIN is counted): no money is held and the tap can
still be used. A claim that is made holds the money in the same transaction that spends the tap;
at our own till it also settles it there.
"""

from __future__ import annotations

import json
from typing import Final

from host.clock import DAY
from host.ledger import fees, pin_check, pins, spend, windows
from host.ledger.codes import Code, Refused
from host.ledger.fees import Fee
from host.ledger.records import PAYOUT_COLUMNS, CardState, Payout, PullPaymentState, SaleState
from host.ledger.requests import Claimed, ClaimRequest, Quote, Source
from host.ledger.sales import QR
from host.ledger.taps import VerifiedTap
from host.money import MAX_MSAT, MSAT_PER_SAT
from host.store.engine import Engine
from host.store.tx import Place, Row, Tx

__all__ = ["ClaimRequest", "Claimed", "Quote", "Source", "claim", "quote"]

MONTH: Final = 30 * DAY
MOST_EVER_MSAT: Final = 4 * MAX_MSAT
"""What one account, or one card, ever pays in all: as much as fits into a sum of the books."""

_STANDING: Final = """
    c.store_id, c.pull_payment_id, c.uid, c.key_version, c.last_counter, c.state,
        c.starts_at, c.ends_at, c.limit_tap_msat, c.limit_day_msat, c.limit_month_msat,
        c.limit_count, c.pin_hash, c.pin_limit_msat, c.pin_tries,
        c.spent_msat, c.spent_count, c.newest_at,
        a.name AS account, a.state AS account_state, a.starts_at AS account_starts_at,
        a.ends_at AS account_ends_at, a.limit_msat, a.balance_msat, a.held_msat, a.paid_msat,
        a.fee_payer, a.fee_base_msat, a.fee_ppm,
        s.name AS store, s.timezone, s.cutoff_hour,
        EXISTS (SELECT 1 FROM payouts p WHERE p.boltcard_id = c.card_id
            AND p.status IN ('Pending', 'Processing')) AS busy
"""

_OF_CARD: Final = """
    FROM cards c
    JOIN pull_payments a ON a.pull_payment_id = c.pull_payment_id
    JOIN stores s ON s.store_id = c.store_id
    WHERE c.card_id = :card_id
"""

_CARD: Final = f"SELECT {_STANDING} {_OF_CARD}"

_CARD_AND_PAST: Final = f"""
    SELECT {_STANDING},
        EXISTS (SELECT 1 FROM payouts p WHERE p.payment_hash = :payment_hash) AS offered,
        CASE WHEN c.limit_day_msat IS NOT NULL
            THEN {windows.before("before_msat", ":day_ago")} END AS before_day_msat,
        CASE WHEN c.limit_count IS NOT NULL
            THEN {windows.before("before_count", ":day_ago")} END AS before_day_count,
        CASE WHEN c.limit_month_msat IS NOT NULL
            THEN {windows.before("before_msat", ":month_ago")} END AS before_month_msat
    {_OF_CARD}
"""  # noqa: S608
"""All that a claim must know, in one look; what was before, only where a limit asks for it."""

_SPENT_ON: Final = f"""
    SELECT {PAYOUT_COLUMNS} FROM payouts
    WHERE boltcard_id = :card_id AND key_version = :key_version AND counter = :counter
"""  # noqa: S608

_SALE: Final = """
    SELECT store_id, terminal_id, amount_msat, state, expires_at, data FROM sales
    WHERE sale_id = :sale_id
"""

_CLOSED_SALES: Final = {
    SaleState.APPROVED: Code.SALE_CLOSED,
    SaleState.CANCELLED: Code.SALE_CLOSED,
    # Another issuer may be paying it at this moment: a second card would pay it twice.
    SaleState.AUTHORISING: Code.SALE_IN_PROGRESS,
    SaleState.CHECKING: Code.SALE_IN_PROGRESS,
}


def quote(
    db: Place, tap: VerifiedTap, *, min_msat: int = MSAT_PER_SAT, max_msat: int = MAX_MSAT
) -> Quote | Refused:
    """What this tap may ask for, within the fixed `min_msat` and `max_msat`. Writes nothing.

    It decides nothing either: `claim` asks everything again, under the write lock.
    """
    card = db.one(_CARD, {"card_id": tap.card_id})
    if card is None:
        return Refused(Code.CARD_UNKNOWN)
    refused = _standing(db, tap, card) or _fresh(db, tap, card)
    if refused is not None:
        return refused
    limit = card["limit_tap_msat"]
    most = max_msat if limit is None else min(max_msat, limit)
    if most < min_msat:
        return Refused(Code.LIMIT_TAP)
    pin = card["pin_limit_msat"] if card["pin_hash"] is not None else None
    return Quote(min_msat, most, card["store"], pin)


def claim(db: Engine, request: ClaimRequest) -> Claimed | Refused:
    """Spend a tap: the payout it was spent on, or a named refusal.

    Exactly one payout per tap, whatever the number of threads, processes and retries: the same
    tap with the same sale or invoice joins the first result, with another it is `sun_replayed`.
    """
    if request.amount_msat <= 0 or request.amount_msat > MAX_MSAT:
        return Refused(Code.AMOUNT_INVALID)
    if request.invoice is None and request.amount_msat % MSAT_PER_SAT:
        return Refused(Code.AMOUNT_INVALID)
    offered = _hash_pin(db, request)
    return db.transaction(lambda tx: _decide(tx, request, offered))


def _hash_pin(db: Engine, request: ClaimRequest) -> pins.Try | None:
    """Do the slow part of the PIN before the lock is taken, and only where it will be asked."""
    if request.pin is None:
        return None
    card = db.one(_CARD, {"card_id": request.tap.card_id})
    if card is None or not _needs_pin(card, request) or card["pin_tries"] >= pins.MAX_TRIES:
        return None
    return pins.try_pin(card["pin_hash"], request.pin)


def _decide(tx: Tx, request: ClaimRequest, offered: pins.Try | None) -> Claimed | Refused:
    """Every check, then the writes. Under the write lock."""
    tap = request.tap
    card = tx.one(
        _CARD_AND_PAST,
        {
            "card_id": tap.card_id,
            "payment_hash": request.invoice.payment_hash if request.invoice else None,
            "day_ago": tx.now - DAY,
            "month_ago": tx.now - MONTH,
        },
    )
    if card is None:
        return Refused(Code.CARD_UNKNOWN)
    joined = _join(tx, request, card)
    if joined is not None:
        return joined
    sale, fee = _sale(tx, request), fees.of(card, request)
    refused = (
        _standing(tx, tap, card)
        or _fresh(tx, tap, card)
        or (
            _sale_fits(tx, request, card, sale)
            if request.sale_id
            else _invoice_fits(tx, request, card)
        )
        or _within_limits(request, card)
        or _covered(request, card, fee)
        or _pin_fits(tx, request, card, offered)
    )
    if refused is not None:
        return refused
    return spend.spend(tx, request, card, sale, fee)


def _join(tx: Tx, request: ClaimRequest, card: Row) -> Claimed | Refused | None:
    """The result of an earlier call with the same tap; None when the tap was not spent yet.

    It comes before every other check: whoever lost our answer learns what became of it, also
    when the card was frozen meanwhile (THREATS 5). Nothing is held or paid by a join.
    """
    tap = request.tap
    if tap.counter > card["last_counter"] and tap.key_version == card["key_version"]:
        return None
    row = tx.one(
        _SPENT_ON,
        {"card_id": tap.card_id, "key_version": tap.key_version, "counter": tap.counter},
    )
    if row is None:
        return None
    payout = Payout.of(row)
    same_hash = request.invoice is not None and request.invoice.payment_hash == payout.payment_hash
    if same_hash or (request.sale_id is not None and request.sale_id == payout.sale_id):
        return Claimed(payout, joined=True)
    return None


def _standing(db: Place, tap: VerifiedTap, card: Row) -> Refused | None:
    """Card active and not ended? Pull payment running? Nothing is held."""
    if card["state"] != CardState.ACTIVE:
        new = card["state"] == CardState.NEW
        return Refused(Code.CARD_NOT_ACTIVE if new else Code.CARD_BLOCKED)
    if card["key_version"] != tap.key_version:
        return Refused(Code.SUN_INVALID)
    for starts_at in (card["starts_at"], card["account_starts_at"]):
        if starts_at is not None and db.now < starts_at:
            return Refused(Code.CARD_NOT_ACTIVE)
    for ends_at in (card["ends_at"], card["account_ends_at"]):
        if ends_at is not None and db.now >= ends_at:
            return Refused(Code.CARD_EXPIRED)
    if card["account_state"] != PullPaymentState.RUNNING:
        return Refused(Code.CARD_EXPIRED)
    return None


def _fresh(db: Place, tap: VerifiedTap, card: Row) -> Refused | None:
    """Tap not spent, no other payment on its way, counter above the last? Nothing is held."""
    key = {"card_id": tap.card_id, "key_version": tap.key_version, "counter": tap.counter}
    stale = tap.counter <= card["last_counter"]
    if stale and db.one(_SPENT_ON, key) is not None:
        return Refused(Code.SUN_REPLAYED)
    if card["busy"]:
        return Refused(Code.CARD_BUSY)
    return Refused(Code.SUN_REPLAYED) if stale else None


def _sale(tx: Tx, request: ClaimRequest) -> Row | None:
    if request.sale_id is None:
        return None
    return tx.one(_SALE, {"sale_id": request.sale_id})


def _sale_fits(tx: Tx, request: ClaimRequest, card: Row, sale: Row | None) -> Refused | None:
    """Sale there, open, of this store and of this amount? Nothing is held."""
    if sale is None:
        return Refused(Code.SALE_UNKNOWN)
    if (closed := _closed(sale)) is not None:
        return Refused(closed)
    if tx.now >= sale["expires_at"]:
        return Refused(Code.SALE_TIMED_OUT)
    if sale["store_id"] != card["store_id"]:
        return Refused(Code.CARD_UNKNOWN)
    if sale["amount_msat"] != request.amount_msat:
        return Refused(Code.AMOUNT_MISMATCH)
    return None


def _closed(sale: Row) -> Code | None:
    if sale["state"] in _CLOSED_SALES:
        return _CLOSED_SALES[SaleState(sale["state"])]
    # Shown while this card was being read: somebody may be paying it at this moment.
    return Code.QR_SHOWN if json.loads(sale["data"]).get(QR) else None


def _invoice_fits(tx: Tx, request: ClaimRequest, card: Row) -> Refused | None:
    """Invoice of our network, of this amount, with time left, never offered? Nothing is held."""
    invoice = request.invoice
    assert invoice is not None  # noqa: S101 - the request has a sale or an invoice
    if request.network is not None and invoice.network != request.network:
        return Refused(Code.INVOICE_NETWORK)
    wrong = _wrong_amount(invoice.amount_msat, request.amount_msat)
    if wrong is not None:
        return Refused(wrong)
    if invoice.expires_at - tx.now < max(1, request.min_left_ms):
        return Refused(Code.INVOICE_EXPIRED)
    if card["offered"]:
        return Refused(Code.INVOICE_USED)
    return None


def _wrong_amount(invoiced_msat: int | None, asked_msat: int) -> Code | None:
    """No amount, part of a satoshi, another amount: a claim is never made to fit (THREATS 16)."""
    if invoiced_msat is None:
        return Code.INVOICE_AMOUNTLESS
    if invoiced_msat % MSAT_PER_SAT:
        return Code.INVOICE_SUBSAT
    return Code.AMOUNT_MISMATCH if invoiced_msat != asked_msat else None


def _within_limits(request: ClaimRequest, card: Row) -> Refused | None:
    """Not too little, and not above a limit; NULL is none, zero is zero. Nothing is held."""
    if request.amount_msat < request.min_msat:
        return Refused(Code.AMOUNT_LOW)
    for most in (request.max_msat, card["limit_tap_msat"]):
        if most is not None and request.amount_msat > most:
            return Refused(Code.LIMIT_TAP)
    return _within_rolling_limits(request, card)


def _within_rolling_limits(request: ClaimRequest, card: Row) -> Refused | None:
    """The last 24 hours and 30 days: held money counts, failed money does not (THREATS 17)."""
    amount, in_all, taps = request.amount_msat, card["spent_msat"], card["spent_count"]
    for limit, spent, more, code in (
        ("limit_day_msat", _since(in_all, card["before_day_msat"]), amount, Code.LIMIT_DAY),
        ("limit_month_msat", _since(in_all, card["before_month_msat"]), amount, Code.LIMIT_MONTH),
        ("limit_count", _since(taps, card["before_day_count"]), 1, Code.LIMIT_COUNT),
    ):
        if card[limit] is not None and spent + more > card[limit]:
            return Refused(code)
    return None


def _since(in_all: int, before: int | None) -> int:
    """What was spent since a moment; nothing when no payout came after it (`windows`)."""
    return 0 if before is None else int(in_all - before)


def _covered(request: ClaimRequest, card: Row, fee: Fee) -> Refused | None:
    """Enough free for the amount and its fee, within what the account may pay in all?

    What a column can count is a limit, too: the books would refuse such a claim without a name, or
    a payment that is proven.
    """
    total, cap = request.amount_msat + fee.held_msat, card["limit_msat"]
    in_all = card["held_msat"] + card["paid_msat"] + total
    most = MOST_EVER_MSAT if cap is None else min(cap, MOST_EVER_MSAT)
    low = total > card["balance_msat"] or in_all > most
    low = low or card["spent_msat"] + request.amount_msat > MOST_EVER_MSAT
    return Refused(Code.BALANCE_LOW) if low else None


def _needs_pin(card: Row, request: ClaimRequest) -> bool:
    return card["pin_hash"] is not None and request.amount_msat >= card["pin_limit_msat"]


def _pin_fits(tx: Tx, request: ClaimRequest, card: Row, offered: pins.Try | None) -> Refused | None:
    """PIN where the amount reaches its threshold. A wrong one is counted; the tap stays usable."""
    if not _needs_pin(card, request):
        return None
    return pin_check.judge(tx, request.tap.card_id, card, offered)
