"""A shop in the books alone: accounts, cards, sales and invoices, with a clock that is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from host.bolt11 import Bolt11Invoice, Network
from host.clock import Clock, ManualClock
from host.ledger import books, cards, claims, pull_payments, sales, stores
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Code, Refused
from host.ledger.records import Card, Payout, PullPayment, Sale
from host.ledger.taps import VerifiedTap
from host.money import sats
from host.ntag424.values import Uid
from host.store.engine import Engine

STORE = "shop"
SAT = sats(1)


@dataclass
class Shop:
    """One store with an account of 100 000 sat; everything else is made when asked for."""

    db: Engine
    clock: ManualClock
    account: PullPayment
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def card(self, **given: Any) -> Card:
        """An active card on the account."""
        number = next(self._numbers)
        values: dict[str, Any] = {
            "card_id": f"{number:032x}",
            "uid": Uid.parse(f"04{number:010x}80"),
            "store_id": STORE,
            "pull_payment_id": self.account.pull_payment_id,
            "alias": f"Card {number}",
            "issuer_id": "issuer",
            "key_version": 1,
        }
        return cards.register(self.db, **(values | given))

    def sale(self, amount_msat: int, terminal_id: str | None = None) -> Sale:
        """A sale that waits for a card, on a terminal of its own unless one is named."""
        terminal = terminal_id or f"till-{next(self._numbers)}"
        stores.ensure_terminal(self.db, terminal, STORE)
        sale = sales.open(self.db, STORE, amount_msat, terminal_id=terminal)
        assert isinstance(sale, Sale)
        return sale

    def pay(self, card: Card, counter: int, amount_msat: int, **given: Any) -> Claimed | Refused:
        """Claim a tap for a sale at our own till."""
        sale = given.pop("sale", None) or self.sale(amount_msat)
        request = ClaimRequest(
            tap(card, counter), amount_msat, Source.TILL, sale_id=sale.sale_id, **given
        )
        return claims.claim(self.db, request)

    def offer(self, card: Card, counter: int, amount_msat: int, **given: Any) -> Claimed | Refused:
        """Claim a tap for an invoice of another point of sale."""
        invoice = given.pop("invoice", None) or self.invoice(amount_msat)
        request = ClaimRequest(
            tap(card, counter), amount_msat, Source.LNURL, invoice=invoice, **given
        )
        return claims.claim(self.db, request)

    def invoice(self, amount_msat: int | None, **given: Any) -> Bolt11Invoice:
        """An invoice that only the ledger sees; its preimage is `preimage(invoice)`."""
        number = next(self._numbers)
        now = self.db.clock.now()
        values: dict[str, Any] = {
            "bolt11": f"lnbcrt{number}",
            "network": Network.REGTEST,
            "amount_msat": amount_msat,
            "payment_hash": hashlib.sha256(_secret(number)).digest(),
            "payee": bytes(33),
            "created_at": now,
            "expires_at": now + 600_000,
            "description": "",
            "description_hash": None,
            "payment_secret": bytes(32),
        }
        return Bolt11Invoice(**(values | given))

    def now(self, card: Card) -> Card:
        """The card as it is in the books now."""
        found = cards.get(self.db, card.card_id)
        assert found is not None
        return found

    def money(self) -> tuple[int, int, int]:
        """What the account has free, held and paid, in msat."""
        account = pull_payments.get(self.db, self.account.pull_payment_id)
        assert account is not None
        return account.balance_msat, account.held_msat, account.paid_msat

    def count(self, table: str) -> int:
        """How many rows a table has."""
        row = self.db.read(lambda tx: tx.one(f"SELECT count(*) FROM {table}"))  # noqa: S608
        assert row is not None
        return int(row[0])

    def clean(self) -> None:
        """The books agree."""
        assert books.check(self.db).problems == []


def tap(card: Card, counter: int) -> VerifiedTap:
    """A tap whose MAC was found to hold."""
    return VerifiedTap(card.card_id, Uid.parse(card.uid), counter, card.key_version)


def preimage(invoice: Bolt11Invoice) -> bytes:
    """The preimage of an invoice made here."""
    return _secret(int(invoice.bolt11.removeprefix("lnbcrt")))


def preimage_of(payout: Payout) -> bytes:
    """The preimage of a payout's invoice."""
    return _secret(int((payout.recipient_address or "").removeprefix("lnbcrt")))


def made(outcome: Claimed | Refused) -> Payout:
    """The payout of a claim that was made."""
    assert isinstance(outcome, Claimed), outcome
    return outcome.payout


def code(outcome: object) -> Code:
    """Why something was refused."""
    assert isinstance(outcome, Refused), outcome
    return outcome.code


@contextmanager
def shop(folder: Path, clock: Clock | None = None) -> Iterator[Shop]:
    """A fresh shop in a folder, closed at the end."""
    clock = clock or ManualClock()
    with Engine.open(folder / "taptill.db", clock) as db:
        stores.create(db, "Shop", store_id=STORE)
        account = pull_payments.create(db, STORE, "Account")
        pull_payments.fund(db, account.pull_payment_id, sats(100_000), "opening")
        assert isinstance(clock, ManualClock)
        yield Shop(db, clock, account)


def _secret(number: int) -> bytes:
    return number.to_bytes(32)
