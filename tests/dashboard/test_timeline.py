"""The life of a payout in words, where nobody knows yet."""

from __future__ import annotations

from pathlib import Path

from dashboard.timeline import timeline
from host.ledger import wallets
from host.lightning.embedded import Fault
from host.payer import Payer
from tests.support.paying import Watched, claim, now
from tests.support.world import world


def test_the_last_step_of_what_hangs_on_another_wallet_says_so(tmp_path: Path) -> None:
    with world(tmp_path) as shop:
        payout = claim(shop)
        shop.pool.script(Fault.UNKNOWN)
        payer = Payer(shop.db, Watched(shop.pool), shop.clock)
        payer.step()
        payer.stop()
        assert timeline(shop.db, now(shop, payout))[-1].more.startswith("Nobody knows yet")
        wallets.begin(shop.db, shop.stranger.identity())
        assert "is not the one that knows" in timeline(shop.db, now(shop, payout))[-1].more
