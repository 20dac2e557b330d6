"""Accounts that are linked to a pull payment of BTCPay Server, and the payouts filed there.

A payout's row is written when the payout is taken, before BTCPay is asked, and keeps the link as
it was then: so a payout is always looked up where it was filed, whatever is linked later. The id
of BTCPay's pull payment is like a key (whoever knows it may claim), so it is in no event and in no
line of the audit trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from host.ledger import audit, people, pull_payments
from host.ledger.errors import NotFound, Taken
from host.ledger.permissions import Person
from host.ledger.records import Payout
from host.lightning.claim_book import Claim
from host.store.errors import StoreConflict
from host.store.tx import Place, Tx

_BEGIN: Final = """
    INSERT INTO btcpay_payouts (payout_id, payment_hash, btcpay_id, unit, manages)
    SELECT :payout_id, :payment_hash, btcpay_id, unit, manages FROM btcpay_pull_payments
    WHERE pull_payment_id = :pull_payment_id
"""

_CLAIM: Final = """
    SELECT btcpay_id, unit, manages, filing_at, remote_id FROM btcpay_payouts
    WHERE payment_hash = :payment_hash
"""

_FILING: Final = """
    UPDATE btcpay_payouts SET filing_at = :now
    WHERE payment_hash = :payment_hash AND filing_at IS NULL
"""

_SEEN: Final = """
    UPDATE btcpay_payouts SET remote_id = :remote_id, state = :state, seen_at = :now
    WHERE payment_hash = :payment_hash
"""

_SAME: Final = """
    SELECT 1 FROM btcpay_payouts
    WHERE payment_hash = :payment_hash AND remote_id = :remote_id AND state = :state
"""

_LINK: Final = """
    INSERT INTO btcpay_pull_payments (pull_payment_id, btcpay_id, unit, manages, linked_at)
    VALUES (:pull_payment_id, :btcpay_id, :unit, :manages, :now)
    ON CONFLICT (pull_payment_id) DO UPDATE SET btcpay_id = excluded.btcpay_id,
        unit = excluded.unit, manages = excluded.manages, linked_at = excluded.linked_at
"""


@dataclass(frozen=True, slots=True)
class Link:
    """An account of ours and the pull payment of BTCPay that its payouts are filed at."""

    pull_payment_id: str
    btcpay_id: str
    unit: str
    manages: bool
    """Whether we approve its claims, and cancel those that nobody paid in time."""


def link(db: Place, linked: Link, person: Person | None = None) -> None:
    """File an account's payouts at BTCPay from now on; those that are on their way go on.

    Raises `NotFound` without the account, `Taken` when another one is filed there, `NotAllowed`
    without the right; `person` None is the machine's owner at the command line.
    """

    def write(tx: Tx) -> None:
        who = _allowed(tx, linked.pull_payment_id, person)
        row = {
            "pull_payment_id": linked.pull_payment_id,
            "btcpay_id": linked.btcpay_id,
            "unit": linked.unit,
            "manages": int(linked.manages),
            "now": tx.now,
        }
        try:
            tx.run(_LINK, row)
        except StoreConflict as error:
            raise Taken("another account is filed at this pull payment of BTCPay") from error
        facts = {"unit": linked.unit, "manages": linked.manages}
        audit.append(tx, who, "pull_payment.btcpay", linked.pull_payment_id, facts)

    db.transaction(write)


def unlink(db: Place, pull_payment_id: str, person: Person | None = None) -> bool:
    """Send an account's payouts from the wallet again; those that were filed are still followed."""

    def write(tx: Tx) -> bool:
        who, row = _allowed(tx, pull_payment_id, person), {"id": pull_payment_id}
        if tx.run("DELETE FROM btcpay_pull_payments WHERE pull_payment_id = :id", row) != 1:
            return False
        audit.append(tx, who, "pull_payment.btcpay_ended", pull_payment_id)
        return True

    return db.transaction(write)


def links(db: Place) -> list[Link]:
    """Every link."""
    sql = "SELECT pull_payment_id, btcpay_id, unit, manages FROM btcpay_pull_payments ORDER BY 1"
    rows = db.read(lambda tx: tx.all(sql))
    return [Link(one[0], one[1], one[2], bool(one[3])) for one in rows]


def begin(tx: Tx, payout: Payout) -> None:
    """A payout is taken: where its account is linked, it goes through BTCPay."""
    row = {
        "payout_id": payout.payout_id,
        "payment_hash": payout.payment_hash,
        "pull_payment_id": payout.pull_payment_id,
    }
    tx.run(_BEGIN, row)


def goes_there(db: Place, payout_id: str) -> bool:
    """Whether this payout was taken to be filed at BTCPay."""
    sql = "SELECT 1 FROM btcpay_payouts WHERE payout_id = :id"
    return db.one(sql, {"id": payout_id}) is not None


class Book:
    """What the way through BTCPay remembers of its claims, in the ledger (`ClaimBook`)."""

    def __init__(self, db: Place) -> None:
        self._db = db

    def claim(self, payment_hash: bytes) -> Claim | None:
        """What is known of this payment; None when it does not go this way."""
        row = self._db.one(_CLAIM, {"payment_hash": payment_hash})
        if row is None:
            return None
        return Claim(row[0], row[1], bool(row[2]), row[3] is not None, row[4])

    def filing(self, payment_hash: bytes) -> bool:
        """It is about to be filed, durably; False when it was before."""
        return self._db.transaction(
            lambda tx: tx.run(_FILING, {"payment_hash": payment_hash, "now": tx.now}) == 1
        )

    def seen(self, payment_hash: bytes, remote_id: str, state: str) -> None:
        """What BTCPay says of it; what is said again changes nothing, and takes no lock."""
        row = {"payment_hash": payment_hash, "remote_id": remote_id, "state": state}
        if self._db.one(_SAME, row) is not None:
            return

        def note(tx: Tx) -> None:
            if tx.run(_SEEN, row | {"now": tx.now}) == 1:
                _tell(tx, payment_hash, state)

        self._db.transaction(note)


def _allowed(tx: Tx, pull_payment_id: str, person: Person | None) -> str | None:
    """The id of whoever may link this account."""
    account = pull_payments.get(tx, pull_payment_id)
    if account is None:
        raise NotFound(f"pull_payment_id: there is no pull payment {pull_payment_id}")
    people.must(person, "store.manage", account.store_id)
    return person.person_id if person else None


def _tell(tx: Tx, payment_hash: bytes, state: str) -> None:
    payout = tx.one(
        "SELECT payout_id, store_id FROM payouts WHERE payment_hash = :hash",
        {"hash": payment_hash},
    )
    if payout is not None:
        tx.event("payout.btcpay", store_id=payout[1], subject=payout[0], data={"state": state})
