"""A whole Taptill with its till page: the real daemon, twin cards, another issuer on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from host.config import Config, DashboardConfig, TillConfig
from host.ledger import people, sales, stores
from host.ledger.permissions import Role
from host.ledger.records import Limits, Sale, SaleState
from host.lightning.embedded import EmbeddedWallet
from host.money import sats
from host.readers.direct import DirectCard
from host.store.engine import Engine
from tests.host.lnurl.issuers import Issuer, running_issuer
from tests.support.counter import UrlCard
from tests.support.ports import free_port
from tests.support.running import (
    DEADLINE_S,
    HeldCard,
    RunningShop,
    ShiftedClock,
    config_of,
    make_card,
    running,
    wait_for,
    wait_sale,
)
from tests.support.scripted_http import Pieces, reply

TERMINALS = ("till-1", "till-2")
OK = {"status": "OK"}


@dataclass
class TillRig:
    """A shop with two tills, which can be stopped and started again with all that it keeps."""

    folder: Path
    issuer: Issuer
    config: Config
    clock: ShiftedClock = field(default_factory=ShiftedClock)
    _running: ExitStack = field(default_factory=ExitStack)
    _shop: RunningShop | None = None
    _elsewhere: Engine | None = None

    @property
    def shop(self) -> RunningShop:
        assert self._shop is not None
        return self._shop

    @property
    def db(self) -> Engine:
        return self.shop.db

    @property
    def url(self) -> str:
        """Where the dashboard is, also while it is stopped."""
        return f"http://{self.config.dashboard.listen}"

    @property
    def wallet(self) -> EmbeddedWallet:
        """The shop's own wallet."""
        wallet = self.shop.daemon.wallet
        assert isinstance(wallet, EmbeddedWallet)
        return wallet

    def start(self) -> None:
        up = running(self.folder / "home", *TERMINALS, clock=self.clock, config=self.config)
        self._shop = self._running.enter_context(up)
        self.shop.stranger.fund(sats(100_000))

    def stop(self) -> None:
        self._running.close()
        self._shop = None

    def restart(self, later_ms: int = 0) -> None:
        """The daemon ends and begins anew, so much later by the clock."""
        self.stop()
        self.clock.advance(later_ms)
        self.start()

    def token(self, role: Role = Role.MANAGER) -> str:
        """The session of somebody who is signed in."""
        who = people.by_name(self.db, role) or people.create(self.db, role, role)
        return people.redeem(self.db, people.one_time_link(self.db, who.person_id)) or ""

    def card(self, alias: str = "Ann", balance_sat: int = 10_000, **limits: int) -> HeldCard:
        """A card of ours; `limits` are those of `Limits`."""
        return self.shop.card(alias, balance_sat=balance_sat, limits=Limits(**limits))

    def card_of_nobody(self) -> HeldCard:
        """A card with our keys that these books do not know."""
        if self._elsewhere is None:
            self._elsewhere = Engine.open(self.folder / "elsewhere.db", self.clock)
            stores.create(self._elsewhere, "Elsewhere", store_id="main")
        return make_card(self._elsewhere, self.config, self.shop.keyring)

    def lay(self, *cards: HeldCard | DirectCard, terminal: str = TERMINALS[0]) -> None:
        """Lay cards on a reader, in place of what lies there."""
        twins = [one.twin if isinstance(one, HeldCard) else one for one in cards]
        self.shop.reader(terminal).lay(*twins)

    def lay_text(self, text: str) -> None:
        """Lay down a card that says this."""
        self.lay(UrlCard(text))

    def lay_abroad(
        self,
        answer: object = OK,
        *,
        pays: bool = False,
        before: threading.Event | None = None,
        **offer: Any,
    ) -> None:
        """Lay down another issuer's card, and what that one answers to our invoice, and when."""
        self.issuer.offers(**offer)

        def act() -> Pieces:
            if before is not None:
                assert before.wait(DEADLINE_S)
            if pays:
                self.bank_pays()
            return reply(answer)

        self.issuer.answers["/cb"] = act
        self.lay_text(self.issuer.card)

    def bank_pays(self) -> None:
        """The other issuer pays the invoice that it was handed last."""
        asked = [one for one in self.issuer.server.requests if "pr=" in one.target]
        offered = parse_qs(urlsplit(asked[-1].target).query)["pr"][0]
        self.shop.stranger.pay(offered, sats(10))

    def lift(self, terminal: str = TERMINALS[0]) -> None:
        self.shop.lift(terminal)

    def sale(self, terminal: str = TERMINALS[0]) -> Sale:
        """The newest sale of a terminal."""
        found = sales.latest(self.db, terminal)
        assert found is not None
        return found

    def wait(self, *states: SaleState) -> Sale:
        """The newest sale, once it is in one of these states."""
        return wait_sale(self.db, self.sale().sale_id, *states)

    def wait_dots(self) -> None:
        """Wait until every dot of both tills is good."""
        board = self.shop.daemon.board
        wait_for(
            self.db,
            lambda: all(part.ok for one in TERMINALS for part in board.parts(one)),
            "the dots",
        )

    def events(self, kind: str) -> list[str]:
        """The sales that something happened to."""
        return [one.subject or "" for one in self.db.events.after(0, 100_000, [kind])]

    def close(self) -> None:
        """End it; whatever a test did, the books agree."""
        if self._shop is not None:
            self.shop.check_books()
        self.stop()
        if self._elsewhere is not None:
            self._elsewhere.close()


@contextmanager
def till_rig(folder: Path, *, wait_seconds: int = 1) -> Iterator[TillRig]:
    """A running shop; sales count as being checked after a second."""
    with running_issuer() as issuer:
        config = replace(
            config_of(*TERMINALS),
            dashboard=DashboardConfig(listen=f"127.0.0.1:{free_port()}"),
            till=TillConfig(insecure_hosts=(issuer.server.host,), wait_seconds=wait_seconds),
        )
        rig = TillRig(folder, issuer, config)
        rig.start()
        try:
            yield rig
        finally:
            rig.close()
