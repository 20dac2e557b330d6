"""The case follows its board; the solids themselves are checked where CadQuery is installed."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.board.shape import SHAPE
from hardware.case import dimensions as d
from hardware.case.dimensions import CASE, case_of

OUT = Path(__file__).resolve().parents[3] / "hardware" / "case" / "out"


def test_everything_on_the_board_has_room() -> None:
    highest = max(SHAPE.antenna_height, SHAPE.display_height, SHAPE.top_height)
    assert CASE.ceiling > highest
    assert CASE.floor < CASE.under_board - SHAPE.bottom_height
    assert CASE.plug - SHAPE.usb.plug[1] / 2 > CASE.floor


@pytest.mark.parametrize("more", [0.5, 3.0, 10.0])
def test_a_higher_part_makes_a_higher_case(more: float) -> None:
    taller = case_of(replace(SHAPE, antenna_height=SHAPE.antenna_height + more))
    assert taller.ceiling >= CASE.ceiling
    assert taller.ceiling - taller.board.antenna_height >= 0.8 - 1e-9
    deeper = case_of(replace(SHAPE, bottom_height=SHAPE.bottom_height + more))
    assert deeper.floor <= CASE.floor


def test_a_button_rests_above_its_switch_and_reaches_it() -> None:
    rests = CASE.button_foot - SHAPE.button_height
    assert 0 < rests < SHAPE.button_travel
    assert rests + SHAPE.button_travel < d.BUTTON_OUT


def test_walls_can_be_printed() -> None:
    assert min(d.WALL, d.FLOOR, d.ROOF, d.TAP_ROOF, d.BAFFLE, d.LIP) >= 0.8
    assert d.SKIN >= 0.6
    assert (d.PILLAR_FOOT - d.SCREW_HEAD) / 2 >= 1.2
    assert (d.BOSS - d.INSERT) / 2 >= 1.2
    assert min(hole.keep_clear for hole in SHAPE.holes) >= d.BOSS
    assert d.BOARD_PLAY > d.LIP + d.PLAY


@pytest.mark.parametrize("name", ["base", "lid", "button"])
def test_the_files_to_print_are_the_size_that_the_board_gives(name: str) -> None:
    triangles = (OUT / f"{name}.stl").read_bytes()
    (count,) = struct.unpack_from("<I", triangles, 80)
    assert len(triangles) == 84 + 50 * count
    corners = [
        struct.unpack_from("<3f", triangles, 84 + 50 * n + 12 + 12 * corner)
        for n in range(count)
        for corner in range(3)
    ]
    size = [max(c[axis] for c in corners) - min(c[axis] for c in corners) for axis in range(3)]
    heights = {
        "base": CASE.split - CASE.bottom,
        "lid": CASE.top - CASE.split + d.LIP_DEPTH,
        "button": CASE.top + d.BUTTON_OUT - CASE.button_foot,
    }
    flat = (d.BUTTON_FLANGE, d.BUTTON_FLANGE) if name == "button" else CASE.outside
    assert size == pytest.approx([*flat, heights[name]], abs=0.05)
