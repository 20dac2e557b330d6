"""Putting a backup in the place of the ledger, so that nothing is paid again that was paid since.

What happened after the backup stands in no book of it. A payment that was on its way is looked up
by its hash and never sent again; but a tap that was spent since would count as fresh, and a card
that was blocked since as good. So counters, blocks and wrong PINs come over from the ledger that
is replaced, where that can be read; it is kept beside. No daemon may run meanwhile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from host.clock import Clock
from host.config import DATABASE_NAME
from host.daemon_lock import take_home
from host.ledger import audit, books
from host.money import sat_text
from host.store.engine import Engine
from host.store.errors import StoreDamaged, StoreError
from host.store.tx import Row, Tx

_PARTS: Final = ("", "-wal", "-shm")
"""What belongs to one database: a journal of another one beside it would be played into it."""

_CARDS: Final = "SELECT card_id, key_version, last_counter, state, pin_tries FROM cards"

_PAID: Final = """
    SELECT count(*) AS payouts, coalesce(sum(amount), 0) AS amount FROM payouts
    WHERE status = 'Completed'
"""

_CARRY: Final = """
    UPDATE cards SET last_counter = max(last_counter, :last_counter),
        pin_tries = max(pin_tries, :pin_tries)
    WHERE card_id = :card_id AND key_version = :key_version
"""

_CLOSE: Final = """
    UPDATE cards SET state = :state
    WHERE card_id = :card_id AND state <> 'wiped' AND :state IN ('frozen', 'wiped')
"""

_MADE_ANEW: Final = "SELECT 1 FROM cards WHERE card_id = :card_id AND key_version = :key_version"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger that is replaced knows and the backup cannot."""

    cards: list[Row]
    payouts: int
    amount_msat: int


def restore(home: Path, backup: Path, clock: Clock) -> list[str]:
    """Replace the ledger by a backup; what came over and what is missing, in words.

    Raises `AlreadyRunning` while a daemon serves the home, `StoreError` for a file that is no
    whole ledger of ours; then nothing was changed. At every moment one of the two is in its place.
    """
    database = home / DATABASE_NAME
    beside = home / f".{DATABASE_NAME}.restoring"
    with closing(take_home(home)):
        _remove(beside)
        _copy(backup, beside)
        try:
            known = _known(database, clock)
            with Engine.open(beside, clock) as db:
                lines = _carried(db, known, backup)
        except BaseException:
            _remove(beside)
            raise
        if database.exists():
            kept = _keep(database, clock, whole=known is not None)
            lines.append(f"the ledger that was here is kept as {kept.name}")
        beside.replace(database)
        _keep_names(home)
        return [*lines, f"restored {database} from {backup}"]


def _known(database: Path, clock: Clock) -> _Known | None:
    """What the ledger knows that is there now; None where it cannot be read."""
    try:
        with Engine.open(database, clock, read_only=True) as old:
            cards = old.read(lambda tx: tx.all(_CARDS))
            paid = old.read(lambda tx: tx.one(_PAID))
    except StoreError:
        return None
    assert paid is not None  # noqa: S101 - a count is always a row
    return _Known(cards, paid["payouts"], paid["amount"])


def _carried(db: Engine, known: _Known | None, backup: Path) -> list[str]:
    """Check the copy, carry over what is known, and say so."""
    report = books.check(db)
    if not report.ok:
        raise StoreDamaged(f"{backup}: its books disagree: {report.problems[0]}")
    return db.transaction(lambda tx: list(_carry(tx, known, backup)))


def _carry(tx: Tx, known: _Known | None, backup: Path) -> Iterator[str]:
    audit.append(tx, None, "ledger.restore", backup.name, {"carried": known is not None})
    if known is None:
        yield "the ledger that was here cannot be read: taps that were spent since the backup count"
        yield "as fresh, and cards that were blocked since as good; block them before you go on"
        return
    strange = 0
    for card in known.cards:
        row = dict(zip(card.keys(), card, strict=True))
        strange += tx.one(_MADE_ANEW, row) is None
        tx.run(_CARRY, row)
        tx.run(_CLOSE, row)
    yield f"counters and blocks came over from {_many(len(known.cards), 'card')}"
    if strange:
        yield f"made, or made anew, since the backup: {_many(strange, 'card')}; make them once more"
    paid = tx.one(_PAID)
    assert paid is not None  # noqa: S101 - a count is always a row
    if (missing := known.payouts - paid["payouts"]) > 0:
        amount = sat_text(known.amount_msat - paid["amount"])
        told = f"{_many(missing, 'payment')} of {amount} sat"
        yield f"not in these books: {told}; adjust the accounts"


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _keep(database: Path, clock: Clock, *, whole: bool) -> Path:
    """Give the ledger that is there another name, and nothing of it stays but that and its file."""
    moment = datetime.fromtimestamp(clock.now() / 1_000, UTC)
    kept = database.with_name(f"{database.name}.before-{moment:%Y%m%d-%H%M%S}")
    if whole:
        Engine.open(database, clock).close()  # its journal becomes a part of it
    os.link(database, kept)
    for part in _PARTS[1:]:
        piece = database.with_name(f"{database.name}{part}")
        if piece.exists():
            piece.replace(kept.with_name(f"{kept.name}{part}"))
    return kept


def _copy(backup: Path, beside: Path) -> None:
    with backup.open("rb") as source:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())


def _remove(database: Path) -> None:
    for part in _PARTS:
        database.with_name(f"{database.name}{part}").unlink(missing_ok=True)


def _keep_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
