"""The demo's shop: a home folder, keys that are refused elsewhere, an account, cards and people."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hardware.demo import labels
from hardware.demo.readers import CounterAt, DemoReader, demo_reader
from hardware.twin.store import Drawer
from host import keyring as keyrings
from host.clock import SystemClock
from host.config import (
    DATABASE_NAME,
    Config,
    DashboardConfig,
    PublicConfig,
    ReaderConfig,
    StoreConfig,
)
from host.daemon import Daemon
from host.daemon_lock import take_home
from host.keyring import Keyring, KeyringError
from host.ledger import cards, devices, people, pull_payments
from host.ledger.permissions import Role
from host.ledger.records import Limits
from host.money import sats
from host.readers.open import ReaderOptions, open_reader
from host.setup import ensure_shop
from host.store.engine import Engine
from provisioning.issue import Issued, issue_card

ACCOUNT = "Demo account"
FUNDS_MSAT = sats(1_000_000)
SHOP = "Demo café"


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A card of the demo: its name in the drawer, and what its account allows."""

    name: str
    alias: str
    limits: Limits = field(default_factory=Limits)
    frozen: bool = False


CARDS = (
    DemoCard("ada", "Ada"),
    DemoCard("bo", "Bo (1 000 sat a tap)", Limits(tap_msat=sats(1_000))),
    DemoCard("cleo", "Cleo (blocked)", frozen=True),
)
BLANK = "blank"
"""A card as NXP delivers it, to see what the till says to it."""


CASHIER = "Cass"
CASHIERS_PIN = "2580"
"""Who charges in the demo; the PIN is printed, and is one of the demo alone."""


class DemoFailed(Exception):
    """The demo did not reach a payout; the text says where it stopped."""


Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo is served, where these are free; 0 is any port."""

    till: int = 8424
    counter: int = 8425
    """Of the first reader; the others' follow."""
    cards: int = 8423


USUAL = Ports()
ANY = Ports(0, 0, 0)


@contextmanager
def stage(
    home: Path,
    kind: str,
    say: Say,
    *,
    live: bool,
    only: int | None = None,
    ports: Ports = USUAL,
) -> Iterator[tuple[Daemon, DemoReader]]:
    """As `several`, with one reader."""
    with several(home, [kind], say, live=live, only=only, ports=ports) as (daemon, readers):
        yield daemon, readers[0]


@contextmanager
def several(
    home: Path,
    kinds: Sequence[str],
    say: Say,
    *,
    live: bool,
    only: int | None = None,
    ports: Ports = USUAL,
    make: Callable[[str, Path, CounterAt | None], DemoReader] = demo_reader,
) -> Iterator[tuple[Daemon, list[DemoReader]]]:
    """A running daemon on twin readers, a terminal each, with its cards made and its people.

    All of it ends with the block. `live` serves the dashboard, and a virtual counter for each
    reader.
    """
    keyring = _keyring(home)
    with ExitStack() as stack:
        till = free_port(ports.till) if live else None
        readers = []
        for number, kind in enumerate(kinds):
            port = free_port(ports.counter and ports.counter + number)
            counter = CounterAt(port, f"http://127.0.0.1:{till}/till") if till else None
            reader = make(kind, home / "cards", counter)
            stack.callback(reader.close)
            readers.append(reader)
            if reader.words:
                say(reader.words)
        config = _config(readers, till, ports.cards)
        _make_cards(home, config, keyring, readers[0], say, only)
        openers = {reader.device: reader.opener for reader in readers if reader.opener}
        daemon = Daemon(home, config, keyring, openers=openers, demo_url=readers[0].counter_url)
        stack.enter_context(daemon)
        if live:
            uid = Drawer(home / "cards").read(BLANK).uid
            stack.enter_context(labels.followed(daemon.db, readers, BLANK, uid))
        yield daemon, readers


def device_link(daemon: Daemon, terminal_id: str) -> str:
    """A link that makes a browser a trusted till, on which the cashier signs in with a PIN."""
    db, store = daemon.db, daemon.config.store.id
    if people.by_name(db, CASHIER) is None:
        people.create(db, CASHIER, Role.CASHIER, store_id=store, pin=CASHIERS_PIN)
    token = devices.one_time_link(db, f"Demo {terminal_id}", terminal_id)
    return f"{daemon.urls['dashboard']}/device/link/{token}"


def free_port(wanted: int) -> int:
    """The wanted port where it is free on loopback, else another one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keyring(home: Path) -> Keyring:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / keyrings.FILE_NAME
    if not path.exists():
        keyrings.save(keyrings.generate(demo=True), path)
    keyring = keyrings.load(path, allow_demo=True)
    if not keyring.demo:
        raise KeyringError(f"{path} holds a shop's own keys: the demo does not play with them")
    return keyring


def _config(readers: Sequence[DemoReader], till: int | None, cards_port: int) -> Config:
    """`till` is the dashboard's port; None serves none, and the cards' service on any port."""
    public = free_port(cards_port) if till else 0
    return Config(
        store=StoreConfig(name=SHOP),
        public=PublicConfig(
            url="http://127.0.0.1:8423",  # cards keep their address, whatever port is free today
            listen=f"127.0.0.1:{public}",
        ),
        dashboard=DashboardConfig(enabled=bool(till), listen=f"127.0.0.1:{till or 0}"),
        readers=tuple(
            ReaderConfig(one.device, f"till-{number}", gpio_lights=one.gpio_lights)
            for number, one in enumerate(readers, 1)
        ),
    )


def _make_cards(
    home: Path, config: Config, keyring: Keyring, reader: DemoReader, say: Say, only: int | None
) -> None:
    """Make what is missing: the account, its money and the cards, over the reader itself."""
    lock = take_home(home)
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    try:
        ensure_shop(db, config)
        drawer = Drawer(home / "cards")
        for name in [card.name for card in CARDS[:only]] + [BLANK]:
            if name not in drawer.names():
                drawer.create(name)
        known = {card.uid for card in cards.every(db, config.store.id)}
        todo = [one for one in CARDS[:only] if drawer.read(one.name).uid.hex() not in known]
        if todo:
            _issue(db, config, keyring, reader, todo, say)
    finally:
        db.close()
        lock.close()


def _issue(
    db: Engine,
    config: Config,
    keyring: Keyring,
    reader: DemoReader,
    todo: list[DemoCard],
    say: Say,
) -> None:
    store = config.store.id
    account = next(iter(pull_payments.all(db, store)), None)
    if account is None:
        account = pull_payments.create(db, store, ACCOUNT)
        pull_payments.fund(db, account.pull_payment_id, FUNDS_MSAT, "demo money")
    options = ReaderOptions(gpio_lights=reader.gpio_lights)
    opened = reader.opener() if reader.opener else open_reader(reader.device, options)
    with opened:
        for card in todo:
            reader.lay(card.name)
            link = opened.wait_card(10_000)
            if link is None:
                raise DemoFailed(f"the twin reader did not see the card {card.name}")
            made = issue_card(
                db,
                keyring,
                config.public.card_base,
                link,
                store_id=store,
                pull_payment_id=account.pull_payment_id,
                alias=card.alias,
                limits=card.limits,
            )
            if not isinstance(made, Issued):
                raise DemoFailed(f"the card {card.name} was not made: {made}")
            if card.frozen:
                cards.freeze(db, made.card_id)
            say(f"made the card {card.alias}")
            reader.lift()
            opened.wait_gone(10_000)
