"""One run of a technician's command: everything opened, cards worked through, lists written."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click

from host.cli import Home
from host.config import Config
from host.keyring import Keyring
from host.readers.base import Reader, ReaderGone, ReaderTaken
from host.readers.open import ReaderOptions, open_reader
from host.store.engine import Engine
from provisioning import sheet, terminal
from provisioning.desk import Desk, Result, Watch
from provisioning.engine import Workshop
from provisioning.orders import Done, Order
from provisioning.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works: everything it needs, open."""

    home: Path
    config: Config
    keyring: Keyring
    db: Engine
    device: str
    terminal_id: str | None
    store_id: str


@contextmanager
def sit_down(
    home: Home, *, reader: str | None, store_id: str | None, demo: bool
) -> Iterator[Place]:
    """Open home, keys and ledger; the reader is the one named, or the first configured one."""
    from host.daemon import open_home

    config, keyring = open_home(home.path, allow_demo=demo)
    known = {one.device: one for one in config.readers}
    device = reader or next(iter(known), "pcsc")
    post = known.get(device)
    store = store_id or (post.store if post else config.store.id)
    with home.ledger() as db:
        yield Place(home.path, config, keyring, db, device, post.terminal if post else None, store)


@contextmanager
def reader_at(place: Place) -> Iterator[Reader]:
    """Own the reader for the time of a command. Says in words who else has it."""
    try:
        reader = open_reader(place.device, ReaderOptions())
    except ValueError as error:
        raise click.UsageError(f"--reader: {error}") from None
    except ReaderTaken as error:
        raise ReaderGone(
            f"{error}; if that is `taptill run`, stop it or use its card desk in the browser"
        ) from error
    with reader:
        yield reader


@contextmanager
def finishing_on_interrupt(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C lets the card on the reader be finished; the second ends at once."""

    def told(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_desk(
    place: Place,
    order: Order,
    work: Callable[[Desk], list[Result]],
    *,
    total: int,
    as_json: bool,
) -> list[Result]:
    """Work through a stack of cards, telling of each; returns the results of all taps."""
    stop = threading.Event()
    screen = terminal.Screen(total)
    watch = Watch(screen.progress, screen.waiting, screen.result)
    if as_json:
        watch = Watch(result=lambda one: click.echo(json.dumps(as_object(one))))
    workshop = Workshop(place.db, place.keyring)
    with reader_at(place) as reader, finishing_on_interrupt(stop):
        desk = Desk(workshop, reader, order, watch, stop)
        try:
            work(desk)
        except (ReaderGone, KeyboardInterrupt) as error:
            click.echo(f"stopped: {error or 'interrupted'}", err=True)
    if not as_json:
        click.echo(terminal.summary(desk.results))
    return desk.results


def leave(results: Sequence[Result], total: int) -> None:
    """End the command: 0 when that many cards are done, else 1."""
    sys.exit(0 if sum(one.done for one in results) >= total else 1)


def as_object(result: Result) -> dict[str, Any]:
    """One card's outcome for a program."""
    outcome = result.outcome
    told: dict[str, Any] = {"number": result.number, "done": result.done, "ms": result.ms}
    if isinstance(outcome, Trouble):
        words = outcome.code.words
        more = {"says": words.says, "do": words.do, "detail": outcome.detail}
        return told | {"uid": outcome.uid, "code": outcome.code, "wrote": outcome.wrote} | more
    return told | {name: value for name, value in asdict(outcome).items() if value is not None}


def write_lists(place: Place, results: Sequence[Result], folder: Path | None) -> list[Path]:
    """CSV and labels of what was made; returns where they are."""
    if not any(isinstance(one.outcome, Done) for one in results):
        return []
    at = datetime.fromtimestamp(place.db.clock.now() / 1000, UTC)
    stem = (folder or place.home / "issued") / f"cards-{at:%Y%m%d-%H%M%S}"
    balance = f"{place.config.public.url.rstrip('/')}/balance"
    texts = {
        ".csv": sheet.csv_text(results),
        ".html": sheet.html_page(results, balance, f"{place.config.store.name}: new cards"),
    }
    paths = [stem.with_suffix(suffix) for suffix in texts]
    for path in paths:
        sheet.write_private(path, texts[path.suffix])
    return paths
