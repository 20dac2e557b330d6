"""Whatever issuers, cashiers, clocks and crashes do: what came in is what was said to have come in.

Random stories, from seeds that are written down. After each the shop's wallet holds exactly the
sales that were paid by foreign cards and the payments that were told as late, and nothing more.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from host.foreign import GRACE_MS, ForeignCards
from host.ledger import books, incoming, sales
from host.ledger.incoming import SaleInvoice
from host.ledger.records import Sale, SaleState
from host.lightning.embedded import Fault
from host.money import sats
from tests.support.abroad import Abroad, abroad

STEPS = 14
CRASHES = ("ask", "offer", "submit", "is_paid", "settle", "move")


class Crash(BaseException):
    """The end of a process, as one of its threads sees it: nothing cleans up behind it."""


class Story:
    """One till's day with other issuers, told by chance."""

    def __init__(self, here: Abroad, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = here
        self.chance = random.Random(seed)
        self.patch = monkeypatch

    # -- what may happen ----------------------------------------------------------------------

    def lay(self) -> None:
        """A card of an issuer that pays or not, and says what it likes."""
        pays = self.chance.random() < 0.4
        answer = self.chance.choice(
            [{"status": "OK"}, {"status": "ERROR", "reason": "no"}, {"status": "?"}, [1]]
        )
        self.here.answers(answer, pays=pays)
        if self.current() is None:
            self.here.at.arm(self.chance.randrange(1, 50))
        self.here.lay()
        self.quiet()

    def crash(self) -> None:
        """The process dies somewhere on its way; a new one begins."""
        where = self.chance.choice(CRASHES)
        with self.patch.context() as dying:
            self._die_at(where, dying)
            self.lay()
        self.restart()

    def restart(self) -> None:
        self.here.again()
        self.step()

    def step(self) -> None:
        self.here.at.clock.advance(5_000)
        self.here.foreign.step()

    def pay_later(self) -> None:
        """Somebody pays an invoice that was handed over, whatever was said about it."""
        if self.offers():
            self.here.bank.pay(self.chance.choice(self.offers()).bolt11, sats(10))

    def cancel(self) -> None:
        if (sale := self.current()) is not None:
            sales.cancel(self.here.at.db, sale.sale_id)

    def time_goes_by(self) -> None:
        self.here.at.clock.advance(self.chance.choice([1_000, 30_000, 130_000, 400_000]))
        sales.expire_due(self.here.at.db)
        self.here.foreign.step()

    def wallet_is_away(self) -> None:
        self.here.shop.script_default(Fault.DOWN)
        self.chance.choice([self.lay, self.step, self.time_goes_by])()
        self.here.shop.script_default(Fault.OK)

    # -- telling it ---------------------------------------------------------------------------

    def tell(self) -> None:
        acts: list[Callable[[], None]] = [
            self.lay,
            self.lay,
            self.crash,
            self.restart,
            self.step,
            self.pay_later,
            self.cancel,
            self.time_goes_by,
            self.wallet_is_away,
        ]
        for _ in range(STEPS):
            self.chance.choice(acts)()
            self.no_sale_is_approved_without_money()
        for _ in range(4):
            self.here.at.clock.advance(400_000 + GRACE_MS)
            self.here.foreign.step()

    def quiet(self) -> None:
        for thread in list(self.here.foreign._busy):
            thread.join(20)

    def current(self) -> Sale | None:
        return sales.current(self.here.at.db, "till-1")

    def offers(self) -> list[SaleInvoice]:
        return incoming.due(self.here.at.db, everything=True)

    def _die_at(self, where: str, dying: pytest.MonkeyPatch) -> None:
        foreign, client = self.here.foreign, self.here.foreign._client

        def dead(*_: object, **__: object) -> None:
            raise Crash

        if where in ("ask", "submit"):
            dying.setattr(client, where, dead)
        elif where == "is_paid":
            dying.setattr(foreign, "_is_paid", dead)
        elif where == "move":
            dying.setattr(foreign, "_decline", dead)
        else:
            dying.setattr(f"host.foreign.incoming.{where}", dead)
        # A thread that dies is told to nobody: the process would be gone.
        dying.setattr(ForeignCards, "_run", _run_and_die)

    # -- what must hold -----------------------------------------------------------------------

    def no_sale_is_approved_without_money(self) -> None:
        assert self.said_msat() <= self.here.shop.balance_msat()

    def said_msat(self) -> int:
        events = self.here.events("sale.approved", "sale.paid_late")
        return sum(int(one["amount_msat"]) for one in events)

    def check(self) -> None:
        here = self.here
        assert self.said_msat() == here.shop.balance_msat()
        assert books.check(here.at.db).problems == []
        approved = [e.subject for e in here.at.db.events.after(0) if e.kind == "sale.approved"]
        assert len(approved) == len(set(approved))
        last = sales.latest(here.at.db, "till-1")
        assert last is None or last.state not in (SaleState.AUTHORISING, SaleState.CHECKING)


def _run_and_die(self: ForeignCards, job: object) -> None:
    try:
        self._charge(job)  # type: ignore[arg-type]
    except Crash:
        return
    finally:
        for thread in list(self._busy):
            self._done(thread)


@pytest.mark.parametrize("seed", range(12))
def test_threats_5_what_came_in_is_what_was_said(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with abroad(tmp_path) as here:
        story = Story(here, seed, monkeypatch)
        story.tell()
        story.check()
