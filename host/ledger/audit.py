"""Who did what: rows that only grow, each carrying the hash of all before it.

A row that is changed or taken out breaks the chain from there on. Rows cut off at the end can
only be missed by somebody who noted `head` elsewhere; the Z report and the backup do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from host.store.tx import Place, Row, Tx

_START: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing somebody did; `person_id` None is the machine itself."""

    audit_id: int
    at: int
    person_id: str | None
    action: str
    subject: str | None
    data: dict[str, Any]
    hash: bytes


def append(
    tx: Tx,
    person: str | None,
    action: str,
    subject: str | None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add a row in the transaction of what it tells. `data` holds no key, PIN or password."""
    last = tx.one("SELECT audit_id, hash FROM audit ORDER BY audit_id DESC LIMIT 1")
    text = json.dumps(data or {}, sort_keys=True, separators=(",", ":"))
    row = {
        "audit_id": last["audit_id"] + 1 if last else 1,
        "at": tx.now,
        "person_id": person,
        "action": action,
        "subject": subject,
        "data": text,
    }
    digest = _hash(last["hash"] if last else _START, tuple(row.values()))
    tx.run(
        "INSERT INTO audit (audit_id, at, person_id, action, subject, data, hash)"
        " VALUES (:audit_id, :at, :person_id, :action, :subject, :data, :hash)",
        row | {"hash": digest},
    )


def recent(db: Place, *, before: int | None = None, limit: int = 50) -> list[AuditRow]:
    """The newest rows first; `before` an audit id for the page after."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT * FROM audit WHERE audit_id < :before ORDER BY audit_id DESC LIMIT :limit",
            {"before": before if before is not None else 1 << 62, "limit": limit},
        )
    )
    return [_row(row) for row in rows]


def head(db: Place) -> tuple[int, str]:
    """How many rows there are and the hash that stands for all of them, in hex."""
    row = db.read(
        lambda tx: tx.one("SELECT audit_id, hash FROM audit ORDER BY audit_id DESC LIMIT 1")
    )
    return (row["audit_id"], row["hash"].hex()) if row else (0, _START.hex())


def verify(db: Place) -> list[str]:
    """Compute the chain again; what is wrong with it, at most once per break."""
    return db.read(lambda tx: list(problems(tx)))


def problems(tx: Tx) -> Iterator[str]:
    """As `verify`, inside a transaction."""
    previous, expected = _START, 1
    for row in tx.each("SELECT * FROM audit ORDER BY audit_id"):
        *told, digest = tuple(row)
        if told[0] != expected:
            yield f"audit: rows {expected} to {told[0] - 1} are missing"
        elif _hash(previous, tuple(told)) != digest:
            yield f"audit: row {told[0]} was changed"
        previous, expected = digest, told[0] + 1


def _hash(previous: bytes, told: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(previous + json.dumps(told, separators=(",", ":")).encode()).digest()


def _row(row: Row) -> AuditRow:
    audit_id, at, person_id, action, subject, data, digest = row
    return AuditRow(audit_id, at, person_id, action, subject, json.loads(data), digest)
