"""What is written on the demo's blank card: the name that the books give it once it is made."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hardware.demo.readers import DemoReader
from host.ledger import cards
from host.ledger.records import CardState
from host.ntag424.values import Uid
from host.store.engine import Engine

LOOK_MS = 500
"""How soon the end of the demo is noticed."""


@contextmanager
def followed(db: Engine, readers: Sequence[DemoReader], name: str, uid: Uid) -> Iterator[None]:
    """Keep the writing on a card of the drawer right for as long as the context lasts."""
    over = threading.Event()
    writer = threading.Thread(target=_write, args=(db, readers, name, uid, over), daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _write(
    db: Engine, readers: Sequence[DemoReader], name: str, uid: Uid, over: threading.Event
) -> None:
    written = ""
    while not over.is_set():
        after = db.events.last_id()  # first: nothing newer is ever missed
        card = cards.by_uid(db, uid)
        text = card.alias if card is not None and card.state is not CardState.WIPED else ""
        if text != written:
            for reader in readers:
                reader.label(name, text)
            written = text
        db.events.wait(after, LOOK_MS)
