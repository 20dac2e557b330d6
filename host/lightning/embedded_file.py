"""The file of the embedded wallet: accounts, invoices, payments and scripts in SQLite."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from host.lightning.wallet import Invoice, WalletDown

if TYPE_CHECKING:
    import sqlite3
else:  # pysqlite3 brings an SQLite that is free of the WAL-reset defect (THREATS 31)
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3

T = TypeVar("T")

_WAL_SAFE = (3, 51, 3)
_BUSY_MS = 10_000
_SCHEMA = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    node_secret BLOB NOT NULL,
    balance_msat INTEGER NOT NULL DEFAULT 0 CHECK (balance_msat >= 0),
    fault TEXT NOT NULL DEFAULT 'ok'
) STRICT;
CREATE TABLE invoices (
    payment_hash BLOB PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    bolt11 TEXT NOT NULL,
    preimage BLOB NOT NULL,
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    expires_at INTEGER NOT NULL,
    paid_at INTEGER
) STRICT;
CREATE TABLE payments (
    account TEXT NOT NULL REFERENCES accounts (name),
    payment_hash BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'paid', 'failed')),
    amount_msat INTEGER NOT NULL,
    fee_msat INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN ('paid', 'failed')),
    due_at INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, payment_hash)
) STRICT;
CREATE TABLE scripts (
    position INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    fault TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """What an account can spend now, and what its payments do that have no script."""

    balance_msat: int
    fault: str


@dataclass(frozen=True, slots=True)
class KeptInvoice:
    """An invoice of one of the accounts."""

    account: str
    bolt11: str
    preimage: bytes = field(repr=False)
    amount_msat: int
    expires_at: int
    paid: bool


@dataclass(frozen=True, slots=True)
class KeptPayment:
    """A payment of one account; `preimage` is empty until it is paid."""

    state: str
    fee_msat: int
    reason: str
    preimage: bytes


class EmbeddedFile:
    """One connection to the file, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path, timeout=_BUSY_MS / 1_000, isolation_level=None, check_same_thread=False
        )
        wal = sqlite3.sqlite_version_info >= _WAL_SAFE
        self._db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'TRUNCATE'}")
        self._db.execute("PRAGMA synchronous = OFF")  # kill -9 is survived; see the wallet
        self._db.execute("PRAGMA foreign_keys = ON")
        self.transaction(lambda tx: tx.migrate())

    def transaction(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in an immediate transaction; an exception undoes it.

        A file that cannot be used is a node that does not answer: `WalletDown`, nothing changed.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                result = work(Tx(self._db))
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo()
                raise WalletDown(f"the embedded wallet's file cannot be used: {error}") from error
            except BaseException:
                self._undo()
                raise
            return result

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # some failures have undone it already
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            self._db.close()


class Tx:
    """What can be asked and done inside one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def migrate(self) -> None:
        """Make the tables in a new file; they are made by whoever opens it first."""
        if self._one("PRAGMA user_version")[0] == 0:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._db.execute(statement)

    # -- accounts ---------------------------------------------------------------------------

    def add_account(self, name: str, node_secret: bytes) -> None:
        """Make an account unless it exists; the first key stays."""
        self._run(
            "INSERT OR IGNORE INTO accounts (name, node_secret) VALUES (?, ?)", name, node_secret
        )

    def node_secret(self, account: str) -> bytes:
        return bytes(self._one("SELECT node_secret FROM accounts WHERE name = ?", account)[0])

    def account(self, name: str) -> KeptAccount:
        row = self._one("SELECT balance_msat, fault FROM accounts WHERE name = ?", name)
        return KeptAccount(row[0], row[1])

    def credit(self, account: str, amount_msat: int) -> None:
        """Change a balance (below zero is a debit); the table refuses a negative balance."""
        self._run(
            "UPDATE accounts SET balance_msat = balance_msat + ? WHERE name = ?",
            amount_msat,
            account,
        )

    # -- scripts ----------------------------------------------------------------------------

    def set_default(self, account: str, fault: str) -> None:
        self._run("UPDATE accounts SET fault = ? WHERE name = ?", str(fault), account)

    def add_script(self, account: str, faults: Sequence[str]) -> None:
        for fault in faults:
            self._run("INSERT INTO scripts (account, fault) VALUES (?, ?)", account, fault)

    def next_script(self, account: str) -> str | None:
        """Take the next scripted fault, if there is one."""
        row = self._first(
            "SELECT position, fault FROM scripts WHERE account = ? ORDER BY position LIMIT 1",
            account,
        )
        if row is None:
            return None
        self._run("DELETE FROM scripts WHERE position = ?", row[0])
        return str(row[1])

    # -- invoices ---------------------------------------------------------------------------

    def add_invoice(self, account: str, invoice: Invoice, preimage: bytes) -> None:
        self._run(
            "INSERT INTO invoices"
            " (payment_hash, account, bolt11, preimage, amount_msat, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            invoice.payment_hash,
            account,
            invoice.bolt11,
            preimage,
            invoice.amount_msat,
            invoice.expires_at,
        )

    def invoice(self, payment_hash: bytes) -> KeptInvoice | None:
        row = self._first(
            "SELECT account, bolt11, preimage, amount_msat, expires_at, paid_at IS NOT NULL"
            " FROM invoices WHERE payment_hash = ?",
            payment_hash,
        )
        return (
            None
            if row is None
            else KeptInvoice(row[0], row[1], row[2], row[3], row[4], bool(row[5]))
        )

    # -- payments ---------------------------------------------------------------------------

    def payment(self, account: str, payment_hash: bytes) -> KeptPayment | None:
        row = self._first(
            "SELECT p.state, p.fee_msat, p.reason, i.preimage FROM payments p"
            " LEFT JOIN invoices i ON i.payment_hash = p.payment_hash AND p.state = 'paid'"
            " WHERE p.account = ? AND p.payment_hash = ?",
            account,
            payment_hash,
        )
        return None if row is None else KeptPayment(row[0], row[1], row[2], bytes(row[3] or b""))

    def add_failed(self, account: str, payment_hash: bytes, reason: str, now: int) -> None:
        """Remember a payment that could not start."""
        self._put(account, payment_hash, "failed", 0, 0, None, now, reason)

    def begin(
        self,
        account: str,
        payment_hash: bytes,
        amount_msat: int,
        fee_msat: int,
        outcome: str | None,
        due_at: int,
    ) -> None:
        """Put a payment in flight: its money leaves the balance now, its outcome comes due."""
        self.credit(account, -amount_msat)
        self._put(account, payment_hash, "pending", amount_msat, fee_msat, outcome, due_at, "")

    def pay(
        self, account: str, payment_hash: bytes, invoice: KeptInvoice, fee_msat: int, now: int
    ) -> None:
        """Pay an open invoice at once: what `begin` and `advance` come to, in fewer steps."""
        amount_msat = invoice.amount_msat + fee_msat
        self._run("UPDATE invoices SET paid_at = ? WHERE payment_hash = ?", now, payment_hash)
        self.credit(account, -amount_msat)
        self.credit(invoice.account, invoice.amount_msat)
        self._put(account, payment_hash, "paid", amount_msat, fee_msat, "paid", now, "")

    def decide(self, account: str, payment_hash: bytes, outcome: str | None, now: int) -> None:
        """Let a payment in flight come due now, with another outcome unless that is `None`."""
        self._run(
            "UPDATE payments SET outcome = COALESCE(?, outcome), due_at = MIN(due_at, ?)"
            " WHERE account = ? AND payment_hash = ? AND state = 'pending'",
            outcome,
            now,
            account,
            payment_hash,
        )

    def advance(self, payment_hash: bytes, now: int) -> None:
        """Give every payment of this hash its outcome that is due: one at most is paid."""
        for account, amount_msat, fee_msat, outcome in self._db.execute(
            "SELECT account, amount_msat, fee_msat, outcome FROM payments WHERE payment_hash = ?"
            " AND state = 'pending' AND outcome IS NOT NULL AND due_at <= ?",
            (payment_hash, now),
        ).fetchall():
            paid = outcome == "paid" and self._settle(payment_hash, amount_msat - fee_msat, now)
            if not paid:
                self.credit(account, amount_msat)
            self._run(
                "UPDATE payments SET state = ?, reason = ? WHERE account = ? AND payment_hash = ?",
                "paid" if paid else "failed",
                "" if paid else "the payment did not arrive",
                account,
                payment_hash,
            )

    def _settle(self, payment_hash: bytes, amount_msat: int, now: int) -> bool:
        """Mark the invoice paid and credit its account, once."""
        won = self._run(
            "UPDATE invoices SET paid_at = ? WHERE payment_hash = ? AND paid_at IS NULL",
            now,
            payment_hash,
        )
        if won:
            payee = self._one("SELECT account FROM invoices WHERE payment_hash = ?", payment_hash)
            self.credit(payee[0], amount_msat)
        return won == 1

    def _put(self, *values: object) -> None:
        self._run(
            "INSERT OR REPLACE INTO payments (account, payment_hash, state, amount_msat, fee_msat,"
            " outcome, due_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *values,
        )

    def _run(self, sql: str, *values: object) -> int:
        return self._db.execute(sql, values).rowcount

    def _first(self, sql: str, *values: object) -> Any:
        return self._db.execute(sql, values).fetchone()

    def _one(self, sql: str, *values: object) -> Any:
        row = self._first(sql, *values)
        assert row is not None  # noqa: S101 - every caller asks for a row that must exist
        return row
