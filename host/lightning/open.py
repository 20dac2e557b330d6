"""Which wallet the configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from host.bolt11 import Network
from host.clock import Clock
from host.lightning.wallet import Wallet, WalletDown
from host.money import sats

EMBEDDED_FILE = "embedded-wallet.db"
SHOP_ACCOUNT = "shop"
PLAY_MONEY_MSAT = sats(100_000_000)
"""What the simulated wallet starts with, so that it can pay foreign points of sale."""


def open_wallet(kind: str, network: Network, home: Path, clock: Clock) -> Wallet:
    """Open the wallet of a kind; `WalletDown` in words when the kind is unknown or unfit."""
    maker = _MAKERS.get(kind)
    if maker is None:
        raise WalletDown(f"wallet.kind: there is no `{kind}`; known: {', '.join(_MAKERS)}")
    return maker(network, home, clock)


def _embedded(network: Network, home: Path, clock: Clock) -> Wallet:
    from host.lightning.embedded import EmbeddedWallet

    if network is not Network.REGTEST:
        raise WalletDown("wallet.network: the embedded simulation is for regtest only")
    path = home / EMBEDDED_FILE
    fresh = not path.exists()
    wallet = EmbeddedWallet(path, SHOP_ACCOUNT, clock)
    if fresh:
        wallet.fund(PLAY_MONEY_MSAT)
    return wallet


_MAKERS: dict[str, Callable[[Network, Path, Clock], Wallet]] = {"embedded": _embedded}
