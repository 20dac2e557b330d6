"""Stores and the terminals that stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

from host.ledger import audit, ids
from host.ledger.days import check_timezone
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.records import Store, Terminal
from host.store.tx import Place, Tx

_CURRENCY: Final = re.compile(r"[A-Z]{3,5}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


_CHANGE: Final = """
    UPDATE stores SET name = :name, currency = :currency, timezone = :timezone,
        cutoff_hour = :cutoff_hour WHERE store_id = :store_id
"""


def create(
    db: Place,
    name: str,
    *,
    store_id: str | None = None,
    currency: str = "SATS",
    timezone: str = "UTC",
    cutoff_hour: int = 0,
    person: str | None = None,
) -> Store:
    """Open a store. Raises `Taken` for an id that is in use, `LedgerError` naming a bad field."""
    check_timezone(timezone)
    check_currency(currency)
    check_cutoff(cutoff_hour)

    def insert(tx: Tx) -> Store:
        store = Store(
            store_id=check_id(store_id or ids.new(tx.now), "store_id"),
            name=check_name(name),
            currency=currency,
            timezone=timezone,
            cutoff_hour=cutoff_hour,
            created_at=tx.now,
        )
        if get(tx, store.store_id) is not None:
            raise Taken(f"store_id: {store.store_id} is in use")
        tx.run(
            "INSERT INTO stores (store_id, name, currency, timezone, cutoff_hour, created_at)"
            " VALUES (:store_id, :name, :currency, :timezone, :cutoff_hour, :at)",
            {
                "store_id": store.store_id,
                "name": store.name,
                "currency": currency,
                "timezone": timezone,
                "cutoff_hour": cutoff_hour,
                "at": tx.now,
            },
        )
        tx.event("store.created", store_id=store.store_id, subject=store.store_id)
        audit.append(tx, person, "store.create", store.store_id, {"name": store.name})
        return store

    return db.transaction(insert)


def set_currency(db: Place, store_id: str, currency: str, person: str | None = None) -> None:
    """Count in another currency from now on; sales that were made keep theirs."""
    check_currency(currency)

    def change(tx: Tx) -> None:
        values = {"currency": currency, "id": store_id}
        sql = "UPDATE stores SET currency = :currency WHERE store_id = :id"
        if tx.run(sql + " AND currency <> :currency", values):
            tx.event("store.changed", store_id=store_id, subject=store_id)
            audit.append(tx, person, "store.currency", store_id, {"currency": currency})

    db.transaction(change)


def change(
    db: Place, store_id: str, person: str | None = None, **wanted: str | int | None
) -> Store:
    """Change a store's `name`, `currency`, `timezone` or `cutoff_hour`, from now on: what was made
    keeps its currency and its business day. Raises `LedgerError` that names the field.
    """

    def write(tx: Tx) -> Store:
        before = get(tx, store_id)
        if before is None:
            raise NotFound(f"store_id: there is no store {store_id}")
        after = replace(before, **{name: _CHECKS[name](value) for name, value in wanted.items()})  # type: ignore[arg-type]
        if after == before:
            return before
        tx.run(_CHANGE, asdict(after))
        tx.event("store.changed", store_id=store_id, subject=store_id)
        facts = {name: getattr(after, name) for name in wanted}
        facts |= {f"was_{name}": getattr(before, name) for name in wanted}
        audit.append(tx, person, "store.change", store_id, facts)
        return after

    return db.transaction(write)


def get(db: Place, store_id: str) -> Store | None:
    """The store of this id."""
    row = db.read(lambda tx: tx.one("SELECT * FROM stores WHERE store_id = :id", {"id": store_id}))
    return Store.of(row) if row else None


def all(db: Place) -> list[Store]:  # noqa: A001 - read as `stores.all`
    """Every store, by name."""
    rows = db.read(lambda tx: tx.all("SELECT * FROM stores ORDER BY name, store_id"))
    return [Store.of(row) for row in rows]


def ensure_terminal(
    db: Place, terminal_id: str, store_id: str, *, name: str = "", reader: str | None = None
) -> Terminal:
    """Make the terminal, or bring its store and its reader up to date."""

    def ensure(tx: Tx) -> Terminal:
        check_id(terminal_id, "terminal_id")
        if get(tx, store_id) is None:
            raise NotFound(f"store_id: there is no store {store_id}")
        tx.run(
            "INSERT INTO terminals (terminal_id, store_id, name, reader, created_at)"
            " VALUES (:terminal_id, :store_id, :name, :reader, :at) ON CONFLICT (terminal_id)"
            " DO UPDATE SET store_id = excluded.store_id, reader = excluded.reader",
            {
                "terminal_id": terminal_id,
                "store_id": store_id,
                "name": name or terminal_id,
                "reader": reader,
                "at": tx.now,
            },
        )
        terminal = get_terminal(tx, terminal_id)
        if terminal is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        return terminal

    return db.transaction(ensure)


def rename_terminal(db: Place, terminal_id: str, name: str, person: str | None = None) -> None:
    """Call a terminal something else; its id, which sales and reports carry, stays."""

    def change(tx: Tx) -> None:
        terminal = get_terminal(tx, terminal_id)
        if terminal is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        new = check_name(name)
        tx.run(
            "UPDATE terminals SET name = :name WHERE terminal_id = :id",
            {"name": new, "id": terminal_id},
        )
        facts = {"store_id": terminal.store_id, "name": new, "was": terminal.name}
        audit.append(tx, person, "terminal.rename", terminal_id, facts)

    db.transaction(change)


def get_terminal(db: Place, terminal_id: str) -> Terminal | None:
    """The terminal of this id."""
    row = db.read(
        lambda tx: tx.one("SELECT * FROM terminals WHERE terminal_id = :id", {"id": terminal_id})
    )
    return Terminal.of(row) if row else None


def terminals(db: Place, store_id: str | None = None) -> list[Terminal]:
    """Every terminal, or those of one store."""
    rows = db.read(
        lambda tx: tx.all(
            "SELECT * FROM terminals WHERE :store_id IS NULL OR store_id = :store_id"
            " ORDER BY terminal_id",
            {"store_id": store_id},
        )
    )
    return [Terminal.of(row) for row in rows]


def check_id(text: str, field: str) -> str:
    """An id we may show in a URL; raises `LedgerError`."""
    if not _ID.fullmatch(text):
        raise LedgerError(f"{field}: 1 to 64 letters, digits and _ . : -")
    return text


def check_currency(text: str) -> str:
    """A currency's code, such as EUR, or SATS; raises `LedgerError`."""
    if not _CURRENCY.fullmatch(text):
        raise LedgerError("currency: write a code like EUR, or SATS for none")
    return text


def check_cutoff(hour: int | None) -> int:
    """The hour at which a business day begins; raises `LedgerError`."""
    if hour is None or not 0 <= hour <= 23:
        raise LedgerError("cutoff_hour: must be 0 to 23")
    return hour


def check_name(text: str, field: str = "name") -> str:
    """A name for people: one line, trimmed; raises `LedgerError`."""
    name = " ".join(text.split())
    if not 0 < len(name) <= 120 or not name.isprintable():
        raise LedgerError(f"{field}: 1 to 120 characters")
    return name


_CHECKS: Final[dict[str, Callable[[Any], str | int]]] = {
    "name": check_name,
    "currency": check_currency,
    "timezone": check_timezone,
    "cutoff_hour": check_cutoff,
}
