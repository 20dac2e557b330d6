"""Every measure of the case, from the board's shape; no CAD in here.

Millimetres. x and y as on the board; z is zero on the board's upper face and points upwards, to the
card. A printer makes holes a little small and walls a little thick: `PLAY` is left between parts.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.board.shape import SHAPE, Point, Shape

WALL = 2.0
ROOF = 2.0
FLOOR = 2.0
PLAY = 0.2
BOARD_PLAY = 1.8
"""From the board's edge to the wall: the lid's lip stands in it."""
LIP = 1.2
LIP_DEPTH = 3.0
SKIN = 0.8
"""What is left over a light: thin enough to shine through light-coloured plastic."""
TAP_ROOF = 1.4
"""The roof over the antenna: every tenth of a millimetre costs range."""
SCREW = 3.2
SCREW_HEAD = 6.2
SCREW_HEAD_DEPTH = 3.2
INSERT = 4.0
"""A brass insert M3, 5 mm long, melted in from below."""
INSERT_DEPTH = 5.6
BOSS = 7.0
PILLAR_FOOT = 10.0
PILLAR_HEIGHT = 5.2
"""A pillar is wider and solid around the screw's head, this high above the table."""
BAFFLE = 1.0
"""A wall between two lights, so that one does not light its neighbour's window."""
BUTTON = 9.0
BUTTON_FLANGE = 10.8
BUTTON_FLANGE_HEIGHT = 1.2
BUTTON_OUT = 1.2
"""How far a button stands out of the lid."""
FOOT = 10.0
FOOT_DEPTH = 0.8
GRILLE_HOLE = 1.6


@dataclass(frozen=True)
class Case:
    """The case of one board: levels along z, and the outline around the board."""

    board: Shape
    ceiling: float
    """The lid's inner face."""
    top: float
    floor: float
    """The base's inner face."""
    bottom: float
    split: float
    """Where base and lid meet."""

    @property
    def inside(self) -> tuple[float, float]:
        """Width and depth of the hollow."""
        return self.board.width + 2 * BOARD_PLAY, self.board.height + 2 * BOARD_PLAY

    @property
    def outside(self) -> tuple[float, float]:
        """Width and depth of the case."""
        width, depth = self.inside
        return width + 2 * WALL, depth + 2 * WALL

    @property
    def height(self) -> float:
        """From the table to the lid, without the feet."""
        return self.top - self.bottom

    @property
    def centre(self) -> Point:
        """The middle of the board, and of the case."""
        return Point(self.board.width / 2, self.board.height / 2)

    @property
    def under_board(self) -> float:
        """The board's lower face."""
        return -self.board.thickness

    @property
    def plug(self) -> float:
        """The centre line of the USB plug."""
        return self.under_board - self.board.usb.depth_z

    @property
    def button_foot(self) -> float:
        """Where a button's stem ends: just above the switch that it presses."""
        return self.board.button_height + PLAY / 2


def case_of(board: Shape = SHAPE) -> Case:
    """The lowest case that this board, its parts and a moulded plug fit into."""
    above = max(board.antenna_height, board.top_height, board.display_height)
    ceiling = above + 0.8
    plug = -board.thickness - board.usb.depth_z
    floor = min(plug - board.usb.plug[1] / 2 - 0.4, -board.thickness - board.bottom_height - 1.0)
    return Case(
        board=board,
        ceiling=round(ceiling, 2),
        top=round(ceiling + ROOF, 2),
        floor=round(floor, 2),
        bottom=round(floor - FLOOR, 2),
        split=0.0,
    )


CASE = case_of()
