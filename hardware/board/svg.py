"""A few strokes of SVG, written the same way every time."""

from __future__ import annotations

from html import escape


def _number(value: float) -> str:
    return f"{round(value, 2) + 0:g}"


def tag(name: str, text: str = "", /, **attributes: str | float) -> str:
    """One element; `stroke_width` becomes `stroke-width`."""
    words = [
        f'{key.replace("_", "-")}="{value if isinstance(value, str) else _number(value)}"'
        for key, value in attributes.items()
    ]
    head = " ".join([name, *words])
    return f"<{head}>{escape(text)}</{name}>" if text else f"<{head}/>"


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    round_: float = 0,
    **more: str | float,
) -> str:
    """A rectangle by its upper left corner."""
    return tag("rect", x=x, y=y, width=width, height=height, rx=round_, fill=fill, **more)


def dot(x: float, y: float, radius: float, fill: str, **more: str | float) -> str:
    return tag("circle", cx=x, cy=y, r=radius, fill=fill, **more)


def path(way: str, stroke: str, width: float, **more: str | float) -> str:
    return tag("path", d=way, fill="none", stroke=stroke, stroke_width=width, **more)


def words(
    text: str, x: float, y: float, size: float, fill: str = "#1d2a33", **more: str | float
) -> str:
    """A text; `text_anchor` says which end of it is here."""
    return tag("text", text, x=x, y=y, font_size=size, fill=fill, **more)


def picture(width: float, height: float, items: list[str], scale: float = 1) -> str:
    """The file."""
    head = tag(
        "svg",
        "\0",
        xmlns="http://www.w3.org/2000/svg",
        width=width * scale,
        height=height * scale,
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        font_family="DejaVu Sans, Helvetica, Arial, sans-serif",
    )
    return head.replace("\0", "\n" + "\n".join(items) + "\n") + "\n"
