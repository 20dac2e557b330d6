"""Trusted devices: browsers that stand in a store, where its people sign in with a PIN.

A device has a secret in its cookie, kept here as SHA-256 only, and one terminal at which it charges
now. A session that began with a PIN is bound to its device (`people.session`): of use nowhere else,
locked after a while without use, ended with the device's trust.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from host.clock import MINUTE
from host.ledger import audit, ids, people, stores
from host.ledger.errors import LedgerError, NotFound
from host.ledger.people import digest
from host.ledger.permissions import Person
from host.ledger.proof import MAX_TRIES, Wrong, prove
from host.ledger.settings import Setting
from host.ledger.settings import get as setting
from host.store.tx import Place, Row, Tx

LINK_MS: Final = 10 * MINUTE
SEEN_EVERY_MS: Final = 10 * MINUTE
"""A device's last use is written this often, not on every request."""

_COLUMNS: Final = "device_id, name, store_id, terminal_id, trusted_by, created_at, seen_at"


@dataclass(frozen=True, slots=True)
class TillLock:
    """When a till that nobody uses asks for the PIN again."""

    minutes: int = 15

    def __post_init__(self) -> None:
        if not 1 <= self.minutes <= 480:
            raise LedgerError("minutes: must be 1 to 480")


TILL_LOCK: Final = Setting("till_lock", TillLock)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that is trusted; `terminal_id` is where its sales are charged now."""

    device_id: str
    name: str
    store_id: str
    terminal_id: str
    trusted_by: str | None
    created_at: int
    seen_at: int


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may sign in on a device with a PIN."""

    person_id: str
    name: str
    locked_until: int | None


def trust(db: Place, name: str, terminal_id: str, by: str | None = None) -> tuple[Device, str]:
    """Trust a browser: the device, and the token for its cookie, which is shown only now."""

    def insert(tx: Tx) -> tuple[Device, str]:
        place = stores.get_terminal(tx, terminal_id)
        if place is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        token, device_id = secrets.token_urlsafe(32), ids.new(tx.now)
        tx.run(
            "INSERT INTO devices (device_id, token_hash, name, store_id, terminal_id, trusted_by,"
            " created_at, seen_at) VALUES (:id, :hash, :name, :store, :terminal, :by, :now, :now)",
            {
                "id": device_id,
                "hash": digest(token),
                "name": stores.check_name(name),
                "store": place.store_id,
                "terminal": terminal_id,
                "by": by,
                "now": tx.now,
            },
        )
        device = _need(tx, device_id)
        _tell(tx, by, "device.trust", device, name=device.name)
        return device, token

    return db.transaction(insert)


def one_time_link(db: Place, name: str, terminal_id: str, by: str | None = None) -> str:
    """A token that makes the browser which brings it a trusted device, once, within ten minutes."""
    token = secrets.token_urlsafe(32)

    def insert(tx: Tx) -> str:
        place = stores.get_terminal(tx, terminal_id)
        if place is None:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id}")
        tx.run(
            "INSERT INTO device_links (token_hash, name, terminal_id, trusted_by, created_at,"
            " expires_at) VALUES (:hash, :name, :terminal, :by, :now, :until)",
            {
                "hash": digest(token),
                "name": stores.check_name(name),
                "terminal": terminal_id,
                "by": by,
                "now": tx.now,
                "until": tx.now + LINK_MS,
            },
        )
        facts = {"store_id": place.store_id, "name": name}
        audit.append(tx, by, "device.link", terminal_id, facts)
        return token

    return db.transaction(insert)


def redeem(db: Place, token: str) -> tuple[Device, str] | None:
    """Use a link up; None when it is used, too old, or not ours."""
    row = {"hash": digest(token)}

    def use(tx: Tx) -> tuple[Device, str] | None:
        used = tx.run(
            "UPDATE device_links SET used_at = :now"
            " WHERE token_hash = :hash AND used_at IS NULL AND expires_at > :now",
            row | {"now": tx.now},
        )
        link = tx.one(
            "SELECT name, terminal_id, trusted_by FROM device_links WHERE token_hash = :hash", row
        )
        if used != 1 or link is None:
            return None
        return trust(tx, link["name"], link["terminal_id"], link["trusted_by"])

    return db.transaction(use)


def of_token(db: Place, token: str) -> Device | None:
    """The device whose cookie this is; None when it is not trusted (any more)."""
    row = {"hash": digest(token)}
    found = db.one(
        f"SELECT {_COLUMNS} FROM devices WHERE token_hash = :hash AND revoked_at IS NULL",  # noqa: S608
        row,
    )
    if found is None:
        return None
    device = _device(found)
    if db.now - device.seen_at >= SEEN_EVERY_MS:
        sql = "UPDATE devices SET seen_at = :now WHERE token_hash = :hash"
        db.transaction(lambda tx: tx.run(sql, row | {"now": tx.now}))
    return device


def every(db: Place, store_id: str | None = None) -> list[Device]:
    """The devices that are trusted now, oldest first: those of one store, or all."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {_COLUMNS} FROM devices"  # noqa: S608
            " WHERE revoked_at IS NULL AND (:store IS NULL OR store_id = :store)"
            " ORDER BY created_at, device_id",
            {"store": store_id},
        )
    )
    return [_device(row) for row in rows]


def get(db: Place, device_id: str) -> Device | None:
    """The device of this id, while it is trusted."""
    row = db.one(
        f"SELECT {_COLUMNS} FROM devices WHERE device_id = :id AND revoked_at IS NULL",  # noqa: S608
        {"id": device_id},
    )
    return _device(row) if row else None


def revoke(db: Place, device_id: str, by: str | None = None) -> None:
    """Trust a device no more; every session that began on it with a PIN ends now."""

    def change(tx: Tx) -> None:
        device = _need(tx, device_id)
        row = {"id": device_id, "now": tx.now}
        tx.run("UPDATE devices SET revoked_at = :now WHERE device_id = :id", row)
        tx.run(
            "UPDATE sessions SET revoked_at = :now WHERE device_id = :id AND revoked_at IS NULL",
            row,
        )
        _tell(tx, by, "device.revoke", device, name=device.name)

    db.transaction(change)


def charge_at(db: Place, device_id: str, terminal_id: str, by: str | None = None) -> None:
    """Charge this device's sales at another terminal of its store from now on."""

    def change(tx: Tx) -> None:
        device, place = _need(tx, device_id), stores.get_terminal(tx, terminal_id)
        if place is None or place.store_id != device.store_id:
            raise NotFound(f"terminal_id: there is no terminal {terminal_id} in this store")
        if place.terminal_id == device.terminal_id:
            return
        tx.run(
            "UPDATE devices SET terminal_id = :terminal WHERE device_id = :id",
            {"terminal": terminal_id, "id": device_id},
        )
        _tell(tx, by, "device.terminal", device, terminal_id=terminal_id)

    db.transaction(change)


def colleagues(db: Place, device: Device) -> list[Colleague]:
    """Who may sign in on a device with a PIN, by name."""

    def look(tx: Tx) -> list[Colleague]:
        rows = tx.all(
            "SELECT person_id, name, locked_until FROM people WHERE state = 'active'"
            " AND pin_hash IS NOT NULL AND (store_id IS NULL OR store_id = :store) ORDER BY name",
            {"store": device.store_id},
        )
        late = [(row, row["locked_until"]) for row in rows]
        return [
            Colleague(row["person_id"], row["name"], until if (until or 0) > tx.now else None)
            for row, until in late
        ]

    return db.read(look)


def sign_in(
    db: Place, device: Device, person_id: str, pin: str, *, instead_of: str | None = None
) -> str | Wrong:
    """A session token for a PIN, on this device alone; the session `instead_of` ends with it."""

    def begin(tx: Tx) -> str:
        if instead_of:
            people.sign_out(tx, instead_of)
        lock = setting(tx, device.store_id, TILL_LOCK)
        return people.start(
            tx,
            person_id,
            "pin",
            device_id=device.device_id,
            terminal_id=device.terminal_id,
            idle_ms=lock.minutes * MINUTE,
        )

    if person_id not in {one.person_id for one in colleagues(db, device)}:
        return Wrong(MAX_TRIES)
    return prove(db, person_id, "pin", pin, begin)


def locked_out(db: Place, device: Device, token: str) -> Person | None:
    """Who was signed in on this device until nobody used it; the PIN brings them back."""
    row = db.one(
        "SELECT person_id FROM sessions WHERE token_hash = :hash AND device_id = :device"
        " AND revoked_at IS NULL AND expires_at > :now AND seen_at <= :now - idle_ms",
        {"hash": digest(token), "device": device.device_id, "now": db.now},
    )
    person = people.get(db, row["person_id"]) if row else None
    return person if person is not None and person.active else None


def by_pin(db: Place, token: str) -> bool:
    """Whether a session began with a PIN, which proves less than a password."""
    row = {"hash": digest(token)}
    found = db.one("SELECT device_id IS NOT NULL FROM sessions WHERE token_hash = :hash", row)
    return bool(found and found[0])


def _tell(tx: Tx, by: str | None, action: str, device: Device, **facts: str) -> None:
    facts = {"store_id": device.store_id, "terminal_id": device.terminal_id} | facts
    audit.append(tx, by, action, device.device_id, facts)


def _need(tx: Tx, device_id: str) -> Device:
    device = get(tx, device_id)
    if device is None:
        raise NotFound(f"device_id: there is no trusted device {device_id}")
    return device


def _device(row: Row) -> Device:
    return Device(*row)
