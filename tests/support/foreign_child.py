"""A daemon as a process of its own that charges another issuer's card, until it is killed.

python -m tests.support.foreign_child HOME NETWORK_FILE ISSUER_HOST CARD
"""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path

from host.config import Config, TillConfig
from host.lightning.settings import EmbeddedTable, WalletConfig
from tests.support.counter import UrlCard
from tests.support.running import config_of, running


def config(net: str, issuer: str) -> Config:
    """A shop on a simulated network, whose till may ask one issuer of this machine."""
    return replace(
        config_of("till-1"),
        wallet=WalletConfig(embedded=EmbeddedTable(net, "shop")),
        till=TillConfig(insecure_hosts=(issuer,), wait_seconds=1),
    )


def main(home: str, net: str, issuer: str, card: str) -> None:
    with running(Path(home), config=config(net, issuer)) as shop:
        shop.arm(21)
        shop.reader().lay(UrlCard(card))
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
