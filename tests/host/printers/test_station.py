"""Jobs on their way to paper: printed at least once or said to have failed, whatever happens."""

from __future__ import annotations

import pytest

from host.clock import MINUTE, SECOND, ManualClock
from host.ledger import audit, people, print_jobs, sales, settings, stores
from host.ledger.errors import LedgerError, NotAllowed
from host.ledger.permissions import Role
from host.ledger.print_jobs import MAX_TRIES, TOO_LATE, TOO_OFTEN, PrinterRow, PrintJob, PrintKind
from host.ledger.records import SaleState
from host.printers import printing, status
from host.printers.automatic import MISSED_MS, Automatic
from host.printers.settings import PrinterConfig
from host.printers.station import Station, bodies
from host.printers.wire import STOPPING
from host.receipts.choices import RECEIPTS, ReceiptChoices
from host.receipts.paper import Line
from host.supervise import Worker
from tests.support.printer import NEVER_S, FakePrinter, fake_printer
from tests.support.shop import Shop

HELLO = [Line("hello")]


def config(fake: FakePrinter, name: str = "bar", terminal: str = "till-1") -> PrinterConfig:
    return PrinterConfig(name, fake.device, (terminal,), columns=32, drawer_pin=2)


@pytest.fixture
def station(shop: Shop, fake: FakePrinter) -> Station:
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=True)])
    return Station(config(fake), shop.db, shop.board)


def ask(shop: Shop, kind: PrintKind = PrintKind.REPORT) -> PrintJob:
    job = printing.submit(shop.db, "main", "till-1", kind, HELLO)
    assert job is not None
    return job


def now(shop: Shop, job: PrintJob) -> PrintJob:
    found = print_jobs.get(shop.db, job.job_id)
    assert found is not None
    return found


def test_a_job_is_printed_once_and_its_text_is_forgotten(
    shop: Shop, station: Station, fake: FakePrinter
) -> None:
    job = ask(shop)
    assert station.step()
    fake.wait_printed(b"hello\n")
    assert (now(shop, job).state, now(shop, job).lines) == ("printed", "[]")
    assert not station.step()
    assert fake.printed.count(b"hello") == 1
    assert [e.kind for e in shop.db.events.after(0) if e.kind.startswith("print.")] == [
        "print.queued",
        "print.printed",
    ]


def test_jobs_come_out_in_the_order_in_which_they_were_asked_for(
    shop: Shop, station: Station, fake: FakePrinter
) -> None:
    for text in ("one", "two", "three"):
        printing.submit(shop.db, "main", "till-1", PrintKind.REPORT, [Line(text)])
    while station.step():
        pass
    printed = fake.wait_printed(b"three")
    assert printed.index(b"one") < printed.index(b"two") < printed.index(b"three")


def test_where_no_printer_serves_the_terminal_nothing_is_queued(shop: Shop) -> None:
    assert printing.submit(shop.db, "main", "till-1", PrintKind.REPORT, HELLO) is None


def test_a_printer_without_paper_is_tried_again_and_prints_when_there_is_some(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    fake.run_out()
    job = ask(shop)
    station.step()
    assert now(shop, job).state == "queued"
    assert now(shop, job).error == f"printer bar: {status.PAPER_WORDS}"
    assert [one.job_id for one in print_jobs.waiting(shop.db, "till-1")] == [job.job_id]
    assert not station.step()  # not before its pause is over
    fake.refill()
    clock.advance(SECOND)
    assert station.step()
    fake.wait_printed(b"hello")
    assert now(shop, job).state == "printed"
    assert print_jobs.waiting(shop.db, "till-1") == []


def test_after_its_tries_a_job_has_failed_and_waits_for_a_person(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    fake.run_out()
    job = ask(shop)
    tries = 0
    while now(shop, job).state == "queued":
        tries += station.step()
        clock.advance(30 * SECOND)
    assert (tries, now(shop, job).state) == (MAX_TRIES, "failed")
    fake.refill()
    assert not station.step()
    assert print_jobs.retry(shop.db, job.job_id)
    assert station.step()
    assert now(shop, job).state == "printed"
    assert print_jobs.retry(shop.db, job.job_id) is None


def test_a_failure_that_somebody_does_without_is_over(
    shop: Shop, station: Station, fake: FakePrinter
) -> None:
    fake.run_out()
    job = ask(shop)
    station.step()
    print_jobs.dismiss(shop.db, job.job_id)
    assert print_jobs.waiting(shop.db, "till-1") == []
    assert not station.step()


def test_a_job_that_nobody_came_for_fails_instead_of_waiting_for_ever(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    job = ask(shop)
    clock.advance(16 * MINUTE)
    assert [one.job_id for one in print_jobs.waiting(shop.db, "till-1")] == [job.job_id]
    station.step()
    assert (now(shop, job).state, now(shop, job).error) == ("failed", TOO_LATE)
    assert fake.printed == b""


def test_a_job_that_ends_the_daemon_each_time_is_not_tried_without_end(
    shop: Shop, clock: ManualClock, station: Station
) -> None:
    job = ask(shop)
    for _ in range(MAX_TRIES):
        assert print_jobs.take(shop.db, "bar") is not None  # and the daemon is gone
        clock.advance(31 * SECOND)
    assert print_jobs.take(shop.db, "bar") is None
    assert (now(shop, job).state, now(shop, job).error) == ("failed", TOO_OFTEN)


def test_a_daemon_that_was_killed_while_it_printed_prints_again(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    job = ask(shop)
    assert print_jobs.take(shop.db, "bar") is not None
    clock.advance(SECOND)
    assert station.step()
    assert now(shop, job).state == "printed"
    fake.wait_printed(b"hello")


def test_what_waits_for_a_printer_that_was_taken_away_has_failed(shop: Shop) -> None:
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    job = ask(shop)
    print_jobs.configure(shop.db, [])
    assert now(shop, job).error == "printer bar is not configured any more"


def test_a_printer_of_an_unknown_make_fails_at_once(shop: Shop, fake: FakePrinter) -> None:
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    station = Station(PrinterConfig("bar", fake.device, profile="nope"), shop.db, shop.board)
    job = ask(shop)
    station.step()
    assert now(shop, job).state == "failed"
    assert "no printer profile nope" in (now(shop, job).error or "")


def test_a_drawer_is_opened_by_whoever_may_and_it_is_kept(
    shop: Shop, station: Station, fake: FakePrinter
) -> None:
    ann = people.create(shop.db, "Ann", Role.CASHIER, store_id="main")
    job = printing.open_drawer(shop.db, "main", "till-1", ann, "change")
    station.step()
    fake.wait_printed(b"\x1bp\x0022")
    assert now(shop, job).state == "printed"
    newest = audit.recent(shop.db)[0]
    assert (newest.action, newest.person_id, newest.subject) == (
        "drawer.open",
        ann.person_id,
        "till-1",
    )
    assert newest.data == {"printer": "bar", "reason": "change"}


def test_a_drawer_is_not_opened_by_others_or_where_there_is_none(
    shop: Shop, station: Station
) -> None:
    stranger = people.create(shop.db, "Bob", Role.MANAGER, store_id="main")
    people.block(shop.db, stranger.person_id)
    blocked = people.get(shop.db, stranger.person_id)
    with pytest.raises(NotAllowed):
        printing.open_drawer(shop.db, "main", "till-1", blocked)
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    with pytest.raises(LedgerError, match="no cash drawer"):
        printing.open_drawer(shop.db, "main", "till-1", None)


def test_a_drawer_that_did_not_open_at_once_stays_closed(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    fake.run_out()
    job = printing.open_drawer(shop.db, "main", "till-1", None)
    station.step()
    assert now(shop, job).state == "failed"
    assert print_jobs.retry(shop.db, job.job_id) is None
    late = printing.open_drawer(shop.db, "main", "till-1", None)
    fake.refill()
    clock.advance(11 * SECOND)
    station.step()
    assert now(shop, late).state == "failed"
    assert fake.printed == b""


def test_a_paid_sale_prints_itself_once_where_the_store_wants_it(
    shop: Shop, station: Station, fake: FakePrinter
) -> None:
    automatic = Automatic(shop.db, simulated=True)
    shop.pay(shop.card("Ann"), 100)
    while automatic.step():
        pass
    assert not station.step()  # off by default
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(automatic=True))
    shop.pay(shop.card("Ben"), 2_100)
    while automatic.step():
        pass
    assert station.step()
    assert b"2 100 sats" in fake.wait_printed(b"Ben")
    again = Automatic(shop.db, simulated=True)  # the daemon starts anew, seconds later
    while again.step():
        pass
    assert b"COPY" not in fake.printed


def test_a_sale_that_was_paid_as_the_daemon_ended_is_printed_by_the_next_one(
    shop: Shop, clock: ManualClock, station: Station, fake: FakePrinter
) -> None:
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(automatic=True))
    shop.pay(shop.card("Ann"), 100)
    clock.advance(MISSED_MS + 1)
    shop.pay(shop.card("Ben"), 200)
    automatic = Automatic(shop.db, simulated=True)
    while automatic.step() or station.step():
        pass
    fake.wait_printed(b"Ben")
    assert b"Ann" not in fake.printed  # nobody wants it any more


def test_a_dead_printer_delays_neither_sales_nor_another_printer(shop: Shop) -> None:
    settings.put(shop.db, "main", RECEIPTS, ReceiptChoices(automatic=True))
    stores.ensure_terminal(shop.db, "till-2", "main")
    with fake_printer() as good, fake_printer() as dead:
        dead.hold()
        configs = [config(dead, "dead"), config(good, "good", "till-2")]
        made = bodies(configs, shop.db, shop.board, simulated=True)
        workers = [Worker(name, body) for name, body in made]
        for worker in workers:
            worker.start()
        try:
            sale_id = shop.pay(shop.card("Ann"), 100).payout.sale_id
            dead.wait_asked()
            sale = sales.get(shop.db, sale_id or "")
            assert sale is not None
            assert sale.state is SaleState.APPROVED
            printing.submit(shop.db, "main", "till-2", PrintKind.REPORT, HELLO)
            good.wait_printed(b"hello")
        finally:
            dead.release()
            for worker in workers:
                worker.stop()
            shop.db.events.close()
            over = [worker.join(NEVER_S) for worker in workers]
        assert all(over)


def test_a_service_that_stops_does_not_wait_until_a_receipt_is_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "PRINTED_S", 2 * NEVER_S)
    print_jobs.configure(shop.db, [PrinterRow("bar", ("till-1",), drawer=False)])
    with fake_printer() as slow:
        slow.tells = False
        job = ask(shop)
        worker = Worker("printer bar", Station(config(slow), shop.db, shop.board).run)
        worker.start()
        slow.wait_printed(b"hello")
        worker.stop()
        shop.db.events.close()
        assert worker.join(NEVER_S)
        assert (now(shop, job).state, now(shop, job).error) == (
            "queued",
            f"printer bar: {STOPPING}",
        )
