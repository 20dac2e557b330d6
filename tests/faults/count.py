"""Counting all the money after a run: in the wallet's file, in the ledger, and in the books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from host.clock import SystemClock
from host.ledger import books
from host.ledger.codes import Code
from host.lightning.embedded import EmbeddedWallet
from host.lightning.wallet import Invoice
from host.money import sats
from host.store.driver import sqlite3
from host.store.engine import Engine
from tests.faults.victim import FEE_MSAT

FUNDED = sats(1_000)
POOL = sats(10_000)
PRICE = sats(21)

REFUSALS = frozenset({Code.INVOICE_USED, Code.SUN_REPLAYED, Code.CARD_BUSY, Code.LIGHTNING_FAILED})
"""What a till may be told instead of OK; each leaves nothing held."""


@dataclass
class Counted:
    """What was wrong, in words; empty lists are the wish."""

    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Asked(Protocol):
    """What a till asked for, and what it was told."""

    invoice: Invoice
    answers: list[str]


class Told(Protocol):
    """Who bears the fee in this run."""

    @property
    def store_pays(self) -> bool: ...


def count(
    folder: Path,
    stranger: EmbeddedWallet,
    invoices: Sequence[Invoice],
    tills: Sequence[Asked],
    case: Told,
) -> Counted:
    """Compare the wallet's file, the ledger and what the tills were told."""
    counted = Counted()
    sent, left = _sent(folder / "wallet.db")
    with Engine.open(folder / "taptill.db", SystemClock()) as db:
        rows = db.read(lambda tx: tx.all("SELECT * FROM payouts"))
        (account,) = db.read(lambda tx: tx.all("SELECT * FROM pull_payments"))
        counted.lost += books.check(db).problems
    paid = [one for one in invoices if sent.get(one.payment_hash) == 1]
    counted.twice += [f"{n} payments of {h.hex()}" for h, n in sent.items() if n > 1]
    if stranger.balance_msat() > len(paid) * PRICE:
        counted.twice.append(f"the stranger has {stranger.balance_msat()} msat")
    counted.twice += _repeated(rows)
    if left != POOL - len(paid) * (PRICE + FEE_MSAT):
        counted.lost.append(f"the pool has {left} msat, and {len(paid)} were paid")
    fee = 0 if case.store_pays else FEE_MSAT
    out = len(paid) * (PRICE + fee)
    has = (account["balance_msat"], account["held_msat"], account["paid_msat"])
    if has != (FUNDED - out, 0, out):
        counted.lost.append(f"the account has {has}, and {len(paid)} were paid")
    counted.lost += _unlike(rows, {one.payment_hash for one in paid})
    counted.lost += _broken_words(rows, tills)
    return counted


def _sent(wallet: Path) -> tuple[dict[bytes, int], int]:
    """How many payments of each hash were made, by any account, and what the pool has left."""
    conn = sqlite3.connect(wallet)
    try:
        rows = conn.execute(
            "SELECT payment_hash, count(*) FROM payments WHERE state = 'paid' GROUP BY 1"
        ).fetchall()
        (balance,) = conn.execute(
            "SELECT balance_msat FROM accounts WHERE name = 'pool'"
        ).fetchone()
    finally:
        conn.close()
    return {bytes(row[0]): int(row[1]) for row in rows}, balance


def _repeated(rows: Sequence[Any]) -> Iterator[str]:
    for name in ("payment_hash", "boltcard_id"):
        values = [row[name] for row in rows]
        yield from (f"{name} twice" for value in set(values) if values.count(value) > 1)


def _unlike(rows: Sequence[Any], paid: set[bytes]) -> Iterator[str]:
    """Payouts that say something else than the wallet's file."""
    completed = {bytes(row["payment_hash"]) for row in rows if row["status"] == "Completed"}
    if completed != paid:
        yield f"{len(completed)} payouts are completed, {len(paid)} were paid"
    yield from (f"{row['payout_id']} is {row['status']}" for row in rows if _open(row))


def _open(row: Any) -> bool:
    return row["status"] not in ("Completed", "Failed")


def _broken_words(rows: Sequence[Any], tills: Sequence[Asked]) -> Iterator[str]:
    """An OK without a payout, no answer at all, or one that nobody should get."""
    claimed = {bytes(row["payment_hash"]) for row in rows}
    for till in tills:
        strange = set(till.answers) - REFUSALS - {"OK"}
        if strange or not till.answers:
            yield f"a till was told {till.answers}"
        if "OK" in till.answers and till.invoice.payment_hash not in claimed:
            yield "a claim is nowhere"
