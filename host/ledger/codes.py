"""Every refusal has a stable code, words for the person who sees it, and what to do next (UX).

Codes are kept in the database, the API and the metrics: they are never renamed. The words are
English source texts and may be translated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Words(NamedTuple):
    """What the cashier reads, and what to do next."""

    says: str
    do: str


class Code(StrEnum):
    """Why something was refused."""

    CARD_UNKNOWN = "card_unknown"
    CARD_BLOCKED = "card_blocked"
    CARD_EXPIRED = "card_expired"
    CARD_NOT_ACTIVE = "card_not_active"
    SUN_INVALID = "sun_invalid"
    SUN_REPLAYED = "sun_replayed"
    COUNTER_EXHAUSTED = "counter_exhausted"
    LIMIT_TAP = "limit_tap"
    LIMIT_DAY = "limit_day"
    LIMIT_MONTH = "limit_month"
    LIMIT_COUNT = "limit_count"
    BALANCE_LOW = "balance_low"
    AMOUNT_LOW = "amount_low"
    AMOUNT_INVALID = "amount_invalid"
    AMOUNT_MISMATCH = "amount_mismatch"
    PIN_REQUIRED = "pin_required"
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"
    CARD_BUSY = "card_busy"
    MOVED_TOO_SOON = "moved_too_soon"
    TWO_CARDS = "two_cards"
    CARD_UNREADABLE = "card_unreadable"
    FOREIGN_REFUSED = "foreign_refused"
    LIGHTNING_FAILED = "lightning_failed"
    LIGHTNING_UNKNOWN = "lightning_unknown"
    READER_DOWN = "reader_down"
    READER_LENT = "reader_lent"
    STORE_OFFLINE = "store_offline"
    RATE_STALE = "rate_stale"
    QR_SHOWN = "qr_shown"
    QR_UNPAID = "qr_unpaid"
    SALE_UNKNOWN = "sale_unknown"
    SALE_CLOSED = "sale_closed"
    SALE_IN_PROGRESS = "sale_in_progress"
    SALE_OPEN = "sale_open"
    SALE_TIMED_OUT = "sale_timed_out"
    INVOICE_INVALID = "invoice_invalid"
    INVOICE_NETWORK = "invoice_network"
    INVOICE_AMOUNTLESS = "invoice_amountless"
    INVOICE_SUBSAT = "invoice_subsat"
    INVOICE_EXPIRED = "invoice_expired"
    INVOICE_USED = "invoice_used"
    TOPUP_AMOUNT = "topup_amount"
    LINK_INVALID = "link_invalid"
    K1_INVALID = "k1_invalid"
    K1_EXPIRED = "k1_expired"
    RATE_LIMITED = "rate_limited"
    REQUEST_INVALID = "request_invalid"

    @property
    def words(self) -> Words:
        """The English source text of this code."""
        return _WORDS[self]

    @property
    def helps(self) -> Help:
        """What helps at a till; by default the same card once more."""
        return _HELPS.get(self, Help.AGAIN)


class Help(StrEnum):
    """What may turn a refusal at a till into a payment."""

    AGAIN = "again"
    OTHER_CARD = "other-card"
    LESS = "less"
    """Another card, or a smaller amount."""
    AMOUNT = "amount"
    """Another amount; the card is good."""
    CARD = "card"
    """A card, because the QR code was not paid."""


_HELPS: dict[Code, Help] = {
    Code.CARD_UNKNOWN: Help.OTHER_CARD,
    Code.CARD_BLOCKED: Help.OTHER_CARD,
    Code.CARD_EXPIRED: Help.OTHER_CARD,
    Code.CARD_NOT_ACTIVE: Help.OTHER_CARD,
    Code.COUNTER_EXHAUSTED: Help.OTHER_CARD,
    Code.LIMIT_TAP: Help.LESS,
    Code.LIMIT_DAY: Help.LESS,
    Code.LIMIT_MONTH: Help.LESS,
    Code.LIMIT_COUNT: Help.OTHER_CARD,
    Code.BALANCE_LOW: Help.OTHER_CARD,
    Code.AMOUNT_LOW: Help.AMOUNT,
    Code.AMOUNT_INVALID: Help.AMOUNT,
    Code.PIN_LOCKED: Help.OTHER_CARD,
    Code.CARD_UNREADABLE: Help.OTHER_CARD,
    Code.FOREIGN_REFUSED: Help.OTHER_CARD,
    Code.QR_UNPAID: Help.CARD,
}

_WORDS: dict[Code, Words] = {
    Code.CARD_UNKNOWN: Words("This card is not registered here", "Use another card or cash."),
    Code.CARD_BLOCKED: Words(
        "This card is blocked", "Use another card; the holder contacts the issuer."
    ),
    Code.CARD_EXPIRED: Words("This card account has ended", "Use another card."),
    Code.CARD_NOT_ACTIVE: Words("This card account has not started", "Use another card."),
    Code.SUN_INVALID: Words(
        "The card could not be verified", "Tap once more, then use another card."
    ),
    Code.SUN_REPLAYED: Words("This tap was already used", "Tap again."),
    Code.COUNTER_EXHAUSTED: Words(
        "This card is used up", "Use another card; a technician re-makes this one."
    ),
    Code.LIMIT_TAP: Words("Over the limit for one payment", "A smaller amount or another card."),
    Code.LIMIT_DAY: Words("Over the limit for today", "A smaller amount or another card."),
    Code.LIMIT_MONTH: Words("Over the limit for this month", "A smaller amount or another card."),
    Code.LIMIT_COUNT: Words("Too many payments with this card today", "Use another card."),
    Code.BALANCE_LOW: Words("Not enough balance", "Use another card."),
    Code.AMOUNT_LOW: Words("Below the smallest payment", "Add items."),
    Code.AMOUNT_INVALID: Words("This amount cannot be charged", "Enter the amount again."),
    Code.AMOUNT_MISMATCH: Words("The invoice is not for this amount", "Start the payment again."),
    Code.PIN_REQUIRED: Words("Enter the PIN", "The holder enters the PIN, then taps again."),
    Code.PIN_WRONG: Words("Wrong PIN", "Enter the PIN again."),
    Code.PIN_LOCKED: Words("PIN locked", "Use another card; a manager can unlock this one."),
    Code.CARD_BUSY: Words(
        "A payment of this card is still being checked", "Wait a moment, or use another card."
    ),
    Code.MOVED_TOO_SOON: Words("Card was taken away too early", "Hold it a little longer."),
    Code.TWO_CARDS: Words("More than one card on the reader", "Lay down one card only."),
    Code.CARD_UNREADABLE: Words("This is not a payment card", "Use another card."),
    Code.FOREIGN_REFUSED: Words("The card's own bank refused", "Use another card."),
    Code.LIGHTNING_FAILED: Words(
        "The payment could not be sent", "Try again, then use another card."
    ),
    Code.LIGHTNING_UNKNOWN: Words("The payment is being checked", "Do not charge again."),
    Code.READER_DOWN: Words("The reader is not available", "See the status dots."),
    Code.READER_LENT: Words(
        "The reader is used for something else", "Finish or stop that work first."
    ),
    Code.STORE_OFFLINE: Words("The service is not available", "See the status dots."),
    Code.RATE_STALE: Words("The exchange rate is too old", "Wait for a new one, or ask a manager."),
    Code.QR_SHOWN: Words("A QR code is shown for this sale", "Hide it, then tap the card."),
    Code.QR_UNPAID: Words("The QR code was not paid in time", "Show a new one, or use a card."),
    Code.SALE_UNKNOWN: Words("There is no such sale", "Start a new sale."),
    Code.SALE_CLOSED: Words("This sale is already closed", "Start a new sale."),
    Code.SALE_IN_PROGRESS: Words("The last sale is not decided yet", "Do not charge again."),
    Code.SALE_OPEN: Words("A sale is open on this terminal", "Finish or cancel it first."),
    Code.SALE_TIMED_OUT: Words(
        "No card was tapped in time", "Charge again when the card is ready."
    ),
    Code.INVOICE_INVALID: Words("The invoice cannot be read", "Make a new invoice."),
    Code.INVOICE_NETWORK: Words("The invoice is for another network", "Make a new invoice."),
    Code.INVOICE_AMOUNTLESS: Words("The invoice has no amount", "Make an invoice with an amount."),
    Code.INVOICE_SUBSAT: Words("The invoice is not in whole satoshi", "Make a new invoice."),
    Code.INVOICE_EXPIRED: Words("The invoice has expired, or is about to", "Make a new invoice."),
    Code.INVOICE_USED: Words("This invoice was already offered", "Make a new invoice."),
    Code.TOPUP_AMOUNT: Words("This amount cannot be paid in", "Choose another amount."),
    Code.LINK_INVALID: Words("This link is not known here", "Ask the shop for a new one."),
    Code.K1_INVALID: Words("This payment was not started here", "Tap again."),
    Code.K1_EXPIRED: Words("The tap is too old", "Tap again."),
    Code.RATE_LIMITED: Words("Too many requests", "Wait a moment, then try again."),
    Code.REQUEST_INVALID: Words("The request cannot be read", "Tap again."),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that belongs to the business: no money moved, nothing is held.

    `detail` carries facts for logs and texts (`tries_left`, `field`), never a balance or a key.
    """

    code: Code
    detail: dict[str, str | int] = field(default_factory=dict)
