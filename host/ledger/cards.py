"""Cards: who may tap, on which account, within which limits. Their keys are never kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from host.ledger import audit, pins, pull_payments
from host.ledger.errors import LedgerError, NotFound, Taken
from host.ledger.records import CARD_COLUMNS, Card, CardState, KeyScheme, Limits
from host.ledger.stores import check_id, check_name
from host.money import MAX_MSAT
from host.ntag424.values import Uid
from host.store.tx import Place, Tx

_INSERT = """
    INSERT INTO cards (card_id, store_id, pull_payment_id, uid, alias, issuer_id, key_version,
        key_scheme, last_counter, state, starts_at, ends_at, limit_tap_msat, limit_day_msat,
        limit_month_msat, limit_count, pin_hash, pin_limit_msat, pin_tries, created_at)
    VALUES (:card_id, :store_id, :pull_payment_id, :uid, :alias, :issuer_id, :key_version,
        :key_scheme, :last_counter, :state, :starts_at, :ends_at, :tap, :day,
        :month, :count, NULL, NULL, 0, :at)
"""


def register(
    db: Place,
    *,
    card_id: str,
    uid: Uid,
    store_id: str,
    pull_payment_id: str,
    alias: str,
    issuer_id: str,
    key_version: int,
    key_scheme: KeyScheme = KeyScheme.BOLTCARD,
    last_counter: int = 0,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    state: CardState = CardState.ACTIVE,
    starts_at: int | None = None,
    ends_at: int | None = None,
    person: str | None = None,
) -> Card:
    """Take a card into the books. Raises `Taken` when its id or UID is there already.

    `card_id` is `ntag424.keys.card_id` in hex; `last_counter` is the counter the chip showed
    when it was made, so that no older tap is ever taken.
    """

    def insert(tx: Tx) -> Card:
        account = pull_payments.get(tx, pull_payment_id)
        if account is None or account.store_id != store_id:
            raise NotFound(f"pull_payment_id: the store has no pull payment {pull_payment_id}")
        if get(tx, card_id) is not None or by_uid(tx, uid) is not None:
            raise Taken("card: this card is registered already")
        row = {
            "card_id": check_id(card_id, "card_id"),
            "store_id": store_id,
            "pull_payment_id": pull_payment_id,
            "uid": uid.hex(),
            "alias": check_name(alias, "alias"),
            "issuer_id": issuer_id,
            "key_version": key_version,
            "key_scheme": key_scheme,
            "last_counter": last_counter,
            "state": CardState(state),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "at": tx.now,
        }
        tx.run(_INSERT, row | _limits(limits))
        return _changed(tx, card_id, person, "register", {"key_version": key_version})

    return db.transaction(insert)


def get(db: Place, card_id: str) -> Card | None:
    """The card of this id."""
    return _one(db, "card_id", card_id)


def by_uid(db: Place, uid: Uid) -> Card | None:
    """The card with this UID."""
    return _one(db, "uid", uid.hex())


def all(  # noqa: A001 - read as `cards.all`
    db: Place, store_id: str, *, after: str | None = None, limit: int = 50
) -> list[Card]:
    """Cards of a store, oldest first; `after` the last card's id for the next page."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {CARD_COLUMNS} FROM cards WHERE store_id = :store_id"  # noqa: S608
            " AND (:after IS NULL OR (created_at, card_id) >"
            " (SELECT created_at, card_id FROM cards WHERE card_id = :after))"
            " ORDER BY created_at, card_id LIMIT :limit",
            {"store_id": store_id, "after": after, "limit": limit},
        )
    )
    return [Card.of(row) for row in rows]


def every(db: Place, store_id: str | None = None) -> list[Card]:
    """Every card, or those of one store, oldest first."""
    rows = db.read(
        lambda tx: tx.all(
            f"SELECT {CARD_COLUMNS} FROM cards"  # noqa: S608
            " WHERE :store_id IS NULL OR store_id = :store_id ORDER BY created_at, card_id",
            {"store_id": store_id},
        )
    )
    return [Card.of(row) for row in rows]


def set_state(db: Place, card_id: str, state: CardState, person: str | None = None) -> Card:
    """Move a card to another state; a wiped card stays wiped until it is made anew."""

    def change(tx: Tx) -> Card:
        card = _need(tx, card_id)
        if card.state is CardState.WIPED and state is not CardState.WIPED:
            raise LedgerError("card: it was wiped; make it anew")
        return _set(tx, card_id, {"state": CardState(state)}, person, str(state))

    return db.transaction(change)


def freeze(db: Place, card_id: str, person: str | None = None) -> Card:
    """Block a card from now on, also a tap of it that was scanned but not claimed yet."""
    return set_state(db, card_id, CardState.FROZEN, person)


def unfreeze(db: Place, card_id: str, person: str | None = None) -> Card:
    """Let a frozen card pay again."""
    return set_state(db, card_id, CardState.ACTIVE, person)


def wipe(db: Place, card_id: str, person: str | None = None) -> Card:
    """Note that a card was wiped; its payouts stay."""
    return set_state(db, card_id, CardState.WIPED, person)


def rekey(
    db: Place,
    card_id: str,
    *,
    issuer_id: str,
    key_version: int,
    last_counter: int,
    key_scheme: KeyScheme = KeyScheme.BOLTCARD,
    state: CardState = CardState.ACTIVE,
    person: str | None = None,
) -> Card:
    """Note that a card carries new keys: version and counter change together (THREATS 11).

    A chip may count from zero again under new keys, so they need a higher version; under the
    same version the counter never falls. Either way no tap that was spent can come again.
    """

    def change(tx: Tx) -> Card:
        card = _need(tx, card_id)
        if (key_version, last_counter) < (card.key_version, card.last_counter):
            raise LedgerError("key_version: new keys need a higher version than the card has had")
        if key_version == card.key_version and issuer_id != card.issuer_id:
            raise LedgerError("key_version: another issuer key needs a higher version")
        values = {
            "issuer_id": issuer_id,
            "key_version": key_version,
            "key_scheme": KeyScheme(key_scheme),
            "last_counter": last_counter,
            "state": CardState(state),
        }
        return _set(tx, card_id, values, person, "rekey")

    return db.transaction(change)


def rename(db: Place, card_id: str, alias: str, person: str | None = None) -> Card:
    """Give a card another name, on its usage too."""

    def change(tx: Tx) -> Card:
        name = check_name(alias, "alias")
        tx.run(
            "UPDATE boltcard_usage SET alias = :alias WHERE boltcard_id = :id",
            {"alias": name, "id": card_id},
        )
        return _set(tx, card_id, {"alias": name}, person, "rename")

    return db.transaction(change)


def set_limits(db: Place, card_id: str, limits: Limits, person: str | None = None) -> Card:
    """Replace all limits of a card."""
    values = _limits(limits)
    columns = {
        "limit_tap_msat": values["tap"],
        "limit_day_msat": values["day"],
        "limit_month_msat": values["month"],
        "limit_count": values["count"],
    }
    return db.transaction(lambda tx: _set(tx, card_id, columns, person, "limits"))


def set_dates(
    db: Place, card_id: str, starts_at: int | None, ends_at: int | None, person: str | None = None
) -> Card:
    """From when and until when a card pays; None is open."""
    values = {"starts_at": starts_at, "ends_at": ends_at}
    return db.transaction(lambda tx: _set(tx, card_id, values, person, "dates"))


def set_pin(
    db: Place,
    card_id: str,
    pin: str | None,
    *,
    limit_msat: int = 0,
    person: str | None = None,
    by_holder: bool = False,
) -> Card:
    """Ask for this PIN from `limit_msat` on (0 is always), or for none; tries begin anew.

    `by_holder` says that `person` let the holder choose it.
    """
    values = {
        "pin_hash": pins.make_hash(pins.check_pin(pin)) if pin is not None else None,
        "pin_limit_msat": limit_msat if pin is not None else None,
        "pin_tries": 0,
    }
    told: dict[str, Any] = {"pin_limit_msat": values["pin_limit_msat"]}
    if by_holder:
        told["chosen_by"] = "holder"
    return db.transaction(lambda tx: _set(tx, card_id, values, person, "pin", told))


def unlock_pin(db: Place, card_id: str, person: str | None = None) -> Card:
    """Let the PIN be tried again after it was locked."""
    return db.transaction(lambda tx: _set(tx, card_id, {"pin_tries": 0}, person, "pin.unlock"))


def _limits(limits: Limits) -> dict[str, int | None]:
    values = {
        "tap": limits.tap_msat,
        "day": limits.day_msat,
        "month": limits.month_msat,
        "count": limits.count,
    }
    for name, value in values.items():
        if value is not None and not 0 <= value <= MAX_MSAT:
            raise LedgerError(f"limit {name}: must be zero or more, or left blank for none")
    return values


def _set(
    tx: Tx,
    card_id: str,
    values: Mapping[str, Any],
    person: str | None,
    action: str,
    told: Mapping[str, Any] | None = None,
) -> Card:
    """Change columns; `told` is what the audit trail says, by default the values."""
    _need(tx, card_id)
    sets = ", ".join(f"{column} = :{column}" for column in values)
    tx.run(f"UPDATE cards SET {sets} WHERE card_id = :id", {**values, "id": card_id})  # noqa: S608
    return _changed(tx, card_id, person, action, values if told is None else told)


def _changed(
    tx: Tx, card_id: str, person: str | None, action: str, facts: Mapping[str, Any]
) -> Card:
    card = _need(tx, card_id)
    tx.event("card.changed", store_id=card.store_id, subject=card_id, data={"change": action})
    audit.append(tx, person, f"card.{action}", card_id, facts)
    return card


def _need(tx: Tx, card_id: str) -> Card:
    card = get(tx, card_id)
    if card is None:
        raise NotFound(f"card_id: there is no card {card_id}")
    return card


def _one(db: Place, column: str, value: str) -> Card | None:
    row = db.read(
        lambda tx: tx.one(
            f"SELECT {CARD_COLUMNS} FROM cards WHERE {column} = :value",  # noqa: S608
            {"value": value},
        )
    )
    return Card.of(row) if row else None
