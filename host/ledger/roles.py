"""Who may do what: changing somebody's role and store, and never locking everybody out."""

from __future__ import annotations

from host.ledger import audit, people
from host.ledger.errors import LedgerError, NotFound
from host.ledger.permissions import Person, Role
from host.store.tx import Place, Tx


def change(
    db: Place, person_id: str, role: Role, store_id: str | None, by: str | None = None
) -> Person:
    """Give somebody another role or store; it holds from the next request on."""

    def write(tx: Tx) -> Person:
        before = _need(tx, person_id)
        if role is not Role.MANAGER or store_id is not None:
            refuse_last_manager(tx, before)
        tx.run(
            "UPDATE people SET role = :role, store_id = :store_id WHERE person_id = :id",
            {"role": Role(role), "store_id": store_id, "id": person_id},
        )
        facts = {"role": role, "store_id": store_id, "was": before.role}
        audit.append(tx, by, "person.role", person_id, facts)
        return _need(tx, person_id)

    return db.transaction(write)


def block(db: Place, person_id: str, by: str | None = None) -> Person:
    """As `people.block`, but never the last manager of everything."""

    def write(tx: Tx) -> Person:
        refuse_last_manager(tx, _need(tx, person_id))
        return people.block(tx, person_id, by)

    return db.transaction(write)


def anybody_has_password(db: Place) -> bool:
    """Whether somebody can come in without a link; false on the first run."""
    return db.one("SELECT 1 FROM people WHERE password_hash IS NOT NULL LIMIT 1") is not None


def refuse_last_manager(tx: Tx, person: Person) -> None:
    """Raise `LedgerError` when nobody else could manage every store."""
    others = [
        one
        for one in people.every(tx)
        if one.person_id != person.person_id
        and (one.active, one.role, one.store_id) == (True, Role.MANAGER, None)
    ]
    if not others and (person.active, person.role, person.store_id) == (True, Role.MANAGER, None):
        raise LedgerError("person: the last manager of every store must stay one")


def secrets_of(db: Place, person_id: str) -> frozenset[str]:
    """What somebody can sign in with: a `password`, a `pin`, both, or nothing yet."""
    row = db.one(
        "SELECT password_hash IS NOT NULL, pin_hash IS NOT NULL FROM people WHERE person_id = :id",
        {"id": person_id},
    )
    kinds = ("password", "pin")
    return frozenset(kind for kind, there in zip(kinds, row or (), strict=False) if there)


def _need(tx: Tx, person_id: str) -> Person:
    person = people.get(tx, person_id)
    if person is None:
        raise NotFound(f"person_id: there is no person {person_id}")
    return person
