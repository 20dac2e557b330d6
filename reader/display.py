"""An SSD1306 of 128 x 64 points on I2C, drawn with MicroPython's framebuf. It may be missing."""

import framebuf

from reader.pins import DISPLAY_ADDRESS
from reader.screen import HEIGHT, WIDTH

# Commands of the SSD1306 data sheet §9, in the order of its start-up figure.
_START = (
    b"\xae\x20\x00\x40\xa1\xa8\x3f\xc8\xd3\x00\xda\x12"
    b"\xd5\x80\xd9\xf1\xdb\x30\x81\xff\xa4\xa6\x8d\x14\xaf"
)
_WHOLE = (0x21, 0, WIDTH - 1, 0x22, 0, HEIGHT // 8 - 1)
SIGN = 32


class Display:
    """The display, if one answers on the bus."""

    def __init__(self, bus) -> None:
        self._bus = bus
        self._bytes = bytearray(1 + WIDTH * HEIGHT // 8)
        self._bytes[0] = 0x40  # what follows is picture
        view = memoryview(self._bytes)[1:]
        self._frame = framebuf.FrameBuffer(view, WIDTH, HEIGHT, framebuf.MONO_VLSB)
        self._glyph_bytes = bytearray(8)
        self._glyph = framebuf.FrameBuffer(self._glyph_bytes, 8, 8, framebuf.MONO_VLSB)
        self.there = True
        self._command(_START)

    def _command(self, codes) -> None:
        try:
            for code in codes:
                self._bus.writeto(DISPLAY_ADDRESS, bytes((0x80, code)))
        except OSError:
            self.there = False

    def draw(self, picture: tuple) -> None:
        """Show a picture of `screen.picture`."""
        if not self.there:
            return
        self._frame.fill(0)
        for part in picture:
            if part[0] == "tick" and len(part) == 3:
                self._tick(part[1], part[2])
            elif part[0] == "cross" and len(part) == 3:
                self._cross(part[1], part[2])
            else:
                self._text(*part)
        self._command(_WHOLE)
        try:
            self._bus.writeto(DISPLAY_ADDRESS, self._bytes)
        except OSError:
            self.there = False

    def _text(self, text: str, x: int, y: int, scale: int) -> None:
        if scale == 1:
            self._frame.text(text, x, y)
            return
        for char in text:
            self._glyph.fill(0)
            self._glyph.text(char, 0, 0)
            for point in range(64):
                if self._glyph.pixel(point & 7, point >> 3):
                    at_x, at_y = x + scale * (point & 7), y + scale * (point >> 3)
                    self._frame.fill_rect(at_x, at_y, scale, scale, 1)
            x += 8 * scale

    def _tick(self, x: int, y: int) -> None:
        for thick in range(4):
            self._frame.line(x + 2, y + 16 + thick, x + 12, y + 26 + thick, 1)
            self._frame.line(x + 12, y + 26 + thick, x + 30, y + 4 + thick, 1)

    def _cross(self, x: int, y: int) -> None:
        for thick in range(4):
            self._frame.line(x + 2 + thick, y + 2, x + 26 + thick, y + 28, 1)
            self._frame.line(x + 26 + thick, y + 2, x + 2 + thick, y + 28, 1)
