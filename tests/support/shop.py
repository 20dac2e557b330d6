"""A shop with everything in it, for tests of its screens: real ledger, real rules, no reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from host.clock import Clock, ManualClock, SystemClock
from host.health import CLOCK, LIGHTNING, READER, Board
from host.ledger import cards, claims, people, pull_payments, sales, stores
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Refused
from host.ledger.permissions import Role
from host.ledger.records import Card, Limits, PullPayment, Sale
from host.ledger.taps import VerifiedTap
from host.money import sats
from host.ntag424.values import Uid
from host.store.engine import Engine
from host.till import Terminal, arm

TERMINAL = Terminal("till-1", "main")


@dataclass
class Shop:
    """One store, one terminal, one account with 1 000 000 sats, cards as they are asked for."""

    db: Engine
    clock: Clock
    board: Board
    account: PullPayment
    terminal: Terminal = TERMINAL
    counters: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> Shop:
        clock = clock or SystemClock()
        db = Engine.open(folder / "taptill.db", clock)
        stores.create(db, "Corner shop", store_id="main", timezone="Europe/Rome")
        stores.ensure_terminal(db, TERMINAL.terminal_id, "main")
        account = pull_payments.create(db, "main", "Staff")
        pull_payments.fund(db, account.pull_payment_id, sats(1_000_000), "opening")
        shop = cls(db, clock, Board(db, clock), account)
        shop.dots()
        return shop

    def dots(self, *, reader: bool = True, lightning: bool = True) -> None:
        """Say how the parts are, as the daemon would."""
        self.board.beat()
        words = "twin ready" if reader else "no reader is plugged in"
        self.board.report(f"{READER}:{TERMINAL.terminal_id}", reader, words)
        self.board.report(LIGHTNING, lightning, "embedded (simulation)")
        self.board.report(CLOCK, True, "steady")

    def card(self, alias: str, *, limits: Limits | None = None) -> Card:
        """A card that can pay."""
        number = len(self.counters) + 1
        card = cards.register(
            self.db,
            card_id=f"{number:032x}",
            uid=Uid(bytes([4, 0xA1, 0xB2, 0xC3, 0xD4, number, 0x80])),
            store_id="main",
            pull_payment_id=self.account.pull_payment_id,
            alias=alias,
            issuer_id="issuer",
            key_version=1,
            limits=limits or Limits(),
        )
        self.counters[card.card_id] = 0
        return card

    def arm(self, amount_sat: int) -> Sale:
        """A sale that waits for a card; ids sort by time, so it moves on a little."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance(1)
        sale = arm(self.db, self.board, self.terminal, sats(amount_sat))
        assert isinstance(sale, Sale)
        return sale

    def tap(self, card: Card) -> Claimed | Refused:
        """Lay a card on the reader: what the ledger decides about the open sale."""
        sale = sales.current(self.db, self.terminal.terminal_id)
        assert sale is not None
        request = ClaimRequest(
            self.next_tap(card), sale.amount_msat, Source.TILL, sale_id=sale.sale_id
        )
        return claims.claim(self.db, request)

    def next_tap(self, card: Card) -> VerifiedTap:
        """The card's next tap, as it is once its MAC holds."""
        self.counters[card.card_id] += 1
        counter = self.counters[card.card_id]
        kept = cards.get(self.db, card.card_id)
        gap = max(0, counter - kept.last_counter - 1) if kept is not None else 0
        return VerifiedTap(card.card_id, Uid.parse(card.uid), counter, card.key_version, gap)

    def pay(self, card: Card, amount_sat: int) -> Claimed:
        """A whole sale, paid."""
        self.arm(amount_sat)
        claimed = self.tap(card)
        assert isinstance(claimed, Claimed)
        return claimed

    def session(self, role: Role = Role.MANAGER) -> str:
        """The session token of somebody with this role."""
        who = people.by_name(self.db, role.value) or people.create(self.db, role.value, role)
        token = people.redeem(self.db, people.one_time_link(self.db, who.person_id))
        assert token is not None
        return token

    def close(self) -> None:
        self.db.close()
