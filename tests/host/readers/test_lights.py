"""The lamps of each look, as a function of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.readers.base import Look
from host.readers.lights import Lamps, lamps_at

LOOKS = st.sampled_from(list(Look))
FOREVER = 3_600_000


def row_at(look: Look, ms: int) -> str:
    lamps, _ = lamps_at(look, ms)
    return "".join("*" if lit else "." for lit in lamps.row)


@given(LOOKS, st.integers(0, 60_000))
def test_a_picture_lasts_until_the_announced_change_and_not_longer(look: Look, now: int) -> None:
    lamps, change = lamps_at(look, now)
    if change is None:
        assert lamps_at(look, now + FOREVER) == (lamps, None)
    else:
        assert change > 0
        assert lamps_at(look, now + change - 1)[0] == lamps
        assert lamps_at(look, now + change)[0] != lamps


@given(LOOKS)
def test_no_look_sounds_for_good(look: Look) -> None:
    sounding = sum(lamps_at(look, ms)[0].buzzer for ms in range(0, 10_000, 10))
    assert sounding * 10 <= 500


def test_off_is_dark() -> None:
    assert lamps_at(Look.OFF, 0) == (Lamps(), None)


def test_idle_blinks_the_first_light_only() -> None:
    rows = {row_at(Look.IDLE, ms) for ms in range(0, 4_000, 50)}
    assert rows == {"*...", "...."}


def test_ready_holds_the_first_light() -> None:
    assert lamps_at(Look.READY, 5) == (Lamps(row=(True, False, False, False)), None)


def test_reading_lights_one_after_the_other() -> None:
    assert [row_at(Look.READING, ms) for ms in (0, 80, 160, 240)] == [
        "*...",
        "**..",
        "***.",
        "****",
    ]


def test_read_is_all_four_and_a_short_chirp_but_not_approved() -> None:
    lamps, change = lamps_at(Look.READ, 0)
    assert lamps.row == (True,) * 4
    assert lamps.buzzer
    assert not lamps.approved
    assert change is not None
    assert not lamps_at(Look.READ, change)[0].buzzer


def test_approved_sounds_longer_than_read_and_keeps_its_lamp() -> None:
    assert lamps_at(Look.APPROVED, 399)[0].buzzer
    lamps, change = lamps_at(Look.APPROVED, 400)
    assert lamps == Lamps(row=(True,) * 4, approved=True)
    assert change is None


def test_declined_sounds_twice_and_lights_no_row() -> None:
    pictures = [lamps_at(Look.DECLINED, ms)[0] for ms in (0, 120, 240, 360)]
    assert [lamps.buzzer for lamps in pictures] == [True, False, True, False]
    assert all(lamps.declined and not any(lamps.row) for lamps in pictures)


def test_checking_alternates() -> None:
    assert [row_at(Look.CHECKING, ms) for ms in (0, 400, 800)] == ["*.*.", ".*.*", "*.*."]


@pytest.mark.parametrize("look", list(Look))
def test_looks_differ_without_colour_and_without_sound(look: Look) -> None:
    def film(of: Look) -> list[tuple[bool, ...]]:
        pictures = [lamps_at(of, ms)[0] for ms in range(500, 3_000, 20)]
        return [(*lamps.row, lamps.approved, lamps.declined) for lamps in pictures]

    assert [other for other in Look if film(other) == film(look)] == [look]
