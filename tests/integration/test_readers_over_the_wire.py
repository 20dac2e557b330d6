"""A whole daemon on real drivers: pcscd that dies and comes back, cards torn away, two at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.twin.card import TearAt
from hardware.twin.private_pcscd import PrivatePcscd
from hardware.twin.process import TwinProcess
from hardware.twin.store import Drawer
from host.config import ReaderConfig
from host.ledger.codes import Code, Refused
from host.ledger.records import Sale, SaleState
from host.money import sats
from host.readers.base import CardLink, Reader, ReaderOpener
from host.readers.open import ReaderOptions, open_reader
from host.till import Terminal, arm
from tests.support.pcscd import wait_for_card
from tests.support.running import (
    DEADLINE_S,
    MONEY,
    HeldCard,
    RunningShop,
    config_of,
    make_card,
    nothing_written,
    payouts_of,
    running,
    wait_for,
    wait_sale,
)


class Gate:
    """Keeps the daemon from looking at its reader while a hand lays things out."""

    def __init__(self) -> None:
        self._open, self._waiting = threading.Event(), threading.Event()
        self._open.set()

    def guard(self, reader: Reader) -> Reader:
        look = reader.wait_card

        def wait_card(timeout_ms: int) -> CardLink | None:
            if not self._open.is_set():
                self._waiting.set()
                assert self._open.wait(DEADLINE_S)
            return look(timeout_ms)

        reader.wait_card = wait_card  # type: ignore[method-assign]
        return reader

    @contextmanager
    def closed(self) -> Iterator[None]:
        self._waiting.clear()
        self._open.clear()
        assert self._waiting.wait(DEADLINE_S)
        try:
            yield
        finally:
            self._open.set()


class Wired:
    """A shop whose reader is a twin behind a real driver, and two cards that were made for it."""

    def __init__(
        self, shop: RunningShop, twin: TwinProcess, cards: dict[str, HeldCard], gate: Gate
    ) -> None:
        self.shop, self.twin, self.cards, self.gate = shop, twin, cards, gate

    def lay(self, *names: str, tear: int | None = None) -> None:
        """Lay cards down together, once the reader is open and empty.

        With `tear`, the card answers so many commands and is gone with the next one's answer.
        """
        assert self.shop.daemon.posts[0].wait_free(DEADLINE_S)
        with self.gate.closed():
            for name in names:
                self.twin.lay(name)
            if tear is not None:
                self.twin.tear(TearAt.ANSWER, skip=tear)

    def lift(self) -> None:
        self.twin.lift()
        assert self.shop.daemon.posts[0].wait_free(DEADLINE_S)

    def wait(self, sale: Sale, state: SaleState) -> Sale:
        return wait_sale(self.shop.db, sale.sale_id, state)

    def has_met_the_card(self) -> bool:
        """A card that pays nothing was noticed: at the reader's opening, or by the till."""
        dot = self.shop.daemon.board.parts("till-1")[0]
        return "lift it" in dot.detail or bool(self.shop.db.events.after(0, kinds=["card.seen"]))

    def wait_dot(self, *, ok: bool) -> None:
        board = self.shop.daemon.board
        wait_for(self.shop.db, lambda: board.parts("till-1")[0].ok == ok, f"the dot to be {ok}")


@contextmanager
def wired(folder: Path, device: str, twin: TwinProcess) -> Iterator[Wired]:
    config = replace(config_of("till-1"), readers=(ReaderConfig(device),))
    options, gate = ReaderOptions(run_dir=folder), Gate()
    openers: dict[str, ReaderOpener] = {device: lambda: gate.guard(open_reader(device, options))}
    with running(folder / "home", config=config, openers=openers) as shop:
        cards = {}
        for name in ("ann", "bob"):
            drawer = Drawer(folder / "cards")
            drawer.create(name)
            with drawer.take(name) as card:
                cards[name] = make_card(shop.db, shop.config, shop.keyring, name, twin=card)
        yield Wired(shop, twin, cards, gate)
        shop.check_books()


@pytest.fixture
def over_nfc(tmp_path: Path) -> Iterator[Wired]:
    """The real nfcpy on a PN532 behind a pseudo terminal."""
    with (
        TwinProcess("nfc", tmp_path / "cards") as twin,
        wired(tmp_path, f"nfc:{twin.device}", twin) as at,
    ):
        yield at


@pytest.fixture
def over_pcsc(tmp_path: Path, pcscd: PrivatePcscd) -> Iterator[Wired]:
    """The real pcscd with vpcd's driver."""
    with (
        TwinProcess("pcsc", tmp_path / "cards", port=pcscd.port) as twin,
        wired(tmp_path, f"pcsc:{pcscd.name} 00 00", twin) as at,
    ):
        yield at
        twin.lift()
    if pcscd.running:
        assert wait_for_card(pcscd, present=False)


@pytest.fixture(params=["nfc", pytest.param("pcsc", marks=pytest.mark.pcsc)])
def at(request: pytest.FixtureRequest) -> Wired:
    wired_: Wired = request.getfixturevalue(f"over_{request.param}")
    return wired_


def test_sales_are_paid_one_after_the_other(at: Wired) -> None:
    for amount, name in ((10, "ann"), (20, "bob"), (30, "ann")):
        sale = at.shop.arm(amount)
        at.lay(name)
        at.wait(sale, SaleState.APPROVED)
        at.lift()
    assert at.shop.balance(at.cards["ann"])[2] == 40
    assert at.shop.balance(at.cards["bob"])[2] == 20


@pytest.mark.parametrize("answered", [0, 1])
def test_a_card_pulled_at_either_apdu_pays_nothing_and_pays_when_it_is_laid_again(
    at: Wired, answered: int
) -> None:
    """After one answer it is between the two: its counter has moved, its URL was never heard."""
    sale = at.shop.arm(10)
    with nothing_written(at.shop, MONEY):
        at.lay("ann", tear=answered)
        assert at.wait(sale, SaleState.DECLINED).code is Code.MOVED_TOO_SOON
    at.lift()
    at.lay("ann")
    at.wait(sale, SaleState.APPROVED)
    (payout,) = payouts_of(at.shop.db, at.cards["ann"])
    assert payout.facts().get("gap", 0) == answered  # what was signed and never heard


def kill(pcscd: PrivatePcscd) -> None:
    """kill -9: the service has no time to say good-bye, and leaves its socket behind."""
    assert pcscd._process is not None
    pcscd._process.kill()
    pcscd.stop()  # reaps it


@pytest.mark.pcsc
class TestPcscd:
    def test_killed_and_restarted_under_a_running_daemon(
        self, over_pcsc: Wired, pcscd: PrivatePcscd
    ) -> None:
        at, terminal = over_pcsc, Terminal("till-1", "main")
        first = at.shop.arm(10)
        at.lay("ann")
        at.wait(first, SaleState.APPROVED)
        at.lift()
        kill(pcscd)
        at.wait_dot(ok=False)
        refusal = arm(at.shop.db, at.shop.daemon.board, terminal, sats(1))
        assert isinstance(refusal, Refused)
        assert refusal.code is Code.READER_DOWN
        pcscd.start()
        at.wait_dot(ok=True)
        second = at.shop.arm(20)
        at.lay("ann")
        at.wait(second, SaleState.APPROVED)
        assert at.shop.balance(at.cards["ann"])[2] == 30

    def test_killed_while_a_sale_is_armed_the_sale_waits_and_is_paid_afterwards(
        self, over_pcsc: Wired, pcscd: PrivatePcscd
    ) -> None:
        at = over_pcsc
        sale = at.shop.arm(10)
        with nothing_written(at.shop, MONEY):
            pcscd.stop()
            at.wait_dot(ok=False)
            pcscd.start()
            at.wait_dot(ok=True)
        at.lay("bob")
        at.wait(sale, SaleState.APPROVED)
        assert len(payouts_of(at.shop.db, at.cards["bob"])) == 1

    def test_killed_while_a_card_lies_the_card_is_not_charged_twice(
        self, over_pcsc: Wired, pcscd: PrivatePcscd
    ) -> None:
        """The restarted service shows the card anew: it is asked away, or no sale waits for it."""
        at = over_pcsc
        sale = at.shop.arm(10)
        at.lay("ann")
        at.wait(sale, SaleState.APPROVED)
        pcscd.stop()
        at.wait_dot(ok=False)
        pcscd.start()
        wait_for(at.shop.db, at.has_met_the_card, "the card")
        at.lift()
        at.wait_dot(ok=True)
        assert at.shop.balance(at.cards["ann"])[2] == 10


def test_two_cards_in_the_field_are_refused_and_one_alone_pays(over_nfc: Wired) -> None:
    at = over_nfc
    sale = at.shop.arm(10)
    at.lay("ann", "bob")
    assert at.wait(sale, SaleState.DECLINED).code is Code.TWO_CARDS
    at.lift()
    at.lay("bob")
    at.wait(sale, SaleState.APPROVED)
    assert at.shop.balance(at.cards["ann"])[2] == 0
