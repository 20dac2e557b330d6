"""Why a card was not finished: a stable code, words for the technician, and what to do next.

Codes are kept in the database and printed by the commands; they are never renamed. Whatever the
code, nothing is lost: `wrote` says whether this tap changed the card, and a card that was changed
is finished by laying it down again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from host.ledger.codes import Words


class TroubleCode(StrEnum):
    """What stands between a card and the end of its job."""

    NOT_424 = "not_424"
    FOREIGN = "foreign"
    LRP = "lrp"
    DELAYED = "delayed"
    BLOCKED = "blocked"
    KEY_REFUSED = "key_refused"
    OTHER_STORE = "other_store"
    NOT_OURS = "not_ours"
    SWAPPED = "swapped"
    TWICE = "twice"
    BUSY = "busy"
    IMPORT_NEEDED = "import_needed"
    ISSUER_MISSING = "issuer_missing"
    BUDGET_SPENT = "budget_spent"
    LOCKED = "locked"
    CARD_GONE = "card_gone"
    SEVERAL_CARDS = "several_cards"
    ONCE_MORE = "once_more"
    CARD_ERROR = "card_error"
    VERIFY_FAILED = "verify_failed"
    RANDOM_ID_UNCONFIRMED = "random_id_unconfirmed"
    UID_UNKNOWN = "uid_unknown"
    SALE_ARMED = "sale_armed"
    UNSURE = "unsure"
    WRONG_ORDER = "wrong_order"

    @property
    def words(self) -> Words:
        """What happened, and what to do next."""
        return _WORDS[self]


_ASIDE = "Lay it aside and take the next one."
_AGAIN = "Lay the same card down again."

_WORDS: dict[TroubleCode, Words] = {
    TroubleCode.NOT_424: Words("This is not an NTAG 424 DNA", _ASIDE),
    TroubleCode.FOREIGN: Words(
        "This card holds keys of somebody else", "Its maker wipes it, or import its keys."
    ),
    TroubleCode.LRP: Words("This card was switched to LRP, for good", _ASIDE),
    TroubleCode.DELAYED: Words(
        "This card makes us wait, after too many wrong keys", _AGAIN + " It may take a few times."
    ),
    TroubleCode.BLOCKED: Words("This card no longer listens to its main key", _ASIDE),
    TroubleCode.KEY_REFUSED: Words(
        "The card refused the key its versions promised",
        "Run diagnose; do not try again without a reason.",
    ),
    TroubleCode.OTHER_STORE: Words(
        "This card belongs to another store", "Its own store wipes it first."
    ),
    TroubleCode.NOT_OURS: Words("This card was not issued here", "Issue it, or lay it aside."),
    TroubleCode.SWAPPED: Words("This is not the card the job began with", _AGAIN),
    TroubleCode.TWICE: Words(
        "This card was on the reader already in this batch", "Take the next one."
    ),
    TroubleCode.BUSY: Words(
        "A payment of this card is still being checked", "Wait until it is settled."
    ),
    TroubleCode.IMPORT_NEEDED: Words(
        "This card still holds keys that were imported", "Give the same key file again."
    ),
    TroubleCode.ISSUER_MISSING: Words(
        "The issuer key of this card is not kept here", "Restore the issuer keys' backup."
    ),
    TroubleCode.BUDGET_SPENT: Words(
        "This card was interrupted too often", "Run diagnose, then repair with --once-more."
    ),
    TroubleCode.LOCKED: Words("This card's file can never be changed again", _ASIDE),
    TroubleCode.CARD_GONE: Words("The card was taken away too early", _AGAIN),
    TroubleCode.SEVERAL_CARDS: Words("More than one card on the reader", "Lay down one card only."),
    TroubleCode.ONCE_MORE: Words("Nearly done: the card must be checked once more", _AGAIN),
    TroubleCode.CARD_ERROR: Words("The card gave an answer that makes no sense", _AGAIN),
    TroubleCode.VERIFY_FAILED: Words("The card does not sign as it should after writing", _AGAIN),
    TroubleCode.RANDOM_ID_UNCONFIRMED: Words(
        "Random ID can never be switched off again", "Confirm it, or leave it out."
    ),
    TroubleCode.UID_UNKNOWN: Words("The card hides its number", "Issue it anew, or lay it aside."),
    TroubleCode.WRONG_ORDER: Words(
        "The order does not fit the books", "Check account, store and name."
    ),
    TroubleCode.UNSURE: Words(
        "This card was not wiped: nobody said yes", "Lay it down again to be asked once more."
    ),
    TroubleCode.SALE_ARMED: Words(
        "A sale waits for a card on this terminal", "Finish or cancel the sale first."
    ),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that did not end; `wrote` says whether this tap changed the card."""

    code: TroubleCode
    uid: str | None = None
    detail: str = ""
    """A fact for the log, never a key."""
    wrote: bool = False

    @property
    def words(self) -> str:
        """One line for a person."""
        says, do = self.code.words
        return f"{says}. {do}"


class Stop(Exception):
    """Raised inside the engine to end a job with this trouble."""

    def __init__(self, code: TroubleCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
