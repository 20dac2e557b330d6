"""Footprints that KiCad's libraries lack: the Pico soldered flat by its edge, and the display."""

from __future__ import annotations

from hardware.board.sexpr import identity, node, quoted

# Raspberry Pi Pico data sheet, §2.1: 21 x 51 mm, 2.54 mm pitch, first pin 1.37 mm from the USB end.
PICO_WIDTH, PICO_HEIGHT = 21.0, 51.0
_PICO_ROW = 9.69  # pads reach outwards over the edge, so that an iron gets at them
_PICO_FIRST = -PICO_HEIGHT / 2 + 1.37
DISPLAY_SIDE = 27.4
DISPLAY_PINS_Y = -DISPLAY_SIDE / 2 + 1.8


def _line(layer: str, x: float, y: float, x2: float, y2: float, width: float) -> str:
    unique = node("tstamp", identity("fp line", layer, x, y, x2, y2))
    ends = (node("start", x, y), node("end", x2, y2))
    return node("fp_line", *ends, node("layer", quoted(layer)), node("width", width), unique)


def _rectangle(layer: str, half: float, top: float, bottom: float, width: float) -> list[str]:
    corners = [(-half, top), (half, top), (half, bottom), (-half, bottom), (-half, top)]
    return [_line(layer, *corners[i], *corners[i + 1], width) for i in range(4)]


def _text(kind: str, text: str, layer: str, x: float, y: float, size: float = 1.0) -> str:
    unique = node("tstamp", identity("fp text", kind, text, x, y))
    place = node("at", x, y)
    font = node("font", node("size", size, size), node("thickness", 0.15))
    return node(
        f"fp_text {kind}",
        quoted(text),
        place,
        node("layer", quoted(layer)),
        node("effects", font),
        unique,
    )


def _footprint(name: str, words: str, attribute: str, *items: str) -> str:
    head = (
        "(version 20211014)",
        "(generator taptill)",
        node("layer", quoted("F.Cu")),
        node("descr", quoted(words)),
        node("attr", attribute),
    )
    return node("footprint", quoted(name), *head, *items) + "\n"


def pico() -> str:
    """Castellated pads only: nothing goes through the board."""
    pads = []
    for number in range(1, 41):
        left = number <= 20
        row = number - 1 if left else 40 - number
        x = -_PICO_ROW if left else _PICO_ROW
        shape = "rect" if number == 1 else "roundrect"
        pads.append(
            node(
                f'pad "{number}" smd {shape}',
                node("at", x, _PICO_FIRST + 2.54 * row),
                node("size", 3.2, 1.6),
                '(layers "F.Cu" "F.Paste" "F.Mask")',
                *([] if number == 1 else ["(roundrect_rratio 0.25)"]),
                node("tstamp", identity("pico pad", number)),
            )
        )
    half, top, bottom = PICO_WIDTH / 2, -PICO_HEIGHT / 2, PICO_HEIGHT / 2
    usb = [(-3.75, top + 0.7), (-3.75, top + 4.3), (3.75, top + 4.3), (3.75, top + 0.7)]
    return _footprint(
        "RaspberryPi_Pico_Castellated",
        "Raspberry Pi Pico or Pico 2, soldered flat by its castellated edge",
        "smd",
        _text("reference", "REF**", "F.SilkS", 0, bottom + 1.6),
        _text("value", "Pico", "F.Fab", 0, 0),
        *_rectangle("F.Fab", half, top, bottom, 0.1),
        *_rectangle("F.CrtYd", half + 1.05, top - 0.25, bottom + 0.25, 0.05),
        _line("F.SilkS", -half, bottom, half, bottom, 0.15),
        *(
            _text("user", str(pin), "F.SilkS", x, _PICO_FIRST + 2.54 * row, 0.9)
            for pin, x, row in ((1, -12.5, 0), (20, -12.7, 19), (21, 12.7, 19), (40, 12.7, 0))
        ),
        *(_line("F.SilkS", *usb[i], *usb[i + 1], 0.15) for i in range(3)),
        *pads,
    )


def display() -> str:
    """A 0.96 inch module with four pins at its upper edge; it stands 2.5 mm over the board."""
    half = DISPLAY_SIDE / 2
    pads = [
        node(
            f'pad "{i + 1}" thru_hole {"rect" if i == 0 else "oval"}',
            node("at", -3.81 + 2.54 * i, DISPLAY_PINS_Y),
            node("size", 1.7, 1.7),
            node("drill", 1.0),
            '(layers "*.Cu" "*.Mask")',
            node("tstamp", identity("display pad", i)),
        )
        for i in range(4)
    ]
    return _footprint(
        "OLED_0.96_I2C_Module",
        "SSD1306 display module, 128 x 64, I2C, pins GND VCC SCL SDA",
        "through_hole",
        _text("reference", "REF**", "F.SilkS", 0, half - 1.6),
        _text("value", "OLED", "F.Fab", 0, 0),
        *_rectangle("F.SilkS", half, -half, half, 0.15),
        *_rectangle("F.CrtYd", half + 0.25, -half - 0.25, half + 0.25, 0.05),
        *_rectangle("F.Fab", 10.9, -7.1, 3.8, 0.1),
        *pads,
    )


def files() -> dict[str, str]:
    """File name -> text, for the .pretty folder."""
    return {
        "RaspberryPi_Pico_Castellated.kicad_mod": pico(),
        "OLED_0.96_I2C_Module.kicad_mod": display(),
    }
