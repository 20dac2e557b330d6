"""A shop with one funded card, its keys in hand, and a stranger's wallet that makes invoices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from host.clock import ManualClock
from host.keyring import Issuer
from host.ledger import cards, pull_payments, stores
from host.ledger.records import Card, Limits, PullPayment
from host.lightning.embedded import EmbeddedWallet
from host.money import sats
from host.ntag424 import keys, sun
from host.ntag424.values import Key, Uid
from host.store.engine import Engine

ISSUER = Issuer.of(Key(bytes(range(16))))
SECRET = b"a host's secret, thirty-two byte"
UID = Uid.parse("04a39493cc8680")
KEY_VERSION = 1


@dataclass(frozen=True)
class Tapper:
    """A card in somebody's hand: it signs what a Boltcard of this issuer mirrors."""

    uid: Uid = UID
    version: int = KEY_VERSION
    issuer: Issuer = ISSUER

    def tap(self, counter: int) -> dict[str, str]:
        """The query fields `p` and `c` of the tap with this counter."""
        k1, k2 = keys.k1(self.issuer.key), keys.k2(self.issuer.key, self.uid, self.version)
        message = sun.build(k1, k2, self.uid, counter)
        return {"p": message.p.hex().upper(), "c": message.c.hex().upper()}


@dataclass
class World:
    """What a test needs to tap a card and to offer invoices."""

    db: Engine
    clock: ManualClock
    account: PullPayment
    card: Card
    pool: EmbeddedWallet
    """The wallet that pays for our cards."""
    stranger: EmbeddedWallet
    """The wallet of the other point of sale."""
    tapper: Tapper = field(default_factory=Tapper)

    def tap(self, counter: int) -> dict[str, str]:
        """The query fields of the card's tap with this counter."""
        return self.tapper.tap(counter)

    def invoice(self, amount_msat: int = sats(21), memo: str = "coffee") -> str:
        """An invoice of the stranger, for ten minutes."""
        return self.stranger.make_invoice(amount_msat, memo, 600).bolt11

    def balance(self) -> tuple[int, int]:
        """What the card's account has free and held, in msat."""
        account = pull_payments.get(self.db, self.account.pull_payment_id)
        assert account is not None
        return account.balance_msat, account.held_msat


def add_card(db: Engine, account: PullPayment, uid: Uid, limits: Limits | None = None) -> Card:
    """Register a card of our issuer on an account."""
    return cards.register(
        db,
        card_id=keys.card_id(ISSUER.key, uid).hex(),
        uid=uid,
        store_id=account.store_id,
        pull_payment_id=account.pull_payment_id,
        alias="Ann",
        issuer_id=ISSUER.issuer_id,
        key_version=KEY_VERSION,
        limits=limits or Limits(),
    )


def furnish(db: Engine, balance_msat: int) -> PullPayment:
    """A store, a funded account and the card with `UID` in a new ledger."""
    store = stores.create(db, "Corner shop")
    account = pull_payments.create(db, store.store_id, "Ann's account")
    add_card(db, account, UID)
    return pull_payments.fund(db, account.pull_payment_id, balance_msat, "cash")


@contextmanager
def world(path: Path, balance_msat: int = sats(1_000)) -> Iterator[World]:
    """A fresh world in a folder, closed at the end."""
    clock = ManualClock()
    db = Engine.open(path / "taptill.db", clock)
    pool = EmbeddedWallet(path / "wallet.db", "pool", clock)
    stranger = EmbeddedWallet(path / "wallet.db", "stranger", clock)
    try:
        account = furnish(db, balance_msat)
        card = cards.by_uid(db, UID)
        assert card is not None
        pool.fund(sats(1_000_000))
        yield World(db, clock, account, card, pool, stranger)
    finally:
        stranger.close()
        pool.close()
        db.close()
