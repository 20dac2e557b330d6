"""What a holder may see: balance, limits left and history of a card, by a tap that is not spent.

A tap has no time in it, so whoever photographed its address could look for ever. Therefore the
page opens for the newest tap alone: one that is newer than every payment and every look of the
card, and for `SHOW_MS` after it was first shown. Each look is on record and the next one tells it.

What a tap cannot do is tell a holder's phone from a point of sale. A point of sale's protocol
shows it no balance (THREATS 21); but one that holds a tap which was neither paid with nor looked at
yet could open the page itself. So a card with a PIN shows nothing without it, and whoever does not
accept the rest for cards without one turns the page off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.clock import MINUTE
from host.ledger import cards, pin_check, pins, pull_payments, stores, views_cards
from host.ledger.codes import Code, Refused
from host.ledger.records import (
    ENTRY_COLUMNS,
    PAYOUT_COLUMNS,
    Card,
    CardState,
    Entry,
    EntryKind,
    Payout,
    PayoutStatus,
    PullPayment,
    PullPaymentState,
    Store,
)
from host.ledger.taps import VerifiedTap
from host.store.tx import Place, Tx

SHOW_MS: Final = 2 * MINUTE
"""How long one tap shows the page."""

LINES: Final = 20

_CLOSED: Final = {
    CardState.NEW: Code.CARD_NOT_ACTIVE,
    CardState.FROZEN: Code.CARD_BLOCKED,  # it may be lost: its finder is told nothing
    CardState.WIPED: Code.CARD_BLOCKED,
}

_PIN: Final = "SELECT store_id, pin_hash, pin_tries FROM cards WHERE card_id = :card_id"

_LOOKED: Final = "SELECT * FROM balance_looks WHERE card_id = :id"

_PAYMENTS: Final = f"""
    SELECT {PAYOUT_COLUMNS} FROM payouts WHERE boltcard_id = :card_id
    ORDER BY created_at DESC, id DESC LIMIT :lines
"""  # noqa: S608

_MOVEMENTS: Final = f"""
    SELECT {ENTRY_COLUMNS} FROM entries WHERE pull_payment_id = :account
        AND kind NOT IN ('hold', 'release', 'settle') AND (card_id = :card_id
            OR (card_id IS NULL AND (SELECT count(*) FROM cards
                WHERE pull_payment_id = :account) = 1))
    ORDER BY at DESC, entry_id DESC LIMIT :lines
"""  # noqa: S608
"""What came in for this card; what has no card is this card's where the account has no other."""


@dataclass(frozen=True, slots=True)
class Left:
    """One limit: what of it is left; taps are counted, all else is msat."""

    limit: int
    left: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history; `amount_msat` is what the account has more or less by it."""

    at: int
    kind: EntryKind
    amount_msat: int
    status: PayoutStatus | None = None
    """Of a payment; None for what came in."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A card as its holder sees it."""

    card: Card
    account: PullPayment
    store: Store
    tap: int | None
    """The most that one payment may be, in msat."""
    day: Left | None
    month: Left | None
    count: Left | None
    history: list[Line]
    looked_before: int | None = None
    """When the page was opened by an earlier tap."""

    @property
    def now_msat(self) -> int:
        """What one payment could take now; routing fees not counted."""
        if self.account.state is not PullPaymentState.RUNNING:
            return 0
        if self.count is not None and self.count.left == 0:
            return 0
        cap = self.account.limit_msat
        paid = self.account.held_msat + self.account.paid_msat
        most = [
            self.account.balance_msat,
            self.tap,
            self.day.left if self.day else None,
            self.month.left if self.month else None,
            max(0, cap - paid) if cap is not None else None,
        ]
        return min(one for one in most if one is not None)


def of(db: Place, card_id: str) -> Balance | None:
    """A card's balance for somebody who may see it; the way in for screens and commands."""
    return db.read(lambda tx: _of(tx, card_id, None))


def look(db: Place, tap: VerifiedTap, pin: str | None = None) -> Balance | Refused:
    """A card's balance for whoever holds its newest tap, and knows its PIN where it has one.

    The tap is not spent by it. The slow part of the PIN is done before the lock is taken.
    """
    stored = db.read(lambda tx: tx.one(_PIN, {"card_id": tap.card_id}))
    locked = stored is None or stored["pin_tries"] >= pins.MAX_TRIES
    offered: pins.Try | None = None
    if pin is not None and stored is not None and stored["pin_hash"] is not None and not locked:
        offered = pins.try_pin(stored["pin_hash"], pin)

    def open_page(tx: Tx) -> Balance | Refused:
        card = _standing(tx, tap)
        if isinstance(card, Refused):
            return card
        refused = _pin(tx, tap, offered)
        if refused is not None:
            return refused
        before = _noted(tx, tap)
        found = _of(tx, tap.card_id, before)
        return found if found is not None else Refused(Code.CARD_UNKNOWN)

    return db.transaction(open_page)


def present(db: Place, tap: VerifiedTap) -> Card | Refused:
    """The card of a tap that is its newest; from now on no older one is. The tap is not spent."""

    def note(tx: Tx) -> Card | Refused:
        card = _standing(tx, tap)
        if not isinstance(card, Refused):
            _noted(tx, tap)
        return card

    return db.transaction(note)


def _standing(tx: Tx, tap: VerifiedTap) -> Card | Refused:
    """The card, if it is in use and this is its newest tap."""
    card = cards.get(tx, tap.card_id)
    if card is None:
        return Refused(Code.CARD_UNKNOWN)
    if card.state in _CLOSED:
        return Refused(_CLOSED[card.state])
    if card.key_version != tap.key_version:
        return Refused(Code.SUN_INVALID)
    if tap.counter <= card.last_counter:
        return Refused(Code.SUN_REPLAYED)
    return _fresh(tx, tap) or card


def _fresh(tx: Tx, tap: VerifiedTap) -> Refused | None:
    """Refused for a tap that is not the newest one that looked, or looked too long ago."""
    row = tx.one(_LOOKED, {"id": tap.card_id})
    if row is None:
        return None
    mine, newest = (tap.key_version, tap.counter), (row["key_version"], row["counter"])
    if mine < newest:
        return Refused(Code.SUN_REPLAYED)
    # A clock that was set back makes ages negative.
    late = mine == newest and abs(tx.now - row["first_at"]) > SHOW_MS
    return Refused(Code.K1_EXPIRED) if late else None


def _pin(tx: Tx, tap: VerifiedTap, offered: pins.Try | None) -> Refused | None:
    card = tx.one(_PIN, {"card_id": tap.card_id})
    if card is None or card["pin_hash"] is None:
        return None
    return pin_check.judge(tx, tap.card_id, card, offered)


def _noted(tx: Tx, tap: VerifiedTap) -> int | None:
    """Put this look on record, once for its tap; when the card was looked at before it."""
    row = tx.one(_LOOKED, {"id": tap.card_id})
    if row is not None and (tap.key_version, tap.counter) == (row["key_version"], row["counter"]):
        again: int | None = row["before_at"]
        return again
    before: int | None = row["first_at"] if row is not None else None
    tx.run(
        "INSERT INTO balance_looks VALUES (:id, :version, :counter, :now, :before)"
        " ON CONFLICT (card_id) DO UPDATE SET key_version = :version, counter = :counter,"
        " first_at = :now, before_at = :before",
        {
            "id": tap.card_id,
            "version": tap.key_version,
            "counter": tap.counter,
            "now": tx.now,
            "before": before,
        },
    )
    return before


def _of(tx: Tx, card_id: str, before: int | None) -> Balance | None:
    card = cards.get(tx, card_id)
    account = pull_payments.get(tx, card.pull_payment_id) if card else None
    store = stores.get(tx, card.store_id) if card else None
    if card is None or account is None or store is None:
        return None
    used, limits = views_cards.used(tx, card_id), card.limits
    return Balance(
        card=card,
        account=account,
        store=store,
        tap=limits.tap_msat,
        day=_left(limits.day_msat, used.day.msat),
        month=_left(limits.month_msat, used.month.msat),
        count=_left(limits.count, used.day.taps),
        history=_history(tx, card),
        looked_before=before,
    )


def _left(limit: int | None, used: int) -> Left | None:
    return None if limit is None else Left(limit, max(0, limit - used))


def _history(tx: Tx, card: Card) -> list[Line]:
    row = {"card_id": card.card_id, "account": card.pull_payment_id, "lines": LINES}
    lines = [_payment(Payout.of(one)) for one in tx.all(_PAYMENTS, row)]
    for one in tx.all(_MOVEMENTS, row):
        entry = Entry.of(one)
        lines.append(Line(entry.at, entry.kind, entry.available_msat))
    lines.sort(key=lambda line: line.at, reverse=True)
    return lines[:LINES]


def _payment(payout: Payout) -> Line:
    if payout.status in (PayoutStatus.FAILED, PayoutStatus.CANCELLED):
        return Line(payout.created_at, EntryKind.RELEASE, 0, payout.status)
    if payout.unresolved:
        held = payout.amount_msat + payout.fee_held_msat
        return Line(payout.created_at, EntryKind.HOLD, -held, payout.status)
    fee = min(payout.fee_msat, payout.fee_held_msat)
    return Line(payout.created_at, EntryKind.SETTLE, -(payout.amount_msat + fee), payout.status)
