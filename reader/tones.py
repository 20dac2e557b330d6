"""The tones as a pure function of look and time. A melody is pairs of (Hz, ms); 0 Hz is a rest."""

from reader import words as w

MELODIES = {
    w.LOOK_READ: ((2600, 60),),  # read is not paid: short
    w.LOOK_APPROVED: ((1900, 500),),  # long
    w.LOOK_DECLINED: ((420, 180), (0, 120), (420, 180)),  # twice, low
    w.LOOK_ERROR: ((420, 180), (0, 120), (420, 180)),
    w.LOOK_RETRY: ((900, 90),),
}


def pitch(melody: tuple, t: int) -> int:
    """The tone in Hz `t` ms after the melody began; 0 is silence."""
    for hertz, ms in melody:
        if t < ms:
            return hertz
        t -= ms
    return 0


def parse(value) -> tuple:
    """The host's own melody: u16 Hz and u16 ms little-endian, at most 16 of them."""
    melody = []
    for at in range(0, min(len(value), 64) - 3, 4):
        hertz = value[at] | value[at + 1] << 8
        melody.append((hertz, value[at + 2] | value[at + 3] << 8))
    return tuple(melody)
