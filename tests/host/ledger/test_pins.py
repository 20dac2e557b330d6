"""PINs: asked for at a threshold, counted over all taps, locked, never kept (THREATS 19)."""

from __future__ import annotations

import logging
import threading

import pytest

from host.ledger import audit, cards, claims, pins
from host.ledger.claims import Claimed, ClaimRequest, Quote, Source
from host.ledger.codes import Code, Refused
from host.ledger.errors import LedgerError
from host.ledger.records import Card, Limits
from host.money import sats
from tests.support.books import Shop, code, made, tap
from tests.support.threads import together

TEN = sats(10)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of one try is a setting; tests need it to be there, not to be hard."""
    monkeypatch.setattr(pins.make_hash, "__kwdefaults__", {"cost": 1 << 4})


def with_pin(here: Shop, limit_msat: int = 0) -> Card:
    card = here.card()
    return cards.set_pin(here.db, card.card_id, "2468", limit_msat=limit_msat)


def test_a_pin_is_asked_for_from_its_threshold_on(here: Shop) -> None:
    card = with_pin(here, TEN)
    made(here.pay(card, 1, TEN - 1_000))
    assert code(here.pay(card, 2, TEN)) is Code.PIN_REQUIRED
    made(here.pay(card, 2, TEN, pin="2468"))


def test_a_threshold_of_zero_is_always(here: Shop) -> None:
    card = with_pin(here)
    assert code(here.pay(card, 1, sats(1))) is Code.PIN_REQUIRED
    assert claims.quote(here.db, tap(card, 1), max_msat=TEN) == Quote(1_000, TEN, "Shop", 0)
    made(here.pay(card, 1, sats(1), pin="2468"))


def test_asking_for_the_pin_does_not_spend_the_tap_nor_write_anything(here: Shop) -> None:
    card, sale = with_pin(here), here.sale(TEN)
    events = here.count("events")
    assert code(here.pay(card, 1, TEN, sale=sale)) is Code.PIN_REQUIRED
    assert here.now(card) == card
    assert here.count("events") == events
    made(here.pay(card, 1, TEN, sale=sale, pin="2468"))


def test_a_wrong_pin_is_counted_over_all_taps_and_then_locked(here: Shop) -> None:
    card = with_pin(here)
    assert here.pay(card, 1, TEN, pin="1111") == Refused(Code.PIN_WRONG, {"tries_left": 2})
    assert here.pay(card, 7, TEN, pin="2222") == Refused(Code.PIN_WRONG, {"tries_left": 1})
    assert code(here.pay(card, 8, TEN, pin="3333")) is Code.PIN_LOCKED
    assert code(here.pay(card, 9, TEN, pin="2468")) is Code.PIN_LOCKED
    assert here.now(card).pin_tries == pins.MAX_TRIES
    assert here.now(card).last_counter == 0
    cards.unlock_pin(here.db, card.card_id)
    made(here.pay(card, 9, TEN, pin="2468"))


def test_the_right_pin_clears_the_count(here: Shop) -> None:
    card = with_pin(here)
    for counter, pin in enumerate(["1", "2", "2468", "1", "2", "2468"], start=1):
        outcome = here.pay(card, counter, TEN, pin=pin)
        assert isinstance(outcome, Claimed) == (pin == "2468")
    assert here.now(card).pin_tries == 0


def test_a_wrong_pin_leaves_the_tap_for_the_right_one(here: Shop) -> None:
    card, sale = with_pin(here), here.sale(TEN)
    assert code(here.pay(card, 1, TEN, sale=sale, pin="0000")) is Code.PIN_WRONG
    made(here.pay(card, 1, TEN, sale=sale, pin="2468"))


def test_a_locked_pin_stops_only_what_needs_it(here: Shop) -> None:
    card = with_pin(here, TEN)
    for counter in range(1, 4):
        here.pay(card, counter, TEN, pin="0000")
    assert code(here.pay(card, 4, TEN)) is Code.PIN_LOCKED
    made(here.pay(card, 4, TEN - 1_000))


def test_a_pin_is_not_tried_where_the_payment_would_be_refused_anyway(here: Shop) -> None:
    card = with_pin(here)
    cards.set_limits(here.db, card.card_id, Limits(tap_msat=0))
    assert code(here.pay(card, 1, TEN, pin="0000")) is Code.LIMIT_TAP
    assert here.now(card).pin_tries == 0


def test_a_pin_that_was_changed_meanwhile_is_asked_for_again(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = with_pin(here)
    slow = pins.try_pin

    def overtaken(stored: str, pin: str) -> pins.Try:
        cards.set_pin(here.db, card.card_id, "1357")
        return slow(stored, pin)

    monkeypatch.setattr(pins, "try_pin", overtaken)
    assert code(here.pay(card, 1, TEN, pin="2468")) is Code.PIN_REQUIRED
    assert here.now(card).pin_tries == 0


def test_wrong_pins_tried_at_once_are_all_counted(here: Shop) -> None:
    card = with_pin(here)
    taps = [ClaimRequest(tap(card, 1), TEN, Source.TILL, sale_id=here.sale(TEN).sale_id, pin="0")]
    outcomes = together([lambda: claims.claim(here.db, taps[0]) for _ in range(8)])
    codes = sorted(code(outcome) for outcome in outcomes)
    assert codes == [Code.PIN_LOCKED] * 6 + [Code.PIN_WRONG] * 2
    assert here.now(card).pin_tries == pins.MAX_TRIES


def test_the_slow_part_never_holds_the_write_lock(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = with_pin(here)
    slow = pins.try_pin
    written: list[str] = []

    def look(stored: str, pin: str) -> pins.Try:
        here.db.transaction(lambda tx: tx.event("meanwhile"))
        written.append(threading.current_thread().name)
        return slow(stored, pin)

    monkeypatch.setattr(pins, "try_pin", look)
    made(here.pay(card, 1, TEN, pin="2468"))
    assert len(written) == 1


def test_a_pin_is_in_no_table_no_log_and_no_repr(
    here: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    card = with_pin(here)
    request = ClaimRequest(tap(card, 1), TEN, Source.TILL, sale_id="s", pin="2468")
    assert "2468" not in repr(request)
    here.pay(card, 1, TEN, pin="0000")
    made(here.pay(card, 1, TEN, pin="2468"))
    rows = [repr(row) for row in audit.recent(here.db)]
    rows += [repr(event) for event in here.db.events.after(0)]
    assert not any("2468" in text or "scrypt" in text for text in [*rows, caplog.text])
    assert "2468" not in repr(pins.try_pin(pins.make_hash("2468"), "2468"))


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "١٢٣٤", " 1234"])
def test_a_pin_is_4_to_12_digits(here: Shop, pin: str) -> None:
    with pytest.raises(LedgerError, match="pin: must be 4 to 12 digits") as error:
        cards.set_pin(here.db, here.card().card_id, pin)
    assert not pin.strip() or pin not in str(error.value)


def test_a_card_without_a_pin_ignores_one(here: Shop) -> None:
    made(here.pay(here.card(), 1, TEN, pin="9999"))
    card = cards.set_pin(here.db, with_pin(here).card_id, None)
    assert card.pin_limit_msat is None
    made(here.pay(card, 1, TEN))
