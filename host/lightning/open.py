"""The wallet that the configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.bolt11 import Network
from host.clock import Clock
from host.lightning.claim_book import ClaimBook
from host.lightning.settings import (
    EMBEDDED,
    KINDS,
    BtcpayTable,
    EmbeddedTable,
    GaloyTable,
    PhoenixdTable,
    ServiceTable,
    WalletConfig,
    endpoint,
    read_secret,
)
from host.lightning.wallet import Wallet, WalletDown
from host.money import sats

if TYPE_CHECKING:
    from host.lightning.btcpay import BtcpaySettings
    from host.lightning.btcpay_claims import BtcpayClaims
    from host.lightning.remote import Common

EMBEDDED_FILE = EmbeddedTable().file
SHOP_ACCOUNT = EmbeddedTable().account
PLAY_MONEY_MSAT = sats(100_000_000)
"""What the simulated wallet starts with, so that it can pay foreign points of sale."""


def open_wallet(config: WalletConfig, home: Path, clock: Clock) -> Wallet:
    """Open the configured wallet; nothing is asked yet.

    Raises `WalletDown` in words when the kind is unknown, or its credential cannot be read.
    """
    if config.kind == EMBEDDED:
        return _embedded(config, home, clock)
    table = config.table
    if table is None:
        raise WalletDown(f"wallet.kind: there is no `{config.kind}`; known: {', '.join(KINDS)}")
    from host.lightning.remote import Common

    try:
        return _MAKERS[config.kind](table, home, Common(config.bolt11_network, clock))
    except (ValueError, OSError) as error:  # a certificate file that is none, an address
        raise WalletDown(f"wallet.{config.kind}: {error}") from error


def _embedded(config: WalletConfig, home: Path, clock: Clock) -> Wallet:
    from host.lightning.embedded import EmbeddedWallet

    if config.bolt11_network is not Network.REGTEST:
        raise WalletDown("wallet.network: the embedded simulation is for regtest only")
    path = home / config.embedded.file
    fresh = not path.exists()
    wallet = EmbeddedWallet(path, config.embedded.account, clock)
    if fresh:
        wallet.fund(PLAY_MONEY_MSAT)
    return wallet


def open_claims(
    config: WalletConfig, home: Path, clock: Clock, book: ClaimBook
) -> BtcpayClaims | None:
    """The way through BTCPay's pull payments; None where BTCPay is not the wallet.

    Nothing is asked yet. Raises `WalletDown` as `open_wallet` does.
    """
    if config.kind != "btcpay":
        return None
    from host.lightning.btcpay_claims import BtcpayClaims
    from host.lightning.remote import Common

    settings = _btcpay_settings(config.btcpay, home)
    return BtcpayClaims(settings, Common(config.bolt11_network, clock), book)


def _lnbits(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.lnbits import LnbitsSettings, open_lnbits

    secret = read_secret("lnbits", table, home)
    return open_lnbits(LnbitsSettings(endpoint(table), secret), common)


def _lnd(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.lnd import LndSettings, open_lnd

    secret = read_secret("lnd", table, home)
    return open_lnd(LndSettings(endpoint(table), secret), common)


def _cln(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.cln import ClnSettings, open_cln

    secret = read_secret("cln", table, home)
    return open_cln(ClnSettings(endpoint(table), secret), common)


def _phoenixd(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.phoenixd import PhoenixdSettings, open_phoenixd

    assert isinstance(table, PhoenixdTable)  # noqa: S101 - the field of that name
    secret = read_secret("phoenixd", table, home)
    settings = PhoenixdSettings(endpoint(table), secret, table.fee_ppm, sats(table.fee_base_sat))
    return open_phoenixd(settings, common)


def _btcpay(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.btcpay import open_btcpay

    assert isinstance(table, BtcpayTable)  # noqa: S101 - the field of that name
    return open_btcpay(_btcpay_settings(table, home), common)


def _btcpay_settings(table: BtcpayTable, home: Path) -> BtcpaySettings:
    from host.lightning.btcpay import BtcpaySettings

    secret = read_secret("btcpay", table, home)
    return BtcpaySettings(endpoint(table), secret, table.store_id, table.crypto_code)


def _galoy(table: ServiceTable, home: Path, common: Common) -> Wallet:
    from host.lightning.galoy import GaloySettings, open_galoy

    assert isinstance(table, GaloyTable)  # noqa: S101 - the field of that name
    secret = read_secret("galoy", table, home)
    settings = GaloySettings(endpoint(table), secret, table.wallet_id, table.bearer)
    return open_galoy(settings, common)


_MAKERS: Final[dict[str, Callable[[ServiceTable, Path, Common], Wallet]]] = {
    "lnbits": _lnbits,
    "lnd": _lnd,
    "cln": _cln,
    "phoenixd": _phoenixd,
    "btcpay": _btcpay,
    "galoy": _galoy,
}
