"""A fresh home, and what is added to one that is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from host import config as configuration
from host.clock import SystemClock
from host.config import DATABASE_NAME, Config, ConfigError, ReaderConfig, StoreConfig
from host.ledger import people, stores
from host.ledger.errors import NotFound
from host.setup import ensure_shop, initialise, sign_in_link
from host.store.engine import Engine


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    list(initialise(made, name='Café "Ada"\\', timezone="Europe/Vienna", url="https://pay.example"))
    return made


def test_what_was_asked_for_is_what_is_read_back(home: Path) -> None:
    loaded = configuration.load(home)
    assert loaded.store == StoreConfig(name='Café "Ada"\\', timezone="Europe/Vienna")
    assert loaded.public.card_base == "lnurlw://pay.example/ln"
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        store = stores.get(db, "main")
        assert store is not None
        assert (store.name, store.timezone) == ('Café "Ada"\\', "Europe/Vienna")
        assert people.by_name(db, "manager") is not None


def test_a_home_is_nobody_elses_to_read(home: Path) -> None:
    assert home.stat().st_mode & 0o077 == 0
    assert (home / DATABASE_NAME).stat().st_mode & 0o077 == 0


def test_an_own_configuration_is_kept(tmp_path: Path) -> None:
    own = '[store]\nname = "Mine"\n'
    (tmp_path / configuration.FILE_NAME).write_text(own)
    lines = list(initialise(tmp_path, name="Other", timezone="UTC", url=""))
    assert (tmp_path / configuration.FILE_NAME).read_text() == own
    assert len(lines) == 3
    assert lines[0].startswith("kept ")


def test_readers_that_are_added_later_get_their_terminals_and_nothing_is_made_twice(
    home: Path,
) -> None:
    config = Config(readers=(ReaderConfig("pcsc"), ReaderConfig("nfc:usb", "bar")))
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        ensure_shop(db, config)
        before = db.events.last_id()
        ensure_shop(db, config)
        assert db.events.last_id() == before
        assert [one.terminal_id for one in stores.terminals(db)] == ["bar", "till-1"]
        moved = replace(config, readers=(ReaderConfig("pcsc:ACR"),))
        ensure_shop(db, moved)
        found = stores.get_terminal(db, "till-1")
        assert found is not None
        assert found.reader == "pcsc:ACR"


def test_a_reader_of_a_store_that_is_not_there_is_named(home: Path) -> None:
    config = Config(readers=(ReaderConfig("pcsc", store="moon"),))
    with (
        Engine.open(home / DATABASE_NAME, SystemClock()) as db,
        pytest.raises(NotFound, match="there is no store moon"),
    ):
        ensure_shop(db, config)


def test_a_sign_in_link_leads_to_where_the_dashboard_is(home: Path) -> None:
    config = configuration.load(home)
    with Engine.open(home / DATABASE_NAME, SystemClock()) as db:
        here = sign_in_link(db, config, "manager")
        there = sign_in_link(db, config, "manager", base="http://127.0.0.1:9/")
        assert here.startswith("http://127.0.0.1:8424/sign-in/")
        assert there.startswith("http://127.0.0.1:9/sign-in/")
        assert people.redeem(db, there.rpartition("/")[2]) is not None
        with pytest.raises(ConfigError, match="nobody is called eve"):
            sign_in_link(db, config, "eve")


def test_a_currency_chosen_on_the_settings_page_outlives_a_restart(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "taptill.db", SystemClock()) as db:
        euro = configuration.parse({"store": {"currency": "EUR"}})
        ensure_shop(db, euro)
        stores.change(db, "main", currency="USD")
        ensure_shop(db, euro)
        assert stores.all(db)[0].currency == "USD"
        ensure_shop(db, configuration.parse({"store": {"currency": "CHF"}}))
        assert stores.all(db)[0].currency == "CHF"
