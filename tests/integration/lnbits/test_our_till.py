"""Two Taptills whose wallets are a real LNbits: our till charges the other one's card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from host.config import TillConfig
from host.ledger.records import PayoutStatus, SaleState
from host.lightning.lnbits import LnbitsWallet
from host.lightning.settings import CREDENTIALS, ServiceTable, WalletConfig
from host.lightning.trial import examine
from host.lightning.wallet import Paid
from host.money import sats
from tests.support.abroad import fill_abroad
from tests.support.lnbits import Lnbits
from tests.support.running import (
    RunningShop,
    config_of,
    running,
    wait_for,
    wait_payout,
    wait_sale,
)

pytestmark = pytest.mark.lnbits


@contextmanager
def taptill(
    home: Path, lnbits: Lnbits, balance_sat: int, till: TillConfig | None = None
) -> Iterator[RunningShop]:
    """A Taptill whose wallet is one of LNbits', by its configuration and a file with the key."""
    home.mkdir()
    key = home / CREDENTIALS["lnbits"]
    key.write_text(lnbits.account(home.name, balance_sat).admin_key)
    key.chmod(0o600)
    config = replace(
        config_of("till-1"),
        wallet=WalletConfig(kind="lnbits", lnbits=ServiceTable(lnbits.url)),
        till=till or TillConfig(),
    )
    with running(home, config=config) as shop:
        yield shop


def balance_sat(shop: RunningShop) -> int:
    wallet = shop.daemon.wallet
    assert isinstance(wallet, LnbitsWallet)
    return wallet.balance_msat() // 1_000


def test_a_card_of_another_taptill_pays_into_the_shops_lnbits(
    lnbits: Lnbits, tmp_path: Path
) -> None:
    with taptill(tmp_path / "issuer", lnbits, 5_000) as issuer:
        hosts = (issuer.url.removeprefix("http://"),)
        with taptill(tmp_path / "shop", lnbits, 0, TillConfig(insecure_hosts=hosts)) as shop:
            trials = list(examine(shop.daemon.wallet, shop.config.wallet.bolt11_network))
            assert all(one.ok for one in trials), trials
            card = issuer.card()
            sale = shop.arm(2_100)
            shop.lay(card)
            wait_sale(shop.db, sale.sale_id, SaleState.APPROVED)
            assert wait_payout(issuer.db, card, PayoutStatus.COMPLETED).amount_msat == sats(2_100)
            assert (balance_sat(shop), balance_sat(issuer)) == (2_100, 2_900)
            shop.lift()
            issuer.check_books()


def test_a_card_of_another_taptill_is_filled_out_of_the_shops_lnbits(
    lnbits: Lnbits, tmp_path: Path
) -> None:
    with taptill(tmp_path / "issuer", lnbits, 0) as issuer:
        hosts = (issuer.url.removeprefix("http://"),)
        with taptill(tmp_path / "shop", lnbits, 3_000, TillConfig(insecure_hosts=hosts)) as shop:
            card = issuer.card(balance_sat=0)
            assert isinstance(fill_abroad(shop, card, 500), Paid)
            wait_for(issuer.db, lambda: issuer.balance(card) == (500, 0, 0), "the card's money")
            assert (balance_sat(shop), balance_sat(issuer)) == (2_500, 500)
            issuer.check_books()
