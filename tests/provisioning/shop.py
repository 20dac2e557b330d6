"""A shop with a ledger, a keyring and an account, for the tests of provisioning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hardware.twin.card import TwinCard
from host.clock import ManualClock
from host.keyring import Issuer, Keyring
from host.ledger import pull_payments, stores
from host.ntag424.values import Key, Uid
from host.store.engine import Engine
from provisioning.engine import Workshop
from provisioning.orders import Done, Goal, NewCard, Order, Outcome

BASE = "lnurlw://pay.example.com/ln"
UID = Uid.parse("04968caa5c5e80")


@dataclass
class Field:
    """A link to whatever lies there: it counts APDUs, and who refused an authentication."""

    card: TwinCard
    uid: bytes | None = None
    apdus: int = 0
    refused: int = 0

    def transceive(self, apdu: bytes) -> bytes:
        self.apdus += 1
        answer = self.card.transceive(apdu)
        self.refused += answer == b"\x91\xae"
        return answer


def lay(card: TwinCard) -> Field:
    """Lay a card down: power, and its anticollision UID as a reader would know it."""
    card.power_off()
    card.power_on()
    return Field(card, card.identity)


@dataclass
class Shop:
    """One store `main` with one account, and the workshop that serves it."""

    db: Engine
    keyring: Keyring
    account: str
    workshop: Workshop
    outcomes: list[Outcome] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> Shop:
        db = Engine.open(folder / "taptill.db", ManualClock())
        stores.create(db, "Main", store_id="main")
        stores.create(db, "Other", store_id="other")
        account = pull_payments.create(db, "main", "Account").pull_payment_id
        issuer = Issuer.of(Key(bytes(range(16))))
        keyring = Keyring((issuer,), bytes(32), demo=True)
        return cls(db, keyring, account, Workshop(db, keyring))

    def order(self, goal: Goal, **more: Any) -> Order:
        card = NewCard(pull_payment_id=self.account, alias=more.pop("alias", "Anna"))
        fields: dict[str, Any] = {
            "goal": goal,
            "store_id": "main",
            "url_base": BASE,
            "card": card if goal is Goal.ISSUE else None,
        }
        return Order(**(fields | more))

    def work(self, card: TwinCard, goal: Goal, **more: Any) -> Outcome:
        """One tap."""
        outcome = self.workshop.work(lay(card), self.order(goal, **more))
        self.outcomes.append(outcome)
        return outcome

    def done(self, card: TwinCard, goal: Goal, **more: Any) -> Done:
        """One tap that must end well."""
        outcome = self.work(card, goal, **more)
        assert isinstance(outcome, Done), outcome
        return outcome

    def rotate(self) -> None:
        """One more issuer key."""
        self.keyring = self.keyring.rotated()
        self.workshop = Workshop(self.db, self.keyring)


def with_uid(uid: Uid) -> TwinCard:
    """A new card."""
    return TwinCard.factory(uid)


def with_version_bytes(card: TwinCard, versions: list[int]) -> TwinCard:
    """The same card whose version bytes say something else."""
    state = card.state
    for number, version in enumerate(versions):
        state = state.with_key(number, replace(state.keys[number], version=version))
    return TwinCard(state)
