"""Which wallets this ledger worked with, and what still hangs on one that is not in use any more.

What one wallet was asked for no other one knows of, so the "no such payment" of another wallet is
true and means nothing: it frees no money and ends no invoice. A wallet is named by its identity
(`Wallet.identity`), which holds no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.money import sat_text
from host.store.tx import Place, Tx

_NEWEST: Final = "SELECT wallet FROM wallets ORDER BY number DESC LIMIT 1"

_AT: Final = "SELECT wallet FROM wallets WHERE since <= :at ORDER BY number DESC LIMIT 1"

_ADOPT: Final = """
    UPDATE payouts SET wallet = :wallet
    WHERE status = 'Processing' AND next_check_at >= 0 AND wallet IS NULL
"""

_ELSEWHERE: Final = """
    SELECT wallet, count(*) AS payouts, sum(amount + fee_held_msat) AS held FROM payouts
    WHERE status = 'Processing' AND next_check_at >= 0 AND wallet <> :wallet
    GROUP BY wallet ORDER BY wallet
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What was handed to a wallet that is not in use, and is not known to be paid or not."""

    wallet: str
    payouts: int
    held_msat: int

    @property
    def words(self) -> str:
        many = "1 payout waits" if self.payouts == 1 else f"{self.payouts} payouts wait"
        return f"{many} for the wallet {self.wallet} ({sat_text(self.held_msat)} sat held)"


def begin(db: Place, wallet: str, since: int | None = None) -> None:
    """Note that this wallet is the one in use, before it is asked for anything.

    `since` is when it could be asked first, UTC epoch ms (now, unless told). Payouts from before
    wallets were noted become its own: it is the one that was configured when they were looked at
    first. That is wrong only where the wallet was changed together with the update to step 014,
    while payouts were Processing; the README says so.
    """

    def note(tx: Tx) -> None:
        newest = in_use(tx)
        if newest != wallet:
            at = 0 if newest is None else tx.now if since is None else since
            row = {"wallet": wallet, "since": at}
            tx.run("INSERT INTO wallets (wallet, since) VALUES (:wallet, :since)", row)
        tx.run(_ADOPT, {"wallet": wallet})

    db.transaction(note)


def in_use(db: Place) -> str | None:
    """The wallet that took over last; None before the first one."""
    row = db.one(_NEWEST)
    return str(row["wallet"]) if row else None


def knows(db: Place, wallet: str, at: int) -> bool:
    """Whether a wallet is the one that made our invoices at a time (UTC epoch ms).

    Before the first wallet is noted, the one that is asked is taken to be it (see `begin`).
    """
    row = db.one(_AT, {"at": at})
    return row is None or row["wallet"] == wallet


def elsewhere(db: Place) -> list[Elsewhere]:
    """What hangs on wallets other than the one in use; empty is how it should be."""
    wallet = in_use(db)
    rows = db.read(lambda tx: tx.all(_ELSEWHERE, {"wallet": wallet}))
    return [Elsewhere(*row) for row in rows]


def why_held(wallet: str | None) -> str:
    """Why a payout of another wallet stays as it is, and what can be done."""
    return (
        f"It was handed to the wallet {wallet}, which is not the configured one: configure that"
        " wallet again, or settle it by hand (`taptill payouts`)"
    )
