"""One real LNbits for all tests here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from host.bolt11 import Network
from host.clock import ManualClock, SystemClock
from host.lightning.doubts import QUIET_S
from host.lightning.http import Endpoint, Secret
from host.lightning.lnbits import LnbitsSettings, LnbitsWallet, open_lnbits
from host.lightning.remote import Common
from tests.support.lnbits import Lnbits, install


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lnbits: needs LNbits, installed on demand")


@pytest.fixture(scope="session")
def lnbits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lnbits]:
    """A running LNbits; skips where it cannot be installed."""
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"LNbits cannot be installed here: {error}")
    with Lnbits(tmp_path_factory.mktemp("lnbits")) as server:
        yield server


class Opener:
    """Opens wallets of a running LNbits and closes them afterwards."""

    def __init__(self, server: Lnbits) -> None:
        self.server = server
        self.clock = ManualClock(SystemClock().now())
        self.seconds = 0.0
        self._wallets: list[LnbitsWallet] = []

    def __call__(self, key: str, *, url: str | None = None) -> LnbitsWallet:
        endpoint = Endpoint(url or self.server.url, read_s=20.0)
        wallet = open_lnbits(
            LnbitsSettings(endpoint, Secret(key)),
            Common(Network.MAINNET, self.clock, lambda: self.seconds),
        )
        self._wallets.append(wallet)
        self.seconds += QUIET_S  # as if it had been open for a while
        return wallet

    def close(self) -> None:
        for wallet in self._wallets:
            wallet.close()


@pytest.fixture
def opened(lnbits: Lnbits) -> Iterator[Opener]:
    """Opens wallets."""
    opener = Opener(lnbits)
    yield opener
    opener.close()
