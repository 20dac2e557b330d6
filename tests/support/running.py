"""A whole Taptill running in this process: the real daemon, twin cards, another shop's wallet."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from hardware.twin.card import TwinCard
from host import keyring as keyrings
from host.clock import Clock
from host.config import Config, DashboardConfig, PublicConfig, ReaderConfig
from host.daemon import Daemon
from host.keyring import Keyring
from host.ledger import books, payouts, pull_payments, sales
from host.ledger.codes import Code, Refused
from host.ledger.records import Limits, Payout, PayoutStatus, Sale, SaleState
from host.lightning.embedded import EmbeddedWallet
from host.lightning.open import EMBEDDED_FILE
from host.money import sats
from host.ntag424.read import read_tap_url
from host.ntag424.sun import parse_url
from host.ntag424.values import Uid
from host.readers.base import Reader, ReaderGone, ReaderOpener
from host.readers.direct import DirectReader
from host.store.engine import Engine
from host.till import Terminal, arm
from provisioning.issue import Issued, issue_card
from tests.support.ports import free_port

DEADLINE_S = 60.0
"""How long a test waits for what should happen at once, on a machine that does much else."""

MONEY = ("cards", "payouts", "entries", "pull_payments", "boltcard_usage", "daily_totals")
"""The tables that say who has what."""


class ShiftedClock:
    """The machine's clock, moved by as much as a test says."""

    def __init__(self) -> None:
        self._shift = 0
        self._stopped: int | None = None

    def now(self) -> int:
        running = time.time_ns() // 1_000_000
        return (running if self._stopped is None else self._stopped) + self._shift

    def advance(self, ms: int) -> None:
        self._shift += ms

    def stop(self) -> None:
        """Move only as a test says from now on, so that it may look at both sides of an edge."""
        self._stopped = time.time_ns() // 1_000_000


class Plug:
    """Where a direct reader is plugged in, as the daemon's opener; a test pulls it out."""

    def __init__(self, name: str, *, plugged: bool = True) -> None:
        self._name = name
        self._plugged = plugged
        self.reader = DirectReader(name)
        self.opened = 0

    def __call__(self) -> Reader:
        if not self._plugged:
            raise ReaderGone(f"{self._name} is not plugged in")
        self.reader = DirectReader(self._name)
        self.opened += 1
        return self.reader

    def unplug(self) -> None:
        self._plugged = False
        self.reader.unplug()

    def plug(self) -> None:
        self._plugged = True


@dataclass(frozen=True)
class HeldCard:
    """A card in somebody's hand, and the account it draws on."""

    twin: TwinCard
    card_id: str
    account_id: str
    uid: Uid

    def tap(self) -> dict[str, str]:
        """Read it with two APDUs, as any phone does: the query fields of this tap."""
        message = parse_url(self.tap_url()).message
        return {"p": message.p.hex(), "c": message.c.hex()}

    def tap_url(self) -> str:
        """The whole URL of one tap."""
        self.twin.power_on()
        return read_tap_url(self.twin.transceive)


@dataclass
class RunningShop:
    """What a test holds of a running daemon."""

    home: Path
    config: Config
    keyring: Keyring
    clock: Clock
    daemon: Daemon
    plugs: dict[str, Plug]
    stranger: EmbeddedWallet
    """The wallet of another point of sale, on the same simulated network."""

    @property
    def db(self) -> Engine:
        return self.daemon.db

    @property
    def url(self) -> str:
        """Where the LNURL service listens."""
        return self.daemon.urls["lnurl"]

    def reader(self, terminal: str = "till-1") -> DirectReader:
        return self.plugs[terminal].reader

    def card(
        self, alias: str = "Ann", *, balance_sat: int = 10_000, limits: Limits | None = None
    ) -> HeldCard:
        """A card of ours, made on the twin, with an account of its own."""
        return make_card(self.db, self.config, self.keyring, alias, balance_sat, limits)

    def invoice(self, amount_sat: int = 21, *, expiry_s: int = 600) -> str:
        """An invoice of the other point of sale."""
        return self.stranger.make_invoice(sats(amount_sat), "coffee", expiry_s).bolt11

    def arm(self, amount_sat: int, terminal: str = "till-1", **more: Any) -> Sale:
        """A sale on a terminal, as soon as its dots are green."""
        at, board = Terminal(terminal, "main"), self.daemon.board
        deadline = time.monotonic() + DEADLINE_S
        while True:
            sale = arm(self.db, board, at, sats(amount_sat), **more)
            if isinstance(sale, Sale):
                return sale
            assert time.monotonic() < deadline, sale
            board.wait_change(100)

    def lay(self, card: HeldCard, *more: HeldCard, terminal: str = "till-1") -> None:
        self.reader(terminal).lay(card.twin, *(one.twin for one in more))

    def lift(self, terminal: str = "till-1") -> None:
        """Take the card away and wait until the daemon knows."""
        self.reader(terminal).lift()
        (post,) = (p for p in self.daemon.posts if p.till.terminal.terminal_id == terminal)
        assert post.wait_free(DEADLINE_S)

    def pay(self, card: HeldCard, amount_sat: int, terminal: str = "till-1") -> Sale:
        """A whole sale by one tap."""
        sale = self.arm(amount_sat, terminal)
        self.lay(card, terminal=terminal)
        done = wait_sale(self.db, sale.sale_id, SaleState.APPROVED)
        self.lift(terminal)
        return done

    def scan(self, **fields: str) -> dict[str, Any]:
        return ask(self.url, "/ln", **fields)

    def claim(self, k1: str, pr: str, **more: str) -> dict[str, Any]:
        return ask(self.url, "/ln/cb", k1=k1, pr=pr, **more)

    def pay_abroad(self, card: HeldCard, amount_sat: int) -> Payout:
        """A whole payment at another point of sale, scan to Completed."""
        offered = self.invoice(amount_sat)
        scanned = self.scan(**card.tap())
        assert self.claim(scanned["k1"], offered) == {"status": "OK"}
        return wait_payout(self.db, card, PayoutStatus.COMPLETED)

    def balance(self, card: HeldCard) -> tuple[int, int, int]:
        """What the card's account has free, held and paid, in sat."""
        account = pull_payments.get(self.db, card.account_id)
        assert account is not None
        amounts = (account.balance_msat, account.held_msat, account.paid_msat)
        return tuple(one // 1_000 for one in amounts)  # type: ignore[return-value]

    def digest(self, tables: tuple[str, ...] | None = None) -> str:
        return digest(self.db, tables)

    def check_books(self) -> None:
        """The books agree, whatever a test did."""
        report = books.check(self.db)
        assert report.ok, report.problems


def make_card(
    db: Engine,
    config: Config,
    keyring: Keyring,
    alias: str = "Ann",
    balance_sat: int = 10_000,
    limits: Limits | None = None,
    twin: TwinCard | None = None,
) -> HeldCard:
    """Program a twin card and take it into the books, on an account of its own."""
    account = pull_payments.create(db, "main", f"{alias}'s account")
    if balance_sat:
        pull_payments.fund(db, account.pull_payment_id, sats(balance_sat), "cash")
    twin = twin or TwinCard.factory(Uid(b"\x04" + secrets.token_bytes(6)))
    made = issue_card(
        db,
        keyring,
        config.public.card_base,
        twin,
        store_id="main",
        pull_payment_id=account.pull_payment_id,
        alias=alias,
        limits=limits or Limits(),
    )
    assert isinstance(made, Issued), made
    twin.power_off()
    return HeldCard(twin, made.card_id, account.pull_payment_id, Uid.parse(made.uid))


def config_of(*terminals: str, port: int | None = None, **public: Any) -> Config:
    """A shop with direct readers, whose cards name the port it listens on."""
    port = port or free_port()
    return Config(
        public=PublicConfig(
            url=f"http://127.0.0.1:{port}", listen=f"127.0.0.1:{port}", max_sat=5_000, **public
        ),
        dashboard=DashboardConfig(enabled=False),
        readers=tuple(ReaderConfig(f"direct:{one}", one) for one in terminals),
    )


@contextmanager
def running(
    home: Path,
    *terminals: str,
    clock: Clock | None = None,
    config: Config | None = None,
    plugs: dict[str, Plug] | None = None,
    openers: dict[str, ReaderOpener] | None = None,
) -> Iterator[RunningShop]:
    """A daemon with a direct reader at each terminal (`till-1` when none is named).

    With a `config` of other readers, `openers` may say how those are opened.
    """
    terminals = terminals or ("till-1",)
    config = config or config_of(*terminals)
    plugs = plugs or {one: Plug(one) for one in terminals}
    clock = clock or ShiftedClock()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (keys := home / keyrings.FILE_NAME).exists():
        keyrings.save(keyrings.generate(), keys)
    keyring = keyrings.load(keys)
    opened: dict[str, ReaderOpener] = {f"direct:{name}": plug for name, plug in plugs.items()}
    opened |= openers or {}
    with Daemon(home, config, keyring, clock=clock, openers=opened) as daemon:
        stranger = EmbeddedWallet(home / EMBEDDED_FILE, "stranger", clock)
        try:
            if isinstance(daemon.wallet, EmbeddedWallet):
                daemon.wallet.fund(sats(1_000_000))
            for one in terminals:
                wait_reader(daemon, one)
            wait_told(daemon)
            yield RunningShop(home, config, keyring, clock, daemon, plugs, stranger)
        finally:
            stranger.close()


def wait_reader(daemon: Daemon, terminal: str) -> None:
    """Wait until the reader of a terminal was opened and looked at, or could not be opened."""
    deadline = time.monotonic() + DEADLINE_S
    while daemon.board.parts(terminal)[0].detail == "no reader serves this till":
        assert time.monotonic() < deadline, f"nothing is known of the reader of {terminal}"
        if not any(post.till.terminal.terminal_id == terminal for post in daemon.posts):
            return
        daemon.board.wait_change(100)


def wait_told(daemon: Daemon) -> None:
    """Wait until every dot but the reader's has told how it is: no part is still starting."""
    wait_for(
        daemon.db,
        lambda: all(part.detail != "starting" for part in daemon.board.parts("")),
        "the dots",
    )


def wait_for(db: Engine, fn: Callable[[], Any], what: str = "the condition") -> Any:
    """The first value of `fn` that is true, looked at whenever something happens in the ledger."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        seen = db.events.last_id()
        if value := fn():
            return value
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        db.events.wait(seen, 100)


def wait_sale(db: Engine, sale_id: str, *states: SaleState) -> Sale:
    """The sale, once it is in one of these states."""

    def there() -> Sale | None:
        sale = sales.get(db, sale_id)
        return sale if sale is not None and sale.state in states else None

    found = wait_for(db, there, f"{states}, not {sales.get(db, sale_id)}")
    assert isinstance(found, Sale)
    return found


def wait_payout(db: Engine, card: HeldCard, *states: PayoutStatus) -> Payout:
    """The newest payout of a card, once it has one of these statuses."""

    def there() -> Payout | None:
        found = payouts_of(db, card)
        return found[-1] if found and found[-1].status in states else None

    found = wait_for(db, there, f"{states}")
    assert isinstance(found, Payout)
    return found


def payouts_of(db: Engine, card: HeldCard) -> list[Payout]:
    """Every payout of a card, oldest first."""
    sql = "SELECT payout_id FROM payouts WHERE boltcard_id = :card ORDER BY id"
    ids = db.read(lambda tx: [row[0] for row in tx.all(sql, {"card": card.card_id})])
    found = [payouts.get(db, one) for one in ids]
    return [one for one in found if one is not None]


def digest(db: Engine, tables: tuple[str, ...] | None = None) -> str:
    """A fingerprint of what is kept: of these tables, or of all but the heartbeat's."""

    def look(tx: Any) -> str:
        names = tables or tuple(
            row[0]
            for row in tx.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            if row[0] != "health"
        )
        content = {name: [list(row) for row in tx.all(f"SELECT * FROM {name}")] for name in names}  # noqa: S608
        return hashlib.sha256(repr(content).encode()).hexdigest()

    return db.read(look)


@contextmanager
def nothing_written(shop: RunningShop, tables: tuple[str, ...] | None = None) -> Iterator[None]:
    """Not one row of these tables (or of any, but for the heartbeat's) differs afterwards."""
    before = shop.digest(tables)
    yield
    assert shop.digest(tables) == before


def ask(base: str, path: str, **fields: str) -> dict[str, Any]:
    """One GET to a listener on loopback, past any proxy of the environment; its JSON."""
    status, body = get(base, f"{path}?{urlencode(fields)}")
    assert status == 200, (status, body)
    answer = json.loads(body)
    assert isinstance(answer, dict)
    return answer


def get(base: str, target: str) -> tuple[int, bytes]:
    """One raw GET: status and body."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def refused(answer: dict[str, Any] | Refused) -> Code:
    """The code of a refusal, whose words are in order."""
    if isinstance(answer, Refused):
        return answer.code
    assert answer["status"] == "ERROR", answer
    code = Code(answer["code"])
    assert answer["reason"] == f"{code.words.says}. {code.words.do}"
    return code
