"""The audit trail as a list: by person, deed, subject and time; newest first, paged by its number.

A trail has no index but its number, so that it stays quick to write. A page looks at a bounded
stretch of rows; where few of them fit, it says where the next page goes on looking.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from host.ledger.audit import AuditRow
from host.store.tx import Place, Row, Tx

STRETCH: Final = 20_000
"""How many rows a page looks at, at most."""

NEWEST: Final = 1 << 62

_OF_STORE: Final = """
    AND (subject = :store_id
        OR json_extract(data, '$.store_id') = :store_id
        OR EXISTS (SELECT 1 FROM cards WHERE card_id = subject AND store_id = :store_id)
        OR EXISTS (SELECT 1 FROM payouts WHERE payout_id = subject AND store_id = :store_id)
        OR EXISTS (SELECT 1 FROM people WHERE person_id = subject AND store_id = :store_id)
        OR EXISTS (SELECT 1 FROM terminals WHERE terminal_id = subject AND store_id = :store_id)
        OR EXISTS (SELECT 1 FROM pull_payments
            WHERE pull_payment_id = subject AND store_id = :store_id))
"""

_PAGE: Final = """
    SELECT audit_id, at, person_id, action, subject, data, hash FROM audit
    WHERE audit_id < :before AND audit_id >= :from
        AND (:person IS NULL OR person_id = :person)
        AND (:action = '' OR substr(action, 1, length(:action)) = :action)
        AND (:subject = '' OR subject = :subject)
        AND at >= :since AND at < :until {of_store}
    ORDER BY audit_id DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Trail:
    """Which rows: an action or its beginning, times in epoch ms; a store's own rows, or all."""

    store_id: str | None = None
    person_id: str | None = None
    action: str = ""
    subject: str = ""
    since: int = 0
    until: int = NEWEST


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Rows, and the number before which the next page goes on; None at the end."""

    rows: list[AuditRow]
    next: int | None


def page(db: Place, which: Trail, *, before: int | None = None, limit: int = 50) -> TrailPage:
    """Newest first."""
    sql = _PAGE.format(of_store=_OF_STORE if which.store_id is not None else "")

    def look(tx: Tx) -> TrailPage:
        newest = tx.one("SELECT max(audit_id) FROM audit")
        top = min(before or NEWEST, ((newest[0] if newest else None) or 0) + 1)
        start = max(1, top - STRETCH)
        params: dict[str, Any] = {
            "before": top,
            "from": start,
            "person": which.person_id,
            "action": which.action,
            "subject": which.subject,
            "since": which.since,
            "until": which.until,
            "limit": limit + 1,
            "store_id": which.store_id,
        }
        rows = tx.all(sql, params)
        found = [_row(row) for row in rows]
        if len(found) > limit:
            return TrailPage(found[:limit], found[limit - 1].audit_id)
        return TrailPage(found, start if start > 1 else None)

    return db.read(look)


def each(db: Place, which: Trail) -> Iterator[list[AuditRow]]:
    """Every row, newest first, some at a time, for files."""
    before: int | None = None
    while True:
        found = page(db, which, before=before, limit=1_000)
        yield found.rows
        if found.next is None:
            return
        before = found.next


def _row(row: Row) -> AuditRow:
    audit_id, at, person_id, action, subject, data, digest = row
    return AuditRow(audit_id, at, person_id, action, subject, json.loads(data), digest)
