"""The card desk at a lent reader: jobs of the ledger, done card by card, whoever asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardware.twin.card import Tear, TearAt, TwinCard
from host.keyring import Issuer, Keyring
from host.ledger import audit, cards, loans, sales, stores
from host.ledger.codes import Code, Refused
from host.money import sats
from host.ntag424.values import Key, Uid
from host.readers.base import Look
from host.readers.direct import DirectReader
from host.store.engine import Engine
from provisioning import joblist, jobs, slips
from provisioning.engine import Workshop
from provisioning.jobs import DeskJob, DeskState, Kind, Line, Sign
from provisioning.lent import IDLE_MS, CardDesk
from provisioning.orders import Goal
from provisioning.template import Entry, Template
from tests.provisioning.shop import BASE, Shop
from tests.support.running import wait_for

AT = "till-1"
SECRET = bytes(32)


class Station:
    """A terminal whose reader the card desk serves, in a thread, as a post would."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.db = shop.db
        stores.ensure_terminal(shop.db, AT, "main")
        self.desk = CardDesk(shop.db, shop.keyring, BASE)
        self.reader = DirectReader()

    def start(self, kind: Kind, **more: object) -> DeskJob:
        job = jobs.start(
            self.db,
            store_id="main",
            terminal_id=AT,
            kind=kind,
            person="Tina",
            secret=SECRET,
            **more,  # type: ignore[arg-type]
        )
        assert isinstance(job, DeskJob), job
        return job

    @contextmanager
    def serving(self) -> Iterator[threading.Event]:
        stop = threading.Event()
        loan = loans.of(self.db, AT)
        assert loan
        thread = threading.Thread(target=self.desk.serve, args=(loan, self.reader, stop.is_set))
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()

    def tap(self, job: DeskJob, card: TwinCard, *, sure: bool | None = None) -> Line:
        """Lay a card down and take it away when its line is there; `sure` answers what is asked."""
        before = len(jobs.lines(self.db, job.job_id))
        self.waits(job)
        self.reader.lay(card)
        if sure is not None:
            wait_for(self.db, lambda: self.at(job) == "asked", "the question")
            assert jobs.be_sure(self.db, job.job_id, card.state.uid.hex(), sure, "Tina")
        # Not for "away" too: a torn card has left the reader by itself, and the desk goes on.
        wait_for(self.db, lambda: len(jobs.lines(self.db, job.job_id)) > before, "the line")
        self.reader.lift()
        return jobs.lines(self.db, job.job_id)[0]

    def at(self, job: DeskJob) -> object:
        now = jobs.get(self.db, job.job_id)
        return now and now.step.get("at")

    def waits(self, job: DeskJob) -> None:
        wait_for(self.db, lambda: self.at(job) == "waiting", "the desk")

    def ended(self, job: DeskJob) -> DeskState:
        closed = wait_for(
            self.db, lambda: not jobs.is_open(self.db, job.job_id) and jobs.get(self.db, job.job_id)
        )
        assert isinstance(closed, DeskJob)
        return closed.state


@pytest.fixture
def station(shop: Shop) -> Station:
    return Station(shop)


def _blank(number: int) -> TwinCard:
    return TwinCard.factory(Uid(bytes([4, 0, 0, 0, 0, number, 0x80])))


def _entries(shop: Shop, count: int, pin_digits: int | None = None) -> list[Entry]:
    template = Template(pull_payment_id=shop.account, alias="Guest-{n:03}", pin_digits=pin_digits)
    return list(template.entries(count))


def _signs(lines: Sequence[Line]) -> list[Sign]:
    return [one.sign for one in reversed(lines)]


@pytest.fixture
def stranger(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], TwinCard]]:
    elsewhere = Shop.open(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.keyring = Keyring((Issuer.of(Key(b"\x55" * 16)),), bytes(32))
    elsewhere.workshop = Workshop(elsewhere.db, elsewhere.keyring)

    def make(number: int) -> TwinCard:
        card = _blank(number)
        elsewhere.done(card, Goal.ISSUE)
        return card

    yield make
    elsewhere.db.close()


def test_a_batch_goes_on_until_every_card_is_made(
    station: Station, stranger: Callable[[int], TwinCard]
) -> None:
    job = station.start(Kind.ISSUE, entries=_entries(station.shop, 3))
    first = _blank(1)
    with station.serving():
        assert station.tap(job, first).title == "Guest-001"
        twice = station.tap(job, first)
        assert (twice.sign, twice.code) == (Sign.AGAIN, "twice")
        foreign = station.tap(job, stranger(9))
        assert (foreign.sign, foreign.code) == (Sign.ASIDE, "foreign")
        torn = _blank(2)
        torn.tear(Tear(TearAt.COMMAND, 20))
        assert station.tap(job, torn).code == "card_gone"
        assert station.tap(job, _blank(3)).title == "Guest-003"
        again = station.tap(job, torn)
        assert (again.title, again.says) == ("Guest-002", "issued, finishing an earlier tap")
        assert station.ended(job) is DeskState.DONE
    assert _signs(jobs.lines(station.db, job.job_id)) == [
        Sign.DONE,
        Sign.AGAIN,
        Sign.ASIDE,
        Sign.AGAIN,
        Sign.DONE,
        Sign.DONE,
    ]
    assert loans.of(station.db, AT) is None
    assert {card.alias for card in cards.every(station.db)} == {f"Guest-00{n}" for n in (1, 2, 3)}


def test_a_stop_and_a_restart_lose_nothing(station: Station) -> None:
    job = station.start(Kind.ISSUE, entries=_entries(station.shop, 2))
    with station.serving():
        station.tap(job, _blank(1))
    assert jobs.is_open(station.db, job.job_id)  # the daemon ended, the job did not
    with station.serving():
        assert station.tap(job, _blank(1)).code == "twice"
        station.waits(job)
        jobs.end(station.db, job.job_id, DeskState.STOPPED, "Tina")
        assert station.ended(job) is DeskState.STOPPED
    assert loans.of(station.db, AT) is None
    assert [one.state for one in jobs.planned(station.db, job.job_id)] == ["done", "todo"]


def test_a_job_and_a_sale_refuse_each_other_in_words(station: Station) -> None:
    sale = sales.open(station.db, "main", sats(21), terminal_id=AT)
    assert not isinstance(sale, Refused)
    refused = jobs.start(
        station.db,
        store_id="main",
        terminal_id=AT,
        kind=Kind.WIPE,
        person="Tina",
        secret=SECRET,
    )
    assert isinstance(refused, Refused)
    assert refused.code is Code.SALE_OPEN
    assert jobs.latest(station.db, AT) is None
    sales.cancel(station.db, sale.sale_id)
    station.start(Kind.WIPE)
    again = sales.open(station.db, "main", sats(21), terminal_id=AT)
    assert isinstance(again, Refused)
    assert again.code.words.says == "The reader is used for something else"


def test_other_kinds_go_on_until_they_are_stopped(station: Station) -> None:
    shop, card = station.shop, _blank(1)
    shop.done(card, Goal.ISSUE)
    for kind, says in (
        (Kind.VERIFY, "It is all right."),
        (Kind.REPAIR, "nothing to do"),
        (Kind.REKEY, "has new keys"),
        (Kind.WIPE, "wiped, as delivered"),
    ):
        job = station.start(kind)
        with station.serving():
            line = station.tap(job, card, sure=True if kind is Kind.WIPE else None)
            assert (line.sign, line.says) == (Sign.DONE, says)
            station.waits(job)
            jobs.end(station.db, job.job_id, DeskState.STOPPED)
    job = station.start(Kind.DIAGNOSE, total=1)
    with station.serving():
        line = station.tap(job, card)
        assert line.facts["lines"][1] == "It is blank, as delivered."
        assert station.ended(job) is DeskState.DONE


def test_a_card_is_wiped_only_after_somebody_said_yes_to_it(station: Station) -> None:
    shop, card, other = station.shop, _blank(1), _blank(2)
    shop.done(card, Goal.ISSUE)
    job = station.start(Kind.WIPE, total=2)
    uid, keys = card.state.uid.hex(), card.state.keys
    with station.serving():
        assert station.tap(job, other).says == "nothing to do", "a blank card is not asked about"
        no = station.tap(job, card, sure=False)
        assert (no.sign, no.code) == (Sign.AGAIN, "unsure")
        station.waits(job)
        station.reader.lay(card)
        wait_for(station.db, lambda: station.at(job) == "asked", "the question")
        assert not jobs.be_sure(station.db, job.job_id, other.state.uid.hex(), True, "Tina")
        station.reader.lift()  # taking it away is no
        station.waits(job)
        assert jobs.lines(station.db, job.job_id)[0].code == "unsure"
        assert not jobs.be_sure(station.db, job.job_id, uid, True, "Tina"), "it asks no more"
        assert card.state.keys == keys
        card.tear(Tear(TearAt.COMMAND, 26))
        torn = station.tap(job, card, sure=True)
        assert (torn.code, torn.facts["wrote"]) == ("card_gone", True)
        done = station.tap(job, card)
        assert (done.sign, done.says) == (
            Sign.DONE,
            "wiped, as delivered, finishing an earlier tap",
        )
        assert station.ended(job) is DeskState.DONE
    row = next(row for row in audit.recent(station.db) if row.action == "desk.sure")
    assert (row.person_id, row.data["uid"]) == ("Tina", uid)


def test_another_process_starts_follows_and_stops_a_job(station: Station) -> None:
    elsewhere = Engine.open(station.db.path, station.db.clock)
    try:
        started = jobs.start(
            elsewhere,
            store_id="main",
            terminal_id=AT,
            kind=Kind.ISSUE,
            person="Tina",
            secret=SECRET,
            entries=_entries(station.shop, 2),
        )
        assert isinstance(started, DeskJob)
        with station.serving():
            seen = elsewhere.events.last_id()
            assert station.tap(started, _blank(1)).sign is Sign.DONE
            assert elsewhere.events.wait(seen, 30_000)
            assert jobs.lines(elsewhere, started.job_id)[0].title == "Guest-001"
            station.waits(started)
            jobs.end(elsewhere, started.job_id, DeskState.STOPPED)
            assert station.ended(started) is DeskState.STOPPED
    finally:
        elsewhere.close()


def test_no_key_and_no_pin_is_in_the_ledgers_files(station: Station, tmp_path: Path) -> None:
    entries = _entries(station.shop, 1, pin_digits=12)
    job = station.start(Kind.ISSUE, entries=entries)
    card = _blank(1)
    with station.serving():
        told = station.tap(job, card)
        station.ended(job)
    (result,) = joblist.results(station.db, job.job_id, SECRET)
    assert result.pin == entries[0].pin
    said = repr(told) + repr(jobs.planned(station.db, job.job_id)) + repr(result)
    station.db.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"Guest-001" in content
    pin = (entries[0].pin or "").encode()
    keys = [key.key.reveal() for key in card.state.keys]
    for secret in (pin, *keys, *(key.hex().encode() for key in keys)):
        assert secret not in content
        assert secret not in said.encode()


def test_a_job_that_is_forgotten_gives_the_reader_back(station: Station) -> None:
    job = station.start(Kind.VERIFY)
    with station.serving():
        station.waits(job)
        station.db.clock.advance(IDLE_MS)  # type: ignore[attr-defined]
        assert station.ended(job) is DeskState.STOPPED
    assert loans.of(station.db, AT) is None


def test_a_torn_cards_verdict_says_what_to_choose(station: Station) -> None:
    card = _blank(1)
    card.tear(Tear(TearAt.COMMAND, 20))
    station.shop.work(card, Goal.ISSUE)
    job = station.start(Kind.VERIFY)
    with station.serving():
        line = station.tap(job, card)
    assert line.sign is Sign.ASIDE
    assert line.next == "Choose Repair here and lay it down again."


def test_the_lights_follow(station: Station) -> None:
    job = station.start(Kind.ISSUE, entries=_entries(station.shop, 1))
    with station.serving():
        station.tap(job, _blank(1))
        station.ended(job)
    looks = [show.look for show in station.reader.shown]
    assert looks[0] is Look.READY
    assert Look.READING in looks
    assert looks[-1] is Look.APPROVED


def test_pins_are_sealed_until_the_list_is_printed_and_forgotten_after_a_day(
    station: Station,
) -> None:
    entries = _entries(station.shop, 1, pin_digits=6)
    pin = entries[0].pin
    assert pin
    job = station.start(Kind.ISSUE, entries=entries)
    (planned,) = jobs.planned(station.db, job.job_id)
    assert planned.pin
    assert pin not in repr(planned) + planned.pin
    assert slips.unseal(SECRET, f"{job.job_id}/1", planned.pin) == pin
    assert slips.unseal(SECRET, f"{job.job_id}/2", planned.pin) is None
    assert slips.unseal(b"x" * 32, f"{job.job_id}/1", planned.pin) is None
    jobs.end(station.db, job.job_id, DeskState.STOPPED)
    station.db.clock.advance(jobs.PINS_KEPT_MS + 1)  # type: ignore[attr-defined]
    station.start(Kind.VERIFY)
    assert jobs.planned(station.db, job.job_id)[0].pin is None
