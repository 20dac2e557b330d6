"""A reader that is lent: the borrower has it, the till does not, and a restart changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.clock import SystemClock
from host.ledger import loans, sales
from host.ledger.codes import Code, Refused
from host.ledger.loans import Loan
from host.money import sats
from host.post import ReaderPost
from host.readers.base import Look, Reader, Show
from host.readers.direct import DirectReader
from host.till import Till
from tests.support.running import wait_for
from tests.support.shop import Shop

AT = "till-1"


class Clerk:
    """A borrower that takes one card and shows that it did."""

    def __init__(self) -> None:
        self.served: list[Loan] = []
        self.cards = 0

    def serve(self, loan: Loan, reader: Reader, over: Callable[[], bool]) -> None:
        self.served.append(loan)
        while not over():
            reader.show(Show(Look.RETRY, ("clerk", "")))
            if reader.wait_card(50) is not None:
                self.cards += 1
                return


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop.open(tmp_path, SystemClock())
    yield shop
    shop.close()


@contextmanager
def post_of(shop: Shop, reader: DirectReader, clerk: Clerk | None) -> Iterator[ReaderPost]:
    till = Till(shop.db, shop.terminal, (), lambda _host: True)
    borrowers = {"clerk": clerk} if clerk else {}
    post = ReaderPost(till, lambda: reader, shop.board, shop.clock, borrowers=borrowers)
    stop = threading.Event()
    thread = threading.Thread(target=post.run, args=(stop,))
    thread.start()
    try:
        yield post
    finally:
        stop.set()
        post.close()
        thread.join(30)
        assert not thread.is_alive()


def test_a_loan_and_a_sale_exclude_each_other(shop: Shop) -> None:
    shop.arm(21)
    refused = loans.take(shop.db, AT, "clerk", 1, None)
    assert isinstance(refused, Refused)
    assert refused.code is Code.SALE_OPEN
    sale = sales.current(shop.db, AT)
    assert sale
    sales.cancel(shop.db, sale.sale_id)
    assert isinstance(loans.take(shop.db, AT, "clerk", 1, None), Loan)
    no_sale = sales.open(shop.db, "main", sats(21), terminal_id=AT)
    assert isinstance(no_sale, Refused)
    assert no_sale.code is Code.READER_LENT
    second = loans.take(shop.db, AT, "clerk", 2, None)
    assert isinstance(second, Refused)
    assert second.code is Code.READER_LENT
    assert not loans.give_back(shop.db, AT, 2)
    assert loans.give_back(shop.db, AT, 1)
    shop.arm(21)


def test_the_borrower_has_the_reader_and_the_till_has_it_back(shop: Shop) -> None:
    reader, clerk = DirectReader(), Clerk()
    with post_of(shop, reader, clerk) as post:
        loans.take(shop.db, AT, "clerk", 7, None)
        assert reader.wait_shown(Look.RETRY, 30_000)
        post.refresh()  # the till's picture does not come between
        assert reader.shown[-1].look is Look.RETRY
        reader.lay(_Silent())
        wait_for(shop.db, lambda: loans.of(shop.db, AT) is None, "the reader given back")
        assert clerk.cards == 1
        reader.lift()
        shop.arm(21)
        post.refresh()
        assert reader.wait_shown(Look.READY, 30_000)


def test_a_stop_in_the_middle_keeps_the_loan_for_the_next_start(shop: Shop) -> None:
    clerk = Clerk()
    first = DirectReader()
    with post_of(shop, first, clerk):
        loans.take(shop.db, AT, "clerk", 7, None)
        assert first.wait_shown(Look.RETRY, 30_000)
    assert loans.of(shop.db, AT) is not None
    again = DirectReader()
    with post_of(shop, again, clerk):
        assert again.wait_shown(Look.RETRY, 30_000)
    assert [one.job_id for one in clerk.served] == [7, 7]


def test_a_reader_lent_to_somebody_who_is_not_here_comes_back(shop: Shop) -> None:
    with post_of(shop, DirectReader(), None):
        loans.take(shop.db, AT, "clerk", 7, None)
        wait_for(shop.db, lambda: loans.of(shop.db, AT) is None, "the reader given back")


class _Silent:
    def transceive(self, apdu: bytes) -> bytes:
        raise ConnectionError
