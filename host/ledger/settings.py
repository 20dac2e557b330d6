"""What a store decided about itself: one frozen record a subject, with defaults and checks.

A subject is declared once, in the module that uses it:

    @dataclass(frozen=True, slots=True)
    class Tips:
        on: bool = False
        percents: tuple[int, ...] = (5, 10, 15)

        def __post_init__(self) -> None: ...  # raises `LedgerError("percents: …")`

    TIPS: Final = Setting("tips", Tips)

    settings.get(db, store_id, TIPS).percents
    settings.put(db, store_id, TIPS, Tips(on=True), person)

A field is a `bool`, an `int`, a `str`, a `StrEnum`, one of these or None, or a tuple of one of
them. No secret belongs here: every change is told in the audit trail.
"""

from __future__ import annotations

import json
import logging
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from host.ledger import audit, stores
from host.ledger.errors import LedgerError, NotFound
from host.store.tx import Place, Tx

log = logging.getLogger(__name__)

T = TypeVar("T")

_PUT: Final = """
    INSERT INTO store_settings (store_id, key, value, changed_at)
    VALUES (:store_id, :key, :value, :now)
    ON CONFLICT (store_id, key)
    DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
"""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A subject that stores decide about: its name in the table, and its record."""

    key: str
    kind: type[T]

    def read(self, values: Mapping[str, Any]) -> T:
        """The record of these values, defaults for what is missing; unknown names are no news
        to this version. Raises `LedgerError` that names the field.
        """
        kinds = typing.get_type_hints(self.kind)
        names = [one.name for one in fields(self.kind)]  # type: ignore[arg-type]
        known = {name: _typed(values[name], kinds[name], name) for name in names if name in values}
        return self.kind(**known)


def get(db: Place, store_id: str, setting: Setting[T]) -> T:
    """What the store decided, or the defaults, also where the row makes no sense any more."""
    row = db.read(
        lambda tx: tx.one(
            "SELECT value FROM store_settings WHERE store_id = :id AND key = :key",
            {"id": store_id, "key": setting.key},
        )
    )
    if row is None:
        return setting.kind()
    try:
        return setting.read(json.loads(row["value"]))
    except (LedgerError, TypeError) as error:  # a till that cannot charge would be worse
        log.warning("store %s, %s: the defaults hold: %s", store_id, setting.key, error)
        return setting.kind()


def put(db: Place, store_id: str, setting: Setting[T], value: T, person: str | None = None) -> None:
    """Decide; said in the audit trail and as `store.changed`, unless nothing changes."""
    told = asdict(value)  # type: ignore[call-overload]
    row = {"store_id": store_id, "key": setting.key, "value": json.dumps(told)}

    def change(tx: Tx) -> None:
        if stores.get(tx, store_id) is None:
            raise NotFound(f"store_id: there is no store {store_id}")
        if get(tx, store_id, setting) == value:
            return
        tx.run(_PUT, row | {"now": tx.now})
        tx.event("store.changed", store_id=store_id, subject=store_id, data={"key": setting.key})
        audit.append(tx, person, "store.settings", store_id, {"key": setting.key, "value": told})

    db.transaction(change)


def _typed(value: Any, kind: Any, name: str) -> Any:
    """A value of JSON as the field's type; raises `LedgerError` that names the field."""
    if isinstance(kind, types.UnionType):
        (kind,) = (one for one in typing.get_args(kind) if one is not type(None))
        if value is None:
            return None
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise LedgerError(f"{name}: must be a list")
        return tuple(_typed(one, typing.get_args(kind)[0], name) for one in value)
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise LedgerError(f"{name}: must be one of {', '.join(kind)}")
        return kind(value)
    if type(value) is not kind:  # True is no number here
        raise LedgerError(f"{name}: must be a {_WORDS[kind]}")
    return value


_WORDS: Final = {bool: "yes or a no", int: "whole number", str: "text"}
