"""Lists for the command line: cards and accounts in columns a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from host.ledger import cards, pull_payments, views
from host.money import btc_text, sat_text
from host.store.engine import Engine


def time_text(at: int | None) -> str:
    """UTC to the minute, or a dash."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}" if at is not None else "-"


def card_objects(db: Engine, store_id: str | None) -> Iterator[dict[str, Any]]:
    """Every card with its usage, as JSON objects with the guide's field names."""
    usage = {one.boltcard_id: one for one in views.usage(db, store_id)}
    for card in cards.every(db, store_id):
        used = usage.get(card.card_id)
        yield {
            "boltcardId": card.card_id,
            "boltcardNtag": card.uid,
            "boltcardAlias": card.alias,
            "storeId": card.store_id,
            "pullPaymentId": card.pull_payment_id,
            "state": card.state.value,
            "keyVersion": card.key_version,
            "lastCounter": card.last_counter,
            "totalPayouts": used.total_payouts if used else 0,
            "totalAmount": btc_text(used.total_amount_msat if used else 0),
            "firstUsed": used.first_used if used else None,
            "lastUsed": used.last_used if used else None,
        }


def card_lines(db: Engine, store_id: str | None) -> list[str]:
    """The cards as a table."""
    head = ("ALIAS", "UID", "STATE", "VER", "COUNTER", "PAYOUTS", "TOTAL SAT", "LAST USED (UTC)")
    usage = {one.boltcard_id: one for one in views.usage(db, store_id)}
    rows = []
    for card in cards.every(db, store_id):
        used = usage.get(card.card_id)
        rows.append(
            (
                card.alias or "-",
                card.uid,
                card.state.word,
                str(card.key_version),
                str(card.last_counter),
                str(used.total_payouts if used else 0),
                sat_text(used.total_amount_msat if used else 0),
                time_text(used.last_used if used else None),
            )
        )
    return table(head, rows) if rows else ["no cards yet: a technician makes one"]


def pull_payment_objects(db: Engine, store_id: str | None) -> Iterator[dict[str, Any]]:
    """Every account as a JSON object."""
    for one in pull_payments.all(db, store_id):
        yield {
            "pullPaymentId": one.pull_payment_id,
            "storeId": one.store_id,
            "name": one.name,
            "state": one.state.value,
            "balanceMsat": one.balance_msat,
            "heldMsat": one.held_msat,
            "paidMsat": one.paid_msat,
            "limitMsat": one.limit_msat,
            "startsAt": one.starts_at,
            "endsAt": one.ends_at,
            "createdAt": one.created_at,
        }


def pull_payment_lines(db: Engine, store_id: str | None) -> list[str]:
    """The accounts as a table."""
    head = ("ID", "NAME", "STATE", "BALANCE SAT", "HELD SAT", "PAID SAT")
    rows = [
        (
            one.pull_payment_id,
            one.name,
            one.state.value,
            sat_text(one.balance_msat),
            sat_text(one.held_msat),
            sat_text(one.paid_msat),
        )
        for one in pull_payments.all(db, store_id)
    ]
    return table(head, rows) if rows else ["no accounts yet: see `taptill pull-payments create`"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest text; the numbers of a column end at the same place."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    numeric = [
        all(line[column].replace(" ", "").isdecimal() for line in lines[1:])
        for column in range(len(head))
    ]
    return [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    ]
