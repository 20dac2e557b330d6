"""A shop with one funded card, its keys in hand, and a stranger's wallet that makes invoices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    def tap(self, counter: int, uid: Uid = UID, version: int = KEY_VERSION) -> dict[str, str]:
        """The query fields of the card's tap with this counter."""
        return tap(counter, uid, version)

    def invoice(self, amount_msat: int = sats(21), memo: str = "coffee") -> str:
        """An invoice of the stranger, for ten minutes."""
        return self.stranger.make_invoice(amount_msat, memo, 600).bolt11

    def balance(self) -> tuple[int, int]:
        """What the card's account has free and held, in msat."""
        account = pull_payments.get(self.db, self.account.pull_payment_id)
        assert account is not None
        return account.balance_msat, account.held_msat


def tap(
    counter: int, uid: Uid = UID, version: int = KEY_VERSION, issuer: Issuer = ISSUER
) -> dict[str, str]:
    """The `p` and `c` that a card of this issuer mirrors."""
    message = sun.build(keys.k1(issuer.key), keys.k2(issuer.key, uid, version, None), uid, counter)
    return {"p": message.p.hex().upper(), "c": message.c.hex().upper()}


def add_card(
    db: Engine,
    account: PullPayment,
    uid: Uid = UID,
    limits: Limits = Limits(),  # noqa: B008
) -> Card:
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
        limits=limits,
    )


@contextmanager
def world(path: Path, balance_msat: int = sats(1_000)) -> Iterator[World]:
    """A fresh world in a folder, closed at the end."""
    clock = ManualClock()
    db = Engine.open(path / "taptill.db", clock)
    store = stores.create(db, "Corner shop")
    account = pull_payments.create(db, store.store_id, "Ann's account")
    account = pull_payments.fund(db, account.pull_payment_id, balance_msat, "cash")
    pool = EmbeddedWallet(path / "wallet.db", "pool", clock)
    pool.fund(sats(1_000_000))
    stranger = EmbeddedWallet(path / "wallet.db", "stranger", clock)
    try:
        yield World(db, clock, account, add_card(db, account), pool, stranger)
    finally:
        stranger.close()
        pool.close()
        db.close()
