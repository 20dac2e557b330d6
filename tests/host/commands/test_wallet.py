"""`taptill wallet test`, `taptill cards pin` and `unlock`; and what the till's tables refuse."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host import config as configuration
from host.cli import cli
from host.clock import SystemClock
from host.config import DATABASE_NAME, ConfigError
from host.ledger import cards, claims, pins
from host.ledger.codes import Code, Refused
from host.ledger.requests import ClaimRequest, Source
from host.store.engine import Engine
from tests.support.books import Shop, code, tap
from tests.support.books import shop as open_shop
from tests.support.command import taptill, words


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    assert DATABASE_NAME == "taptill.db"
    with open_shop(tmp_path) as shop:
        yield shop


def typed(home: Path, *arguments: str, keys: str) -> Result:
    """The command with somebody at its keyboard."""
    return CliRunner().invoke(cli, ["--home", str(home), *arguments], input=keys)


def pay(shop: Shop, card: cards.Card, counter: int, pin: str | None = None) -> object:
    sale = shop.sale(1_000)
    request = ClaimRequest(tap(card, counter), 1_000, Source.TILL, sale_id=sale.sale_id, pin=pin)
    return claims.claim(shop.db, request)


def test_a_pin_is_typed_twice_and_never_shown(shop: Shop, tmp_path: Path) -> None:
    card = shop.card()
    result = typed(tmp_path, "cards", "pin", card.card_id, keys="7391\n7391\n")
    assert result.exit_code == 0, result.output
    assert "7391" not in result.output
    assert code(pay(shop, card, 1)) is Code.PIN_REQUIRED
    assert not isinstance(pay(shop, card, 1, "7391"), Refused)
    assert typed(tmp_path, "cards", "pin", card.uid, "--remove", keys="").exit_code == 0
    assert not isinstance(pay(shop, card, 2), Refused)


def test_a_pin_may_be_asked_from_an_amount_on(shop: Shop, tmp_path: Path) -> None:
    card = shop.card()
    result = typed(tmp_path, "cards", "pin", card.uid, "--from", "2 sat", keys="7391\n7391\n")
    assert result.exit_code == 0, result.output
    assert not isinstance(pay(shop, card, 1), Refused)
    assert shop.now(card).pin_limit_msat == 2_000


@pytest.mark.parametrize("pin", ["12", "abcd", "1234567890123"])
def test_what_is_no_pin_is_said_without_repeating_it(shop: Shop, tmp_path: Path, pin: str) -> None:
    result = typed(tmp_path, "cards", "pin", shop.card().card_id, keys=f"{pin}\n{pin}\n")
    assert result.exit_code == 2
    assert "pin: must be 4 to 12 digits" in result.output
    assert pin not in result.output.replace("4 to 12 digits", "")


def test_a_manager_unlocks_a_pin(shop: Shop, tmp_path: Path) -> None:
    card = cards.set_pin(shop.db, shop.card().card_id, "7391")
    for _ in range(pins.MAX_TRIES):
        pay(shop, card, 1, "0000")
    assert code(pay(shop, card, 1, "7391")) is Code.PIN_LOCKED
    result = taptill(tmp_path, "cards", "unlock", card.uid)
    assert result.exit_code == 0, result.output
    assert not isinstance(pay(shop, card, 1, "7391"), Refused)
    assert "no card has the id or UID x" in words(taptill(tmp_path, "cards", "unlock", "x"))


def test_the_wallet_is_tried_in_words_and_as_json(tmp_path: Path) -> None:
    assert taptill(tmp_path, "init").exit_code == 0
    result = taptill(tmp_path, "wallet", "test")
    assert result.exit_code == 0
    assert "a simulation, its money is none" in result.output
    said = json.loads(taptill(tmp_path, "wallet", "test", "--json").output)
    assert [one["name"] for one in said][:2] == ["reach", "invoice"]
    with (tmp_path / "taptill.toml").open("a") as toml:
        toml.write('[wallet]\nkind = "lnbits"\n[wallet.lnbits]\nurl = "http://127.0.0.1:9"\n')
    assert "put the wallet's key there" in words(taptill(tmp_path, "wallet", "test"))
    (tmp_path / "lnbits-key").write_text("0123456789abcdef")
    (tmp_path / "lnbits-key").chmod(0o600)
    result = taptill(tmp_path, "wallet", "test")
    assert (result.exit_code, result.output) == (1, "BAD reach    LNbits cannot be reached\n")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[till]\ninsecure_hosts = ["10.0.0.1:80"]', "till.insecure_hosts[0]: must be an address"),
        ('[till]\ninsecure_hosts = ["localhost:80"]', "till.insecure_hosts[0]: write an address"),
        (
            '[till]\ninsecure_hosts = ["127.0.0.1:80"]\n[wallet]\nkind = "phoenixd"',
            "till.insecure_hosts[0]: is for tests",
        ),
        ('[till]\nonion_proxy = "tor"', "till.onion_proxy: write an address"),
        ("[till]\nwait_seconds = 0", "till.wait_seconds: must be between"),
        ('[store]\ncurrency = "euro"', "store.currency: write a code"),
        ('[rates]\nfixed = "60000"', "rates: name the store's currency"),
        ('[rates]\nfixed = "cheap"', "rates.fixed: rate: must be a number"),
        ('[rates]\nurl = "https://x.example"', "rates: url and path belong together"),
        ('[rates]\nfixed = "1"\nurl = "https://x.example"\npath = "x"', "rates: give either"),
        ("[rates]\nevery_seconds = 1", "rates.every_seconds: must be between"),
        ("[rates]\nstale_minutes = 90", "rates.void_minutes: must be at least"),
    ],
)
def test_a_setting_that_cannot_be_is_named(text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.parse(tomllib.loads(text))
    assert field in str(caught.value)


def test_the_stores_currency_follows_the_configuration(tmp_path: Path) -> None:
    assert taptill(tmp_path, "init").exit_code == 0
    with (tmp_path / "taptill.toml").open("r+") as toml:
        text = toml.read().replace("[store]\n", '[store]\ncurrency = "EUR"\n')
        toml.seek(0)
        toml.write(text)
    assert taptill(tmp_path, "init").exit_code == 0
    db = Engine.open(tmp_path / DATABASE_NAME, SystemClock())
    row = db.read(lambda tx: tx.one("SELECT currency FROM stores"))
    db.close()
    assert row is not None
    assert row[0] == "EUR"
