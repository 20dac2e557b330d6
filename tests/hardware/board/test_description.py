"""The board's description holds together, agrees with the firmware, and feeds what it drives."""

from __future__ import annotations

import math

import pytest

from hardware.board import circuit, files, rules, schematic
from hardware.board.circuit import COMPONENTS, RING, ROW
from hardware.board.copper import Board, closed_turn, nearest, read
from hardware.board.parts import FUSE, Mount
from hardware.board.placement import COIL_KEEP_OUT, SLIT_CROSSED_BY
from hardware.board.shape import SHAPE
from reader import lights, pins, words
from tests.hardware.board import sheets

CENTRE = (SHAPE.antenna.centre.x, SHAPE.antenna.centre.y)
SIZE = (SHAPE.width, SHAPE.height)


@pytest.fixture(scope="module")
def board() -> Board:
    return read((files.OUT / f"{files.NAME}.kicad_pcb").read_text("utf-8"))


def test_circuit_parts_and_placement_agree() -> None:
    assert rules.of_description() == []


def test_the_committed_board_is_the_circuit_s_and_keeps_every_rule(board: Board) -> None:
    assert rules.of_board(board) == []


def test_every_gpio_is_where_the_firmware_drives_it() -> None:
    wired = {net: number for number, net in circuit.GPIO.items()}
    firmware = {
        name: value
        for name, value in vars(pins).items()
        if name in wired or name in ("CHIP_TX", "CHIP_RX", "DISPLAY_SDA", "DISPLAY_SCL")
    }
    assert firmware == wired


def test_the_firmware_drives_no_pin_that_the_board_leaves_open() -> None:
    setups = {"CHIP_UART", "CHIP_BAUD", "DISPLAY_I2C", "DISPLAY_ADDRESS"}
    numbers = {
        name
        for name, value in vars(pins).items()
        if name.isupper() and isinstance(value, int) and not name.startswith("USB_")
    }
    assert numbers - setups == set(circuit.GPIO.values())


def test_the_chain_has_as_many_lights_as_the_firmware_paints() -> None:
    assert (ROW, RING) == (lights.ROW, lights.RING)
    assert SHAPE.ring.count == RING
    assert len(SHAPE.lights) == ROW
    assert [COMPONENTS[f"D{i}"].nets["4"] for i in range(1, ROW + RING + 1)] == [
        "/L1",
        *(COMPONENTS[f"D{i}"].nets["2"] for i in range(1, ROW + RING)),
    ]


def test_the_fuse_holds_the_brightest_look_of_the_firmware() -> None:
    """20 mA a colour at full, 1 mA of its own: WS2812B data sheet."""
    looks = [getattr(words, name) for name in dir(words) if name.startswith("LOOK_")]
    pixels = bytearray(3 * lights.COUNT)
    most = 0.0
    for look in looks:
        for t in range(0, 3000, 50):
            lights.paint(pixels, look, t, 100)
            most = max(most, sum(pixels) / 255 * 20 + lights.COUNT)
    assert FUSE.value == "0.5 A"
    assert 300 < most < 350, "the schematic says 0.35 A"


def test_every_part_that_is_bought_has_a_maker_s_number() -> None:
    assert all(
        part.kind.mpn and part.kind.maker
        for part in COMPONENTS.values()
        if part.kind.mount is not Mount.COPPER
    )


def test_the_schematic_joins_what_the_circuit_joins() -> None:
    drawn = {net: found for net, found in sheets.nets(schematic.draw()).items() if len(found) > 1}
    assert drawn == {net: set(found) for net, found in circuit.nets().items()}


def test_a_part_without_its_capacitor_is_found(board: Board) -> None:
    bare = {pin: pads for pin, pads in board.pads.items() if pin[0] != "C19"}
    stripped = Board(
        bare | {("C19", n): board.pads["C24", n] for n in ("1", "2")},
        board.tracks,
        board.pours,
        board.edge,
        board.holes,
    )
    assert "U2 has no capacitor at VCC" in rules.of_board(stripped)


def test_a_pad_on_another_net_is_found(board: Board) -> None:
    pads = board.pads | {("R1", "1"): board.pads["R4", "1"]}
    wrong = Board(pads, board.tracks, board.pours, board.edge, board.holes)
    assert "net /DATA of the board is not the circuit's" in rules.of_board(wrong)


def test_copper_over_the_coil_is_found(board: Board) -> None:
    track = ("GND", (40.0, 80.0), (44.0, 80.0), 0.25)
    wrong = Board(board.pads, [*board.tracks, track], board.pours, board.edge, board.holes)
    assert nearest(board, CENTRE) >= COIL_KEEP_OUT - 0.05
    assert nearest(wrong, CENTRE) == 0 - 0.125
    assert any("coil's middle" in problem for problem in rules.of_board(wrong))


def test_a_closed_turn_round_the_coil_is_found(board: Board) -> None:
    bridge = ("GND", (30.0, 118.0), (36.0, 118.0), 0.8)
    wrong = Board(board.pads, [*board.tracks, bridge], board.pours, board.edge, board.holes)
    assert not closed_turn(board, SIZE, CENTRE, {SLIT_CROSSED_BY})
    assert closed_turn(wrong, SIZE, CENTRE, {SLIT_CROSSED_BY})
    assert closed_turn(board, SIZE, CENTRE), "the data wire itself closes it, and it alone"


def test_the_shape_keeps_what_is_on_the_board_inside() -> None:
    radius = SHAPE.ring.diameter / 2 + SHAPE.light_size
    centre = SHAPE.ring.centre
    assert radius < min(centre.x, SHAPE.width - centre.x, SHAPE.height - centre.y)
    corner = math.hypot(SHAPE.antenna.width / 2, SHAPE.antenna.height / 2)
    assert corner < SHAPE.ring.diameter / 2 - SHAPE.light_size / 2, "the module clears the ring"
    assert SHAPE.usb.x == SHAPE.pico.centre.x
    assert SHAPE.pico.centre.y == SHAPE.pico.height / 2, "its socket at the rear edge"
    heights = (SHAPE.display_height, SHAPE.antenna_height, SHAPE.button_height, SHAPE.light_height)
    assert max(heights) <= SHAPE.top_height
