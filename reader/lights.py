"""The lights as a pure function of look and time: four in a row (EMV), twelve in a ring.

Row: idle 1 blinks; armed 1 steady; reading 1 to 4 one after the other; read, all four. Ring:
approved a full turn that closes and stays; declined a cross of four that blinks. So the shape and
the movement say it too, never the colour alone.
"""

from reader import words as w

ROW = 4
RING = 12
COUNT = ROW + RING

GREEN = (0, 160, 0)
BLUE = (0, 60, 200)
ORANGE = (220, 90, 0)
WHITE = (90, 90, 90)


def _set(pixels, index: int, colour: tuple, percent: int) -> None:
    at = 3 * index
    pixels[at] = colour[0] * percent // 100
    pixels[at + 1] = colour[1] * percent // 100
    pixels[at + 2] = colour[2] * percent // 100


def _row(pixels, count: int, colour: tuple, percent: int) -> None:
    for i in range(count):
        _set(pixels, i, colour, percent)


def paint(pixels, look: int, t: int, percent: int) -> None:
    """Fill `pixels` (3 * COUNT bytes, RGB) for `look`, `t` ms after it began.

    `percent` is the brightness. Approved and declined flash in the rhythm of their tones, so
    that a reader with volume 0 still calls.
    """
    for i in range(len(pixels)):
        pixels[i] = 0
    if look == w.LOOK_IDLE:
        _row(pixels, 1 if t % 3000 < 150 else 0, GREEN, percent)
    elif look in (w.LOOK_ARMED, w.LOOK_TIP):
        _row(pixels, 1, GREEN, percent)
    elif look == w.LOOK_READING:
        _row(pixels, min(1 + t // 60, ROW), GREEN, percent)
    elif look == w.LOOK_READ:
        _row(pixels, ROW, GREEN, percent)
        _set(pixels, ROW + t // 80 % RING, WHITE, percent)
    elif look == w.LOOK_APPROVED:
        _approved(pixels, t, percent)
    elif look in (w.LOOK_DECLINED, w.LOOK_ERROR):
        _declined(pixels, t, percent)
    elif look == w.LOOK_RETRY:
        for i in range(RING):
            _set(pixels, ROW + i, ORANGE, percent if (i + t // 250) % 2 else 0)
    elif look == w.LOOK_CHECKING:
        for i in range(3):
            _set(pixels, ROW + (t // 120 + i) % RING, BLUE, percent)
    elif look in (w.LOOK_FAULT, w.LOOK_SAFE):
        _set(pixels, ROW - 1, ORANGE, percent if t % 1000 < 500 else 0)


def _approved(pixels, t: int, percent: int) -> None:
    lit = percent if t >= 600 or t % 200 < 120 else 0
    _row(pixels, ROW, BLUE, lit)
    for i in range(min(1 + t // 30, RING)):
        _set(pixels, ROW + i, BLUE, percent)


def _declined(pixels, t: int, percent: int) -> None:
    lit = percent if t % 400 < 250 else 0
    for i in range(0, RING, 3):
        _set(pixels, ROW + i, ORANGE, lit)
