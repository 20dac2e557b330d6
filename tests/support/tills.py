"""A shop with several tills, for tests of shifts and reports: what was taken, counted twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from host.ledger import incoming, people, refunds, sales, shifts, stores, topups
from host.ledger.claims import ClaimRequest, Source, claim
from host.ledger.permissions import Person, Role
from host.ledger.records import Card, Sale, SaleState
from host.ledger.sales import Basket
from host.ledger.shifts import Shift
from host.money import MSAT_PER_SAT
from tests.support.books import STORE, Shop, made, tap

TILLS = ("till-1", "till-2")


@dataclass
class Tills:
    """Two tills, two cashiers and a manager, one card, in a shop of the books alone."""

    here: Shop
    card: Card = field(init=False)
    counter: int = 0

    def __post_init__(self) -> None:
        self.card = self.here.card()
        for terminal in TILLS:
            stores.ensure_terminal(self.here.db, terminal, STORE)
        for name, role in (("Ann", Role.CASHIER), ("Ben", Role.CASHIER), ("Mona", Role.MANAGER)):
            people.create(self.here.db, name, role, store_id=STORE)

    def person(self, name: str) -> Person:
        found = people.by_name(self.here.db, name)
        assert found is not None
        return found

    def arm(self, amount_sat: int, till: str, name: str = "Ann", tip_sat: int = 0) -> Sale:
        """A sale that waits for a card."""
        who = self.person(name).person_id
        basket = Basket(tip_msat=tip_sat * MSAT_PER_SAT, person_id=who)
        sale = sales.open(
            self.here.db, STORE, amount_sat * MSAT_PER_SAT, terminal_id=till, basket=basket
        )
        assert isinstance(sale, Sale), sale
        return sale

    def tap(self, sale: Sale) -> Sale:
        """The card pays an open sale."""
        self.counter += 1
        request = ClaimRequest(
            tap(self.card, self.counter), sale.amount_msat, Source.TILL, sale_id=sale.sale_id
        )
        made(claim(self.here.db, request))
        return self.now(sale)

    def pay(self, amount_sat: int, till: str, name: str = "Ann", tip_sat: int = 0) -> Sale:
        """A whole sale, paid by our card."""
        return self.tap(self.arm(amount_sat, till, name, tip_sat))

    def hand_over(self, sale: Sale) -> bytes:
        """The issuer of another card has our invoice; its payment hash."""
        db = self.here.db
        sales.move(db, sale.sale_id, SaleState.AUTHORISING)
        invoice = self.here.invoice(sale.amount_msat)
        assert incoming.offer(
            db, sale, invoice.payment_hash, invoice.bolt11, invoice.expires_at, "bank.example"
        )
        return invoice.payment_hash

    def settle(self, payment_hash: bytes) -> None:
        """The shop's wallet has the money."""
        incoming.settle(self.here.db, payment_hash)

    def abroad(self, amount_sat: int, till: str, name: str = "Ann") -> Sale:
        """A whole sale, paid by a card of another issuer."""
        sale = self.arm(amount_sat, till, name)
        self.settle(self.hand_over(sale))
        return self.now(sale)

    def paid_twice(self, amount_sat: int, till: str) -> Sale:
        """A sale that our card paid after another's was refused; then that one's money came."""
        sale = self.arm(amount_sat, till)
        payment_hash = self.hand_over(sale)
        sales.move(self.here.db, sale.sale_id, SaleState.DECLINED)
        paid = self.tap(sale)
        self.settle(payment_hash)
        return paid

    def give_back(self, sale: Sale, amount_sat: int) -> None:
        """A part of a sale goes back to the card."""
        manager = self.person("Mona")
        refunds.refund(self.here.db, sale.sale_id, amount_sat * MSAT_PER_SAT, "cold", manager)

    def top_up(self, amount_sat: int, name: str = "Mona") -> None:
        """Cash over the counter, onto the card."""
        who = self.person(name)
        topups.by_hand(self.here.db, self.card.card_id, amount_sat * MSAT_PER_SAT, "cash", who)

    def start(self, till: str, name: str = "Ann") -> Shift:
        return shifts.start(self.here.db, till, self.person(name))

    def now(self, sale: Sale) -> Sale:
        found = sales.get(self.here.db, sale.sale_id)
        assert found is not None
        return found
