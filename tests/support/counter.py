"""One terminal at a counter: a real ledger, a real post at a direct reader, no daemon around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host import keyring as keyrings
from host.config import Config, PublicConfig
from host.health import CLOCK, LIGHTNING, Board
from host.keyring import Keyring
from host.ledger import sales, stores
from host.ledger.records import Limits, Sale, SaleState
from host.money import sats
from host.post import NOBODY, Borrower, ReaderPost
from host.readers.base import Look, ReaderOpener
from host.readers.direct import DirectReader
from host.store.engine import Engine
from host.supervise import Worker
from host.till import Terminal, Till, arm
from tests.support.running import DEADLINE_S, HeldCard, Plug, ShiftedClock, make_card, wait_sale

CONFIG = Config(public=PublicConfig(url="http://127.0.0.1:8423"))
TERMINAL = Terminal("till-1", "main")


@dataclass
class Counter:
    """A cashier's place: the sale is armed here, and cards are laid on its reader."""

    db: Engine
    clock: ShiftedClock
    board: Board
    keyring: Keyring
    till: Till

    def card(
        self, alias: str = "Ann", *, balance_sat: int = 1_000, limits: Limits | None = None
    ) -> HeldCard:
        return make_card(self.db, CONFIG, self.keyring, alias, balance_sat, limits)

    def arm(self, amount_sat: int = 100, **more: Any) -> Sale:
        sale = arm(self.db, self.board, self.till.terminal, sats(amount_sat), **more)
        assert isinstance(sale, Sale), sale
        return sale

    def sale(self, sale_id: str) -> Sale:
        found = sales.get(self.db, sale_id)
        assert found is not None
        return found

    def kinds(self) -> list[str]:
        """What happened at this counter, as kinds of events."""
        events = self.db.events.after(0)
        return [one.kind for one in events if one.kind.startswith(("sale", "card.seen", "payout"))]


@contextmanager
def counter(folder: Path) -> Iterator[Counter]:
    """A counter whose dots are green, reader included."""
    clock = ShiftedClock()
    with Engine.open(folder / "taptill.db", clock) as db:
        stores.create(db, "Shop", store_id="main")
        stores.ensure_terminal(db, TERMINAL.terminal_id, "main")
        board = Board(db, clock)
        board.begin()
        for part in ("reader:till-1", LIGHTNING, CLOCK):
            board.report(part, True, "good")
        keyring = keyrings.generate()
        till = Till(db, TERMINAL, keyring.issuers, CONFIG.public.owns)
        yield Counter(db, clock, board, keyring, till)


class Served:
    """A counter with somebody at its reader: the post's thread, as the daemon runs it."""

    def __init__(
        self,
        at: Counter,
        opener: ReaderOpener | None = None,
        pauses: Sequence[float] = (0.0,),
        borrowers: Mapping[str, Borrower] = NOBODY,
    ) -> None:
        self.at = at
        self.plug = Plug("till-1")
        opened = opener or self.plug
        self.post = ReaderPost(
            at.till, opened, at.board, at.clock, borrowers=borrowers, pauses=pauses
        )
        self.worker = Worker("reader till-1", self.post.run, pauses=pauses)

    def __enter__(self) -> Served:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()
        self.post.close()
        assert self.worker.join(DEADLINE_S)

    @property
    def reader(self) -> DirectReader:
        return self.plug.reader

    def ready(self) -> None:
        assert self.post.wait_free(DEADLINE_S)

    def lay(self, *held: HeldCard) -> None:
        """Lay cards down, once the reader is open and empty."""
        self.ready()
        self.reader.lay(*(one.twin for one in held))

    def lift(self) -> None:
        self.reader.lift()
        self.ready()

    def shows(self, look: Look) -> bool:
        """True as soon as the reader has shown this."""
        return self.reader.wait_shown(look, int(1_000 * DEADLINE_S))

    def wait(self, sale: Sale, *states: SaleState) -> Sale:
        return wait_sale(self.at.db, sale.sale_id, *states)

    def wait_part(self, ok: bool) -> str:
        """The words of the reader's dot, once it is so."""
        while True:
            (reader, *_) = self.at.board.parts("till-1")
            if reader.ok == ok:
                return reader.detail
            self.at.board.wait_change(int(1_000 * DEADLINE_S))


class UrlCard:
    """Some Type 4 card that says whatever URL it was given, as an NTAG 424 DNA would."""

    def __init__(self, url: str) -> None:
        payload = b"\x00" + url.encode("latin-1")
        record = b"\xc1\x01" + len(payload).to_bytes(4) + b"U" + payload
        self._file = len(record).to_bytes(2) + record

    def transceive(self, apdu: bytes) -> bytes:
        return b"\x90\x00" if apdu[1] == 0xA4 else self._file + b"\x91\x00"
