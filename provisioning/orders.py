"""What a technician asks for, and what comes of it: small records, no behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from host.ledger.records import KeyScheme, Limits
from provisioning.keysets import KeySet
from provisioning.plan import Use
from provisioning.seen import Depth
from provisioning.states import State
from provisioning.trouble import Trouble


class Goal(StrEnum):
    """What the technician wants of a card."""

    ISSUE = "issue"
    REKEY = "rekey"
    WIPE = "wipe"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCard:
    """What the ledger is told of a new card: its account, name and limits. Amounts in msat."""

    pull_payment_id: str
    alias: str
    limits: Limits = field(default_factory=Limits)
    starts_at: int | None = None
    ends_at: int | None = None
    pin_hash: str | None = field(default=None, repr=False)
    pin_limit_msat: int | None = None

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        limits = self.limits
        return {
            "pull_payment_id": self.pull_payment_id,
            "alias": self.alias,
            "limits": [limits.tap_msat, limits.day_msat, limits.month_msat, limits.count],
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "pin_hash": self.pin_hash,
            "pin_limit_msat": self.pin_limit_msat,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "limits": Limits(*data["limits"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One card's order; the same record serves a whole batch but for `card`."""

    goal: Goal
    store_id: str
    url_base: str
    card: NewCard | None = None
    """For ISSUE."""
    depth: Depth = Depth.FULL
    key_scheme: KeyScheme = KeyScheme.BOLTCARD
    imports: tuple[KeySet, ...] = ()
    random_id: bool = False
    random_id_confirmed: bool = False
    originality: bool = False
    terminal_id: str | None = None
    """The till that shares this reader: while a sale is armed there, nothing is done."""
    more_tries: bool = False
    """The technician allows another round of authentications."""
    done_before: frozenset[str] = frozenset()
    """UIDs that this batch has finished already."""
    sure: frozenset[str] | None = None
    """UIDs of the cards that may be wiped, where each is asked about; None asks about none."""
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A card that is finished and was checked."""

    goal: Goal
    use: Use
    uid: str
    state: State
    """How it was found."""
    card_id: str | None = None
    alias: str | None = None
    key_version: int | None = None
    counter: int | None = None
    already: bool = False
    """Nothing had to be written."""
    resumed: bool = False
    """A job of an earlier tap was brought to its end."""
    originality: str | None = None
    apdus: int = 0


Outcome = Done | Trouble


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a card is: step `done` of `total`, in words."""

    done: int
    total: int
    words: str


Tell = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """For those who do not watch."""
