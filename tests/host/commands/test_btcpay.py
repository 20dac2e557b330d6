"""`taptill pull-payments btcpay`, and what `taptill wallet test` says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.ledger import btcpay, pull_payments
from host.lightning.btcpay_claims import MANAGE
from host.store.engine import Engine
from tests.support.btcpay_shop import net_of
from tests.support.command import taptill, words
from tests.support.wallet_servers.btcpay_claims import PULL_PAYMENT, ClaimsServer


@dataclass
class Shop:
    """A home folder whose wallet is a BTCPay stand-in."""

    home: Path
    server: ClaimsServer
    account: str

    def btcpay(self, *arguments: str) -> list[str]:
        result = taptill(self.home, "pull-payments", "btcpay", self.account, *arguments)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    def trial(self) -> tuple[int, list[str]]:
        result = taptill(self.home, "wallet", "test")
        return result.exit_code, result.output.splitlines()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    assert taptill(tmp_path, "init").exit_code == 0
    with Engine.open(tmp_path / DATABASE_NAME, SystemClock()) as db:
        account = pull_payments.create(db, "main", "Guests").pull_payment_id
    with ClaimsServer(net_of(SystemClock()), "pool") as server:
        assert isinstance(server, ClaimsServer)
        with (tmp_path / "taptill.toml").open("a") as toml:
            toml.write(
                '[wallet]\nkind = "btcpay"\nnetwork = "regtest"\n'
                f'[wallet.btcpay]\nurl = "{server.url}"\nstore_id = "{server.store}"\n'
            )
        key = tmp_path / "btcpay-api-key"
        key.write_text(server.secret)
        key.chmod(0o600)
        yield Shop(tmp_path, server, account)
        assert not server.violations


def test_an_account_is_linked_shown_and_unlinked(shop: Shop) -> None:
    assert shop.btcpay() == ["its payouts are sent from the wallet"]
    assert shop.btcpay(PULL_PAYMENT, "--manage")[0] == "payouts are filed at “Cards” in BTC"
    assert shop.btcpay() == [f"filed at {PULL_PAYMENT} in BTC, approved by us"]
    assert shop.btcpay("--remove") == ["its payouts are sent from the wallet"]
    assert shop.btcpay("--remove") == ["it was not linked"]


def test_a_pull_payment_that_approves_everything_is_warned_of(shop: Shop) -> None:
    result = taptill(shop.home, "pull-payments", "btcpay", shop.account, PULL_PAYMENT)
    assert "whoever learns its id can empty it" in result.stderr


def test_what_cannot_be_linked_is_said_and_not_linked(shop: Shop) -> None:
    shelf = shop.server.shelf.pull_payments
    shelf["long"] = replace(shelf[PULL_PAYMENT], days=30)
    for name, said in (("long", "30 days"), ("gone", "no such pull payment")):
        asked = taptill(shop.home, "pull-payments", "btcpay", shop.account, name)
        assert said in words(asked)
    with Engine.open(shop.home / DATABASE_NAME, SystemClock()) as db:
        assert btcpay.links(db) == []


def test_another_wallet_has_no_pull_payments(tmp_path: Path) -> None:
    assert taptill(tmp_path, "init").exit_code == 0
    asked = taptill(tmp_path, "pull-payments", "btcpay", "any", "remote")
    assert "wallet.kind" in words(asked)


def test_the_wallet_test_says_whether_claims_would_be_paid_and_which_rights_are_needed(
    shop: Shop,
) -> None:
    code, lines = shop.trial()
    assert code == 1  # without a link the right to manage payouts is one too many
    assert MANAGE in lines[-1]
    shop.btcpay(PULL_PAYMENT, "--manage")
    code, lines = shop.trial()
    assert (code, lines[-1]) == (0, "ok  claims   “Cards” takes claims in BTC; we approve our own")
    shop.server.shelf.pull_payments[PULL_PAYMENT].archived = True
    code, lines = shop.trial()
    assert (code, lines[-1]) == (1, "BAD claims   “Cards”: it is archived")
    del shop.server.shelf.pull_payments[PULL_PAYMENT]
    code, lines = shop.trial()
    assert code == 1
    assert PULL_PAYMENT not in " ".join(lines)
