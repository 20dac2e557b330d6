"""Sales as lists and files, and the sums of those that no payout of ours stands behind.

Ids of sales ascend with time, so a range of times is a range of ids. What few sales are is found
by an index of its own; another list that few fit looks at a bounded stretch of them, and says where
the next page goes on looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from host.clock import MINUTE
from host.ledger import incoming
from host.ledger.rates import NO_CURRENCY
from host.ledger.records import SALE_COLUMNS, Sale, SaleMethod, SaleState
from host.ledger.views_recent import FITS, Wanted
from host.store.tx import Place, Tx

STRETCH: Final = 10_000
"""How many sales a page looks at, at most."""

QUARTER_MS: Final = 15 * MINUTE

_PAGE: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE store_id = :store_id AND {{few}} AND {{fits}}
        AND sale_id < :before AND sale_id >= :floor
        AND (:state IS NULL OR state = :state) AND (:method IS NULL OR method = :method)
    ORDER BY sale_id DESC LIMIT :limit
"""  # noqa: S608

_ANY: Final = "1 = 1"
_OTHERS: Final = "method = :method AND method <> 'card'"
_UNPAID: Final = "state = :state AND state IN ('declined', 'checking', 'cancelled')"
"""The conditions by which SQLite knows that an index of few sales holds them all (step 016)."""

_FLOOR: Final = """
    SELECT sale_id FROM sales WHERE store_id = :store_id AND sale_id < :before
        AND sale_id >= :since ORDER BY sale_id DESC LIMIT 1 OFFSET :stretch
"""

_NUMBERED: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE sale_id IN
            (SELECT sale_id FROM sales WHERE store_id = :store_id AND sale_id LIKE :number)
        AND (:state IS NULL OR state = :state) AND (:method IS NULL OR method = :method)
    ORDER BY sale_id DESC LIMIT :limit
"""  # noqa: S608
"""By the number of a receipt, of whatever day: the ids are read from an index alone."""

_BATCH: Final = f"""
    SELECT {SALE_COLUMNS} FROM sales WHERE store_id = :store_id AND {{fits}}
        AND sale_id > :after AND sale_id < :before
        AND (:state IS NULL OR state = :state) AND (:method IS NULL OR method = :method)
    ORDER BY sale_id LIMIT :limit
"""  # noqa: S608

_TOTALS: Final = """
    SELECT method, sum(sales), sum(amount_msat), sum(tip_msat) FROM other_sales
    WHERE store_id = :store_id AND quarter >= :since AND quarter < :until GROUP BY method
"""

_BEHIND: Final = """
    SELECT p.payout_id, p.boltcard_id, c.alias FROM payouts p
    JOIN cards c ON c.card_id = p.boltcard_id WHERE p.payout_id = :id
"""


@dataclass(frozen=True, slots=True)
class SaleList:
    """Which sales: made from `since` to before `until` (epoch ms); None is any.

    A sale that is `wanted` by the number of its receipt is found whenever it was made.
    """

    store_id: str
    since: int
    until: int
    state: SaleState | None = None
    method: SaleMethod | None = None
    wanted: Wanted | None = None
    currency: str = NO_CURRENCY
    """In which an amount is wanted, beside satoshi."""


@dataclass(frozen=True, slots=True)
class SalePage:
    """Sales, and the id before which the next page goes on; None at the end."""

    sales: list[Sale]
    next: str | None


@dataclass(frozen=True, slots=True)
class OtherSum:
    """Sales that were paid in one of the other ways; the tips are within the amount."""

    sales: int = 0
    amount_msat: int = 0
    tip_msat: int = 0


@dataclass(frozen=True, slots=True)
class PaidBy:
    """Who paid a sale: a card of ours, or a card of this issuer."""

    card_id: str | None = None
    alias: str | None = None
    host: str | None = None


def page(db: Place, which: SaleList, *, before: str | None = None, limit: int = 50) -> SalePage:
    """Newest first; `before` the last sale's id for the page after it."""

    def look(tx: Tx) -> SalePage:
        params = _params(which) | {"limit": limit + 1, "stretch": STRETCH}
        if numbered := _numbered(tx, which):
            return SalePage(numbered, None)
        params["before"] = min(before or params["until"], params["until"])
        few = _few(which)
        floor = tx.one(_FLOOR, params) if few == _ANY else None
        at = params | {"floor": floor[0] if floor else params["since"]}
        rows = tx.all(_PAGE.format(few=few, fits=_fits(which)), at)
        found = [Sale.of(row) for row in rows]
        if len(found) > limit:
            return SalePage(found[:limit], found[limit - 1].sale_id)
        return SalePage(found, floor[0] if floor else None)

    return db.read(look)


def batches(db: Place, which: SaleList, *, size: int = 1_000) -> Iterator[list[Sale]]:
    """Every sale of a list, oldest first, some at a time."""
    params, fits = _params(which), _fits(which)
    if numbered := db.read(lambda tx: _numbered(tx, which)):
        yield numbered[::-1]
        return
    after = params["since"]
    while True:
        at = {"after": after, "before": params["until"], "limit": size}
        found = _batch(db, fits, params | at)
        if found:
            yield found
        if len(found) < size:
            return
        after = found[-1].sale_id


def paid_by(db: Place, sales: Iterable[Sale]) -> dict[str, PaidBy]:
    """Who paid these sales, by their ids; nobody for those that are not paid."""

    def look(tx: Tx) -> dict[str, PaidBy]:
        found = {}
        for sale in sales:
            if sale.payout_id is not None:
                row = tx.one(_BEHIND, {"id": sale.payout_id})
                if row is not None:
                    found[sale.sale_id] = PaidBy(row["boltcard_id"], row["alias"])
            elif sale.method is SaleMethod.FOREIGN:
                invoice = incoming.paid(tx, sale.sale_id)
                found[sale.sale_id] = PaidBy(host=invoice.host if invoice else None)
        return found

    return db.read(look)


def other_totals(db: Place, store_id: str, since: int, until: int) -> dict[SaleMethod, OtherSum]:
    """What was paid from `since` to before `until` (epoch ms, whole quarters) without a payout."""
    params = {"store_id": store_id, "since": since // QUARTER_MS, "until": until // QUARTER_MS}
    rows = db.read(lambda tx: tx.all(_TOTALS, params))
    return {SaleMethod(row[0]): OtherSum(row[1], row[2], row[3]) for row in rows}


def _few(which: SaleList) -> str:
    """The condition of the index that holds exactly these sales, where there is one."""
    if which.method not in (None, SaleMethod.CARD):
        return _OTHERS
    return _UNPAID if which.state in _INDEXED else _ANY


_INDEXED: Final = (SaleState.DECLINED, SaleState.CHECKING, SaleState.CANCELLED)


def _numbered(tx: Tx, which: SaleList) -> list[Sale]:
    if which.wanted is None or not which.wanted.number:
        return []
    return [Sale.of(row) for row in tx.all(_NUMBERED, _params(which) | {"limit": 100})]


def _fits(which: SaleList) -> str:
    return FITS if which.wanted is not None else _ANY


def _batch(db: Place, fits: str, params: dict[str, Any]) -> list[Sale]:
    return [Sale.of(row) for row in db.read(lambda tx: tx.all(_BATCH.format(fits=fits), params))]


def _params(which: SaleList) -> dict[str, Any]:
    wanted = which.wanted.params(which.currency) if which.wanted is not None else {}
    return wanted | {
        "store_id": which.store_id,
        "since": f"{max(0, which.since):011x}",
        "until": f"{max(0, which.until):011x}",
        "state": which.state,
        "method": which.method,
    }
