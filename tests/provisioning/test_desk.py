"""A stack of cards at a reader: each starts by itself, nothing is lost, the lights follow."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from hardware.twin.card import Tear, TearAt, TwinCard
from host.keyring import Issuer, Keyring
from host.ledger import cards
from host.ntag424.values import Key, Uid
from host.readers.base import Look
from host.readers.direct import DirectReader
from provisioning import sheet, terminal
from provisioning.desk import Desk, Result, Watch
from provisioning.engine import Workshop
from provisioning.orders import Goal
from provisioning.states import State
from provisioning.template import Entry, Template, TemplateError
from provisioning.trouble import Trouble, TroubleCode
from tests.provisioning.shop import BASE, Shop

_TORN_AT = 17


class Hand:
    """Lays card after card on the reader, as soon as the one before is finished with."""

    def __init__(self, reader: DirectReader, stack: Sequence[TwinCard]) -> None:
        self._reader = reader
        self._stack = iter(stack)

    def next(self, _number: int) -> None:
        card = next(self._stack, None)
        if card is not None:
            self._reader.lay(card)

    def lift(self, _result: Result) -> None:
        self._reader.lift()


def _uid(number: int) -> Uid:
    return Uid(bytes([4, 0, 0, 0, 0, number, 0x80]))


def _blank(number: int) -> TwinCard:
    return TwinCard.factory(_uid(number))


def _entries(shop: Shop, count: int, **more: object) -> list[Entry]:
    template = Template(pull_payment_id=shop.account, alias="Guest-{n:03}", **more)  # type: ignore[arg-type]
    return list(template.entries(count))


def _at_desk(
    shop: Shop, stack: Sequence[TwinCard], count: int, entries: list[Entry] | None = None
) -> tuple[Desk, DirectReader]:
    reader = DirectReader()
    hand = Hand(reader, stack)
    desk = Desk(
        shop.workshop,
        reader,
        shop.order(Goal.ISSUE),
        Watch(waiting=hand.next, result=hand.lift),
    )
    desk.issue(entries or _entries(shop, count))
    return desk, reader


@pytest.fixture
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], TwinCard]]:
    """Cards of another issuer."""
    elsewhere = Shop.open(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.keyring = Keyring((Issuer.of(Key(b"\x55" * 16)),), bytes(32))
    elsewhere.workshop = Workshop(elsewhere.db, elsewhere.keyring)

    def make(number: int) -> TwinCard:
        card = _blank(number)
        elsewhere.done(card, Goal.ISSUE)
        return card

    yield make
    elsewhere.db.close()


def _lrp(number: int) -> TwinCard:
    state = _blank(number).state
    return TwinCard(replace(state, configuration=replace(state.configuration, lrp=True)))


def _delayed(number: int) -> TwinCard:
    state = _blank(number).state
    return TwinCard(state.with_key(0, replace(state.keys[0], sequence_failures=55)))


def _half_written(shop: Shop, number: int) -> TwinCard:
    card = _blank(number)
    card.tear(Tear(TearAt.ANSWER, _TORN_AT))
    assert isinstance(shop.work(card, Goal.ISSUE, alias=f"Early-{number}"), Trouble)
    return card


def test_twenty_cards_of_every_kind_give_twenty_clear_lines_and_the_right_outcome(
    shop: Shop, stranger: Callable[[int], TwinCard]
) -> None:
    stack = [_blank(n) for n in range(15)]
    stack += [_half_written(shop, 15), _half_written(shop, 16)]
    stack += [stranger(17), _lrp(18), _delayed(19)]
    desk, _reader = _at_desk(shop, stack, 20)
    assert len(desk.results) == 20
    wrong = {one.outcome.uid: one.outcome for one in desk.results if not one.done}
    codes = {uid: one.code for uid, one in wrong.items() if isinstance(one, Trouble)}
    assert codes == {
        _uid(17).hex(): TroubleCode.FOREIGN,
        _uid(18).hex(): TroubleCode.LRP,
    }
    names = [one.alias for one in desk.results if one.done]
    assert names[:15] == [f"Guest-{n:03}" for n in range(1, 16)]
    assert names[15:] == ["Early-15", "Early-16", "Guest-016"]
    lines = [terminal.line(one, 20) for one in desk.results]
    assert lines[17].startswith("NO ")
    assert "keys of somebody else" in lines[17]
    assert terminal.summary(desk.results) == "18 done, 2 not done"


def test_a_card_pulled_away_keeps_its_name_and_is_finished_when_it_comes_back(
    shop: Shop,
) -> None:
    pulled = _blank(1)
    pulled.tear(Tear(TearAt.COMMAND, 20))
    desk, _reader = _at_desk(shop, [pulled, _blank(2), pulled], 2)
    outcomes = [(one.outcome.uid, one.done) for one in desk.results]
    assert outcomes == [(_uid(1).hex(), False), (_uid(2).hex(), True), (_uid(1).hex(), True)]
    assert [one.alias for one in desk.final] == ["Guest-002", "Guest-001"]


def test_the_same_card_laid_down_twice_is_said_so_and_does_not_count(shop: Shop) -> None:
    first = _blank(1)
    desk, _reader = _at_desk(shop, [first, first, _blank(2)], 2)
    assert isinstance(desk.results[1].outcome, Trouble)
    assert desk.results[1].outcome.code is TroubleCode.TWICE
    assert sum(one.done for one in desk.results) == 2


def test_two_cards_at_once_are_refused_and_the_desk_goes_on(shop: Shop) -> None:
    reader = DirectReader()
    stack = [(_blank(1), _blank(2)), (_blank(1),)]

    def lay(_number: int) -> None:
        reader.lay(*stack.pop(0))

    desk = Desk(
        shop.workshop,
        reader,
        shop.order(Goal.ISSUE),
        Watch(waiting=lay, result=lambda _: reader.lift()),
    )
    desk.issue(_entries(shop, 1))
    assert isinstance(desk.results[0].outcome, Trouble)
    assert desk.results[0].outcome.code is TroubleCode.SEVERAL_CARDS
    assert desk.results[1].done


def test_the_lights_follow_each_card(shop: Shop) -> None:
    _desk, reader = _at_desk(shop, [_blank(1), _lrp(2)], 2)
    looks = [show.look for show in reader.shown]
    assert looks[0] is Look.READY
    assert [one for one in looks if one in (Look.APPROVED, Look.DECLINED)] == [
        Look.APPROVED,
        Look.DECLINED,
    ]
    words = [show.lines[0] for show in reader.shown if show.look is Look.READING]
    assert "changing the main key" in words


def test_a_stop_lets_the_card_on_the_reader_be_finished(shop: Shop) -> None:
    reader, stop = DirectReader(), threading.Event()
    reader.lay(_blank(1))
    watch = Watch(progress=lambda _: stop.set())
    desk = Desk(shop.workshop, reader, shop.order(Goal.ISSUE), watch, stop)
    desk.issue(_entries(shop, 5))
    assert [one.done for one in desk.results] == [True]


def test_wiping_a_stack_leaves_blank_cards(shop: Shop) -> None:
    stack = [_blank(1), _blank(2)]
    _at_desk(shop, stack, 2)
    reader = DirectReader()
    hand = Hand(reader, stack)
    desk = Desk(
        shop.workshop,
        reader,
        shop.order(Goal.WIPE),
        Watch(waiting=hand.next, result=hand.lift),
    )
    desk.serve(2)
    assert [one.done for one in desk.results] == [True, True]
    states = [shop.work(card, Goal.WIPE) for card in stack]
    assert all(getattr(one, "state", None) is State.BLANK for one in states)


# --- templates and lists ---------------------------------------------------------------------


def test_a_csv_makes_a_card_a_row_with_limits_and_pin(shop: Shop) -> None:
    template = Template(pull_payment_id=shop.account, pin_from_msat=5_000_000)
    rows = "alias,limit_tap,limit_count,pin\nAnna,2100 sat,5,\nBert,,,4321\n"
    desk, _reader = _at_desk(shop, [_blank(1), _blank(2)], 2, template.from_csv(rows))
    anna, bert = (cards.by_uid(shop.db, _uid(n)) for n in (1, 2))
    assert anna is not None
    assert bert is not None
    assert (anna.limits.tap_msat, anna.limits.count, anna.pin_limit_msat) == (2_100_000, 5, None)
    assert (bert.limits.tap_msat, bert.pin_limit_msat) == (None, 5_000_000)
    assert [one.pin for one in desk.results] == [None, "4321"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("name\nAnna\n", "the columns are"),
        ("alias,limit_tap\nAnna,lots\n", "line 2: limit_tap"),
        ("alias,pin\nAnna,12\n", "line 2: pin"),
        ("alias\nAnna,more\n", "line 2: more values than columns"),
        ("alias,pin\n ,1234\n", "line 2: alias: is missing"),
    ],
)
def test_a_bad_csv_names_its_line_and_field(rows: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        Template(pull_payment_id="p").from_csv(rows)


def test_several_cards_need_a_number_in_their_name() -> None:
    with pytest.raises(TemplateError, match="needs a number"):
        list(Template(pull_payment_id="p", alias="Guest").entries(2))


def test_drawn_pins_are_on_the_list_and_hashed_in_the_books(shop: Shop) -> None:
    desk, _reader = _at_desk(shop, [_blank(1)], 1, _entries(shop, 1, pin_digits=6))
    pin = desk.results[0].pin or ""
    assert len(pin) == 6
    assert pin in sheet.html_page(desk.results, BASE, "Cards")
    row = cards.by_uid(shop.db, _uid(1))
    assert row is not None
    assert row.pin_limit_msat == 0


def test_the_printed_list_escapes_formulas_and_markup(shop: Shop) -> None:
    template = Template(pull_payment_id=shop.account, alias="=cmd <b>")
    desk, _reader = _at_desk(shop, [_blank(1)], 1, list(template.entries(1)))
    assert "'=cmd <b>" in sheet.csv_text(desk.results)
    page = sheet.html_page(desk.results, "https://pay.example.com/balance", "Cards")
    assert "=cmd &lt;b&gt;" in page
    assert "<svg" in page
    assert "<b>" not in page


def test_a_list_is_for_its_owner_only(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "issued" / "cards.csv"
    sheet.write_private(path, "x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_terminal_shows_a_bar_and_words_and_a_pipe_only_results(shop: Shop) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, live in ((Tty(), True), (io.StringIO(), False)):
        screen = terminal.Screen(1, out)
        reader = DirectReader()
        reader.lay(_blank(7 if live else 8))
        watch = Watch(screen.progress, screen.waiting, _shown_and_lifted(screen, reader))
        Desk(shop.workshop, reader, shop.order(Goal.ISSUE), watch).issue(_entries(shop, 1))
        assert ("changing key 3" in out.getvalue()) is live
        assert "ok    1/1 " in out.getvalue()


def _shown_and_lifted(screen: terminal.Screen, reader: DirectReader) -> Callable[[Result], None]:
    def result(one: Result) -> None:
        screen.result(one)
        reader.lift()

    return result
