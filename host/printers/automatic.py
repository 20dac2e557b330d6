"""Receipts that print themselves, where the store wants it: a view of `sale.approved`.

It follows the sale and is no part of it: whatever happens here, the sale is paid.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from host.clock import MINUTE
from host.ledger import sales, settings
from host.ledger.errors import LedgerError
from host.printers import printing
from host.receipts.choices import RECEIPTS
from host.store.engine import Engine

log = logging.getLogger(__name__)

KINDS: Final = ("sale.approved",)
MISSED_MS: Final = 2 * MINUTE
"""How far back is looked at the start, for sales that were paid as the daemon ended."""

_MISSED: Final = """
    SELECT event_id FROM events WHERE event_id > :after AND at >= :since
    ORDER BY event_id LIMIT 1
"""
LOOK_BACK: Final = 500


class Automatic:
    """Prints each paid sale once, in stores that print by themselves."""

    def __init__(self, db: Engine, *, simulated: bool) -> None:
        self._db = db
        self._simulated = simulated
        self._after = self._begin()

    def run(self, stop: threading.Event) -> None:
        """Follow the sales until `stop`."""
        while not stop.is_set():
            if not self.step():
                self._db.events.wait(self._after, 1_000, KINDS)

    def step(self) -> bool:
        """Print what was paid since the last look; False when there was nothing."""
        news = self._db.events.after(self._after, 100, KINDS)
        for event in news:
            if event.subject is not None:
                self._print(event.subject)
            self._after = event.event_id
        return bool(news)

    def _print(self, sale_id: str) -> None:
        sale = sales.get(self._db, sale_id)
        if sale is None or not settings.get(self._db, sale.store_id, RECEIPTS).automatic:
            return
        try:
            printing.receipt(self._db, sale_id, simulated=self._simulated, once=True)
        except LedgerError as error:  # such as a sale of an older version, without its method
            log.warning("no receipt for sale %s: %s", sale_id, error)

    def _begin(self) -> int:
        """The event to go on after: a receipt that was printed already is not printed again."""
        last = self._db.events.last_id()
        row = self._db.one(
            _MISSED, {"after": max(0, last - LOOK_BACK), "since": self._db.now - MISSED_MS}
        )
        return int(row[0]) - 1 if row else last
