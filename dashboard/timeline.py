"""The life of one payout as the books tell it: each step is a row that stays."""

from __future__ import annotations

from typing import Final, NamedTuple

from host.ledger import sales, views_payouts, wallets
from host.ledger.records import Entry, EntryKind, Payout, PayoutStatus, Route
from host.store.engine import Engine


class Step(NamedTuple):
    """Something that happened to a payout, or None as its time while it is still to come."""

    at: int | None
    words: str
    more: str
    icon: str


_ENTRY: Final = {
    EntryKind.HOLD: ("Money held", "Taken out of what the account has free.", "clock"),
    EntryKind.RELEASE: ("Money free again", "Nothing left the account.", "back"),
    EntryKind.REFUND: ("Refunded", "", "back"),
}


def timeline(db: Engine, payout: Payout) -> list[Step]:
    """Steps in the order they happened."""
    steps = []
    sale = sales.get(db, payout.sale_id) if payout.sale_id else None
    if sale is not None:
        steps.append(Step(sale.created_at, "Sale opened", f"At {sale.terminal_id}.", "till"))
    counter = f"Tap number {payout.counter} of the card."
    steps.append(Step(payout.created_at, "Card tapped", counter, "tap"))
    moved = views_payouts.movements(db, payout)
    steps += [_moved(one, payout) for one in moved if one.kind is EntryKind.HOLD]
    if payout.processing_at is not None:
        words = "Handed to the wallet"
        steps.append(Step(payout.processing_at, words, _looked(payout), "hourglass"))
    steps += [_moved(one, payout) for one in moved if one.kind is not EntryKind.HOLD]
    steps.sort(key=lambda step: step.at or 0)  # of one millisecond: in the order written above
    if payout.status is PayoutStatus.PENDING:
        steps.append(Step(None, "Waiting to be paid", "The money stays held.", "hourglass"))
    if payout.status is PayoutStatus.PROCESSING:
        words = "Nobody knows yet whether it was paid. The money stays held; nothing is sent twice."
        if payout.wallet != wallets.in_use(db):
            words = "The configured wallet is not the one that knows: it is not asked."
        steps.append(Step(payout.next_check_at, "Next look at the payment", words, "hourglass"))
    return steps


def gap_words(payout: Payout) -> str:
    """What happened to the card between its last payment and this one, in words."""
    gap = int(payout.facts().get("gap", 0))
    if not gap:
        return "It follows the card's last payment directly."
    times = "once" if gap == 1 else f"{gap} times"
    return (
        f"The card was read {times} since its last payment without paying here: by a phone, at"
        " another shop, or in a payment that was not finished. Those taps can no longer be used."
    )


def _moved(entry: Entry, payout: Payout) -> Step:
    if entry.kind is EntryKind.SETTLE:
        how = "In our own books, at our own till."
        if payout.route is Route.LIGHTNING:
            how = "Proven by the preimage of the payment."
        return Step(entry.at, "Paid", how, "check")
    words, more, icon = _ENTRY.get(entry.kind, (entry.kind.capitalize(), "", "dash"))
    return Step(entry.at, words, entry.reason or more, icon)


def _looked(payout: Payout) -> str:
    if not payout.checks:
        return "From here on it is never sent again by itself."
    return f"The wallet was asked {payout.checks} more {'time' if payout.checks == 1 else 'times'}."
