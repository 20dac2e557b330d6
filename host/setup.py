"""What a fresh home folder and a fresh ledger start with."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from host import config as configuration
from host import keyring as keyrings
from host.clock import SystemClock
from host.config import DATABASE_NAME, Config, ConfigError, StoreConfig
from host.ledger import people, settings, stores
from host.ledger.permissions import Role
from host.ledger.settings import Setting
from host.store.engine import Engine

MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Configured:
    """What `taptill.toml` said when it was followed last; empty before that."""

    currency: str = ""


CONFIGURED: Final = Setting("configured", Configured)


def initialise(home: Path, *, name: str, timezone: str, url: str) -> Iterator[str]:
    """Make what is missing in a home folder and say so; what is there is never touched."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    toml, keys = home / configuration.FILE_NAME, home / keyrings.FILE_NAME
    if not toml.exists():
        text = _toml(name, timezone, url)
        configuration.parse(tomllib.loads(text))  # a bad value must not stay behind in the file
        toml.write_text(text, "utf-8")
        yield f"wrote {toml}"
    else:
        yield f"kept {toml} as it is"
    config = configuration.load(home)
    if not keys.exists():
        keyrings.save(keyrings.generate(), keys)
        yield f"made fresh issuer keys in {keys}: back this file up, cards depend on it"
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    try:
        ensure_shop(db, config)
    finally:
        db.close()
    yield f"ledger ready in {home / DATABASE_NAME}"


def _toml(name: str, timezone: str, url: str) -> str:
    named = json.dumps(name, ensure_ascii=False)
    store = f"[store]\nname = {named}\ntimezone = {json.dumps(timezone)}\n"
    return store + (f"\n[public]\nurl = {json.dumps(url)}\n" if url else "")


def ensure_shop(db: Engine, config: Config) -> None:
    """Create the configured store, its manager and the readers' terminals where missing."""
    shop = config.store
    if stores.get(db, shop.id) is None:
        stores.create(
            db,
            shop.name,
            store_id=shop.id,
            timezone=shop.timezone,
            cutoff_hour=shop.cutoff_hour,
            currency=shop.currency,
        )
    _follow(db, shop)
    if people.by_name(db, MANAGER) is None:
        people.create(db, MANAGER, Role.MANAGER, store_id=None)
    for reader in config.readers:
        stores.ensure_terminal(db, reader.terminal, reader.store, reader=reader.device)


def _follow(db: Engine, shop: StoreConfig) -> None:
    """Count in the configured currency when the file names another one than last time; what the
    manager chose on the settings page since then stays."""
    if settings.get(db, shop.id, CONFIGURED).currency != shop.currency:
        stores.set_currency(db, shop.id, shop.currency)
        settings.put(db, shop.id, CONFIGURED, Configured(shop.currency))


def sign_in_link(db: Engine, config: Config, person: str, *, base: str = "") -> str:
    """A link that signs one person in once; raises `ConfigError` when nobody has that name.

    `base` is where the dashboard is reached, when that is not what the configuration says.
    """
    who = people.by_name(db, person)
    if who is None:
        raise ConfigError(f"person: nobody is called {person}")
    base = base or config.dashboard.url or f"http://{config.dashboard.listen}"
    return f"{base.rstrip('/')}/sign-in/link/{people.one_time_link(db, who.person_id)}"
