"""The display as a pure function: what stands where on 128 x 64 points.

A picture is a tuple of (text, x, y, scale) with a font of 8 x 8 points, and signs as (name, x, y).
The hal draws it; a twin compares it.
"""

from reader import words as w

WIDTH = 128
HEIGHT = 64
SIGN_WIDTH = 34

TITLES = {
    w.LOOK_IDLE: "Ready",
    w.LOOK_ARMED: "Tap your card",
    w.LOOK_READING: "Hold still ...",
    w.LOOK_READ: "Remove card",
    w.LOOK_APPROVED: "Paid",
    w.LOOK_DECLINED: "Declined",
    w.LOOK_ERROR: "Error",
    w.LOOK_RETRY: "Once more",
    w.LOOK_CHECKING: "Checking ...",
    w.LOOK_TIP: "Tip?",
    w.LOOK_FAULT: "Out of order",
    w.LOOK_SAFE: "Safe mode",
}
SIGNS = {w.LOOK_APPROVED: "tick", w.LOOK_DECLINED: "cross", w.LOOK_ERROR: "cross"}
_WITH_AMOUNT = (
    w.LOOK_ARMED,
    w.LOOK_READING,
    w.LOOK_READ,
    w.LOOK_APPROVED,
    w.LOOK_RETRY,
    w.LOOK_CHECKING,
    w.LOOK_TIP,
)


def centred(text: str, y: int, scale: int, left: int = 0) -> tuple:
    """One line in the middle of what is right of `left`, cut where it is too long."""
    width = WIDTH - left
    text = text[: width // (8 * scale)]
    return (text, left + (width - 8 * scale * len(text)) // 2, y, scale)


def wrapped(text: str, width: int) -> list:
    """The text in rows of whole words, each cut where it is too long for a row."""
    rows = [""]
    for word in text.split():
        longer = (rows[-1] + " " + word).strip()
        if len(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(word[:width])
    return [row for row in rows if row]


def _reason(look: int, sign: str, reason: str) -> list:
    """A reason too long for one line: beside the sign, in up to five rows."""
    parts = [centred(TITLES[look], 0, 1), (sign, 0, 18)]
    for n, row in enumerate(wrapped(reason, 11)[:5]):
        parts.append((row, 40, 9 + 9 * n, 1))
    return parts


def picture(look: int, amount: str, currency: str, lines: tuple) -> tuple:
    """What is drawn for a look; the host's two lines go before the amount and the title."""
    if look == w.LOOK_OFF:
        return ()
    parts = [centred(lines[0] or TITLES.get(look, ""), 0, 1)]
    sign = SIGNS.get(look)
    if sign and look not in _WITH_AMOUNT and len(lines[0]) > WIDTH // 8:
        parts = _reason(look, sign, lines[0])
    elif amount and look in _WITH_AMOUNT:
        left = SIGN_WIDTH if sign else 0
        scale = 2 if len(amount) <= (WIDTH - left) // 16 else 1
        parts.append(centred(amount, 20, scale, left))
        parts.append(centred(currency, 40, 1, left))
    elif sign:
        parts.append((sign, 48, 14))
    if sign and amount and look in _WITH_AMOUNT:
        parts.append((sign, 0, 14))
    if lines[1]:
        parts.append(centred(lines[1], 54, 1))
    return tuple(parts)
