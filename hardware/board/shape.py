"""The board as the case sees it: outline, holes, heights and where a person looks and presses.

Millimetres. Origin: the rear left corner seen from above (the customer's side); x to the right,
y towards the customer, as in KiCad. Heights count from the board's own surface: top heights from
its upper face upwards, bottom heights from its lower face downwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A place on the board."""

    x: float
    y: float


@dataclass(frozen=True)
class Rect:
    """A rectangle parallel to the edges, by its centre."""

    centre: Point
    width: float
    height: float


@dataclass(frozen=True)
class Hole:
    """A mounting hole without copper; `keep_clear` is the diameter of the screw's head or boss."""

    centre: Point
    diameter: float
    keep_clear: float


@dataclass(frozen=True)
class Ring:
    """Lights on a circle: the first at the rear (twelve o'clock), then clockwise from above."""

    centre: Point
    diameter: float  # through the lights' centres
    count: int


@dataclass(frozen=True)
class Usb:
    """The Pico's micro-USB socket, on the board's lower side at the rear edge."""

    x: float  # the socket's centre
    face_y: float  # the socket's mouth; negative: it stands out over the rear edge
    depth_z: float  # the socket's centre line, below the board's lower face
    socket: tuple[float, float]  # width, height
    plug: tuple[float, float]  # the opening that a moulded plug needs


@dataclass(frozen=True)
class Shape:
    """Everything a case needs to know."""

    width: float
    height: float
    corner_radius: float
    thickness: float
    holes: tuple[Hole, ...]
    top_height: float  # the tallest part above
    bottom_height: float  # the tallest part below, cut pins included
    display_window: Rect  # what must stay open over the display's picture
    display_module: Rect
    display_height: float  # the glass's face above the board
    lights: tuple[Point, ...]  # the row of four, first to fourth
    light_size: float  # a light is a square of this side ...
    light_height: float  # ... and this high
    ring: Ring
    confirm: Point
    cancel: Point
    button_height: float  # the face of a button that nobody presses ...
    button_travel: float  # ... and how far it goes
    piezo: Rect
    piezo_height: float
    antenna: Rect  # the PN532 module that lies here on foam tape; no copper under it
    antenna_height: float  # the module's highest part above the board
    antenna_spacer: float  # the module's lower face above the board
    usb: Usb
    pico: Rect  # on the lower side


SHAPE = Shape(
    width=84.0,
    height=122.0,
    corner_radius=6.0,
    thickness=1.6,
    holes=tuple(
        Hole(Point(x, y), diameter=3.2, keep_clear=7.0) for x in (5.0, 79.0) for y in (5.0, 117.0)
    ),
    top_height=6.0,
    bottom_height=4.5,
    display_window=Rect(Point(42.0, 26.0), 25.0, 14.0),
    display_module=Rect(Point(42.0, 27.7), 27.4, 27.4),
    display_height=5.4,
    lights=tuple(Point(x, 8.0) for x in (27.0, 37.0, 47.0, 57.0)),
    light_size=5.0,
    light_height=1.6,
    ring=Ring(Point(42.0, 80.0), diameter=66.0, count=12),
    confirm=Point(17.0, 114.0),
    cancel=Point(67.0, 114.0),
    button_height=4.3,
    button_travel=0.25,
    piezo=Rect(Point(14.0, 44.0), 9.0, 9.0),
    piezo_height=1.9,
    antenna=Rect(Point(42.0, 80.0), 43.0, 41.0),
    antenna_height=6.0,
    antenna_spacer=3.2,
    usb=Usb(x=42.0, face_y=-1.3, depth_z=2.35, socket=(7.5, 2.7), plug=(12.0, 8.5)),
    pico=Rect(Point(42.0, 25.5), 21.0, 51.0),
)
