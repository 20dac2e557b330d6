"""What the ledger hands out: small immutable records, in the columns' order.

Amounts are msat, times are UTC epoch milliseconds. A limit that is None is none; zero is zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, Self

from host.ledger.codes import Code
from host.store.events import Event as _Event
from host.store.tx import Row


def typed(row: Row, kinds: dict[int, Callable[[Any], Any]]) -> list[Any]:
    """The values of a row, those at the given positions made into what they are; NULL stays."""
    values = list(row)
    for at, kind in kinds.items():
        if values[at] is not None:
            values[at] = kind(values[at])
    return values


Event = _Event
"""One row of the outbox; the store makes it."""


class PullPaymentState(StrEnum):
    """Whether cards may draw on an account."""

    RUNNING = "running"
    ENDED = "ended"


class CardState(StrEnum):
    """Where a card stands; only an active one pays."""

    NEW = "new"
    ACTIVE = "active"
    FROZEN = "frozen"
    WIPED = "wiped"

    @property
    def word(self) -> str:
        """What people read: every screen says blocked, and what is kept and told programs stays."""
        return "blocked" if self is CardState.FROZEN else self.value


class KeyScheme(StrEnum):
    """How a card's keys are derived: boltcard's scheme, or BTCPay's with the pull payment's id."""

    BOLTCARD = "boltcard"
    PULL_PAYMENT = "pull_payment"


class PayoutStatus(StrEnum):
    """Pending → Processing → Completed | Failed; Pending → Cancelled (the guide's names)."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


UNRESOLVED: Final = frozenset({PayoutStatus.PENDING, PayoutStatus.PROCESSING})
"""Money is held; nobody knows the end yet."""


class Route(StrEnum):
    """How a payout leaves: settled in our own books, or over Lightning."""

    INTERNAL = "internal"
    LIGHTNING = "lightning"


class SaleState(StrEnum):
    """The states of a sale (UX, "The sale, as states")."""

    READY = "ready"
    READING = "reading"
    AUTHORISING = "authorising"
    APPROVED = "approved"
    DECLINED = "declined"
    CHECKING = "checking"
    CANCELLED = "cancelled"


class SaleMethod(StrEnum):
    """How a sale was paid: a card of ours, another issuer's card, our invoice on the screen."""

    CARD = "card"
    FOREIGN = "foreign"
    INVOICE = "invoice"


class EntryKind(StrEnum):
    """What a movement of money was."""

    FUND = "fund"
    TOP_UP = "top-up"
    HOLD = "hold"
    RELEASE = "release"
    SETTLE = "settle"
    REFUND = "refund"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class Store:
    """A shop, with the clock its business day follows."""

    store_id: str
    name: str
    currency: str
    timezone: str
    cutoff_hour: int
    created_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*row)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A place where sales are charged, and the reader that stands there."""

    terminal_id: str
    store_id: str
    name: str
    reader: str | None
    created_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*row)


@dataclass(frozen=True, slots=True)
class PullPayment:
    """An account that cards draw on. `limit_msat` caps what is paid and held in all."""

    pull_payment_id: str
    store_id: str
    name: str
    state: PullPaymentState
    limit_msat: int | None
    starts_at: int | None
    ends_at: int | None
    balance_msat: int
    held_msat: int
    paid_msat: int
    created_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {3: PullPaymentState}))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a card may spend: per tap, in the last 24 hours, in the last 30 days; taps in 24 h."""

    tap_msat: int | None = None
    day_msat: int | None = None
    month_msat: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A card that was issued here. Its keys are derived when needed and are nowhere in it."""

    card_id: str
    store_id: str
    pull_payment_id: str
    uid: str
    alias: str
    issuer_id: str
    key_version: int
    key_scheme: KeyScheme
    last_counter: int
    state: CardState
    starts_at: int | None
    ends_at: int | None
    limits: Limits
    pin_limit_msat: int | None
    """From this amount on the PIN is asked for; 0 is always, None is no PIN."""
    pin_tries: int
    created_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        """From `CARD_COLUMNS`."""
        one = typed(row, {7: KeyScheme, 9: CardState})
        return cls(*[*one[:12], Limits(*one[12:16]), *one[16:]])


CARD_COLUMNS: Final = (
    "card_id, store_id, pull_payment_id, uid, alias, issuer_id, key_version, key_scheme,"
    " last_counter, state, starts_at, ends_at, limit_tap_msat, limit_day_msat, limit_month_msat,"
    " limit_count, pin_limit_msat, pin_tries, created_at"
)
"""Everything but the PIN's hash, which has no business outside `pins`."""


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment of a card: the dashboard guide's fields, then ours."""

    id: int
    payout_id: str
    pull_payment_id: str
    store_id: str
    amount_msat: int
    currency: str
    status: PayoutStatus
    created_at: int
    completed_at: int | None
    boltcard_id: str
    boltcard_ntag: str
    recipient_address: str | None
    """The invoice, for Lightning."""
    transaction_id: str | None
    error_message: str | None
    metadata: str | None
    """JSON text: `terminal_id`, `source`, `gap` (taps read elsewhere since the last payment)."""
    key_version: int
    counter: int
    """With the card and its key version: the tap that was spent."""
    day: str
    """The store's business day, as ISO text."""
    route: Route
    sale_id: str | None
    payment_hash: bytes | None
    preimage: bytes | None = field(repr=False)
    fee_msat: int
    fee_held_msat: int
    processing_at: int | None
    next_check_at: int | None
    checks: int
    fee_limit_msat: int | None = None
    """What the wallet may spend on the way; the account holds all of it or nothing (`fees`)."""
    wallet: str | None = None
    """The identity of the wallet it was handed to; None before that."""

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {6: PayoutStatus, 18: Route}))

    @property
    def unresolved(self) -> bool:
        """True while money is held for it."""
        return self.status in UNRESOLVED

    def facts(self) -> dict[str, Any]:
        """The metadata, read."""
        return json.loads(self.metadata) if self.metadata else {}


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale at one terminal."""

    sale_id: str
    store_id: str
    terminal_id: str
    amount_msat: int
    currency: str
    state: SaleState
    code: Code | None
    created_at: int
    changed_at: int
    expires_at: int
    payout_id: str | None
    data: dict[str, Any]
    rate: str | None = None
    """What one bitcoin cost when the sale was made, in its currency; None without a rate."""
    rate_source: str | None = None
    rate_at: int | None = None
    tip_msat: int = 0
    """The part of the amount that is a tip."""
    note: str = ""
    fiat: str | None = None
    """What was keyed in, in the currency, where the shop counts in it: decimal text."""
    person_id: str | None = None
    method: SaleMethod | None = None
    settled_at: int | None = None
    """When it was paid; reports range over this time."""

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {5: SaleState, 6: Code, 11: json.loads, 19: SaleMethod}))


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money of one account."""

    entry_id: str
    at: int
    pull_payment_id: str
    payout_id: str | None
    card_id: str | None
    kind: EntryKind
    available_msat: int
    held_msat: int
    reason: str | None
    person_id: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*typed(row, {5: EntryKind}))


@dataclass(frozen=True, slots=True)
class Usage:
    """What one card really paid, ever."""

    boltcard_id: str
    alias: str | None
    total_payouts: int
    total_amount_msat: int
    first_used: int | None
    last_used: int | None
    store_id: str

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(*row)


def columns(record: type[Any]) -> str:
    """The fields of a record as the list of a SELECT; the guide's tables say `amount`."""
    names = (one.name for one in fields(record))
    guide = {"amount_msat": "amount", "total_amount_msat": "total_amount"}
    return ", ".join(guide.get(name, name) for name in names)


PAYOUT_COLUMNS: Final = columns(Payout)
USAGE_COLUMNS: Final = columns(Usage)
SALE_COLUMNS: Final = ", ".join(one.name for one in fields(Sale))
PULL_PAYMENT_COLUMNS: Final = ", ".join(one.name for one in fields(PullPayment))
ENTRY_COLUMNS: Final = ", ".join(one.name for one in fields(Entry))
