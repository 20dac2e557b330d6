"""Sales: one at a time on a terminal, each transition one event, so every screen is a view of it.

An own-till claim approves its sale in its own transaction (`spend`); every other move is here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from host.ledger import attempts, ids
from host.ledger.attempts import NOBODY, Laid
from host.ledger.codes import Code, Refused
from host.ledger.errors import NotFound
from host.ledger.records import SALE_COLUMNS, Sale, SaleState
from host.ledger.stores import get_terminal
from host.money import MAX_MSAT, MSAT_PER_SAT
from host.store.tx import Place, Tx

TIMEOUT_MS: Final = 120_000
MAX_NOTE: Final = 200

_NEXT: Final = {
    SaleState.READY: frozenset(
        {SaleState.READING, SaleState.AUTHORISING, SaleState.DECLINED, SaleState.CANCELLED}
    ),
    SaleState.READING: frozenset(
        {SaleState.READY, SaleState.AUTHORISING, SaleState.DECLINED, SaleState.CANCELLED}
    ),
    SaleState.AUTHORISING: frozenset({SaleState.APPROVED, SaleState.DECLINED, SaleState.CHECKING}),
    SaleState.DECLINED: frozenset(
        {
            SaleState.READY,
            SaleState.READING,
            SaleState.AUTHORISING,
            SaleState.DECLINED,
            SaleState.CANCELLED,
        }
    ),
    SaleState.CHECKING: frozenset({SaleState.APPROVED, SaleState.DECLINED}),
    SaleState.APPROVED: frozenset(),
    SaleState.CANCELLED: frozenset(),
}
"""Once an invoice may be paid by a stranger (authorising, checking) nothing is cancelled."""

QR: Final = "qr"
"""In a sale's data: the payment hash, in hex, of the invoice that the till's screen shows.

While it stands there, only who takes it away (`screen`) moves the sale, or the money that comes.
"""

OVER: Final = frozenset({SaleState.APPROVED, SaleState.CANCELLED})

_LATEST: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE terminal_id = :terminal_id
    ORDER BY sale_id DESC LIMIT :limit
"""  # noqa: S608

_UNFINISHED: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE state IN ('authorising', 'checking') ORDER BY sale_id
"""  # noqa: S608

_LATE: Final = """
    SELECT s.sale_id FROM terminals t JOIN sales s ON s.sale_id =
        (SELECT max(sale_id) FROM sales WHERE terminal_id = t.terminal_id)
    WHERE s.state IN ('ready', 'reading', 'declined') AND s.expires_at <= :now
"""

_LENT: Final = "SELECT 1 FROM reader_loans WHERE terminal_id = :terminal_id"

_VOID_RATE: Final = """
    SELECT 1 FROM stores s JOIN rates r ON r.currency = s.currency
    WHERE s.store_id = :store_id AND r.void_at <= :now
"""

_INSERT: Final = """
    INSERT INTO sales (sale_id, store_id, terminal_id, amount_msat, currency, state, created_at,
        changed_at, expires_at, data, rate, rate_source, rate_at, tip_msat, note, fiat, person_id)
    SELECT :sale_id, s.store_id, :terminal_id, :amount_msat, s.currency, 'ready', :now,
        :now, :expires_at, :data, r.rate, r.source, r.at, :tip_msat, :note, :fiat, :person_id
    FROM stores s LEFT JOIN rates r ON r.currency = s.currency WHERE s.store_id = :store_id
"""


@dataclass(frozen=True, slots=True)
class Basket:
    """What is kept of a sale beside its amount; the tip is a part of that amount.

    `fiat` and `lines` are decimal text in the unit that was keyed in: the store's currency where
    `fiat` is given, else satoshi.
    """

    tip_msat: int = 0
    note: str = ""
    lines: tuple[str, ...] = ()
    fiat: str | None = None
    person_id: str | None = None


def open(  # noqa: A001 - read as `sales.open`
    db: Place,
    store_id: str,
    amount_msat: int,
    *,
    terminal_id: str,
    timeout_ms: int = TIMEOUT_MS,
    basket: Basket = Basket(),
) -> Sale | Refused:
    """Arm a terminal for this amount and nothing else.

    A sale that only waits for a card there is cancelled; one whose outcome is not known yet
    refuses: `sale_in_progress`; so does a reader that is lent: `reader_lent`, and a rate that is
    far too old: `rate_stale`. The rate is kept with the sale where there is one.
    """
    if not _makes_sense(amount_msat, basket):
        return Refused(Code.AMOUNT_INVALID)

    def arm(tx: Tx) -> Sale | Refused:
        terminal = get_terminal(tx, terminal_id)
        if terminal is None or terminal.store_id != store_id:
            raise NotFound(f"terminal_id: the store has no terminal {terminal_id}")
        if tx.one(_LENT, {"terminal_id": terminal_id}) is not None:
            return Refused(Code.READER_LENT)
        if tx.one(_VOID_RATE, {"store_id": store_id, "now": tx.now}) is not None:
            return Refused(Code.RATE_STALE)
        before = latest(tx, terminal_id)
        is_open = before is not None and before.state not in OVER
        if before and is_open and move(tx, before.sale_id, SaleState.CANCELLED) is None:
            return Refused(Code.SALE_IN_PROGRESS)
        sale_id = ids.after(before.sale_id, tx.now) if before else ids.new(tx.now)
        row = {
            "sale_id": sale_id,
            "store_id": store_id,
            "terminal_id": terminal_id,
            "amount_msat": amount_msat,
            "now": tx.now,
            "expires_at": tx.now + timeout_ms,
            **_kept(basket),
        }
        tx.run(_INSERT, row)
        sale = _need(tx, sale_id)
        _tell(tx, sale, {})
        return sale

    return db.transaction(arm)


def _makes_sense(amount_msat: int, basket: Basket) -> bool:
    """Whole satoshi, a tip below the amount, and a note that fits on a receipt."""
    tip = basket.tip_msat
    whole = not (amount_msat % MSAT_PER_SAT or tip % MSAT_PER_SAT)
    return whole and 0 <= tip < amount_msat <= MAX_MSAT and len(basket.note) <= MAX_NOTE


def _kept(basket: Basket) -> dict[str, Any]:
    return {
        "data": json.dumps({"lines": basket.lines} if basket.lines else {}),
        "tip_msat": basket.tip_msat,
        "note": basket.note,
        "fiat": basket.fiat,
        "person_id": basket.person_id,
    }


def get(db: Place, sale_id: str) -> Sale | None:
    """The sale of this id."""
    row = db.read(
        lambda tx: tx.one(
            f"SELECT {SALE_COLUMNS} FROM sales WHERE sale_id = :id",  # noqa: S608
            {"id": sale_id},
        )
    )
    return Sale.of(row) if row else None


def current(db: Place, terminal_id: str) -> Sale | None:
    """The sale that is open on a terminal."""
    sale = latest(db, terminal_id)
    return sale if sale is not None and sale.state not in OVER else None


def latest(db: Place, terminal_id: str) -> Sale | None:
    """The newest sale of a terminal, open or over."""
    found = recent(db, terminal_id, limit=1)
    return found[0] if found else None


def recent(db: Place, terminal_id: str, *, limit: int = 10) -> list[Sale]:
    """The newest sales of a terminal, newest first."""
    rows = db.read(lambda tx: tx.all(_LATEST, {"terminal_id": terminal_id, "limit": limit}))
    return [Sale.of(row) for row in rows]


def unfinished(db: Place) -> list[Sale]:
    """Sales whose outcome somebody must still find out, also after a restart."""
    return [Sale.of(row) for row in db.read(lambda tx: tx.all(_UNFINISHED))]


def move(
    db: Place,
    sale_id: str,
    state: SaleState,
    *,
    code: Code | None = None,
    data: Mapping[str, Any] | None = None,
    laid: Laid = NOBODY,
) -> Sale | None:
    """Move a sale on; None, and nothing changes, when it is not where this step begins.

    `data` goes into the event and stays with the sale (later values replace earlier ones). A card
    that is refused, `laid`, is noted as an attempt.
    """

    def step(tx: Tx) -> Sale | None:
        sale = get(tx, sale_id)
        if sale is None or state not in _NEXT[sale.state]:
            return None
        if sale.data.get(QR) and QR not in (data or {}):
            return None
        if state is SaleState.DECLINED and code is not None:
            attempts.note(tx, sale_id, code, laid, str((data or {}).get("words") or ""))
        return _write(tx, sale, state, code, data or {})

    return db.transaction(step)


def ready(tx: Tx, sale_id: str, data: Mapping[str, Any]) -> Sale:
    """A sale that waits goes on waiting, and what it shows is another thing: one more event."""
    return _write(tx, _need(tx, sale_id), SaleState.READY, None, data)


def _write(
    tx: Tx, sale: Sale, state: SaleState, code: Code | None, data: Mapping[str, Any]
) -> Sale:
    tx.run(
        "UPDATE sales SET state = :state, code = :code, changed_at = :now, data = :data"
        " WHERE sale_id = :id",
        {
            "id": sale.sale_id,
            "state": state,
            "code": code,
            "now": tx.now,
            "data": json.dumps({**sale.data, **data}),
        },
    )
    moved = _need(tx, sale.sale_id)
    _tell(tx, moved, data)
    return moved


def can_cancel(sale: Sale) -> bool:
    """Whether a sale only waits, so that it can be given up."""
    return SaleState.CANCELLED in _NEXT[sale.state]


def cancel(db: Place, sale_id: str, *, code: Code | None = None) -> Sale | None:
    """Give up a sale that waits for a card; None when it cannot be cancelled (any more)."""
    return move(db, sale_id, SaleState.CANCELLED, code=code)


def expire_due(db: Place) -> int:
    """Cancel every sale that no card came to in time; how many that were.

    One whose QR code is on the screen is locked instead, until it is sure that nobody paid it.
    """

    def expire(tx: Tx) -> int:
        late = tx.all(_LATE, {"now": tx.now})
        return sum(_give_up(tx, row[0]) is not None for row in late)

    # Looked at every second, written almost never: the write lock is not taken for a look.
    if not db.read(lambda tx: tx.all(_LATE, {"now": tx.now})):
        return 0
    return db.transaction(expire)


def _give_up(tx: Tx, sale_id: str) -> Sale | None:
    sale = _need(tx, sale_id)
    if not sale.data.get(QR):
        return cancel(tx, sale_id, code=Code.SALE_TIMED_OUT)
    # Somebody may have read the code: as after a card of another issuer, nothing is charged again.
    return _write(tx, sale, SaleState.CHECKING, Code.LIGHTNING_UNKNOWN, {QR: None})


def _tell(tx: Tx, sale: Sale, data: Mapping[str, Any]) -> None:
    facts: dict[str, Any] = {"amount_msat": sale.amount_msat, "terminal_id": sale.terminal_id}
    if sale.code is not None:
        facts["code"] = sale.code
    tx.event(
        f"sale.{sale.state}", store_id=sale.store_id, subject=sale.sale_id, data={**data, **facts}
    )


def _need(tx: Tx, sale_id: str) -> Sale:
    sale = get(tx, sale_id)
    assert sale is not None  # noqa: S101 - it was written in this transaction
    return sale
