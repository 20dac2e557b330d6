"""Rows in which the daemon says how its parts are, for screens in any process."""

from __future__ import annotations

from dataclasses import dataclass

from host.store.engine import Engine


@dataclass(frozen=True, slots=True)
class HealthRow:
    """What one part last said, and when (UTC epoch ms)."""

    part: str
    ok: bool
    detail: str
    at: int


def put(db: Engine, part: str, ok: bool, detail: str) -> None:
    """Keep what a part says now."""
    row = {"part": part, "state": "ok" if ok else "down", "detail": detail}
    db.transaction(
        lambda tx: tx.run(
            "INSERT INTO health (part, state, detail, at)"
            " VALUES (:part, :state, :detail, :at) ON CONFLICT (part)"
            " DO UPDATE SET state = excluded.state, detail = excluded.detail, at = excluded.at",
            row | {"at": tx.now},
        )
    )


def clear(db: Engine) -> None:
    """Forget what every part said: whoever said it is gone."""
    db.transaction(lambda tx: tx.run("DELETE FROM health"))


def all_rows(db: Engine) -> list[HealthRow]:
    """What every part last said."""
    rows = db.read(lambda tx: tx.all("SELECT part, state, detail, at FROM health", {}))
    return [HealthRow(row["part"], row["state"] == "ok", row["detail"], row["at"]) for row in rows]
