"""Our payouts and those of another system before as one list.

Whoever moves here has a last day there and a first day here: on a day that has both, what was made
here came later. So the list is ordered by its first key (`views_payouts`), then ours before theirs.
"""

from __future__ import annotations

from typing import Final

from host.ledger import views_history, views_payouts
from host.ledger.records import Payout
from host.ledger.views import COUNT_CAP
from host.ledger.views_history import Imported
from host.ledger.views_payouts import MAX_CARDS, Mark, PayoutList
from host.ledger.views_totals import Origin
from host.store.tx import Place, Tx

_LAST: Final = 1 << 62


def page(
    db: Place, which: PayoutList, *, before: str | None = None, limit: int = 50
) -> list[Payout | Imported]:
    """Newest first; `before` the last payout's id for the page after it."""

    def look(tx: Tx) -> list[Payout | Imported]:
        ours = theirs = None
        if before is not None:
            marks = _marks(tx, which, before)
            if marks is None:
                return []
            ours, theirs = marks
        here: list[Payout] = []
        there: list[Imported] = []
        if which.origin is not Origin.IMPORTED:
            here = views_payouts.newest(tx, which, ours, limit)
        if which.origin is not Origin.HERE:
            there = views_history.newest(tx, which, theirs, limit)
        return _merged(which, here, there)[:limit]

    return db.read(look)


def count(db: Place, which: PayoutList) -> int:
    """How many a list has, counted no further than `COUNT_CAP` + 1 (UX rule 10)."""
    here = views_payouts.count(db, which) if which.origin is not Origin.IMPORTED else 0
    if which.origin is Origin.HERE or here > COUNT_CAP:
        return here
    return here + views_history.count(db, which)


def cards_named(db: Place, store_id: str, text: str) -> list[tuple[str, str]]:
    """Cards of ours and of the history that a text names (id, alias): at most one too many."""
    ours = views_payouts.cards_named(db, store_id, text)
    theirs = views_history.cards_named(db, store_id, text, limit=MAX_CARDS + 1)
    known = {one[0] for one in ours}
    return (ours + [one for one in theirs if one[0] not in known])[: MAX_CARDS + 1]


def _marks(tx: Tx, which: PayoutList, before: str) -> tuple[Mark, Mark] | None:
    """Where a page begins among ours and among theirs."""
    mark = views_payouts.mark_of(tx, which, before)
    if mark is not None:
        return mark, Mark(mark.first, _LAST if which.cards is None else mark.created_at, _LAST)
    mark = views_history.mark_of(tx, which, before)
    return (Mark(mark.first, mark.created_at, 0), mark) if mark is not None else None


def _merged(
    which: PayoutList, here: list[Payout], there: list[Imported]
) -> list[Payout | Imported]:
    if not there:
        return [*here]

    def key(one: Payout | Imported) -> tuple[str | int, bool]:
        return (one.day if which.cards is None else one.created_at, isinstance(one, Payout))

    return sorted([*here, *there], key=key, reverse=True)  # stable: each keeps its own order
