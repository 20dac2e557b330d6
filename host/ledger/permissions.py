"""Who works here, and what each role may do (UX, "Roles")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from host.store.tx import Row


class Role(StrEnum):
    """Who a person is; each may do what those before may (UX, "Roles")."""

    CASHIER = "cashier"
    TECHNICIAN = "technician"
    MANAGER = "manager"


_CASHIER = frozenset({"sale.charge", "sale.view", "drawer.open", "shift.work"})
_TECHNICIAN = _CASHIER | {"card.view", "card.provision", "card.block"}
_MANAGER = _TECHNICIAN | {
    "sale.refund",
    "card.limits",
    "card.top_up",
    "payout.view",
    "payout.resolve",
    "pull_payment.view",
    "pull_payment.fund",
    "report.view",
    "report.close",
    "audit.view",
    "people.manage",
    "store.manage",
}

PERMISSIONS: Final[dict[Role, frozenset[str]]] = {
    Role.CASHIER: _CASHIER,
    Role.TECHNICIAN: _TECHNICIAN,
    Role.MANAGER: _MANAGER,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here; `store_id` None is every store."""

    person_id: str
    name: str
    role: Role
    store_id: str | None
    active: bool
    created_at: int

    @classmethod
    def of(cls, row: Row) -> Self:
        """From `person_id, name, role, store_id, state, created_at`."""
        person_id, name, role, store_id, state, created_at = row
        return cls(person_id, name, Role(role), store_id, state == "active", created_at)

    @property
    def permissions(self) -> frozenset[str]:
        """What this person may do."""
        return PERMISSIONS[self.role] if self.active else frozenset()
