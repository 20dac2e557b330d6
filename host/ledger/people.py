"""Who works here: roles, passwords and PINs, sessions, and one-time links.

Tokens are handed out once and kept as SHA-256 only. Passwords and PINs are scrypt (`pins`). Five
wrong ones lock a person out for a while; the count lives here, so a restart does not clear it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from host.clock import DAY, HOUR, MINUTE
from host.ledger import audit, ids, pins
from host.ledger.errors import LedgerError, NotAllowed, NotFound, Taken
from host.ledger.permissions import Person, Role
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
    "sign_in_with_pin",
    "sign_out",
    "unblock",
]

LINK_MS: Final = 10 * MINUTE
IDLE_MS: Final = 8 * HOUR
ABSOLUTE_MS: Final = 7 * DAY
SEEN_EVERY_MS: Final = MINUTE
"""A session's last use is written this often, not on every request."""

MAX_TRIES: Final = 5
LOCK_MS: Final = 5 * MINUTE

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
    pin_hash = pins.make_hash(pins.check_pin(pin)) if pin is not None else None

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


def set_pin(db: Place, person_id: str, pin: str, by: str | None = None) -> None:
    """Replace the PIN for trusted terminals; every session of that person ends."""
    _set_secret(db, person_id, "pin_hash", pins.make_hash(pins.check_pin(pin)), by)


def block(db: Place, person_id: str, by: str | None = None) -> Person:
    """Let somebody in no more; every session ends now."""
    return _set_state(db, person_id, "blocked", by)


def unblock(db: Place, person_id: str, by: str | None = None) -> Person:
    """Let somebody in again, with the tries counted anew."""
    return _set_state(db, person_id, "active", by)


def sign_in(db: Place, name: str, password: str) -> str | None:
    """A session token for a name and its password; None for a wrong one, or a locked person."""
    return _sign_in(db, name, "password_hash", password, None)


def sign_in_with_pin(db: Place, name: str, pin: str, terminal_id: str) -> str | None:
    """A session token for a PIN at a trusted terminal; None for a wrong one."""
    return _sign_in(db, name, "pin_hash", pin, terminal_id)


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
                "hash": _digest(token),
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
        row = {"hash": _digest(token), "now": tx.now}
        used = tx.run(
            "UPDATE sign_in_links SET used_at = :now"
            " WHERE token_hash = :hash AND used_at IS NULL AND expires_at > :now",
            row,
        )
        link = tx.one("SELECT person_id FROM sign_in_links WHERE token_hash = :hash", row)
        if used != 1 or link is None or not _need(tx, link["person_id"]).active:
            return None
        return _start(tx, link["person_id"], None, "link")

    return db.transaction(use)


def session(db: Place, token: str) -> Person | None:
    """Who a session token stands for; None when it is over, revoked, or the person is blocked."""
    row = {"hash": _digest(token)}

    def look(tx: Tx) -> tuple[Person, bool] | None:
        found = tx.one(
            "SELECT s.person_id, s.seen_at"
            " FROM sessions s JOIN people p ON p.person_id = s.person_id"
            " WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > :now"
            " AND s.seen_at > :idle AND p.state = 'active'",
            {**row, "now": tx.now, "idle": tx.now - IDLE_MS},
        )
        if found is None:
            return None
        return _need(tx, found["person_id"]), tx.now - found["seen_at"] >= SEEN_EVERY_MS

    known = db.read(look)
    if known is None:
        return None
    person, stale = known
    if stale:
        db.transaction(
            lambda tx: tx.run(
                "UPDATE sessions SET seen_at = :now WHERE token_hash = :hash",
                {**row, "now": tx.now},
            )
        )
    return person


def sign_out(db: Place, token: str) -> None:
    """End one session."""
    row = {"hash": _digest(token)}
    db.transaction(
        lambda tx: tx.run(
            "UPDATE sessions SET revoked_at = :now WHERE token_hash = :hash AND revoked_at IS NULL",
            {**row, "now": tx.now},
        )
    )


def _sign_in(db: Place, name: str, column: str, secret: str, terminal_id: str | None) -> str | None:
    """Hash first, outside the lock; compare and count under it. A stranger takes as long."""
    sql = f"SELECT person_id, state, tries, locked_until, {column} FROM people WHERE name = :name"  # noqa: S608
    before = db.read(lambda tx: tx.one(sql, {"name": name}))
    stored = before[column] if before else None
    offered = pins.try_pin(stored or _NOBODY, secret)
    if before is None or stored is None:
        return None

    def decide(tx: Tx) -> str | None:
        row = tx.one(sql, {"name": name})
        if row is None or row["state"] != "active" or row[column] is None:
            return None
        if row["locked_until"] is not None and tx.now < row["locked_until"]:
            return None
        right = pins.fits(offered, row[column])
        tries = 0 if right else row["tries"] + 1
        lock = tries >= MAX_TRIES
        tx.run(
            "UPDATE people SET tries = :tries, locked_until = :until WHERE person_id = :id",
            {
                "tries": 0 if lock else tries,
                "until": tx.now + LOCK_MS if lock else None,
                "id": row["person_id"],
            },
        )
        if lock:
            audit.append(tx, None, "person.locked", row["person_id"])
        return _start(tx, row["person_id"], terminal_id, column) if right else None

    return db.transaction(decide)


def _start(tx: Tx, person_id: str, terminal_id: str | None, how: str) -> str:
    token = secrets.token_urlsafe(32)
    tx.run(
        "INSERT INTO sessions (token_hash, person_id, terminal_id, created_at, seen_at, expires_at)"
        " VALUES (:hash, :person_id, :terminal_id, :now, :now, :until)",
        {
            "hash": _digest(token),
            "person_id": person_id,
            "terminal_id": terminal_id,
            "now": tx.now,
            "until": tx.now + ABSOLUTE_MS,
        },
    )
    facts = {"by": how.removesuffix("_hash"), "terminal_id": terminal_id}
    audit.append(tx, person_id, "person.sign_in", person_id, facts)
    return token


def _set_secret(db: Place, person_id: str, column: str, secret: str, by: str | None) -> None:
    def change(tx: Tx) -> None:
        _need(tx, person_id)
        row = {"secret": secret, "id": person_id}
        tx.run(
            f"UPDATE people SET {column} = :secret, tries = 0, locked_until = NULL"  # noqa: S608
            " WHERE person_id = :id",
            row,
        )
        _revoke(tx, person_id)
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


def _revoke(tx: Tx, person_id: str) -> None:
    tx.run(
        "UPDATE sessions SET revoked_at = :now WHERE person_id = :id AND revoked_at IS NULL",
        {"now": tx.now, "id": person_id},
    )


def _check_password(password: str) -> str:
    if not 8 <= len(password) <= 200:
        raise LedgerError("password: must be 8 to 200 characters")
    return password


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _row(db: Place, column: str, value: str) -> Row | None:
    sql = f"SELECT {_COLUMNS} FROM people WHERE {column} = :value"  # noqa: S608
    return db.read(lambda tx: tx.one(sql, {"value": value}))


def _need(tx: Tx, person_id: str) -> Person:
    person = get(tx, person_id)
    if person is None:
        raise NotFound(f"person_id: there is no person {person_id}")
    return person


_NOBODY: Final = f"scrypt${pins.COST}${bytes(16).hex()}${bytes(32).hex()}"
"""What a stranger's password is hashed against, so that names cannot be told by the time."""
