"""Proof that somebody is who they say: a password or a PIN, compared slowly and counted.

Every fifth wrong one in a row locks the person out, each time for twice as long, up to an hour. A
password and a PIN are counted together, in the person's row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from host.clock import HOUR, MINUTE
from host.ledger import audit, pins
from host.store.tx import Place, Tx

MAX_TRIES: Final = 5
LOCK_MS: Final = 5 * MINUTE
LONGEST_LOCK_MS: Final = HOUR

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A secret that was not right, or came while its person is locked out (epoch ms)."""

    tries_left: int
    locked_until: int | None = None


def prove(db: Place, person_id: str, kind: str, secret: str, then: Callable[[Tx], T]) -> T | Wrong:
    """Do `then` in one transaction with the proof that this is somebody's `password` or `pin`.

    Hash first, outside the lock; compare and count under it. A stranger takes as long.
    """
    sql = f"SELECT state, tries, locked_until, {kind}_hash FROM people WHERE person_id = :id"  # noqa: S608
    before = db.read(lambda tx: tx.one(sql, {"id": person_id}))
    stored = before[f"{kind}_hash"] if before else None
    offered = pins.try_pin(stored or _NOBODY, secret)

    def decide(tx: Tx) -> T | Wrong:
        row = tx.one(sql, {"id": person_id})
        if row is None or row["state"] != "active" or row[f"{kind}_hash"] is None:
            return Wrong(MAX_TRIES)
        if row["locked_until"] is not None and tx.now < row["locked_until"]:
            return Wrong(0, row["locked_until"])
        if not pins.fits(offered, row[f"{kind}_hash"]):
            return _count(tx, person_id, kind, row["tries"] + 1)
        if row["tries"]:
            _set_tries(tx, person_id, 0, None)
        return then(tx)

    return db.transaction(decide)


def _count(tx: Tx, person_id: str, kind: str, tries: int) -> Wrong:
    """One more wrong try; the tries go on counting over a lock, so that the next is longer."""
    left = -tries % MAX_TRIES
    if left:
        _set_tries(tx, person_id, tries, None)
        return Wrong(left)
    lock_ms = min(LOCK_MS << min(tries // MAX_TRIES - 1, 8), LONGEST_LOCK_MS)
    _set_tries(tx, person_id, tries, tx.now + lock_ms)
    audit.append(tx, None, "person.locked", person_id, {"by": kind, "tries": tries})
    return Wrong(0, tx.now + lock_ms)


def _set_tries(tx: Tx, person_id: str, tries: int, until: int | None) -> None:
    tx.run(
        "UPDATE people SET tries = :tries, locked_until = :until WHERE person_id = :id",
        {"tries": tries, "until": until, "id": person_id},
    )


_NOBODY: Final = f"scrypt${pins.COST}${bytes(16).hex()}${bytes(32).hex()}"
"""What a stranger's password is hashed against, so that names cannot be told by the time."""
