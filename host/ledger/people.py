"""Who works here: roles, passwords and PINs, sessions, and one-time links.

Tokens are handed out once and kept as SHA-256 only. Passwords and PINs are scrypt (`pins`), and
wrong ones are counted (`proof`). A PIN is of use on a trusted device alone (`devices`), and whoever
came with one is a cashier of that device's store, whatever else a password makes of them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Final

from host.clock import DAY, HOUR, MINUTE
from host.ledger import audit, ids, pins
from host.ledger.errors import LedgerError, NotAllowed, NotFound, Taken
from host.ledger.permissions import Person, Role
from host.ledger.proof import prove
from host.ledger.stores import check_name
from host.store.tx import Place, Row, Tx

__all__ = [
    "Person",
    "Role",
    "block",
    "by_name",
    "create",
    "every",
    "get",
    "locked_until",
    "one_time_link",
    "redeem",
    "session",
    "set_password",
    "set_pin",
    "sign_in",
    "sign_out",
    "unblock",
]

LINK_MS: Final = 10 * MINUTE
IDLE_MS: Final = 8 * HOUR
ABSOLUTE_MS: Final = 7 * DAY
SEEN_EVERY_MS: Final = MINUTE
"""A session's last use is written this often, not on every request."""

_COLUMNS: Final = "person_id, name, role, store_id, state, created_at"


def create(
    db: Place,
    name: str,
    role: Role,
    *,
    store_id: str | None = None,
    password: str | None = None,
    pin: str | None = None,
    by: str | None = None,
) -> Person:
    """Add somebody; `store_id` None is every store. Raises `Taken` for a name in use."""
    password_hash = pins.make_hash(_check_password(password)) if password is not None else None
    pin_hash = pins.make_hash(pins.check_own_pin(pin)) if pin is not None else None

    def insert(tx: Tx) -> Person:
        who = check_name(name)
        if by_name(tx, who) is not None:
            raise Taken(f"name: {who} is in use")
        person_id = ids.new(tx.now)
        tx.run(
            "INSERT INTO people (person_id, name, role, store_id, password_hash, pin_hash, state,"
            " tries, created_at)"
            " VALUES (:id, :name, :role, :store_id, :password, :pin, 'active', 0, :at)",
            {
                "id": person_id,
                "name": who,
                "role": Role(role),
                "store_id": store_id,
                "password": password_hash,
                "pin": pin_hash,
                "at": tx.now,
            },
        )
        audit.append(tx, by, "person.create", person_id, {"name": who, "role": role})
        return _need(tx, person_id)

    return db.transaction(insert)


def get(db: Place, person_id: str) -> Person | None:
    """The person of this id."""
    row = _row(db, "person_id", person_id)
    return Person.of(row) if row else None


def by_name(db: Place, name: str) -> Person | None:
    """The person of this name."""
    row = _row(db, "name", name)
    return Person.of(row) if row else None


def must(person: Person | None, permission: str, store_id: str) -> None:
    """Raise `NotAllowed` unless this person may do that in this store; None is the owner."""
    if person is None:
        return
    if permission not in person.permissions or person.store_id not in (None, store_id):
        raise NotAllowed(f"person: {person.name} may not do this here ({permission})")


def every(db: Place) -> list[Person]:
    """Everybody, by name."""
    rows = db.read(lambda tx: tx.all(f"SELECT {_COLUMNS} FROM people ORDER BY name"))  # noqa: S608
    return [Person.of(row) for row in rows]


def set_password(db: Place, person_id: str, password: str, by: str | None = None) -> None:
    """Replace a password; every session of that person ends."""
    _set_secret(db, person_id, "password_hash", pins.make_hash(_check_password(password)), by)


def set_pin(
    db: Place, person_id: str, pin: str, by: str | None = None, *, keep: str | None = None
) -> None:
    """Replace the PIN for trusted devices; every session of that person but `keep` ends."""
    hashed = pins.make_hash(pins.check_own_pin(pin))
    _set_secret(db, person_id, "pin_hash", hashed, by, keep)


def block(db: Place, person_id: str, by: str | None = None) -> Person:
    """Let somebody in no more; every session ends now."""
    return _set_state(db, person_id, "blocked", by)


def unblock(db: Place, person_id: str, by: str | None = None) -> Person:
    """Let somebody in again, with the tries counted anew."""
    return _set_state(db, person_id, "active", by)


def sign_in(db: Place, name: str, password: str) -> str | None:
    """A session token for a name and its password; None for a wrong one, or a locked person."""
    person_id = getattr(by_name(db, name), "person_id", "")
    token = prove(db, person_id, "password", password, lambda tx: start(tx, person_id, "password"))
    return token if isinstance(token, str) else None


def locked_until(db: Place, name: str) -> int | None:
    """Until when somebody is locked out (epoch ms); None when not."""

    def look(tx: Tx) -> int | None:
        row = tx.one("SELECT locked_until FROM people WHERE name = :name", {"name": name})
        until: int | None = row["locked_until"] if row else None
        return until if until is not None and tx.now < until else None

    return db.read(look)


def one_time_link(db: Place, person_id: str, by: str | None = None) -> str:
    """A token that signs a person in once, within ten minutes."""
    token = secrets.token_urlsafe(32)

    def insert(tx: Tx) -> str:
        _need(tx, person_id)
        tx.run(
            "INSERT INTO sign_in_links (token_hash, person_id, created_at, expires_at)"
            " VALUES (:hash, :person_id, :now, :until)",
            {
                "hash": digest(token),
                "person_id": person_id,
                "now": tx.now,
                "until": tx.now + LINK_MS,
            },
        )
        audit.append(tx, by, "person.link", person_id)
        return token

    return db.transaction(insert)


def redeem(db: Place, token: str) -> str | None:
    """Use a one-time link up for a session token; None when it is used, too old, or not ours."""

    def use(tx: Tx) -> str | None:
        row = {"hash": digest(token), "now": tx.now}
        used = tx.run(
            "UPDATE sign_in_links SET used_at = :now"
            " WHERE token_hash = :hash AND used_at IS NULL AND expires_at > :now",
            row,
        )
        link = tx.one("SELECT person_id FROM sign_in_links WHERE token_hash = :hash", row)
        if used != 1 or link is None or not _need(tx, link["person_id"]).active:
            return None
        return start(tx, link["person_id"], "link")

    return db.transaction(use)


def session(
    db: Place, token: str, device_id: str | None = None, *, used: bool = True
) -> Person | None:
    """Who a session token stands for; None when it is over, revoked, or the person is blocked.

    One that began with a PIN counts on its own device alone, and `used` False (a page that keeps
    itself fresh, and nobody who does anything) does not keep it from being locked.
    """
    row = {"hash": digest(token), "device": device_id}

    def look(tx: Tx) -> tuple[Person | None, bool] | None:
        found = tx.one(_SESSION, {**row, "now": tx.now, "idle": IDLE_MS})
        if found is None:
            return None
        stale = tx.now - found["seen_at"] >= SEEN_EVERY_MS
        who = _need(tx, found["person_id"])
        if (store_id := found["device_store"]) is None:
            return who, stale
        if who.store_id not in (None, store_id):
            return None
        return replace(who, role=Role.CASHIER, store_id=store_id), stale and used

    known = db.read(look)
    if known is None:
        return None
    person, stale = known
    if stale:
        db.transaction(
            lambda tx: tx.run(
                "UPDATE sessions SET seen_at = :now WHERE token_hash = :hash",
                {"hash": row["hash"], "now": tx.now},
            )
        )
    return person


def sign_out(db: Place, token: str) -> None:
    """End one session."""
    row = {"hash": digest(token)}
    db.transaction(
        lambda tx: tx.run(
            "UPDATE sessions SET revoked_at = :now WHERE token_hash = :hash AND revoked_at IS NULL",
            {**row, "now": tx.now},
        )
    )


def start(
    tx: Tx,
    person_id: str,
    how: str,
    *,
    device_id: str | None = None,
    terminal_id: str | None = None,
    idle_ms: int | None = None,
) -> str:
    """Begin a session in a transaction of the caller's, who has the proof: its token."""
    token = secrets.token_urlsafe(32)
    tx.run(
        "INSERT INTO sessions (token_hash, person_id, terminal_id, created_at, seen_at, expires_at,"
        " device_id, idle_ms) VALUES (:hash, :id, :terminal, :now, :now, :until, :device, :idle)",
        {
            "hash": digest(token),
            "id": person_id,
            "terminal": terminal_id,
            "now": tx.now,
            "until": tx.now + ABSOLUTE_MS,
            "device": device_id,
            "idle": idle_ms,
        },
    )
    facts = {"by": how, "terminal_id": terminal_id, "device_id": device_id}
    audit.append(tx, person_id, "person.sign_in", person_id, facts)
    return token


def _set_secret(
    db: Place, person_id: str, column: str, secret: str, by: str | None, keep: str | None = None
) -> None:
    def change(tx: Tx) -> None:
        _need(tx, person_id)
        row = {"secret": secret, "id": person_id}
        tx.run(
            f"UPDATE people SET {column} = :secret, tries = 0, locked_until = NULL"  # noqa: S608
            " WHERE person_id = :id",
            row,
        )
        _revoke(tx, person_id, keep)
        audit.append(tx, by, f"person.{column.removesuffix('_hash')}", person_id)

    db.transaction(change)


def _set_state(db: Place, person_id: str, state: str, by: str | None) -> Person:
    def change(tx: Tx) -> Person:
        _need(tx, person_id)
        tx.run(
            "UPDATE people SET state = :state, tries = 0, locked_until = NULL"
            " WHERE person_id = :id",
            {"state": state, "id": person_id},
        )
        if state != "active":
            _revoke(tx, person_id)
        audit.append(tx, by, f"person.{state}", person_id)
        return _need(tx, person_id)

    return db.transaction(change)


def _revoke(tx: Tx, person_id: str, keep: str | None = None) -> None:
    tx.run(
        "UPDATE sessions SET revoked_at = :now"
        " WHERE person_id = :id AND revoked_at IS NULL AND token_hash <> :keep",
        {"now": tx.now, "id": person_id, "keep": digest(keep or "")},
    )


def _check_password(password: str) -> str:
    if not 8 <= len(password) <= 200:
        raise LedgerError("password: must be 8 to 200 characters")
    return password


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _row(db: Place, column: str, value: str) -> Row | None:
    sql = f"SELECT {_COLUMNS} FROM people WHERE {column} = :value"  # noqa: S608
    return db.read(lambda tx: tx.one(sql, {"value": value}))


def _need(tx: Tx, person_id: str) -> Person:
    person = get(tx, person_id)
    if person is None:
        raise NotFound(f"person_id: there is no person {person_id}")
    return person


_SESSION: Final = """
    SELECT s.person_id, s.seen_at, d.store_id AS device_store
    FROM sessions s JOIN people p ON p.person_id = s.person_id
    LEFT JOIN devices d ON d.device_id = s.device_id
    WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > :now
        AND s.seen_at > :now - coalesce(s.idle_ms, :idle) AND p.state = 'active'
        AND (s.device_id IS NULL OR (s.device_id = :device AND d.revoked_at IS NULL))
"""
